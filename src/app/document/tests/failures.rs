//! Failures that stand apart from what is shown.

use super::*;

#[test]
fn a_failure_of_a_tool_that_no_message_shows_is_not_put_under_another_agents_turn() {
    let node = |number, category, depth| Node { depth, category, ..Node::sample(span(number), "n", Timestamp(0)) };
    let failure = Failure { kind: Some("ToolFailure".into()), message: Some("refused".into()), stack: None };
    let tool = |called_by| ToolRun {
        span: Some(span(3)),
        called_by,
        started: Some(Timestamp(1_900_000_000)),
        ..ran(None, "Oslo", ToolStatus::Error)
    };
    let calls = || vec![call(1), ModelCall { started: Timestamp(1_800_000_000), ..call(2) }];
    let said = |turn, text: &str| message(turn, Role::Assistant, vec![Content::Text(text.into())]);
    // The tool stands in the agent of the first turn, of the second, or in one without turns.
    let lines_of = |agent: u8, called_by| {
        let mut run = run(calls(), vec![said(0, "I look."), said(1, "sorry")], vec![tool(called_by)]);
        for (number, call) in [(10, Some(1)), (11, Some(2)), (12, None)] {
            run.tree.nodes.push(node(number, Category::Agent, 0));
            run.tree.nodes.extend(call.map(|call| node(call, Category::Llm, 1)));
            run.tree.nodes.extend((number == agent).then(|| node(3, Category::Tool, 1)));
        }
        run.errors = vec![TraceFailure { span: span(3), at: Timestamp(0), failure: failure.clone() }];
        let lines = lines(messages::blocks, &detail(vec![run]), 60);
        [place(&lines, "✗ ToolFailure"), place(&lines, "── turn 2"), place(&lines, "sorry")]
    };
    let [failed, second, _] = lines_of(10, None);
    assert!(failed < second, "after the turn of its agent");
    let [failed, second, _] = lines_of(11, Some(span(1)));
    assert!(failed < second, "after the turn that asked for it");
    for agent in [11, 12] {
        let [failed, _, last] = lines_of(agent, None);
        assert!(failed > last);
    }
}
