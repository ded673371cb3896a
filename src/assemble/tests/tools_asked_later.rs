//! Which call asked for a tool, and in which order, where the answer itself does not say so (`tools.md` 1).

use super::*;

/// Id, name and the call that asked for it.
fn asked(trace: &AssembledTrace) -> Vec<(Option<&str>, &str, Option<SpanId>)> {
    trace.tools.iter().map(|run| (run.call_id.as_deref(), run.name.as_str(), run.called_by)).collect()
}

#[test]
fn runs_stand_in_the_order_of_the_calls_that_only_a_later_request_has() {
    let made = [(Some("c3"), "fetch", r#"{"n":6}"#), (Some("c4"), "run", "{}")];
    let trace = |ran: Made| {
        let prompt = [user("q"), calls("", &made), results(&[(Some("c3"), "log"), (Some("c4"), "refused")])];
        one(vec![
            chain(10, 0).at(0.0, 9.0),
            llm(1, 10).asked(&[user("q")]).answered(&[assistant("Both at once.")]),
            ran,
            llm(4, 10).asked(&prompt).answered(&[assistant("a")]),
        ])
    };
    // Only one of both has a span of its own: the first, or the last.
    let by = Some(span_id(1));
    for ran in [tool(3, 10, None, "fetch", r#"{"n":6}"#, Some("log")), tool(3, 10, None, "run", "{}", Some("refused"))]
    {
        assert_eq!(asked(&trace(ran)), [(Some("c3"), "fetch", by), (Some("c4"), "run", by)]);
    }
}

#[test]
fn a_tool_without_an_id_was_asked_for_by_the_answer_that_shows_its_call() {
    let ran = |id: u64| tool(id, 10, None, "w", "1", Some("18C"));
    let trace = one(vec![
        agent(10, 0, "A").asked(&[user("q")]).answered(&[assistant("a")]),
        llm(1, 10),
        ran(3),
        ran(5),
        llm(7, 10),
        ran(9),
        llm(11, 10),
    ]);
    let expected = [1, 1, 7].map(span_id);
    assert_eq!(call_spans(&trace), expected);
    let callers: Vec<_> = trace.tools.iter().filter_map(|run| run.called_by).collect();
    assert_eq!(callers, expected);
}

/// The calls under which tool calls are shown, in order.
fn call_spans(trace: &AssembledTrace) -> Vec<SpanId> {
    let messages = trace.conversations.iter().flat_map(|conversation| &conversation.messages);
    let calls = messages.flat_map(|placed| {
        let calls = placed.message.parts.iter().filter(|part| matches!(part.content, Content::Call(_)));
        calls.map(|_| placed.span)
    });
    calls.collect()
}
