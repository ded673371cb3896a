//! One group: the submissions that waited together, stored in one transaction. Decides which rows are written and which
//! are deleted; `append` does it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Instant,
};

use duckdb::Connection;

use super::{
    DatabaseError, Submission, found_by,
    hash_ids::{BlobId, LogId, LogIdentity, ResourceId, ScopeId},
    interned::Interned,
    placements::Placements,
    prepared::{PreparedLog, PreparedSpan, Stored},
    rows::trace_number,
    stored_ids::StoredIds,
    summaries::{Offer, Summaries, Summarized},
};
use crate::{
    decode::encode,
    model::{Changes, ContentId, Message, Resource, Scope, SessionId, SpanId, Timestamp, ToolDefinition, TraceId},
};

/// Most summaries that are made because they are due, in a group without submissions.
const DUE_WHILE_IDLE: usize = 256;
/// The same in a group with submissions, whose senders wait.
const DUE_BESIDE_OTHERS: usize = 32;

/// Everything that a group writes: the rows to append, and the rows to delete because new ones replace them.
#[derive(Default)]
pub struct GroupPlan<'a> {
    /// The chosen record of each span, in order of arrival.
    pub(super) spans: Vec<&'a PreparedSpan>,
    /// The log records that are not stored yet, and those that are somewhere else now, with their ids.
    pub(super) logs: Vec<(LogId, &'a PreparedLog)>,
    /// How many of them are somewhere else now.
    pub(super) moved_logs: usize,
    /// Messages, tool definitions and pieces of raw forms that are not stored yet, by their hashes.
    pub(super) contents: Vec<(ContentId, Content<'a>)>,
    /// Media that are not stored yet, by the hash of their bytes.
    pub(super) blobs: HashMap<BlobId, &'a [u8]>,
    /// Which traces have which contents, as far as that is not stored yet.
    pub(super) trace_contents: Vec<(TraceId, ContentId)>,
    /// Which contents its log records without a trace have.
    pub(super) log_contents: BTreeSet<(LogId, ContentId)>,
    /// The attributes by which the traces of the group are found, as `trace_attributes` has them.
    pub(super) attributes: HashMap<TraceId, String>,
    /// The resources of the group.
    pub(super) resources: Interned<Resource, ResourceId>,
    /// The instrumentation scopes of the group.
    pub(super) scopes: Interned<Scope, ScopeId>,
    /// What came of the traces that it touches: the rows for the table `traces`, and which have to wait.
    pub(super) summarized: Summarized,
    /// Span rows to delete first, because a better record of the span came. Appending beside them and choosing when
    /// reading would make every query pay for what is rare; an index for `insert or replace` would make every span pay
    /// (`overwrite` in tests/bench).
    pub(super) gone_spans: Vec<(TraceId, SpanId)>,
    /// Rows of `traces` to delete first, because there is a new summary.
    pub(super) gone_traces: Vec<TraceId>,
    /// When programs ended that had left traces unfinished, of traces of which something is stored.
    pub(super) program_ends: Vec<(TraceId, Timestamp)>,
    /// The traces that got spans or log records, those whose program ended, and those whose summary was due.
    pub(super) touched: HashSet<TraceId>,
}

/// A content to store.
pub(super) enum Content<'a> {
    Message(&'a Message),
    Tools(&'a [ToolDefinition]),
    Piece(&'a [u8]),
}

impl<'a> GroupPlan<'a> {
    /// Decides what is stored of the submissions, and of what `placements` move. Their digests are added to
    /// `summaries` at once; if the group is not committed, the caller must remove them with [`Summaries::forget`].
    pub fn new(
        connection: &Connection,
        stored_ids: &mut StoredIds,
        summaries: &mut Summaries,
        submissions: &[&'a Submission],
        placements: &'a Placements,
        now: Instant,
    ) -> Result<Self, DatabaseError> {
        let is_idle = submissions.is_empty() && placements.adopted.is_empty();
        let most = if is_idle { DUE_WHILE_IDLE } else { DUE_BESIDE_OTHERS };
        let due = summaries.due_at(now, most);
        let mut plan = Self { touched: due.into_iter().chain(summaries.made()).collect(), ..Self::default() };
        for submission in submissions {
            plan.touched.extend(submission.spans.iter().map(|span| span.row.trace));
            plan.touched.extend(submission.logs.iter().filter_map(|log| log.row.trace));
        }
        plan.touched.extend(placements.traces());
        let ends = submissions.iter().flat_map(|submission| &submission.program_ends);
        let is_known =
            |trace: &TraceId| stored_ids.traces.may_have(trace_number(trace)) || plan.touched.contains(trace);
        plan.program_ends = ends.filter(|(trace, _)| is_known(trace)).copied().collect();
        plan.touched.extend(plan.program_ends.iter().map(|(trace, _)| *trace));
        summaries.load_missing(connection, stored_ids, &plan.touched)?;
        plan.choose_spans(summaries, submissions, placements);
        plan.choose_logs(connection, stored_ids, summaries, submissions, placements)?;
        plan.program_ends.retain(|(trace, ended)| summaries.note_program_end(*trace, *ended));
        let (spans, logs) = (plan.spans.clone(), plan.logs.clone());
        let mut added = HashSet::new();
        for span in spans {
            plan.add_contents(summaries, &mut added, span.row.trace, &span.stored);
        }
        for (id, log) in logs {
            match log.row.trace {
                Some(trace) => plan.add_contents(summaries, &mut added, trace, &log.stored),
                None => plan.add_contents_of_log(&mut added, id, &log.stored),
            }
        }
        plan.drop_stored(connection, stored_ids)?;
        plan.attributes = found_by::of_group(plan.found_by());
        plan.summarized = summaries.summarize(&plan.touched, now);
        let Summarized { rows, emptied, .. } = &plan.summarized;
        let replaced = rows.iter().map(|row| row.trace).filter(|trace| stored_ids.traces.may_have(trace_number(trace)));
        plan.gone_traces = replaced.chain(emptied.iter().copied()).collect();
        Ok(plan)
    }

    /// The traces of which nothing is stored any more.
    pub(super) fn emptied(&self) -> &[TraceId] {
        &self.summarized.emptied
    }

    /// The trace of each span of the plan, and the lines by which it is found.
    pub(super) fn found_by(&self) -> impl Iterator<Item = (TraceId, &'a [String])> {
        self.spans.iter().map(|span| (span.row.trace, &span.found_by[..]))
    }

    /// Chooses the record of each span: the one of the highest rank, whether stored or new, so that the order in which they
    /// come decides nothing.
    fn choose_spans(&mut self, summaries: &mut Summaries, submissions: &[&'a Submission], placements: &'a Placements) {
        let mut places = HashMap::new();
        for span in submissions.iter().flat_map(|submission| &submission.spans).chain(&placements.made) {
            let key = (span.row.trace, span.row.id);
            if placements.unmade.contains(&key) {
                continue;
            }
            match (summaries.offer(span), places.get(&key)) {
                (Offer::Worse, _) => {}
                (_, Some(&place)) => {
                    let slot: Option<&mut &PreparedSpan> = self.spans.get_mut(place);
                    if let Some(slot) = slot {
                        *slot = span;
                    }
                }
                (offer, None) => {
                    if offer == Offer::Better {
                        self.gone_spans.push(key);
                    }
                    places.insert(key, self.spans.len());
                    self.spans.push(span);
                }
            }
        }
    }

    /// Chooses the log records that are not stored yet. A log record has no id, so its id is a hash of its content,
    /// resource, scope and project: an equal record is the same one, sent again. Equal records in one submission are
    /// different ones, and so their number among them is hashed too. Records without a time are never the same one: a
    /// program may say the same every hour. For those the time of arrival is hashed.
    fn choose_logs(
        &mut self,
        connection: &Connection,
        stored_ids: &mut StoredIds,
        summaries: &mut Summaries,
        submissions: &[&'a Submission],
        placements: &'a Placements,
    ) -> Result<(), DatabaseError> {
        for (id, log) in &placements.moved {
            if let Some(trace) = log.row.trace {
                summaries.add_log(trace, &log.digest);
            }
            self.logs.push((*id, log));
        }
        self.moved_logs = placements.moved.len();
        let mut sent: Vec<(LogId, &PreparedLog)> = Vec::new();
        let mut arrivals = Timestamp::now().0..;
        for submission in submissions {
            let mut equal = HashMap::new();
            for log in &submission.logs {
                let (resource, scope) = self.intern(&log.stored);
                let identity = LogIdentity { raw: log.raw_hash, resource, scope, project: log.project.as_str() };
                let before = equal.entry(identity.hash()).or_insert(0);
                let number = match log.row.at.known() {
                    Some(_) => *before,
                    None => arrivals.next().unwrap_or(*before),
                };
                sent.push((identity.id(number), log));
                *before += 1;
            }
        }
        let mut new = stored_ids.logs.not_stored(connection, sent.iter().map(|(id, _)| *id))?;
        for (id, _) in &placements.moved {
            // Its row was deleted just now, and is written anew.
            new.remove(id);
        }
        for (id, log) in sent {
            if !new.remove(&id) {
                continue;
            }
            let log = placements.placed.get(&id).unwrap_or(log);
            if let Some(trace) = log.row.trace {
                summaries.add_log(trace, &log.digest);
            }
            self.logs.push((id, log));
        }
        Ok(())
    }

    /// The ids of the resource and the scope of a record.
    fn intern(&mut self, stored: &Stored) -> (ResourceId, ScopeId) {
        let Stored { resource, scope, .. } = stored;
        (
            self.resources.intern(resource, encode::resource_bytes, ResourceId::of),
            self.scopes.intern(scope, encode::scope_bytes, ScopeId::of),
        )
    }

    /// Adds the contents of a record, and notes which of them are new to its trace.
    fn add_contents(
        &mut self,
        summaries: &mut Summaries,
        added: &mut HashSet<ContentId>,
        trace: TraceId,
        stored: &'a Stored,
    ) {
        for id in self.add_all_contents(added, stored) {
            if summaries.is_new_content(trace, id) {
                self.trace_contents.push((trace, id));
            }
        }
    }

    /// Adds the contents of a log record without a trace, and notes all that it has.
    pub(super) fn add_contents_of_log(&mut self, added: &mut HashSet<ContentId>, log: LogId, stored: &'a Stored) {
        let contents = self.add_all_contents(added, stored);
        self.log_contents.extend(contents.into_iter().map(|content| (log, content)));
    }

    /// Adds the contents, media, resource and scope of a record, and the ids of its contents to `added`. Returns those of all
    /// of them. What is stored already is dropped later, see [`Self::drop_stored`].
    pub(super) fn add_all_contents(&mut self, added: &mut HashSet<ContentId>, stored: &'a Stored) -> Vec<ContentId> {
        self.intern(stored);
        for blob in &stored.blobs {
            self.blobs.insert(blob.id, &blob.bytes);
        }
        let messages = stored.contents.messages.iter().map(|(id, message)| (*id, Content::Message(message)));
        let tools = stored.contents.tools.iter().map(|(id, tools)| (*id, Content::Tools(tools)));
        let pieces = stored.raw.pieces.iter().map(|(id, piece)| (*id, Content::Piece(piece)));
        let mut all = Vec::new();
        for (id, content) in messages.chain(tools).chain(pieces) {
            all.push(id);
            if added.insert(id) {
                self.contents.push((id, content));
            }
        }
        all
    }

    /// Drops the contents, media, resources and scopes that are stored already.
    pub(super) fn drop_stored(
        &mut self,
        connection: &Connection,
        stored_ids: &mut StoredIds,
    ) -> Result<(), DatabaseError> {
        let new = stored_ids.contents.not_stored(connection, self.contents.iter().map(|(id, _)| *id))?;
        self.contents.retain(|(id, _)| new.contains(id));
        let new = stored_ids.blobs.not_stored(connection, self.blobs.keys().copied())?;
        self.blobs.retain(|id, _| new.contains(id));
        let new = stored_ids.resources.not_stored(connection, self.resources.new.keys().copied())?;
        self.resources.new.retain(|id, _| new.contains(id));
        let new = stored_ids.scopes.not_stored(connection, self.scopes.new.keys().copied())?;
        self.scopes.new.retain(|id, _| new.contains(id));
        Ok(())
    }

    /// To be called after the commit: adds what was stored to the stored ids, and marks in `summaries` which traces
    /// were summarized. Returns what changed.
    pub fn committed(self, stored_ids: &mut StoredIds, summaries: &mut Summaries, now: Instant) -> Changes {
        stored_ids.contents.add(self.contents.iter().map(|(id, _)| *id));
        stored_ids.blobs.add(self.blobs.keys().copied());
        stored_ids.resources.add(self.resources.new.keys().copied());
        stored_ids.scopes.add(self.scopes.new.keys().copied());
        stored_ids.logs.add(self.logs.iter().map(|(id, _)| *id));
        // Of the others that were touched something is stored, also of those whose row has to wait. Of those of which nothing is
        // any more, who removes what is left of them takes out the ids.
        let emptied: HashSet<TraceId> = self.summarized.emptied.iter().copied().collect();
        stored_ids.traces.add(self.touched.iter().filter(|trace| !emptied.contains(trace)).map(trace_number));
        let (spans, logs) = (self.spans.len() as u64, (self.logs.len() - self.moved_logs) as u64);
        let unsummarized = self.logs.iter().filter(|(_, log)| log.row.trace.is_none());
        let named = unsummarized.filter_map(|(_, log)| log.session.as_deref()).map(SessionId::from);
        let sessions = self.summarized.sessions.iter().cloned().chain(named).collect();
        summaries.committed(self.summarized, now);
        let mut changes = Changes { spans, logs, ..Changes::default() };
        changes.merge(Changes { traces: self.touched.into_iter().collect(), sessions, ..Changes::default() });
        changes
    }
}
