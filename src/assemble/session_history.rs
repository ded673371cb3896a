//! What the earlier traces of a session hold, and how much of a first prompt repeats it (`conversations.md` 9).

use std::collections::HashSet;

use super::{
    collected_exchange::CollectedExchange,
    conversations::Chain,
    exchange::TimedMessage,
    fingerprint::{Fingerprints, KeyedMessage},
    hashes::{PromptHash, ResultKey},
    reading_digest::last_question,
    shown_messages::PlacedMessage,
};
use crate::model::{Part, Role};

/// Hashes of what earlier traces of the session hold.
#[derive(Debug, Default)]
pub struct SessionHistory {
    /// Whole prompts, as in [`Chain::whole`].
    prompts: HashSet<PromptHash>,
    /// The ends of prompts: the last answer in each, and what follows it.
    ends: HashSet<PromptHash>,
    /// The ids of the tool calls whose results were produced there, as in
    /// [`Fingerprint::results`](super::fingerprint::Fingerprint::results).
    results: HashSet<ResultKey>,
}

impl SessionHistory {
    /// Adds what a trace holds: the prompts of its calls, and the results among the messages of its conversations.
    pub fn add<'m>(
        &mut self,
        exchanges: &[CollectedExchange],
        messages: impl Iterator<Item = &'m PlacedMessage>,
        fingerprints: &mut Fingerprints,
    ) {
        for exchange in exchanges {
            let CollectedExchange::Call(call) = exchange else { continue };
            let answered = call.prompt.iter().rposition(|keyed| keyed.fingerprint.role == Role::Assistant);
            self.prompts.extend(call.chain.whole());
            self.ends.extend(answered.and_then(|answered| Chain::of(&call.prompt[answered..]).whole()));
        }
        // A result that was not recorded is new where a later request carries it.
        let is_held = |placed: &&PlacedMessage| {
            !placed.shown.history && !placed.shown.message.parts.iter().any(Part::is_unrecorded)
        };
        for placed in messages.filter(is_held) {
            self.results.extend(&fingerprints.fingerprint(&placed.shown.message).results);
        }
    }

    /// The number of messages at the beginning of the first prompt of a conversation that are history. `prompt` and
    /// `chain` are those of `lines`.
    pub fn count(&self, lines: &[TimedMessage], prompt: &[KeyedMessage], chain: &Chain) -> usize {
        let is_answer = |line: &TimedMessage| line.fingerprint.role == Role::Assistant;
        // Answers at the very end are a prefill, from which the model goes on; they are new.
        let end = lines.iter().rposition(|line| !is_answer(line)).map_or(0, |last| last + 1);
        let answered = lines[..end].iter().rposition(is_answer).map_or(0, |last| last + 1);
        // Results after the last answer are history where an earlier trace has all of them.
        let is_held = |line: &&TimedMessage| {
            let results = &line.fingerprint.results;
            line.fingerprint.role == Role::Tool
                && !results.is_empty()
                && results.iter().all(|id| self.results.contains(id))
        };
        let answered = answered + lines[answered..].iter().take_while(is_held).count();
        // So are those of a turn that broke off after its tools: a new question follows them.
        let given = lines[answered..].iter().take_while(|line| line.fingerprint.role == Role::Tool).count();
        let is_asked = last_question(lines[answered + given..].iter().map(|line| &*line.message)).is_some();
        let answered = if is_asked { answered + given } else { answered };
        // A question without an answer is history as well where it is the whole prompt of an earlier trace, and this
        // prompt has more.
        let repeated = chain.beginnings().find(|(_, chain)| self.prompts.contains(chain)).map_or(0, |(after, _)| after);
        // The same, where what stood before the last answer was left out since.
        let repeated_end = || {
            let ends = Chain::of(prompt.get(answered.checked_sub(1)?..)?);
            ends.beginnings().find(|(_, end)| self.ends.contains(end)).map(|(after, _)| answered - 1 + after)
        };
        answered.max(repeated).max(repeated_end().unwrap_or_default())
    }
}
