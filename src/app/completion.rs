//! What the line of the filter offers, and how one goes through it.

use super::{pane::Pane, wrap};
use crate::model::FacetValues;

/// Most values that are asked for.
pub(super) const MOST: usize = 50;

/// The state of what is offered.
#[derive(Debug, Default)]
pub struct Completion {
    /// Which of the offers is chosen.
    pub(super) chosen: Option<usize>,
    /// Somebody wants to see what there is, though nothing is typed.
    pub(super) wanted: bool,
    /// Filters of before are offered.
    pub(super) history: bool,
    /// The values of the key that is typed.
    pub(super) values: Pane<Vec<FacetValues>>,
}

/// Something that the line offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// As it is shown.
    pub text: String,
    /// What it means, or how many runs have it.
    pub note: String,
    /// What it puts between which places of the line.
    pub(super) put: String,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Offer {
    pub(super) fn new(text: &str, note: &str, put: String, (from, to): (usize, usize)) -> Self {
        Self { text: wrap::clean_line(text), note: note.to_owned(), put, from, to }
    }
}

impl Completion {
    /// What was typed is different now.
    pub(super) fn reset(&mut self) {
        (self.chosen, self.wanted, self.history) = (None, false, false);
    }

    /// Which of the offers is chosen.
    #[must_use]
    pub fn chosen(&self) -> Option<usize> {
        self.chosen
    }

    /// Whether the offers are filters of before.
    #[must_use]
    pub fn is_history(&self) -> bool {
        self.history
    }
}
