//! The table of themable things: every name that a theme file may paint, and what it is on the screen.
//!
//! A dotted name that is not painted falls back to what stands before its last dot: `tree.error` to `tree`.
//! So a theme may also paint the groups `tree`, `message`, `json`, … which stand for all of theirs at once.

/// One themable thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub name: &'static str,
    /// What it is, in a line.
    pub help: &'static str,
}

macro_rules! slots {
    ($($name:literal $help:literal)*) => { &[$(Slot { name: $name, help: $help }),*] };
}

/// Every slot, in the order of `sideseat-tui themes`.
pub const SLOTS: &[Slot] = slots! {
    "text"                 "Prose, and whatever nothing else paints"
    "dim"                  "What may be read later: units, hints, labels"
    "accent"               "What the eye should find first"
    "border"               "Frames and dividing lines"
    "border.focused"       "The frame of the pane that has the keys"
    "title"                "A pane's name in its frame"
    "cursor"               "The row under the cursor"
    "cursor.inactive"      "The same while its pane does not have the keys"

    "header"               "The first line"
    "header.waiting"       "Lamp: nothing has arrived yet"
    "header.live"          "Lamp: receiving"
    "header.paused"        "Lamp: the view stands still, receiving goes on"
    "header.failed"        "Lamp: nothing listens"
    "header.total"         "Runs, cost and rate in the first line"
    "sparkline"            "Spans per second over the last minute"

    "tree.session"         "A session's name"
    "tree.trace"           "A run's name"
    "tree.agent"           "Kind letter A: agent"
    "tree.llm"             "Kind letter M: a call of a model"
    "tree.tool"            "Kind letter T: tool"
    "tree.retriever"       "Kind letter R: retriever, reranker, embedding"
    "tree.chain"           "Kind letter W: chain, a step of a workflow"
    "tree.other"           "Kind mark · : everything else"
    "tree.missing"         "A span that others name as parent and that has not come"
    "tree.number"          "Durations and tokens in the tree"
    "tree.cost"            "Money in the tree"
    "tree.error"           "The mark of what failed"
    "tree.running"         "The mark of what has not ended"
    "tree.ok"              "The mark of what went well"

    "tab"                  "A tab's name"
    "tab.active"           "The tab that is open"
    "status"               "The two lines at the bottom"
    "status.key"           "A key in them"
    "status.error"         "What fails right now"
    "filter"               "The filter while it holds"
    "filter.active"        "The filter while it is being typed"

    "message.system"       "Role: system"
    "message.user"         "Role: user"
    "message.assistant"    "Role: assistant"
    "message.tool"         "Calls of tools and their results"
    "message.history"      "What came in with a request and was said before"
    "message.turn"         "The line above each turn"
    "message.reasoning"    "What the model thought"
    "message.hidden"       "What the sender hid or cut"
    "message.media"        "Pictures, audio, documents"

    "json.key"             "A key of JSON"
    "json.string"          "A text of JSON"
    "json.number"          "A number of JSON"
    "json.literal"         "true, false and null"
    "json.punctuation"     "Brackets, colons, commas"
    "markdown.heading"     "A heading"
    "markdown.code"        "Code"
    "markdown.emphasis"    "Emphasis"
    "markdown.strong"      "Strong emphasis"
    "markdown.link"        "A link"
    "markdown.quote"       "A quotation"

    "gauge.full"           "The full part of a bar"
    "gauge.empty"          "The empty part of a bar"
    "cost.input"           "Tokens sent, not cached"
    "cost.cache_read"      "Tokens read from a cache"
    "cost.cache_write"     "Tokens written to a cache"
    "cost.output"          "Tokens answered"
    "cost.reasoning"       "Tokens thought"

    "error"                "Something failed"
    "warning"              "Something to know of"
    "ok"                   "Something is as it should be"
    "running"              "Something is under way"
    "overlay"              "The ground of help and lists"
    "overlay.border"       "Their frame"
    "overlay.title"        "Their title"
    "first_run.command"    "Commands to copy on the first screen"
    "list.match"           "The letters that a search found"
};

/// Whether a theme may paint it: a slot, or a group of slots.
#[must_use]
pub fn is_known(name: &str) -> bool {
    names().any(|known| known == name)
}

/// Every slot and every group, groups before theirs.
pub fn names() -> impl Iterator<Item = &'static str> {
    let mut last_group = "";
    SLOTS.iter().flat_map(move |slot| {
        let group = slot.name.split_once('.').map(|(group, _)| group).filter(|group| *group != last_group);
        last_group = group.unwrap_or(last_group);
        let is_slot_too = group.is_some_and(|group| SLOTS.iter().any(|slot| slot.name == group));
        group.filter(|_| !is_slot_too).into_iter().chain([slot.name])
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
        assert!(SLOTS.iter().all(|slot| !slot.help.is_empty()));
        assert!(is_known("tree") && is_known("tree.error") && !is_known("tree.eror"));
    }
}
