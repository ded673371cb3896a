//! A document: the blocks of a tab at one width, laid out where they are looked at.
//!
//! ```text
//!   block   ─ not laid out yet: about so many lines
//!   block   ─ segment: lines        what lies near the window, or was cheap
//!           ─ segment: long text    about so many lines, laid out by itself
//!   block   ─ measured: so many lines, which were let go
//! ```
//!
//! A line's number may change while blocks above it are measured, so a place is kept as a [`Place`] and not as a number.

mod entry;
mod json_path;
mod links;
mod reading;
mod search;
mod selected;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use search::{Hit, Search};
pub use selected::Selected;

use super::build::Builder;
use super::lens::Lens;
use super::line::{DocLine, Folds};
use super::outline::{BlockId, Blocks};
use super::segment::{Above, Segment, Written};
use crate::app::format::Zone;
use crate::model::{SpanId, Timestamp};
use entry::Entry;

/// More lines than this are not kept once they are measured.
const KEPT: usize = 8_000;

/// Lines on either side of a place that are kept in any case: some pages.
const NEAR: usize = 1_000;

/// What laying out one block costs beside its text, in bytes of text.
const BLOCK: usize = 256;

/// A line of a document, by what it is a line of: the block, its segment, the line of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    pub block: usize,
    pub segment: usize,
    pub line: usize,
}

/// One tab's text at one width.
#[derive(Debug, Default)]
pub struct Document {
    blocks: Option<Arc<dyn Blocks>>,
    width: u16,
    zone: Zone,
    /// What depends on the moment is written as of this one.
    now: Timestamp,
    /// An entry that is laid out depends on the moment.
    ticks: bool,
    lens: Lens,
    entries: Vec<Entry>,
    /// At which line each entry starts; one more for the end.
    starts: Vec<usize>,
    /// Of so many entries `starts` has the heights: those after a change are counted again, as there may be many.
    numbered: usize,
    /// All entries before this one are measured.
    measured: usize,
    /// Lines that are kept.
    kept: usize,
}

impl Document {
    #[must_use]
    pub fn new(blocks: Arc<dyn Blocks>, width: u16, zone: Zone) -> Self {
        let entries = (0..blocks.count()).map(|block| {
            let size = blocks.size(block);
            let height = size.lines + size.bytes / usize::from(width.max(1)) + usize::from(size.bytes > 0);
            Entry::unlaid(block, height, size.bytes)
        });
        let mut document = Self { entries: entries.collect(), width, zone, ..Self::default() };
        document.blocks = Some(blocks);
        document.number();
        document
    }

    /// All lines at once, for those who want to read them and not to look at them.
    #[must_use]
    pub fn whole(blocks: Arc<dyn Blocks>, folds: &Folds, width: u16) -> Vec<DocLine> {
        let mut document = Self::new(blocks, width, Zone::default());
        let mut lines = Vec::new();
        let mut at = 0;
        while at < document.entries.len() {
            // The lines after a long text were written together with those before it.
            if !document.is_laid_out(at) {
                document.lay_out(at, folds);
            }
            lines.append(document.entries[at].lines.as_mut().expect("it was laid out"));
            at += 1;
        }
        lines
    }

    /// The same text at another width.
    #[must_use]
    pub fn at_width(&self, width: u16) -> Self {
        let same =
            |blocks| Self { now: self.now, lens: self.lens.clone(), ..Self::new(blocks, width, self.zone.clone()) };
        self.blocks.clone().map_or_else(Self::default, same)
    }

    /// Has what depends on the moment written anew where it is looked at, when another second has begun.
    pub fn tick(&mut self, now: Timestamp) {
        const SECOND: u64 = 1_000_000_000;
        if self.now.0 / SECOND == now.0 / SECOND {
            return;
        }
        self.now = now;
        if std::mem::take(&mut self.ticks) {
            for entry in self.entries.iter_mut().filter(|entry| entry.ticks && entry.segment == 0) {
                self.kept -= entry.lines.take().map_or(0, |lines| lines.len());
            }
        }
    }

    /// Looks at the text through another zoom. Only a text that depends on it is written anew, with the heights that it
    /// had.
    pub fn look(&mut self, lens: &Lens) {
        if self.lens == *lens || !self.blocks.as_deref().is_some_and(Blocks::needs_lens) {
            return;
        }
        self.lens.clone_from(lens);
        for entry in &mut self.entries {
            entry.lines = None;
        }
        self.kept = 0;
    }

    /// Takes the heights of blocks that another document of the same width has as well: better than an estimate.
    pub fn estimate_as(&mut self, before: &Self) {
        if before.width != self.width {
            return;
        }
        let heights = before.heights();
        let (old, new) = (before.blocks.as_deref(), self.blocks.as_deref());
        let (Some(old), Some(new)) = (old, new) else { return };
        let (old_count, new_count) = (old.count(), new.count());
        let both = old_count.min(new_count);
        let first = (0..both).take_while(|block| old.id(*block) == new.id(*block)).count();
        let ends_alike = |back: &usize| old.id(old_count - back) == new.id(new_count - back);
        let last = (1..=both - first).take_while(ends_alike).count();
        for (at, height) in heights.iter().enumerate().take(first) {
            self.set_height(at, *height);
        }
        for back in 1..=last {
            self.set_height(new_count - back, heights[old_count - back]);
        }
        self.number();
    }

    fn heights(&self) -> Vec<usize> {
        let mut heights = vec![0; self.blocks.as_ref().map_or(0, |blocks| blocks.count())];
        for entry in &self.entries {
            heights[entry.block] += entry.height;
        }
        heights
    }

    /// How many lines there are, those that are not laid out yet by estimate.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A line; `None` beyond the end, and where nothing is laid out.
    #[must_use]
    pub fn line(&self, at: usize) -> Option<&DocLine> {
        let entry = self.entry_at(at)?;
        self.entries[entry].lines.as_ref()?.get(at - self.starts[entry])
    }

    /// The text of a line.
    #[must_use]
    pub fn text(&self, at: usize) -> String {
        self.line(at).map(DocLine::text).unwrap_or_default()
    }

    /// The line at which a span's part starts, if that is laid out.
    #[must_use]
    pub fn line_of(&self, span: SpanId) -> Option<usize> {
        (0..self.len()).find(|at| self.line(*at).is_some_and(|line| line.span == Some(span)))
    }

    /// What stands at a line.
    #[must_use]
    pub fn place(&self, at: usize) -> Place {
        let Some(entry) = self.entry_at(at.min(self.len().saturating_sub(1))) else { return Place::default() };
        let Entry { block, segment, .. } = self.entries[entry];
        Place { block, segment, line: at.saturating_sub(self.starts[entry]) }
    }

    /// The number of the line at a place.
    #[must_use]
    pub fn number_of(&self, place: Place) -> usize {
        let Some(entry) = self.entry_of(place) else { return 0 };
        let line = place.line.min(self.entries[entry].height.saturating_sub(1));
        (self.starts[entry] + line).min(self.len().saturating_sub(1))
    }

    /// The last line there is.
    #[must_use]
    pub fn last(&self) -> Place {
        let last = self.entries.last();
        last.map_or_else(Place::default, |entry| Place { block: entry.block, segment: entry.segment, line: usize::MAX })
    }

    /// What a block is about; `None` where there is no such block.
    #[must_use]
    pub fn id(&self, block: usize) -> Option<BlockId> {
        self.blocks.as_deref().filter(|blocks| block < blocks.count()).map(|blocks| blocks.id(block))
    }

    /// The next place after a block, or before it, at which something differs from what it is compared with.
    #[must_use]
    pub fn next_difference(&self, block: usize, forward: bool) -> Option<Place> {
        let blocks = self.blocks.as_deref()?;
        let at = |block: usize| Some(Place { block, line: blocks.difference(block)?, ..Place::default() });
        if forward { (block + 1..blocks.count()).find_map(at) } else { (0..block).rev().find_map(at) }
    }

    /// The block that is about this; `near`: where it probably is.
    #[must_use]
    pub fn block_of(&self, id: BlockId, near: usize) -> Option<usize> {
        if self.id(near) == Some(id) {
            return Some(near);
        }
        let blocks = self.blocks.as_deref()?;
        (0..blocks.count()).find(|block| blocks.id(*block) == id)
    }

    /// The block that holds a span's part; `None` where the document has none.
    #[must_use]
    pub fn block_of_span(&self, span: SpanId) -> Option<usize> {
        self.blocks.as_deref()?.of_span(span)
    }

    /// Where a span's part starts; `None` where the document has none.
    pub fn find(&mut self, span: SpanId, folds: &Folds) -> Option<Place> {
        let block = self.blocks.as_deref()?.of_span(span)?;
        self.lay_around(Place { block, ..Place::default() }, 1, 1, folds);
        let first = self.entry_of(Place { block, ..Place::default() })?;
        self.entries[first..].iter().take_while(|entry| entry.block == block).find_map(|entry| {
            let line = entry.lines.as_ref()?.iter().position(|line| line.span == Some(span))?;
            Some(Place { block, segment: entry.segment, line })
        })
    }

    /// Lays out what lies around a place, so many lines above it and beneath it. The lines' numbers may change.
    pub fn lay_around(&mut self, place: Place, above: usize, beneath: usize, folds: &Folds) {
        let mut changed = false;
        while let Some(entry) = self.entry_of(place) {
            let line = place.line.min(self.entries[entry].height.saturating_sub(1));
            let (mut first, mut rows) = (entry, line);
            while rows < above && first > 0 {
                first -= 1;
                rows += self.entries[first].height;
            }
            let (mut end, mut rows) = (entry + 1, self.entries[entry].height - line.min(self.entries[entry].height));
            while rows < beneath && end < self.entries.len() {
                rows += self.entries[end].height;
                end += 1;
            }
            let Some(missing) = (first..end).find(|at| !self.is_laid_out(*at)) else { break };
            self.lay_out(missing, folds);
            changed = true;
        }
        if changed {
            self.number();
        }
    }

    /// Lays out some of what was not measured yet, from the start: about so many bytes of text. Far from `around`
    /// nothing is kept but the heights, where there is much.
    pub fn measure(&mut self, bytes: usize, around: Place, folds: &Folds) {
        let (mut left, first) = (bytes, self.measured);
        while left > 0 && self.measured < self.entries.len() {
            let at = self.measured;
            if !self.entries[at].measured {
                self.lay_out(at, folds);
                left = left.saturating_sub(self.entries[at].bytes + BLOCK);
            }
            self.measured += 1;
        }
        if self.measured > first {
            self.number();
        }
        if self.kept > KEPT {
            self.let_go(around);
        }
    }

    /// Lets all lines go that are far from a place.
    fn let_go(&mut self, around: Place) {
        let line = self.number_of(around);
        let near = line.saturating_sub(NEAR)..line + NEAR;
        for at in 0..self.entries.len() {
            let entry = &self.entries[at];
            let is_near = self.starts[at] < near.end && self.starts[at] + entry.height > near.start;
            // The other lines of a block with long texts stay: they can only be written together.
            let is_alone = entry.segment == 0 && self.entries.get(at + 1).is_none_or(|next| next.block != entry.block);
            if !is_near && (entry.part.is_some() || is_alone) {
                self.kept -= self.entries[at].lines.take().map_or(0, |lines| lines.len());
            }
        }
    }

    /// A fold of a block was opened or closed: it is to be laid out anew.
    pub fn forget(&mut self, block: usize) {
        let Some(first) = self.entry_of(Place { block, ..Place::default() }) else { return };
        let end = self.entries[first..].iter().position(|entry| entry.block != block);
        let end = end.map_or(self.entries.len(), |count| first + count);
        let height = self.entries[first..end].iter().map(|entry| entry.height).sum();
        let bytes = self.blocks.as_ref().map_or(0, |blocks| blocks.size(block).bytes);
        let kept: usize = self.entries[first..end].iter().filter_map(|entry| Some(entry.lines.as_ref()?.len())).sum();
        self.kept -= kept;
        self.entries.splice(first..end, [Entry::unlaid(block, height, bytes)]);
        self.measured = self.measured.min(first);
        self.numbered = self.numbered.min(first);
        self.number();
    }

    fn is_laid_out(&self, at: usize) -> bool {
        let entry = &self.entries[at];
        entry.lines.is_some() && (entry.segment > 0 || entry.above == self.above(at))
    }

    /// What stands above an entry. An entry that is not measured yet is taken to end in text.
    fn above(&self, at: usize) -> Above {
        match at.checked_sub(1) {
            None => Above::Nothing,
            Some(before) => {
                Some(&self.entries[before]).filter(|entry| entry.measured).map_or(Above::Text, |entry| entry.ends)
            }
        }
    }

    /// Has an entry written. All entries of a block but the parts of its long texts are written together.
    fn lay_out(&mut self, at: usize, folds: &Folds) {
        let Some(blocks) = self.blocks.clone() else { return };
        let is_part = self.entries[at].part.is_some();
        let block = self.entries[at].block;
        let before = self.entries[..at].iter().rev().take_while(|entry| !is_part && entry.block == block).count();
        let at = at - before;
        let above = self.above(at);
        let entry = &mut self.entries[at];
        let before = entry.lines.take().map_or(0, |lines| lines.len());
        self.kept -= before;
        if let Some(part) = &entry.part {
            let (text, extent) = &**part;
            let mut builder = Builder::only(folds, (&self.zone, &self.lens), self.width, *text, extent).at(self.now);
            blocks.write(entry.block, &mut builder);
            let lines = builder.done().into_lines();
            self.kept += lines.len();
            self.set_height(at, lines.len());
            let entry = &mut self.entries[at];
            (entry.measured, entry.lines) = (true, Some(lines));
            return;
        }
        let mut builder = Builder::new(folds, (&self.zone, &self.lens), self.width, above).at(self.now);
        blocks.write(entry.block, &mut builder);
        let Written { segments, ends, ticks, .. } = builder.done();
        let (block, ended) = (entry.block, entry.measured.then_some(entry.ends));
        let mut laid: Vec<Entry> = segments
            .into_iter()
            .enumerate()
            .map(|(segment, written)| Entry::of(block, segment, written, above))
            .collect();
        if laid.is_empty() {
            laid.push(Entry::of(block, 0, Segment::Lines(Vec::new()), above));
        }
        let last = laid.last_mut().expect("there is one");
        last.ends = ends;
        laid[0].ticks = ticks;
        self.ticks |= ticks;
        self.kept += laid.iter().filter_map(|entry| Some(entry.lines.as_ref()?.len())).sum::<usize>();
        let after = at + laid.len();
        self.replace(at, laid);
        // What was laid out beneath another ending may need a blank line more, or one less.
        if ended != Some(ends)
            && let Some(next) = self.entries.get_mut(after).filter(|next| next.measured && next.above != ends)
        {
            next.measured = false;
            self.measured = self.measured.min(after);
        }
    }

    /// Puts the segments of a block where its entries are.
    fn replace(&mut self, at: usize, laid: Vec<Entry>) {
        let block = self.entries[at].block;
        let end = self.entries[at..].iter().position(|entry| entry.block != block);
        let end = end.map_or(self.entries.len(), |count| at + count);
        if end - at == 1 && laid.len() == 1 {
            self.set_height(at, laid[0].height);
            self.entries.splice(at..end, laid);
            return;
        }
        let gone: usize = self.entries[at..end].iter().filter_map(|entry| Some(entry.lines.as_ref()?.len())).sum();
        self.kept -= gone;
        self.entries.splice(at..end, laid);
        self.measured = self.measured.min(at);
        self.numbered = self.numbered.min(at);
    }

    fn set_height(&mut self, at: usize, height: usize) {
        if self.entries[at].height != height {
            self.entries[at].height = height;
            self.numbered = self.numbered.min(at);
        }
    }

    fn entry_at(&self, line: usize) -> Option<usize> {
        let entry = self.starts.partition_point(|start| *start <= line).checked_sub(1)?;
        (entry < self.entries.len()).then_some(entry)
    }

    /// The entry of a place; of a segment that is no longer there the last one of its block.
    fn entry_of(&self, place: Place) -> Option<usize> {
        let wanted = (place.block, place.segment);
        let after = self.entries.partition_point(|entry| (entry.block, entry.segment) <= wanted);
        after.checked_sub(1).or_else(|| (!self.entries.is_empty()).then_some(0))
    }

    fn number(&mut self) {
        let mut line = self.starts.get(self.numbered).copied().unwrap_or_default();
        self.starts.truncate(self.numbered);
        self.starts.extend(self.entries[self.numbered..].iter().map(|entry| {
            let start = line;
            line += entry.height;
            start
        }));
        self.starts.push(line);
        self.numbered = self.entries.len();
    }
}
