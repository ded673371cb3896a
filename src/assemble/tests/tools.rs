//! Calls, executions and results, joined.

use super::*;
use crate::model::ToolDefinition;

#[test]
fn results_stand_in_the_order_of_their_calls() {
    let asked = calls("All at once.", &[(Some("c1"), "w", "{}"), (Some("c2"), "w", "{}"), (Some("c3"), "t", "{}")]);
    let mut given = results(&[(Some("c3"), "07:15"), (Some("c2"), "19C"), (Some("c1"), "-3C")]);
    given.role = Role::User;
    let trace = one(vec![
        chain(1, 0),
        llm(2, 1).asked(&[user("q")]).answered(&[asked.clone()]),
        llm(3, 1).asked(&[user("q"), asked, given]).answered(&[assistant("a")]),
    ]);
    assert_eq!(only_conversation(&trace)[2], "tool c1=-3C c2=19C c3=07:15");
    assert_eq!(trace.tools.iter().map(|run| run.call_id.as_deref().unwrap()).collect::<Vec<_>>(), ["c1", "c2", "c3"]);
}

#[test]
fn what_an_answer_that_broke_off_asked_for_is_a_run_only_if_it_ran() {
    let asked = || llm(2, 1).asked(&[user("q")]).answered(&[calls("", &[(Some("c1"), "w", "{}")])]);
    let runs = |spans: Vec<Made>| one([vec![chain(1, 0)], spans].concat()).tools.len();
    assert_eq!(runs(vec![asked()]), 1);
    assert_eq!(runs(vec![asked().failed("RemoteProtocolError", "peer closed connection")]), 0);
    let ran = tool(3, 1, Some("c1"), "w", "{}", Some("18C"));
    assert_eq!(runs(vec![asked().failed("RemoteProtocolError", "peer closed connection"), ran]), 1);
}

#[test]
fn a_call_without_a_name_is_what_the_next_request_repeats_with_its_arguments() {
    let kept = calls("", &[(Some("c1"), "ping", r#"{"host":"a"}"#), (None, "", r#"{"job":"x"}"#), (None, "", "{}")]);
    let whole = calls(
        "",
        &[(Some("c1"), "ping", r#"{"host":"a"}"#), (Some("c2"), "run", r#"{"job":"x"}"#), (Some("c3"), "list", "{}")],
    );
    let given = results(&[(Some("c1"), "pong"), (Some("c2"), "refused"), (Some("c3"), "[]")]);
    let asked = || llm(2, 1).asked(&[user("q")]).answered(&[kept.clone()]);
    let ran =
        || vec![tool(3, 1, None, "run", r#"{"job":"x"}"#, Some("refused")), tool(4, 1, None, "list", "{}", Some("[]"))];
    let told = |spans: Vec<Made>| {
        let trace = one([vec![agent(1, 0, "a")], spans].concat());
        let run = |run: &crate::model::ToolRun| {
            format!(
                "{}#{}{} {}",
                run.name,
                run.call_id.as_deref().unwrap_or("-"),
                json::to_string(&run.input),
                run.status.as_str()
            )
        };
        trace.tools.iter().map(run).collect::<Vec<_>>()
    };
    let answer = || llm(5, 1).asked(&[user("q"), whole.clone(), given.clone()]).answered(&[assistant("a")]);
    let all = [r#"ping#c1{"host":"a"} ok"#, r#"run#c2{"job":"x"} ok"#, "list#c3{} ok"];
    assert_eq!(told(vec![asked(), answer()]), all);
    assert_eq!(told([vec![asked()], ran(), vec![answer()]].concat()), all);
    // Of calls with equal arguments each is one of those that ran.
    let twice = llm(2, 1).asked(&[user("q")]).answered(&[calls("", &[(Some("c1"), "ping", "{}"), (None, "", "{}")])]);
    let pinged = tool(6, 1, None, "ping", "{}", Some("pong"));
    let listed = tool(7, 1, None, "list", "{}", Some("[]"));
    assert_eq!(told(vec![twice, pinged, listed]), ["ping#c1{} ok", "list#-{} ok"]);
    // No request repeats them: the name is that of what ran.
    let ran = told([vec![asked()], ran()].concat());
    assert_eq!(ran, [r#"ping#c1{"host":"a"} pending"#, r#"run#-{"job":"x"} ok"#, "list#-{} ok"]);
}

#[test]
fn a_failure_that_an_event_within_a_tool_has_too_is_the_tools() {
    let mut event = made(3, 2, Category::Span).named("error").failed("ToolFailure", "job x refused");
    event.translation.plumbing = true;
    let ran = tool(2, 1, None, "run", "{}", None).failed("ToolFailure", "job x refused");
    let trace = one(vec![agent(1, 0, "a"), ran.clone(), event.clone()]);
    assert_eq!(trace.errors.iter().map(|failure| failure.span).collect::<Vec<_>>(), [span_id(2)]);
    // What failed within it is somebody's own span.
    event.translation.plumbing = false;
    let trace = one(vec![agent(1, 0, "a"), ran, event]);
    assert_eq!(trace.errors.iter().map(|failure| failure.span).collect::<Vec<_>>(), [span_id(3)]);
}

#[test]
fn results_sent_one_by_one_are_one_group() {
    let asked = calls("", &[(Some("c1"), "w", "{}"), (Some("c2"), "w", "{}")]);
    let one_by_one = [
        user("q"),
        calls("", &[(Some("c1"), "w", "{}")]),
        results(&[(Some("c1"), "1")]),
        calls("", &[(Some("c2"), "w", "{}")]),
        results(&[(Some("c2"), "2")]),
    ];
    let mut again = one_by_one.to_vec();
    again.extend([assistant("a"), user("q2")]);
    let trace = one(vec![
        chain(1, 0),
        llm(2, 1).asked(&[user("q")]).answered(&[asked]),
        llm(3, 1).asked(&one_by_one).answered(&[assistant("a")]),
        llm(4, 1).asked(&again).answered(&[assistant("a2")]),
    ]);
    let expected = ["user q", "assistant w{}#c1 w{}#c2", "tool c1=1 c2=2", "assistant a", "user q2", "assistant a2"];
    assert_eq!(only_conversation(&trace), expected);
}

#[test]
fn a_run_shows_what_the_tool_returned_and_the_conversation_what_the_model_saw() {
    let asked = calls("", &[(Some("c1"), "w", "{}")]);
    let trace = one(vec![
        agent(1, 0, "a"),
        llm(2, 1).asked(&[user("q")]).answered(&[asked.clone()]),
        tool(3, 1, Some("c1"), "w", "{}", Some("18C and much more")),
        llm(4, 1).asked(&[user("q"), asked, results(&[(Some("c1"), "18C")])]).answered(&[assistant("a")]),
    ]);
    assert_eq!(only_conversation(&trace)[2], "tool c1=18C");
    assert_eq!(ran(&trace), [(Some("c1"), "ok", Some("18C and much more".to_owned()))]);
    assert_eq!((trace.tools[0].called_by, trace.tools[0].span), (Some(span_id(2)), Some(span_id(3))));
}

#[test]
fn a_result_that_no_request_carries_is_shown_as_it_was_returned() {
    let trace = one(vec![
        agent(1, 0, "a"),
        llm(2, 1).asked(&[user("q")]).answered(&[calls("", &[(Some("c1"), "stop", "{}")])]),
        tool(3, 1, Some("c1"), "stop", "{}", Some("stopped")),
    ]);
    assert_eq!(only_conversation(&trace), ["user q", "assistant stop{}#c1", "tool c1=stopped"]);
    assert_eq!(trace.conversations[0].messages[2].span, span_id(2));
}

#[test]
fn a_history_without_calls_and_ids_is_that_of_the_calls() {
    let words = "Let me look at both cities.";
    let asked = calls(words, &[(Some("c1"), "w", r#"{"c":"Paris"}"#), (Some("c2"), "w", r#"{"c":"Tokyo"}"#)]);
    let repeated = [user("q"), assistant(words), results(&[(None, "18C")]), results(&[(None, "27C")])];
    let trace = one(vec![
        agent(1, 0, "a"),
        llm(2, 1).asked(&[user("q")]).answered(&[asked]),
        tool(3, 1, Some("c1"), "w", r#"{"c":"Paris"}"#, Some("18C")),
        tool(4, 1, Some("c2"), "w", r#"{"c":"Tokyo"}"#, Some("27C")),
        llm(5, 1).asked(&repeated).answered(&[assistant("a")]),
    ]);
    let called = format!(r#"assistant {words} w{{"c":"Paris"}}#c1 w{{"c":"Tokyo"}}#c2"#);
    assert_eq!(only_conversation(&trace), ["user q", &called, "tool c1=18C c2=27C", "assistant a"]);
}

#[test]
fn a_call_of_which_only_the_id_is_known_is_named_by_its_execution() {
    let trace = one(vec![
        agent(1, 0, "a"),
        llm(2, 1).asked(&[user("q")]).answered(&[calls("", &[(Some("c1"), "", "null")])]),
        tool(3, 1, Some("c1"), "stop", "{}", Some("stopped")),
    ]);
    assert_eq!((trace.tools.len(), trace.tools[0].name.as_str()), (1, "stop"));
}

#[test]
fn without_ids_calls_and_executions_are_joined_by_arguments_then_in_order() {
    let asked = calls("", &[(None, "w", r#"{"c":"Paris"}"#), (None, "w", r#"{"c":"Tokyo"}"#), (None, "x", "{}")]);
    let given = results(&[(None, "18C"), (None, "27C"), (None, "ok")]);
    let trace = one(vec![
        agent(1, 0, "a"),
        llm(2, 1).asked(&[user("q")]).answered(&[asked.clone()]),
        tool(3, 1, None, "w", r#"{"c":"Tokyo"}"#, Some("27C")),
        tool(4, 1, None, "w", r#"{"c":"Paris"}"#, Some("18C")),
        tool(5, 1, None, "x", r#"{"default":true}"#, Some("ok")),
        llm(6, 1).asked(&[user("q"), asked, given]).answered(&[assistant("a")]),
    ]);
    let spans: Vec<_> = trace.tools.iter().map(|run| run.span).collect();
    assert_eq!(spans, [4, 3, 5].map(|id| Some(span_id(id))));
    assert_eq!(only_conversation(&trace)[2], "tool =18C =27C =ok");
    assert_eq!(trace.totals.tool_calls, 3);
}

#[test]
fn a_counter_used_again_names_the_newest_call() {
    let turn = |input: &str| calls("", &[(Some("call_0"), "w", input)]);
    let given = |text: &str| results(&[(Some("call_0"), text)]);
    let trace = one(vec![
        agent(1, 0, "a"),
        llm(2, 1).asked(&[user("q")]).answered(&[turn("1")]),
        tool(3, 1, Some("call_0"), "w", "1", Some("one")),
        llm(4, 1).asked(&[user("q"), turn("1"), given("one")]).answered(&[turn("2")]),
        tool(5, 1, Some("call_0"), "w", "2", Some("two")),
        llm(6, 1).asked(&[user("q"), turn("1"), given("one"), turn("2"), given("two")]).answered(&[assistant("a")]),
    ]);
    let runs: Vec<_> = ran(&trace).into_iter().map(|(_, _, output)| output.unwrap()).collect();
    assert_eq!(runs, ["one", "two"]);
    let lines = only_conversation(&trace);
    assert_eq!(lines[2..], ["tool call_0=one", "assistant w2#call_0", "tool call_0=two", "assistant a"]);
}

#[test]
fn a_tool_within_a_tool_of_its_name_is_its_implementation() {
    let mut merged = tool(4, 1, None, "several tools", "{}", None);
    merged.translation.genai.tool.as_mut().unwrap().merged = true;
    let trace = one(vec![
        agent(1, 0, "a"),
        tool(2, 1, Some("c1"), "w", "{}", Some("18C")),
        tool(3, 2, None, "w", "{}", Some("18C")).named("tools/call w"),
        merged,
    ]);
    assert_eq!(ran(&trace), [(Some("c1"), "ok", Some("18C".to_owned()))]);
}

#[test]
fn a_run_fails_by_its_span_or_by_its_result() {
    let mut refused = results(&[(Some("c2"), "no such city")]);
    let Content::Result(result) = &mut refused.parts[0].content else { unreachable!() };
    result.is_error = Some(true);
    let asked = calls("", &[(Some("c1"), "w", "{}"), (Some("c2"), "w", "{}"), (Some("c3"), "w", "{}")]);
    let trace = one(vec![
        agent(1, 0, "a"),
        llm(2, 1).asked(&[user("q")]).answered(&[asked.clone()]),
        tool(3, 1, Some("c1"), "w", "{}", None).failed("Timeout", "3000 ms"),
        llm(4, 1).asked(&[user("q"), asked, refused]).answered(&[assistant("a")]),
    ]);
    let runs: Vec<_> = trace.tools.iter().map(|run| (run.status.as_str(), run.error.as_deref())).collect();
    assert_eq!(runs, [("error", Some("3000 ms")), ("error", Some("no such city")), ("pending", None)]);
    assert_eq!((trace.totals.tool_calls, trace.totals.failed_tools, trace.totals.errors), (3, 2, 1));
}

#[test]
fn a_result_in_the_next_trace_completes_the_run_of_the_one_before() {
    let asked = calls("", &[(Some("c1"), "w", "{}")]);
    let traces = several(vec![
        vec![llm(1, 0).asked(&[user("q")]).answered(&[asked.clone()])],
        vec![llm(1, 0).asked(&[user("q"), asked, results(&[(Some("c1"), "18C")])]).answered(&[assistant("a")])],
    ]);
    assert_eq!(ran(&traces[0]), [(Some("c1"), "ok", Some("18C".to_owned()))]);
    assert!(traces[1].tools.is_empty());
    assert_eq!(only_conversation(&traces[1]), ["~user q", "~assistant w{}#c1", "tool c1=18C", "assistant a"]);
}

#[test]
fn tools_that_ran_for_calls_without_messages_are_shown() {
    let trace = one(vec![
        made(1, 0, Category::Span),
        llm(2, 1).tokens(1, 1),
        tool(3, 1, Some("c1"), "w", r#"{"c":"Paris"}"#, Some("18C")),
        tool(4, 1, Some("c2"), "w", r#"{"c":"Tokyo"}"#, Some("27C")),
        llm(5, 1).tokens(1, 1),
        tool(6, 1, Some("c3"), "x", r#"{"d":1}"#, Some("ok")),
    ]);
    let expected = [
        r#"assistant w{"c":"Paris"}#c1 w{"c":"Tokyo"}#c2"#,
        "tool c1=18C c2=27C",
        r#"assistant x{"d":1}#c3"#,
        "tool c3=ok",
    ];
    assert_eq!(only_conversation(&trace), expected);
    assert_eq!((trace.conversations[0].messages[2].turn, trace.conversations[0].messages[2].span), (1, span_id(5)));
}

#[test]
fn tools_that_ran_in_a_workflow_without_calls_are_shown_with_it() {
    let workflow = made(1, 0, Category::Chain).at(0.0, 9.0).asked(&[user("q")]).answered(&[assistant("a")]);
    let trace = one(vec![
        workflow,
        tool(3, 1, None, "w", r#"{"c":"Paris"}"#, Some("18C")),
        tool(5, 1, None, "w", r#"{"c":"Tokyo"}"#, Some("27C")),
    ]);
    let expected = [
        "user q",
        r#"assistant w{"c":"Paris"}"#,
        "tool =18C",
        r#"assistant w{"c":"Tokyo"}"#,
        "tool =27C",
        "assistant a",
    ];
    assert_eq!(only_conversation(&trace), expected);
    let asked = made(1, 0, Category::Chain).asked(&[user("q")]);
    assert_eq!(only_conversation(&one(vec![asked, tool(3, 1, None, "w", "{}", Some("18C"))])), ["user q"]);
}

#[test]
fn tools_offered_are_listed_in_order_of_appearance() {
    let tool = |name: &str, description: Option<&str>| ToolDefinition {
        name: name.to_owned(),
        description: description.map(str::to_owned),
        parameters: None,
    };
    let mut root = agent(1, 0, "a");
    root.translation.tools = vec![tool("z", None), tool("a", None)];
    let mut call = llm(2, 1);
    call.translation.tools = vec![tool("a", Some("A tool")), tool("b", None)];
    let trace = one(vec![call, root]);
    let names: Vec<_> =
        trace.definitions.iter().map(|tool| (tool.name.as_str(), tool.description.as_deref())).collect();
    assert_eq!(names, [("z", None), ("a", Some("A tool")), ("b", None)]);
}

#[test]
fn an_agent_without_known_calls_shows_the_arguments_and_results_of_its_tools() {
    let found = [
        calls("", &[(Some("c1"), "w", r#"{"a":1}"#), (Some("c2"), "w", r#"{"a":2}"#)]),
        results(&[(Some("c1"), "18C"), (Some("c2"), "19C")]),
        assistant("a"),
    ];
    let mut wordless = made(3, 1, Category::Tool).named("execute_tool w");
    let (name, call_id) = (Some("w".to_owned()), Some("c1".to_owned()));
    wordless.translation.genai.tool = Some(ToolName { name, call_id, ..ToolName::default() });
    let trace = one(vec![
        agent(1, 0, "a").asked(&[user("q")]).answered(&found),
        tool(2, 1, None, "w", r#"{"a":2}"#, Some("19C")),
        wordless,
    ]);
    let expected = [(Some("c2"), "ok", Some("19C".to_owned())), (Some("c1"), "ok", Some("18C".to_owned()))];
    assert_eq!(ran(&trace), expected);
    assert_eq!(crate::model::json::to_string(&trace.tools[1].input), r#"{"a":1}"#);
    assert_eq!(only_conversation(&trace).len(), 4);
}

#[test]
fn a_failure_that_names_only_its_tool_is_of_the_run_that_failed() {
    let asked = calls("", &[(Some("c1"), "w", r#"{"n":1}"#), (Some("c2"), "w", r#"{"n":2}"#)]);
    let mut failure = results(&[(None, "no such w")]);
    if let Content::Result(result) = &mut failure.parts[0].content {
        (result.name, result.is_error) = (Some("w".to_owned()), Some(true));
    }
    let trace = one(vec![
        agent(1, 0, "a"),
        llm(2, 1).asked(&[user("q")]).answered(&[asked]),
        tool(3, 1, Some("c1"), "w", r#"{"n":1}"#, None).broken("no such w"),
        tool(4, 1, Some("c2"), "w", r#"{"n":2}"#, Some("18C")),
        llm(5, 1).asked(&[user("q"), failure]).answered(&[assistant("a")]),
    ]);
    let went: Vec<_> = ran(&trace).into_iter().map(|(id, status, _)| (id, status)).collect();
    assert_eq!(went, [(Some("c1"), "error"), (Some("c2"), "ok")]);
}

#[test]
fn a_failure_that_only_a_request_tells_is_one_of_the_tool_and_of_the_run() {
    let asked = calls("", &[(Some("c1"), "w", "{}")]);
    let mut given = results(&[(Some("c1"), "no such city")]);
    if let Content::Result(result) = &mut given.parts[0].content {
        result.is_error = Some(true);
    }
    for output in [None, Some("no such city")] {
        let trace = one(vec![
            agent(1, 0, "a"),
            llm(2, 1).asked(&[user("q")]).answered(&[asked.clone()]),
            tool(3, 1, Some("c1"), "w", "{}", output),
            llm(4, 1).asked(&[user("q"), asked.clone(), given.clone()]).answered(&[assistant("sorry")]),
        ]);
        assert_eq!(ran(&trace)[0].1, "error");
        assert_eq!((trace.totals.failed_tools, trace.totals.errors), (1, 1));
        let failure = &trace.errors[0];
        assert_eq!((failure.span, failure.failure.message.as_deref()), (span_id(3), Some("no such city")));
        assert_eq!(trace.state, crate::model::TraceState::Ok);
        let node = trace.tree.nodes.iter().find(|node| node.id == span_id(3)).unwrap();
        assert_eq!((node.state, node.error.as_deref()), (crate::model::NodeState::Error, Some("no such city")));
    }
}

#[test]
fn calls_that_only_the_next_request_has_were_asked_for_by_the_call_before() {
    let asked = |words: &str| calls(words, &[(None, "ping", r#"{"host":"db"}"#)]);
    let pong = || results(&[(None, "pong")]);
    let first = [user("q"), asked("First."), pong()];
    let second = [user("q"), asked("First."), pong(), asked(""), pong()];
    let trace = one(vec![
        agent(1, 0, "a").session("s"),
        llm(2, 1).asked(&[user("q")]).answered(&[assistant("First.")]),
        llm(4, 1).asked(&first),
        llm(6, 1).asked(&second).answered(&[assistant("Both came back.")]),
        // The same request once more has nothing new.
        llm(8, 1).asked(&second).answered(&[assistant("Both did.")]),
    ]);
    let pong = || (None, "ok", Some("pong".to_owned()));
    assert_eq!((ran(&trace), trace.totals.tool_calls), (vec![pong(), pong()], 2));
    assert_eq!(trace.tools.iter().map(|run| run.called_by).collect::<Vec<_>>(), [2, 4].map(|id| Some(span_id(id))));
}

#[test]
fn a_run_of_an_earlier_trace_is_listed_once_more_only_where_no_session_joins_them() {
    let asked = calls("Look.", &[(Some("c1"), "w", "{}")]);
    let later =
        || llm(2, 0).asked(&[user("q"), asked.clone(), results(&[(Some("c1"), "18C")])]).answered(&[assistant("a")]);
    let alone = one(vec![later()]);
    assert_eq!(ran(&alone), [(Some("c1"), "ok", Some("18C".to_owned()))]);
    assert_eq!((alone.tools[0].earlier, alone.tools[0].called_by, alone.totals.tool_calls), (true, None, 0));
    assert!(one(vec![later().session("s")]).tools.is_empty());
    let more = [user("q"), asked.clone(), results(&[(Some("c1"), "18C")]), assistant("a"), user("q2")];
    assert!(one(vec![llm(2, 0).asked(&more).answered(&[assistant("b")])]).tools.is_empty());
}

#[test]
fn an_agent_alone_has_the_runs_of_its_own_messages() {
    let messages = [
        calls("", &[(Some("c1"), "w", "{}"), (Some("c2"), "w", "{}")]),
        results(&[(Some("c1"), "18C")]),
        assistant("a"),
    ];
    let within = |at: u64, name: &str| agent(at, at - 1, name).asked(&[user("q")]).answered(&messages);
    let trace = one(vec![within(1, "outer"), within(2, "inner")]);
    assert_eq!(ran(&trace), [(Some("c1"), "ok", Some("18C".to_owned())), (Some("c2"), "pending", None)]);
    assert_eq!(trace.totals.tool_calls, 2);
    let executed = one(vec![within(1, "a"), tool(2, 1, Some("c1"), "w", "{}", Some("18C"))]);
    assert_eq!(executed.tools.len(), 1);
}

#[test]
fn agents_that_count_their_calls_alike_keep_their_own_runs() {
    let asked = calls("", &[(Some("call_0"), "look", r#"{"x":1}"#)]);
    let call = |id, agent| llm(id, agent).asked(&[user("q")]).answered(&[asked.clone()]);
    let next = |id, agent, result: &str| {
        let prompt = [user("q"), asked.clone(), results(&[(Some("call_0"), result)])];
        llm(id, agent).asked(&prompt).answered(&[assistant("done")])
    };
    let look = |id, agent, output: &str| tool(id, agent, Some("call_0"), "look", r#"{"x":1}"#, Some(output));
    let agents =
        [made(1, 0, Category::Span).at(0.0, 1000.0), agent(2, 1, "a"), agent(4, 1, "b"), call(3, 2), call(5, 4)];
    let outputs = |more: [Made; 2]| {
        let trace = one(agents.iter().cloned().chain(more).collect());
        ran(&trace).into_iter().map(|(_, _, output)| output.unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(outputs([look(6, 2, "for a"), look(7, 4, "for b")]), ["for a", "for b"]);
    assert_eq!(outputs([next(6, 2, "for a"), next(7, 4, "for b")]), ["for a", "for b"]);
}

#[test]
fn a_result_that_was_recorded_as_a_string_of_json_is_shown_as_the_model_saw_it() {
    let told = |seen: &str| {
        let trace = one(vec![
            llm(1, 0).asked(&[user("q")]).answered(&[calls("", &[(Some("c_01"), "w", "{}")])]),
            tool(2, 0, Some("c_01"), "w", "{}", Some(r#""18C""#)),
            llm(3, 0)
                .asked(&[user("q"), calls("", &[(Some("c_01"), "w", "{}")]), results(&[(Some("c_01"), seen)])])
                .answered(&[assistant("a")]),
        ]);
        ran(&trace)[0].2.clone()
    };
    assert_eq!(told("18C").as_deref(), Some("18C"));
    assert_eq!(told(r#""18C""#).as_deref(), Some(r#""18C""#));
}
