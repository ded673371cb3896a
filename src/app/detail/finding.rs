//! Finding a phrase in the text that is shown: all of it is searched, some at a time, also what is folded; going to a hit
//! opens what it lies in.

use std::ops::Range;

use super::{DetailPane, Hold, Made, over::View};
use crate::app::{
    document::{BlockId, FoldName, Hit, Place, Search, needle::Needle},
    scroll::Scroll,
    wrap,
};

/// Bytes of text that are searched after each event: some milliseconds' work.
const AT_ONCE: usize = 192 * 1024;
/// More hits are not counted.
const MOST: usize = 100_000;
/// So many lines around a hit are seen as well, where there are any.
const AROUND: usize = 3;

/// What is looked for, and what was found so far.
#[derive(Debug, Default)]
pub struct Finding {
    needle: Needle,
    /// What the text was made from that is searched.
    made: Option<(View, Made)>,
    search: Search,
    is_done: bool,
    hits: Vec<Hit>,
    /// The hit that the cursor was put on, and where that is.
    at: Option<(usize, Place)>,
    /// The first hit is wanted from here on.
    wants: Option<Place>,
    /// Where the text stood when somebody began to type.
    before: Option<(Hold, Place, Scroll)>,
    /// What was opened on the way to hits, while it is typed.
    opened: Vec<(BlockId, FoldName)>,
}

/// How many hits there are, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Which one the cursor is on, from 1; `None` where it was moved away.
    pub at: Option<usize>,
    pub all: usize,
    /// There may be more.
    pub goes_on: bool,
}

/// What going to the next hit came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    There,
    /// From the end on at the start, or the other way round.
    Around,
    /// Not all is searched yet.
    Searching,
    Nowhere,
}

impl DetailPane {
    /// Looks for a phrase from the cursor on, while it is typed. Of nothing there is nothing to find.
    pub fn find(&mut self, text: &str) {
        let from = (self.shown().hold, self.shown().place, self.shown().scroll);
        let mut finding = self.finding.take().unwrap_or_default();
        self.close_again(&mut finding);
        let before = finding.before.or(Some(from));
        let wants = before.map(|(_, place, _)| place);
        self.finding = Some(Finding { needle: Needle::new(text), wants, before, ..Finding::default() });
    }

    /// Ends the typing: the hits stay.
    pub fn keep_found(&mut self) {
        match &mut self.finding {
            Some(finding) if !finding.needle.is_empty() => {
                finding.before = None;
                finding.opened.clear();
            }
            _ => self.finding = None,
        }
    }

    /// Forgets what was looked for. `back`: the text stands as it stood before it was.
    pub fn end_find(&mut self, back: bool) -> bool {
        let Some(mut finding) = self.finding.take() else { return false };
        if back {
            self.close_again(&mut finding);
        }
        if let Some((hold, place, scroll)) = finding.before.filter(|_| back) {
            let shown = self.shown_mut();
            (shown.hold, shown.place, shown.scroll) = (hold, place, scroll);
            shown.lost = matches!(hold, Hold::End);
        }
        true
    }

    /// Closes what was opened on the way to hits that nobody stayed at.
    fn close_again(&mut self, finding: &mut Finding) {
        let view = self.here().view();
        let Some(shown) = self.texts.get_mut(&view) else { return };
        for (id, fold) in finding.opened.drain(..).rev() {
            self.folds.toggle(&fold);
            if let Some(block) = shown.document.block_of(id, 0) {
                shown.document.forget(block);
            }
        }
    }

    /// What is looked for; `None`: nothing.
    #[must_use]
    pub fn finds(&self) -> Option<&str> {
        self.finding.as_ref().map(|finding| finding.needle.text())
    }

    /// How many hits there are; `None` where nothing is looked for.
    #[must_use]
    pub fn found_count(&self) -> Option<Count> {
        let finding = self.finding.as_ref().filter(|finding| !finding.needle.is_empty())?;
        let at = finding.at.filter(|(_, place)| *place == self.shown().place).map(|(at, _)| at + 1);
        Some(Count { at, all: finding.hits.len(), goes_on: !finding.is_done || finding.hits.len() >= MOST })
    }

    /// Whether the search has to go on.
    #[must_use]
    pub fn is_searching(&self) -> bool {
        self.finding.as_ref().is_some_and(|finding| !finding.is_done && !finding.needle.is_empty())
    }

    /// Which columns of a line show a hit.
    #[must_use]
    pub fn found_at(&self, line: usize) -> Vec<Range<usize>> {
        let Some(finding) = &self.finding else { return Vec::new() };
        let found = self.document().found_in(line, &finding.needle);
        if found.is_empty() {
            return Vec::new();
        }
        columns(&self.document().text(line), found)
    }

    /// Goes to the next hit, or the one before.
    pub fn go_to_found(&mut self, forward: bool, height: usize) -> Went {
        let place = self.shown().place;
        let Some(finding) = &self.finding else { return Went::Nowhere };
        let Some(last) = finding.hits.len().checked_sub(1) else {
            return if finding.is_done { Went::Nowhere } else { Went::Searching };
        };
        let next = match finding.at.filter(|(_, at)| *at == place) {
            Some((at, _)) if forward => Some(at + 1),
            Some((at, _)) => at.checked_sub(1),
            // From the cursor's line on, but not on it.
            None if forward => Some(self.first_found(Place { line: place.line.saturating_add(1), ..place })),
            None => self.first_found(place).checked_sub(1),
        };
        let went = match next {
            Some(at) if at <= last => {
                self.go_to_hit(at, height);
                return Went::There;
            }
            _ if !finding.is_done && forward => return Went::Searching,
            _ => Went::Around,
        };
        self.go_to_hit(if forward { 0 } else { last }, height);
        went
    }

    /// The first of the hits that stand at a place or behind it.
    fn first_found(&self, place: Place) -> usize {
        let Some(Finding { hits, needle, .. }) = &self.finding else { return 0 };
        let segment = (place.block, place.segment);
        let first = hits.partition_point(|hit| (hit.block, hit.segment) < segment);
        let lines = self.document().lines_with(place.block, place.segment, needle);
        let before = lines.iter().take_while(|line| **line < place.line).count();
        let same = hits[first..].iter().take_while(|hit| (hit.block, hit.segment) == segment).count();
        first + before.min(same)
    }

    /// Puts the cursor on a hit, and opens all folds of the block that it lies in.
    fn go_to_hit(&mut self, at: usize, height: usize) {
        /// Folds lie in folds no deeper than this.
        const DEEPEST: usize = 32;
        let Some(hit) = self.finding.as_ref().and_then(|finding| finding.hits.get(at)).copied() else { return };
        let view = self.here().view();
        let Some(shown) = self.texts.get_mut(&view) else { return };
        let mut is_moved = false;
        for _ in 0..DEEPEST {
            let closed = shown.document.closed_folds(hit.block, hit.segment, &self.folds);
            if closed.is_empty() {
                break;
            }
            for fold in &closed {
                self.folds.toggle(fold);
            }
            is_moved = true;
            if let Some(finding) = self.finding.as_mut().filter(|finding| finding.before.is_some()) {
                let id = shown.document.id(hit.block).unwrap_or_default();
                finding.opened.extend(closed.into_iter().map(|fold| (id, fold)));
            }
        }
        if is_moved {
            shown.document.forget(hit.block);
        }
        let start = Place { block: hit.block, segment: hit.segment, line: 0 };
        shown.document.lay_around(Place { block: hit.block, ..Place::default() }, 1, 1, &self.folds);
        shown.document.lay_around(start, 1, 1, &self.folds);
        let Some(finding) = &mut self.finding else { return };
        let lines = shown.document.lines_with(hit.block, hit.segment, &finding.needle);
        let line = lines.get(hit.nth).or(lines.last()).copied().unwrap_or(0);
        let place = Place { line, ..start };
        shown.document.lay_around(place, 2 * height + 1, 2 * height + 1, &self.folds);
        let (number, length) = (shown.document.number_of(place), shown.document.len());
        let around = AROUND.min(height / 3);
        for line in [number.saturating_add(around).min(length.saturating_sub(1)), number.saturating_sub(around), number]
        {
            shown.scroll.show(line, length, height);
        }
        let block = shown.document.id(hit.block).unwrap_or_default();
        (shown.place, shown.hold, shown.lost) = (place, Hold::Hand { block, place }, false);
        finding.at = Some((at, place));
        finding.wants = None;
    }

    /// Goes on with the search, anew where the text is another, and goes to the first hit once it is known.
    pub(super) fn seek(&mut self, height: usize) {
        let (view, made) = (self.here().view(), self.shown().made);
        let Some(mut finding) = self.finding.take() else { return };
        let made = made.map(|made| (view, made));
        if finding.made != made {
            let Finding { needle, before, wants, opened, .. } = finding;
            finding = Finding { needle, made, wants, before, opened, ..Finding::default() };
        }
        if !finding.is_done && !finding.needle.is_empty() {
            let Finding { search, needle, hits, .. } = &mut finding;
            let done = self.document().search(search, needle, &self.folds, AT_ONCE, hits);
            finding.is_done = done || finding.hits.len() >= MOST;
            finding.hits.truncate(MOST);
        }
        let (wants, is_done) = (finding.wants, finding.is_done);
        let count = finding.hits.len();
        self.finding = Some(finding);
        if let Some(from) = wants.filter(|_| count > 0) {
            let first = self.first_found(from);
            if first < count {
                self.go_to_hit(first, height);
            } else if is_done {
                self.go_to_hit(0, height);
            }
        }
    }
}

/// The columns of what was found in a line. They are counted on from the place before, for a line may be long and full of
/// hits; one that began in the line above may end behind the beginning of the next.
pub(super) fn columns(text: &str, found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let (mut at, mut columns) = (0, 0);
    let mut column = |to: usize| {
        if to < at {
            (at, columns) = (0, 0);
        }
        columns += wrap::width(text.get(at..to).or_else(|| text.get(at..)).unwrap_or_default());
        at = to;
        columns
    };
    found.into_iter().map(|range| column(range.start)..column(range.end)).collect()
}
