//! Durations, tokens and money as the columns and the header show them: unknown is `?`, none is `·`, more to follow is `+`.

pub use crate::app::format::whole_seconds;
use crate::{
    app::{areas::NAMED_SCORE, format, wrap},
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

/// A score in a column so wide, one of which stays free: a label that says that something failed, how many things were judged
/// where there are several, else the number or label; in a wide column with what was judged.
pub fn score(score: &Score, width: u16) -> String {
    let room = usize::from(width.saturating_sub(1));
    if let Some(failed) = score.failed() {
        return wrap::cut(&wrap::clean_line(failed), room);
    }
    if score.names.len() > 1 {
        return wrap::cut(&format!("{} scores", format::count(score.names.len() as u64)), room);
    }
    let value = score_value(score, if width == NAMED_SCORE { VALUE } else { room });
    let name = wrap::clean_line(score.names.first().map_or("", String::as_str));
    // A single letter before a `…` says nothing.
    let left = room.saturating_sub(wrap::width(&value) + 1);
    if width == NAMED_SCORE && left > 2 && !name.trim().is_empty() {
        format!("{} {value}", wrap::cut(&name, left))
    } else {
        value
    }
}

/// The number, else the label, in so many columns.
fn score_value(score: &Score, columns: usize) -> String {
    match (score.number, &score.label) {
        (Some(number), _) => format::score_in(number, columns),
        (None, Some(label)) => wrap::cut(&wrap::clean_line(label), columns),
        (None, None) => String::new(),
    }
}

/// Columns of a score beside what was judged.
const VALUE: usize = 5;

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
    fn a_score_says_what_was_judged_where_others_are_of_something_else() {
        let of = |number, label: &str, names: &[&str]| Score {
            number,
            label: Some(label.to_owned()).filter(|label| !label.is_empty()),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let shown = |of: &Score| [6, NAMED_SCORE].map(|width| score(of, width));
        assert_eq!(shown(&of(Some(0.02), "", &["toxicity"])), ["0.02", "toxic… 0.02"]);
        assert_eq!(shown(&of(Some(0.9), "", &["tone"])), ["0.9", "tone 0.9"]);
        assert_eq!(shown(&of(Some(0.9), "", &[""])), ["0.9", "0.9"]);
        assert_eq!(shown(&of(None, "not relevant", &["relevance"])), ["not …", "rele… not …"]);
        assert_eq!(shown(&of(Some(0.02), "", &["tone", "toxicity"]))[1], "2 scores");
        assert_eq!(shown(&of(Some(0.02), "Fail", &["tone", "toxicity"])), ["Fail", "Fail"]);
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
