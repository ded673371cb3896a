//! `plain-io`: whatever input and output an unknown producer put on its span (`conventions.md` 7).
//!
//! Only for a direction in which no other dialect found anything. Texts are shown as they are; JSON is looked through
//! for messages, else shown as JSON. Common names (`input`, `result`, …) are read only from spans of agents and models.

use super::{
    Dialect, calls, category, gen_ai, langchain, maybe_json::MaybeJson, openinference, openinference_forms, parts,
    provider_payload, reading,
};
use crate::model::{Carrier, Category, ContentKind, Message, Part, Role, Source, Translation, Value};

pub const DIALECT: Dialect =
    Dialect { name: "plain-io", content: ContentKind::Fallback, matches, translate, ..Dialect::PLAIN };

const INPUT: &[&str] = &["input.value", "input", "inputs", "request", "prompt", "raw_input", "message"];
const OUTPUT: &[&str] = &["output.value", "output", "outputs", "response", "completion", "result", "raw_output"];

fn matches(source: &Source) -> bool {
    !source.is_log()
        && (found(source, INPUT).is_some() || found(source, OUTPUT).is_some())
        && !openinference::hands_over(source)
}

fn found<'a>(source: &Source<'a>, keys: &[&'static str]) -> Option<(&'static str, &'a Value)> {
    let is_specific = |key: &str| key.contains('.') || category::is_ai(source);
    keys.iter()
        .filter_map(|key| Some((*key, source.attributes.get(key).filter(|value| !value.is_empty())?)))
        .find(|(key, _)| is_specific(key))
}

fn translate(source: &Source, into: &mut Translation) {
    let (asked, answered) = into.readings.iter().fold((false, false), |(asked, answered), reading| {
        (asked || !reading.prompt.is_empty(), answered || !reading.completion.is_empty())
    });
    let input = found(source, INPUT).filter(|_| !asked);
    let output = found(source, OUTPUT).filter(|_| !answered);
    let (prompt, completion) = if into.genai.category == Category::Tool {
        gen_ai::execution(input.map(|(_, value)| value), output.map(|(_, value)| value), &into.genai)
    } else {
        let side = |value: Option<(&str, &Value)>, role| {
            value.map_or_else(Vec::new, |(key, value)| messages(source, key, value, role))
        };
        (side(input, Role::User), side(output, Role::Assistant))
    };
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
}

fn messages(source: &Source, key: &str, value: &Value, role: Role) -> Vec<Message> {
    let printed = || openinference_forms::printed(source, value.as_str()?);
    if let Some(answer) = Some(role).filter(|role| *role == Role::Assistant).and_then(|_| printed()) {
        return reading::from_parts(role, parts::text(answer).into_iter().collect());
    }
    if role == Role::Assistant && value.as_str().is_some_and(is_object) {
        return Vec::new();
    }
    let mime = key.strip_suffix("value").and_then(|side| source.attributes.str(&format!("{side}mime_type")));
    match MaybeJson::of(value) {
        value @ (MaybeJson::Data(_) | MaybeJson::Cut(_)) if mime != Some("text/plain") => {
            reading::side(value, role, |data| {
                provider_payload::messages(data, role).or_else(|| langchain::messages(data, role))
            })
        }
        _ => reading::from_parts(role, text(value)),
    }
}

/// Whether a text is all that Python prints of an object that nobody read, such as a stream:
/// `<groq.Stream object at 0x7fb7cea9a4e0>`.
fn is_object(text: &str) -> bool {
    let inner = text.trim().strip_prefix('<').and_then(|text| text.strip_suffix('>'));
    let address = inner.and_then(|inner| inner.split_once(" object at 0x"));
    address.is_some_and(|(class, address)| !class.contains(' ') && address.chars().all(|c| c.is_ascii_hexdigit()))
}

fn text(value: &Value) -> Vec<Part> {
    match value {
        Value::String(words) => parts::text(words).into_iter().collect(),
        other => {
            let mut parts = Vec::new();
            calls::returned(other, &mut parts);
            parts
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};

    #[test]
    fn an_empty_response_is_no_answer() {
        let read = |output: &str| {
            let span =
                Sample::span("GenerateContent").with(&[("openinference.span.kind", "LLM"), ("output.value", output)]);
            sides(&span.translate()).1
        };
        for silent in [
            r#"{"candidates":[{"content":{"parts":[],"role":"model"},"finish_reason":"STOP"}],"response_id":"r"}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":""}],"role":"model"}}]}"#,
            r#"{"choices":[{"message":{"role":"assistant","content":null,"refusal":null}}],"id":"r"}"#,
            r#"{"text":"","additional_kwargs":{},"raw":{"id":"r","choices":[]}}"#,
            r#"{"data":{"choices":[{"message":{"role":"assistant"},"index":0,"finish_reason":"stop"}],"id":"r"}}"#,
            r#"{"messages":[]}"#,
            r#"[{"role":"assistant"}]"#,
        ] {
            assert!(read(silent).is_empty(), "{silent}");
        }
        let odd = r#"{"candidates":[{"content":{"parts":[{"odd":1}],"role":"model"}}]}"#;
        assert_eq!(read(odd).len(), 1);
        let thought = r#"{"role":"assistant","annotations":[],"reasoning_content":"hm"}"#;
        assert_eq!(read(thought), ["assistant: (thought) hm"]);
        let history = r#"[{"role":"user","content":"q"},{"id":"m2","role":"assistant"},{"role":"user","content":"r"}]"#;
        assert_eq!(read(history), ["user: q", "user: r"]);
    }

    #[test]
    fn an_object_that_python_printed_is_no_answer() {
        let read = |output: &str| {
            let span =
                Sample::span("Completions").with(&[("openinference.span.kind", "LLM"), ("output.value", output)]);
            sides(&span.translate()).1
        };
        assert!(read("<groq.Stream object at 0x7fb7cea9a4e0>").is_empty());
        assert_eq!(read("<b>an object at 0x7f</b>").len(), 1);
    }

    #[test]
    fn a_chains_input_and_output_are_shown() {
        let read = Sample::span("step")
            .with(&[("openinference.span.kind", "CHAIN"), ("input.value", "plain in"), ("output.value", "plain out")])
            .translate();
        assert_eq!(sides(&read), (vec!["user: plain in".to_owned()], vec!["assistant: plain out".to_owned()]));
        assert_eq!(read.dialects, ["plain-io"]);
    }

    #[test]
    fn json_is_looked_through_for_messages() {
        let request = r#"{"messages":[{"role":"system","content":"S"},{"role":"user","content":"q"}]}"#;
        let read = Sample::span("step").with(&[("input.value", request), ("output.value", r#"{"a": 1}"#)]).translate();
        assert_eq!(sides(&read).0, ["system: S", "user: q"]);
        assert_eq!(sides(&read).1, [r#"assistant: json {"a":1}"#]);
        let plain = [("output.value", r#"{"a": 1}"#), ("output.mime_type", "text/plain")];
        assert_eq!(sides(&Sample::span("step").with(&plain).translate()).1, [r#"assistant: {"a": 1}"#]);
    }

    #[test]
    fn a_tools_input_and_output_are_its_call_and_result() {
        let marks = [("openinference.span.kind", "TOOL"), ("tool.name", "w"), ("tool_call.id", "c1")];
        let io = [("input.value", "{'city': 'Paris'}"), ("output.value", "18C")];
        let read = Sample::span("w").with(&marks).with(&io).translate();
        assert_eq!(sides(&read).0, [r#"assistant: w#c1{"city":"Paris"}"#]);
        assert_eq!(sides(&read).1, ["tool: =c1 18C"]);
    }

    #[test]
    fn only_what_no_other_dialect_found_is_read_and_only_of_agents() {
        let read = Sample::span("chat m")
            .with(&[("gen_ai.input.messages", r#"[{"role":"user","content":"q"}]"#)])
            .with(&[("input.value", "again"), ("output.value", "a")])
            .translate();
        assert_eq!(sides(&read), (vec!["user: q".to_owned()], vec!["assistant: a".to_owned()]));
        let plain = Sample::span("GET /").with(&[("result", "hit"), ("message", "sent"), ("http.method", "GET")]);
        assert!(plain.translate().readings.is_empty());
    }
}
