//! Where a window stands in what is longer than it: a stretch of the pane's border, drawn heavier.

use std::ops::Range;

use crate::slots::Slot;
use crate::view::pen::Pen;

/// Draws it over the column `x`; nothing where everything is seen.
pub fn draw(pen: &mut Pen, x: u16, rows: Range<u16>, length: usize, top: usize, slot: Slot) {
    if let Some(thumb) = thumb(rows.end.saturating_sub(rows.start), length, top) {
        pen.column(x, rows.start + thumb.start..rows.start + thumb.end, "┃", slot);
    }
}

/// Which rows of a bar of `height` are heavier. It touches an end only where there is nothing beyond.
fn thumb(height: u16, length: usize, top: usize) -> Option<Range<u16>> {
    let rows = usize::from(height);
    if rows < 3 || length <= rows {
        return None;
    }
    let size = (rows * rows / length).clamp(1, rows - 2);
    let (last, free) = (length - rows, rows - size);
    let start = match top.min(last) {
        0 => 0,
        top if top == last => free,
        top => (top * free / last).clamp(1, free - 1),
    };
    let at = |row: usize| u16::try_from(row).unwrap_or(height);
    Some(at(start)..at(start + size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumb_touches_an_end_only_at_that_end() {
        assert_eq!(thumb(10, 10, 0), None);
        assert_eq!(thumb(2, 100, 0), None);
        assert_eq!(thumb(10, 20, 0), Some(0..5));
        assert_eq!(thumb(10, 20, 1), Some(1..6));
        assert_eq!(thumb(10, 20, 9), Some(4..9));
        assert_eq!(thumb(10, 20, 10), Some(5..10));
        assert_eq!(thumb(10, 100_000, 50), Some(1..2));
        assert_eq!(thumb(10, 11, 999), Some(2..10));
    }
}
