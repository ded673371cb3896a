//! Reads a request in protobuf: resource ▸ scope ▸ item, a structure that traces and logs share.
//!
//! It is walked field by field, and each message in it is decoded on its own: `prost` rejects a whole request for one text
//! that is not UTF-8, and the bytes of each item are kept as they were sent.

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::{common::v1::InstrumentationScope, resource::v1 as resource};
use prost::Message as _;

use super::{Decoded, Malformed, Received, value, wire};
use crate::model::{Resource, Scope};

/// Reads every item of a request. `what` is what the reasons call a rejected one. Several requests, one after another, are
/// one request, as any messages in protobuf are.
pub(super) fn read<T>(
    body: &Bytes,
    what: &str,
    item: impl Fn(&[u8], &Arc<Resource>, &Arc<Scope>) -> Result<T, Malformed>,
) -> Result<Decoded<T>, Malformed> {
    let mut decoded = Decoded::default();
    for under_resource in wire::messages(body, 1) {
        let under_resource = Level::of(under_resource?)?;
        let resource = under_resource.resource().map(Arc::new);
        for under_scope in wire::messages(under_resource.whole, 2) {
            let under_scope = Level::of(under_scope?)?;
            let scope = under_scope.scope().map(Arc::new);
            for (raw, number) in wire::messages(under_scope.whole, 2).zip(1_u64..) {
                let raw = raw?;
                match (&resource, &scope) {
                    (Ok(resource), Ok(scope)) => match item(raw, resource, scope) {
                        Ok(item) => decoded.items.push(Received { item, raw: body.slice_ref(raw) }),
                        Err(error) => {
                            decoded.reject(|| format!("{what} {number} of scope `{:.80}`: {error}", scope.name));
                        }
                    },
                    (Err(error), _) => decoded.reject(|| format!("{what} {number}: its resource: {error}")),
                    (_, Err(error)) => decoded.reject(|| format!("{what} {number}: its scope: {error}")),
                }
            }
        }
    }
    Ok(decoded)
}

/// Reads back what [`super::encode::resource_bytes`] wrote.
///
/// # Errors
/// [`Malformed`] for anything else.
pub fn resource_from_raw(raw: &[u8]) -> Result<Resource, Malformed> {
    Level::of(raw)?.resource()
}

/// Reads back what [`super::encode::scope_bytes`] wrote.
///
/// # Errors
/// [`Malformed`] for anything else.
pub fn scope_from_raw(raw: &[u8]) -> Result<Scope, Malformed> {
    Level::of(raw)?.scope()
}

/// A `ResourceSpans` or a `ScopeSpans` (or the same of logs): field 1 is the resource or scope of all its items,
/// field 2 the items, field 3 the schema URL. Field 1000, which OTLP had before 2022, is skipped.
struct Level<'a> {
    whole: &'a [u8],
    /// The resource or scope: the last one if several were sent, and empty, which is a message too, if none was.
    common: &'a [u8],
    schema_url: &'a [u8],
}

impl<'a> Level<'a> {
    fn of(whole: &'a [u8]) -> Result<Self, wire::WireError> {
        let mut level = Self { whole, common: &[], schema_url: &[] };
        for field in wire::fields(whole) {
            let field = field?;
            match field.number {
                1 => level.common = field.bytes()?,
                2 => drop(field.bytes()?),
                3 => level.schema_url = field.bytes()?,
                _ => {}
            }
        }
        Ok(level)
    }

    fn resource(&self) -> Result<Resource, Malformed> {
        let sent = resource::Resource::decode(self.common)?;
        Ok(Resource {
            attributes: value::attributes(sent.attributes),
            dropped_attributes: sent.dropped_attributes_count,
            schema_url: self.schema_url()?,
        })
    }

    fn scope(&self) -> Result<Scope, Malformed> {
        let sent = InstrumentationScope::decode(self.common)?;
        Ok(Scope {
            name: sent.name,
            version: sent.version,
            attributes: value::attributes(sent.attributes),
            dropped_attributes: sent.dropped_attributes_count,
            schema_url: self.schema_url()?,
        })
    }

    fn schema_url(&self) -> Result<String, Malformed> {
        std::str::from_utf8(self.schema_url).map(str::to_owned).map_err(|_| Malformed::SchemaUrl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decode::{Encoding, logs, metrics, traces},
        model::Project,
    };

    /// A message of one field after another: number (below 16) and bytes.
    fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (number, bytes) in fields {
            out.push(number << 3 | 2);
            prost::encode_length_delimiter(bytes.len(), &mut out).unwrap();
            out.extend_from_slice(bytes);
        }
        out
    }

    fn span(name: &[u8]) -> Vec<u8> {
        message(&[(1, &[1; 16]), (2, &[2; 8]), (5, name)])
    }

    fn request(resource: &[u8], scope: &[u8], spans: &[Vec<u8>]) -> Vec<u8> {
        let mut fields = vec![(1, scope)];
        fields.extend(spans.iter().map(|span| (2, span.as_slice())));
        // The resource may well come after what lies under it.
        message(&[(1, &message(&[(2, &message(&fields)), (1, resource)]))])
    }

    fn read(body: Vec<u8>) -> Result<Decoded<crate::model::Span>, Malformed> {
        traces(&Project::default(), &body.into(), Encoding::Protobuf)
    }

    #[test]
    fn a_bad_span_in_the_middle_costs_only_itself() {
        let zero = message(&[(1, &[0; 16]), (2, &[2; 8])]);
        let short = message(&[(1, &[1; 16]), (2, &[2; 4])]);
        let cut = vec![0x2a, 9, b'x'];
        let spans = [span(b"first"), span(b"\xff\xfe"), zero, short, cut, span(b"last")];
        let decoded = read(request(b"", &message(&[(1, b"lib")]), &spans)).unwrap();
        let names = decoded.items.iter().map(|received| received.item.name.as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["first", "last"]);
        assert_eq!(decoded.items[1].raw, span(b"last"));
        let reasons = [
            "span 2 of scope `lib`: in Span.name: invalid string value: data is not UTF-8 encoded",
            "span 3 of scope `lib`: trace id: an id of zeroes",
            "span 4 of scope `lib`: span id: an id of 4 bytes; 8 are needed",
            "span 5 of scope `lib`: in Span.name: buffer underflow",
        ];
        assert_eq!(decoded.reasons, reasons);
    }

    #[test]
    fn an_undecodable_resource_or_scope_rejects_what_lies_under_it() {
        let bad = message(&[(1, &message(&[(1, b"\xff")]))]);
        let mut body = request(&bad, b"", &[span(b"a"), span(b"b")]);
        body.extend(request(b"", &message(&[(1, b"\xff")]), &[span(b"c")]));
        body.extend(request(b"", b"", &[span(b"d")]));
        let decoded = read(body).unwrap();
        assert_eq!((decoded.items.len(), decoded.reasons.len()), (1, 3));
        assert!(decoded.reasons[0].starts_with("span 1: its resource: "), "{}", decoded.reasons[0]);
        assert!(decoded.reasons[2].starts_with("span 1: its scope: "), "{}", decoded.reasons[2]);
    }

    #[test]
    fn requests_one_after_another_are_one_and_nothing_is_a_request_too() {
        let mut body = request(b"", b"", &[span(b"a")]);
        body.extend(request(b"", b"", &[]));
        body.extend(message(&[(15, b"of a later version")]));
        body.extend(request(b"", b"", &[span(b"b")]));
        assert_eq!(read(body).unwrap().items.len(), 2);
        assert_eq!(read(Vec::new()).unwrap(), Decoded::default());
    }

    #[test]
    fn a_body_that_cannot_be_walked_is_malformed() {
        let whole = request(b"", b"", &[span(b"a")]);
        for cut in 1..whole.len() {
            let cut = Bytes::copy_from_slice(&whole[..cut]);
            assert!(matches!(traces(&Project::default(), &cut, Encoding::Protobuf), Err(Malformed::Wire(_))));
            assert!(logs(&Project::default(), &cut, Encoding::Protobuf).is_err());
            assert!(metrics(&cut, Encoding::Protobuf).is_err());
        }
        assert!(read(b"\x0b\x0c".to_vec()).is_err());
        assert_eq!(
            read(b"\x0a\x05hell".to_vec()).unwrap_err().to_string(),
            "not protobuf: it ends in the middle of a field"
        );
    }

    #[test]
    fn a_value_nested_too_deep_rejects_its_span() {
        let mut value = Vec::new();
        for _ in 0..5_000 {
            value = message(&[(5, &message(&[(1, &value)]))]);
        }
        let deep = [span(b"deep"), message(&[(9, &message(&[(1, b"key"), (2, &value)]))])].concat();
        let decoded = read(request(b"", b"", &[deep, span(b"flat")])).unwrap();
        assert_eq!(decoded.items.len(), 1);
        assert_eq!(decoded.reasons, ["span 1 of scope ``: in Span.attributes: recursion limit reached"]);
    }

    #[test]
    fn a_parent_of_wrong_length_is_no_parent_and_numbers_out_of_range_say_nothing() {
        let mut odd = span(b"odd");
        odd.extend(message(&[(4, &[7; 3])]));
        odd.extend([6 << 3, 99]);
        odd.extend(message(&[(15, &[3 << 3, 77])]));
        let decoded = read(request(b"", b"", &[odd])).unwrap();
        let span = &decoded.items[0].item;
        assert_eq!((span.parent, span.kind.as_str(), span.status.code.as_str()), (None, "internal", "unset"));
        assert_eq!(span.ended, None);
    }

    #[test]
    fn many_bad_spans_do_not_cost_a_sentence_each() {
        let decoded = read(request(b"", b"", &vec![Vec::new(); 1000])).unwrap();
        assert_eq!((decoded.rejected, decoded.reasons.len()), (1000, 100));
    }

    #[test]
    fn data_points_are_counted() {
        let points = message(&[(1, b""), (1, b"")]);
        let metric = message(&[(1, b"tokens"), (7, &points), (5, &points)]);
        let body = request(b"", b"", &[metric]);
        assert_eq!(metrics(&body.into(), Encoding::Protobuf).unwrap(), 4);
    }
}
