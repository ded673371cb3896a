//! Our nouns → what the agent did. Pure; it cannot fail: what could not be read is a note, and the raw span stays.
//!
//! ```text
//!   facts ─▶ every dialect that speaks ─▶ usage ─▶ category ─▶ definitions, errors
//!     │            │
//!     │            ├ one file and one row of DIALECTS each: bedrock_sdk, strands, livekit, mlflow, vercel_ai, …
//!     │            ├ gen_ai, gen_ai_events, gen_ai_content     OpenTelemetry's conventions, the newest first
//!     │            ├ openinference ─▶ openinference_flat, _forms, _tool
//!     │            ├ claude_code, codex, gemini_cli ─▶ coding_agents      which make spans of log records
//!     │            └ plain_io                                  only for a direction that no other reads
//!     └ by the table of fact_keys; context, provider, framework, parameters
//!
//!   what the dialects are made of
//!     payload, langchain                     what a function took and gave; what LangChain's programs dump
//!     native, native_facts, chunks, counts   a provider's own request, response, pieces of one, token counts
//!     documents, definitions                 what was searched and found; tools offered
//!     reading ─▶ parts ─▶ calls, reasoning, media
//!     json_ish ─▶ lenient; indexed           values that may be JSON; lists spread over keys
//!     markers                                signs of hidden and cut content
//! ```
//!
//! What is known of senders, and what is made of it, is in the documents of this folder:
//!
#![doc = include_str!("values.md")]
#![doc = include_str!("facts.md")]
#![doc = include_str!("messages.md")]
#![doc = include_str!("conventions.md")]
#![doc = include_str!("sdks.md")]
#![doc = include_str!("coding_agents.md")]

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
mod fact_keys;
mod facts;
mod framework;
mod gemini_cli;
mod gen_ai;
mod gen_ai_content;
mod gen_ai_events;
mod google_adk;
mod google_adk_stream;
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
mod made_up_ids;
mod markers;
mod media;
mod mlflow;
mod native;
mod native_facts;
mod openai_agents;
mod openinference;
mod openinference_flat;
mod openinference_forms;
mod openinference_tool;
mod openlit;
mod openllmetry;
mod parameters;
mod parts;
mod payload;
mod plain_io;
mod provider;
mod pydantic_ai;
mod reading;
mod reasoning;
mod recording_hints;
#[cfg(test)]
mod sample;
mod semantic_kernel;
mod smolagents;
mod spring_ai;
mod strands;
#[cfg(test)]
mod tests;
mod traceloop;
mod usage;
mod vercel_ai;

use std::sync::Arc;

use crate::model::{Category, Content, ContentKind, Note, Source, Translation};

pub use coding_agents::{Place, place_of};
pub use recording_hints::{RecordingHints, recording_hints};

/// Of all dialects together; raised when any of them reads differently, so that stored spans are translated again.
pub const VERSION: u32 = 5;

/// One way of writing an agent's work into spans.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    pub name: &'static str,
    /// What its messages are worth.
    pub content: ContentKind,
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
    smolagents::DIALECT,
    pydantic_ai::DIALECT,
    logfire::DIALECT,
    vercel_ai::DIALECT,
    gen_ai_events::DIALECT,
    openllmetry::DIALECT,
    google_adk::DIALECT,
    google_genai::DIALECT,
    gen_ai_content::DIALECT,
    openlit::DIALECT,
    langfuse::DIALECT,
    mlflow::DIALECT,
    autogen::DIALECT,
    crewai::DIALECT,
    semantic_kernel::DIALECT,
    spring_ai::DIALECT,
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
    let mut heard = None;
    for dialect in DIALECTS.iter().filter(|dialect| (dialect.speaks)(source)) {
        heard = heard.or(Some(dialect.name));
        let before = understood(&into);
        (dialect.translate)(source, &mut into);
        for reading in into.readings.iter_mut().skip(before.0) {
            // A dialect may trust a reading less than its others, never more.
            reading.content = reading.content.max(dialect.content);
        }
        if understood(&into) != before {
            into.dialects.push(dialect.name.to_owned());
        }
    }
    // A call that failed has facts, and mostly nothing else.
    if into.dialects.is_empty() && into.genai != crate::model::GenAi::default() {
        into.dialects.extend(heard.map(str::to_owned));
    }
    usage::settle(source, &mut into.genai);
    into.genai.category = category::of(source, &into.genai);
    into.genai.aggregate =
        into.genai.usage.is_some() && matches!(into.genai.category, Category::Agent | Category::Chain);
    if into.genai.category.is_call() {
        // OpenLIT names there, in one word, all tools that the model asks for.
        into.genai.tool = None;
    }
    if into.genai.category == Category::Tool {
        definitions::of_span(source.attributes, into.genai.tool.as_ref(), &mut into.tools);
        own_call(source, &mut into);
    }
    into.tools = definitions::merged(into.tools);
    into.error = errors::of(source, &into);
    into.is_wrapper = bedrock_sdk::is_wrapper(source);
    count_unknown(&mut into);
    into
}

/// On a tool's own span call and result are that tool's: each says what the other leaves out, and the span how it went.
fn own_call(source: &Source, into: &mut Translation) {
    let mut tool = into.genai.tool.clone().unwrap_or_default();
    let parts = into.readings.iter().flat_map(|reading| reading.prompt.iter().chain(&reading.completion));
    for part in parts.flat_map(|message| &message.parts) {
        match &part.content {
            Content::Call(call) => {
                tool.call_id = tool.call_id.or_else(|| call.id.clone());
                tool.name = tool.name.or_else(|| Some(call.name.clone()).filter(|name| !name.is_empty()));
            }
            Content::Result(result) => tool.call_id = tool.call_id.or_else(|| result.call_id.clone()),
            _ => {}
        }
    }
    let is_error = errors::of_tool(source.attributes);
    for message in into.readings.iter_mut().flat_map(|reading| &mut reading.completion) {
        for part in &mut Arc::make_mut(message).parts {
            if let Content::Result(result) = &mut part.content
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
    match parts.filter(|part| matches!(part.content, Content::Unknown(_))).count() {
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
