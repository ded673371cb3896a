//! `genai-1`: OpenTelemetry's GenAI conventions up to 1.27: prompt and completion as one value each (`conventions.md` 1).
//!
//! Marks: events `gen_ai.content.prompt` and `gen_ai.content.completion`, or attributes `gen_ai.prompt` and
//! `gen_ai.completion`. JSON of messages, or plain text; `openlit` joins messages as lines `role: text`, and puts the
//! calls of an answer into `gen_ai.response.tool_calls`, as JSON or as Python's `repr`.

use std::sync::Arc;

use super::{Dialect, calls, definitions, gen_ai, maybe_json::MaybeJson, openlit, parts, provider_payload, reading};
use crate::model::{
    Attributes, Carrier, Category, Content, ContentKind, Message, Note, Part, Role, Source, Timestamp, Translation,
    Value,
};

pub const DIALECT: Dialect =
    Dialect { name: "genai-1", content: ContentKind::Conversation, matches, translate, ..Dialect::PLAIN };

const PROMPT: &str = "gen_ai.prompt";
const COMPLETION: &str = "gen_ai.completion";
const CALLS: &str = "gen_ai.response.tool_calls";

fn is_content(name: &str) -> bool {
    matches!(name, "gen_ai.content.prompt" | "gen_ai.content.completion")
}

fn matches(source: &Source) -> bool {
    let attributes = source.attributes;
    let has = |key: &&str| attributes.has(key);
    [PROMPT, COMPLETION, CALLS].iter().any(has) || source.events.iter().any(|event| is_content(&event.name))
}

fn translate(source: &Source, into: &mut Translation) {
    carried(source, source.attributes, reading::carrier(source), into);
    for event in source.events.iter().filter(|event| is_content(&event.name)) {
        carried(source, &event.attributes, (Carrier::Event, Some(event.at)), into);
    }
    called(source, into);
}

/// Adds the calls that stand beside an answer to it.
fn called(source: &Source, into: &mut Translation) {
    let Some(list) = source.attributes.get(CALLS) else { return };
    let MaybeJson::Data(list) = MaybeJson::or_python(list) else { return };
    let items = list.as_array().unwrap_or(std::slice::from_ref(&*list));
    // Of the Responses API `openlit` put there the tools that are offered.
    let is_tool = |item: &Value| calls::first(item, &["id", "call_id", "arguments", "args", "function"]).is_none();
    if !items.is_empty() && items.iter().all(is_tool) {
        return definitions::read(&list, &mut into.tools);
    }
    let found: Vec<Part> = items.iter().filter_map(calls::call).collect();
    let mut answers = into.readings.iter_mut().rev().filter(|reading| reading.dialect == DIALECT.name);
    if let Some(answer) = answers.find_map(|reading| reading.completion.last_mut()) {
        Arc::make_mut(answer).parts.extend(found);
    } else {
        let text = reading::from_parts(Role::Assistant, found);
        reading::push(into, DIALECT.name, (Carrier::Attributes, None), vec![], text);
    }
}

fn carried(source: &Source, attributes: &Attributes, carrier: (Carrier, Option<Timestamp>), into: &mut Translation) {
    if into.genai.category == Category::Tool {
        let (prompt, completion) = gen_ai::execution(attributes.get(PROMPT), attributes.get(COMPLETION), &into.genai);
        return reading::push(into, DIALECT.name, carrier, prompt, completion);
    }
    let is_openlit = openlit::is_openlit(source);
    let is_spring = source.scope.name.starts_with("org.springframework");
    let mut side = |key, role| match attributes.get(key) {
        Some(value) => match texts(value).filter(|_| is_spring) {
            Some(texts) => reading::from_parts(role, texts),
            None => messages(value, key, role, is_openlit, &mut into.notes),
        },
        None => vec![],
    };
    let (mut prompt, completion) = (side(PROMPT, Role::User), side(COMPLETION, Role::Assistant));
    // LiteLLM's records have one message each: its text as the attribute, all of it as the body.
    if let Some(message) = source.body.filter(|body| body.get("role").is_some() && prompt.len() == 1) {
        prompt = provider_payload::messages(message, Role::User).unwrap_or(prompt);
    }
    reading::push(into, DIALECT.name, carrier, prompt, completion);
}

fn messages(value: &Value, key: &str, role: Role, is_openlit: bool, notes: &mut Vec<Note>) -> Vec<Message> {
    let is_answer = key == COMPLETION;
    match (MaybeJson::of(value), value.as_str()) {
        (_, Some("None" | "")) if is_openlit => vec![],
        // Whatever it looks like, an answer is no data.
        (_, Some(text)) if is_openlit && is_answer => {
            reading::from_parts(role, printed(value).unwrap_or_else(|| parts::text(text).into_iter().collect()))
        }
        (MaybeJson::Text(text), _) if is_openlit => lines(text, role),
        (value, _) => {
            notes.extend(matches!(value, MaybeJson::Cut(_)).then(|| reading::cut_off(key)));
            reading::side(value, role, |data| {
                provider_payload::messages_or_blocks(data, role).or_else(|| among_lists_of_calls(data, role))
            })
        }
    }
}

/// The messages of a list in which lists of calls stand in the place of the answers that made them, perhaps with nothing
/// in a call: Langtrace's. `None` where another list is among them.
fn among_lists_of_calls(data: &Value, role: Role) -> Option<Vec<Message>> {
    let items = data.as_array().filter(|items| items.iter().any(|item| item.as_array().is_some()))?;
    let is_call = |item: &Value| {
        let is_blank = |entries: &[(String, Value)]| entries.iter().all(|(_, value)| value.is_empty());
        item.get("function").is_some() || item.as_map().is_some_and(is_blank)
    };
    let mut found = Vec::new();
    for item in items {
        match item.as_array() {
            Some(list) if !list.iter().all(is_call) => return None,
            Some(list) => {
                let is_made = |part: &Part| matches!(&part.content, Content::Call(call) if !call.name.is_empty());
                let made = list.iter().filter_map(calls::call).filter(is_made).collect();
                found.extend(reading::from_parts(Role::Assistant, made));
            }
            None => found.extend(provider_payload::messages(item, role)?),
        }
    }
    Some(found)
}

/// The texts of all messages, as Spring AI lists them.
fn texts(value: &Value) -> Option<Vec<Part>> {
    let MaybeJson::Data(list) = MaybeJson::of(value) else { return None };
    let texts: Option<Vec<&str>> = list.as_array()?.iter().map(Value::as_str).collect();
    Some(texts?.into_iter().filter_map(parts::text).collect())
}

/// The first block of Anthropic's answers, where that is no text, as Python prints it.
fn printed(value: &Value) -> Option<Vec<Part>> {
    value.as_str().filter(|text| text.starts_with("{'"))?;
    match MaybeJson::or_python(value) {
        MaybeJson::Data(block) => parts::blocks(&block),
        _ => None,
    }
}

/// Splits the lines of `openlit`: each that starts with a role begins a message, the others go on with it.
fn lines(text: &str, fallback: Role) -> Vec<Message> {
    let mut found: Vec<(Role, String)> = Vec::new();
    for line in text.split('\n') {
        let start = line.split_once(": ").and_then(|(word, rest)| Some((reading::role(word)?, rest)));
        match (start, found.last_mut()) {
            (Some((role, rest)), _) => found.push((role, rest.to_owned())),
            (None, Some((_, text))) => {
                text.push('\n');
                text.push_str(line);
            }
            (None, None) => found.push((fallback, line.to_owned())),
        }
    }
    let part = |role, text: String| match role {
        Role::Tool => Some(calls::answered(None, None, Some(&text.into()))),
        _ => parts::text(&text),
    };
    found
        .into_iter()
        .flat_map(|(role, text)| reading::from_parts(role, part(role, text).into_iter().collect()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::*;

    #[test]
    fn a_record_of_one_message_has_its_role_in_the_body() {
        let body = r#"{"role":"system","content":"Be brief."}"#;
        let read = Sample::log("gen_ai.content.prompt", body).with(&[(PROMPT, "Be brief.")]).translate();
        assert_eq!(sides(&read).0, ["system: Be brief."]);
        let bare = Sample::log("gen_ai.content.prompt", "null").with(&[(PROMPT, "Be brief.")]).translate();
        assert_eq!(sides(&bare).0, ["user: Be brief."]);
    }

    #[test]
    fn prompt_and_completion_are_texts_or_messages() {
        for (prompt, expected) in [
            ("hi", vec!["user: hi"]),
            (r#"[{"role":"system","content":"S"},{"role":"user","content":"hi"}]"#, vec!["system: S", "user: hi"]),
            (r#"{"messages":[{"role":"user","content":"hi"}]}"#, vec!["user: hi"]),
            (r#"{"city":"Paris"}"#, vec![r#"user: json {"city":"Paris"}"#]),
            (
                r#"[{"role":"user","content":"q"},[{"type":"text","text":"the context"}]]"#,
                vec![r#"user: json [{"role":"user","content":"q"},[{"type":"text","text":"the context"}]]"#],
            ),
        ] {
            let event = Sample::span("chat").event("gen_ai.content.prompt", &[(PROMPT, prompt)]).translate();
            assert_eq!(sides(&event).0, expected, "{prompt}");
            let attribute = Sample::span("chat").with(&[(PROMPT, prompt)]).translate();
            assert_eq!(sides(&attribute).0, expected, "{prompt}");
        }
        let answer = Sample::span("chat").event("gen_ai.content.completion", &[(COMPLETION, "4")]).translate();
        assert_eq!(sides(&answer).1, ["assistant: 4"]);
    }

    #[test]
    fn of_a_tool_they_are_its_arguments_and_its_result() {
        let read = Sample::span("w")
            .with(&[("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "w"), (COMPLETION, "18C")])
            .translate();
        assert_eq!(sides(&read).1, ["tool: =- 18C"]);
    }

    #[test]
    fn openlits_lines_are_messages() {
        let openlit = || Sample::span("chat").resource(&[("telemetry.sdk.name", "openlit")]);
        let read = openlit()
            .event("gen_ai.content.prompt", &[(PROMPT, "system: S\nuser: hi\nNote: two lines")])
            .event("gen_ai.content.completion", &[(COMPLETION, "hello")])
            .translate();
        assert_eq!(sides(&read).0, ["system: S", "user: hi\nNote: two lines"]);
        let lines = [(PROMPT, "user: hi\nassistant: So.\ntool: 18C")];
        let repeated = openlit().event("gen_ai.content.prompt", &lines).translate();
        assert_eq!(sides(&repeated).0, ["user: hi", "assistant: So.", "tool: =- 18C"]);
        assert_eq!(sides(&read).1, ["assistant: hello"]);
        let calls = [("gen_ai.response.tool_calls", "[{'id': 'c1', 'function': {'name': 'w', 'arguments': '{}'}}]")];
        let asked = openlit().event("gen_ai.content.completion", &[(COMPLETION, "so")]).with(&calls).translate();
        assert_eq!(sides(&asked).1, ["assistant: so · w#c1{}"]);
        assert_eq!(sides(&openlit().with(&calls).translate()).1, ["assistant: w#c1{}"]);
        let block = [(COMPLETION, "{'signature': 'eA==', 'thinking': 'hm', 'type': 'thinking'}")];
        let thought = openlit().event("gen_ai.content.completion", &block).translate();
        assert_eq!(sides(&thought).1, ["assistant: (thought) hm"]);
        let listed = r#"[{"role":"user","content":"no message"}]"#;
        for answer in [listed, "so\nuser: hi", "4", r#"{"a":1}"#] {
            let read = openlit().event("gen_ai.content.completion", &[(COMPLETION, answer)]).translate();
            assert_eq!(sides(&read).1, [format!("assistant: {answer}")]);
        }
        let words = openlit().event("gen_ai.content.completion", &[(COMPLETION, "{'a': 1}")]).translate();
        assert_eq!(sides(&words).1, ["assistant: {'a': 1}"]);
        let offered = "[{'name': 'w', 'parameters': {'type': 'object'}, 'strict': False, 'type': 'function'}]";
        let read = openlit().with(&[("gen_ai.response.tool_calls", offered)]).translate();
        assert_eq!((sides(&read).1.len(), read.tools.len()), (0, 1));
        let empty = openlit().event("gen_ai.content.completion", &[(COMPLETION, "None")]).translate();
        assert!(empty.readings.is_empty());
        // Elsewhere such a line is what someone wrote.
        let read = Sample::span("chat").with(&[(PROMPT, "user: hi")]).translate();
        assert_eq!(sides(&read).0, ["user: user: hi"]);
    }
}
