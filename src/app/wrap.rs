//! Text → lines of a width, measured in terminal columns, one grapheme at a time.
//!
//! Everything that came from outside passes [`clean`] before it is measured or drawn, so that nothing a model writes
//! reaches the terminal as a command.

mod breaks;

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::styled::Styled;
use crate::slots::Slot;

/// Columns of a tab stop.
const TAB: usize = 4;

/// Makes control characters visible or drops them; line ends stay.
///
/// C0 becomes its picture (`␛`), C1 and what else could move the cursor `�`. Marks that reorder text (bidi
/// controls) and invisible tag characters are dropped: shown text must stand where it stands.
/// Joined emoji come apart: terminals (tmux among them) disagree about how wide they are, and a line that is wider
/// than we think breaks the frame beside it.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte == b'\n' || (b' '..0x7f).contains(&byte))
        || text.chars().all(|c| c == '\n' || !(is_unsafe(c) || joins_emoji(c)))
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut line_start = 0;
    // What is left out is not there for its neighbours either: else a second cleaning would find more to do.
    let mut rest = text.chars().filter(|c| !is_left_out(*c)).peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => {
                out.push('\n');
                line_start = out.len();
            }
            '\t' => out.extend(std::iter::repeat_n(' ', TAB - (out.len() - line_start) % TAB)),
            '\0'..' ' => out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')),
            '\u{7f}' => out.push('\u{2421}'),
            '\u{80}'..'\u{a0}' => out.push('\u{fffd}'),
            // A flag is the two letters of its country: cells of two halves are not always drawn over.
            '\u{1f1e6}'..='\u{1f1ff}' => out.push(char::from(b'A' + u8::try_from(u32::from(c) - 0x1f1e6).unwrap_or(0))),
            JOINER | EMOJI_STYLE => {
                let mut styled = c == EMOJI_STYLE;
                while let Some(more) = rest.next_if(|c| matches!(*c, JOINER | EMOJI_STYLE)) {
                    styled |= more == EMOJI_STYLE;
                }
                let beside_wide = out.chars().next_back().into_iter().chain(rest.peek().copied()).any(is_wide);
                if !styled && !beside_wide {
                    out.push(JOINER);
                }
            }
            c if joins_emoji(c) && out.chars().next_back().is_some_and(is_wide) => {}
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The same on one line: line ends become a visible `⏎`.
#[must_use]
pub fn clean_line(text: &str) -> String {
    clean(text.trim_end_matches(['\n', '\r'])).replace('\n', "⏎")
}

/// Makes the sign before it a wide one, in some terminals.
const EMOJI_STYLE: char = '\u{fe0f}';

/// Makes one picture of two, in some terminals; between letters it says how they are written.
const JOINER: char = '\u{200d}';

/// What makes one picture of several, or another of one: the joiner, the style, the tones of skin, the letters of flags.
fn joins_emoji(c: char) -> bool {
    matches!(c, JOINER | EMOJI_STYLE | '\u{1f3fb}'..='\u{1f3ff}' | '\u{1f1e6}'..='\u{1f1ff}')
}

fn is_wide(c: char) -> bool {
    c.width() == Some(2)
}

/// Of what is unsafe that of which nothing is shown: neither a sign of it nor the end of a line.
fn is_left_out(c: char) -> bool {
    is_unsafe(c) && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}')
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Columns that a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.graphemes(true).map(UnicodeWidthStr::width).sum() }
}

/// Columns that styled texts take.
#[must_use]
pub fn styled_width(texts: &[Styled]) -> usize {
    texts.iter().map(|styled| width(&styled.text)).sum()
}

/// The text, its end cut off with `…` where it is wider than `columns`.
#[must_use]
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    let mut out = take(text, columns - 1).to_owned();
    out.push('…');
    out
}

/// The text, its middle replaced by `…` where it is wider than `columns`: numbers at the end survive.
#[must_use]
pub fn cut_middle(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    if columns < 5 {
        return cut(text, columns);
    }
    let tail_columns = (columns - 1) / 3;
    let head = take(text, columns - 1 - tail_columns);
    let mut tail = Vec::new();
    let mut taken = 0;
    for grapheme in text.graphemes(true).rev() {
        taken += width(grapheme);
        if taken > tail_columns {
            break;
        }
        tail.push(grapheme);
    }
    tail.reverse();
    format!("{head}…{}", tail.concat())
}

/// As much of the text's beginning as fits into `columns`.
#[must_use]
pub fn take(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    for (start, grapheme) in text.grapheme_indices(true) {
        taken += width(grapheme);
        if taken > columns {
            return &text[..start];
        }
    }
    text
}

/// One text as lines of at most `columns`; its own line ends are kept.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in clean(text).split('\n') {
        let texts = [Styled::new(line, Slot::Text)];
        lines.extend(
            wrap_styled(&texts, columns).into_iter().map(|texts| texts.into_iter().map(|styled| styled.text).collect()),
        );
    }
    lines
}

/// One line of styled texts as lines of at most `columns`, broken at spaces, else between wide graphemes, else anywhere.
///
/// At least one line, and no text but the spaces at a break is lost. A grapheme wider than `columns` stands alone.
#[must_use]
pub fn wrap_styled(texts: &[Styled], columns: usize) -> Vec<Vec<Styled>> {
    wrap_hanging(texts, columns, columns)
}

/// The same where the first line has other room than those beneath it.
#[must_use]
pub fn wrap_hanging(texts: &[Styled], first: usize, beneath: usize) -> Vec<Vec<Styled>> {
    if styled_width(texts) <= first.max(1) {
        return vec![texts.to_vec()];
    }
    let mut lines = breaks::Lines::default();
    breaks::break_line(slices(texts), first, beneath, &mut lines);
    lines.done()
}

/// How many lines [`wrap_hanging`] makes.
#[must_use]
pub fn count_hanging(texts: &[Styled], first: usize, beneath: usize) -> usize {
    if styled_width(texts) <= first.max(1) {
        return 1;
    }
    let mut count = breaks::Count::default();
    breaks::break_line(slices(texts), first, beneath, &mut count);
    count.0 + 1
}

fn slices(texts: &[Styled]) -> impl Iterator<Item = (&str, Slot)> {
    texts.iter().map(|styled| (styled.text.as_str(), styled.slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_become_visible_text() {
        assert_eq!(clean("a\x1b[31mred\x07\u{9b}x\x7f"), "a␛[31mred␇�x␡");
        assert_eq!(clean("one\r\ntwo\rthree\tx"), "one\ntwo\nthree   x");
        assert_eq!(clean("a\u{202e}b\u{200b}c"), "abc");
        assert!(matches!(clean("plain é 漢\nline"), Cow::Borrowed(_)));
    }

    /// What each scalar is wide makes up what the text is wide, whoever measures.
    #[test]
    fn joined_emoji_come_apart_and_letters_stay_joined() {
        let cases = [
            ("👨\u{200d}👩\u{200d}👧", "👨👩👧", 6),
            ("👋\u{1f3fd}!", "👋!", 3),
            ("❤\u{fe0f}", "❤", 1),
            ("\u{1f1eb}\u{1f1f7}", "FR", 2),
            ("🏳\u{fe0f}\u{200d}🌈 🏳\u{200d}🌈", "🏳🌈 🏳🌈", 7),
            ("🤷\u{1f3fd}\u{200d}♂\u{fe0f}", "🤷♂", 3),
            ("क\u{94d}\u{200d}ष", "क\u{94d}\u{200d}ष", 2),
        ];
        for (text, apart, columns) in cases {
            assert_eq!((clean(text).as_ref(), width(&clean(text))), (apart, columns), "{text:?}");
        }
    }

    #[test]
    fn words_are_kept_whole_where_they_fit() {
        assert_eq!(wrap("The booking failed again", 12), ["The booking ", "failed again"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("漢字漢字", 5), ["漢字", "漢字"]);
        assert_eq!(wrap("漢", 1), ["漢"]);
    }

    #[test]
    fn a_word_too_long_for_a_line_breaks_after_a_mark() {
        assert_eq!(wrap("see anthropic.claude-sonnet-4-5", 16), ["see anthropic.", "claude-sonnet-4-", "5"]);
        assert_eq!(wrap("/a/b/abcdefghijkl", 6), ["/a/b/a", "bcdefg", "hijkl"]);
    }

    #[test]
    fn the_first_line_has_room_of_its_own() {
        let text = |line: &Vec<Styled>| line.iter().map(|styled| styled.text.as_str()).collect::<String>();
        let lines = wrap_hanging(&[Styled::new("trace  0123456789 and more", Slot::Text)], 17, 10);
        assert_eq!(lines.iter().map(text).collect::<Vec<_>>(), ["trace  0123456789", "and more"]);
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        assert_eq!(cut_middle("generate-report-for-user-0042", 16), "generate-r…-0042");
        assert_eq!(cut("generate", 4), "gen…");
        assert_eq!(cut("漢字", 3), "漢…");
    }
}
