//! What may be done to recorded spans before they are read: values of the wrong type, holes, cut and repeated texts,
//! indices without end, other parents and times, attributes of one instrumentation on a span of another.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};
use sideseat_tui::model::{
    Attributes, LogRecord, Span, SpanEvent, SpanId, StatusCode, Timestamp, TraceId, Value, json,
};

use crate::properties::cut;

/// One span, one log record, one attribute: each index counts modulo what there is.
#[derive(Debug, Clone)]
pub enum Edit {
    Leave(Index),
    /// Sent again, as itself or as another span.
    Repeat(Index, Option<u8>),
    Under(Index, Option<Index>),
    When(Index, u64, Option<u64>),
    Status(Index, StatusCode),
    /// Scope, resource, name or events of another.
    Lend(Index, Index, Lent),
    /// An attribute of one span onto another.
    Copy(Index, Index, Index),
    Attribute(Index, Index, Change),
    Event(Index, Index, Index, Change),
    LeaveRecord(Index),
    Record(Index, Index, Change),
    Body(Index, Change),
    /// Of another span, or of none.
    Place(Index, Option<Index>),
    /// All spans into one trace.
    Gather,
}

#[derive(Debug, Clone, Copy)]
pub enum Lent {
    Maker,
    Name,
    Events,
}

/// What becomes of an attribute, or of an event's.
#[derive(Debug, Clone)]
pub enum Change {
    Gone,
    Twice,
    Key(String),
    Number(u64),
    Wrong(Value),
    Cut(Index),
    Quoted,
    Read,
    Deep(u16),
    Long(u16),
    /// Somewhere within: the value, or its JSON.
    Within(Index, Within),
}

#[derive(Debug, Clone)]
pub enum Within {
    Gone,
    Listed,
    Named(String),
    Quoted,
    Wrong(Value),
    /// What stands at another place of the same value.
    Other(Index),
}

/// Some edits: mostly few, since what fails should be told in few.
pub fn edits(words: &'static [String]) -> impl Strategy<Value = Vec<Edit>> {
    vec(edit(words), 0..24)
}

fn edit(words: &'static [String]) -> impl Strategy<Value = Edit> {
    let one = any::<Index>;
    let maybe = || proptest::option::weighted(0.7, any::<Index>());
    let status = select(&[StatusCode::Unset, StatusCode::Ok, StatusCode::Error][..]);
    let lent = select(&[Lent::Maker, Lent::Name, Lent::Events][..]);
    let moment = || prop_oneof![4 => 0..5_000_000_000_u64, 1 => any::<u64>()];
    prop_oneof![
        1 => one().prop_map(Edit::Leave),
        1 => (one(), any::<Option<u8>>()).prop_map(|(span, id)| Edit::Repeat(span, id)),
        2 => (one(), maybe()).prop_map(|(span, parent)| Edit::Under(span, parent)),
        1 => (one(), moment(), proptest::option::of(moment())).prop_map(|(span, from, to)| Edit::When(span, from, to)),
        1 => (one(), status).prop_map(|(span, code)| Edit::Status(span, code)),
        2 => (one(), one(), lent).prop_map(|(from, to, lent)| Edit::Lend(from, to, lent)),
        3 => (one(), one(), one()).prop_map(|(from, attribute, to)| Edit::Copy(from, attribute, to)),
        8 => (one(), one(), change(words)).prop_map(|(span, attribute, change)| Edit::Attribute(span, attribute, change)),
        3 => (one(), one(), one(), change(words)).prop_map(|(span, event, at, change)| Edit::Event(span, event, at, change)),
        1 => one().prop_map(Edit::LeaveRecord),
        2 => (one(), one(), change(words)).prop_map(|(record, at, change)| Edit::Record(record, at, change)),
        1 => (one(), change(words)).prop_map(|(record, change)| Edit::Body(record, change)),
        1 => (one(), maybe()).prop_map(|(record, span)| Edit::Place(record, span)),
        1 => Just(Edit::Gather),
    ]
}

fn change(words: &'static [String]) -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => Just(Change::Gone),
        1 => Just(Change::Twice),
        1 => select(words).prop_map(Change::Key),
        1 => prop_oneof![0..4_u64, any::<u64>()].prop_map(Change::Number),
        2 => wrong(words).prop_map(Change::Wrong),
        2 => any::<Index>().prop_map(Change::Cut),
        1 => Just(Change::Quoted),
        1 => Just(Change::Read),
        1 => (1..3000_u16).prop_map(Change::Deep),
        1 => (1..3000_u16).prop_map(Change::Long),
        8 => (any::<Index>(), within(words)).prop_map(|(at, within)| Change::Within(at, within)),
    ]
}

fn within(words: &'static [String]) -> impl Strategy<Value = Within> {
    prop_oneof![
        2 => Just(Within::Gone),
        1 => Just(Within::Listed),
        1 => select(words).prop_map(Within::Named),
        1 => Just(Within::Quoted),
        3 => wrong(words).prop_map(Within::Wrong),
        2 => any::<Index>().prop_map(Within::Other),
    ]
}

fn wrong(words: &'static [String]) -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        2 => prop_oneof![0..9_i64, any::<i64>()].prop_map(Value::Int),
        1 => any::<f64>().prop_filter("a number", |number| !number.is_nan()).prop_map(Value::Double),
        2 => Just(Value::String(String::new())),
        2 => select(words).prop_map(Value::String),
        1 => ".{0,12}".prop_map(Value::String),
        1 => vec(any::<u8>(), 0..12).prop_map(Value::Bytes),
        1 => Just(Value::Array(Vec::new())),
        1 => Just(Value::Map(Vec::new())),
    ]
}

/// Does one edit after the other, each to what the ones before it left.
pub fn apply(edits: &[Edit], spans: &mut Vec<Span>, records: &mut Vec<LogRecord>) {
    for edit in edits {
        match edit {
            Edit::LeaveRecord(_) | Edit::Record(..) | Edit::Body(..) | Edit::Place(..) if records.is_empty() => {}
            Edit::LeaveRecord(at) => drop(records.remove(at.index(records.len()))),
            Edit::Record(record, at, change) => {
                let record = pick(records, *record);
                record.attributes = changed(&record.attributes, *at, change);
            }
            Edit::Body(record, change) => {
                let record = pick(records, *record);
                record.body = value(std::mem::take(&mut record.body), change).unwrap_or_default();
            }
            Edit::Place(record, span) => {
                let span = span.filter(|_| !spans.is_empty()).map(|span| &spans[span.index(spans.len())]);
                let record = pick(records, *record);
                (record.trace, record.span) = (span.map(|span| span.trace), span.map(|span| span.id));
            }
            _ if spans.is_empty() => {}
            edit => span_edit(edit, spans),
        }
    }
}

fn span_edit(edit: &Edit, spans: &mut Vec<Span>) {
    let number = spans.len();
    match edit {
        Edit::Leave(at) => drop(spans.remove(at.index(number))),
        Edit::Repeat(at, id) => {
            let mut span = spans[at.index(number)].clone();
            if let Some(id) = id {
                span.id = SpanId::from_bytes(&[id.saturating_add(1); 8]).unwrap();
            }
            spans.push(span);
        }
        Edit::Under(at, parent) => {
            let parent = parent.map(|parent| spans[parent.index(number)].id);
            pick(spans, *at).parent = parent;
        }
        Edit::When(at, from, to) => {
            let span = pick(spans, *at);
            (span.started, span.ended) = (
                Timestamp(span.started.0.wrapping_add(*from)),
                to.and_then(|to| Timestamp(span.started.0.wrapping_add(to)).known()),
            );
        }
        Edit::Status(at, code) => pick(spans, *at).status.code = *code,
        Edit::Lend(from, to, lent) => {
            let from = spans[from.index(number)].clone();
            let to = pick(spans, *to);
            match lent {
                Lent::Maker => (to.scope, to.resource) = (from.scope, from.resource),
                Lent::Name => to.name = from.name,
                Lent::Events => to.events.extend(from.events.into_iter().take(20)),
            }
        }
        Edit::Copy(from, attribute, to) => {
            let from = &spans[from.index(number)].attributes;
            let Some((key, value)) = from.iter().nth(attribute.index(from.len().max(1))) else { return };
            let copied = (key.to_owned(), value.clone());
            let to = pick(spans, *to);
            to.attributes = Attributes::new(entries(&to.attributes).chain([copied]).collect());
        }
        Edit::Attribute(at, attribute, change) => {
            let span = pick(spans, *at);
            span.attributes = changed(&span.attributes, *attribute, change);
        }
        Edit::Event(at, event, attribute, change) => {
            let events = &mut pick(spans, *at).events;
            if !events.is_empty() {
                let event: &mut SpanEvent = pick(events, *event);
                event.attributes = changed(&event.attributes, *attribute, change);
            }
        }
        Edit::Gather => {
            let trace: TraceId = spans[0].trace;
            for span in spans {
                span.trace = trace;
            }
        }
        Edit::LeaveRecord(_) | Edit::Record(..) | Edit::Body(..) | Edit::Place(..) => {}
    }
}

fn pick<T>(items: &mut [T], at: Index) -> &mut T {
    let at = at.index(items.len());
    &mut items[at]
}

fn entries(attributes: &Attributes) -> impl Iterator<Item = (String, Value)> {
    attributes.iter().map(|(key, value)| (key.to_owned(), value.clone()))
}

fn changed(attributes: &Attributes, at: Index, change: &Change) -> Attributes {
    let mut entries: Vec<(String, Value)> = entries(attributes).collect();
    if entries.is_empty() {
        return Attributes::default();
    }
    let at = at.index(entries.len());
    match change {
        Change::Gone => drop(entries.remove(at)),
        Change::Twice => entries.push(entries[at].clone()),
        Change::Key(key) => entries[at].0.clone_from(key),
        Change::Number(number) => entries[at].0 = renumbered(&entries[at].0, *number),
        change => entries[at].1 = value(std::mem::take(&mut entries[at].1), change).unwrap_or_default(),
    }
    Attributes::new(entries)
}

/// `a.0.b` → `a.7.b`.
fn renumbered(key: &str, number: u64) -> String {
    let mut parts: Vec<String> = key.split('.').map(str::to_owned).collect();
    match parts.iter_mut().find(|part| part.parse::<u64>().is_ok()) {
        Some(part) => *part = number.to_string(),
        None => parts.push(number.to_string()),
    }
    parts.join(".")
}

fn value(value: Value, change: &Change) -> Option<Value> {
    let text = || value.to_text();
    Some(match change {
        Change::Gone => return None,
        Change::Twice | Change::Key(_) | Change::Number(_) => value,
        Change::Wrong(other) => other.clone(),
        Change::Cut(at) => cut(&text(), *at),
        Change::Quoted => Value::String(json::to_string(&Value::String(text()))),
        Change::Read => json::parse(&text()).unwrap_or(value),
        Change::Deep(depth) => {
            let (open, close) = ("[{\"content\":".repeat(usize::from(*depth)), "}]".repeat(usize::from(*depth)));
            Value::String(format!("{open}{}{close}", json::to_string(&value)))
        }
        Change::Long(times) => {
            let text = text();
            Value::String(text.repeat(usize::from(*times).min(100_000 / text.len().max(1))))
        }
        Change::Within(at, within) => {
            let read = value.as_str().and_then(|text| json::parse(text).ok());
            let is_json = read.is_some();
            let mut whole = read.unwrap_or(value);
            inside(&mut whole, *at, within);
            if is_json { Value::String(json::to_string(&whole)) } else { whole }
        }
    })
}

fn inside(value: &mut Value, at: Index, within: &Within) {
    let number = count(value);
    let other = match within {
        Within::Other(other) => nth(value, &mut other.index(number)).map(|other| other.clone()),
        _ => None,
    };
    let Some(found) = nth(value, &mut at.index(number)) else { return };
    let taken = std::mem::take(found);
    *found = match within {
        Within::Gone => Value::Null,
        Within::Listed => Value::Array(vec![taken]),
        Within::Named(name) => Value::Map(vec![(name.clone(), taken)]),
        Within::Quoted => Value::String(json::to_string(&taken)),
        Within::Wrong(other) => other.clone(),
        Within::Other(_) => other.unwrap_or_default(),
    };
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Map(entries) => entries.iter().map(|(_, value)| count(value)).sum(),
        _ => 0,
    }
}

/// The node with this number, counted from the top; `left` is how many are before it.
fn nth<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, left)),
        Value::Map(entries) => entries.iter_mut().find_map(|(_, value)| nth(value, left)),
        _ => None,
    }
}
