//! Images of a conversation: painted in the terminal, or shown by the system's own program.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::RgbaImage;
use vt100::Screen;

use crate::{
    program::{Home, eventually, fixture},
    pty::Terminal,
};

/// What a terminal of cells of 10 by 20 pixels answers that knows no protocol for pictures.
const CELLS: &str = "\x1b[6;20;10t\x1b[?62;22c";

/// The capture's image, as it was sent.
fn sent_image() -> RgbaImage {
    let capture = String::from_utf8_lossy(&fixture("bedrock/image_input.pb")).into_owned();
    let start = capture.find("iVBORw0KGgo").unwrap();
    let base64 = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let text: String = capture[start..].chars().take_while(base64).collect();
    image::load_from_memory(&STANDARD.decode(text).unwrap()).unwrap().to_rgba8()
}

/// Opens the image in a terminal that answers so, and waits for what stands between two texts of what is written.
fn painted(answers: &str, variables: &[(&str, &str)], start: &str, end: &str) -> String {
    let mut terminal = Terminal::start_with(answers, Home::new(), &[], variables);
    go_to_the_image(&mut terminal, "Enter picture");
    terminal.press("\r");
    let found = eventually("it is painted", || {
        let written = String::from_utf8_lossy(&terminal.written.lock().unwrap().raw).into_owned();
        let (_, rest) = written.split_once(start)?;
        Some(rest.split_once(end)?.0.to_owned())
    });
    terminal.press("q");
    terminal.waits_for("the detail", |screen| !screen.contents().contains("╔═ image/png"));
    terminal.press("q");
    terminal.leaves_everything_as_it_was(0);
    found
}

#[test]
fn a_terminal_that_takes_sixels_gets_the_images_pixels() {
    let answers = CELLS.replace("?62;", "?62;4;");
    let sixels = painted(&answers, &[], "\x1bP", "\x1b\\");
    let shown = icy_sixel::SixelImage::decode(format!("\x1bP{sixels}\x1b\\").as_bytes()).unwrap();
    let sent = sent_image();
    // Six rows at a time.
    assert_eq!((shown.width, shown.height), (sent.width() as usize, sent.height().next_multiple_of(6) as usize));
    // Sixels have a palette, so colours are near, not equal.
    let far = shown.pixels.iter().zip(sent.as_raw()).map(|(shown, sent)| u64::from(shown.abs_diff(*sent))).sum::<u64>();
    let mean = far / sent.as_raw().len() as u64;
    assert!(mean < 16, "{mean} of 255 off");
}

#[test]
fn a_terminal_that_takes_files_gets_the_image_as_one() {
    let file = painted(CELLS, &[("TERM_PROGRAM", "iTerm.app")], "\x1b]1337;File=inline=1;", "\x07");
    let (facts, bytes) = file.split_once(':').unwrap();
    assert!(facts.contains("doNotMoveCursor=1"), "{facts}");
    let shown = image::load_from_memory(&STANDARD.decode(bytes).unwrap()).unwrap().to_rgba8();
    assert_eq!(shown, sent_image());
}

/// Where the system has no one program for this, `xdg-open` is asked, and this one stands in for it.
#[cfg(target_os = "linux")]
#[test]
fn an_image_is_shown_by_the_systems_own_program() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = Home::new();
    let shown = home.path("shown.png");
    let script = format!("#!/bin/sh\ncp \"$1\" {0}.part && mv {0}.part {0}\n", shown.display());
    let opener = home.write("bin/xdg-open", script);
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", home.path("bin").display(), std::env::var("PATH").unwrap_or_default());
    let mut terminal = Terminal::start(home, &[], &[("PATH", path.as_str())]);
    go_to_the_image(&mut terminal, "o show");
    terminal.press("o");
    let bytes = eventually("its program has it", || fs::read(&shown).ok());
    assert!(bytes.starts_with(b"\x89PNG"), "{} bytes", bytes.len());
    terminal.shows("opened ");
    terminal.press("q");
    terminal.leaves_everything_as_it_was(0);
}

/// Where the detail is on a screen of 120 columns: right of this column, its text from this row on.
const DETAIL: u16 = 48;
const TEXT: usize = 4;

/// The rows of the detail. The rest of the screen shows by the clock what still runs.
fn detail(screen: &Screen) -> Vec<String> {
    let (rows, columns) = (screen.size().0.get(), screen.size().1.get());
    screen.rows(DETAIL, columns - DETAIL).skip(1).take(usize::from(rows) - 3).collect()
}

/// The line of the detail that has the cursor, by its row on the screen and its text.
fn cursor(screen: &Screen) -> Option<(usize, String)> {
    screen.rows(DETAIL, screen.size().1.get() - DETAIL).enumerate().find(|(_, line)| line.starts_with('▌'))
}

/// Goes into the detail, and from its top down to the line of the capture's image. Each key waits for the one before, as
/// a key too many would leave the line again.
fn go_to_the_image(terminal: &mut Terminal, does: &str) {
    terminal.shows("sideseat[aws]");
    terminal.sends("bedrock/image_input.pb");
    terminal.shows("image/png");
    terminal.press("\tgg");
    terminal.waits_for("the top of the detail", |screen| cursor(screen).is_some_and(|(row, _)| row == TEXT));
    while !terminal.text().contains(does) {
        let before = cursor(terminal.written.lock().unwrap().parser.screen());
        terminal.press("j");
        terminal.waits_for("the next line", |screen| cursor(screen).is_some_and(|at| Some(at) != before));
    }
}

#[test]
fn an_image_is_painted_where_the_terminal_takes_pixels() {
    let answers = "\x1b_Gi=31;OK\x1b\\\x1b[6;20;10t\x1b[?62;22c";
    let mut terminal = Terminal::start_with(answers, Home::new(), &[], &[]);
    go_to_the_image(&mut terminal, "Enter picture");
    let before = detail(terminal.written.lock().unwrap().parser.screen());
    terminal.press("\r");
    terminal.shows("╔═ image/png");
    let sent = |what: &str| {
        let written = terminal.written.lock().unwrap();
        String::from_utf8_lossy(&written.raw).contains(what)
    };
    // Its pixels, then the characters that place them.
    eventually("it is painted", || (sent("a=T") && sent("\u{10EEEE}")).then_some(()));
    assert!(!sent("a=d,d=I"));
    terminal.press("\x1b");
    terminal.waits_for("the detail as before", |screen| detail(screen) == before);
    let written = String::from_utf8_lossy(&terminal.written.lock().unwrap().raw).into_owned();
    assert!(written.contains("a=d,d=I"), "the terminal keeps no picture that nobody sees");
    terminal.press("q");
    terminal.leaves_everything_as_it_was(0);
}

#[test]
fn an_image_is_painted_in_blocks_where_there_are_colours_only() {
    let mut terminal = Terminal::start(Home::new(), &[], &[("COLORTERM", "truecolor")]);
    go_to_the_image(&mut terminal, "Enter picture");
    terminal.press("\r");
    let blocks = |screen: &Screen| screen.contents().chars().filter(|c| matches!(c, '▀' | '▄')).count();
    terminal.waits_for("the picture", |screen| blocks(screen) == 32 * 16);
    terminal.resize(80, 20);
    terminal.waits_for("the picture in less room", |screen| (1..32 * 16).contains(&blocks(screen)));
    terminal.press("q");
    terminal.waits_for("the detail", |screen| blocks(screen) == 0);
    terminal.press("q");
    terminal.leaves_everything_as_it_was(0);
}
