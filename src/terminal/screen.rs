//! Frames: what the view draws, sent to the terminal in one piece.

use std::{cell::RefCell, io, num::NonZeroU16, rc::Rc};

use ratatui::{
    Terminal, TerminalOptions, Viewport,
    buffer::{Buffer, CellDiffOption},
};

use super::{careful::Careful, glyphs::Glyphs, guard, picture::Painted};
use crate::{
    app::{State, picture_keys},
    theme::Theme,
    view::{self, Link},
};

/// The terminal holds back what comes between these until it is whole.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// What draws, and what was drawn last.
pub struct Screen {
    terminal: Terminal<Careful<FrameBytes>>,
    bytes: FrameBytes,
    glyphs: Glyphs,
    /// What was found that the terminal shows.
    found: Glyphs,
    /// Marks are in ASCII whatever is asked for.
    keeps_ascii: bool,
    /// Addresses of the web are sent as links.
    links: bool,
}

/// Bytes on their way to the terminal. A flush does nothing: a frame is sent whole.
#[derive(Clone, Default)]
struct FrameBytes(Rc<RefCell<Vec<u8>>>);

impl io::Write for FrameBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Screen {
    pub fn new(state: &State, glyphs: Glyphs, links: bool) -> io::Result<Self> {
        let bytes = FrameBytes::default();
        // Fixed: its size is the state's, so that the view never draws for another one than it computed areas for.
        let options = TerminalOptions { viewport: Viewport::Fixed(state.screen) };
        let terminal = Terminal::with_options(Careful::new(bytes.clone()), options)?;
        Ok(Self { terminal, bytes, glyphs, found: glyphs, keeps_ascii: false, links })
    }

    /// Draws marks and lines in ASCII, or no longer. In ASCII, a terminal that shows nothing else is sent nothing else.
    pub fn set_ascii(&mut self, on: bool) {
        self.glyphs = match (on || self.keeps_ascii, self.found) {
            (false, _) => Glyphs::Unicode,
            (true, Glyphs::Ascii) => Glyphs::Ascii,
            (true, _) => Glyphs::AsciiMarks,
        };
    }

    /// Has marks and lines stay in ASCII, also where somebody turns that off.
    pub fn keep_ascii(&mut self, keep: bool) {
        self.keeps_ascii = keep;
    }

    /// Draws a frame, with the picture that is laid over it once it is painted.
    pub fn draw(&mut self, state: &State, theme: &Theme, painted: Option<&Painted>) -> io::Result<()> {
        self.bytes.0.borrow_mut().extend_from_slice(BEGIN);
        if self.terminal.get_frame().area() != state.screen {
            self.forget(state)?;
        }
        let (glyphs, links) = (self.glyphs, if self.links { view::links(state) } else { Vec::new() });
        self.terminal.draw(|frame| {
            view::draw(frame, state, theme);
            glyphs.fit(frame.buffer_mut());
            for link in &links {
                make_link(frame.buffer_mut(), link);
            }
            if let Some(painted) = painted.filter(|_| state.picture.is_some() && state.lists.is_empty()) {
                painted.draw(frame, picture_keys::areas(state).1);
            }
        })?;
        let mut frame = std::mem::take(&mut *self.bytes.0.borrow_mut());
        frame.extend_from_slice(END);
        guard::write(&frame)
    }

    /// Whatever is on the terminal is to be drawn over.
    pub fn forget(&mut self, state: &State) -> io::Result<()> {
        self.bytes.0.borrow_mut().extend_from_slice(b"\x1b[0m\x1b[2J");
        // Not `clear`, which would ask the terminal where its cursor is and read the answer from under the input.
        self.terminal.resize(state.screen)
    }
}

/// Whether a terminal takes addresses (OSC 8), or at least drops them. Linux's console and GNU screen may write them out;
/// tmux hands them on since 3.4, where the terminal around it takes them.
pub fn takes_links(variable: impl Fn(&str) -> Option<String>) -> bool {
    let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let term = variable("TERM").unwrap_or_default();
    if is_set("TMUX") {
        let version = variable("TERM_PROGRAM_VERSION").unwrap_or_default();
        let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        return variable("TERM_PROGRAM").as_deref() == Some("tmux") && version >= (3, 4);
    }
    !matches!(term.as_str(), "" | "dumb" | "linux") && !term.starts_with("screen")
}

/// Has the cells of a link carry its address (OSC 8). A cell that shows no letter of an address is not one: something lies
/// over it.
fn make_link(cells: &mut Buffer, link: &Link) {
    let is_plain = |address: &str| address.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain(&link.address) {
        return;
    }
    for column in link.area.left()..link.area.right() {
        let Some(cell) = cells.cell_mut((column, link.area.y)) else { continue };
        let letter = cell.symbol().to_owned();
        if letter.len() == 1 && is_plain(&letter) {
            cell.set_symbol(&format!("\x1b]8;;{}\x1b\\{letter}\x1b]8;;\x1b\\", link.address));
            cell.set_diff_option(CellDiffOption::ForcedWidth(NonZeroU16::MIN));
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn only_terminals_that_take_addresses_are_sent_them() {
        let takes = |set: &[(&str, &str)]| {
            takes_links(|name| set.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned()))
        };
        let tmux = |version| {
            [("TMUX", "/tmp/x,1,0"), ("TERM", "screen"), ("TERM_PROGRAM", "tmux"), ("TERM_PROGRAM_VERSION", version)]
        };
        assert!(takes(&[("TERM", "xterm-256color")]) && takes(&[("TERM", "foot"), ("TMUX", "")]));
        assert!(takes(&tmux("3.4")) && takes(&tmux("3.5a")) && takes(&tmux("4.0")));
        assert!(!takes(&tmux("3.3a")) && !takes(&tmux("2.9")) && !takes(&tmux("")) && !takes(&tmux("next-3.3")));
        assert!(!takes(&[("TERM", "linux")]) && !takes(&[("TERM", "screen.xterm-256color")]) && !takes(&[]));
    }

    #[test]
    fn a_link_carries_its_address_and_takes_no_more_columns_and_nothing_else_becomes_one() {
        let area = Rect::new(0, 0, 20, 1);
        let mut cells = Buffer::empty(area);
        cells.set_string(2, 0, "http://a ▌", ratatui::style::Style::new());
        let before = cells.clone();
        let link = |address: &str| Link { area: Rect::new(2, 0, 10, 1), address: address.into() };
        make_link(&mut cells, &link("http://a\x1b]0;x"));
        assert_eq!(cells, before, "an address with a control character is none");
        make_link(&mut cells, &link("http://a.example/b"));
        assert_eq!(cells[(2, 0)].symbol(), "\x1b]8;;http://a.example/b\x1b\\h\x1b]8;;\x1b\\");
        assert_eq!((cells[(10, 0)].symbol(), cells[(11, 0)].symbol()), (" ", "▌"));
        let drawn: Vec<u16> = Buffer::empty(area).diff(&cells).into_iter().map(|(x, ..)| x).collect();
        assert_eq!(drawn, [2, 3, 4, 5, 6, 7, 8, 9, 11], "no cell behind one is left out");
    }
}
