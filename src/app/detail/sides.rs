//! The detail's panes: the one beside the tree, and on a wide screen another, which shows another tab of the same answer.
//!
//! What keys do, they do in the pane that has them; what is drawn asks for each pane by its side.

use std::sync::Arc;

use super::{
    DetailPane, Shown,
    over::{Over, View},
};
use crate::{
    app::{document::Document, pane::Pane, scroll::Scroll},
    model::{SpanId, Timestamp},
    tabs::Tab,
};

/// Which of the detail's panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Side {
    /// The one beside the tree; prompts and comparisons lie over its messages.
    #[default]
    Main,
    /// The one beside that.
    Beside,
}

impl Side {
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Main => Self::Beside,
            Self::Beside => Self::Main,
        }
    }
}

/// What each pane shows, and which one keys are for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sides {
    main: Tab,
    /// What was chosen for the pane beside; it gives way where the other one shows it.
    beside: Tab,
    pub(super) keys: Side,
    /// There is room for both.
    pub(super) both: bool,
}

impl Default for Sides {
    fn default() -> Self {
        Self { main: Tab::default(), beside: Tab::BESIDE, keys: Side::Main, both: false }
    }
}

impl Sides {
    /// The tab of a pane; never the same in both.
    pub(super) fn tab(self, side: Side) -> Tab {
        match side {
            Side::Main => self.main,
            Side::Beside if self.beside != self.main => self.beside,
            Side::Beside if self.main == Tab::BESIDE => Tab::default(),
            Side::Beside => Tab::BESIDE,
        }
    }

    /// Shows a tab in the pane with the keys. Where the other one showed it, the two change places.
    pub(super) fn show(&mut self, tab: Tab) {
        match self.keys {
            Side::Main => self.main = tab,
            Side::Beside => {
                if tab == self.main {
                    self.main = self.tab(Side::Beside);
                }
                self.beside = tab;
            }
        }
    }
}

/// One of the detail's panes, to be read.
#[derive(Debug, Clone, Copy)]
pub struct OnePane<'d> {
    detail: &'d DetailPane,
    side: Side,
}

impl DetailPane {
    /// One of its panes.
    #[must_use]
    pub fn on(&self, side: Side) -> OnePane<'_> {
        OnePane { detail: self, side }
    }

    /// The same tabs, and nothing is shown yet.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self { sides: self.sides, ..Self::new(self.zone.clone()) }
    }

    /// The pane that keys are for.
    pub(super) fn here(&self) -> OnePane<'_> {
        self.on(self.side())
    }

    /// The side that keys are for.
    #[must_use]
    pub fn side(&self) -> Side {
        self.sides.keys
    }

    /// The tab that keys are for.
    #[must_use]
    pub fn tab(&self) -> Tab {
        self.here().tab()
    }

    /// The tabs that can be seen.
    pub fn tabs(&self) -> impl Iterator<Item = Tab> {
        let Sides { keys, both, .. } = self.sides;
        [Some(keys), both.then(|| keys.other())].into_iter().flatten().map(|side| self.sides.tab(side))
    }

    /// Gives the keys to a pane.
    pub fn turn_to(&mut self, side: Side) {
        self.sides.keys = side;
    }

    /// Notes whether there is room for both panes. Where there is none any more, what is read goes on in the one that is
    /// left.
    pub fn make_room(&mut self, both: bool, alone: bool) {
        let Sides { keys, .. } = self.sides;
        if !both && !alone && keys == Side::Beside {
            let tab = self.sides.tab(Side::Beside);
            self.sides.keys = Side::Main;
            self.over = None;
            self.sides.show(tab);
        }
        self.sides.both = both;
    }

    /// Does something in the pane on a side, whichever has the keys.
    pub fn within<T>(&mut self, side: Side, work: impl FnOnce(&mut Self) -> T) -> T {
        let keys = std::mem::replace(&mut self.sides.keys, side);
        let done = work(self);
        self.sides.keys = keys;
        done
    }

    /// Shows a tab in the pane that has the keys.
    pub fn show(&mut self, tab: Tab) {
        self.selection = None;
        self.sides.show(tab);
        if self.sides.keys == Side::Main || self.sides.main != Tab::default() {
            self.over = None;
        }
    }

    /// What lies over the messages of the pane with the keys.
    #[must_use]
    pub fn over(&self) -> Option<Over> {
        self.here().over()
    }

    /// The text of the tab that keys are for.
    #[must_use]
    pub fn document(&self) -> &Document {
        self.here().document()
    }

    /// The cursor of the tab that keys are for, and the window around it.
    #[must_use]
    pub fn scroll(&self) -> Scroll {
        self.here().scroll()
    }
}

impl<'d> OnePane<'d> {
    pub(super) fn detail(self) -> &'d DetailPane {
        self.detail
    }

    #[must_use]
    pub fn tab(self) -> Tab {
        self.detail.sides.tab(self.side)
    }

    /// Whether keys are for it, where the detail has them.
    #[must_use]
    pub fn has_keys(self) -> bool {
        self.detail.sides.keys == self.side
    }

    /// What lies over its messages.
    #[must_use]
    pub fn over(self) -> Option<Over> {
        self.detail.over.filter(|_| self.side == Side::Main)
    }

    pub(super) fn view(self) -> View {
        match self.over() {
            None => View::Tab(self.tab()),
            Some(Over::Prompt { .. }) => View::Prompt,
            Some(Over::Comparison) => View::Comparison,
        }
    }

    pub(super) fn shown(self) -> &'d Shown {
        &self.detail.texts[&self.view()]
    }

    /// Its text.
    #[must_use]
    pub fn document(self) -> &'d Document {
        &self.shown().document
    }

    #[must_use]
    pub fn scroll(self) -> Scroll {
        self.shown().scroll
    }

    /// Whether the end is held as the text grows.
    #[must_use]
    pub fn sticks(self) -> bool {
        self.shown().hold == super::Hold::End
    }

    /// The step that the tree's cursor is on: where its part begins, the text shows it.
    #[must_use]
    pub fn step(self) -> Option<SpanId> {
        self.detail.at.filter(|_| !self.tab().is_of_span())
    }

    /// Whether the tree's cursor is on something that the tab is about.
    #[must_use]
    pub fn asks(self) -> bool {
        let DetailPane { program, span, subject, .. } = self.detail;
        program.is_some() || if self.tab().is_of_span() { span.is_some() } else { subject.is_some() }
    }

    /// Whether the last answer holds anything; `None` where there is no answer yet.
    #[must_use]
    pub fn found(self) -> Option<bool> {
        let DetailPane { program, raw, detail, .. } = self.detail;
        if program.is_some() {
            return Some(true);
        }
        if self.tab().is_of_span() { raw.shown().map(Option::is_some) } else { detail.shown().map(Option::is_some) }
    }

    /// Whether a newer answer for its tab is on its way, and late.
    #[must_use]
    pub fn is_late(self, now: Timestamp) -> bool {
        fn is_late<T>(pane: &Pane<Option<Arc<T>>>, now: Timestamp) -> bool {
            pane.is_refreshing(now) && pane.shown().is_some()
        }
        let DetailPane { raw, detail, .. } = self.detail;
        if self.tab().is_of_span() { is_late(raw, now) } else { is_late(detail, now) }
    }

    /// Why its tab is not as new as it should be.
    #[must_use]
    pub fn failed(self) -> Option<&'d str> {
        let DetailPane { mark, marked, raw, detail, .. } = self.detail;
        let is_of_mark = mark.as_ref().is_some_and(|mark| marked.answered() == Some(&mark.question()));
        if let Some(why) = marked.failed().filter(|_| is_of_mark && self.over() == Some(Over::Comparison)) {
            return Some(why);
        }
        if self.tab().is_of_span() { raw.failed() } else { detail.failed() }
    }

    /// The labels of the tabs, with what there is to know at a glance, so that they fit a width.
    #[must_use]
    pub fn labels(self, width: u16) -> Vec<String> {
        let (detail, tab) = (self.detail, self.tab());
        let title = self.over().filter(|_| detail.program.is_none()).map(Over::title);
        let of_answer = detail.program.is_none() && (tab.is_of_span() || self.is_current());
        detail.prepared.labels.fitting(width, of_answer, tab, title)
    }

    /// Whether the shown answer is the one to what the tree's cursor asks for.
    pub(super) fn is_current(self) -> bool {
        let detail = self.detail;
        if detail.program.is_some() {
            return true;
        }
        if self.tab().is_of_span() {
            detail.question_of_raw().as_ref() == detail.raw.answered()
        } else {
            detail.question().as_ref() == detail.detail.answered()
        }
    }
}
