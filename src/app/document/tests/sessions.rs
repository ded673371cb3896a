//! Sessions of several runs, and runs of which not everything arrived: what is shown, where, and how often.

use super::*;

#[test]
fn a_session_shows_its_system_prompt_and_its_hint_once() {
    let prompt = || message(0, Role::System, vec![Content::Text("Be brief.".into())]);
    let asked = |text: &str| vec![prompt(), message(0, Role::User, vec![Content::Text(text.into())])];
    let silent = || ModelCall { recording_hint: Some("turn on the content".into()), ..call(2) };
    let run = |number: u8, text: &str| {
        let trace = TraceId::from_bytes(&[number; 16]).unwrap();
        AssembledTrace { trace, ..run(vec![call(1), silent()], asked(text), Vec::new()) }
    };
    let other = AssembledTrace {
        conversations: vec![Conversation {
            messages: vec![message(0, Role::System, vec![Content::Text("Be long.".into())])],
            ..run(3, "").conversations.remove(0)
        }],
        ..run(3, "")
    };
    let lines = lines(messages::blocks, &detail(vec![run(1, "one?"), run(2, "two?"), other]), 60);
    let count = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!((count("Be brief."), count("▸ system  as in run 1"), count("Be long.")), (1, 1, 1), "{lines:#?}");
    assert_eq!((count("no messages came with this call"), count("turn on the content")), (3, 1), "{lines:#?}");
}

#[test]
fn a_name_that_is_cut_does_not_touch_the_rule_behind_it() {
    let question = Some("a question of many words ".repeat(9));
    let asked = AssembledTrace { question, ..run(vec![call(1)], Vec::new(), Vec::new()) };
    let runs = vec![asked.clone(), asked];
    for width in 40..90 {
        let lines = lines(messages::blocks, &detail(runs.clone()), width);
        let heading = &lines[place(&lines, "━━ run 1")];
        assert!(heading.contains("… ─"), "{heading}");
    }
}

#[test]
fn what_makes_vectors_takes_no_turn() {
    let vectors = ModelCall { category: Category::Embedding, model: None, ..call(1) };
    let conversation = vec![message(1, Role::Assistant, vec![Content::Text("seven days".into())])];
    let detail = detail(vec![run(vec![vectors, call(2)], conversation, Vec::new())]);
    let shown = lines(messages::blocks, &detail, 60);
    assert!(shown[1].starts_with("── turn 1 · claude"), "{shown:#?}");
    let counted = lines(cost::blocks, &detail, 80);
    assert!(counted[place(&counted, "turn") + 1].starts_with("▸  ·"), "{counted:#?}");
    assert!(counted[place(&counted, "unknown model")].ends_with('?'), "what is not known is not nothing: {counted:#?}");
}

#[test]
fn a_call_that_ran_in_another_trace_is_one_call_of_the_session() {
    let [asking, running] = [1, 2].map(|number| TraceId::from_bytes(&[number; 16]).unwrap());
    let asked = vec![message(0, Role::Assistant, vec![asks(Some("a"), "Oslo")])];
    let asked_for = ran(Some("a"), "Oslo", ToolStatus::Ok);
    let ran = ToolRun { span: Some(span(7)), called_by: None, ..asked_for.clone() };
    let runs = vec![
        AssembledTrace { trace: asking, ..run(vec![call(1)], asked, vec![asked_for]) },
        AssembledTrace { trace: running, ..run(Vec::new(), Vec::new(), vec![ran]) },
    ];
    let detail = detail(runs);
    let lines = lines(tools::blocks, &detail, 70);
    assert_eq!(tools::counts(&detail).all, 1);
    assert!(lines[place(&lines, "a · ")].starts_with("a · asked for in run 1 · span"), "{lines:#?}");
    place(&lines, "━━ run 2");
}

#[test]
fn who_asked_for_a_tool_is_known_from_what_was_said() {
    let asked = vec![message(0, Role::Assistant, vec![asks(Some("a"), "Oslo")])];
    let tool = ToolRun { called_by: None, span: Some(span(7)), ..ran(Some("a"), "Oslo", ToolStatus::Ok) };
    let nameless = ToolRun { name: String::new(), call_id: None, ..tool.clone() };
    let lines = lines(tools::blocks, &detail(vec![run(vec![call(1)], asked, vec![tool, nameless])]), 70);
    place(&lines, "a · asked for in turn 1 · span");
    place(&lines, "no id · no known turn asked for it");
    place(&lines, "unnamed tool");
}

#[test]
fn a_call_whose_messages_an_agent_tells_says_so() {
    let conversation = vec![
        message(1, Role::User, vec![Content::Text("hi".into())]),
        message(1, Role::Assistant, vec![Content::Text("ho".into())]),
    ];
    let lines = lines(messages::blocks, &detail(vec![run(vec![call(1)], conversation, Vec::new())]), 60);
    place(&lines, "what was said came with the spans around this call");
}

#[test]
fn a_turn_of_which_something_was_dropped_says_so_beneath_its_rule() {
    let dropped = ModelCall { dropped: Dropped { attributes: 170, ..Dropped::default() }, ..call(1) };
    let conversation = vec![message(0, Role::User, vec![Content::Text("hi".into())])];
    let shown = lines(messages::blocks, &detail(vec![run(vec![dropped], conversation, Vec::new())]), 90);
    let at = place(&shown, "its sender dropped 170 attributes: not all of it is here");
    assert!(shown[at - 1].starts_with("── turn 1"), "{shown:#?}");
}
