//! One span or log record → what it says: translated by its dialects, and priced.
//!
//! ```text
//!   span         ─▶ dialects ─▶ pricing ─▶ Understood<Span>
//!        └─ what it says of other spans ─▶ Understood<LogRecord> as well
//!   log record   ─▶ dialects ─▶ pricing ─▶ Understood<LogRecord>
//!        └─ where it stands for a span ─▶ Understood<Span> as well
//! ```
//!
//! Whatever is understood goes through here: exports that arrive, stored rows that are reprocessed, and what `run`
//! counts. So all of them agree on what a record is.

use bytes::Bytes;

use crate::{
    decode::encode,
    dialects::{self, ExchangeHalf},
    model::{Dropped, LogRecord, Source, Span, SpanId, TraceId, Translation},
    pricing::{self, Prices},
};

/// A span or log record with its translation.
pub struct Understood<T> {
    /// The record. Of a log record without ids, the ids that its dialect gave it are filled in.
    pub item: T,
    /// Its OTLP protobuf message, as it was sent; of a span made from a log record, the message that it would have been.
    pub raw: Bytes,
    /// What the dialects read, with the cost of its model call in [`Translation::genai`].
    pub translation: Translation,
    /// Of a log record, which half of which exchange it is; `None` for most.
    pub half: Option<ExchangeHalf>,
}

/// Understands a span; `raw` is its OTLP protobuf message. Also returns the log records that it stands for: the scores
/// that it gives other spans.
pub fn span(span: Span, raw: Bytes, prices: &Prices) -> (Understood<Span>, Vec<Understood<LogRecord>>) {
    let mut translation = translated(&Source::from(&span), prices);
    translation.dropped = Dropped::of_content(&span);
    let made = dialects::evaluations_of_others(&span, &mut translation);
    let made = made.into_iter().map(|record| {
        let raw = Bytes::from(encode::log_bytes(&record));
        let translation = translated(&Source::from(&record), prices);
        Understood { item: record, raw, translation, half: None }
    });
    let made = made.collect();
    (Understood { item: span, raw, translation, half: None }, made)
}

/// Understands a log record; `raw` is its OTLP protobuf message. Also returns the span that it stands for, if its
/// dialect makes one of it.
///
/// `answers` is the span of the request whose response it is, where that is known ([`dialects::pairs`]): it belongs there,
/// and stands for no span of its own.
pub fn log(
    mut record: LogRecord,
    raw: Bytes,
    prices: &Prices,
    answers: Option<(TraceId, SpanId)>,
) -> (Understood<LogRecord>, Option<Understood<Span>>) {
    let half = dialects::half_of(&record);
    let mut made = None;
    if let Some((trace, span)) = answers {
        (record.trace, record.span) = (Some(trace), Some(span));
    } else if let Some(place) = dialects::place_of(&record) {
        (record.trace, record.span) = (Some(place.trace), Some(place.span));
        made = place.made.map(|made| {
            let raw = Bytes::from(encode::span_bytes(&made));
            span(made, raw, prices).0
        });
    }
    let mut translation = translated(&Source::from(&record), prices);
    // The span that is made of it has them as well.
    if made.is_none() {
        translation.dropped.attributes = record.dropped_attributes;
    }
    if answers.is_some() {
        dialects::confirm(&mut translation);
    }
    (Understood { item: record, raw, translation, half }, made)
}

fn translated(source: &Source, prices: &Prices) -> Translation {
    let mut translation = dialects::translate(source);
    translation.genai.cost = prices.price(&translation.genai, source.at);
    translation
}

/// The version of dialects and prices together. What another version understood has to be reprocessed.
#[must_use]
pub fn version() -> u32 {
    // One number that changes with either of the two: the price version is a hash, and that of the dialects a small
    // number, moved to the upper half.
    dialects::VERSION.rotate_left(16) ^ pricing::version()
}
