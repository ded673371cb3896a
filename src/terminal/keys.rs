//! What a terminal sends → what someone did. Pure: bytes in, keys, clicks and pastes out.
//!
//! Keys as xterm and its many relatives write them, mouse reports (SGR), bracketed pastes, focus. Answers of the
//! terminal (OSC, DCS, device attributes) are no keys, whenever they come: all but the background's colour are dropped.

use super::ask;
use crate::{
    app::{Event, Mouse, MouseDoes},
    keymap::{Code, Key},
    theme::Background,
};

/// What someone did at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    Key(Key),
    Mouse(Mouse),
    Paste(String),
    Focus(bool),
    /// The terminal answered what its background is like.
    Background(Background),
}

impl From<Typed> for Event {
    fn from(typed: Typed) -> Self {
        match typed {
            Typed::Key(key) => Self::Key(key),
            Typed::Mouse(mouse) => Self::Mouse(mouse),
            Typed::Paste(text) => Self::Paste(text),
            Typed::Focus(focused) => Self::Focus(focused),
            Typed::Background(background) => Self::Fits(background.theme()),
        }
    }
}

const ESC: u8 = 0x1b;
const PASTE_ENDS: &[u8] = b"\x1b[201~";
/// More of a paste than this is dropped.
const LONGEST_PASTE: usize = 1 << 20;
/// A sequence of more bytes than this is dropped.
const LONGEST_SEQUENCE: usize = 512;

/// Reads a stream of bytes that may be cut anywhere.
#[derive(Debug, Default)]
pub struct Keys {
    /// What may still become something.
    held: Vec<u8>,
    paste: Option<Vec<u8>>,
}

/// What stands at the start of some bytes.
enum Found {
    /// So many bytes, and what they mean, if anything.
    Bytes(usize, Option<Typed>),
    PasteStarts(usize),
    /// It may be the start of something longer.
    More,
}

impl Keys {
    /// Takes what was read.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Typed> {
        let mut events = Vec::new();
        self.held.extend_from_slice(bytes);
        self.take(&mut events, false);
        events
    }

    /// Whether something waits for its end, which must come soon.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.held.is_empty() && self.paste.is_none()
    }

    /// Nothing more came: what waits is what it looks like, such as a press of Esc.
    pub fn pause(&mut self) -> Vec<Typed> {
        let mut events = Vec::new();
        if self.waits() {
            self.take(&mut events, true);
        }
        events
    }

    fn take(&mut self, events: &mut Vec<Typed>, ends: bool) {
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_slice();
        while !rest.is_empty() {
            if let Some(paste) = &mut self.paste {
                let end = rest.windows(PASTE_ENDS.len()).position(|bytes| bytes == PASTE_ENDS);
                // The end itself may be cut in two.
                let upto = end.unwrap_or(rest.len().saturating_sub(PASTE_ENDS.len() - 1));
                let (text, after) = rest.split_at(upto);
                let room = LONGEST_PASTE.saturating_sub(paste.len());
                paste.extend_from_slice(text.get(..room).unwrap_or(text));
                if end.is_none() {
                    rest = after;
                    break;
                }
                rest = after.get(PASTE_ENDS.len()..).unwrap_or_default();
                let pasted = self.paste.take().unwrap_or_default();
                events.push(Typed::Paste(String::from_utf8_lossy(&pasted).into_owned()));
                continue;
            }
            match find(rest, ends) {
                Found::Bytes(count, event) => {
                    events.extend(event);
                    rest = rest.get(count.max(1)..).unwrap_or_default();
                }
                Found::PasteStarts(count) => {
                    self.paste = Some(Vec::new());
                    rest = rest.get(count..).unwrap_or_default();
                }
                Found::More if ends => break,
                Found::More => {
                    self.held = rest.to_vec();
                    return;
                }
            }
        }
        if self.paste.is_some() {
            self.held = rest.to_vec();
        }
    }
}

/// What stands at the start of `bytes`, of which there is at least one. `ends`: no more will come.
fn find(bytes: &[u8], ends: bool) -> Found {
    let [first, rest @ ..] = bytes else { return Found::More };
    if *first != ESC {
        return character(bytes, false);
    }
    match rest.first().copied() {
        None if ends => key(1, Key::plain(Code::Esc)),
        None => Found::More,
        Some(ESC) => key(1, Key::plain(Code::Esc)),
        Some(introducer @ (b'[' | b'O' | b']' | b'P' | b'_' | b'^' | b'X')) => {
            let sequence = match introducer {
                b'[' => control(bytes),
                b'O' => single_shift(bytes),
                _ => string(bytes),
            };
            match sequence {
                // Nothing follows: someone pressed alt and this letter.
                Found::More if ends && rest.len() == 1 => character(rest, true).after(1),
                // What breaks off is no key, and what would end it may never come.
                Found::More if ends || bytes.len() > LONGEST_SEQUENCE => Found::Bytes(bytes.len(), None),
                sequence => sequence,
            }
        }
        Some(_) => character(rest, true).after(1),
    }
}

impl Found {
    /// The same, with bytes before it.
    fn after(self, count: usize) -> Self {
        match self {
            Self::Bytes(own, event) => Self::Bytes(own + count, event),
            Self::PasteStarts(own) => Self::PasteStarts(own + count),
            Self::More => Self::More,
        }
    }
}

fn key(count: usize, key: Key) -> Found {
    Found::Bytes(count, Some(Typed::Key(key)))
}

/// One character, or a control character.
fn character(bytes: &[u8], alt: bool) -> Found {
    let [first, ..] = bytes else { return Found::More };
    let plain = |code| key(1, Key { alt, ..Key::plain(code) });
    let ctrl = |c| key(1, Key { alt, ..Key::ctrl(c) });
    match *first {
        b'\r' => plain(Code::Enter),
        b'\t' => plain(Code::Tab),
        0x7f | 0x08 => plain(Code::Backspace),
        0 => ctrl(' '),
        ESC => plain(Code::Esc),
        1..=26 => ctrl(char::from(first - 1 + b'a')),
        28..=31 => ctrl(char::from(first - 28 + b'\\')),
        _ => {
            let length = match first {
                0..0x80 => 1,
                0xc0..0xe0 => 2,
                0xe0..0xf0 => 3,
                0xf0..0xf8 => 4,
                // No character starts so.
                _ => return Found::Bytes(1, None),
            };
            let Some(whole) = bytes.get(..length) else { return Found::More };
            match std::str::from_utf8(whole).ok().and_then(|text| text.chars().next()) {
                Some(c) => key(length, Key { alt, ..Key::char(c) }),
                None => Found::Bytes(1, None),
            }
        }
    }
}

/// `ESC O A`: cursor keys and F1 to F4 of some terminals.
fn single_shift(bytes: &[u8]) -> Found {
    let Some(letter) = bytes.get(2) else { return Found::More };
    let code = by_letter(*letter).map(Key::plain).map(Typed::Key);
    Found::Bytes(3, code)
}

/// `ESC ] … BEL`, or any such string that ends with `ESC \`: something the terminal was asked.
fn string(bytes: &[u8]) -> Found {
    let text = bytes.get(2..).unwrap_or_default();
    let bell = text.iter().position(|byte| *byte == 0x07).map(|at| at + 1);
    let end = text.windows(2).position(|pair| pair == b"\x1b\\").map(|at| at + 2);
    let end = match (bell, end) {
        (Some(bell), Some(end)) => bell.min(end),
        (Some(end), None) | (None, Some(end)) => end,
        (None, None) => return Found::More,
    };
    let whole = 2 + end;
    let background = bytes.get(..whole).filter(|answer| answer.starts_with(b"\x1b]11;")).and_then(ask::of_answer);
    Found::Bytes(whole, background.map(Typed::Background))
}

/// `ESC [ 1 ; 5 A`: everything else.
fn control(bytes: &[u8]) -> Found {
    let body = bytes.get(2..).unwrap_or_default();
    let Some(length) = body.iter().position(|byte| !(0x20..0x40).contains(byte)) else { return Found::More };
    let (text, last) = (&body[..length], body[length]);
    let whole = 2 + length + 1;
    if !(0x40..0x7f).contains(&last) {
        // Something else begins in its middle: this one is given up.
        return Found::Bytes(whole - 1, None);
    }
    match (last, text) {
        // The console of Linux: F1 to F5.
        (b'[', b"") => match body.get(1) {
            None => Found::More,
            Some(letter) => {
                let number = letter.checked_sub(b'@').filter(|number| (1..=5).contains(number));
                Found::Bytes(whole + 1, number.map(|number| Typed::Key(Key::plain(Code::F(number)))))
            }
        },
        // A mouse report in the older form of X10, with three bytes after it. It was not asked for, and is dropped.
        (b'M', b"") if body.len() < 4 => Found::More,
        (b'M', b"") => Found::Bytes(whole + 3, None),
        (b'~', b"200") => Found::PasteStarts(whole),
        (b'M', [b'<', report @ ..]) => Found::Bytes(whole, mouse(report, false).map(Typed::Mouse)),
        (b'm', [b'<', report @ ..]) => Found::Bytes(whole, mouse(report, true).map(Typed::Mouse)),
        // The colours have become dark, or light (mode 2031).
        (b'n', b"?997;1") => Found::Bytes(whole, Some(Typed::Background(Background::Dark))),
        (b'n', b"?997;2") => Found::Bytes(whole, Some(Typed::Background(Background::Light))),
        (b'I', b"") => Found::Bytes(whole, Some(Typed::Focus(true))),
        (b'O', b"") => Found::Bytes(whole, Some(Typed::Focus(false))),
        _ => Found::Bytes(whole, of_control(text, last).map(Typed::Key)),
    }
}

fn of_control(text: &[u8], last: u8) -> Option<Key> {
    let numbers = numbers(text)?;
    let number = |index: usize| numbers.get(index).copied().unwrap_or(1);
    let (code, modifiers) = match last {
        b'Z' => return Some(Key { shift: true, ..Key::plain(Code::Tab) }),
        b'u' => (by_number_of_character(number(0))?, number(1)),
        b'~' if number(0) == 27 => (by_number_of_character(number(2))?, number(1)),
        b'~' => (by_number(number(0))?, number(1)),
        letter => (by_letter(letter)?, number(1)),
    };
    let held = modifiers.saturating_sub(1);
    let (shift, alt, ctrl) = (held & 1 > 0, held & 2 > 0, held & 4 > 0);
    let key = match code {
        Code::Char(c) if shift => Key::char(c.to_uppercase().next().unwrap_or(c)),
        Code::Char(_) => Key::plain(code),
        code => Key { shift, ..Key::plain(code) },
    };
    Some(Key { ctrl, alt, ..key })
}

/// `1;5` → 1, 5. `None` where something else stands there; of `1:3` only the first is taken.
fn numbers(text: &[u8]) -> Option<Vec<u32>> {
    let text = std::str::from_utf8(text).ok()?;
    if text.is_empty() {
        return Some(Vec::new());
    }
    let number = |part: &str| {
        let first = part.split(':').next().unwrap_or_default();
        if first.is_empty() { Some(1) } else { first.parse().ok() }
    };
    text.split(';').take(8).map(number).collect()
}

fn by_letter(letter: u8) -> Option<Code> {
    Some(match letter {
        b'A' => Code::Up,
        b'B' => Code::Down,
        b'C' => Code::Right,
        b'D' => Code::Left,
        b'H' => Code::Home,
        b'F' => Code::End,
        b'M' => Code::Enter,
        b'P'..=b'S' => Code::F(letter - b'P' + 1),
        _ => return None,
    })
}

fn by_number(number: u32) -> Option<Code> {
    Some(match number {
        1 | 7 => Code::Home,
        4 | 8 => Code::End,
        2 => Code::Insert,
        3 => Code::Delete,
        5 => Code::PageUp,
        6 => Code::PageDown,
        // xterm leaves gaps as the VT220's keyboard did.
        11..=15 => Code::F(u8::try_from(number - 10).ok()?),
        17..=21 => Code::F(u8::try_from(number - 11).ok()?),
        23..=26 => Code::F(u8::try_from(number - 12).ok()?),
        28 | 29 => Code::F(u8::try_from(number - 13).ok()?),
        31..=34 => Code::F(u8::try_from(number - 14).ok()?),
        _ => return None,
    })
}

fn by_number_of_character(number: u32) -> Option<Code> {
    Some(match number {
        13 => Code::Enter,
        9 => Code::Tab,
        27 => Code::Esc,
        8 | 127 => Code::Backspace,
        _ => Code::Char(char::from_u32(number).filter(|c| !c.is_control())?),
    })
}

/// `0;12;7`: button, column, row, these from 1. `up`: the button was let go.
fn mouse(report: &[u8], up: bool) -> Option<Mouse> {
    /// Shift, alt and ctrl are held; they mean nothing here.
    const MODIFIERS: u32 = 4 + 8 + 16;
    let numbers = numbers(report)?;
    let [button, column, row] = numbers[..] else { return None };
    let does = match button & !MODIFIERS {
        0 if up => MouseDoes::Release,
        0 => MouseDoes::Click,
        32 if !up => MouseDoes::Drag,
        64 => MouseDoes::WheelUp,
        65 => MouseDoes::WheelDown,
        _ => return None,
    };
    let cell = |number: u32| u16::try_from(number.saturating_sub(1)).ok();
    Some(Mouse { column: cell(column)?, row: cell(row)?, does })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What some bytes mean, as settings would write it.
    fn read(bytes: &[u8]) -> String {
        let mut keys = Keys::default();
        let mut events = keys.read(bytes);
        events.extend(keys.pause());
        assert!(!keys.waits());
        let word = |typed: Typed| match typed {
            Typed::Key(key) => key.to_string(),
            Typed::Paste(text) => format!("paste {text:?}"),
            Typed::Focus(focused) => format!("focus {focused}"),
            Typed::Background(background) => format!("{background:?}").to_lowercase(),
            Typed::Mouse(mouse) => format!("{:?} {},{}", mouse.does, mouse.column, mouse.row),
        };
        events.into_iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn keys_are_read_as_settings_write_them() {
        assert_eq!(read(b"jG?"), "j G ?");
        assert_eq!(read("ä日".as_bytes()), "ä 日");
        assert_eq!(read(b"\x03\x04\x1a\x0c\r\t\x7f\x00"), "ctrl-c ctrl-d ctrl-z ctrl-l enter tab backspace ctrl-space");
        assert_eq!(read(b"\x1b[A\x1b[B\x1bOC\x1bOD\x1b[H\x1b[4~\x1b[5~"), "up down right left home end pageup");
        assert_eq!(read(b"\x1b[Z\x1b[1;5A\x1b[3;2~\x1b[15~\x1bOP\x1b[[B"), "shift-tab ctrl-up shift-delete f5 f1 f2");
        assert_eq!(read(b"\x1bx\x1b\x1b\x1b"), "alt-x esc esc esc");
        assert_eq!(read(b"\x1b[100;5u\x1b[27;5;100~\x1b[97;2u"), "ctrl-d ctrl-d A");
        assert_eq!(read(b"\x1b"), "esc");
        assert_eq!(read(b"\x1b["), "alt-[");
    }

    #[test]
    fn mouse_focus_and_pastes_are_events() {
        assert_eq!(
            read(b"\x1b[<0;12;7M\x1b[<0;12;7m\x1b[<64;1;1M\x1b[<81;300;2M"),
            "Click 11,6 Release 11,6 WheelUp 0,0 WheelDown 299,1"
        );
        assert_eq!(read(b"\x1b[I\x1b[O"), "focus true focus false");
        assert_eq!(read(b"a\x1b[200~x\x1b[2Jq\ry\x1b[201~b"), "a paste \"x\\u{1b}[2Jq\\ry\" b");
    }

    #[test]
    fn what_the_terminal_answers_is_no_key() {
        assert_eq!(read(b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\j\x1b[?62;1;2ck"), "dark j k");
        assert_eq!(read(b"\x1b[?997;2nj\x1b[?997;1n\x1b[?997;3n\x1b[0n"), "light j dark");
        assert_eq!(read(b"\x1b]11;rgb:0/0/0\x07\x1bP1$r0m\x1b\\\x1b_Gi=1;OK\x1b\\q\x1b[?2026;2$y"), "dark q");
        assert_eq!(read(b"\x1b[12;1\x1b[A"), "up", "a sequence that another breaks into");
        assert_eq!(read(b"\xff\xc3(j"), "( j");
    }

    #[test]
    fn a_flood_of_keys_loses_none() {
        let mut keys = Keys::default();
        assert_eq!(keys.read(&b"j".repeat(5000)).len(), 5000);
        let paste = [b"\x1b[200~".to_vec(), b"x".repeat(LONGEST_PASTE + 10), b"\x1b[201~q".to_vec()].concat();
        let events: Vec<Typed> = paste.chunks(4096).flat_map(|chunk| keys.read(chunk)).collect();
        assert!(matches!(&events[..], [Typed::Paste(text), Typed::Key(_)] if text.len() == LONGEST_PASTE));
    }

    proptest! {
        /// A read may end anywhere.
        #[test]
        fn where_a_read_ends_changes_nothing(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "j", "ä", "\x1b[A", "\x1b[1;5B", "\x1b[<0;3;4M", "\x1b[200~a\x1b[Ab\x1b[201~", "\x1b]11;rgb:0/0/0\x07", "\r",
                    "\x1b[?62;c", "\x1bOP", "\x1b[I", "日",
                ]),
                0..12,
            ),
            cut in 1_usize..7,
        ) {
            let bytes = pieces.concat().into_bytes();
            let mut whole = Keys::default();
            let mut cut_up = Keys::default();
            let expected = format!("{:?}", whole.read(&bytes));
            let found: Vec<Typed> = bytes.chunks(cut).flat_map(|chunk| cut_up.read(chunk)).collect();
            prop_assert_eq!(format!("{found:?}"), expected);
        }

        #[test]
        fn no_bytes_panic_and_nothing_waits_for_ever(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 1_usize..9) {
            let mut keys = Keys::default();
            for chunk in bytes.chunks(cut) {
                keys.read(chunk);
                keys.pause();
                prop_assert!(!keys.waits());
            }
        }
    }
}
