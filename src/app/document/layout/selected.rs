//! The text of lines that were selected: as it was before it was cut to the width, without indents, marks and rules.

use super::{Document, Place};
use crate::app::document::{
    build::Builder,
    line::{DocLine, Folds, Joint, Piece},
    segment::{Above, Segment},
};

/// More spaces than these between two texts of a heading only fill its line.
const FILLED: usize = 3;

/// Lines as text, and how many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected {
    pub text: String,
    pub lines: usize,
}

impl Document {
    /// The lines from one place to another, both included, in either order. A line that was cut to the width is one, and
    /// comes whole. What was not laid out or was let go of is written for it.
    #[must_use]
    pub fn selected(&self, one: Place, other: Place, folds: &Folds) -> Selected {
        let (from, to) = if one <= other { (one, other) } else { (other, one) };
        let lines = self.written(from, to, folds);
        let is_in = |(place, _): &(Place, DocLine)| (from..=to).contains(place);
        let Some(first) = lines.iter().position(is_in) else { return Selected::default() };
        let last = lines.iter().rposition(is_in).unwrap_or(first);
        let goes_on = |at: usize| lines.get(at).is_some_and(|(_, line)| line.goes_on.is_some());
        let first = (0..=first).rev().find(|at| !goes_on(*at)).unwrap_or(first);
        let end = (last + 1..lines.len()).find(|at| !goes_on(*at)).unwrap_or(lines.len());
        joined(lines[first..end].iter().map(|(_, line)| line))
    }

    /// All lines of the blocks of two places and of those between.
    fn written(&self, from: Place, to: Place, folds: &Folds) -> Vec<(Place, DocLine)> {
        let Some(blocks) = self.blocks.as_deref() else { return Vec::new() };
        let around = (&self.zone, &self.lens);
        let first = self.entry_of(Place { block: from.block, ..Place::default() });
        let mut above = first.map_or(Above::Text, |first| self.entries[first].above);
        let mut all = Vec::new();
        for block in from.block..(to.block + 1).min(blocks.count()) {
            let mut builder = Builder::new(folds, around, self.width, above).at(self.now);
            blocks.write(block, &mut builder);
            let written = builder.done();
            above = written.ends;
            // One more on either side: a line that was cut may go on there.
            let first = (from.block, from.segment.saturating_sub(1));
            let last = (to.block, to.segment.saturating_add(1));
            for (segment, written) in written.segments.into_iter().enumerate() {
                if !(first..=last).contains(&(block, segment)) {
                    continue;
                }
                let lines = match written {
                    Segment::Lines(lines) => lines,
                    Segment::Later { text, extent, .. } => {
                        let mut builder = Builder::only(folds, around, self.width, text, &extent).at(self.now);
                        blocks.write(block, &mut builder);
                        builder.done().into_lines()
                    }
                };
                let placed = lines.into_iter().enumerate();
                all.extend(placed.map(|(line, shown)| (Place { block, segment, line }, shown)));
            }
        }
        all
    }
}

/// Lines as text: what was cut is put together again, and what indents all of them is left out.
fn joined<'a>(lines: impl Iterator<Item = &'a DocLine>) -> Selected {
    let mut whole: Vec<String> = Vec::new();
    for line in lines {
        match (line.goes_on, whole.last_mut()) {
            // What it was written as came with the first line of its row.
            (Some(Joint::Row), Some(_)) => {}
            (Some(joint), Some(last)) => {
                if joint == Joint::Space {
                    last.push_str(joint.as_str());
                }
                last.push_str(line.text().trim_start());
            }
            _ => match &line.row {
                Some(row) => whole.extend(row.source.split('\n').map(str::to_owned)),
                None => whole.push(plain(line)),
            },
        }
    }
    let indent = |line: &String| line.len() - line.trim_start_matches(' ').len();
    let common = whole.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let mut selected = Selected { lines: whole.len(), ..Selected::default() };
    for line in &whole {
        selected.text.push_str(line.get(common..).unwrap_or_default().trim_end());
        selected.text.push('\n');
    }
    selected
}

/// A line without what only shows where it stands: a fold's mark, a rule, what fills a heading up to its right side.
fn plain(line: &DocLine) -> String {
    let text = line.text();
    if line.piece != Piece::Other {
        return text;
    }
    let is_rule = ["──", "━━"].iter().any(|rule| text.trim_start().starts_with(rule));
    if line.fold.is_none() && !is_rule {
        return text;
    }
    let pad = text.len() - text.trim_start_matches(' ').len();
    let (pad, rest) = text.split_at(pad);
    let rest = rest.trim_start_matches(['▸', '▾', '─', '━', ' ']);
    let mut plain = pad.to_owned();
    let mut filling = String::new();
    for c in rest.chars() {
        if matches!(c, ' ' | '─' | '━') {
            filling.push(c);
            continue;
        }
        let fills = filling.chars().count() > FILLED || filling.contains("──") || filling.contains('━');
        plain.push_str(if fills { "  " } else { &filling });
        filling.clear();
        plain.push(c);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            document::line::{Fold, FoldName},
            styled::Styled,
        },
        slots::Slot,
    };

    fn line(text: &str) -> DocLine {
        DocLine { texts: vec![Styled::new(text, Slot::Text)], piece: Piece::Text, ..DocLine::default() }
    }

    fn text_of(lines: &[DocLine]) -> (String, usize) {
        let Selected { text, lines } = joined(lines.iter());
        (text, lines)
    }

    #[test]
    fn what_was_cut_is_one_line_again_and_the_indent_of_all_is_left_out() {
        let lines = [
            line("    if x:"),
            line("      return one"),
            DocLine { goes_on: Some(Joint::Space), ..line("      and two and thr") },
            DocLine { goes_on: Some(Joint::None), ..line("      ee") },
            line(""),
            line("    done  "),
        ];
        assert_eq!(text_of(&lines), ("if x:\n  return one and two and three\n\ndone\n".to_owned(), 4));
    }

    #[test]
    fn marks_and_rules_of_the_screen_are_left_out_and_those_of_texts_stay() {
        let fold = Some(Fold { name: FoldName("x".into()), open: true });
        let other = |text: &str| DocLine { piece: Piece::Other, ..line(text) };
        let lines = [
            other("── turn 6 · sonnet ────────── $.071 ──"),
            DocLine { fold: fold.clone(), ..other("  ▾ reasoning · 3 lines             412 tok") },
            line("── not a rule of ours ──"),
            other("a   table    of     ours"),
        ];
        assert_eq!(
            text_of(&lines).0,
            "turn 6 · sonnet  $.071\n  reasoning · 3 lines  412 tok\n── not a rule of ours ──\na   table    of     ours\n"
        );
    }
}
