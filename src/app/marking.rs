//! Marks: places that the store keeps under a letter.

use super::{
    areas::Focus,
    browse::{Row, RowId},
    event::Effect,
    jumps,
    places::Awaits,
    state::State,
    step, wrap,
};
use crate::{
    keymap::{Action, Code, Key},
    model::{PlaceMark, SpanId, TraceId},
};

/// Waits for the letter of a mark.
pub fn await_letter(state: &mut State, awaits: Awaits) {
    if awaits == Awaits::Mark && marked_here(state).is_none() {
        state.notify("go to a run or a step to mark it");
        return;
    }
    state.marks.touch();
    state.awaits = Some(awaits);
}

/// Takes the letter that was waited for.
pub fn letter(state: &mut State, awaits: Awaits, key: Key) -> Vec<Effect> {
    let letter = key.types().filter(|letter| letter.is_alphanumeric());
    match (awaits, letter) {
        (Awaits::Mark, Some(letter)) => mark(state, letter),
        (Awaits::GoTo, Some(letter)) => {
            go_to_mark(state, letter);
            Vec::new()
        }
        (Awaits::Since, Some(letter)) => {
            if let Some(from) = known(state, letter).map(|mark| mark.since()) {
                state.stats.since_mark(letter, from);
            }
            Vec::new()
        }
        // Twice the same key: back to where one was.
        (Awaits::GoTo, None) if key.types() == Some('\'') => {
            jumps::trail(state, true);
            Vec::new()
        }
        (_, None) if key == Key::plain(Code::Esc) => Vec::new(),
        (_, None) => {
            state.notify(format!("{} is no letter: a mark is a letter or a digit", key.label()));
            Vec::new()
        }
    }
}

/// The place under the cursor, as it is marked.
fn marked_here(state: &State) -> Option<(TraceId, Option<SpanId>)> {
    let row = state.tree.cursor()?;
    let in_text = if state.focus == Focus::Detail { state.detail.step_in_text() } else { None };
    match (in_text, &row.id) {
        (Some((trace, span)), _) => Some((trace, Some(span))),
        (None, RowId::Span(trace, span)) => Some((*trace, Some(*span))),
        (None, RowId::Trace(trace)) => Some((*trace, None)),
        (None, RowId::Session(session)) => match state.tree.traces(session.as_ref()) {
            [only] => Some((only.trace, None)),
            _ => None,
        },
        (None, _) => None,
    }
}

fn mark(state: &mut State, letter: char) -> Vec<Effect> {
    let Some((trace, span)) = marked_here(state) else {
        state.notify("go to a run or a step to mark it");
        return Vec::new();
    };
    let known = state.marks.shown().and_then(|marks| marks.iter().find(|mark| mark.letter == letter));
    let is_same = known.is_some_and(|mark| (mark.trace, mark.span) == (trace, span));
    let note = state.name_of_place(trace, span);
    let place = (!is_same).then_some((trace, span, note));
    vec![Effect::Mark { letter, place }]
}

/// The mark of a letter; where there is none, the status line says so.
fn known(state: &mut State, letter: char) -> Option<PlaceMark> {
    let Some(marks) = state.marks.shown() else {
        state.notify("the marks are on their way: press it again");
        return None;
    };
    let mark = marks.iter().find(|mark| mark.letter == letter).cloned();
    if mark.is_none() {
        let mark = state.keymap.label(Action::SetMark);
        state.notify(format!("nothing is marked {letter}: {mark} and a letter marks a run or a step in the list"));
    }
    mark
}

fn go_to_mark(state: &mut State, letter: char) {
    let Some(mark) = known(state, letter) else { return };
    if !mark.is_held() {
        state.notify(format!("what was marked {letter} is no longer in the store"));
        return;
    }
    jumps::go_to_run(state, mark.session, mark.trace, mark.span);
}

impl State {
    /// Whether a row is marked with a letter, or something is that is folded away in it.
    #[must_use]
    pub fn is_marked(&self, row: &Row) -> bool {
        let folded = row.open == Some(false);
        let marks = self.marks.shown().map_or(&[][..], Vec::as_slice);
        marks.iter().filter(|mark| mark.is_held()).any(|mark| match &row.id {
            RowId::Session(session) => folded && mark.session == *session,
            RowId::Trace(trace) => mark.trace == *trace && (folded || mark.span.is_none()),
            RowId::Span(trace, span) => mark.trace == *trace && mark.span == Some(*span),
            _ => false,
        })
    }

    /// What a place is called: `turn 5 of run 6`.
    fn name_of_place(&self, trace: TraceId, span: Option<SpanId>) -> String {
        let run = self.name_of(trace);
        let Some(span) = span else { return run };
        let detail = self.detail.current_answer();
        let assembled = detail.and_then(|detail| detail.traces.iter().find(|one| one.trace == trace));
        let node = assembled.and_then(|one| one.tree.nodes.iter().find(|node| node.id == span));
        let name = node.map_or_else(|| "a step".to_owned(), step::name);
        wrap::cut(&wrap::clean_line(&format!("{name} of {run}")), 60)
    }
}
