//! Which attributes hold scalar facts, and how each is read (`facts.md`): the keys of OpenTelemetry, and those that
//! several senders share. A sender's own keys are in its dialect's row.

/// A scalar fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Session,
    User,
    Environment,
    Operation,
    Provider,
    /// The provider, where [`Field::Provider`] names a framework.
    ProviderBehind,
    Model,
    ResponseModel,
    ResponseId,
    StopReason,
    ServiceTier,
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
    CacheWrite1h,
    InputAudio,
    CacheReadAudio,
    OutputAudio,
    Cost,
}

/// How many fields there are.
pub const FIELDS: usize = Field::Cost as usize + 1;

/// How a value is read; what cannot be read so is passed over for the next key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A text that is not blank and no marker of hidden content.
    Text,
    /// A text or a number that names something; no marker that hides it.
    Id,
    /// The last item of a list, of its JSON, or of a text with commas.
    Last,
    /// A whole number, not negative.
    Count,
    /// US dollars.
    Dollars,
    Millis,
    Seconds,
}

/// The place of a key among all that state the same. Within a rank shared keys go first, then those of dialects in the
/// order of `DIALECTS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    First,
    /// Before the keys of the GenAI conventions, which the sender fills with something else or less exactly.
    BeforeConventions,
    /// OpenTelemetry's keys, and those that extend them.
    Conventions,
    /// A sender's own keys.
    Own,
    /// Keys that any program may have chosen, and details of the others.
    Last,
}

/// Attributes that hold one fact.
#[derive(Debug, Clone, Copy)]
pub struct FactRow {
    pub field: Field,
    pub how: How,
    /// In order: the first that can be read wins.
    pub keys: &'static [&'static str],
    /// Only in scopes whose name starts so: for keys that are too common a word.
    pub scope: &'static str,
    pub rank: Rank,
}

impl FactRow {
    /// A sender's own keys, in any scope.
    pub const fn of(field: Field, how: How, keys: &'static [&'static str]) -> Self {
        Self { field, how, keys, scope: "", rank: Rank::Own }
    }

    /// The same in scopes only whose name starts so.
    #[must_use]
    pub const fn within(self, scope: &'static str) -> Self {
        Self { scope, ..self }
    }

    /// The same at another place among the keys of the field.
    #[must_use]
    pub const fn ranked(self, rank: Rank) -> Self {
        Self { rank, ..self }
    }
}

const fn row(rank: Rank, field: Field, how: How, keys: &'static [&'static str]) -> FactRow {
    FactRow::of(field, how, keys).ranked(rank)
}

/// The keys that no single sender owns.
pub const SHARED: &[FactRow] = &[
    row(Rank::First, Field::Session, How::Id, &["session.id"]),
    row(Rank::Conventions, Field::Session, How::Id, &["gen_ai.conversation.id"]),
    row(
        Rank::Last,
        Field::Session,
        How::Id,
        &["metadata.session_id", "metadata.conversation_id", "metadata.thread_id"],
    ),
    row(Rank::First, Field::User, How::Id, &["user.id"]),
    row(Rank::Conventions, Field::User, How::Id, &["enduser.id"]),
    row(Rank::Last, Field::User, How::Id, &["gen_ai.user", "llm.user", "metadata.user_id"]),
    row(Rank::Conventions, Field::Environment, How::Text, &["gen_ai.environment"]),
    row(Rank::Conventions, Field::Operation, How::Text, &["gen_ai.operation.name"]),
    row(Rank::Conventions, Field::Provider, How::Text, &["gen_ai.provider.name", "gen_ai.system"]),
    row(Rank::Conventions, Field::Model, How::Text, &["gen_ai.request.model"]),
    row(Rank::Conventions, Field::ResponseModel, How::Text, &["gen_ai.response.model"]),
    row(Rank::Conventions, Field::ResponseId, How::Text, &["gen_ai.response.id"]),
    row(Rank::Conventions, Field::StopReason, How::Last, &["gen_ai.response.finish_reasons"]),
    row(Rank::Last, Field::StopReason, How::Last, &["gen_ai.response.finish_reason", "gen_ai.response.stop_reason"]),
    row(Rank::Conventions, Field::ServiceTier, How::Text, &["gen_ai.response.service_tier"]),
    row(Rank::Conventions, Field::Agent, How::Text, &["gen_ai.agent.name", "agent.name"]),
    row(Rank::Last, Field::Agent, How::Text, &["agent_name"]),
    row(Rank::Conventions, Field::AgentId, How::Text, &["gen_ai.agent.id"]),
    row(Rank::Conventions, Field::Tool, How::Text, &["gen_ai.tool.name", "tool.name", "tool_name"]),
    row(Rank::Last, Field::Tool, How::Text, &["mcp.tool.name"]),
    row(
        Rank::Conventions,
        Field::ToolCall,
        How::Id,
        &["gen_ai.tool.call.id", "gen_ai.tool.call_id", "tool.id", "tool_call.id", "tool.call_id"],
    ),
    row(Rank::Conventions, Field::ToolDescription, How::Text, &["gen_ai.tool.description", "tool.description"]),
    // The name is older than the conventions' own, and its senders count milliseconds.
    row(Rank::Conventions, Field::Ttft, How::Millis, &["gen_ai.server.time_to_first_token"]),
    row(
        Rank::Conventions,
        Field::Ttft,
        How::Seconds,
        &["gen_ai.response.time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk"],
    ),
    row(Rank::Last, Field::Ttft, How::Millis, &["ttft_ms"]),
    row(Rank::Conventions, Field::Input, How::Count, &["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"]),
    row(
        Rank::Conventions,
        Field::Output,
        How::Count,
        &["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"],
    ),
    row(Rank::Conventions, Field::Total, How::Count, &["gen_ai.usage.total_tokens"]),
    row(
        Rank::Conventions,
        Field::CacheRead,
        How::Count,
        &[
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.cache_read_tokens",
        ],
    ),
    row(
        Rank::Last,
        Field::CacheRead,
        How::Count,
        &[
            "gen_ai.usage.input_cached_tokens",
            "gen_ai.usage.details.cache_read_tokens",
            "gen_ai.usage.details.cached_tokens",
            "gen_ai.usage.prompt_tokens_details.cached_tokens",
            "gen_ai.usage.input_tokens_details.cached_tokens",
        ],
    ),
    row(
        Rank::Conventions,
        Field::CacheWrite,
        How::Count,
        &[
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.cache_write_input_tokens",
            "gen_ai.usage.cache_write_tokens",
        ],
    ),
    row(Rank::Last, Field::CacheWrite, How::Count, &["gen_ai.usage.details.cache_write_tokens"]),
    row(
        Rank::Conventions,
        Field::Reasoning,
        How::Count,
        &[
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.output_reasoning_tokens",
            "gen_ai.usage.experimental.reasoning_tokens",
            "gen_ai.usage.thoughts_token_count",
        ],
    ),
    row(Rank::Last, Field::Reasoning, How::Count, &["gen_ai.usage.details.reasoning_tokens"]),
    row(
        Rank::Last,
        Field::CacheWrite1h,
        How::Count,
        &[
            "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens",
            "gen_ai.usage.cache_creation_1h_input_tokens",
            "gen_ai.usage.cache_write_1h_tokens",
            "gen_ai.usage.details.ephemeral_1h_input_tokens",
            "gen_ai.usage.details.cache_write_1h_tokens",
        ],
    ),
    row(
        Rank::Last,
        Field::InputAudio,
        How::Count,
        &[
            "gen_ai.usage.details.input_audio_tokens",
            "gen_ai.usage.prompt_tokens_details.audio_tokens",
            "gen_ai.usage.input_tokens_details.audio_tokens",
        ],
    ),
    row(Rank::Last, Field::CacheReadAudio, How::Count, &["gen_ai.usage.details.cache_audio_read_tokens"]),
    row(
        Rank::Last,
        Field::OutputAudio,
        How::Count,
        &[
            "gen_ai.usage.details.output_audio_tokens",
            "gen_ai.usage.completion_tokens_details.audio_tokens",
            "gen_ai.usage.output_tokens_details.audio_tokens",
        ],
    ),
    row(Rank::Conventions, Field::Cost, How::Dollars, &["gen_ai.usage.cost"]),
];
