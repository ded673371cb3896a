//! What holds for any rows whatever.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

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
        let own = trace.tools.iter().filter(|run| !run.earlier).count();
        prop_assert_eq!(trace.totals.tool_calls, own as u64);
        for found in trace.conversations.iter().flat_map(|conversation| &conversation.messages) {
            prop_assert!(!found.message.parts.is_empty());
            let results = found.message.parts.iter().any(|part| matches!(part.content, Content::Result(_)));
            prop_assert!(!results || found.message.role == Role::Tool);
        }
    }

    /// Every answer of a call is shown once, whatever its text. Of a text that the model also reads as its own earlier
    /// answer there is no telling which of them is shown. Only models answer here: the answer of an agent is shown with
    /// its last call.
    #[test]
    fn each_answer_is_shown_once((mut spans, _) in trace()) {
        for span in spans.iter_mut().filter(|span| span.translation.genai.category != Category::Llm) {
            span.translation.readings.clear();
        }
        let trace = of(rows(1, spans.clone(), Vec::new()));
        for call in trace.calls.iter().filter(|call| call.category == Category::Llm && call.failure.is_none()) {
            let of_call = |span: &&Made| span.row.id == call.span || call.also.contains(&span.row.id);
            let mut records = spans.iter().filter(of_call);
            let (Some(record), None) = (records.next(), records.next()) else { continue };
            let text = |message: &Message| Some(message.plain_text()).filter(|_| message.role == Role::Assistant);
            let readings = || record.translation.readings.iter();
            let sent: Vec<_> = readings().flat_map(|reading| &reading.prompt).filter_map(|m| text(m)).collect();
            let answered = readings().flat_map(|reading| &reading.completion).filter_map(|m| text(m));
            let mut answered: Vec<_> = answered.filter(|text| !text.is_empty() && !sent.contains(text)).collect();
            if answered.is_empty() {
                // What such a call answered may be known from a later request.
                continue;
            }
            let messages = trace.conversations.iter().flat_map(|conversation| &conversation.messages);
            let shown = messages.filter(|shown| shown.span == call.span && !shown.history);
            let mut shown: Vec<_> =
                shown.filter_map(|shown| text(&shown.message)).filter(|text| !text.is_empty() && !sent.contains(text)).collect();
            answered.sort();
            shown.sort();
            prop_assert_eq!(shown, answered);
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
        span.translation.readings =
            vec![Reading::sample("a", Carrier::Attributes, history.clone(), vec![Arc::clone(&call)])];
        spans.push(span);
        history.push(call);
        history.push(Arc::new(results(&[(Some(&id), "18C")])));
    }
    spans
}

/// How long this thread has had a processor: what other programs do meanwhile is not in it. Elsewhere than on Linux, how
/// long it has been there.
fn worked() -> Duration {
    static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
    let linux = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = linux.as_deref().and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| STARTED.elapsed(), Duration::from_nanos)
}

#[test]
fn a_long_conversation_takes_work_in_proportion_to_what_was_sent() {
    let work = |turns| {
        let once = || {
            let rows = rows(1, long(turns), Vec::new());
            let before = worked();
            let trace = session(vec![rows]).remove(0);
            let worked = worked().saturating_sub(before);
            assert_eq!(trace.conversations[0].messages.len() as u64, turns * 3);
            worked
        };
        (0..3).map(|_| once()).min().unwrap()
    };
    let (short, long) = (work(150), work(600));
    // Four times the turns are sixteen times the messages.
    assert!(long < short * 24, "{short:?} and {long:?}");
}
