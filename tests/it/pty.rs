//! The program in a terminal, as its user has it: what is drawn, what its keys do, and that it gives everything back.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write},
    net::SocketAddr,
    num::NonZeroU16,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::process::Signal;
use serde_json::Value;
use vt100::{Callbacks, Color, MouseProtocolMode, Parser, Screen};

use sideseat_tui::terminal::Wiring;

use crate::program::{BINARY, Home, PATIENCE, PROTOBUF, eventually, fixture, post, tell};

const WIDE: (u16, u16) = (120, 40);

/// What a terminal notices besides what is drawn.
#[derive(Default)]
pub struct Noticed(Vec<String>);

impl Callbacks for Noticed {
    fn audible_bell(&mut self, _: &mut Screen) {
        self.0.push("a bell".to_owned());
    }

    fn visual_bell(&mut self, _: &mut Screen) {
        self.0.push("a flash".to_owned());
    }

    fn resize(&mut self, _: &mut Screen, size: (u16, u16)) {
        self.0.push(format!("another size, {size:?}"));
    }

    fn set_window_icon_name(&mut self, _: &mut Screen, name: &[u8]) {
        self.0.push(format!("an icon's name, {:?}", String::from_utf8_lossy(name)));
    }

    fn set_window_title(&mut self, _: &mut Screen, title: &[u8]) {
        let title = String::from_utf8_lossy(title);
        // The program's own titles hold nothing that was received.
        if title != "sideseat-tui" && title != "● 1 running — sideseat-tui" {
            self.0.push(format!("a title, {title:?}"));
        }
    }

    fn copy_to_clipboard(&mut self, _: &mut Screen, _: &[u8], data: &[u8]) {
        self.0.push(format!("a copy, {:?}", String::from_utf8_lossy(data)));
    }

    fn paste_from_clipboard(&mut self, _: &mut Screen, _: &[u8]) {
        self.0.push("a look into the clipboard".to_owned());
    }

    fn unhandled_control(&mut self, _: &mut Screen, byte: u8) {
        self.0.push(format!("control {byte:#04x}"));
    }

    fn unhandled_osc(&mut self, _: &mut Screen, words: &[&[u8]]) {
        // Number 11 asks for the background's colour.
        if words.first() != Some(&b"11".as_slice()) {
            self.0.push(format!("OSC {words:?}"));
        }
    }
}

/// All that was written, and what it made of a screen.
pub struct Written {
    pub raw: Vec<u8>,
    pub parser: Parser<Noticed>,
}

/// A terminal, and the program in it.
pub struct Terminal {
    pub home: Home,
    master: Box<dyn MasterPty + Send>,
    /// Held, so that the device outlives the program and can be looked at afterwards.
    _slave: Box<dyn SlavePty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    pub written: Arc<Mutex<Written>>,
    settings: String,
}

impl Terminal {
    pub fn start(home: Home, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start_with("", home, arguments, variables)
    }

    /// Started where this was typed already: what a terminal answers that is asked what it is.
    pub fn start_with(typed: &str, home: Home, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start_program(BINARY, typed, home, arguments, variables)
    }

    /// Another program, which may start ours.
    pub fn start_program(
        program: &str,
        typed: &str,
        home: Home,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let (columns, rows) = WIDE;
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        for (name, value) in home.environment() {
            command.env(name, value);
        }
        for (name, value) in [&[("TERM", "xterm-256color")], variables].concat() {
            command.env(name, value);
        }
        command.cwd(home.path(""));
        let settings = format!("{:?}", pair.master.get_termios());
        let parser = Parser::new_with_callbacks(lines(rows), lines(columns), 0, Noticed::default());
        let written = Arc::new(Mutex::new(Written { raw: Vec::new(), parser }));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let mut keys = pair.master.take_writer().unwrap();
        keys.write_all(typed.as_bytes()).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        thread::spawn({
            let written = Arc::clone(&written);
            move || {
                let mut bytes = [0; 4096];
                while let Ok(read @ 1..) = reader.read(&mut bytes) {
                    let mut written = written.lock().unwrap();
                    written.raw.extend_from_slice(&bytes[..read]);
                    written.parser.process(&bytes[..read]);
                }
            }
        });
        Self { home, master: pair.master, _slave: pair.slave, keys, child, written, settings }
    }

    /// The screen, its listeners and its store in a home of its own; ready for keys.
    fn watch(variables: &[(&str, &str)]) -> Self {
        let terminal = Self::start(Home::new(), &[], variables);
        terminal.shows("sideseat[aws]");
        terminal
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub fn text(&self) -> String {
        self.written.lock().unwrap().parser.screen().contents()
    }

    /// Waits until the screen shows this.
    pub fn shows(&self, text: &str) {
        self.waits_for(text, |screen| screen.contents().contains(text));
    }

    pub fn waits_for(&self, what: &str, is_so: impl Fn(&Screen) -> bool) {
        let began = Instant::now();
        while !is_so(self.written.lock().unwrap().parser.screen()) {
            assert!(began.elapsed() < PATIENCE, "never: {what}\n{}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Where it listens, as others learn it.
    pub fn http(&self) -> SocketAddr {
        let pid = self.child.process_id().unwrap();
        let file = self.home.path(&format!("state/sideseat-tui/instances/{pid}.json"));
        let entry: Value =
            eventually("it says where it listens", || serde_json::from_slice(&fs::read(&file).ok()?).ok());
        let addresses = entry["addresses"].as_array().unwrap();
        let http = addresses.iter().find(|listening| listening["what"] == "http").unwrap();
        http["address"].as_str().unwrap().parse().unwrap()
    }

    pub fn sends(&self, capture: &str) {
        assert_eq!(post(self.http(), "/v1/traces", &[PROTOBUF], &fixture(capture)).status, 200);
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        let mut written = self.written.lock().unwrap();
        written.parser.set_size(lines(rows), lines(columns));
        // Nothing of the old screen is to be taken for the new one.
        written.parser.process(b"\x1b[2J");
        drop(written);
        self.master.resize(size(columns, rows)).unwrap();
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub fn ends(&mut self, code: u32) {
        let status = eventually("it ends", || self.child.try_wait().unwrap());
        assert_eq!(status.exit_code(), code, "{}", self.text());
    }

    /// Whether everything is as it was before the program took the terminal.
    pub fn is_given_back(&self) -> bool {
        let written = self.written.lock().unwrap();
        let on = modes(&written.raw).into_iter().filter(|(_, on)| *on).map(|(mode, _)| mode);
        on.eq([25]) && format!("{:?}", self.master.get_termios()) == self.settings
    }

    /// Waits for its end, and holds the terminal against what it was before.
    pub fn leaves_everything_as_it_was(&mut self, code: u32) {
        self.ends(code);
        // What it wrote last may still be on its way to us.
        let left = eventually("its last word", || {
            let written = self.written.lock().unwrap();
            (!written.parser.screen().alternate_screen()).then(|| modes(&written.raw))
        });
        for mode in [1049, 25, 1002, 2004] {
            assert!(left.contains_key(&mode), "it never drew: {left:?}");
        }
        let left_on: Vec<_> = left.iter().filter(|(_, on)| **on).map(|(mode, _)| *mode).collect();
        assert_eq!(left_on, [25], "only the cursor is on");
        let written = self.written.lock().unwrap();
        let screen = written.parser.screen();
        assert!(!screen.hide_cursor() && !screen.bracketed_paste() && !screen.application_cursor());
        assert_eq!(screen.mouse_protocol_mode(), MouseProtocolMode::None);
        assert_eq!((screen.fgcolor(), screen.bgcolor()), (Color::Default, Color::Default));
        assert_eq!(format!("{:?}", self.master.get_termios()), self.settings, "echo, line mode and all the rest");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has mostly ended by now.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn lines(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}

/// The terminal's private modes that were ever switched, and whether they are on in the end.
fn modes(raw: &[u8]) -> BTreeMap<u16, bool> {
    let mut modes = BTreeMap::new();
    for start in raw.windows(3).enumerate().filter(|(_, bytes)| bytes == b"\x1b[?").map(|(at, _)| at + 3) {
        let end = raw[start..].iter().position(|byte| !matches!(byte, b'0'..=b'9' | b';')).map(|end| start + end);
        let Some((end, on @ (b'h' | b'l'))) = end.map(|end| (end, raw[end])) else { continue };
        let numbers = std::str::from_utf8(&raw[start..end]).unwrap().split(';');
        modes.extend(numbers.map(|number| (number.parse::<u16>().unwrap(), on == b'h')));
    }
    modes
}

#[test]
fn a_terminal_is_given_back_also_in_its_first_moment() {
    let mut terminal = Terminal::start(Home::new(), &[], &[]);
    eventually("it takes the terminal", || {
        modes(&terminal.written.lock().unwrap().raw).contains_key(&1049).then_some(())
    });
    tell(terminal.child.process_id().unwrap(), Signal::TERM);
    terminal.leaves_everything_as_it_was(0);
}

#[test]
fn a_newcomer_is_told_what_to_do_until_a_span_appears() {
    let mut terminal = Terminal::watch(&[]);
    assert!(terminal.text().contains("Send your first trace"), "{}", terminal.text());
    terminal.sends("bedrock/seed_session.pb");
    terminal.shows("sess-abc");
    assert!(!terminal.text().contains("Send your first trace"), "{}", terminal.text());
    terminal.press("?");
    terminal.shows("Go to the next row or line");
    terminal.press("q");
    terminal.waits_for("the help is gone", |screen| !screen.contents().contains("Go to the next row or line"));
    assert!(terminal.is_running(), "q closes what lies on top first");
    terminal.press("q");
    terminal.leaves_everything_as_it_was(0);
    assert_eq!(terminal.home.transcript()["sessions"].as_array().unwrap().len(), 1);
}

#[test]
fn a_terminal_is_given_back_by_a_program_that_is_told_to_stop() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let mut terminal = Terminal::watch(&[]);
        // So that there is something under way.
        terminal.sends("bedrock/seed_tool_use.pb");
        tell(terminal.child.process_id().unwrap(), signal);
        terminal.leaves_everything_as_it_was(0);
        assert_eq!(terminal.home.transcript()["traces"].as_array().unwrap().len(), 2);
    }
}

/// What the next test starts in a terminal: a screen on whose thread something panics after its first frames.
#[test]
#[ignore = "a program for another test"]
fn a_screen_that_panics() {
    let (_started, started) = std::sync::mpsc::channel();
    let ticks = std::sync::atomic::AtomicU32::new(0);
    let seen = move || {
        assert!(ticks.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2, "a fault of the screen");
        sideseat_tui::app::Seen::default()
    };
    let wiring = Wiring { seen: Box::new(seen), ..Wiring::unconnected(started) };
    sideseat_tui::terminal::run(wiring).unwrap();
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_reported() {
    let program = std::env::current_exe().unwrap();
    let arguments = ["--ignored", "--exact", "pty::a_screen_that_panics", "--nocapture"];
    let mut terminal = Terminal::start_program(program.to_str().unwrap(), "", Home::new(), &arguments, &[]);
    terminal.leaves_everything_as_it_was(101);
    assert!(terminal.text().contains("a fault of the screen"), "{}", terminal.text());
}

#[test]
fn ctrl_c_ends_it_also_while_the_terminal_is_raw() {
    let mut terminal = Terminal::watch(&[]);
    terminal.press("\x03");
    terminal.leaves_everything_as_it_was(0);
}

#[test]
fn no_size_of_a_window_is_too_small_to_live_in() {
    let mut terminal = Terminal::watch(&[]);
    terminal.sends("bedrock/seed_session.pb");
    terminal.shows("sess-abc");
    for (columns, rows, text) in [
        (80, 24, "sess-abc"),
        (40, 12, "sess-abc"),
        (20, 5, "needs 40x12"),
        (1, 1, ""),
        (200, 60, "sess-abc"),
        (120, 40, "sess-abc"),
    ] {
        terminal.resize(columns, rows);
        terminal.shows(text);
        assert!(terminal.is_running(), "{columns}x{rows}");
    }
    terminal.press("q");
    terminal.leaves_everything_as_it_was(0);
}

#[test]
fn nothing_that_a_model_says_reaches_the_terminal_as_a_command() {
    let mut terminal = Terminal::watch(&[]);
    terminal.sends("bedrock/ansi_control.pb");
    terminal.shows("review");
    for row in sideseat_tui::tabs::Tab::ROWS {
        terminal.press(row.keys[0]);
        terminal.shows(&format!("[{} {}", row.keys[0], row.title));
    }
    terminal.press("1");
    // Every visible character is shown, and its controls as pictures of them.
    terminal.shows("app.log");
    terminal.shows("␛]0;owned␇");
    terminal.press("q");
    terminal.leaves_everything_as_it_was(0);
    let written = terminal.written.lock().unwrap();
    assert_eq!(written.parser.callbacks().0, Vec::<String>::new());
    let raw = String::from_utf8_lossy(&written.raw);
    for hostile in ["\x1b]0;", "\x1b]52;", "\x1bP", "\u{9b}", "\x07", "\x08", "\0", "\x7f", "\x1b[K", "\x1b[31mreview"]
    {
        assert!(!raw.contains(hostile), "{hostile:?} was written");
    }
    assert_eq!(raw.matches("\x1b[?1049h").count(), 1, "the other screen is entered once, by the program itself");
}

#[test]
fn without_colour_everything_is_in_the_terminals_own() {
    let mut terminal = Terminal::watch(&[("NO_COLOR", "1")]);
    terminal.sends("bedrock/seed_session.pb");
    terminal.shows("sess-abc");
    let (columns, rows) = WIDE;
    {
        let written = terminal.written.lock().unwrap();
        let screen = written.parser.screen();
        let cells = (0..rows).flat_map(|row| (0..columns).filter_map(move |column| screen.cell(row, column)));
        let coloured = cells.filter(|cell| (cell.fgcolor(), cell.bgcolor()) != (Color::Default, Color::Default));
        assert_eq!(coloured.count(), 0);
    }
    terminal.press("q");
    terminal.leaves_everything_as_it_was(0);
}

#[test]
fn a_demo_plays_at_once_and_keeps_nothing() {
    let mut terminal = Terminal::start(Home::new(), &["demo"], &[]);
    terminal.shows("DEMO");
    terminal.waits_for("a run", |screen| screen.contents().contains("[1 Messages"));
    terminal.press("q");
    terminal.leaves_everything_as_it_was(0);
    assert!(!terminal.home.db().exists());
}

#[test]
fn a_theme_that_is_not_there_is_told_before_the_terminal_is_taken() {
    let mut terminal = Terminal::start(Home::new(), &["--theme", "drak"], &[]);
    let status = eventually("it ends", || terminal.child.try_wait().unwrap());
    assert_eq!(status.exit_code(), 2);
    terminal.shows("`dark`");
    assert!(!modes(&terminal.written.lock().unwrap().raw).contains_key(&1049));
}
