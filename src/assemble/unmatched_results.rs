//! Which results of a prompt are new and of no known tool run (`tools.md` 1).

use std::collections::HashMap;

use super::{hashes::CallHash, reading_digest::ToolResultDigest};

/// The results of one prompt that no run is known for, with the index of the span or log record that holds each.
///
/// Results without an id are told apart by their number only: if a prompt has more of one call than there are runs, the
/// last of them are new, although the runs were given to those.
#[derive(Default)]
pub struct Unmatched {
    /// In the order of the prompt, from its end.
    fresh: Vec<(usize, ToolResultDigest)>,
    /// Fresh results without an id that were given a run which had a result already, by the hash of name and arguments.
    repeated: HashMap<CallHash, Vec<(usize, ToolResultDigest)>>,
}

impl Unmatched {
    /// Takes a result for which a run was found that has a result already.
    pub fn repeats(&mut self, facts: usize, given: &ToolResultDigest) {
        if let (true, None, Some(call_hash)) = (given.fresh, given.id, given.call_hash()) {
            self.repeated.entry(call_hash).or_default().push((facts, *given));
        }
    }

    /// Takes a result for which no run was found.
    pub fn add(&mut self, facts: usize, given: &ToolResultDigest) {
        let mut repeated = || self.repeated.get_mut(&given.call_hash()?)?.pop();
        let fresh = if given.fresh { Some((facts, *given)) } else { repeated() };
        self.fresh.extend(fresh);
    }

    /// The results that this prompt is the first to carry, in its order.
    pub fn into_fresh(self) -> impl Iterator<Item = (usize, ToolResultDigest)> {
        self.fresh.into_iter().rev()
    }
}
