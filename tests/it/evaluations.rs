//! Scores that different senders give, in whatever way they send them, stand at what they judge.

use serde_json::{Value, json};
use sideseat_tui::decode::{self, Encoding, Signal};
use sideseat_tui::model::{Answer, Detail, Filter, Judged, Project, Query, Subject, TraceId, TraceSummary};
use sideseat_tui::store::{Place, Store};

use crate::program::Home;
use crate::replay::{Capture, prices, send_as, store_of};
use crate::scene::Scene;
use crate::screens::{SIZES, keep};

const TRACE: &str = "abababababababababababababababab";
const CALL: &str = "2222222222222222";

/// Attributes of OTLP/JSON: texts, and numbers as doubles.
fn attributes(pairs: &Value) -> Value {
    let pairs = pairs.as_object().unwrap().iter();
    let value = |value: &Value| match value {
        Value::String(text) => json!({ "stringValue": text }),
        number => json!({ "doubleValue": number }),
    };
    pairs.map(|(key, given)| json!({ "key": key, "value": value(given) })).collect()
}

fn span(trace: &str, id: &str, name: &str, given: &Value, more: &Value) -> Value {
    let mut span = json!({
        "traceId": trace, "spanId": id, "name": name, "attributes": attributes(given),
        "startTimeUnixNano": "1000000000", "endTimeUnixNano": "2000000000",
    });
    span.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "resourceSpans": [{ "scopeSpans": [{ "scope": { "name": "judge" }, "spans": [span] }] }] })
}

fn call() -> Value {
    let given = json!({
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o",
        "annotations.0.annotation.name": "hallucination", "annotations.0.annotation.label": "grounded",
        "trace.annotations.0.annotation.name": "retrieval", "trace.annotations.0.annotation.score": 0.92,
    });
    let relevance = json!({ "gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 0.8 });
    let event = json!({ "name": "gen_ai.evaluation.result", "attributes": attributes(&relevance) });
    span(TRACE, CALL, "chat gpt-4o", &given, &json!({ "events": [event] }))
}

/// A span that judges another one, which had ended.
fn carrier() -> Value {
    let given = json!({
        "openinference.span.kind": "EVALUATOR", "evaluations.0.evaluation.name": "faithful",
        "evaluations.0.evaluation.label": "yes", "evaluations.0.evaluation.annotator_kind": "HUMAN",
    });
    let links = json!({ "links": [{ "traceId": TRACE, "spanId": CALL }] });
    span(&"cd".repeat(16), "3333333333333333", "faithfulness", &given, &links)
}

fn detail(store: &Store, trace: TraceId) -> Detail {
    let Ok(Answer::Detail(Some(detail))) = store.answer(&Query::Detail { subject: Subject::Trace(trace) }) else {
        panic!("there is a detail")
    };
    (*detail).clone()
}

/// Of two runs only one was judged, for several things: its row has how many, and its whole list has a column for it.
#[test]
fn lists_have_a_column_of_scores_where_somebody_judged() {
    let given = json!({ "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o" });
    let other = span(&"ee".repeat(16), "4444444444444444", "chat gpt-4o", &given, &json!({}));
    let mut scene = Scene::live(120, 40).sends(other.to_string().into_bytes());
    assert!(!scene.text().contains("score"), "{}", scene.text());
    let mut scene = scene.sends(call().to_string().into_bytes());
    let screen = scene.text();
    let head = screen.lines().find(|line| line.contains("score")).unwrap();
    let column = head.find("scores").unwrap() + "scores".len();
    let session = screen.lines().find(|line| line.contains("(no session)")).unwrap();
    // A wide mark is several bytes.
    let until: String = session.chars().take(head[..column].chars().count()).collect();
    assert!(until.ends_with("  3 scores"), "{screen}");
    let narrow = scene.resize(80, 24).text();
    assert!(!narrow.contains("score"), "{narrow}");
}

/// A row of the screen that has a text.
fn row_with(scene: &mut Scene, text: &str) -> String {
    let screen = scene.text();
    screen.lines().find(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}: {screen}")).to_owned()
}

#[test]
fn a_score_stands_with_what_was_judged_where_lists_have_several_such() {
    let store = store_of(&Capture::named("bedrock/seed_session").bodies());
    let page = store.list_traces(&Filter::default(), 9).unwrap();
    let [first, second] = [&page.rows[0], &page.rows[1]];
    let send = |of: &[Judgement]| send_as(&store, Signal::Logs, scores(of), Encoding::Protobuf);
    let shown = |run: &TraceSummary| {
        let page = store.list_traces(&Filter::default(), 9).unwrap();
        let given = page.rows.into_iter().find(|row| row.trace == run.trace).unwrap().score.unwrap();
        (given.number, given.failed().map(str::to_owned), given.names.join(" "))
    };
    send(&[(first.trace, "helpful", json!(0.9))]);
    assert_eq!(shown(first), (Some(0.9), None, "helpful".into()));
    let overview = || {
        let Ok(Answer::Overview(found)) = store.answer(&Query::Overview { filter: Filter::default(), today: None })
        else {
            panic!("there are sums")
        };
        (found.scored, found.judged_for)
    };
    assert_eq!(overview(), (1, 1));
    send(&[(second.trace, "toxicity", json!(0.02))]);
    assert_eq!(overview(), (2, 2));
    send(&[(first.trace, "format", json!("fail"))]);
    assert_eq!(shown(first), (Some(0.9), Some("fail".into()), "format helpful".into()));
    let Ok(Answer::Sessions(page)) = store.answer(&Query::Sessions { filter: Filter::default(), limit: 9 }) else {
        panic!("there are sessions")
    };
    let of_session = page.rows.into_iter().find_map(|row| row.score).unwrap();
    let names = ["format", "helpful", "toxicity"].map(str::to_owned);
    assert_eq!(
        (of_session.number, of_session.failed(), of_session.names.as_slice()),
        (Some(0.02), Some("fail"), &names[..])
    );
    let mut scene = Scene::of_store(store, 120, 40);
    assert!(row_with(&mut scene, " cost").contains("scores"), "{}", scene.text());
    assert!(scene.text().contains("toxic… 0.02") && scene.text().contains(" fail "), "{}", scene.text());
}

/// A trace, what is judged, and the value.
type Judgement<'a> = (TraceId, &'a str, Value);

/// Scores of whole traces, as Langfuse's SDKs send them.
fn scores(of: &[Judgement]) -> Vec<u8> {
    let score = |(trace, name, value): &Judgement| {
        json!({ "id": format!("e{name}{trace}"), "type": "score-create", "timestamp": "2026-11-22T10:00:00Z",
            "body": { "id": format!("s{name}{trace}"), "traceId": trace.to_string(), "name": name, "value": value } })
    };
    let batch: Vec<Value> = of.iter().map(score).collect();
    decode::scores(&Project::default(), json!({ "batch": batch }).to_string().as_bytes()).unwrap().request
}

#[test]
fn the_screen_of_runs_that_were_judged() {
    for (columns, rows) in SIZES {
        let store = store_of(&Capture::named("bedrock/seed_session").bodies());
        let page = store.list_traces(&Filter::default(), 9).unwrap();
        let judged: Vec<_> =
            page.rows.iter().zip([0.9, 0.35]).map(|(run, value)| (run.trace, "helpful", json!(value))).collect();
        send_as(&store, Signal::Logs, scores(&judged), Encoding::Protobuf);
        keep(&format!("scores_{columns}x{rows}"), &Scene::of_store(store, columns, rows).page());
    }
}

#[test]
fn commands_say_what_runs_were_judged_by() {
    let home = Home::new();
    let file = home.write("judged.json", call().to_string());
    home.prints(&["import", &file]);
    let json = |arguments: &[&str]| -> Value { serde_json::from_slice(&home.prints(arguments)).unwrap() };
    let traces = json(&["traces", "--json"]);
    assert_eq!((&traces[0]["score"], &json(&["sessions", "--json"])[0]["score"]), (&json!(0.8), &json!(0.8)));
    assert_eq!(json(&["traces", "--json", "--filter", "score<.8"]), json!([]));
    let table = String::from_utf8(home.prints(&["traces"])).unwrap();
    assert!(table.lines().next().unwrap().contains("SCORE") && table.contains("  3 scores  "), "{table}");
    assert_eq!(traces[0]["judged_for"], json!(["hallucination", "relevance", "retrieval"]));
    let table = String::from_utf8(home.prints(&["traces", "--filter", "score<.8"])).unwrap();
    assert!(!table.contains("SCORE"), "{table}");
}

#[test]
fn a_score_stands_at_what_it_judges_whoever_sends_it_and_in_whatever_order() {
    let batch = json!({ "batch": [{ "id": "e", "type": "score-create", "timestamp": "1970-01-01T00:00:09Z",
        "body": { "id": "s", "traceId": TRACE, "observationId": CALL, "name": "helpful", "value": 1 } }] });
    let scores = decode::scores(&Project::default(), batch.to_string().as_bytes()).unwrap().request;
    let sent = [
        (Signal::Traces, call().to_string().into_bytes(), Encoding::Json),
        (Signal::Traces, carrier().to_string().into_bytes(), Encoding::Json),
        (Signal::Logs, scores, Encoding::Protobuf),
    ];
    for order in [[0, 1, 2], [2, 1, 0]] {
        let store = Store::open(&Place::Memory, prices()).unwrap();
        // What is sent again is there once.
        for at in order.into_iter().chain(order) {
            let (signal, body, encoding) = &sent[at];
            send_as(&store, *signal, body.clone(), *encoding);
        }
        let detail = detail(&store, TRACE.parse().unwrap());
        let mut found: Vec<_> = detail.traces[0]
            .evaluations
            .iter()
            .map(|of| (of.name.as_str(), of.span.is_some(), of.judged == Judged::Trace, of.judge.as_deref()))
            .collect();
        found.sort_unstable();
        let expected = [
            ("faithful", true, false, Some("human")),
            ("hallucination", true, false, None),
            ("helpful", true, false, None),
            ("relevance", true, false, None),
            ("retrieval", false, true, None),
        ];
        assert_eq!(found, expected, "{order:?}");
    }
}

#[test]
fn a_score_of_a_session_that_names_no_trace_stands_at_its_newest_run() {
    let judged = |session: &str| {
        let body = json!([{ "id": "s", "sessionId": session, "name": "solved", "value": 1, "dataType": "BOOLEAN",
            "timestamp": "1970-01-01T00:00:09Z" }]);
        decode::scores(&Project::default(), body.to_string().as_bytes()).unwrap().request
    };
    let given = json!({ "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "session.id": "desk" });
    let later = json!({ "startTimeUnixNano": "3000000000", "endTimeUnixNano": "4000000000" });
    let store = Store::open(&Place::Memory, prices()).unwrap();
    send_as(&store, Signal::Logs, judged("desk"), Encoding::Protobuf);
    send_as(&store, Signal::Logs, judged("other"), Encoding::Protobuf);
    for (trace, more) in [(TRACE.to_owned(), json!({})), ("cd".repeat(16), later)] {
        let span = span(&trace, CALL, "chat gpt-4o", &given, &more);
        send_as(&store, Signal::Traces, span.to_string().into_bytes(), Encoding::Json);
    }
    let Ok(Answer::Detail(Some(found))) = store.answer(&Query::Detail { subject: Subject::Session("desk".into()) })
    else {
        panic!("there is a detail")
    };
    let scores: Vec<usize> = found.traces.iter().map(|trace| trace.evaluations.len()).collect();
    assert_eq!(scores, [0, 1]);
    let of = &found.traces[1].evaluations[0];
    assert_eq!((of.name.as_str(), of.judged, of.label.as_deref()), ("solved", Judged::Session, Some("true")));
    assert!(detail(&store, TRACE.parse().unwrap()).traces[0].evaluations.is_empty());
    // It is in the session's row, and in no row of a run.
    let Ok(Answer::Sessions(page)) = store.answer(&Query::Sessions { filter: Filter::default(), limit: 9 }) else {
        panic!("there are sessions")
    };
    let given = page.rows[0].score.clone().unwrap();
    assert_eq!((given.number, given.label, given.names), (Some(1.0), None, vec!["solved".to_owned()]));
    assert!(store.list_traces(&Filter::default(), 9).unwrap().rows.iter().all(|run| run.score.is_none()));
}

#[test]
fn the_screen_shows_a_score_of_a_session_that_comes_alone() {
    let given = json!({ "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "session.id": "desk" });
    let run = span(TRACE, CALL, "chat gpt-4o", &given, &json!({}));
    let mut scene = Scene::live(120, 40).sends(run.to_string().into_bytes()).press("g g");
    assert!(!scene.text().contains("score"), "{}", scene.text());
    let body = json!([{ "id": "s", "sessionId": "desk", "name": "solved", "value": 0.25,
        "timestamp": "1970-01-01T00:00:09Z" }]);
    let score = decode::scores(&Project::default(), body.to_string().as_bytes()).unwrap().request;
    let mut scene = scene.sends_as(Signal::Logs, score, Encoding::Protobuf);
    assert!(row_with(&mut scene, "desk").contains("0.25"), "{}", scene.text());
    assert!(scene.text().contains("solved"), "the detail has it: {}", scene.text());
}
