//! One span or log record → what it says: translated by its dialects, and priced.
//!
//! ```text
//!   span         ─▶ dialects ─▶ pricing ─▶ Understood<Span>
//!   log record   ─▶ dialects ─▶ pricing ─▶ Understood<LogRecord>
//!        └─ where it stands for a span ─▶ Understood<Span> as well
//! ```
//!
//! Whatever is understood goes through here: exports that arrive, stored rows that are reprocessed, and what `run`
//! counts. So all of them agree on what a record is.

use bytes::Bytes;

use crate::{
    decode::encode,
    dialects,
    model::{LogRecord, Source, Span, Translation},
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
}

/// Understands a span; `raw` is its OTLP protobuf message.
pub fn span(span: Span, raw: Bytes, prices: &Prices) -> Understood<Span> {
    let translation = translated(&Source::from(&span), prices);
    Understood { item: span, raw, translation }
}

/// Understands a log record; `raw` is its OTLP protobuf message. Also returns the span that it stands for, if its
/// dialect makes one of it.
pub fn log(mut record: LogRecord, raw: Bytes, prices: &Prices) -> (Understood<LogRecord>, Option<Understood<Span>>) {
    let mut made = None;
    if let Some(place) = dialects::place_of(&record) {
        (record.trace, record.span) = (Some(place.trace), Some(place.span));
        made = place.made.map(|made| {
            let raw = Bytes::from(encode::span_bytes(&made));
            span(made, raw, prices)
        });
    }
    let translation = translated(&Source::from(&record), prices);
    (Understood { item: record, raw, translation }, made)
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
