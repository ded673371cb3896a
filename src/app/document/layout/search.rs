//! Looking for a phrase in all of a document, also in what is folded and in what was never laid out: some of it at a time.

use std::ops::Range;

use super::Document;
use crate::app::document::{
    build::Builder,
    line::{DocLine, FoldName, Folds},
    needle::Needle,
    segment::{Above, Segment, Written},
};

/// What looking at a block costs beside its text, in bytes of text.
const BLOCK: usize = 512;

/// One place where the phrase was found: the block, its segment with all folds open, and which of those in that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    pub block: usize,
    pub segment: usize,
    pub nth: usize,
}

/// How far a search is.
#[derive(Debug, Default)]
pub struct Search {
    block: usize,
    /// Of the block before that what is still to be searched, with their places in it, the first one last.
    segments: Vec<(usize, Segment)>,
}

impl Document {
    /// Goes on with a search over about so many bytes of text, and adds what it finds in the order of the text; true once
    /// all is searched.
    pub fn search(
        &self,
        search: &mut Search,
        needle: &Needle,
        folds: &Folds,
        bytes: usize,
        hits: &mut Vec<Hit>,
    ) -> bool {
        let Some(blocks) = self.blocks.as_deref() else { return true };
        let (open, around) = (folds.opened(), (&self.zone, &self.lens));
        let mut left = bytes;
        while left > 0 {
            if let Some((segment, written)) = search.segments.pop() {
                let block = search.block.saturating_sub(1);
                let lines = match written {
                    Segment::Lines(lines) => lines,
                    Segment::Later { text, extent, .. } => {
                        let mut builder = Builder::only(&open, around, self.width, text, &extent).at(self.now);
                        blocks.write(block, &mut builder);
                        builder.done().into_lines()
                    }
                };
                let count = found(&lines, needle).len();
                hits.extend((0..count).map(|nth| Hit { block, segment, nth }));
                let texts = lines.iter().flat_map(|line| &line.texts);
                left = left.saturating_sub(texts.map(|styled| styled.text.len()).sum::<usize>());
                continue;
            }
            if search.block >= blocks.count() {
                return true;
            }
            let mut builder = Builder::new(&open, around, self.width, Above::Text).at(self.now);
            blocks.write(search.block, &mut builder);
            search.block += 1;
            search.segments = builder.done().segments.into_iter().enumerate().collect();
            search.segments.reverse();
            left = left.saturating_sub(BLOCK);
        }
        search.segments.is_empty() && search.block >= blocks.count()
    }

    /// The folds of a block that are closed; once none is, those of one of its long texts' segments.
    #[must_use]
    pub fn closed_folds(&self, block: usize, segment: usize, folds: &Folds) -> Vec<FoldName> {
        let Some(blocks) = self.blocks.as_deref().filter(|blocks| block < blocks.count()) else { return Vec::new() };
        let around = (&self.zone, &self.lens);
        let mut builder = Builder::new(folds, around, self.width, Above::Text).at(self.now);
        blocks.write(block, &mut builder);
        let Written { segments, mut closed, .. } = builder.done();
        let closed_in = |lines: Vec<DocLine>| {
            lines.into_iter().filter_map(|line| line.fold.filter(|fold| !fold.open)).map(|fold| fold.name)
        };
        let mut long = None;
        for (at, written) in segments.into_iter().enumerate() {
            match written {
                Segment::Lines(lines) => closed.extend(closed_in(lines)),
                Segment::Later { text, extent, .. } if at == segment => long = Some((text, extent)),
                Segment::Later { .. } => {}
            }
        }
        closed.sort_by(|left, right| left.0.cmp(&right.0));
        closed.dedup();
        if let Some((text, extent)) = long.filter(|_| closed.is_empty()) {
            let mut builder = Builder::only(folds, around, self.width, text, &extent).at(self.now);
            blocks.write(block, &mut builder);
            closed.extend(closed_in(builder.done().into_lines()));
        }
        closed
    }

    /// The lines of a segment, as it is laid out, in which the phrase starts: a line as often as it does.
    #[must_use]
    pub fn lines_with(&self, block: usize, segment: usize, needle: &Needle) -> Vec<usize> {
        let entry = self.entries.iter().find(|entry| (entry.block, entry.segment) == (block, segment));
        let Some(lines) = entry.and_then(|entry| entry.lines.as_ref()) else { return Vec::new() };
        found(lines, needle)
    }

    /// Where the phrase stands in a line: bytes of its text. What began in the line above and goes on in this one as well.
    #[must_use]
    pub fn found_in(&self, at: usize, needle: &Needle) -> Vec<Range<usize>> {
        let Some(line) = self.line(at).filter(|_| !needle.is_empty()) else { return Vec::new() };
        let text = line.text();
        let next = self.line(at + 1).and_then(|next| Some((next.joint()?, next.text())));
        let mut all = Vec::new();
        if let Some((joint, above)) = line.joint().zip(at.checked_sub(1).and_then(|above| self.line(above))) {
            let above = above.text();
            let (indent, start) = (text.len() - text.trim_start().len(), above.len() + joint.as_str().len());
            let goes_on = needle.in_line(&above, Some((joint, &text))).into_iter().filter(|range| range.end > start);
            all.extend(goes_on.map(|range| indent..(indent + range.end - start).min(text.len())));
        }
        let next = next.as_ref().map(|(joint, next)| (*joint, next.as_str()));
        let own = needle.in_line(&text, next).into_iter();
        all.extend(own.map(|range| range.start..range.end.min(text.len())));
        all
    }
}

/// The lines in which the phrase starts.
fn found(lines: &[DocLine], needle: &Needle) -> Vec<usize> {
    let mut all = Vec::new();
    let mut text = lines.first().map(DocLine::text).unwrap_or_default();
    for at in 0..lines.len() {
        let next = lines.get(at + 1).map(DocLine::text);
        let joint = lines.get(at + 1).and_then(DocLine::joint);
        let count = match &lines[at].row {
            // A cell may be cut within what is looked for.
            Some(_) if lines[at].goes_on.is_some() => 0,
            Some(row) => needle.in_line(&row.cells, None).len(),
            None => needle.in_line(&text, joint.zip(next.as_deref())).len(),
        };
        all.extend(std::iter::repeat_n(at, count));
        text = next.unwrap_or_default();
    }
    all
}
