//! The footer: keys that do something here and now, each with a word for what it does.

use super::{
    areas::Focus,
    comparing,
    detail::Over,
    first_run,
    history::LineOf,
    item::Kind,
    list::List,
    picture_keys,
    state::{Stage, State},
};
use crate::{
    app::event::Mode,
    keymap::{Action, Context, Hint},
};

/// What Esc does to a filter.
pub const CLEAR: &str = "clear";

impl State {
    /// In order of use.
    #[must_use]
    pub fn hints(&self) -> Vec<Hint> {
        let mut hints = self.keymap.hints(self.context());
        hints.retain_mut(|hint| {
            let does = self.does(hint.action, hint.does);
            hint.does = does.unwrap_or_default();
            does.is_some()
        });
        // What goes on with a prompt or a mark is wanted before all else.
        let goes_on = |action| match action {
            Action::Prompt => matches!(self.detail.over(), Some(Over::Prompt { .. })),
            Action::Compare => self.detail.mark().is_some(),
            Action::NextFound | Action::PreviousFound => self.detail.over() == Some(Over::Comparison),
            _ => false,
        };
        hints.sort_by_key(|hint| !goes_on(hint.action));
        hints
    }

    /// What an action does now, by a word; `None` where it does nothing.
    fn does(&self, action: Action, usual: &'static str) -> Option<&'static str> {
        if self.picture.is_some() {
            return picture_keys::does(action, usual);
        }
        let context = self.context();
        let top = self.lists.last().map(|list| &list.kind);
        match (action, top) {
            (Action::Close, Some(Kind::Ended)) => Some("quit"),
            (Action::Open, Some(Kind::Token)) => Some("copy"),
            (Action::Close, Some(_)) => Some("close"),
            // The key beside it does the same.
            (Action::Back | Action::Palette, Some(_))
            | (Action::Open, Some(Kind::Help { .. }))
            | (Action::Narrow, Some(Kind::Delete { .. } | Kind::Import { .. } | Kind::Ended | Kind::Token)) => None,
            (
                Action::Open,
                Some(
                    Kind::Sessions
                    | Kind::Facets
                    | Kind::Themes { .. }
                    | Kind::Palette { .. }
                    | Kind::Delete { .. }
                    | Kind::Import { .. }
                    | Kind::Ended,
                ),
            ) => Some("choose"),
            (Action::Delete, _) => self.can_delete().then_some(usual),
            (Action::Theme, Some(_)) if self.has_list(|kind| matches!(kind, Kind::Themes { .. })) => None,
            (Action::Help, Some(_)) if self.has_list(|kind| matches!(kind, Kind::Help { .. })) => None,
            (Action::Complete, Some(Kind::Palette { .. })) => Some("edit"),
            (Action::History, Some(Kind::Palette { .. })) => self.has_lines(LineOf::Palette).then_some(usual),
            (Action::History, None) if self.finds.is_some() => self.has_lines(LineOf::Find).then_some(usual),
            (Action::DeleteView | Action::RenameView, _) => self.view_at_cursor().map(|_| usual),
            // In a list's line there is nothing to complete, and in that of a name neither.
            (Action::Complete | Action::History | Action::SaveView, top)
                if top.is_some() || self.naming.is_some() || self.finds.is_some() =>
            {
                None
            }
            (Action::NextOffer, None) => (!self.offers().is_empty()).then_some(usual),
            (Action::History, None) => self.has_lines(LineOf::Filter).then_some(usual),
            (Action::Back, None) => self.back_does(),
            // The key beside it does the same.
            (Action::Open, None) if matches!(context, Context::FirstRun | Context::Selecting) => None,
            (Action::Open, None) if context == Context::Detail => self.open_does_in_detail(),
            (Action::Down, Some(Kind::Help { .. })) => {
                let scrolls = self.lists.last().is_some_and(List::scrolls);
                scrolls.then_some(usual)
            }
            (Action::Down, None) if context == Context::FirstRun => first_run::scrolls(self).then_some(usual),
            (Action::NextFailed | Action::PreviousFailed, _) => self.has_failed_step().then_some(usual),
            (Action::OpenOutside, _) => {
                self.detail.opens_at_cursor().filter(|_| context == Context::Detail).map(|_| usual)
            }
            (Action::ZoomIn | Action::ZoomOut, None) => self.detail.has_time().then_some(usual),
            (Action::Fold, None) if context == Context::Detail && self.detail.is_zoomed() => Some("pan"),
            (Action::Filter, None) if context == Context::Detail => Some("find"),
            (Action::NextFound | Action::PreviousFound, None) if comparing::goes_to_differences(self) => {
                Some("difference")
            }
            (Action::NextFound | Action::PreviousFound, None) => {
                self.detail.finds().or_else(|| self.detail.lit()).map(|_| usual)
            }
            (Action::Prompt, None) => self.prompt_does(usual),
            (Action::Compare, None) => self.compare_does(usual),
            (Action::Close, None) if self.detail.over().is_some() => Some("close"),
            (Action::Stats, _) => {
                let can = self.stage() == Stage::Browsing && self.lists.is_empty() && !self.stats.is_open();
                can.then_some(usual)
            }
            (Action::Sort, None) => (!self.stats.panel().orders().is_empty()).then_some(usual),
            (Action::Close, None) if context == Context::Stats => Some("close"),
            (Action::TestSpan, None) => self.http().map(|_| usual),
            (Action::Demo, None) => (self.mode == Mode::Live).then_some(usual),
            _ => Some(usual),
        }
    }

    /// What Esc would undo, in a word.
    #[must_use]
    pub fn back_does(&self) -> Option<&'static str> {
        let over = self.detail.over().is_some();
        if self.lists.is_empty() && self.context() == Context::Selecting {
            return Some("end");
        }
        if !self.lists.is_empty()
            || self.stats.is_open()
            || self.detail.finds().is_some()
            || self.zoomed
            || over
            || (self.focus != Focus::Tree && self.stage() == Stage::Browsing)
        {
            Some("back")
        } else if self.detail.mark().is_some() {
            Some("unmark")
        } else if self.stats.has_opened() {
            Some("back")
        } else {
            let clear = (!self.filter.is_empty()).then_some(CLEAR);
            clear.or_else(|| self.shows_demo_hint().then_some("end hints"))
        }
    }

    fn prompt_does(&self, usual: &'static str) -> Option<&'static str> {
        match self.detail.over() {
            Some(Over::Prompt { full: true }) => Some("only new"),
            Some(Over::Prompt { full: false }) => Some("all of it"),
            _ => self.detail.has_call().then_some(usual),
        }
    }

    fn compare_does(&self, usual: &'static str) -> Option<&'static str> {
        let row = self.markable()?.row();
        match self.detail.mark() {
            Some(mark) if mark.row() == row => Some("unmark"),
            Some(_) if self.detail.over() != Some(Over::Comparison) => Some(usual),
            _ => Some("mark"),
        }
    }

    fn open_does_in_detail(&self) -> Option<&'static str> {
        if self.picture_at_cursor().is_some() {
            return Some("picture");
        }
        if self.detail.step_at_cursor().is_some() {
            return Some("go to");
        }
        match self.detail.fold_at_cursor() {
            Some(true) => Some("close"),
            Some(false) => Some("open"),
            None if self.zoomed => Some("shrink"),
            None => self.areas().is_some_and(|areas| areas.divider.is_some()).then_some("enlarge"),
        }
    }

    fn has_lines(&self, of: LineOf) -> bool {
        !self.history.of(of).is_empty()
    }

    fn has_list(&self, is: impl Fn(&Kind) -> bool) -> bool {
        self.lists.iter().any(|list| is(&list.kind))
    }
}
