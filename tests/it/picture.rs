//! The README's pictures: real screens, drawn from recorded runs, as SVG; one of them with several screens, one after
//! another.

use std::collections::BTreeSet;
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
    let mut out = paper(buffer, 0);
    for row in 0..buffer.area.height {
        out.push_str(&line(buffer, row));
    }
    out.push_str("</svg>\n");
    out
}

/// One of several screens, and what is said beneath it.
pub struct Frame {
    pub cells: Buffer,
    pub caption: &'static str,
}

/// Several screens of one size, each shown for so many seconds, again and again. What moves nowhere is drawn once. Without
/// animations, or where the reader wants none, it is the first screen.
pub fn film(frames: &[Frame], seconds: usize) -> String {
    let first = &frames[0].cells;
    let rows = first.area.height;
    let mut out = paper(first, 2);
    let mut shown: BTreeSet<(usize, usize)> = BTreeSet::new();
    let mut body = String::new();
    let mut stretches = |lines: &[String]| {
        let mut from = 0;
        while from < lines.len() {
            let to = (from..lines.len()).find(|at| lines[*at] != lines[from]).unwrap_or(lines.len());
            if !lines[from].is_empty() {
                let class =
                    if (from, to) == (0, lines.len()) { String::new() } else { format!(" class=\"f{from}-{to}\"") };
                let _ = write!(body, "<g{class}>\n{}</g>\n", lines[from]);
                shown.insert((from, to));
            }
            from = to;
        }
    };
    for row in 0..rows {
        stretches(&frames.iter().map(|frame| line(&frame.cells, row)).collect::<Vec<_>>());
    }
    let y = (u32::from(rows) + 1) * HEIGHT + HEIGHT / 2;
    let caption = |frame: &Frame| {
        let caption = escaped(frame.caption);
        format!("<text x=\"{WIDTH}\" y=\"{y}\" fill=\"{INK}\" font-weight=\"bold\">{caption}</text>\n")
    };
    stretches(&frames.iter().map(caption).collect::<Vec<_>>());

    out.push_str("<style>\n");
    let percent = |frame: usize| {
        let thousandths = frame * 100_000 / frames.len();
        format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
    };
    for (from, to) in shown.into_iter().filter(|stretch| *stretch != (0, frames.len())) {
        let at_rest = if from == 0 { "visible" } else { "hidden" };
        let before = if from == 0 { String::new() } else { "0%{visibility:hidden}".to_owned() };
        let after = if to == frames.len() { String::new() } else { format!("{}%{{visibility:hidden}}", percent(to)) };
        let _ = writeln!(
            out,
            "@keyframes f{from}-{to}{{{before}{}%{{visibility:visible}}{after}}}\n.f{from}-{to}{{visibility:{at_rest};\
             animation:f{from}-{to} {}s step-end infinite}}",
            percent(from),
            frames.len() * seconds
        );
    }
    out.push_str("@media (prefers-reduced-motion:reduce){g{animation:none!important}}\n</style>\n");
    out.push_str(&body);
    out.push_str("</svg>\n");
    out
}

/// The beginning of a picture of a screen's size, with so many lines more.
fn paper(buffer: &Buffer, more: u32) -> String {
    let (columns, rows) = (u32::from(buffer.area.width), u32::from(buffer.area.height) + more);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" font-family=\"DejaVu Sans Mono, Menlo, \
         monospace\" font-size=\"15\">\n<rect width=\"100%\" height=\"100%\" fill=\"{PAPER}\"/>\n",
        columns * WIDTH,
        rows * HEIGHT
    )
}

/// One row of a screen.
fn line(buffer: &Buffer, row: u16) -> String {
    let mut out = String::new();
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
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace(' ', "\u{a0}")
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
    let escaped = escaped(text);
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
