//! A list laid over the screen to pick from: sessions, themes, help.

use ratatui::layout::Rect;

use super::{areas, search::Line};
use crate::{
    keymap::{Action, Context},
    model::SessionId,
};

/// What a list is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Sessions,
    /// With the theme that was in force when it was opened.
    Themes {
        before: String,
    },
    /// Of the keys of a context, and then all others.
    Help {
        of: Context,
    },
}

/// What picking an item does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    Session(SessionId),
    AllSessions,
    Theme(String),
    Key(Action),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub pick: Pick,
    pub text: String,
    /// Counts of a session, the keys of an action.
    pub note: String,
    /// Items of one group stand together under its heading; empty where there are no groups.
    pub group: &'static str,
}

/// A line of a list as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown<'a> {
    /// The heading of a group.
    Group(&'static str),
    Item {
        item: &'a Item,
        at_cursor: bool,
    },
}

/// A list, its cursor, and what narrows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    pub kind: Kind,
    items: Vec<Item>,
    /// Open while it is being typed.
    line: Option<Line>,
    narrow: String,
    /// Held by what it picks, so that it stays when other items come.
    cursor: Option<Pick>,
    /// Which of [`Self::lines`] is the first on screen.
    top: usize,
}

impl List {
    #[must_use]
    pub fn new(kind: Kind, items: Vec<Item>, cursor: Option<Pick>) -> Self {
        let mut list = Self { kind, items, line: None, narrow: String::new(), cursor, top: 0 };
        list.hold();
        list
    }

    #[must_use]
    pub fn title(&self) -> &'static str {
        match self.kind {
            Kind::Sessions => "Sessions",
            Kind::Themes { .. } => "Themes",
            Kind::Help { .. } => "Help",
        }
    }

    /// Where it goes on a screen.
    #[must_use]
    pub fn area(&self, screen: Rect) -> areas::Overlay {
        match self.kind {
            Kind::Sessions => areas::overlay(screen, 76, self.items.len().max(6)),
            Kind::Themes { .. } => areas::overlay(screen, 40, self.items.len()),
            Kind::Help { .. } => areas::overlay(screen, 100, usize::MAX),
        }
    }

    /// The line that narrows it, while it is being typed.
    #[must_use]
    pub fn line(&self) -> Option<&Line> {
        self.line.as_ref()
    }

    /// What it is narrowed by.
    #[must_use]
    pub fn narrow(&self) -> &str {
        &self.narrow
    }

    /// How many items there are, and how many are left by what narrows it.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.items.len(), self.left().count())
    }

    /// The lines on screen, from the first.
    #[must_use]
    pub fn window(&self, height: usize) -> Vec<Shown<'_>> {
        self.lines().into_iter().skip(self.top).take(height).collect()
    }

    /// How many lines there are, and which is the first on screen.
    #[must_use]
    pub fn scrolled(&self) -> (usize, usize) {
        (self.lines().len(), self.top)
    }

    /// What the cursor is on.
    #[must_use]
    pub fn picked(&self) -> Option<&Item> {
        self.left().find(|item| Some(&item.pick) == self.cursor.as_ref())
    }

    /// Puts other items in; the cursor stays on what it was on.
    pub fn put(&mut self, items: Vec<Item>) {
        self.items = items;
        self.hold();
    }

    pub fn open_line(&mut self) {
        self.line = Some(Line::new(&self.narrow));
    }

    /// Ends the typing; `taken` keeps what was typed.
    pub fn close_line(&mut self, taken: bool) {
        if let Some(line) = self.line.take().filter(|_| !taken) {
            line.before().clone_into(&mut self.narrow);
            self.hold();
        }
    }

    /// Edits the line, if it is open, and narrows by it at once.
    pub fn edit(&mut self, edit: impl FnOnce(&mut Line)) {
        if let Some(line) = &mut self.line {
            edit(line);
            line.text().clone_into(&mut self.narrow);
            self.hold();
        }
    }

    /// Moves the cursor by so many items, and scrolls it into a window of `height` lines.
    pub fn move_by(&mut self, by: isize, height: usize) {
        let left: Vec<Pick> = self.left().map(|item| item.pick.clone()).collect();
        let at = left.iter().position(|pick| Some(pick) == self.cursor.as_ref()).unwrap_or(0);
        let to = at.saturating_add_signed(by).min(left.len().saturating_sub(1));
        self.cursor = left.into_iter().nth(to);
        self.scroll(height);
    }

    /// Puts the cursor on a line of the window; true where there is an item.
    pub fn click(&mut self, line: usize) -> bool {
        let pick = match self.lines().get(self.top + line) {
            Some(Shown::Item { item, .. }) => item.pick.clone(),
            _ => return false,
        };
        self.cursor = Some(pick);
        true
    }

    /// Scrolls so that the cursor is in a window of `height` lines.
    pub fn scroll(&mut self, height: usize) {
        let lines = self.lines();
        let cursor = lines.iter().position(|line| matches!(line, Shown::Item { at_cursor: true, .. })).unwrap_or(0);
        // With the first item of a group comes its heading.
        let first =
            if cursor > 0 && matches!(lines.get(cursor - 1), Some(Shown::Group(_))) { cursor - 1 } else { cursor };
        let lowest = (cursor + 1).saturating_sub(height.max(1));
        self.top = self.top.clamp(lowest.min(first), first).min(lines.len().saturating_sub(height));
    }

    /// The items left by what narrows it: each of its words occurs, in any case.
    fn left(&self) -> impl Iterator<Item = &Item> {
        let words: Vec<String> = self.narrow.split_whitespace().map(str::to_lowercase).collect();
        self.items.iter().filter(move |item| {
            let all = format!("{} {} {}", item.text, item.note, item.group).to_lowercase();
            words.iter().all(|word| all.contains(word))
        })
    }

    fn lines(&self) -> Vec<Shown<'_>> {
        let mut lines = Vec::new();
        let mut group = "";
        for item in self.left() {
            if item.group != group {
                group = item.group;
                lines.push(Shown::Group(group));
            }
            lines.push(Shown::Item { item, at_cursor: Some(&item.pick) == self.cursor.as_ref() });
        }
        lines
    }

    /// Keeps the cursor on an item that is there.
    fn hold(&mut self) {
        if self.picked().is_none() {
            let first = self.left().next().map(|item| item.pick.clone());
            self.cursor = first;
            self.top = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn themes(names: &[&str]) -> Vec<Item> {
        let item = |name: &&str| Item {
            pick: Pick::Theme((*name).to_owned()),
            text: (*name).to_owned(),
            note: String::new(),
            group: "",
        };
        names.iter().map(item).collect()
    }

    fn picked(list: &List) -> &str {
        list.picked().map_or("", |item| item.text.as_str())
    }

    #[test]
    fn the_cursor_stays_on_its_item_when_others_come() {
        let mut list = List::new(Kind::Sessions, themes(&["b", "c"]), None);
        list.move_by(1, 10);
        assert_eq!(picked(&list), "c");
        list.put(themes(&["a", "b", "c", "d"]));
        assert_eq!(picked(&list), "c");
        list.put(themes(&["a"]));
        assert_eq!(picked(&list), "a");
        list.put(Vec::new());
        list.move_by(1, 10);
        assert_eq!(list.picked(), None);
    }

    #[test]
    fn narrowing_is_seen_at_once_and_undone_by_leaving() {
        let mut list = List::new(Kind::Sessions, themes(&["dark", "light", "plain"]), None);
        list.open_line();
        list.edit(|line| line.insert("LI"));
        assert_eq!((picked(&list), list.counts()), ("light", (3, 1)));
        list.close_line(false);
        assert_eq!(list.counts(), (3, 3));
        list.open_line();
        list.edit(|line| line.insert("pl"));
        list.close_line(true);
        assert_eq!((picked(&list), list.narrow()), ("plain", "pl"));
    }

    #[test]
    fn the_window_follows_the_cursor() {
        let names: Vec<String> = (0..30).map(|number| format!("{number:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut list = List::new(Kind::Sessions, themes(&names), None);
        list.move_by(12, 5);
        assert!(list.window(5).iter().any(|line| matches!(line, Shown::Item { at_cursor: true, .. })));
        list.move_by(isize::MAX, 5);
        assert_eq!((picked(&list), list.scrolled()), ("29", (30, 25)));
        list.move_by(isize::MIN, 5);
        assert_eq!((picked(&list), list.scrolled()), ("00", (30, 0)));
    }
}
