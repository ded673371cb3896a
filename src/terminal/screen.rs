//! Frames: what the view draws, sent to the terminal in one piece.

use std::{cell::RefCell, io, rc::Rc};

use ratatui::{Terminal, TerminalOptions, Viewport};

use super::{careful::Careful, glyphs::Glyphs, guard, picture::Painted};
use crate::{
    app::{State, picture_keys},
    theme::Theme,
    view,
};

/// The terminal holds back what comes between these until it is whole.
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// What draws, and what was drawn last.
pub struct Screen {
    terminal: Terminal<Careful<FrameBytes>>,
    bytes: FrameBytes,
    glyphs: Glyphs,
    /// Marks are in ASCII whatever is asked for.
    keeps_ascii: bool,
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
    pub fn new(state: &State, glyphs: Glyphs) -> io::Result<Self> {
        let bytes = FrameBytes::default();
        // Fixed: its size is the state's, so that the view never draws for another one than it computed areas for.
        let options = TerminalOptions { viewport: Viewport::Fixed(state.screen) };
        let terminal = Terminal::with_options(Careful::new(bytes.clone()), options)?;
        Ok(Self { terminal, bytes, glyphs, keeps_ascii: false })
    }

    /// Draws marks and lines in ASCII, or no longer.
    pub fn set_ascii(&mut self, on: bool) {
        self.glyphs = if on || self.keeps_ascii { Glyphs::AsciiMarks } else { Glyphs::Unicode };
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
        let glyphs = self.glyphs;
        self.terminal.draw(|frame| {
            view::draw(frame, state, theme);
            glyphs.fit(frame.buffer_mut());
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
