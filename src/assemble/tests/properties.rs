//! What holds for any rows whatever.

use std::time::Instant;

use proptest::prelude::*;

use super::*;

/// A few words, so that equal texts abound.
fn message() -> impl Strategy<Value = Message> {
    let word = prop_oneof![Just("ping"), Just("pong"), Just("yes"), Just(""), Just("[x]")];
    let id = prop_oneof![Just(None), Just(Some("c1")), Just(Some("c2"))];
    (0..8_u8, word, id).prop_map(|(kind, word, id)| match kind {
        0 => system(word),
        1 | 2 => user(word),
        3 | 4 => assistant(word),
        5 => calls(word, &[(id, "w", "{}")]),
        6 => results(&[(id, word)]),
        _ => {
            let mut mixed = results(&[(id, word)]);
            mixed.role = Role::User;
            mixed.parts.push(Part { hidden: word == "yes", truncated: word == "ping", ..Part::text(word) });
            mixed
        }
    })
}

fn span(id: u64) -> impl Strategy<Value = Made> {
    let category = prop_oneof![
        Just(Category::Llm),
        Just(Category::Llm),
        Just(Category::Agent),
        Just(Category::Tool),
        Just(Category::Chain),
        Just(Category::Embedding),
        Just(Category::Span),
    ];
    let exchange = (prop::collection::vec(message(), 0..6), prop::collection::vec(message(), 0..3));
    let times = (0..40_u32, 0..10_u32, any::<bool>());
    let flags = (0..4_u8, 0..3_u64, any::<bool>());
    (0..14_u64, category, exchange, times, flags).prop_map(move |(parent, category, exchange, times, flags)| {
        let started = f64::from(times.0);
        let mut span = made(id, parent, category).at(started, started + f64::from(times.1));
        span = span.asked(&exchange.0).answered(&exchange.1);
        if flags.0 == 0 {
            span = span.failed("E", "it broke somewhere");
        }
        if flags.1 > 0 {
            span = span.tokens(flags.1 * 10, flags.1);
        }
        if times.2 && flags.2 {
            span = span.running();
        }
        if flags.2 { span.scope("other") } else { span }
    })
}

fn trace() -> impl Strategy<Value = (Vec<Made>, Vec<LogRow>)> {
    let spans: Vec<_> = (1..12).map(span).collect();
    let log = (0..14_u64, 0..500_u32, message(), any::<bool>()).prop_map(|(span, nth, message, answer)| {
        if answer { log(span, nth, &[], &[message]) } else { log(span, nth, &[message], &[]) }
    });
    (spans, prop::collection::vec(log, 0..6), 0..12_usize).prop_map(|(mut spans, logs, left)| {
        spans.truncate(left);
        (spans, logs)
    })
}

proptest! {
    #[test]
    fn nothing_depends_on_the_order_of_arrival((spans, logs) in trace(), turn in 0..12_usize) {
        let whole = of(rows(1, spans.clone(), logs.clone()));
        let (mut spans, mut logs) = (spans, logs);
        let at = turn % spans.len().max(1);
        spans.rotate_left(at);
        spans.reverse();
        logs.reverse();
        let other = of(rows(1, spans, logs));
        prop_assert_eq!(format!("{whole:?}"), format!("{other:?}"));
    }

    #[test]
    fn the_parts_agree_with_each_other((spans, logs) in trace()) {
        let came = spans.len();
        let trace = of(rows(1, spans, logs));
        let nodes = &trace.tree.nodes;
        prop_assert!(nodes.len() >= came);
        for (at, node) in nodes.iter().enumerate() {
            prop_assert!(at + node.beneath < nodes.len());
            prop_assert!(at == 0 || node.depth <= nodes[at - 1].depth + 1);
        }
        let usage = trace.calls.iter().filter_map(|call| call.usage).fold(TokenUsage::default(), |sum, usage| sum + usage);
        prop_assert_eq!(usage, trace.totals.usage);
        let top = nodes.iter().filter(|node| node.depth == 0).filter_map(|node| node.usage);
        prop_assert_eq!(top.fold(TokenUsage::default(), |sum, usage| sum + usage), usage);
        prop_assert_eq!(trace.totals.errors, trace.errors.len() as u64);
        prop_assert_eq!(trace.totals.tool_calls, trace.tools.len() as u64);
        for said in trace.conversations.iter().flat_map(|thread| &thread.messages) {
            prop_assert!(!said.message.parts.is_empty());
            let results = said.message.parts.iter().any(|part| matches!(part.content, Content::Result(_)));
            prop_assert!(!results || said.message.role == Role::Tool);
            prop_assert!(!said.history || said.turn < trace.calls.len());
        }
    }

    /// Every answer of a call is told once, whatever its text.
    #[test]
    fn each_answer_is_told_once((spans, _) in trace()) {
        let trace = of(rows(1, spans.clone(), Vec::new()));
        for call in trace.calls.iter().filter(|call| call.category == Category::Llm && call.failure.is_none()) {
            let of_call = |span: &&Made| span.row.id == call.span || call.also.contains(&span.row.id);
            let mut records = spans.iter().filter(of_call);
            let (Some(record), None) = (records.next(), records.next()) else { continue };
            let texts = |message: &Message| message.role == Role::Assistant && !message.plain_text().is_empty();
            let given = record.said.readings.iter().flat_map(|reading| &reading.completion).filter(|m| texts(m)).count();
            let said = trace.conversations.iter().flat_map(|thread| &thread.messages);
            let told = said.filter(|said| said.span == call.span && !said.history && texts(&said.message)).count();
            prop_assert!(told >= given, "{given} given, {told} told");
        }
    }
}

/// A conversation in which every request carries all of it.
fn long(turns: u64) -> Vec<Made> {
    let mut history = vec![Arc::new(system("S"))];
    let mut spans = vec![agent(1, 0, "a").at(0.0, 1e6)];
    for turn in 0..turns {
        let id = format!("c{turn}");
        let call = Arc::new(calls("Let me look that up for you.", &[(Some(&id), "w", r#"{"a":1}"#)]));
        history.push(Arc::new(user("continue, please")));
        let mut span = llm(turn + 2, 1);
        span.said.readings = vec![Reading::sample("a", Carrier::Attributes, history.clone(), vec![Arc::clone(&call)])];
        spans.push(span);
        history.push(call);
        history.push(Arc::new(results(&[(Some(&id), "18C")])));
    }
    spans
}

#[test]
fn a_long_conversation_takes_time_in_proportion_to_what_was_sent() {
    let time = |turns| {
        let rows = rows(1, long(turns), Vec::new());
        let started = Instant::now();
        let trace = session(vec![rows]).remove(0);
        assert_eq!(trace.conversations[0].messages.len() as u64, turns * 3);
        started.elapsed()
    };
    time(10);
    let (short, long) = (time(100), time(400));
    // Four times the turns are sixteen times the messages; twice that is for the noise of the machine.
    assert!(long < short * 32 + std::time::Duration::from_millis(200), "{short:?} and {long:?}");
}
