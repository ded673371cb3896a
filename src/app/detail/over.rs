//! What lies over the messages: the prompt of a call, or a comparison with what was marked.

use crate::{
    app::browse::RowId,
    model::{Query, SpanId, Subject, TraceId},
    tabs::Tab,
};

/// A text of the detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum View {
    Tab(Tab),
    Prompt,
    Comparison,
}

impl View {
    pub fn all() -> impl Iterator<Item = Self> {
        Tab::ALL.iter().map(|tab| Self::Tab(*tab)).chain([Self::Prompt, Self::Comparison])
    }

    /// Whether it is about one step, and not about a run.
    pub fn is_of_step(self) -> bool {
        match self {
            Self::Tab(tab) => tab.is_of_span(),
            Self::Prompt => true,
            Self::Comparison => false,
        }
    }

    /// Whether it is read from its top, also as it grows.
    pub fn is_table(self) -> bool {
        match self {
            Self::Tab(tab) => tab.is_table(),
            Self::Prompt | Self::Comparison => false,
        }
    }
}

/// What lies over the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// What a call was sent; `full`: all of it, else what is new in it.
    Prompt { full: bool },
    /// What was marked, beside what the tree's cursor is on.
    Comparison,
}

impl Over {
    /// What stands in the place of the tab's title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Prompt { .. } => "Prompt",
            Self::Comparison => "Compare",
        }
    }
}

/// A run or a call that another is to be compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub trace: TraceId,
    /// `None`: the whole run.
    pub call: Option<SpanId>,
    /// What it is called in the last line.
    pub name: String,
}

impl Mark {
    /// Its row in the tree.
    #[must_use]
    pub fn row(&self) -> RowId {
        self.call.map_or(RowId::Trace(self.trace), |span| RowId::Span(self.trace, span))
    }

    /// The question about it.
    #[must_use]
    pub fn question(&self) -> Query {
        Query::Detail { subject: Subject::Trace(self.trace) }
    }
}

/// What the blocks of such a text were made from, beside the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    pub over: Over,
    /// The trace and the step that it is about; of a comparison of runs there is none.
    pub step: (Option<TraceId>, Option<SpanId>),
    /// The mark, and which answer about it.
    pub marked: Option<(TraceId, Option<SpanId>, u64)>,
}
