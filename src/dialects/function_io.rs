//! The arguments and the return value that an SDK recorded of a function, whatever the span stands for.
//!
//! ```text
//!   a model call      {"messages": […], "tools": […], "model": …} ─▶ {"choices": […], "usage": …}
//!   a tool            {"args": ["w", {"city": "Paris"}], "kwargs": {}} ─▶ "18C"
//!   anything else     {"args": ["What is drier?"], "kwargs": {}} ─▶ "Tokyo"
//! ```
//!
//! A dialect passes the values of its attributes, free of its own encoding.

use std::borrow::Cow;

use super::{
    calls::first, definitions, documents, gen_ai, maybe_json::MaybeJson, provider_payload, provider_payload_facts,
    reading,
};
use crate::model::{Carrier, Category, GenAi, Message, Role, Source, Translation, Value};

/// Adds what went in and what came out, by what kind of work the span is.
pub fn read(
    source: &Source,
    dialect: &str,
    input: Option<MaybeJson>,
    output: Option<MaybeJson>,
    into: &mut Translation,
) {
    let (prompt, completion) = match into.genai.category {
        Category::Tool => {
            name_tool(source, into);
            let arguments = input.and_then(into_value).map(|given| arguments(given, source, &into.genai));
            let returned = output.and_then(into_value);
            let message = returned.as_ref().and_then(tool_message);
            let (prompt, completion) =
                gen_ai::execution(arguments.as_ref(), returned.as_ref().filter(|_| message.is_none()), &into.genai);
            (prompt, message.unwrap_or(completion))
        }
        Category::Llm | Category::Embedding | Category::Reranker => {
            let input = input.map(argument);
            if let Some(MaybeJson::Data(request)) = &input {
                let request = call(request).map_or(&**request, |(_, kwargs)| kwargs);
                provider_payload_facts::of_request(request, &mut into.genai);
                tools(request, into);
            }
            if let Some(MaybeJson::Data(response)) = &output {
                provider_payload_facts::of_response(response, &mut into.genai);
            }
            (side(input, Role::User, request), side(output, Role::Assistant, provider_payload::response))
        }
        kind => {
            let called = |data: &Value| provider_payload::messages(data, Role::User);
            let returned = |data: &Value| match kind {
                Category::Retriever => documents::found(data),
                _ => provider_payload::messages(data, Role::Assistant),
            };
            (side(input.map(argument), Role::User, called), side(output, Role::Assistant, returned))
        }
    };
    reading::push(into, dialect, (Carrier::Attributes, None), prompt, completion);
}

fn side(value: Option<MaybeJson>, role: Role, find: impl Fn(&Value) -> Option<Vec<Message>>) -> Vec<Message> {
    value.map_or_else(Vec::new, |value| reading::side(value, role, find))
}

/// A request, or the call of a function that makes one.
fn request(data: &Value) -> Option<Vec<Message>> {
    let called = || {
        let (args, kwargs) = call(data)?;
        provider_payload::request(kwargs)
            .or_else(|| args.iter().find_map(|arg| provider_payload::messages(arg, Role::User)))
    };
    provider_payload::request(data).or_else(called)
}

/// A tool's return value that is the message which the model gets: it names its call.
fn tool_message(returned: &Value) -> Option<Vec<Message>> {
    let MaybeJson::Data(data) = MaybeJson::of(returned) else { return None };
    let messages = provider_payload::messages(&data, Role::Tool)?;
    messages.iter().all(|message| message.role == Role::Tool).then_some(messages)
}

/// A tool's own span is called like the tool.
fn name_tool(source: &Source, into: &mut Translation) {
    let tool = into.genai.tool.get_or_insert_default();
    if tool.name.is_none() && !source.name.is_empty() {
        tool.name = Some(source.name.to_owned());
    }
}

/// The tools in a request.
fn tools(request: &Value, into: &mut Translation) {
    for map in [Some(request), request.get("toolConfig"), request.get("config")].into_iter().flatten() {
        if let Some(tools) = first(map, &["tools", "functions"]) {
            definitions::read(tools, &mut into.tools);
        }
    }
}

fn into_value(value: MaybeJson) -> Option<Value> {
    match value {
        MaybeJson::Data(data) => Some(data.into_owned()),
        MaybeJson::Cut(data) => Some(data),
        MaybeJson::Text(text) => Some(text.into()),
        MaybeJson::Scalar(scalar) => Some(scalar.clone()),
        MaybeJson::Nothing => None,
    }
}

/// Python's `(*args, **kwargs)`, as `{"args": […], "kwargs": {…}}`.
pub fn call(data: &Value) -> Option<(&[Value], &Value)> {
    let (args, kwargs) = (data.get("args")?.as_array()?, data.get("kwargs")?);
    (data.as_map()?.len() == 2 && kwargs.as_map().is_some()).then_some((args, kwargs))
}

/// What a function was called with, without the wrapping of its one argument.
fn argument(value: MaybeJson) -> MaybeJson {
    let MaybeJson::Data(data) = &value else { return value };
    match call(data) {
        Some(([], kwargs)) => MaybeJson::Data(Cow::Owned(kwargs.clone())),
        Some(([only], kwargs)) if kwargs.is_empty() => MaybeJson::Data(Cow::Owned(only.clone())),
        _ => value,
    }
}

/// The arguments of a tool: those of the function, or what a function that runs any tool was given for it.
pub fn arguments(given: Value, source: &Source, genai: &GenAi) -> Value {
    const REST: &[&str] =
        &["kw", "kwargs", "args", "arguments", "input", "inputs", "params", "parameters", "tool_input", "tool_args"];
    let decoded = match MaybeJson::or_python(&given) {
        MaybeJson::Data(data) => data.into_owned(),
        _ => return given,
    };
    let name = genai.tool.as_ref().and_then(|tool| tool.name.as_deref());
    let is_name = |value: &Value| value.as_str().is_some_and(|text| text == source.name || Some(text) == name);
    let map = |value: &Value| match MaybeJson::of(value) {
        MaybeJson::Data(data) if data.as_map().is_some() => Some(data.into_owned()),
        _ => None,
    };
    let found = match (call(&decoded), decoded.as_map()) {
        (Some(([], kwargs)), _) => Some(kwargs.clone()),
        (Some(([only], kwargs)), _) if kwargs.is_empty() => map(only),
        (Some(([tool, given], kwargs)), _) if kwargs.is_empty() && is_name(tool) => map(given),
        (None, Some([(key, only)])) if REST.contains(&key.as_str()) => map(only),
        (None, Some([(_, tool), (_, given)])) if is_name(tool) => map(given),
        _ => None,
    };
    found.unwrap_or(decoded)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};

    fn observed(kind: &str, input: &str, output: &str) -> (Vec<String>, Vec<String>) {
        let pairs = [
            ("langfuse.observation.type", kind),
            ("langfuse.observation.input", input),
            ("langfuse.observation.output", output),
        ];
        sides(&Sample::span("w").with(&pairs).translate())
    }

    #[test]
    fn the_arguments_of_a_tool_are_found_in_those_of_its_function() {
        for input in [
            r#"{"city":"Paris"}"#,
            r#"{"args":[],"kwargs":{"city":"Paris"}}"#,
            r#"{"args":[{"city":"Paris"}],"kwargs":{}}"#,
            r#"{"args":["w",{"city":"Paris"}],"kwargs":{}}"#,
            r#"{"kw":{"city":"Paris"}}"#,
            r#"{"name":"w","args":{"city":"Paris"}}"#,
            r#"{"name":"w","arguments":"{\"city\":\"Paris\"}"}"#,
            "{'city': 'Paris'}",
        ] {
            let (called, returned) = observed("tool", input, "18C");
            assert_eq!(called, [r#"assistant: w#-{"city":"Paris"}"#], "{input}");
            assert_eq!(returned, ["tool: =- 18C"]);
        }
        for input in [r#"{"args":["a",{"b":1}],"kwargs":{}}"#, r#"{"input":"a"}"#, r#"{"a":{"b":1}}"#] {
            assert_eq!(observed("tool", input, "").0, [format!("assistant: w#-{input}")]);
        }
    }

    #[test]
    fn a_tools_answer_may_be_the_message_that_the_model_gets() {
        for output in [
            r#"{"content":"18C","type":"tool","name":"w","tool_call_id":"c1","status":"success"}"#,
            r#"{"lc":1,"type":"constructor","id":["x","ToolMessage"],"kwargs":{"content":"18C","tool_call_id":"c1"}}"#,
        ] {
            let (called, returned) = observed("tool", "{'city': 'Paris'}", output);
            assert_eq!(returned, ["tool: =c1 18C"], "{output}");
            assert_eq!(called.len(), 1);
        }
        let mcp = r#"{"content":[{"type":"text","text":"18C"}],"isError":false}"#;
        assert_eq!(observed("tool", "{}", mcp).1, ["tool: =- 18C"]);
    }

    #[test]
    fn a_function_that_asks_a_model_is_called_with_the_request() {
        for input in [
            r#"{"args":[[{"role":"user","content":"q"}]],"kwargs":{}}"#,
            r#"{"args":[],"kwargs":{"messages":[{"role":"user","content":"q"}]}}"#,
            r#"{"args":[[{"role":"user","content":"q"}]],"kwargs":{"model":"m"}}"#,
            r#"{"args":["q"],"kwargs":{}}"#,
        ] {
            assert_eq!(observed("generation", input, "").0, ["user: q"], "{input}");
        }
    }

    #[test]
    fn what_a_function_was_asked_is_shown_without_its_wrapping() {
        let (asked, answered) = observed("agent", r#"{"args":["q"],"kwargs":{}}"#, "a");
        assert_eq!((asked, answered), (vec!["user: q".to_owned()], vec!["assistant: a".to_owned()]));
        let two = r#"{"args":["q",1],"kwargs":{}}"#;
        assert_eq!(observed("agent", two, "").0, [format!("user: json {two}")]);
        assert_eq!(observed("span", r#"{"args":[],"kwargs":{}}"#, "[]"), (vec![], vec![]));
        assert_eq!(observed("chain", r#"{"messages":[{"role":"user","content":"q"}]}"#, "").0, ["user: q"]);
    }
}
