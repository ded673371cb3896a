//! Sessions that arrived, or moved, above the window while nobody looked there: the title says how many.

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

/// The sessions whose rows are above a line. `at`: the places of all sessions among the rows.
fn above<'a>(rows: &'a [Row], at: &'a [usize], top: usize) -> impl Iterator<Item = &'a Option<SessionId>> {
    let upto = at.partition_point(|at| *at < top);
    at[..upto].iter().filter_map(|at| match &rows.get(*at)?.id {
        RowId::Session(session) => Some(session),
        _ => None,
    })
}

/// The row of the session that a row lies in.
fn session_at(at: &[usize], row: usize) -> usize {
    at.partition_point(|at| *at <= row).checked_sub(1).map_or(0, |last| at[last])
}

impl Browse {
    /// How many sessions above the window are new there.
    #[must_use]
    pub fn new_above(&self) -> usize {
        if self.news.sessions.is_empty() {
            return 0;
        }
        self.above(self.scroll.top()).filter(|session| self.news.sessions.contains(*session)).count()
    }

    fn above(&self, top: usize) -> impl Iterator<Item = &Option<SessionId>> {
        above(&self.rows, &self.sessions_at, top)
    }

    /// Notes the sessions above the window that stand before that of the cursor and did not, when `cursor` was its row
    /// among the `old` ones. `answered`: sessions were, anew.
    pub(super) fn note_news(&mut self, old: &[Row], old_sessions: &[usize], cursor: usize, answered: bool) {
        let before: HashSet<&Option<SessionId>> = above(old, old_sessions, session_at(old_sessions, cursor)).collect();
        let top = self.scroll.top().min(session_at(&self.sessions_at, self.scroll.cursor));
        let is_new = |session: &&Option<SessionId>| !before.contains(*session) || self.news.sessions.contains(*session);
        let mut news: HashSet<Option<SessionId>> = HashSet::new();
        if !self.news.restarted && !old.is_empty() {
            news.extend(self.above(top).filter(is_new).cloned());
        }
        self.news.sessions = news;
        self.news.restarted &= !answered;
    }

    /// Forgets the news that are in the window by now.
    pub(super) fn see_news(&mut self) {
        if !self.news.sessions.is_empty() {
            let now: HashSet<Option<SessionId>> = self.above(self.scroll.top()).cloned().collect();
            self.news.sessions.retain(|session| now.contains(session));
        }
    }
}
