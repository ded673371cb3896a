//! Calls of which the sender reports another price than the price tables say.

use crate::app::wrap;
use crate::model::{ModelCall, PriceSource, Usd};

/// Calls of one model of which the sender reports more than the price tables say, or less.
pub struct Doubt {
    pub model: String,
    pub calls: u64,
    pub reported: Usd,
    pub computed: Usd,
}

pub fn doubts(calls: &[&ModelCall]) -> Vec<Doubt> {
    let mut doubts: Vec<Doubt> = Vec::new();
    for call in calls {
        let Some((reported, computed)) = doubted(call) else { continue };
        let model = wrap::clean_line(model_of(call));
        let more = |doubt: &Doubt| doubt.reported > doubt.computed;
        match doubts.iter_mut().find(|doubt| doubt.model == model && more(doubt) == (reported > computed)) {
            Some(doubt) => {
                doubt.calls += 1;
                doubt.reported = doubt.reported + reported;
                doubt.computed = doubt.computed + computed;
            }
            None => doubts.push(Doubt { model, calls: 1, reported, computed }),
        }
    }
    doubts
}

pub fn model_of(call: &ModelCall) -> &str {
    call.model.as_deref().or(call.response_model.as_deref()).unwrap_or("unknown model")
}

/// What the sender reports of a call and what the price tables say, where they are more than a tenth apart.
pub fn doubted(call: &ModelCall) -> Option<(Usd, Usd)> {
    let cost = call.cost.as_ref().filter(|cost| cost.source == PriceSource::Reported)?;
    let (reported, computed) = (cost.total, cost.computed?);
    let differ = (reported.0 - computed.0).unsigned_abs() * 10 > reported.0.max(computed.0).unsigned_abs();
    differ.then_some((reported, computed))
}

/// Calls of one model whose reported total has more tokens than their input and output.
pub struct Unexplained {
    pub model: String,
    pub calls: u64,
    pub tokens: u64,
}

pub fn unexplained(calls: &[&ModelCall]) -> Vec<Unexplained> {
    let mut all: Vec<Unexplained> = Vec::new();
    for call in calls.iter().filter(|call| call.unexplained > 0) {
        let model = wrap::clean_line(model_of(call));
        match all.iter_mut().find(|of| of.model == model) {
            Some(of) => {
                of.calls += 1;
                of.tokens = of.tokens.saturating_add(call.unexplained);
            }
            None => all.push(Unexplained { model, calls: 1, tokens: call.unexplained }),
        }
    }
    all
}

/// `25% more`.
pub fn apart(reported: Usd, computed: Usd) -> String {
    let (reported, computed) = (reported.0.max(0).unsigned_abs(), computed.0.max(0).unsigned_abs());
    if computed == 0 {
        return "more".to_owned();
    }
    let percent = reported.abs_diff(computed).saturating_mul(100) / computed;
    format!("{percent}% {}", if reported < computed { "less" } else { "more" })
}
