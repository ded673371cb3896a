//! Recorded exports replayed, and what is shown of them held against what really happened.
//!
//! `NAME.expected.json` was written from the programs and the mock model's answers, not from telemetry. What it says is
//! not carried is not asked for. The snapshots beside it are reviewed by eye: they hold all the rest.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::digest::digest;
use crate::replay::{Capture, captures, transcript};

#[test]
fn every_capture_reads_as_it_was_reviewed() {
    for capture in captures() {
        let page = digest(&transcript(&capture));
        let name = format!("{}__{}", capture.client, capture.name);
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "snapshots/transcripts" }, {
            insta::assert_snapshot!(name, page);
        });
    }
}

#[test]
fn what_was_said_is_shown_once_and_nothing_else() {
    for capture in captures().into_iter().filter(|capture| capture.client == "bedrock") {
        let expected = expected(&capture);
        let shown = transcript(&capture);
        for (wanted, trace) in pairs(&expected, &shown) {
            let place = format!("{} {}", capture.name, wanted["name"]);
            assert_eq!(said_in(trace), happened_in(wanted), "{place}");
        }
    }
}

#[test]
fn tokens_and_cost_are_what_the_calls_used() {
    for capture in captures().into_iter().filter(|capture| capture.client == "bedrock") {
        let expected = expected(&capture);
        let shown = transcript(&capture);
        for (wanted, trace) in pairs(&expected, &shown) {
            let place = format!("{} {}", capture.name, wanted["name"]);
            let (carried, totals) = (&wanted["totals_carried"], &trace["totals"]);
            for (ours, theirs) in [
                ("uncached_input", "input_tokens"),
                ("output", "output_tokens"),
                ("cache_read", "cache_read_tokens"),
                ("cache_write", "cache_write_tokens"),
            ] {
                let count = |value: &Value| value.as_u64().unwrap_or(0);
                assert_eq!(count(&totals["usage"][ours]), count(&carried[theirs]), "{place}: {ours}");
            }
            assert_eq!(totals["model_calls"], carried["model_calls"], "{place}: model calls");
            assert_eq!(totals["errors"], carried["errors"], "{place}: errors");
            match carried["cost_usd"].as_f64() {
                Some(cost) => {
                    let ours = totals["cost_usd"].as_f64().unwrap_or_else(|| panic!("{place}: unpriced"));
                    assert!((ours - cost).abs() <= cost * 1e-6 + 1e-9, "{place}: {ours} is not {cost}");
                }
                None => assert!(totals["cost_usd"].is_null(), "{place}: a cost out of nothing"),
            }
        }
    }
}

#[test]
fn each_session_is_the_sum_of_its_traces() {
    for capture in captures() {
        let shown = transcript(&capture);
        for session in list(&shown["sessions"]) {
            let ids = list(&session["trace_ids"]);
            let calls: u64 = list(&shown["traces"])
                .iter()
                .filter(|trace| ids.contains(&trace["trace_id"]))
                .map(|trace| trace["totals"]["model_calls"].as_u64().unwrap())
                .sum();
            assert_eq!(session["totals"]["model_calls"], calls, "{}", capture.name);
        }
    }
}

fn expected(capture: &Capture) -> Value {
    let path = capture.folder.join(format!("{}.expected.json", capture.name));
    serde_json::from_slice(&fs::read(Path::new(&path)).unwrap()).unwrap()
}

/// Each trace that happened beside the one that is shown.
fn pairs<'a>(expected: &'a Value, shown: &'a Value) -> Vec<(&'a Value, &'a Value)> {
    let traces = list(&shown["traces"]);
    list(&expected["traces"])
        .iter()
        .map(|wanted| {
            let found = traces.iter().find(|trace| trace["trace_id"] == wanted["trace_id"]);
            (wanted, found.unwrap_or_else(|| panic!("{} is not shown", wanted["trace_id"])))
        })
        .collect()
}

/// What a trace shows: kind and content of each part → how often.
fn said_in(trace: &Value) -> BTreeMap<(String, String), usize> {
    let mut said = BTreeMap::new();
    let mut prompts = Vec::new();
    for thread in list(&trace["threads"]) {
        for message in list(&thread["messages"]) {
            for part in list(&message["parts"]) {
                let kind = part["type"].as_str().unwrap();
                let content = match kind {
                    "reasoning" if part["redacted"] == true => "redacted".to_owned(),
                    "text" | "reasoning" => squash(&part["text"]),
                    "tool_call" => part["name"].as_str().unwrap().to_owned(),
                    "tool_result" => squash(&part["call_id"]),
                    _ => part["sha256"].as_str().unwrap_or("?").to_owned(),
                };
                // Every thread starts with its system prompt; the truth lists one that all share once.
                if message["role"] == "system" {
                    if prompts.contains(&content) {
                        continue;
                    }
                    prompts.push(content.clone());
                }
                *said.entry((kind.to_owned(), content)).or_insert(0) += 1;
            }
        }
    }
    said
}

/// What happened in it and was carried, in the same form.
fn happened_in(wanted: &Value) -> BTreeMap<(String, String), usize> {
    let mut happened = BTreeMap::new();
    let mut prompts = Vec::new();
    for message in list(&wanted["conversation"]) {
        for part in list(&message["parts"]) {
            if message["carried"] == false || part["carried"] == false {
                continue;
            }
            let kind = part["type"].as_str().unwrap();
            let content = match kind {
                "text" if part["text"].is_null() => continue,
                "reasoning" if part["redacted"] == true => "redacted".to_owned(),
                "text" | "reasoning" => squash(&part["text"]),
                "tool_call" => part["name"].as_str().unwrap().to_owned(),
                "tool_result" => squash(&part["id"]),
                _ => part["sha256"].as_str().unwrap_or("?").to_owned(),
            };
            if message["role"] == "system" {
                if prompts.contains(&content) {
                    continue;
                }
                prompts.push(content.clone());
            }
            *happened.entry((kind.to_owned(), content)).or_insert(0) += 1;
        }
    }
    happened
}

fn squash(text: &Value) -> String {
    text.as_str().unwrap_or_default().split_whitespace().collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
