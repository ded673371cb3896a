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
    let ran = |id: u64, place: &str| tool(id, 10, None, "w", place, Some("18C"));
    let trace = one(vec![
        agent(10, 0, "A"),
        llm(1, 10).asked(&[user("q")]).answered(&[assistant("Let me look.")]),
        ran(3, "1"),
        ran(5, "1"),
        llm(7, 10).asked(&[user("q")]).answered(&[assistant("Once more.")]),
        ran(9, "1"),
    ]);
    let shown = only_call_spans(&trace);
    let callers: Vec<_> = trace.tools.iter().map(|run| run.called_by).collect();
    assert_eq!(callers.iter().flatten().count(), shown.len());
    assert_eq!(callers.into_iter().flatten().collect::<Vec<_>>(), shown);
    assert_eq!(shown.first(), Some(&span_id(1)));
}

/// The calls under which tool calls are shown, in order.
fn only_call_spans(trace: &AssembledTrace) -> Vec<SpanId> {
    let messages = trace.conversations.iter().flat_map(|conversation| &conversation.messages);
    let calls = messages.flat_map(|placed| {
        let calls = placed.message.parts.iter().filter(|part| matches!(part.content, Content::Call(_)));
        calls.map(|_| placed.span)
    });
    calls.collect()
}
