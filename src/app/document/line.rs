//! One line of a document: styled texts, and what can be done on it.

use std::{collections::HashSet, sync::Arc};

use super::lens::Moment;
use super::{large::Begins, table};
use crate::app::styled::Styled;
use crate::model::{Media, MediaData, SpanId};

/// A line, cut to the width of its document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocLine {
    pub texts: Vec<Styled>,
    /// The span whose turn, tool run or failure begins here: what the tree's cursor can point at.
    pub span: Option<SpanId>,
    /// This line is the head of something that opens and closes.
    pub fold: Option<Fold>,
    /// What this line names can be opened outside.
    pub opens: Option<Opens>,
    /// Where in its run's time it is, of a line that shows some of that.
    pub moment: Option<Box<Moment>>,
    /// Which piece of its block it shows.
    pub piece: Piece,
    /// The line above goes on in it: they were one before they were cut to the width.
    pub goes_on: Option<Joint>,
    /// The row of a table that it shows some of.
    pub row: Option<Arc<table::Written>>,
    /// Which item of which array or map of a large JSON value begins or ends in it, where what is above may not be known.
    pub item: Option<Box<Begins>>,
}

/// What stood between two lines that were one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joint {
    /// Nothing that is not in one of them.
    None,
    /// A space, which is in neither.
    Space,
    /// Both show some of one row of a table, whose cells are beside each other.
    Row,
}

impl Joint {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None | Self::Row => "",
            Self::Space => " ",
        }
    }
}

/// A piece of a block that can be copied by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Piece {
    /// A heading, a mark, what is known besides.
    #[default]
    Other,
    /// What was said.
    Text,
    /// What a tool was called with.
    Arguments,
    /// What a tool gave back.
    Result,
}

/// A text to be copied, as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// What it is, for people: `arguments of book_room`.
    pub what: String,
    pub text: String,
}

impl Copied {
    #[must_use]
    pub fn new(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { what: what.into(), text: text.into() }
    }
}

impl DocLine {
    /// How many lines of the text it was made from begin in it.
    #[must_use]
    pub fn begins(&self) -> usize {
        match (self.goes_on, &self.row) {
            (Some(_), _) => 0,
            (None, Some(row)) => row.source.split('\n').count(),
            (None, None) => 1,
        }
    }

    /// What the line above and this one had between them, where their texts are one when they are joined.
    #[must_use]
    pub fn joint(&self) -> Option<Joint> {
        self.goes_on.filter(|joint| *joint != Joint::Row)
    }

    #[must_use]
    pub fn text(&self) -> String {
        self.texts.iter().map(|styled| styled.text.as_str()).collect()
    }
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

/// The head of something that opens and closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    pub name: FoldName,
    pub open: bool,
}

/// What a fold is called: the same while its document grows, and used by no other fold of its tab.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FoldName(pub String);

/// Which folds were moved by hand away from how they start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folds {
    moved: HashSet<FoldName>,
    /// Every fold is open, whatever was moved.
    all_open: bool,
    /// Lines are not cut to the width.
    unwrapped: bool,
    /// Texts and arguments are shown as they were received.
    raw: bool,
}

impl Folds {
    /// Every fold is open.
    #[must_use]
    pub fn all_open() -> Self {
        Self { all_open: true, ..Self::default() }
    }

    /// Has lines cut to the width, or left as long as they are.
    pub fn toggle_wrap(&mut self) {
        self.unwrapped = !self.unwrapped;
    }

    /// Whether lines are cut to the width.
    #[must_use]
    pub fn wraps(&self) -> bool {
        !self.unwrapped
    }

    /// Has texts and arguments shown as they were received, or as people read them.
    pub fn toggle_raw(&mut self) {
        self.raw = !self.raw;
    }

    /// Whether texts and arguments are shown as they were received.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        self.raw
    }

    /// The same with every fold open.
    #[must_use]
    pub fn opened(&self) -> Self {
        Self { unwrapped: self.unwrapped, raw: self.raw, ..Self::all_open() }
    }

    pub fn toggle(&mut self, fold: &FoldName) {
        if !self.moved.remove(fold) {
            self.moved.insert(fold.clone());
        }
    }

    /// Whether a fold is open that starts open or closed.
    #[must_use]
    pub fn is_open(&self, fold: &FoldName, open_at_first: bool) -> bool {
        self.all_open || open_at_first != self.moved.contains(fold)
    }
}
