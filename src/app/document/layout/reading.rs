//! What can be read off a document beside its lines: what a block was made from, and lines before they were cut.

use super::Document;
use crate::app::document::line::{Copied, Folds, Piece};

impl Document {
    /// A piece of a block as it was received.
    #[must_use]
    pub fn copied(&self, block: usize, piece: Piece) -> Option<Copied> {
        self.blocks.as_deref().filter(|blocks| block < blocks.count())?.copied(block, piece)
    }

    /// All lines, with everything open; `None` where there is no text.
    #[must_use]
    pub fn whole_text(&self) -> Option<String> {
        let lines = Self::whole(self.blocks.clone()?, &Folds::all_open(), self.width);
        let mut text = String::new();
        for line in &lines {
            let shown = match &line.row {
                // A row of a table is there once, as it was written.
                Some(_) if line.goes_on.is_some() => continue,
                Some(row) => row.source.clone(),
                None => line.text(),
            };
            text.push_str(shown.trim_end());
            text.push('\n');
        }
        Some(text)
    }

    /// Which line of the text of its block a line shows, from 0; `None` where lines between are not laid out.
    #[must_use]
    pub fn line_of_piece(&self, at: usize) -> Option<usize> {
        let (block, piece) = (self.place(at).block, self.line(at)?.piece);
        let mut count = 0;
        for above in (0..=at).rev() {
            if self.place(above).block != block {
                break;
            }
            let line = self.line(above)?;
            if line.piece != piece {
                break;
            }
            count += line.begins();
        }
        (count > 0 && piece != Piece::Other).then(|| count - 1)
    }

    /// A line as it was before it was cut to the width, as far as it is laid out.
    #[must_use]
    pub fn whole_line(&self, at: usize) -> String {
        let mut first = at;
        while first > 0 && self.line(first).is_some_and(|line| line.goes_on.is_some()) {
            first -= 1;
        }
        if let Some(row) = self.line(first).and_then(|line| line.row.as_ref()) {
            return row.source.clone();
        }
        let mut whole = self.text(first);
        let mut next = first + 1;
        while let Some((line, joint)) = self.line(next).and_then(|line| Some((line, line.goes_on?))) {
            whole.push_str(joint.as_str());
            whole.push_str(line.text().trim_start());
            next += 1;
        }
        whole
    }
}
