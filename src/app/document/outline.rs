//! The blocks of a tab: made once an answer, each written when it is looked at.

use std::{fmt::Debug, hash::Hash};

use super::build::Builder;
use super::hash::{self, HashMap};
use super::line::{Copied, Piece};
use crate::model::SpanId;

/// What one tab shows of one answer.
///
/// Making it walks the answer once and formats nothing; [`Self::write`] is cheap for the blocks near the window.
pub trait Pane: Debug + Send + Sync {
    type Block: Debug + Send + Sync;

    /// Writes the lines of one block.
    fn write(&self, block: &Self::Block, to: &mut Builder);

    /// The line of a block at which something differs from what it is compared with; `None`: nothing in it does.
    fn difference(&self, _: &Self::Block) -> Option<usize> {
        None
    }

    /// A piece of a block as it was received, to be copied; of [`Piece::Other`] what the block is about. `None` where
    /// there is no such piece.
    fn copied(&self, _block: &Self::Block, _piece: Piece) -> Option<Copied> {
        None
    }

    /// Whether what is written depends on the zoom.
    fn needs_lens(&self) -> bool {
        false
    }
}

/// A stretch of a document that is laid out as a whole, in reading order: a message's part, a turn's rule, a row.
#[derive(Debug)]
struct Block<B> {
    what: B,
    id: BlockId,
    size: Size,
}

/// What a block is about, as a hash: the same in the next answer, so that a place in the text is found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BlockId(u64);

/// About how large a block is before it is laid out: lines that do not depend on the width, and bytes of prose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    pub lines: usize,
    pub bytes: usize,
}

/// The blocks of a pane, and in which of them each span's part is.
#[derive(Debug)]
pub struct Outline<B> {
    blocks: Vec<Block<B>>,
    spans: HashMap<SpanId, usize>,
}

impl<B> Default for Outline<B> {
    fn default() -> Self {
        Self { blocks: Vec::new(), spans: HashMap::default() }
    }
}

impl<B> Outline<B> {
    /// Adds a block; `id`: what tells it from every other block of the tab.
    pub fn push(&mut self, what: B, id: impl Hash, lines: usize, bytes: usize) {
        let id = BlockId(hash::of(id));
        self.blocks.push(Block { what, id, size: Size { lines, bytes } });
    }

    /// Makes room for the parts of so many spans.
    pub fn expect(&mut self, spans: usize) {
        self.spans.reserve(spans);
    }

    /// Notes that the last block holds a span's part, unless one before it does.
    pub fn holds(&mut self, span: SpanId) {
        self.spans.entry(span).or_insert(self.blocks.len().saturating_sub(1));
    }

    pub fn of<P: Pane<Block = B> + 'static>(self, pane: P) -> Box<dyn Blocks>
    where
        B: Debug + Send + Sync + 'static,
    {
        Box::new(Outlined { outline: self, pane })
    }
}

/// How many of what a tab lists there are, and how many of them failed: for its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub all: usize,
    pub failed: usize,
}

/// The blocks of any tab.
pub trait Blocks: Debug + Send + Sync {
    /// How many there are.
    fn count(&self) -> usize;

    fn id(&self, block: usize) -> BlockId;

    fn size(&self, block: usize) -> Size;

    /// The block that holds a span's part; `None` where the tab shows nothing of the span.
    fn of_span(&self, span: SpanId) -> Option<usize>;

    /// The line of a block at which something differs from what it is compared with; `None`: nothing in it does.
    fn difference(&self, block: usize) -> Option<usize>;

    /// Writes the lines of a block.
    fn write(&self, block: usize, to: &mut Builder);

    /// A piece of a block as it was received; `None` where it has none.
    fn copied(&self, block: usize, piece: Piece) -> Option<Copied>;

    /// Whether what is written depends on the zoom.
    fn needs_lens(&self) -> bool;
}

#[derive(Debug)]
struct Outlined<P: Pane> {
    outline: Outline<P::Block>,
    pane: P,
}

impl<P: Pane> Blocks for Outlined<P> {
    fn count(&self) -> usize {
        self.outline.blocks.len()
    }

    fn id(&self, block: usize) -> BlockId {
        self.outline.blocks[block].id
    }

    fn size(&self, block: usize) -> Size {
        self.outline.blocks[block].size
    }

    fn of_span(&self, span: SpanId) -> Option<usize> {
        self.outline.spans.get(&span).copied()
    }

    fn difference(&self, block: usize) -> Option<usize> {
        self.pane.difference(&self.outline.blocks[block].what)
    }

    fn write(&self, block: usize, to: &mut Builder) {
        to.begin(self.id(block).0);
        self.pane.write(&self.outline.blocks[block].what, to);
    }

    fn copied(&self, block: usize, piece: Piece) -> Option<Copied> {
        self.pane.copied(&self.outline.blocks.get(block)?.what, piece)
    }

    fn needs_lens(&self) -> bool {
        self.pane.needs_lens()
    }
}
