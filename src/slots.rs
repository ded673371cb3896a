//! The table of themable things: every slot that a theme file may paint, and what it is on the screen.
//!
//! `app` and `view` name a slot for each piece of text; `theme` knows with which style each is painted. A name with a
//! dot that a theme does not paint falls back to what stands before the dot: `tree.error` to `tree`. So a theme may
//! also paint the groups `tree`, `message`, `json`, …, which stand for all of theirs at once.

macro_rules! slots {
    ($($(#[$attribute:meta])* $slot:ident $name:literal $help:literal)*) => {
        /// One themable thing. The declared order is that of the table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub enum Slot {
            $(#[doc = $help] $(#[$attribute])* $slot,)*
        }

        impl Slot {
            /// Every slot, in the order of the table: `slot as usize` is its place here.
            pub const ALL: &[Self] = &[$(Self::$slot),*];

            /// Its name in a theme file, `tree.error`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$slot => $name),* }
            }

            /// What it is, in a line.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $(Self::$slot => $help),* }
            }
        }
    };
}

slots! {
    #[default]
    Text               "text"                 "Prose, and whatever nothing else paints"
    Dim                "dim"                  "What may be read later: units, hints, labels"
    Accent             "accent"               "What the eye should find first"
    Border             "border"               "Frames and dividing lines"
    BorderFocused      "border.focused"       "The frame of the pane that has the keys"
    Title              "title"                "A pane's name in its frame"
    Cursor             "cursor"               "The row under the cursor"
    CursorInactive     "cursor.inactive"      "The same while its pane does not have the keys"

    Header             "header"               "The first line"
    HeaderWaiting      "header.waiting"       "Lamp: nothing has arrived yet"
    HeaderLive         "header.live"          "Lamp: receiving"
    HeaderPaused       "header.paused"        "Lamp: the view stands still, receiving goes on"
    HeaderFailed       "header.failed"        "Lamp: nothing listens"
    HeaderTotal        "header.total"         "Runs, cost and rate in the first line"
    Sparkline          "sparkline"            "Spans per second over the last minute"

    TreeSession        "tree.session"         "A session's name"
    TreeTrace          "tree.trace"           "A run's name"
    TreeAgent          "tree.agent"           "Kind letter A: agent"
    TreeLlm            "tree.llm"             "Kind letter M: a call of a model"
    TreeTool           "tree.tool"            "Kind letter T: tool"
    TreeRetriever      "tree.retriever"       "Kind letter R: retriever, reranker, embedding"
    TreeChain          "tree.chain"           "Kind letter W: chain, a step of a workflow"
    TreeOther          "tree.other"           "Kind mark · : everything else"
    TreeMissing        "tree.missing"         "A span that others name as parent and that has not arrived"
    TreeNumber         "tree.number"          "Durations and tokens in the tree"
    TreeCost           "tree.cost"            "Money in the tree"
    TreeError          "tree.error"           "The mark of what failed"
    TreeRunning        "tree.running"         "The mark of what has not ended"
    TreeOk             "tree.ok"              "The mark of what went well"

    Tab                "tab"                  "A tab's name"
    TabActive          "tab.active"           "The tab that is open"
    Status             "status"               "The two lines at the bottom"
    StatusKey          "status.key"           "A key in them"
    StatusError        "status.error"         "What fails right now"
    Filter             "filter"               "The filter while it holds"
    FilterActive       "filter.active"        "The filter while it is being typed"

    MessageSystem      "message.system"       "Role: system"
    MessageUser        "message.user"         "Role: user"
    MessageAssistant   "message.assistant"    "Role: assistant"
    MessageTool        "message.tool"         "Calls of tools and their results"
    MessageHistory     "message.history"      "What a request repeats of earlier messages"
    MessageTurn        "message.turn"         "The line above each turn"
    MessageReasoning   "message.reasoning"    "What the model thought"
    MessageHidden      "message.hidden"       "What the sender hid or cut"
    MessageMedia       "message.media"        "Pictures, audio, documents"

    JsonKey            "json.key"             "A key of JSON"
    JsonString         "json.string"          "A text of JSON"
    JsonNumber         "json.number"          "A number of JSON"
    JsonLiteral        "json.literal"         "true, false and null"
    JsonPunctuation    "json.punctuation"     "Brackets, colons, commas"
    MarkdownHeading    "markdown.heading"     "A heading"
    MarkdownCode       "markdown.code"        "Code"
    MarkdownEmphasis   "markdown.emphasis"    "Emphasis"
    MarkdownStrong     "markdown.strong"      "Strong emphasis"
    MarkdownLink       "markdown.link"        "A link"
    MarkdownQuote      "markdown.quote"       "A quotation"
    CodeKeyword        "code.keyword"         "A word that means something to a language"
    CodeString         "code.string"          "A text in code"
    CodeNumber         "code.number"          "A number in code"
    CodeComment        "code.comment"         "A comment in code"

    GaugeFull          "gauge.full"           "The full part of a bar"
    GaugeEmpty         "gauge.empty"          "The empty part of a bar"
    CostInput          "cost.input"           "Tokens sent, not cached"
    CostCacheRead      "cost.cache_read"      "Tokens read from a cache"
    CostCacheWrite     "cost.cache_write"     "Tokens written to a cache"
    CostOutput         "cost.output"          "Tokens answered"
    CostReasoning      "cost.reasoning"       "Tokens thought"

    Error              "error"                "Something failed"
    Warning            "warning"              "Something to know of"
    Ok                 "ok"                   "Something is as it should be"
    Running            "running"              "Something is under way"
    Overlay            "overlay"              "The ground of help and lists"
    OverlayBorder      "overlay.border"       "Their frame"
    OverlayTitle       "overlay.title"        "Their title"
    FirstRunCommand    "first_run.command"    "Commands to copy on the first screen"
    ListMatch          "list.match"           "The letters that a search found"
}

impl Slot {
    /// The slot of that name; `None` for any other text, also for the name of a group that is no slot itself.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|slot| slot.name() == name)
    }

    /// The names under which a theme may paint it, the most specific first: `tree.error`, then its group `tree`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        std::iter::successors(Some(self.name()), |name| name.rsplit_once('.').map(|(group, _)| group))
    }
}

/// Whether a theme may paint it: a slot, or a group of slots.
#[must_use]
pub fn is_known(name: &str) -> bool {
    names().any(|known| known == name)
}

/// The names of every slot and every group, groups before theirs.
pub fn names() -> impl Iterator<Item = &'static str> {
    let mut last_group = "";
    Slot::ALL.iter().flat_map(move |slot| {
        let name = slot.name();
        let group = name.split_once('.').map(|(group, _)| group).filter(|group| *group != last_group);
        last_group = group.unwrap_or(last_group);
        group.filter(|group| Slot::parse(group).is_none()).into_iter().chain([name])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_slot_is_listed_twice_and_each_has_a_help() {
        let all: Vec<_> = names().collect();
        let once: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), once.len(), "{all:?}");
        assert!(Slot::ALL.iter().all(|slot| !slot.help().is_empty()));
        assert!(is_known("tree") && is_known("tree.error") && !is_known("tree.eror"));
    }

    #[test]
    fn a_slot_is_found_by_its_name_and_falls_back_to_its_group() {
        for (place, slot) in Slot::ALL.iter().enumerate() {
            assert_eq!((Slot::parse(slot.name()), *slot as usize), (Some(*slot), place));
        }
        assert_eq!(Slot::parse("tree"), None);
        assert_eq!(Slot::TreeError.names().collect::<Vec<_>>(), ["tree.error", "tree"]);
    }
}
