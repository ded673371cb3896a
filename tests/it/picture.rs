//! The README's picture: a real screen, drawn from a recorded run, as SVG.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

/// Pixels of a cell.
const WIDTH: u32 = 9;
const HEIGHT: u32 = 19;
const PAPER: &str = "#16161e";
const INK: &str = "#c0caf5";

/// The screen's cells as a picture.
pub fn svg(buffer: &Buffer) -> String {
    let (columns, rows) = (u32::from(buffer.area.width), u32::from(buffer.area.height));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" font-family=\"DejaVu Sans Mono, Menlo, \
         monospace\" font-size=\"15\">\n<rect width=\"100%\" height=\"100%\" fill=\"{PAPER}\"/>\n",
        columns * WIDTH,
        rows * HEIGHT
    );
    for row in 0..buffer.area.height {
        let mut column = 0;
        while column < buffer.area.width {
            let first = &buffer[(column, row)];
            let mut text = String::new();
            let start = column;
            while column < buffer.area.width && alike(&buffer[(column, row)], first) {
                text.push_str(buffer[(column, row)].symbol());
                column += 1;
            }
            piece(&mut out, u32::from(start), u32::from(row), u32::from(column - start), &text, first);
        }
    }
    out.push_str("</svg>\n");
    out
}

fn alike(one: &ratatui::buffer::Cell, other: &ratatui::buffer::Cell) -> bool {
    one.fg == other.fg && one.bg == other.bg && one.modifier == other.modifier
}

fn piece(out: &mut String, column: u32, row: u32, columns: u32, text: &str, cell: &ratatui::buffer::Cell) {
    let (mut ink, mut paper) = (colour(cell.fg, INK), colour(cell.bg, PAPER));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut ink, &mut paper);
    }
    let (x, y) = (column * WIDTH, row * HEIGHT);
    if paper != PAPER {
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{HEIGHT}\" fill=\"{paper}\"/>",
            columns * WIDTH
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let weight = if cell.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let faint = if cell.modifier.contains(Modifier::DIM) { " opacity=\"0.6\"" } else { "" };
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace(' ', "\u{a0}");
    let _ = writeln!(
        out,
        "<text x=\"{x}\" y=\"{}\" textLength=\"{}\" fill=\"{ink}\"{weight}{faint}>{escaped}</text>",
        y + HEIGHT - 5,
        columns * WIDTH
    );
}

fn colour(colour: Color, usual: &str) -> String {
    match colour {
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        _ => usual.to_owned(),
    }
}
