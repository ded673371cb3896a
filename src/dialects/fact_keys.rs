//! The table of scalar facts: which attributes of all dialects say what, and how each is read (`facts.md`).

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Session,
    User,
    Environment,
    Operation,
    Provider,
    Model,
    ResponseModel,
    ResponseId,
    StopReason,
    Agent,
    AgentId,
    Tool,
    ToolCall,
    ToolDescription,
    Ttft,
    Input,
    Output,
    Total,
    CacheRead,
    CacheWrite,
    Reasoning,
    Cost,
}

pub const FIELDS: usize = Field::Cost as usize + 1;

/// How a value is read; what cannot be read so is passed over for the next key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Text,
    /// A text or a number that names something; no marker that hides it.
    Id,
    /// A list, its JSON, or words with commas: the last of them.
    Last,
    Count,
    Dollars,
    Millis,
    Seconds,
}

pub struct Row {
    pub field: Field,
    pub how: How,
    /// In order: the first that can be read wins.
    pub keys: &'static [&'static str],
    /// Only in scopes whose name starts so: for keys that are too common a word.
    pub scope: &'static str,
}

const fn row(field: Field, how: How, keys: &'static [&'static str]) -> Row {
    Row { field, how, keys, scope: "" }
}

const fn claude_code(field: Field, how: How, keys: &'static [&'static str]) -> Row {
    Row { field, how, keys, scope: "com.anthropic.claude_code" }
}

const fn codex(field: Field, how: How, keys: &'static [&'static str]) -> Row {
    Row { field, how, keys, scope: "codex" }
}

const fn gemini_cli(field: Field, how: How, keys: &'static [&'static str]) -> Row {
    Row { field, how, keys, scope: "gemini-cli" }
}

/// Every scalar attribute that says a fact. Rows of one field are in order, too.
///
/// Not here: `langsmith.trace.session_id`, which is the *project* and would make one session of all its runs.
pub const FACTS: &[Row] = &[
    row(
        Field::Session,
        How::Id,
        &[
            "session.id",
            "langfuse.session.id",
            "gen_ai.conversation.id",
            "langsmith.session.id",
            "langsmith.metadata.session_id",
            "langsmith.metadata.thread_id",
            "langsmith.metadata.conversation_id",
            "gcp.vertex.agent.session_id",
            "ai.telemetry.metadata.sessionId",
            "ai.settings.context.sessionId",
            "langgraph.thread_id",
            "mlflow.trace.session",
            "traceloop.association.properties.session_id",
            "traceloop.association.properties.thread_id",
            "traceloop.association.properties.chat_id",
            "traceloop.association.properties.conversation_id",
            "lmnr.association.properties.session_id",
            "metadata.session_id",
            "metadata.conversation_id",
            "metadata.thread_id",
        ],
    ),
    codex(Field::Session, How::Id, &["conversation.id"]),
    Row { field: Field::Session, how: How::Id, keys: &["group_id"], scope: "logfire.openai_agents" },
    row(
        Field::User,
        How::Id,
        &[
            "user.id",
            "langfuse.user.id",
            "enduser.id",
            "ai.telemetry.metadata.userId",
            "ai.settings.context.userId",
            "mlflow.trace.user",
            "traceloop.association.properties.user_id",
            "langsmith.metadata.user_id",
            "lmnr.association.properties.user_id",
            "gen_ai.user",
            "llm.user",
            "metadata.user_id",
        ],
    ),
    row(Field::Environment, How::Text, &["langfuse.environment", "gen_ai.environment"]),
    row(Field::Operation, How::Text, &["gen_ai.operation.name", "llm.request.type"]),
    row(
        Field::Provider,
        How::Text,
        &[
            "gen_ai.provider.name",
            "gen_ai.system",
            "az.ai.inference.model_provider",
            "ai.model.provider",
            "llm.provider",
            "llm.system",
            "mlflow.llm.provider",
        ],
    ),
    row(
        Field::Model,
        How::Text,
        &[
            "gen_ai.request.model",
            "llm.request.model_name",
            "ai.model.id",
            "llm.model_name",
            "llm.request.model",
            "embedding.model_name",
            "reranker.model_name",
            "langfuse.observation.model.name",
            "mlflow.llm.model",
        ],
    ),
    claude_code(Field::Model, How::Text, &["model"]),
    gemini_cli(Field::Model, How::Text, &["model"]),
    row(
        Field::ResponseModel,
        How::Text,
        &["gen_ai.response.model", "llm.response.model_name", "llm.response.model", "ai.response.model"],
    ),
    row(Field::ResponseId, How::Text, &["gen_ai.response.id", "ai.response.id"]),
    row(
        Field::StopReason,
        How::Last,
        &[
            "gen_ai.response.finish_reasons",
            "ai.response.finishReason",
            "ai.finishReason",
            "llm.finish_reason",
            "llm.response.finish_reason",
            "gen_ai.response.finish_reason",
            "llm.response.stop_reason",
            "gen_ai.response.stop_reason",
            "gen_ai.completion.0.finish_reason",
            "anthropic.message.stop_reason",
        ],
    ),
    claude_code(Field::StopReason, How::Text, &["stop_reason"]),
    gemini_cli(Field::StopReason, How::Last, &["finish_reasons"]),
    row(
        Field::Agent,
        How::Text,
        &[
            "gen_ai.agent.name",
            "agent.name",
            "agent_role",
            "agent_name",
            "recipient_agent_class",
            "sender_agent_class",
            "graph.node.name",
            "lk.agent_name",
        ],
    ),
    row(Field::AgentId, How::Text, &["gen_ai.agent.id", "aws.bedrock.agent.id"]),
    row(
        Field::Tool,
        How::Text,
        &[
            "gen_ai.tool.name",
            "tool.name",
            "tool_name",
            "ai.toolCall.name",
            "lk.function_tool.name",
            "mcp.tool.name",
            "spring.ai.tool.definition.name",
        ],
    ),
    row(
        Field::ToolCall,
        How::Id,
        &[
            "gen_ai.tool.call.id",
            "gen_ai.tool.call_id",
            "tool.id",
            "tool_call.id",
            "tool.call_id",
            "ai.toolCall.id",
            "lk.function_tool.id",
            "spring.ai.tool.call.id",
        ],
    ),
    claude_code(Field::ToolCall, How::Id, &["tool_use_id"]),
    codex(Field::ToolCall, How::Id, &["call_id"]),
    row(Field::ToolDescription, How::Text, &["gen_ai.tool.description", "tool.description"]),
    // Strands and Vercel say milliseconds, the conventions seconds.
    row(Field::Ttft, How::Millis, &["gen_ai.server.time_to_first_token"]),
    row(
        Field::Ttft,
        How::Seconds,
        &["gen_ai.response.time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk"],
    ),
    row(Field::Ttft, How::Millis, &["ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"]),
    row(Field::Ttft, How::Seconds, &["lk.response.ttft"]),
    row(Field::Ttft, How::Millis, &["ttft_ms"]),
    row(
        Field::Input,
        How::Count,
        &[
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "llm.usage.prompt_tokens",
            "llm.token_count.prompt",
            "ai.usage.inputTokens",
            "ai.usage.promptTokens",
            "ai.usage.tokens",
        ],
    ),
    claude_code(Field::Input, How::Count, &["input_tokens"]),
    codex(Field::Input, How::Count, &["input_token_count"]),
    gemini_cli(Field::Input, How::Count, &["input_token_count"]),
    row(
        Field::Output,
        How::Count,
        &[
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.usage.completion_tokens",
            "llm.token_count.completion",
            "ai.usage.outputTokens",
            "ai.usage.completionTokens",
        ],
    ),
    claude_code(Field::Output, How::Count, &["output_tokens"]),
    codex(Field::Output, How::Count, &["output_token_count"]),
    gemini_cli(Field::Output, How::Count, &["output_token_count"]),
    row(
        Field::Total,
        How::Count,
        &["gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total", "ai.usage.totalTokens"],
    ),
    gemini_cli(Field::Total, How::Count, &["total_token_count"]),
    row(
        Field::CacheRead,
        How::Count,
        &[
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.cache_read_tokens",
            "llm.token_count.prompt_details.cache_read",
            "llm.usage.cache_read_input_tokens",
            "ai.usage.inputTokenDetails.cacheReadTokens",
            "ai.usage.cachedInputTokens",
            "gen_ai.usage.input_cached_tokens",
            "gen_ai.usage.details.cache_read_tokens",
            "gen_ai.usage.details.cached_tokens",
            "gen_ai.usage.prompt_tokens_details.cached_tokens",
            "gen_ai.usage.input_tokens_details.cached_tokens",
        ],
    ),
    claude_code(Field::CacheRead, How::Count, &["cache_read_tokens"]),
    codex(Field::CacheRead, How::Count, &["cached_token_count"]),
    gemini_cli(Field::CacheRead, How::Count, &["cached_content_token_count"]),
    row(
        Field::CacheWrite,
        How::Count,
        &[
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.cache_write_input_tokens",
            "gen_ai.usage.cache_write_tokens",
            "llm.token_count.prompt_details.cache_write",
            "llm.usage.cache_creation_input_tokens",
            "ai.usage.inputTokenDetails.cacheWriteTokens",
            "gen_ai.usage.details.cache_write_tokens",
        ],
    ),
    claude_code(Field::CacheWrite, How::Count, &["cache_creation_tokens"]),
    codex(Field::CacheWrite, How::Count, &["cache_write_token_count"]),
    row(
        Field::Reasoning,
        How::Count,
        &[
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.output_reasoning_tokens",
            "gen_ai.usage.experimental.reasoning_tokens",
            "gen_ai.usage.thoughts_token_count",
            "llm.token_count.completion_details.reasoning",
            "llm.usage.reasoning_tokens",
            "ai.usage.outputTokenDetails.reasoningTokens",
            "ai.usage.reasoningTokens",
            "gen_ai.usage.details.reasoning_tokens",
        ],
    ),
    codex(Field::Reasoning, How::Count, &["reasoning_token_count", "codex.usage.reasoning_output_tokens"]),
    gemini_cli(Field::Reasoning, How::Count, &["thoughts_token_count"]),
    row(Field::Cost, How::Dollars, &["gen_ai.usage.cost", "operation.cost", "llm.cost.total"]),
    claude_code(Field::Cost, How::Dollars, &["cost_usd"]),
];
