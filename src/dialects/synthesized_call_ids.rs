//! Ids that Google's instrumentations make up where Gemini gives none, or an SDK keeps none.
//!
//! They name a call `w_2` by its tool and its place among the parts of its message, counted from 0, and its result by
//! that of the result. An id with a higher number than its message has parts is one that somebody gave:
//!
//! ```text
//!   {tool_call, id: "w_2", name: "w"}             {tool_call_response, id: "w_0"}      neither had an id
//!   {tool_call, id: "fc-91", name: "w"}           {tool_call_response, id: "w_0"}      the result had none
//! ```
//!
//! Both have none then: a result answers the next call of its tool.

use std::{collections::HashSet, sync::Arc};

use super::reading;
use crate::model::{Content, Part, Translation};

/// Removes made-up ids, and gives results the names of the tools in theirs.
pub fn remove(into: &mut Translation) {
    let messages = into.readings.iter().flat_map(|reading| reading.prompt.iter().chain(&reading.completion));
    let calls = messages.flat_map(|message| &message.parts).filter_map(|part| match &part.content {
        Content::Call(call) => Some(call.name.clone()),
        _ => None,
    });
    let called: HashSet<String> = calls.collect();
    if called.is_empty() {
        return;
    }
    let is_synthesized = |part: &Part, of: usize| match &part.content {
        Content::Call(call) => call.id.as_deref().and_then(|id| synthesized(id, of)) == Some(&call.name),
        Content::Result(result) => {
            let name = result.call_id.as_deref().and_then(|id| synthesized(id, of));
            name.is_some_and(|name| called.contains(name))
        }
        _ => false,
    };
    for message in reading::all(into) {
        let of = message.parts.len();
        if !message.parts.iter().any(|part| is_synthesized(part, of)) {
            continue;
        }
        for part in Arc::make_mut(message).parts.iter_mut().filter(|part| is_synthesized(part, of)) {
            match &mut part.content {
                Content::Call(call) => call.id = None,
                Content::Result(result) => {
                    let id = result.call_id.take();
                    let name = || id.as_deref().and_then(|id| synthesized(id, of)).map(str::to_owned);
                    result.name = result.name.take().or_else(name);
                }
                _ => {}
            }
        }
    }
}

/// The tool's name in an id that is made of it and of a place in a message of so many parts.
fn synthesized(id: &str, of: usize) -> Option<&str> {
    let (name, place) = id.rsplit_once('_')?;
    let is_place = place.parse::<usize>().is_ok_and(|at| at < of && at.to_string() == place);
    (is_place && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::super::{
        gen_ai,
        google_adk::SCOPE,
        google_genai,
        sample::{Sample, sides},
    };
    use crate::model::Content;

    #[test]
    fn an_id_made_of_the_tools_name_is_none() {
        let sent = r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"w_1","name":"w","arguments":{}},
            {"type":"tool_call","id":"x_99","name":"w","arguments":{}}]},
            {"role":"user","parts":[{"type":"tool_call_response","id":"w_0","response":{"result":1}}]}]"#;
        let read = Sample::log(gen_ai::DETAILS, "null").scope(SCOPE).with(&[(gen_ai::INPUT, sent)]).translate();
        assert_eq!(sides(&read).0, ["assistant: w#-{} · w#x_99{}", "tool: =- json 1"]);
        let Content::Result(result) = &read.readings[0].prompt[1].parts[0].content else { panic!("no result") };
        assert_eq!(result.name.as_deref(), Some("w"));
    }

    #[test]
    fn an_id_with_a_number_that_is_no_place_is_one_that_somebody_gave() {
        let sent = |call: &str, result: &str| {
            let sent = format!(
                r#"[{{"role":"assistant","parts":[{{"type":"tool_call","id":"{call}","name":"lookup","arguments":{{}}}}]}},
                {{"role":"user","parts":[{{"type":"tool_call_response","id":"{result}","response":{{"a":1}}}}]}}]"#
            );
            sides(&Sample::span("x").scope(google_genai::SCOPE).with(&[(gen_ai::INPUT, &sent)]).translate()).0
        };
        for id in ["lookup_7", "lookup_1", "lookup_00", "lookup_412"] {
            let kept = [format!("assistant: lookup#{id}{{}}"), format!(r#"tool: ={id} json {{"a":1}}"#)];
            assert_eq!(sent(id, id), kept);
        }
        assert_eq!(sent("lookup_0", "lookup_0"), ["assistant: lookup#-{}", r#"tool: =- json {"a":1}"#]);
    }

    #[test]
    fn a_result_may_be_named_so_where_its_call_has_an_id() {
        let sent = r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"fc-91","name":"w","arguments":{}}]},
            {"role":"user","parts":[{"type":"tool_call_response","id":"w_0","response":{"a":1}},
            {"type":"tool_call_response","id":"v_0","response":{"a":2}}]}]"#;
        let read = |scope: &str| {
            sides(&Sample::span("x").scope(scope).with(&[(gen_ai::INPUT, sent)]).translate()).0[1].clone()
        };
        let mended = r#"tool: =- json {"a":1} · =v_0 json {"a":2}"#;
        assert_eq!([read(SCOPE), read(google_genai::SCOPE)], [mended; 2]);
        assert_eq!(read("other"), r#"tool: =w_0 json {"a":1} · =v_0 json {"a":2}"#);
    }
}
