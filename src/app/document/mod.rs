//! What the detail panes show: text as lines already cut to a width, each piece with its theme slot.
//!
//! `update` scrolls by these lines and the view paints them, so both agree about where things are. Every builder is a
//! function of the answer, the folds and the width.

mod build;
mod cost;
mod json;
mod markdown;
mod messages;
mod ordinals;
mod parts;
mod raw;
mod reasoning;
mod runs;
mod tools;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use crate::model::{Media, MediaData, SpanId, TraceId};
use crate::slots::Slot;

pub use cost::cost;
pub use messages::messages;
pub use raw::raw;
pub use reasoning::reasoning;
pub use tools::{called, tools};

/// One pane's text at one width.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    pub width: u16,
    pub lines: Vec<DocLine>,
}

impl Document {
    /// The line at which a span's part starts; `None` where the document has none.
    #[must_use]
    pub fn line_of(&self, anchor: &Anchor) -> Option<usize> {
        self.lines.iter().position(|line| line.anchor.as_ref() == Some(anchor))
    }

    /// The text of a line.
    #[must_use]
    pub fn text(&self, line: usize) -> String {
        self.lines.get(line).map(DocLine::text).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocLine {
    pub runs: Vec<Run>,
    /// Here starts what the tree's cursor can point at.
    pub anchor: Option<Anchor>,
    /// This line is the head of something that opens and closes.
    pub fold: Option<Fold>,
    /// What this line names can be opened outside.
    pub opens: Option<Opens>,
}

/// What another program can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opens {
    /// Bytes of the store, by their SHA-256.
    Blob { sha256: [u8; 32], mime: Option<String> },
    /// An address of the web.
    Address(String),
}

impl Opens {
    /// What there is of media to open; no address but the web's, for a model may say any.
    #[must_use]
    pub fn of(media: &Media) -> Option<Self> {
        match &media.data {
            MediaData::Stored { sha256, .. } => Some(Self::Blob { sha256: *sha256, mime: media.mime.clone() }),
            MediaData::Uri(uri) if ["https://", "http://"].iter().any(|scheme| uri.starts_with(scheme)) => {
                Some(Self::Address(uri.clone()))
            }
            MediaData::Uri(_) | MediaData::Inline(_) | MediaData::Absent => None,
        }
    }
}

impl DocLine {
    #[must_use]
    pub fn text(&self) -> String {
        self.runs.iter().map(|run| run.text.as_str()).collect()
    }
}

/// A piece of a line in one style. The text is clean: no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub text: String,
    /// What it is to a theme.
    pub slot: Slot,
}

impl Run {
    pub fn new(text: impl Into<String>, slot: Slot) -> Self {
        Self { text: text.into(), slot }
    }
}

/// What a line stands for, as the tree knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Anchor {
    Trace(TraceId),
    /// A model call's turn, or a tool's run.
    Span(SpanId),
}

/// Something that opens and closes, by a name that stays the same while the document grows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fold(pub String);

/// Which folds were moved by hand away from how they start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folds(HashSet<Fold>);

impl Folds {
    pub fn toggle(&mut self, fold: &Fold) {
        if !self.0.remove(fold) {
            self.0.insert(fold.clone());
        }
    }

    fn is_open(&self, fold: &Fold, at_first: bool) -> bool {
        at_first != self.0.contains(fold)
    }
}
