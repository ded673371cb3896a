//! What holds of every transcript, whatever happened: the order of messages, which role has which parts, calls and
//! their results, each once.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::replay::{list, replays};

/// Calls that a conversation shows without a result: in which capture, how many, and why.
const UNANSWERED: &[(&str, usize, &str)] = &[
    ("bedrock/seed_tool_use", 1, "the program sends the result in its next trace"),
    ("claude-agent-sdk/oi_retry", 1, "the telemetry does not carry what the failed tool returned"),
    ("claude-agent-sdk/oi_storm", 1, "the telemetry does not carry what the failed tool returned"),
    ("cli-agents/claude_code", 1, "the telemetry does not carry what the failed tool returned"),
    ("cli-agents/gemini_cli", 2, "the next request, and so the result, is in a trace of its own"),
    ("genkit/chat_throw_storm", 1, "the tool raised, and the framework ended the run"),
    ("google-adk/adk1_gemini_support", 2, "the tool raised, and the framework ended the run"),
    ("groq-oi/pager_stream", 5, "each call is a trace, and the results are in the next"),
    ("groq-olm/plain_pager", 5, "each call is a trace, and the results are in the next"),
    ("haystack/oi_chat_one", 2, "the program runs no tools"),
    ("litellm/otel_anthropic_root_depot", 1, "each call of its first turn is a trace, and the result is in the next"),
    ("litellm/otel_pager", 5, "each call is a trace, and the results are in the next"),
    ("litellm/otel_storm_stream", 6, "each call is a trace, and the results are in the next"),
    ("mastra/agent_storm", 1, "the telemetry does not carry what the failed tool returned"),
    ("mastra/agent_storm_stream", 1, "the telemetry does not carry what the failed tool returned"),
    ("mistral-olm/pager", 1, "the telemetry does not carry what the failed tool returned"),
    ("mistral-olm/storm", 1, "the telemetry does not carry what the failed tool returned"),
    ("mistral-olm/storm_stream", 1, "the telemetry does not carry what the failed tool returned"),
    ("ollama-olm/plain_pager_stream", 5, "each call is a trace, and the results are in the next"),
    (
        "strands-oi/oi_bedrock_pinger",
        2,
        "of two results in one message the instrumentation keeps one, with the other's id",
    ),
];

/// Captures without spans of model calls: their answers are those of agents.
const WITHOUT_MODEL_CALLS: &[&str] =
    &["autogen/ag_swarm_swarm", "autogen/ag_team_err", "autogen/team", "crewai/oi_only_llmerror"];

/// Calls that are not listed among the tools: the model wrote code as a text, and its run names no call; or only a later
/// trace has them, and the tools ran in traces of their own.
const UNLISTED: &[(&str, &str)] = &[
    ("smolagents/code", "python_interpreter"),
    ("groq-oi/pager_stream", "ping_host"),
    ("groq-oi/pager_stream", "run_job"),
    ("groq-oi/pager_stream", "fetch_log"),
    // The next trace has the calls, which have no ids, and lists them.
    ("ollama-olm/plain_pager_stream", "ping_host"),
    ("ollama-olm/plain_pager_stream", "run_job"),
    ("ollama-olm/plain_pager_stream", "fetch_log"),
];

/// Each conversation of each capture, with the capture's name.
fn each_conversation(mut check: impl FnMut(&str, &Value, &[Value])) {
    let mut checked = 0;
    for replay in replays() {
        for trace in list(&replay.transcript["traces"]) {
            for conversation in list(&trace["threads"]) {
                check(&replay.name(), trace, list(&conversation["messages"]));
                checked += 1;
            }
        }
    }
    assert!(checked > 300, "{checked} conversations");
}

#[test]
fn history_stands_before_what_is_new_and_no_prompt_is_history() {
    each_conversation(|name, _, messages| {
        let others: Vec<&Value> = messages.iter().filter(|message| message["role"] != "system").collect();
        assert!(others.is_sorted_by_key(|message| message["history"] != true), "{name}: {messages:#?}");
        let prompts = messages.iter().filter(|message| message["role"] == "system");
        assert!(prompts.into_iter().all(|prompt| prompt["history"] == false), "{name}: {messages:#?}");
    });
}

#[test]
fn each_role_has_its_kinds_of_parts() {
    each_conversation(|name, _, messages| {
        for message in messages {
            assert!(!list(&message["parts"]).is_empty(), "{name}: a message of nothing");
            for part in list(&message["parts"]) {
                let fits = match part["type"].as_str().unwrap() {
                    "tool_result" => message["role"] == "tool",
                    "tool_call" | "reasoning" => message["role"] == "assistant",
                    _ => message["role"] != "tool",
                };
                assert!(fits, "{name}: {message:#}");
            }
        }
    });
}

/// Whatever finished first: the results stand in the order of the calls.
#[test]
fn every_call_has_its_result_right_after_it_once() {
    let mut unanswered: BTreeMap<String, usize> = BTreeMap::new();
    each_conversation(|name, _, messages| {
        let mut open: Vec<&Value> = Vec::new();
        let (mut ids, mut before) = (HashSet::new(), &Value::Null);
        for message in messages {
            let role = &message["role"];
            // Some senders make a message of each call: all of them stand before the first result. After a hand-off
            // the prompt of the next agent may stand before it.
            let goes_on = role == "tool" || role == "system" || (role == "assistant" && before == "assistant");
            before = role;
            if !goes_on {
                *unanswered.entry(name.to_owned()).or_default() += open.len();
                open.clear();
            }
            for part in list(&message["parts"]) {
                let id = &part["call_id"];
                if part["type"] == "tool_call" {
                    assert!(id.is_null() || ids.insert(id.clone()), "{name}: {id} is called twice");
                    open.push(id);
                } else if part["type"] == "tool_result" {
                    // A result may name no call: then it is that of the next one.
                    // History may have results only: then they name none.
                    if id.is_null() && open.is_empty() && message["history"] == true {
                        continue;
                    }
                    let place = open.iter().position(|call| id.is_null() || *call == id);
                    let place = place.unwrap_or_else(|| panic!("{name}: {id} is no call right before its result"));
                    let passed = open.drain(..=place).count() - 1;
                    *unanswered.entry(name.to_owned()).or_default() += passed;
                }
            }
        }
        *unanswered.entry(name.to_owned()).or_default() += open.len();
    });
    unanswered.retain(|_, number| *number > 0);
    let known = UNANSWERED.iter().map(|(name, number, _)| ((*name).to_owned(), *number)).collect();
    assert_eq!(unanswered, known);
}

#[test]
fn every_answer_is_shown_once_and_is_that_of_a_counted_call() {
    each_conversation(|name, trace, messages| {
        let mut answers = HashSet::new();
        for message in messages.iter().filter(|message| message["role"] == "assistant" && message["history"] == false) {
            let answer = (message["span_id"].clone(), message["parts"].clone());
            assert!(answers.insert(answer), "{name}: twice {message:#}");
            let span = list(&trace["spans"]).iter().find(|span| span["span_id"] == message["span_id"]);
            let span = span.unwrap_or_else(|| panic!("{name}: no span {}", message["span_id"]));
            assert!(span["counted"] == true || WITHOUT_MODEL_CALLS.contains(&name), "{name}: {message:#}");
        }
    });
}

#[test]
fn the_tools_are_the_calls_of_the_conversations_once_each() {
    for replay in replays() {
        for trace in list(&replay.transcript["traces"]) {
            let conversations = list(&trace["threads"]).iter();
            let mut calls: BTreeMap<(String, String), usize> = BTreeMap::new();
            let key = |call: &Value| (call["call_id"].to_string(), call["name"].as_str().unwrap().to_owned());
            for message in conversations.flat_map(|conversation| list(&conversation["messages"])) {
                let calls_of = list(&message["parts"]).iter().filter(|part| part["type"] == "tool_call");
                for call in calls_of.filter(|_| message["history"] == false) {
                    *calls.entry(key(call)).or_default() += 1;
                }
            }
            let name = replay.name();
            for (call, number) in calls.iter().filter(|((_, tool), _)| !UNLISTED.contains(&(name.as_str(), tool))) {
                let listed = list(&trace["tools"]).iter().filter(|tool| key(tool) == *call).count();
                assert_eq!(listed, *number, "{}: {call:?}", replay.name());
            }
            for tool in list(&trace["tools"]) {
                let has_output = !tool["output"].is_null();
                // Of a request that a server of MCP answered only its name is recorded.
                let is_bare = tool["input"].is_null() && tool["call_id"].is_null();
                let fits = match tool["status"].as_str().unwrap() {
                    "ok" => has_output || is_bare,
                    "pending" => !has_output,
                    status => status == "error" && (has_output || !tool["error"].is_null()),
                };
                assert!(fits, "{}: {tool:#}", replay.name());
            }
        }
    }
}
