//! The statistics: what was spent, how it went, how long it took, by model, tool, agent, session and user, and which runs
//! somebody should look at. Every row opens the runs that are behind it.
//!
//! ```text
//!   range   how far back           table   the panels: columns, rows, what they open
//!   opens   the runs behind each   columns how wide they are
//!   words   what is counted        layout  where the panels go
//! ```

pub mod columns;
pub mod layout;
mod opens;
mod range;
pub mod table;
pub mod words;

use std::sync::Arc;
use std::time::Duration;

use super::{pane::Pane, scroll::Scroll};
use crate::model::{Filter, Query, Stats, Timestamp};
pub use layout::{Layout, Place};
pub use opens::Opens;
pub use range::Range;
pub use table::{Order, Panel};

/// The statistics are not asked again more often than this because something was stored.
const REST: Duration = Duration::from_secs(1);

/// What the statistics show, and what is chosen in them.
#[derive(Debug, Default)]
pub struct StatsPane {
    is_open: bool,
    answer: Pane<Arc<Stats>>,
    range: Range,
    /// Somebody chose the range.
    is_chosen: bool,
    panel: Panel,
    tables: [Chosen; Panel::ALL.len()],
    /// When what was stored since the last answer is asked for.
    due: Option<Timestamp>,
    /// The filter as it was before the rows behind a number were opened, while they show.
    before: Option<Filter>,
}

/// What is chosen in one panel.
#[derive(Debug, Default)]
struct Chosen {
    /// The place of its order among those of the panel.
    order: usize,
    /// The places of the rows in that order.
    places: Vec<usize>,
    scroll: Scroll,
    /// The row with the cursor: it stays on it while others come and go.
    held: Option<Opens>,
    /// The column of the figure that is chosen in it; `None`: the row is.
    column: Option<usize>,
}

impl StatsPane {
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    #[must_use]
    pub fn answer(&self) -> &Pane<Arc<Stats>> {
        &self.answer
    }

    #[must_use]
    pub fn range(&self) -> Range {
        self.range
    }

    /// The panel with the cursor.
    #[must_use]
    pub fn panel(&self) -> Panel {
        self.panel
    }

    /// What the rows of a panel are ordered by; `None` where they have one order.
    #[must_use]
    pub fn order(&self, panel: Panel) -> Option<Order> {
        panel.orders().get(self.tables[panel.at()].order).copied()
    }

    /// The cursor of a panel, and the window around it.
    #[must_use]
    pub fn scroll(&self, panel: Panel) -> Scroll {
        self.tables[panel.at()].scroll
    }

    /// The column of the figure that is chosen in a panel, where the row with the cursor has one there that opens runs of
    /// its own.
    #[must_use]
    pub fn column(&self, panel: Panel) -> Option<usize> {
        let column = self.tables[panel.at()].column?;
        self.figure(panel, column).map(|_| column)
    }

    /// What opening would show: the runs behind the chosen figure, else those behind the row with the cursor.
    #[must_use]
    pub fn opens(&self) -> Option<Opens> {
        let chosen = &self.tables[self.panel.at()];
        chosen.column.and_then(|column| self.figure(self.panel, column)).or_else(|| chosen.held.clone())
    }

    /// The runs behind a figure of the row with the cursor.
    fn figure(&self, panel: Panel, column: usize) -> Option<Opens> {
        let chosen = &self.tables[panel.at()];
        panel.opens_figure(self.answer.shown()?, *chosen.places.get(chosen.scroll.cursor)?, column)
    }

    /// Chooses the next figure of the row that opens runs of its own, or the one before; before the first is the row
    /// itself. `widths`: the columns that are seen.
    pub(super) fn choose_figure(&mut self, forward: bool, widths: &[Option<usize>]) -> bool {
        let at = self.column(self.panel);
        let opens = |column: &usize| widths[*column].is_some() && self.figure(self.panel, *column).is_some();
        let next = if forward {
            (at.map_or(1, |at| at + 1)..widths.len()).find(opens).or(at)
        } else {
            (1..at.unwrap_or(0)).rev().find(opens)
        };
        self.tables[self.panel.at()].column = next;
        next != at
    }

    /// The places of a panel's rows among those of the answer, in the order in which they show.
    #[must_use]
    pub fn places(&self, panel: Panel) -> &[usize] {
        &self.tables[panel.at()].places
    }

    /// Whether the lists show the rows behind a number.
    #[must_use]
    pub fn has_opened(&self) -> bool {
        self.before.is_some()
    }

    pub(super) fn open(&mut self) {
        self.is_open = true;
    }

    pub(super) fn close(&mut self) {
        self.is_open = false;
    }

    /// The runs behind the row with the cursor, which are shown from now on. `filter` is that of the lists until then.
    pub(super) fn open_rows(&mut self, filter: &Filter) -> Option<Opens> {
        let opens = self.opens()?;
        self.before = Some(filter.clone());
        self.is_open = false;
        Some(opens)
    }

    /// Goes back to the statistics from the rows behind a number: the filter as it was before.
    pub(super) fn go_back(&mut self) -> Option<Filter> {
        let before = self.before.take()?;
        self.is_open = true;
        Some(before)
    }

    /// The query of what is shown; `None` while the statistics are closed.
    #[must_use]
    pub fn question(&self, filter: &Filter, now: Timestamp) -> Option<Query> {
        let filter = Filter { since: self.range.since(now), ..filter.clone() };
        self.is_open.then(|| Query::Stats { filter, stretch: self.range.stretch() })
    }

    /// Asks for the answer, if it should be asked now, and gives its ticket.
    pub(super) fn asks(&mut self, query: &Query, last: &mut u64, now: Timestamp) -> Option<u64> {
        if self.due.take_if(|due| *due <= now).is_some() {
            self.answer.touch();
        }
        self.answer.asks(query, last, now)
    }

    /// Notes that something was stored.
    pub(super) fn touch(&mut self, now: Timestamp) {
        self.due.get_or_insert(now.plus(REST));
    }

    /// Notes that the clock alone has changed a state.
    pub(super) fn recount(&mut self, now: Timestamp) {
        let until = self.answer.shown().and_then(|stats| stats.states.until);
        if until.is_some_and(|until| until <= now) {
            self.touch(now);
        }
    }

    pub(super) fn take(&mut self, ticket: u64, answer: Result<Arc<Stats>, String>, now: Timestamp) {
        if !self.answer.take(ticket, answer, now) {
            return;
        }
        let Some(stats) = self.answer.shown().cloned() else { return };
        // What is stored may be older than the range that nobody chose.
        if !self.is_chosen && stats.states.all() == 0 && self.range != Range::All {
            self.range = self.range.longer();
        }
        for panel in Panel::ALL {
            self.lay(panel, &stats);
        }
    }

    /// Fits the window of a panel to its height.
    pub(super) fn fit(&mut self, panel: Panel, height: usize) {
        let chosen = &mut self.tables[panel.at()];
        chosen.scroll.fit(chosen.places.len(), height);
    }

    /// Orders the rows of a panel; the cursor stays on its row.
    fn lay(&mut self, panel: Panel, stats: &Stats) {
        let order = self.order(panel);
        let chosen = &mut self.tables[panel.at()];
        chosen.places = panel.sorted(stats, order);
        let held = |at: &usize| panel.opens(stats, *at) == chosen.held;
        let at = chosen.held.as_ref().and_then(|_| chosen.places.iter().position(held));
        let last = chosen.places.len().saturating_sub(1);
        chosen.scroll.carry_to(at.unwrap_or(chosen.scroll.cursor.min(last)), usize::MAX);
        chosen.hold(panel, stats);
    }

    /// Chooses a range.
    pub(super) fn go_back_by(&mut self, longer: bool) -> bool {
        let before = self.range;
        self.range = if longer { self.range.longer() } else { self.range.shorter() };
        self.is_chosen = true;
        self.range != before
    }

    /// Only runs that began with a marked one, or after it.
    pub(super) fn since_mark(&mut self, letter: char, from: Timestamp) {
        self.range = Range::Mark(letter, from);
        self.is_chosen = true;
    }

    /// Goes to the next panel or to the one before.
    pub(super) fn next_panel(&mut self, forward: bool) {
        let number = Panel::ALL.len();
        self.panel = Panel::ALL[(self.panel.at() + if forward { 1 } else { number - 1 }) % number];
    }

    pub(super) fn choose(&mut self, panel: Panel) {
        self.panel = panel;
    }

    /// Orders the rows of the panel by the next of its orders.
    pub(super) fn sort(&mut self) {
        let number = self.panel.orders().len();
        let chosen = &mut self.tables[self.panel.at()];
        chosen.order = (chosen.order + 1) % number.max(1);
        if let Some(stats) = self.answer.shown().cloned() {
            self.lay(self.panel, &stats);
        }
    }

    pub(super) fn move_by(&mut self, by: isize, height: usize) {
        let chosen = &mut self.tables[self.panel.at()];
        chosen.scroll.move_by(by, chosen.places.len(), height);
        if let Some(stats) = self.answer.shown() {
            chosen.hold(self.panel, stats);
        }
    }
}

impl Chosen {
    /// Notes the row that has the cursor.
    fn hold(&mut self, panel: Panel, stats: &Stats) {
        self.held = self.places.get(self.scroll.cursor).and_then(|at| panel.opens(stats, *at));
    }
}
