//! What a row of [`DIALECTS`](super::DIALECTS) can say of a dialect. Only the first four fields are needed.

use super::coding_agents::AgentRecord;
use crate::model::{Category, ContentKind, LogRecord, Source, Translation};

/// Whether a source has the marks of a dialect.
pub type Mark = fn(&Source) -> bool;

/// One way of writing an agent's work into spans.
#[derive(Clone, Copy)]
pub struct Dialect {
    pub name: &'static str,
    /// What its messages are worth.
    pub content: ContentKind,
    /// Whether a source says anything in this dialect. Cheap: asked of every span.
    pub matches: Mark,
    /// Adds what it finds; scalar facts that are known already stay. `into.genai.category` is set before.
    pub translate: fn(&Source, &mut Translation),
    /// The kind of work that a source is, where its sender has a word of its own for it. It goes before what the keys say
    /// that senders share. Asked of every source, so it checks the mark itself; `None` where the keys decide.
    pub category: Option<fn(&Source) -> Option<Category>>,
    /// Where it matches, span events are in its own form: general dialects are not shown them.
    pub claims_events: bool,
    /// The name of a general dialect that is not asked where a source has this mark: this one keeps other things under its
    /// keys.
    pub replaces: Option<(&'static str, Mark)>,
    /// Whether it reads what OpenTelemetry's conventions define, whoever writes it.
    pub is_general: bool,
    /// What a log record without a trace stands for, so that a span can be made of it.
    pub record: Option<for<'a> fn(&'a LogRecord) -> Option<AgentRecord<'a>>>,
}

impl Dialect {
    /// Nothing but what a dialect must say, for the rest of a row: `..Dialect::PLAIN`.
    pub const PLAIN: Self = Self {
        name: "",
        content: ContentKind::Conversation,
        matches: |_| false,
        translate: |_, _| {},
        category: None,
        claims_events: false,
        replaces: None,
        is_general: false,
        record: None,
    };
}
