//! How the time of a run is shared between models, tools and neither of them.

use super::steps::{Step, Work};
use crate::app::document::Stretch;

/// Gaps of at least this share of the run, and of at least a second, are named.
const NAMED_SHARE: u64 = 10;
const NAMED: u64 = 1_000_000_000;

/// Whose a run's time was. Durations in nanoseconds; what went on at once is counted once, and what a model does inside
/// a tool is the model's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shares {
    pub model: u64,
    pub tool: u64,
    pub neither: u64,
    /// Models or tools were at work in so many steps at once.
    pub at_once: usize,
    /// Where neither was at work for long, in order.
    pub gaps: Vec<Stretch>,
    /// Who is still at work, as far as is known.
    pub open: Option<Work>,
}

/// `within`: the run's time, as far as it is known; `ended`: nothing of it goes on.
pub fn shares(steps: &[Step], within: Stretch, ended: bool) -> Shares {
    let (models, tools) = own_work(steps, within);
    let at_once = most_at_once(models.iter().chain(&tools));
    let both = union(models.iter().chain(&tools).copied().collect());
    let total = length(&both);
    let model = length(&union(models));
    let is_open = |work| steps.iter().any(|step| step.work == work && step.until.is_none());
    let open = [Work::Model, Work::Tool].into_iter().find(|work| is_open(*work));
    let mut gaps = Vec::new();
    if !both.is_empty() {
        let mut from = within.from;
        for work in &both {
            gaps.push(Stretch { from, until: work.from });
            from = work.until;
        }
        // What a run does that goes on is not known before its span comes.
        if ended {
            gaps.push(Stretch { from, until: within.until });
        }
        let least = (within.length() / NAMED_SHARE).max(NAMED);
        gaps.retain(|gap| gap.length() >= least);
    }
    let neither = within.length().saturating_sub(total);
    Shares { model, tool: total - model, neither, at_once, gaps, open }
}

/// When models and when tools were at work, without what models and tools did inside of that.
fn own_work(steps: &[Step], within: Stretch) -> (Vec<Stretch>, Vec<Stretch>) {
    // For each step the nearest one around it that is work.
    let mut around: Vec<Option<usize>> = Vec::with_capacity(steps.len());
    let mut inside: Vec<(usize, Stretch)> = Vec::new();
    let time = |step: &Step| step.stretch(within.until).common(within);
    for step in steps {
        let outer = step.parent.and_then(|parent| match steps[parent].work {
            Work::Other => around[parent],
            Work::Model | Work::Tool => Some(parent),
        });
        around.push(outer);
        if let Some((outer, time)) = outer.filter(|_| step.work != Work::Other).zip(time(step)) {
            inside.push((outer, time));
        }
    }
    inside.sort_unstable_by_key(|(outer, time)| (*outer, time.from));
    let (mut models, mut tools) = (Vec::new(), Vec::new());
    let mut next = 0;
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.work != Work::Other) {
        while inside.get(next).is_some_and(|(outer, _)| *outer < at) {
            next += 1;
        }
        let Some(time) = time(step) else { continue };
        let into = if step.work == Work::Model { &mut models } else { &mut tools };
        let mut from = time.from;
        for (_, inner) in inside[next..].iter().take_while(|(outer, _)| *outer == at) {
            if inner.from > from {
                into.push(Stretch { from, until: inner.from.min(time.until) });
            }
            from = from.max(inner.until);
        }
        if time.until > from {
            into.push(Stretch { from, until: time.until });
        }
    }
    (models, tools)
}

/// Stretches that do not touch, in order, which cover the same time.
fn union(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    stretches.sort_unstable_by_key(|stretch| stretch.from);
    let mut union: Vec<Stretch> = Vec::new();
    for stretch in stretches {
        match union.last_mut().filter(|last| last.until >= stretch.from) {
            Some(last) => last.until = last.until.max(stretch.until),
            None => union.push(stretch),
        }
    }
    union
}

fn length(stretches: &[Stretch]) -> u64 {
    stretches.iter().map(|stretch| stretch.length()).sum()
}

fn most_at_once<'s>(stretches: impl Iterator<Item = &'s Stretch>) -> usize {
    // What ends at a moment ends before what begins at it.
    let mut changes: Vec<(u64, bool)> =
        stretches.flat_map(|stretch| [(stretch.from, true), (stretch.until, false)]).collect();
    changes.sort_unstable();
    let (mut now, mut most): (usize, usize) = (0, 0);
    for (_, begins) in changes {
        now = if begins { now + 1 } else { now.saturating_sub(1) };
        most = most.max(now);
    }
    most
}
