//! Rows → aligned columns for people: no wider than the terminal, nor than what is in them.

use std::io::{self, Write};

use crate::app::wrap::{clean_line, cut_middle, width};

/// One column: its head, how its cells stand, and how soon it is left out.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub head: &'static str,
    pub align: Align,
    /// Of columns that the terminal has no room for the one with the highest goes first; with 0 none goes.
    pub goes: u8,
}

impl Column {
    #[must_use]
    pub const fn new(head: &'static str, align: Align, goes: u8) -> Self {
        Self { head, align, goes }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    /// Numbers.
    Right,
    /// Left, and cut in its middle where the terminal is too narrow.
    Gives,
}

const GAP: &str = "  ";
/// A column that gives is left at least this wide.
const LEAST: usize = 12;

/// Writes the rows below their heads; `columns` is the terminal's width, if there is one.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, columns: &[Column], rows: &[Vec<String>], terminal: Option<usize>) -> io::Result<()> {
    // Cells are quoted from telemetry: nothing in them may move the cursor.
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
                Align::Left | Align::Gives => line.extend([&cell, &space, GAP]),
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// As wide as the widest cell; `None` is left out. Where that is too much, columns go until those that give can give
/// enough, the widest first.
fn widths(columns: &[Column], rows: &[Vec<String>], terminal: Option<usize>) -> Vec<Option<usize>> {
    let mut widths: Vec<Option<usize>> = columns.iter().map(|column| Some(width(column.head))).collect();
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(Some(width(cell)));
        }
    }
    let Some(terminal) = terminal else { return widths };
    // Wider than the terminal is as wide as the terminal, and costs fewer steps below.
    widths.iter_mut().flatten().for_each(|width| *width = (*width).min(terminal));
    let gives = |at: usize| columns.get(at).is_some_and(|column| column.align == Align::Gives);
    let needed = |widths: &[Option<usize>], least: usize| {
        let kept = widths.iter().enumerate().filter_map(|(at, width)| {
            let width = (*width)?;
            Some(GAP.len() + if gives(at) { width.min(least) } else { width })
        });
        kept.sum::<usize>().saturating_sub(GAP.len())
    };
    while needed(&widths, LEAST) > terminal {
        let kept = columns.iter().zip(&mut widths).filter(|(column, width)| column.goes > 0 && width.is_some());
        let Some((_, width)) = kept.max_by_key(|(column, _)| column.goes) else { break };
        *width = None;
    }
    while needed(&widths, usize::MAX) > terminal {
        let giving = widths.iter_mut().enumerate().filter(|(at, _)| gives(*at)).filter_map(|(_, width)| width.as_mut());
        let Some(widest) = giving.filter(|width| **width > LEAST).max_by_key(|width| **width) else { break };
        *widest -= 1;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column::new("NAME", Align::Gives, 0),
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
    fn a_narrow_terminal_takes_from_the_middle_of_what_gives() {
        let text = written(Some(30));
        assert!(text.contains("book a hot…n #12"), "{text}");
        assert!(text.lines().all(|line| width(line) <= 30), "{text}");
    }

    #[test]
    fn a_very_narrow_terminal_shows_fewer_columns() {
        assert_eq!(written(Some(20)).lines().next(), Some("NAME           CALLS"));
    }
}
