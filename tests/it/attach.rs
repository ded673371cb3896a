//! Several screens over one store: the second attaches to the first, and takes its place when that ends; another machine's
//! attaches with a token.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    program::{Home, JSON, PROTOBUF, Program, fixture, post, request, span},
    pty::Terminal,
};

const TOKEN: &str = "a-token-for-tests-only";

/// A screen with listeners, ready for keys.
fn first(home: &Home) -> Terminal {
    let terminal = Terminal::start(home.clone(), &[], &[]);
    terminal.shows("sideseat[aws]");
    terminal
}

/// A screen over what another one holds.
fn second(home: &Home) -> Terminal {
    let terminal = Terminal::start(home.clone(), &[], &[]);
    terminal.shows("ATTACHED");
    terminal
}

#[test]
fn a_second_screen_shows_what_the_first_receives_with_the_same_keys() {
    let home = Home::new();
    let mut first = first(&home);
    let mut second = second(&home);
    first.sends("bedrock/seed_session.pb");
    for screen in [&first, &second] {
        screen.shows("sess-abc");
        screen.shows("HTTP");
    }
    second.press("?");
    second.shows("Go to the next row or line");
    second.press("q");
    for row in sideseat_tui::tabs::Tab::ROWS {
        second.press(row.keys[0]);
        second.shows(&format!("[{} {}", row.keys[0], row.title));
    }
    second.press("S");
    second.shows("STATS");
    second.press("q");
    // What is asked of one moves nothing on the other.
    assert!(!first.text().contains("STATS"));
    first.sends("strands/anthropic_travel.pb");
    let runs = |screen: &vt100::Screen| screen.contents().contains("5 runs");
    first.waits_for("all runs", runs);
    second.waits_for("all runs", runs);
    // The cursor is on a run or a step by then.
    second.shows(" › ");
    // What is marked is kept by the one that stores.
    second.press("ma");
    second.shows("marked a");
    second.press("q");
    second.leaves_everything_as_it_was(0);
    first.press("q");
    first.leaves_everything_as_it_was(0);
}

/// A key writes a file, and the last line says so; what the file holds.
fn writes(screen: &mut Terminal, keys: &str, ending: &str) -> Vec<u8> {
    let folder = screen.home.path("");
    let is_there = || {
        let files = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
        files.into_iter().find(|file| file.to_str().is_some_and(|name| name.ends_with(ending)))
    };
    assert_eq!(is_there(), None);
    screen.press(keys);
    screen.waits_for(ending, |screen| screen.contents().contains(" to ./") && screen.contents().contains(ending));
    fs::read(is_there().unwrap()).unwrap()
}

#[test]
fn an_attached_screen_writes_files_of_what_the_first_one_holds() {
    let home = Home::new();
    let first = first(&home);
    let mut second = second(&home);
    first.sends("bedrock/seed_session.pb");
    second.shows("sess-abc");
    second.shows("[1 Messages");
    let packed = writes(&mut second, "xf", ".json.gz");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&*packed).read_to_end(&mut unpacked).unwrap();
    assert_eq!(String::from_utf8(unpacked), String::from_utf8(home.prints(&["export", "--format", "otlp-json"])));
    let transcript: Value = serde_json::from_slice(&writes(&mut second, "xt", ".transcript.json")).unwrap();
    assert_eq!(transcript["traces"].as_array().unwrap().len(), 1);
    let page = String::from_utf8(writes(&mut second, "xh", ".html")).unwrap();
    assert!(page.contains("What about street food in Osaka?") && page.ends_with("</html>\n"), "{page}");
    assert!(String::from_utf8(writes(&mut second, "xm", ".md")).unwrap().contains("Osaka"));
    second.press("q");
    second.leaves_everything_as_it_was(0);
}

#[test]
fn an_attached_screen_sends_imports_and_deletes() {
    let home = Home::new();
    let first = first(&home);
    let mut second = second(&home);
    second.press("t");
    second.shows("the test span was stored");
    first.shows("Is anybody listening?");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/bedrock/seed_session.pb");
    second.press(&format!("\x1b[200~{file} \x1b[201~"));
    second.shows("import it");
    second.press("j\r");
    second.shows("imported");
    first.shows("sess-abc");
    second.press("D");
    second.shows("delete it");
    second.press("j\r");
    second.shows("deleted 1 run");
    second.waits_for("two runs are left", |screen| screen.contents().contains(" 2 runs"));
    first.waits_for("two runs are left", |screen| screen.contents().contains(" 2 runs"));
    second.press("q");
    second.leaves_everything_as_it_was(0);
}

#[test]
fn when_the_first_ends_the_second_takes_its_place() {
    let home = Home::new();
    let mut first = first(&home);
    let mut second = second(&home);
    first.sends("bedrock/seed_session.pb");
    second.shows("sess-abc");
    first.press("q");
    first.ends(0);
    second.shows("take over");
    second.shows("ENDED");
    second.press("\r");
    second.waits_for("it listens itself", |screen| {
        let text = screen.contents();
        text.contains("LIVE") && !text.contains("take over") && text.contains("sess-abc")
    });
    second.sends("strands/anthropic_travel.pb");
    second.shows("5 runs");
    second.press("q");
    second.leaves_everything_as_it_was(0);
    assert_eq!(home.transcript()["traces"].as_array().unwrap().len(), 5);
}

#[test]
fn a_third_screen_attaches_to_the_second_once_that_has_taken_over() {
    let home = Home::new();
    let mut holder = home.serve(&[]);
    let mut second = second(&home);
    let mut third = self::second(&home);
    holder.kill9();
    second.shows("take over");
    third.shows("take over");
    second.press("\r");
    second.waits_for("it listens itself", |screen| !screen.contents().contains("take over"));
    third.waits_for("it attaches again", |screen| {
        screen.contents().contains("ATTACHED") && !screen.contents().contains("take over")
    });
    second.sends("bedrock/seed_session.pb");
    third.shows("sess-abc");
    second.press("q");
    second.ends(0);
    third.shows("take over");
    // Nothing is left to be shown.
    third.press("\x1b");
    third.leaves_everything_as_it_was(0);
}

#[test]
fn a_screen_waits_for_an_instance_that_is_suspended_and_says_so() {
    let home = Home::new();
    let mut holder = home.serve(&[]);
    let mut screen = second(&home);
    holder.tell(Signal::STOP);
    screen.shows("it may be suspended");
    holder.tell(Signal::CONT);
    screen.waits_for("it goes on", |screen| !screen.contents().contains("it may be suspended"));
    assert_eq!(post(holder.http(), "/v1/traces", &[JSON], &request(&[span(1, 1, "one")])).status, 200);
    screen.shows("1 run");
    screen.press("q");
    screen.leaves_everything_as_it_was(0);
    holder.stop();
}

/// The socket of the only instance.
fn socket(home: &Home) -> PathBuf {
    let folder = home.path("state/sideseat-tui/instances");
    let file = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let file = file.into_iter().find(|file| file.extension().is_some_and(|ending| ending == "json")).unwrap();
    let entry: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    entry["socket"].as_str().unwrap().into()
}

fn asks(home: &Home, version: &str) -> UnixStream {
    let mut stream = UnixStream::connect(socket(home)).unwrap();
    let place = json!({ "columns": null, "is_terminal": false, "zone": null });
    let asked = json!({ "version": version, "words": [], "place": place, "screen": true });
    stream.write_all(format!("{asked}\n").as_bytes()).unwrap();
    stream
}

#[test]
fn a_screen_of_another_version_is_told_what_to_do() {
    let home = Home::new();
    let mut holder = home.serve(&[]);
    let mut answer = Vec::new();
    asks(&home, "9.9.9").read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with('F') && answer.contains("this screen is version 9.9.9"), "{answer}");
    assert!(answer.contains("use the same version for both"), "{answer}");
    holder.stop();
}

#[test]
fn a_screen_that_reads_nothing_holds_up_nobody_and_neither_does_one_that_sends_nonsense() {
    let home = Home::new();
    let mut holder = home.serve(&[]);
    let version = env!("CARGO_PKG_VERSION");
    let silent = asks(&home, version);
    let mut nonsense = asks(&home, version);
    let mut hello = [0];
    nonsense.read_exact(&mut hello).unwrap();
    assert_eq!(hello, *b"W");
    nonsense.write_all(b"W\xff\xff\xff\xff").unwrap();
    let mut rest = Vec::new();
    nonsense.read_to_end(&mut rest).unwrap();
    for number in 1..=200 {
        let sent = post(holder.http(), "/v1/traces", &[JSON], &request(&[span(number, 1, "one")]));
        assert_eq!(sent.status, 200);
    }
    // No more than a few screens are attached at once.
    let mut others: Vec<UnixStream> = (0..9).map(|_| asks(&home, version)).collect();
    // All stay connected until each has its answer: who leaves gives a place to another.
    let is_refused = |other: &mut UnixStream| {
        let mut kind = [0];
        other.read_exact(&mut kind).is_ok() && kind == *b"F"
    };
    let refused = others.iter_mut().map(is_refused).filter(|refused| *refused).count();
    assert_eq!(refused, 2, "the silent one has a place");
    drop((silent, others));
    assert!(String::from_utf8_lossy(&home.prints(&["traces"])).lines().count() > 100);
    holder.stop();
}

fn with_token() -> Program {
    Program::serve(&["--token", TOKEN])
}

#[test]
fn a_screen_of_another_machine_attaches_with_the_token() {
    let mut there = with_token();
    let bearer = ("authorization", &*format!("Bearer {TOKEN}"));
    let address = there.http().to_string();
    // Another home: nothing but the address is known of it.
    let mut screen = Terminal::start(Home::new(), &["attach", &address], &[("SIDESEAT_TUI_TOKEN", TOKEN)]);
    screen.shows("ATTACHED");
    assert_eq!(post(there.http(), "/v1/traces", &[PROTOBUF, bearer], &fixture("bedrock/seed_session.pb")).status, 200);
    screen.shows("sess-abc");
    screen.press("4");
    screen.shows("[4 Cost");
    there.stop();
    screen.shows("connect again");
    screen.press("\x1b");
    screen.leaves_everything_as_it_was(0);
}

#[test]
fn without_the_right_token_nobody_attaches_and_the_reason_is_said() {
    let mut there = with_token();
    let mut open = Program::serve(&[]);
    let refused = |address: String, token: Option<&str>, why: &str| {
        let variables = token.map(|token| ("SIDESEAT_TUI_TOKEN", token));
        let mut screen = Terminal::start(Home::new(), &["attach", &address], variables.as_slice());
        screen.ends(2);
        screen.waits_for(why, |screen| screen.contents().replace('\n', "").contains(why));
    };
    refused(there.http().to_string(), None, "wants the token that it was started with: set SIDESEAT_TUI_TOKEN");
    refused(there.http().to_string(), Some("another-token-than-that"), "was started with another token");
    refused(open.http().to_string(), Some(TOKEN), "start this sideseat-tui with --token");
    there.stop();
    open.stop();
}
