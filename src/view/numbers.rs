//! Durations, tokens and money as the columns and the header show them: unknown is `?`, none is `·`, more to follow is `+`.

pub use crate::app::format::whole_seconds;
use crate::{
    app::{format, wrap},
    model::{Score, SessionSummary, Timestamp, TokenUsage, Totals, Usd},
};

/// There is nothing to count.
pub const NONE: &str = "·";
/// There is something to count, and it is not known.
pub const UNKNOWN: &str = "?";

/// `46s`, or `14s+` while it goes on.
pub fn duration(started: Timestamp, ended: Option<Timestamp>, now: Timestamp) -> String {
    let Some(started) = started.known() else { return UNKNOWN.to_owned() };
    match ended {
        Some(ended) => format::duration(ended.since(started)),
        None => format!("{}+", whole_seconds(now.since(started))),
    }
}

/// How long a session's runs took, and goes on taking while one of them runs.
pub fn lasted(session: &SessionSummary, now: Timestamp) -> String {
    match session.states.running {
        0 if session.lasted.is_zero() => NONE.to_owned(),
        0 => format::duration(session.lasted),
        _ => format!("{}+", whole_seconds(session.lasted + now.since(session.last_seen))),
    }
}

/// `counts`: whether tokens are to be expected at all.
pub fn tokens(usage: Option<&TokenUsage>, counts: bool) -> String {
    match usage.and_then(TokenUsage::total) {
        Some(total) => format::count(total),
        None if counts => UNKNOWN.to_owned(),
        None => NONE.to_owned(),
    }
}

pub fn tokens_of(totals: &Totals) -> String {
    tokens(Some(&totals.usage), totals.model_calls > 0)
}

/// `unpriced`: something of it has no price, so that it is at least this.
pub fn cost(known: Option<Usd>, unpriced: bool) -> String {
    match known {
        Some(cost) if unpriced => format::money_at_least(cost),
        Some(cost) => format::money(cost),
        None if unpriced => UNKNOWN.to_owned(),
        None => NONE.to_owned(),
    }
}

pub fn cost_of(totals: &Totals) -> String {
    let unknown = totals.unpriced > 0 || (totals.priced == 0 && totals.model_calls > 0);
    cost((totals.priced > 0).then_some(totals.cost), unknown)
}

/// A score in five columns: a number, or the beginning of a label.
pub fn score(score: &Score) -> String {
    match score {
        Score::Number(number) => format::score_in(*number, SCORE),
        Score::Label(label) => wrap::cut(&wrap::clean_line(label), SCORE),
    }
}

/// Columns of a score.
const SCORE: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_never_nothing() {
        assert_eq!(tokens(None, false), NONE);
        assert_eq!(tokens(None, true), UNKNOWN);
        assert_eq!(cost(None, true), UNKNOWN);
        assert_eq!(cost(Some(Usd(0)), false), "$0");
        assert_eq!(cost(Usd::from_dollars(0.428), true), "$.428+");
        assert_eq!(cost(Some(Usd(1)), false), "<.00001");
    }

    #[test]
    fn what_goes_on_says_so() {
        let at = |seconds: u64| Timestamp(seconds * 1_000_000_000);
        assert_eq!(duration(at(1), Some(at(47)), at(99)), "46s");
        assert_eq!(duration(at(1), None, at(15)), "14s+");
        assert_eq!(duration(at(15), None, at(1)), "0s+");
        assert_eq!(duration(Timestamp(0), None, at(15)), UNKNOWN);
    }
}
