//! Tool definitions, in the spellings of `messages.md` 5.

use std::collections::HashMap;

use super::{
    calls::{first, first_str},
    maybe_json::MaybeJson,
};
use crate::model::{Attributes, ToolDefinition, ToolName, Value};

/// Adds the tools that a value lists: typed, as JSON, or as a list of JSON texts or of bare names.
pub fn read(value: &Value, into: &mut Vec<ToolDefinition>) {
    match MaybeJson::of(value) {
        MaybeJson::Data(data) => list(&data, into),
        MaybeJson::Cut(data) => list(&data, into),
        MaybeJson::Text(_) | MaybeJson::Scalar(_) | MaybeJson::Nothing => {}
    }
}

fn list(data: &Value, into: &mut Vec<ToolDefinition>) {
    match data {
        Value::Array(items) => items.iter().for_each(|item| one(item, into)),
        other => one(other, into),
    }
}

fn one(item: &Value, into: &mut Vec<ToolDefinition>) {
    match item {
        Value::String(text) => match MaybeJson::of(item) {
            MaybeJson::Data(data) if data.as_map().is_some() => of_map(&data, into),
            MaybeJson::Text(_) => into.push(ToolDefinition { name: text.clone(), description: None, parameters: None }),
            _ => {}
        },
        Value::Map(_) => of_map(item, into),
        _ => {}
    }
}

fn of_map(map: &Value, into: &mut Vec<ToolDefinition>) {
    if let Some(declared) = first(map, &["functionDeclarations", "function_declarations", "tools"]) {
        // Lists of lists are not followed further than this: a tool is no list.
        return declared.as_array().unwrap_or_default().iter().for_each(|tool| describe(tool, into));
    }
    describe(map, into);
}

fn describe(map: &Value, into: &mut Vec<ToolDefinition>) {
    let inner = first(map, &["toolSpec", "function", "systemTool"]).filter(|inner| inner.as_map().is_some());
    let tool = inner.unwrap_or(map);
    let name = first_str(tool, &["name"]).or_else(|| built_in(map));
    let Some(name) = name.filter(|name| !is_internal(name)) else { return };
    let description = first_str(tool, &["description"]).filter(|text| is_description(text)).map(str::to_owned);
    into.push(ToolDefinition { name: name.to_owned(), description, parameters: schema(tool) });
}

/// What a provider runs itself has a type, or is a key of its own: `{"google_search": {}}`. Markers are no tools.
fn built_in(map: &Value) -> Option<&str> {
    match (map.str("type"), map.as_map()) {
        (Some(kind), _) => (kind != "function").then_some(kind),
        (None, Some([(key, Value::Map(_))])) => (!matches!(key.as_str(), "cachePoint" | "toolChoice")).then_some(key),
        _ => None,
    }
}

/// Google's ADK gathers the responses of parallel calls in a tool of its own.
fn is_internal(name: &str) -> bool {
    name.starts_with("(merged")
}

fn is_description(text: &str) -> bool {
    const NONE: &[&str] = &["none", "n/a", "unknown", "no description", "no description."];
    let text = text.trim();
    !text.is_empty() && !NONE.iter().any(|none| none.eq_ignore_ascii_case(text))
}

fn schema(tool: &Value) -> Option<Value> {
    const KEYS: &[&str] = &[
        "parameters",
        "input_schema",
        "inputSchema",
        "parameters_json_schema",
        "parametersJsonSchema",
        "json_schema",
        "schema",
        "args_schema",
    ];
    as_schema(first(tool, KEYS)?)
}

/// A schema as JSON; `None` where it is none.
fn as_schema(value: &Value) -> Option<Value> {
    let value = match value.as_map() {
        Some([(key, inner)]) if key == "json" || key == "jsonSchema" => inner,
        _ => value,
    };
    match MaybeJson::of(value) {
        MaybeJson::Data(data) if data.as_map().is_some() => Some(data.into_owned()),
        _ => None,
    }
}

/// One definition a name, in order of first appearance, with the first description and the first parameters.
pub fn merged(tools: Vec<ToolDefinition>) -> Vec<ToolDefinition> {
    if tools.len() < 2 {
        return tools;
    }
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut into: Vec<ToolDefinition> = Vec::new();
    for tool in tools {
        if let Some(earlier) = places.get(&tool.name).and_then(|place| into.get_mut(*place)) {
            earlier.description = earlier.description.take().or(tool.description);
            earlier.parameters = earlier.parameters.take().or(tool.parameters);
        } else {
            places.insert(tool.name.clone(), into.len());
            into.push(tool);
        }
    }
    into
}

/// Adds the tool that a tool's own span describes, if it has more than the name.
pub fn of_span(attributes: &Attributes, tool: Option<&ToolName>, into: &mut Vec<ToolDefinition>) {
    const SCHEMAS: &[&str] =
        &["gen_ai.tool.json_schema", "gen_ai.tool.parameters", "tool.json_schema", "tool.parameters"];
    let Some(ToolName { name: Some(name), description, .. }) = tool else { return };
    if is_internal(name) {
        return;
    }
    let description = description.clone().filter(|text| is_description(text));
    let parameters = SCHEMAS.iter().find_map(|key| attributes.get(key)).and_then(as_schema);
    if description.is_some() || parameters.is_some() {
        into.push(ToolDefinition { name: name.clone(), description, parameters });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;

    fn tools(text: &str) -> Vec<ToolDefinition> {
        let mut into = Vec::new();
        read(&text.into(), &mut into);
        merged(into)
    }

    #[test]
    fn every_spelling_of_a_schema_is_one() {
        for text in [
            r#"[{"type":"function","function":{"name":"w","description":"d","parameters":{"type":"object"}}}]"#,
            r#"[{"type":"function","name":"w","description":"d","parameters":{"type":"object"}}]"#,
            r#"[{"name":"w","description":"d","input_schema":{"type":"object"}}]"#,
            r#"[{"name":"w","description":"d","inputSchema":{"json":{"type":"object"}},"outputSchema":null}]"#,
            r#"[{"toolSpec":{"name":"w","description":"d","inputSchema":{"json":{"type":"object"}}}},{"cachePoint":{"type":"default"}},{"toolChoice":{"auto":{}}}]"#,
            r#"{"function_declarations":[{"name":"w","description":"d","parameters_json_schema":{"type":"object"}}]}"#,
            r#"["{\"type\":\"function\",\"name\":\"w\",\"description\":\"d\",\"inputSchema\":{\"type\":\"object\"}}"]"#,
            r#"[{"name":"w","description":"d","parameters":"{\"type\":\"object\"}"}]"#,
            r#"[{"name":"w","description":"none"},{"name":"w","description":"d","args_schema":{"type":"object"}}]"#,
        ] {
            let parameters = Some(json::parse(r#"{"type":"object"}"#).unwrap());
            let expected = ToolDefinition { name: "w".into(), description: Some("d".into()), parameters };
            assert_eq!(tools(text), [expected], "{text}");
        }
    }

    #[test]
    fn a_tool_may_be_no_more_than_its_name() {
        let names = |text| tools(text).into_iter().map(|tool| tool.name).collect::<Vec<_>>();
        assert_eq!(names(r#"["a","b"]"#), ["a", "b"]);
        assert_eq!(
            names(r#"[{"type":"web_search_20250305"},{"google_search":{}}]"#),
            ["web_search_20250305", "google_search"]
        );
    }
}
