//! `google-genai`: OpenTelemetry's instrumentation of Google's SDK.
//!
//! Mark: its scope, or an `execute_tool` span with `code.function.…` of a function that the SDK calls by itself. Each
//! argument and the result stand alone, with their types:
//!
//! ```text
//!   execute_tool w     code.function.parameters.city.value = "Paris"     code.function.return.value = "18C"
//! ```
//!
//! The requests to the model are read by `gen_ai.rs` and `gen_ai_events.rs`; their ids of calls are made up.

use std::sync::Arc;

use super::{Dialect, RecordingHints, gen_ai, reading, synthesized_call_ids};
use crate::model::{Carrier, Content, ContentKind, Part, Source, ToolResult, Translation, Value};

pub const DIALECT: Dialect = Dialect {
    name: "google-genai",
    content: ContentKind::Conversation,
    matches,
    translate,
    recording_hints: &[RecordingHints { scopes: &[SCOPE], ..gen_ai::HINTS }],
    ..Dialect::PLAIN
};

pub const SCOPE: &str = "opentelemetry.instrumentation.google_genai";
const PARAMETERS: &str = "code.function.parameters.";
const RESULT: &str = "code.function.return.value";

fn matches(source: &Source) -> bool {
    source.scope.name == SCOPE || is_function(source)
}

fn is_function(source: &Source) -> bool {
    let attributes = source.attributes;
    attributes.has("gen_ai.tool.name") && (attributes.has_prefix(PARAMETERS) || attributes.has(RESULT))
}

fn translate(source: &Source, into: &mut Translation) {
    synthesized_call_ids::remove(into);
    mark_failures(into);
    if !is_function(source) {
        return;
    }
    let attributes = source.attributes;
    let given = attributes.under(PARAMETERS).filter_map(|(name, value)| Some((name.strip_suffix(".value")?, value)));
    let given: Vec<_> = given.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let given = (!given.is_empty()).then_some(Value::Map(given));
    let (prompt, completion) = gen_ai::execution(given.as_ref(), attributes.get(RESULT), &into.genai);
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
}

/// What came back is an error where it is nothing but `{"error": "…"}`: so Gemini's API defines it, and so the SDK
/// reports functions that fail. A program's own tool may return this form with a text that means no error.
fn mark_failures(into: &mut Translation) {
    let failed = |part: &Part| match &part.content {
        Content::Result(ToolResult { is_error: None, content, .. }) => match content.as_slice() {
            [Part { content: Content::Json(Value::Map(entries)), .. }] => {
                matches!(&entries[..], [(key, Value::String(text))] if key == "error" && names_error(text))
            }
            _ => false,
        },
        _ => false,
    };
    for message in reading::all(into).filter(|message| message.parts.iter().any(failed)) {
        for part in Arc::make_mut(message).parts.iter_mut().filter(|part| failed(part)) {
            if let Content::Result(result) = &mut part.content {
                result.is_error = Some(true);
            }
        }
    }
}

/// Whether a text that stands where an error is named names one.
fn names_error(text: &str) -> bool {
    const NONE: [&str; 14] =
        ["", "none", "null", "nil", "undefined", "false", "no", "0", "ok", "okay", "success", "nothing", "n/a", "-"];
    let text = text.trim().trim_end_matches(['.', '!']).to_ascii_lowercase();
    let denies = ["no error", "without error", "0 error"].iter().any(|words| text.starts_with(words));
    !denies && !NONE.contains(&text.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::*;

    #[test]
    fn a_function_has_its_arguments_one_by_one() {
        let read = Sample::span("execute_tool w")
            .with(&[("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "w")])
            .with(&[("code.function.name", "w"), ("code.function.parameters.city.type", "str")])
            .with(&[("code.function.parameters.city.value", "Paris"), ("code.function.return.value", "18C")])
            .typed("code.function.parameters.days.value", "2")
            .translate();
        assert_eq!(sides(&read).0, [r#"assistant: w#-{"city":"Paris","days":2}"#]);
        assert_eq!(sides(&read).1, ["tool: =- 18C"]);
        assert_eq!(read.dialects, ["google-genai"]);
    }

    #[test]
    fn a_function_that_failed_is_marked_in_its_result() {
        let sent = r#"[{"role":"user","parts":[{"type":"tool_call_response","id":"1","response":{"error":"down"}},
            {"type":"tool_call_response","id":"2","response":{"error":"down","c":18}}]}]"#;
        let read = Sample::span("generate_content m").scope(SCOPE).with(&[(gen_ai::INPUT, sent)]).translate();
        assert_eq!(sides(&read).0, [r#"tool: =!1 json {"error":"down"} · =2 json {"error":"down","c":18}"#]);
    }

    #[test]
    fn a_text_that_means_no_error_is_none() {
        let errs = |text: &str| {
            let response = format!(r#"{{"type":"tool_call_response","id":"1","response":{{"error":"{text}"}}}}"#);
            let sent = format!(r#"[{{"role":"user","parts":[{response}]}}]"#);
            let read = Sample::span("generate_content m").scope(SCOPE).with(&[(gen_ai::INPUT, &sent)]).translate();
            sides(&read).0[0].starts_with("tool: =!")
        };
        for none in ["none", "None.", "null", "No errors found", "no error", "0", "OK", "false"] {
            assert!(!errs(none), "{none}");
        }
        for some in ["no such city", "Nonexistent file", "down", "404"] {
            assert!(errs(some), "{some}");
        }
    }

    #[test]
    fn a_function_that_is_no_tool_has_no_messages() {
        let plain = Sample::span("f").with(&[("code.function.return.value", "18C")]);
        assert!(plain.translate().readings.is_empty());
    }
}
