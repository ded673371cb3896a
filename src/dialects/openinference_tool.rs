//! A tool's own span in OpenInference: its arguments and its result, freed of what frameworks wrap around them.
//!
//! ```text
//!   input.value    {"city": "Paris"}                                    JSON, Python's notation, or a bare text
//!                  {"args": ["Paris"], "kwargs": {"days": 2}}           smolagents and LlamaIndex
//!                  {"calling": "tool_name='w' arguments={…}"}           CrewAI
//!                  {"input": "{\"city\": \"Paris\"}"}                   LangChain for JavaScript
//!                  {"input": {"city": "Paris"}, "options": null}        BeeAI
//!   output.value   {"type": "tool", "data": {"content": …, "tool_call_id": …, "status": …}}    LangChain, also
//!                  content='18C' name='w' tool_call_id='c1'                                    as Python prints it
//!                  {"blocks": […], "tool_name": …, "raw_output": …, "is_error": false}         LlamaIndex
//! ```

use super::{
    calls::{self, first, first_str},
    gen_ai, langchain,
    lenient::{self, Notation},
    maybe_json::MaybeJson,
    openinference_forms::block,
    reading,
};
use crate::model::{Attributes, Content, Message, Part, Role, Source, ToolName, Translation, Value, json};

/// A tool's run: its arguments, and what it returned.
pub fn run(source: &Source, into: &mut Translation) -> (Vec<Message>, Vec<Message>) {
    let attributes = source.attributes;
    let given = attributes.get("input.value").filter(|value| !value.is_empty());
    let returned = attributes.get("output.value").filter(|value| !value.is_empty());
    let (name, arguments) = given.map(|given| arguments(given, attributes)).unzip();
    let result = returned.and_then(|value| match MaybeJson::of(value) {
        _ if attributes.str("output.mime_type") == Some("text/plain") => langchain::printed_result(value),
        MaybeJson::Data(data) => result(&data).or_else(|| langchain::tool_result(&data)),
        MaybeJson::Text(_) => langchain::printed_result(value),
        MaybeJson::Cut(_) | MaybeJson::Scalar(_) | MaybeJson::Nothing => None,
    });
    if let Some(Part { content: Content::Result(result), .. }) = &result {
        let tool = into.genai.tool.get_or_insert_with(ToolName::default);
        tool.call_id = tool.call_id.take().or_else(|| result.call_id.clone());
        tool.name = tool.name.take().or_else(|| result.name.clone());
    }
    if let Some(name) = name.flatten() {
        into.genai.tool.get_or_insert_with(ToolName::default).name = Some(name);
    }
    let unquoted = returned.and_then(|value| unquoted(value, attributes));
    let rest = unquoted.as_ref().or(returned).filter(|_| result.is_none());
    let (prompt, mut completion) = if attributes.str("output.mime_type") == Some("text/plain") {
        // The mime type is that of text, whatever the value looks like.
        let (prompt, _) = gen_ai::execution(arguments.as_ref(), None, &into.genai);
        let tool = into.genai.tool.clone().unwrap_or_default();
        let part = rest.map(|value| calls::answered(tool.call_id, tool.name.as_deref(), Some(value)));
        (prompt, reading::from_parts(Role::Tool, part.into_iter().collect()))
    } else {
        gen_ai::execution(arguments.as_ref(), rest, &into.genai)
    };
    completion.extend(result.map(|part| Message::new(Role::Tool, vec![part])));
    (prompt, completion)
}

/// The text that a tool returned where it was written as JSON: `"18C"`, quotation marks and all.
fn unquoted(value: &Value, attributes: &Attributes) -> Option<Value> {
    attributes.str("output.mime_type").filter(|kind| *kind == "application/json")?;
    match json::parse(value.as_str()?.trim()).ok()? {
        Value::String(text) => Some(Value::String(text)),
        _ => None,
    }
}

/// A tool's arguments, freed of what a framework wrapped around them, and the tool's name where only that has it.
fn arguments(given: &Value, attributes: &Attributes) -> (Option<String>, Value) {
    let MaybeJson::Data(data) = MaybeJson::or_python(given) else { return (None, given.clone()) };
    if let Some((name, arguments)) = data.str("calling").and_then(calling) {
        return (Some(name), arguments);
    }
    // BeeAI: what the tool is given, beside how it is to be run.
    if let Some([(first, input @ Value::Map(_)), (second, _)]) = data.as_map()
        && (first.as_str(), second.as_str()) == ("input", "options")
        && attributes.has("metadata.class_name")
    {
        return (None, input.clone());
    }
    // In JavaScript LangChain hands over what the model wrote: `{"input": "{\"city\": …}"}`.
    let written = match data.as_map() {
        Some([(key, text @ Value::String(_))]) if key == "input" => Some(MaybeJson::of(text)),
        _ => None,
    };
    match written {
        Some(MaybeJson::Data(written)) if written.as_map().is_some() => return (None, written.into_owned()),
        _ => {}
    }
    (None, keywords(&data, attributes).unwrap_or_else(|| data.into_owned()))
}

/// CrewAI's `tool_name='w' arguments={'city': 'P'}`.
fn calling(text: &str) -> Option<(String, Value)> {
    let (name, arguments) = text.strip_prefix("tool_name='")?.split_once("' arguments=")?;
    let read = lenient::parse(arguments, Notation::Python).filter(|read| !read.cut)?;
    Some((name.to_owned(), read.value))
}

/// The arguments of a Python function, by name: `{"args": ["Paris"], "kwargs": {"days": 2}}`.
fn keywords(call: &Value, attributes: &Attributes) -> Option<Value> {
    let kwargs = call.get("kwargs")?.as_map()?;
    let is_wrapped =
        |(key, _): &(String, Value)| matches!(key.as_str(), "args" | "kwargs" | "sanitize_inputs_outputs" | "self");
    let schema = attributes.get("tool.parameters").map(MaybeJson::of);
    let declared = match &schema {
        Some(MaybeJson::Data(schema)) => first(schema, &["properties"]).unwrap_or(schema).as_map().unwrap_or_default(),
        _ => &[],
    };
    let takes_kwargs = declared.iter().any(|(name, _)| name == "kwargs");
    if takes_kwargs || !call.as_map()?.iter().all(is_wrapped) {
        return None;
    }
    let args = call.get("args").and_then(Value::as_array).unwrap_or_default();
    if args.len() > declared.len() {
        return None;
    }
    let positional = declared.iter().zip(args).map(|((name, _), value)| (name.clone(), value.clone()));
    Some(Value::Map(positional.chain(kwargs.iter().cloned()).collect()))
}

/// LlamaIndex's `ToolOutput`.
fn result(value: &Value) -> Option<Part> {
    let returned = value.get("raw_output")?;
    let blocks = value.get("blocks").and_then(Value::as_array);
    let name = first_str(value, &["tool_name"]);
    let content = match blocks {
        Some(blocks) => Value::Array(blocks.iter().map(block).collect()),
        None => first(value, &["content"]).unwrap_or(returned).clone(),
    };
    let mut part = calls::answered(None, name, Some(&content));
    if let Content::Result(result) = &mut part.content {
        result.is_error = calls::is_error(value);
    }
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};

    fn span(pairs: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        sides(
            &Sample::span("x").with(&[("openinference.span.kind", "TOOL"), ("tool.name", "w")]).with(pairs).translate(),
        )
    }

    #[test]
    fn a_tools_run_is_its_arguments_and_its_result() {
        for (given, returned, expected) in [
            (r#"{"city":"Paris"}"#, "18C", (r#"assistant: w#-{"city":"Paris"}"#, "tool: =- 18C")),
            ("{'city': 'Paris'}", r#"{"a":1}"#, (r#"assistant: w#-{"city":"Paris"}"#, r#"tool: =- json {"a":1}"#)),
            (
                "Paris",
                r#"{"type":"tool","data":{"content":"no","tool_call_id":"c1","status":"error"}}"#,
                (r#"assistant: w#c1"Paris""#, "tool: =!c1 no"),
            ),
        ] {
            let (prompt, completion) = span(&[("input.value", given), ("output.value", returned)]);
            assert_eq!((prompt.join("|").as_str(), completion.join("|").as_str()), expected, "{given}");
        }
        let text = span(&[("output.value", r#"{"a":1}"#), ("output.mime_type", "text/plain")]);
        assert_eq!(text.1, [r#"tool: =- {"a":1}"#]);
    }

    #[test]
    fn a_text_that_is_written_as_json_is_what_the_tool_returned() {
        let returned = |text: &str, kind: &str| span(&[("output.value", text), ("output.mime_type", kind)]).1;
        assert_eq!(returned(r#""pong from \"db-1\"""#, "application/json"), [r#"tool: =- pong from "db-1""#]);
        assert_eq!(returned("4", "application/json"), ["tool: =- 4"]);
        // Its own quotation marks.
        assert_eq!(returned(r#""pong""#, "text/plain"), [r#"tool: =- "pong""#]);
    }

    #[test]
    fn llama_index_wraps_what_tools_get_and_give() {
        let returned =
            r#"{"blocks":[{"text":"18C"}],"tool_name":"w","raw_input":{},"raw_output":"18C","is_error":true}"#;
        let pairs = [("input.value", r#"{"kwargs":{"city":"Paris"}}"#), ("output.value", returned)];
        let (prompt, completion) = span(&pairs);
        assert_eq!(
            (prompt, completion),
            (vec![r#"assistant: w#-{"city":"Paris"}"#.into()], vec!["tool: =!- 18C".into()])
        );
    }

    #[test]
    fn arguments_by_place_get_their_names() {
        let given = r#"{"args":["Paris"],"sanitize_inputs_outputs":true,"kwargs":{"days":2}}"#;
        let with = |schema| span(&[("input.value", given), ("tool.parameters", schema)]).0;
        assert_eq!(with(r#"{"city":{"type":"string"},"days":{}}"#), [r#"assistant: w#-{"city":"Paris","days":2}"#]);
        assert_eq!(
            with(r#"{"type":"object","properties":{"city":{}}}"#),
            [r#"assistant: w#-{"city":"Paris","days":2}"#]
        );
        let written = span(&[("input.value", r#"{"input":"{\"city\":\"Paris\"}"}"#)]).0;
        assert_eq!(written, [r#"assistant: w#-{"city":"Paris"}"#]);
        // A tool whose own parameters are called so.
        assert_eq!(with(r#"{"args":{},"kwargs":{}}"#), [format!("assistant: w#-{given}")]);
    }

    #[test]
    fn what_a_bee_runs_has_its_arguments_beside_options() {
        let given = r#"{"input": {"city": "P"}, "options": null}"#;
        let run = span(&[("input.value", given), ("metadata.class_name", "FunctionTool")]);
        assert_eq!(run.0, [r#"assistant: w#-{"city":"P"}"#]);
        assert_eq!(span(&[("input.value", given)]).0.len(), 1);
    }

    #[test]
    fn a_crews_call_names_its_tool() {
        let given = r#"{"calling":"tool_name='w' arguments={'city': 'Paris'}","tool":"…"}"#;
        assert_eq!(span(&[("input.value", given)]).0, [r#"assistant: w#-{"city":"Paris"}"#]);
    }
}
