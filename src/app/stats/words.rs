//! What a statistic counts, in words.

use super::Opens;
use crate::app::{format, wrap};
use crate::model::{Attention, OfSession, Only, Outcomes, Within};
use crate::slots::Slot;

/// `model:nova-lite`, `tool ≥ 5.6s`: what the lists are narrowed to.
#[must_use]
pub fn only(only: &Only) -> String {
    let named = |kind: &str, name: Option<&String>| match name {
        Some(name) => format!("{kind}:{}", wrap::clean_line(name)),
        None => format!("no {kind}"),
    };
    match only {
        Only::Model(model) => named("model", model.as_ref()),
        Only::Agent(agent) => named("agent", agent.as_ref()),
        Only::Tool(tool) => named("tool", Some(tool)),
        Only::Offered(tool, _) => named("offered", Some(tool)),
        Only::User(user) => named("user", user.as_ref()),
        Only::Run(trace) => format!("run:{:.8}", trace.to_string()),
        Only::Outcome(outcome) => word(*outcome).to_owned(),
        Only::Took(timed, time) => format!("{} ≥ {}", timed.as_str(), format::duration(*time)),
        Only::Cost(cost) => format!("cost ≥ {}", format::money(*cost)),
        Only::Of(of, within) => {
            let of = self::only(of);
            match within {
                Within::Failed => format!("{of} failed"),
                Within::Loop => format!("{of} in a loop"),
                Within::Took(time) => format!("{of} ≥ {}", format::duration(*time)),
                Within::FirstToken(time) => format!("{of} first token ≥ {}", format::duration(*time)),
            }
        }
    }
}

/// What opening shows, in a few words.
#[must_use]
pub fn opens(opens: &Opens) -> String {
    let session = |session: &OfSession| {
        session
            .as_ref()
            .map_or_else(|| "no session".to_owned(), |id| format!("session:{}", wrap::clean_line(id.as_str())))
    };
    match opens {
        Opens::Only(of) => only(of),
        Opens::Session(of) => session(of),
        Opens::InSession(of, what) => format!("{} {}", session(of), only(what)),
    }
}

/// The word for a group of runs.
#[must_use]
pub fn word(outcome: Outcomes) -> &'static str {
    match outcome {
        Outcomes::Dear => "over 3× usual cost",
        Outcomes::Loop => "with a loop",
        Outcomes::Full => "context ≥ 90% full",
        Outcomes::Unanswered => "tool without a result",
        Outcomes::CacheBreak => "cache broke",
        other => other.as_str(),
    }
}

/// The same for a narrow column.
#[must_use]
pub fn short_word(outcome: Outcomes) -> &'static str {
    match outcome {
        Outcomes::Dear => "≥ 3× usual",
        Outcomes::Full => "≥ 90% full",
        Outcomes::Unanswered => "no result",
        other => word(other),
    }
}

/// The mark of a group of runs, and its slot.
#[must_use]
pub fn mark(outcome: Outcomes) -> (&'static str, Slot) {
    match outcome {
        Outcomes::Done => ("✓", Slot::TreeOk),
        Outcomes::Recovered => ("!", Slot::Warning),
        Outcomes::Failed => ("✗", Slot::TreeError),
        Outcomes::NeverEnded => ("◌", Slot::Warning),
        Outcomes::Running => ("●", Slot::TreeRunning),
        Outcomes::Loop => ("↻", Slot::Error),
        Outcomes::CutOff => ("…", Slot::Warning),
        Outcomes::Full => ("█", Slot::Warning),
        Outcomes::Unanswered => ("?", Slot::Warning),
        Outcomes::CacheBreak => ("C", Slot::Warning),
        Outcomes::Dear => ("$", Slot::Warning),
    }
}

/// Why somebody should look at a run.
#[must_use]
pub fn why(run: &Attention) -> String {
    let repeated = run.repeat.as_ref().filter(|repeat| repeat.is_loop);
    let repeated = repeated.map(|repeat| format!("↻ {} {}×", wrap::clean_line(&repeat.tool), repeat.times));
    let spent = run.repeat.as_ref().and_then(|repeat| repeat.spent).filter(|spent| spent.0 > 0);
    let text = match run.why {
        Outcomes::Failed => Some(run.failure.as_deref().map_or_else(|| "failed".to_owned(), wrap::clean_line)),
        Outcomes::Loop => Some(match spent {
            Some(spent) => format!("same arguments · {} after that began", format::money(spent)),
            None => "same arguments".to_owned(),
        }),
        Outcomes::CutOff => Some("the last answer was cut off".to_owned()),
        Outcomes::Full => run.filled.map(|filled| format!("a prompt filled {}% of the context", filled / 10)),
        Outcomes::Unanswered => {
            run.unanswered.as_deref().map(|tool| format!("no result for {}", wrap::clean_line(tool)))
        }
        Outcomes::CacheBreak => run.cache_break.map(|broke| {
            let [before, after] = [broke.before, broke.after].map(format::thousandths);
            format!("cached {before} → {after} in turn {}", broke.turn)
        }),
        Outcomes::Dear => run.cost.zip(run.usual).map(|(cost, usual)| {
            let tenths = i128::from(cost.0) * 10 / i128::from(usual.0.max(1));
            format!("{}.{}× the median {}", tenths / 10, tenths % 10, format::money(usual))
        }),
        other => Some(other.as_str().to_owned()),
    };
    repeated.into_iter().chain(text).collect::<Vec<_>>().join(" · ")
}
