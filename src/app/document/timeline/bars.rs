//! One step, one line: its name, its bar, the time it took by itself.

use std::ops::Range;
use std::time::Duration;

use super::Run;
use super::scale::Scale;
use super::steps::{Step, Work};
use crate::app::document::build::Builder;
use crate::app::document::{Moment, Stretch};
use crate::app::styled::Styled;
use crate::app::{format, step, wrap};
use crate::model::{Node, NodeState};
use crate::slots::Slot;

/// Steps that lie deeper are not indented further.
pub const DEEPEST: usize = 6;
/// A kind's letter and the space after it.
pub const LETTER: usize = 2;

/// The bar of a wait for the first token, of a model, of a tool, and of any other step.
pub const WAITING: &str = "▒";
pub const MODEL: &str = "█";
pub const TOOL: &str = "▓";
pub const OTHER: &str = "━";
/// What failed ends with it; so does what goes on.
pub const FAILED: &str = "✗";
pub const GOES_ON: &str = "●";
/// At a step that another went on beside.
pub const BESIDE: &str = "║";
/// At a step of the critical path.
pub const CRITICAL: &str = "*";

/// Of panes that are narrower than this the last column is left out.
const ROOMY: usize = 44;
/// The time of its own, and a space before it; the mark of the critical path, and a space before it.
const ALONE: usize = 6;

/// The columns of a run.
#[derive(Debug, Clone, Copy)]
struct Columns {
    name: usize,
    /// Of the marks of what went on at once; 0 where nothing did.
    beside: usize,
    bars: usize,
    /// 0 where there is no room.
    alone: usize,
    critical: usize,
}

impl Columns {
    fn of(run: &Run, width: usize) -> Self {
        let alone = if width < ROOMY { 0 } else { ALONE };
        let critical = if alone > 0 && run.parallel { 2 } else { 0 };
        let beside = usize::from(run.parallel);
        let name = (width * 3 / 10).clamp(8, 32).min(run.widest.max(LETTER + 4)).min(width / 2);
        // A space stands after the name, and one before what follows the bars.
        let bars = width.saturating_sub(name + 1 + beside + alone + critical);
        Self { name, beside, bars: bars.max(1), alone, critical }
    }
}

/// `zoom 4×   0s   10s   20s   38s   self`
pub fn ruler(to: &mut Builder, run: &Run, moment: Moment) {
    let columns = Columns::of(run, to.width);
    let zoomed = moment.window != moment.whole && moment.window.length() > 0;
    let times = moment.whole.length() / moment.window.length().max(1);
    let zoom = if zoomed { format!("zoom {times}×") } else { String::new() };
    let ruler = Scale { window: moment.window, columns: columns.bars }.ruler(moment.whole.from);
    let alone = if columns.alone > 0 { format!("{:>1$}", "self", columns.alone) } else { String::new() };
    let mut texts = vec![Styled::new(padded(wrap::cut(&zoom, columns.name), columns.name + 1), Slot::Running)];
    texts.push(Styled::new(" ".repeat(columns.beside), Slot::Text));
    texts.push(Styled::new(padded(ruler, columns.bars), Slot::Dim));
    texts.push(Styled::new(alone, Slot::Dim));
    to.moment(moment);
    to.line(texts);
}

pub fn step(to: &mut Builder, run: &Run, node: &Node, at: usize, moment: Moment) {
    let (columns, step) = (Columns::of(run, to.width), &run.steps[at]);
    let mut texts = name(node, step, columns.name);
    let beside = if step.beside { BESIDE } else { " " };
    texts.push(Styled::new(&beside[..if columns.beside > 0 { beside.len() } else { 0 }], Slot::Dim));
    let scale = Scale { window: moment.window, columns: columns.bars };
    if step.timeless {
        texts.push(Styled::new(padded(wrap::cut("no time was sent", columns.bars), columns.bars), Slot::Dim));
    } else {
        texts.extend(bar(node, step, moment.own, scale, moment.window.until == moment.whole.until));
    }
    if columns.alone > 0 {
        let alone = step.alone(moment.whole.until).filter(|_| node.state != NodeState::Missing);
        let alone = alone.map_or_else(|| "·".to_owned(), format::duration);
        let slot = if alone == "·" { Slot::Dim } else { Slot::TreeNumber };
        texts.push(Styled::new(format!("{:>1$}", alone, columns.alone), slot));
    }
    if columns.critical > 0 && run.path[at].is_some() {
        texts.push(Styled::new(format!(" {CRITICAL}"), Slot::Accent));
    }
    to.anchor(node.id);
    to.moment(moment);
    to.line(texts);
}

/// What a gap is drawn with.
const GAP: &str = "┄";

/// A gap of these columns with its text in it, else after it, else before it; `None` where that does not fit anywhere.
fn labelled(text: &str, gap: Range<usize>, columns: usize) -> Option<String> {
    let (wide, long) = (wrap::width(text), gap.end.saturating_sub(gap.start));
    let pad = |count: usize| " ".repeat(count);
    if wide + 2 <= long {
        let free = long - wide - 2;
        let (before, after) = (GAP.repeat(free / 2), GAP.repeat(free - free / 2));
        Some(format!("{}{before} {text} {after}", pad(gap.start)))
    } else if gap.end + 1 + wide <= columns {
        Some(format!("{}{} {text}", pad(gap.start), GAP.repeat(long)))
    } else {
        let before = gap.start.checked_sub(wide + 1)?;
        Some(format!("{}{text} {}", pad(before), GAP.repeat(long)))
    }
}

/// `┄ 8.1s in neither model nor tool ┄`, at its place in the time.
pub fn gap(to: &mut Builder, run: &Run, moment: Moment) {
    let columns = Columns::of(run, to.width);
    let scale = Scale { window: moment.window, columns: columns.bars };
    let lasted = format::duration(Duration::from_nanos(moment.own.length()));
    let forms = [format!("{lasted} in neither model nor tool"), format!("{lasted} neither"), lasted];
    let left = columns.name + 1 + columns.beside;
    if let Some((first, end)) = scale.columns(moment.own) {
        let end = end.min(columns.bars);
        let cells = forms.iter().find_map(|text| labelled(text, first..end, columns.bars));
        let cells = cells.unwrap_or_else(|| format!("{}{}", " ".repeat(first), GAP.repeat(end.saturating_sub(first))));
        let name = padded(wrap::cut("· gap", columns.name), left);
        let texts = vec![Styled::new(name, Slot::Dim), Styled::new(cells, Slot::Warning)];
        to.moment(moment);
        return to.line(texts);
    }
    let name = padded(wrap::cut("· gap", columns.name), left);
    let edge = outside(moment.own, scale);
    to.moment(moment);
    to.line([vec![Styled::new(name, Slot::Dim)], edge].concat());
}

/// `  M turn 2`, in so many columns and a space.
fn name(node: &Node, step: &Step, columns: usize) -> Vec<Styled> {
    let indent = (2 * step.depth.min(DEEPEST)).min(columns / 6 * 2);
    let (letter, slot) =
        if node.state == NodeState::Missing { ("◌", Slot::TreeMissing) } else { step::kind(node.category) };
    let room = columns.saturating_sub(indent + LETTER);
    let called = step::called(node);
    let called =
        if node.state == NodeState::Missing { wrap::cut(&called, room) } else { wrap::cut_middle(&called, room) };
    let slot_of_name = if node.state == NodeState::Missing { Slot::TreeMissing } else { Slot::Text };
    let mut texts = vec![Styled::new(" ".repeat(indent), Slot::Text), Styled::new(format!("{letter} "), slot)];
    let left = room.saturating_sub(wrap::width(&called));
    let model = node.turn.and(node.model.as_deref()).map(|model| wrap::clean_line(format::model(model)));
    texts.push(Styled::new(called, slot_of_name));
    match model.filter(|model| wrap::width(model) < left) {
        Some(model) => texts.push(Styled::new(padded(format!(" {model}"), left + 1), Slot::Dim)),
        None => texts.push(Styled::new(" ".repeat(left + 1), Slot::Text)),
    }
    texts
}

/// The columns that its name takes, about: counted in bytes, as there may be many.
pub fn about(node: &Node) -> usize {
    match (node.turn, node.ordinal) {
        (Some(turn), _) => "turn 1".len() + turn.max(1).ilog10() as usize,
        (None, Some(ordinal)) => node.name.len() + " #1".len() + ordinal.max(1).ilog10() as usize,
        (None, None) => node.name.len(),
    }
}

/// The cells of a bar. `to_the_end`: the window shows the run's end, up to which it is known to go on.
fn bar(node: &Node, step: &Step, own: Stretch, scale: Scale, to_the_end: bool) -> Vec<Styled> {
    let Some((first, end)) = scale.columns(own) else { return outside(own, scale) };
    let wide = end - first;
    let slot = step::kind(node.category).1;
    let (mut waiting, fill, slot) = match step.work {
        _ if node.state == NodeState::Missing => (0, "┄", Slot::TreeMissing),
        Work::Model => {
            let token = step.first_token.map(|wait| step.from.saturating_add(wait).min(own.until));
            // Where both have a part of the bar, both show.
            let wait = token.map_or(0, |token| scale.column(token).saturating_sub(first).min(wide));
            let wait = if wide > 1 && own.until > token.unwrap_or(own.until) { wait.min(wide - 1) } else { wait };
            (wait, MODEL, slot)
        }
        Work::Tool => (0, TOOL, slot),
        Work::Other => (0, OTHER, Slot::Dim),
    };
    let last = match node.state {
        NodeState::Error => Some((FAILED, Slot::Error)),
        _ if step.until.is_none() && to_the_end => Some((GOES_ON, Slot::Running)),
        _ => None,
    };
    // The end of the bar is not that of the step where the window ends before it.
    let last = last.filter(|_| own.until <= scale.window.until);
    let body = wide - usize::from(last.is_some());
    waiting = waiting.min(body);
    let mut texts = vec![Styled::new(" ".repeat(first), Slot::Text)];
    texts.push(Styled::new(WAITING.repeat(waiting), slot));
    texts.push(Styled::new(fill.repeat(body - waiting), slot));
    texts.extend(last.map(|(mark, slot)| Styled::new(mark, slot)));
    texts.push(Styled::new(" ".repeat(scale.columns.saturating_sub(end)), Slot::Text));
    texts.retain(|styled| !styled.text.is_empty());
    texts
}

/// An arrow to what lies before or after the window.
fn outside(own: Stretch, scale: Scale) -> Vec<Styled> {
    let pad = scale.columns.saturating_sub(1);
    let cells = if own.until < scale.window.from {
        format!("‹{}", " ".repeat(pad))
    } else {
        format!("{}›", " ".repeat(pad))
    };
    vec![Styled::new(cells, Slot::Dim)]
}

fn padded(text: String, columns: usize) -> String {
    let pad = columns.saturating_sub(wrap::width(&text));
    text + &" ".repeat(pad)
}
