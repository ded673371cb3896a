//! What is copied of the text at its cursor.

use std::sync::Arc;

use super::DetailPane;
use crate::{
    app::document::{Copied, Piece, code},
    model::{Detail, SpanId, TraceId},
};

impl DetailPane {
    /// The answer about what the tree's cursor is on; `None` while it is on its way.
    #[must_use]
    pub fn current_answer(&self) -> Option<&Arc<Detail>> {
        let is_answer = self.question().is_some() && self.question().as_ref() == self.detail.answered();
        self.detail.shown().filter(|_| is_answer)?.as_ref()
    }

    /// Whether the answer about what the pane is to show is on its way.
    #[must_use]
    pub fn awaits_answer(&self) -> bool {
        self.question().is_some() && self.question().as_ref() != self.detail.answered()
    }

    /// The step that the text's cursor is in.
    #[must_use]
    pub fn step_in_text(&self) -> Option<(TraceId, SpanId)> {
        self.step_read()
    }

    /// The piece of the text that the cursor is in, as it was received: within a code block the code alone. `None` where
    /// there is only what the screen says itself.
    #[must_use]
    pub fn copied_at_cursor(&self) -> Option<Copied> {
        let piece = self.line_at_cursor()?.piece;
        let copied = self.document().copied(self.shown().place.block, piece)?;
        // Lines of JSON are not those that it was written in.
        if piece != Piece::Text || self.document().shows_json(self.scroll().cursor) {
            return Some(copied);
        }
        let line = self.document().line_of_piece(self.scroll().cursor);
        Some(line.and_then(|line| code::at(&copied.text, line)).unwrap_or(copied))
    }

    /// What the tool at the cursor was called with, or gave back.
    #[must_use]
    pub fn copied_piece(&self, piece: Piece) -> Option<Copied> {
        self.document().copied(self.shown().place.block, piece)
    }

    /// The path of the JSON value at the cursor.
    #[must_use]
    pub fn json_path(&self) -> Option<String> {
        self.document().json_path(self.scroll().cursor)
    }

    /// All that the tab shows, with everything open; `None` where there is nothing.
    #[must_use]
    pub fn whole_text(&self) -> Option<String> {
        self.document().whole_text()
    }

    /// The line with the cursor as one, also where it is cut to the width.
    #[must_use]
    pub fn copied_line(&self) -> Option<Copied> {
        let text = self.document().whole_line(self.scroll().cursor);
        let text = text.trim();
        (!text.is_empty()).then(|| Copied::new("line", text))
    }
}
