//! Addresses of the web, as a terminal is sent them: only where that is asked for, whole, and nothing but http and https.

use serde_json::json;

use crate::{
    program::{Home, JSON, post, request, span},
    pty::Terminal,
};

const SAID: &str = "see https://example.com/a?b=c, http://example.org/x and javascript:alert(1), file:///etc/passwd, \
    http://evil.example/\u{1b}]8;;http://other.example\u{7}!";

/// What a screen that shows the text sends to its terminal.
fn sent(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut terminal = Terminal::start(Home::new(), arguments, variables);
    terminal.shows("sideseat[aws]");
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let said = json!([{"role": "user", "parts": [{"type": "text", "content": SAID}]}]).to_string();
    let mut one = span(1, 1, "chat");
    one["attributes"] = json!([text("gen_ai.operation.name", "chat"), text("gen_ai.input.messages", &said)]);
    assert_eq!(post(terminal.http(), "/v1/traces", &[JSON], &request(&[one])).status, 200);
    terminal.shows("file:///etc/passwd");
    terminal.press("q");
    terminal.leaves_everything_as_it_was(0);
    let raw = terminal.written.lock().unwrap().raw.clone();
    String::from_utf8(raw).unwrap()
}

#[test]
fn where_links_are_on_each_letter_of_an_address_carries_it_and_nothing_else_does() {
    let raw = sent(&["--links"], &[]);
    let mut addresses: Vec<&str> = Vec::new();
    let mut open = false;
    for piece in raw.split("\x1b]8;").skip(1) {
        let (address, rest) = piece.split_once("\x1b\\").expect("each has an end");
        let address = address.strip_prefix(';').expect("no parameters");
        assert_eq!(address.is_empty(), open, "each is closed before the next one opens");
        open = !open;
        if open {
            assert!(rest.starts_with(|c: char| c.is_ascii_graphic()), "one letter of it");
            assert!(address.bytes().all(|byte| byte.is_ascii_graphic()));
            addresses.push(address);
        }
    }
    assert!(!open);
    addresses.sort_unstable();
    addresses.dedup();
    // What was to be a command is a text that is read, and so is the address in it.
    let read = ["http://evil.example/", "http://example.org/x", "http://other.example", "https://example.com/a?b=c"];
    assert_eq!(addresses, read);
}

#[test]
fn elsewhere_none_is_sent() {
    let tmux = [("TMUX", "/tmp/none,1,0"), ("TERM_PROGRAM", "tmux"), ("TERM_PROGRAM_VERSION", "3.3a")];
    for raw in [sent(&[], &[]), sent(&["--links"], &tmux), sent(&["--links"], &[("TERM", "linux")])] {
        assert!(!raw.contains("\x1b]8;"));
    }
}
