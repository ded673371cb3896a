//! A list laid over the screen to pick from: sessions, themes, help.
//!
//! What can be seen of it (which items are left by what narrows it, where they go) is computed when something changes:
//! drawing a frame only reads it.

use std::cmp::Reverse;

use ratatui::layout::Rect;

use super::{
    areas,
    find::{Finder, How},
    help::{self, HelpText},
    item::{Item, Kind, Pick},
    line::Line,
    wrap,
};
use crate::keymap::Context;

/// The help would like to be so wide.
const HELP: u16 = 118;
/// The palette would like to be so wide and so high.
const PALETTE: (u16, usize) = (84, 18);
/// Columns free at the left and the right of a row.
pub const MARGINS: usize = 4;
/// Most lines of what is asked above the items.
const SAID: usize = 3;

/// A list, its cursor, and what narrows it.
#[derive(Debug, Clone)]
pub struct List {
    pub kind: Kind,
    items: Vec<Item>,
    /// The places in `items` of those that are left by what narrows it, in the order in which they are shown.
    left: Vec<usize>,
    /// Open while it is being typed.
    line: Option<Line>,
    narrow: String,
    /// Held by what it picks, so that it stays when there are other items.
    cursor: Option<Pick>,
    /// Which line is the first on screen.
    top: usize,
    screen: Rect,
    area: areas::Overlay,
    /// Empty where it is not the help.
    help: HelpText,
}

impl List {
    #[must_use]
    pub fn new(kind: Kind, items: Vec<Item>, cursor: Option<Pick>, screen: Rect) -> Self {
        let mut list = Self {
            kind,
            items,
            left: Vec::new(),
            line: None,
            narrow: String::new(),
            cursor,
            top: 0,
            screen,
            area: areas::overlay(screen, 0, 0),
            help: HelpText::default(),
        };
        list.lay();
        list
    }

    #[must_use]
    pub fn title(&self) -> &'static str {
        match self.kind {
            Kind::Sessions => "Sessions",
            Kind::Facets => "Filter by",
            Kind::Themes { .. } => "Themes",
            Kind::Palette { .. } => "Palette",
            Kind::Delete { .. } => "Delete?",
            Kind::Import { .. } => "Import?",
            Kind::Help { .. } => "Help",
            Kind::Ended => "Ended",
            Kind::Token => "Senders need this token",
        }
    }

    /// Where it goes on its screen.
    #[must_use]
    pub fn area(&self) -> areas::Overlay {
        self.area
    }

    /// The help, laid out in the rows it is drawn in; of any other list nothing.
    #[must_use]
    pub fn help(&self) -> &HelpText {
        &self.help
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

    /// Looks for what it is narrowed by.
    #[must_use]
    pub fn finder(&self) -> Finder {
        // A key's help is sentences, the rest names.
        Finder::new(&self.narrow, if matches!(self.kind, Kind::Help { .. }) { How::Whole } else { How::Fuzzy })
    }

    /// How many items there are, and how many are left by what narrows it.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.items.len(), self.left.len())
    }

    /// How many of the items are sessions.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.items.iter().filter(|item| matches!(item.pick, Pick::Session(Some(_)))).count()
    }

    /// The items on screen, and whether the cursor is on them; those of the help are laid out by [`Self::help`].
    pub fn window(&self) -> impl Iterator<Item = (&Item, bool)> {
        let items = self.left().skip(self.top).take(self.area.rows.height.into());
        items.map(|item| (item, Some(&item.pick) == self.cursor.as_ref()))
    }

    /// How many lines there are, and which is the first on screen.
    #[must_use]
    pub fn scrolled(&self) -> (usize, usize) {
        let lines = match self.kind {
            Kind::Sessions
            | Kind::Facets
            | Kind::Themes { .. }
            | Kind::Delete { .. }
            | Kind::Import { .. }
            | Kind::Palette { .. }
            | Kind::Ended
            | Kind::Token => self.left.len(),
            Kind::Help { .. } => self.help.height(),
        };
        (lines, self.top)
    }

    /// Whether it is longer than its window.
    #[must_use]
    pub fn scrolls(&self) -> bool {
        self.scrolled().0 > usize::from(self.area.rows.height)
    }

    /// What the cursor is on.
    #[must_use]
    pub fn picked(&self) -> Option<&Item> {
        self.nth(self.at()?)
    }

    /// Whether the cursor is on its first item, or there is none.
    #[must_use]
    pub fn is_at_first(&self) -> bool {
        self.at().unwrap_or(0) == 0
    }

    /// Puts other items in; the cursor stays on what it was on.
    pub fn put(&mut self, items: Vec<Item>) {
        self.items = items;
        self.lay();
    }

    /// The screen has another size.
    pub fn resize(&mut self, screen: Rect) {
        self.screen = screen;
        self.lay();
    }

    pub fn open_line(&mut self) {
        self.line = Some(Line::new(&self.narrow));
    }

    /// Ends the typing; `taken` keeps what was typed.
    pub fn close_line(&mut self, taken: bool) {
        if let Some(line) = self.line.take().filter(|_| !taken) {
            line.before().clone_into(&mut self.narrow);
            self.lay();
        }
    }

    /// Edits the line, if it is open, and narrows by it at once.
    pub fn edit(&mut self, edit: impl FnOnce(&mut Line)) {
        if let Some(line) = &mut self.line {
            edit(line);
            let before = std::mem::replace(&mut self.narrow, line.text().to_owned());
            // Whoever goes on typing wants the best match.
            if self.narrow != before && matches!(self.kind, Kind::Palette { .. }) {
                self.cursor = None;
            }
            self.lay();
        }
    }

    /// Moves the cursor by so many items, and scrolls it into the window; what is only to be read scrolls by lines.
    pub fn move_by(&mut self, by: isize) {
        if let Kind::Help { .. } = self.kind {
            self.top = self.top.saturating_add_signed(by);
        } else {
            let to = self.at().unwrap_or(0).saturating_add_signed(by).min(self.left.len().saturating_sub(1));
            self.cursor = self.nth(to).map(|item| item.pick.clone());
        }
        self.scroll();
    }

    /// Puts the cursor on a line of the window; true where there is an item to pick.
    pub fn click(&mut self, line: usize) -> bool {
        let readable = matches!(self.kind, Kind::Help { .. });
        let Some(pick) = self.nth(self.top + line).filter(|_| !readable).map(|item| item.pick.clone()) else {
            return false;
        };
        self.cursor = Some(pick);
        self.scroll();
        true
    }

    fn left(&self) -> impl Iterator<Item = &Item> {
        self.left.iter().filter_map(|at| self.items.get(*at))
    }

    fn nth(&self, at: usize) -> Option<&Item> {
        self.items.get(*self.left.get(at)?)
    }

    /// Which of the items that are left has the cursor.
    fn at(&self) -> Option<usize> {
        self.left().position(|item| Some(&item.pick) == self.cursor.as_ref())
    }

    /// Computes all that can be seen from the items, what narrows them, and the screen.
    fn lay(&mut self) {
        self.left = self.find();
        match self.kind {
            Kind::Sessions | Kind::Facets => self.area = areas::overlay(self.screen, 76, self.items.len().max(6)),
            Kind::Themes { .. } => self.area = areas::overlay(self.screen, 40, self.items.len()),
            // As high whatever is left, so that it stands still while one types.
            Kind::Palette { .. } => self.area = areas::overlay(self.screen, PALETTE.0, PALETTE.1),
            Kind::Delete { ref what, .. } | Kind::Import { ref what, .. } => {
                let wide = u16::try_from(wrap::width(what) + MARGINS + 2).unwrap_or(u16::MAX);
                let lines = |columns| wrap::wrap(what, columns).len();
                self.area = self.beneath_words(wide.max(40), lines);
            }
            // What they say is about as long as this.
            Kind::Ended | Kind::Token => {
                self.area = self.beneath_words(92, |columns| 72_usize.div_ceil(columns.max(1)));
            }
            Kind::Help { of } => {
                // As high as all of it is, so that it stands still while one searches.
                let wide = areas::overlay(self.screen, HELP, usize::MAX).rows;
                let all = self.lay_help(of, self.items.iter(), wide);
                self.area = areas::overlay(self.screen, HELP, all.height());
                let same = self.area.rows.width == wide.width && self.left.len() == self.items.len();
                self.help = if same { all } else { self.lay_help(of, self.left(), self.area.rows) };
            }
        }
        // The cursor is on an item that is there.
        if self.at().is_none() {
            self.cursor = self.nth(0).map(|item| item.pick.clone());
            self.top = 0;
        }
        self.scroll();
    }

    /// Where it goes beneath what is asked, which takes so many lines of a width.
    fn beneath_words(&self, wide: u16, lines: impl Fn(usize) -> usize) -> areas::Overlay {
        let columns = areas::overlay(self.screen, wide, 1).line.width;
        let lines = lines(usize::from(columns).saturating_sub(MARGINS)).clamp(1, SAID);
        let mut area = areas::overlay(self.screen, wide, self.items.len() + lines - 1);
        let more = u16::try_from(lines - 1).unwrap_or(0).min(area.rows.height.saturating_sub(1));
        area.line.height += more;
        area.rows.y += more;
        area.rows.height -= more;
        area
    }

    /// The items left by what narrows it: the best match first, but of the help in its own order.
    fn find(&self) -> Vec<usize> {
        let mut finder = self.finder();
        let text = |item: &Item| format!("{} {} {}", item.text, item.note, item.group);
        let scored = self.items.iter().enumerate().filter_map(|(at, item)| Some((at, finder.score(&text(item))?)));
        let mut scored: Vec<(usize, u32)> = scored.collect();
        if !matches!(self.kind, Kind::Help { .. }) {
            scored.sort_by_key(|(_, score)| Reverse(*score));
        }
        scored.into_iter().map(|(at, _)| at).collect()
    }

    fn lay_help<'a>(&self, of: Context, items: impl Iterator<Item = &'a Item>, rows: Rect) -> HelpText {
        let places = of.places().iter().map(|place| place.title());
        let here: Vec<&'static str> = places.chain([help::MARKS_TITLE]).collect();
        let keys = self.items.iter().map(|item| wrap::width(&item.note)).max().unwrap_or(0);
        let items: Vec<&Item> = items.collect();
        HelpText::of(&items, &here, keys, usize::from(rows.width).saturating_sub(MARGINS))
    }

    /// Scrolls so that the cursor is in the window, which is full where there are enough lines.
    fn scroll(&mut self) {
        let height = usize::from(self.area.rows.height);
        let last = self.scrolled().0.saturating_sub(height);
        if !matches!(self.kind, Kind::Help { .. }) {
            let cursor = self.at().unwrap_or(0);
            let lowest = (cursor + 1).saturating_sub(height.max(1));
            self.top = self.top.clamp(lowest, cursor.max(lowest));
        }
        self.top = self.top.min(last);
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
        let mut list = List::new(Kind::Sessions, themes(&["b", "c"]), None, SCREEN);
        list.move_by(1);
        assert_eq!(picked(&list), "c");
        list.put(themes(&["a", "b", "c", "d"]));
        assert_eq!(picked(&list), "c");
        list.put(themes(&["a"]));
        assert_eq!(picked(&list), "a");
        list.put(Vec::new());
        list.move_by(1);
        assert_eq!(list.picked(), None);
    }

    #[test]
    fn narrowing_is_seen_at_once_and_undone_by_leaving() {
        let mut list = List::new(Kind::Sessions, themes(&["dark", "light", "plain"]), None, SCREEN);
        list.open_line();
        list.edit(|line| line.insert("LI"));
        assert_eq!((picked(&list), list.counts()), ("light", (3, 2)), "the closest comes before `plain`");
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
        let mut list = List::new(Kind::Sessions, themes(&names), None, Rect::new(0, 0, 40, 12));
        let height = usize::from(list.area().rows.height);
        list.move_by(12);
        assert!(list.window().any(|(_, at_cursor)| at_cursor));
        list.move_by(isize::MAX);
        assert_eq!((picked(&list), list.scrolled()), ("29", (30, 30 - height)));
        list.move_by(isize::MIN);
        assert_eq!((picked(&list), list.scrolled()), ("00", (30, 0)));
        list.move_by(20);
        list.resize(Rect::new(0, 0, 40, 9));
        assert!(list.window().any(|(_, at_cursor)| at_cursor), "also on a smaller screen");
    }
}
