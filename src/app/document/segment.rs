//! What a written block is made of: lines, and long texts that are written when they are looked at.

use std::ops::Range;

use super::extents::JsonExtent;
use super::json_text::TextExtent;
use super::line::{DocLine, FoldName};
use crate::app::{styled::Styled, wrap};

/// A stretch of a long text or of large JSON, laid out by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// Bytes of the text: whole lines of it, or a part of one that is too long.
    Text(Range<usize>),
    Json(JsonExtent),
    JsonText(TextExtent),
}

/// What stands above a line: whether a blank line is wanted depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Above {
    /// It is the first line of the document.
    Nothing,
    Blank,
    /// A rule across the pane, which needs no blank line beneath it.
    Heading,
    Text,
}

/// A stretch of a written block.
#[derive(Debug)]
pub enum Segment {
    Lines(Vec<DocLine>),
    /// A part of the block's long text of this number: about so many lines, to be written when they are looked at.
    Later {
        text: usize,
        extent: Extent,
        lines: usize,
    },
}

/// A block as it was written.
#[derive(Debug)]
pub struct Written {
    pub segments: Vec<Segment>,
    /// What its last line is to the block beneath it.
    pub ends: Above,
    /// It depends on the moment at which it was written.
    pub ticks: bool,
    /// The folds that are closed in what is still to be written, and of which something is left out there.
    pub closed: Vec<FoldName>,
}

impl Written {
    /// The lines of all its segments.
    pub fn into_lines(self) -> Vec<DocLine> {
        let lines = self.segments.into_iter().filter_map(|segment| match segment {
            Segment::Lines(lines) => Some(lines),
            Segment::Later { .. } => None,
        });
        lines.flatten().collect()
    }
}

/// Texts cut to a width; the last one that does not fit ends in `…`.
pub fn fit(texts: Vec<Styled>, width: usize) -> Vec<Styled> {
    if wrap::styled_width(&texts) <= width {
        return texts;
    }
    let mut left = width;
    let mut fitting = Vec::new();
    for styled in texts {
        let wide = wrap::width(&styled.text);
        if wide < left {
            left -= wide;
            fitting.push(styled);
        } else {
            let mut text = wrap::take(&styled.text, left.saturating_sub(1)).to_owned();
            if left > 0 {
                text.push('…');
            }
            fitting.push(Styled::new(text, styled.slot));
            break;
        }
    }
    fitting
}

/// How far the second line of a paragraph stands in: under the text of its list item or quote.
pub fn hanging(line: &[Styled]) -> usize {
    let text: String =
        line.iter().map(|styled| styled.text.as_str()).take(3).flat_map(|text| text.chars().take(40)).collect();
    let spaces = text.len() - text.trim_start_matches(' ').len();
    let rest = &text[spaces..];
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let marker = match rest.get(digits..) {
        Some(after) if (1..=3).contains(&digits) && (after.starts_with(". ") || after.starts_with(") ")) => digits + 2,
        _ if ["- ", "* ", "+ ", "> "].iter().any(|mark| rest.starts_with(mark)) => 2,
        _ => 0,
    };
    (spaces + marker).min(16)
}
