//! Tokens and costs of recorded exports held against those of the wire.

use serde_json::Value;

use crate::replay::{Replay, list, replays};

/// `bedrock`'s truth says what each trace carries and costs.
#[test]
fn tokens_and_cost_are_what_the_calls_used() {
    for replay in replays().iter().filter(|replay| replay.capture.client == "bedrock") {
        for wanted in list(&replay.expected["traces"]) {
            let place = format!("{} {}", replay.name(), wanted["name"]);
            let ids = [wanted["trace_id"].as_str().unwrap().to_owned()];
            let [trace] = replay.traces(&ids)[..] else { panic!("{place} is not shown") };
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
                // What was sent says nothing of a call that broke off, and its cost is unknown.
                Some(0.0) => {
                    assert!(
                        totals["cost_usd"].as_f64().is_none_or(|ours| ours == 0.0),
                        "{place}: a cost out of nothing"
                    );
                }
                Some(cost) => {
                    let ours = totals["cost_usd"].as_f64().unwrap_or_else(|| panic!("{place}: unpriced"));
                    assert!((ours - cost).abs() <= cost * 1e-6 + 1e-9, "{place}: {ours} is not {cost}");
                }
                None => assert!(totals["cost_usd"].is_null(), "{place}: a cost out of nothing"),
            }
        }
    }
}

/// Whose tokens are not those of the wire, and why.
const UNCOUNTED: &[(&str, &str)] =
    &[("cli-agents/gemini_cli", "only records that name no trace count its thoughts, beside spans that do not")];

#[test]
fn tokens_are_those_of_the_wire() {
    let is_counted = |replay: &&Replay| !UNCOUNTED.iter().any(|(name, _)| replay.name() == *name);
    for replay in replays().iter().filter(is_counted) {
        let missing = replay.expected["not_in_telemetry"].to_string();
        let carried = |field: &str| !missing.contains(&format!(".{field}\""));
        for (turn, happened) in list(&replay.expected["traces"]).iter().enumerate() {
            if happened["llm_calls"].is_null() || !happened["reported_summary"].is_null() {
                continue;
            }
            let ids: Vec<String> =
                list(&happened["trace_ids"]).iter().map(|id| id.as_str().unwrap().to_owned()).collect();
            // Two instrumentations side by side count each call in a trace of their own.
            let [trace] = replay.traces(&ids)[..] else { continue };
            let sum = |field: &str| trace["totals"]["usage"][field].as_u64().unwrap_or(0);
            let wire = |field: &str| -> u64 {
                list(&happened["llm_calls"]).iter().filter_map(|call| call[field].as_u64()).sum()
            };
            // Anthropic counts its caches beside the input.
            let beside: u64 = list(&happened["llm_calls"])
                .iter()
                .filter(|call| call["api"].as_str().is_some_and(|api| api.starts_with("anthropic")))
                .map(|call| call["cache_read"].as_u64().unwrap_or(0) + call["cache_write"].as_u64().unwrap_or(0))
                .sum();
            let place = format!("{} traces[{turn}]", replay.name());
            if carried("input_tokens") && carried("cache_read") && carried("cache_write") {
                let input = sum("uncached_input") + sum("cache_read") + sum("cache_write");
                assert_eq!(input, wire("input_tokens") + beside, "{place}: input");
            }
            if carried("output_tokens") {
                assert_eq!(sum("output"), wire("output_tokens"), "{place}: output");
            }
        }
    }
}

#[test]
fn each_session_is_the_sum_of_its_traces() {
    for replay in replays() {
        for session in list(&replay.transcript["sessions"]) {
            let ids = list(&session["trace_ids"]);
            let calls: u64 = list(&replay.transcript["traces"])
                .iter()
                .filter(|trace| ids.contains(&trace["trace_id"]))
                .map(|trace| trace["totals"]["model_calls"].as_u64().unwrap())
                .sum();
            assert_eq!(session["totals"]["model_calls"], calls, "{}", replay.name());
        }
    }
}
