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
    c.width() == Some(1) && c.width_cjk() == Some(2) && ascii(c).is_none()
}

/// What stands in ASCII for one of our marks; `None` for a character of a text.
#[must_use]
pub fn ascii(mark: char) -> Option<char> {
    Some(match mark {
        '─' | '━' | '┄' | '═' | '—' | '–' | '▾' | '▪' => '-',
        '│' | '┃' | '║' | '▌' | '▐' => '|',
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '╔' | '╗' | '╚' | '╝' | '╠' | '╣' | '╦' | '╩' | '╬'
        | '╭' | '╮' | '╯' | '╰' | '▸' | '▓' | '▄' | '▅' => '+',
        '✗' | '×' => 'x',
        '●' => '*',
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
