//! What is submitted: spans and log records made ready off the writer's thread, so that it only has to append.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    blobs::{self, Blob},
    found_by,
    hash_ids::RawLogHash,
    listed,
    pieces::PackedRaw,
    stored_translation::{self, Contents},
};
use crate::{
    assemble::SpanDigest,
    decode::encode,
    dialects::ExchangeHalf,
    model::{
        Category, LogRecord, LogRow, Project, Rank, Resource, Scope, Span, SpanRow, Timestamp, TokenUsage, TraceId,
        Translation, Usd,
    },
    understand::Understood,
};

/// One export, waiting to be stored.
#[derive(Default)]
pub struct Submission {
    pub spans: Vec<PreparedSpan>,
    pub logs: Vec<PreparedLog>,
    /// Traces that a program left unfinished which has ended since, and when it ended.
    pub program_ends: Vec<(TraceId, Timestamp)>,
    /// Bytes of the export as it was sent, decompressed: as much room it takes in the queue.
    pub bytes: usize,
}

impl Submission {
    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.logs.is_empty() && self.program_ends.is_empty()
    }
}

/// A span, ready to be stored.
pub struct PreparedSpan {
    /// Its row. The translation in it is empty: it is in `stored` and `columns`.
    pub(super) row: SpanRow,
    /// Of several records of the span, the one of the highest rank is stored.
    pub(super) rank: Rank,
    pub(super) columns: SpanColumns,
    /// What the summary of its trace is made from.
    pub(super) digest: SpanDigest,
    /// The lines of its attributes by which its trace is found.
    pub(super) found_by: Vec<String>,
    pub(super) stored: Stored,
}

impl PreparedSpan {
    /// Serialises, hashes and compresses a span.
    pub fn new(Understood { item: span, raw, mut translation, half: _ }: Understood<Span>) -> Self {
        let blobs = blobs::take_out(&mut translation);
        listed::cut_translation(&mut translation);
        let rank = span.rank(&raw);
        let mut row = SpanRow::of(&span, Arc::default());
        listed::cut_span(&mut row, &mut translation);
        row.translation = Arc::new(translation);
        let digest = SpanDigest::of_span(&row);
        let translation = Arc::unwrap_or_clone(std::mem::take(&mut row.translation));
        let columns = SpanColumns::of(&translation);
        let found_by = found_by::lines(&span);
        let stored = Stored::new(translation, blobs, &raw, span.resource, span.scope);
        Self { row, rank, columns, digest, found_by, stored }
    }
}

/// A log record, ready to be stored.
pub struct PreparedLog {
    pub(super) project: Project,
    /// Its row. The translation in it is empty: it is in `stored`.
    pub(super) row: LogRow,
    /// The session that the record names itself.
    pub(super) session: Option<String>,
    /// What the summary of its trace is made from.
    pub(super) digest: SpanDigest,
    pub(super) stored: Stored,
    pub(super) raw_hash: RawLogHash,
    /// Which half of which exchange it is; `None` for most records, and for one without a time, which is never sent again.
    pub(super) half: Option<ExchangeHalf>,
}

impl PreparedLog {
    /// Serialises, hashes and compresses a log record. `position` is its place among the records of its export, see
    /// [`LogRow::position`].
    pub fn new(Understood { item: record, raw, mut translation, half }: Understood<LogRecord>, position: u32) -> Self {
        let raw_hash = raw_hash(&record, &raw);
        let blobs = blobs::take_out(&mut translation);
        listed::cut_translation(&mut translation);
        let session = translation.context.session.clone();
        let mut row = LogRow::of(&record, position, Arc::new(translation));
        listed::cut_log(&mut row);
        let digest = SpanDigest::of_log(&row);
        let translation = Arc::unwrap_or_clone(std::mem::take(&mut row.translation));
        let stored = Stored::new(translation, blobs, &raw, record.resource, record.scope);
        let half = half.filter(|_| row.at.known().is_some());
        Self { project: record.project, row, session, digest, stored, raw_hash, half }
    }
}

/// The hash by which a record that is sent again is known. A time that is only that of its arrival is left out.
fn raw_hash(record: &LogRecord, raw: &[u8]) -> RawLogHash {
    if !record.is_timed_on_arrival() {
        return RawLogHash::of(raw);
    }
    let timeless = LogRecord { at: Timestamp::default(), observed: Timestamp::default(), ..record.clone() };
    RawLogHash::of(&encode::log_bytes(&timeless))
}

/// What spans and log records have alike.
pub struct Stored {
    /// The translation in its stored form: ids stand for `contents`.
    pub understood: Vec<u8>,
    /// The messages and tool definitions of the translation.
    pub contents: Contents,
    /// The media of those messages.
    pub blobs: Vec<Blob>,
    /// The OTLP protobuf message, packed.
    pub raw: PackedRaw,
    pub resource: Arc<Resource>,
    pub scope: Arc<Scope>,
}

impl Stored {
    fn new(
        translation: Translation,
        blobs: Vec<Blob>,
        raw: &Bytes,
        resource: Arc<Resource>,
        scope: Arc<Scope>,
    ) -> Self {
        let (understood, contents) = stored_translation::split(translation);
        Self { understood, contents, blobs, raw: PackedRaw::new(raw), resource, scope }
    }
}

/// What is in a translation, as columns of `spans`; `None` is null.
pub struct SpanColumns {
    pub category: Category,
    pub session: Option<String>,
    pub user: Option<String>,
    pub framework: Option<String>,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub agent: Option<String>,
    pub tool: Option<String>,
    pub usage: TokenUsage,
    pub cost: Option<Usd>,
}

impl SpanColumns {
    fn of(Translation { context, genai, .. }: &Translation) -> Self {
        Self {
            category: genai.category,
            session: context.session.clone(),
            user: context.user.clone(),
            framework: context.framework.clone(),
            provider: genai.provider.clone(),
            model: genai.model.clone().or_else(|| genai.response_model.clone()),
            agent: genai.agent.clone(),
            tool: genai.tool.as_ref().and_then(|tool| tool.name.clone()),
            usage: genai.usage.unwrap_or_default(),
            cost: genai.cost.as_ref().map(|cost| cost.total),
        }
    }
}
