//! Runs as a page for a browser: whole, safe, and complete.

use std::fs;

use serde_json::{Value, json};

use crate::program::{Home, fixture, request, span};

const RUNS: &[&str] = &[
    "bedrock/seed_tool_use.pb",
    "bedrock/seed_thinking.pb",
    "bedrock/seed_session.pb",
    "strands/openai_support.pb",
    "langchain/oi_graph_openai_support.pb",
];

fn page(home: &Home, more: &[&str]) -> String {
    let mut arguments = vec!["export", "--format", "html"];
    arguments.extend(more);
    String::from_utf8(home.prints(&arguments)).unwrap()
}

/// Every element of a page; fails where one is not closed, is of a kind that does something, or could load something.
fn elements(page: &str) -> Vec<String> {
    const KNOWN: &[&str] = &[
        "html", "head", "title", "style", "body", "h1", "h2", "h3", "p", "b", "span", "div", "ul", "li", "pre",
        "details", "summary", "table", "tr", "th", "td", "footer",
    ];
    const WITHOUT_END: &[&str] = &["meta", "img"];
    let mut open: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap_or_else(|| panic!("a tag without an end: {piece}"));
        if tag == "!DOCTYPE html" {
            continue;
        }
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(closed), "in {piece}");
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        for attribute in ["src=\"", "href=\"", "srcset=\"", "action=\""] {
            for value in attributes.split(attribute).skip(1) {
                assert!(value.starts_with("data:image/"), "{tag}");
            }
        }
        assert!(!attributes.contains(" on") && !attributes.starts_with("on"), "{tag}");
        assert!(KNOWN.contains(&name) || WITHOUT_END.contains(&name), "{tag}");
        all.push(name.to_owned());
        if KNOWN.contains(&name) {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "{open:?} has no end");
    all
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// A page without what only colours parts of a text.
fn without_spans(page: &str) -> String {
    let mut pieces = page.split("<span");
    let first = pieces.next().unwrap_or_default().to_owned();
    let rest = pieces.map(|piece| piece.split_once('>').unwrap().1);
    (first + &rest.collect::<String>()).replace("</span>", "")
}

#[test]
fn a_page_holds_what_was_said_and_done_and_loads_nothing() {
    let home = Home::new();
    let files: Vec<String> = RUNS.iter().map(|run| home.write(&run.replace('/', "-"), fixture(run))).collect();
    let mut arguments = vec!["import"];
    arguments.extend(files.iter().map(String::as_str));
    home.prints(&arguments);
    let page = page(&home, &[]);
    elements(&page);
    assert!(!page.contains("@import") && !page.contains("url("));
    let page = without_spans(&page);
    let transcript = home.transcript();
    let mut texts = 0;
    for trace in transcript["traces"].as_array().unwrap() {
        assert!(page.contains(trace["trace_id"].as_str().unwrap()));
        for tool in trace["tool_runs"].as_array().into_iter().flatten() {
            assert!(page.contains(&escaped(tool["name"].as_str().unwrap())), "{tool}");
        }
        for message in
            trace["threads"].as_array().into_iter().flatten().flat_map(|thread| thread["messages"].as_array().unwrap())
        {
            if message["history"] == true {
                continue;
            }
            for text in message["parts"].as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()) {
                texts += 1;
                assert!(page.contains(&escaped(text.trim_end_matches('\n'))), "{text}");
            }
        }
    }
    assert!(texts > 20, "{texts}");
    for heading in
        ["Where the time went", "Tokens and cost", "Messages", "Timeline", "called with", "gave back", "reasoning"]
    {
        assert!(page.contains(heading), "{heading}");
    }
}

#[test]
fn what_somebody_sends_to_hurt_a_reader_stays_text() {
    let hostile = "</title></pre><script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}\u{1b}[31m";
    let home = Home::new();
    let mut one = span(1, 1, hostile);
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let message = json!([{"role": "user", "parts": [{"type": "text", "content": hostile}]}]).to_string();
    let answer = json!([{"role": "assistant", "parts": [
        {"type": "text", "content": "my key is sk-abcdefghijklmnopqrstuvwx0123"},
        {"type": "tool_call", "id": hostile, "name": hostile, "arguments": {hostile: hostile}}]}]);
    one["attributes"] = json!([
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.request.model", hostile),
        text("session.id", hostile),
        text("gen_ai.input.messages", &message),
        text("gen_ai.output.messages", &answer.to_string()),
    ]);
    let mut failed = span(1, 2, hostile);
    failed["parentSpanId"] = one["spanId"].clone();
    failed["status"] = json!({"code": 2, "message": hostile});
    let file = home.write("hostile.json", request(&[one, failed]));
    home.prints(&["import", &file]);
    let page = page(&home, &[]);
    let found = elements(&page);
    assert!(!found.contains(&"script".to_owned()) && !found.contains(&"img".to_owned()));
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}') && page.contains("&lt;U+202E&gt;"));
    assert!(!page.contains("sk-abcdef") && page.contains("1 secret was left out"), "a key leaves with nobody");
}

#[test]
fn a_page_is_of_what_was_picked_and_goes_into_a_file() {
    let home = Home::new();
    let file = home.write("session.pb", fixture("bedrock/seed_session.pb"));
    home.prints(&["import", &file]);
    let listed: Value = serde_json::from_slice(&home.prints(&["traces", "--json"])).unwrap();
    let ids: Vec<&str> = listed.as_array().unwrap().iter().map(|run| run["trace_id"].as_str().unwrap()).collect();
    assert!(ids.len() > 1);
    let to = home.path("run.html");
    home.prints(&["export", "--format", "html", "--trace", ids[0], "-o", to.to_str().unwrap()]);
    let one = fs::read_to_string(&to).unwrap();
    elements(&one);
    assert!(one.contains(ids[0]) && !one.contains(ids[1]));
    let session = listed[0]["session_id"].as_str().unwrap();
    let all = page(&home, &["--session", session]);
    assert!(ids.iter().all(|id| all.contains(id)) && all.contains(&format!("<h1>session {session}</h1>")));
}
