//! Lines of the text that is shown, selected by moves or by the mouse, to be copied.

use std::ops::Range;

use super::{DetailPane, Made, over::View};
use crate::app::document::{BlockId, Place, Selected};

/// Lines from where the cursor was to where it is.
#[derive(Debug)]
pub(super) struct Selection {
    view: View,
    /// Where it began: the block, and which line of it.
    block: BlockId,
    place: Place,
}

impl DetailPane {
    /// Selects the line with the cursor, and from there on what the cursor moves over; false where there is no line.
    pub fn select(&mut self) -> bool {
        let shown = self.shown();
        if shown.document.is_empty() {
            return false;
        }
        let block = shown.document.id(shown.place.block).unwrap_or_default();
        self.selection = Some(Selection { view: self.here().view(), block, place: shown.place });
        true
    }

    /// Whether moves select lines.
    #[must_use]
    pub fn is_selecting(&self) -> bool {
        self.selection().is_some()
    }

    /// Selects nothing any more; false where nothing was selected.
    pub fn end_selection(&mut self) -> bool {
        self.selection.take().is_some()
    }

    /// The lines that are selected, with all that belongs to the first and the last one where those were cut to the width.
    #[must_use]
    pub fn selected_lines(&self) -> Option<Range<usize>> {
        let selection = self.selection()?;
        let document = self.document();
        let (from, cursor) = (document.number_of(selection.place), self.scroll().cursor);
        let goes_on = |at: usize| document.line(at).is_some_and(|line| line.goes_on.is_some());
        let (mut first, mut end) = (from.min(cursor), from.max(cursor) + 1);
        while first > 0 && goes_on(first) {
            first -= 1;
        }
        while goes_on(end) {
            end += 1;
        }
        Some(first..end)
    }

    /// The text of the lines that are selected.
    #[must_use]
    pub fn selected(&self) -> Option<Selected> {
        let selection = self.selection()?;
        Some(self.document().selected(selection.place, self.shown().place, &self.folds))
    }

    fn selection(&self) -> Option<&Selection> {
        self.selection.as_ref().filter(|selection| selection.view == self.here().view())
    }

    /// Finds the beginning of the selection in a text that was made anew; of one that is cut otherwise nothing is selected
    /// any more.
    pub(super) fn carry_selection(&mut self, view: View, before: Option<Made>, made: Made) {
        if self.selection.as_ref().is_none_or(|selection| selection.view != view) {
            return;
        }
        let grew = before.is_some_and(|before| Made { version: made.version, ..before } == made);
        let Some(mut selection) = self.selection.take().filter(|_| grew) else { return };
        if let Some(block) = self.document().block_of(selection.block, selection.place.block) {
            selection.place.block = block;
            self.selection = Some(selection);
        }
    }
}
