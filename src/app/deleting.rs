//! Deletes the run or the session under the cursor of the tree, once that was confirmed.

use super::{
    browse::{Content, Row},
    format,
    item::{Deletes, Kind},
    lists,
    removed::count,
    state::State,
    wrap,
};
use crate::model::{Removal, SessionSummary, TraceSummary};

/// Asks whether what is under the cursor is to be deleted: of a step its run.
pub fn ask(state: &mut State) {
    let found = state.tree.path().into_iter().rev().find_map(|row| state.deletable(row));
    match found {
        Some((removal, what)) => {
            let deletes = Deletes::Stored(removal);
            lists::open(state, Kind::Delete { deletes, what });
        }
        None => state.notify("no run or session is under the cursor"),
    }
}

impl State {
    /// What deleting a row would remove, and that in words; `None` if there is nothing to remove at it.
    fn deletable(&self, row: &Row) -> Option<(Removal, String)> {
        match self.tree.content(row) {
            Content::Trace(trace) => Some((Removal::Trace(trace.trace), of_run(trace))),
            Content::Session(session) => {
                Some((Removal::Session(session.session.clone()), of_session(session, !self.filter.is_empty())))
            }
            _ => None,
        }
    }

    /// Whether the cursor is on or within something that can be deleted.
    pub(super) fn can_delete(&self) -> bool {
        self.tree.path().into_iter().any(|row| self.deletable(row).is_some())
    }
}

/// `run book a table · 41 spans`
fn of_run(trace: &TraceSummary) -> String {
    let named = trace.question.as_ref().or(trace.label.as_ref()).or(trace.name.as_ref());
    let name = named.map_or_else(|| trace.trace.to_string(), |name| wrap::clean_line(name));
    format!("run {} · {}", wrap::cut(&name, 60), count(trace.spans, "span", "spans"))
}

/// `session trip-planner · all 6 runs`
fn of_session(session: &SessionSummary, is_filtered: bool) -> String {
    let runs = session.states.all();
    let name = match &session.session {
        Some(session) => format!("session {}", wrap::cut(&wrap::clean_line(session.as_str()), 60)),
        None => "every run without a session".to_owned(),
    };
    // Of the others nothing is known here.
    let runs = if is_filtered {
        "also the runs that the filter hides".to_owned()
    } else {
        format!("{} {}", format::exact(runs), if runs == 1 { "run" } else { "runs" })
    };
    format!("{name} · {runs}")
}
