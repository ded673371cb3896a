//! What the two sides of a comparison are called.

use super::super::build::Builder;
use super::super::runs;
use crate::app::styled::Styled;
use crate::app::{step, wrap};
use crate::model::AssembledTrace;
use crate::slots::Slot;

/// The letters of the two sides.
pub const LETTERS: [&str; 2] = ["A", "B"];

/// `A ✗ book the ryokan ──────── 2026-11-03 17:42:09 · 1a2b3c4d`: one side of a comparison. `what`: the call in it.
pub fn side(to: &mut Builder, letter: &str, trace: &AssembledTrace, what: Option<&str>) {
    let state = if trace.waits.is_some() { trace.run_state(to.now()) } else { trace.run_state(trace.last_seen) };
    let (mark, slot) = step::mark(state);
    let name = runs::name(trace);
    let when = runs::when(to, trace);
    let what = what.map_or_else(String::new, |what| format!("{what} · "));
    let left = vec![
        Styled::new(format!("{letter} "), Slot::Accent),
        Styled::new(format!("{mark} "), slot),
        Styled::new(format!("{what}{}", wrap::clean_line(&name)), Slot::Title),
    ];
    let right = if to.width >= runs::ROOMY { vec![Styled::new(format!("  {when} "), Slot::Dim)] } else { vec![] };
    to.spread(left, right);
}
