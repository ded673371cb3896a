//! A list laid over the screen to pick from: sessions, themes, help.

use ratatui::layout::Rect;

use super::{areas, help::HelpText, search::Line, standing::Standing, wrap};
use crate::{
    keymap::{Action, Context},
    model::OfSession,
};

/// The help would like to be so wide.
const HELP: u16 = 118;
/// Columns free at the left and the right of a row.
pub const MARGINS: usize = 4;

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
    Session(OfSession),
    AllSessions,
    Theme(String),
    Key(Action),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub pick: Pick,
    pub text: String,
    /// How a session stands.
    pub mark: Option<Standing>,
    /// What else is said of a session, the keys of an action.
    pub note: String,
    /// What stands in columns at the right, most needed first.
    pub cells: Vec<String>,
    /// The place of an action: those of one stand together under its heading.
    pub group: &'static str,
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
            Kind::Help { .. } => {
                // As high as all of it is, so that it stands still while one searches.
                let all: Vec<&Item> = self.items.iter().collect();
                let wide = areas::overlay(screen, HELP, usize::MAX).rows;
                areas::overlay(screen, HELP, self.help_of(&all, wide).height())
            }
        }
    }

    /// The help, laid out in the rows it is drawn in.
    #[must_use]
    pub fn help(&self, rows: Rect) -> HelpText {
        self.help_of(&self.left().collect::<Vec<_>>(), rows)
    }

    fn help_of(&self, items: &[&Item], rows: Rect) -> HelpText {
        let Kind::Help { of } = self.kind else { return HelpText::default() };
        let here: Vec<&'static str> = of.places().iter().map(|place| place.title()).collect();
        let keys = self.items.iter().map(|item| wrap::width(&item.note)).max().unwrap_or(0);
        HelpText::of(items, &here, keys, usize::from(rows.width).saturating_sub(MARGINS))
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

    /// How many of the items are sessions.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.items.iter().filter(|item| matches!(item.pick, Pick::Session(Some(_)))).count()
    }

    /// The items on screen, and whether the cursor is on them; those of the help are laid out by [`Self::help`].
    pub fn window(&self, height: usize) -> impl Iterator<Item = (&Item, bool)> {
        let items = self.left().skip(self.top).take(height);
        items.map(|item| (item, Some(&item.pick) == self.cursor.as_ref()))
    }

    /// How many lines there are, and which is the first on screen.
    #[must_use]
    pub fn scrolled(&self, rows: Rect) -> (usize, usize) {
        let lines = match self.kind {
            Kind::Sessions | Kind::Themes { .. } => self.left().count(),
            Kind::Help { .. } => self.help(rows).height(),
        };
        (lines, self.top.min(lines.saturating_sub(rows.height.into())))
    }

    /// Whether it is longer than its window.
    #[must_use]
    pub fn scrolls(&self, screen: Rect) -> bool {
        let rows = self.area(screen).rows;
        self.scrolled(rows).0 > usize::from(rows.height)
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

    /// Moves the cursor by so many items, and scrolls it into the window; what is only to be read scrolls by lines.
    pub fn move_by(&mut self, by: isize, screen: Rect) {
        if let Kind::Help { .. } = self.kind {
            let (_, top) = self.scrolled(self.area(screen).rows);
            self.top = top.saturating_add_signed(by);
        } else {
            let left: Vec<Pick> = self.left().map(|item| item.pick.clone()).collect();
            let at = left.iter().position(|pick| Some(pick) == self.cursor.as_ref()).unwrap_or(0);
            let to = at.saturating_add_signed(by).min(left.len().saturating_sub(1));
            self.cursor = left.into_iter().nth(to);
        }
        self.scroll(screen);
    }

    /// Puts the cursor on a line of the window; true where there is an item to pick.
    pub fn click(&mut self, line: usize) -> bool {
        let readable = matches!(self.kind, Kind::Help { .. });
        let Some(pick) = self.left().nth(self.top + line).filter(|_| !readable).map(|item| item.pick.clone()) else {
            return false;
        };
        self.cursor = Some(pick);
        true
    }

    /// Scrolls so that the cursor is in the window.
    pub fn scroll(&mut self, screen: Rect) {
        let rows = self.area(screen).rows;
        if let Kind::Help { .. } = self.kind {
            (_, self.top) = self.scrolled(rows);
            return;
        }
        let height = usize::from(rows.height);
        let cursor = self.left().position(|item| Some(&item.pick) == self.cursor.as_ref()).unwrap_or(0);
        let lowest = (cursor + 1).saturating_sub(height.max(1));
        self.top = self.top.clamp(lowest, cursor.max(lowest)).min(self.left().count().saturating_sub(height));
    }

    /// The items left by what narrows it: each of its words occurs, in any case.
    fn left(&self) -> impl Iterator<Item = &Item> {
        let words: Vec<String> = self.narrow.split_whitespace().map(str::to_lowercase).collect();
        self.items.iter().filter(move |item| {
            let all = format!("{} {} {}", item.text, item.note, item.group).to_lowercase();
            words.iter().all(|word| all.contains(word))
        })
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

    const SCREEN: Rect = Rect::new(0, 0, 80, 24);

    fn themes(names: &[&str]) -> Vec<Item> {
        let item = |name: &&str| Item {
            pick: Pick::Theme((*name).to_owned()),
            text: (*name).to_owned(),
            mark: None,
            note: String::new(),
            cells: Vec::new(),
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
        list.move_by(1, SCREEN);
        assert_eq!(picked(&list), "c");
        list.put(themes(&["a", "b", "c", "d"]));
        assert_eq!(picked(&list), "c");
        list.put(themes(&["a"]));
        assert_eq!(picked(&list), "a");
        list.put(Vec::new());
        list.move_by(1, SCREEN);
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
        let screen = Rect::new(0, 0, 40, 12);
        let mut list = List::new(Kind::Sessions, themes(&names), None);
        let rows = list.area(screen).rows;
        let height = usize::from(rows.height);
        list.move_by(12, screen);
        assert!(list.window(height).any(|(_, at_cursor)| at_cursor));
        list.move_by(isize::MAX, screen);
        assert_eq!((picked(&list), list.scrolled(rows)), ("29", (30, 30 - height)));
        list.move_by(isize::MIN, screen);
        assert_eq!((picked(&list), list.scrolled(rows)), ("00", (30, 0)));
    }
}
