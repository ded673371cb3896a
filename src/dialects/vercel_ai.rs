//! `vercel-ai`: the Vercel AI SDK, versions 3 to 6, and `LegacyOpenTelemetry` of version 7 (`sdks.md` 4).
//!
//! Mark: its own attributes. A value that is no plain text is JSON, in a list each item by itself:
//!
//! ```text
//!   ai.generateText                 ai.prompt{system, prompt | messages} ─▶ the last answer, the sum of all tokens
//!   ├ ai.generateText.doGenerate    ai.prompt.messages, ai.prompt.tools ─▶ ai.response.{reasoning, text, toolCalls, …}
//!   └ ai.toolCall                   ai.toolCall.args ─▶ ai.toolCall.result
//!   ai.generateObject               the same, with ai.response.object
//!   ai.embed ─ ai.embed.doEmbed     ai.value, ai.values
//!   ai.rerank ─ ai.rerank.doRerank  ai.documents ─▶ ai.ranking
//! ```
//!
//! Version 3 has `ai.result.…` for `ai.response.…`. Version 7 writes nearly all as `genai-3`.

mod answers;

use std::borrow::Cow;

use super::{
    Dialect, Framework, ParameterKeys, RecordingHints, definitions, gen_ai,
    maybe_json::{MaybeJson, unquoted},
    reading, vercel_ai_facts as facts,
};
use crate::model::{
    Attributes, Carrier, Category, ContentKind, GivenName, Message, Note, Role, Source, Translation, Value,
};
use answers::{answered, items};

pub const DIALECT: Dialect = Dialect {
    name: "vercel-ai",
    content: ContentKind::Conversation,
    matches,
    translate,
    // The spans of its third form: each is one round of `invoke_agent`.
    is_plumbing: Some(|source| {
        source.attributes.str("gen_ai.operation.name") == Some("agent_step") && source.name.starts_with("step ")
    }),
    unstated_category: Some(|source| source.attributes.has("ai.toolCall.name").then_some(Category::Tool)),
    kinds: facts::KINDS,
    ai_keys: &["ai."],
    facts: facts::FACTS,
    parameters: Some(ParameterKeys { prefix: "ai.settings.", names: facts::PARAMETERS }),
    tags: &["ai.telemetry.metadata.tags"],
    metadata_prefixes: &[("ai.telemetry.metadata.", ""), ("ai.settings.context.", "")],
    cache_in_input: Some(facts::cache_in_input),
    quotes_results: &["gen_ai"],
    given_name: Some(given_name),
    frameworks: &[Framework {
        label: "vercel-ai",
        rank: 330,
        keys: &[
            "ai.operationId",
            "ai.telemetry.",
            "ai.prompt",
            "ai.response.",
            "ai.usage.",
            "ai.settings.",
            "ai.toolCall.",
        ],
        short_scopes: &["ai", "gen_ai"],
        ..Framework::PLAIN
    }],
    recording_hints: HINTS,
    ..Dialect::PLAIN
};

/// An operation with the id that people gave to it, if they did: `ai.streamText desk`.
fn given_name(source: &Source) -> Option<GivenName> {
    let operation = source.attributes.str("ai.operationId").filter(|operation| source.name.starts_with(operation))?;
    let given = source.name[operation.len()..].trim();
    Some(if given.is_empty() { GivenName::Nothing } else { GivenName::Part(given.to_owned()) })
}

const HINTS: &[RecordingHints] = &[
    RecordingHints {
        scopes: &["ai"],
        framework: "vercel-ai",
        messages: "experimental_telemetry: { isEnabled: true, recordInputs: true, recordOutputs: true }",
        usage: "createOpenAICompatible({ …, includeUsage: true })",
        session: "experimental_telemetry: { isEnabled: true, metadata: { sessionId: \"ID\" } }",
        ..RecordingHints::ANY
    },
    RecordingHints {
        scopes: &["gen_ai"],
        messages: "leave recordInputs and recordOutputs of the AI SDK's telemetry settings on",
        usage: "createOpenAICompatible({ …, includeUsage: true })",
        session: "registerTelemetry(new OpenTelemetry({ runtimeContext: true })), and with each call telemetry: { \
            includeRuntimeContext: { sessionId: true } }, runtimeContext: { sessionId: \"ID\" }",
        ..RecordingHints::ANY
    },
];

const MESSAGES: &str = "ai.prompt.messages";
const PROMPT: &str = "ai.prompt";
const ARGUMENTS: &str = "ai.toolCall.args";
const RESULT: &str = "ai.toolCall.result";

fn matches(source: &Source) -> bool {
    !source.is_log() && source.attributes.has_prefix("ai.")
}

fn translate(source: &Source, into: &mut Translation) {
    let attributes = source.attributes;
    if let Some(tools) = attributes.get("ai.prompt.tools") {
        definitions::read(tools, &mut into.tools);
    }
    match into.genai.operation.as_deref() {
        // What an application calls a function, version 7 calls the agent's name.
        Some("invoke_agent") if into.genai.agent.is_none() => {
            into.genai.agent = attributes.str("ai.telemetry.functionId").filter(|id| !id.is_empty()).map(str::to_owned);
        }
        // On the span of the whole it is that of the last call only.
        Some("chat") => facts::provider_metadata(attributes, &mut into.genai),
        _ => {}
    }
    let (prompt, completion) = if attributes.has(ARGUMENTS) || attributes.has(RESULT) {
        let result = attributes.get(RESULT).map(decoded);
        gen_ai::execution(attributes.get(ARGUMENTS), result.as_deref(), &into.genai)
    } else {
        let mut prompt = asked(attributes, &mut into.notes);
        let is_outer = into.genai.operation.as_deref().is_some_and(|operation| operation.starts_with("ai.embed"));
        if prompt.is_empty() && !is_outer {
            prompt = listed_for(attributes);
        }
        (prompt, reading::from_parts(Role::Assistant, answered(attributes)))
    };
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
}

/// A value that was made JSON whatever it is: a text stands in quotes.
fn decoded(value: &Value) -> Cow<'_, Value> {
    match value.as_str().and_then(unquoted) {
        Some(text) => Cow::Owned(Value::String(text)),
        None => Cow::Borrowed(value),
    }
}

/// What was sent to the model, or given to the function around it.
fn asked(attributes: &Attributes, notes: &mut Vec<Note>) -> Vec<Message> {
    if let Some(messages) = attributes.get(MESSAGES) {
        return reading::messages_in_field(&MaybeJson::of(messages), MESSAGES, Role::User, notes);
    }
    if let Some(given) = attributes.get(PROMPT) {
        return match MaybeJson::of(given) {
            MaybeJson::Data(data) => given_to_function(&data),
            MaybeJson::Cut(data) => {
                notes.push(reading::cut_off(PROMPT));
                reading::ends(given_to_function(&data), true)
            }
            other => reading::messages_in_field(&other, PROMPT, Role::User, notes),
        };
    }
    Vec::new()
}

/// The input of an embedding or a ranking. (The span around an embedding repeats it, and is in no conversation.)
fn listed_for(attributes: &Attributes) -> Vec<Message> {
    let listed = ["ai.value", "ai.values", "ai.documents"].iter().find_map(|key| attributes.get(key));
    reading::from_parts(Role::User, listed.map_or_else(Vec::new, items))
}

/// `{system?, prompt?, messages?}`, where a system prompt may be a text, a message or several.
fn given_to_function(data: &Value) -> Vec<Message> {
    const KEYS: [(&str, Role); 4] =
        [("system", Role::System), ("instructions", Role::System), ("prompt", Role::User), ("messages", Role::User)];
    if KEYS.iter().all(|(key, _)| data.get(key).is_none()) {
        return reading::messages(data, Role::User);
    }
    let given = KEYS.iter().filter_map(|(key, role)| Some((data.get(key)?, *role)));
    given.flat_map(|(value, role)| reading::messages(value, role)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::*;
    use crate::model::{Category, Content};

    pub fn span(operation: &str) -> Sample {
        let name = operation.split(' ').next().unwrap_or(operation);
        Sample::span(name).scope("ai").with(&[("ai.operationId", name), ("operation.name", operation)])
    }

    /// What was sent and what came back, of one span with these attributes.
    pub fn read(operation: &str, pairs: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        sides(&span(operation).with(pairs).translate())
    }

    pub const CALLS: &str = r#"[{"toolCallId":"c1","toolName":"w","input":"{\"city\":\"Paris\"}"}]"#;

    #[test]
    fn a_call_of_a_model_is_read_with_its_tools_and_its_caches() {
        let read = span("ai.generateText.doGenerate desk")
            .with(&[
                (MESSAGES, r#"[{"role":"user","content":[{"type":"text","text":"Weather?"}]}]"#),
                ("ai.response.toolCalls", CALLS),
                ("ai.response.finishReason", "tool-calls"),
                ("gen_ai.system", "openai.chat"),
            ])
            .typed(
                "ai.prompt.tools",
                r#"["{\"type\":\"function\",\"name\":\"w\",\"inputSchema\":{\"type\":\"object\"}}"]"#,
            )
            .typed("gen_ai.usage.input_tokens", "100")
            .typed("ai.usage.inputTokenDetails.cacheReadTokens", "50")
            .translate();
        assert_eq!(
            sides(&read),
            (vec!["user: Weather?".to_owned()], vec![r#"assistant: w#c1{"city":"Paris"}"#.to_owned()])
        );
        let usage = read.genai.usage.unwrap_or_default();
        assert_eq!((usage.uncached_input, usage.cache_read), (Some(50), Some(50)));
        assert_eq!((read.genai.category, read.genai.provider.as_deref()), (Category::Llm, Some("openai")));
        assert_eq!((read.genai.stop_reason.as_deref(), read.tools[0].name.as_str()), (Some("tool-calls"), "w"));
        assert_eq!(read.dialects, ["vercel-ai"]);
    }

    #[test]
    fn a_tool_answers_in_json_whatever_it_answers() {
        let mark = [("ai.toolCall.name", "w"), ("ai.toolCall.id", "c1"), (ARGUMENTS, r#"{"city":"Paris"}"#)];
        for (result, expected) in [
            (r#""18C""#, "tool: =c1 18C"),
            (r#""say \"hi\"""#, r#"tool: =c1 say "hi""#),
            (r#"{"c":18}"#, r#"tool: =c1 json {"c":18}"#),
            ("18", "tool: =c1 18"),
        ] {
            let read = span("ai.toolCall desk").with(&mark).with(&[(RESULT, result)]).translate();
            assert_eq!(sides(&read).0, [r#"assistant: w#c1{"city":"Paris"}"#]);
            assert_eq!(sides(&read).1, [expected]);
            assert_eq!(read.genai.category, Category::Tool);
        }
    }

    #[test]
    fn the_span_of_the_whole_has_its_input() {
        let both = vec!["system: S", "user: q"];
        for given in [
            r#"{"system":"S","prompt":"q"}"#,
            r#"{"system":"S","messages":[{"role":"user","content":"q"}]}"#,
            r#"{"system":{"role":"system","content":"S"},"prompt":[{"role":"user","content":"q"}]}"#,
            r#"{"system":[{"role":"system","content":"S"}],"messages":[{"role":"user","content":"q"}]}"#,
            r#"[{"role":"system","content":"S"},{"role":"user","content":"q"}]"#,
        ] {
            assert_eq!(read("ai.streamText", &[(PROMPT, given)]).0, both, "{given}");
        }
        assert_eq!(read("ai.streamText", &[(PROMPT, "just words")]).0, ["user: just words"]);
        let cut =
            read("ai.streamText", &[(PROMPT, r#"{"system":"S","messages":[{"role":"user","content":"as far as"#)]);
        assert_eq!(cut.0, ["system: S", "user: as far as…"]);
        let read = span("ai.streamText desk").with(&[("ai.telemetry.functionId", "desk")]).translate();
        assert_eq!((read.genai.category, read.genai.agent.as_deref()), (Category::Agent, Some("desk")));
    }

    #[test]
    fn what_a_tool_returned_is_read_in_each_of_its_forms() {
        let message = |part: &str| {
            let list = format!(r#"[{{"role":"tool","content":[{part}]}}]"#);
            read("ai.generateText.doGenerate", &[(MESSAGES, &list)]).0
        };
        let output = |output: &str| {
            message(&format!(r#"{{"type":"tool-result","toolCallId":"c1","toolName":"w","output":{output}}}"#))
        };
        assert_eq!(output(r#"{"type":"text","value":"18C"}"#), ["tool: =c1 18C"]);
        assert_eq!(output(r#"{"type":"json","value":{"c":18}}"#), [r#"tool: =c1 json {"c":18}"#]);
        assert_eq!(output(r#"{"type":"json","value":"18C"}"#), ["tool: =c1 18C"]);
        assert_eq!(output(r#"{"type":"error-text","value":"down"}"#), ["tool: =!c1 down"]);
        assert_eq!(output(r#"{"type":"error-json","value":{"e":1}}"#), [r#"tool: =!c1 json {"e":1}"#]);
        assert_eq!(output(r#"{"type":"execution-denied","reason":"no"}"#), ["tool: =!c1 no"]);
        assert_eq!(
            output(
                r#"{"type":"content","value":[{"type":"text","text":"see"},{"type":"media","data":"aGk=","mediaType":"image/png"},
                {"type":"image-data","data":"aGk=","mediaType":"image/png"},{"type":"file-url","url":"https://x/y.pdf"}]}"#
            ),
            ["tool: =c1 see + <image image/png 2 bytes> + <image image/png 2 bytes> + <file ? https://x/y.pdf>"]
        );
        assert_eq!(
            message(r#"{"type":"tool-result","toolCallId":"c1","toolName":"w","result":"down","isError":true}"#),
            ["tool: =!c1 down"]
        );
        assert_eq!(
            message(
                r#"{"type":"tool-approval-response","approvalId":"a1","approved":true},
                {"type":"tool-result","toolCallId":"c1","toolName":"w","output":{"type":"text","value":"18C"}}"#
            ),
            [r#"tool: json {"type":"tool-approval-response","approvalId":"a1","approved":true} · =c1 18C"#]
        );
    }

    #[test]
    fn images_and_files_are_read_however_they_are_given() {
        let user = |part: &str| {
            let list = format!(r#"[{{"role":"user","content":[{part}]}}]"#);
            read("ai.generateText.doGenerate", &[(MESSAGES, &list)]).0.concat()
        };
        for part in [
            r#"{"type":"file","data":"aGk=","mediaType":"image/png"}"#,
            r#"{"type":"file","data":{"type":"data","data":"aGk="},"mediaType":"image/png"}"#,
            r#"{"type":"file","data":{"type":"Buffer","data":[104,105]},"mimeType":"image/png"}"#,
            r#"{"type":"image","image":{"0":104,"1":105},"mimeType":"image/png"}"#,
            r#"{"type":"image","image":{"type":"Buffer","data":[104,105]},"mediaType":"image/png"}"#,
            r#"{"type":"image","image":"data:image/png;base64,aGk="}"#,
        ] {
            assert_eq!(user(part), "user: <image image/png 2 bytes>", "{part}");
        }
        for part in [
            r#"{"type":"image","image":"https://x/y.png","mediaType":"image/png"}"#,
            r#"{"type":"file","data":"https://x/y.png","mediaType":"image/png"}"#,
            r#"{"type":"file","data":{"type":"url","url":"https://x/y.png"},"mediaType":"image/png"}"#,
        ] {
            assert_eq!(user(part), "user: <image image/png https://x/y.png>", "{part}");
        }
        assert_eq!(
            user(
                r#"{"type":"file","data":{"type":"reference","reference":{"openai":"file-1"}},"mediaType":"image/png"}"#
            ),
            "user: <image image/png file-1>"
        );
        assert_eq!(
            user(r#"{"type":"file","data":{"type":"text","text":"as it is"},"mediaType":"text/plain"}"#),
            "user: <document text/plain 8 bytes>"
        );
    }

    #[test]
    fn what_only_the_provider_understands_of_a_thought_is_kept() {
        let content = r#"[{"role":"assistant","content":[
            {"type":"reasoning","text":"hm","providerOptions":{"anthropic":{"signature":"s"}}},
            {"type":"reasoning","text":"","providerOptions":{"anthropic":{"redactedData":"aGk="}}},
            {"type":"reasoning","text":"","providerOptions":{"openai":{"itemId":"rs_1","reasoningEncryptedContent":"aGk="}}},
            {"type":"reasoning","text":"","providerOptions":{"openai":{"itemId":"rs_1"}}},
            {"type":"redacted-reasoning","data":"aGk="}]}]"#;
        let read = span("ai.generateText.doGenerate").with(&[(MESSAGES, content)]).translate();
        assert_eq!(sides(&read).0, ["assistant: (thought) hm · (opaque 2) · (opaque 2) · (opaque 2)"]);
        let Content::Reasoning(thought) = &read.readings[0].prompt[0].parts[0].content else { panic!("no thought") };
        assert_eq!(thought.signature.as_deref(), Some("s"));
    }

    #[test]
    fn version_seven_quotes_the_texts_that_tools_return() {
        let read = Sample::span("execute_tool w")
            .scope("gen_ai")
            .with(&[("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "w")])
            .with(&[("gen_ai.tool.call.id", "c1"), ("gen_ai.tool.call.result", r#""18C""#)])
            .translate();
        assert_eq!(sides(&read).1, ["tool: =c1 18C"]);
    }
}
