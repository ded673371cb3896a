//! Two runs and two calls beside each other.

use super::*;
use crate::app::document::compare::{self, Marked};
use crate::model::{Message, Usd};

/// A run with another trace id: it asks for the weather of some cities, then answers.
fn trip(number: u8, cities: &[(&str, ToolStatus)], answer: &str) -> AssembledTrace {
    let mut calls: Vec<ModelCall> = Vec::new();
    let mut conversation = vec![message(0, Role::User, vec![Content::Text(format!("Question {number}"))])];
    let mut tools = Vec::new();
    for (at, (city, status)) in cities.iter().enumerate() {
        let id = u8::try_from(at).unwrap() + 1;
        calls.push(call(id));
        conversation.push(message(at, Role::Assistant, vec![asks(None, city)]));
        conversation.push(message(at + 1, Role::Tool, vec![gives(None, "cold")]));
        let mut tool = ran(None, city, *status);
        (tool.called_by, tool.span) = (Some(span(id)), Some(span(100 + id)));
        tools.push(tool);
    }
    let last = u8::try_from(cities.len()).unwrap() + 1;
    calls.push(call(last));
    conversation.push(message(cities.len(), Role::Assistant, vec![Content::Text(answer.into())]));
    for call in &mut calls {
        let prompt = [Message::text(Role::System, "Plan."), Message::text(Role::User, format!("Question {number}"))];
        call.request.rest = prompt.map(Arc::new).into();
    }
    let trace = TraceId::from_bytes(&[number; 16]).unwrap();
    AssembledTrace { trace, question: Some(format!("Question {number}")), ..run(calls, conversation, tools) }
}

fn compared(left: AssembledTrace, right: AssembledTrace, calls: Option<(u8, u8)>, width: u16) -> Vec<String> {
    let (trace, left, right) = (left.trace, detail(vec![left]), detail(vec![right]));
    let marked = Marked { detail: Some(&left), trace, call: calls.map(|(call, _)| span(call)) };
    let blocks = compare::blocks(marked, &right, calls.map(|(_, call)| span(call)));
    let lines = Document::whole(blocks.into(), &Folds::default(), width);
    lines.iter().map(|line| line.text().trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

use ToolStatus::{Error, Ok};

#[test]
fn where_two_runs_part_is_said_first() {
    let left = trip(1, &[("Oslo", Ok), ("Lima", Ok)], "Go.");
    let right = trip(2, &[("Oslo", Ok), ("Rome", Ok)], "Go.");
    let lines = compared(left, right, None, 69);
    assert!(lines[0].starts_with("A ✓ Question 1") && lines[1].starts_with("B ✓ Question 2"), "{lines:#?}");
    assert_eq!(lines[2], "first divergence: weather");
    assert!(lines.iter().any(|line| line.trim() == "city  A \"Lima\"  B \"Rome\""), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("prompts agree in message 1; message 2 is user \"Question 1\"")));
    let same = lines.iter().filter(|line| line.trim_start().starts_with("= ")).count();
    assert!(same >= 2, "{lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.contains("▸ ≠")).count(), 1, "{lines:#?}");
}

#[test]
fn what_only_one_run_did_is_marked() {
    let left = trip(1, &[("Oslo", Ok)], "Go.");
    let right = trip(2, &[("Oslo", Ok), ("Rome", Error)], "Go.");
    let lines = compared(left, right, None, 69);
    assert!(lines.iter().any(|line| line.starts_with("first divergence: turn 2")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("▸ +") && line.contains("✗ city=Rome")), "{lines:#?}");
    let turns = lines.iter().find(|line| line.starts_with("turns")).unwrap();
    assert_eq!(turns.split_whitespace().collect::<Vec<_>>(), ["turns", "2", "3", "+1"]);
}

#[test]
fn runs_that_do_the_same_have_no_divergence() {
    let left = trip(1, &[("Oslo", Ok)], "Go there.");
    let mut other = trip(2, &[("Oslo", Ok)], "Stay at home.");
    other.totals.cost = Usd(5);
    let lines = compared(left.clone(), other, None, 69);
    assert!(lines.iter().any(|line| line == "no divergence: the same steps, in other words"), "{lines:#?}");
    let mut equal = left.clone();
    equal.trace = TraceId::from_bytes(&[3; 16]).unwrap();
    let lines = compared(left, equal, None, 69);
    assert!(lines.iter().any(|line| line == "no difference: the same steps, word by word"), "{lines:#?}");
}

/// A run of which only an agent's span came: what the agent was asked, and what it answered.
fn told(number: u8, agent: &str, answers: &[&str]) -> AssembledTrace {
    let mut conversation = vec![message(0, Role::User, vec![Content::Text("Where to?".into())])];
    for (at, answer) in answers.iter().enumerate() {
        let said = message(0, Role::Assistant, vec![Content::Text((*answer).into())]);
        conversation.push(ConversationMessage { at: Timestamp(1 + at as u64), ..said });
    }
    let trace = TraceId::from_bytes(&[number; 16]).unwrap();
    let mut told = AssembledTrace { trace, ..run(vec![], conversation, vec![]) };
    told.conversations[0].agent = Some(agent.into());
    told
}

#[test]
fn what_only_the_spans_of_agents_say_is_compared() {
    let left = || told(1, "planner", &["Take the train."]);
    let has =
        |lines: &[String], text: &str| assert!(lines.iter().any(|line| line.contains(text)), "{text}: {lines:#?}");
    let lines = compared(left(), told(2, "planner", &["Take the bus."]), None, 120);
    has(&lines, "no divergence: the same steps, in other words");
    has(&lines, "▸ ≈ the answer of planner \"Take the train.\"");
    has(&lines, "│ the answer of planner \"Take the bus.\"");

    let lines = compared(left(), told(2, "planner", &["Take the train.", "And book it."]), None, 120);
    has(&lines, "first divergence: the answer of planner");
    has(&lines, "A has ended");
    has(&lines, "B the answer of planner \"And book it.\"");

    let lines = compared(left(), told(2, "writer", &["Take the train."]), None, 120);
    has(&lines, "first divergence: the answer of planner, the answer of writer");
    has(&lines, "agent  A planner  B writer");

    let lines = compared(left(), told(2, "planner", &["Take the train."]), None, 120);
    has(&lines, "no difference: the same steps, word by word");
}

#[test]
fn two_calls_are_compared_by_their_prompts_and_answers() {
    let left = trip(1, &[], "Go there.");
    let right = trip(2, &[], "Stay there.");
    let lines = compared(left, right, Some((1, 1)), 69);
    assert!(lines[0].starts_with("A ✓ turn 1 · Question 1"), "{lines:#?}");
    assert!(lines.iter().any(|line| line.trim() == "- Go there."), "{lines:#?}");
    assert!(lines.iter().any(|line| line.trim() == "+ Stay there."), "{lines:#?}");
    assert!(lines.iter().any(|line| line.trim() == "- Question 1"), "the prompts, too: {lines:#?}");
}

#[test]
fn what_is_marked_is_not_compared_with_itself() {
    let trace = trip(1, &[], "Go.");
    assert!(compared(trace.clone(), trace.clone(), None, 69)[0].starts_with("This run is marked"));
    assert!(compared(trace.clone(), trace, Some((1, 1)), 69)[0].starts_with("This call is marked"));
}

#[test]
fn a_comparison_is_readable_at_any_width() {
    for width in [1, 5, 20, 38, 60, 120] {
        for calls in [None, Some((1, 1))] {
            let (left, right) = (trip(1, &[("Oslo", Ok)], "Go."), trip(2, &[("Rome", Ok)], "Go."));
            assert!(!compared(left, right, calls, width).is_empty());
        }
    }
}
