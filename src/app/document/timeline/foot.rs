//! Beneath a run: whose its time was, the critical path, and what the bars mean.

use std::time::Duration;

use super::Run;
use super::bars::{BESIDE, CRITICAL, FAILED, GOES_ON, MODEL, OTHER, TOOL, WAITING};
use super::steps::{Step, Work};
use crate::app::document::build::Builder;
use crate::app::styled::Styled;
use crate::app::{format, step, wrap};
use crate::model::{Node, NodeState};
use crate::slots::Slot;

/// Steps of the critical path that are named.
const NAMED: usize = 5;
/// The widest bar of a share.
const WIDEST: usize = 40;

/// `now`: up to when the run is known.
pub fn write(to: &mut Builder, run: &Run, nodes: &[Node], now: u64) {
    to.blank();
    shares(to, run, now);
    critical_path(to, run, nodes);
    to.blank();
    legend(to, run, nodes);
}

/// `model     21s  46%  █████████▏`
fn shares(to: &mut Builder, run: &Run, now: u64) {
    let shares = &run.shares;
    if shares.model + shares.tool == 0 {
        return;
    }
    // What went on when last seen has gone on since.
    let since = now.saturating_sub(run.known.until);
    let grown = |work: Work, time: u64| if shares.open == Some(work) { time + since } else { time };
    let rows = [
        ("model", grown(Work::Model, shares.model), Slot::TreeLlm, MODEL),
        ("tool", grown(Work::Tool, shares.tool), Slot::TreeTool, TOOL),
        ("neither", shares.neither, Slot::Dim, OTHER),
    ];
    let total: u64 = rows.iter().map(|(_, time, ..)| time).sum();
    let room = to.width.saturating_sub(24).min(WIDEST);
    for (what, time, slot, fill) in rows.into_iter().filter(|(_, time, ..)| *time > 0) {
        #[expect(clippy::cast_precision_loss, reason = "a share, for people")]
        let share = time as f64 / total.max(1) as f64;
        let cells = u128::from(time) * room as u128 / u128::from(total.max(1));
        // A little is not nothing.
        let cells = usize::try_from(cells).unwrap_or(room).clamp(room.min(1), room);
        let lasted = format::duration(Duration::from_nanos(time));
        to.line(vec![
            Styled::new(format!("{what:<8}"), Slot::Text),
            Styled::new(format!("{lasted:>6}"), Slot::TreeNumber),
            Styled::new(format!("{:>6}  ", format::percent(share)), Slot::TreeNumber),
            Styled::new(fill.repeat(cells), slot),
        ]);
    }
}

/// Which steps decided how long the run took.
fn critical_path(to: &mut Builder, run: &Run, nodes: &[Node]) {
    let steps = run.steps.iter().filter(|step| !step.timeless).count();
    if steps < 2 {
        return;
    }
    let text = if run.parallel {
        let mut decided: Vec<(u64, &Step)> = (run.path.iter().zip(&run.steps))
            .filter_map(|(decided, step)| Some((decided.filter(|time| *time > 0)?, step)))
            .collect();
        let on_path = run.path.iter().flatten().count();
        decided.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
        let time = |time| format::duration(Duration::from_nanos(time));
        let named =
            decided.iter().take(NAMED).map(|(of, step)| format!("{} {}", step::called(&nodes[step.node]), time(*of)));
        let named = named.collect::<Vec<_>>().join(" · ");
        let more = decided.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" · {more} more") } else { String::new() };
        let at_once = run.shares.at_once;
        let at_once = if at_once > 1 { format!("; up to {at_once} at once") } else { String::new() };
        format!("critical path {CRITICAL}  {on_path} of {steps} steps: {named}{more}{at_once}")
    } else {
        "critical path  every step: nothing ran in parallel".to_owned()
    };
    to.blank();
    to.wrapped(0, 2, &[Styled::new(text, Slot::Text)]);
}

/// What the bars mean that there are.
fn legend(to: &mut Builder, run: &Run, nodes: &[Node]) {
    let has = |is: &dyn Fn(&Step) -> bool| run.steps.iter().any(is);
    let entries = [
        (has(&|step| step.first_token.is_some()), WAITING, "wait for first token"),
        (has(&|step| step.work == Work::Model), MODEL, "model"),
        (has(&|step| step.work == Work::Tool), TOOL, "tool"),
        (has(&|step| step.work == Work::Other && nodes[step.node].state != NodeState::Missing), OTHER, "other"),
        (has(&|step| nodes[step.node].state == NodeState::Error), FAILED, "failed"),
        (has(&|step| step.until.is_none()), GOES_ON, "goes on"),
        (run.parallel, BESIDE, "at once"),
    ];
    let entries = entries.into_iter().filter(|(there, ..)| *there);
    // An entry is not torn at the end of a line.
    let entries = entries.map(|(_, mark, means)| format!("{mark} {means}"));
    let mut line = String::new();
    for entry in entries {
        if !line.is_empty() && wrap::width(&line) + 2 + wrap::width(&entry) > to.width {
            to.line(vec![Styled::new(std::mem::take(&mut line), Slot::Dim)]);
        }
        let gap = if line.is_empty() { "" } else { "  " };
        line = format!("{line}{gap}{entry}");
    }
    to.line(vec![Styled::new(line, Slot::Dim)]);
}
