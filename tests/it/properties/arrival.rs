//! How a capture arrives: in which order, how often, in how many requests.

use std::collections::BTreeSet;

use proptest::{collection::vec, option, prelude::*};
use serde_json::{Value as Json, json};
use sideseat_tui::{
    decode::{self, Encoding, Signal, encode},
    model::{Attributes, LogRecord, Project, Span, Status, StatusCode},
};

use super::check;
use crate::replay::{Capture, captures, send_as, store_of, transcript_of};

/// The spans and log records of a capture, as they were sent.
pub fn items(capture: &Capture) -> (Vec<Span>, Vec<LogRecord>) {
    let (mut spans, mut records) = (Vec::new(), Vec::new());
    for (signal, body) in capture.bodies() {
        let (project, body) = (Project::default(), body.into());
        if signal == Signal::Traces {
            let decoded = decode::traces(&project, &body, Encoding::Protobuf).unwrap();
            spans.extend(decoded.items.into_iter().map(|arrived| arrived.item));
        } else {
            let decoded = decode::logs(&project, &body, Encoding::Protobuf).unwrap();
            records.extend(decoded.items.into_iter().map(|arrived| arrived.item));
        }
    }
    (spans, records)
}

/// How one span or log record of a capture is delivered.
#[derive(Debug, Clone, Copy)]
struct Delivery {
    /// What is delivered is in the order of these.
    place: u16,
    /// Where it comes a second time, if it does.
    again: Option<u16>,
    /// Where it comes without its end and all that an SDK learns only then, if it does.
    in_part: Option<u16>,
    /// Where another attempt under its id comes, which failed earlier, if one does.
    failed: Option<u16>,
}

fn delivery() -> impl Strategy<Value = Delivery> {
    let at_times = || option::weighted(0.2, any::<u16>());
    let all = (any::<u16>(), at_times(), at_times(), at_times());
    all.prop_map(|(place, again, in_part, failed)| Delivery { place, again, in_part, failed })
}

/// The requests in which a capture arrives, `size` items each.
fn delivered(capture: &Capture, deliveries: &[Delivery], size: usize) -> Vec<(Signal, Vec<u8>)> {
    let (spans, mut records) = items(capture);
    records.sort_by_key(LogRecord::time);
    // Captures have fewer items than there are deliveries, or the rest of them come as they were.
    let plain = |place: usize| Delivery {
        place: u16::try_from(place).unwrap_or(u16::MAX),
        again: None,
        in_part: None,
        failed: None,
    };
    let delivery = |number: usize| deliveries.get(number).copied().unwrap_or_else(|| plain(number));
    let mut queue: Vec<(u16, Result<Span, Vec<LogRecord>>)> = Vec::new();
    for (number, span) in spans.iter().enumerate() {
        let Delivery { place, again, in_part, failed } = delivery(number);
        queue.extend([Some(place), again].into_iter().flatten().map(|place| (place, Ok(span.clone()))));
        // Of a span that never ends there is no telling which of two is the whole.
        if let Some(place) = in_part.filter(|_| span.ended.is_some()) {
            let part = Span { ended: None, attributes: Attributes::default(), events: Vec::new(), ..span.clone() };
            queue.push((place, Ok(part)));
        }
        if let Some(place) = failed.filter(|_| span.ended > Some(span.started)) {
            let status = Status { code: StatusCode::Error, message: "499".to_owned() };
            queue.push((place, Ok(Span { ended: Some(span.started), status, ..span.clone() })));
        }
    }
    // Only the order in one export tells which of two records of equal time was made first.
    let of_one_time = records.chunk_by(|one, next| one.time() == next.time());
    for (number, records) in of_one_time.enumerate() {
        let Delivery { place, again, .. } = delivery(spans.len() + number);
        queue.extend([Some(place), again].into_iter().flatten().map(|place| (place, Err(records.to_vec()))));
    }
    queue.sort_by_key(|(place, _)| *place);
    let mut bodies = Vec::new();
    for together in queue.chunks(size) {
        let spans: Vec<Span> = together.iter().filter_map(|(_, item)| item.clone().ok()).collect();
        // Twice in one request are two records; one is sent again only in another.
        let mut records: Vec<LogRecord> = Vec::new();
        for record in together.iter().filter_map(|(_, item)| item.as_ref().err()).flatten() {
            if !records.contains(record) {
                records.push(record.clone());
            }
        }
        if !spans.is_empty() {
            bodies.push((Signal::Traces, encode::traces_proto(&spans)));
        }
        if !records.is_empty() {
            bodies.push((Signal::Logs, encode::logs_proto(&records)));
        }
    }
    bodies
}

#[test]
fn the_transcript_does_not_depend_on_how_spans_arrive() {
    let captures: Vec<(Capture, Json)> =
        captures().into_iter().map(|capture| (capture.clone(), transcript_of(&store_of(&capture.bodies())))).collect();
    let number = 0..captures.len();
    check(32, &(number, vec(delivery(), 60), 1..20_usize), |(number, deliveries, size)| {
        let (capture, expected) = &captures[number];
        let shown = transcript_of(&store_of(&delivered(capture, &deliveries, size)));
        let place = difference("", expected, &shown);
        prop_assert_eq!(place, None, "{} {}", capture.client, capture.name);
        Ok(())
    });
}

/// The JavaScript SDK's clock counts milliseconds: all records of a prompt have one time.
#[test]
fn log_records_of_equal_time_keep_the_order_of_their_export_in_whatever_order_exports_arrive() {
    const TRACE: &str = "09090909090909090909090909090909";
    let export = |body: &Json| body.to_string().into_bytes();
    let records = |call: u64, messages: &[(&str, &str)]| {
        let record = |(role, text): &(&str, &str)| {
            json!({
                "timeUnixNano": "1790000000000000000", "traceId": TRACE, "spanId": format!("{call:016x}"),
                "eventName": format!("gen_ai.{role}.message"),
                "attributes": [{"key": "gen_ai.system", "value": {"stringValue": "openai"}}],
                "body": {"kvlistValue": {"values": [{"key": "content", "value": {"stringValue": text}}]}},
            })
        };
        let records: Vec<_> = messages.iter().map(record).collect();
        (Signal::Logs, export(&json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})))
    };
    let span = |call: u64| {
        json!({
            "name": "chat", "traceId": TRACE, "spanId": format!("{call:016x}"),
            "startTimeUnixNano": format!("{}", 1_790_000_000_000_000_000 - 9 + call),
            "endTimeUnixNano": format!("{}", 1_790_000_000_001_000_000 + call),
            "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}],
        })
    };
    let prompt = [
        ("system", "be brief"),
        ("user", "a"),
        ("assistant", "1"),
        ("user", "b"),
        ("assistant", "2"),
        ("user", "c"),
        ("system", "still brief"),
        ("user", "d"),
    ];
    let exports = [
        (Signal::Traces, export(&json!({"resourceSpans": [{"scopeSpans": [{"spans": [span(1), span(2)]}]}]}))),
        records(1, &prompt[..4]),
        records(2, &prompt),
    ];
    let read = |order: &[usize]| -> Vec<(String, String)> {
        let store = store_of(&[]);
        for number in order {
            let (signal, body) = exports[*number].clone();
            send_as(&store, signal, body, Encoding::Json);
        }
        let transcript = transcript_of(&store);
        let messages = transcript["traces"][0]["threads"][0]["messages"].as_array().unwrap();
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        messages.iter().map(|message| (text(&message["role"]), text(&message["parts"][0]["text"]))).collect()
    };
    let expected: Vec<_> = prompt.iter().map(|(role, text)| ((*role).to_owned(), (*text).to_owned())).collect();
    for order in [&[0, 1, 2][..], &[2, 1, 0], &[1, 0, 2], &[2, 0, 1]] {
        assert_eq!(read(order), expected, "{order:?}");
    }
    assert_eq!(read(&[0, 1, 2, 1, 2]), expected, "what is sent again stays where it was");
}

/// Where two documents first differ, and how.
fn difference(place: &str, left: &Json, right: &Json) -> Option<String> {
    match (left, right) {
        _ if left == right => None,
        (Json::Object(one), Json::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            names.into_iter().find_map(|name| difference(&format!("{place}.{name}"), &left[name], &right[name]))
        }
        (Json::Array(one), Json::Array(other)) => {
            let at = (0..one.len().max(other.len())).find(|at| one.get(*at) != other.get(*at))?;
            difference(&format!("{place}[{at}]"), &left[at], &right[at])
        }
        _ => Some(format!("{place}: {left} became {right}")),
    }
}
