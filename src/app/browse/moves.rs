//! Moves by hand, and by following.

use super::{At, Browse, RowId};
use crate::model::{SessionId, SpanId, TraceId};

impl Browse {
    pub fn move_by(&mut self, by: isize, height: usize) {
        self.to_last = false;
        self.scroll.move_by(by, self.rows.len(), height);
        self.pass_heading(by < 0, height);
        // At the top nothing is needed of what lies far beneath.
        if self.scroll.cursor == 0 {
            self.ask_for_little();
        }
    }

    pub fn scroll_by(&mut self, by: isize, height: usize) {
        self.to_last = false;
        self.scroll.scroll(by, self.rows.len(), height);
        self.pass_heading(by < 0, height);
    }

    pub fn go(&mut self, at: usize, height: usize) {
        self.to_last = false;
        self.scroll.show(at, self.rows.len(), height);
        self.pass_heading(false, height);
    }

    /// Puts the cursor on the last row of all; what lies before it and is not known is asked for.
    pub fn go_to_last(&mut self, height: usize) {
        self.scroll.show(usize::MAX, self.rows.len(), height);
        self.to_last = self.ask_to_last();
    }

    /// Puts the cursor on the row beside the heading of a day that it is on. None is the first row or the last.
    fn pass_heading(&mut self, back: bool, height: usize) {
        if self.is_heading(self.scroll.cursor) {
            self.scroll.move_by(if back { -1 } else { 1 }, self.rows.len(), height);
        }
    }

    /// Puts the cursor on the first row once the sessions are answered anew.
    pub fn go_to_first_of_answer(&mut self) {
        self.to_first = true;
    }

    /// Shows the spans that are folded away at the row with the cursor, or folds them away again; false where there are
    /// none, or it is so already.
    pub fn show_all(&mut self, all: bool) -> bool {
        let Some(row) = self.cursor() else { return false };
        let is_away = matches!(row.at, At::Span { folded, .. } if folded > 0);
        let id = row.id.clone();
        let changes = if all { is_away && self.shows_all.insert(id) } else { self.shows_all.remove(&id) };
        self.dirty |= changes;
        changes
    }

    /// Opens or closes the row with the cursor; false where nothing is beneath it, or it is so already.
    pub fn fold(&mut self, open: bool) -> bool {
        let Some(row) = self.cursor().filter(|row| row.open == Some(!open)) else { return false };
        let id = row.id.clone();
        self.set_open(id, open);
        true
    }

    pub fn set_open(&mut self, id: RowId, open: bool) {
        self.folds.insert(id, open);
        (self.dirty, self.height) = (true, 0);
    }

    /// Puts the cursor on the row that the row with the cursor lies in.
    pub fn go_to_parent(&mut self, height: usize) {
        if let Some(parent) = self.parent(self.scroll.cursor) {
            self.go(parent, height);
        }
    }

    /// Opens the way to a trace until another is followed.
    pub fn follow(&mut self, session: Option<SessionId>, trace: TraceId) {
        let path = Some((session.clone(), trace));
        if self.path != path {
            self.folds.remove(&RowId::Session(session));
            self.folds.remove(&RowId::Trace(trace));
            self.path = path;
            self.dirty = true;
        }
    }

    /// Ends following: what it had opened stays open.
    pub fn unfollow(&mut self) {
        if let Some((session, trace)) = self.path.take() {
            self.folds.entry(RowId::Session(session)).or_insert(true);
            self.folds.entry(RowId::Trace(trace)).or_insert(true);
        }
    }

    /// Puts the cursor on a row, or on the nearest that it lies in; false where there is none of them.
    pub fn select(&mut self, id: &RowId, height: usize) -> bool {
        let at = self.position(id).or_else(|| match id {
            RowId::Span(trace, span) => self.nearest(trace, *span),
            _ => None,
        });
        if let Some(at) = at {
            self.go(at, height);
        }
        at.is_some()
    }

    /// The row of the nearest span above one that has no row.
    fn nearest(&self, trace: &TraceId, span: SpanId) -> Option<usize> {
        let nodes = self.nodes(trace);
        let mut at = nodes.iter().position(|node| node.id == span)?;
        loop {
            let depth = nodes[at].depth;
            at = nodes[..at].iter().rposition(|node| node.depth < depth)?;
            if let Some(row) = self.position(&RowId::Span(*trace, nodes[at].id)) {
                return Some(row);
            }
        }
    }
}
