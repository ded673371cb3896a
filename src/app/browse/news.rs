//! Sessions that came, or moved, above the window while nobody looked there: the title says how many.

use std::collections::HashSet;

use super::{Browse, Row, RowId};
use crate::model::SessionId;

/// What is new above the window.
#[derive(Debug, Clone, Default)]
pub struct News {
    sessions: HashSet<Option<SessionId>>,
    /// The next answer is about another filter: what it holds is not news.
    restarted: bool,
}

impl News {
    /// Another filter was set.
    pub fn restart(&mut self) {
        *self = Self { sessions: HashSet::new(), restarted: true };
    }
}

/// The sessions whose rows are above a line.
fn above(rows: &[Row], top: usize) -> impl Iterator<Item = &Option<SessionId>> {
    rows[..top.min(rows.len())].iter().filter_map(|row| match &row.id {
        RowId::Session(session) => Some(session),
        _ => None,
    })
}

/// The row of the session that a row lies in.
fn session_at(rows: &[Row], at: usize) -> usize {
    rows.iter().take(at + 1).rposition(|row| row.depth == 0).unwrap_or(0)
}

impl Browse {
    /// How many sessions above the window are new there.
    #[must_use]
    pub fn new_above(&self) -> usize {
        above(&self.rows, self.scroll.top()).filter(|session| self.news.sessions.contains(*session)).count()
    }

    /// Notes the sessions above the window that stand before that of the cursor and did not, when `cursor` was its row
    /// among the `old` ones. `answered`: sessions were, anew.
    pub(super) fn note_news(&mut self, old: &[Row], cursor: usize, answered: bool) {
        let before: HashSet<&Option<SessionId>> = above(old, session_at(old, cursor)).collect();
        let top = self.scroll.top().min(session_at(&self.rows, self.scroll.cursor));
        let is_new = |session: &&Option<SessionId>| !before.contains(*session) || self.news.sessions.contains(*session);
        let mut news: HashSet<Option<SessionId>> = HashSet::new();
        if !self.news.restarted && !old.is_empty() {
            news.extend(above(&self.rows, top).filter(is_new).cloned());
        }
        self.news.sessions = news;
        self.news.restarted &= !answered;
    }

    /// What came into the window was seen.
    pub(super) fn see_news(&mut self) {
        if !self.news.sessions.is_empty() {
            let now: HashSet<&Option<SessionId>> = above(&self.rows, self.scroll.top()).collect();
            self.news.sessions.retain(|session| now.contains(session));
        }
    }
}
