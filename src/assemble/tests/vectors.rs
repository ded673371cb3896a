//! The worked vectors of `conversations.md` 11.

use super::*;

fn weather() -> Message {
    calls("Let me check.", &[(Some("t1"), "w", r#"{"city":"Paris"}"#)])
}

/// V1: six spans of a Strands agent with one tool.
fn strands() -> Vec<Made> {
    let (question, call, result) = (user("Weather in Paris?"), weather(), results(&[(Some("t1"), "18C")]));
    vec![
        agent(1, 0, "W")
            .tokens(300, 40)
            .aggregate()
            .asked(&[system("You are W"), question.clone()])
            .answered(&[assistant("It is 18C.\n")]),
        chain(2, 1).at(2.0, 5.0).asked(std::slice::from_ref(&question)).answered(&[call.clone(), result.clone()]),
        llm(3, 2).tokens(100, 20).asked(&[system("You are W"), question.clone()]).answered(&[call.clone()]),
        tool(4, 2, Some("t1"), "w", r#"{"city":"Paris"}"#, Some("18C")).at(4.0, 4.9),
        chain(5, 1).at(5.0, 8.0).asked(&[question.clone(), call.clone(), result.clone()]),
        llm(6, 5)
            .tokens(200, 20)
            .asked(&[system("You are W"), question, call, result])
            .answered(&[assistant("It is 18C.")]),
    ]
}

const STRANDS: [&str; 5] = [
    "system You are W",
    "user Weather in Paris?",
    r#"assistant Let me check. w{"city":"Paris"}#t1"#,
    "tool t1=18C",
    "assistant It is 18C.",
];

#[test]
fn v1_strands_with_one_tool() {
    let trace = one(strands());
    assert_eq!(only_conversation(&trace), STRANDS);
    assert_eq!((trace.totals.usage.input(), trace.totals.usage.output), (Some(300), Some(40)));
    assert_eq!(ran(&trace), [(Some("t1"), "ok", Some("18C".to_owned()))]);
    let run = &trace.tools[0];
    assert_eq!(run.ended.unwrap().since(run.started.unwrap()).as_millis(), 900);
    let conversation = &trace.conversations[0];
    assert_eq!(
        (conversation.agent.as_deref(), conversation.opened_by.clone(), conversation.id.1),
        (Some("W"), None, span_id(3))
    );
    let depths: Vec<_> = trace.tree.nodes.iter().map(|node| node.depth).collect();
    assert_eq!(depths, [0, 1, 2, 2, 1, 2]);
    assert_eq!(trace.tree.nodes[0].usage.unwrap().total(), Some(340));
}

#[test]
fn v2_a_session_of_three_traces() {
    let mut history = vec![system("S")];
    let mut traces = Vec::new();
    for nth in 1..=3 {
        history.push(user(&format!("q{nth}")));
        traces.push(vec![llm(1, 0).asked(&history).answered(&[assistant(&format!("a{nth}"))])]);
        history.push(assistant(&format!("a{nth}")));
    }
    let traces = several(traces);
    assert_eq!(only_conversation(&traces[0]), ["system S", "user q1", "assistant a1"]);
    assert_eq!(only_conversation(&traces[1]), ["system S", "~user q1", "~assistant a1", "user q2", "assistant a2"]);
    let new: Vec<_> = traces.iter().flat_map(only_conversation).filter(|line| !line.starts_with(['~', 's'])).collect();
    assert_eq!(new, ["user q1", "assistant a1", "user q2", "assistant a2", "user q3", "assistant a3"]);
}

#[test]
fn v3_compaction() {
    let (q2, a2) = (user("q2"), assistant("a2"));
    let traces = several(vec![
        vec![llm(1, 0).asked(&[system("S"), user("q1")]).answered(&[assistant("a1")])],
        vec![llm(1, 0).asked(&[system("S"), user("q1"), assistant("a1"), q2.clone()]).answered(&[a2.clone()])],
        vec![llm(1, 0).asked(&[system("S"), user("Summary: q1"), q2, a2, user("q3")]).answered(&[assistant("a3")])],
    ]);
    let expected = ["system S", "~user Summary: q1", "~user q2", "~assistant a2", "user q3", "assistant a3"];
    assert_eq!(only_conversation(&traces[2]), expected);
}

#[test]
fn v4_parallel_results_that_are_equal() {
    let asked = calls("", &[(Some("c1"), "w", r#"{"a":1}"#), (Some("c2"), "w", r#"{"a":2}"#)]);
    let given = [results(&[(Some("c1"), "ok")]), results(&[(Some("c2"), "ok")])];
    let trace = one(vec![
        chain(1, 0),
        llm(2, 1).asked(&[user("q")]).answered(&[asked.clone()]),
        llm(3, 1).asked(&[user("q"), asked, given[0].clone(), given[1].clone()]).answered(&[assistant("both fine")]),
    ]);
    assert_eq!(only_conversation(&trace)[2..], ["tool c1=ok c2=ok", "assistant both fine"]);
    assert_eq!(ran(&trace).len(), 2);
}

#[test]
fn v5_the_same_call_again() {
    let ask = |id| calls("", &[(Some(id), "ping", r#"{"a":1}"#)]);
    let give = |id, text| results(&[(Some(id), text)]);
    let history = [user("q"), ask("c1"), give("c1", "timeout"), ask("c2"), give("c2", "pong")];
    let trace = one(vec![
        agent(1, 0, "a"),
        llm(2, 1).asked(&history[..1]).answered(&[ask("c1")]),
        tool(3, 1, Some("c1"), "ping", r#"{"a":1}"#, Some("timeout")),
        llm(4, 1).asked(&history[..3]).answered(&[ask("c2")]),
        tool(5, 1, Some("c2"), "ping", r#"{"a":1}"#, Some("pong")),
        llm(6, 1).asked(&history).answered(&[assistant("done")]),
    ]);
    assert_eq!(only_conversation(&trace).len(), 6);
    let expected = [(Some("c1"), "ok", Some("timeout".to_owned())), (Some("c2"), "ok", Some("pong".to_owned()))];
    assert_eq!(ran(&trace), expected);
}

#[test]
fn v6_vercel_with_a_sum_at_its_root() {
    let call = calls("", &[(Some("c1"), "w", "{}")]);
    let prompt = [system("S"), user("How warm?"), call.clone(), results(&[(Some("c1"), "18C")])];
    for answer in ["18C", "18"] {
        let trace = one(vec![
            agent(1, 0, "root").aggregate().tokens(300, 30).asked(&prompt[..2]).answered(&[assistant(answer)]),
            llm(2, 1).tokens(100, 10).asked(&prompt[..2]).answered(&[call.clone()]),
            tool(3, 1, Some("c1"), "w", "{}", Some("18C")),
            llm(4, 1).tokens(200, 20).asked(&prompt).answered(&[assistant(answer)]),
        ]);
        let expected =
            ["system S", "user How warm?", "assistant w{}#c1", "tool c1=18C", &format!("assistant {answer}")];
        assert_eq!(only_conversation(&trace), expected);
        assert_eq!(trace.totals.usage.total(), Some(330));
        assert_eq!(trace.tree.nodes[0].usage, Some(trace.totals.usage));
    }
}

#[test]
fn v7_two_sub_agents_at_once() {
    let sub = |agent_id: u64, tool_id: u64, answer: &str| {
        let (start, id) = (10.0, agent_id + 1);
        vec![
            tool(tool_id, 1, Some(&format!("c{tool_id}")), "ask", "{}", Some(answer)).at(start, 40.0),
            agent(agent_id, tool_id, "worker").at(start, 40.0),
            llm(id, agent_id).at(11.0, 20.0).asked(&[system("W"), user("task")]).answered(&[assistant(answer)]),
        ]
    };
    let both = calls("", &[(Some("c3"), "ask", "{}"), (Some("c6"), "ask", "{}")]);
    let given = results(&[(Some("c3"), "ok"), (Some("c6"), "ok")]);
    let mut spans = vec![
        agent(1, 0, "boss"),
        llm(2, 1).asked(&[user("q")]).answered(&[both.clone()]),
        llm(9, 1).at(50.0, 60.0).asked(&[user("q"), both, given]).answered(&[assistant("all done")]),
    ];
    spans.extend(sub(4, 3, "ok"));
    spans.extend(sub(7, 6, "ok"));
    let trace = one(spans);
    let worker = ["system W", "user task", "assistant ok"];
    let found = conversations(&trace);
    assert_eq!(found.len(), 3);
    assert_eq!(
        (found[1].clone(), found[2].clone()),
        (worker.iter().map(|line| (*line).to_owned()).collect(), found[1].clone())
    );
    let openers: Vec<_> = trace
        .conversations
        .iter()
        .map(|conversation| conversation.opened_by.clone().map(|by| (by.span, by.call_id)))
        .collect();
    let opener = |id: u64| Some((span_id(id), Some(format!("c{id}"))));
    assert_eq!(openers, [None, opener(3), opener(6)]);
}

#[test]
fn v8_the_same_call_instrumented_twice() {
    let mut inner = rpc(2, 1).tokens(1100, 200).caches(900, 0);
    inner.translation.genai.stop_reason = Some("end_turn".to_owned());
    let outer = llm(1, 0).tokens(1100, 200).asked(&[user("q")]).answered(&[assistant("a")]);
    let trace = one(vec![outer, inner]);
    assert_eq!(only_conversation(&trace), ["user q", "assistant a"]);
    let usage = trace.totals.usage;
    assert_eq!((usage.input(), usage.output, usage.cache_read), (Some(1100), Some(200), Some(900)));
    assert_eq!((trace.calls.len(), trace.calls[0].stop_reason.as_deref()), (1, Some("end_turn")));
    assert_eq!(trace.calls[0].also, [span_id(2)]);
}

#[test]
fn v9_content_in_log_records_only() {
    let logs = vec![
        log(3, 2, &[], &[weather()]),
        log(3, 1, &[user("Weather in Paris?")], &[]),
        log(6, 10, &[user("Weather in Paris?")], &[]),
        log(6, 11, &[weather()], &[]),
        log(6, 12, &[results(&[(Some("t1"), "18C")])], &[]),
        log(6, 13, &[], &[assistant("It is 18C.")]),
    ];
    let spans = vec![agent(1, 0, "W"), llm(3, 1).tokens(100, 20), llm(6, 1).tokens(200, 20)];
    let trace = of(rows(1, spans.clone(), logs.clone()));
    assert_eq!(only_conversation(&trace), STRANDS[1..]);
    // Before its span comes, what the records say is shown all the same; the call is counted already.
    let trace = of(rows(1, spans[..2].to_vec(), logs.clone()));
    assert_eq!(only_conversation(&trace), STRANDS[1..]);
    assert_eq!(trace.totals.model_calls, 2);
    // And so it is where no span comes at all.
    let trace = of(rows(1, Vec::new(), logs));
    assert_eq!(
        (only_conversation(&trace), trace.name),
        (STRANDS[1..].iter().map(|line| (*line).to_owned()).collect(), None)
    );
    let orphan_logs = vec![log(0, 1, &[user("q")], &[]), log(0, 2, &[], &[assistant("a")])];
    assert_eq!(only_conversation(&of(rows(1, Vec::new(), orphan_logs.clone()))), ["user q", "assistant a"]);
    assert_eq!(only_conversation(&of(rows(1, vec![agent(1, 0, "a")], orphan_logs))), ["user q", "assistant a"]);
}

#[test]
fn v10_late_and_partial() {
    let whole = one(strands());
    let spans = strands();
    let mut arrived = vec![spans[3].clone()];
    let partial = Made { translation: Translation::default(), ..spans[2].clone() }.running();
    arrived.extend([partial, spans[2].clone(), spans[5].clone(), spans[4].clone(), spans[1].clone(), spans[0].clone()]);
    let late = session(vec![rows(1, arrived, Vec::new())]).remove(0);
    assert_eq!(
        (only_conversation(&late), late.totals, late.state),
        (only_conversation(&whole), whole.totals, whole.state)
    );
    assert_eq!(late.tree.nodes.len(), whole.tree.nodes.len());
    // What is there shows at once.
    let first = one(vec![spans[3].clone()]);
    assert_eq!(ran(&first), [(Some("t1"), "ok", Some("18C".to_owned()))]);
}

#[test]
fn v12_an_error_that_was_recovered_from() {
    let prompt = [user("q")];
    let trace = one(vec![
        chain(1, 0),
        llm(2, 1).asked(&prompt).failed("RateLimitError", "429"),
        llm(3, 1).asked(&prompt).answered(&[assistant("a")]),
    ]);
    assert_eq!(only_conversation(&trace), ["user q", "assistant a"]);
    assert_eq!((trace.state, trace.errors.len()), (crate::model::TraceState::Ok, 1));
    assert!(trace.calls[0].failure.is_some() && trace.calls[1].failure.is_none());
}

/// V11, as Claude Code's spans and records have it: each record names the agent's span, whatever it is about.
fn coding_agent() -> (Vec<Made>, Vec<LogRow>) {
    let spans = vec![
        agent(1, 0, "coder").at(0.0, 20.0).asked(&[user("Which module is broken?")]),
        llm(2, 1)
            .at(1.0, 5.0)
            .tokens(10, 5)
            .cost(90, PriceSource::Table { table: "t".into(), model: "m".into(), terms: None }),
        // It begins while the answer that asks for it still comes in.
        tool(3, 1, Some("t1"), "Bash", "{}", Some("3 tests fail")).at(4.0, 8.0),
        llm(6, 1).at(9.0, 12.0).tokens(20, 7),
    ];
    let record = |at: f64, category| {
        let mut row = LogRow { at: seconds(at), span: Some(span_id(1)), ..log(1, 0, &[], &[]) };
        let translation = Translation { genai: made(9, 0, category).translation.genai, ..Translation::default() };
        row.translation = Arc::new(translation);
        row
    };
    let says = |at: f64, text: &str| LogRow {
        at: seconds(at),
        translation: Arc::new(Translation {
            readings: vec![reading("x", Carrier::Log, &[], &[assistant(text)])],
            ..Translation::clone(&record(at, Category::Agent).translation)
        }),
        ..record(at, Category::Agent)
    };
    let mut paid = record(5.0, Category::Llm);
    let bill = llm(9, 0).tokens(10, 5).cost(120, PriceSource::Reported).translation;
    paid.translation = Arc::new(bill);
    let mut whole = record(8.0, Category::Tool);
    whole.translation =
        Arc::new(tool(9, 0, Some("t1"), "Bash", r#"{"command":"ls"}"#, None).failed("E", "no").translation);
    (spans, vec![says(5.0, "Let me look."), paid, whole, says(12.0, "alpha")])
}

#[test]
fn v11_a_coding_agent_whose_records_all_name_its_run() {
    let (spans, logs) = coding_agent();
    let trace = of(rows(1, spans, logs));
    let found = only_conversation(&trace);
    assert_eq!(found.len(), 5, "{found:#?}");
    assert_eq!(found[0], "user Which module is broken?");
    assert_eq!(found[1], "assistant Let me look.");
    assert_eq!(found[4], "assistant alpha");
    let costs: Vec<_> = trace.calls.iter().map(|call| call.cost.as_ref().map(|cost| cost.total.0)).collect();
    assert_eq!(costs, [Some(120), None]);
    assert_eq!(ran(&trace), [(Some("t1"), "error", Some("3 tests fail".to_owned()))]);
    assert_eq!(trace.tools[0].error.as_deref(), Some("no"));
}

#[test]
fn answers_without_prompts_are_shown_with_the_prompt_of_their_agent() {
    let trace = one(vec![
        agent(1, 0, "coder").at(0.0, 20.0).asked(&[user("q")]),
        llm(2, 1).at(1.0, 3.0).tokens(10, 5).answered(&[assistant("Let me look.")]),
        tool(4, 1, Some("t1"), "Bash", "{}", Some("ok")).at(4.0, 5.0),
        llm(6, 1).at(6.0, 8.0).tokens(20, 7).answered(&[assistant("done")]),
    ]);
    assert_eq!(trace.conversations.len(), 1);
    assert_eq!(
        only_conversation(&trace),
        ["user q", "assistant Let me look.", "assistant Bash{}#t1", "tool t1=ok", "assistant done"]
    );
}

#[test]
fn unconfirmed_records_count_and_are_shown_only_where_other_records_confirm_them() {
    let confirmed = |mut made: Made| {
        made.translation.unconfirmed = true;
        made.row.synthetic = true;
        made
    };
    let spans = || {
        vec![
            confirmed(agent(1, 0, "coder").at(0.0, 9.0).asked(&[user("q")])),
            confirmed(llm(2, 1).tokens(10, 5).answered(&[assistant("a")])),
        ]
    };
    let alone = one(spans());
    assert_eq!((alone.totals.model_calls, alone.conversations.len(), alone.spans), (0, 0, 0));
    let borne_out = of(rows(1, spans(), vec![log(1, 0, &[], &[])]));
    assert_eq!((borne_out.totals.model_calls, borne_out.conversations.len()), (1, 1));
    let borne_out = one([spans(), vec![tool(3, 1, Some("t"), "w", "{}", None)]].concat());
    assert_eq!((borne_out.totals.model_calls, borne_out.conversations.len()), (1, 1));
}
