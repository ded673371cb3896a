//! Many rows opened or closed at once.

use super::{At, Browse, RowId};

impl Browse {
    /// Opens all rows that are known beneath the session that the cursor is in; false where all are open.
    pub fn open_beneath(&mut self) -> bool {
        let Some(session) = self.path().first().map(|row| row.id.clone()) else { return false };
        let Some(at) = self.position(&session) else { return false };
        let beneath = self.rows[at + 1..].iter().take_while(|row| row.depth > 0);
        let closed = self.rows[at..=at].iter().chain(beneath).filter(|row| row.open == Some(false));
        let closed: Vec<RowId> = closed.map(|row| row.id.clone()).collect();
        let any = !closed.is_empty();
        for id in closed {
            self.set_open(id, true);
        }
        any
    }

    /// Closes every session, the cursor on its own; false where all are closed.
    pub fn close_sessions(&mut self, height: usize) -> bool {
        if let Some(session) = self.path().first().map(|row| row.id.clone()) {
            self.select(&session, height);
        }
        let open = self.rows.iter().filter(|row| row.depth == 0 && row.open == Some(true));
        let open: Vec<RowId> = open.map(|row| row.id.clone()).collect();
        let any = !open.is_empty();
        for id in open {
            self.set_open(id, false);
        }
        any
    }

    /// Shows all spans that are folded away in the run that the cursor is in, or folds them away again. True: they are
    /// shown now; `None`: there are none.
    pub fn show_all_of_run(&mut self) -> Option<bool> {
        let trace = self.path().into_iter().find_map(|row| match row.id {
            RowId::Trace(trace) | RowId::Span(trace, _) => Some(trace),
            _ => None,
        })?;
        let is_of_run = |id: &RowId| matches!(id, RowId::Trace(of) | RowId::Span(of, _) if *of == trace);
        let away = self.rows.iter().filter(|row| is_of_run(&row.id));
        let away = away.filter(|row| matches!(row.at, At::Span { folded, .. } if folded > 0));
        let away: Vec<RowId> = away.map(|row| row.id.clone()).collect();
        let shown = self.shows_all.len();
        if away.is_empty() {
            self.shows_all.retain(|id| !is_of_run(id));
            if self.shows_all.len() < shown {
                (self.dirty, self.height) = (true, 0);
            }
            return (self.shows_all.len() < shown).then_some(false);
        }
        self.shows_all.extend(away);
        (self.dirty, self.height) = (true, 0);
        Some(true)
    }
}
