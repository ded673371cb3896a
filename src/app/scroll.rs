//! A cursor in a list of lines, and the window that shows it.

use std::ops::Range;

/// Which line has the cursor, and on which line of the window that is.
///
/// Keeping the second is what keeps a row where it is while others come and go around it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scroll {
    pub cursor: usize,
    line: usize,
}

impl Scroll {
    /// The first line in the window.
    #[must_use]
    pub fn top(self) -> usize {
        self.cursor.saturating_sub(self.line)
    }

    /// The lines that a window of `height` shows of `length`.
    #[must_use]
    pub fn window(self, length: usize, height: usize) -> Range<usize> {
        let top = self.top().min(length);
        top..(top + height).min(length)
    }

    /// Puts the cursor on another line without moving it on the screen: the list around it is another.
    pub fn carry_to(&mut self, cursor: usize, height: usize) {
        self.cursor = cursor;
        self.line = self.line.min(cursor).min(height.saturating_sub(1));
    }

    /// Fits the window to another height: it shows as many lines as there is room for.
    pub fn fit(&mut self, length: usize, height: usize) {
        let least = self.cursor.saturating_sub(length.saturating_sub(height));
        self.line = self.line.max(least).min(self.cursor).min(height.saturating_sub(1));
    }

    /// Moves the cursor by hand; the window follows only as far as it must.
    pub fn move_by(&mut self, by: isize, length: usize, height: usize) {
        self.show(self.cursor.saturating_add_signed(by), length, height);
    }

    /// Puts the cursor on a line; the window follows only as far as it must.
    pub fn show(&mut self, cursor: usize, length: usize, height: usize) {
        let cursor = cursor.min(length.saturating_sub(1));
        let lowest = (cursor + 1).saturating_sub(height.max(1));
        self.set(cursor, self.top().clamp(lowest, cursor), length, height);
    }

    /// Puts the cursor on a line that becomes the first of the window, where the list is long enough.
    pub fn show_first(&mut self, cursor: usize, length: usize, height: usize) {
        let cursor = cursor.min(length.saturating_sub(1));
        self.set(cursor, cursor, length, height);
    }

    /// Moves the window; the cursor stays on its line as long as that is in the window.
    pub fn scroll(&mut self, by: isize, length: usize, height: usize) {
        let top = self.top().saturating_add_signed(by).min(length.saturating_sub(height));
        let last = (top + height.max(1) - 1).min(length.saturating_sub(1));
        self.set(self.cursor.clamp(top.min(last), last), top, length, height);
    }

    fn set(&mut self, cursor: usize, top: usize, length: usize, height: usize) {
        let top = top.min(length.saturating_sub(height)).min(cursor);
        *self = Self { cursor, line: cursor - top };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_follows_the_cursor_only_as_far_as_it_must() {
        let mut scroll = Scroll::default();
        scroll.move_by(4, 100, 5);
        assert_eq!((scroll.cursor, scroll.top()), (4, 0));
        scroll.move_by(1, 100, 5);
        assert_eq!((scroll.cursor, scroll.top()), (5, 1));
        scroll.move_by(isize::MAX, 100, 5);
        assert_eq!((scroll.cursor, scroll.window(100, 5)), (99, 95..100));
        scroll.move_by(-2, 100, 5);
        assert_eq!((scroll.cursor, scroll.top()), (97, 95));
    }

    #[test]
    fn a_row_that_is_carried_keeps_its_line() {
        let mut scroll = Scroll::default();
        scroll.show(3, 10, 5);
        scroll.carry_to(13, 5);
        assert_eq!((scroll.cursor, scroll.top()), (13, 10));
        scroll.fit(20, 15);
        assert_eq!((scroll.cursor, scroll.top()), (13, 5), "the window has room for all that is beneath, and more");
        scroll.carry_to(1, 5);
        assert_eq!((scroll.cursor, scroll.top()), (1, 0), "there is nothing above to fill the window with");
    }

    #[test]
    fn scrolling_takes_the_cursor_along_at_the_edge() {
        let mut scroll = Scroll::default();
        scroll.scroll(3, 20, 5);
        assert_eq!((scroll.cursor, scroll.top()), (3, 3));
        scroll.scroll(-1, 20, 5);
        assert_eq!((scroll.cursor, scroll.top()), (3, 2));
        scroll.scroll(100, 20, 5);
        assert_eq!((scroll.cursor, scroll.top()), (15, 15));
    }

    #[test]
    fn nothing_and_no_room_are_no_trouble() {
        for (length, height) in [(0, 0), (0, 5), (5, 0), (1, 1)] {
            for by in [isize::MIN, -1, 0, 1, isize::MAX] {
                let mut scroll = Scroll { cursor: 3, line: 2 };
                scroll.move_by(by, length, height);
                scroll.scroll(by, length, height);
                scroll.show_first(9, length, height);
                assert!(scroll.cursor < length.max(1) && scroll.window(length, height).end <= length);
            }
        }
    }
}
