//! Rows → aligned columns for people: as wide as the terminal, and never wider than what is in them.

use std::io::{self, Write};

use crate::app::wrap::{clean_line, cut_middle, width};

/// One column: its head, and how its cells stand.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub head: &'static str,
    pub align: Align,
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
        for ((cell, column), columns) in row.iter().zip(columns).zip(&widths) {
            let cell = cut_middle(cell, *columns);
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

/// As wide as the widest cell; where that is too much, the widest of those that give gives first.
fn widths(columns: &[Column], rows: &[Vec<String>], terminal: Option<usize>) -> Vec<usize> {
    let mut widths: Vec<usize> = columns.iter().map(|column| width(column.head)).collect();
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let Some(terminal) = terminal else { return widths };
    let gaps = GAP.len() * columns.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > terminal {
        let giving =
            widths.iter_mut().zip(columns).filter(|(width, column)| column.align == Align::Gives && **width > LEAST);
        let Some((widest, _)) = giving.max_by_key(|(width, _)| **width) else { break };
        *widest -= 1;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column { head: "NAME", align: Align::Gives },
        Column { head: "CALLS", align: Align::Right },
        Column { head: "STATE", align: Align::Left },
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
}
