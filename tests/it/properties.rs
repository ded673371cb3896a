//! What holds of everything that could arrive, not only of what was recorded.
//!
//! ```text
//!   any bytes ─▶ decode            never a panic; what is read is what was kept raw
//!   any span  ─▶ encode ─▶ decode  nothing lost
//!   any attributes that a dialect looks for ─▶ store ─▶ panes    never a panic
//!   a capture in any order, cut and repeated in any way ─▶ the same transcript
//! ```

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    path::Path,
    sync::LazyLock,
};

use bytes::Bytes;
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select},
    test_runner::{TestCaseResult, TestError, TestRunner},
};
use serde_json::{Value as Json, json};
use sideseat_tui::{
    app::{document, wrap},
    decode::{self, Encoding, Signal, encode},
    dialects,
    keymap::{Chord, Code, Key},
    model::{
        Answer, Attributes, Dropped, Filter, Link, LogRecord, Project, Query, Resource, Scope, Source, Span, SpanEvent,
        SpanId, SpanKind, Status, StatusCode, Subject, Timestamp, Totals, TraceId, Usd, Value, json,
    },
    store::Store,
};

use crate::replay::{Capture, captures, send, store_of, transcript_of};

/// So many cases, or as many as `PROPTEST_CASES` says. Nothing is written beside the source when one fails: what failed
/// is in the message.
fn cases(usual: u32) -> ProptestConfig {
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|number| number.parse().ok());
    ProptestConfig { cases: wanted.unwrap_or(usual), failure_persistence: None, ..ProptestConfig::default() }
}

/// Runs a property that needs something that is made once.
fn check<S: Strategy>(number: u32, strategy: &S, property: impl Fn(S::Value) -> TestCaseResult) {
    match TestRunner::new(cases(number)).run(strategy, property) {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("{why}\nminimal case: {case:#?}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

fn decoded(body: &[u8], encoding: Encoding) -> TestCaseResult {
    let (project, body) = (Project::default(), Bytes::copy_from_slice(body));
    if let Ok(traces) = decode::traces(&project, &body, encoding) {
        for arrived in traces.items {
            let span = arrived.item;
            let again = decode::span_from_raw(&arrived.raw, project.clone(), span.resource.clone(), span.scope.clone())
                .unwrap();
            prop_assert_eq!(format!("{again:?}"), format!("{span:?}"));
        }
    }
    if let Ok(logs) = decode::logs(&project, &body, encoding) {
        for arrived in logs.items {
            let record = arrived.item;
            let again =
                decode::log_from_raw(&arrived.raw, project.clone(), record.resource.clone(), record.scope.clone())
                    .unwrap();
            prop_assert_eq!(format!("{again:?}"), format!("{record:?}"));
        }
    }
    // How many there are is not asked here.
    let _ = decode::metrics(&body, encoding);
    Ok(())
}

/// Recorded requests, as protobuf and as JSON.
static BODIES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut bodies = Vec::new();
    for capture in captures() {
        let (spans, records) = items(&capture);
        bodies.push(encode::traces_json(&spans).into_bytes());
        bodies.push(encode::logs_json(&records).into_bytes());
        bodies.extend(capture.bodies().into_iter().map(|(_, body)| body));
    }
    bodies.retain(|body| body.len() < 50_000);
    bodies
});

/// A recorded request with some bytes changed, some left out, and its end cut off.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<Index>(), any::<u8>(), 0..4_usize);
    (select(BODIES.as_slice()), vec(change, 0..6), option::weighted(0.2, any::<Index>())).prop_map(
        |(mut body, changes, end)| {
            for (at, byte, gone) in changes {
                let at = at.index(body.len());
                body[at] = byte;
                body.drain(at..(at + gone).min(body.len() - 1));
            }
            if let Some(end) = end {
                body.truncate(end.index(body.len()));
            }
            body
        },
    )
}

/// A request that is JSON, with OTLP's names in the right or the wrong places.
fn json_request() -> impl Strategy<Value = Vec<u8>> {
    const NAMES: &[&str] = &[
        "resource",
        "scope",
        "name",
        "attributes",
        "key",
        "value",
        "traceId",
        "spanId",
        "parentSpanId",
        "kind",
        "startTimeUnixNano",
        "timeUnixNano",
        "events",
        "links",
        "status",
        "code",
        "message",
        "body",
        "severityNumber",
        "stringValue",
        "intValue",
        "doubleValue",
        "boolValue",
        "bytesValue",
        "arrayValue",
        "kvlistValue",
        "values",
    ];
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        text().prop_map(Json::from),
        "[0-9a-f]{16}([0-9a-f]{16})?".prop_map(Json::from),
        select(&["SPAN_KIND_CLIENT", "STATUS_CODE_OK", "NaN", "AAH+/w==", "1795341130200606774"][..])
            .prop_map(Json::from),
    ];
    let tree = leaf.prop_recursive(6, 60, 5, |inner| {
        let object = vec((select(NAMES), inner.clone()), 0..6);
        let object =
            object.prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        prop_oneof![1 => vec(inner, 0..4).prop_map(Json::Array), 3 => object.prop_map(Json::Object)]
    });
    (vec(tree, 0..4), option::weighted(0.8, any::<[u8; 2]>())).prop_map(|(mut items, ids)| {
        if let Some([trace, span]) = ids {
            for item in items.iter_mut().filter_map(Json::as_object_mut) {
                item.insert("traceId".to_owned(), json!(format!("{trace:032x}")));
                item.insert("spanId".to_owned(), json!(format!("{span:016x}")));
            }
        }
        let spans = json!([{ "scopeSpans": [{ "spans": items }] }]);
        let logs = json!([{ "scopeLogs": [{ "logRecords": items }] }]);
        json!({ "resourceSpans": spans, "resourceLogs": logs }).to_string().into_bytes()
    })
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn no_bytes_panic_the_decoder_and_what_it_reads_it_kept(
        body in prop_oneof![1 => vec(any::<u8>(), 0..200), 3 => damaged(), 2 => json_request()],
    ) {
        decoded(&body, Encoding::Protobuf)?;
        decoded(&body, Encoding::Json)?;
        for (signal, encoding) in decode::sniff_all(&body) {
            prop_assert!(matches!(signal, Signal::Traces | Signal::Logs | Signal::Metrics), "{encoding:?}");
        }
    }

    #[test]
    fn a_span_reads_as_it_was_written(span in span()) {
        let raw = encode::span_bytes(&span);
        let again = decode::span_from_raw(&raw, span.project.clone(), span.resource.clone(), span.scope.clone());
        prop_assert_eq!(&again.unwrap(), &span);
        let body = encode::traces_proto(std::slice::from_ref(&span)).into();
        let proto = decode::traces(&span.project, &body, Encoding::Protobuf).unwrap();
        prop_assert_eq!(&proto.rejected, &Vec::<String>::new());
        prop_assert_eq!(&proto.items[0].item, &span);
        let body = encode::traces_json(std::slice::from_ref(&span)).into();
        let json = decode::traces(&span.project, &body, Encoding::Json).unwrap();
        prop_assert_eq!(&json.rejected, &Vec::<String>::new());
        prop_assert_eq!(&json.items[0].item, &span);
    }

    #[test]
    fn a_log_record_reads_as_it_was_written(record in record()) {
        let raw = encode::log_bytes(&record);
        let again = decode::log_from_raw(&raw, record.project.clone(), record.resource.clone(), record.scope.clone());
        prop_assert_eq!(&again.unwrap(), &record);
        let body = encode::logs_proto(std::slice::from_ref(&record)).into();
        let proto = decode::logs(&record.project, &body, Encoding::Protobuf).unwrap();
        prop_assert_eq!(&proto.items[0].item, &record);
        let body = encode::logs_json(std::slice::from_ref(&record)).into();
        let json = decode::logs(&record.project, &body, Encoding::Json).unwrap();
        prop_assert_eq!(&json.items[0].item, &record);
    }

    #[test]
    fn a_chord_reads_as_it_was_written(keys in vec(key_press(), 1..4)) {
        let text = keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let chord: Chord = text.parse().unwrap();
        prop_assert_eq!(chord.keys(), keys.as_slice());
        prop_assert_eq!(chord.to_string(), text);
    }

    #[test]
    fn wrapped_text_fits_and_nothing_but_spaces_is_lost(text in wrappable(), columns in 1..40_usize) {
        let lines = wrap::wrap(&text, columns);
        let letters = |text: &str| text.chars().filter(|c| !matches!(c, ' ' | '\n')).collect::<String>();
        prop_assert_eq!(letters(&lines.concat()), letters(&wrap::clean(&text)));
        for line in &lines {
            // One grapheme that is wider than the column stands alone.
            let fits = wrap::width(line) <= columns || wrap::width(wrap::take(line, columns)) == 0;
            prop_assert!(fits, "{line:?} is {} columns wide, not {columns}", wrap::width(line));
        }
    }

    #[test]
    fn cleaned_text_holds_nothing_that_commands_a_terminal(text in wrappable()) {
        let cleaned = wrap::clean(&text);
        prop_assert!(cleaned.chars().all(|c| c == '\n' || !c.is_control()), "{cleaned:?}");
        prop_assert!(!wrap::clean_line(&text).contains('\n'));
        let again = wrap::clean(&cleaned).into_owned();
        prop_assert_eq!(again, cleaned.into_owned());
    }
}

/// A key as terminals send it: shift is in the character, and of ctrl with a letter they do not say which case it had.
fn key_press() -> impl Strategy<Value = Key> {
    let named = [
        Code::Enter,
        Code::Esc,
        Code::Tab,
        Code::Backspace,
        Code::Delete,
        Code::Insert,
        Code::Up,
        Code::Down,
        Code::Left,
        Code::Right,
        Code::Home,
        Code::End,
        Code::PageUp,
        Code::PageDown,
    ];
    let code = prop_oneof![
        3 => any::<char>().prop_filter("a key types it", |c| !c.is_control() && (*c == ' ' || !c.is_whitespace())).prop_map(Code::Char),
        1 => select(named.to_vec()),
        1 => (1..=24_u8).prop_map(Code::F),
    ];
    (code, any::<[bool; 3]>()).prop_map(|(code, [ctrl, alt, shift])| match code {
        Code::Char(c) if ctrl => Key { code: Code::Char(c.to_ascii_lowercase()), ctrl, alt, shift: false },
        Code::Char(_) => Key { code, ctrl, alt, shift: false },
        code => Key { code, ctrl, alt, shift },
    })
}

/// Text of every width: words, wide and combined characters, control characters, line ends.
fn wrappable() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9]{1,12}",
        3 => Just(" ".to_owned()),
        2 => select(&["漢字", "é", "e\u{301}", "👩‍👩‍👧", "🇩🇪", "\t", "\r\n", "\n", "\u{1b}[31m", "\u{9b}2J", "\u{200d}", "  "][..])
            .prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..12).prop_map(String::from_iter)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        // That it is not equal to itself is no loss.
        any::<f64>().prop_filter("a number", |number| !number.is_nan()).prop_map(Value::Double),
        Just(Value::Double(f64::NEG_INFINITY)),
        text().prop_map(Value::String),
        vec(any::<u8>(), 0..12).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![vec(inner.clone(), 0..5).prop_map(Value::Array), vec((text(), inner), 0..5).prop_map(Value::Map)]
    })
}

fn attributes() -> impl Strategy<Value = Attributes> {
    vec((text(), value()), 0..5).prop_map(Attributes::new)
}

fn scope() -> impl Strategy<Value = Scope> {
    (text(), text(), attributes(), any::<u32>(), text()).prop_map(
        |(name, version, attributes, dropped_attributes, schema_url)| Scope {
            name,
            version,
            attributes,
            dropped_attributes,
            schema_url,
        },
    )
}

fn resource() -> impl Strategy<Value = Resource> {
    (attributes(), any::<u32>(), text()).prop_map(|(attributes, dropped_attributes, schema_url)| Resource {
        attributes,
        dropped_attributes,
        schema_url,
    })
}

fn trace_id() -> impl Strategy<Value = TraceId> {
    any::<[u8; 16]>().prop_filter_map("an id", |bytes| TraceId::from_bytes(&bytes).ok())
}

fn span_id() -> impl Strategy<Value = SpanId> {
    any::<[u8; 8]>().prop_filter_map("an id", |bytes| SpanId::from_bytes(&bytes).ok())
}

fn status() -> impl Strategy<Value = Status> {
    let code = select(&[StatusCode::Unset, StatusCode::Ok, StatusCode::Error][..]);
    (code, text()).prop_map(|(code, message)| Status { code, message })
}

fn kind() -> impl Strategy<Value = SpanKind> {
    use SpanKind::{Client, Consumer, Internal, Producer, Server};
    select(&[Internal, Server, Client, Producer, Consumer][..])
}

fn event() -> impl Strategy<Value = SpanEvent> {
    (text(), any::<u64>(), attributes(), any::<u32>()).prop_map(|(name, at, attributes, dropped_attributes)| {
        SpanEvent { name, at: Timestamp(at), attributes, dropped_attributes }
    })
}

/// Its ids may be of any length.
fn link() -> impl Strategy<Value = Link> {
    let id = || vec(any::<u8>(), 0..20);
    (id(), id(), text(), any::<u32>(), attributes(), any::<u32>()).prop_map(
        |(trace, span, trace_state, flags, attributes, dropped_attributes)| Link {
            trace,
            span,
            trace_state,
            flags,
            attributes,
            dropped_attributes,
        },
    )
}

prop_compose! {
    fn span()(
        (trace, id, parent) in (trace_id(), span_id(), option::of(span_id())),
        (flags, trace_state, name) in (any::<u32>(), text(), text()),
        (kind, status) in (kind(), status()),
        (started, ended) in (any::<u64>(), option::of(1..=u64::MAX)),
        (attributes, events, links) in (attributes(), vec(event(), 0..3), vec(link(), 0..3)),
        dropped in any::<[u32; 3]>(),
        (scope, resource) in (scope(), resource()),
    ) -> Span {
        let [attributes_dropped, events_dropped, links_dropped] = dropped;
        Span {
            project: Project::default(),
            trace, id, parent, flags, trace_state, name, kind, status,
            started: Timestamp(started),
            ended: ended.map(Timestamp),
            attributes, events, links,
            dropped: Dropped { attributes: attributes_dropped, events: events_dropped, links: links_dropped },
            scope: scope.into(),
            resource: resource.into(),
            synthetic: false,
        }
    }
}

prop_compose! {
    fn record()(
        (trace, span, flags) in (option::of(trace_id()), option::of(span_id()), any::<u32>()),
        (at, observed) in any::<(u64, u64)>(),
        (severity, severity_text) in (0..=24_i32, text()),
        (name, body, attributes, dropped_attributes) in (text(), value(), attributes(), any::<u32>()),
        (scope, resource) in (scope(), resource()),
    ) -> LogRecord {
        LogRecord {
            project: Project::default(),
            trace, span, flags,
            at: Timestamp(at),
            observed: Timestamp(observed),
            severity, severity_text, name, body, attributes, dropped_attributes,
            scope: scope.into(),
            resource: resource.into(),
        }
    }
}

/// Every text in the dialects' own source, and so every key, role, kind of part and marker that they look for: those
/// with a dot, which are names of attributes and events, and the others.
static LOOKED_FOR: LazyLock<[Vec<String>; 2]> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dialects");
    let mut found = HashSet::new();
    for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).filter(|file| file.is_file()) {
        let source = fs::read_to_string(file).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap().replace("'\"'", "' '");
        let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        found.extend(lines.flat_map(|line| line.split('"').skip(1).step_by(2)).map(str::to_owned));
    }
    let mut found: Vec<_> = found.into_iter().filter(|text| (1..=80).contains(&text.len())).collect();
    found.sort();
    found.into_iter().partition::<Vec<_>, _>(|text| text.contains('.')).into()
});

/// Those of them that carry what was said: chance alone would seldom choose one.
const CARRIERS: &[&str] = &[
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "gen_ai.prompt",
    "gen_ai.completion",
    "input.value",
    "output.value",
    "content",
    "message",
];

/// The events and log records in which they come.
const EVENTS: &[&str] = &[
    "gen_ai.client.inference.operation.details",
    "gen_ai.content.prompt",
    "gen_ai.content.completion",
    "gen_ai.system.message",
    "gen_ai.user.message",
    "gen_ai.assistant.message",
    "gen_ai.tool.message",
    "gen_ai.choice",
];

/// The name of an attribute or an event.
fn key() -> impl Strategy<Value = String> {
    let [keys, words] = &*LOOKED_FOR;
    let (key, word) = (select(keys.as_slice()), select(words.as_slice()));
    let index = prop_oneof![4 => 0..3_u64, 1 => any::<u64>()];
    let indexed = |(key, index, word): (String, u64, String)| format!("{}.{index}.{word}", key.trim_end_matches('.'));
    prop_oneof![
        6 => select(CARRIERS).prop_map(str::to_owned),
        4 => key.clone(),
        1 => word.clone(),
        1 => (key.clone(), index, word.clone()).prop_map(indexed),
        1 => (key, word).prop_map(|(key, word)| key + &word),
    ]
}

fn event_name() -> impl Strategy<Value = String> {
    prop_oneof![3 => select(EVENTS).prop_map(str::to_owned), 1 => key()]
}

/// Who made a span: those whose spans are read in a way of their own, or anybody.
fn maker() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &["sideseat.aws.bedrock", "sideseat.aws.bedrock_agent", "strands.telemetry.tracer"];
    prop_oneof![2 => select(KNOWN).prop_map(str::to_owned), 1 => key()]
}

fn leaf() -> impl Strategy<Value = Value> {
    let [keys, words] = &*LOOKED_FOR;
    prop_oneof![
        6 => select(words.as_slice()).prop_map(Value::String),
        1 => select(keys.as_slice()).prop_map(Value::String),
        2 => text().prop_map(Value::String),
        2 => (0..5_i64).prop_map(Value::Int),
        1 => any::<i64>().prop_map(Value::Int),
        1 => any::<f64>().prop_map(Value::Double),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Null),
        1 => vec(any::<u8>(), 0..12).prop_map(Value::Bytes),
    ]
}

/// What might be a message, a block of one, a tool, a response: whatever could be made of the dialects' own words.
fn tree() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(5, 48, 6, |inner| {
        let name = select(LOOKED_FOR[1].as_slice());
        let role = select(&["user", "assistant", "system", "tool", "human", "nobody"][..]);
        let content = select(&["content", "parts", "text", "tool_calls", "toolUse"][..]);
        let message = (role, content, inner.clone()).prop_map(|(role, content, said)| {
            Value::Map(vec![("role".to_owned(), role.into()), (content.to_owned(), said)])
        });
        prop_oneof![
            2 => vec((name, inner.clone()), 0..6).prop_map(Value::Map),
            2 => message,
            2 => vec(inner, 0..5).prop_map(Value::Array),
        ]
    })
}

/// What an attribute may hold: a tree, or its JSON, which may be cut off or nest without end.
fn held() -> impl Strategy<Value = Value> {
    let cut = |(tree, at): (Value, Index)| {
        let text = json::to_string(&tree);
        let at = (0..=at.index(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        Value::from(&text[..at])
    };
    prop_oneof![
        3 => leaf(),
        3 => tree(),
        6 => tree().prop_map(|tree| Value::from(json::to_string(&tree))),
        2 => (tree(), any::<Index>()).prop_map(cut),
        1 => (1..3000_usize).prop_map(|depth| Value::from("[{\"content\":".repeat(depth))),
    ]
}

fn looked_for() -> impl Strategy<Value = Attributes> {
    vec((key(), held()), 0..10).prop_map(Attributes::new)
}

/// The attributes of an event: nothing but what is said in it, or anything.
fn said() -> impl Strategy<Value = Attributes> {
    let carried = vec((select(CARRIERS).prop_map(str::to_owned), held()), 1..6).prop_map(Attributes::new);
    prop_oneof![2 => carried, 1 => looked_for()]
}

fn moment() -> impl Strategy<Value = Timestamp> {
    let around = 1_795_341_130_000_000_000_u64;
    prop_oneof![8 => (0..20_u64).prop_map(move |at| around + at), 1 => Just(0), 1 => Just(u64::MAX)].prop_map(Timestamp)
}

prop_compose! {
    /// A span among others of one trace, whose parent may be any of them, itself, or none that came.
    fn one_of_a_trace()(
        (id, parent) in (1..6_u8, option::of(1..7_u8)),
        (name, message) in (key(), key()),
        code in select(&[StatusCode::Unset, StatusCode::Ok, StatusCode::Error][..]),
        (started, ended) in (moment(), option::weighted(0.8, moment())),
        attributes in looked_for(),
        events in vec((event_name(), moment(), said()), 0..4),
        scope in maker(),
    ) -> Span {
        let id_of = |number: u8| SpanId::from_bytes(&[number; 8]).unwrap();
        let event = |(name, at, attributes)| SpanEvent { name, at, attributes, dropped_attributes: 0 };
        Span {
            project: Project::default(),
            trace: TraceId::from_bytes(&[1; 16]).unwrap(),
            id: id_of(id),
            parent: parent.map(id_of),
            flags: 0,
            trace_state: String::new(),
            name,
            kind: SpanKind::Internal,
            status: Status { code, message },
            started,
            ended: ended.and_then(Timestamp::known),
            attributes,
            events: events.into_iter().map(event).collect(),
            links: Vec::new(),
            dropped: Dropped::default(),
            scope: Scope { name: scope, ..Scope::default() }.into(),
            resource: Resource::default().into(),
            synthetic: false,
        }
    }
}

prop_compose! {
    /// A log record of one of its spans, of none, or of no trace.
    fn record_of_a_trace()(
        (of_trace, span) in (any::<bool>(), option::of(1..6_u8)),
        at in moment(),
        name in event_name(),
        body in prop_oneof![held(), vec((key(), held()), 0..4).prop_map(Value::Map)],
        attributes in looked_for(),
        scope in maker(),
    ) -> LogRecord {
        LogRecord {
            project: Project::default(),
            trace: of_trace.then(|| TraceId::from_bytes(&[1; 16]).unwrap()),
            span: span.map(|number| SpanId::from_bytes(&[number; 8]).unwrap()),
            flags: 0,
            at,
            observed: at,
            severity: 9,
            severity_text: String::new(),
            name, body, attributes,
            dropped_attributes: 0,
            scope: Scope { name: scope, ..Scope::default() }.into(),
            resource: Resource::default().into(),
        }
    }
}

#[test]
fn what_the_dialects_look_for_is_known_here() {
    let [keys, words] = &*LOOKED_FOR;
    for key in CARRIERS.iter().chain(EVENTS).chain(&["gen_ai.usage.input_tokens", "session.id"]) {
        assert!(keys.iter().chain(words).any(|known| known == key), "{key}");
    }
    for word in ["role", "content", "assistant", "toolUse"] {
        assert!(words.iter().any(|known| known == word), "{word}");
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn no_attributes_panic_a_dialect(span in one_of_a_trace(), record in record_of_a_trace()) {
        let of_span = Source::from(&span);
        let of_record = Source {
            name: &record.name,
            attributes: &record.attributes,
            events: &[],
            body: Some(&record.body),
            at: record.time(),
            ..of_span
        };
        for source in [of_span, of_record] {
            let once = format!("{:?}", dialects::translate(&source));
            prop_assert_eq!(once, format!("{:?}", dialects::translate(&source)), "the same again is the same");
        }
    }
}

#[test]
fn no_attributes_panic_anything_between_the_wire_and_the_panes() {
    let store = store_of(&[]);
    let trace = (vec(one_of_a_trace(), 1..6), vec(record_of_a_trace(), 0..3), trace_id());
    check(48, &trace, |(mut spans, mut records, trace)| {
        for span in &mut spans {
            span.trace = trace;
        }
        for record in &mut records {
            record.trace = record.trace.and(Some(trace));
        }
        let bodies = [(Signal::Traces, encode::traces_proto(&spans)), (Signal::Logs, encode::logs_proto(&records))];
        send(&store, &bodies);
        look_at(&store, trace, &spans)
    });
    let transcript = transcript_of(&store);
    assert!(transcript["traces"].as_array().unwrap().len() > 40);
}

/// Asks for all that a screen shows of a trace, and lays it out in a narrow and in a wide pane.
fn look_at(store: &Store, trace: TraceId, spans: &[Span]) -> TestCaseResult {
    let folds = document::Folds::default();
    let answer = store.answer(&Query::Detail { subject: Subject::Trace(trace) }).unwrap();
    let Answer::Detail(Some(detail)) = answer else { return Err(TestCaseError::fail("the trace is not there")) };
    let answer = store.answer(&Query::Tree { trace }).unwrap();
    prop_assert!(matches!(answer, Answer::Tree(_)));
    let mut shown = Vec::new();
    for width in [1, 20, 90] {
        shown.push(document::messages(&detail, &folds, width));
        shown.push(document::tools(&detail, &folds, width));
        shown.push(document::reasoning(&detail, &folds, width));
        shown.push(document::cost(&detail, &folds, width));
    }
    for span in spans {
        let answer = store.answer(&Query::Raw { trace, span: span.id }).unwrap();
        let Answer::Raw(Some(raw)) = answer else { return Err(TestCaseError::fail("the span is not there")) };
        shown.push(document::raw(&raw, &folds, 60));
    }
    for document in shown {
        for run in document.lines.iter().flat_map(|line| &line.runs) {
            prop_assert!(!run.text.chars().any(char::is_control), "{run:?} could command the terminal");
        }
    }
    Ok(())
}

/// The spans and log records of a capture, as they were sent.
fn items(capture: &Capture) -> (Vec<Span>, Vec<LogRecord>) {
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
}

fn delivery() -> impl Strategy<Value = Delivery> {
    let at_times = || option::weighted(0.2, any::<u16>());
    (any::<u16>(), at_times(), at_times()).prop_map(|(place, again, in_part)| Delivery { place, again, in_part })
}

/// The requests in which a capture arrives, `size` items each.
fn delivered(capture: &Capture, deliveries: &[Delivery], size: usize) -> Vec<(Signal, Vec<u8>)> {
    let (spans, records) = items(capture);
    // Captures have fewer items than there are deliveries, or the rest of them come as they were.
    let plain = |place: usize| Delivery { place: u16::try_from(place).unwrap_or(u16::MAX), again: None, in_part: None };
    let delivery = |number: usize| deliveries.get(number).copied().unwrap_or_else(|| plain(number));
    let mut queue: Vec<(u16, Result<Span, LogRecord>)> = Vec::new();
    for (number, span) in spans.iter().enumerate() {
        let Delivery { place, again, in_part } = delivery(number);
        queue.extend([Some(place), again].into_iter().flatten().map(|place| (place, Ok(span.clone()))));
        // Of a span that never ends there is no telling which of two is the whole.
        if let Some(place) = in_part.filter(|_| span.ended.is_some()) {
            let part = Span { ended: None, attributes: Attributes::default(), events: Vec::new(), ..span.clone() };
            queue.push((place, Ok(part)));
        }
    }
    for (number, record) in records.iter().enumerate() {
        let Delivery { place, again, .. } = delivery(spans.len() + number);
        queue.extend([Some(place), again].into_iter().flatten().map(|place| (place, Err(record.clone()))));
    }
    queue.sort_by_key(|(place, _)| *place);
    let mut bodies = Vec::new();
    for together in queue.chunks(size) {
        let spans: Vec<Span> = together.iter().filter_map(|(_, item)| item.clone().ok()).collect();
        // Twice in one request are two records; one is sent again only in another.
        let mut records: Vec<LogRecord> = Vec::new();
        for record in together.iter().filter_map(|(_, item)| item.as_ref().err()) {
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

#[test]
fn totals_are_the_sum_of_the_counted_calls() {
    for capture in captures() {
        let store = store_of(&capture.bodies());
        let shown = transcript_of(&store);
        let place = format!("{}/{}", capture.client, capture.name);
        for trace in list(&shown["traces"]) {
            let (totals, counted) = (&trace["totals"], counted(trace));
            for field in ["uncached_input", "cache_read", "cache_write", "output", "reasoning"] {
                let known = counted.iter().filter_map(|span| span["usage"][field].as_u64());
                let sum = known.fold(None, |sum: Option<u64>, more| Some(sum.unwrap_or(0) + more));
                assert_eq!(totals["usage"][field], json!(sum), "{place}: {field}");
            }
            let costs: f64 = counted.iter().filter_map(|span| span["cost_usd"].as_f64()).sum();
            let cost = totals["cost_usd"].as_f64();
            assert!(cost.is_none_or(|cost| (cost - costs).abs() < 1e-9), "{place}: {cost:?} is not {costs}");
            let has_tokens = |span: &&&Json| span["usage"]["output"].as_u64().unwrap_or(0) > 0;
            let unpriced = counted.iter().filter(has_tokens).filter(|span| span["cost_usd"].is_null()).count();
            assert!(unpriced == 0 || cost.is_none(), "{place}: {unpriced} calls without a price are left out");
            let calls = counted.iter().filter(|span| span["category"] != "embedding" && span["category"] != "reranker");
            assert_eq!(totals["model_calls"], calls.count(), "{place}");
            assert_eq!(totals["errors"], list(&trace["errors"]).len(), "{place}");
            assert_eq!(totals["tool_calls"], list(&trace["tools"]).len(), "{place}");
            // A failure that only a later trace of the session tells is counted there, if it ran there.
            let told = trace["threads"].to_string();
            let here = |tool: &&Json| {
                !tool["span_id"].is_null() || told.contains(&format!("{{\"call_id\":{},\"content\"", tool["call_id"]))
            };
            let failed = list(&trace["tools"]).iter().filter(|tool| tool["status"] == "error").filter(here).count();
            assert_eq!(totals["failed_tools"], failed, "{place}");
        }
        for (id, totals) in summaries(&store) {
            let in_full = list(&shown["traces"]).iter().find(|trace| trace["trace_id"] == id);
            let in_full = &in_full.unwrap_or_else(|| panic!("{place}: {id} is listed only"))["totals"];
            assert_eq!(&totals, in_full, "{place}: the list says otherwise");
        }
    }
}

fn counted(trace: &Json) -> Vec<&Json> {
    list(&trace["spans"]).iter().filter(|span| span["counted"] == true).collect()
}

fn list(value: &Json) -> &[Json] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What the lists say of each trace, in the transcript's form.
fn summaries(store: &Store) -> Vec<(String, Json)> {
    let every = || Filter::default();
    let Answer::Sessions(sessions) = store.answer(&Query::Sessions { filter: every(), limit: 1000 }).unwrap() else {
        panic!("not sessions")
    };
    let mut summaries = Vec::new();
    for session in sessions.rows {
        let query = Query::Traces { session: session.session.clone(), filter: every(), limit: 1000 };
        let Answer::Traces(traces) = store.answer(&query).unwrap() else { panic!("not traces") };
        let sum: Totals = traces.rows.iter().map(|trace| trace.totals).sum();
        assert_eq!(session.totals, sum, "{:?}", session.session);
        summaries.extend(traces.rows.iter().map(|trace| (trace.trace.to_string(), totals_json(&trace.totals))));
    }
    summaries
}

fn totals_json(totals: &Totals) -> Json {
    let usage = totals.usage;
    json!({
        "usage": {
            "uncached_input": usage.uncached_input,
            "cache_read": usage.cache_read,
            "cache_write": usage.cache_write,
            "output": usage.output,
            "reasoning": usage.reasoning,
        },
        "cost_usd": totals.cost_if_known().map(Usd::dollars),
        "model_calls": totals.model_calls,
        "tool_calls": totals.tool_calls,
        "failed_tools": totals.failed_tools,
        "errors": totals.errors,
    })
}
