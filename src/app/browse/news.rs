//! Sessions and programs that arrived, or moved, above the window while nobody looked there: the title says how many.

use std::collections::HashSet;

use super::{Browse, Row, RowId};

/// What is new above the window.
#[derive(Debug, Clone, Default)]
pub struct News {
    rows: HashSet<RowId>,
    /// The next answer is about another filter: what it holds is not news.
    restarted: bool,
}

impl News {
    /// Another filter was set.
    pub fn restart(&mut self) {
        *self = Self { rows: HashSet::new(), restarted: true };
    }
}

/// The outermost rows above a line. `at`: the places of all of them among the rows.
fn above<'a>(rows: &'a [Row], at: &'a [usize], top: usize) -> impl Iterator<Item = &'a RowId> {
    let upto = at.partition_point(|at| *at < top);
    at[..upto].iter().filter_map(|at| Some(&rows.get(*at)?.id))
}

/// The outermost row that a row lies in.
fn outermost_at(at: &[usize], row: usize) -> usize {
    at.partition_point(|at| *at <= row).checked_sub(1).map_or(0, |last| at[last])
}

impl Browse {
    /// How many sessions and programs above the window are new there.
    #[must_use]
    pub fn new_above(&self) -> usize {
        if self.news.rows.is_empty() {
            return 0;
        }
        self.above(self.scroll.top()).filter(|row| self.news.rows.contains(*row)).count()
    }

    fn above(&self, top: usize) -> impl Iterator<Item = &RowId> {
        above(&self.rows, &self.outermost_at, top)
    }

    /// Notes the outermost rows above the window that stand before that of the cursor and did not, when `cursor` was its row
    /// among the `old` ones. `answered`: sessions were, anew.
    pub(super) fn note_news(&mut self, old: &[Row], old_outermost: &[usize], cursor: usize, answered: bool) {
        let before: HashSet<&RowId> = above(old, old_outermost, outermost_at(old_outermost, cursor)).collect();
        let top = self.scroll.top().min(outermost_at(&self.outermost_at, self.scroll.cursor));
        let is_new = |row: &&RowId| !before.contains(*row) || self.news.rows.contains(*row);
        let mut news: HashSet<RowId> = HashSet::new();
        if !self.news.restarted && !old.is_empty() {
            news.extend(self.above(top).filter(is_new).cloned());
        }
        self.news.rows = news;
        self.news.restarted &= !answered;
    }

    /// Forgets the news that are in the window by now.
    pub(super) fn see_news(&mut self) {
        if !self.news.rows.is_empty() {
            let now: HashSet<RowId> = self.above(self.scroll.top()).cloned().collect();
            self.news.rows.retain(|row| now.contains(row));
        }
    }
}
