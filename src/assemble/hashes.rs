//! Hashes of different things, each a type of its own: the compiler refuses to compare a tool's name with a call's id.

use std::hash::Hash;

use super::text_hash::{self, hash};
use crate::model::ToolCall;

/// Declares types of hashes.
macro_rules! hash_types {
    ($($(#[$doc:meta])+ $name:ident;)+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// Hashes a thing of this kind.
            pub fn of(what: impl Hash) -> Self {
                Self(hash(what))
            }
        }
    )+};
}

hash_types! {
    /// The id of a tool call, as the call has it and as its result and its execution name it.
    CallIdHash;
    /// The name of a tool.
    ToolNameHash;
    /// The name and the arguments of a tool call, without its id: made by [`call_hash`].
    CallHash;
    /// The arguments of a tool call alone.
    ArgumentsHash;
    /// What identifies a tool call in a message: its id and name; of an id that is a counter, the arguments as well.
    CallKey;
    /// A tool result with an id that is a counter: the id and the content.
    ContentOfResult;
    /// A prompt, or the beginning of one.
    PromptHash;
    /// The system messages of a prompt.
    SystemHash;
    /// The name of an instrumentation scope.
    ScopeHash;
    /// The name of a model.
    ModelHash;
    /// The id of a response.
    ResponseHash;
    /// A dialect, a carrier and whether it is a fallback.
    ChannelHash;
}

impl PromptHash {
    /// A prompt of nothing.
    pub const EMPTY: Self = Self(0);

    /// The hash of a prompt that has one message more. `message` is the hash of its content.
    pub fn then(self, message: impl Hash) -> Self {
        Self::of((self, message))
    }
}

/// What identifies a tool result in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResultKey {
    /// The id of the call that it answers.
    CallId(CallIdHash),
    /// Of an id that is a counter, which begins anew in every turn: the id and the content of the result.
    Content(ContentOfResult),
}

impl ResultKey {
    /// The id of the call, where that alone identifies the result.
    pub fn call_id(self) -> Option<CallIdHash> {
        match self {
            Self::CallId(id) => Some(id),
            Self::Content(_) => None,
        }
    }
}

/// By what executions and results are given to calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunKey {
    /// The id of the call.
    Id(CallIdHash),
    /// The name of the tool, and the arguments.
    Content(CallHash),
    /// The name of the tool, in order.
    Name(ToolNameHash),
}

impl RunKey {
    /// The key of a tool call: its id, else its name and arguments.
    pub fn of(call: &ToolCall) -> Self {
        call.known_id().map_or_else(|| Self::Content(call_hash(call)), |id| Self::Id(CallIdHash::of(id)))
    }
}

/// The hash of the name and the arguments of a tool call.
pub fn call_hash(call: &ToolCall) -> CallHash {
    CallHash::of((ToolNameHash::of(&call.name), text_hash::value(&call.input)))
}

/// The hash of the arguments of a tool call, by whatever name.
pub fn arguments_hash(call: &ToolCall) -> ArgumentsHash {
    ArgumentsHash::of(text_hash::value(&call.input))
}
