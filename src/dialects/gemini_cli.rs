//! `gemini-cli`: Google's Gemini CLI, in spans, in log records, or in both (`coding_agents.md` 6).
//!
//! ```text
//!   llm_call             gen_ai.input.messages: native contents     gemini_cli.api_request{request_text}
//!                        gen_ai.output.messages: one a chunk        gemini_cli.api_response{response_text, …_token_count}
//!   schedule_tool_calls
//!   └ tool_call          input: the request, output: its outcome    gemini_cli.tool_call{function_name, function_args}
//! ```
//!
//! Every call is a trace of its own, joined by the conversation. `api_response` and `user_prompt` name no trace even
//! where spans are sent: alone they prove nothing. That of the request, which comes before, names the span. Ids of calls carry the tool's name before the model's own.

use std::sync::Arc;

use super::{
    Dialect, FactRow, Failures, Field, Framework, How, RecordingHints, calls,
    coding_agents::{self, AgentRecord, CallMoment, Work, record_name},
    gen_ai,
    maybe_json::MaybeJson,
    parts, provider_payload, reading,
};
use crate::model::{
    Category, Content, ContentKind, Failure, LogRecord, Message, Part, Role, Source, ToolName, Translation, Value,
};

pub const DIALECT: Dialect = Dialect {
    name: "gemini-cli",
    content: ContentKind::Conversation,
    matches,
    translate,
    category: Some(own_category),
    is_plumbing: Some(|source| source.scope.name == SCOPE),
    replaces: Some((gen_ai::DIALECT.name, matches)),
    record: Some(agent_record),
    facts: FACTS,
    failures: Failures { describe: Some(describe_failure), tool_failed: Some(tool_failed), ..Failures::SHARED },
    frameworks: &[Framework {
        label: "gemini-cli",
        rank: 0,
        scopes: &[SCOPE],
        is_of: Some(|source| source.attributes.str("gen_ai.agent.name") == Some("gemini-cli")),
        ..Framework::PLAIN
    }],
    recording_hints: &[RecordingHints {
        scopes: &[SCOPE],
        framework: "gemini-cli",
        messages: "in settings.json, under \"telemetry\", \"logPrompts\": true; or GEMINI_TELEMETRY_LOG_PROMPTS=true",
        ..RecordingHints::ANY
    }],
    ..Dialect::PLAIN
};

const FACTS: &[FactRow] = &[
    FactRow::of(Field::Model, How::Text, &["model"]).within(SCOPE),
    FactRow::of(Field::StopReason, How::Last, &["finish_reasons"]).within(SCOPE),
    FactRow::of(Field::Input, How::Count, &["input_token_count"]).within(SCOPE),
    FactRow::of(Field::Output, How::Count, &["output_token_count"]).within(SCOPE),
    FactRow::of(Field::Total, How::Count, &["total_token_count"]).within(SCOPE),
    FactRow::of(Field::CacheRead, How::Count, &["cached_content_token_count"]).within(SCOPE),
    FactRow::of(Field::Reasoning, How::Count, &["thoughts_token_count"]).within(SCOPE),
];

const SCOPE: &str = "gemini-cli";
const PREFIX: &str = "gemini_cli.";

/// Whether Gemini CLI made it.
fn is_gemini_cli(source: &Source) -> bool {
    source.scope.name == SCOPE
}

fn describe_failure(source: &Source, failure: &mut Failure) {
    if is_gemini_cli(source) {
        coding_agents::describe_failure(source.attributes, failure);
    }
}

fn tool_failed(source: &Source) -> Option<bool> {
    if is_gemini_cli(source) { coding_agents::tool_failed(source.attributes) } else { None }
}

fn matches(source: &Source) -> bool {
    is_gemini_cli(source)
}

fn own_category(source: &Source) -> Option<Category> {
    if is_gemini_cli(source) { category(source) } else { None }
}

/// What a span or a record is of an agent's work. Its name as an agent stands on all of them.
fn category(source: &Source) -> Option<Category> {
    Some(match record_name(source, PREFIX).or_else(|| source.attributes.str("gen_ai.operation.name"))? {
        "user_prompt" | "agent_call" => Category::Agent,
        "llm_call" | "api_request" | "api_response" | "api_error" | gen_ai::DETAILS => Category::Llm,
        "tool_call" => Category::Tool,
        "schedule_tool_calls" | "system_prompt" => Category::Chain,
        _ => return None,
    })
}

/// What a record stands for.
pub fn agent_record(record: &LogRecord) -> Option<AgentRecord<'_>> {
    let attributes = &record.attributes;
    let name = attributes.str("event.name").unwrap_or(&record.name).strip_prefix(PREFIX)?;
    let (session, prompt) = (attributes.str("session.id")?, attributes.str("prompt_id")?);
    let work = match name {
        "user_prompt" => Work::Run { name: "gemini_cli.prompt" },
        "api_response" | "api_error" => Work::Call { name: "llm_call" },
        "tool_call" => Work::Tool { name: "tool_call", id: None },
        "api_request" => Work::Part,
        _ => return None,
    };
    Some(AgentRecord { run: ["gemini-cli", session, prompt], work, call: call_moment(name, record) })
}

/// The call that a record is of: that of the request names its span, that of the response how long it took.
fn call_moment<'a>(name: &str, record: &'a LogRecord) -> Option<CallMoment<'a>> {
    let is_response = match name {
        "api_request" => false,
        "api_response" | "api_error" => true,
        _ => return None,
    };
    let number = |key: &str| record.attributes.get(key).and_then(Value::as_count);
    let stated = record.attributes.str("event.timestamp").and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let stated = stated.and_then(|moment| u64::try_from(moment.as_millisecond()).ok());
    let at = stated.unwrap_or(record.time().0 / 1_000_000);
    let lasted = if is_response { number("duration_ms")? } else { 0 };
    Some(CallMoment { model: record.attributes.str("model")?, sent: at.saturating_sub(lasted), is_response })
}

fn translate(source: &Source, into: &mut Translation) {
    // What the candidates count leaves the thoughts out.
    into.genai.reported.convention.reasoning_in_output = Some(false);
    let before = into.readings.len();
    match (record_name(source, PREFIX), category(source)) {
        (Some(name), _) if name != gen_ai::DETAILS => record(name, source, into),
        (_, Some(Category::Llm)) => call(source, into),
        (_, Some(Category::Tool)) => tool(source, into),
        _ => {}
    }
    let tool = into.genai.tool.as_mut();
    if let Some(ToolName { name: Some(name), call_id: Some(id), .. }) = tool {
        *id = own_id(name, id).to_owned();
    }
    for reading in &mut into.readings[before..] {
        for message in reading.prompt.iter_mut().chain(&mut reading.completion) {
            Arc::make_mut(message).parts.iter_mut().for_each(name_by_model);
        }
    }
}

fn call(source: &Source, into: &mut Translation) {
    let before = into.readings.len();
    let get = |key: &str| {
        // Before it followed the conventions.
        let older = match key {
            gen_ai::INPUT => "input-json",
            gen_ai::OUTPUT => "output-json",
            _ => return source.attributes.get(key),
        };
        source.attributes.get(key).or_else(|| source.attributes.get(older))
    };
    if source.is_log() {
        // In the conventions' form the model's own turns have the role `system`; instructions stand apart.
        let of_model = |key: &str| get(key).filter(|_| matches!(key, gen_ai::INPUT | gen_ai::OUTPUT));
        gen_ai::carried(gen_ai::DIALECT.name, reading::carrier(source), of_model, into);
        for message in into.readings[before..].iter_mut().flat_map(|reading| &mut reading.prompt) {
            if message.role == Role::System {
                Arc::make_mut(message).role = Role::Assistant;
            }
        }
        let rest = |key: &str| get(key).filter(|_| !matches!(key, gen_ai::INPUT | gen_ai::OUTPUT));
        gen_ai::carried(gen_ai::DIALECT.name, reading::carrier(source), rest, into);
    } else {
        gen_ai::carried(DIALECT.name, reading::carrier(source), get, into);
    }
    for reading in &mut into.readings[before..] {
        let chunks = std::mem::take(&mut reading.completion).into_iter().map(Arc::unwrap_or_clone);
        reading.completion = joined(chunks.collect()).into_iter().map(Arc::new).collect();
    }
}

/// A streamed answer, of which each chunk is a message of its own, whatever role it has in the conventions' form.
fn joined(chunks: Vec<Message>) -> Option<Message> {
    let mut whole: Vec<Part> = Vec::new();
    for part in chunks.into_iter().flat_map(|chunk| chunk.parts) {
        match (whole.last_mut().map(|last| &mut last.content), part.content) {
            (Some(Content::Text(text)), Content::Text(more)) => text.push_str(&more),
            (Some(Content::Reasoning(thought)), Content::Reasoning(more)) if thought.text.is_some() => {
                thought.text.get_or_insert_default().push_str(more.text.as_deref().unwrap_or_default());
                thought.signature = thought.signature.take().or(more.signature);
            }
            // The end of a stream: a part without a type.
            (_, Content::Unknown(end)) if end.str("text") == Some("") => {}
            (_, what) => whole.push(Part { content: what, ..part }),
        }
    }
    (!whole.is_empty()).then(|| Message::new(Role::Assistant, whole))
}

fn tool(source: &Source, into: &mut Translation) {
    let data = |keys: [&str; 2]| {
        let value = keys.into_iter().find_map(|key| source.attributes.get(key))?;
        MaybeJson::of(value).into_data()
    };
    let request = data([gen_ai::INPUT, "input-json"]);
    let outcome = data([gen_ai::OUTPUT, "output-json"]);
    let asked = request.as_ref().or_else(|| outcome.as_ref()?.get("request"));
    let tool = into.genai.tool.get_or_insert_default();
    if let Some(asked) = asked {
        tool.call_id = tool.call_id.take().or_else(|| asked.str("callId").map(str::to_owned));
        tool.name = tool.name.take().or_else(|| asked.str("name").map(str::to_owned));
    }
    let tool = tool.clone();
    let (prompt, _) = gen_ai::execution(asked.and_then(|asked| asked.get("args")), None, &into.genai);
    let completion = outcome.and_then(|outcome| returned(&outcome, tool));
    reading::push(into, DIALECT.name, reading::carrier(source), prompt, completion.into_iter().collect());
}

/// The result of a tool: as it was sent to the model, else as it was displayed.
fn returned(outcome: &Value, tool: ToolName) -> Option<Message> {
    let response = outcome.get("response")?;
    let mut content = Vec::new();
    for part in response.get("responseParts").and_then(Value::as_array).unwrap_or_default() {
        match part.get("functionResponse").and_then(|answer| answer.get("response")) {
            Some(answer) => {
                calls::returned(calls::first(answer, &["output", "error"]).unwrap_or(answer), &mut content);
            }
            None => parts::content(part, &mut content),
        }
    }
    if content.is_empty() {
        calls::returned(response.get("resultDisplay").unwrap_or(&Value::Null), &mut content);
    }
    let mut part = calls::answered(tool.call_id, tool.name.as_deref(), None);
    if let Content::Result(result) = &mut part.content {
        result.content = content;
        result.is_error = match outcome.str("status")? {
            "error" | "cancelled" => Some(true),
            "success" => Some(false),
            _ => None,
        };
    }
    Some(Message::new(Role::Tool, vec![part]))
}

fn record(name: &str, source: &Source, into: &mut Translation) {
    let attributes = source.attributes;
    let messages = |key: &str, role| match attributes.get(key).map(MaybeJson::of) {
        Some(MaybeJson::Data(data)) => match data.as_array() {
            // The chunks of a stream, each a response.
            Some(chunks) if role == Role::Assistant => {
                chunks.iter().flat_map(|chunk| provider_payload::messages(chunk, role).unwrap_or_default()).collect()
            }
            _ => provider_payload::messages(&data, role).unwrap_or_default(),
        },
        Some(MaybeJson::Text(text)) => reading::from_parts(role, parts::text(text).into_iter().collect()),
        _ => vec![],
    };
    let (mut prompt, mut completion) = (vec![], vec![]);
    match name {
        "user_prompt" => {
            prompt =
                reading::from_parts(Role::User, attributes.str("prompt").and_then(parts::text).into_iter().collect());
        }
        "api_request" => prompt = messages("request_text", Role::User),
        "api_response" => completion = joined(messages("response_text", Role::Assistant)).into_iter().collect(),
        "tool_call" => {
            let tool = into.genai.tool.get_or_insert_default();
            tool.name = tool.name.take().or_else(|| attributes.str("function_name").map(str::to_owned));
            (prompt, _) = gen_ai::execution(attributes.get("function_args"), None, &into.genai);
        }
        _ => {}
    }
    if matches!(name, "api_request" | "api_response" | "api_error") {
        into.genai.provider.get_or_insert_with(|| "gcp.gemini".to_owned());
    }
    if matches!(name, "user_prompt" | "api_response" | "api_error") {
        coding_agents::leave_unconfirmed(into);
    }
    reading::push(into, DIALECT.name, reading::carrier(source), prompt, completion);
}

/// The id that the model gave a call, to which Gemini CLI adds the tool's name.
fn own_id<'a>(name: &str, id: &'a str) -> &'a str {
    let own = id.strip_prefix(name).and_then(|rest| rest.strip_prefix("__"));
    own.filter(|_| !name.is_empty()).and_then(calls::usable_id).unwrap_or(id)
}

fn name_by_model(part: &mut Part) {
    let (name, id) = match &mut part.content {
        Content::Call(call) => (Some(&call.name), &mut call.id),
        Content::Result(result) => {
            // Gemini's API marks a function that failed so.
            if let [Part { content: Content::Json(answer), .. }] = result.content.as_slice()
                && matches!(answer.as_map(), Some([(key, _)]) if key == "error")
            {
                result.is_error = Some(true);
            }
            (result.name.as_ref(), &mut result.call_id)
        }
        _ => return,
    };
    if let (Some(name), Some(id)) = (name, id.as_mut()) {
        *id = own_id(name, id).to_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::*;

    fn span(operation: &str) -> Sample {
        Sample::span(operation)
            .scope(SCOPE)
            .with(&[("gen_ai.operation.name", operation), ("gen_ai.agent.name", "gemini-cli")])
    }

    fn log(name: &str) -> Sample {
        Sample::log(name, "\"text for people\"").scope(SCOPE).with(&[("event.name", name)])
    }

    #[test]
    fn a_streamed_answer_is_one_message() {
        let chunks = r#"[{"role":"model","parts":[{"text":"I sh","thought":true}]},{"role":"model","parts":[{"text":"ould","thought":true}]},
            {"role":"model","parts":[{"text":"he"}]},{"role":"model","parts":[{"text":"llo"}]},
            {"role":"model","parts":[{"functionCall":{"name":"w","args":{},"id":"w__c1"}}]},{"role":"model","parts":[{"text":""}]}]"#;
        let read = span("llm_call").with(&[(gen_ai::OUTPUT, chunks), (gen_ai::INPUT, "hi")]).translate();
        assert_eq!(sides(&read).1, ["assistant: (thought) I should · hello · w#c1{}"]);
        assert_eq!(sides(&read).0, ["user: hi"]);
        assert_eq!((read.genai.category, read.dialects), (Category::Llm, vec!["gemini-cli".to_owned()]));
    }

    #[test]
    fn a_tools_span_holds_its_request_and_its_outcome() {
        let request = r#"{"callId":"w__c1","name":"w","args":{"city":"P"}}"#;
        let outcome = |status: &str, response: &str| {
            format!(
                r#"{{"status":"{status}","response":{{"responseParts":[{{"functionResponse":{{"id":"w__c1","name":"w","response":{response}}}}}]}}}}"#
            )
        };
        let read = |output: &str| {
            let span = span("tool_call").with(&[("gen_ai.tool.name", "w"), ("gen_ai.tool.call_id", "w__c1")]);
            span.with(&[(gen_ai::INPUT, request), (gen_ai::OUTPUT, output)]).translate()
        };
        let ok = read(&outcome("success", r#"{"output":"18C"}"#));
        assert_eq!(sides(&ok), (vec![r#"assistant: w#c1{"city":"P"}"#.to_owned()], vec!["tool: =c1 18C".to_owned()]));
        assert_eq!((ok.genai.category, ok.genai.tool.unwrap().call_id.as_deref()), (Category::Tool, Some("c1")));
        let failed = read(&outcome("error", r#"{"error":"no such city"}"#));
        assert_eq!(sides(&failed).1, ["tool: =!c1 no such city"]);
        assert_eq!(
            span("schedule_tool_calls").with(&[(gen_ai::INPUT, request)]).translate().genai.category,
            Category::Chain
        );
    }

    #[test]
    fn a_function_that_failed_is_marked_in_the_apis_form() {
        let history =
            r#"[{"role":"user","parts":[{"functionResponse":{"id":"w__c1","name":"w","response":{"error":"no"}}}]}]"#;
        let read = span("llm_call").with(&[(gen_ai::INPUT, history)]).translate();
        assert_eq!(sides(&read).0, [r#"tool: =!c1 json {"error":"no"}"#]);
    }

    #[test]
    fn the_record_of_a_response_has_all_its_tokens() {
        let chunk = |text: &str| {
            format!(r#"{{"candidates":[{{"content":{{"role":"model","parts":[{{"text":"{text}"}}]}}}}]}}"#)
        };
        let read = log("gemini_cli.api_response")
            .with(&[("model", "gemini-2.5-flash"), ("response_text", &format!("[{},{}]", chunk("he"), chunk("llo")))])
            .typed("input_token_count", "7211")
            .typed("output_token_count", "28")
            .typed("thoughts_token_count", "13")
            .typed("cached_content_token_count", "1024")
            .typed("finish_reasons", r#"["stop","stop"]"#)
            .translate();
        let usage = read.genai.usage.unwrap();
        assert_eq!(
            (usage.input(), usage.cache_read, usage.output, usage.reasoning),
            (Some(7211), Some(1024), Some(41), Some(13))
        );
        assert_eq!(sides(&read).1, ["assistant: hello"]);
        assert_eq!((read.genai.stop_reason.as_deref(), read.unconfirmed), (Some("stop"), true));
    }

    #[test]
    fn the_conventions_record_calls_the_models_turns_system() {
        let input = r#"[{"role":"user","parts":[{"type":"text","content":"q"}]},{"role":"system","parts":[{"type":"text","content":"a"}]}]"#;
        let read = log(gen_ai::DETAILS).with(&[(gen_ai::INPUT, input), ("gen_ai.operation.name", "generate_content")]);
        assert_eq!(sides(&read.translate()).0, ["user: q", "assistant: a"]);
    }
}
