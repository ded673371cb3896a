//! What Traceloop's instrumentations do to the lists of messages of `genai-3`, undone: the order of parts, blocks made
//! texts, arguments that are wrapped, ids of calls that no result names.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use super::{calls, doubled_pieces, parts, reading};
use crate::model::{Content, Message, Part, Role, Source, StatusCode, Value, json};

/// Undoes what the instrumentation of a library does to a message. `package` is the library: `openai`, `langchain`.
pub fn repair(package: Option<&str>, message: &mut Arc<Message>) {
    // The answer's text is collected before its reasoning, whatever came first.
    let is_late = |parts: &[Part]| {
        let mut seen = false;
        parts.iter().any(|part| {
            let is_thought = matches!(part.content, Content::Reasoning(_));
            seen |= !is_thought;
            is_thought && seen
        })
    };
    if package == Some("openai") && is_late(&message.parts) {
        Arc::make_mut(message).parts.sort_by_key(|part| !matches!(part.content, Content::Reasoning(_)));
    }
    if package == Some("langchain") {
        blocks_in_texts(message);
    }
    if package == Some("bedrock") {
        converse_blocks_in_texts(message);
        if message
            .parts
            .iter()
            .any(|part| matches!(&part.content, Content::Call(call) if call.input.as_str().is_some()))
        {
            doubled_pieces::read_once(Arc::make_mut(message));
        }
    }
    // Arguments that are no JSON object: `{"_raw": …}`.
    let raw = |part: &Part| match &part.content {
        Content::Call(call) => match call.input.as_map() {
            Some([(key, raw)]) if key == "_raw" => Some(calls::arguments(raw).0),
            _ => None,
        },
        _ => None,
    };
    if message.parts.iter().any(|part| raw(part).is_some()) {
        for part in &mut Arc::make_mut(message).parts {
            if let (Some(input), Content::Call(call)) = (raw(part), &mut part.content) {
                call.input = input;
            }
        }
    }
}

/// Reads texts that are blocks of `LangChain` as JSON. The calls among them are there once more as parts.
fn blocks_in_texts(message: &mut Arc<Message>) {
    let id = |part: &Part| match &part.content {
        Content::Call(call) => call.id.clone(),
        _ => None,
    };
    let called: HashSet<String> = message.parts.iter().filter_map(id).collect();
    let blocks: Vec<Option<Vec<Part>>> = message.parts.iter().map(|part| block_in(message, part, &called)).collect();
    if blocks.iter().all(Option::is_none) {
        return;
    }
    let is_new = |part: &Part| id(part).is_none_or(|id| !called.contains(&id));
    let message = Arc::make_mut(message);
    let parts = message.parts.drain(..).zip(blocks).flat_map(|(part, block)| match block {
        Some(block) => block.into_iter().filter(is_new).collect(),
        None => vec![part],
    });
    message.parts = parts.collect();
}

/// Reads texts that are blocks of Converse as JSON: all kinds but texts, calls and results.
fn converse_blocks_in_texts(message: &mut Arc<Message>) {
    let block_in = |part: &Part| {
        let Content::Text(text) = &part.content else { return None };
        if !text.starts_with("{\"") || !text.ends_with('}') {
            return None;
        }
        let block = json::parse(text).ok()?;
        let [(kind, Value::Map(_))] = block.as_map()? else { return None };
        let is_block = match message.role {
            Role::Assistant => kind == "reasoningContent",
            // Alone it may be what someone wrote.
            Role::User => ["image", "document", "video"].contains(&kind.as_str()) && message.parts.len() > 1,
            Role::System | Role::Tool => false,
        };
        is_block.then(|| parts_of(&block)).flatten()
    };
    let blocks: Vec<Option<Vec<Part>>> = message.parts.iter().map(block_in).collect();
    if blocks.iter().any(Option::is_some) {
        let message = Arc::make_mut(message);
        let parts = message.parts.drain(..).zip(blocks).flat_map(|(part, block)| block.unwrap_or_else(|| vec![part]));
        message.parts = parts.collect();
    }
}

/// The parts of a block; `None` where it has none, or one of unknown kind.
fn parts_of(block: &Value) -> Option<Vec<Part>> {
    let mut found = Vec::new();
    parts::content(block, &mut found);
    let is_unknown = |part: &Part| matches!(part.content, Content::Unknown(_));
    (!found.is_empty() && !found.iter().any(is_unknown)).then_some(found)
}

fn block_in(message: &Message, part: &Part, called: &HashSet<String>) -> Option<Vec<Part>> {
    const KINDS: &[&str] =
        &["thinking", "redacted_thinking", "reasoning", "tool_use", "server_tool_use", "tool_result"];
    const MEDIA: &[&str] = &["image", "image_url", "audio", "input_audio", "video", "file", "document", "media"];
    let Content::Text(text) = &part.content else { return None };
    if !text.starts_with('{') || !text.ends_with('}') {
        return None;
    }
    let block = json::parse(text).ok()?;
    let kind = block.str("type")?;
    let is_block = match message.role {
        // Calls of programs' own tools are always repeated as parts; a text without its part is a text.
        Role::Assistant if matches!(kind, "function_call" | "custom_tool_call" | "tool_call") => {
            calls::first_str(&block, &["call_id", "id"]).is_some_and(|id| called.contains(id))
        }
        Role::Assistant => {
            let is_theirs = kind.ends_with("_call") && block.str("id").is_some();
            KINDS.contains(&kind) || kind.ends_with("_tool_result") || is_theirs
        }
        // Alone it may be what someone wrote.
        Role::User => MEDIA.contains(&kind) && message.parts.len() > 1,
        Role::System | Role::Tool => false,
    };
    is_block.then(|| parts_of(&block)).flatten()
}

/// Reads the input of the Responses API, which in JavaScript is one text of the user's: JSON of the items.
///
/// In the Chat API such a text is what somebody wrote: its answers have ids that say so, and its tools are recorded. Of a
/// stream of the Responses API nothing is recorded but its request.
pub fn unpack_items(source: &Source, prompt: &mut Vec<Arc<Message>>) {
    let attributes = source.attributes;
    let answers = || attributes.has("gen_ai.output.messages") || attributes.has("gen_ai.response.finish_reasons");
    let is_chat = match attributes.str("gen_ai.response.id") {
        Some(id) => id.starts_with("chatcmpl"),
        None => answers(),
    };
    let is_chat = is_chat || attributes.has("gen_ai.tool.definitions");
    if source.scope.name != "@traceloop/instrumentation-openai" || is_chat {
        return;
    }
    // Of a call that failed nothing else tells the two apart but items that no person writes.
    let failed = source.status.code == StatusCode::Error;
    let [only] = prompt.as_slice() else { return };
    let [Part { content: Content::Text(text), .. }] = only.parts.as_slice() else { return };
    let is_item = |item: &Value| item.str("role").or(item.str("type")).is_some();
    let items = match json::parse(text) {
        Ok(Value::Array(items)) if !items.is_empty() && items.iter().all(is_item) => Value::Array(items),
        _ => return,
    };
    let is_typed = |item: &Value| item.str("type").is_some();
    if failed && !items.as_array().is_some_and(|items| items.iter().any(is_typed)) {
        return;
    }
    *prompt = reading::messages(&items, Role::User).into_iter().map(Arc::new).collect();
}

/// Gives calls the ids that their results name, in order, where none names theirs.
///
/// Of the Responses API's calls the item's id is written, of the results the call's; through LangChain some have none.
pub fn name_calls(prompt: &mut [Arc<Message>]) {
    let parts = || {
        prompt.iter().enumerate().flat_map(|(at, message)| message.parts.iter().enumerate().map(move |part| (at, part)))
    };
    let (mut called, mut answered) = (HashSet::new(), HashSet::new());
    for (_, (_, part)) in parts() {
        match &part.content {
            Content::Call(call) => called.extend(call.id.as_deref()),
            Content::Result(result) => answered.extend(result.call_id.as_deref()),
            _ => {}
        }
    }
    let mut open = VecDeque::new();
    let mut names = Vec::new();
    for (message, (part, one)) in parts() {
        match &one.content {
            Content::Call(call) if call.id.as_deref().is_none_or(|id| !answered.contains(id)) => {
                open.push_back((message, part));
            }
            Content::Result(result) => {
                let id = result.call_id.as_deref().filter(|id| !called.contains(id));
                if let (Some(id), Some(call)) = (id, id.and_then(|_| open.pop_front())) {
                    names.push((call, id.to_owned()));
                }
            }
            _ => {}
        }
    }
    for ((message, part), id) in names {
        let part = prompt.get_mut(message).and_then(|message| Arc::make_mut(message).parts.get_mut(part));
        if let Some(Content::Call(call)) = part.map(|part| &mut part.content) {
            call.id = Some(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        gen_ai,
        sample::{Sample, sides},
    };
    use crate::model::json;

    fn current(scope: &str, key: &str, messages: &str) -> Vec<String> {
        let scope = format!("opentelemetry.instrumentation.{scope}");
        let read = Sample::span("chat").scope(&scope).with(&[(key, messages)]).translate();
        let (prompt, completion) = sides(&read);
        prompt.into_iter().chain(completion).collect()
    }

    #[test]
    fn reasoning_came_before_what_it_led_to() {
        let answer = r#"[{"role":"assistant","parts":[{"type":"text","content":"a"},{"type":"reasoning","content":"[{\"text\":\"hm\",\"type\":\"summary_text\"}]"},
            {"type":"tool_call","id":"c","name":"w","arguments":{"_raw":"[1]"}}],"finish_reason":""}]"#;
        assert_eq!(current("openai.v1", gen_ai::OUTPUT, answer), ["assistant: (thought) hm · a · w#c[1]"]);
        let read =
            Sample::span("chat").scope("opentelemetry.instrumentation.openai.v1").with(&[(gen_ai::OUTPUT, answer)]);
        let read = read.translate();
        assert_eq!((read.dialects.as_slice(), read.genai.stop_reason), (&["openllmetry".to_owned()][..], None));
    }

    #[test]
    fn langchains_blocks_in_texts_are_what_they_are() {
        let answer = r#"[{"role":"assistant","parts":[{"type":"text","content":"{\"thinking\":\"hm\",\"signature\":\"s\",\"type\":\"thinking\"}"},
            {"type":"text","content":"{\"id\":\"t1\",\"input\":{},\"name\":\"w\",\"type\":\"tool_use\"}"},
            {"type":"text","content":"{\"answer\":4}"},
            {"type":"tool_call","id":"t1","name":"w","arguments":{}}]}]"#;
        let expected = [r#"assistant: (thought) hm · {"answer":4} · w#t1{}"#];
        assert_eq!(current("langchain", gen_ai::OUTPUT, answer), expected);
        let item =
            r#"{\"type\":\"function_call\",\"call_id\":\"c1\",\"id\":\"fc_1\",\"name\":\"w\",\"arguments\":\"{}\"}"#;
        let call = r#"{"type":"tool_call","id":"c1","name":"w","arguments":{}}"#;
        let answer =
            |more: &str| format!(r#"[{{"role":"assistant","parts":[{{"type":"text","content":"{item}"}}{more}]}}]"#);
        assert_eq!(current("langchain", gen_ai::OUTPUT, &answer(&format!(",{call}"))), ["assistant: w#c1{}"]);
        assert!(current("langchain", gen_ai::OUTPUT, &answer(""))[0].starts_with(r#"assistant: {"type""#));
        let asked = r#"[{"role":"user","parts":[{"type":"text","content":"{\"type\":\"image\",\"url\":\"https://x/y.png\"}"}]}]"#;
        assert_eq!(current("langchain", gen_ai::INPUT, asked), [r#"user: {"type":"image","url":"https://x/y.png"}"#]);
    }

    #[test]
    fn blocks_of_converse_in_texts_are_what_they_are() {
        let thought = r#"{\"reasoningContent\":{\"reasoningText\":{\"text\":\"hm\",\"signature\":\"s\"}}}"#;
        let said = |role: &str| {
            let text = |words: &str| format!(r#"{{"type":"text","content":"{words}"}}"#);
            format!(r#"[{{"role":"{role}","parts":[{},{}]}}]"#, text(thought), text("a"))
        };
        assert_eq!(current("bedrock", gen_ai::OUTPUT, &said("assistant")), ["assistant: (thought) hm · a"]);
        assert!(current("bedrock", gen_ai::INPUT, &said("user"))[0].starts_with(r#"user: {"reasoningContent""#));
        assert!(
            current("groq", gen_ai::OUTPUT, &said("assistant"))[0].starts_with(r#"assistant: {"reasoningContent""#)
        );
    }

    #[test]
    fn the_items_of_the_responses_api_are_no_text_of_the_user() {
        let items = r#"[{"role":"user","content":"q"},{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"output_text","text":"Look."}]},{"id":"fc_1","type":"function_call","call_id":"c1","name":"w","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"18C"}]"#;
        let asked = |id: &str, text: &str| {
            let part = json::to_string(&text.into());
            let sent = format!(r#"[{{"role":"user","parts":[{{"type":"text","content":{part}}}]}}]"#);
            let span = Sample::span("chat m").scope("@traceloop/instrumentation-openai");
            sides(&span.with(&[(gen_ai::INPUT, &sent), ("gen_ai.response.id", id)]).translate()).0
        };
        assert_eq!(asked("resp_1", items), ["user: q", "assistant: Look.", "assistant: w#c1{}", "tool: =c1 18C"]);
        // A stream, of which only the request is recorded.
        assert_eq!(asked("", items).len(), 4);
        assert_eq!(asked("resp_1", "[1]"), ["user: [1]"]);
        assert_eq!(asked("chatcmpl-1", items), [format!("user: {items}")]);
    }

    #[test]
    fn calls_are_named_as_their_results_name_them() {
        let history = r#"[{"role":"assistant","parts":[{"type":"tool_call","id":"fc_1","name":"w","arguments":{}},{"type":"tool_call","id":"fc_2","name":"v","arguments":{}}]},
            {"role":"tool","parts":[{"type":"tool_call_response","id":"call_1","response":"a"}]},
            {"role":"tool","parts":[{"type":"tool_call_response","id":"call_2","response":"b"}]},
            {"role":"assistant","parts":[{"type":"tool_call","id":"c3","name":"w","arguments":{}}]},
            {"role":"tool","parts":[{"type":"tool_call_response","id":"c3","response":"c"}]}]"#;
        assert_eq!(
            current("openai.v1", gen_ai::INPUT, history),
            [
                "assistant: w#call_1{} · v#call_2{}",
                "tool: =call_1 a",
                "tool: =call_2 b",
                "assistant: w#c3{}",
                "tool: =c3 c"
            ]
        );
    }
}
