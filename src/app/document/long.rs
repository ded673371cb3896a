//! Texts too long to be laid out at once: where they may be taken apart, without looking at all of them.

use std::ops::Range;

/// Bytes that are laid out at once; some hundred lines.
pub const AT_ONCE: usize = 16 * 1024;

/// A line of more bytes than this is taken apart too,
const LINE: usize = 64 * 1024;

/// after a mark or a space, where one is so near to its end.
const NEAR: usize = 512;

/// The stretches of a text, each of about [`AT_ONCE`] bytes; line ends between them are in none.
pub fn stretches(text: &str) -> Vec<Range<usize>> {
    let mut stretches = Vec::new();
    let mut from = 0;
    while text.len() - from > AT_ONCE {
        let near = text.floor_char_boundary(from + AT_ONCE);
        let limit = text.floor_char_boundary(from + LINE);
        let line_end = text[from..near].rfind('\n').or_else(|| text[near..limit].find('\n').map(|at| near - from + at));
        if let Some(end) = line_end {
            stretches.push(from..from + end);
            from += end + 1;
            continue;
        }
        if limit == text.len() {
            break;
        }
        let near = text.floor_char_boundary(limit - NEAR);
        let mark = text[near..limit].rfind([' ', ',', '/', '-', '.', ':', '_', '&', '=']).map(|at| near + at + 1);
        let end = mark.unwrap_or(limit);
        stretches.push(from..end);
        from = end;
    }
    stretches.push(from..text.len());
    stretches
}

/// About how many lines of `columns` a text takes.
pub fn lines_of(text: &str, columns: usize) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count() + text.len() / columns.max(1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_the_text_but_for_the_line_ends_between_them() {
        let lines = (0..4000).map(|line| format!("line {line} of many\n")).collect::<Vec<_>>().concat();
        let words = "one long line, ".repeat(20_000);
        let wide = "漢".repeat(60_000);
        for (text, apart) in [(&lines, "\n"), (&words, ""), (&wide, "")] {
            let stretches = stretches(text);
            assert!(stretches.len() > 2 && stretches.iter().all(|range| range.len() <= LINE));
            let parts: Vec<&str> = stretches.into_iter().map(|range| &text[range]).collect();
            assert_eq!(parts.join(apart), **text);
        }
        assert_eq!(stretches("short").len(), 1);
    }
}
