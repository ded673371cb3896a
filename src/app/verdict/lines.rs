//! A verdict as lines of a width: whole where there is room, in a few words where there is little.

use super::{Agent, By, Cause, ContextUse, FanOut, Repeat, Unfinished, Unusual, Verdict, What, context::percent};
use crate::app::{format, styled::Styled, wrap};
use crate::keymap::Action;
use crate::model::Timestamp;
use crate::slots::Slot;
use crate::tabs::Tab;

/// Columns of the bar of the context window.
const BAR: usize = 16;
/// Columns of a key at the right end, with the gap before it.
const KEY: usize = 3;

/// One line: texts from the left, and what stands at its right end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerdictLine {
    pub left: Vec<Styled>,
    pub right: Vec<Styled>,
    /// What goes to that which it is about: at its right end is room for the key.
    pub proof: Option<Action>,
}

impl Verdict {
    /// At most so many lines of at most so many columns, the most needed first; none where nothing is to be said.
    #[must_use]
    pub fn lines(&self, columns: usize, most: usize, now: Timestamp, unusual: Option<Unusual>) -> Vec<VerdictLine> {
        let mut lines = Vec::new();
        if let Some(unfinished) = self.unfinished.as_ref().filter(|unfinished| unfinished.until <= now) {
            lines.push(never_ended(unfinished, now));
        }
        if most == 1 && lines.is_empty() {
            return self.in_short(columns, unusual).into_iter().collect();
        }
        let repeat = self.repeat.as_ref();
        if let Some(cause) = &self.cause {
            lines.push(self.head(cause, columns));
            // With what happened again and again, the message of the last time is said once.
            match (&cause.message, repeat) {
                (None, None) => {}
                (message, repeat) => lines.push(VerdictLine {
                    left: vec![Styled::new(format!("  {}", message.as_deref().unwrap_or_default()), Slot::Text)],
                    right: repeat.map(|repeat| vec![mark_beside(repeat, cause)]).unwrap_or_default(),
                    proof: repeat.map(|_| Action::NextOdd),
                }),
            }
            lines.extend(repeat.and_then(spent).map(|spent| line(vec![Styled::new(format!("  {spent}"), Slot::Text)])));
        } else if let Some(repeat) = repeat {
            let failing = if repeat.failing { "failed each time" } else { "returned the same each time" };
            lines.push(VerdictLine {
                left: vec![mark(repeat), Styled::new(format!("  {}{} {failing}", self.run(), repeat.tool), Slot::Text)],
                right: Vec::new(),
                proof: Some(Action::NextOdd),
            });
            lines.extend(spent(repeat).map(|spent| line(vec![Styled::new(format!("  {spent}"), Slot::Text)])));
        }
        lines.extend(unusual.map(of_cost));
        let left = most.saturating_sub(lines.len());
        lines.extend(self.fan_out.iter().flat_map(|agents| of_agents(agents, columns, left)));
        lines.extend(self.context.as_ref().map(|context| of_context(context, columns)));
        lines.truncate(most);
        for line in &mut lines {
            line.fit(columns);
        }
        lines
    }

    /// `run 6 › `, where the answer holds several runs.
    fn run(&self) -> String {
        self.run.map(|run| format!("run {run} › ")).unwrap_or_default()
    }

    /// `✗ tool failed  planner › turn 5 › book_room #4             ValidationError`
    fn head(&self, cause: &Cause, columns: usize) -> VerdictLine {
        let (mut word, slot) = words(cause);
        let path: Vec<String> =
            self.run.map(|run| format!("run {run}")).into_iter().chain(cause.path.clone()).collect();
        let right: Vec<Styled> = cause.kind.iter().map(|kind| Styled::new(kind.clone(), slot)).collect();
        let proof = cause.span.map(|_| Action::NextFailed);
        let beside = usize::from(proof.is_some()) * KEY + 2 + wrap::styled_width(&right) + 2 * right.len();
        let room = |word: &str| columns.saturating_sub(beside + wrap::width(word));
        // In a narrow pane the step is worth more than words about it: the mark is among the first to be read.
        let least = path.last().map_or(0, |step| wrap::width(step));
        let forms = [
            word.replace(", the run went on", ", went on"),
            word.split(", ").next().unwrap_or_default().to_owned(),
            word.chars().take(1).collect(),
        ];
        for shorter in forms {
            if room(&word) < least && matches!(cause.what, What::Failed { .. }) {
                word = shorter;
            }
        }
        let room = room(&word);
        let gap = if wrap::width(&word) > 1 { "  " } else { " " };
        VerdictLine {
            left: vec![Styled::new(word, slot), Styled::new(format!("{gap}{}", within(&path, room)), Slot::Text)],
            right,
            proof,
        }
    }

    /// The one line of a small screen: `✗ book_room #4  ValidationError         ↻ LOOP 4×`
    fn in_short(&self, columns: usize, unusual: Option<Unusual>) -> Option<VerdictLine> {
        let right: Vec<Styled> =
            self.repeat.iter().map(|repeat| Styled::new(short(repeat), loop_slot(repeat))).collect();
        let mut line = match (&self.cause, &self.repeat) {
            (Some(cause), _) => {
                let (word, slot) = words(cause);
                let step = cause.path.last().cloned().unwrap_or_default();
                let what = match &cause.what {
                    What::Failed { .. } => cause.kind.clone().or_else(|| cause.message.clone()).unwrap_or_default(),
                    _ => String::new(),
                };
                let head = if what.is_empty() { word } else { word.chars().take(1).collect() };
                VerdictLine {
                    left: vec![
                        Styled::new(head, slot),
                        Styled::new(format!(" {}{step}", self.run()), Slot::Text),
                        Styled::new(format!("  {what}"), slot),
                    ],
                    right,
                    proof: cause.span.map(|_| Action::NextFailed),
                }
            }
            (None, Some(repeat)) => VerdictLine {
                left: vec![Styled::new(format!("{}{}", self.run(), repeat.tool), Slot::Text)],
                right,
                proof: Some(Action::NextOdd),
            },
            (None, None) => match unusual {
                Some(unusual) => of_cost(unusual),
                None if let Some(agents) = &self.fan_out => of_agents(agents, columns, 1).into_iter().next()?,
                None => of_context(self.context.as_ref()?, columns),
            },
        };
        line.fit(columns);
        Some(line)
    }
}

impl VerdictLine {
    /// Cuts it to a width: what stands at the right stays where the left keeps some columns.
    fn fit(&mut self, columns: usize) {
        let columns = columns.saturating_sub(usize::from(self.proof.is_some()) * KEY);
        if wrap::styled_width(&self.right) + 16 > columns {
            self.right.clear();
        }
        let mut room =
            columns.saturating_sub(wrap::styled_width(&self.right) + if self.right.is_empty() { 0 } else { 2 });
        for styled in &mut self.left {
            if wrap::width(&styled.text) > room {
                styled.text = wrap::cut(&styled.text, room);
            }
            room -= wrap::width(&styled.text).min(room);
        }
        self.left.retain(|styled| !styled.text.is_empty());
    }
}

fn line(left: Vec<Styled>) -> VerdictLine {
    VerdictLine { left, ..VerdictLine::default() }
}

/// What a run cost against what runs of its name usually do.
fn of_cost(unusual: Unusual) -> VerdictLine {
    VerdictLine { proof: Some(Action::Dearest), ..line(vec![cost(unusual)]) }
}

fn of_agents(fan_out: &FanOut, columns: usize, most: usize) -> Vec<VerdictLine> {
    let mut lines = side_by_side(fan_out, columns.saturating_sub(KEY), most);
    if let Some(first) = lines.first_mut() {
        first.proof = Some(Action::Tab(Tab::Timeline));
    }
    lines
}

fn of_context(context: &ContextUse, columns: usize) -> VerdictLine {
    VerdictLine { proof: Some(Action::Tab(Tab::Cost)), ..line(full(context, columns.saturating_sub(KEY))) }
}

/// What went wrong, in a few words that begin with its mark.
fn words(cause: &Cause) -> (String, Slot) {
    let (mark, slot) = if cause.fatal { ("✗", Slot::Error) } else { ("!", Slot::Warning) };
    let words = match &cause.what {
        What::Failed { by, failures } => {
            let who = match by {
                By::Tool => "tool failed",
                By::Model => "model call failed",
                By::Program => "program failed",
            };
            let went_on = if cause.went_on { ", the run went on" } else { "" };
            match failures {
                2.. if !cause.fatal => format!("{} steps failed{went_on}", format::count(*failures)),
                _ => format!("{who}{went_on}"),
            }
        }
        What::CutOff(reason) => return (format!("! cut off: {reason}"), Slot::Warning),
        What::Refused(reason) => return (format!("! refused: {reason}"), Slot::Warning),
        What::Dropped(what) => return (format!("! sender dropped {what} of"), Slot::Warning),
        What::NoAnswer => return ("! ended without an answer".to_owned(), Slot::Warning),
        What::BadArguments => return ("! arguments break the schema of".to_owned(), Slot::Warning),
        What::Unanswered => return ("! no result for".to_owned(), Slot::Warning),
    };
    (format!("{mark} {words}"), slot)
}

/// `$.272 = 5.2× the median of 20 earlier runs`
fn cost(unusual: Unusual) -> Styled {
    let Unusual { cost, tenths, of } = unusual;
    let times = if tenths < 100 { format!("{}.{}", tenths / 10, tenths % 10) } else { format::count(tenths / 10) };
    Styled::new(format!("{} = {times}× the median of {of} earlier runs", format::money(cost)), Slot::Warning)
}

/// Agents that worked side by side, the one that took longest first, in one line where they fit, else in two:
///
/// `3 agents side by side, hotels took longest`
/// `  hotels 11s $.013 · weather 7.0s $.013 · flights 4.0s $.013`
fn side_by_side(fan_out: &FanOut, columns: usize, most: usize) -> Vec<VerdictLine> {
    let FanOut { agents, slowest } = fan_out;
    let number = agents.len();
    let head = slowest.as_ref().map_or_else(
        || format!("{number} agents side by side"),
        |slowest| format!("{number} agents side by side, {slowest} took longest"),
    );
    let one = |agent: &Agent, room: usize| {
        let took = agent.took.map_or_else(|| "running".to_owned(), format::duration);
        let cost = agent.cost.map_or_else(String::new, |cost| format!(" {}", format::money(cost)));
        let (mark, slot) = if agent.failed { ("✗ ", Slot::Error) } else { ("", Slot::Text) };
        let name = format!("{mark}{}", wrap::cut_middle(&agent.name, room));
        [Styled::new(name, slot), Styled::new(format!(" {took}{cost}"), Slot::Dim)]
    };
    let all = |shown: usize, room: usize| {
        let mut texts = vec![Styled::new("  ", Slot::Text)];
        for (at, agent) in agents.iter().take(shown).enumerate() {
            texts.extend((at > 0).then(|| Styled::new(" · ", Slot::Dim)));
            texts.extend(one(agent, room));
        }
        texts.extend((shown < number).then(|| Styled::new(format!(" · +{}", number - shown), Slot::Dim)));
        texts
    };
    let fits = |texts: &Vec<Styled>| wrap::styled_width(texts) <= columns;
    let both = [vec![Styled::new(head.clone(), Slot::Text)], all(number, usize::MAX)].concat();
    if fits(&both) {
        return vec![line(both)];
    }
    if most < 2 {
        let short = vec![Styled::new(format!("{number} agents  slowest "), Slot::Text)];
        let slowest = agents.first().filter(|_| slowest.is_some()).map(|agent| one(agent, 16));
        let text = slowest.map_or_else(|| vec![Styled::new(head, Slot::Text)], |one| [short, one.into()].concat());
        return vec![line(text)];
    }
    // Names give way before an agent is left out.
    // No more than these fit: none takes less than four columns.
    let most_shown = number.min(columns / 4 + 1);
    let forms = [(number, usize::MAX), (number, 12)].into_iter().chain((1..most_shown).rev().map(|shown| (shown, 12)));
    let mut forms = forms.map(|(shown, room)| all(shown, room));
    let listed = forms.find(fits).unwrap_or_default();
    vec![line(vec![Styled::new(head, Slot::Text)]), line(listed)]
}

/// `↻ LOOP 4× same arguments`
fn mark(repeat: &Repeat) -> Styled {
    Styled::new(format!("{} same arguments", short(repeat)), loop_slot(repeat))
}

/// The same beside a failure: with the name of the tool where another step failed.
fn mark_beside(repeat: &Repeat, cause: &Cause) -> Styled {
    let same = cause.path.last().is_some_and(|step| step.starts_with(&repeat.tool));
    let of = if same { String::new() } else { format!(" of {}", repeat.tool) };
    Styled::new(format!("{} same arguments{of}", short(repeat)), loop_slot(repeat))
}

fn short(repeat: &Repeat) -> String {
    format!("↻ {} {}×", if repeat.is_loop { "LOOP" } else { "repeats" }, repeat.times)
}

fn loop_slot(repeat: &Repeat) -> Slot {
    if repeat.is_loop { Slot::Error } else { Slot::Warning }
}

/// `after the repeat began: 3 model calls · 69k tokens · $.194`
fn spent(repeat: &Repeat) -> Option<String> {
    Some(format!("after the repeat began: {}", repeat.spent()?))
}

/// `◌ never ended  last span 12m ago · search_logs did not end`, or, where `run` saw its end, `its program ended 5s ago`.
fn never_ended(unfinished: &Unfinished, now: Timestamp) -> VerdictLine {
    let (what, since) = match unfinished.program_ended {
        Some(ended) => ("its program ended", ended),
        None => ("last span", unfinished.last_seen),
    };
    let quiet = format!("  {what} {} ago", format::whole_seconds(now.since(since)));
    let open =
        unfinished.waiting.as_ref().map(|waiting| format!(" · {} did not end", waiting.name)).unwrap_or_default();
    line(vec![Styled::new("◌ never ended", Slot::Warning), Styled::new(format!("{quiet}{open}"), Slot::Text)])
}

/// `context ██▍············· 12% of 200k   cached 88% → 12% in turn 3   first token 1.1s`, as much of it as there is
/// room for.
fn full(context: &ContextUse, columns: usize) -> Vec<Styled> {
    let mut texts = Vec::new();
    if let Some((used, window)) = context.fullest {
        let share = percent(used, window);
        let slot = match share {
            90.. => Slot::Error,
            75.. => Slot::Warning,
            _ => Slot::GaugeFull,
        };
        let bar = if columns < 60 { BAR / 2 } else { BAR };
        let cells = usize::try_from(u128::from(used) * bar as u128 / u128::from(window.max(1))).unwrap_or(bar);
        // A little is not nothing.
        let cells = cells.clamp(usize::from(used > 0), bar);
        texts.extend([
            Styled::new("context ", Slot::Dim),
            Styled::new("█".repeat(cells), slot),
            Styled::new("·".repeat(bar - cells), Slot::GaugeEmpty),
            Styled::new(
                if share == 0 { " <1%".to_owned() } else { format!(" {share}%") },
                if share >= 75 { slot } else { Slot::Text },
            ),
            Styled::new(format!(" of {}", format::count(window)), Slot::Dim),
        ]);
    }
    let cache = match (&context.fall, context.cached) {
        (Some(fall), _) => {
            let [before, after] = [fall.before, fall.after].map(format::thousandths);
            Some(Styled::new(format!("cached {before} → {after} in turn {}", fall.turn), Slot::Warning))
        }
        (None, Some(cached)) => Some(Styled::new(format!("cached {}", format::percent(cached)), Slot::Dim)),
        (None, None) => None,
    };
    let first =
        context.first_token.map(|time| Styled::new(format!("first token {}", format::duration(time)), Slot::Dim));
    for fact in [cache, first].into_iter().flatten() {
        let gap = if texts.is_empty() { "" } else { "   " };
        if wrap::styled_width(&texts) + gap.len() + wrap::width(&fact.text) <= columns {
            texts.push(Styled::new(gap, Slot::Text));
            texts.push(fact);
        }
    }
    texts
}

/// The last names of a path that fit, `…` for those before them.
fn within(path: &[String], columns: usize) -> String {
    const WITHIN: &str = " › ";
    let forms = (0..path.len()).map(|from| {
        let rest = path[from..].join(WITHIN);
        if from == 0 { rest } else { format!("…{WITHIN}{rest}") }
    });
    let mut last = String::new();
    for form in forms.chain(path.last().cloned()) {
        if wrap::width(&form) <= columns {
            return form;
        }
        last = form;
    }
    wrap::cut_middle(&last, columns)
}
