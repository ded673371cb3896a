//! What a span says of itself as an agent's work: operation, model, agent, tool, parameters.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Cost, Reported, TokenUsage, Value};

/// The scalar facts of one span, in the words of OpenTelemetry's GenAI conventions. `None` is unknown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GenAi {
    pub operation: Option<Operation>,
    pub category: Category,
    /// `None` for a span that delivers nothing between agents.
    pub delivery: Option<Delivery>,
    /// Canonical (`aws.bedrock`, `openai`, `anthropic`, …), never a framework's name.
    pub provider: Option<String>,
    /// As requested.
    pub model: Option<String>,
    pub response_model: Option<String>,
    pub response_id: Option<String>,
    pub agent: Option<String>,
    pub agent_id: Option<String>,
    pub tool: Option<ToolName>,
    pub parameters: Parameters,
    /// As sent: `end_turn`, `tool_calls`, `STOP`.
    pub stop_reason: Option<String>,
    /// The tier at which the provider says that it served the call (`flex`, `priority`, `default`, `batch`); what was
    /// asked for is among the parameters.
    pub service_tier: Option<String>,
    /// Time to the first token.
    pub ttft: Option<Duration>,
    /// Its tokens are a sum over the calls beneath it (an agent, a cycle, a framework's root).
    pub aggregate: bool,
    /// It tells how a streamed call ended that another span began: its prompt is that call's, and so is its answer.
    pub ends_stream: bool,
    pub reported: Reported,
    /// `reported`, freed of its sender's convention; `None` where no tokens were reported.
    pub usage: Option<TokenUsage>,
    /// Of this span alone; set by `pricing` (or by the sender) before the span is stored.
    pub cost: Option<Cost>,
}

/// How an answer ended that is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// At a limit of tokens.
    CutOff,
    /// A filter or the model itself refused.
    Refused,
}

impl Finish {
    /// Reads a finish reason as it was sent; `None` for an answer that is whole.
    #[must_use]
    pub fn of(stop_reason: &str) -> Option<Self> {
        let letters: String =
            stop_reason.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        match letters.as_str() {
            "maxtokens" | "length" | "maxoutputtokens" | "modelcontextwindowexceeded" | "maxlength" => {
                Some(Self::CutOff)
            }
            "contentfilter"
            | "contentfiltered"
            | "guardrailintervened"
            | "refusal"
            | "safety"
            | "recitation"
            | "blocklist"
            | "prohibitedcontent"
            | "spii" => Some(Self::Refused),
            _ => None,
        }
    }
}

/// `gen_ai.operation.name`, or what another dialect calls the same.
pub type Operation = String;

/// What a span delivers between agents. What an agent says is in several such spans, none of them the agent's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// A message to an agent, or the whole answer of one.
    Message,
    /// A piece of an answer that is delivered as a whole as well.
    Piece,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ToolName {
    pub name: Option<String>,
    pub call_id: Option<String>,
    pub description: Option<String>,
    /// The span gathers what parallel runs of tools returned, each of which has a span of its own.
    pub merged: bool,
    /// Whether the tool failed, as the span states it beside its status and its result; `None` if it states neither.
    pub failed: Option<bool>,
}

/// Request parameters under their GenAI names without `gen_ai.request.` (`temperature`, `max_tokens`, …), in order of name.
pub type Parameters = Vec<(String, Value)>;

/// What kind of work a span is. `facts.md` 7; the transcript's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Category {
    Llm,
    Embedding,
    Reranker,
    Retriever,
    Tool,
    Agent,
    Chain,
    Guardrail,
    Evaluator,
    Http,
    Db,
    Messaging,
    /// Nothing says more.
    #[default]
    Span,
}

impl Category {
    pub const ALL: [Self; 13] = [
        Self::Llm,
        Self::Embedding,
        Self::Reranker,
        Self::Retriever,
        Self::Tool,
        Self::Agent,
        Self::Chain,
        Self::Guardrail,
        Self::Evaluator,
        Self::Http,
        Self::Db,
        Self::Messaging,
        Self::Span,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Llm => "llm",
            Self::Embedding => "embedding",
            Self::Reranker => "reranker",
            Self::Retriever => "retriever",
            Self::Tool => "tool",
            Self::Agent => "agent",
            Self::Chain => "chain",
            Self::Guardrail => "guardrail",
            Self::Evaluator => "evaluator",
            Self::Http => "http",
            Self::Db => "db",
            Self::Messaging => "messaging",
            Self::Span => "span",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == text)
    }

    /// Whether a span of this kind is one request to a model.
    #[must_use]
    pub fn is_call(self) -> bool {
        matches!(self, Self::Llm | Self::Embedding | Self::Reranker)
    }

    /// Whether a counted call of this kind is a turn: nobody converses with what makes vectors, or orders by them.
    #[must_use]
    pub fn takes_turns(self) -> bool {
        !matches!(self, Self::Embedding | Self::Reranker)
    }

    /// Whether it is part of what an agent does, rather than of the machinery beneath.
    #[must_use]
    pub fn is_ai(self) -> bool {
        !matches!(self, Self::Http | Self::Db | Self::Messaging | Self::Span)
    }
}
