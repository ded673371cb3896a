//! Our nouns → what the agent did. Pure; it cannot fail: what could not be read is a note, and the raw span stays.
//!
//! ```text
//!   facts ─▶ every dialect that speaks ─▶ usage ─▶ category ─▶ errors
//!     │            │
//!     │            ├ claude_code, codex, gemini_cli: with coding_agents, which makes spans of log records
//!     │            ├ openinference, with openinference_forms, openinference_tool, documents
//!     │            ├ bedrock_sdk, strands, gen_ai, … : one file and one row of DIALECTS each
//!     │            └ plain_io: only for a direction that no other reads
//!     ├ context, provider, framework, parameters
//!     │
//!   what the dialects are made of
//!     reading ─▶ parts ─▶ calls, media      messages → parts → tool calls and results, images and documents
//!     native                                a provider's own request or response
//!     langchain                             messages as LangChain dumps them
//!     native, chunks, counts                a provider's own request, response, pieces of one, and its token counts
//!     payload                               what a wrapped function took and gave
//!     definitions                           tools offered
//!     json_ish ─▶ lenient, indexed          values that may be JSON; lists spread over keys
//!     markers                               signs of hidden and cut content
//! ```

mod autogen;
mod bedrock_sdk;
mod calls;
mod category;
mod chunks;
mod claude_code;
mod codex;
mod coding_agents;
mod context;
mod counts;
mod crewai;
mod definitions;
mod documents;
mod errors;
mod facts;
mod framework;
mod gemini_cli;
mod gen_ai;
mod gen_ai_content;
mod gen_ai_events;
mod google_adk;
mod google_genai;
mod indexed;
mod json_ish;
mod laminar;
mod langchain;
mod langfuse;
mod langsmith;
mod lenient;
mod livekit;
mod logfire;
mod markers;
mod media;
mod mlflow;
mod native;
mod native_facts;
mod openai_agents;
mod openinference;
mod openinference_forms;
mod openinference_tool;
mod openllmetry;
mod parameters;
mod parts;
mod payload;
mod plain_io;
mod provider;
mod pydantic_ai;
mod reading;
#[cfg(test)]
mod sample;
mod strands;
mod traceloop;
mod usage;
mod vercel_ai;

use std::sync::Arc;

use crate::model::{Category, Note, Source, Translation, What};

pub use coding_agents::{Place, place_of};

/// Of all dialects together; raised when any of them reads differently, so that stored spans are translated again.
pub const VERSION: u32 = 1;

/// One way of writing an agent's work into spans.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    pub name: &'static str,
    /// Whether a source says anything in this dialect. Cheap: asked of every span.
    pub speaks: fn(&Source) -> bool,
    /// Adds what it finds; scalar facts that are known already stay.
    pub translate: fn(&Source, &mut Translation),
}

/// Every dialect we read, most trusted first. All that speak are run; `assemble::merge` weighs their readings.
pub const DIALECTS: &[Dialect] = &[
    bedrock_sdk::DIALECT,
    strands::DIALECT,
    claude_code::DIALECT,
    codex::DIALECT,
    gemini_cli::DIALECT,
    livekit::DIALECT,
    gen_ai::DIALECT,
    langsmith::DIALECT,
    openinference::DIALECT,
    openai_agents::DIALECT,
    pydantic_ai::DIALECT,
    logfire::DIALECT,
    vercel_ai::DIALECT,
    gen_ai_events::DIALECT,
    openllmetry::DIALECT,
    google_adk::DIALECT,
    google_genai::DIALECT,
    gen_ai_content::DIALECT,
    langfuse::DIALECT,
    mlflow::DIALECT,
    autogen::DIALECT,
    crewai::DIALECT,
    bedrock_sdk::PREVIEW,
    laminar::DIALECT,
    traceloop::DIALECT,
    plain_io::DIALECT,
];

/// Understands one span or log record, as far as it can be.
pub fn translate(source: &Source) -> Translation {
    let mut into = Translation::default();
    facts::read(source, &mut into);
    if logfire::is_pending(source) {
        into.genai = crate::model::GenAi::default();
        return into;
    }
    for dialect in DIALECTS.iter().filter(|dialect| (dialect.speaks)(source)) {
        let before = understood(&into);
        (dialect.translate)(source, &mut into);
        if understood(&into) != before {
            into.dialects.push(dialect.name.to_owned());
        }
    }
    usage::settle(source, &mut into.genai);
    into.genai.category = category::of(source, &into.genai);
    into.genai.aggregate =
        into.genai.usage.is_some() && matches!(into.genai.category, Category::Agent | Category::Chain);
    if into.genai.category == Category::Tool {
        definitions::of_span(source.attributes, into.genai.tool.as_ref(), &mut into.tools);
        own_call(source, &mut into);
    }
    into.tools = definitions::merged(into.tools);
    into.error = errors::of(source, &into);
    count_unknown(&mut into);
    into
}

/// On a tool's own span call and result are that tool's: each says what the other leaves out, and the span how it went.
fn own_call(source: &Source, into: &mut Translation) {
    let mut tool = into.genai.tool.clone().unwrap_or_default();
    let parts = into.readings.iter().flat_map(|reading| reading.prompt.iter().chain(&reading.completion));
    for part in parts.flat_map(|message| &message.parts) {
        match &part.what {
            What::Call(call) => {
                tool.call_id = tool.call_id.or_else(|| call.id.clone());
                tool.name = tool.name.or_else(|| Some(call.name.clone()).filter(|name| !name.is_empty()));
            }
            What::Result(result) => tool.call_id = tool.call_id.or_else(|| result.call_id.clone()),
            _ => {}
        }
    }
    let is_error = errors::of_tool(source.attributes);
    for message in into.readings.iter_mut().flat_map(|reading| &mut reading.completion) {
        for part in &mut Arc::make_mut(message).parts {
            if let What::Result(result) = &mut part.what
                && (result.call_id.is_none() || result.call_id == tool.call_id)
            {
                result.is_error = result.is_error.or(is_error);
                result.name = result.name.take().or_else(|| tool.name.clone());
                result.call_id = result.call_id.take().or_else(|| tool.call_id.clone());
            }
        }
    }
    if tool.name.is_some() || tool.call_id.is_some() {
        into.genai.tool = Some(tool);
    }
}

/// Says of how many blocks nobody knows the form.
fn count_unknown(into: &mut Translation) {
    let messages = into.readings.iter().flat_map(|reading| reading.prompt.iter().chain(&reading.completion));
    let parts = messages.flat_map(|message| &message.parts);
    match parts.filter(|part| matches!(part.what, What::Unknown(_))).count() {
        0 => {}
        1 => into.notes.push(Note("a block is of no known form: shown as received".to_owned())),
        count => into.notes.push(Note(format!("{count} blocks are of no known form: shown as received"))),
    }
}

fn understood(translation: &Translation) -> (usize, usize, usize) {
    (translation.readings.len(), translation.tools.len(), translation.notes.len())
}

/// Whether a more specific dialect reads the events of this span, so that the general ones must not read them again.
fn events_are_claimed(source: &Source) -> bool {
    !source.is_log() && (bedrock_sdk::is_sdk(source) || strands::is_strands(source))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{sample::Sample, *};
    use crate::model::{Attributes, Resource, Scope, SpanEvent, Status, Timestamp, Value, json};

    #[test]
    fn every_dialect_has_a_name_of_its_own_and_the_plainest_is_asked_last() {
        let mut names: Vec<_> = DIALECTS.iter().map(|dialect| dialect.name).collect();
        assert_eq!(names.last(), Some(&"plain-io"));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn a_plain_span_is_understood_as_that() {
        let read = Sample::span("rag-answer").scope("sideseat").with(&[("session.id", "s")]).translate();
        assert_eq!((read.genai.category, read.dialects.len(), read.notes.len()), (Category::Span, 0, 0));
        assert_eq!(read.context.session.as_deref(), Some("s"));
    }

    /// The names that dialects look for, and the words they expect in values.
    const NAMES: &[&str] = &[
        "additional_kwargs",
        "ai.operationId",
        "ai.prompt",
        "ai.prompt.messages",
        "ai.prompt.tools",
        "ai.response.files",
        "ai.response.object",
        "ai.response.providerMetadata",
        "ai.response.reasoning",
        "ai.response.text",
        "ai.response.toolCalls",
        "ai.toolCall.args",
        "ai.toolCall.result",
        "ai.values",
        "anthropic",
        "args",
        "arguments",
        "blocks",
        "bytes",
        "calling",
        "chat_message",
        "choices",
        "config",
        "content",
        "contents",
        "crew_key",
        "data",
        "delta",
        "embedding.embeddings.0.embedding.vector",
        "event.name",
        "events",
        "exception.message",
        "function",
        "gcp.vertex.agent.data",
        "gcp.vertex.agent.llm_request",
        "gcp.vertex.agent.llm_response",
        "gcp.vertex.agent.tool_call_args",
        "gcp.vertex.agent.tool_response",
        "gen_ai.completion",
        "gen_ai.completion.0.tool_calls.0.arguments",
        "gen_ai.event.content",
        "gen_ai.input.messages",
        "gen_ai.operation.name",
        "gen_ai.output.messages",
        "gen_ai.prompt",
        "gen_ai.prompt.0.content",
        "gen_ai.response.finish_reasons",
        "gen_ai.system",
        "gen_ai.system_instructions",
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
        "gen_ai.tool.definitions",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.raw",
        "generations",
        "id",
        "image",
        "inner_messages",
        "input.value",
        "json",
        "kwargs",
        "langfuse.observation.input",
        "langfuse.observation.output",
        "langfuse.observation.type",
        "langfuse.observation.usage_details",
        "langsmith.span.kind",
        "lk.chat_ctx",
        "lk.response.function_calls",
        "llm.input_messages.0.message.contents.0.message_content.text",
        "llm.input_messages.0.message.role",
        "llm.output_messages.1.message.tool_calls.0.tool_call.function.arguments",
        "lmnr.span.input",
        "logfire.msg",
        "message",
        "message.99999.x",
        "message.content",
        "messages",
        "messaging.operation",
        "metadata",
        "mlflow.chunk.value",
        "mlflow.spanInputs",
        "mlflow.spanOutputs",
        "mlflow.spanType",
        "openinference.span.kind",
        "output.value",
        "parts",
        "prompt",
        "providerExecuted",
        "providerOptions",
        "pydantic_ai.all_messages",
        "raw_input",
        "raw_output",
        "reasoningContent",
        "reference",
        "request_data",
        "response",
        "response_data",
        "response_text",
        "result",
        "retrieval.documents.0.document.content",
        "role",
        "source",
        "span.type",
        "system",
        "system_prompt",
        "tags",
        "text",
        "tool.result",
        "toolResult",
        "toolUse",
        "tool_calls",
        "tool_input",
        "tool_name",
        "traceloop.entity.input",
        "traceloop.entity.output",
        "traceloop.span.kind",
        "type",
        "usage_metadata",
    ];

    const SCOPES: &[&str] = &[
        "",
        "strands.telemetry.tracer",
        "sideseat.aws.bedrock",
        "openinference.instrumentation.smolagents",
        "x",
        "logfire.openai_agents",
        "gcp.vertex.agent",
        "autogen-core",
        "com.anthropic.claude_code.events",
        "codex_exec",
        "gemini-cli",
    ];

    fn values() -> impl Strategy<Value = Value> {
        let words = prop_oneof![
            prop::sample::select(NAMES).prop_map(str::to_owned),
            prop::sample::select(vec![
                "user",
                "assistant",
                "tool",
                "tool_call",
                "api_request_body",
                "api_response",
                "tool_use",
                "tool_result",
                "process",
                "generation",
                "chat",
                "strands-agents",
                "LLM",
                "TOOL",
                "EMBEDDING",
                "tool-call",
                "tool-response",
                "Calling tools:\n[{'id': 'c1'}]",
                "content='x' tool_call_id='c1'",
            ])
            .prop_map(str::to_owned),
            ".{0,12}",
            r#"[\[{"':,}\]a1\\ ]{0,24}"#,
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_map(Value::Double),
            prop::collection::vec(any::<u8>(), 0..8).prop_map(Value::Bytes),
            words.prop_map(Value::String),
        ];
        leaf.prop_recursive(5, 48, 5, |inner| {
            let key = prop_oneof![prop::sample::select(NAMES).prop_map(str::to_owned), "[a-z]{1,4}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                prop::collection::vec((key, inner.clone()), 0..5).prop_map(Value::Map),
                // As dialects send it: JSON in a text, whole or cut off.
                (inner, any::<prop::sample::Index>()).prop_map(|(value, end)| {
                    let text = json::to_string(&value);
                    let end = end.index(text.len() + 1);
                    Value::String(text.get(..end).unwrap_or(&text).to_owned())
                }),
            ]
        })
    }

    fn attributes() -> impl Strategy<Value = Attributes> {
        let entry = (prop::sample::select(NAMES).prop_map(str::to_owned), values());
        prop::collection::vec(entry, 0..6).prop_map(Attributes::new)
    }

    proptest! {
        #[test]
        fn nothing_that_arrives_makes_it_fail(
            attributes in attributes(),
            event in attributes(),
            name in prop::sample::select(vec![
                "gen_ai.choice", "gen_ai.user.message", "gen_ai.tool.message", "gen_ai.content.prompt",
                "gen_ai.client.inference.operation.details", "exception", "execute_tool x", "Responses API",
                "mlflow.chunk.item.0",
            ]),
            scope in prop::sample::select(SCOPES),
            body in prop::option::of(values()),
        ) {
            let event = SpanEvent { name: name.to_owned(), at: Timestamp(1), attributes: event, dropped_attributes: 0 };
            let scope = Scope { name: scope.to_owned(), ..Scope::default() };
            let (status, resource) = (Status::default(), Resource::default());
            let read = translate(&Source {
                name,
                status: &status,
                scope: &scope,
                resource: &resource,
                attributes: &attributes,
                events: if body.is_some() { &[] } else { std::slice::from_ref(&event) },
                body: body.as_ref(),
                at: Timestamp(2),
            });
            for message in read.readings.iter().flat_map(|reading| reading.prompt.iter().chain(&reading.completion)) {
                prop_assert!(!message.parts.is_empty());
            }
        }
    }
}
