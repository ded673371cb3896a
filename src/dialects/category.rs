//! What kind of work a span is (`facts.md` 7): from what the sender states, never from the name of a plain span.

use std::sync::LazyLock;

use super::{DIALECTS, KindKey, fact_keys::Rank, name_table::Beginnings};
use crate::model::{Attributes, Category, Delivery, GenAi, Source};

/// Beginnings of attribute names that spans of agents and models have, whoever sends them. None begins with another.
const AI: &[&str] = &[
    "agent_name",
    "embedding.",
    "gen_ai.",
    "input.value",
    "llm.",
    "output.value",
    "reranker.",
    "retrieval.",
    "tool.name",
];

/// The key in which the GenAI conventions state an operation, which is a kind.
const OPERATION: KindKey = KindKey {
    key: "gen_ai.operation.name",
    rank: Rank::Conventions,
    category: of_word,
    // It is a fact of its own.
    operation: |_| None,
    operation_rank: Rank::Conventions,
};

/// What the rows of all dialects hold for categories, put in order.
struct Tables {
    /// Beginnings of names of attributes.
    ai_keys: Beginnings<()>,
    /// The keys that state a category, the most reliable first.
    kinds: Vec<KindKey>,
    /// The keys that mean an operation, the most reliable first.
    operations: Vec<KindKey>,
    unstated: Vec<fn(&Source) -> Option<Category>>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let ai_keys = AI.iter().chain(DIALECTS.iter().flat_map(|dialect| dialect.ai_keys));
    let ai_keys = Beginnings::new(ai_keys.map(|key| (*key, ())));
    let mut kinds: Vec<KindKey> = vec![OPERATION];
    kinds.extend(DIALECTS.iter().flat_map(|dialect| dialect.kinds));
    let mut operations = kinds.clone();
    kinds.sort_by_key(|kind| kind.rank);
    operations.sort_by_key(|kind| kind.operation_rank);
    let unstated = DIALECTS.iter().filter_map(|dialect| dialect.unstated_category).collect();
    Tables { ai_keys, kinds, operations, unstated }
});

/// The category of a span or log record. `stated` is what a dialect decides by itself, else what a
/// key states (see [`stated`]); `genai` holds the facts so far.
pub fn of(source: &Source, stated: Option<Category>, genai: &GenAi) -> Category {
    let has = |key: &str| source.attributes.has(key);
    // A dialect may know the operation from more than an attribute.
    let delivers = || (genai.delivery == Some(Delivery::Message)).then_some(Category::Agent);
    let stated = stated.or_else(delivers).or_else(|| of_word(genai.operation.as_deref()?));
    if let Some(category) = stated.or_else(|| TABLES.unstated.iter().find_map(|unstated| unstated(source))) {
        return category;
    }
    if has("gen_ai.tool.call.id") || has("gen_ai.tool.name") {
        return Category::Tool;
    }
    if source.is_log() && source.name == "gen_ai.client.inference.operation.details" {
        return Category::Llm;
    }
    if has("gen_ai.agent.name") || has("gen_ai.agent.id") {
        return Category::Agent;
    }
    // A client's call of a model is a model call, also where it is made by RPC.
    let reported = &genai.reported;
    if genai.model.is_some() && (reported.input.is_some() || reported.output.is_some() || is_gen_ai(source)) {
        return if is_embedding_model(genai) { Category::Embedding } else { Category::Llm };
    }
    let named = || if is_ai(source) { by_name(source.name) } else { Category::Span };
    // A function may be called after what it is about. Without a model it calls none.
    infrastructure(source)
        .unwrap_or_else(|| Some(named()).filter(|kind| !kind.is_call() || genai.model.is_some()).unwrap_or_default())
}

/// Whether a span carries at least one attribute that only spans of agents and models have.
pub fn is_ai(source: &Source) -> bool {
    source.attributes.iter().any(|(name, _)| TABLES.ai_keys.of(name).is_some())
}

/// The category of a source by its scope and its name, each row a beginning of both; the first that fits.
pub fn by_scope_and_name(source: &Source, rows: &[(&str, &str, Category)]) -> Option<Category> {
    let (scope, name) = (source.scope.name.as_str(), source.name);
    let fits = rows.iter().find(|(in_scope, start, _)| scope.starts_with(in_scope) && name.starts_with(start));
    fits.map(|(_, _, category)| *category)
}

fn is_gen_ai(source: &Source) -> bool {
    source.attributes.has_prefix("gen_ai.") && source.attributes.has("rpc.system")
}

/// Whether the model of a call of no stated kind makes embeddings, by its name: `text-embedding-3-small`,
/// `cohere.embed-english-v3`. Only a whole word counts, not `embedded-copilot`; a call with output tokens makes none.
fn is_embedding_model(genai: &GenAi) -> bool {
    let is_word = |word: &str| matches!(word, "embed" | "embedding" | "embeddings");
    let named = |model: &str| model.to_ascii_lowercase().split(|c: char| !c.is_ascii_alphanumeric()).any(is_word);
    genai.reported.output.unwrap_or(0) == 0 && genai.model.as_deref().is_some_and(named)
}

/// The category that a key states; the most reliable key that states one.
pub fn stated(source: &Source) -> Option<Category> {
    TABLES.kinds.iter().find_map(|kind| (kind.category)(value(source.attributes, kind)?))
}

/// The operation that a key means, in the terms of the GenAI conventions, where `gen_ai.operation.name` is not there.
pub fn operation(attributes: &Attributes) -> Option<String> {
    TABLES.operations.iter().find_map(|kind| (kind.operation)(value(attributes, kind)?))
}

/// The value without quotes: some write every value as JSON.
fn value<'a>(attributes: &'a Attributes, kind: &KindKey) -> Option<&'a str> {
    Some(attributes.str(kind.key)?.trim_matches('"'))
}

impl KindKey {
    /// A key whose values are common words for kinds and operations, in any case: `LLM`, `tool`, `CHAIN`.
    pub const fn of_words(key: &'static str, rank: Rank) -> Self {
        Self { key, rank, category: of_word, operation: operation_of_word, operation_rank: Rank::Own }
    }
}

/// The operation that a word for a kind means.
fn operation_of_word(word: &str) -> Option<String> {
    let word = word.split(' ').next()?.to_ascii_lowercase();
    Some(match word.as_str() {
        "llm" | "generation" | "chat_model" => "chat".to_owned(),
        "embedding" => "embeddings".to_owned(),
        "tool" => "execute_tool".to_owned(),
        "agent" => "invoke_agent".to_owned(),
        "unknown" | "span" | "event" => return None,
        _ => word,
    })
}

/// The category that a common word for a kind or an operation means.
pub fn of_word(word: &str) -> Option<Category> {
    let word = word.to_ascii_lowercase();
    Some(match word.as_str() {
        "chat" | "chat.completions" | "text.completions" | "text_completion" | "completion" | "generate_content"
        | "generate" | "generation" | "response" | "llm" | "llm_call" | "llm_request" | "handle" | "chat_model" => {
            Category::Llm
        }
        "embeddings" | "embedding" | "embed" => Category::Embedding,
        "execute_tool" | "tool_call" | "tool" | "tool_execution" => Category::Tool,
        "invoke_agent" | "create_agent" | "agent_call" | "handoff" | "agent" => Category::Agent,
        "invoke_workflow"
        | "execute_event_loop_cycle"
        | "execute_agent_loop_cycle"
        | "execute_task"
        | "workflow.run"
        | "executor.process"
        | "chain"
        | "invoke_node"
        | "prompt"
        | "workflow"
        | "task"
        | "agent_step"
        | "parser"
        | "memory" => Category::Chain,
        "retrieval" | "vector_db_retrieve" | "search_memory" | "retriever" => Category::Retriever,
        "rerank" | "reranker" => Category::Reranker,
        "guardrail" => Category::Guardrail,
        "evaluator" | "evaluation" => Category::Evaluator,
        // `invoke_swarm`, `invoke_graph`.
        invoked if invoked.starts_with("invoke_") => Category::Agent,
        _ => return None,
    })
}

pub fn infrastructure(source: &Source) -> Option<Category> {
    let attributes = source.attributes;
    if let Some(method) = attributes.str("mcp.method.name") {
        return Some(if method == "tools/call" { Category::Tool } else { Category::Span });
    }
    if let Some(system) = attributes.str("db.system.name").or_else(|| attributes.str("db.system")) {
        const VECTOR: &[&str] = &["pinecone", "qdrant", "weaviate", "milvus", "chroma", "chromadb", "lancedb", "marqo"];
        let is_vector = VECTOR.contains(&system) || attributes.has_prefix("db.vector.");
        return Some(if is_vector { Category::Retriever } else { Category::Db });
    }
    if attributes.has("messaging.system") {
        return Some(Category::Messaging);
    }
    let http = ["http.request.method", "http.method", "url.full", "http.url", "rpc.system", "rpc.system.name"];
    http.iter().any(|key| attributes.has(key)).then_some(Category::Http)
}

/// Words in the name of a span that is known to be of an agent or a model.
fn by_name(name: &str) -> Category {
    let name = name.to_ascii_lowercase();
    let has = |word: &str| name.contains(word);
    if has("embed") {
        Category::Embedding
    } else if has("rerank") {
        Category::Reranker
    } else if has("retriev") {
        Category::Retriever
    } else if has("guardrail") {
        Category::Guardrail
    } else if has("llm") || has("chat") || has("completion") {
        Category::Llm
    } else if name.ends_with(".workflow") {
        Category::Chain
    } else if has("evaluat") {
        Category::Evaluator
    } else {
        Category::Span
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;

    #[test]
    fn no_beginning_of_a_key_begins_with_another() {
        let keys: Vec<&str> = TABLES.ai_keys.all().collect();
        assert_eq!(keys.windows(2).find(|pair| pair[1].starts_with(pair[0])), None);
    }

    #[test]
    fn what_the_sender_states_is_the_kind() {
        for (key, word, expected) in [
            ("gen_ai.operation.name", "chat", Category::Llm),
            ("gen_ai.operation.name", "generate_content", Category::Llm),
            ("gen_ai.operation.name", "embeddings", Category::Embedding),
            ("gen_ai.operation.name", "execute_tool", Category::Tool),
            ("gen_ai.operation.name", "invoke_swarm", Category::Agent),
            ("gen_ai.operation.name", "invoke_node", Category::Chain),
            ("gen_ai.operation.name", "invoke_workflow", Category::Chain),
            ("gen_ai.operation.name", "execute_event_loop_cycle", Category::Chain),
            ("gen_ai.operation.name", "rerank", Category::Reranker),
            ("openinference.span.kind", "RETRIEVER", Category::Retriever),
            ("openinference.span.kind", "GUARDRAIL", Category::Guardrail),
            ("openinference.span.kind", "EVALUATOR", Category::Evaluator),
            ("openinference.span.kind", "PROMPT", Category::Chain),
            ("traceloop.span.kind", "workflow", Category::Chain),
            ("langfuse.observation.type", "generation", Category::Llm),
            ("mlflow.spanType", "\"CHAT_MODEL\"", Category::Llm),
            ("ai.operationId", "ai.streamText.doStream", Category::Llm),
            ("operation.name", "ai.generateText my-function", Category::Agent),
            ("ai.operationId", "ai.toolCall", Category::Tool),
            ("ai.operationId", "ai.embed.doEmbed", Category::Embedding),
            ("llm.request.type", "completion", Category::Llm),
            ("mcp.method.name", "tools/call", Category::Tool),
            ("event_loop.cycle_id", "c", Category::Chain),
            ("gen_ai.tool.name", "w", Category::Tool),
            ("gen_ai.agent.name", "a", Category::Agent),
            ("db.system.name", "postgresql", Category::Db),
            ("db.system", "qdrant", Category::Retriever),
            ("messaging.system", "kafka", Category::Messaging),
            ("http.request.method", "GET", Category::Http),
            ("rpc.system", "aws-api", Category::Http),
            ("span.type", "tool", Category::Span),
        ] {
            let read = Sample::span("x").with(&[(key, word)]).translate();
            assert_eq!(read.genai.category, expected, "{key} {word}");
        }
    }

    #[test]
    fn the_details_of_an_inference_are_those_of_a_model_call() {
        let named = [("gen_ai.agent.name", "a")];
        assert_eq!(
            Sample::log("gen_ai.client.inference.operation.details", "null").with(&named).translate().genai.category,
            Category::Llm
        );
    }

    #[test]
    fn a_call_of_a_model_by_rpc_is_a_model_call() {
        let marks = [("rpc.system", "aws-api"), ("gen_ai.request.model", "m"), ("gen_ai.system", "aws.bedrock")];
        assert_eq!(Sample::span("BedrockRuntime.InvokeModel").with(&marks).translate().genai.category, Category::Llm);
        let of = |operation: &[(&str, &str)], model: &str, out: &str| {
            let marks = [("gen_ai.request.model", model), ("rpc.system", "aws-api"), ("gen_ai.system", "aws.bedrock")];
            let span = Sample::span("x").with(operation).with(&marks);
            span.typed("gen_ai.usage.input_tokens", "5")
                .typed("gen_ai.usage.output_tokens", out)
                .translate()
                .genai
                .category
        };
        for model in ["amazon.titan-embed-text-v2:0", "cohere.embed-english-v3", "text-embedding-3-small"] {
            assert_eq!(of(&[], model, "0"), Category::Embedding, "{model}");
        }
        for model in ["embedded-copilot-gpt4o", "gpt-4o-mini"] {
            assert_eq!(of(&[], model, "0"), Category::Llm, "{model}");
        }
        // A model of embeddings has no output, and a stated kind holds.
        assert_eq!(of(&[], "embed-copilot", "9"), Category::Llm);
        assert_eq!(of(&[("gen_ai.operation.name", "chat")], "embed-copilot", "0"), Category::Llm);
    }

    #[test]
    fn the_name_of_a_plain_span_is_no_kind() {
        for name in ["retrieve", "chat with support", "Bedrock AgentCore.RetrieveMemoryRecords"] {
            assert_eq!(Sample::span(name).translate().genai.category, Category::Span, "{name}");
        }
        let http = Sample::span("GET retrieve-data").with(&[("http.method", "GET"), ("input.value", "x")]);
        assert_eq!(http.translate().genai.category, Category::Http);
        for name in ["chat_agent.predict", "task_completion_check", "call_llm_safely", "embed_and_store", "rerank_hits"]
        {
            let function = Sample::span(name).with(&[("input.value", "x"), ("output.value", "y")]);
            assert_eq!(function.translate().genai.category, Category::Span, "{name}");
        }
        let retriever = Sample::span("my retriever").with(&[("input.value", "x")]);
        assert_eq!(retriever.translate().genai.category, Category::Retriever);
    }
}
