//! Puts the stretches of a document together so that they have about a number of bytes.

use std::fmt::Write as _;

/// No text is cut to less.
const LEAST: usize = 160;
/// One text of a document that is not cut to any length is no longer.
const MOST: usize = 200_000;

/// A document, and whether something of it was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub text: String,
    pub is_cut: bool,
}

/// One stretch of the document.
pub struct Piece {
    /// It stands whatever else is left out: a heading, what failed.
    stays: bool,
    head: String,
    /// What may be cut.
    body: String,
    /// It stands between fences.
    fenced: bool,
}

impl Piece {
    pub fn fixed(head: String) -> Self {
        Self { stays: true, head, body: String::new(), fenced: false }
    }

    pub fn text(head: String, body: &str) -> Self {
        Self { stays: false, head, body: body.trim_end().to_owned(), fenced: false }
    }

    pub fn fenced(head: String, body: String) -> Self {
        Self { stays: false, head, body, fenced: true }
    }

    /// The same, which stays whatever else is left out.
    pub fn kept(self) -> Self {
        Self { stays: true, ..self }
    }

    /// How long it is with its body cut to a length, about.
    fn length(&self, most: usize) -> usize {
        self.head.len() + self.body.len().min(most) + if self.body.is_empty() { 0 } else { 12 }
    }

    fn write(&self, most: usize, out: &mut String) -> bool {
        out.push_str(&self.head);
        if self.body.is_empty() {
            return false;
        }
        let (text, is_cut) = cut(&self.body, most);
        if self.fenced {
            let fence = "`".repeat(longest_run(&text, '`').saturating_add(1).max(3));
            let _ = writeln!(out, "{fence}\n{}\n{fence}", text.trim_end_matches('\n'));
        } else {
            let _ = writeln!(out, "{text}");
        }
        is_cut
    }
}

fn longest_run(text: &str, of: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == of { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// A text cut in its middle to about so many bytes, and whether it was.
fn cut(text: &str, most: usize) -> (String, bool) {
    if text.len() <= most {
        return (text.to_owned(), false);
    }
    let head = text.floor_char_boundary(most * 2 / 3);
    let tail = text.ceil_char_boundary(text.len() - most / 3);
    let left_out = text[head..tail].chars().count();
    (format!("{}\n… {left_out} characters left out …\n{}", &text[..head], &text[tail..]), true)
}

/// Puts the pieces together so that they are about so many bytes.
pub fn fit(pieces: &[Piece], bytes: usize) -> Written {
    let all = |most: usize| pieces.iter().map(|piece| piece.length(most)).sum::<usize>();
    let most = if all(MOST) <= bytes {
        MOST
    } else {
        // The longest length to which all can be cut.
        let (mut low, mut high) = (LEAST, MOST);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if all(middle) <= bytes { low = middle } else { high = middle - 1 }
        }
        low
    };
    let mut left_out = vec![false; pieces.len()];
    let mut over = all(most).saturating_sub(bytes);
    // From the middle of the document outwards: how it began and how it ended say most.
    let (mut before, mut after) = (pieces.len() / 2, pieces.len() / 2);
    while over > 0 && (before > 0 || after < pieces.len()) {
        let is_nearer = after - pieces.len() / 2 <= pieces.len() / 2 - before;
        let at = if after < pieces.len() && (before == 0 || is_nearer) {
            after += 1;
            after - 1
        } else {
            before = before.saturating_sub(1);
            before
        };
        // The last pieces stay in any case, with all that stays.
        if !pieces[at].stays && at + 3 < pieces.len() {
            left_out[at] = true;
            over = over.saturating_sub(pieces[at].length(most));
        }
    }
    let (mut text, mut is_cut, mut gap) = (String::new(), false, 0);
    for (piece, gone) in pieces.iter().zip(&left_out) {
        if *gone {
            gap += 1;
            continue;
        }
        is_cut |= close_gap(&mut gap, &mut text);
        is_cut |= piece.write(most, &mut text);
    }
    is_cut |= close_gap(&mut gap, &mut text);
    Written { text, is_cut }
}

fn close_gap(gap: &mut usize, text: &mut String) -> bool {
    let count = std::mem::take(gap);
    if count > 0 {
        let _ = writeln!(text, "\n… {count} parts left out …");
    }
    count > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_never_cut_within_a_letter() {
        for most in 0..40 {
            let (text, _) = cut("日本語と日本語と日本語", most);
            assert!(text.starts_with('日') || text.starts_with('\n'));
        }
    }
}
