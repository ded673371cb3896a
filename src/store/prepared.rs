//! What is submitted: spans and log records made ready off the writer's thread, so that it only has to append.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    blobs::{self, Blob},
    pack::pack,
    stored_translation::{self, Contents},
};
use crate::{
    assemble::SpanDigest,
    decode::encode,
    dialects,
    model::{
        Category, ContentId, LogRecord, LogRow, Project, Resource, Scope, Source, Span, SpanRow, TokenUsage,
        Translation, Usd, Value,
    },
    pricing::Prices,
};

/// One export, waiting to be stored.
#[derive(Default)]
pub struct Submission {
    pub spans: Vec<PreparedSpan>,
    pub logs: Vec<PreparedLog>,
    /// The size of what was sent: as much of the store's patience is used up until it is answered.
    pub bytes: usize,
}

impl Submission {
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.logs.is_empty()
    }
}

/// A span, ready to be stored.
pub struct PreparedSpan {
    /// Without its translation, which is `stored` and `columns`.
    pub(super) row: SpanRow,
    pub(super) weight: u32,
    pub(super) columns: SpanColumns,
    pub(super) facts: SpanDigest,
    pub(super) stored: Stored,
}

impl PreparedSpan {
    /// Understands and prices a span, and makes it ready; `raw` is its OTLP protobuf message.
    pub fn understood(span: Span, raw: Bytes, prices: &Prices) -> Self {
        let mut translation = dialects::translate(&Source::from(&span));
        translation.genai.cost = prices.price(&translation.genai, span.started);
        Self::new(span, raw, translation)
    }

    /// Serialises, hashes and compresses; `raw` is the span's OTLP protobuf message.
    #[expect(clippy::needless_pass_by_value, reason = "the bytes are given up here, and with them what was received")]
    pub fn new(span: Span, raw: Bytes, mut translation: Translation) -> Self {
        let blobs = blobs::set_apart(&mut translation);
        let weight = u32::try_from(span.attributes.len() + span.events.len()).unwrap_or(u32::MAX);
        let mut row = SpanRow::of(&span, Arc::new(translation));
        let facts = SpanDigest::of_span(&row);
        let translation = Arc::unwrap_or_clone(std::mem::take(&mut row.translation));
        let columns = SpanColumns::of(&translation);
        Self { row, weight, columns, facts, stored: Stored::new(translation, blobs, &raw, span.resource, span.scope) }
    }

    /// Of two records of one span, the one that has ended is the better, then the fuller; of equals, the later.
    pub(super) fn rank(&self) -> Rank {
        (self.row.ended.is_some(), self.weight)
    }
}

/// How complete a record of a span is: whether it has ended, and how many attributes and events it has.
pub type Rank = (bool, u32);

/// A log record, ready to be stored.
pub struct PreparedLog {
    pub(super) project: Project,
    /// Without its translation, which is `stored`.
    pub(super) row: LogRow,
    pub(super) session: Option<String>,
    pub(super) facts: SpanDigest,
    pub(super) stored: Stored,
    /// The hash of `raw`.
    pub(super) digest: ContentId,
}

impl PreparedLog {
    /// Understands and prices a log record, and makes it ready, with the span that it stands for, if it does.
    ///
    /// `position` is its place among the records of its export, see [`LogRow::position`]; `raw` is its OTLP protobuf
    /// message, which stays as it was sent.
    pub fn understood(
        mut record: LogRecord,
        position: u32,
        raw: Bytes,
        prices: &Prices,
    ) -> (Self, Option<PreparedSpan>) {
        let mut made = None;
        if let Some(place) = dialects::place_of(&record) {
            (record.trace, record.span) = (Some(place.trace), Some(place.span));
            made = place.made.map(|span| {
                let raw = Bytes::from(encode::span_bytes(&span));
                PreparedSpan::understood(span, raw, prices)
            });
        }
        let mut translation = dialects::translate(&Source::from(&record));
        translation.genai.cost = prices.price(&translation.genai, record.time());
        (Self::new(record, position, raw, translation), made)
    }

    /// Serialises, hashes and compresses; `raw` is the record's OTLP protobuf message.
    #[expect(clippy::needless_pass_by_value, reason = "the bytes are given up here, and with them what was received")]
    pub fn new(record: LogRecord, position: u32, raw: Bytes, mut translation: Translation) -> Self {
        let blobs = blobs::set_apart(&mut translation);
        let has_no_message =
            translation.readings.iter().all(|reading| reading.prompt.is_empty() && reading.completion.is_empty());
        let text = if has_no_message && record.body != Value::Null { record.body.to_text() } else { String::new() };
        let session = translation.context.session.clone();
        let mut row = LogRow {
            at: record.time(),
            position,
            trace: record.trace,
            span: record.span,
            name: record.name,
            severity: record.severity,
            severity_text: record.severity_text,
            text,
            translation: Arc::new(translation),
        };
        let facts = SpanDigest::of_log(&row);
        let translation = Arc::unwrap_or_clone(std::mem::take(&mut row.translation));
        let stored = Stored::new(translation, blobs, &raw, record.resource, record.scope);
        Self { project: record.project, row, session, facts, stored, digest: ContentId::of(&raw) }
    }
}

/// What spans and log records have alike.
pub struct Stored {
    pub understood: Vec<u8>,
    pub contents: Contents,
    pub blobs: Vec<Blob>,
    pub raw: Vec<u8>,
    pub resource: Arc<Resource>,
    pub scope: Arc<Scope>,
}

impl Stored {
    fn new(translation: Translation, blobs: Vec<Blob>, raw: &[u8], resource: Arc<Resource>, scope: Arc<Scope>) -> Self {
        let (understood, contents) = stored_translation::split(translation);
        Self { understood, contents, blobs, raw: pack(raw), resource, scope }
    }
}

/// What a translation understood, as columns.
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
