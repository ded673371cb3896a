//! Keys as text, and text on a screen.

use proptest::{collection::vec, prelude::*, sample::select};
use sideseat_tui::{
    app::wrap,
    keymap::{Chord, Code, Key},
};

use super::cases;

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn a_chord_reads_as_it_was_written(keys in vec(key_press(), 1..4)) {
        let text = keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let chord: Chord = text.parse().unwrap();
        prop_assert_eq!(chord.keys(), keys.as_slice());
        prop_assert_eq!(chord.to_string(), text);
    }

    #[test]
    fn wrapped_text_fits_and_nothing_but_spaces_is_lost(text in wrappable(), columns in 1..40_usize) {
        let lines = wrap::wrap(&text, columns);
        let letters = |text: &str| text.chars().filter(|c| !matches!(c, ' ' | '\n')).collect::<String>();
        prop_assert_eq!(letters(&lines.concat()), letters(&wrap::clean(&text)));
        for line in &lines {
            // One grapheme that is wider than the column stands alone.
            let fits = wrap::width(line) <= columns || wrap::width(wrap::take(line, columns)) == 0;
            prop_assert!(fits, "{line:?} is {} columns wide, not {columns}", wrap::width(line));
        }
    }

    #[test]
    fn cleaned_text_holds_nothing_that_commands_a_terminal(text in wrappable()) {
        let cleaned = wrap::clean(&text);
        prop_assert!(cleaned.chars().all(|c| c == '\n' || !c.is_control()), "{cleaned:?}");
        prop_assert!(!wrap::clean_line(&text).contains('\n'));
        let again = wrap::clean(&cleaned).into_owned();
        prop_assert_eq!(again, cleaned.into_owned());
    }
}

/// A key as terminals send it: shift is in the character, and of ctrl with a letter they do not say which case it had.
fn key_press() -> impl Strategy<Value = Key> {
    let named = [
        Code::Enter,
        Code::Esc,
        Code::Tab,
        Code::Backspace,
        Code::Delete,
        Code::Insert,
        Code::Up,
        Code::Down,
        Code::Left,
        Code::Right,
        Code::Home,
        Code::End,
        Code::PageUp,
        Code::PageDown,
    ];
    let code = prop_oneof![
        3 => any::<char>().prop_filter("a key types it", |c| !c.is_control() && (*c == ' ' || !c.is_whitespace())).prop_map(Code::Char),
        1 => select(named.to_vec()),
        1 => (1..=24_u8).prop_map(Code::F),
    ];
    (code, any::<[bool; 3]>()).prop_map(|(code, [ctrl, alt, shift])| match code {
        Code::Char(c) if ctrl => Key { code: Code::Char(c.to_ascii_lowercase()), ctrl, alt, shift: false },
        Code::Char(_) => Key { code, ctrl, alt, shift: false },
        code => Key { code, ctrl, alt, shift },
    })
}

/// Text of every width: words, wide and combined characters, control characters, line ends.
fn wrappable() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9]{1,12}",
        3 => Just(" ".to_owned()),
        2 => select(&["漢字", "é", "e\u{301}", "👩‍👩‍👧", "🇩🇪", "\t", "\r\n", "\n", "\u{1b}[31m", "\u{9b}2J", "\u{200d}", "  "][..])
            .prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}
