//! What must be asked of the terminal before input starts and takes the answers.

use std::{
    io,
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::guard;

/// Longer than this nobody waits for a first frame.
const LIMIT: Duration = Duration::from_millis(100);
/// The background's colour, then what the terminal is: every terminal answers the second, so that one that does not
/// know the first is not waited for.
const QUESTION: &[u8] = b"\x1b]11;?\x1b\\\x1b[c";
/// The first alone: its answer comes with the keys.
const AGAIN: &[u8] = b"\x1b]11;?\x1b\\";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    Dark,
    Light,
}

impl Background {
    /// The theme made for it.
    #[must_use]
    pub fn theme(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
        }
    }

    /// Reads the terminal's answer.
    #[must_use]
    pub fn of_answer(answer: &[u8]) -> Option<Self> {
        of_answer(answer)
    }
}

/// What the terminal said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// `None`: it did not say.
    pub background: Option<Background>,
    /// The terminal itself said it.
    pub answered: bool,
    /// All that was read: someone may have typed meanwhile.
    pub typed: Vec<u8>,
}

/// Asks for the colour of the background. `variable` looks one up in the environment.
pub fn background(tty: BorrowedFd<'_>, variable: impl Fn(&str) -> Option<String>) -> io::Result<Told> {
    let by_variable = variable("COLORFGBG").as_deref().and_then(of_variable);
    let term = variable("TERM").unwrap_or_default();
    if matches!(term.as_str(), "" | "dumb" | "linux") {
        return Ok(Told { background: by_variable, ..Told::default() });
    }
    guard::write(QUESTION)?;
    let deadline = Instant::now() + LIMIT;
    let mut answer = Vec::new();
    let mut chunk = [0; 256];
    while !is_whole(&answer) {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&tty, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => break,
            Err(Errno::INTR) => continue,
            ready => ready?,
        };
        match rustix::io::read(tty, &mut chunk) {
            Ok(0) => break,
            Ok(read) => answer.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let told = of_answer(&answer);
    Ok(Told { background: told.or(by_variable), answered: told.is_some(), typed: answer })
}

/// Asks again, for the day may have turned to night: the answer comes with the keys.
pub fn again() -> io::Result<()> {
    guard::write(AGAIN)
}

/// Whether the answer to the second question has come: `ESC [ ? … c`.
fn is_whole(answer: &[u8]) -> bool {
    let Some(start) = answer.windows(3).position(|bytes| bytes == b"\x1b[?") else { return false };
    let rest = answer.get(start + 3..).unwrap_or_default();
    rest.iter().find(|byte| !matches!(byte, b'0'..=b'9' | b';')) == Some(&b'c')
}

/// `ESC ] 11 ; rgb:1e1e/1e1e/2e2e` → dark.
fn of_answer(answer: &[u8]) -> Option<Background> {
    let text = String::from_utf8_lossy(answer);
    let (_, rest) = text.split_once("]11;")?;
    let colour = rest.strip_prefix("rgba:").or_else(|| rest.strip_prefix("rgb:"))?;
    let mut parts = colour.split(|c: char| !c.is_ascii_hexdigit()).take(3);
    let mut part = || {
        let digits = parts.next().filter(|digits| (1..=4).contains(&digits.len()))?;
        let most = 16_u32.pow(u32::try_from(digits.len()).ok()?) - 1;
        Some(u32::from_str_radix(digits, 16).ok()? * 1000 / most)
    };
    let (red, green, blue) = (part()?, part()?, part()?);
    // How bright the eye finds it (ITU-R BT.601), of 1000.
    let bright = (299 * red + 587 * green + 114 * blue) / 1000;
    Some(if bright > 500 { Background::Light } else { Background::Dark })
}

/// `15;0`: the number of the background's colour comes last.
fn of_variable(text: &str) -> Option<Background> {
    let number: u8 = text.rsplit(';').next()?.parse().ok()?;
    Some(if matches!(number, 7 | 9..=15) { Background::Light } else { Background::Dark })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_several_terminals_are_understood() {
        let of = |text: &str| of_answer(text.as_bytes());
        assert_eq!(of("\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\\x1b[?62;c"), Some(Background::Dark));
        assert_eq!(of("\x1b]11;rgb:ffff/ffff/dddd\x07"), Some(Background::Light));
        assert_eq!(of("\x1b]11;rgba:fd/f6/e3/ff\x07"), Some(Background::Light));
        assert_eq!(of("j\x1b[?1;2c"), None);
        for broken in ["\x1b]11;rgb:", "\x1b]11;rgb:12345/0/0", "\x1b]11;rgb:zz/zz/zz", "\x1b]11;#fff"] {
            assert_eq!(of(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn the_end_of_the_answer_is_seen() {
        assert!(is_whole(b"\x1b]11;rgb:0/0/0\x07\x1b[?64;1;2c"));
        assert!(!is_whole(b"\x1b]11;rgb:0/0/0\x07\x1b[?64;1"));
        assert!(!is_whole(b"\x1b[?1;2$y"));
        assert_eq!(of_variable("15;0"), Some(Background::Dark));
        assert_eq!(of_variable("0;default;15"), Some(Background::Light));
        assert_eq!(of_variable("default"), None);
    }
}
