//! The Timeline pane: when each step of a run was under way, what it took by itself, and whose the time was.
//!
//! ```text
//!                      0s        10s       20s       30s        38s   self
//!  A planner           ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━   0.6s
//!    M turn 1          ▒▒████                                         5.1s
//!    T search         ║      ▓▓▓▓▓▓▓▓▓▓▓▓                              11s *
//!    T book           ║      ▓▓▓▓▓✗                                   4.2s
//! ```
//!
//! ```text
//!   steps     the nodes that the tree shows, with their times
//!   shares    whose the run's time was, and its gaps
//!   path      the critical path
//!   scale     time → columns, the ruler
//!   bars      a step → its line
//!   foot      the sums beneath a run
//! ```
//!
//! All that follows from an answer is worked out once; a line is written when somebody looks at it, by the clock and
//! the zoom of that moment.

mod bars;
mod foot;
mod path;
mod scale;
mod shares;
mod steps;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::build::Builder;
use super::outline::{Blocks, Outline, Pane};
use super::{Moment, Stretch, runs};
use crate::app::styled::Styled;
use crate::model::{AssembledTrace, Detail, Waits};
use crate::slots::Slot;
pub use shares::Shares;
use steps::Step;

/// When each step of a trace, or of the traces of a session, was under way.
#[must_use]
pub fn blocks(detail: &Arc<Detail>) -> Box<dyn Blocks> {
    let mut outline = Outline::default();
    if detail.left_out > 0 {
        outline.push(Block::LeftOut, "left out", 1, 0);
    }
    outline.expect(detail.traces.iter().map(|trace| trace.tree.nodes.len()).sum());
    let mut runs = Vec::new();
    for (at, (trace, number)) in runs::numbered(detail).enumerate() {
        let run = Run::of(trace, number);
        if number.is_some() {
            outline.push(Block::Heading { run: at }, ("run", trace.trace), 2, 0);
        }
        if run.steps.is_empty() {
            outline.push(Block::Nothing, ("nothing", trace.trace), 1, 0);
        } else {
            outline.push(Block::Ruler { run: at }, ("ruler", trace.trace), 1, 0);
            let mut gaps = run.gaps_before().into_iter().peekable();
            for (step, of) in run.steps.iter().enumerate() {
                while let Some((_, gap)) = gaps.next_if(|(before, _)| *before <= step) {
                    outline.push(Block::Gap { run: at, gap }, ("gap", trace.trace, gap), 1, 0);
                }
                let span = trace.tree.nodes[of.node].id;
                outline.push(Block::Step { run: at, step }, (trace.trace, span), 1, 0);
                outline.holds(span);
            }
            for (_, gap) in gaps {
                outline.push(Block::Gap { run: at, gap }, ("gap", trace.trace, gap), 1, 0);
            }
            outline.push(Block::Foot { run: at }, ("foot", trace.trace), 7, 0);
        }
        runs.push(run);
    }
    outline.of(Timeline { detail: detail.clone(), runs })
}

/// Whose the time of a run was.
#[must_use]
pub fn shares_of(trace: &AssembledTrace) -> Shares {
    Run::of(trace, None).shares
}

#[derive(Debug)]
struct Timeline {
    detail: Arc<Detail>,
    /// One for each trace of the answer.
    runs: Vec<Run>,
}

/// What follows from a trace.
#[derive(Debug)]
pub struct Run {
    /// Which run of its session it is; `None` for one that is alone.
    number: Option<u64>,
    steps: Vec<Step>,
    /// Its time, as far as it is known from what was received.
    known: Stretch,
    shares: Shares,
    /// For each step how much of the time it decided, `None` for one beside the critical path; empty where nothing went on
    /// at once, as all steps are on it then.
    path: Vec<Option<u64>>,
    /// Whether steps went on at once.
    parallel: bool,
    /// The widest of the steps' names, about, in columns.
    widest: usize,
}

#[derive(Debug)]
enum Block {
    LeftOut,
    Heading { run: usize },
    Nothing,
    Ruler { run: usize },
    Step { run: usize, step: usize },
    Gap { run: usize, gap: usize },
    Foot { run: usize },
}

impl Run {
    fn of(trace: &AssembledTrace, number: Option<u64>) -> Self {
        let (steps, families) = steps::steps(trace);
        let timed = || steps.iter().filter(|step| !step.timeless);
        let from = timed().map(|step| step.from).min().unwrap_or_default();
        let ended = timed().map(|step| step.end(0)).max().unwrap_or_default();
        let goes_on =
            timed().any(|step| step.until.is_none()) || matches!(trace.waits, Some(Waits::Root | Waits::Remote));
        let until = if goes_on { ended.max(trace.last_seen.0) } else { ended };
        let known = Stretch { from, until };
        let parallel = steps.iter().any(|step| step.beside);
        let widest = steps.iter().map(|step| {
            let node = &trace.tree.nodes[step.node];
            2 * step.depth.min(bars::DEEPEST) + bars::LETTER + bars::about(node)
        });
        Self {
            number,
            shares: shares::shares(&steps, known, !goes_on),
            path: if parallel { path::critical_path(&steps, &families, known) } else { Vec::new() },
            parallel,
            widest: widest.max().unwrap_or_default(),
            known,
            steps,
        }
    }

    /// Before which step each gap is shown: the first that began when it was over.
    fn gaps_before(&self) -> Vec<(usize, usize)> {
        let gaps = self.shares.gaps.iter().enumerate();
        let before = gaps.map(|(gap, time)| {
            let begins = |step: &Step| !step.timeless && step.from >= time.until;
            (self.steps.iter().position(begins).unwrap_or(self.steps.len()), gap)
        });
        before.collect()
    }

    /// Up to when its time is known: what goes on is under way until now, unless its run was given up.
    fn now(&self, trace: &AssembledTrace, to: &mut Builder) -> u64 {
        let waits = trace.waits.filter(|waits| matches!(waits, Waits::Spans | Waits::Root | Waits::Remote));
        // Only what goes on is written anew as time goes by.
        let now = waits.and_then(|_| Some((to.now(), trace.running_until()?)));
        let goes_on = now.filter(|(now, until)| until > now);
        goes_on.map_or(self.known.until, |(now, _)| self.known.until.max(now.0))
    }

    fn whole(&self, trace: &AssembledTrace, to: &mut Builder) -> Stretch {
        Stretch { from: self.known.from, until: self.now(trace, to) }
    }
}

impl Timeline {
    fn moment(&self, run: usize, own: Stretch, to: &mut Builder) -> Moment {
        let trace = &self.detail.traces[run];
        let whole = self.runs[run].whole(trace, to);
        Moment { trace: trace.trace, own, window: to.lens.window(trace.trace, whole), whole }
    }
}

impl Pane for Timeline {
    type Block = Block;

    fn write(&self, block: &Block, to: &mut Builder) {
        match *block {
            Block::LeftOut => runs::left_out(to, &self.detail),
            Block::Heading { run } => runs::heading(to, &self.detail.traces[run], self.runs[run].number),
            Block::Nothing => to.line(vec![Styled::new("No span was received.", Slot::Dim)]),
            Block::Ruler { run } => {
                let whole = self.runs[run].whole(&self.detail.traces[run], to);
                let moment = self.moment(run, whole, to);
                bars::ruler(to, &self.runs[run], moment);
            }
            Block::Step { run, step } => {
                let (trace, of) = (&self.detail.traces[run], &self.runs[run]);
                let now = of.now(trace, to);
                let moment = self.moment(run, of.steps[step].stretch(now), to);
                bars::step(to, of, &trace.tree.nodes[of.steps[step].node], step, moment);
            }
            Block::Gap { run, gap } => {
                let moment = self.moment(run, self.runs[run].shares.gaps[gap], to);
                bars::gap(to, &self.runs[run], moment);
            }
            Block::Foot { run } => {
                let trace = &self.detail.traces[run];
                let now = self.runs[run].now(trace, to);
                foot::write(to, &self.runs[run], &trace.tree.nodes, now);
            }
        }
    }

    fn needs_lens(&self) -> bool {
        true
    }
}
