//! The prompt of a call, with what is new in it.

use super::*;
use crate::app::document::prompt;
use crate::model::{Message, Value};

fn said(role: Role, text: &str) -> Arc<Message> {
    Arc::new(Message::text(role, text))
}

fn tool(name: &str, description: &str) -> ToolDefinition {
    let schema = r#"{"type": "object", "properties": {"city": {"type": "string"}}}"#;
    ToolDefinition {
        name: name.into(),
        description: Some(description.into()),
        parameters: Some(crate::model::json::parse(schema).unwrap()),
    }
}

/// A call that continues the one before it, of which it repeats some messages.
fn sent(number: u8, previous: Option<usize>, shared: usize, rest: Vec<Arc<Message>>) -> ModelCall {
    let request = Request { previous, shared, rest, ..Request::default() };
    ModelCall { request, ..call(number) }
}

/// Two calls: the second has another clock in its system prompt, and what was said meanwhile.
fn two_calls() -> Vec<ModelCall> {
    let system = |time: &str| said(Role::System, &format!("You plan trips.\nIt is {time} in Oslo.\nBe brief."));
    vec![
        sent(1, None, 0, vec![system("17:41:12"), said(Role::User, "Plan a day.")]),
        sent(
            2,
            Some(0),
            0,
            vec![
                system("17:41:31"),
                said(Role::User, "Plan a day."),
                said(Role::Assistant, "Where?"),
                said(Role::User, "In Oslo."),
            ],
        ),
    ]
}

fn prompt_of(trace: AssembledTrace, step: u8, full: bool, width: u16) -> Vec<String> {
    let detail = detail(vec![trace]);
    let blocks = prompt::blocks(&detail, Some(0), Some(span(step)), full);
    let lines = Document::whole(blocks.into(), &Folds::default(), width);
    lines.iter().map(|line| line.text().trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn what_is_new_in_a_prompt_is_open_and_what_was_changed_is_a_difference() {
    let lines = prompt_of(run(two_calls(), vec![], vec![]), 2, false, 70);
    assert!(lines[0].starts_with("── prompt of turn 2 · claude-sonnet-4-5 ─"), "{lines:#?}");
    assert!(lines[0].ends_with(" new since turn 1"), "{lines:#?}");
    assert!(lines[1].contains("messages: 2 new, 1 changed, 1 as before"), "{lines:#?}");
    let changed = place(&lines, "~ 1 system  changed since turn 1");
    assert_eq!(lines[changed + 1].trim(), "You plan trips.");
    assert_eq!(lines[changed + 2].trim(), "- It is 17:41:12 in Oslo.");
    assert_eq!(lines[changed + 3].trim(), "+ It is 17:41:31 in Oslo.");
    let same = place(&lines, "▸   1 message as in turn 1");
    assert!(changed < same && same < place(&lines, "+ 3 assistant"), "{lines:#?}");
    assert!(place(&lines, "+ 4 user") + 1 == place(&lines, "In Oslo."), "{lines:#?}");
}

#[test]
fn all_of_a_prompt_is_its_messages_in_order_each_open() {
    let lines = prompt_of(run(two_calls(), vec![], vec![]), 2, true, 70);
    let texts = ["It is 17:41:31 in Oslo.", "Plan a day.", "Where?", "In Oslo."];
    let places = texts.map(|text| place(&lines, text));
    assert!(places.is_sorted(), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("17:41:12")), "the prompt is what this call was sent: {lines:#?}");
}

#[test]
fn the_first_prompt_of_an_agent_has_nothing_before_it() {
    let lines = prompt_of(run(two_calls(), vec![], vec![]), 1, false, 70);
    assert!(lines[0].ends_with("all of it"), "{lines:#?}");
    assert!(lines[1].contains("2 messages, nothing before"), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains('+')), "{lines:#?}");
}

#[test]
fn what_was_taken_out_of_a_prompt_is_named_and_opens() {
    let mut calls = two_calls();
    let summary = said(Role::User, "A summary of all before.");
    calls.push(sent(3, Some(1), 1, vec![summary]));
    let lines = prompt_of(run(calls, vec![], vec![]), 3, false, 70);
    assert!(lines[place(&lines, "3 messages of turn 2 not sent any more")].starts_with("▸ - "), "{lines:#?}");
    assert!(place(&lines, "+ 2 user") > 0, "{lines:#?}");
}

#[test]
fn other_tools_and_parameters_are_marked() {
    let mut calls = two_calls();
    let set = |name: &str, value: i64| (name.to_owned(), Value::Int(value));
    calls[0].request.tools = vec![tool("search", "Searches."), tool("old", "Old.")].into();
    calls[1].request.tools = vec![tool("search", "Searches hotels."), tool("book", "Books.")].into();
    calls[0].parameters = vec![set("max_tokens", 500), set("seed", 7), set("top_k", 5)];
    calls[1].parameters = vec![set("max_tokens", 900), set("stream", 1), set("top_k", 5)];
    let lines = prompt_of(run(calls, vec![], vec![]), 2, false, 70);
    let line = |text: &str| lines[place(&lines, text)].trim().to_owned();
    assert_eq!(line("max_tokens"), "~ max_tokens  500 → 900");
    assert_eq!(line("seed"), "- seed        was 7, not set");
    assert_eq!(line("stream"), "+ stream      1");
    assert_eq!(line("top_k"), "top_k       5");
    assert!(line("tools  2").starts_with("▾ ~ tools  2  1 new, 1 changed, 1 gone"), "{lines:#?}");
    assert_eq!(line("- Searches"), "- Searches.");
    assert!(place(&lines, "~ search") < place(&lines, "+ book") && place(&lines, "+ book") < place(&lines, "- old"));
}

#[test]
fn what_is_not_known_of_a_prompt_is_said() {
    let lines = prompt_of(run(vec![call(1)], vec![], vec![]), 1, false, 80);
    assert!(lines.iter().any(|line| line.contains("What this call was sent did not come")), "{lines:#?}");
    let result = Arc::new(Message::new(Role::Tool, vec![Part::new(gives(Some("a"), "cold"))]));
    let lines = prompt_of(run(vec![sent(1, None, 0, vec![result])], vec![], vec![]), 1, false, 80);
    assert!(lines.iter().any(|line| line.contains("1 result of tools whose calls")), "{lines:#?}");
    let whole = prompt_of(run(two_calls(), vec![], vec![]), 2, false, 80);
    assert!(!whole.iter().any(|line| line.contains("! ")), "nothing is missing: {whole:#?}");
}

#[test]
fn the_prompt_of_a_tool_is_that_of_the_call_that_asked_for_it() {
    let mut trace = run(two_calls(), vec![], vec![ran(Some("a"), "Oslo", ToolStatus::Ok)]);
    trace.tools[0].span = Some(span(9));
    trace.tools[0].called_by = Some(span(1));
    let lines = prompt_of(trace, 9, false, 70);
    assert!(lines[0].starts_with("── prompt of turn 1"), "{lines:#?}");
}

#[test]
fn a_prompt_is_readable_at_any_width() {
    for width in [1, 5, 20, 38, 69, 120] {
        for full in [false, true] {
            assert!(!prompt_of(run(two_calls(), vec![], vec![]), 2, full, width).is_empty());
        }
    }
}

#[test]
fn what_a_sender_dropped_of_a_prompt_is_missing_from_it() {
    let mut calls = two_calls();
    calls[1].dropped.events = 3;
    let lines = prompt_of(run(calls, vec![], vec![]), 2, false, 200);
    let said = &lines[place(&lines, "Its sender dropped 3 events: what they held is missing here.")];
    assert!(said.ends_with("Its SDK keeps more where OTEL_SPAN_EVENT_COUNT_LIMIT is raised."), "{said}");
    let mut calls = two_calls();
    calls[1].dropped.attributes = 3;
    let lines = prompt_of(run(calls, vec![], vec![]), 2, false, 400);
    let said = &lines[place(&lines, "Its sender dropped 3 attributes: what they held is missing here.")];
    for name in ["SPAN_ATTRIBUTE", "EVENT_ATTRIBUTE", "LOGRECORD_ATTRIBUTE"] {
        assert!(said.contains(&format!("OTEL_{name}_COUNT_LIMIT")), "{said}");
    }
    assert!(!said.contains("OTEL_SPAN_EVENT_COUNT_LIMIT"), "{said}");
}
