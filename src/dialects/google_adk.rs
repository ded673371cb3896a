//! `google-adk`: Google's Agent Development Kit (`sdks.md` 5).
//!
//! Mark: scope `gcp.vertex.agent`. Until version 2, and later where asked for, spans carry requests and responses of
//! Gemini's API, whichever model is called:
//!
//! ```text
//!   invocation
//!   └ invoke_agent                   in the first versions `agent_run [w]`
//!     ├ call_llm                     llm_request{model, config, contents} ─▶ llm_response{content, usage_metadata, …}
//!     │ └ generate_content           its messages are in log records, in the form of `genai-2`
//!     ├ execute_tool w               tool_call_args ─▶ tool_response
//!     └ execute_tool (merged tools)  the responses of parallel calls once more: not read
//!   send_data                        data: contents sent into a live session
//! ```
//!
//! Where content is not captured the values are `{}`. How a streamed answer comes is in `google_adk_stream`.

use std::sync::Arc;

use super::{
    Dialect, FactRow, Field, Framework, How, RecordingHints, calls, definitions, gen_ai, google_adk_stream,
    maybe_json::MaybeJson, parameters, provider, provider_payload, reading, redaction_markers, synthesized_call_ids,
    token_counts,
};
use crate::model::{
    Attributes, Carrier, Category, Content, ContentKind, Failure, GenAi, Message, Note, Part, Role, Source,
    Translation, Value,
};

pub const DIALECT: Dialect = Dialect {
    name: "google-adk",
    content: ContentKind::Conversation,
    matches,
    translate,
    category: Some(category),
    is_plumbing: Some(|source| {
        source.scope.name == SCOPE && ["invocation", "call_llm", "send_data"].contains(&source.name)
    }),
    ai_keys: &["gcp.vertex.agent."],
    facts: &[FactRow::of(Field::Session, How::Id, &["gcp.vertex.agent.session_id"])],
    frameworks: &[Framework {
        label: "google-adk",
        rank: 110,
        scopes: &[SCOPE, "openinference.instrumentation.google_adk"],
        keys: &["gcp.vertex.agent.", "google.adk."],
        providers: &[SCOPE],
        ..Framework::PLAIN
    }],
    recording_hints: &[RecordingHints {
        scopes: &[SCOPE],
        framework: "google-adk",
        messages: "set ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS=true; ADK 2 has the messages in logs only: set \
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true and export them as well, or set \
            ADK_TELEMETRY_SCHEMA_VERSION_OPT_IN=1",
        ..RecordingHints::ANY
    }],
    ..Dialect::PLAIN
};

pub const SCOPE: &str = google_adk_stream::SCOPE;
const REQUEST: &str = "gcp.vertex.agent.llm_request";
const RESPONSE: &str = "gcp.vertex.agent.llm_response";
const DATA: &str = "gcp.vertex.agent.data";
const ARGUMENTS: &str = "gcp.vertex.agent.tool_call_args";
const RESULT: &str = "gcp.vertex.agent.tool_response";

/// Stands where nothing was given.
const NOTHING: &str = "<not specified>";

fn matches(source: &Source) -> bool {
    source.scope.name == SCOPE || source.attributes.has_prefix("gcp.vertex.agent.")
}

fn translate(source: &Source, into: &mut Translation) {
    let attributes = source.attributes;
    if let Some(tool) = &mut into.genai.tool
        && tool.name.as_deref().is_some_and(|name| name.starts_with("(merged"))
    {
        tool.merged = true;
        return;
    }
    if into.genai.agent.is_none() {
        into.genai.agent = ran_agent(source).map(str::to_owned);
    }
    synthesized_call_ids::remove(into);
    google_adk_stream::settle(source, into);
    without_thoughts_twice(source, &mut into.genai);
    let (prompt, completion) = if attributes.has(ARGUMENTS) || attributes.has(RESULT) {
        run(attributes, &into.genai)
    } else {
        let data = read(attributes, DATA, &mut into.notes);
        let request = read(attributes, REQUEST, &mut into.notes);
        let response = read(attributes, RESPONSE, &mut into.notes);
        let mut prompt = request.map_or_else(Vec::new, |request| request.ends(asked(&request.value, into)));
        prompt.extend(data.map_or_else(Vec::new, |data| data.ends(reading::messages(&data.value, Role::User))));
        (prompt, response.map_or_else(Vec::new, |response| response.ends(answered(&response.value, into))))
    };
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
    // The readings of the log records have results wrapped as well.
    reading::all(into)
        .filter(|message| message.parts.iter().any(|part| wrapped(part).is_some()))
        .for_each(unwrap_results);
    reading::all(into).filter(|message| is_relayed(message)).for_each(mark_relayed);
}

/// Whether a user message is the ADK's repetition of what another agent wrote.
fn is_relayed(message: &Message) -> bool {
    let texts = message.parts.iter().filter(|part| !part.hidden).filter_map(|part| match &part.content {
        Content::Text(text) if !text.trim().is_empty() => Some(text),
        _ => None,
    });
    message.role == Role::User && texts.take(1).any(|text| text.starts_with("For context:"))
}

fn mark_relayed(message: &mut Arc<Message>) {
    Arc::make_mut(message).parts.iter_mut().for_each(|part| part.relayed = true);
}

/// The agent that a span of the first versions names: `agent_run [w]`.
pub fn ran_agent<'a>(source: &Source<'a>) -> Option<&'a str> {
    let name = source.name.strip_prefix("agent_run [")?.strip_suffix(']')?;
    (source.scope.name == SCOPE && !name.is_empty()).then_some(name)
}

fn category(source: &Source) -> Option<Category> {
    ran_agent(source).map(|_| Category::Agent)
}

/// The data in an attribute.
struct AttributeData {
    value: Value,
    cut: bool,
}

impl AttributeData {
    /// What was read of it; its end is marked where the data was cut off.
    fn ends(&self, messages: Vec<Message>) -> Vec<Message> {
        reading::ends(messages, self.cut)
    }
}

/// `None` where there is no data, or `{}` for content that is not captured.
fn read(attributes: &Attributes, key: &str, notes: &mut Vec<Note>) -> Option<AttributeData> {
    match MaybeJson::of(attributes.get(key)?) {
        MaybeJson::Data(data) => {
            Some(AttributeData { value: data.into_owned(), cut: false }).filter(|found| !found.value.is_empty())
        }
        MaybeJson::Cut(value) => {
            notes.push(reading::cut_off(key));
            Some(AttributeData { value, cut: true })
        }
        MaybeJson::Text(_) => {
            notes.push(Note(format!("{key} is not JSON: not read")));
            None
        }
        MaybeJson::Scalar(_) | MaybeJson::Nothing => None,
    }
}

/// Reads a request: the model, the tools, parameters, and the messages with the system prompt.
fn asked(request: &Value, into: &mut Translation) -> Vec<Message> {
    let genai = &mut into.genai;
    genai.model = genai.model.take().or_else(|| request.str("model").map(str::to_owned));
    if genai.provider.is_none() {
        genai.provider = genai.model.as_deref().and_then(provider::of_model).map(str::to_owned);
    }
    let mut prompt = provider_payload::system(request);
    if let Some(config) = request.get("config") {
        // What could not be made JSON is a text in this list.
        let tools = config.get("tools").and_then(Value::as_array).unwrap_or_default();
        tools.iter().filter(|tool| tool.as_map().is_some()).for_each(|tool| definitions::read(tool, &mut into.tools));
        parameters::of_request(config, &mut genai.parameters);
    }
    if let Some(contents) = request.get("contents") {
        prompt.extend(reading::messages(contents, Role::User));
    }
    prompt
}

/// Reads a response: how it ended, its tokens, and the answer.
fn answered(response: &Value, into: &mut Translation) -> Vec<Message> {
    let text = |key: &str| response.str(key).filter(|text| !text.is_empty()).map(str::to_owned);
    let genai = &mut into.genai;
    genai.stop_reason = genai.stop_reason.take().or_else(|| text("finish_reason"));
    genai.response_model = genai.response_model.take().or_else(|| text("model_version"));
    if let Some(usage) = response.get("usage_metadata") {
        tokens(usage, genai);
    }
    let failure = Failure { kind: text("error_code"), message: text("error_message"), stack: None };
    if failure != Failure::default() {
        into.error = Some(failure);
    }
    let transcription = || response.get("output_transcription").and_then(|transcription| transcription.get("text"));
    let content = response.get("content").filter(|content| !content.is_empty()).or_else(transcription);
    content.map_or_else(Vec::new, |content| reading::messages(content, Role::Assistant))
}

/// The tokens as the API counts them, which goes before what was made of them for the span's attributes.
fn tokens(usage: &Value, genai: &mut GenAi) {
    let count = |key: &str| usage.get(key).and_then(Value::as_count);
    let is_gemini = genai.model.as_deref().is_some_and(|model| model.contains("gemini"));
    let reported = &mut genai.reported;
    reported.kinds = reported.kinds.max(token_counts::kinds(usage));
    if let Some(prompt) = count("prompt_token_count") {
        let by_tools = count("tool_use_prompt_token_count").unwrap_or(0);
        reported.input = Some(prompt.saturating_add(by_tools));
    }
    reported.total = reported.total.or_else(|| count("total_token_count"));
    reported.reasoning = reported.reasoning.or_else(|| count("thoughts_token_count"));
    if let Some(cached) = count("cached_content_token_count") {
        reported.cache_read = reported.cache_read.or(Some(cached));
        reported.convention.cache_in_input = Some(reported.input.is_none_or(|input| cached <= input));
    }
    if let Some(answer) = count("candidates_token_count") {
        reported.output = Some(answer);
        // Gemini counts its thoughts apart. Through LiteLLM they are in the answer: then the total is the sum without them.
        let whole = reported.input.unwrap_or(0).saturating_add(answer);
        reported.convention.reasoning_in_output = match (reported.reasoning, reported.total) {
            (Some(1..), Some(total)) => Some(total == whole),
            (Some(1..), None) => Some(!is_gemini),
            _ => None,
        };
    }
}

/// From version 2 on an output is the sum of answer and thoughts, though through `LiteLLM` (`openai/gpt-…`) the thoughts
/// are in the answer already.
fn without_thoughts_twice(source: &Source, genai: &mut GenAi) {
    // The log records of a call do not name the model, only who makes it; those made of Google's and Anthropic's ADK
    // calls itself as well.
    let is_litellm = match (genai.model.as_deref(), genai.provider.as_deref()) {
        (Some(model), _) => model
            .split_once('/')
            .is_some_and(|(maker, _)| !matches!(maker, "" | "models" | "projects" | "publishers" | "apigee")),
        (None, Some(maker)) => !maker.starts_with("gcp") && !matches!(maker, "anthropic" | "apigee"),
        (None, None) => false,
    };
    let summed = source.scope.name == SCOPE && source.attributes.has("gen_ai.usage.reasoning.output_tokens");
    let reported = &mut genai.reported;
    if let (true, Some(output), Some(thoughts)) = (is_litellm && summed, reported.output, reported.reasoning) {
        // Thoughts are at most all of the answer, so the sum is at least twice as much.
        reported.output = output.checked_sub(thoughts).filter(|answer| *answer >= thoughts).or(Some(output));
    }
}

/// A tool's run: what it was given, what it returned.
fn run(attributes: &Attributes, genai: &GenAi) -> (Vec<Message>, Vec<Message>) {
    let (given, returned) = (attributes.get(ARGUMENTS), attributes.get(RESULT));
    let is_blank = |value: &&Value| matches!(MaybeJson::of(value), MaybeJson::Data(data) if data.is_empty());
    // Without captured content both are `{}`; else `{}` may be what a tool is given.
    let hidden = returned.as_ref().is_some_and(is_blank);
    let given = given.filter(|given| !(hidden && is_blank(given)) && given.as_str() != Some("N/A"));
    gen_ai::execution(given, returned.filter(|value| !is_blank(value) && !is_nothing(value)), genai)
}

/// Whether nothing was returned: a tool that fails leaves `{"result": "<not specified>"}`.
fn is_nothing(returned: &Value) -> bool {
    match MaybeJson::of(returned) {
        MaybeJson::Data(data) => data.as_map().is_some_and(
            |entries| matches!(entries, [(key, inner)] if key == "result" && inner.as_str() == Some(NOTHING)),
        ),
        MaybeJson::Text(text) => text == NOTHING || redaction_markers::is_hidden(text),
        _ => false,
    }
}

/// What a tool returns that is no dictionary comes as `{"result": …}`.
fn wrapped(part: &Part) -> Option<&Value> {
    let Content::Result(result) = &part.content else { return None };
    match result.content.as_slice() {
        [Part { content: Content::Json(Value::Map(entries)), .. }] => match entries.as_slice() {
            [(key, inner)] => (key == "result").then_some(inner),
            _ => None,
        },
        _ => None,
    }
}

fn unwrap_results(message: &mut Arc<Message>) {
    for part in &mut Arc::make_mut(message).parts {
        let mut content = Vec::new();
        let Some(inner) = wrapped(part) else { continue };
        calls::returned(inner, &mut content);
        if let Content::Result(result) = &mut part.content {
            result.content = content;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::*;
    use crate::model::Category;

    const ASKED: &str = r#"{"model":"gemini-2.0-flash","config":{"system_instruction":"S","temperature":0.5,"max_output_tokens":99,
        "tools":[{"function_declarations":[{"name":"w","description":"d"}]},"<not serializable>"]},
        "contents":[{"role":"user","parts":[{"text":"Weather?"}]}]}"#;
    const ANSWERED: &str = r#"{"content":{"role":"model","parts":[{"thought":true,"text":"plan"},
        {"function_call":{"id":"adk-1","name":"w","args":{"city":"Paris"}}}]},"finish_reason":"STOP",
        "usage_metadata":{"prompt_token_count":30,"candidates_token_count":4,"thoughts_token_count":6,"total_token_count":40}}"#;

    fn span(name: &str) -> Sample {
        Sample::span(name).scope(SCOPE)
    }

    fn call() -> Sample {
        span("call_llm").with(&[("gen_ai.system", SCOPE)])
    }

    fn tool(pairs: &[(&str, &str)]) -> Translation {
        let mark = [("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "w")];
        span("execute_tool w").with(&mark).with(&[(REQUEST, "{}"), (RESPONSE, "{}")]).with(pairs).translate()
    }

    #[test]
    fn a_call_is_read_from_its_request_and_its_response() {
        let read = call().with(&[(REQUEST, ASKED), (RESPONSE, ANSWERED)]).translate();
        assert_eq!(sides(&read).0, ["system: S", "user: Weather?"]);
        assert_eq!(sides(&read).1, [r#"assistant: (thought) plan · w#adk-1{"city":"Paris"}"#]);
        let usage = read.genai.usage.unwrap_or_default();
        assert_eq!((usage.uncached_input, usage.output, usage.reasoning), (Some(30), Some(10), Some(6)));
        assert_eq!(read.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["w"]);
        assert_eq!(read.genai.stop_reason.as_deref(), Some("STOP"));
        assert_eq!((read.genai.category, read.genai.provider.as_deref()), (Category::Llm, Some("gcp.gemini")));
        let names: Vec<_> = read.genai.parameters.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["max_tokens", "temperature"]);
        assert_eq!((read.dialects[0].as_str(), read.context.framework.as_deref()), ("google-adk", Some("google-adk")));
    }

    #[test]
    fn a_system_prompt_may_be_a_content_and_a_result_stands_in_what_the_user_says() {
        let request = r#"{"config":{"system_instruction":{"parts":[{"text":"S"}]}},"contents":[
            {"role":"model","parts":[{"function_call":{"name":"w","args":{}},"thought_signature":"<not serializable>"}]},
            {"role":"user","parts":[{"function_response":{"id":"adk-1","name":"w","response":{"result":"18C"}}}]},
            {"role":"user","parts":[{"function_response":{"name":"w","response":{"result":"18C","unit":"C"}}},
                {"file_data":{"file_uri":"gs://b/k","mime_type":"image/png"}}]}]}"#;
        let read = call().with(&[(REQUEST, request)]).translate();
        let expected = [
            "system: S",
            "assistant: w#-{}",
            "tool: =adk-1 18C",
            r#"tool: =- json {"result":"18C","unit":"C"}"#,
            "user: <image image/png gs://b/k>",
        ];
        assert_eq!(sides(&read).0, expected);
    }

    #[test]
    fn a_tool_has_its_arguments_and_its_bare_result() {
        let read = tool(&[
            (ARGUMENTS, r#"{"city":"Paris"}"#),
            (RESULT, r#"{"result":"18C"}"#),
            ("gen_ai.tool.call.id", "adk-1"),
        ]);
        assert_eq!(sides(&read).0, [r#"assistant: w#adk-1{"city":"Paris"}"#]);
        assert_eq!(sides(&read).1, ["tool: =adk-1 18C"]);
        let read = tool(&[(ARGUMENTS, "{}"), (RESULT, r#"{"c":18,"result":1}"#), ("gen_ai.tool.call.id", NOTHING)]);
        assert_eq!(
            sides(&read),
            (vec!["assistant: w#-{}".to_owned()], vec![r#"tool: =- json {"c":18,"result":1}"#.to_owned()])
        );
    }

    #[test]
    fn what_was_not_given_or_not_captured_is_not_there() {
        let read = tool(&[(ARGUMENTS, r#"{"city":"P"}"#), (RESULT, r#"{"result": "<not specified>"}"#)]);
        assert_eq!((sides(&read).0.len(), sides(&read).1.len()), (1, 0));
        for pair in [(ARGUMENTS, RESULT), (REQUEST, RESPONSE)] {
            assert!(tool(&[(pair.0, "{}"), (pair.1, "{}")]).readings.is_empty());
        }
        let mark = [("gen_ai.tool.name", "(merged tools)"), ("gen_ai.tool.call.id", "e-1"), (ARGUMENTS, "N/A")];
        let merged = span("execute_tool (merged tools)").with(&mark).with(&[(RESULT, r#"[{"id":"c1"}]"#)]).translate();
        assert!(merged.readings.is_empty());
        let unread = call().with(&[(REQUEST, ASKED), (RESPONSE, "<not serializable>")]).translate();
        assert_eq!((sides(&unread).1.len(), unread.notes.len()), (0, 1));
    }

    #[test]
    fn a_response_that_is_an_error_fails_the_call() {
        let read = call().with(&[(RESPONSE, r#"{"error_code":"SAFETY","error_message":"blocked"}"#)]).translate();
        let failure = read.error.unwrap_or_default();
        assert_eq!((failure.kind.as_deref(), failure.message.as_deref()), (Some("SAFETY"), Some("blocked")));
    }

    #[test]
    fn the_first_versions_name_an_agent_in_its_span_alone() {
        let read = span("agent_run [w]").translate();
        assert_eq!((read.genai.category, read.genai.agent.as_deref()), (Category::Agent, Some("w")));
        let other = Sample::span("agent_run [w]").translate();
        assert_eq!((other.genai.category, other.genai.agent), (Category::Span, None));
    }

    #[test]
    fn what_is_sent_into_a_live_session_is_shown() {
        let read = span("send_data").with(&[(DATA, r#"[{"role":"user","parts":[{"text":"hi"}]}]"#)]).translate();
        assert_eq!(sides(&read).0, ["user: hi"]);
        let transcription = r#"{"output_transcription":{"text":"hello","finished":true}}"#;
        assert_eq!(sides(&call().with(&[(RESPONSE, transcription)]).translate()).1, ["assistant: hello"]);
    }

    #[test]
    fn what_was_cut_off_is_shown_up_to_the_cut() {
        let read = call().with(&[(REQUEST, &ASKED[..ASKED.len() - 8])]).translate();
        assert_eq!(sides(&read).0, ["system: S", "user: Weathe…"]);
        assert_eq!(read.notes.len(), 1);
    }

    #[test]
    fn thoughts_are_counted_once_whoever_answers() {
        let usage = |model: &str, metadata: &str| {
            let read = call()
                .with(&[("gen_ai.request.model", model), (RESPONSE, metadata)])
                .typed("gen_ai.usage.output_tokens", "128")
                .typed("gen_ai.usage.reasoning.output_tokens", "41")
                .translate();
            read.genai.usage.and_then(|usage| usage.output)
        };
        assert_eq!(usage("gemini-2.5-flash", "{}"), Some(128));
        assert_eq!(usage("openai/gpt-4o-mini", "{}"), Some(87));
        let record = |provider: &str| {
            let log = Sample::log(gen_ai::DETAILS, "null").scope(SCOPE).with(&[("gen_ai.provider.name", provider)]);
            let log = log.typed("gen_ai.usage.output_tokens", "128");
            let read = log.typed("gen_ai.usage.reasoning.output_tokens", "41").translate();
            read.genai.usage.and_then(|usage| usage.output)
        };
        assert_eq!((record("openai"), record("gcp.gemini")), (Some(87), Some(128)));
        let metadata = r#"{"usage_metadata":{"prompt_token_count":312,"candidates_token_count":87,"thoughts_token_count":41,"total_token_count":399}}"#;
        assert_eq!(usage("openai/gpt-4o-mini", metadata), Some(87));
    }
}
