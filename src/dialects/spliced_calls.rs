//! Parallel tool calls that were recorded as one, because an instrumentation put the pieces of a stream together without
//! regard to whose they are.
//!
//! ```text
//!   arguments   {"host": "a"}{"host": "b"}{"job": "c"}     one after another
//!   id          call_1call_2call_3                         so too, or that of the first call
//!   name        pingpingrun_job                            so too, or that of the first call
//! ```

use std::{cell::LazyCell, cmp::Reverse, collections::HashSet};

use super::calls;
use crate::model::{Content, Message, Part, ToolCall, ToolDefinition, Value, json};

/// More calls than this are not taken apart.
const MOST: usize = 64;
/// Nor are calls whose names would have more letters together than this, or names of more letters.
const LETTERS: usize = 16 * 1024;
/// Nor are names where that would take more steps than this: letters of all, times calls, times tools.
const STEPS: usize = 1 << 20;

/// Reads a call, or several that were recorded as one. Where their ids were not put together, the first has the id and
/// the others none. What the names were is known only where the tools are ([`name`], [`name_by_arguments`]).
pub fn calls(map: &Value) -> Vec<Part> {
    let Some(mut first) = calls::call(map) else { return Vec::new() };
    let Content::Call(made) = &mut first.content else { return vec![first] };
    let joined = made.input.as_str().filter(|text| text.starts_with('{') && text.ends_with('}'));
    let inputs = joined.and_then(|text| json::parse_all(text).ok()).unwrap_or_default();
    let is_too_much = inputs.len() > MOST || inputs.len() * made.name.len() > LETTERS;
    if inputs.len() < 2 || is_too_much || inputs.iter().any(|input| input.as_map().is_none()) {
        return vec![first];
    }
    // Each has its own: the text of all is not copied for it.
    made.input = Value::Null;
    let pieces = made.id.as_deref().map(|id| ids(id, inputs.len())).unwrap_or_default();
    if !pieces.is_empty() {
        made.id = None;
    }
    let of_first = (made.id.take(), made.item_id.take());
    let rest = pieces.into_iter().map(|id| (Some(id), None));
    let ids = rest.chain(std::iter::once(of_first)).chain(std::iter::repeat((None, None)));
    let each = inputs.into_iter().zip(ids);
    let each = each.map(|(input, (id, item_id))| Content::Call(ToolCall { id, item_id, input, ..made.clone() }));
    each.map(Part::new).collect()
}

/// The ids of so many calls, one after another in one text: all of one length, and with one beginning (`call_`). Empty
/// where the text is not that.
fn ids(joined: &str, count: usize) -> Vec<String> {
    let length = joined.len() / count;
    let Some(start) = joined.find(['_', '-']).map(|at| &joined[..=at]).filter(|start| start.len() < length) else {
        return Vec::new();
    };
    let pieces = (0..count).map_while(|nth| joined.get(nth * length..(nth + 1) * length));
    let pieces: Vec<String> = pieces.filter(|piece| piece.starts_with(start)).map(str::to_owned).collect();
    let is_all = pieces.len() == count && length * count == joined.len();
    if is_all && pieces.iter().skip(1).all(|piece| *piece != pieces[0]) { pieces } else { Vec::new() }
}

/// Gives calls of one message whose common name is that of several tools, one after another, the name of one each.
pub fn name(completion: &mut [Message], tools: &[ToolDefinition]) {
    let has_several = |message: &&mut Message| message.parts.iter().filter_map(called).nth(1).is_some();
    let names_of_tools: LazyCell<HashSet<&str>, _> =
        LazyCell::new(|| tools.iter().map(|tool| tool.name.as_str()).collect());
    let longest_first: LazyCell<Vec<&str>, _> = LazyCell::new(|| {
        let mut names: Vec<&str> = names_of_tools.iter().copied().filter(|name| !name.is_empty()).collect();
        names.sort_unstable_by_key(|name| (Reverse(name.len()), *name));
        names
    });
    for message in completion.iter_mut().filter(has_several) {
        let is_known = |name: &str| names_of_tools.contains(name);
        let mut rest = message.parts.as_mut_slice();
        while let Some(joined) = rest.iter().find_map(|part| called(part).filter(|name| !is_known(name))) {
            let joined = joined.to_owned();
            let before = |part: &Part| called(part) != Some(joined.as_str());
            let from = rest.iter().take_while(|part| before(part)).count();
            let count = rest[from..].iter().take_while(|part| !before(part)).count();
            if count > 1
                && let Some(names) = names(&joined, count, &longest_first)
            {
                for (part, name) in rest[from..].iter_mut().zip(names) {
                    rename(part, name);
                }
            }
            rest = &mut rest[from + count..];
        }
    }
}

/// The names of so many tools of which a text consists; of two names of which one begins the other, the longer goes first,
/// as in `known`.
fn names<'t>(joined: &str, count: usize, known: &[&'t str]) -> Option<Vec<&'t str>> {
    let steps = count.saturating_mul(joined.len()).saturating_mul(known.len());
    if count > MOST || joined.len() > LETTERS || steps > STEPS {
        return None;
    }
    // The ends of beginnings that consist of `nth` names, each with the last of these.
    let mut ends: Vec<Vec<(usize, &str)>> = vec![vec![(0, "")]];
    for _ in 0..count {
        let mut next: Vec<(usize, &str)> = Vec::new();
        let mut seen = vec![false; joined.len() + 1];
        for (end, _) in ends.last()? {
            for name in known.iter().filter(|name| joined[*end..].starts_with(**name)) {
                let end = end + name.len();
                if !std::mem::replace(&mut seen[end], true) {
                    next.push((end, name));
                }
            }
        }
        ends.push(next);
    }
    let mut end = joined.len();
    let mut found = Vec::new();
    for nth in (1..=count).rev() {
        let (_, name) = ends[nth].iter().find(|(other, _)| *other == end)?;
        end -= name.len();
        found.push(*name);
    }
    found.reverse();
    Some(found)
}

/// Gives calls without an id, which have the name of the call before them, that of the one tool which takes their
/// arguments, where the tool of that name does not. Where several tools may take them, or none, they have no name here:
/// a later request or the tool that ran with these arguments may tell it.
pub fn name_by_arguments(message: &mut Message, tools: &[ToolDefinition]) {
    if message.parts.len() > MOST {
        return;
    }
    let mut first: Option<String> = None;
    for part in &mut message.parts {
        let Content::Call(call) = &part.content else { continue };
        if call.id.is_some() || first.as_deref() != Some(call.name.as_str()) {
            first = Some(call.name.clone());
            continue;
        }
        // Of a tool without a schema nobody knows what it takes.
        let has_schema =
            |tool: &ToolDefinition| tool.parameters.as_ref().is_some_and(|of| of.get("properties").is_some());
        if !tools.iter().any(|tool| tool.name == call.name && has_schema(tool)) {
            continue;
        }
        let fits = |tool: &&ToolDefinition| takes(tool, &call.input) && tool.name.len() * MOST <= LETTERS;
        let mut fitting = tools.iter().filter(fits);
        let tool = fitting.next().filter(|tool| fitting.all(|other| other.name == tool.name));
        rename(part, tool.map_or("", |tool| &tool.name));
    }
}

/// Whether a tool takes such arguments: it declares each, and those that it requires are there.
fn takes(tool: &ToolDefinition, input: &Value) -> bool {
    let Some(schema) = &tool.parameters else { return false };
    let (Some(given), Some(declared)) = (input.as_map(), schema.get("properties").and_then(Value::as_map)) else {
        return false;
    };
    let required = schema.get("required").and_then(Value::as_array).unwrap_or_default();
    let has = |map: &[(String, Value)], name: &str| map.iter().any(|(key, _)| key == name);
    given.iter().all(|(name, _)| has(declared, name))
        && required.iter().filter_map(Value::as_str).all(|name| has(given, name))
}

/// The name of the tool that a part calls.
fn called(part: &Part) -> Option<&str> {
    match &part.content {
        Content::Call(call) => Some(&call.name),
        _ => None,
    }
}

fn rename(part: &mut Part, name: &str) {
    if let Content::Call(call) = &mut part.content {
        name.clone_into(&mut call.name);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::model::Role;

    fn of(id: &str, name: &str, arguments: &str) -> Vec<Part> {
        let call = [("id", id), ("name", name), ("arguments", arguments)];
        calls(&Value::Map(call.into_iter().map(|(key, text)| (key.to_owned(), Value::from(text))).collect()))
    }

    fn in_words(parts: &[Part]) -> Vec<String> {
        parts.iter().map(sample::part).collect()
    }

    fn tools() -> Vec<ToolDefinition> {
        let tool = |(name, parameters): (&str, &str)| ToolDefinition {
            name: name.to_owned(),
            parameters: json::parse(parameters).ok(),
            description: None,
        };
        let ping = r#"{"properties":{"host":{},"count":{}},"required":["host"]}"#;
        let job = r#"{"properties":{"job":{}},"required":["job"]}"#;
        [("ping", ping), ("ping_all", "{}"), ("run_job", job)].into_iter().map(tool).collect()
    }

    #[test]
    fn arguments_one_after_another_are_those_of_each_call() {
        let words = |arguments: &str| in_words(&of("c1", "w", arguments));
        assert_eq!(words(r#"{"n":"0"}{"n":"7"}"#), [r#"w#c1{"n":"0"}"#, r#"w#-{"n":"7"}"#]);
        assert_eq!(words(r#"{"n":"0"}"#), [r#"w#c1{"n":"0"}"#]);
        assert_eq!(words(r#"{"n":"0"} then {"n":"7"}"#).len(), 1);
        assert_eq!(words("{a}{b}").len(), 1);
    }

    #[test]
    fn ids_one_after_another_are_taken_apart_only_where_they_are_alike() {
        let ids = |id: &str| of(id, "w", "{}{}").iter().map(sample::part).collect::<Vec<_>>();
        assert_eq!(ids("call_01call_02"), ["w#call_01{}", "w#call_02{}"]);
        for whole in ["call_0102", "call_01call_002", "call_call_", "call_01call_01", "тtool_1т_1"] {
            assert_eq!(ids(whole), [format!("w#{whole}{{}}"), "w#-{}".to_owned()]);
        }
    }

    #[test]
    fn a_name_of_several_tools_is_one_of_each() {
        let named = |joined: &str, arguments: &str| {
            let mut answer = [Message::new(Role::Assistant, of("call_1call_2call_3", joined, arguments))];
            name(&mut answer, &tools());
            answer[0].parts.iter().filter_map(called).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(named("pingping_allrun_job", "{}{}{}"), ["ping", "ping_all", "run_job"]);
        assert_eq!(named("pingpingping_all", "{}{}{}"), ["ping", "ping", "ping_all"]);
        assert_eq!(named("ping", "{}{}{}"), ["ping", "ping", "ping"]);
        assert_eq!(named("pingpong", "{}{}"), ["pingpong", "pingpong"]);
        assert_eq!(named("pingrun_job", "{}"), ["pingrun_job"]);
    }

    #[test]
    fn arguments_tell_whose_they_are_where_one_tool_takes_them() {
        let named = |arguments: &str| {
            let mut answer = Message::new(Role::Assistant, of("c1", "ping", arguments));
            name_by_arguments(&mut answer, &tools());
            in_words(&answer.parts).join(" ")
        };
        assert_eq!(
            named(r#"{"host":"a"}{"host":"b"}{"job":"x"}"#),
            r#"ping#c1{"host":"a"} ping#-{"host":"b"} run_job#-{"job":"x"}"#
        );
        assert_eq!(named(r#"{"host":"a"}{"city":"x"}"#), r#"ping#c1{"host":"a"} #-{"city":"x"}"#);
    }
}
