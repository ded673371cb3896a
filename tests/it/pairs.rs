//! One conversation with Amazon Bedrock, recorded by each instrumentation alone and by two at once: two say what either
//! says, each thing once, and count each call once.
//!
//! The captures in `tests/pairs` are live ones, of boto3 and of LangChain's `ChatBedrockConverse` against a scripted server.
//! A name is the recorders (`ss` SideSeat's SDK, `otel` OpenTelemetry's of botocore, `otellatest` the same without content,
//! `oi` OpenInference, `olm` OpenLLMetry, `lc` OpenInference's of LangChain), the API, and whether answers are streams.
//! `oi+olm.invoke` is not there: both read the body of the response, and the program gets none.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;
use sideseat_tui::decode::Signal;

use super::replay::{store_of, transcript_of};

/// What happened in each turn, but for the system's message.
const TURNS: [&[&str]; 3] = [
    &[
        "user Ping berth-4 and start reindex-tide.",
        "thought Both can go at once.",
        "assistant On it.",
        r#"call ping_host {"host":"berth-4"}"#,
        r#"call run_job {"job":"reindex-tide"}"#,
        "result pong from berth-4",
        "result Error: job reindex-tide refused: lock held by pid 4711",
        "thought The job is locked.",
        "assistant berth-4 answers; the job is locked.",
    ],
    &["user And berth-9?", r#"call ping_host {"host":"berth-9"}"#, "result pong from berth-9"],
    &["user Thank you.", "assistant Fair winds."],
];

/// What a run of the conversation is read as, a turn of it.
#[derive(Debug, Default, PartialEq)]
struct Turn {
    /// Its messages, a line each part.
    lines: Vec<String>,
    /// Model calls, and tokens: of the input those of no cache and those of one, and of the output.
    counts: [u64; 4],
    cost: f64,
    /// Each tool with its arguments, and whether it failed.
    tools: Vec<(String, bool)>,
    failed: bool,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pairs")
}

/// What a capture is read as.
fn read(name: &str) -> Vec<Turn> {
    let body = |ending: &str, signal: Signal| {
        let file = File::open(folder().join(format!("{name}.{ending}.gz"))).ok()?;
        let mut body = Vec::new();
        GzDecoder::new(file).read_to_end(&mut body).unwrap();
        Some((signal, body))
    };
    let bodies: Vec<_> = [("pb", Signal::Traces), ("logs.pb", Signal::Logs)]
        .into_iter()
        .filter_map(|(ending, signal)| body(ending, signal))
        .collect();
    let transcript = transcript_of(&store_of(&bodies));
    let mut runs: Vec<&Value> = transcript["traces"].as_array().unwrap().iter().collect();
    runs.sort_by_key(|run| run["started_at"].as_str().unwrap());
    runs.into_iter().filter(|run| run["adopted_by"].is_null()).map(turn).collect()
}

fn turn(run: &Value) -> Turn {
    let threads = run["threads"].as_array().unwrap().iter();
    let messages = threads.flat_map(|thread| thread["messages"].as_array().unwrap());
    let new = messages.filter(|message| message["history"] != true && message["role"] != "system");
    let lines = new.flat_map(|message| {
        let role = message["role"].as_str().unwrap();
        message["parts"].as_array().unwrap().iter().filter_map(move |part| line(role, part))
    });
    let totals = &run["totals"];
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let tokens = ["uncached_input", "cache_read", "output"].map(|kind| count(&totals["usage"][kind]));
    let tool =
        |tool: &Value| (format!("{} {}", tool["name"].as_str().unwrap(), tool["input"]), tool["status"] == "error");
    Turn {
        lines: lines.collect(),
        counts: [count(&totals["model_calls"]), tokens[0], tokens[1], tokens[2]],
        cost: totals["cost_usd"].as_f64().unwrap_or_default(),
        tools: run["tools"].as_array().unwrap().iter().map(tool).collect(),
        failed: run["status"] == "error",
    }
}

/// A part as a line; `None` where it says nothing.
fn line(role: &str, part: &Value) -> Option<String> {
    let text = |part: &Value| part["text"].as_str().unwrap_or_default().to_owned();
    let (kind, said) = match part["type"].as_str().unwrap() {
        "text" => (role, text(part)),
        "reasoning" => ("thought", text(part)),
        "tool_call" => ("call", format!("{} {}", part["name"].as_str().unwrap(), part["input"])),
        "tool_result" => ("result", part["content"].as_array().unwrap().iter().map(text).collect()),
        other => (other, part.to_string()),
    };
    (!said.is_empty()).then(|| format!("{kind} {said}"))
}

/// What is wrong with a pair, given what each of the two says alone.
fn wrong(pair: &[Turn], alone: [&[Turn]; 2], loses_caches: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    if pair.len() != TURNS.len() {
        wrong.push(format!("{} turns", pair.len()));
    }
    // A result that no request of its own turn carries stands in the next one.
    let all = |turns: &[Turn]| turns.iter().flat_map(|turn| turn.lines.clone()).collect::<Vec<_>>();
    let known = alone.map(all).concat();
    let expected: Vec<&str> =
        TURNS.concat().into_iter().filter(|line| known.iter().any(|known| known == line)).collect();
    if all(pair) != expected {
        wrong.push(format!("{:#?} instead of {expected:#?}", all(pair)));
    }
    for (nth, turn) in pair.iter().enumerate() {
        let alone = alone.map(|turns| &turns[nth]);
        let counts: Vec<u64> = (0..4).map(|at| alone[0].counts[at].max(alone[1].counts[at])).collect();
        // Where SideSeat's reads a stream first, the others see none of its tokens, and it has no caches.
        let is_same = |at: usize| turn.counts[at] == counts[at] || (at == 2 && loses_caches);
        if !(0..4).all(is_same) {
            wrong.push(format!("turn {nth}: counts {:?} instead of {counts:?}", turn.counts));
        }
        // Together they may know caches and where the model runs, which either lacks: never is it what two calls cost.
        let cost = alone[0].cost.max(alone[1].cost);
        if (turn.cost < cost && !loses_caches) || turn.cost > 1.5 * cost {
            wrong.push(format!("turn {nth}: cost {} instead of {cost}", turn.cost));
        }
        let runs =
            |turn: &Turn| turn.tools.iter().filter(|(run, _)| !run.ends_with(" null")).cloned().collect::<Vec<_>>();
        let fails =
            |run: &str| alone.iter().any(|turn| turn.tools.iter().any(|(other, failed)| other == run && *failed));
        let mut tools = [runs(alone[0]), runs(alone[1])].into_iter().max_by_key(Vec::len).unwrap_or_default();
        for (run, failed) in &mut tools {
            *failed = fails(run);
        }
        if turn.tools != tools {
            wrong.push(format!("turn {nth}: tools {:?} instead of {tools:?}", turn.tools));
        }
        if turn.failed != alone.iter().any(|turn| turn.failed) {
            wrong.push(format!("turn {nth}: failed {}", turn.failed));
        }
    }
    wrong
}

#[test]
fn two_instrumentations_say_what_either_says_and_each_thing_once() {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let names = files.filter_map(|file| file.strip_suffix(".pb.gz").map(str::to_owned));
    let mut names: Vec<String> = names.filter(|name| name.strip_suffix(".logs").is_none()).collect();
    names.sort();
    let (mut seen, mut bad) = (0, Vec::new());
    for name in &names {
        let (recorders, how) = name.split_once('.').unwrap();
        let Some((first, second)) = recorders.split_once('+') else { continue };
        let pair = read(name);
        let first = read(&format!("{first}.{how}"));
        let second = read(&format!("{second}.{how}"));
        let loses_caches = recorders.starts_with("ss+o") && !recorders.contains("otel") && how == "converse_stream";
        bad.extend(wrong(&pair, [&first, &second], loses_caches).into_iter().map(|wrong| format!("{name}: {wrong}")));
        seen += 1;
    }
    assert!(seen > 40, "{seen} pairs");
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// What is expected of pairs is what one of them says alone: so each has to say what happened.
#[test]
fn each_instrumentation_alone_says_nothing_that_did_not_happen() {
    for how in ["converse", "converse_stream", "invoke", "invoke_stream"] {
        for recorder in ["ss", "oi", "olm", "otel"] {
            let turns = read(&format!("{recorder}.{how}"));
            assert_eq!(turns.len(), TURNS.len(), "{recorder} {how}");
            let all: Vec<&String> = turns.iter().flat_map(|turn| &turn.lines).collect();
            let mut rest = TURNS.concat().into_iter();
            assert!(all.iter().all(|line| rest.any(|happened| happened == *line)), "{recorder} {how}: {all:#?}");
        }
    }
}
