//! Captures of all clients but `bedrock` held against what really happened: nothing that was carried is lost, no answer
//! is told twice, and the tokens are those of the wire.
//!
//! `NAME.expected.json` was written from the scripts and the mock model's answers. What it lists as `not_in_telemetry`
//! is not asked for.

use std::fs;

use serde_json::Value;

use crate::replay::{Capture, captures, transcript};

/// The truth of a capture in the form that all clients but `bedrock` have.
struct Truth {
    capture: Capture,
    expected: Value,
    shown: Value,
}

fn truths() -> impl Iterator<Item = Truth> {
    captures().into_iter().filter_map(|capture| {
        let path = capture.folder.join(format!("{}.expected.json", capture.name));
        let expected: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        // The others are of `bedrock`, and have tests of their own.
        expected["traces"][0]["trace_ids"].is_array().then(|| Truth { shown: transcript(&capture), capture, expected })
    })
}

impl Truth {
    fn is_carried(&self, place: &str) -> bool {
        !list(&self.expected["not_in_telemetry"]).iter().any(|missing| missing["where"] == place)
    }

    /// What is shown of one turn, which may have left several traces.
    fn traces(&self, turn: usize) -> Vec<&Value> {
        let ids = list(&self.expected["traces"][turn]["trace_ids"]);
        list(&self.shown["traces"]).iter().filter(|trace| ids.contains(&trace["trace_id"])).collect()
    }

    fn place(&self, rest: &str) -> String {
        format!("{}/{} {rest}", self.capture.client, self.capture.name)
    }
}

/// What is said in some traces by messages that are wanted, white space aside, one text after another.
fn said(traces: &[&Value], wanted: fn(&Value) -> bool) -> Vec<String> {
    let mut said = Vec::new();
    for trace in traces {
        let messages = list(&trace["threads"]).iter().flat_map(|thread| list(&thread["messages"]));
        messages.filter(|message| wanted(message)).for_each(|message| texts(&message["parts"], &mut said));
    }
    said
}

fn texts(parts: &Value, into: &mut Vec<String>) {
    for part in list(parts) {
        match part["type"].as_str().unwrap_or_default() {
            "tool_result" => texts(&part["content"], into),
            "tool_call" => into.push(squash(&part["name"])),
            "json" => into.push(part["value"].to_string().split_whitespace().collect()),
            _ => into.push(squash(&part["text"])),
        }
    }
}

#[test]
fn no_text_that_was_carried_is_lost() {
    for truth in truths() {
        for (turn, happened) in list(&truth.expected["traces"]).iter().enumerate() {
            let all = said(&truth.traces(turn), |_| true).concat();
            for (at, message) in list(&happened["conversation"]).iter().enumerate() {
                for (part_at, part) in list(&message["parts"]).iter().enumerate() {
                    let place = format!("traces[{turn}].conversation[{at}].parts[{part_at}]");
                    let kind = part["type"].as_str().unwrap();
                    let is_plain =
                        part["as_text"].is_null() && part["text_cut"].is_null() && message["text_cut"].is_null();
                    if !["text", "reasoning"].contains(&kind) || !is_plain || !truth.is_carried(&place) {
                        continue;
                    }
                    // Where a framework rewrites its history, only what the model said is its own.
                    if !happened["conversation_source"].is_null() && message["role"] != "assistant" {
                        continue;
                    }
                    let text = squash(&part["text"]);
                    assert!(all.contains(&text), "{}: {text}", truth.place(&place));
                }
            }
        }
    }
}

#[test]
fn no_answer_is_told_twice() {
    for truth in truths() {
        for (turn, happened) in list(&truth.expected["traces"]).iter().enumerate() {
            // Two instrumentations side by side make a trace each of one turn, and each tells all of it.
            let [trace] = truth.traces(turn)[..] else { continue };
            let shown = said(&[trace], |message| message["role"] == "assistant" && message["history"] != true);
            let mut answers: Vec<String> = Vec::new();
            for message in list(&happened["conversation"]).iter().filter(|message| message["role"] == "assistant") {
                texts(&message["parts"], &mut answers);
            }
            // Short ones may be part of something else.
            for answer in answers.iter().filter(|answer| answer.len() > 40) {
                let count = |said: &[String]| said.iter().filter(|text| *text == answer).count();
                let (times, wanted) = (count(&shown), count(&answers));
                assert!(times <= wanted, "{}: {times} times {answer}", truth.place(&format!("traces[{turn}]")));
            }
        }
    }
}

/// Whose tokens are not those of the wire, and why.
const UNCOUNTED: &[(&str, &str)] =
    &[("cli-agents/gemini_cli", "only records that name no trace count its thoughts, beside spans that do not")];

#[test]
fn tokens_are_those_of_the_wire() {
    let is_counted = |truth: &Truth| !UNCOUNTED.iter().any(|(name, _)| truth.place("").trim_end() == *name);
    for truth in truths().filter(is_counted) {
        let carried = |field: &str| !truth.expected["not_in_telemetry"].to_string().contains(&format!(".{field}\""));
        for (turn, happened) in list(&truth.expected["traces"]).iter().enumerate() {
            if !happened["reported_summary"].is_null() {
                continue;
            }
            // Two instrumentations side by side count each call in a trace of their own.
            let [trace] = truth.traces(turn)[..] else { continue };
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
            let place = truth.place(&format!("traces[{turn}]"));
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

fn squash(text: &Value) -> String {
    text.as_str().unwrap_or_default().split_whitespace().collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
