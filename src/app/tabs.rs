//! The table of the detail's tabs: the order here is the order on the screen.
//!
//! A tab is a row here, a file in `document` that makes its blocks, and a row in the table of actions.

use std::sync::Arc;

use super::document::{Blocks, Counts, cost, messages, raw, reasoning, tools};
use crate::{
    keymap::Action,
    model::{Detail, RawSpan},
};

/// One row of the table.
#[derive(Debug)]
pub struct TabRow {
    pub tab: Tab,
    pub title: &'static str,
    /// The title where there is little room.
    pub short: &'static str,
    /// The action that shows it: its keys and its help are in the table of actions.
    pub action: Action,
    pub source: Source,
    /// What its label counts; `None`: nothing.
    pub counts: Option<fn(&Detail) -> Counts>,
}

/// What a tab is made from, and what makes its blocks.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// The answer about the trace or session.
    Answer(fn(&Arc<Detail>) -> Box<dyn Blocks>),
    /// The span that the tree's cursor is on, as it arrived.
    Span(fn(&Arc<RawSpan>) -> Box<dyn Blocks>),
}

macro_rules! tabs {
    ($($tab:ident $title:literal $short:literal $action:ident $source:expr, $counts:expr;)*) => {
        /// A tab of the detail.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Tab {
            $(#[doc = $title] $tab,)*
        }

        impl Tab {
            /// Its row of the table.
            #[must_use]
            pub fn row(self) -> &'static TabRow {
                match self {
                    $(Self::$tab => {
                        const ROW: TabRow = TabRow {
                            tab: Tab::$tab,
                            title: $title,
                            short: $short,
                            action: Action::$action,
                            source: $source,
                            counts: $counts,
                        };
                        &ROW
                    })*
                }
            }
        }

        /// Every tab, in the order of the table.
        pub const TABS: &[Tab] = &[$(Tab::$tab),*];
    };
}

tabs! {
    // tab     title        short   action        what makes its blocks                   what its label counts
    Messages   "Messages"   "Msg"   TabMessages   Source::Answer(messages::blocks),       None;
    Tools      "Tools"      "Tools" TabTools      Source::Answer(tools::blocks),          Some(tools::counts);
    Reasoning  "Reasoning"  "Rsn"   TabReasoning  Source::Answer(reasoning::blocks),      None;
    Cost       "Cost"       "Cost"  TabCost       Source::Answer(cost::blocks),           None;
    Raw        "Raw"        "Raw"   TabRaw        Source::Span(raw::blocks),              None;
}

impl Default for Tab {
    fn default() -> Self {
        TABS[0]
    }
}

impl Tab {
    /// The tab that an action shows.
    #[must_use]
    pub fn of(action: Action) -> Option<Self> {
        TABS.iter().copied().find(|tab| tab.row().action == action)
    }

    /// Whether it is about one span, and not about a trace or session.
    #[must_use]
    pub fn is_of_span(self) -> bool {
        matches!(self.row().source, Source::Span(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tab_is_shown_by_an_action_of_its_own_whose_key_is_its_number() {
        for (at, tab) in TABS.iter().enumerate() {
            assert_eq!(Tab::of(tab.row().action), Some(*tab));
            assert_eq!(tab.row().action.row().keys, [(at + 1).to_string()]);
        }
    }
}
