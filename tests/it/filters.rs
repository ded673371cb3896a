//! `--filter`: all commands that have it mean the same, also while an instance runs.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::program::{Home, fixture};

const FILTERS: &[&str] = &[
    "",
    "error",
    "is:ok",
    "weather",
    "tool:get_weather",
    "-tool:get_weather",
    "model:~sonnet cost>0",
    "(tool:get_weather or session:sess-abc) calls=1",
    "tokens>400",
    "dur<1h",
    "since:1h",
    "before:1h",
    "attr.service.name=~a",
    "finish:tool_use",
];

fn json(home: &Home, arguments: &[&str]) -> Value {
    serde_json::from_slice(&home.prints(arguments)).unwrap()
}

fn ids(rows: &Value) -> BTreeSet<String> {
    rows.as_array().unwrap().iter().map(|row| row["trace_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn lists_statistics_and_exports_agree_on_what_a_filter_lets_through() {
    let home = Home::new();
    for capture in ["bedrock/seed_session.pb", "bedrock/seed_tool_use.pb"] {
        let file = home.write("capture.pb", fixture(capture));
        home.prints(&["import", &file]);
    }
    let mut sizes = BTreeSet::new();
    for filter in FILTERS.iter().copied() {
        let traces = json(&home, &["traces", "--json", "--filter", filter]);
        let exported = json(&home, &["export", "--filter", filter]);
        let sessions = json(&home, &["sessions", "--json", "--filter", filter]);
        let stats = json(&home, &["stats", "--json", "--filter", filter]);
        let found = ids(&traces);
        assert_eq!(ids(&exported["traces"]), found, "{filter}");
        let counted: u64 = sessions.as_array().unwrap().iter().map(|row| row["traces"].as_u64().unwrap()).sum();
        assert_eq!((counted, stats["runs"].as_u64()), (found.len() as u64, Some(found.len() as u64)), "{filter}");
        sizes.insert(found.len());
    }
    assert!(sizes.contains(&0) && sizes.len() > 3, "{sizes:?}");
}

#[test]
fn a_filter_that_is_none_is_refused_with_what_was_meant() {
    let home = Home::new();
    for command in ["traces", "sessions", "stats", "export"] {
        let done = home.run(&[command, "--filter", "modle:x"]);
        assert_eq!((done.code, done.text().as_str()), (2, ""), "{}", done.err);
        assert!(done.err.contains("no such filter `modle:`; did you mean `model:`?"), "{}", done.err);
        let help = home.run(&[command, "--help"]);
        assert!(help.text().contains("attr.user.id=42") && help.text().contains("cost>.10"), "{}", help.text());
    }
    assert!(!home.db().exists(), "no store was made");
}
