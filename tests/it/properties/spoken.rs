//! Spans and log records in the dialects' own words, put together by chance.

use std::sync::Arc;

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select},
    test_runner::TestCaseResult,
};
use sideseat_tui::{
    app::{
        document::{self, Blocks, Document, Folds},
        tab_source::TabSource,
    },
    decode::{Signal, encode},
    dialects,
    model::{
        Answer, Attributes, Detail, Dropped, LogRecord, Project, Query, Resource, Scope, Source, Span, SpanEvent,
        SpanId, SpanKind, Status, StatusCode, Subject, Timestamp, TraceId, Value, json,
    },
    store::Store,
    tabs::Tab,
};

use super::{
    cases, check,
    vocabulary::{VOCABULARY, Vocabulary},
    whatever::{text, trace_id},
};
use crate::replay::{send, store_of, transcript_of};

/// Those words that carry messages: chance alone would seldom choose one.
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
    let Vocabulary { names: keys, words } = &*VOCABULARY;
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
    let Vocabulary { names: keys, words } = &*VOCABULARY;
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
        let name = select(VOCABULARY.words.as_slice());
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

/// The beginning of a text.
pub fn cut(text: &str, at: Index) -> Value {
    let at = (0..=at.index(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Value::from(&text[..at])
}

/// What an attribute may hold: a tree, or its JSON, which may be cut off or nest without end.
fn held() -> impl Strategy<Value = Value> {
    let cut = |(tree, at): (Value, Index)| cut(&json::to_string(&tree), at);
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
fn what_carries_messages_is_among_the_words() {
    let Vocabulary { names: keys, words } = &*VOCABULARY;
    for key in CARRIERS.iter().chain(EVENTS).chain(&["session.id"]) {
        assert!(keys.iter().chain(words).any(|known| known == key), "{key}");
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
    let answer = store.answer(&Query::Detail { subject: Subject::Trace(trace) }).unwrap();
    let Answer::Detail(Some(detail)) = answer else { return Err(TestCaseError::fail("the trace is not there")) };
    let answer = store.answer(&Query::Tree { trace }).unwrap();
    prop_assert!(matches!(answer, Answer::Tree(_)));
    lay_out(&detail)?;
    for span in spans {
        let answer = store.answer(&Query::Raw { trace, span: span.id }).unwrap();
        let Answer::Raw(Some(raw)) = answer else { return Err(TestCaseError::fail("the span is not there")) };
        commands_nothing(document::raw::blocks(&raw), 60)?;
    }
    Ok(())
}

/// Lays an answer out in panes of several widths.
pub fn lay_out(detail: &Detail) -> TestCaseResult {
    let detail = Arc::new(detail.clone());
    for source in Tab::ALL.iter().map(|tab| tab.source()) {
        if let TabSource::Answer(blocks) | TabSource::Table(blocks) = source {
            for width in [1, 20, 90] {
                commands_nothing(blocks(&detail), width)?;
            }
        }
    }
    Ok(())
}

fn commands_nothing(blocks: Box<dyn Blocks>, width: u16) -> TestCaseResult {
    let lines = Document::whole(blocks.into(), &Folds::default(), width);
    for styled in lines.iter().flat_map(|line| &line.texts) {
        prop_assert!(!styled.text.chars().any(char::is_control), "{styled:?} could command the terminal");
    }
    Ok(())
}
