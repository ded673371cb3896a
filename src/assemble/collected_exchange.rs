//! An exchange of a trace as it is collected, before it is placed in a conversation.

use super::{prepared_exchange::PreparedExchange, provenance::Provenance, shown_messages::PlacedMessage};
use crate::model::{ConversationMessage, SpanId, Timestamp};

/// An exchange with its place in the trace. Exchanges are placed in conversations in the order of their start.
#[derive(Debug)]
pub enum CollectedExchange {
    /// A model call, with what other records have of its exchange.
    Call(Box<PreparedExchange>),
    /// Messages that no model call has.
    Standalone(StandaloneExchange),
}

impl CollectedExchange {
    /// When its span began.
    pub fn started(&self) -> Timestamp {
        match self {
            Self::Call(call) => call.placed.started,
            Self::Standalone(standalone) => standalone.started,
        }
    }
}

/// The messages of an agent, workflow or tools beneath which no model call has messages. They are a conversation by
/// themselves.
#[derive(Debug)]
pub struct StandaloneExchange {
    /// The node of the nearest agent or tool around it, for an agent the agent itself; `None` where there is none.
    pub scope: Option<usize>,
    /// The agent's name; `None` where it is unknown.
    pub agent: Option<String>,
    /// The span that identifies the conversation: that of the first model call beneath the node, else that of the node.
    pub first: SpanId,
    /// The node with the messages.
    pub node: usize,
    /// When that node began.
    pub started: Timestamp,
    /// The messages in order, each with where it comes from.
    pub messages: Vec<PlacedMessage>,
}

impl StandaloneExchange {
    /// Adds a message at the end.
    pub fn push(&mut self, shown: ConversationMessage, provenance: Provenance) {
        self.messages.push(PlacedMessage { shown, provenance });
    }
}
