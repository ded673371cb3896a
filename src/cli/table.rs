//! Writes rows as aligned columns, each as wide as its widest cell, all together no wider than the terminal.

use std::io::{self, Write};

use crate::app::wrap::{clean_line, cut_middle, width};

/// One column: its heading, the alignment of its cells, and how soon it is left out.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub head: &'static str,
    pub align: Align,
    /// If the terminal is too narrow, columns are left out from the highest number down. One with 0 never is.
    pub left_out: u8,
}

impl Column {
    #[must_use]
    pub const fn new(head: &'static str, align: Align, left_out: u8) -> Self {
        Self { head, align, left_out }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    /// For numbers.
    Right,
    /// Left, and cells are cut in their middle if the terminal is too narrow.
    LeftShrinking,
}

const GAP: &str = "  ";
/// The least width of a column whose cells are cut.
const LEAST: usize = 12;

/// Writes the headings and the rows. `terminal` is its number of columns; `None` if the table is not shown on one.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, columns: &[Column], rows: &[Vec<String>], terminal: Option<usize>) -> io::Result<()> {
    // Cells have texts of senders, which must not command the terminal.
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| clean_line(cell)).collect()).collect();
    let widths = widths(columns, &rows, terminal);
    let heads = columns.iter().map(|column| column.head.to_owned()).collect();
    for row in std::iter::once(&heads).chain(&rows) {
        let mut line = String::new();
        for ((cell, column), width_of) in row.iter().zip(columns).zip(&widths) {
            let Some(columns) = *width_of else { continue };
            let cell = cut_middle(cell, columns);
            let space = " ".repeat(columns.saturating_sub(width(&cell)));
            match column.align {
                Align::Right => line.extend([&space, &cell, GAP]),
                Align::Left | Align::LeftShrinking => line.extend([&cell, &space, GAP]),
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The width of each column; `None` for one that is left out. Columns are left out until the shrinking ones can be made
/// narrow enough; then those are, the widest first.
fn widths(columns: &[Column], rows: &[Vec<String>], terminal: Option<usize>) -> Vec<Option<usize>> {
    let mut widths: Vec<Option<usize>> = columns.iter().map(|column| Some(width(column.head))).collect();
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(Some(width(cell)));
        }
    }
    let Some(terminal) = terminal else { return widths };
    // No column needs more than the terminal has; this saves steps below.
    widths.iter_mut().flatten().for_each(|width| *width = (*width).min(terminal));
    let shrinks = |at: usize| columns.get(at).is_some_and(|column| column.align == Align::LeftShrinking);
    let needed = |widths: &[Option<usize>], least: usize| {
        let kept = widths.iter().enumerate().filter_map(|(at, width)| {
            let width = (*width)?;
            Some(GAP.len() + if shrinks(at) { width.min(least) } else { width })
        });
        kept.sum::<usize>().saturating_sub(GAP.len())
    };
    while needed(&widths, LEAST) > terminal {
        let kept = columns.iter().zip(&mut widths).filter(|(column, width)| column.left_out > 0 && width.is_some());
        let Some((_, width)) = kept.max_by_key(|(column, _)| column.left_out) else { break };
        *width = None;
    }
    while needed(&widths, usize::MAX) > terminal {
        let shrinking =
            widths.iter_mut().enumerate().filter(|(at, _)| shrinks(*at)).filter_map(|(_, width)| width.as_mut());
        let Some(widest) = shrinking.filter(|width| **width > LEAST).max_by_key(|width| **width) else { break };
        *widest -= 1;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column::new("NAME", Align::LeftShrinking, 0),
        Column::new("CALLS", Align::Right, 0),
        Column::new("STATE", Align::Left, 1),
    ];

    fn written(terminal: Option<usize>) -> String {
        let row = |name: &str, calls: &str| vec![name.to_owned(), calls.to_owned(), "ok".to_owned()];
        let rows = [row("book a hotel in Lisbon #12", "3"), row("日本\u{1b}[2J", "1200")];
        let mut out = Vec::new();
        write(&mut out, &COLUMNS, &rows, terminal).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_aligned_and_nothing_in_them_commands_the_terminal() {
        assert_eq!(
            written(None),
            "NAME                        CALLS  STATE\n\
             book a hotel in Lisbon #12      3  ok\n\
             日本␛[2J                     1200  ok\n"
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_shrinking_cells_in_their_middle() {
        let text = written(Some(30));
        assert!(text.contains("book a hot…n #12"), "{text}");
        assert!(text.lines().all(|line| width(line) <= 30), "{text}");
    }

    #[test]
    fn a_very_narrow_terminal_shows_fewer_columns() {
        assert_eq!(written(Some(20)).lines().next(), Some("NAME           CALLS"));
    }
}
