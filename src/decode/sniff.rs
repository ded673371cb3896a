//! Finds out which signals and which encoding a file has, by its content.

use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

use super::{
    Encoding, Signal, metrics,
    wire::{self, Content, WireError},
};

/// The first signal of a body, and its encoding; `None` if it is no OTLP request. Of several lines of JSON it reads the
/// first.
#[must_use]
pub fn sniff(body: &[u8]) -> Option<(Signal, Encoding)> {
    sniff_all(body).into_iter().next()
}

/// All signals of a body in order, with its encoding. One JSON text may have several signals; it is then a request of each.
#[must_use]
pub fn sniff_all(body: &[u8]) -> Vec<(Signal, Encoding)> {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    if text.starts_with(b"{") {
        let mut found = Vec::new();
        // A text that is cut off, or followed by another line, has had its first keys read before the error.
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

/// The signal of a request in protobuf; `None` if it is no request. The requests of all signals have the same structure
/// down to their items, so the first item that can be recognised decides. A request without such an item counts as traces.
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

/// The signal of an item; `None` if it cannot be recognised. Fields of times decide first: 7 and 8 are those of a span, 1
/// and 11 those of a log record, and a metric has none. An item without times is a metric if it has a name and data, a span
/// if it has ids of the right lengths, and a log record if it has a severity, a body or attributes.
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

/// Whether a field is a text that can name a metric. The sixteen random bytes of a trace id are almost never one.
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
    fn json_is_recognised_by_its_keys() {
        let signals = |text: &str| sniff_all(text.as_bytes()).into_iter().map(|(signal, _)| signal).collect::<Vec<_>>();
        assert_eq!(signals("\u{feff} {\"x\":[{}],\"resource_spans\":[]}"), [Signal::Traces]);
        assert_eq!(signals(r#"{"resourceLogs":[],"resourceMetrics":[]}"#), [Signal::Logs, Signal::Metrics]);
        assert_eq!(signals("{\"resourceLogs\":[]}\n{\"resourceSpans\":[]}\n"), [Signal::Logs]);
        assert_eq!(signals(r#"{"resourceSpans":[{"cut":"o"#), [Signal::Traces]);
        for other in ["{}", "[]", "", "{\"a\":1}", "{", "# notes\n", "\n\n\n"] {
            assert_eq!(signals(other), [], "{other}");
        }
    }

    #[test]
    fn protobuf_is_recognised_by_the_fields_of_an_item() {
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
