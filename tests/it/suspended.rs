//! The program is stopped, by ctrl-z or from outside, and continued: the terminal is given back before, and taken again.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    program::{BINARY, Home, tell},
    pty::Terminal,
};

/// The program as a job of a shell, which says that it stopped, and continues it at the next line.
fn job(variables: &[(&str, &str)]) -> Terminal {
    let script = format!("set -m; '{BINARY}'; echo the shell has it; read line; fg; exit 0");
    let terminal = Terminal::start_program("/bin/sh", "", Home::new(), &["-c", &script], variables);
    terminal.shows("sideseat[aws]");
    terminal
}

/// The process of the screen, which is no child of the test.
fn process(terminal: &Terminal) -> u32 {
    let folder = terminal.home.path("state/sideseat-tui/instances");
    let file = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let file = file.into_iter().find(|file| file.extension().is_some_and(|ending| ending == "json")).unwrap();
    let entry: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    entry["pid"].as_u64().unwrap().try_into().unwrap()
}

fn is_stopped_and_goes_on(terminal: &mut Terminal) {
    terminal.shows("the shell has it");
    assert!(!terminal.text().contains("sideseat[aws]"), "{}", terminal.text());
    terminal.press("\n");
    terminal.shows("sideseat[aws]");
    terminal.press("q");
    terminal.leaves_everything_as_it_was(0);
}

#[test]
fn stopped_from_outside_it_gives_the_terminal_back_before_it_stops() {
    let mut terminal = job(&[]);
    tell(process(&terminal), Signal::TSTP);
    terminal.shows("receives nothing until `fg`");
    terminal.shows("the shell has it");
    assert!(terminal.is_given_back(), "{}", terminal.text());
    is_stopped_and_goes_on(&mut terminal);
}

#[test]
fn by_ctrl_z_it_goes_to_the_shell_and_comes_back() {
    let mut terminal = job(&[]);
    terminal.press("\x1a");
    terminal.shows("the shell has it");
    assert!(terminal.is_given_back(), "{}", terminal.text());
    is_stopped_and_goes_on(&mut terminal);
}

#[test]
fn stopped_together_with_a_pager_it_lets_the_shell_have_the_terminal() {
    // What less does at ctrl-z.
    let mut terminal = job(&[("PAGER", "sh -c 'kill -TSTP 0; echo the pager goes on; sleep 0'")]);
    terminal.press("t");
    terminal.shows("Yes. This span came");
    terminal.press("v");
    terminal.shows("the shell has it");
    terminal.press("\n");
    terminal.shows("[1 Messages");
    assert!(String::from_utf8_lossy(&terminal.written.lock().unwrap().raw).contains("the pager goes on"));
    terminal.press("q");
    terminal.leaves_everything_as_it_was(0);
}

#[test]
fn without_a_shell_that_could_continue_it_it_goes_on_and_says_so() {
    let mut terminal = Terminal::start(Home::new(), &[], &[]);
    terminal.shows("sideseat[aws]");
    tell(process(&terminal), Signal::TSTP);
    terminal.press("\x1a");
    terminal.shows("no shell is here that could continue it");
    let taken = String::from_utf8_lossy(&terminal.written.lock().unwrap().raw).matches("\x1b[?1049h").count();
    assert_eq!(taken, 1, "the terminal was never given back");
    terminal.press("q");
    terminal.leaves_everything_as_it_was(0);
}
