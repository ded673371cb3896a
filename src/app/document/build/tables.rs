//! Tables of Markdown: in columns, or where there is no room for them as a list of names and values for each row.

use std::sync::Arc;

use super::Builder;
use crate::{
    app::{
        document::table::{self, Row, Table},
        styled::Styled,
        wrap,
    },
    slots::Slot,
};

impl Builder<'_> {
    /// A table. Each of its rows stands for the line that it was written as.
    pub fn table(&mut self, indent: usize, table: &Table) {
        if self.is_partial() {
            return;
        }
        let room = self.width.saturating_sub(indent);
        match table.widths(room, self.folds.wraps()) {
            Some(widths) => self.columns(indent, table, &widths),
            None => self.records(indent, table),
        }
        self.row = None;
    }

    fn columns(&mut self, indent: usize, table: &Table, widths: &[usize]) {
        let pad = " ".repeat(indent);
        let rows: Vec<_> = table.rows.iter().map(|row| table.lines(row, widths)).collect();
        let are_tall = rows.iter().any(|lines| lines.len() > 1);
        self.row = Some((written(&pad, &table.head), false));
        for line in table.lines(&table.head, widths) {
            self.laid(&pad, line);
        }
        self.row = Some((Table::written(&pad, &[&table.rule], String::new()), false));
        self.laid(&pad, Table::rule_of(widths));
        let last = rows.len().saturating_sub(1);
        for (at, (row, lines)) in table.rows.iter().zip(rows).enumerate() {
            self.row = Some((written(&pad, row), false));
            for line in lines {
                self.laid(&pad, line);
            }
            if are_tall && at < last {
                self.laid(&pad, Table::rule_of(widths));
            }
        }
    }

    /// `name  value` for each cell of each row.
    fn records(&mut self, indent: usize, table: &Table) {
        let pad = " ".repeat(indent);
        let room = self.width.saturating_sub(indent);
        let names: Vec<Vec<Styled>> = table.head.cells.iter().map(|cell| cell.concat()).collect();
        let widest = names.iter().map(|name| wrap::styled_width(name)).max().unwrap_or(0).min(room / 3);
        let head = names.iter().map(|name| text_of(name)).collect::<Vec<_>>().join(" · ");
        let sources = [table.head.source.as_str(), table.rule.as_str()];
        self.row = Some((Table::written(&pad, &sources, table.head.text()), false));
        self.wrapped(indent, 2, &[Styled::new(head, Slot::MarkdownStrong)]);
        for row in &table.rows {
            self.row = Some((written(&pad, row), false));
            self.laid(
                "",
                Table::rule_of(&[room])
                    .into_iter()
                    .map(|rule| Styled::new(format!("{pad}{}", rule.text), rule.slot))
                    .collect(),
            );
            for (name, cell) in names.iter().zip(&row.cells) {
                let shown = wrap::cut(&text_of(name), widest);
                let gap = " ".repeat(widest - wrap::width(&shown) + 2);
                for (nth, line) in cell.iter().enumerate() {
                    let label = if nth == 0 { format!("{shown}{gap}") } else { " ".repeat(widest + 2) };
                    let label = Styled::new(label, Slot::Dim);
                    let texts: Vec<Styled> = std::iter::once(label).chain(line.iter().cloned()).collect();
                    self.wrapped(indent, widest + 2, &texts);
                }
            }
        }
    }

    /// One line of a table, which is as wide as it was laid out.
    fn laid(&mut self, pad: &str, mut line: Vec<Styled>) {
        if !pad.is_empty() {
            line.insert(0, Styled::new(pad, Slot::Text));
        }
        self.push(line, None);
    }
}

fn written(pad: &str, row: &Row) -> Arc<table::Written> {
    Table::written(pad, &[&row.source], row.text())
}

fn text_of(texts: &[Styled]) -> String {
    texts.iter().map(|styled| styled.text.as_str()).collect()
}
