//! The one way onto the cells: text in a slot's style, cleaned, cut to its place, never outside the screen.

use std::num::NonZeroU16;

use ratatui::{
    buffer::{Buffer, CellDiffOption},
    layout::{Position, Rect},
    widgets::{Clear, Widget},
};

use crate::{
    app::{styled::Styled, target::Target, wrap},
    slots::Slot,
    theme::Theme,
};

/// Says how many columns a symbol takes where it could be taken for more or fewer.
fn columns_of(symbol: &str, columns: u16) -> CellDiffOption {
    let is_mark = symbol.chars().next().is_some_and(wrap::is_spacing_mark);
    let is_doubled = symbol.chars().next().is_some_and(wrap::is_doubled);
    match NonZeroU16::new(columns).filter(|_| is_mark || is_doubled) {
        Some(columns) => CellDiffOption::ForcedWidth(columns),
        None => CellDiffOption::None,
    }
}

/// Paints slots onto cells.
pub struct Pen<'a> {
    cells: &'a mut Buffer,
    theme: &'a Theme,
    /// What can be clicked on, and where; what was written last lies on top.
    targets: Vec<(Rect, Option<Target>)>,
}

impl<'a> Pen<'a> {
    pub fn new(cells: &'a mut Buffer, theme: &'a Theme) -> Self {
        Self { cells, theme, targets: Vec::new() }
    }

    /// What a click on a cell does.
    pub fn target_at(&self, column: u16, row: u16) -> Option<Target> {
        let on_top = self.targets.iter().rev().find(|(area, _)| area.contains(Position::new(column, row)));
        on_top.and_then(|(_, target)| *target)
    }

    /// Lays a slot's style over an area; what is written there stays.
    pub fn wash(&mut self, area: Rect, slot: Slot) {
        self.cells.set_style(area, self.theme.style(slot));
    }

    /// Empties an area, its ground painted with a slot.
    pub fn erase(&mut self, area: Rect, ground: Slot) {
        let area = area.intersection(self.cells.area);
        // Whatever lies beneath is not clicked on.
        self.targets.push((area, None));
        Clear.render(area, self.cells);
        self.wash(area, ground);
    }

    /// Writes a text that ends before `right`, cut with `…` where it would not; returns where it ended.
    pub fn put(&mut self, x: u16, y: u16, right: u16, text: &str, slot: Slot) -> u16 {
        let place = Rect::new(x, y, right.saturating_sub(x), 1).intersection(self.cells.area);
        if place.is_empty() || place.x != x {
            return x;
        }
        let clean = if text.contains('\n') { wrap::clean_line(text).into() } else { wrap::clean(text) };
        let room = usize::from(place.width);
        let style = self.theme.style(slot);
        let cut = if wrap::width(&clean) > room { wrap::cut(&clean, room).into() } else { clean };
        let mut at = x;
        // Not `set_string`, which puts a cluster of several letters into one cell.
        for (symbol, columns) in wrap::cells(&cut) {
            let columns = u16::try_from(columns).unwrap_or(u16::MAX);
            if columns == 0 || columns > place.right() - at {
                continue;
            }
            self.cells[(at, y)].set_symbol(symbol).set_style(style).set_diff_option(columns_of(symbol, columns));
            for hidden in at + 1..at + columns {
                self.cells[(hidden, y)].reset();
            }
            at += columns;
        }
        at
    }

    /// Writes one glyph.
    pub fn dot(&mut self, x: u16, y: u16, glyph: &str, slot: Slot) {
        self.put(x, y, x.saturating_add(1), glyph, slot);
    }

    /// Writes texts from the left of the first line of an area; returns where they ended.
    pub fn texts(&mut self, area: Rect, texts: &[Styled]) -> u16 {
        texts.iter().fold(area.x, |x, styled| {
            let end = self.put(x, area.y, area.right(), &styled.text, styled.slot);
            if styled.target.is_some() {
                self.targets.push((Rect::new(x, area.y, end.saturating_sub(x), 1), styled.target));
            }
            end
        })
    }

    /// Writes texts up to the right of the first line of an area; returns where they began.
    pub fn texts_right(&mut self, area: Rect, texts: &[Styled]) -> u16 {
        let width = u16::try_from(wrap::styled_width(texts)).unwrap_or(u16::MAX).min(area.width);
        let x = area.right() - width;
        self.texts(Rect { x, width, ..area }, texts);
        x
    }

    /// Repeats a glyph over a row of cells.
    pub fn line(&mut self, area: Rect, glyph: &str, slot: Slot) {
        for x in area.x..area.right() {
            self.dot(x, area.y, glyph, slot);
        }
    }

    /// Repeats a glyph down a column of cells.
    pub fn column(&mut self, x: u16, rows: std::ops::Range<u16>, glyph: &str, slot: Slot) {
        for y in rows {
            self.dot(x, y, glyph, slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Themes;

    fn written(width: u16, write: impl Fn(&mut Pen)) -> String {
        let mut cells = Buffer::empty(Rect::new(0, 0, width, 1));
        let theme = Themes::load(None).unwrap().get("dark").unwrap();
        write(&mut Pen::new(&mut cells, &theme));
        cells.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn what_does_not_fit_is_cut_and_what_is_outside_is_not_drawn() {
        assert_eq!(written(6, |pen| assert_eq!(pen.put(0, 0, 6, "a long text", Slot::Text), 6)), "a lon…");
        assert_eq!(written(6, |pen| assert_eq!(pen.put(4, 0, 90, "x", Slot::Text), 5)), "    x ");
        assert_eq!(written(3, |pen| assert_eq!(pen.put(9, 9, 12, "x", Slot::Text), 9)), "   ");
        assert_eq!(written(3, |pen| assert_eq!(pen.put(2, 0, 1, "x", Slot::Text), 2)), "   ");
    }

    #[test]
    fn no_text_reaches_the_cells_as_a_command() {
        assert_eq!(written(14, |pen| _ = pen.put(0, 0, 14, "\u{1b}[2J\n\u{202e}x", Slot::Text)), "␛[2J⏎<U+202E>x");
    }

    #[test]
    fn runs_stand_at_the_left_or_the_right() {
        let texts = [Styled::new("ab", Slot::Dim), Styled::new("cd", Slot::Text)];
        assert_eq!(written(6, |pen| assert_eq!(pen.texts_right(Rect::new(0, 0, 6, 1), &texts), 2)), "  abcd");
        assert_eq!(written(3, |pen| _ = pen.texts_right(Rect::new(0, 0, 3, 1), &texts)), "ab…");
    }
}
