//! How much memory the items of a request take once they are decoded and understood, estimated before that is done.
//!
//! The size of a body says little about it: an empty attribute is two bytes to send and a hundred in memory. So the body
//! is walked once, nothing is allocated, and everything that becomes an allocation of its own is counted. The weights
//! are upper bounds of what was measured at the peak of a body that consists of one thing only.

use super::{Encoding, Signal, wire};

/// Bytes that a byte of text takes: it is decoded, translated, searched, stored and kept raw.
const TEXT: usize = 4;
/// Bytes that a span or log record takes beside its texts: its row, columns, digest and stored form, and the summary of a
/// trace of its own.
const ITEM: usize = 6 << 10;
/// Bytes that an attribute, event, link or value takes beside its texts. Links are the largest, and all of them are
/// collected into lists that grow by doubling.
const PART: usize = 192;
/// Deepest nesting that is walked. `prost` rejects what is nested deeper.
const DEEPEST: usize = 100;

/// Estimates the bytes of memory that a request takes until it is stored. Metrics are only counted, so they take none.
/// What cannot be read is not counted: it is rejected before it takes any.
#[must_use]
pub fn memory(body: &[u8], signal: Signal, encoding: Encoding) -> usize {
    match (signal, encoding) {
        (Signal::Metrics, _) => body.len(),
        (Signal::Traces, Encoding::Protobuf) => of_message(body, Shape::Request(Item::Span), 0),
        (Signal::Logs, Encoding::Protobuf) => of_message(body, Shape::Request(Item::Log), 0),
        (Signal::Traces | Signal::Logs, Encoding::Json) => {
            of_json(body, false).saturating_add(body.len().saturating_mul(TEXT))
        }
    }
}

/// What a message of a request is, as far as the walk needs it: which of its fields are messages again.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// A request of such items, and what is in it for each resource and for each scope.
    Request(Item),
    ByResource(Item),
    ByScope(Item),
    Item(Item),
    /// A resource, scope, event or link: its attributes are the field of this number.
    WithAttributes(u32),
    KeyValue,
    AnyValue,
    /// A list of values.
    Array,
    /// A list of keys with values.
    Map,
    Text,
}

/// A span, or a log record.
#[derive(Debug, Clone, Copy)]
enum Item {
    Span,
    Log,
}

impl Shape {
    /// The shape of the field of this number.
    fn field(self, number: u32) -> Self {
        match (self, number) {
            (Self::Request(item), 1) => Self::ByResource(item),
            (Self::ByResource(_), 1) => Self::WithAttributes(1),
            (Self::ByResource(item), 2) => Self::ByScope(item),
            (Self::ByScope(_), 1) | (Self::Item(Item::Span), 11) => Self::WithAttributes(3),
            (Self::ByScope(item), 2) => Self::Item(item),
            (Self::Item(Item::Span), 9) | (Self::Item(Item::Log), 6) | (Self::Map, 1) => Self::KeyValue,
            (Self::Item(Item::Span), 13) => Self::WithAttributes(4),
            (Self::Item(Item::Log), 5) | (Self::KeyValue, 2) | (Self::Array, 1) => Self::AnyValue,
            (Self::AnyValue, 5) => Self::Array,
            (Self::AnyValue, 6) => Self::Map,
            (Self::WithAttributes(attributes), number) if number == attributes => Self::KeyValue,
            _ => Self::Text,
        }
    }

    /// Bytes that such a message takes beside what is in it.
    fn weight(self) -> usize {
        match self {
            Self::Item(_) => ITEM,
            Self::Text => 0,
            _ => PART,
        }
    }
}

/// The bytes that a message takes, with all that is in it.
fn of_message(message: &[u8], shape: Shape, depth: usize) -> usize {
    let mut bytes = shape.weight();
    for field in wire::fields(message) {
        let Ok(field) = field else { break };
        let wire::Content::Bytes(content) = field.content else { continue };
        bytes = bytes.saturating_add(match shape.field(field.number) {
            Shape::Text => of_text(content),
            nested if depth < DEEPEST => of_message(content, nested, depth + 1),
            _ => 0,
        });
    }
    bytes
}

/// The bytes that a text takes. Dialects read a text that looks like JSON as JSON.
fn of_text(text: &[u8]) -> usize {
    let plain = text.len().saturating_mul(TEXT);
    match text.trim_ascii_start().first() {
        Some(b'[' | b'{' | b'"') => plain.saturating_add(of_json(text, true)),
        _ => plain,
    }
}

/// The bytes that the values of a JSON text take, by its marks, beside the bytes of the text. `is_message` if dialects
/// read the text; else they read the strings in it.
fn of_json(text: &[u8], is_message: bool) -> usize {
    /// Bytes for a `{`, `[`, `,` and `:` of a text that is decoded once.
    const DECODED: [usize; 4] = [96, 48, 40, 64];
    /// The same for one that is made into messages: those are parted, hashed and serialised.
    const UNDERSTOOD: [usize; 4] = [384, 48, 40, 128];
    let (mut decoded, mut understood) = ([0_usize; 4], [0_usize; 4]);
    let (mut in_string, mut is_escaped) = (is_message, false);
    for byte in text {
        let count = if in_string { &mut understood } else { &mut decoded };
        match byte {
            b'{' => count[0] += 1,
            b'[' => count[1] += 1,
            b',' => count[2] += 1,
            b':' => count[3] += 1,
            b'"' if !is_escaped && !is_message => in_string = !in_string,
            _ => {}
        }
        is_escaped = *byte == b'\\' && !is_escaped;
    }
    let sum = |counts: [usize; 4], weights: [usize; 4]| -> usize {
        counts.into_iter().zip(weights).map(|(count, weight)| count.saturating_mul(weight)).sum()
    };
    sum(decoded, DECODED).saturating_add(sum(understood, UNDERSTOOD))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of protobuf: number (below 16) and bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2];
        prost::encode_length_delimiter(bytes.len(), &mut out).unwrap();
        out.extend_from_slice(bytes);
        out
    }

    fn request(span: &[u8]) -> Vec<u8> {
        field(1, &field(2, &field(2, span)))
    }

    #[test]
    fn what_is_small_to_send_and_large_in_memory_is_counted_as_large() {
        const MANY: usize = 10_000;
        let names = [field(5, b"a"), field(9, b""), field(11, b""), field(13, b"")];
        let weights = names.map(|name| memory(&request(&name.repeat(MANY)), Signal::Traces, Encoding::Protobuf));
        assert!(weights[0] < 64 << 10, "{weights:?}");
        assert!(weights[1..].iter().all(|weight| *weight >= MANY * PART), "{weights:?}");
        let rejected = field(1, &field(2, &field(2, b"").repeat(MANY)));
        assert!(memory(&rejected, Signal::Traces, Encoding::Protobuf) >= MANY * ITEM);
        let nested = field(9, &field(2, &field(5, &field(1, b"").repeat(MANY))));
        assert!(memory(&request(&nested), Signal::Traces, Encoding::Protobuf) >= MANY * PART);
    }

    #[test]
    fn json_is_counted_in_texts_and_in_texts_of_texts() {
        let many = "{},".repeat(1000);
        let messages = field(9, &field(2, &field(1, format!("[{many}0]").as_bytes())));
        assert!(memory(&request(&messages), Signal::Traces, Encoding::Protobuf) > 1000 * 384);
        let prose = field(9, &field(2, &field(1, "{},".repeat(1000).replace('{', "x").as_bytes())));
        assert!(memory(&request(&prose), Signal::Traces, Encoding::Protobuf) < 32 << 10);
        let as_value = format!(r#"{{"a":[{many}0]}}"#);
        let as_text = format!(r#"{{"a":"[{many}0]"}}"#);
        let of = |text: &str| memory(text.as_bytes(), Signal::Traces, Encoding::Json);
        assert!(of(&as_value) > 100_000 && of(&as_text) > 2 * of(&as_value), "{} {}", of(&as_value), of(&as_text));
    }

    #[test]
    fn deep_and_broken_bodies_end_the_walk() {
        let mut value = Vec::new();
        for _ in 0..5_000 {
            value = field(5, &field(1, &value));
        }
        let deep = request(&field(9, &field(2, &value)));
        assert!(memory(&deep, Signal::Traces, Encoding::Protobuf) < 1 << 20);
        assert!(memory(b"\x0a\xff", Signal::Logs, Encoding::Protobuf) < 1 << 10);
        assert_eq!(memory(b"abc", Signal::Metrics, Encoding::Json), 3);
    }
}
