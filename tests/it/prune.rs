//! What is removed by `prune`, `clear` and the settings, whether an instance holds the store or nobody does.

use serde_json::Value;

use crate::program::{Home, JSON, Program, eventually, post, request, span};

/// Sends one trace for each of these numbers, of a span that ended so many seconds after the first.
fn send(program: &Program, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let mut one = span(number, 1, "work");
        one["startTimeUnixNano"] =
            (1_795_341_130_000_000_000_u64 + u64::from(number) * 1_000_000_000).to_string().into();
        one["endTimeUnixNano"] = (1_795_341_130_500_000_000_u64 + u64::from(number) * 1_000_000_000).to_string().into();
        let session =
            serde_json::json!({ "key": "session.id", "value": { "stringValue": format!("s{}", number / 2) } });
        one["attributes"] = serde_json::json!([session]);
        let reply = post(program.http(), "/v1/traces", &[JSON], &request(&[one]));
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

/// The numbers of the traces that are stored.
fn stored(home: &Home) -> Vec<u128> {
    let listed: Value = serde_json::from_slice(&home.prints(&["traces", "--json"])).unwrap();
    let number = |trace: &Value| u128::from_str_radix(trace["trace_id"].as_str().unwrap(), 16).unwrap() - (1 << 100);
    let mut numbers: Vec<u128> = listed.as_array().unwrap().iter().map(number).collect();
    numbers.sort_unstable();
    numbers
}

fn prints(home: &Home, words: &[&str]) -> String {
    String::from_utf8(home.prints(words)).unwrap()
}

#[test]
fn old_runs_are_removed_from_a_store_that_nobody_holds_and_through_the_instance_that_does() {
    let mut program = Program::serve(&[]);
    send(&program, 1..9);
    let home = program.home().clone();
    let told = prints(&home, &["prune", "--keep-runs", "5", "--dry-run"]);
    assert!(told.contains("Would remove 3 of 8 runs") && told.contains("s1"), "{told}");
    assert_eq!(stored(&home).len(), 8);
    let told = prints(&home, &["prune", "--keep-runs", "5"]);
    assert!(told.starts_with("Removed 3 runs of 2 sessions: 3 spans."), "{told}");
    assert_eq!(stored(&home), [4, 5, 6, 7, 8]);
    // The instance goes on, and what is sent again is new.
    send(&program, 1..2);
    assert_eq!(stored(&home), [1, 4, 5, 6, 7, 8]);
    let refused = home.run(&["prune", "--compact"]);
    assert!(refused.refusal().contains("held by"), "{}", refused.err);
    program.stop();
    let told = prints(&home, &["prune", "--compact"]);
    assert!(told.starts_with("The file has "), "{told}");
    let told = prints(&home, &["prune", "--session", "s3"]);
    assert!(told.starts_with("Removed 2 runs of 1 session: 2 spans."), "{told}");
    assert_eq!(stored(&home), [1, 4, 5, 8]);
    // By the settings there is nothing to do.
    let told = prints(&home, &["prune"]);
    assert!(told.starts_with("Nothing to remove: 4 runs, "), "{told}");
    let refused = home.run(&["prune", "--session", "s3", "--keep-runs", "1"]);
    assert!(refused.refusal().contains("it goes with no limit"), "{}", refused.err);
    let refused = home.run(&["prune", "--keep-runs", "all"]);
    assert_eq!(refused.code, 0, "all is what the settings say as well: {}", refused.err);
}

#[test]
fn everything_is_removed_only_by_who_says_yes() {
    let mut program = Program::serve(&[]);
    send(&program, 1..4);
    let home = program.home().clone();
    let refused = home.run(&["clear"]);
    assert!(refused.refusal().contains("--yes"), "{}", refused.err);
    let told = prints(&home, &["clear", "--dry-run"]);
    assert!(told.starts_with("The store holds 3 runs of 2 sessions: 3 spans and log records"), "{told}");
    assert_eq!(stored(&home).len(), 3);
    let told = prints(&home, &["clear", "--yes"]);
    assert!(told.starts_with("Removed 3 runs of 2 sessions: 3 spans."), "{told}");
    assert!(stored(&home).is_empty());
    send(&program, 2..3);
    program.stop();
    assert_eq!(stored(&home), [2]);
    prints(&home, &["clear", "--yes"]);
    assert_eq!(prints(&home, &["clear", "--yes"]), "There was nothing to remove.\n");
    let nowhere = Home::new();
    assert!(nowhere.run(&["clear", "--yes"]).refusal().contains("there is no store"));
    assert!(!nowhere.db().exists());
}

#[test]
fn an_instance_removes_what_is_more_than_its_settings_let_be_kept() {
    let mut program = Program::serve(&[]);
    send(&program, 1..7);
    program.stop();
    let home = program.home().clone();
    home.write("config/sideseat-tui/config.toml", "keep_runs = 2\n");
    let mut program = home.serve(&[]);
    eventually("only two are left", || (stored(&home) == [5, 6]).then_some(()));
    program.stop();
    assert_eq!(stored(&home), [5, 6]);
    home.write("config/sideseat-tui/config.toml", "keep_size = \"4 parsecs\"\n");
    assert!(home.run(&["serve"]).refusal().contains("config.toml:1: `4 parsecs` is no size"));
}
