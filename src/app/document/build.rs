//! A document under construction: indenting, wrapping, folding, aligning right.

use super::{Anchor, DocLine, Document, Fold, Folds, Opens, Run};
use crate::app::wrap;
use crate::slots::Slot;

pub struct Builder<'a> {
    pub width: usize,
    folds: &'a Folds,
    lines: Vec<DocLine>,
    anchor: Option<Anchor>,
    /// The last line is a heading.
    headed: bool,
}

impl<'a> Builder<'a> {
    pub fn new(folds: &'a Folds, width: u16) -> Self {
        Self { width: usize::from(width.max(1)), folds, lines: Vec::new(), anchor: None, headed: false }
    }

    /// A builder of the same width, for text whose length decides how it is shown.
    pub fn aside(&self) -> Self {
        Self { width: self.width, folds: self.folds, lines: Vec::new(), anchor: None, headed: false }
    }

    pub fn done(self) -> Document {
        Document { width: u16::try_from(self.width).unwrap_or(u16::MAX), lines: self.lines }
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// The next line is where this starts.
    pub fn anchor(&mut self, anchor: Anchor) {
        self.anchor = Some(anchor);
    }

    /// An empty line, unless there is one already or nothing above.
    pub fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| !line.runs.is_empty()) {
            self.lines.push(DocLine::default());
        }
    }

    /// An empty line between two paragraphs; none right beneath a heading.
    pub fn gap(&mut self) {
        if !self.headed {
            self.blank();
        }
    }

    /// What was written aside.
    pub fn append(&mut self, aside: Self) {
        self.headed = false;
        self.lines.extend(aside.lines);
    }

    /// What was written aside, with a mark before its first line.
    pub fn marked(&mut self, indent: usize, mark: &Run, aside: Self) {
        let room = wrap::width(&mark.text) + 1;
        for (index, mut line) in aside.lines.into_iter().enumerate() {
            let mark = Run::new(format!("{}{} ", " ".repeat(indent), mark.text), mark.slot);
            let pad = line.runs.first().map_or(0, |run| run.text.len() - run.text.trim_start_matches(' ').len());
            if index > 0 || line.runs.is_empty() {
                self.lines.push(line);
            } else if pad >= indent + room {
                line.runs[0].text.drain(..indent + room);
                line.runs.insert(0, mark);
                self.push(line.runs, line.fold);
            } else {
                // A pane too narrow for indents.
                self.push(vec![mark], None);
                self.lines.push(line);
            }
        }
    }

    /// One line, cut where it does not fit.
    pub fn line(&mut self, runs: Vec<Run>) {
        let runs = fit(runs, self.width);
        self.push(runs, None);
    }

    /// A paragraph: wrapped, every line indented; `hang` more from the second on.
    pub fn wrapped(&mut self, indent: usize, hang: usize, runs: &[Run]) {
        // Where the pane is so narrow that nothing is left, text matters more than its indent.
        let indent = if indent + 8 > self.width { 0 } else { indent };
        let hang = if indent + hang + 12 > self.width { 0 } else { hang };
        let room = self.width - indent;
        for (index, mut line) in wrap::wrap_hanging(runs, room, room - hang).into_iter().enumerate() {
            let pad = indent + if index > 0 { hang } else { 0 };
            if pad > 0 && !line.is_empty() {
                line.insert(0, Run::new(" ".repeat(pad), Slot::Text));
            }
            self.push(line, None);
        }
    }

    /// A paragraph that names what can be opened.
    pub fn opens(&mut self, indent: usize, run: Run, what: Option<&Opens>) {
        let first = self.lines.len();
        self.wrapped(indent, 2, &[run]);
        for line in &mut self.lines[first..] {
            line.opens = what.cloned();
        }
    }

    /// A text of any number of lines, in one style.
    pub fn text(&mut self, indent: usize, text: &str, slot: Slot) {
        for line in wrap::clean(text).trim_end_matches('\n').split('\n') {
            self.wrapped(indent, 0, &[Run::new(line, slot)]);
        }
    }

    /// Lines of runs, each wrapped.
    pub fn runs(&mut self, indent: usize, lines: Vec<Vec<Run>>) {
        for line in lines {
            let hang = hanging(&line);
            self.wrapped(indent, hang, &line);
        }
    }

    /// One line with something at its right edge; the left gives way.
    pub fn spread(&mut self, left: Vec<Run>, right: Vec<Run>) {
        self.spread_with(left, right, " ", Slot::Text, None);
    }

    /// A rule across the pane with a text at its left and its right.
    pub fn rule(&mut self, left: Vec<Run>, right: Vec<Run>, slot: Slot) {
        self.spread_with(left, right, "─", slot, None);
        self.headed = true;
    }

    /// The first of several ways to say the same that leaves a rule something of its line; the last one where none does.
    pub fn fitting(&self, forms: impl IntoIterator<Item = String>) -> String {
        let mut last = String::new();
        for form in forms {
            if wrap::width(&form) < self.width {
                return form;
            }
            last = form;
        }
        last
    }

    /// Whether something that opens and closes is open.
    pub fn is_open(&self, name: &str, open_at_first: bool) -> bool {
        self.folds.is_open(&Fold(name.to_owned()), open_at_first)
    }

    /// The head of something that opens and closes; true when it is open.
    pub fn fold(&mut self, name: String, open_at_first: bool, indent: usize, head: Vec<Run>, right: Vec<Run>) -> bool {
        let fold = Fold(name);
        let open = self.folds.is_open(&fold, open_at_first);
        let mut left = vec![Run::new(format!("{}{} ", " ".repeat(indent), if open { "▾" } else { "▸" }), Slot::Dim)];
        left.extend(head);
        self.spread_with(left, right, " ", Slot::Text, Some(fold));
        open
    }

    fn spread_with(&mut self, left: Vec<Run>, right: Vec<Run>, filler: &str, slot: Slot, fold: Option<Fold>) {
        let right_width: usize = right.iter().map(|run| wrap::width(&run.text)).sum();
        // A right side that would leave the left no room is not worth having.
        let (right, right_width) = if right_width + 16 > self.width { (Vec::new(), 0) } else { (right, right_width) };
        let room = self.width - right_width - usize::from(right_width > 0);
        let wide: usize = left.iter().map(|run| wrap::width(&run.text)).sum();
        let mut runs = if filler != " " && wide > room {
            // What is cut does not touch the rule.
            let mut runs = fit(left, room.saturating_sub(1));
            runs.push(Run::new(" ", slot));
            runs
        } else {
            fit(left, room)
        };
        let used: usize = runs.iter().map(|run| wrap::width(&run.text)).sum();
        let gap = self.width - used - right_width;
        if right_width > 0 || filler != " " {
            runs.push(Run::new(filler.repeat(gap), slot));
        }
        runs.extend(right);
        self.push(runs, fold);
    }

    fn push(&mut self, runs: Vec<Run>, fold: Option<Fold>) {
        self.headed = false;
        self.lines.push(DocLine { runs, anchor: self.anchor.take(), fold, opens: None });
    }
}

/// Runs cut to a width; the last one that does not fit ends in `…`.
pub fn fit(runs: Vec<Run>, width: usize) -> Vec<Run> {
    let total: usize = runs.iter().map(|run| wrap::width(&run.text)).sum();
    if total <= width {
        return runs;
    }
    let mut left = width;
    let mut fitting = Vec::new();
    for run in runs {
        let wide = wrap::width(&run.text);
        if wide < left {
            left -= wide;
            fitting.push(run);
        } else {
            let mut text = wrap::take(&run.text, left.saturating_sub(1)).to_owned();
            if left > 0 {
                text.push('…');
            }
            fitting.push(Run { text, slot: run.slot });
            break;
        }
    }
    fitting
}

/// How far the second line of a paragraph stands in: under the text of its list item or quote.
fn hanging(line: &[Run]) -> usize {
    let text: String = line.iter().map(|run| run.text.as_str()).take(3).collect();
    let spaces = text.len() - text.trim_start_matches(' ').len();
    let rest = &text[spaces..];
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let marker = match rest.get(digits..) {
        Some(after) if (1..=3).contains(&digits) && (after.starts_with(". ") || after.starts_with(") ")) => digits + 2,
        _ if ["- ", "* ", "+ ", "> "].iter().any(|mark| rest.starts_with(mark)) => 2,
        _ => 0,
    };
    (spaces + marker).min(16)
}
