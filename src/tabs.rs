//! The table of the detail's tabs: the order here is the order on the screen.
//!
//! A tab is a row here, and a file in `app/document` that makes its blocks. `keymap` makes an action of each row, `app`
//! knows from its last columns what makes the blocks.

/// Hands the rows of the table to a macro. `app` names no tab: what it needs of each stands in the row.
macro_rules! table {
    ($take:ident) => {
        $take! {
            // tab     title        short    key  config name      help                              made from, by        label counts
            Messages   "Messages"   "Msg"    "1"  "tab-messages"   "Show the messages"               Answer(messages);
            Tools      "Tools"      "Tools"  "2"  "tab-tools"      "Show the tools and their calls"  Table(tools)         counts;
            Reasoning  "Reasoning"  "Rsn"    "3"  "tab-reasoning"  "Show the reasoning of the models" Answer(reasoning);
            Cost       "Cost"       "Cost"   "4"  "tab-cost"       "Show tokens and cost"            Table(cost);
            Raw        "Raw"        "Raw"    "5"  "tab-raw"        "Show the raw span, as it arrived" Span(raw);
            Timeline   "Timeline"   "Time"   "6"  "tab-timeline"   "Show where the time went"        Answer(timeline);
        }
    };
}
pub(crate) use table;

/// The columns of a row that need nothing of `app`.
#[derive(Debug, Clone, Copy)]
pub struct TabRow {
    pub tab: Tab,
    pub title: &'static str,
    /// The title where there is little room.
    pub short: &'static str,
    /// The keys that show it: its number.
    pub keys: &'static [&'static str],
    /// The name of the action that shows it, in `[keys]`.
    pub action: &'static str,
    pub help: &'static str,
}

macro_rules! tabs {
    ($($tab:ident $title:literal $short:literal $key:literal $action:literal $help:literal
        $source:ident($module:ident) $($counts:ident)?;)*) => {
        /// A tab of the detail.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Tab {
            $(#[doc = $title] $tab,)*
        }

        impl Tab {
            /// The rows of the table, in its order.
            pub const ROWS: &[TabRow] = &[$(TabRow {
                tab: Tab::$tab,
                title: $title,
                short: $short,
                keys: &[$key],
                action: $action,
                help: $help,
            }),*];

            /// Every tab, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$tab),*];
        }
    };
}

table!(tabs);

impl Default for Tab {
    fn default() -> Self {
        Self::ALL[0]
    }
}

impl Tab {
    /// What a wide screen shows beside the messages.
    pub const BESIDE: Self = Self::Timeline;

    /// Its row of the table.
    #[must_use]
    pub fn row(self) -> &'static TabRow {
        // The rows are in the order of the enum.
        &Self::ROWS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tab_finds_its_own_row_and_its_key_is_its_number() {
        for (at, tab) in Tab::ALL.iter().enumerate() {
            assert_eq!(tab.row().tab, *tab);
            assert_eq!(tab.row().keys, [(at + 1).to_string()]);
        }
    }
}
