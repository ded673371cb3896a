//! What users of such tools reported as wrong, made small: `tests/reports`, each input with what is right.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sideseat_tui::decode::{Encoding, Signal};
use sideseat_tui::model::{Answer, Evaluation, Query, Subject};
use sideseat_tui::store::{Place, Store};

use crate::replay::{list, prices, send_as, transcript_of};

/// A store in memory that was sent these reports, one after another.
fn store(names: &[&str]) -> Store {
    let store = Store::open(&Place::Memory, prices()).unwrap();
    for name in names {
        send(&store, name, report(name));
    }
    store
}

fn send(store: &Store, name: &str, body: Vec<u8>) {
    let signal = if name.contains(".logs") { Signal::Logs } else { Signal::Traces };
    send_as(store, signal, body, Encoding::Json);
}

fn report(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/reports/{name}.json"))).unwrap()
}

/// The transcript of what was sent.
fn transcript(names: &[&str]) -> Value {
    transcript_of(&store(names))
}

/// The value at a JSON pointer.
fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    value.pointer(path).unwrap_or_else(|| panic!("{path} in {value:#}"))
}

/// An amount of money in millionths of a millionth of a dollar, which is exact.
fn pico(dollars: &Value) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "small amounts")]
    let amount = (dollars.as_f64().unwrap_or_else(|| panic!("{dollars} is no amount")) * 1e12).round() as i64;
    amount
}

/// The span whose id ends so.
fn span<'v>(trace: &'v Value, ending: &str) -> &'v Value {
    let is_it = |span: &&Value| span["span_id"].as_str().unwrap().ends_with(ending);
    list(&trace["spans"]).iter().find(is_it).unwrap()
}

/// Uncached input, cache reads, cache writes, output.
fn usage(of: &Value) -> [Option<u64>; 4] {
    ["uncached_input", "cache_read", "cache_write", "output"].map(|key| of["usage"][key].as_u64())
}

/// The messages of a trace's conversations: role, text of each part, whether it is history.
fn messages(trace: &Value) -> Vec<(String, Vec<String>, bool)> {
    let threads = list(&trace["threads"]).iter();
    let messages = threads.flat_map(|thread| list(&thread["messages"]));
    let text = |part: &Value| match part["type"].as_str().unwrap() {
        "text" => part["text"].as_str().unwrap().to_owned(),
        "reasoning" => format!("thought: {}", part["text"].as_str().unwrap_or("-")),
        "tool_call" => format!("call {}: {}", part["call_id"].as_str().unwrap(), part["input"]),
        "tool_result" => {
            let texts: Vec<&str> = list(&part["content"]).iter().filter_map(|part| part["text"].as_str()).collect();
            format!("result {}: {}", part["call_id"].as_str().unwrap_or("-"), texts.join(""))
        }
        kind => panic!("a part of type {kind}: {part}"),
    };
    let message = |message: &Value| {
        let parts = list(&message["parts"]).iter().map(text).collect();
        (message["role"].as_str().unwrap().to_owned(), parts, message["history"] == true)
    };
    messages.map(message).collect()
}

#[test]
fn each_kind_of_cache_write_has_its_price() {
    let found = transcript(&["01-cache-write-1h"]);
    let [first, second] = list(&found["traces"]) else { panic!("two traces") };
    let call = span(first, "000b");
    assert_eq!(usage(call), [Some(12), Some(0), Some(48210), Some(340)]);
    assert_eq!(pico(&call["cost_usd"]), 294_396_000_000);
    let call = span(second, "0015");
    assert_eq!(usage(call), [Some(9), Some(48210), Some(600), Some(512)]);
    assert_eq!(pico(&call["cost_usd"]), 24_420_000_000);
    for (trace, root) in [(first, "000a"), (second, "0014")] {
        assert_eq!((at(trace, "/totals/model_calls"), &span(trace, root)["counted"]), (&json!(1), &json!(false)));
    }
    let history: Vec<bool> = messages(second).into_iter().map(|(.., history)| history).collect();
    assert_eq!(history, [false, true, true, false, false]);
    let session = &found["sessions"][0];
    assert_eq!(usage(&session["totals"]), [Some(21), Some(48210), Some(48810), Some(852)]);
    assert_eq!(pico(at(session, "/totals/cost_usd")), 318_816_000_000);
}

#[test]
fn a_call_costs_what_its_tier_costs() {
    let found = transcript(&["06-service-tier"]);
    let traces = list(&found["traces"]);
    let costs: Vec<i64> = traces.iter().map(|trace| pico(at(trace, "/totals/cost_usd"))).collect();
    assert_eq!(costs, [32_500_000_000, 56_000_000_000, 450_000_000]);
    assert_eq!(usage(&traces[1]["totals"]), [Some(6000), Some(4000), None, Some(2000)]);
}

#[test]
fn a_deployments_name_is_no_models() {
    let found = transcript(&["03-azure-deployment-names"]);
    let calls: Vec<&Value> = list(&found["traces"]).iter().map(|trace| &list(&trace["spans"])[1]).collect();
    let names: Vec<_> = calls.iter().map(|call| (call["model"].as_str(), call["response_model"].as_str())).collect();
    let mini = Some("gpt-4o-mini-2024-07-18");
    assert_eq!(names, [(Some("support-prod-eu"), mini), (Some("gpt-4o"), mini), (Some("team-x"), Some("team-x"))]);
    assert!(calls.iter().all(|call| call["provider"] == "azure.ai.openai"));
    assert_eq!([pico(&calls[0]["cost_usd"]), pico(&calls[1]["cost_usd"])], [270_000_000; 2]);
    assert_eq!(calls[2]["cost_usd"], Value::Null);
}

#[test]
fn tokens_that_only_the_total_has_are_geminis_output() {
    let found = transcript(&["07-gemini-thoughts-in-total-only"]);
    let totals = &found["traces"][0]["totals"];
    assert_eq!(usage(totals), [Some(120), None, None, Some(884)]);
    assert_eq!(pico(&totals["cost_usd"]), 2_246_000_000);
}

fn said(role: &str, parts: &[&str], history: bool) -> (String, Vec<String>, bool) {
    (role.to_owned(), parts.iter().map(|&part| part.to_owned()).collect(), history)
}

#[test]
fn reasoning_without_an_answer_is_content() {
    let found = transcript(&["14-reasoning-without-answer"]);
    let [first, second] = list(&found["traces"]) else { panic!("two traces") };
    let thought = "thought: The question has no number in it, so no sum is possible yet. Let me wait for it.";
    let asked = said("user", &["Add the following two numbers:"], false);
    assert_eq!(messages(first), [asked, said("assistant", &[thought], false)]);
    assert_eq!(usage(&first["totals"]), [Some(30), None, None, Some(44)]);

    let all = messages(second);
    assert!(all[2].1[0].starts_with("thought: I cannot see the shed."), "{all:#?}");
    assert_eq!(all[2].1[1..], [r#"call call_14a: {"door":"shed"}"#]);
    assert_eq!(all.iter().filter(|(_, parts, _)| parts.iter().any(|part| part.starts_with("call"))).count(), 1);
    let decide = span(second, "000c");
    assert_eq!(usage(decide), [Some(2089), None, None, Some(823)]);
    assert_eq!((decide["usage"]["reasoning"].as_u64(), pico(&decide["cost_usd"])), (Some(310), 2_684_200_000));
    assert_eq!((usage(&second["totals"])[0], pico(at(second, "/totals/cost_usd"))), (Some(4229), 3_348_700_000));
    let tool = &second["tools"][0];
    assert_eq!(
        (&tool["status"], at(tool, "/output/0/value")),
        (&json!("ok"), &json!({"locked": true, "since": "21:04"}))
    );
}

#[test]
fn a_failure_that_only_the_result_tells_is_one_everywhere() {
    let store = store(&["11-mcp-is-error"]);
    let found = transcript_of(&store);
    let trace = &found["traces"][0];
    let [tool] = list(&trace["tools"]) else { panic!("one tool: {:#}", trace["tools"]) };
    let refused = r#"Field "priority" must be one of low, normal, high."#;
    assert_eq!(
        (&tool["call_id"], &tool["status"], &tool["error"]),
        (&json!("call_11a"), &json!("error"), &json!(refused))
    );
    assert_eq!(tool["input"], json!({"title": "Lift broken, house 4"}));
    assert_eq!((at(trace, "/totals/failed_tools"), at(trace, "/totals/errors")), (&json!(1), &json!(1)));
    assert_eq!((&trace["status"], at(trace, "/errors/0/message")), (&json!("ok"), &json!(refused)));
    assert_eq!(
        (usage(&trace["totals"]), at(trace, "/totals/model_calls")),
        ([Some(190), None, None, Some(45)], &json!(2))
    );
    for (child, parent) in [("0004", "0003"), ("0005", "0004")] {
        assert!(span(trace, child)["parent_span_id"].as_str().unwrap().ends_with(parent));
    }
}

#[test]
fn a_score_is_no_message_and_no_failure_of_the_run_that_it_judges() {
    let found = transcript(&["23-evaluation-results", "23-evaluation-results.logs"]);
    let [judged, judge] = list(&found["traces"]) else { panic!("two traces") };
    let asked = said("user", &["Capital of the canton Uri?"], false);
    assert_eq!(messages(judged), [asked, said("assistant", &["Altdorf."], false)]);
    assert_eq!((&judged["status"], &judged["waits_for"], &judged["tools"]), (&json!("ok"), &Value::Null, &json!([])));
    assert_eq!((at(judged, "/totals/errors"), at(judged, "/totals/model_calls")), (&json!(0), &json!(1)));
    assert_eq!([usage(&judged["totals"])[0], usage(&judged["totals"])[3]], [Some(24), Some(4)]);
    assert_eq!([usage(&judge["totals"])[0], usage(&judge["totals"])[3]], [Some(140), Some(30)]);
}

#[test]
fn the_scores_of_a_span_are_found_with_what_they_judge() {
    let store = store(&["23-evaluation-results", "23-evaluation-results.logs"]);
    let trace = "b0617000000000000000000000000001".parse().unwrap();
    let Ok(Answer::Detail(Some(detail))) = store.answer(&Query::Detail { subject: Subject::Trace(trace) }) else {
        panic!("the store has the trace")
    };
    let scores = detail.traces[0].evaluations.iter().map(|evaluation| {
        let Evaluation { span, name, score, label, failure, .. } = evaluation;
        let span = span.map(|span| span.to_string()).unwrap_or_default();
        (span.as_str() == "17b0000000000001", name.as_str(), *score, label.as_deref(), failure.as_deref())
    });
    let wanted = [
        (true, "accuracy", Some(0.5), None, None),
        (true, "language", None, Some("de"), None),
        (true, "short", Some(1.0), Some("pass"), None),
        (true, "toxicity", None, None, Some("pydantic_evals.EvaluatorFailure")),
    ];
    assert_eq!(scores.collect::<Vec<_>>(), wanted);
    let explained = detail.traces[0].evaluations[0].explanation.as_deref();
    assert_eq!(explained, Some("Correct, yet without a sentence."));
}

#[test]
fn what_is_delivered_twice_counts_once_in_any_order() {
    let name = "20-delivered-twice";
    let once = transcript(&[name]);
    let mut turned: Value = serde_json::from_slice(&report(name)).unwrap();
    turned["resourceSpans"].as_array_mut().unwrap().reverse();
    let backwards = store(&[]);
    send(&backwards, name, turned.to_string().into_bytes());
    assert_eq!(transcript_of(&backwards), once);
    assert_eq!(transcript(&[name, name]), once);

    let trace = &once["traces"][0];
    assert_eq!((list(&trace["spans"]).len(), &trace["status"], &trace["waits_for"]), (5, &json!("ok"), &Value::Null));
    assert_eq!([usage(&trace["totals"])[0], usage(&trace["totals"])[3]], [Some(78), Some(19)]);
    assert_eq!((at(trace, "/totals/model_calls"), at(trace, "/totals/errors")), (&json!(2), &json!(0)));
    let [tool] = list(&trace["tools"]) else { panic!("one tool") };
    assert_eq!((&tool["status"], at(tool, "/output/0/text")), (&json!("ok"), &json!("142 cm")));
    assert_eq!(trace["session_id"], "bug-20-weir");
}

#[test]
fn a_call_waits_until_a_later_trace_brings_its_result() {
    let waiting = transcript(&["17-interrupt-resume.part1"]);
    let trace = &waiting["traces"][0];
    let [tool] = list(&trace["tools"]) else { panic!("one tool") };
    assert_eq!(
        (&tool["call_id"], &tool["name"], &tool["input"]),
        (&json!("tooluse_17a"), &json!("open_door"), &json!({"door": "garage"}))
    );
    assert_eq!((&tool["status"], &tool["output"]), (&json!("pending"), &Value::Null));
    assert_eq!((&trace["status"], at(trace, "/totals/failed_tools")), (&json!("ok"), &json!(0)));

    let both = transcript(&["17-interrupt-resume.part1", "17-interrupt-resume.part2"]);
    let [first, second] = list(&both["traces"]) else { panic!("two traces") };
    let tool = &first["tools"][0];
    assert_eq!((&tool["status"], at(tool, "/output/0/text")), (&json!("ok"), &json!("door moving, open in 12 s")));
    assert_eq!((&second["tools"], at(second, "/totals/tool_calls")), (&json!([]), &json!(0)));
    assert_eq!(at(&both, "/sessions/0/totals/tool_calls"), 1);
    let call = r#"call tooluse_17a: {"door":"garage"}"#;
    let expected = [
        said("system", &["You run the garage door."], false),
        said("user", &["Open the garage door."], true),
        said("assistant", &["This needs your consent.", call], true),
        said("tool", &["result tooluse_17a: door moving, open in 12 s"], false),
        said("assistant", &["The garage door is open."], false),
    ];
    assert_eq!(messages(second), expected);
    assert_eq!([usage(&first["totals"])[0], usage(&first["totals"])[3]], [Some(420), Some(60)]);
    assert_eq!([usage(&second["totals"])[0], usage(&second["totals"])[3]], [Some(510), Some(14)]);
}

#[test]
fn a_prompt_that_was_cut_is_no_new_question_at_every_step() {
    let found = transcript(&["15-truncated-json"]);
    let trace = &found["traces"][0];
    assert_eq!(list(&trace["threads"]).len(), 1);
    let all = messages(trace);
    let roles: Vec<&str> = all.iter().map(|(role, ..)| role.as_str()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "assistant"]);
    assert_eq!(all[0].1, ["You are a coding assistant in an editor. Prefer small edits."]);
    assert!(all[1].1[0].starts_with("Why does the water meter report jump?"));
    assert_eq!(at(trace, "/threads/0/messages/1/parts/0/truncated"), true);
    assert!(all[2].1[0].starts_with("call call_15a"));
    assert!(all[3].1[0].starts_with("result call_15a: def report(rows):"));
    assert!(all[4].1[0].starts_with("`report` subtracts"));
    assert_eq!(trace["session_id"], "0b15c0de-0000-4000-8000-000000000015");
    assert_eq!([usage(&trace["totals"])[0], usage(&trace["totals"])[3]], [Some(3020), Some(69)]);
    let waits = ["0002", "0004"].map(|id| span(trace, id)["ttft_ms"].as_f64());
    assert_eq!((waits, at(trace, "/totals/model_calls")), ([Some(640.0), Some(510.0)], &json!(2)));
    let [tool] = list(&trace["tools"]) else { panic!("one tool") };
    assert_eq!((&tool["status"], at(tool, "/input/endLine")), (&json!("ok"), &json!(40)));
}
