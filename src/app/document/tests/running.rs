//! What the Messages pane says of the time that runs and calls take, while they go on and after.

use std::time::Duration;

use super::*;
use crate::{app::format::Zone, model::Waits};

#[test]
fn a_run_that_goes_on_says_what_it_waits_for_and_its_clock_ticks() {
    let at = |seconds: u64| Timestamp(seconds * 1_000_000_000);
    let conversation = vec![message(0, Role::Assistant, vec![asks(Some("a"), "Oslo")])];
    let asked = ToolRun { started: None, ended: None, span: None, ..ran(Some("a"), "Oslo", ToolStatus::Pending) };
    let run = AssembledTrace {
        waits: Some(Waits::Root),
        last_seen: at(2),
        ..run(vec![call(1)], conversation, vec![ToolRun { called_by: Some(span(1)), ..asked }])
    };
    let mut document = Document::new(messages::blocks(&detail(vec![run])).into(), 78, Zone::default());
    let mut shown = |now| {
        document.tick(at(now));
        document.lay_around(crate::app::document::Place::default(), 0, 99, &Folds::default());
        let lines: Vec<String> = (0..document.len()).map(|line| document.text(line)).collect();
        let end = lines.iter().rfind(|line| line.starts_with("──")).unwrap().trim_end_matches([' ', '─']).to_owned();
        (lines[place(&lines, "→ weather")].trim_end().to_owned(), end)
    };
    let (call, end) = shown(5);
    assert!(call.ends_with("waiting 3s"), "{call}");
    assert_eq!(end, "── running · 4s · last span 3s ago · waiting for weather 3s");
    let (call, end) = shown(67);
    assert!(call.ends_with("waiting 1m05"), "{call}");
    assert_eq!(end, "── running · 1m06 · last span 1m05 ago · waiting for weather 1m05");
    let (call, end) = shown(722);
    assert!(call.ends_with("no result"), "{call}");
    assert_eq!(end, "── run never ended · last span 12m00 ago");
}

#[test]
fn when_the_first_token_came_stands_with_the_time_of_the_call() {
    let usage = TokenUsage { uncached_input: Some(5), output: Some(101), ..TokenUsage::default() };
    let turn = ModelCall { ttft: Some(Duration::from_millis(500)), usage: Some(usage), ..call(1) };
    let conversation = vec![message(0, Role::Assistant, vec![Content::Text("yes".into())])];
    let lines = lines(messages::blocks, &detail(vec![run(vec![turn], conversation, Vec::new())]), 100);
    let rule = &lines[place(&lines, "turn 1")];
    assert!(rule.contains("· 1.0s (first 500ms) · 200 tok/s · in 5 out 101"), "{rule}");
}
