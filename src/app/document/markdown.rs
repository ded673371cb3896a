//! Markdown, coloured in place: every character a model wrote stays where it wrote it.
//!
//! Rendering would drop link definitions, renumber lists and swallow HTML; a tool that shows what a model wrote may not.
//! So the parser only finds which bytes are a heading, code, emphasis, and the marks themselves are dimmed.

use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::app::styled::{Styled, append};
use crate::slots::Slot;

/// Texts longer than this are shown plain: colour is not worth a pause.
pub const TOO_LONG: usize = 256 * 1024;

/// The lines of a (clean) text as styled texts; `base` is the slot of plain prose.
pub fn lines(text: &str, base: Slot) -> Vec<Vec<Styled>> {
    let text = text.trim_end_matches('\n');
    let mut lines = vec![Vec::new()];
    for (stretch, slot) in styled(text, base) {
        for (index, part) in stretch.split('\n').enumerate() {
            if index > 0 {
                lines.push(Vec::new());
            }
            if !part.is_empty() {
                append(lines.last_mut().expect("it starts with a line"), part, slot);
            }
        }
    }
    lines
}

/// The text in order, cut into stretches of one style; together they are the text.
fn styled(text: &str, base: Slot) -> Vec<(&str, Slot)> {
    let mut slots = vec![base];
    let mut styled: Vec<(&str, Slot)> = Vec::new();
    let mut from = 0;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH).into_offset_iter() {
        let slot = match &event {
            Event::Start(tag) => {
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
            Event::End(_) => {
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
            styled.push((&text[from..range.start], mark(&text[from..range.start], base)));
        }
        styled.push((&text[range.start..range.end], slot));
        from = range.end;
    }
    if from < text.len() {
        styled.push((&text[from..], mark(&text[from..], base)));
    }
    styled
}

/// Marks are dimmed, but not where words stand among them (a link definition, a table row).
fn mark(text: &str, base: Slot) -> Slot {
    if text.chars().any(char::is_alphanumeric) { base } else { Slot::Dim }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(text: &str) -> String {
        let lines = lines(text, Slot::Text);
        let lines = lines.iter().map(|line| line.iter().map(|styled| styled.text.as_str()).collect::<String>());
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn nothing_that_was_written_is_lost() {
        for text in [
            "# Title\n\nSome *emphasis*, **strong** and `code`.\n\n1. one\n1. two\n\n[1]: http://example.com/x",
            "```rust\nfn main() {}\n```\n> quote\n\n<b>html</b> &lt; | a | b |\n|--|--|",
            "unclosed **strong and `code\n\n\n\ntrailing  ",
        ] {
            assert_eq!(joined(text), text.trim_end_matches('\n'));
        }
    }

    #[test]
    fn headings_and_code_have_their_colours() {
        let lines = lines("## Plan\nuse `x`", Slot::Text);
        assert_eq!(lines[0].last().unwrap(), &Styled::new("Plan", Slot::MarkdownHeading));
        assert!(lines[1].iter().any(|styled| styled.slot == Slot::MarkdownCode && styled.text.contains('x')));
    }
}
