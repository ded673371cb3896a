//! What the detail's tabs are made from: the last columns of the table in `crate::tabs`.

use std::sync::Arc;

use super::document::{self, Blocks, Counts};
use crate::{
    model::{Detail, RawSpan},
    tabs::{Tab, table},
};

/// What a tab is made from, and what makes its blocks.
#[derive(Debug, Clone, Copy)]
pub enum TabSource {
    /// The answer about the trace or session.
    Answer(fn(&Arc<Detail>) -> Box<dyn Blocks>),
    /// The same, with sums at its top that say more than its end.
    Table(fn(&Arc<Detail>) -> Box<dyn Blocks>),
    /// The span that the tree's cursor is on, as it arrived.
    Span(fn(&Arc<RawSpan>) -> Box<dyn Blocks>),
}

macro_rules! sources {
    ($($tab:ident $title:literal $short:literal $key:literal $action:literal $help:literal
        $source:ident($module:ident) $($counts:ident)?;)*) => {
        impl Tab {
            /// What it is made from, and what makes its blocks.
            #[must_use]
            pub fn source(self) -> TabSource {
                match self { $(Self::$tab => TabSource::$source(document::$module::blocks)),* }
            }

            /// What its label counts in an answer; `None`: nothing.
            #[must_use]
            pub fn counts(self, detail: &Detail) -> Option<Counts> {
                match self { $(Self::$tab => counts!(detail $($module::$counts)?)),* }
            }
        }
    };
}

macro_rules! counts {
    ($detail:ident) => {
        None
    };
    ($detail:ident $module:ident::$counts:ident) => {
        Some(document::$module::$counts($detail))
    };
}

table!(sources);

impl Tab {
    /// Whether it is about one span, and not about a trace or session.
    #[must_use]
    pub fn is_of_span(self) -> bool {
        matches!(self.source(), TabSource::Span(_))
    }

    /// Whether it is read from its top, also as it grows.
    #[must_use]
    pub fn is_table(self) -> bool {
        matches!(self.source(), TabSource::Table(_))
    }
}
