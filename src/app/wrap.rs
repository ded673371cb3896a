//! Text → lines of a width, measured in terminal columns, one grapheme at a time.
//!
//! Everything that came from outside passes [`clean`] before it is measured or drawn, so that nothing a model writes
//! reaches the terminal as a command.

mod ambiguous;
mod breaks;

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthChar;

pub use self::ambiguous::{ascii, is_doubled, set_wide_ambiguous};
use super::styled::Styled;
use crate::slots::Slot;

/// Columns of a tab stop.
const TAB: usize = 4;

/// Makes control characters visible; line ends stay.
///
/// C0 becomes its picture (`␛`), C1 and what else could move the cursor `�`. What reorders text (bidi controls), takes no
/// room or is invisible (soft hyphens, marks of direction, tag characters) is written out, `<U+202E>`: shown text must stand
/// where it stands, and what hides in it must be seen. Only a byte order mark at the beginning is dropped.
/// Joined emoji and letters come apart: terminals (tmux among them) disagree about how wide they are, and a line that is
/// wider than we think breaks the frame beside it.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte == b'\n' || (b' '..0x7f).contains(&byte))
        || text.chars().all(|c| c == '\n' || !(is_unsafe(c) || joins_emoji(c)))
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut line_start = 0;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rest = text.chars().peekable();
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
            JOINER | EMOJI_STYLE => {}
            // Flags of regions are written so.
            '\u{e0020}'..='\u{e007f}' if out.ends_with('\u{1f3f4}') => {}
            c if is_unsafe(c) => _ = write!(out, "<U+{:04X}>", u32::from(c)),
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

/// Makes one picture of two, in some terminals; between letters it says how they are written, and some put both into one
/// cell.
const JOINER: char = '\u{200d}';

/// What makes one picture of several, or another of one: the joiner, the style, the tones of skin, the letters of flags.
fn joins_emoji(c: char) -> bool {
    matches!(c, JOINER | EMOJI_STYLE | '\u{1f3fb}'..='\u{1f3ff}' | '\u{1f1e6}'..='\u{1f1ff}')
}

fn is_wide(c: char) -> bool {
    c.width() == Some(2)
}

/// Whether a scalar moves a terminal's cursor, reorders text, or is not seen.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Columns that a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(columns_of).sum() }
}

/// Columns that a scalar takes, as terminals count: each scalar by itself, whatever it is written as together with others.
fn columns_of(c: char) -> usize {
    match c.width() {
        _ if is_spacing_mark(c) => 1,
        _ if is_doubled(c) => 2,
        width => width.unwrap_or(0),
    }
}

/// Whether a mark has a column of its own in most terminals and none in some: a vowel sign that stands beside its letter,
/// the marks of half-wide katakana.
#[must_use]
pub fn is_spacing_mark(c: char) -> bool {
    let at = SPACING_MARKS.partition_point(|(_, last)| *last < c);
    c >= '\u{9be}' && SPACING_MARKS.get(at).is_some_and(|(first, _)| *first <= c)
}

/// First and last of the scalars that Unicode calls spacing marks, and that extend the cluster before them.
const SPACING_MARKS: &[(char, char)] = &[
    ('\u{9be}', '\u{9be}'),
    ('\u{9d7}', '\u{9d7}'),
    ('\u{b3e}', '\u{b3e}'),
    ('\u{b57}', '\u{b57}'),
    ('\u{bbe}', '\u{bbe}'),
    ('\u{bd7}', '\u{bd7}'),
    ('\u{cc0}', '\u{cc0}'),
    ('\u{cc2}', '\u{cc2}'),
    ('\u{cc7}', '\u{cc8}'),
    ('\u{cca}', '\u{ccb}'),
    ('\u{cd5}', '\u{cd6}'),
    ('\u{d3e}', '\u{d3e}'),
    ('\u{d57}', '\u{d57}'),
    ('\u{dcf}', '\u{dcf}'),
    ('\u{ddf}', '\u{ddf}'),
    ('\u{1715}', '\u{1715}'),
    ('\u{1734}', '\u{1734}'),
    ('\u{1b35}', '\u{1b35}'),
    ('\u{1b3b}', '\u{1b3b}'),
    ('\u{1b3d}', '\u{1b3d}'),
    ('\u{1b43}', '\u{1b44}'),
    ('\u{1baa}', '\u{1baa}'),
    ('\u{1bf2}', '\u{1bf3}'),
    ('\u{302e}', '\u{302f}'),
    ('\u{a953}', '\u{a953}'),
    ('\u{a9c0}', '\u{a9c0}'),
    ('\u{ff9e}', '\u{ff9f}'),
    ('\u{111c0}', '\u{111c0}'),
    ('\u{11235}', '\u{11235}'),
    ('\u{1133e}', '\u{1133e}'),
    ('\u{1134d}', '\u{1134d}'),
    ('\u{11357}', '\u{11357}'),
    ('\u{113b8}', '\u{113b8}'),
    ('\u{113c2}', '\u{113c2}'),
    ('\u{113c5}', '\u{113c5}'),
    ('\u{113c7}', '\u{113c9}'),
    ('\u{113cf}', '\u{113cf}'),
    ('\u{114b0}', '\u{114b0}'),
    ('\u{114bd}', '\u{114bd}'),
    ('\u{115af}', '\u{115af}'),
    ('\u{116b6}', '\u{116b6}'),
    ('\u{11930}', '\u{11930}'),
    ('\u{1193d}', '\u{1193d}'),
    ('\u{11f41}', '\u{11f41}'),
    ('\u{16ff0}', '\u{16ff1}'),
    ('\u{1d165}', '\u{1d166}'),
    ('\u{1d16d}', '\u{1d172}'),
];

/// The pieces of a text that stand in cells of their own, with the columns of each: a scalar with the marks on it that
/// take no column. A cluster of several letters is several pieces, for so terminals keep it; drawn over as one, its end
/// would be left over.
pub fn cells(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut chars = rest.char_indices();
        let (_, first) = chars.next()?;
        let end = chars.find(|(_, c)| columns_of(*c) > 0).map_or(rest.len(), |(at, _)| at);
        let (cell, after) = rest.split_at(end);
        rest = after;
        Some((cell, columns_of(first)))
    })
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
        assert_eq!(clean("a\u{202e}b\u{200b}c\u{200f}d\u{ad}"), "a<U+202E>b<U+200B>c<U+200F>d<U+00AD>");
        assert_eq!(clean("\u{feff}a\u{feff}\u{e0041}"), "a<U+FEFF><U+E0041>");
        assert_eq!(clean("🏴\u{e0067}\u{e0062}\u{e007f}."), "🏴.");
        assert!(matches!(clean("plain é 漢\nline"), Cow::Borrowed(_)));
    }

    /// What each scalar is wide makes up what the text is wide, whoever measures.
    #[test]
    fn joined_emoji_and_letters_come_apart() {
        let cases = [
            ("👨\u{200d}👩\u{200d}👧", "👨👩👧", 6),
            ("👋\u{1f3fd}!", "👋!", 3),
            ("❤\u{fe0f}", "❤", 1),
            ("\u{1f1eb}\u{1f1f7}", "FR", 2),
            ("🏳\u{fe0f}\u{200d}🌈 🏳\u{200d}🌈", "🏳🌈 🏳🌈", 7),
            ("🤷\u{1f3fd}\u{200d}♂\u{fe0f}", "🤷♂", 3),
            ("क\u{94d}\u{200d}ष", "क\u{94d}ष", 2),
            ("b\u{200d}c", "bc", 2),
        ];
        for (text, apart, columns) in cases {
            assert_eq!((clean(text).as_ref(), width(&clean(text))), (apart, columns), "{text:?}");
        }
    }

    #[test]
    fn a_text_is_as_wide_as_its_scalars_and_stands_in_as_many_cells() {
        for (text, expected) in [
            ("स\u{94d}ते", vec![("स\u{94d}", 1), ("ते", 1)]),
            ("क\u{94d}षि", vec![("क\u{94d}", 1), ("ष", 1), ("ि", 1)]),
            ("น\u{e49}ำ", vec![("น\u{e49}", 1), ("ำ", 1)]),
            ("ந\u{bbf}", vec![("ந", 1), ("\u{bbf}", 1)]),
            // The vowel sign has no column for some, and one for others.
            ("ந\u{bbe}", vec![("ந", 1), ("\u{bbe}", 1)]),
            ("ক\u{9be}", vec![("ক", 1), ("\u{9be}", 1)]),
            ("ക\u{d3e}", vec![("ക", 1), ("\u{d3e}", 1)]),
            ("က\u{103c}", vec![("က\u{103c}", 1)]),
            ("ក\u{17d2}ក", vec![("ក\u{17d2}", 1), ("ក", 1)]),
            ("\u{1112}\u{1161}\u{11ab}", vec![("\u{1112}\u{1161}\u{11ab}", 2)]),
            ("ｶ\u{ff9e}", vec![("ｶ", 1), ("\u{ff9e}", 1)]),
            ("\u{644}\u{627}", vec![("\u{644}", 1), ("\u{627}", 1)]),
            ("漢é", vec![("漢", 2), ("é", 1)]),
            ("e\u{301}\u{302}x", vec![("e\u{301}\u{302}", 1), ("x", 1)]),
        ] {
            let found: Vec<_> = cells(text).collect();
            assert_eq!(found.iter().map(|(_, columns)| columns).sum::<usize>(), width(text), "{text}");
            let expected_width: usize = expected.iter().map(|(_, columns)| columns).sum();
            if text.starts_with('က') || text.starts_with('क') {
                // Whether these marks take a column, the table of widths says.
                assert!(found.iter().all(|(_, columns)| *columns == 1), "{found:?}");
            } else {
                assert_eq!((found, width(text)), (expected, expected_width), "{text}");
            }
        }
    }

    #[test]
    fn the_table_of_spacing_marks_is_that_of_unicode() {
        let spacing = regex::Regex::new(r"^[\p{Mc}\x{ff9e}\x{ff9f}]$").unwrap();
        let mut text = [0; 4];
        for c in ('\u{80}'..=char::MAX).filter(|c| c.width() == Some(0) || is_spacing_mark(*c)) {
            assert_eq!(is_spacing_mark(c), spacing.is_match(c.encode_utf8(&mut text)), "{:x}", u32::from(c));
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
