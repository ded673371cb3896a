//! An entry of a document: a block that is not laid out, or a segment of one that is.

use super::super::{
    line::DocLine,
    long::AT_ONCE,
    segment::{Above, Extent, Segment},
};

/// A block that is not laid out, or a segment of one that is.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) block: usize,
    pub(super) segment: usize,
    /// The long text of the block that it is a part of, and which part.
    pub(super) part: Option<Box<(usize, Extent)>>,
    pub(super) lines: Option<Vec<DocLine>>,
    pub(super) height: usize,
    /// Whether the height is known and no estimate.
    pub(super) measured: bool,
    /// Whether its block depends on the moment.
    pub(super) ticks: bool,
    /// Bytes of text, about.
    pub(super) bytes: usize,
    /// What stood above when it was laid out.
    pub(super) above: Above,
    pub(super) ends: Above,
}

impl Entry {
    /// A block that is not laid out: about so high.
    pub(super) fn unlaid(block: usize, height: usize, bytes: usize) -> Self {
        Self {
            block,
            segment: 0,
            part: None,
            lines: None,
            height,
            measured: false,
            ticks: false,
            bytes,
            above: Above::Text,
            ends: Above::Text,
        }
    }

    /// A segment of a block that was written beneath something.
    pub(super) fn of(block: usize, segment: usize, written: Segment, above: Above) -> Self {
        let entry = Self { segment, above, ..Self::unlaid(block, 0, 0) };
        match written {
            Segment::Lines(lines) => {
                let bytes = lines.iter().flat_map(|line| &line.texts).map(|styled| styled.text.len()).sum();
                Self { height: lines.len(), measured: true, bytes, lines: Some(lines), ..entry }
            }
            Segment::Later { text, extent, lines } => {
                Self { part: Some(Box::new((text, extent))), height: lines, bytes: AT_ONCE, ..entry }
            }
        }
    }
}
