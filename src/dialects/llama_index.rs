//! `LlamaIndex`, whose spans `OpenInference` and `OpenLLMetry` make. Its messages are read in `openinference_forms`.

use super::{Dialect, Framework, RecordingHints, category, openinference};
use crate::model::{Category, GivenName, Source};

pub const DIALECT: Dialect = Dialect {
    name: "llama-index",
    category: Some(own_category),
    is_plumbing: Some(is_plumbing),
    given_name: Some(given_name),
    frameworks: &[Framework {
        label: "llama-index",
        rank: 150,
        scopes: &["openinference.instrumentation.llama_index", "opentelemetry.instrumentation.llamaindex"],
        keys: &["llama_index."],
        ..Framework::PLAIN
    }],
    recording_hints: &[RecordingHints {
        scopes: &["openinference.instrumentation.llama_index"],
        usage: "OpenAI(…, additional_kwargs={\"stream_options\": {\"include_usage\": True}})",
        ..openinference::HINTS
    }],
    ..Dialect::PLAIN
};

fn given_name(source: &Source) -> Option<GivenName> {
    let is_theirs = source.scope.name.ends_with("llama_index") || source.scope.name.ends_with("llamaindex");
    let class = source.name.split(['.', '-']).next().unwrap_or_default();
    (is_theirs && CLASSES.contains(&class)).then_some(GivenName::Nothing)
}

/// Classes of its own whose methods are steps of its machinery. Those of people's workflows have other names.
const CLASSES: &[&str] = &[
    "Accumulate",
    "AgentWorkflow",
    "BaseSynthesizer",
    "BaseWorkflowAgent",
    "CodeActAgent",
    "CompactAndAccumulate",
    "CompactAndRefine",
    "DefaultRefineProgram",
    "FunctionAgent",
    "IngestionPipeline",
    "ReActAgent",
    "Refine",
    "RetrieverQueryEngine",
    "SimpleSummarize",
    "TreeSummarize",
];

/// Whether a span is of a method of the framework's own classes, or of a private one: `OpenAILike._prepare_chat_with_tools`.
fn is_plumbing(source: &Source) -> bool {
    let is_theirs = source.scope.name.ends_with("llama_index") || source.scope.name.ends_with("llamaindex");
    let Some((class, method)) = source.name.split_once('.').filter(|_| is_theirs) else { return false };
    CLASSES.contains(&class)
        || ["Splitter", "NodeParser"].iter().any(|end| class.ends_with(end))
        || method.starts_with('_')
        || method.ends_with("write_response_to_history")
}

/// Every method of a model and of its answer has a span, also those that call no model: `OpenAI._prepare_chat_with_tools`,
/// `StreamingAgentChatResponse.awrite_response_to_history`. These are stated to be model calls, too.
fn own_category(source: &Source) -> Option<Category> {
    let calls_none = source.name.contains("._prepare_") || source.name.ends_with("write_response_to_history");
    let is_theirs = source.scope.name.ends_with("llama_index") && calls_none;
    (is_theirs && category::stated(source) == Some(Category::Llm)).then_some(Category::Chain)
}
