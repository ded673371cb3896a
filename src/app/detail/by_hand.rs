//! Moves by hand: the cursor of the tab that is shown, its folds, and the zoom of its time.

use super::{DetailPane, Hold};
use crate::{
    app::{
        document::{DocLine, Moment, Opens},
        scroll::Scroll,
    },
    model::{SpanId, TraceId},
};

/// So many lines from the cursor a run's time is looked for.
const NEAR: usize = 40;

impl DetailPane {
    pub fn move_by(&mut self, by: isize, height: usize) {
        self.by_hand(|scroll, length| scroll.move_by(by, length, height));
    }

    pub fn scroll_by(&mut self, by: isize, height: usize) {
        self.by_hand(|scroll, length| scroll.scroll(by, length, height));
    }

    pub fn go(&mut self, line: usize, height: usize) {
        self.by_hand(|scroll, length| scroll.show(line, length, height));
    }

    /// Goes to the end and stays there as it grows.
    pub fn go_to_end(&mut self, height: usize) {
        self.go(usize::MAX, height);
        let shown = self.shown_mut();
        shown.hold = Hold::End;
        shown.lost = true;
    }

    /// Goes to the next difference of a comparison or of a prompt, or to the one before; false where there is none.
    pub fn go_to_difference(&mut self, forward: bool) -> bool {
        let shown = self.shown_mut();
        let Some(place) = shown.document.next_difference(shown.place.block, forward) else { return false };
        let block = shown.document.id(place.block).unwrap_or_default();
        shown.hold = Hold::Hand { block, place };
        shown.lost = true;
        true
    }

    /// Whether the fold whose head the cursor is on is open; `None` where there is none.
    #[must_use]
    pub fn fold_at_cursor(&self) -> Option<bool> {
        Some(self.line_at_cursor()?.fold.as_ref()?.open)
    }

    /// What the line with the cursor names; `None` if nothing can be opened there.
    pub fn opens_at_cursor(&self) -> Option<&Opens> {
        self.line_at_cursor()?.opens.as_ref()
    }

    /// The line with the cursor.
    pub fn line_at_cursor(&self) -> Option<&DocLine> {
        self.document().line(self.scroll().cursor)
    }

    /// The step that the line with the cursor is the bar of; `None` on any other line.
    #[must_use]
    pub fn step_at_cursor(&self) -> Option<(TraceId, SpanId)> {
        let line = self.line_at_cursor()?;
        Some((line.moment.as_ref()?.trace, line.span?))
    }

    /// Whether the tab that is shown draws the time of runs.
    #[must_use]
    pub fn has_time(&self) -> bool {
        self.moment().is_some()
    }

    /// Whether the run at the cursor shows only a part of its time.
    #[must_use]
    pub fn is_zoomed(&self) -> bool {
        self.moment().is_some_and(|moment| self.lens.is_zoomed(moment.trace))
    }

    /// Shows less of the time of the run at the cursor, or more.
    pub fn zoom(&mut self, closer: bool) -> bool {
        let Some(moment) = self.moment().cloned() else { return false };
        self.lens.zoom(&moment, closer)
    }

    /// Shows an earlier or a later part of the time of the run at the cursor; false where all of it is shown.
    pub fn pan(&mut self, later: bool) -> bool {
        let Some(moment) = self.moment().cloned() else { return false };
        self.lens.pan(&moment, later)
    }

    /// The time at the cursor: that of its line, else of the nearest line above or beneath it.
    fn moment(&self) -> Option<&Moment> {
        let cursor = self.scroll().cursor;
        let near = (0..NEAR).flat_map(|away| [cursor.checked_sub(away), Some(cursor + away)]).flatten();
        near.filter_map(|at| self.document().line(at)).find_map(|line| line.moment.as_deref())
    }

    /// Opens or closes the fold whose head the cursor is on; `to`: only if that makes it so. False where nothing moved.
    pub fn fold(&mut self, to: Option<bool>) -> bool {
        let fold = self.line_at_cursor().and_then(|line| line.fold.clone());
        let Some(fold) = fold.filter(|fold| to.is_none_or(|to| fold.open != to)) else { return false };
        self.folds.toggle(&fold.name);
        self.by_hand(|_, _| {});
        let shown = self.shown_mut();
        shown.document.forget(shown.place.block);
        shown.lost = true;
        true
    }

    /// Whether lines are cut to the width.
    #[must_use]
    pub fn wraps(&self) -> bool {
        self.folds.wraps()
    }

    /// Whether texts and arguments are shown as they were received.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        self.folds.is_raw()
    }

    /// Has lines cut to the width, or left as long as they are; true where they are cut.
    pub fn toggle_wrap(&mut self) -> bool {
        // The line with the cursor stays where it is as well as it can.
        self.by_hand(|_, _| {});
        self.folds.toggle_wrap();
        self.folds.wraps()
    }

    /// Has texts and arguments shown as they were received, or as people read them; true where it is the first.
    pub fn toggle_raw(&mut self) -> bool {
        self.by_hand(|_, _| {});
        self.folds.toggle_raw();
        self.folds.is_raw()
    }

    /// Moves the cursor, and holds the line where that puts it.
    fn by_hand(&mut self, step: impl FnOnce(&mut Scroll, usize)) {
        let shown = self.shown_mut();
        step(&mut shown.scroll, shown.document.len());
        shown.place = shown.document.place(shown.scroll.cursor);
        let block = shown.document.id(shown.place.block).unwrap_or_default();
        shown.hold = Hold::Hand { block, place: shown.place };
    }
}
