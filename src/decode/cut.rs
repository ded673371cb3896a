//! Cuts a request that is too large to be sent whole into several that together say the same.
//!
//! A request is a list by resource of lists by scope of items. Each piece has some of the items, in their order, with
//! their resource and their scope. All else is copied as it was sent.

use bytes::Bytes;

use super::{Encoding, Signal, json_text as json, memory::memory, wire};

/// Bytes of a request up to which it is not cut.
const WHOLE: usize = 16 << 20;
/// Bytes that a request may take in memory, as [`memory()`] estimates it, up to which it is not cut.
const WHOLE_IN_MEMORY: usize = 128 << 20;
/// Bytes and items from which on a piece is complete.
const PIECE: usize = 8 << 20;
const ITEMS: usize = 4096;

/// Hands on a request, or the pieces of it if it is large. One that cannot be read is handed on whole.
///
/// # Errors
/// Those that `each` returns.
pub fn cut<E>(
    body: Bytes,
    signal: Signal,
    encoding: Encoding,
    each: &mut dyn FnMut(Bytes) -> Result<(), E>,
) -> Result<(), E> {
    if body.len() <= WHOLE && memory(&body, signal, encoding) <= WHOLE_IN_MEMORY {
        return each(body);
    }
    cut_to(body, signal, encoding, PIECE, each)
}

/// The same for a request of any size; a piece is complete from `bytes` on.
fn cut_to<E>(
    body: Bytes,
    signal: Signal,
    encoding: Encoding,
    bytes: usize,
    each: &mut dyn FnMut(Bytes) -> Result<(), E>,
) -> Result<(), E> {
    let (by_resource, by_scope, items) = names(signal);
    match encoding {
        Encoding::Protobuf if is_readable(&body) => {
            let mut pieces = Pieces { bytes, ..Pieces::new(each) };
            for record in wire::messages(&body, 1).flatten() {
                pieces.resource = Group::begin(head_of_message(record), &[]);
                for scope in wire::messages(record, 2).flatten() {
                    pieces.scope = Group::begin(head_of_message(scope), &[]);
                    for (_, raw) in wire::raw_fields(scope).flatten().filter(|(field, _)| field.number == 2) {
                        pieces.item(raw)?;
                    }
                    pieces.end_scope();
                }
                pieces.end_resource();
            }
            pieces.end()
        }
        Encoding::Json => {
            let Some((name, resources)) = json::member(&body, by_resource) else { return each(body) };
            let mut pieces = Pieces { name: name.to_vec(), of_protobuf: false, bytes, ..Pieces::new(each) };
            for resource in json::elements(resources) {
                let (head, name, scopes) = head_of_object(resource, by_scope);
                pieces.resource = Group::begin(head, name);
                for scope in json::elements(scopes) {
                    let (head, name, list) = head_of_object(scope, items);
                    pieces.scope = Group::begin(head, name);
                    for item in json::elements(list) {
                        pieces.item(item)?;
                    }
                    pieces.end_scope();
                }
                pieces.end_resource();
            }
            pieces.end()
        }
        Encoding::Protobuf => each(body),
    }
}

/// The names of the lists of a JSON request: by resource, by scope, of items. Each may be written in two ways.
fn names(signal: Signal) -> ([&'static str; 2], [&'static str; 2], [&'static str; 2]) {
    match signal {
        Signal::Traces => (["resourceSpans", "resource_spans"], ["scopeSpans", "scope_spans"], ["spans"; 2]),
        Signal::Logs => (["resourceLogs", "resource_logs"], ["scopeLogs", "scope_logs"], ["logRecords", "log_records"]),
        Signal::Metrics => (["resourceMetrics", "resource_metrics"], ["scopeMetrics", "scope_metrics"], ["metrics"; 2]),
    }
}

/// Whether the lists of a request in protobuf can all be read.
fn is_readable(body: &[u8]) -> bool {
    let lists = |message, number| wire::messages(message, number).collect::<Result<Vec<_>, _>>();
    let are_fields = |message| wire::fields(message).all(|field| field.is_ok());
    lists(body, 1).is_ok_and(|records| {
        records.into_iter().all(|record| lists(record, 2).is_ok_and(|scopes| scopes.into_iter().all(are_fields)))
    })
}

/// All fields of a message but those of its list.
fn head_of_message(message: &[u8]) -> Vec<u8> {
    let others = wire::raw_fields(message).flatten().filter(|(field, _)| field.number != 2);
    others.flat_map(|(_, raw)| raw).copied().collect()
}

/// All members of an object but its list; the name of the list as it is written, and the list. Both are empty if it has
/// none.
fn head_of_object<'a>(object: &'a [u8], names: [&'static str; 2]) -> (Vec<u8>, &'a [u8], &'a [u8]) {
    let (mut head, mut list): (Vec<u8>, (&[u8], &[u8])) = (Vec::new(), (&[], &[]));
    for (name, value) in json::members(object) {
        if json::is_named(name, names) {
            list = (name, value);
        } else {
            if !head.is_empty() {
                head.push(b',');
            }
            head.extend([name, b":", value].concat());
        }
    }
    (head, list.0, list.1)
}

/// What is sent of one resource or one scope, as far as the piece in hand has it.
#[derive(Default)]
struct Group {
    /// All but its list.
    head: Vec<u8>,
    /// The name of its list in JSON, with quotes; empty if it has no list.
    name: Vec<u8>,
    /// What is in its list.
    list: Vec<u8>,
    /// Whether it has to be in the piece: it has something in its list, or was in no piece yet.
    is_wanted: bool,
}

impl Group {
    fn begin(head: Vec<u8>, name: &[u8]) -> Self {
        Self { head, name: name.to_vec(), list: Vec::new(), is_wanted: true }
    }
}

/// The piece in hand, and what takes the pieces.
struct Pieces<'a, E> {
    each: &'a mut dyn FnMut(Bytes) -> Result<(), E>,
    of_protobuf: bool,
    /// Bytes from which on a piece is complete.
    bytes: usize,
    /// The name of the outermost list in JSON.
    name: Vec<u8>,
    /// What the piece has of resources that are complete.
    resources: Vec<u8>,
    resource: Group,
    scope: Group,
    /// Number of items in the piece.
    items: usize,
}

impl<'a, E> Pieces<'a, E> {
    fn new(each: &'a mut dyn FnMut(Bytes) -> Result<(), E>) -> Self {
        Self {
            each,
            of_protobuf: true,
            bytes: PIECE,
            name: Vec::new(),
            resources: Vec::new(),
            resource: Group::default(),
            scope: Group::default(),
            items: 0,
        }
    }

    /// Adds an item of the scope in hand.
    fn item(&mut self, raw: &[u8]) -> Result<(), E> {
        if self.items > 0 && raw.len() >= self.bytes {
            // Whatever becomes of a large item, the others do not share it.
            self.complete()?;
        }
        append(&mut self.scope.list, raw, self.of_protobuf);
        self.scope.is_wanted = true;
        self.items += 1;
        let bytes = self.resources.len() + self.resource.list.len() + self.scope.list.len();
        if bytes < self.bytes && self.items < ITEMS {
            return Ok(());
        }
        self.complete()
    }

    /// Hands on the piece in hand. The next one begins in the same scope.
    fn complete(&mut self) -> Result<(), E> {
        self.end_scope();
        self.end_resource();
        self.hand_on()
    }

    fn end_scope(&mut self) {
        if std::mem::take(&mut self.scope.is_wanted) {
            let scope = whole(&mut self.scope, 2, self.of_protobuf);
            append(&mut self.resource.list, &scope, self.of_protobuf);
            self.resource.is_wanted = true;
        }
    }

    fn end_resource(&mut self) {
        if std::mem::take(&mut self.resource.is_wanted) {
            let resource = whole(&mut self.resource, 1, self.of_protobuf);
            append(&mut self.resources, &resource, self.of_protobuf);
        }
    }

    fn hand_on(&mut self) -> Result<(), E> {
        self.items = 0;
        let resources = std::mem::take(&mut self.resources);
        let piece = if self.of_protobuf { resources } else { [b"{", &*self.name, b":[", &*resources, b"]}"].concat() };
        (self.each)(piece.into())
    }

    fn end(mut self) -> Result<(), E> {
        if self.resources.is_empty() { Ok(()) } else { self.hand_on() }
    }
}

/// Adds to a list.
fn append(list: &mut Vec<u8>, item: &[u8], of_protobuf: bool) {
    if !of_protobuf && !list.is_empty() {
        list.push(b',');
    }
    list.extend_from_slice(item);
}

/// A group with its list, which is empty afterwards; in protobuf as the field of this number.
fn whole(group: &mut Group, number: u8, of_protobuf: bool) -> Vec<u8> {
    let list = std::mem::take(&mut group.list);
    if of_protobuf {
        let mut field = vec![number << 3 | 2];
        prost::encode_length_delimiter(group.head.len() + list.len(), &mut field).expect("a growing buffer has room");
        field.extend_from_slice(&group.head);
        field.extend(list);
        return field;
    }
    let between: &[u8] = if group.head.is_empty() || group.name.is_empty() { b"" } else { b"," };
    let list = if group.name.is_empty() { Vec::new() } else { [&*group.name, b":[", &*list, b"]"].concat() };
    [b"{", &*group.head, between, &*list, b"}"].concat()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::{decode, model::Project};

    fn pieces(body: &[u8], signal: Signal, encoding: Encoding, bytes: usize) -> Vec<Bytes> {
        let mut pieces = Vec::new();
        let Ok::<(), Infallible>(()) = cut_to(Bytes::copy_from_slice(body), signal, encoding, bytes, &mut |piece| {
            pieces.push(piece);
            Ok(())
        });
        pieces
    }

    /// The names of all spans with those of their scopes and services, in order.
    fn spans(bodies: &[Bytes], encoding: Encoding) -> Vec<String> {
        let mut names = Vec::new();
        for body in bodies {
            let decoded = decode::traces(&Project::default(), body, encoding).unwrap();
            assert_eq!(decoded.rejected, 0, "{:?}", decoded.reasons);
            for span in decoded.items.iter().map(|received| &received.item) {
                let service: Vec<_> = span.resource.attributes.iter().collect();
                names.push(format!("{service:?} {} {} {}", span.scope.name, span.scope.version, span.name));
            }
        }
        names
    }

    fn text() -> String {
        let span = |n: u8| format!(r#"{{"traceId":"{n:032x}","spanId":"{n:016x}","name":"a \"}}],[{n}"}}"#);
        let list = |from, to| (from..to).map(span).collect::<Vec<_>>().join(" , ");
        let resource =
            |name: &str| format!(r#"{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{name}"}}}}]}}"#);
        format!(
            "\u{feff} {{\"x\":[1,{{}}], \"resourceSpans\" : [\n{{\"resource\":{one},\"scopeSpans\":[{{\"scope\":{{\"name\":\"s\"}},\
             \"spans\":[{first}]}},{{\"spans\":[{second}],\"schemaUrl\":\"u\"}}]}},\
             {{\"resource\":{other},\"scope_spans\":[{{\"spans\":[{third}]}}]}},{{}},{{\"scopeSpans\":null}}],\"resourceLogs\":[] }}",
            one = resource("one"),
            other = resource("other"),
            first = list(1, 20),
            second = list(20, 22),
            third = list(22, 40),
        )
    }

    #[test]
    fn the_pieces_of_a_json_text_have_every_span_once_with_its_resource_and_scope() {
        let text = text();
        let whole = spans(&[Bytes::copy_from_slice(text.as_bytes())], Encoding::Json);
        assert_eq!(whole.len(), 39);
        for bytes in [1, 300, 2000, 1 << 20] {
            let pieces = pieces(text.as_bytes(), Signal::Traces, Encoding::Json, bytes);
            assert!(bytes > 1 || pieces.len() >= 39);
            assert_eq!(spans(&pieces, Encoding::Json), whole, "{bytes}");
        }
    }

    #[test]
    fn the_pieces_of_a_protobuf_request_have_every_span_once_with_its_resource_and_scope() {
        let decoded = decode::traces(&Project::default(), &Bytes::from(text()), Encoding::Json).unwrap();
        let items: Vec<_> = decoded.items.into_iter().map(|received| received.item).collect();
        let body = Bytes::from(decode::encode::traces_proto(&items));
        let whole = spans(std::slice::from_ref(&body), Encoding::Protobuf);
        for bytes in [1, 300, 2000, 1 << 20] {
            let pieces = pieces(&body, Signal::Traces, Encoding::Protobuf, bytes);
            assert!(bytes > 1 || pieces.len() >= 39);
            assert_eq!(spans(&pieces, Encoding::Protobuf), whole, "{bytes}");
        }
        assert_eq!(pieces(&body, Signal::Traces, Encoding::Protobuf, 1 << 20), [body]);
    }

    #[test]
    fn what_is_small_or_cannot_be_read_stays_whole() {
        for (body, encoding) in [("\u{a}\u{5}abc", Encoding::Protobuf), (r#"{"a":1}"#, Encoding::Json)] {
            assert_eq!(pieces(body.as_bytes(), Signal::Traces, encoding, 1), [body.as_bytes()]);
        }
        let mut handed_on = Vec::new();
        let Ok::<(), Infallible>(()) = cut(Bytes::from(text()), Signal::Traces, Encoding::Json, &mut |piece| {
            handed_on.push(piece);
            Ok(())
        });
        assert_eq!(handed_on, [Bytes::from(text())]);
    }
}
