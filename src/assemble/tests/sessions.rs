//! What one trace of a session has of another.

use super::*;
use crate::model::{Media, MediaData, MediaKind, Reasoning};

#[test]
fn messages_that_arrive_with_a_request_are_history() {
    let prompt = [system("S"), user("q1"), calls("", &[(Some("c1"), "w", "{}")]), results(&[(Some("c1"), "18C")])];
    let trace = conversation(&[(&prompt, &[assistant("It is 18C.")])]);
    let expected = ["system S", "~user q1", "~assistant w{}#c1", "tool c1=18C", "assistant It is 18C."];
    assert_eq!(only_conversation(&trace), expected);
    // The call was made elsewhere, so it does not count here.
    assert_eq!((trace.tools.len(), trace.tools[0].earlier, trace.totals.tool_calls), (1, true, 0));
}

#[test]
fn a_turn_that_failed_in_an_earlier_trace_is_history_to_the_next() {
    let failed = vec![llm(1, 0).asked(&[user("q1")]).failed("E", "x")];
    let next = vec![llm(1, 0).asked(&[user("q1"), user("q2")]).answered(&[assistant("a2")])];
    let traces = several(vec![failed.clone(), next]);
    assert_eq!(only_conversation(&traces[0]), ["user q1"]);
    assert_eq!(only_conversation(&traces[1]), ["~user q1", "user q2", "assistant a2"]);
    // So it is if what stood before it is left out now.
    let start = [user("q0"), assistant("a0")];
    let window = [assistant("a0"), user("q1"), user("q2")];
    let failed_later = vec![llm(1, 0).asked(&[&start[..], &[user("q1")]].concat()).failed("E", "x")];
    let next = vec![llm(1, 0).asked(&window).answered(&[assistant("a2")])];
    let found = only_conversation(&several(vec![failed_later, next])[1]);
    assert_eq!(found, ["~assistant a0", "~user q1", "user q2", "assistant a2"]);
    // Asked again and nothing else, it is a question of its own.
    let again = vec![llm(1, 0).asked(&[user("q1")]).answered(&[assistant("a1")])];
    assert_eq!(only_conversation(&several(vec![failed, again])[1]), ["user q1", "assistant a1"]);
}

#[test]
fn results_of_a_turn_that_broke_off_are_history_to_the_next_question_without_a_session() {
    let asked = calls("", &[(Some("c1"), "ping", "{}")]);
    let given = results(&[(Some("c1"), "pong")]);
    let before = [user("q1"), asked.clone(), given.clone()];
    let next = |prompt: &[Message]| conversation(&[(prompt, &[assistant("a")])]);
    let trace = next(&[&before[..], &[user("q2")]].concat());
    let expected = ["~user q1", "~assistant ping{}#c1", "~tool c1=pong", "user q2", "assistant a"];
    assert_eq!(only_conversation(&trace), expected);
    assert_eq!(trace.tools.len(), 0);
    // What a program adds to results is no question: they are what this trace was given.
    let image = Media { kind: MediaKind::Image, mime: None, name: None, data: MediaData::Absent };
    let mut file = user("This is file a.png:");
    file.parts.push(Part::new(Content::Media(image)));
    for added in [
        user("<system-reminder>Be brief.</system-reminder>"),
        user("<environment_details>\nMonday\n</environment_details>"),
        file.clone(),
    ] {
        let trace = next(&[&before[..], &[added]].concat());
        assert_eq!(only_conversation(&trace)[2], "tool c1=pong");
        assert_eq!((trace.tools.len(), trace.tools[0].earlier), (1, true));
    }
    // A question may follow that.
    let trace = next(&[&before[..], &[file, user("q2")]].concat());
    assert_eq!((only_conversation(&trace)[2].as_str(), trace.tools.len()), ("~tool c1=pong", 0));
    // A call that the trace itself made has its result, whatever is asked next.
    let trace = conversation(&[(&[user("q1")], &[asked]), (&[&before[..], &[user("q2")]].concat(), &[assistant("a")])]);
    assert_eq!(only_conversation(&trace)[2..], ["tool c1=pong", "user q2", "assistant a"]);
    assert_eq!(trace.tools.len(), 1);
}

#[test]
fn what_only_a_later_trace_has_of_an_answer_is_added() {
    let thought = Part::new(Content::Reasoning(Reasoning { text: Some("hm".to_owned()), ..Reasoning::default() }));
    let thoughtful = Message::new(Role::Assistant, vec![thought, Part::text("ok")]);
    let asked = calls("Let me look.", &[(Some("t1"), "w", "{}")]);
    let history = [user("ok"), assistant("ok"), user("ok"), thoughtful, user("q"), asked];
    let traces = several(vec![
        vec![llm(1, 0).session("s").asked(&history[..1]).answered(&history[1..2])],
        vec![llm(1, 0).session("s").asked(&history[..3]).answered(&[assistant("ok")])],
        vec![llm(1, 0).session("s").asked(&history[..5]).answered(&[assistant("Let me look.")])],
        vec![llm(1, 0).session("s").asked(&[&history[..], &[results(&[(Some("t1"), "r")])]].concat())],
    ]);
    let last = |nth: usize| only_conversation(&traces[nth]).pop().unwrap_or_default();
    assert_eq!([last(0), last(1)], ["assistant ok", "assistant (hm) ok"]);
    assert_eq!(last(2), "assistant Let me look. w{}#t1");
}

#[test]
fn texts_beside_calls_that_only_a_later_trace_has_are_added() {
    let two = [(Some("t1"), "w", "{}"), (Some("t2"), "w", "{}")];
    let given = results(&[(Some("t1"), "18C"), (Some("t2"), "18C")]);
    let next = |asked: &[Message]| {
        let prompt = [&[user("q")], asked, &[given.clone()]].concat();
        vec![llm(1, 0).asked(&prompt).answered(&[assistant("18C.")])]
    };
    let first = || vec![llm(1, 0).asked(&[user("q")]).answered(&[calls("", &two)])];
    let answer = |traces: &[AssembledTrace]| only_conversation(&traces[0]).pop().unwrap_or_default();
    let whole = "assistant Both at once. w{}#t1 w{}#t2";
    assert_eq!(answer(&several(vec![first(), next(&[calls("Both at once.", &two)])])), whole);
    let in_two = [assistant("Both at once."), calls("", &two)];
    assert_eq!(answer(&several(vec![first(), next(&in_two)])), whole);
    // The history of another answer, and an id that two answers have.
    let one = [calls("One.", &two[..1]), results(&[(Some("t1"), "18C")]), calls("", &two[1..])];
    assert_eq!(answer(&several(vec![first(), next(&one)])), "assistant w{}#t1 w{}#t2");
    let traces = several(vec![first(), first(), next(&in_two)]);
    assert_eq!(answer(&traces), "assistant w{}#t1 w{}#t2");
}

#[test]
fn a_text_of_a_later_trace_is_not_put_on_another_answer_nor_said_twice() {
    let asked = |text: &str, id: &str| calls(text, &[(Some(id), "w", "{}")]);
    let given = |id: &str| results(&[(Some(id), "18C")]);
    let shown = |traces: Vec<Vec<Made>>, nth: usize| conversations(&several(traces)[nth]).concat();
    // Counters begin anew in every turn.
    let silent = |id: &str| vec![llm(1, 0).asked(&[user("q")]).answered(&[asked("", id)])];
    let next = |history: &[Message]| {
        vec![llm(1, 0).asked(&[&[user("q")], history, &[user("so?")]].concat()).answered(&[assistant("a")])]
    };
    let of_counter = next(&[asked("One.", "call_0"), given("call_0"), assistant("18C.")]);
    assert_eq!(shown(vec![silent("call_0"), of_counter], 0), ["user q", "assistant w{}#call_0"]);
    // Two answers of one history have the id.
    let twice = [asked("One.", "t1"), given("t1"), asked("Two.", "t1"), given("t1"), assistant("18C.")];
    assert_eq!(shown(vec![silent("t1"), next(&twice)], 0), ["user q", "assistant w{}#t1"]);
    // The answer before it is one of its own, and what follows its calls does not stand before them.
    let first = || {
        let two = || llm(3, 1).asked(&[user("q"), assistant("Well.")]).answered(&[asked("", "t1")]);
        vec![chain(1, 0).at(0.0, 9.0), llm(2, 1).asked(&[user("q")]).answered(&[assistant("Well.")]), two()]
    };
    let history = [assistant("Well."), asked("One.", "t1"), assistant("Later."), given("t1"), assistant("18C.")];
    let expected = ["user q", "assistant Well.", "assistant One. w{}#t1"];
    assert_eq!(shown(vec![first(), next(&history)], 0), expected);
}

#[test]
fn a_result_of_an_earlier_trace_is_history_to_the_next() {
    let asked = calls("", &[(Some("t1"), "w", "{}")]);
    let run = tool(2, 0, Some("t1"), "w", "{}", Some("18C"));
    let given = results(&[(Some("t1"), "18C")]);
    let traces = several(vec![
        vec![llm(1, 0).session("s").asked(&[user("q")]).answered(&[asked.clone()]), run],
        vec![llm(1, 0).session("s").asked(&[user("q"), asked, given, user("ok")]).answered(&[assistant("a")])],
    ]);
    assert_eq!(only_conversation(&traces[0]), ["user q", "assistant w{}#t1", "tool t1=18C"]);
    let expected = ["~user q", "~assistant w{}#t1", "~tool t1=18C", "user ok", "assistant a"];
    assert_eq!(only_conversation(&traces[1]), expected);
}

#[test]
fn an_answer_that_only_a_later_trace_has_is_shown_where_it_was_given() {
    let history = [user("q1"), assistant("a1"), user("q2"), assistant("a2"), user("q3")];
    let traces = several(vec![
        vec![llm(1, 0).session("s").asked(&history[..1])],
        vec![llm(1, 0).session("s").asked(&history[..3]).failed("FailedPrompt", "no")],
        vec![llm(1, 0).session("s").asked(&history[..3])],
        vec![llm(1, 0).session("s").asked(&history)],
    ]);
    assert_eq!(only_conversation(&traces[0]), ["user q1", "assistant a1"]);
    assert_eq!(only_conversation(&traces[1]).last().map(String::as_str), Some("user q2"));
    assert_eq!(only_conversation(&traces[2]).last().map(String::as_str), Some("assistant a2"));
    assert_eq!(only_conversation(&traces[3]), ["~user q1", "~assistant a1", "~user q2", "~assistant a2", "user q3"]);
}

/// A tool's span that ended without a result: its call waits.
fn waiting(id: u64, parent: u64, call: &str) -> Made {
    tool(id, parent, Some(call), "pay", "{}", None)
}

#[test]
fn a_call_waits_for_consent_until_the_tool_runs_in_a_later_trace() {
    let asked = calls("", &[(Some("t1"), "pay", "{}")]);
    let first = vec![
        agent(1, 0, "a").session("s"),
        llm(2, 1).asked(&[user("q")]).answered(&[asked.clone()]),
        waiting(3, 1, "t1"),
    ];
    let given = results(&[(Some("t1"), "paid")]);
    let second = vec![
        agent(1, 0, "a").session("s"),
        tool(2, 1, Some("t1"), "pay", "{}", Some("paid, all of it")),
        llm(3, 1).asked(&[user("q"), asked, given]).answered(&[assistant("done")]),
    ];
    let traces = several(vec![first.clone()]);
    assert_eq!(ran(&traces[0]), [(Some("t1"), "pending", None)]);
    assert_eq!((traces[0].totals.tool_calls, traces[0].totals.pending_tools), (1, 1));
    let traces = several(vec![first, second]);
    assert_eq!(ran(&traces[0]), [(Some("t1"), "ok", Some("paid, all of it".to_owned()))]);
    assert_eq!((ran(&traces[1]), traces[1].totals.tool_calls), (vec![], 0));
    assert_eq!(only_conversation(&traces[1]), ["~user q", "~assistant pay{}#t1", "tool t1=paid", "assistant done"]);
}

#[test]
fn each_step_of_a_durable_flow_may_be_a_trace_of_its_own() {
    let asked = calls("", &[(Some("t1"), "pay", "{}")]);
    let refused = Message::new(
        Role::Tool,
        vec![Part::new(Content::Result(ToolResult {
            call_id: Some("t1".to_owned()),
            name: None,
            is_error: Some(true),
            content: vec![Part::text("no funds")],
        }))],
    );
    let ran_alone = tool(1, 0, Some("t1"), "pay", "{}", None).session("s").answered(&[refused]);
    let traces = several(vec![
        vec![llm(1, 0).session("s").asked(&[user("q")]).answered(&[asked.clone()])],
        vec![ran_alone],
        vec![llm(1, 0).session("s").asked(&[user("q"), asked, results(&[(Some("t1"), "no funds")])])],
    ]);
    assert_eq!(ran(&traces[0]), [(Some("t1"), "error", Some("no funds".to_owned()))]);
    // Seen by itself that trace is the run of a tool.
    assert_eq!(ran(&traces[1]), [(Some("t1"), "error", Some("no funds".to_owned()))]);
    assert_eq!(ran(&traces[2]), []);
}

#[test]
fn a_tool_that_ended_without_a_result_does_not_wait_if_its_agent_went_on() {
    let asked = calls("", &[(Some("t1"), "pay", "{}")]);
    let mut spans = vec![
        agent(1, 0, "a").session("s"),
        llm(2, 1).asked(&[user("q")]).answered(&[asked]),
        waiting(3, 1, "t1"),
        llm(4, 1).answered(&[assistant("done")]),
    ];
    assert_eq!(ran(&several(vec![spans.clone()])[0]), [(Some("t1"), "ok", None)]);
    // Nor does it where the span says that it went well.
    spans.truncate(3);
    spans[2].translation.genai.tool.as_mut().unwrap().failed = Some(false);
    assert_eq!(ran(&several(vec![spans])[0]), [(Some("t1"), "ok", None)]);
}

#[test]
fn arguments_that_a_recorder_lost_are_those_that_a_later_run_repeats() {
    let asked = |input: &str| calls("", &[(Some("t1"), "w", input)]);
    let told = |second: &[Message]| {
        let first = vec![chain(1, 0), llm(2, 1).asked(&[user("q")]).answered(&[asked("{}")])];
        let history = [user("q"), asked(r#"{"a":1}"#), results(&[(Some("t1"), "18C")]), user("r")];
        let second = vec![chain(3, 0), llm(4, 3).asked(&history).answered(second)];
        let traces = session(vec![rows(1, first, Vec::new()), rows(2, second, Vec::new())]);
        (only_conversation(&traces[0])[1].clone(), json::to_string(&traces[0].tools[0].input))
    };
    assert_eq!(told(&[assistant("a")]), (r#"assistant w{"a":1}#t1"#.to_owned(), r#"{"a":1}"#.to_owned()));
    // What was recorded of a run is more than nothing.
    let ran = |repeated: Message| {
        let first = vec![chain(1, 0), llm(2, 1).asked(&[user("q")]).answered(&[asked(r#""Paris""#)])];
        let history = [user("q"), repeated, results(&[(Some("t1"), "18C")]), user("r")];
        let second = vec![chain(3, 0), llm(4, 3).asked(&history).answered(&[assistant("a")])];
        let traces = session(vec![rows(1, first, Vec::new()), rows(2, second, Vec::new())]);
        json::to_string(&traces[0].tools[0].input)
    };
    let mut cut = asked(r#"{"a":1}"#);
    cut.parts[0].truncated = true;
    assert_eq!([asked(r#"{"a":1}"#), asked("{}"), cut].map(ran), [r#"{"a":1}"#, r#""Paris""#, r#""Paris""#]);
    // Another call has the same id: it may be that one's.
    assert_eq!(told(&[calls("", &[(Some("t1"), "w", r#"{"a":2}"#)])]).0, "assistant w{}#t1");
}
