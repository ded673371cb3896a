//! What a pane shows, which query it waits for, and what failed.

use crate::model::{Query, Timestamp};

use std::time::Duration;

/// One answer on screen, and the query that is under way to replace it.
///
/// The last answer stays until a newer one arrives. A change while a query is under way waits for its answer, so that
/// a store that changes all the time still answers; and then as long again, so that a query that takes long leaves
/// the processor to those who are storing.
#[derive(Debug, Clone)]
pub struct Pane<T> {
    shown: Option<T>,
    /// What `shown` (or `failed`) answers.
    answered: Option<Query>,
    pending: Option<Pending>,
    failed: Option<String>,
    /// Something changed since the newest query was sent.
    stale: bool,
    /// Until then a change does not make it ask again.
    rests: Timestamp,
}

#[derive(Debug, Clone)]
struct Pending {
    query: Query,
    ticket: u64,
    at: Timestamp,
}

/// A query that takes no longer than this is not worth a mark on the screen.
const SOON: Duration = Duration::from_millis(400);

impl<T> Default for Pane<T> {
    fn default() -> Self {
        Self { shown: None, answered: None, pending: None, failed: None, stale: false, rests: Timestamp::default() }
    }
}

impl<T> Pane<T> {
    /// The last answer.
    #[must_use]
    pub fn shown(&self) -> Option<&T> {
        self.shown.as_ref()
    }

    /// Which query the last answer (or failure) belongs to.
    #[must_use]
    pub fn answered(&self) -> Option<&Query> {
        self.answered.as_ref()
    }

    /// Why the last query has no answer.
    #[must_use]
    pub fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Whether a newer answer is on its way and late, or what is shown answers another query.
    #[must_use]
    pub fn is_refreshing(&self, now: Timestamp) -> bool {
        self.pending
            .as_ref()
            .is_some_and(|pending| self.answered.as_ref() != Some(&pending.query) || now.since(pending.at) > SOON)
    }

    /// Whether `query` should be sent now.
    #[must_use]
    pub fn wants(&self, query: &Query, now: Timestamp) -> bool {
        match &self.pending {
            Some(pending) => pending.query != *query,
            None => self.answered.as_ref() != Some(query) || (self.stale && self.rests <= now),
        }
    }

    /// Sends `query`, if it should be sent now: its ticket is the next after `last`.
    pub fn asks(&mut self, query: &Query, last: &mut u64, now: Timestamp) -> Option<u64> {
        if !self.wants(query, now) {
            return None;
        }
        *last += 1;
        self.pending = Some(Pending { query: query.clone(), ticket: *last, at: now });
        self.stale = false;
        Some(*last)
    }

    /// Notes that what is shown may be old.
    pub fn touch(&mut self) {
        self.stale = true;
    }

    /// Takes an answer; false where it is not the one that is waited for.
    pub fn take(&mut self, ticket: u64, answer: Result<T, String>, now: Timestamp) -> bool {
        let Some(pending) = self.pending.take_if(|pending| pending.ticket == ticket) else { return false };
        self.rests = now.plus(now.since(pending.at));
        self.answered = Some(pending.query);
        match answer {
            Ok(answer) => {
                self.shown = Some(answer);
                self.failed = None;
            }
            Err(why) => self.failed = Some(why),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Filter;

    fn query(text: &str) -> Query {
        Query::Overview { filter: Filter { text: text.into(), ..Filter::default() }, today: None }
    }

    #[test]
    fn a_change_under_way_is_asked_after_the_answer() {
        let (mut pane, mut last, now) = (Pane::default(), 0, Timestamp(1));
        assert_eq!(pane.asks(&query(""), &mut last, now), Some(1));
        pane.touch();
        assert_eq!(pane.asks(&query(""), &mut last, now), None, "the question under way must not starve");
        assert!(pane.take(1, Ok("first"), now));
        assert_eq!(pane.asks(&query(""), &mut last, now), Some(2), "and what came meanwhile is asked for then");
    }

    #[test]
    fn an_answer_with_an_old_ticket_is_dropped() {
        let (mut pane, mut last, now) = (Pane::default(), 0, Timestamp(1));
        pane.asks(&query("a"), &mut last, now);
        assert_eq!(pane.asks(&query("ab"), &mut last, now), Some(2));
        assert!(!pane.take(1, Ok("a"), now));
        assert!(pane.take(2, Ok("ab"), now));
        assert_eq!(pane.shown(), Some(&"ab"));
    }

    #[test]
    fn a_failure_is_said_over_the_last_answer() {
        let (mut pane, mut last, now) = (Pane::default(), 0, Timestamp(1));
        pane.asks(&query(""), &mut last, now);
        pane.take(1, Ok("kept"), now);
        pane.touch();
        pane.asks(&query(""), &mut last, now);
        pane.take(2, Err("disk".into()), now);
        assert_eq!((pane.shown(), pane.failed()), (Some(&"kept"), Some("disk")));
        assert!(!pane.wants(&query(""), now), "not again until something changes");
    }

    #[test]
    fn what_took_long_is_asked_again_only_after_as_long_again() {
        let (mut pane, mut last) = (Pane::default(), 0);
        pane.asks(&query(""), &mut last, Timestamp(100));
        pane.touch();
        assert!(pane.take(1, Ok("slow"), Timestamp(150)));
        assert!(!pane.wants(&query(""), Timestamp(199)));
        assert!(pane.wants(&query(""), Timestamp(200)));
        assert!(pane.wants(&query("another"), Timestamp(151)), "what someone asks for now is asked now");
    }
}
