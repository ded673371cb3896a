//! What frameworks put into OpenInference's fields in a form of their own (`conventions.md` 4).
//!
//! ```text
//!   LlamaIndex   {"message": {"role": …, "blocks": [{"text": …}, {"tool_name": …, "tool_kwargs": …}]}, "raw": …}
//!   smolagents   roles `tool-call` ("Calling tools:\n[…]") and `tool-response` ("Observation:\n…"), all text
//!   AutoGen      llm.input_messages.2.thought, .3.function.0; {"finish_reason": …, "content": […], "thought": …}
//!   CrewAI       {"raw": …, "messages": […], "token_usage": {…}}
//! ```

use std::collections::HashSet;

use super::{
    calls::{self, first},
    maybe_json::MaybeJson,
    parts, provider_payload, reading, token_counts,
};
use crate::model::{Content, GenAi, Message, Part, Role, Source, ToolResult, Value};

/// The messages in a framework's own dump of a request, an answer or a run; `None` for any other data.
pub fn messages(value: &Value, role: Role) -> Option<Vec<Message>> {
    let found = created(value).or_else(|| crew(value)).or_else(|| llama_index(value, role))?;
    (!found.is_empty()).then_some(found)
}

/// AutoGen's `CreateResult`.
fn created(value: &Value) -> Option<Vec<Message>> {
    let content =
        value.get("content").filter(|_| value.get("finish_reason").is_some() && value.get("cached").is_some())?;
    let parts = match content {
        Value::Array(items) => items.iter().filter_map(calls::call).collect(),
        text => parts::text(text.as_str()?).into_iter().collect(),
    };
    let mut messages = reading::from_parts(Role::Assistant, parts);
    if let Some(words) = value.str("thought") {
        think(words, &mut messages);
    }
    Some(messages)
}

/// Adds what AutoGen calls a thought: the text beside calls, or the reasoning before a text.
pub fn think(words: &str, messages: &mut Vec<Message>) {
    let is_call = |part: &Part| matches!(part.content, Content::Call(_));
    let calls = messages.last().is_some_and(|message| message.parts.iter().any(is_call));
    let part = if calls { parts::text(words) } else { Some(parts::thought(words)).filter(|_| !words.is_empty()) };
    let Some(part) = part else { return };
    match messages.last_mut().filter(|message| message.role == Role::Assistant) {
        Some(message) => message.parts.insert(0, part),
        None => messages.push(Message::new(Role::Assistant, vec![part])),
    }
}

/// An answer as LlamaIndex prints it, without its role: `assistant: 18C`, and `assistant: None` of one without text.
pub fn printed<'v>(source: &Source, answer: &'v str) -> Option<&'v str> {
    let messages = answer.strip_prefix("assistant:").filter(|_| source.scope.name.ends_with("llama_index"))?;
    let messages = messages.strip_prefix(' ').unwrap_or(messages);
    // If the text were the word `None`, the flat message beside it would have it.
    let is_none = messages == "None" && source.attributes.has_prefix("llm.output_messages.");
    Some(if is_none { "" } else { messages })
}

/// What a crew, a task or its agent returned: the messages of the run if they are there, and its answer.
fn crew(value: &Value) -> Option<Vec<Message>> {
    let raw =
        value.str("raw").filter(|_| value.get("tasks_output").or_else(|| value.get("output_format")).is_some())?;
    let mut messages =
        value.get("messages").and_then(|list| provider_payload::messages(list, Role::User)).unwrap_or_default();
    let answer = messages.iter().rev().find(|message| message.role == Role::Assistant).map(Message::plain_text);
    if !raw.is_empty() && answer.is_none_or(|answer| !answer.contains(raw.trim())) {
        messages.push(Message::text(Role::Assistant, raw));
    }
    Some(messages)
}

/// Adds the tokens of a whole crew.
pub fn crew_usage(value: &Value, genai: &mut GenAi) {
    let Some(usage) = value.get("token_usage").filter(|_| value.str("raw").is_some()) else { return };
    if genai.reported.input.is_none() && genai.reported.output.is_none() {
        token_counts::read(usage, &mut genai.reported);
    }
}

/// LlamaIndex's messages: `ChatMessage`, `ChatResponse`, `CompletionResponse` or a list of the first.
fn llama_index(value: &Value, fallback: Role) -> Option<Vec<Message>> {
    let mut into = Vec::new();
    match value {
        Value::Array(items) => {
            for item in items {
                chat_message(item, fallback, &mut into)?;
            }
        }
        Value::Map(_) => match (value.get("message"), value.get("messages").and_then(Value::as_array)) {
            (Some(message), _) => chat_message(message, fallback, &mut into)?,
            (None, Some(items)) => {
                for item in items {
                    chat_message(item, fallback, &mut into)?;
                }
            }
            (None, None) if value.get("raw").is_some() && value.get("additional_kwargs").is_some() => {
                // Its reasoning is only in the provider's own response.
                let raw = value.get("raw").and_then(provider_payload::response).unwrap_or_default();
                let thought = raw.into_iter().flat_map(|message| message.parts);
                let thought = thought.filter(|part| matches!(part.content, Content::Reasoning(_)));
                into.extend(reading::from_parts(
                    fallback,
                    thought.chain(value.str("text").and_then(parts::text)).collect(),
                ));
            }
            (None, None) => chat_message(value, fallback, &mut into)?,
        },
        _ => return None,
    }
    Some(into)
}

fn chat_message(message: &Value, fallback: Role, into: &mut Vec<Message>) -> Option<()> {
    let more = message.get("additional_kwargs")?;
    let role = message.str("role")?;
    let blocks = message.get("blocks").and_then(Value::as_array);
    let content = match blocks {
        Some(blocks) => Value::Array(blocks.iter().map(block).collect()),
        None => message.get("content")?.clone(),
    };
    let mut entries = vec![("role".to_owned(), Value::from(role)), ("content".to_owned(), content)];
    for key in ["tool_calls", "tool_call_id", "name", "reasoning_content"] {
        entries.extend(first(more, &[key]).map(|value| (key.to_owned(), value.clone())));
    }
    reading::message(&Value::Map(entries), fallback, into);
    Some(())
}

/// A block, whose type is left out where it is the usual one, in the form of other APIs.
pub fn block(block: &Value) -> Value {
    let has = |key: &str| block.get(key).is_some_and(|value| !value.is_empty());
    let made = |kind: &str, names: &[(&str, &str)]| {
        let named = names.iter().filter_map(|(from, to)| Some(((*to).to_owned(), first(block, &[from])?.clone())));
        Value::Map([("type".to_owned(), kind.into())].into_iter().chain(named).collect())
    };
    let only = |keys: &[&str]| {
        block.as_map().unwrap_or_default().iter().all(|(key, _)| key == "block_type" || keys.contains(&key.as_str()))
    };
    if has("tool_name") || has("tool_kwargs") {
        made("tool_use", &[("tool_call_id", "id"), ("tool_name", "name"), ("tool_kwargs", "input")])
    } else if has("content") && only(&["content", "num_tokens", "additional_information"]) {
        made("reasoning", &[("content", "text")])
    } else if has("text") && only(&["text"]) {
        made("text", &[("text", "text")])
    } else if has("image") || block.str("block_type") == Some("image") {
        made("image", &[("image", "data"), ("image_mimetype", "mime_type"), ("url", "url"), ("path", "url")])
    } else if has("audio") {
        made("audio", &[("audio", "data"), ("format", "format"), ("url", "url")])
    } else if has("document_mimetype") || block.str("block_type") == Some("document") {
        made("document", &[("data", "data"), ("document_mimetype", "mime_type"), ("title", "name"), ("url", "url")])
    } else {
        block.clone()
    }
}

/// Reads a flat message that only one framework writes so; false where it is an ordinary one.
pub fn message(item: &Value, message: &Value, into: &mut Vec<Message>) -> bool {
    let role = message.str("role").unwrap_or_default();
    if let Some(results) = item.get("function").and_then(Value::as_array) {
        let read = results.iter().map(|result| match MaybeJson::of(result) {
            MaybeJson::Data(data) => calls::result(&data),
            _ => calls::answered(None, None, Some(result)),
        });
        into.extend(reading::from_parts(Role::Tool, read.collect()));
        return true;
    }
    // Once they were written as Python names them: `MessageRole.TOOL_CALL`.
    let role = role.rsplit('.').next().unwrap_or(role).to_ascii_lowercase().replace('_', "-");
    if role != "tool-call" && role != "tool-response" {
        return false;
    }
    let mut content = Vec::new();
    let listed = message.get("contents").and_then(Value::as_array).unwrap_or_default();
    for block in listed.iter().map(|item| item.get("message_content").unwrap_or(item)).chain(message.get("content")) {
        parts::content(block, &mut content);
    }
    let words: Vec<&str> = content.iter().filter_map(text).collect();
    let words = words.join("\n");
    if role == "tool-call" {
        into.extend(reading::from_parts(Role::Assistant, called(&words).unwrap_or(content)));
    } else {
        let media = content.into_iter().filter(|part| text(part).is_none()).collect();
        observed(&words, media, into);
    }
    true
}

fn text(part: &Part) -> Option<&str> {
    match &part.content {
        Content::Text(text) => Some(text),
        _ => None,
    }
}

/// `Calling tools:` and a list in Python's notation.
fn called(words: &str) -> Option<Vec<Part>> {
    let list = words.strip_prefix("Calling tools:")?.trim().into();
    let MaybeJson::Data(list) = MaybeJson::or_python(&list) else { return None };
    list.as_array()?.iter().map(calls::call).collect()
}

/// What the calls before it returned, one after another in one text.
///
/// The text of a call that failed names its id or its tool; where nothing was called, the framework wrote it.
fn observed(words: &str, media: Vec<Part>, into: &mut Vec<Message>) {
    let calls = into.last().into_iter().flat_map(|message| &message.parts).filter_map(|part| match &part.content {
        Content::Call(call) => Some((call.id.clone(), Some(call.name.clone()))),
        _ => None,
    });
    let mut calls: Vec<(Option<String>, Option<String>)> = calls.collect();
    let named = words.strip_prefix("Call id: ").and_then(|rest| rest.split_once('\n'));
    let body = named.map_or(words, |(_, body)| body);
    let body = body.strip_prefix("Observation:\n").unwrap_or(body);
    let is_error = body.starts_with("Error:").then_some(true);
    let failed = || Some(body.strip_prefix("Error:\nError executing tool '")?.split_once('\'')?.0.to_owned());
    if let Some((id, _)) = named {
        calls.retain(|(other, _)| other.as_deref() == Some(id));
        calls.truncate(1);
        if calls.is_empty() {
            calls.push((calls::usable_id(id).map(str::to_owned), None));
        }
    } else if calls.is_empty()
        && let Some(tool) = failed()
    {
        calls.push((None, Some(tool)));
    }
    let result = |(call_id, name): (Option<String>, Option<String>), words: &str, media: Vec<Part>| {
        let content = parts::text(words).into_iter().chain(media).collect();
        Part::new(Content::Result(ToolResult { call_id, name, is_error, content }))
    };
    let results = match calls.len() {
        1 => calls.into_iter().zip([media]).map(|(call, media)| result(call, body, media)).collect(),
        many if many > 0 && media.is_empty() && body.lines().count() == many => {
            calls.into_iter().zip(body.lines()).map(|(call, line)| result(call, line, vec![])).collect()
        }
        // Nothing shows which result is of which call.
        _ => {
            return into.extend(reading::from_parts(Role::User, parts::text(words).into_iter().chain(media).collect()));
        }
    };
    into.push(Message::new(Role::Tool, results));
}

/// smolagents puts reasoning into the answer as a second text: the text that the whole answer does not have.
///
/// It stays behind the first text, where its sender put it: with what follows it, it is a message of its own.
pub fn thoughts_apart(flat: &mut Vec<Message>, answer: &[Message]) {
    if answer.is_empty() {
        return;
    }
    let messages: HashSet<&str> = answer.iter().flat_map(|message| &message.parts).filter_map(text).collect();
    for mut message in std::mem::take(flat) {
        let mut parts = Vec::with_capacity(message.parts.len());
        for part in message.parts {
            match text(&part).filter(|words| !messages.contains(words)).map(parts::thought) {
                Some(thought) => {
                    if !parts.is_empty() {
                        let parts = std::mem::take(&mut parts);
                        flat.push(Message { role: message.role, name: message.name.clone(), parts });
                    }
                    parts.push(thought);
                }
                None => parts.push(part),
            }
        }
        message.parts = parts;
        flat.push(message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{self, Sample, sides, value};
    use super::*;

    fn read(text: &str) -> Option<Vec<String>> {
        Some(messages(&value(text), Role::Assistant)?.iter().map(sample::in_words).collect())
    }

    fn call(kind: &str, pairs: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let span = Sample::span("x").scope("openinference.instrumentation.smolagents");
        sides(&span.with(&[("openinference.span.kind", kind)]).with(pairs).translate())
    }

    #[test]
    fn llama_index_prints_an_answer_with_its_role() {
        let answer = |text: &str, more: &[(&str, &str)]| {
            let pairs = [("openinference.span.kind", "LLM"), ("output.value", text)];
            sides(
                &Sample::span("x")
                    .scope("openinference.instrumentation.llama_index")
                    .with(&pairs)
                    .with(more)
                    .translate(),
            )
            .1
        };
        let beside = [("llm.output_messages.0.message.role", "assistant")];
        assert!(answer("assistant: None", &beside).is_empty() && answer("assistant: ", &beside).is_empty());
        assert_eq!(answer("assistant: 4", &[]), ["assistant: 4"]);
        let none = [beside[0], ("llm.output_messages.0.message.content", "None")];
        assert_eq!(answer("assistant: None", &none), ["assistant: None"]);
    }

    #[test]
    fn llama_index_leaves_the_types_of_its_blocks_out() {
        let message = r#"{"role":"assistant","additional_kwargs":{"tool_calls":[{"id":"c1","function":{"name":"w","arguments":"{}"}}]},
            "blocks":[{"content":"hm"},{"text":"Let me look."},{"tool_call_id":"c1","tool_name":"w","tool_kwargs":"{}"},
            {"image":"aGk=","image_mimetype":"image/png"}]}"#;
        let expected = "assistant: (thought) hm · Let me look. · w#c1{} · <image image/png 2 bytes>";
        assert_eq!(read(&format!(r#"{{"message":{message},"raw":{{}}}}"#)).unwrap(), [expected]);
        assert_eq!(read(&format!(r#"{{"messages":[{message}]}}"#)).unwrap(), [expected]);
        let completed = r#"{"text":"upon","additional_kwargs":{},"raw":{},"logprobs":null}"#;
        assert_eq!(read(completed).unwrap(), ["assistant: upon"]);
        let raw = r#"{"choices":[{"message":{"role":"assistant","content":"4","reasoning_content":"hm"}}]}"#;
        let completed = format!(r#"{{"text":"4","additional_kwargs":{{}},"raw":{raw}}}"#);
        assert_eq!(read(&completed).unwrap(), ["assistant: (thought) hm · 4"]);
        assert_eq!(read(r#"{"messages":["ChatMessage(role=…)"]}"#), None);
    }

    #[test]
    fn smolagents_history_is_calls_and_results() {
        let message = |at: usize, role: &'static str, text: &'static str| {
            [
                (format!("llm.input_messages.{at}.message.role"), role),
                (format!("llm.input_messages.{at}.message.contents.0.message_content.text"), text),
            ]
        };
        let history = [
            message(
                0,
                "tool-call",
                "Calling tools:\n[{'id': 'c1', 'type': 'function', 'function': {'name': 'w', 'arguments': {'city': 'Paris'}}}, {'id': 'c2', 'function': {'name': 'w', 'arguments': {}}}]",
            ),
            message(1, "tool-response", "Observation:\n18C\n27C"),
            message(
                2,
                "tool-call",
                "Calling tools:\n[{'id': 'c3', 'function': {'name': 'py', 'arguments': 'print(1)'}}]",
            ),
            message(3, "tool-response", "Observation:\nlogs\nNone"),
            message(4, "tool-response", "Error:\nError executing tool 'w': no"),
            message(6, "tool-response", "Call id: c9\nError:\nno"),
            message(7, "tool-response", "Error:\nnot a call"),
            message(8, "tool-call", "Calling tools:\nnone"),
        ];
        let pairs: Vec<_> = history.iter().flatten().map(|(key, text)| (key.as_str(), *text)).collect();
        let expected = [
            r#"assistant: w#c1{"city":"Paris"} · w#c2{}"#,
            "tool: =c1 18C · =c2 27C",
            r#"assistant: py#c3"print(1)""#,
            "tool: =c3 logs\nNone",
            "tool: =!- Error:\nError executing tool 'w': no",
            "tool: =!c9 Error:\nno",
            "user: Error:\nnot a call",
            "assistant: Calling tools:\nnone",
        ];
        assert_eq!(call("LLM", &pairs).0, expected);
    }

    #[test]
    fn smolagents_agents_have_the_names_of_their_spans() {
        let span = |kind: &str| {
            let span = Sample::span("desk_clerk.run").scope("openinference.instrumentation.smolagents");
            span.with(&[("openinference.span.kind", kind)]).translate().genai.agent
        };
        assert_eq!((span("AGENT").as_deref(), span("CHAIN")), (Some("desk_clerk"), None));
    }

    #[test]
    fn smolagents_thought_is_what_the_answer_does_not_say() {
        let content = "llm.output_messages.0.message.contents";
        let pairs = [
            ("llm.output_messages.0.message.role", "assistant"),
            (&*format!("{content}.0.message_content.text"), "Hi."),
            (&*format!("{content}.1.message_content.text"), "hm"),
            ("output.value", r#"{"role":"assistant","content":"Hi.","tool_calls":null,"raw":"ChatCompletion(…)"}"#),
        ];
        assert_eq!(call("LLM", &pairs).1, ["assistant: Hi.", "assistant: (thought) hm"]);
    }

    #[test]
    fn autogens_thought_is_a_text_beside_calls() {
        let created = |content: &str| {
            read(&format!(
                r#"{{"finish_reason":"stop","content":{content},"usage":{{}},"cached":false,"thought":"hm"}}"#
            ))
        };
        assert_eq!(created(r#"[{"id":"c1","name":"w","arguments":"{}"}]"#).unwrap(), ["assistant: hm · w#c1{}"]);
        assert_eq!(created(r#""Hi.""#).unwrap(), ["assistant: (thought) hm · Hi."]);
        let pairs = [
            ("llm.input_messages.0.message.role", "assistant"),
            ("llm.input_messages.0.message.tool_calls.0.tool_call.function.name", "w"),
            ("llm.input_messages.0.thought", "Let me look."),
            ("llm.input_messages.1.message.role", "function"),
            ("llm.input_messages.1.function.0", r#"{"name":"w","content":"18C","call_id":"c1","is_error":false}"#),
        ];
        assert_eq!(call("LLM", &pairs).0, ["assistant: Let me look. · w#-null", "tool: =c1 18C"]);
    }

    #[test]
    fn a_crew_has_its_answer_and_its_tokens() {
        let kickoff = r#"{"raw":"R","tasks_output":[],"token_usage":{"prompt_tokens":567,"completion_tokens":678,"total_tokens":1245}}"#;
        let span =
            Sample::span("Crew_1.kickoff").with(&[("openinference.span.kind", "CHAIN"), ("output.value", kickoff)]);
        let read = span.translate();
        assert_eq!(sides(&read).1, ["assistant: R"]);
        let usage = read.genai.usage.unwrap_or_default();
        assert_eq!((usage.input(), usage.output, read.genai.aggregate), (Some(567), Some(678), true));
        let task = r#"{"raw":"R","output_format":"raw","messages":[{"role":"user","content":"q"},{"role":"assistant","content":"R"}]}"#;
        assert_eq!(call("AGENT", &[("output.value", task)]), (vec!["user: q".into()], vec!["assistant: R".into()]));
    }
}
