//! Frames for terminals that disagree about how wide some letters are.
//!
//! Marks on a letter take no column, vowel signs beside it take one in most terminals and none in some. Whatever a terminal
//! thinks, what stands after them has to stand in its column, or the frame beside it breaks. So after each of them the
//! cursor is put where the next cell is, and a vowel sign is written onto a cell that was emptied before.

use std::io::{self, Write};

use ratatui::{
    backend::{Backend, ClearType, CrosstermBackend, WindowSize},
    buffer::Cell,
    layout::{Position, Size},
};

use crate::app::wrap::is_spacing_mark;

/// A backend that moves the cursor after each letter about whose width terminals disagree.
pub struct Careful<W: Write>(CrosstermBackend<W>);

impl<W: Write> Careful<W> {
    pub fn new(out: W) -> Self {
        Self(CrosstermBackend::new(out))
    }
}

/// Whether terminals may disagree about the columns of what stands in a cell. A cell that begins with an escape sequence
/// holds a picture, and its columns are certain.
fn is_doubtful(symbol: &str) -> bool {
    !symbol.is_ascii() && !symbol.starts_with('\u{1b}') && (symbol.chars().nth(1).is_some() || is_mark(symbol))
}

fn is_mark(symbol: &str) -> bool {
    symbol.chars().next().is_some_and(is_spacing_mark)
}

impl<W: Write> Backend for Careful<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        // Each run that is drawn begins by moving the cursor.
        let mut run: Vec<(u16, u16, &Cell)> = Vec::new();
        for (x, y, cell) in content {
            let symbol = cell.symbol();
            if is_mark(symbol) {
                self.0.draw(run.drain(..))?;
                let mut empty = cell.clone();
                empty.set_symbol(" ");
                self.0.draw(std::iter::once((x, y, &empty)))?;
            }
            run.push((x, y, cell));
            if is_doubtful(symbol) {
                self.0.draw(run.drain(..))?;
            }
        }
        if run.is_empty() { Ok(()) } else { self.0.draw(run.into_iter()) }
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.0.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.0.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.0.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.0.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.0.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.0.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        self.0.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.0.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use ratatui::{
        buffer::{Buffer, CellDiffOption},
        layout::Rect,
    };

    use super::*;
    use crate::app::wrap;

    const WIDTH: u16 = 24;

    /// A line of text in a frame, as the pen puts it into cells.
    fn framed(text: &str) -> Buffer {
        let mut cells = Buffer::empty(Rect::new(0, 0, WIDTH, 1));
        let mut x = 1;
        for (symbol, columns) in wrap::cells(&wrap::clean(text)) {
            let columns = u16::try_from(columns).unwrap();
            if columns > 0 && x + columns < WIDTH {
                let one = CellDiffOption::ForcedWidth(NonZeroU16::MIN);
                let option = if is_mark(symbol) { one } else { CellDiffOption::None };
                cells[(x, 0)].set_symbol(symbol).set_diff_option(option);
                x += columns;
            }
        }
        cells[(0, 0)].set_symbol("│");
        cells[(WIDTH - 1, 0)].set_symbol("│");
        cells
    }

    /// What a terminal shows after one line was drawn over another: the text of each column.
    fn shown(lines: &[&str]) -> Vec<String> {
        let mut terminal = vt100::Parser::new(1.try_into().unwrap(), WIDTH.try_into().unwrap(), 0);
        let mut before = Buffer::empty(Rect::new(0, 0, WIDTH, 1));
        for line in lines {
            let next = framed(line);
            let mut bytes = Vec::new();
            Careful::new(&mut bytes).draw(before.diff(&next).into_iter()).unwrap();
            terminal.process(&bytes);
            before = next;
        }
        let cell =
            |column| terminal.screen().cell(0, column).map_or_else(String::new, |cell| cell.contents().to_owned());
        (0..WIDTH).map(cell).collect()
    }

    #[test]
    fn no_letter_moves_the_frame_or_stays_when_it_is_drawn_over() {
        for text in [
            "नमस्ते क्षि",
            "น้ำใจ",
            "தமிழ் நா கா",
            "বাংলা কা",
            "മലയാളം കാ",
            "ខ្មែរ ក្ក",
            "မြန်မာ",
            "\u{1112}\u{1161}\u{11ab}글 \u{1100} \u{1161}",
            "ｶﾞｷﾞ 漢字",
            "👨‍👩‍👧 🇩🇪 👋🏽 ❤️",
            "שלום مرحبا",
            "e\u{301}\u{302}\u{303}x b\u{200d}c",
            "\u{e000}\u{f8ff} ±°",
        ] {
            let after = shown(&[text]);
            assert_eq!((after[0].as_str(), after[23].as_str()), ("│", "│"), "{text}: {after:?}");
            let over = shown(&[text, "x"]);
            assert_eq!(over.concat().replace(' ', ""), "│x│", "{text}: {over:?}");
            let shifted = shown(&[&format!("a{text}"), text, "|"]);
            assert_eq!(shifted.concat().replace(' ', ""), "│|│", "{text}: {shifted:?}");
        }
    }
}
