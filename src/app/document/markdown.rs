//! Markdown, coloured in place: every character a model wrote stays where it wrote it, but in tables, which are laid out.
//!
//! Rendering would drop link definitions, renumber lists and swallow HTML; a tool that shows what a model wrote may not.
//! So the parser only finds which bytes are a heading, code, emphasis, and the marks themselves are dimmed.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::build::Builder;
use super::highlight::Highlighter;
use super::table::{self, Table};
use crate::app::styled::{Styled, append};
use crate::slots::Slot;

/// Texts longer than this are shown plain: colour is not worth a pause.
pub const TOO_LONG: usize = 256 * 1024;

/// Writes a (clean) text; `base` is the slot of plain prose.
pub fn write(to: &mut Builder, indent: usize, text: &str, base: Slot) {
    if to.is_partial() {
        return;
    }
    for piece in pieces(text, base) {
        match piece {
            Piece::Lines(lines) => to.styled_lines(indent, lines),
            Piece::Table(table) => to.table(indent, &table),
        }
    }
}

/// The stretches of one style, in order; together they are the text. Tables are as they were written.
pub fn stretches(text: &str, base: Slot) -> Vec<(&str, Slot)> {
    parse(text, base).styled.into_iter().map(|(range, slot)| (&text[range], slot)).collect()
}

/// Some of a text, in order.
enum Piece {
    Lines(Vec<Vec<Styled>>),
    Table(Table),
}

fn pieces(text: &str, base: Slot) -> Vec<Piece> {
    let text = text.trim_end_matches('\n');
    let Parsed { styled, tables } = parse(text, base);
    let mut pieces = Vec::new();
    // Where the next line begins that is in no piece yet.
    let mut from = 0;
    for place in tables {
        let Some(table) = place.read(text, &styled, base) else { continue };
        let start = text[..place.range.start].rfind('\n').map_or(0, |end| end + 1);
        if start > from {
            pieces.push(Piece::Lines(lines(text, &styled, from..start - 1)));
        }
        pieces.push(Piece::Table(table));
        let end = text[..place.range.end].trim_end().len();
        from = text[end..].find('\n').map_or(text.len() + 1, |line_end| end + line_end + 1);
    }
    if from <= text.len() {
        pieces.push(Piece::Lines(lines(text, &styled, from..text.len())));
    }
    pieces
}

/// The lines of some of a text.
fn lines(text: &str, styled: &[(Range<usize>, Slot)], of: Range<usize>) -> Vec<Vec<Styled>> {
    let mut lines = vec![Vec::new()];
    let first = styled.partition_point(|(range, _)| range.end <= of.start);
    for (range, slot) in styled[first..].iter().take_while(|(range, _)| range.start < of.end) {
        let part = &text[range.start.max(of.start)..range.end.min(of.end)];
        for (index, part) in part.split('\n').enumerate() {
            if index > 0 {
                lines.push(Vec::new());
            }
            if !part.is_empty() {
                append(lines.last_mut().expect("it starts with a line"), part, *slot);
            }
        }
    }
    lines
}

/// A text as stretches of one style, in order, which together are the text; and its tables.
struct Parsed {
    styled: Vec<(Range<usize>, Slot)>,
    tables: Vec<table::Place>,
}

fn parse(text: &str, base: Slot) -> Parsed {
    let mut slots = vec![base];
    let mut styled: Vec<(Range<usize>, Slot)> = Vec::new();
    let mut tables: Vec<table::Place> = Vec::new();
    let mut code: Option<Highlighter> = None;
    // The table that the parser is in, where it is in nothing else.
    let mut table: Option<table::Place> = None;
    let mut from = 0;
    for (event, range) in
        Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES).into_offset_iter()
    {
        let slot = match &event {
            Event::Start(tag) => {
                if let Tag::CodeBlock(CodeBlockKind::Fenced(fence)) = tag {
                    code = Highlighter::of(fence);
                }
                match (tag, &mut table) {
                    (Tag::Table(aligned), _) if slots.len() == 1 => {
                        table = Some(table::Place { range: range.clone(), aligned: aligned.clone(), rows: Vec::new() });
                    }
                    (Tag::TableHead | Tag::TableRow, Some(table)) => table.rows.push((range.clone(), Vec::new())),
                    (Tag::TableCell, Some(table)) => {
                        if let Some((_, cells)) = table.rows.last_mut() {
                            cells.push(range.clone());
                        }
                    }
                    _ => {}
                }
                slots.push(match tag {
                    Tag::Heading { .. } => Slot::MarkdownHeading,
                    Tag::CodeBlock(_) => Slot::MarkdownCode,
                    Tag::Emphasis => Slot::MarkdownEmphasis,
                    Tag::Strong => Slot::MarkdownStrong,
                    Tag::Link { .. } => Slot::MarkdownLink,
                    Tag::BlockQuote(_) => Slot::MarkdownQuote,
                    _ => slots.last().copied().unwrap_or(base),
                });
                continue;
            }
            Event::End(end) => {
                if *end == TagEnd::CodeBlock {
                    code = None;
                }
                if *end == TagEnd::Table {
                    tables.extend(table.take());
                }
                if slots.len() > 1 {
                    slots.pop();
                }
                continue;
            }
            Event::Code(_) => Slot::MarkdownCode,
            Event::Text(_) | Event::Html(_) | Event::InlineHtml(_) => slots.last().copied().unwrap_or(base),
            _ => continue,
        };
        if range.start < from {
            continue;
        }
        // What lies between two texts is a mark: `#`, `**`, a fence.
        if range.start > from {
            styled.push((from..range.start, mark(&text[from..range.start], base)));
        }
        from = range.end;
        match &mut code {
            Some(code) => {
                code.stretches(&text[range.clone()], slot, |piece, slot| {
                    styled.push((range.start + piece.start..range.start + piece.end, slot));
                });
            }
            None => styled.push((range, slot)),
        }
    }
    if from < text.len() {
        styled.push((from..text.len(), mark(&text[from..], base)));
    }
    Parsed { styled, tables }
}

/// Marks are dimmed, but not where words stand among them (a link definition, a table row).
fn mark(text: &str, base: Slot) -> Slot {
    if text.chars().any(char::is_alphanumeric) { base } else { Slot::Dim }
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::Alignment;

    use super::*;

    fn text_of(line: &[Styled]) -> String {
        line.iter().map(|styled| styled.text.as_str()).collect()
    }

    fn joined(text: &str) -> String {
        let mut lines = Vec::new();
        for piece in pieces(text, Slot::Text) {
            match piece {
                Piece::Lines(of) => lines.extend(of.iter().map(|line| text_of(line))),
                Piece::Table(table) => {
                    lines.extend([table.head.source, table.rule]);
                    lines.extend(table.rows.into_iter().map(|row| row.source));
                }
            }
        }
        lines.join("\n")
    }

    fn tables(text: &str) -> Vec<Table> {
        let table = |piece| match piece {
            Piece::Table(table) => Some(table),
            Piece::Lines(_) => None,
        };
        pieces(text, Slot::Text).into_iter().filter_map(table).collect()
    }

    #[test]
    fn nothing_that_was_written_is_lost() {
        for text in [
            "# Title\n\nSome *emphasis*, **strong** and `code`.\n\n1. one\n1. two\n\n[1]: http://example.com/x",
            "```rust\nfn main() {}\n```\n> quote\n\n<b>html</b> &lt; | a | b |\n|--|--|",
            "unclosed **strong and `code\n\n\n\ntrailing  ",
            "Two tables:\n\n| a | b |\n|---|:-:|\n| 1 | **2** |\n\n| c |\n|---|\n| x |\nnot a cell\n\nafter",
            "a | b\n--|--\n1 | 2",
            "| a | b |\n|---|---|\n| 1 |\n| `x \\| y` | 日本<br>語 |\n\n- | a |\n  |---|\n  | b |\n",
        ] {
            assert_eq!(joined(text), text.trim_end_matches('\n'));
        }
    }

    #[test]
    fn headings_and_code_have_their_colours() {
        let Some(Piece::Lines(lines)) = pieces("## Plan\nuse `x`", Slot::Text).pop() else { panic!("no table") };
        assert_eq!(lines[0].last().unwrap(), &Styled::new("Plan", Slot::MarkdownHeading));
        assert!(lines[1].iter().any(|styled| styled.slot == Slot::MarkdownCode && styled.text.contains('x')));
    }

    #[test]
    fn code_is_coloured_by_the_language_that_its_fence_names() {
        let text = "- so:\n  ```python\n  return 1\n\n  # end\n  ```\n\n```\nreturn 1\n```";
        assert_eq!(joined(text), text);
        let Some(Piece::Lines(lines)) = pieces(text, Slot::Text).pop() else { panic!("no table") };
        let slots =
            |line: usize| lines[line].iter().map(|styled| (styled.text.trim(), styled.slot)).collect::<Vec<_>>();
        assert!(slots(2).contains(&("return", Slot::CodeKeyword)) && slots(2).contains(&("1", Slot::CodeNumber)));
        assert!(slots(4).contains(&("# end", Slot::CodeComment)));
        assert_eq!(slots(8), [("return 1", Slot::MarkdownCode)]);
    }

    #[test]
    fn a_table_is_read_with_its_cells_and_how_they_are_aligned() {
        let text = "| hotel | price |\n|:--|--:|\n| **Ryokan** Shiro | ¥24,000 |\n| one<br>two | |";
        let [table] = tables(text).try_into().unwrap();
        assert_eq!(table.aligned, [Alignment::Left, Alignment::Right]);
        let cells =
            |row: &table::Row| row.cells.iter().map(|cell| cell.iter().map(|line| text_of(line)).collect()).collect();
        let rows: Vec<Vec<Vec<String>>> = [&table.head].into_iter().chain(&table.rows).map(cells).collect();
        assert_eq!(rows[1], [vec!["**Ryokan** Shiro"], vec!["¥24,000"]]);
        assert_eq!(rows[2], [vec!["one", "two"], vec![""]]);
        assert_eq!(table.head.cells[0][0], [Styled::new("hotel", Slot::MarkdownStrong)]);
    }

    #[test]
    fn what_stands_in_no_column_keeps_a_table_as_it_was_written() {
        for text in ["| a | b |\n|---|---|\n| 1 | 2 | 3 |", "> | a |\n> |---|\n> | 1 |", "| a | b |", "|"] {
            assert_eq!((tables(text).len(), joined(text).as_str()), (0, text));
        }
        let wide = |cell: &str| format!("|{}", format!("{cell}|").repeat(200));
        assert!(tables(&format!("{}\n{}\n{}", wide("a"), wide("-"), wide("1"))).is_empty());
    }
}
