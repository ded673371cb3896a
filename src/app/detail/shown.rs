//! One text of the detail: where it is scrolled, and how its place is found again when the text is another.

use super::over;
use crate::{
    app::{
        document::{BlockId, Document, Folds, Place},
        scroll::Scroll,
    },
    model::{Node, SpanId},
};

/// What a tab is held at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Hold {
    #[default]
    Start,
    /// Where the part of a span starts.
    Span(SpanId),
    /// The end, also as it grows.
    End,
    /// A line chosen by hand: the block, and which line of it.
    Hand { block: BlockId, place: Place },
}

/// What a text's blocks were made from; from another they must be made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Made {
    /// Of the answer; `None` where nothing is chosen.
    pub(super) version: Option<u64>,
    pub(super) over: Option<over::Made>,
    /// It is about a program.
    pub(super) is_program: bool,
    pub(super) width: u16,
    /// Lines are cut to the width.
    pub(super) wraps: bool,
    /// Texts are shown as they were received.
    pub(super) raw: bool,
}

/// One text: its lines, and where it is scrolled.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) document: Document,
    pub(super) made: Option<Made>,
    pub(super) hold: Hold,
    /// The line with the cursor; its number in `scroll` follows from it.
    pub(super) place: Place,
    pub(super) scroll: Scroll,
    /// The place is to be found anew from what is held.
    pub(super) lost: bool,
}

impl Shown {
    /// Finds the place of what is held.
    pub(super) fn find(&mut self, height: usize, nodes: &[Node], folds: &Folds) {
        self.place = match self.hold {
            Hold::Start => Place::default(),
            Hold::Span(span) => self.place_of(span, nodes, folds).unwrap_or_default(),
            Hold::End => self.end(height, folds),
            Hold::Hand { block, place } => match self.document.block_of(block, place.block) {
                Some(block) => Place { block, ..place },
                None => self.document.place(self.scroll.cursor),
            },
        };
    }

    /// The last line. What is laid out there may turn out to go on.
    fn end(&mut self, height: usize, folds: &Folds) -> Place {
        loop {
            let last = self.document.last();
            self.document.lay_around(last, height, 1, folds);
            if self.document.last() == last {
                return last;
            }
        }
    }

    /// Lays out what is near the cursor, and gives its line the number that it has now. `clamped`: no room is left
    /// beneath the end; `found`: the place is a new one; `measured`: so many bytes of text are measured beside that.
    pub(super) fn follow(&mut self, height: usize, clamped: bool, found: bool, measured: usize, folds: &Folds) {
        // A page above and below the window, so that moving by one stays within what is known.
        self.document.lay_around(self.place, 2 * height + 1, 2 * height + 1, folds);
        self.document.measure(measured, self.place, folds);
        let (at, length) = (self.document.number_of(self.place), self.document.len());
        match self.hold {
            Hold::Start | Hold::Span(_) if found => self.scroll.show_first(at, length, height),
            Hold::End if found => self.scroll.show(at, length, height),
            _ => {
                self.scroll.carry_to(at, height);
                if clamped {
                    self.scroll.show(at, length, height);
                }
            }
        }
        self.place = self.document.place(at);
    }

    /// Where a span's part starts. One without a part of its own is where the first beneath it is, else where the last
    /// before it is.
    fn place_of(&mut self, span: SpanId, nodes: &[Node], folds: &Folds) -> Option<Place> {
        let mut place = |span: SpanId| self.document.find(span, folds);
        if let Some(place) = place(span) {
            return Some(place);
        }
        let at = nodes.iter().position(|node| node.id == span)?;
        let beneath = nodes.get(at + 1..(at + 1 + nodes[at].beneath).min(nodes.len())).unwrap_or_default();
        let first = beneath.iter().find_map(|node| place(node.id));
        first.or_else(|| nodes[..at].iter().rev().find_map(|node| place(node.id)))
    }
}
