//! One group: the submissions that waited together, stored in one transaction.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use duckdb::{Connection, named_params, params, types::Value as Sql};

use super::{
    DatabaseError, Submission,
    pack::pack,
    prepared::{PreparedLog, PreparedSpan, Stored},
    reprocess,
    rows::{span_number, trace_number, uhugeints},
    stored_ids::StoredIds,
    stored_translation::{FetchedContents, search_text, stored_form},
    summaries::{Offer, Row, Summaries},
};
use crate::{
    decode::encode,
    model::{Changes, ContentId, Message, Resource, Scope, SessionId, SpanId, ToolDefinition, TraceId},
};

/// Everything that a group writes: the rows to append, and the rows to delete because new ones replace them.
#[derive(Default)]
pub struct GroupPlan<'a> {
    /// The chosen record of each span, in order of arrival.
    pub(super) spans: Vec<&'a PreparedSpan>,
    /// The log records that are not stored yet, with their ids.
    pub(super) logs: Vec<(ContentId, &'a PreparedLog)>,
    /// Messages and tool definitions that are not stored yet, by the hash of their stored form.
    contents: Vec<(ContentId, Content<'a>)>,
    /// Media that are not stored yet, by the hash of their bytes.
    blobs: HashMap<u128, &'a [u8]>,
    /// Which traces have which contents, as far as that is not stored yet.
    pub(super) trace_contents: Vec<(TraceId, ContentId)>,
    /// The resources of the group.
    resources: Interned<Resource>,
    /// The instrumentation scopes of the group.
    scopes: Interned<Scope>,
    /// New summaries, for the table `traces`.
    traces: Vec<Row>,
    /// Span rows to delete first, because a better record of the span came. Appending beside them and choosing when
    /// reading would make every query pay for what is rare; an index for `insert or replace` would make every span pay
    /// (`overwrite` in tests/bench).
    pub(super) gone_spans: Vec<(TraceId, SpanId)>,
    /// Rows of `traces` to delete first, because there is a new summary.
    gone_traces: Vec<TraceId>,
    /// The traces that got spans or log records, and those whose summary was due.
    pub(super) touched: HashSet<TraceId>,
    /// Those of `touched` whose summary has to wait, because they are large and were summarized a moment ago.
    later: Vec<TraceId>,
    /// The sessions that `touched` belong to now or belonged to before.
    sessions: HashSet<SessionId>,
}

/// A content to store.
enum Content<'a> {
    Message(&'a Message),
    Tools(&'a [ToolDefinition]),
}

/// The resources or scopes of a group. Each allocation is encoded and hashed once, however many spans share it.
struct Interned<T> {
    /// The id, a hash of the encoded form, by the address of the allocation.
    ids: HashMap<*const T, ContentId>,
    /// Encoded forms of those that are not stored yet.
    fresh: HashMap<ContentId, Vec<u8>>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { ids: HashMap::new(), fresh: HashMap::new() }
    }
}

impl<T> Interned<T> {
    /// Gives a resource or scope its id, and notes its encoded form if it is not stored yet.
    fn name(&mut self, thing: &Arc<T>, encode: fn(&T) -> Vec<u8>, is_known: impl Fn(u128) -> bool) {
        self.ids.entry(Arc::as_ptr(thing)).or_insert_with(|| {
            let bytes = encode(thing);
            let id = ContentId::of(&bytes);
            if !is_known(id.0) {
                self.fresh.insert(id, bytes);
            }
            id
        });
    }

    /// The id of a resource or scope that [`Interned::name`] was called with; 0 for any other.
    fn id(&self, thing: &Arc<T>) -> u128 {
        self.ids.get(&Arc::as_ptr(thing)).map_or(0, |id| id.0)
    }
}

impl<'a> GroupPlan<'a> {
    /// Decides what is stored of the submissions. Their digests are added to `summaries` at once; if the group is not
    /// committed, the caller must remove them with [`Summaries::forget`].
    pub fn new(
        connection: &Connection,
        stored_ids: &StoredIds,
        summaries: &mut Summaries,
        submissions: &[&'a Submission],
        now: Instant,
    ) -> Result<Self, DatabaseError> {
        let mut plan = Self { touched: summaries.due_at(now).into_iter().collect(), ..Self::default() };
        for submission in submissions {
            plan.touched.extend(submission.spans.iter().map(|span| span.row.trace));
            plan.touched.extend(submission.logs.iter().filter_map(|log| log.row.trace));
        }
        summaries.load_missing(connection, stored_ids, &plan.touched)?;
        plan.choose_spans(summaries, submissions);
        plan.choose_logs(stored_ids, summaries, submissions);
        let (spans, logs) = (plan.spans.clone(), plan.logs.clone());
        let mut fresh = HashSet::new();
        for (trace, stored) in spans
            .iter()
            .map(|span| (Some(span.row.trace), &span.stored))
            .chain(logs.iter().map(|(_, log)| (log.row.trace, &log.stored)))
        {
            plan.add_contents(stored_ids, summaries, &mut fresh, trace, stored);
        }
        let (rows, later, sessions) = summaries.settle(&plan.touched, now);
        plan.gone_traces = rows.iter().map(|row| row.trace).filter(|trace| stored_ids.traces.contains(trace)).collect();
        (plan.traces, plan.later, plan.sessions) = (rows, later, sessions);
        Ok(plan)
    }

    /// Chooses the record of each span: the most complete one, whether stored or new; of equally complete ones the
    /// latest.
    fn choose_spans(&mut self, summaries: &mut Summaries, submissions: &[&'a Submission]) {
        let mut places = HashMap::new();
        for span in submissions.iter().flat_map(|submission| &submission.spans) {
            let key = (span.row.trace, span.row.id);
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
    /// different ones, and so their number among them is hashed too.
    fn choose_logs(&mut self, stored_ids: &StoredIds, summaries: &mut Summaries, submissions: &[&'a Submission]) {
        let mut taken = HashSet::new();
        for submission in submissions {
            let mut times = HashMap::new();
            for log in &submission.logs {
                self.name(stored_ids, &log.stored);
                let mut identity = blake3::Hasher::new();
                identity.update(&log.digest.0.to_be_bytes());
                identity.update(&self.resources.id(&log.stored.resource).to_be_bytes());
                identity.update(&self.scopes.id(&log.stored.scope).to_be_bytes());
                identity.update(log.project.as_str().as_bytes());
                let times = times.entry(identity.finalize()).or_insert(0_u64);
                identity.update(&times.to_be_bytes());
                *times += 1;
                let id = ContentId::of(identity.finalize().as_bytes());
                if stored_ids.logs.contains(&id.0) || !taken.insert(id) {
                    continue;
                }
                if let Some(trace) = log.row.trace {
                    summaries.add_log(trace, &log.facts);
                }
                self.logs.push((id, log));
            }
        }
    }

    /// Gives the resource and the scope of a record their ids.
    fn name(&mut self, stored_ids: &StoredIds, stored: &Stored) {
        self.resources.name(&stored.resource, encode::resource_bytes, |id| stored_ids.resources.contains(&id));
        self.scopes.name(&stored.scope, encode::scope_bytes, |id| stored_ids.scopes.contains(&id));
    }

    /// Adds the contents of a record that are not stored yet, and notes which of them are new to its trace.
    fn add_contents(
        &mut self,
        stored_ids: &StoredIds,
        summaries: &mut Summaries,
        fresh: &mut HashSet<ContentId>,
        trace: Option<TraceId>,
        stored: &'a Stored,
    ) {
        for id in self.add_new_contents(stored_ids, fresh, stored) {
            if let Some(trace) = trace
                && summaries.is_new_content(trace, id)
            {
                self.trace_contents.push((trace, id));
            }
        }
    }

    /// Adds the contents, media, resource and scope of a record that are not stored yet; `fresh` are the contents that
    /// this group adds. Returns the ids of all contents of the record.
    pub(super) fn add_new_contents(
        &mut self,
        stored_ids: &StoredIds,
        fresh: &mut HashSet<ContentId>,
        stored: &'a Stored,
    ) -> Vec<ContentId> {
        self.name(stored_ids, stored);
        for blob in stored.blobs.iter().filter(|blob| !stored_ids.blobs.contains(&blob.id)) {
            self.blobs.insert(blob.id, &blob.bytes);
        }
        let messages = stored.contents.messages.iter().map(|(id, message)| (*id, Content::Message(message)));
        let tools = stored.contents.tools.iter().map(|(id, tools)| (*id, Content::Tools(tools)));
        let mut all = Vec::new();
        for (id, content) in messages.chain(tools) {
            all.push(id);
            if !stored_ids.has_content(id) && fresh.insert(id) {
                self.contents.push((id, content));
            }
        }
        all
    }

    /// Deletes and appends the rows, inside a transaction of the caller's.
    pub fn write(&self, connection: &Connection) -> Result<(), DatabaseError> {
        self.delete(connection)?;
        self.append_spans(connection)?;
        self.append_logs(connection)?;
        self.append_contents(connection)?;
        self.append_traces(connection)
    }

    /// Deletes the rows that others replace.
    fn delete(&self, connection: &Connection) -> Result<(), DatabaseError> {
        if !self.gone_spans.is_empty() {
            let traces = uhugeints(self.gone_spans.iter().map(|(trace, _)| trace_number(trace)));
            let ids = Sql::List(self.gone_spans.iter().map(|(_, id)| Sql::UBigInt(span_number(*id))).collect());
            let sql = include_str!("queries/delete_spans.sql");
            connection.prepare_cached(sql)?.execute(named_params! { "traces": traces, "ids": ids })?;
        }
        if !self.gone_traces.is_empty() {
            let traces = uhugeints(self.gone_traces.iter().map(trace_number));
            let sql = include_str!("queries/delete_traces.sql");
            connection.prepare_cached(sql)?.execute(named_params! { "traces": traces })?;
        }
        Ok(())
    }

    /// Appends the rows of `spans`. The order of the values is that of the table's columns.
    fn append_spans(&self, connection: &Connection) -> Result<(), DatabaseError> {
        if self.spans.is_empty() {
            return Ok(());
        }
        let version = reprocess::version();
        let mut table = connection.appender("spans")?;
        for span in &self.spans {
            let (row, columns, stored) = (&span.row, &span.columns, &span.stored);
            table.append_row(params![
                trace_number(&row.trace),
                span_number(row.id),
                row.parent.map(span_number),
                row.project.as_str(),
                row.name,
                row.kind.as_str(),
                row.status.code.as_str(),
                row.status.message,
                row.started.0,
                row.ended.map(|ended| ended.0),
                row.service,
                row.scope_name,
                row.scope_version,
                row.synthetic,
                span.weight,
                self.resources.id(&stored.resource),
                self.scopes.id(&stored.scope),
                columns.category.as_str(),
                columns.session,
                columns.user,
                columns.framework,
                columns.provider,
                columns.model,
                columns.agent,
                columns.tool,
                columns.usage.uncached_input,
                columns.usage.cache_read,
                columns.usage.cache_write,
                columns.usage.output,
                columns.usage.reasoning,
                columns.cost.map(|cost| cost.0),
                version,
                stored.understood,
                stored.raw,
            ])?;
        }
        Ok(table.flush()?)
    }

    /// Appends the rows of `logs`, values in the order of the columns.
    fn append_logs(&self, connection: &Connection) -> Result<(), DatabaseError> {
        if self.logs.is_empty() {
            return Ok(());
        }
        let version = reprocess::version();
        let mut table = connection.appender("logs")?;
        for (id, log) in &self.logs {
            let (row, stored) = (&log.row, &log.stored);
            table.append_row(params![
                id.0,
                row.trace.as_ref().map(trace_number),
                row.span.map(span_number),
                log.project.as_str(),
                row.at.0,
                row.name,
                row.severity,
                row.severity_text,
                row.text,
                log.session,
                self.resources.id(&stored.resource),
                self.scopes.id(&stored.scope),
                version,
                stored.understood,
                stored.raw,
                row.position,
            ])?;
        }
        Ok(table.flush()?)
    }

    /// Appends contents, their traces, media, resources and scopes.
    fn append_contents(&self, connection: &Connection) -> Result<(), DatabaseError> {
        if !self.contents.is_empty() {
            let mut table = connection.appender("contents")?;
            for (id, content) in &self.contents {
                let (kind, body, text) = match content {
                    Content::Message(message) => {
                        (FetchedContents::MESSAGE, stored_form(*message), Some(search_text(message)))
                    }
                    Content::Tools(tools) => (FetchedContents::TOOLS, stored_form(*tools), None),
                };
                table.append_row(params![id.0, kind, pack(&body), text])?;
            }
            table.flush()?;
        }
        if !self.trace_contents.is_empty() {
            let mut table = connection.appender("trace_contents")?;
            for (trace, content) in &self.trace_contents {
                table.append_row(params![trace_number(trace), content.0])?;
            }
            table.flush()?;
        }
        if !self.blobs.is_empty() {
            let mut table = connection.appender("blobs")?;
            for (id, bytes) in &self.blobs {
                table.append_row(params![id, bytes])?;
            }
            table.flush()?;
        }
        for (name, fresh) in [("resources", &self.resources.fresh), ("scopes", &self.scopes.fresh)] {
            if !fresh.is_empty() {
                let mut table = connection.appender(name)?;
                for (id, bytes) in fresh {
                    table.append_row(params![id.0, bytes])?;
                }
                table.flush()?;
            }
        }
        Ok(())
    }

    /// Appends the rows of `traces`, values in the order of the columns.
    fn append_traces(&self, connection: &Connection) -> Result<(), DatabaseError> {
        if self.traces.is_empty() {
            return Ok(());
        }
        let mut table = connection.appender("traces")?;
        for Row { trace, settled, from } in &self.traces {
            let totals = &settled.totals;
            table.append_row(params![
                trace_number(trace),
                settled.project.as_str(),
                settled.name,
                settled.session.as_ref().map(SessionId::as_str),
                settled.user,
                settled.service,
                settled.framework,
                settled.question,
                settled.started.0,
                settled.ended.map(|ended| ended.0),
                settled.last_seen.0,
                settled.state.as_str(),
                settled.spans,
                settled.models.iter().map(|model| model.replace('\n', " ")).collect::<Vec<_>>().join("\n"),
                totals.usage.uncached_input,
                totals.usage.cache_read,
                totals.usage.cache_write,
                totals.usage.output,
                totals.usage.reasoning,
                totals.cost.0,
                totals.priced,
                totals.unpriced,
                totals.model_calls,
                totals.tool_calls,
                totals.failed_tools,
                totals.errors,
                settled.has_ai,
                *from as u64,
            ])?;
        }
        Ok(table.flush()?)
    }

    /// To be called after the commit: adds what was stored to the stored ids, and marks in `summaries` which traces
    /// were summarized. Returns what changed.
    pub fn committed(self, stored_ids: &mut StoredIds, summaries: &mut Summaries, now: Instant) -> Changes {
        stored_ids.contents.extend(self.contents.iter().map(|(id, _)| id.0));
        stored_ids.blobs.extend(self.blobs.keys());
        stored_ids.resources.extend(self.resources.fresh.keys().map(|id| id.0));
        stored_ids.scopes.extend(self.scopes.fresh.keys().map(|id| id.0));
        stored_ids.logs.extend(self.logs.iter().map(|(id, _)| id.0));
        stored_ids.traces.extend(self.traces.iter().map(|row| row.trace));
        let (spans, logs) = (self.spans.len() as u64, self.logs.len() as u64);
        summaries.committed(self.traces, self.later, now);
        let mut changes = Changes { spans, logs, ..Changes::default() };
        changes.merge(Changes {
            traces: self.touched.into_iter().collect(),
            sessions: self.sessions.into_iter().collect(),
            ..Changes::default()
        });
        changes
    }
}
