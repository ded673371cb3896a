//! What kind of work a span is (`facts.md` 7): from what the sender states, never from the name of a plain span.

use crate::model::{Category, Delivery, GenAi, Source};

/// Attributes of agents and models start with one of these. Sorted; none begins with another.
const AI: &[&str] = &[
    "agent_loop.",
    "agent_name",
    "ai.",
    "autogen.",
    "crew_",
    "embedding.",
    "event_loop.",
    "gcp.vertex.agent.",
    "gen_ai.",
    "input.value",
    "langfuse.",
    "langsmith.",
    "lk.",
    "llm.",
    "lmnr.",
    "mlflow.",
    "openinference.",
    "output.value",
    "reranker.",
    "retrieval.",
    "spring.ai.",
    "tool.name",
    "traceloop.",
];

/// The kind of a span. `own` is what a dialect knows by its own words, `genai` what the facts say of it.
pub fn of(source: &Source, own: Option<Category>, genai: &GenAi) -> Category {
    let has = |key: &str| source.attributes.has(key);
    if hands_over(source) {
        return Category::Agent;
    }
    // A dialect may know the operation from more than an attribute.
    let delivers = || (genai.delivery == Some(Delivery::Message)).then_some(Category::Agent);
    match own.or_else(|| by_kind(source)).or_else(delivers).or_else(|| of_word(genai.operation.as_deref()?)) {
        Some(Category::Llm) if only_prepares(source) => return Category::Chain,
        Some(stated) => return stated,
        None => {}
    }
    if let Some(named) = by_template(source) {
        return named;
    }
    if has("gen_ai.tool.call.id") || has("gen_ai.tool.name") || has("ai.toolCall.name") {
        return Category::Tool;
    }
    if source.is_log() && source.name == "gen_ai.client.inference.operation.details" {
        return Category::Llm;
    }
    if has("gen_ai.agent.name") || has("gen_ai.agent.id") || has("lk.agent_name") {
        return Category::Agent;
    }
    if has("event_loop.cycle_id") || has("agent_loop.cycle_id") {
        return Category::Chain;
    }
    // An AWS client's call of a model is a model call, though it is made by RPC.
    let reported = &genai.reported;
    if genai.model.is_some() && (reported.input.is_some() || reported.output.is_some() || is_gen_ai(source)) {
        return if is_embedding_model(genai) { Category::Embedding } else { Category::Llm };
    }
    let named = || if is_ai(source) { by_name(source.name) } else { Category::Span };
    // A function may be called after what it is about. Without a model it calls none.
    infrastructure(source)
        .unwrap_or_else(|| Some(named()).filter(|kind| !kind.is_call() || genai.model.is_some()).unwrap_or_default())
}

/// Whether an agent hands over to another here: `OpenInference` calls that a tool, given one's name and returning the
/// other's. The tool that the model called for it is told by its call.
pub fn hands_over(source: &Source) -> bool {
    source.scope.name == "openinference.instrumentation.openai_agents"
        && source.name.starts_with("handoff to ")
        && !source.attributes.has("tool.name")
}

/// `LlamaIndex` makes a span of every method of its models and their answers, also of those that call none:
/// `OpenAI._prepare_chat_with_tools`, `StreamingAgentChatResponse.awrite_response_to_history`.
fn only_prepares(source: &Source) -> bool {
    let calls_none = source.name.contains("._prepare_") || source.name.ends_with("write_response_to_history");
    source.scope.name.ends_with("llama_index") && calls_none
}

/// What the names of some scopes' spans mean: Logfire names them by the template of their message.
fn by_template(source: &Source) -> Option<Category> {
    const NAMES: &[(&str, &str, Category)] = &[
        ("logfire.openai_agents", "Agent run", Category::Agent),
        ("logfire.openai_agents", "Handoff", Category::Agent),
        ("logfire.openai_agents", "Function", Category::Tool),
        ("logfire.openai_agents", "Guardrail", Category::Guardrail),
        ("logfire.openai_agents", "Turn ", Category::Chain),
        ("logfire.openai_agents", "Task", Category::Chain),
        ("logfire.openai_agents", "OpenAI Agents trace", Category::Chain),
        ("logfire.openai_agents", "Chat completion", Category::Llm),
        ("openai.agents", "function", Category::Tool),
        ("logfire.openai", "Chat Completion", Category::Llm),
        ("logfire.openai", "Responses API", Category::Llm),
        ("logfire.openai", "Completion with", Category::Llm),
        ("logfire.openai", "Image Generation", Category::Llm),
        ("logfire.openai", "Embedding Creation", Category::Embedding),
        ("logfire.openai", "streaming response from", Category::Llm),
        ("logfire.anthropic", "Message with", Category::Llm),
        ("logfire.anthropic", "streaming response from", Category::Llm),
        ("semantic_kernel", "AutoFunctionInvocationLoop", Category::Chain),
        ("pydantic-ai", "agent run", Category::Agent),
        ("pydantic-ai", "running tools", Category::Chain),
    ];
    let (scope, name) = (source.scope.name.as_str(), source.name);
    let named = NAMES.iter().find(|(in_scope, start, _)| scope.starts_with(in_scope) && name.starts_with(start));
    // The SDK's own words are those of operations.
    named.map(|(_, _, category)| *category).or_else(|| (scope == "openai.agents").then(|| of_word(name)).flatten())
}

/// Whether a span carries at least one attribute of the AI dialects.
pub fn is_ai(source: &Source) -> bool {
    source.attributes.iter().any(|(name, _)| {
        let after = AI.partition_point(|prefix| *prefix <= name);
        after.checked_sub(1).and_then(|place| AI.get(place)).is_some_and(|prefix| name.starts_with(prefix))
    })
}

fn is_gen_ai(source: &Source) -> bool {
    source.attributes.has_prefix("gen_ai.") && source.attributes.has("rpc.system")
}

/// Whether a call of which nobody says what it is makes vectors, as its model's name has it: `text-embedding-3-small`,
/// `cohere.embed-english-v3`. A part of a word says nothing (`embedded-copilot`), and what answers makes no vectors.
fn is_embedding_model(genai: &GenAi) -> bool {
    let is_word = |word: &str| matches!(word, "embed" | "embedding" | "embeddings");
    let named = |model: &str| model.to_ascii_lowercase().split(|c: char| !c.is_ascii_alphanumeric()).any(is_word);
    genai.reported.output.unwrap_or(0) == 0 && genai.model.as_deref().is_some_and(named)
}

/// The kinds that senders state, most telling first.
///
/// `langsmith.span.kind` stands before the operation, in which its run type is repeated, a retriever's as "embeddings".
const KINDS: &[&str] = &[
    "langfuse.observation.type",
    "openinference.span.kind",
    "langsmith.span.kind",
    "gen_ai.operation.name",
    // Before the kind: through LlamaIndex a model's call is a task as well.
    "llm.request.type",
    "traceloop.span.kind",
    "lmnr.span.type",
    "mlflow.spanType",
    "ai.operationId",
    "operation.name",
];

fn by_kind(source: &Source) -> Option<Category> {
    KINDS.iter().find_map(|key| {
        let word = source.attributes.str(key)?.trim_matches('"');
        match *key {
            "ai.operationId" | "operation.name" => vercel(word),
            _ => of_word(word),
        }
    })
}

fn of_word(word: &str) -> Option<Category> {
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
        // Strands' `invoke_swarm`, `invoke_graph` and what may follow them.
        invoked if invoked.starts_with("invoke_") => Category::Agent,
        _ => return None,
    })
}

/// The AI SDK's operations; a function id may follow after a space.
fn vercel(word: &str) -> Option<Category> {
    let operation = word.split(' ').next()?.strip_prefix("ai.")?;
    Some(match operation {
        "toolCall" => Category::Tool,
        "embed" | "embedMany" => Category::Chain,
        rerank if rerank.starts_with("rerank") => Category::Reranker,
        call if call.ends_with(".doGenerate") || call.ends_with(".doStream") => Category::Llm,
        call if call.ends_with(".doEmbed") => Category::Embedding,
        "generateText" | "streamText" | "generateObject" | "streamObject" => Category::Agent,
        _ => return None,
    })
}

fn infrastructure(source: &Source) -> Option<Category> {
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
    fn the_prefixes_are_sorted() {
        assert!(AI.is_sorted());
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
        // What makes vectors says nothing, and what is stated holds.
        assert_eq!(of(&[], "embed-copilot", "9"), Category::Llm);
        assert_eq!(of(&[("gen_ai.operation.name", "chat")], "embed-copilot", "0"), Category::Llm);
    }

    #[test]
    fn the_name_of_a_plain_span_says_nothing() {
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
