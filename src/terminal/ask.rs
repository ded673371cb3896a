//! What must be asked of the terminal before input starts and takes the answers.

use std::{
    io,
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    termios::tcgetwinsize,
};

use super::{guard, picture::Support};
use crate::theme::Background;

/// The first frame waits for answers no longer than this.
const LIMIT: Duration = Duration::from_millis(100);
/// The background's colour; asked again later, when the answer comes with the keys.
const BACKGROUND: &[u8] = b"\x1b]11;?\x1b\\";
/// Whether pictures are known in kitty's way.
const PICTURES: &[u8] = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\";
/// How large a cell is, then what the terminal is: every terminal answers the last, so that one that does not know the
/// others is not waited for.
const CELL: &[u8] = b"\x1b[16t\x1b[c";

/// What the terminal answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// `None`: neither the terminal nor the environment says.
    pub background: Option<Background>,
    pub pictures: Support,
    /// The terminal itself answered which background it has.
    pub answered: bool,
    /// All bytes that were read: someone may have typed meanwhile.
    pub typed: Vec<u8>,
}

/// Asks what cannot be known otherwise. `variable` looks one up in the environment.
pub fn terminal(tty: BorrowedFd<'_>, variable: impl Fn(&str) -> Option<String>) -> io::Result<Answers> {
    let by_variable = variable("COLORFGBG").as_deref().and_then(of_variable);
    let term = variable("TERM").unwrap_or_default();
    if matches!(term.as_str(), "" | "dumb" | "linux") {
        return Ok(Answers { background: by_variable, ..Answers::default() });
    }
    guard::write(BACKGROUND)?;
    // tmux and screen take kitty's question for the title of the window.
    let is_within = term.starts_with("tmux") || term.starts_with("screen") || variable("TMUX").is_some();
    if !is_within {
        guard::write(PICTURES)?;
    }
    guard::write(CELL)?;
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
    let background = of_answer(&answer);
    let mut pictures = pictures(&answer);
    pictures.cell = pictures.cell.or_else(|| cell_of_window(tty));
    Ok(Answers { answered: background.is_some(), background: background.or(by_variable), pictures, typed: answer })
}

/// Asks for the background's colour once more, as terminals change it with the time of day. The answer comes with the
/// keys.
pub fn background() -> io::Result<()> {
    guard::write(BACKGROUND)
}

/// `ESC _ G i=31;OK`, `ESC [ ? 62 ; 4 c`, `ESC [ 6 ; height ; width t`.
fn pictures(answer: &[u8]) -> Support {
    let text = String::from_utf8_lossy(answer);
    let after = |start: &str, end: char| {
        let found = text.split(start).skip(1).filter_map(|rest| rest.split_once(end));
        found.map(|(inner, _)| inner).find(|inner| inner.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b';')))
    };
    let cell = || {
        let (height, width) = after("\x1b[6;", 't')?.split_once(';')?;
        Some((width.parse().ok()?, height.parse().ok()?)).filter(|(width, height)| *width > 0 && *height > 0)
    };
    Support {
        kitty: text.contains("\x1b_Gi=31;OK"),
        sixel: after("\x1b[?", 'c').is_some_and(|knows| knows.split(';').skip(1).any(|number| number == "4")),
        cell: cell(),
    }
}

/// The window's pixels by its cells, where the terminal keeps them.
fn cell_of_window(tty: BorrowedFd<'_>) -> Option<(u16, u16)> {
    let size = tcgetwinsize(tty).ok()?;
    let cell = (size.ws_xpixel.checked_div(size.ws_col)?, size.ws_ypixel.checked_div(size.ws_row)?);
    Some(cell).filter(|(width, height)| *width > 0 && *height > 0)
}

/// Whether the answer to the last question has come: `ESC [ ? … c`.
fn is_whole(answer: &[u8]) -> bool {
    let Some(start) = answer.windows(3).position(|bytes| bytes == b"\x1b[?") else { return false };
    let rest = answer.get(start + 3..).unwrap_or_default();
    rest.iter().find(|byte| !matches!(byte, b'0'..=b'9' | b';')) == Some(&b'c')
}

/// `ESC ] 11 ; rgb:1e1e/1e1e/2e2e` → dark.
pub fn of_answer(answer: &[u8]) -> Option<Background> {
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
    fn what_terminals_say_of_pictures_is_understood() {
        let of = |text: &str| pictures(text.as_bytes());
        let all = "\x1b]11;rgb:0/0/0\x07\x1b_Gi=31;OK\x1b\\\x1b[6;20;10t\x1b[?62;4;22c";
        assert_eq!(of(all), Support { kitty: true, sixel: true, cell: Some((10, 20)) });
        assert_eq!(of("\x1b_Gi=31;EINVAL:no\x1b\\\x1b[?4;1c"), Support::default());
        for broken in ["", "\x1b[6;0;0t", "\x1b[6;99999;10t", "\x1b[6;20t", "\x1b[6;x;yt\x1b[?c"] {
            assert_eq!(of(broken), Support::default(), "{broken:?}");
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
