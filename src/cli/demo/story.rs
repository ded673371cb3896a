//! A made-up story of an agent that books a room, told as the spans that it would send: a run that goes well, and one that
//! fails for having called a tool again and again with what its schema forbids, while a clock in its system prompt breaks the
//! cache. Every pane of the screen has something to show of it.

use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::{
    decode::{self, Encoding},
    model::{Project, Span},
};

const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const SESSION: &str = "kyoto-in-march";
/// Where the times of the story begin, in milliseconds: they are moved when it is played.
const BEGIN: u64 = 1_790_000_000_000;

/// What the story's agents send.
///
/// # Panics
/// Never: a test reads it.
pub fn spans() -> Vec<Span> {
    let spans: Vec<Value> = [goes_well(), fails()].concat();
    let request = json!({"resourceSpans": [{
        "resource": {"attributes": attributes(&json!({"service.name": "trip-planner"}))},
        "scopeSpans": [{"scope": {"name": "trip_planner"}, "spans": spans}],
    }]});
    let decoded = decode::traces(&Project::default(), &Bytes::from(request.to_string()), Encoding::Json);
    let decoded = decoded.expect("the story is OTLP; a test reads it");
    decoded.items.into_iter().map(|received| received.item).collect()
}

/// A run while it is told: what was said so far goes with every call.
struct Run {
    number: u32,
    said: Vec<Value>,
    spans: Vec<Value>,
    /// Milliseconds since the story began.
    now: u64,
}

/// What a call of the model reports: tokens sent, how many of these came from the cache and went into it, and tokens
/// answered.
struct Tokens(u64, u64, u64, u64);

impl Run {
    fn new(number: u32, now: u64, asked: &str) -> Self {
        let said = vec![json!({"role": "user", "parts": [{"type": "text", "content": asked}]})];
        Self { number, said, spans: Vec::new(), now }
    }

    /// A call of the model that begins now and takes this long; `first`: milliseconds until its first token.
    fn model(&mut self, clock: &str, (first, takes): (u64, u64), tokens: &Tokens, parts: &Value) {
        let Tokens(input, read, written, output) = *tokens;
        let calls = parts.as_array().is_some_and(|parts| parts.iter().any(|part| part["type"] == "tool_call"));
        let finish = if calls { "tool_use" } else { "end_turn" };
        let answer = json!({"role": "assistant", "parts": parts, "finish_reason": finish});
        let facts = json!({
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "aws.bedrock",
            "gen_ai.request.model": MODEL,
            "gen_ai.request.temperature": 0.2,
            "gen_ai.request.max_tokens": 1024,
            "gen_ai.response.finish_reasons": [finish],
            "gen_ai.server.time_to_first_token": first,
            "gen_ai.usage.input_tokens": input,
            "gen_ai.usage.cache_read.input_tokens": read,
            "gen_ai.usage.cache_creation.input_tokens": written,
            "gen_ai.usage.output_tokens": output,
            "gen_ai.system_instructions": json!([{"type": "text", "content": system(clock)}]).to_string(),
            "gen_ai.tool.definitions": tools().to_string(),
            "gen_ai.input.messages": json!(self.said).to_string(),
            "gen_ai.output.messages": json!([answer]).to_string(),
            "session.id": SESSION,
        });
        self.span(&format!("chat {MODEL}"), takes, &facts, None);
        self.said.push(json!({"role": "assistant", "parts": parts}));
    }

    /// A tool at work; `failed`: the error that it raised, its message and its traceback.
    fn tool(&mut self, name: &str, id: &str, takes: u64, arguments: &Value, result: &str, failed: Option<[&str; 3]>) {
        let facts = json!({
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": id,
            "gen_ai.tool.call.arguments": arguments.to_string(),
            "gen_ai.tool.call.result": result,
            "session.id": SESSION,
        });
        self.span(&format!("execute_tool {name}"), takes, &facts, failed);
        self.said
            .push(json!({"role": "tool", "parts": [{"type": "tool_call_response", "id": id, "response": result}]}));
    }

    fn span(&mut self, name: &str, takes: u64, facts: &Value, failed: Option<[&str; 3]>) {
        let (from, number) = (self.now, self.spans.len() + 2);
        self.now += takes;
        self.spans.push(span(self.number, number, Some(1), name, (from, self.now), facts, failed));
        // What the program does itself takes a moment.
        self.now += 40;
    }

    /// All spans, with that of the agent around them.
    fn end(mut self, began: u64, answer: &str, failed: Option<[&str; 3]>) -> Vec<Value> {
        let facts = json!({
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "trip-planner",
            "gen_ai.input.messages": json!([self.said[0]]).to_string(),
            "gen_ai.output.messages":
                json!([{"role": "assistant", "parts": [{"type": "text", "content": answer}]}]).to_string(),
            "session.id": SESSION,
            "user.id": "ana",
        });
        let agent = span(self.number, 1, None, "invoke_agent trip-planner", (began, self.now), &facts, failed);
        self.spans.push(agent);
        self.spans
    }
}

fn goes_well() -> Vec<Value> {
    let mut run = Run::new(1, 0, "Find me a quiet ryokan in Kyoto for two nights from 12 March.");
    let search = json!({"city": "Kyoto", "from": "2027-03-12", "nights": 2, "wishes": ["quiet", "garden"]});
    run.model("17:40:02", (620, 2_300), &Tokens(1_390, 0, 1_280, 148), &json!([
        {"type": "reasoning", "content": "They want somewhere quiet. I search for ryokan with a garden rather than hotels near the station, and compare the first few."},
        {"type": "text", "content": "I look for ryokan with a garden."},
        {"type": "tool_call", "id": "call_1", "name": "search_hotels", "arguments": search},
    ]));
    run.tool("search_hotels", "call_1", 1_800, &search, &found().to_string(), None);
    let answer = "Two fit well:\n\n| | name | per night | why |\n|---|---|---|---|\n| 1 | **Hoshi no Niwa** | ¥ 38,000 | a garden, eight rooms, no road beside it |\n| 2 | Kawa-so | ¥ 29,500 | by the river, a little livelier |\n\nShall I book the first one?";
    run.model(
        "17:40:02",
        (540, 3_100),
        &Tokens(1_780, 1_280, 430, 196),
        &json!([
            {"type": "text", "content": answer},
        ]),
    );
    let mut spans = run.end(0, answer, None);
    if let Some(call) = spans.get_mut(2) {
        call["events"] = json!([{"name": "gen_ai.evaluation.result", "timeUnixNano": nanoseconds(7_300), "attributes": attributes(&json!({
            "gen_ai.evaluation.name": "helpfulness", "gen_ai.evaluation.score.value": 0.92,
            "gen_ai.evaluation.score.label": "pass",
            "gen_ai.evaluation.explanation": "It compares what was found, and asks before it books.",
        }))}]);
    }
    spans
}

fn fails() -> Vec<Value> {
    let began = 11_000;
    let mut run = Run::new(2, began, "Yes, book Hoshi no Niwa for the two of us.");
    let book = json!({"hotel_id": "h-17", "from": "2027-03-12", "nights": 2, "guests": 0});
    let call = |id: &str| json!({"type": "tool_call", "id": id, "name": "book_room", "arguments": book});
    let error = ["pydantic.ValidationError", "guests: must be at least 1 (got 0)", TRACEBACK];
    let said = "ValidationError: guests: must be at least 1 (got 0)";
    // From the third turn on another minute has begun, and with it another system prompt.
    let turns = [
        ("17:41:20", Tokens(1_960, 1_280, 600, 96), "I book it now."),
        ("17:41:20", Tokens(2_120, 1_880, 190, 88), "That did not go through. I try again."),
        ("17:42:03", Tokens(2_290, 0, 2_190, 91), "The tool keeps refusing. Once more."),
        ("17:42:03", Tokens(2_460, 2_190, 180, 84), "Again."),
    ];
    for (at, (clock, tokens, text)) in turns.iter().enumerate() {
        let id = format!("call_{}", at + 2);
        let thought = [
            "The first one is h-17. I have the dates; the number of guests I was not told as a number.",
            "A refusal. Perhaps it was busy: the same once more.",
            "It says something about guests, but it may be the dates that it cannot read.",
            "I have no other idea.",
        ][at];
        run.model(
            clock,
            (700, 2_900),
            tokens,
            &json!([
                {"type": "reasoning", "content": thought}, {"type": "text", "content": text}, call(&id),
            ]),
        );
        run.tool("book_room", &id, 1_400, &book, said, Some(error));
    }
    let answer = "I wasn't able to complete the booking. How many guests will be staying?";
    run.model("17:42:03", (900, 2_200), &Tokens(2_620, 2_370, 170, 41), &json!([{"type": "text", "content": answer}]));
    let why = "book_room failed 4 times: guests: must be at least 1 (got 0)";
    run.end(began, answer, Some(["trip_planner.BookingFailed", why, TRACEBACK]))
}

/// The system prompt. The clock in it is what breaks the cache.
fn system(clock: &str) -> String {
    let mut text = format!(
        "You plan trips. It is {clock} on Thursday, 3 December 2026.\n\nAsk before you book anything. Prices are in yen. \
         Be brief: people read this on their phones.\n\nWhat we know of where people stay:\n"
    );
    for (place, known) in PLACES {
        let _ = writeln!(text, "- {place}: {known}");
    }
    text
}

const PLACES: &[(&str, &str)] = &[
    (
        "Arashiyama",
        "quiet after five in the afternoon, when the day trips leave; the river side floods in June, so ask for a room on the first floor or above",
    ),
    (
        "Demachiyanagi",
        "students and cheap food; trains until midnight; rooms are small, and few have a bath of their own",
    ),
    (
        "Fushimi",
        "sake brewers and canals; half an hour from the middle of the town; almost nobody speaks English at the door",
    ),
    (
        "Gion",
        "old houses, dear and booked out on weekends; no taxi comes into the lanes, so guests walk the last stretch with their bags",
    ),
    (
        "Higashiyama",
        "temples, hills and steps; not for anybody who walks badly; the best ryokan with gardens are here, most with fewer than ten rooms",
    ),
    ("Karasuma", "offices and banks; empty on Sundays; good hotels for a night before an early train"),
    ("Kawaramachi", "shops, bars, noise until two in the morning; ask for a room to the back"),
    (
        "Kibune",
        "in the mountains, ten degrees cooler in August; dinner above the water; one bus an hour, the last at six",
    ),
    ("Kitayama", "a park, gardens and cafes; families stay here; the underground takes fifteen minutes to the station"),
    ("Nijo", "the castle and little else; large rooms for what they cost; a supermarket that is open all night"),
    ("Ohara", "a village an hour away by bus; snow in January; farm houses that take guests, dinner at half past five"),
    ("Okazaki", "museums and the zoo; broad streets; parking for those who come by car"),
    ("Shimogamo", "a forest with a shrine, and houses that rent out one room; bring cash"),
    ("Station", "everything within reach and nothing to see; luggage can be left from six in the morning"),
    (
        "Uji",
        "tea, a river, a famous hall; twenty minutes by train; inns by the water are booked half a year ahead in April",
    ),
];

fn tools() -> Value {
    let tool = |name: &str, description: &str, properties: Value, required: Value| {
        json!({"type": "function", "name": name, "description": description,
            "parameters": {"type": "object", "properties": properties, "required": required}})
    };
    json!([
        tool(
            "search_hotels",
            "Finds places to stay.",
            json!({
            "city": {"type": "string"}, "from": {"type": "string"}, "nights": {"type": "integer", "minimum": 1},
            "wishes": {"type": "array", "items": {"type": "string"}}}),
            json!(["city", "from", "nights"])
        ),
        tool(
            "book_room",
            "Books a room, for good.",
            json!({
            "hotel_id": {"type": "string"}, "from": {"type": "string"}, "nights": {"type": "integer", "minimum": 1},
            "guests": {"type": "integer", "minimum": 1}}),
            json!(["hotel_id", "from", "nights", "guests"])
        ),
        tool(
            "convert_currency",
            "Says what an amount is in another currency.",
            json!({
            "amount": {"type": "number"}, "from": {"type": "string"}, "to": {"type": "string"}}),
            json!(["amount", "from", "to"])
        ),
    ])
}

fn found() -> Value {
    json!({"hotels": [
        {"id": "h-17", "name": "Hoshi no Niwa", "kind": "ryokan", "per_night": 38000, "rooms": 8, "garden": true,
            "near": {"road": "none", "station": "25 min on foot"}},
        {"id": "h-04", "name": "Kawa-so", "kind": "ryokan", "per_night": 29500, "rooms": 14, "garden": false,
            "near": {"road": "quiet", "station": "12 min on foot"}},
    ], "more": 11})
}

const TRACEBACK: &str = "Traceback (most recent call last):
  File \"/usr/lib/python3.12/asyncio/runners.py\", line 118, in run
    return self._loop.run_until_complete(task)
  File \"/srv/trip/.venv/lib/python3.12/site-packages/agent_kit/loop.py\", line 212, in step
    result = await tool.invoke(call.arguments)
  File \"/srv/trip/.venv/lib/python3.12/site-packages/agent_kit/tools.py\", line 88, in invoke
    return self.function(**self.schema.parse(arguments))
  File \"/srv/trip/booking.py\", line 41, in book_room
    request = BookingRequest(**details)
  File \"/srv/trip/.venv/lib/python3.12/site-packages/pydantic/main.py\", line 253, in __init__
    validated_self = self.__pydantic_validator__.validate_python(data, self_instance=self)
pydantic.ValidationError: guests: must be at least 1 (got 0)";

fn nanoseconds(at: u64) -> String {
    ((BEGIN + at) * 1_000_000).to_string()
}

fn span(
    run: u32,
    number: usize,
    parent: Option<usize>,
    name: &str,
    (from, until): (u64, u64),
    facts: &Value,
    failed: Option<[&str; 3]>,
) -> Value {
    let id = |number: usize| format!("57{run:06x}{number:08x}");
    let mut span = json!({
        "traceId": format!("57{run:030x}"),
        "spanId": id(number),
        "name": name,
        "kind": 1,
        "startTimeUnixNano": nanoseconds(from),
        "endTimeUnixNano": nanoseconds(until),
        "attributes": attributes(facts),
        "status": {"code": 1},
    });
    if let Some(parent) = parent {
        span["parentSpanId"] = id(parent).into();
    }
    if let Some([kind, message, stack]) = failed {
        span["status"] = json!({"code": 2, "message": message});
        span["events"] = json!([{"name": "exception", "timeUnixNano": nanoseconds(until), "attributes": attributes(&json!({
            "exception.type": kind, "exception.message": message, "exception.stacktrace": stack,
        }))}]);
    }
    span
}

/// Facts as attributes of OTLP.
fn attributes(facts: &Value) -> Value {
    let none = Map::new();
    let facts = facts.as_object().unwrap_or(&none).iter();
    facts.map(|(key, value)| json!({"key": key, "value": typed(value)})).collect()
}

fn typed(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => json!({"doubleValue": number}),
        Value::Number(number) => json!({"intValue": number.to_string()}),
        Value::Array(items) => json!({"arrayValue": {"values": items.iter().map(typed).collect::<Vec<_>>()}}),
        other => json!({"stringValue": other.as_str().unwrap_or_default()}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_is_two_runs_of_one_session_and_the_second_fails() {
        let spans = spans();
        let roots: Vec<&Span> = spans.iter().filter(|span| span.parent.is_none()).collect();
        assert_eq!(roots.len(), 2);
        assert!(spans.iter().all(|span| span.attributes.str("session.id") == Some(SESSION)));
        let failed = spans.iter().filter(|span| span.status.code == crate::model::StatusCode::Error).count();
        assert_eq!(failed, 5, "four calls of the tool, and the agent");
        assert!(spans.iter().all(|span| span.ended.is_some_and(|ended| ended > span.started)));
    }
}
