//! A stack trace in the order in which people ask: what failed, where in their own code, innermost first, and what that was
//! caused by. Frames of libraries and of the language are only counted; all of it is shown as it came beneath.

mod frames;
#[cfg(test)]
mod tests;

use frames::{Item, Whose, items};

/// A longer one is shown as it came.
const TOO_LONG: usize = 256 * 1024;

/// So many frames of the user's own code are shown of an error, as where something calls itself without an end,
const OWN: usize = 24;

/// so many lines of its message,
const LINES: usize = 24;

/// and so many errors.
const ERRORS: usize = 8;

/// A stack trace in which something is the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack<'a> {
    /// The error that was seen first, then what it was caused by.
    pub raised: Vec<Raised<'a>>,
    pub frames: usize,
    /// Of these so many are of libraries and of the language.
    pub of_others: usize,
}

/// One error of a stack trace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Raised<'a> {
    /// What it is to the one above, in words; `None` of the first, and where that is not said.
    pub relation: Option<&'static str>,
    /// The lines of its message.
    pub message: Vec<&'a str>,
    /// The frames of the user's own code, innermost first, each of one or more lines.
    pub own: Vec<&'a str>,
}

/// Reads a stack trace; `None` where nothing in it is a frame of the user's own code: then there is nothing to tell apart.
#[must_use]
pub fn read(stack: &str) -> Option<Stack<'_>> {
    if stack.len() > TOO_LONG {
        return None;
    }
    let items: Vec<Item> = items(stack).collect();
    let of_others = items.iter().filter(|item| item.frame == Some(Whose::Others)).count();
    let frames = items.iter().filter(|item| item.frame.is_some()).count();
    if of_others == frames {
        return None;
    }
    let is_python = |item: &Item| item.frame.is_some() && frames::is_python(item.text);
    let mut raised = if items.iter().any(is_python) { last_first(&items) } else { in_order(&items) };
    let mut first = true;
    raised.retain(|one| std::mem::take(&mut first) || one.relation.is_some() || !one.own.is_empty());
    raised.truncate(ERRORS);
    for one in &mut raised {
        one.own.truncate(OWN);
        one.message.truncate(LINES);
    }
    Some(Stack { raised, frames, of_others })
}

/// The errors of a trace that begins with what failed, and the innermost frame first.
fn in_order<'a>(items: &[Item<'a>]) -> Vec<Raised<'a>> {
    let (mut raised, mut is_framed) = (vec![Raised::default()], false);
    for item in items {
        let line = item.text.trim_end();
        if let Some(whose) = item.frame {
            is_framed = true;
            if whose == Whose::Own
                && let Some(last) = raised.last_mut()
            {
                last.own.push(line);
            }
            continue;
        }
        if is_noise(line) {
            continue;
        }
        let cause = CAUSES.iter().find_map(|(mark, words)| Some((line.trim_start().strip_prefix(mark)?, *words)));
        // Rust's list of causes begins with a line of its own.
        let cause = cause.filter(|(message, _)| !message.trim().is_empty());
        if is_framed || cause.is_some() {
            raised.push(Raised { relation: cause.map(|(_, words)| words), ..Raised::default() });
            is_framed = false;
        }
        if let Some(last) = raised.last_mut() {
            last.message.push(cause.map_or(line, |(message, _)| message.trim_start()));
        }
    }
    raised
}

/// The same of Python's, in which each error ends with what failed, and what was seen first stands at the end.
fn last_first<'a>(items: &[Item<'a>]) -> Vec<Raised<'a>> {
    let (mut raised, mut is_framed) = (vec![Raised::default()], false);
    let grouped = items.iter().any(|item| item.frame.is_some() && frames::is_grouped(item.text));
    for item in items {
        let line = item.text.trim_end();
        let Some(last) = raised.last_mut() else { break };
        if let Some(whose) = item.frame {
            is_framed = true;
            if whose == Whose::Own {
                last.own.insert(0, line);
                last.own.truncate(OWN);
            }
        } else if let Some((_, words)) = CHAINS.iter().find(|(mark, _)| line.starts_with(mark)) {
            last.relation = Some(words);
        } else if is_head(line) {
            if is_framed || !last.message.is_empty() {
                raised.push(Raised::default());
                is_framed = false;
            }
        } else if !(is_noise(line) || grouped && line.trim_start().starts_with("+-")) {
            last.message.push(frames::inside(line, grouped).trim_end());
        }
    }
    raised.reverse();
    if let Some(first) = raised.first_mut() {
        first.relation = None;
    }
    raised
}

/// Whether a line is the one above the frames of an error of Python's, also of one in a group.
fn is_head(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches(['+', '-', '|', ' ']);
    ["Traceback (most recent call last)", "Exception Group Traceback (most recent"]
        .iter()
        .any(|start| line.starts_with(start))
}

/// What stands before an error that caused the one above.
const CAUSES: &[(&str, &str)] = &[
    ("Caused by:", "caused by"),
    ("Suppressed:", "suppressed"),
    ("[cause]:", "caused by"),
    ("[Caused by]:", "caused by"),
];

/// What Python writes between an error and the one that came of it.
const CHAINS: &[(&str, &str)] = &[
    ("The above exception was the direct cause", "caused by"),
    ("During handling of the above exception", "while handling"),
];

/// Whether a line says nothing of the error.
fn is_noise(line: &str) -> bool {
    const STARTS: &[&str] = &[
        "... ",
        "--- End of",
        "[Previous line repeated",
        "note: run with",
        "note: Some details",
        "stack backtrace:",
        "Stack backtrace:",
        "}",
    ];
    let line = line.trim();
    line.is_empty() || STARTS.iter().any(|start| line.starts_with(start))
}

impl Stack<'_> {
    /// `12 frames, 9 of libraries`.
    #[must_use]
    pub fn counted(&self) -> String {
        let frames = if self.frames == 1 { "1 frame".to_owned() } else { format!("{} frames", self.frames) };
        if self.of_others == 0 { frames } else { format!("{frames}, {} of libraries", self.of_others) }
    }
}

impl Raised<'_> {
    /// The frames of the user's own code, without the indent that all of them have.
    #[must_use]
    pub fn own_text(&self) -> String {
        let lines = || {
            self.own.iter().flat_map(|frame| {
                let grouped = frames::is_grouped(frame);
                frame.lines().map(move |line| frames::inside(line, grouped))
            })
        };
        let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
        let common = lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
        lines().map(|line| line.get(common..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
    }

    /// Whether its message says more than the kind and the message that stand above it.
    #[must_use]
    pub fn adds_to(&self, kind: Option<&str>, message: Option<&str>) -> bool {
        let own = self.message.join("\n");
        let message = message.map(str::trim).filter(|message| !message.is_empty());
        let Some(rest) = message.map_or(Some(own.as_str()), |message| own.trim().strip_suffix(message)) else {
            return true;
        };
        let rest = rest.trim().trim_end_matches(':').trim_start_matches("Uncaught ");
        let last = |name: &str| name.rsplit(['.', ':', '/']).next().map(str::to_owned);
        let named = kind.is_some_and(|kind| last(rest) == last(kind));
        !(rest.is_empty() || named)
    }
}
