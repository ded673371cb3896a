//! The tree of a trace, its name and state, and its failures.

use super::*;
use crate::model::NodeState;
use crate::model::Waits;

/// Depth, name and state of each node.
fn nodes(trace: &AssembledTrace) -> Vec<(usize, &str, NodeState)> {
    trace.tree.nodes.iter().map(|node| (node.depth, node.name.as_str(), node.state)).collect()
}

/// The spans at which errors are listed, and their messages.
fn errors(trace: &AssembledTrace) -> Vec<(SpanId, &str)> {
    trace.errors.iter().map(|error| (error.span, error.failure.message.as_deref().unwrap_or_default())).collect()
}

#[test]
fn siblings_stand_by_start_end_and_id() {
    let trace = one(vec![
        chain(5, 1).at(3.0, 9.0),
        chain(4, 1).at(3.0, 4.0),
        chain(3, 1).at(3.0, 4.0),
        chain(2, 1).at(7.0, 8.0),
        chain(1, 0),
    ]);
    let ids: Vec<_> = trace.tree.nodes.iter().map(|node| node.id).collect();
    assert_eq!(ids, [1, 3, 4, 5, 2].map(span_id));
    assert_eq!(trace.tree.nodes[0].beneath, 4);
}

#[test]
fn an_agent_is_shown_by_its_name_though_its_span_has_the_models() {
    let model = |mut made: Made| {
        made.translation.genai.model = Some("gpt-5".to_owned());
        made
    };
    let trace = one(vec![
        model(agent(1, 0, "desk").named("invoke_agent gpt-5")),
        model(agent(2, 1, "title").named("invoke_agent w")),
        model(llm(3, 1).named("gpt-5")),
    ]);
    let names: Vec<_> = trace.tree.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["desk", "w", "gpt-5"]);
}

#[test]
fn children_of_a_parent_that_never_arrived_are_beneath_a_placeholder() {
    let trace = one(vec![llm(2, 9).tokens(1, 1), llm(3, 9).tokens(2, 2), chain(4, 3)]);
    assert_eq!(trace.tree.nodes[0].id, span_id(9));
    assert_eq!(
        nodes(&trace),
        [
            (0, "parent not received", NodeState::Missing),
            (1, "span 2", NodeState::Ok),
            (1, "span 3", NodeState::Ok),
            (2, "span 4", NodeState::Ok),
        ]
    );
    assert_eq!(trace.tree.nodes[0].usage.unwrap().total(), Some(6));
    // The trace shows already, and takes its name and root when the parent comes.
    assert_eq!(trace.name.as_deref(), Some("span 2"));
    let trace = one(vec![llm(2, 9), chain(9, 0).named("root")]);
    assert_eq!(trace.name.as_deref(), Some("root"));
}

#[test]
fn a_circle_of_parents_is_cut_at_its_earliest_span() {
    let trace = one(vec![chain(3, 2), chain(2, 1), chain(1, 3), chain(4, 4), chain(5, 3)]);
    let depths: Vec<_> = trace.tree.nodes.iter().map(|node| (node.id, node.depth)).collect();
    assert_eq!(depths, [(1, 0), (2, 1), (3, 2), (5, 3), (4, 0)].map(|(id, depth)| (span_id(id), depth)));
}

#[test]
fn a_trace_of_any_depth_is_assembled() {
    let spans: Vec<Made> = (1..20_000)
        .map(|id| if id % 2 == 0 { llm(id, id - 1).tokens(id, 1) } else { agent(id, id - 1, "a") })
        .collect();
    assert_eq!(one(spans).tree.nodes.len(), 19_999);
}

#[test]
fn calls_and_repeated_tools_are_numbered() {
    let trace = one(vec![
        agent(1, 0, "a"),
        llm(2, 1),
        tool(3, 1, Some("c1"), "w", "{}", None),
        tool(4, 1, Some("c2"), "w", "{}", None),
        tool(5, 1, Some("c3"), "x", "{}", None),
        llm(6, 1),
    ]);
    let numbers: Vec<_> = trace.tree.nodes.iter().map(|node| (node.turn, node.ordinal)).collect();
    assert_eq!(
        numbers,
        [(None, None), (Some(1), None), (None, Some(1)), (None, Some(2)), (None, None), (Some(2), None)]
    );
}

#[test]
fn a_trace_runs_until_every_span_has_ended() {
    use crate::model::TraceState::{Error, Ok, Running};
    let trace = one(vec![chain(1, 0).running(), llm(2, 1)]);
    assert_eq!((trace.state, trace.ended), (Running, None));
    assert_eq!(trace.tree.nodes[0].state, NodeState::Running);
    // A failure that was recovered from leaves it well.
    assert_eq!(one(vec![chain(1, 0), llm(2, 1).broken("x")]).state, Ok);
    assert_eq!(one(vec![chain(1, 0).broken("x"), llm(2, 1)]).state, Error);
    assert_eq!(one(vec![llm(2, 1).broken("x"), llm(3, 1)]).state, Error);
}

#[test]
fn an_id_on_any_span_holds_for_the_trace_and_that_of_the_root_first() {
    let trace = one(vec![chain(1, 0), llm(2, 1).session("child"), llm(3, 1).session("later")]);
    assert_eq!(trace.context.session.as_deref(), Some("child"));
    let trace = one(vec![chain(5, 0).session("root"), llm(2, 5).session("child")]);
    assert_eq!(trace.context.session.as_deref(), Some("root"));
}

#[test]
fn a_failure_is_listed_once_where_it_happened() {
    let trace = one(vec![
        chain(1, 0).failed("AgentError", "agent failed: connection refused by host"),
        chain(2, 1).failed("ConnectionError", "connection refused by host"),
        tool(3, 2, None, "w", "{}", None).failed("ConnectionError", "connection refused by host"),
    ]);
    assert_eq!(errors(&trace), [(span_id(3), "connection refused by host")]);
    assert_eq!(trace.totals.errors, 1);
}

#[test]
fn failures_of_their_own_are_all_listed() {
    let trace = one(vec![
        chain(1, 0).failed("Timeout", "the whole run took too long"),
        llm(2, 1).failed("RateLimit", "429 slow down please"),
        llm(3, 1).failed("RateLimit", "429 slow down please"),
    ]);
    assert_eq!(errors(&trace).iter().map(|(span, _)| *span).collect::<Vec<_>>(), [1, 2, 3].map(span_id));
}

#[test]
fn a_failure_with_a_status_alone_takes_its_message_from_above() {
    let trace =
        one(vec![chain(1, 0).failed("ToolError", "no such city"), tool(2, 1, None, "w", "{}", None).broken("")]);
    assert_eq!(errors(&trace), [(span_id(2), "no such city")]);
    assert_eq!(trace.errors[0].failure.kind.as_deref(), Some("ToolError"));
    // And a bare status above a failure is its consequence.
    let trace = one(vec![chain(1, 0).broken(""), llm(2, 1).broken("boom")]);
    assert_eq!(errors(&trace), [(span_id(2), "boom")]);
}

#[test]
fn two_records_of_one_failed_call_are_one_failure() {
    let trace = one(vec![
        chain(1, 0),
        llm(2, 1).at(2.0, 4.0).failed("BadRequest", "400 not allowed here"),
        rpc(3, 1).at(2.1, 3.9).broken(""),
    ]);
    assert_eq!(errors(&trace), [(span_id(2), "400 not allowed here")]);
    assert_eq!(trace.totals.model_calls, 1);
}

#[test]
fn a_failure_is_known_by_its_words_and_not_by_a_few_letters_of_them() {
    for (above, beneath, listed) in [
        ("no", "no", 1),
        ("no  such\ncity", "no such city", 1),
        ("the run failed: not found", "not found", 1),
        ("the run failed: timeout", "timeout", 2),
        ("connection refused", "error: connection refused by host", 1),
        ("refused", "error: connection refused by host", 2),
        ("Error in agent run: {'error': 'Connection error.'}", "Connection error.", 1),
        ("connection refused by host", "connection refused by peer", 2),
    ] {
        let trace = one(vec![chain(1, 0).failed("A", above), llm(2, 1).failed("B", beneath)]);
        assert_eq!(errors(&trace).len(), listed, "{above} / {beneath}");
        assert!(errors(&trace).contains(&(span_id(2), beneath)));
    }
}

#[test]
fn a_failure_without_words_is_the_consequence_of_one_beneath_if_it_is_a_status_or_of_the_same_kind() {
    for (kind, listed) in
        [(None, 1), (Some("503"), 1), (Some("gRPC 14"), 1), (Some("Timeout"), 2), (Some("RateLimit"), 1)]
    {
        let mut above = chain(1, 0).broken("");
        above.translation.error.as_mut().unwrap().kind = kind.map(str::to_owned);
        let trace = one(vec![above, llm(2, 1).failed("RateLimit", "slow down please")]);
        assert_eq!(errors(&trace).len(), listed, "{kind:?}");
    }
    // Which of two the words above describe is not known.
    let trace = one(vec![chain(1, 0).failed("Both", "both cities failed"), llm(2, 1).broken(""), llm(3, 1).broken("")]);
    assert_eq!(errors(&trace).iter().map(|(span, _)| *span).collect::<Vec<_>>(), [1, 2, 3].map(span_id));
    // Of the records of one call the one that says most is listed.
    let trace = one(vec![
        chain(1, 0),
        llm(2, 1).at(2.0, 4.0).failed("BadRequest", "400 no"),
        rpc(3, 1).at(2.1, 3.9).failed("BadRequest", "the prompt is too long for this model"),
    ]);
    assert_eq!(errors(&trace), [(span_id(3), "the prompt is too long for this model")]);
}

#[test]
fn a_trace_of_nothing_but_wrappers_is_recognised() {
    let wrapper = |id, parent| {
        let mut made = made(id, parent, Category::Span);
        made.translation.is_wrapper = true;
        made
    };
    assert!(one(vec![wrapper(1, 0), wrapper(2, 1)]).only_wrapper_spans);
    assert!(!one(vec![wrapper(1, 0), llm(2, 1)]).only_wrapper_spans);
}

#[test]
fn a_call_without_messages_names_the_instrumentation_that_recorded_it() {
    let call = || llm(2, 1).scope("its.scope").tokens(1, 1);
    let unrecorded = |spans: Vec<Made>| one(spans).calls.remove(0).unrecorded;
    let by = unrecorded(vec![chain(1, 0), call()]).unwrap();
    assert_eq!((by.scope.as_str(), by.framework), ("its.scope", None));
    assert_eq!(unrecorded(vec![call().asked(&[user("q")])]), None);
    assert_eq!(unrecorded(vec![call().failed("Timeout", "no answer")]), None, "its content may not exist");
    assert_eq!(unrecorded(vec![call().running()]), None, "it may be found yet");
    let told_by_another = vec![llm(1, 0).tokens(1, 1).asked(&[user("q")]).answered(&[assistant("a")]), call()];
    assert_eq!(unrecorded(told_by_another), None);
    let records = vec![log(1, 1, &[user("q")], &[])];
    assert_eq!(
        of(rows(1, vec![chain(1, 0), call()], records)).calls[0].unrecorded,
        None,
        "its log records have content"
    );
}

/// In JavaScript all that begins in one millisecond begins together.
#[test]
fn of_spans_that_began_together_the_outer_one_has_the_question() {
    let before = [user("old"), assistant("a")];
    let rows = rows(
        1,
        vec![agent(1, 0, "w").at(1.0, 9.0).asked(&[user("new")]), chain(2, 1).at(1.0, 2.0).asked(&before)],
        Vec::new(),
    );
    assert_eq!(settled(&rows).question.as_deref(), Some("new"));
}

#[test]
fn a_list_shows_the_question() {
    let asked = |prompt: &[Message]| settled(&rows(1, vec![chain(1, 0), llm(2, 1).asked(prompt)], Vec::new())).question;
    let prompt = [system("S"), user("old"), assistant("a"), user("unanswered"), user("new\n question")];
    assert_eq!(asked(&prompt).as_deref(), Some("new question"));
    assert_eq!(asked(&[&prompt[..], &[calls("", &[(None, "w", "{}")])]].concat()).as_deref(), Some("new question"));
    let hidden = Message::new(Role::User, vec![Part { hidden: true, ..Part::text("") }]);
    assert_eq!(asked(&[user("old"), assistant("a"), hidden]), None, "what nobody knows is not what was asked before");
    let long = "word ".repeat(100);
    let trace = rows(1, vec![llm(2, 1).asked(&[user(&long)])], Vec::new());
    assert!(settled(&trace).question.unwrap().chars().count() <= 121);
    let logs = vec![log(2, 1, &[user("old")], &[]), log(2, 2, &[assistant("a")], &[]), log(2, 3, &[user("new")], &[])];
    assert_eq!(settled(&rows(1, vec![llm(2, 0)], logs)).question.as_deref(), Some("new"));
}

#[test]
fn a_trace_waits_for_its_root_for_open_spans_and_for_what_is_later_than_its_root() {
    let waits = |spans: Vec<Made>| one(spans).waits;
    let root = || made(1, 0, Category::Span).at(0.0, 100.0);
    assert_eq!(waits(vec![root(), llm(2, 1)]), None);
    assert_eq!(waits(vec![llm(2, 1)]), Some(Waits::Root), "the root has not come");
    assert_eq!(waits(vec![root(), llm(3, 2)]), None, "a parent in the middle is enclosed by the root");
    assert_eq!(waits(vec![root(), llm(2, 1).at(99.0, 101.0)]), Some(Waits::Late));
    assert_eq!(waits(vec![root(), llm(2, 1).at(99.0, 100.005)]), None, "clocks differ by a little");
    let remote = |mut made: Made| {
        made.row.remote_parent = true;
        made
    };
    assert_eq!(waits(vec![remote(llm(2, 1)), llm(3, 2)]), Some(Waits::Remote), "its root is of another process");
    assert_eq!(waits(vec![remote(llm(2, 1)), llm(4, 3)]), Some(Waits::Root), "one of the roots is of this one");
    assert_eq!(waits(vec![root(), remote(llm(2, 1))]), None);
    let open = |mut made: Made| {
        made.row.ended = None;
        made
    };
    assert_eq!(waits(vec![root(), open(llm(2, 1))]), Some(Waits::Spans));
    assert_eq!(waits(vec![open(root()), llm(2, 1)]), Some(Waits::Spans));
    // Spans without a parent that follow each other: the last of them ends the trace.
    assert_eq!(waits(vec![root(), made(2, 0, Category::Span).at(200.0, 300.0), llm(3, 2).at(200.0, 250.0)]), None);
    assert_eq!(of(rows(1, Vec::new(), vec![log(1, 0, &[user("hi")], &[])])).waits, None, "records tell no end");
}
