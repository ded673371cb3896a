//! What holds for all dialects together, whatever arrives.

use std::{fs, path::Path, sync::LazyLock};

use proptest::prelude::*;

use super::{
    sample::{Sample, sides},
    *,
};
use crate::model::{Attributes, Resource, Scope, SpanEvent, Status, Timestamp, Value, json};

#[test]
fn every_dialect_has_a_name_of_its_own_and_the_plainest_is_asked_last() {
    let mut names: Vec<_> = DIALECTS.iter().map(|dialect| dialect.name).collect();
    assert_eq!(names.last(), Some(&"plain-io"));
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn a_plain_span_is_understood_as_that() {
    let read = Sample::span("rag-answer").scope("sideseat").with(&[("session.id", "s")]).translate();
    assert_eq!((read.genai.category, read.dialects.len(), read.notes.len()), (Category::Span, 0, 0));
    assert_eq!(read.context.session.as_deref(), Some("s"));
}

/// More than any span holds that an SDK sends with its usual limits, and fewer than [`indexed`] reads.
const MANY: usize = 5_000;

#[test]
fn a_long_history_is_read_whole_in_every_form() {
    let keys = |of_one: &dyn Fn(usize) -> Vec<(String, String)>| -> Sample {
        let all: Vec<_> = (0..MANY).flat_map(of_one).collect();
        Sample::span("chat").with(&all.iter().map(|(key, text)| (key.as_str(), text.as_str())).collect::<Vec<_>>())
    };
    let list = |key: &str, of_one: &dyn Fn(usize) -> String, before: &str, after: &str| {
        let all: Vec<_> = (0..MANY).map(of_one).collect();
        Sample::span("chat").with(&[(key, &format!("{before}[{}]{after}", all.join(",")))])
    };
    let pair = |key: String, text: String| (key, text);
    let said_by_keys = |prefix: &'static str, message: &'static str| {
        keys(&|at| {
            let role = if at % 2 == 0 { "user" } else { "assistant" };
            let key = |field: &str| format!("{prefix}{at}.{message}{field}");
            vec![pair(key("role"), role.to_owned()), pair(key("content"), format!("m{at}"))]
        })
    };
    let message = |at: usize| format!(r#"{{"role":"{}","content":"m{at}"}}"#, ["user", "assistant"][at % 2]);
    let dumped = |at: usize| {
        let class = ["HumanMessage", "AIMessage"][at % 2];
        format!(r#"{{"lc":1,"id":["langchain","{class}"],"kwargs":{{"content":"m{at}"}}}}"#)
    };
    for (form, span) in [
        ("openinference", said_by_keys("llm.input_messages.", "message.")),
        ("openllmetry", said_by_keys("gen_ai.prompt.", "")),
        ("genai-3", list("gen_ai.input.messages", &message, "", "")),
        ("langsmith", list("gen_ai.prompt", &dumped, r#"{"messages":"#, "}").scope("langsmith")),
        ("traceloop", list("traceloop.entity.input", &dumped, r#"{"kwargs":{},"inputs":{"messages":"#, "}}")),
        ("langfuse", list("langfuse.observation.input", &message, "", "")),
        ("plain-io", list("input.value", &dumped, "", "")),
    ] {
        let (prompt, _) = sides(&span.translate());
        assert_eq!((prompt.len(), prompt.last().map(String::as_str)), (MANY, Some("assistant: m4999")), "{form}");
    }
    let arguments = r#"{"a":1}"#.to_owned();
    let call = |at: usize| format!(r#"{{"type":"tool_call","id":"c{at}","name":"w","arguments":{{"a":1}}}}"#);
    let chat = |at: usize| format!(r#"{{"id":"c{at}","name":"w","args":{{"a":1}},"type":"tool_call"}}"#);
    let of_langchain = |before: &str| format!(r#"{before}{{"type":"ai","content":"","tool_calls":"#);
    for (form, span) in [
        (
            "openinference",
            keys(&|at| {
                // Once beside the content, once as its blocks.
                let lists = ["tool_calls", "contents"].into_iter();
                let each = lists.flat_map(|list| {
                    let key = |field: &str| format!("llm.output_messages.0.message.{list}.{at}.tool_call.{field}");
                    let name = pair(key("function.name"), "w".to_owned());
                    [pair(key("id"), format!("c{at}")), name, pair(key("function.arguments"), arguments.clone())]
                });
                each.collect()
            }),
        ),
        (
            "openllmetry",
            keys(&|at| {
                let key = |field: &str| format!("gen_ai.completion.0.tool_calls.{at}.{field}");
                let name = pair(key("name"), "w".to_owned());
                vec![pair(key("id"), format!("c{at}")), name, pair(key("arguments"), arguments.clone())]
            }),
        ),
        ("genai-3", list("gen_ai.output.messages", &call, r#"[{"role":"assistant","parts":"#, "}]")),
        ("langsmith", list("gen_ai.completion", &chat, &of_langchain(r#"{"messages":["#), "}]}").scope("langsmith")),
        ("traceloop", list("traceloop.entity.output", &chat, &of_langchain(r#"{"kwargs":{},"outputs":["#), "}]}")),
    ] {
        let read = span.translate();
        let answers: Vec<_> = read.readings.iter().flat_map(|reading| &reading.completion).collect();
        assert_eq!((answers.len(), answers[0].parts.len()), (1, MANY), "{form}");
        assert_eq!(sample::part(answers[0].parts.last().unwrap()), r#"w#c4999{"a":1}"#, "{form}");
    }
    let parts = keys(&|at| {
        vec![pair(format!("llm.input_messages.0.message.contents.{at}.message_content.text"), format!("p{at}"))]
    });
    assert_eq!(parts.translate().readings[0].prompt[0].parts.len(), MANY);
}

/// Every word in quotes in the sources of this room, by file: the names that dialects look for, of attributes, events,
/// spans and scopes, and the words that they expect in values. Read from there, so that none is forgotten.
static WORDS: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
    let here = Path::new(file!()).parent().expect("a file is in a folder");
    let mut files: Vec<_> = fs::read_dir(here).expect("the sources").map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "rs"));
    files.retain(|path| !path.ends_with("tests.rs") && !path.ends_with("sample.rs"));
    files.sort();
    let words = files.iter().map(|path| {
        let source = fs::read_to_string(path).expect("a source");
        let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let quoted = lines.flat_map(|line| line.split('"').skip(1).step_by(2));
        quoted.filter(|word| (2..80).contains(&word.len())).map(str::to_owned).collect::<Vec<_>>()
    });
    words.filter(|words| !words.is_empty()).collect()
});

#[test]
fn the_keys_and_values_of_every_dialect_are_found() {
    let all: Vec<&str> = WORDS.iter().flatten().map(String::as_str).collect();
    for word in ["gen_ai.input.messages", "llm.input_messages.", "mlflow.spanType", "gen_ai.choice", "logfire.openai"] {
        assert!(all.contains(&word), "{word}");
    }
}

/// The words of two files at a time: a dialect's, and those of something that it is made of, or of another dialect.
fn words() -> impl Strategy<Value = Vec<String>> {
    let file = || prop::sample::select(WORDS.as_slice());
    (file(), file()).prop_map(|(mine, others)| mine.into_iter().chain(others).collect())
}

/// A name of an attribute; the beginning of names goes on as that of a list spread over keys.
fn names(words: Vec<String>) -> impl Strategy<Value = String> {
    let word = prop::sample::select(words);
    let index = prop::sample::select(vec!["0", "1", "9999", "99999"]);
    (word.clone(), index, word.clone(), word).prop_map(|(name, index, field, inner)| {
        if name.ends_with('.') { format!("{name}{index}.{field}.0.{inner}") } else { name }
    })
}

fn values(words: Vec<String>) -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        4 => prop::sample::select(words.clone()),
        1 => prop::sample::select(vec![
            "Calling tools:\n[{'id': 'c1'}]".to_owned(),
            "content='x' tool_call_id='c1'".to_owned(),
            "total_tokens=1 prompt_tokens=99999999999999999999".to_owned(),
        ]),
        1 => ".{0,12}",
        1 => r#"[\[{"':,}\]a1\\ ]{0,24}"#,
    ];
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => any::<i64>().prop_map(Value::Int),
        1 => any::<f64>().prop_map(Value::Double),
        1 => prop::collection::vec(any::<u8>(), 0..8).prop_map(Value::Bytes),
        4 => text.prop_map(Value::String),
    ];
    let name = prop::sample::select(words);
    leaf.prop_recursive(5, 48, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((name.clone(), inner.clone()), 0..5).prop_map(Value::Map),
            // As dialects send it: JSON in a text, whole or cut off.
            (inner, any::<prop::sample::Index>()).prop_map(|(value, end)| {
                let text = json::to_string(&value);
                let end = end.index(text.len() + 1);
                Value::String(text.get(..end).unwrap_or(&text).to_owned())
            }),
        ]
    })
}

/// A span with one event, or a log record.
#[derive(Debug)]
struct Sent {
    name: String,
    scope: Scope,
    attributes: Attributes,
    event: SpanEvent,
    body: Option<Value>,
}

fn sent() -> impl Strategy<Value = Sent> {
    words().prop_flat_map(|words| {
        let word = prop::sample::select(words.clone());
        let attributes = || {
            let entry = (names(words.clone()), values(words.clone()));
            prop::collection::vec(entry, 0..6).prop_map(Attributes::new)
        };
        let body = prop::option::weighted(0.3, values(words.clone()));
        (word.clone(), word.clone(), word, attributes(), attributes(), body).prop_map(
            |(name, scope, event, attributes, of_event, body)| Sent {
                name,
                scope: Scope { name: scope, ..Scope::default() },
                attributes,
                event: SpanEvent { name: event, at: Timestamp(1), attributes: of_event, dropped_attributes: 0 },
                body,
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn nothing_that_arrives_makes_it_fail(sent in sent()) {
        let (status, resource) = (Status::default(), Resource::default());
        let read = translate(&Source {
            name: &sent.name,
            status: &status,
            scope: &sent.scope,
            resource: &resource,
            attributes: &sent.attributes,
            events: if sent.body.is_some() { &[] } else { std::slice::from_ref(&sent.event) },
            body: sent.body.as_ref(),
            severity: 0,
            at: Timestamp(2),
        });
        for message in read.readings.iter().flat_map(|reading| reading.prompt.iter().chain(&reading.completion)) {
            prop_assert!(!message.parts.is_empty());
        }
    }
}

#[test]
fn what_an_instrumentation_calls_its_spans_is_no_name_that_people_gave() {
    let openinference = |package: &str| format!("openinference.instrumentation.{package}");
    for (scope, name, key, value, given) in [
        (
            openinference("claude_agent_sdk"),
            "ClaudeAgentSDK.ClaudeSDKClient.receive_response",
            "openinference.span.kind",
            "AGENT",
            None,
        ),
        (openinference("agno"), "Dispatcher.run", "openinference.span.kind", "AGENT", Some("Dispatcher")),
        (openinference("smolagents"), "travel_desk.run", "openinference.span.kind", "AGENT", Some("travel_desk")),
        (openinference("smolagents"), "CodeAgent.run", "openinference.span.kind", "AGENT", None),
        (openinference("llama_index"), "FunctionAgent.run", "openinference.span.kind", "AGENT", None),
        (openinference("dspy"), "ReAct.forward", "openinference.span.kind", "CHAIN", None),
        (openinference("dspy"), "TravelDesk.forward", "openinference.span.kind", "CHAIN", Some("TravelDesk")),
        (openinference("haystack"), "Pipeline.run", "openinference.span.kind", "CHAIN", None),
        (
            openinference("crewai"),
            "Travel Desk crew.kickoff",
            "openinference.span.kind",
            "CHAIN",
            Some("Travel Desk crew"),
        ),
        (openinference("crewai"), "Crew_5b1e.kickoff", "openinference.span.kind", "CHAIN", None),
        ("pydantic-ai".to_owned(), "agent run", "agent_name", "travel_desk", Some("travel_desk")),
        ("pydantic-ai".to_owned(), "agent run", "agent_name", "agent", None),
        ("ai".to_owned(), "ai.streamText", "ai.operationId", "ai.streamText", None),
        ("ai".to_owned(), "ai.streamText desk", "ai.operationId", "ai.streamText", Some("desk")),
        ("traceloop.tracer".to_owned(), "desk.workflow", "traceloop.span.kind", "workflow", Some("desk")),
        ("genkit-tracer".to_owned(), "generate", "genkit:type", "util", None),
        ("x".to_owned(), "OpenAI Agents trace: Support", "a", "b", Some("Support")),
        ("x".to_owned(), "OpenAI Agents trace: Agent workflow", "a", "b", None),
        ("logfire.openai_agents".to_owned(), "OpenAI Agents trace: {name}", "name", "Support", Some("Support")),
    ] {
        let read = Sample::span(name).scope(&scope).with(&[(key, value)]).translate();
        let expected = given.map_or(GivenName::Nothing, |given| GivenName::Part(given.to_owned()));
        assert_eq!(read.given_name, expected, "{scope} {name}");
    }
    for name in ["geography-chat", "ReAct.forward", "travel_desk.run", "agent run", "generate"] {
        assert_eq!(Sample::span(name).scope("my.tracer").translate().given_name, GivenName::Whole, "{name}");
    }
}
