//! The tools that were offered to models in a trace, each once by name (`tools.md` 4).

use std::collections::{HashMap, HashSet};

use super::text_hash;
use crate::model::{ToolDefinition, Value};

/// Merges definitions by name, in order of first appearance. The fuller one is kept, and others fill in what it lacks.
pub fn merge<'t>(offered: impl Iterator<Item = &'t ToolDefinition>) -> Vec<ToolDefinition> {
    let mut merged: Vec<ToolDefinition> = Vec::new();
    let mut by_name: HashMap<&str, usize> = HashMap::new();
    // Every model call repeats its tools, so equal definitions are skipped: as the call before listed them by comparing,
    // which is cheaper, any other by their hashes.
    let mut latest: HashMap<&str, &ToolDefinition> = HashMap::new();
    let mut seen = HashSet::new();
    for tool in offered {
        if latest.insert(&tool.name, tool) == Some(tool) {
            continue;
        }
        if !seen.insert(text_hash::hash((
            &tool.name,
            &tool.description,
            tool.parameters.as_ref().map(text_hash::value),
        ))) {
            continue;
        }
        if let Some(at) = by_name.get(tool.name.as_str()) {
            fill(&mut merged[*at], tool);
        } else {
            by_name.insert(&tool.name, merged.len());
            merged.push(tool.clone());
        }
    }
    merged
}

/// Merges a definition into the one before it of the same name. The one with a description, then the one with properties,
/// is the fuller.
fn fill(merged: &mut ToolDefinition, other: &ToolDefinition) {
    let properties = |schema: &Option<Value>| {
        schema.as_ref().and_then(|schema| schema.get("properties")).is_some_and(|properties| !properties.is_empty())
    };
    let fuller = (other.description.is_some(), properties(&other.parameters))
        > (merged.description.is_some(), properties(&merged.parameters));
    match (&mut merged.parameters, &other.parameters) {
        (mine @ None, theirs) => mine.clone_from(theirs),
        (Some(mine), Some(theirs)) => {
            if fuller {
                let filled = std::mem::replace(mine, theirs.clone());
                fill_schema(mine, &filled);
            } else {
                fill_schema(mine, theirs);
            }
        }
        (Some(_), None) => {}
    }
    if fuller || merged.description.is_none() {
        merged.description = other.description.clone().or_else(|| merged.description.take());
    }
}

/// Adds properties and required names that only the other schema has.
fn fill_schema(schema: &mut Value, other: &Value) {
    let (Value::Map(entries), Some(others)) = (schema, other.as_map()) else { return };
    for (key, theirs) in others.iter().filter(|(key, _)| key == "properties" || key == "required") {
        match (entries.iter_mut().find(|(name, _)| name == key), theirs) {
            (None, _) => entries.push((key.clone(), theirs.clone())),
            (Some((_, Value::Map(mine))), Value::Map(theirs)) => {
                let present: HashSet<String> = mine.iter().map(|(name, _)| name.clone()).collect();
                mine.extend(theirs.iter().filter(|(name, _)| !present.contains(name)).cloned());
            }
            (Some((_, Value::Array(mine))), Value::Array(theirs)) => {
                let present: HashSet<u64> = mine.iter().map(text_hash::value).collect();
                mine.extend(theirs.iter().filter(|name| !present.contains(&text_hash::value(name))).cloned());
            }
            (Some(_), _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;

    fn tool(name: &str, description: Option<&str>, schema: Option<&str>) -> ToolDefinition {
        ToolDefinition {
            name: name.to_owned(),
            description: description.map(str::to_owned),
            parameters: schema.map(|schema| json::parse(schema).unwrap()),
        }
    }

    #[test]
    fn a_tool_offered_twice_is_defined_once_by_its_fuller_definition() {
        let bare = tool("w", None, None);
        let named = tool("x", None, None);
        let full =
            tool("w", Some("Weather"), Some(r#"{"type":"object","properties":{"city":{}},"required":["city"]}"#));
        let more = tool("w", Some("Other"), Some(r#"{"properties":{"day":{}},"required":["day"]}"#));
        let merged = merge([&bare, &named, &full, &more].into_iter());
        assert_eq!(merged.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["w", "x"]);
        assert_eq!(merged[0].description.as_deref(), Some("Weather"));
        let schema = json::to_string(merged[0].parameters.as_ref().unwrap());
        assert_eq!(schema, r#"{"type":"object","properties":{"city":{},"day":{}},"required":["city","day"]}"#);
        assert_eq!(merged[1].description, None);
    }
}
