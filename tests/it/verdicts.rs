//! What the screen says of a run before anything is read, and at its end: of one that failed in a loop, one that goes
//! on, one that was killed, and of one whose answer was cut while its context filled.

use std::time::Duration;

use serde_json::{Value, json};
use sideseat_tui::{
    app::{Seen, Tick},
    model::Timestamp,
};

use crate::{
    program::request,
    scene::Scene,
    screens::{SIZES, keep},
};

/// When each run begins: 2025-06-03 17:41:00.
const START: Timestamp = Timestamp(1_748_972_460_000_000_000);

fn at(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

/// A span from one second of the run to another. Span 1 is the agent, the root.
fn span(id: u64, name: &str, seconds: (u64, u64), attributes: Value, error: Option<&str>) -> Value {
    let attribute = |(key, value): (String, Value)| {
        let value = match value {
            Value::Number(number) => json!({"intValue": number.to_string()}),
            Value::String(text) => json!({"stringValue": text}),
            array => json!({"arrayValue": {"values": [{"stringValue": array[0]}]}}),
        };
        json!({"key": key, "value": value})
    };
    let Value::Object(attributes) = attributes else { panic!("attributes are an object") };
    let mut span = json!({
        "traceId": format!("{:032x}", 0x000a_81f0),
        "spanId": format!("{id:016x}"),
        "parentSpanId": if id == 1 { String::new() } else { format!("{:016x}", 1) },
        "name": name,
        "startTimeUnixNano": at(seconds.0).0.to_string(),
        "endTimeUnixNano": at(seconds.1).0.to_string(),
        "attributes": attributes.into_iter().map(attribute).collect::<Vec<_>>(),
    });
    if let Some(message) = error {
        span["status"] = json!({"code": 2, "message": message});
        span["events"] = json!([{
            "name": "exception",
            "timeUnixNano": at(seconds.1).0.to_string(),
            "attributes": [
                {"key": "exception.type", "value": {"stringValue": "ValidationError"}},
                {"key": "exception.message", "value": {"stringValue": message}},
            ],
        }]);
    }
    span
}

/// A turn: what the model was sent so far, and the tool that it asks for, or its answer.
fn turn(nth: u64, history: &mut Vec<Value>, tokens: (u64, u64), asks: bool, stop: &str) -> Value {
    let part = if asks {
        json!({"type": "tool_call", "id": format!("call_{nth}"), "name": "book_room",
            "arguments": {"hotel_id": "ryk-118", "guests": 0}})
    } else {
        json!({"type": "text", "content": "I was not able to book the room. How many guests"})
    };
    let answer = json!({"role": "assistant", "parts": [part], "finish_reason": stop});
    let attributes = json!({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "gen_ai.input.messages": Value::from(history.clone()).to_string(),
        "gen_ai.output.messages": json!([answer]).to_string(),
        "gen_ai.response.finish_reasons": [stop],
        "gen_ai.usage.input_tokens": tokens.0,
        "gen_ai.usage.cache_read.input_tokens": tokens.1,
        "gen_ai.usage.output_tokens": 200,
    });
    history.push(answer);
    span(10 * nth, "chat claude", (nth * 8, nth * 8 + 3), attributes, None)
}

fn tool(nth: u64, history: &mut Vec<Value>) -> Value {
    let message = "'guests' must be >= 1 (got 0)";
    history.push(json!({"role": "tool", "parts": [
        {"type": "tool_call_response", "id": format!("call_{nth}"), "response": message},
    ]}));
    let attributes = json!({
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "book_room",
        "gen_ai.tool.call.id": format!("call_{nth}"),
        "gen_ai.tool.call.arguments": json!({"hotel_id": "ryk-118", "guests": 0}).to_string(),
    });
    span(10 * nth + 1, "execute_tool book_room", (nth * 8 + 3, nth * 8 + 8), attributes, Some(message))
}

fn root(end: u64, error: Option<&str>) -> Value {
    let attributes = json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"});
    span(1, "invoke_agent planner", (7, end), attributes, error)
}

fn question() -> Vec<Value> {
    vec![json!({"role": "user", "parts": [{"type": "text", "content": "book the ryokan"}]})]
}

/// Three turns whose tool fails each time with the same arguments; then a model call that asks once more.
fn looping() -> Vec<Value> {
    let mut history = question();
    let mut spans = Vec::new();
    for nth in 1..=3 {
        spans.push(turn(nth, &mut history, (14_000 + nth * 2_000, 12_000), true, "tool_use"));
        spans.push(tool(nth, &mut history));
    }
    spans.push(turn(4, &mut history, (22_000, 2_000), true, "tool_use"));
    spans
}

/// The clock at a second of the run.
fn tick(second: u64) -> Tick {
    Tick { now: at(second), seen: Seen::default(), failing: None }
}

/// Keeps a screen a size under a name: of what was sent, looked at at a second of the run.
fn shows(name: &str, spans: &[Value], second: u64, keys: &str) {
    for (columns, rows) in SIZES {
        let page = Scene::live(columns, rows).sends(request(spans)).tick(tick(second)).press(keys).page();
        keep(&format!("verdict_{name}_{columns}x{rows}"), &page);
    }
}

#[test]
fn a_run_that_failed_in_a_loop_says_where_why_and_what_it_spent() {
    let mut spans = looping();
    spans.push(root(36, Some("'guests' must be >= 1 (got 0)")));
    spans.remove(spans.len() - 2);
    shows("loop", &spans, 90, "F e tab");
}

#[test]
fn a_run_that_goes_on_says_what_it_waits_for() {
    let scene = Scene::live(120, 40).sends(request(&looping())).tick(tick(39));
    let screen = scene.press("tab G").text();
    for text in ["waiting 4s", "── running · 31s · last span 4s ago · waiting for book_room 4s ──", "↻ LOOP 3×"]
    {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
    assert!(!screen.contains("no result") && !screen.contains("end of run"), "{screen}");
}

#[test]
fn a_run_whose_program_was_killed_says_that_it_never_ended() {
    shows("never_ended", &looping(), 1900, "tab G");
}

#[test]
fn an_answer_that_was_cut_while_the_context_filled_is_spoken_of() {
    let mut history = question();
    let mut spans = vec![turn(1, &mut history, (150_000, 140_000), true, "tool_use"), tool(1, &mut history)];
    spans.push(turn(2, &mut history, (182_000, 9_000), false, "max_tokens"));
    spans.push(root(24, None));
    // The failure of the tool is told first, so it is left out here.
    spans[1]["status"] = json!({});
    spans[1]["events"] = json!([]);
    shows("cut_off", &spans, 90, "tab");
}
