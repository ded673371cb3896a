//! Ids that Google's instrumentations make up where Gemini gives none, or an SDK keeps none.
//!
//! They name a call `w_2` by its tool and its place in the message, and its result by that of the result:
//!
//! ```text
//!   {tool_call, id: "w_2", name: "w"}             {tool_call_response, id: "w_0"}      neither had an id
//!   {tool_call, id: "fc-91", name: "w"}           {tool_call_response, id: "w_0"}      the result had none
//! ```
//!
//! Both have none then: a result answers the next call of its tool.

use std::{collections::HashSet, sync::Arc};

use super::google_adk::messages;
use crate::model::{Content, Part, Translation};

/// Takes made-up ids away, and names results by the tools in theirs.
pub fn forget(into: &mut Translation) {
    let said = into.readings.iter().flat_map(|reading| reading.prompt.iter().chain(&reading.completion));
    let calls = said.flat_map(|message| &message.parts).filter_map(|part| match &part.content {
        Content::Call(call) => Some(call.name.clone()),
        _ => None,
    });
    let called: HashSet<String> = calls.collect();
    if called.is_empty() {
        return;
    }
    let is_made_up = |part: &Part| match &part.content {
        Content::Call(call) => call.id.as_deref().and_then(made_up) == Some(&call.name),
        Content::Result(result) => {
            result.call_id.as_deref().and_then(made_up).is_some_and(|name| called.contains(name))
        }
        _ => false,
    };
    for message in messages(into).filter(|message| message.parts.iter().any(is_made_up)) {
        for part in Arc::make_mut(message).parts.iter_mut().filter(|part| is_made_up(part)) {
            match &mut part.content {
                Content::Call(call) => call.id = None,
                Content::Result(result) => {
                    let id = result.call_id.take();
                    let name = || id.as_deref().and_then(made_up).map(str::to_owned);
                    result.name = result.name.take().or_else(name);
                }
                _ => {}
            }
        }
    }
}

/// The tool's name in an id that is made of it and of a small number.
fn made_up(id: &str) -> Option<&str> {
    let (name, place) = id.rsplit_once('_')?;
    let is_place = (1..=3).contains(&place.len()) && place.bytes().all(|byte| byte.is_ascii_digit());
    (is_place && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::super::{
        gen_ai,
        google_adk::SCOPE,
        google_genai,
        sample::{Sample, said},
    };
    use crate::model::Content;

    #[test]
    fn an_id_made_of_the_tools_name_is_none() {
        let sent = r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"w_1","name":"w","arguments":{}},
            {"type":"tool_call","id":"x_99","name":"w","arguments":{}}]},
            {"role":"user","parts":[{"type":"tool_call_response","id":"w_0","response":{"result":1}}]}]"#;
        let read = Sample::log(gen_ai::DETAILS, "null").scope(SCOPE).with(&[(gen_ai::INPUT, sent)]).translate();
        assert_eq!(said(&read).0, ["assistant: w#-{} · w#x_99{}", "tool: =- json 1"]);
        let Content::Result(result) = &read.readings[0].prompt[1].parts[0].content else { panic!("no result") };
        assert_eq!(result.name.as_deref(), Some("w"));
    }

    #[test]
    fn a_result_may_be_named_so_where_its_call_has_an_id() {
        let sent = r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"fc-91","name":"w","arguments":{}}]},
            {"role":"user","parts":[{"type":"tool_call_response","id":"w_0","response":{"a":1}},
            {"type":"tool_call_response","id":"v_0","response":{"a":2}}]}]"#;
        let read =
            |scope: &str| said(&Sample::span("x").scope(scope).with(&[(gen_ai::INPUT, sent)]).translate()).0[1].clone();
        let mended = r#"tool: =- json {"a":1} · =v_0 json {"a":2}"#;
        assert_eq!([read(SCOPE), read(google_genai::SCOPE)], [mended; 2]);
        assert_eq!(read("other"), r#"tool: =w_0 json {"a":1} · =v_0 json {"a":2}"#);
    }
}
