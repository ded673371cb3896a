//! The prompt of a call, and the mark: what is looked at beside the messages.

use super::{
    areas::Focus,
    browse::{Content, Row, RowId},
    detail::{Mark, Over},
    state::State,
    step, wrap,
};
use crate::model::{Order, SessionId, TraceId};

/// A name in the last line is no wider.
const NAME: usize = 24;

/// Shows what the call at the cursor was sent; once more: all of it, or only what is new.
pub fn prompt(state: &mut State) {
    if !state.detail.has_call() {
        state.notify("no model call was recorded here: there is no prompt");
        return;
    }
    // Whoever reads is not to be taken elsewhere.
    state.follow.stop(&mut state.tree);
    state.detail.show_prompt(state.focus == Focus::Detail);
    look(state);
}

/// Marks what the tree's cursor is on, takes its mark away, or compares it with what was marked.
pub fn compare(state: &mut State) {
    let Some(mark) = state.markable() else {
        state.notify("go to a run or to a call of a model to mark it");
        return;
    };
    state.follow.stop(&mut state.tree);
    let marked = state.detail.mark().map(Mark::row);
    if marked.as_ref() == Some(&mark.row()) {
        state.detail.set_mark(None);
    } else if marked.is_none() || state.detail.over() == Some(Over::Comparison) {
        state.detail.set_mark(Some(mark));
    } else {
        state.detail.show_comparison();
        look(state);
    }
}

/// Whether there are differences to go to, and no phrase to look for.
pub fn goes_to_differences(state: &State) -> bool {
    state.detail.over().is_some() && state.detail.finds().is_none()
}

/// Goes to the next difference of what lies over the messages, or to the one before.
pub fn go_to_difference(state: &mut State, forward: bool) {
    state.follow.stop(&mut state.tree);
    if !state.detail.go_to_difference(forward) {
        state.notify(if forward { "no difference further down" } else { "no difference further up" });
    }
}

/// Shows the detail where it has no room beside the tree.
fn look(state: &mut State) {
    if state.areas().is_some_and(|areas| areas.detail.is_none()) {
        state.focus = Focus::Detail;
    }
}

impl State {
    /// What the tree's cursor is on, as it would be marked: a call of a model, else the run. `None` in a session of
    /// several runs.
    pub(super) fn markable(&self) -> Option<Mark> {
        let row = self.tree.cursor()?;
        match (&row.id, self.tree.content(row)) {
            (RowId::Span(trace, span), Content::Span { node, .. }) if node.turn.is_some() => {
                let name = format!("{} of {}", step::name(node), self.name_of(*trace));
                Some(Mark { trace: *trace, call: Some(*span), name })
            }
            (RowId::Span(trace, _) | RowId::Trace(trace), _) => Some(self.mark_of(*trace)),
            (RowId::Session(session), _) => self.only_run(session.as_ref()).map(|trace| self.mark_of(trace)),
            _ => None,
        }
    }

    fn mark_of(&self, trace: TraceId) -> Mark {
        Mark { trace, call: None, name: self.name_of(trace) }
    }

    fn only_run(&self, session: Option<&SessionId>) -> Option<TraceId> {
        match self.tree.traces(session) {
            [only] => Some(only.trace),
            _ => None,
        }
    }

    /// What a run is called in the last line: by its number in its session, else by its name.
    pub(super) fn name_of(&self, trace: TraceId) -> String {
        let is_numbered = |row: &&Row| row.id == RowId::Trace(trace);
        let number = self.tree.rows().iter().find(is_numbered).and_then(|row| self.tree.run_number(row));
        let Some(summary) = self.tree.trace(&trace) else { return "a run".to_owned() };
        let counts = self.filter.text.trim().is_empty() && self.filter.order == Order::Newest;
        if let Some(number) = number.filter(|_| summary.session.is_some() && counts) {
            return format!("run {number}");
        }
        let name = summary.label.as_ref().or(summary.question.as_ref()).or(summary.name.as_ref());
        name.map_or_else(|| "a run".to_owned(), |name| wrap::cut(&wrap::clean_line(name), NAME))
    }
}
