//! Characters about whose width terminals disagree: of "ambiguous" width to Unicode, one column wide in most terminals and
//! two in those that are set so, as for Chinese, Japanese and Korean. Our own marks are among them; those terminals get them
//! in ASCII.

use std::sync::atomic::{AtomicBool, Ordering};

use unicode_width::UnicodeWidthChar;

/// Whether the terminal draws them two columns wide. A process draws on one terminal, and whatever is measured is measured
/// for that one.
static WIDE: AtomicBool = AtomicBool::new(false);

/// Measures from now on for a terminal that draws them two columns wide, or one.
pub fn set_wide_ambiguous(wide: bool) {
    WIDE.store(wide, Ordering::Relaxed);
}

/// Whether a character takes two columns although most terminals draw it in one.
#[must_use]
pub fn is_doubled(c: char) -> bool {
    !c.is_ascii() && WIDE.load(Ordering::Relaxed) && is_ambiguous(c)
}

fn is_ambiguous(c: char) -> bool {
    let at = LETTERS.partition_point(|(_, last)| *last < c);
    let is_letter = LETTERS.get(at).is_some_and(|(first, _)| *first <= c);
    c.width() == Some(1) && (is_letter || c.width_cjk() == Some(2)) && ascii(c).is_none()
}

/// Letters and accents that are of ambiguous width to Unicode; the crate that measures takes them for narrow.
const LETTERS: &[(char, char)] = &[
    ('\u{a8}', '\u{a8}'),
    ('\u{aa}', '\u{aa}'),
    ('\u{b4}', '\u{b4}'),
    ('\u{b8}', '\u{b8}'),
    ('\u{ba}', '\u{ba}'),
    ('\u{c6}', '\u{c6}'),
    ('\u{d0}', '\u{d0}'),
    ('\u{d8}', '\u{d8}'),
    ('\u{de}', '\u{e1}'),
    ('\u{e6}', '\u{e6}'),
    ('\u{e8}', '\u{ea}'),
    ('\u{ec}', '\u{ed}'),
    ('\u{f0}', '\u{f0}'),
    ('\u{f2}', '\u{f3}'),
    ('\u{f8}', '\u{fa}'),
    ('\u{fc}', '\u{fc}'),
    ('\u{fe}', '\u{fe}'),
    ('\u{101}', '\u{101}'),
    ('\u{111}', '\u{111}'),
    ('\u{113}', '\u{113}'),
    ('\u{11b}', '\u{11b}'),
    ('\u{126}', '\u{127}'),
    ('\u{12b}', '\u{12b}'),
    ('\u{131}', '\u{133}'),
    ('\u{138}', '\u{138}'),
    ('\u{13f}', '\u{142}'),
    ('\u{144}', '\u{144}'),
    ('\u{148}', '\u{14b}'),
    ('\u{14d}', '\u{14d}'),
    ('\u{152}', '\u{153}'),
    ('\u{166}', '\u{167}'),
    ('\u{16b}', '\u{16b}'),
    ('\u{1ce}', '\u{1ce}'),
    ('\u{1d0}', '\u{1d0}'),
    ('\u{1d2}', '\u{1d2}'),
    ('\u{1d4}', '\u{1d4}'),
    ('\u{1d6}', '\u{1d6}'),
    ('\u{1d8}', '\u{1d8}'),
    ('\u{1da}', '\u{1da}'),
    ('\u{1dc}', '\u{1dc}'),
    ('\u{251}', '\u{251}'),
    ('\u{261}', '\u{261}'),
    ('\u{2c4}', '\u{2c4}'),
    ('\u{2c7}', '\u{2c7}'),
    ('\u{2c9}', '\u{2cb}'),
    ('\u{2cd}', '\u{2cd}'),
    ('\u{2d0}', '\u{2d0}'),
    ('\u{2d8}', '\u{2db}'),
    ('\u{2dd}', '\u{2dd}'),
    ('\u{2df}', '\u{2df}'),
    ('\u{391}', '\u{3a1}'),
    ('\u{3a3}', '\u{3a9}'),
    ('\u{3b1}', '\u{3c1}'),
    ('\u{3c3}', '\u{3c9}'),
    ('\u{401}', '\u{401}'),
    ('\u{410}', '\u{44f}'),
    ('\u{451}', '\u{451}'),
    ('\u{207f}', '\u{207f}'),
    ('\u{2113}', '\u{2113}'),
    ('\u{2126}', '\u{2126}'),
    ('\u{212b}', '\u{212b}'),
];

/// What stands in ASCII for one of our marks; `None` for a character of a text.
#[must_use]
pub fn ascii(mark: char) -> Option<char> {
    Some(match mark {
        '─' | '━' | '┄' | '═' | '—' | '–' | '▾' | '▪' => '-',
        '│' | '┃' | '║' | '▌' | '▐' => '|',
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '╔' | '╗' | '╚' | '╝' | '╠' | '╣' | '╦' | '╩' | '╬'
        | '╭' | '╮' | '╯' | '╰' | '▸' | '▓' | '▄' | '▅' => '+',
        '✗' | '×' => 'x',
        '●' | '◈' => '*',
        '○' | '◌' | '◇' => 'o',
        '◐' => '=',
        '↻' => '@',
        '·' | '░' | '▏' | '▎' | '▍' | '▁' => '.',
        '→' | '›' | '▶' | '≥' => '>',
        '←' | '‹' | '≤' | '◀' | '⏎' => '<',
        '↑' | '▲' => '^',
        '✓' | '↓' | '▼' => 'v',
        '≠' => '!',
        '≈' | '…' => '~',
        '▒' | '▂' | '▃' => ':',
        '▋' | '▊' | '▉' | '█' | '▆' | '▇' => '#',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_many_scripts_are_ambiguous_and_marks_are_drawn_otherwise() {
        for c in ['é', 'Ω', 'ж', '°', '“'] {
            assert!(is_ambiguous(c), "{c}");
        }
        for c in ['a', '漢', '│', '●', '…', 'ñ', '\u{301}'] {
            assert!(!is_ambiguous(c), "{c}");
        }
        assert!(!is_doubled('é'), "as long as nobody says so");
    }
}
