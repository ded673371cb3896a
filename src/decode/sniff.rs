//! Which signal and which encoding a file holds, by its content.

use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

use super::{
    Encoding, Signal, metrics,
    wire::{self, Content, WireError},
};

/// Tells what a body is; `None` for what is no OTLP request. Of JSON lines it looks at the first.
#[must_use]
pub fn sniff(body: &[u8]) -> Option<(Signal, Encoding)> {
    sniff_all(body).into_iter().next()
}

/// Tells all that a body is, in the order in which it comes: one JSON text may hold several signals, and is then
/// to be read as each of them.
#[must_use]
pub fn sniff_all(body: &[u8]) -> Vec<(Signal, Encoding)> {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    if text.starts_with(b"{") {
        let mut found = Vec::new();
        // What is cut off, or followed by another line, still told what it is.
        let _ = serde_json::Deserializer::from_slice(text).deserialize_map(Keys(&mut found));
        found.into_iter().map(|signal| (signal, Encoding::Json)).collect()
    } else {
        let found = protobuf(body).ok().flatten();
        found.map(|signal| (signal, Encoding::Protobuf)).into_iter().collect()
    }
}

struct Keys<'a>(&'a mut Vec<Signal>);

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an OTLP request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "resourceSpans" | "resource_spans" => self.0.push(Signal::Traces),
                "resourceLogs" | "resource_logs" => self.0.push(Signal::Logs),
                "resourceMetrics" | "resource_metrics" => self.0.push(Signal::Metrics),
                _ => {}
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// The three requests have the same shape down to their items, so the first item that says what it is decides. A
/// request without any could be of each of them; it is called traces.
fn protobuf(body: &[u8]) -> Result<Option<Signal>, WireError> {
    let mut decided = None;
    let mut plausible = !body.is_empty();
    for field in wire::fields(body) {
        let field = field?;
        plausible &= field.number == 1;
        for part in wire::fields(field.bytes()?) {
            let part = part?;
            plausible &= matches!(part.number, 1..=3 | 1000);
            if part.number != 2 || decided.is_some() {
                continue;
            }
            for item in wire::messages(part.bytes()?, 2) {
                decided = signal_of(item?);
                if decided.is_some() {
                    break;
                }
            }
        }
    }
    Ok(plausible.then(|| decided.unwrap_or(Signal::Traces)))
}

/// Times tell spans and log records: fields 7 and 8 are a span's, 1 and 11 a record's, and a metric has none. Without
/// times, a name and data make a metric, ids of the right length a span, and what a record has beside its time a record.
fn signal_of(item: &[u8]) -> Option<Signal> {
    let fields = wire::fields(item).collect::<Result<Vec<_>, _>>().ok()?;
    let is = |number: u32, content: fn(&Content) -> bool| {
        fields.iter().any(|field| field.number == number && content(&field.content))
    };
    if is(7, is_fixed) || is(8, is_fixed) {
        Some(Signal::Traces)
    } else if is(1, is_fixed) || is(11, is_fixed) {
        Some(Signal::Logs)
    } else if is(1, is_name) && metrics::KINDS.iter().any(|kind| is(*kind, |data| length(data).is_some())) {
        Some(Signal::Metrics)
    } else if is(1, |id| length(id) == Some(16)) && is(2, |id| length(id) == Some(8)) {
        Some(Signal::Traces)
    } else {
        let body_or_attributes = [5, 6].iter().any(|number| is(*number, |sent| length(sent).is_some()));
        (is(2, |severity| *severity == Content::Varint) || body_or_attributes).then_some(Signal::Logs)
    }
}

fn is_fixed(content: &Content) -> bool {
    *content == Content::Fixed64
}

/// Whether it is a text that could name a metric, which sixteen random bytes are not.
fn is_name(content: &Content) -> bool {
    let Content::Bytes(bytes) = content else { return false };
    std::str::from_utf8(bytes).is_ok_and(|text| !text.is_empty() && !text.contains(char::is_control))
}

fn length(content: &Content) -> Option<usize> {
    if let Content::Bytes(bytes) = content { Some(bytes.len()) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_by_its_keys() {
        let told = |text: &str| sniff_all(text.as_bytes()).into_iter().map(|(signal, _)| signal).collect::<Vec<_>>();
        assert_eq!(told("\u{feff} {\"x\":[{}],\"resource_spans\":[]}"), [Signal::Traces]);
        assert_eq!(told(r#"{"resourceLogs":[],"resourceMetrics":[]}"#), [Signal::Logs, Signal::Metrics]);
        assert_eq!(told("{\"resourceLogs\":[]}\n{\"resourceSpans\":[]}\n"), [Signal::Logs]);
        assert_eq!(told(r#"{"resourceSpans":[{"cut":"o"#), [Signal::Traces]);
        for other in ["{}", "[]", "", "{\"a\":1}", "{", "# notes\n", "\n\n\n"] {
            assert_eq!(told(other), [], "{other}");
        }
    }

    #[test]
    fn protobuf_is_told_by_what_an_item_looks_like() {
        let item = |item: &[u8]| {
            let wrap =
                |inner: &[u8], number: u8| [&[number << 3 | 2, u8::try_from(inner.len()).unwrap()], inner].concat();
            sniff(&wrap(&wrap(&wrap(item, 2), 2), 1))
        };
        let protobuf = |signal| Some((signal, Encoding::Protobuf));
        assert_eq!(item(b"\x0a\x10\xff23456789abcdef0\x12\x0812345678"), protobuf(Signal::Traces));
        assert_eq!(item(b"\x41........\x2a\x04name"), protobuf(Signal::Traces));
        assert_eq!(item(b"\x59........"), protobuf(Signal::Logs));
        assert_eq!(item(b"\x10\x09\x2a\x04\x0a\x02hi"), protobuf(Signal::Logs));
        assert_eq!(item(b"\x0a\x10token.usage.sum.\x12\x08all used\x3a\x02\x0a\x00"), protobuf(Signal::Metrics));
        assert_eq!(sniff(b"\x0a\x00"), protobuf(Signal::Traces));
        assert_eq!(sniff(b"\x0a\x05abc"), None);
        assert_eq!(sniff(b"\x12\x00"), None);
    }
}
