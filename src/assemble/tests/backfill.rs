//! Backfill: what only a later request, or the step around a call, has of an answer (`conversations.md` 7).

use super::*;
use crate::model::Reasoning;

#[test]
fn reasoning_that_only_the_next_prompt_has_is_added() {
    let thought = Part::new(Content::Reasoning(Reasoning { text: Some("hm".to_owned()), ..Reasoning::default() }));
    let asked = calls("", &[(Some("c1"), "w", "{}")]);
    let mut recalled = asked.clone();
    recalled.parts.insert(0, thought);
    let trace = conversation(&[
        (&[user("q")], &[asked]),
        (&[user("q"), recalled, results(&[(Some("c1"), "r")])], &[assistant("a")]),
    ]);
    assert_eq!(only_conversation(&trace)[1], "assistant (hm) w{}#c1");
}

#[test]
fn tool_calls_that_only_the_next_prompt_has_are_added_to_their_answer() {
    let asked = |id| calls("Again:", &[(Some(id), "w", "{}")]);
    let given = |id, text| results(&[(Some(id), text)]);
    let ran = |id: u64| tool(id, 10, None, "w", "{}", Some("r"));
    let trace = one(vec![
        agent(10, 0, "A"),
        llm(1, 10).asked(&[user("q")]).answered(&[assistant("Again:")]),
        ran(2),
        llm(3, 10).asked(&[user("q"), asked("c1"), given("c1", "r")]).answered(&[assistant("Again:")]),
        ran(4),
        llm(5, 10)
            .asked(&[user("q"), asked("c1"), given("c1", "r"), asked("c2"), given("c2", "r")])
            .answered(&[assistant("4")]),
    ]);
    let again = |id: &str| [format!("assistant Again: w{{}}#{id}"), format!("tool {id}=r")];
    let expected =
        [vec!["user q".to_owned()], again("c1").to_vec(), again("c2").to_vec(), vec!["assistant 4".to_owned()]];
    assert_eq!(only_conversation(&trace), expected.concat());
    let callers: Vec<_> = trace.tools.iter().map(|run| (run.call_id.as_deref(), run.called_by)).collect();
    assert_eq!(callers, [(Some("c1"), Some(span_id(1))), (Some("c2"), Some(span_id(3)))]);
    // The same words, but somebody's else.
    let trace = conversation(&[(&[user("q")], &[assistant("no")]), (&[user("r"), assistant("no")], &[assistant("a")])]);
    assert_eq!(conversations(&trace).len(), 2);
}

#[test]
fn an_answer_that_only_the_next_prompt_has_belongs_to_its_call() {
    let trace = conversation(&[
        (&[user("q1")], &[]),
        (&[user("q1"), assistant("found later"), user("q2")], &[assistant("a2")]),
    ]);
    assert_eq!(only_conversation(&trace), ["user q1", "assistant found later", "user q2", "assistant a2"]);
    assert_eq!((trace.conversations[0].messages[1].span, trace.conversations[0].messages[1].turn), (span_id(2), 0));
}

#[test]
fn an_answer_like_an_earlier_one_is_found_where_it_was_given() {
    let paris = |id| ("", [(Some(id), "w", r#"{"a":1}"#)]);
    let ask = |text, id| calls(text, &paris(id).1);
    let first = [user("q"), ask("", "c1"), results(&[(Some("c1"), "18C")])];
    // The item's id in the answer, the call's in what is sent back.
    let again = [&first[..], &[assistant("Once more."), ask("", "c2"), results(&[(Some("c2"), "18C")])]].concat();
    let trace = conversation(&[
        (&first[..1], &[ask("", "c1")]),
        (&first, &[ask("Once more.", "item_2")]),
        (&again, &[assistant("Still 18C.")]),
    ]);
    let expected = [
        "user q",
        r#"assistant w{"a":1}#c1"#,
        "tool c1=18C",
        r#"assistant Once more. w{"a":1}#c2"#,
        "tool c2=18C",
        "assistant Still 18C.",
    ];
    assert_eq!(only_conversation(&trace), expected);
}

#[test]
fn answers_that_only_later_prompts_have_belong_each_to_its_call() {
    let ask = |id, input| calls("", &[(Some(id), "w", input)]);
    let give = |id, text| results(&[(Some(id), text)]);
    let history = [user("q"), ask("c1", "1"), give("c1", "one"), ask("c2", "2"), give("c2", "two")];
    let trace = one(vec![
        chain(1, 0),
        llm(2, 1).asked(&history[..1]),
        llm(4, 1).asked(&history[..3]),
        llm(6, 1).asked(&history).answered(&[assistant("done")]),
    ]);
    let expected = ["user q", "assistant w1#c1", "tool c1=one", "assistant w2#c2", "tool c2=two", "assistant done"];
    assert_eq!(only_conversation(&trace), expected);
    let by: Vec<_> = trace.conversations[0].messages.iter().map(|found| found.span).collect();
    assert_eq!(by, [2, 2, 4, 4, 6, 6].map(span_id));
}

#[test]
fn reasoning_that_only_the_step_around_a_call_has_is_shown() {
    let thought = Part::new(Content::Reasoning(Reasoning { text: Some("hm".to_owned()), ..Reasoning::default() }));
    let mut answer = assistant("a");
    answer.parts.insert(0, thought);
    let step = |found: Message| chain(1, 0).at(0.0, 9.0).answered(&[found]);
    let call = || llm(2, 1).asked(&[user("q")]).answered(&[assistant("a")]);
    assert_eq!(only_conversation(&one(vec![step(answer.clone()), call()])), ["user q", "assistant (hm) a"]);
    answer.parts[1] = Part::text("b");
    assert_eq!(only_conversation(&one(vec![step(answer), call()])), ["user q", "assistant a"]);
}

#[test]
fn the_tool_calls_of_an_answer_that_only_the_next_prompt_has_are_added() {
    let asked = calls("Let me look.", &[(Some("t1"), "w", "{}"), (Some("t2"), "w", "{}")]);
    let given = results(&[(Some("t1"), "18C"), (Some("t2"), "18C")]);
    let trace = conversation(&[
        (&[user("q")], &[assistant("Let me look.")]),
        (&[user("q"), asked.clone(), given.clone()], &[assistant("18C.")]),
        (&[user("q"), asked, given, assistant("18C."), user("ok")], &[assistant("ok")]),
    ]);
    let expected = ["user q", "assistant Let me look. w{}#t1 w{}#t2", "tool t1=18C t2=18C", "assistant 18C."];
    assert_eq!(only_conversation(&trace), [&expected[..], &["user ok", "assistant ok"]].concat());
    assert_eq!(trace.conversations[0].messages[1].span, span_id(2));
}

#[test]
fn tool_calls_without_ids_take_those_of_the_next_prompt() {
    let bare = calls("so", &[(None, "w", "{}"), (None, "w", "{}")]);
    let asked = calls("so", &[(Some("t1"), "w", "{}"), (Some("t2"), "w", "{}")]);
    let given = results(&[(Some("t1"), "18C"), (Some("t2"), "19C")]);
    let trace = conversation(&[(&[user("q")], &[bare]), (&[user("q"), asked, given], &[assistant("a")])]);
    assert_eq!(only_conversation(&trace)[1..3], ["assistant so w{}#t1 w{}#t2", "tool t1=18C t2=19C"]);
}

#[test]
fn calls_that_were_recorded_as_one_take_names_of_the_next_prompt() {
    let one = calls("so", &[(Some("t1"), "w", r#"{"a":1}"#), (None, "w", r#"{"b":2}"#)]);
    let told = |name: &str, input: &str| {
        let asked = calls("so", &[(Some("t1"), "w", r#"{"a":1}"#), (Some("t2"), name, input)]);
        let given = results(&[(Some("t1"), "18C"), (Some("t2"), "19C")]);
        let trace = conversation(&[
            (&[user("q")], std::slice::from_ref(&one)),
            (&[user("q"), asked, given], &[assistant("a")]),
        ]);
        only_conversation(&trace)[1].clone()
    };
    assert_eq!(told("v", r#"{"b":2}"#), r#"assistant so w{"a":1}#t1 v{"b":2}#t2"#);
    // Other arguments are another call.
    assert!(!told("v", r#"{"b":3}"#).contains(r#"v{"b":2}"#));
}

#[test]
fn a_call_without_a_name_has_that_of_the_tool_that_ran_with_its_arguments() {
    let input = r#"{"b":2}"#;
    let of = |ran: Vec<Made>| {
        let asked = calls("so", &[(None, "w", input), (None, "", input), (None, "", input), (None, "", "{}")]);
        let mut spans = vec![agent(1, 0, "A"), llm(2, 1).asked(&[user("q")]).answered(&[asked])];
        spans.extend(ran);
        conversations(&one(spans)).concat()[1].clone()
    };
    let ran = |id, name: &str| tool(id, 1, None, name, input, Some("19C"));
    let expected = r#"assistant so w{"b":2} v{"b":2} u{"b":2} {}"#;
    assert_eq!(of(vec![ran(4, "w"), ran(6, "v"), ran(8, "u")]), expected);
    assert_eq!(of(Vec::new()), r#"assistant so w{"b":2} {"b":2} {"b":2} {}"#);
}

#[test]
fn arguments_that_were_recorded_as_no_json_are_those_of_the_next_prompt() {
    let garbled = calls("so", &[(Some("t1"), "w", r#""{\"a\": {\"a\": 1}1}""#), (Some("t2"), "w", r#"{"a":2}"#)]);
    let asked = |second: &str| calls("so", &[(Some("t1"), "w", r#"{"a":1}"#), (Some("t2"), "w", second)]);
    let given = results(&[(Some("t1"), "18C"), (Some("t2"), "19C")]);
    let told = |recorded: Message, asked: Message| {
        let trace = conversation(&[
            (&[user("q")], std::slice::from_ref(&recorded)),
            (&[user("q"), asked, given.clone()], &[assistant("a")]),
        ]);
        let inputs: Vec<String> = trace.tools.iter().map(|run| json::to_string(&run.input)).collect();
        (only_conversation(&trace)[1].clone(), inputs.join(" "))
    };
    let whole = (r#"assistant so w{"a":1}#t1 w{"a":2}#t2"#.to_owned(), r#"{"a":1} {"a":2}"#.to_owned());
    assert_eq!(told(garbled.clone(), asked(r#"{"a":2}"#)), whole);
    let lost = calls("so", &[(Some("t1"), "w", "{}"), (Some("t2"), "w", r#"{"a":2}"#)]);
    assert_eq!(told(lost, asked(r#"{"a":2}"#)), whole);
    // What was recorded as JSON stays: the next request has no better right to it.
    assert_eq!(told(garbled, asked(r#"{"a":3}"#)), whole);
    // So does a text where the next request has nothing.
    let plain = |first: &str| calls("so", &[(Some("t1"), "w", first), (Some("t2"), "w", r#"{"a":2}"#)]);
    let kept = (r##"assistant so w"north gate"#t1 w{"a":2}#t2"##.to_owned(), r#""north gate" {"a":2}"#.to_owned());
    assert_eq!(told(plain(r#""north gate""#), plain("{}")), kept);
}

#[test]
fn an_answer_that_says_something_after_its_calls_takes_no_text_of_a_later_prompt() {
    let bare = || calls("", &[(None, "w", "{}")]);
    let said = |words: &[Message]| -> Vec<(SpanId, String)> {
        let trace = conversation(&[(&[], words), (&[assistant("ping"), bare()], &[])]);
        let all = trace.conversations.iter().flat_map(|conversation| &conversation.messages);
        all.map(|shown| (shown.span, line(&shown.message, shown.history))).collect()
    };
    // Nothing but the call was recorded: what stands before it in the later prompt was said with it.
    assert_eq!(said(&[bare()])[0], (span_id(2), "assistant ping w{}".to_owned()));
    let shown = said(&[bare(), assistant("yes")]);
    let first: Vec<&str> = shown.iter().filter(|(span, _)| *span == span_id(2)).map(|(_, line)| &**line).collect();
    assert_eq!(first, ["assistant w{}", "assistant yes"]);
    assert!(shown.iter().any(|(span, line)| *span == span_id(3) && line.ends_with("ping")), "{shown:?}");
}
