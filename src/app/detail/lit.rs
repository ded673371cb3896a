//! What the filter looks for, lit in the text.

use std::ops::Range;

use super::{DetailPane, OnePane, finding::columns};
use crate::{app::document::needle::Needle, filter};

/// Shorter words are in every text, and are lit only where the filter has no longer ones.
const LONG: usize = 3;

/// The words of a filter.
#[derive(Debug, Default)]
pub(super) struct Lit {
    /// The filter as it was typed.
    by: String,
    needles: Vec<Needle>,
}

impl DetailPane {
    /// Lights what a filter looks for.
    pub fn light(&mut self, by: &str) {
        if self.lit.by == by {
            return;
        }
        let expression = filter::parse(by).ok();
        // A filter knows no capital letters.
        let texts = expression.iter().flat_map(filter::Expression::texts).map(str::to_lowercase);
        let mut texts: Vec<String> = texts.collect();
        if texts.iter().any(|text| text.chars().count() >= LONG) {
            texts.retain(|text| text.chars().count() >= LONG);
        }
        self.lit = Lit { by: by.to_owned(), needles: texts.iter().map(|text| Needle::new(text)).collect() };
    }

    /// The longest text that is lit.
    #[must_use]
    pub fn lit(&self) -> Option<&str> {
        self.lit.needles.iter().map(Needle::text).max_by_key(|text| text.len())
    }
}

impl OnePane<'_> {
    /// Which columns of a line are lit, those of one word in order.
    #[must_use]
    pub fn lit_at(self, line: usize) -> Vec<Range<usize>> {
        let needles = &self.detail().lit.needles;
        if needles.is_empty() {
            return Vec::new();
        }
        let text = self.document().text(line);
        needles.iter().flat_map(|needle| columns(&text, self.document().found_in(line, needle))).collect()
    }
}
