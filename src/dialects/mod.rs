//! A span or log record → what the agent did ([`Translation`]). Pure, and it cannot fail: what could not be read leaves
//! a note, and the raw span stays visible.
//!
//! ```text
//!   facts ─▶ category ─▶ every dialect that matches ─▶ usage ─▶ category again ─▶ definitions, errors
//!     │                    │                                     by what dialects found
//!     │                    ├ one file and one row of DIALECTS each: bedrock_sdk, strands, livekit, mlflow, vercel_ai, …
//!     │                    ├ gen_ai, gen_ai_events, gen_ai_content     OpenTelemetry's conventions, the newest first
//!     │                    ├ openinference ─▶ openinference_flat, _forms, _tool
//!     │                    ├ claude_code, codex, gemini_cli ─▶ coding_agents      which make spans of log records
//!     │                    │                                     ─▶ exchange_halves   or find those of their requests
//!     │                    └ plain_io                                  only for a direction that no other reads
//!     ├ plumbing                                                     spans that frameworks make around their machinery
//!     └ fact_keys, context, provider, framework, parameters
//!
//!   What these shared files need of a sender they take from the rows of DIALECTS, put into tables once (name_table): its
//!   keys, its kinds of spans, its way of counting tokens and of writing failures, its label, the switches that record
//!   content.
//!   langgraph, llama_index, ag2, agent_framework, azure_ai, dspy, opencode, opik and anthropic_sdk
//!   are rows of that alone.
//!
//!   what the dialects are made of
//!     dialect                                    what a row of DIALECTS can hold
//!     function_io, langchain                     arguments and return values of functions; LangChain's dumps of messages
//!     provider_payload, provider_payload_facts   a provider's own request and response: its messages, its facts
//!     chunks, token_counts                       the chunks of a streamed response; maps of token counts
//!     documents, definitions                     documents of retrievers and rerankers; tool definitions
//!     evaluations                                scores that somebody gave a span, a trace or a session
//!     reading ─▶ message ─▶ parts ─▶ calls, reasoning, media
//!     spliced_calls, doubled_pieces              calls that were recorded as one; arguments with every piece twice
//!     maybe_json ─▶ lenient; indexed             values that may be JSON; lists spread over keys
//!     redaction_markers                          markers in the place of hidden content, signs of truncated content
//!     synthesized_call_ids                       ids of calls that an instrumentation made up
//!     block_forms                                by what a block of content is known
//! ```
//!
//! To add a dialect: its file, its row in [`DIALECTS`] at the place of its trust, a raised [`VERSION`], and a folder of
//! captures; no other file. [`Dialect`] lists what a row can hold. A dialect does not decide a span's category while it
//! translates: it finds the category in `into.genai.category`, decided by the hooks and keys of the rows.
//!
//! What is known of senders, and what is made of it, is in the documents of this folder:
//!
#![doc = include_str!("values.md")]
#![doc = include_str!("facts.md")]
#![doc = include_str!("messages.md")]
#![doc = include_str!("conventions.md")]
#![doc = include_str!("sdks.md")]
#![doc = include_str!("coding_agents.md")]

mod ag2;
mod agent_framework;
mod anthropic_sdk;
mod autogen;
mod azure_ai;
mod bedrock_sdk;
mod beeai;
mod block_forms;
mod calls;
mod category;
mod chunks;
mod claude_agent_sdk;
mod claude_code;
mod codex;
mod coding_agents;
mod context;
mod copilot_chat;
mod crewai;
mod definitions;
mod dialect;
mod documents;
mod doubled_pieces;
mod dspy;
mod errors;
mod evaluations;
mod exchange_halves;
mod fact_keys;
mod facts;
mod framework;
mod function_io;
mod gemini_cli;
mod gen_ai;
mod gen_ai_content;
mod gen_ai_events;
mod genkit;
mod google_adk;
mod google_adk_stream;
mod google_genai;
mod haystack;
mod haystack_messages;
mod indexed;
mod laminar;
mod langchain;
mod langfuse;
mod langgraph;
mod langsmith;
mod langtrace;
mod lenient;
mod litellm;
mod livekit;
mod llama_index;
mod logfire;
mod mastra;
mod maybe_json;
mod media;
mod message;
mod mlflow;
mod name_table;
mod openai_agents;
mod opencode;
mod openinference;
mod openinference_flat;
mod openinference_forms;
mod openinference_fuller;
mod openinference_tool;
mod openlit;
mod openllmetry;
mod openllmetry_repairs;
mod opik;
mod parameters;
mod parts;
mod plain_io;
mod plumbing;
mod provider;
mod provider_payload;
mod provider_payload_facts;
mod pydantic_ai;
mod reading;
mod reasoning;
mod recording_hints;
mod redaction_markers;
#[cfg(test)]
mod sample;
mod semantic_kernel;
mod smolagents;
mod spliced_calls;
mod spring_ai;
mod strands;
mod synthesized_call_ids;
#[cfg(test)]
mod tests;
mod token_counts;
mod traceloop;
mod usage;
mod vercel_ai;
mod vercel_ai_facts;
mod weave;

use std::sync::Arc;

use crate::model::{Category, Content, GenAi, GivenName, LogRecord, Note, Source, Translation};

use coding_agents::AgentRecord;
pub use coding_agents::{RecordPlace, confirm};
pub use dialect::Dialect;
use dialect::{ByProvider, Failures, Framework, KindKey, ParameterKeys, Refinement};
pub use evaluations::{is_made as is_made_record, of_others as evaluations_of_others};
pub use exchange_halves::{ExchangeHalf, pairs};
use fact_keys::{FactRow, Field, How, Rank};
pub use recording_hints::{RecordingHints, recording_hints};

/// Of all dialects together; raised when any of them reads differently, so that stored spans are translated again.
pub const VERSION: u32 = 17;

/// Every dialect we read, most trusted first. All that match are run; `assemble::exchange` weighs their readings.
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
    claude_agent_sdk::DIALECT,
    pydantic_ai::DIALECT,
    logfire::DIALECT,
    vercel_ai::DIALECT,
    gen_ai_events::DIALECT,
    litellm::DIALECT,
    openllmetry::DIALECT,
    google_adk::DIALECT,
    google_genai::DIALECT,
    gen_ai_content::DIALECT,
    openlit::DIALECT,
    copilot_chat::DIALECT,
    langfuse::DIALECT,
    mlflow::DIALECT,
    autogen::DIALECT,
    crewai::DIALECT,
    semantic_kernel::DIALECT,
    genkit::DIALECT,
    haystack::DIALECT,
    mastra::DIALECT,
    spring_ai::DIALECT,
    bedrock_sdk::PREVIEW,
    laminar::DIALECT,
    traceloop::DIALECT,
    ag2::DIALECT,
    agent_framework::DIALECT,
    anthropic_sdk::DIALECT,
    azure_ai::DIALECT,
    beeai::DIALECT,
    dspy::DIALECT,
    langgraph::DIALECT,
    langtrace::DIALECT,
    llama_index::DIALECT,
    opencode::DIALECT,
    opik::DIALECT,
    weave::DIALECT,
    plain_io::DIALECT,
];

/// Understands one span or log record, as far as it can be.
pub fn translate(source: &Source) -> Translation {
    let mut into = Translation::default();
    facts::read(source, &mut into);
    if DIALECTS.iter().any(|dialect| dialect.is_pending.is_some_and(|is_pending| is_pending(source))) {
        into.genai = GenAi::default();
        return into;
    }
    let stated = DIALECTS.iter().find_map(|dialect| dialect.category?(source)).or_else(|| category::stated(source));
    // Events that a dialect reads in its own way are not read again.
    let are_claimed = DIALECTS.iter().any(|dialect| dialect.claims_events && (dialect.matches)(source));
    let without_events = Source { events: if are_claimed { &[] } else { source.events }, ..*source };
    let mut matching = None;
    for dialect in DIALECTS {
        let original = source;
        let source = if dialect.is_general { &without_events } else { source };
        if !(dialect.matches)(source) || is_replaced(dialect, source) {
            continue;
        }
        matching = matching.or(Some(dialect.name));
        // A dialect before it may have found the model, or what is done, in more than attributes.
        into.genai.category = category::of(original, stated, &into.genai);
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
    into.genai.category = Category::default();
    // A call that failed has facts, and mostly nothing else.
    if into.dialects.is_empty() && into.genai != GenAi::default() {
        into.dialects.extend(matching.map(str::to_owned));
    }
    into.genai.category = category::of(source, stated, &into.genai);
    usage::settle(source, &mut into.genai, &mut into.notes);
    into.genai.aggregate =
        into.genai.usage.is_some() && matches!(into.genai.category, Category::Agent | Category::Chain);
    if into.genai.category.is_call() {
        // Some senders name there, in one text, all tools that the model calls.
        into.genai.tool = None;
    }
    if into.genai.category == Category::Tool {
        definitions::of_span(source.attributes, into.genai.tool.as_ref(), &mut into.tools);
        own_call(source, &mut into);
    }
    into.tools = definitions::merged(into.tools);
    into.error = errors::of(source, &into);
    into.evaluations = evaluations::of(source);
    into.is_wrapper = DIALECTS.iter().any(|dialect| dialect.is_wrapper.is_some_and(|is_wrapper| is_wrapper(source)));
    into.plumbing = source.body.is_none() && plumbing::is_plumbing(source, &into.genai);
    into.given_name = DIALECTS.iter().find_map(|dialect| dialect.given_name?(source)).unwrap_or_default();
    count_unknown(&mut into);
    into
}

/// The name without an ending that the instrumentation put there; `None` where it has another one.
fn without_ending(name: &str, ending: &str) -> Option<GivenName> {
    let given = name.strip_suffix(ending)?.trim();
    Some(if given.is_empty() { GivenName::Nothing } else { GivenName::Part(given.to_owned()) })
}

/// Completes the call and the result on a tool's own span from each other, and marks the result by the span's outcome.
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
    let is_error = errors::of_tool(source);
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
    tool.failed = is_error;
    if tool.name.is_some() || tool.call_id.is_some() {
        into.genai.tool = Some(tool);
    }
}

/// Leaves a note with the number of blocks of no known form.
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

fn is_replaced(dialect: &Dialect, source: &Source) -> bool {
    let mut rows = DIALECTS.iter().filter_map(|other| other.replaces);
    rows.any(|(name, is_theirs)| name == dialect.name && is_theirs(source))
}

/// Finds the place of a record whose sender gave it none; `None` where it has one, or stands for nothing.
#[must_use]
pub fn place_of(record: &LogRecord) -> Option<RecordPlace> {
    // The span that a record names is sent, or was.
    if record.trace.is_some() {
        return None;
    }
    coding_agents::place(record, record_of_agent(record)?)
}

/// Which half of which exchange a record is; `None` for most records. A response whose request is known ([`pairs`])
/// belongs to the span of that, and is confirmed by it ([`confirm`]).
#[must_use]
pub fn half_of(record: &LogRecord) -> Option<ExchangeHalf> {
    coding_agents::half(record, &record_of_agent(record)?)
}

fn record_of_agent(record: &LogRecord) -> Option<AgentRecord<'_>> {
    DIALECTS.iter().find_map(|dialect| dialect.record?(record))
}
