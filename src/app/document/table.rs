//! A table of Markdown: read out of a text, and laid out in columns of a width.

use std::{ops::Range, sync::Arc};

use pulldown_cmark::Alignment;

use crate::app::styled::Styled;
use crate::app::wrap;
use crate::slots::Slot;

/// A table that is longer, or has more columns or cells, is shown as it was written.
const TOO_LONG: usize = 64 * 1024;
const TOO_WIDE: usize = 24;
const TOO_MANY: usize = 20_000;

/// A column that is wider is broken, also where nothing else is.
const WIDEST: usize = 1000;

/// A column whose words are broken has at least this room; where there is less, each row is a list of names and values.
const NARROW: usize = 10;

/// What stands between two columns.
pub const BETWEEN: &str = " │ ";

/// A table, its cells styled.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub aligned: Vec<Alignment>,
    pub head: Row,
    /// The line beneath the head, as it was written.
    pub rule: String,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    pub cells: Vec<Cell>,
    /// The row as it was written.
    pub source: String,
}

/// The lines of a cell: one, but where its writer broke it.
pub type Cell = Vec<Vec<Styled>>;

/// A row of a table as it was written, and the texts of its cells; what its lines on the screen stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Without a line end at its end.
    pub source: String,
    /// The text of each cell, a line each.
    pub cells: String,
}

impl Row {
    /// Its cells as text, a line each.
    #[must_use]
    pub fn text(&self) -> String {
        let lines = self.cells.iter().flatten();
        let line = |line: &Vec<Styled>| line.iter().map(|styled| styled.text.as_str()).collect::<String>();
        lines.map(line).collect::<Vec<_>>().join("\n")
    }

    /// The widest line of one of its cells, in columns.
    fn width(&self, column: usize) -> usize {
        self.cells.get(column).into_iter().flatten().map(|line| wrap::styled_width(line)).max().unwrap_or(0)
    }
}

/// Where a table stands in a text, as it was parsed.
#[derive(Debug, Default)]
pub struct Place {
    pub range: Range<usize>,
    pub aligned: Vec<Alignment>,
    /// The head first: each row, and its cells.
    pub rows: Vec<(Range<usize>, Vec<Range<usize>>)>,
}

impl Place {
    /// The table; `None` where it is too large to be laid out, or where something in it stands in no cell. `styled`: the
    /// styled stretches of the text, in order.
    #[must_use]
    pub fn read(&self, text: &str, styled: &[(Range<usize>, Slot)], base: Slot) -> Option<Table> {
        let cells = self.rows.len().saturating_mul(self.aligned.len());
        if self.range.len() > TOO_LONG || self.aligned.len() > TOO_WIDE || cells > TOO_MANY {
            return None;
        }
        let mut rows = Vec::with_capacity(self.rows.len());
        let mut rule = String::new();
        for (nth, (row, cells)) in self.rows.iter().enumerate() {
            let line_end = |from: usize| text[from..].find('\n').map_or(text.len(), |end| from + end);
            let end = line_end(row.start);
            // More cells than columns are in no column.
            let after = cells.last().map_or(row.start, |cell| cell.end.min(end));
            if !text.get(after..end)?.chars().all(|c| c == '|' || c.is_whitespace()) {
                return None;
            }
            let cells = cells.iter().map(|cell| read_cell(text, cell.start.min(end)..cell.end.min(end), styled));
            let mut cells: Vec<Cell> = cells.collect();
            if nth == 0 {
                let next = (end + 1).min(text.len());
                text[next..line_end(next)].clone_into(&mut rule);
                for stretch in cells.iter_mut().flatten().flatten().filter(|stretch| stretch.slot == base) {
                    stretch.slot = Slot::MarkdownStrong;
                }
            }
            rows.push(Row { cells, source: text[row.start..end].trim_end().to_owned() });
        }
        let mut rows = rows.into_iter();
        Some(Table { aligned: self.aligned.clone(), head: rows.next()?, rule, rows: rows.collect() })
    }
}

/// A cell, cut out of the styled stretches of the text; a line break of HTML breaks it.
fn read_cell(text: &str, cell: Range<usize>, styled: &[(Range<usize>, Slot)]) -> Cell {
    let inside = text.get(cell.clone()).unwrap_or_default();
    let start = cell.start + inside.len() - inside.trim_start().len();
    let cell = start..start + inside.trim().len();
    let mut lines = vec![Vec::new()];
    let first = styled.partition_point(|(range, _)| range.end <= cell.start);
    for (range, slot) in styled[first..].iter().take_while(|(range, _)| range.start < cell.end) {
        let part = &text[range.start.max(cell.start)..range.end.min(cell.end)];
        if ["<br>", "<br/>", "<br />"].iter().any(|tag| part.eq_ignore_ascii_case(tag)) {
            lines.push(Vec::new());
        } else if let Some(line) = lines.last_mut() {
            line.push(Styled::new(part, *slot));
        }
    }
    lines
}

impl Table {
    /// How wide each column is in a room; `None` where not all of them find some. `wraps`: cells may be broken to fit.
    #[must_use]
    pub fn widths(&self, room: usize, wraps: bool) -> Option<Vec<usize>> {
        let rows = || std::iter::once(&self.head).chain(&self.rows);
        let natural: Vec<usize> = (0..self.aligned.len())
            .map(|column| rows().map(|row| row.width(column)).max().unwrap_or(0).clamp(1, WIDEST))
            .collect();
        let between = wrap::width(BETWEEN) * natural.len().saturating_sub(1);
        if !wraps || natural.iter().sum::<usize>() + between <= room {
            return Some(natural);
        }
        // Columns that need no more than a fair share of what the others leave have what they need.
        let (mut left, mut open) = (room.checked_sub(between)?, natural.len());
        let mut widths = vec![None; natural.len()];
        loop {
            let share = left.checked_div(open)?;
            let fits = |(at, width): &(usize, &usize)| widths[*at].is_none() && **width <= share;
            let Some((at, width)) = natural.iter().enumerate().find(fits) else { break };
            widths[at] = Some(*width);
            (left, open) = (left - width, open - 1);
        }
        if left / open < NARROW {
            return None;
        }
        let mut wide = (0..open).map(|nth| left / open + usize::from(nth < left % open));
        Some(widths.into_iter().map(|width| width.or_else(|| wide.next()).unwrap_or(1)).collect())
    }

    /// The lines of a row in columns of these widths; cells that are wider are broken.
    #[must_use]
    pub fn lines(&self, row: &Row, widths: &[usize]) -> Vec<Vec<Styled>> {
        let broken = |(column, width): (usize, &usize)| -> Vec<Vec<Styled>> {
            let lines = row.cells.get(column).into_iter().flatten();
            lines.flat_map(|line| wrap::wrap_styled(line, *width)).collect()
        };
        let columns: Vec<_> = widths.iter().enumerate().map(broken).collect();
        let height = columns.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let line = |at: usize| {
            let mut line: Vec<Styled> = Vec::new();
            for (column, (width, lines)) in widths.iter().zip(&columns).enumerate() {
                if column > 0 {
                    line.push(Styled::new(BETWEEN, Slot::Dim));
                }
                let mut cell = lines.get(at).cloned().unwrap_or_default();
                if let Some(last) = cell.last_mut() {
                    last.text.truncate(last.text.trim_end_matches(' ').len());
                }
                let free = width.saturating_sub(wrap::styled_width(&cell));
                let before = match self.aligned.get(column) {
                    Some(Alignment::Right) => free,
                    Some(Alignment::Center) => free / 2,
                    _ => 0,
                };
                let pad = |columns: usize| (columns > 0).then(|| Styled::new(" ".repeat(columns), Slot::Text));
                line.extend(pad(before));
                line.append(&mut cell);
                line.extend(pad(free - before).filter(|_| column + 1 < widths.len()));
            }
            line
        };
        (0..height).map(line).collect()
    }

    /// `─────┼────`: what stands beneath the head, and between rows of several lines.
    #[must_use]
    pub fn rule_of(widths: &[usize]) -> Vec<Styled> {
        let columns: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        vec![Styled::new(columns.join("─┼─"), Slot::Dim)]
    }

    /// What a row's lines stand for; `pad`: what all lines around it begin with.
    #[must_use]
    pub fn written(pad: &str, sources: &[&str], cells: String) -> Arc<Written> {
        let source = sources.iter().map(|source| format!("{pad}{source}")).collect::<Vec<_>>().join("\n");
        Arc::new(Written { source, cells })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Row {
        let cell = |text: &&str| text.split('/').map(|line| vec![Styled::new(line, Slot::Text)]).collect();
        Row { cells: cells.iter().map(cell).collect(), source: cells.join("|") }
    }

    fn table() -> Table {
        Table {
            aligned: vec![Alignment::Left, Alignment::Right, Alignment::Center],
            head: row(&["hotel", "price", "note"]),
            rule: "|---|--:|:-:|".to_owned(),
            rows: vec![
                row(&["Ryokan", "¥24,000", "quiet"]),
                row(&["旅館", "9", "a garden with a pond, and no road near it"]),
            ],
        }
    }

    fn shown(table: &Table, room: usize) -> Vec<String> {
        let widths = table.widths(room, true).unwrap();
        let rows = std::iter::once(&table.head).chain(&table.rows);
        let text = |line: Vec<Styled>| line.iter().map(|styled| styled.text.as_str()).collect::<String>();
        rows.flat_map(|row| table.lines(row, &widths)).map(text).collect()
    }

    #[test]
    fn no_column_is_wider_than_anybody_reads() {
        let wide = Table { head: row(&[&"x".repeat(32_000), "b", "c"]), ..table() };
        assert_eq!(wide.widths(80, false).unwrap()[0], WIDEST);
        let text = "|a|b|\n|-|-|\n".to_owned() + &"|a\n".repeat(TOO_MANY);
        let place = Place {
            range: 0..text.len(),
            aligned: vec![Alignment::None; 2],
            rows: vec![(0..5, vec![1..2, 3..4]); TOO_MANY],
        };
        assert!(place.read(&text, &[], Slot::Text).is_none());
    }

    #[test]
    fn columns_are_aligned_as_their_marks_say_whatever_is_in_them() {
        assert_eq!(
            shown(&table(), 80),
            [
                "hotel  │   price │                   note",
                "Ryokan │ ¥24,000 │                   quiet",
                "旅館   │       9 │ a garden with a pond, and no road near it",
            ]
        );
    }

    #[test]
    fn where_there_is_less_room_cells_are_broken_within_their_columns() {
        let lines = shown(&table(), 36);
        assert_eq!(
            lines,
            [
                "hotel  │   price │       note",
                "Ryokan │ ¥24,000 │       quiet",
                "旅館   │       9 │  a garden with a",
                "       │         │ pond, and no road",
                "       │         │      near it",
            ]
        );
        assert!(lines.iter().all(|line| wrap::width(line) <= 36));
        assert_eq!(table().widths(28, true), None, "nobody reads a column of a few letters");
        assert_eq!(table().widths(28, false), table().widths(200, true), "what is not wrapped is as wide as it is");
    }
}
