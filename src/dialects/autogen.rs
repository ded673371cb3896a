//! `autogen`: `AutoGen`'s own spans and its log of events (`sdks.md` 9).
//!
//! Its spans of agents and tools hold no messages. Those are in the spans of its runtime, one for each delivery,
//! `autogen process researcher_<team>`, with who sent it, who got it, and the message as JSON:
//!
//! ```text
//!   GroupChatStart           {"messages": [TextMessage…]}                           what the recipient is to answer
//!   GroupChatMessage         {"message": ToolCallRequestEvent}                      a piece of an answer, to the manager
//!   GroupChatAgentResponse   {"response": {"inner_messages": […], "chat_message"}}  the answer: to the manager and the others
//! ```
//!
//! An answer goes to everyone: it is read as the sender's from what the manager gets, and as news from what others get.
//! The logger `autogen_core.events` writes each model call and tool run as JSON: `{"type": "LLMCall", "messages": […]}`.

use super::{
    Dialect, FactRow, Field, Framework, How, Rank, RecordingHints, calls, definitions, gen_ai,
    maybe_json::MaybeJson,
    media,
    parts::{self, thought},
    provider_payload, provider_payload_facts, reading, token_counts,
};
use crate::model::{
    Carrier, Content, ContentKind, Delivery, Message, Part, Role, Source, ToolName, Translation, Value,
};

pub const DIALECT: Dialect = Dialect {
    name: "autogen",
    content: ContentKind::FunctionIo,
    matches,
    translate,
    is_plumbing: Some(matches),
    ai_keys: &["autogen."],
    facts: &[FactRow::of(Field::Agent, How::Text, &["recipient_agent_class", "sender_agent_class"]).ranked(Rank::Last)],
    frameworks: &[Framework {
        label: "autogen",
        rank: 100,
        scopes: &["autogen", "openinference.instrumentation.autogen"],
        keys: &["autogen."],
        names: &["autogen ", "autogen."],
        providers: &["autogen"],
        ..Framework::PLAIN
    }],
    recording_hints: &[RecordingHints {
        scopes: &["autogen-core", "autogen "],
        framework: "autogen",
        calls: Some("add openinference-instrumentation-autogen-agentchat: AutoGen's own spans hold no model calls"),
        messages: "add openinference-instrumentation-autogen-agentchat: AutoGen's own spans hold no messages",
        ..RecordingHints::ANY
    }],
    ..Dialect::PLAIN
};

fn matches(source: &Source) -> bool {
    match source.body {
        Some(body) => is_event(body),
        None => source.scope.name.starts_with("autogen") && source.attributes.has("messaging.operation"),
    }
}

fn translate(source: &Source, into: &mut Translation) {
    match source.body.map(MaybeJson::of) {
        Some(MaybeJson::Data(event)) => logged(source, &event, into),
        Some(_) => {}
        None => delivered(source, into),
    }
}

/// The sender or the recipient of a delivery.
struct Party {
    name: String,
    /// Whether it directs the others and writes nothing itself.
    manages: bool,
}

fn party(source: &Source, side: &str) -> Option<Party> {
    let text = |what: &str| source.attributes.str(&format!("{side}_agent_{what}")).filter(|text| !text.is_empty());
    let class = text("class").unwrap_or_default();
    let name = text("type").or_else(|| text("class"))?;
    // A team's members are called after it: `writer_cdd572ec-7b5a-4e0a-9fd1-d3a3734cfcc4`.
    let of_team = name.rsplit_once('_').filter(|(name, team)| !name.is_empty() && is_uuid(team));
    let name = of_team.map_or(name, |(name, _)| name).to_owned();
    Some(Party { name, manages: class.ends_with("Manager") || class.ends_with("Orchestrator") })
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Reads what the runtime delivers.
fn delivered(source: &Source, into: &mut Translation) {
    let (sender, recipient) = (party(source, "sender"), party(source, "recipient"));
    let genai = &mut into.genai;
    genai.agent = recipient.as_ref().or(sender.as_ref()).map(|party| party.name.clone());
    let is_processed = source.attributes.str("messaging.operation") == Some("process");
    let Some(value) = source.attributes.get("message").filter(|_| is_processed) else { return };
    let manages = recipient.as_ref().is_none_or(|recipient| recipient.manages);
    let MaybeJson::Data(data) = MaybeJson::of(value) else { return };
    let (mut prompt, mut completion) = (Vec::new(), Vec::new());
    genai.delivery = Some(Delivery::Message);
    let answer =
        calls::first(&data, &["response", "agent_response", "result"]).filter(|answer| answer.as_map().is_some());
    if let Some(answer) = answer {
        let last = answer.get("chat_message");
        if manages {
            let inner = answer.get("inner_messages").or_else(|| answer.get("messages")).and_then(Value::as_array);
            let all = inner.unwrap_or_default().iter().chain(last);
            completion = authored(all);
            let by = data.str("name").or_else(|| last?.str("source"));
            genai.agent = by.map(str::to_owned).or_else(|| genai.agent.take());
        } else {
            prompt = last.into_iter().flat_map(received).collect();
        }
    } else if let Some(started) = data.get("messages").and_then(Value::as_array) {
        // The members get them, too.
        prompt = started.iter().filter(|_| !manages).flat_map(received).collect();
    } else if let Some(piece) = data.get("message").filter(|piece| piece.str("type").is_some()) {
        genai.delivery = Some(Delivery::Piece);
        let by = piece.str("source").filter(|name| *name != "user");
        genai.agent = by.map(str::to_owned).or_else(|| genai.agent.take());
        completion = authored([piece]);
        spent(piece, into);
    } else if is_chat(&data) {
        if data.str("source") == Some("user") {
            prompt = received(&data);
        } else {
            completion = authored([&*data]);
            spent(&data, into);
        }
    } else if !data.is_empty() && !is_failure(&data) {
        // A message of the program's own.
        prompt = match data.as_map() {
            Some([(key, Value::String(text))]) if key == "content" => vec![Message::text(Role::User, text)],
            _ => vec![Message::new(Role::User, vec![Part::new(Content::Json(data.into_owned()))])],
        };
    }
    if prompt.is_empty() && completion.is_empty() && into.genai.reported.input.is_none() {
        into.genai.delivery = None;
    }
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
}

/// Whether a delivery is an agent's failure, sent to the others: the agent's own span has it as well.
fn is_failure(map: &Value) -> bool {
    map.get("error").is_some_and(|error| error.get("error_type").is_some() && error.get("error_message").is_some())
}

/// A message of `AgentChat`'s, or an event.
fn is_chat(map: &Value) -> bool {
    let kind = map.str("type").unwrap_or_default();
    map.get("source").is_some() && (kind.ends_with("Message") || kind.ends_with("Event"))
}

/// The tokens of the call that a message came from.
fn spent(message: &Value, into: &mut Translation) {
    if let Some(usage) = message.get("models_usage").filter(|usage| !usage.is_empty()) {
        token_counts::read(usage, &mut into.genai.reported);
        into.genai.response_id = message.str("id").map(str::to_owned);
    }
}

/// How many of the last results are compared with a hand-over: it follows its tool's result closely.
const LOOKED_AT: usize = 16;

/// The messages that an agent wrote, in order.
fn authored<'a>(messages: impl IntoIterator<Item = &'a Value>) -> Vec<Message> {
    let mut found: Vec<Message> = Vec::new();
    // A `ThoughtEvent`: text beside the calls that follow, or reasoning before the answer that follows.
    let mut before: Option<&str> = None;
    for message in messages {
        // No message of its own: it repeats the result of the tool that hands over.
        if message.str("type") == Some("HandoffMessage") && returned(&found, message) {
            continue;
        }
        let name = message.str("source").map(str::to_owned);
        let mut add = |role, parts: Vec<Part>| {
            let messages = reading::from_parts(role, parts).into_iter();
            found.extend(
                messages.map(|message| Message { name: name.clone().filter(|_| role != Role::Tool), ..message }),
            );
        };
        let mut parts = Vec::new();
        match message.str("type").unwrap_or_default() {
            "ModelClientStreamingChunkEvent" | "ToolCallSummaryMessage" => {}
            "ThoughtEvent" => {
                if let Some(text) = before.replace(message.str("content").unwrap_or_default()) {
                    add(Role::Assistant, thoughts(text));
                }
            }
            "ToolCallRequestEvent" => {
                parts.extend(before.take().and_then(parts::text));
                content(message, &mut parts);
                add(Role::Assistant, parts);
            }
            "ToolCallExecutionEvent" => {
                content(message, &mut parts);
                add(Role::Tool, parts);
            }
            _ => {
                parts.extend(before.take().map(thoughts).unwrap_or_default());
                content(message, &mut parts);
                let role = if message.str("source") == Some("user") { Role::User } else { Role::Assistant };
                add(role, parts);
            }
        }
    }
    found.extend(
        before.map(thoughts).filter(|parts| !parts.is_empty()).map(|parts| Message::new(Role::Assistant, parts)),
    );
    found
}

/// Whether a message repeats what a tool gave back.
fn returned(authored: &[Message], message: &Value) -> bool {
    let results = authored.iter().rev().flat_map(|authored| &authored.parts).filter_map(|part| match &part.content {
        Content::Result(result) => Some(result),
        _ => None,
    });
    let texts = results.flat_map(|result| &result.content);
    texts
        .take(LOOKED_AT)
        .any(|part| matches!(&part.content, Content::Text(text) if message.str("content") == Some(text)))
}

fn thoughts(text: &str) -> Vec<Part> {
    if text.is_empty() { Vec::new() } else { vec![thought(text)] }
}

/// A message of another party, as the user message that it is to the recipient.
fn received(message: &Value) -> Vec<Message> {
    let mut parts = Vec::new();
    content(message, &mut parts);
    let name = message.str("source").filter(|name| *name != "user").map(str::to_owned);
    reading::from_parts(Role::User, parts)
        .into_iter()
        .map(|message| Message { name: name.clone(), ..message })
        .collect()
}

fn content(message: &Value, into: &mut Vec<Part>) {
    let Some(content) = message.get("content") else { return };
    for item in content.as_array().unwrap_or(std::slice::from_ref(content)) {
        // An image is no more than its data.
        let image = item.as_map().filter(|map| map.len() == 1 && (item.get("data").or(item.get("url"))).is_some());
        match image.and_then(|_| media::part("image", item)) {
            Some(image) => into.push(image),
            None if item.as_map().is_some() && !is_block(item) => into.push(Part::new(Content::Json(item.clone()))),
            None => parts::content(item, into),
        }
    }
}

/// A call or a result; what else is structured is an answer by a schema.
fn is_block(item: &Value) -> bool {
    item.get("call_id").is_some() || (item.get("name").is_some() && item.get("arguments").is_some())
}

/// Whether a record's body is one of `AutoGen`'s events.
fn is_event(body: &Value) -> bool {
    const EVENTS: &[&str] = &["LLMCall", "LLMStreamStart", "LLMStreamEnd", "ToolCall"];
    match body {
        Value::String(text) => {
            text.starts_with('{') && text.contains("\"type\"") && EVENTS.iter().any(|event| text.contains(event))
        }
        map => map.str("type").is_some_and(|kind| EVENTS.contains(&kind)),
    }
}

/// Reads a record of the event log.
fn logged(source: &Source, event: &Value, into: &mut Translation) {
    let carrier = (Carrier::Log, Some(source.at));
    let genai = &mut into.genai;
    if let Some(agent) = event.str("agent_id").and_then(|id| id.split('/').next()).filter(|agent| !agent.is_empty()) {
        genai.agent.get_or_insert_with(|| agent.to_owned());
    }
    match event.str("type").unwrap_or_default() {
        "ToolCall" => {
            genai.operation = Some("execute_tool".to_owned());
            let name = event.str("tool_name").map(str::to_owned);
            genai.tool.get_or_insert(ToolName { name, ..ToolName::default() });
            let (prompt, completion) = gen_ai::execution(event.get("arguments"), event.get("result"), genai);
            reading::push(into, DIALECT.name, carrier, prompt, completion);
        }
        "LLMCall" | "LLMStreamStart" | "LLMStreamEnd" => {
            genai.operation = Some("chat".to_owned());
            token_counts::read(event, &mut genai.reported);
            let response = event.get("response").filter(|response| !response.is_empty());
            if let Some(response) = response {
                provider_payload_facts::of_response(response, genai);
            }
            let prompt = event.get("messages").and_then(provider_payload::request).unwrap_or_default();
            let completion = response.and_then(provider_payload::response).unwrap_or_default();
            if let Some(tools) = event.get("tools") {
                definitions::read(tools, &mut into.tools);
            }
            reading::push(into, DIALECT.name, carrier, prompt, completion);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::Category;

    const TEAM: &str = "cdd572ec-7b5a-4e0a-9fd1-d3a3734cfcc4";

    fn delivered(sender: &str, recipient: &str, message: &str) -> Sample {
        let class =
            |name: &str| if name.contains("Manager") { name.to_owned() } else { "ChatAgentContainer".to_owned() };
        Sample::span(&format!("autogen process {recipient}_{TEAM}")).scope("autogen SingleThreadedAgentRuntime").with(
            &[
                ("sender_agent_type", &format!("{sender}_{TEAM}")),
                ("sender_agent_class", &class(sender)),
                ("recipient_agent_type", &format!("{recipient}_{TEAM}")),
                ("recipient_agent_class", &class(recipient)),
                ("messaging.operation", "process"),
                ("message", message),
            ],
        )
    }

    const ANSWER: &str = r#"{"response":{"chat_message":{"source":"W","content":"Done.","type":"TextMessage"},"inner_messages":[
        {"source":"W","content":"Let me look.","type":"ThoughtEvent"},
        {"source":"W","content":[{"id":"c1","name":"w","arguments":"{\"a\":1}"}],"type":"ToolCallRequestEvent"},
        {"source":"W","content":[{"content":"18C","name":"w","call_id":"c1","is_error":false}],"type":"ToolCallExecutionEvent"},
        {"source":"W","content":"hm","type":"ThoughtEvent"}]},"name":"W"}"#;

    #[test]
    fn an_answer_is_the_senders_to_the_manager_and_news_to_others() {
        let read = delivered("W", "RoundRobinGroupChatManager", ANSWER).translate();
        let expected = [r#"assistant: Let me look. · w#c1{"a":1}"#, "tool: =c1 18C", "assistant: (thought) hm · Done."];
        assert_eq!(sides(&read).1, expected);
        assert_eq!((read.genai.category, read.genai.agent.as_deref()), (Category::Agent, Some("W")));
        let read = delivered("W", "R", ANSWER).translate();
        assert_eq!(sides(&read), (vec!["user: Done.".to_owned()], vec![]));
        assert_eq!(read.genai.agent.as_deref(), Some("R"));
        assert_eq!(read.readings[0].prompt[0].name.as_deref(), Some("W"));
    }

    #[test]
    fn a_task_reaches_the_members() {
        let task = r#"{"messages":[{"source":"user","content":"q","type":"TextMessage"}]}"#;
        assert_eq!(sides(&delivered("M", "W", task).translate()).0, ["user: q"]);
        assert!(delivered("M", "SelectorGroupChatManager", task).translate().readings.is_empty());
        assert!(delivered("M", "W", "No Message").translate().readings.is_empty());
        let read = delivered("M", "W", "{}").translate();
        assert_eq!((read.readings.len(), read.genai.category), (0, Category::Span));
        let picture =
            r#"{"messages":[{"source":"user","content":["q",{"data":"iVBORw0KGgo="}],"type":"MultiModalMessage"}]}"#;
        assert_eq!(sides(&delivered("M", "W", picture).translate()).0, ["user: q · <image image/png 8 bytes>"]);
    }

    #[test]
    fn a_call_is_read_with_its_tokens() {
        let call = r#"{"type":"ToolCallRequestEvent","source":"W","content":[{"id":"c1","name":"w","arguments":"{\"city\":\"P\"}"}],
            "models_usage":{"prompt_tokens":9,"completion_tokens":3}}"#;
        let read = delivered("W", "M", call).translate();
        assert_eq!(sides(&read).1, [r#"assistant: w#c1{"city":"P"}"#]);
        assert_eq!(read.readings[0].completion[0].name.as_deref(), Some("W"));
        let usage = read.genai.usage.unwrap();
        assert_eq!((usage.uncached_input, usage.output, read.genai.category), (Some(9), Some(3), Category::Agent));
        let piece = delivered("W", "M", &format!(r#"{{"message":{call}}}"#)).translate();
        assert_eq!((piece.genai.usage, piece.genai.category), (Some(usage), Category::Span));
    }

    #[test]
    fn a_piece_is_the_senders_and_a_failure_nobodys_words() {
        let piece = r#"{"message":{"type":"TextMessage","source":"W","content":"Done."}}"#;
        assert_eq!(delivered("W", "M", piece).translate().genai.agent.as_deref(), Some("W"));
        let failure = r#"{"error":{"error_type":"RateLimitError","error_message":"slow down","traceback":"…"}}"#;
        assert!(delivered("W", "M", failure).translate().readings.is_empty());
    }

    #[test]
    fn a_hand_over_repeats_no_more_than_its_tools_result() {
        let handed = r#"{"response":{"chat_message":{"source":"W","content":"Over to R.","target":"R","type":"HandoffMessage"},"inner_messages":[
            {"source":"W","content":[{"id":"c1","name":"to_r","arguments":"{}"}],"type":"ToolCallRequestEvent"},
            {"source":"W","content":[{"content":"Over to R.","name":"to_r","call_id":"c1"}],"type":"ToolCallExecutionEvent"}]},"name":"W"}"#;
        let read = delivered("W", "SwarmGroupChatManager", handed).translate();
        assert_eq!(sides(&read).1, ["assistant: to_r#c1{}", "tool: =c1 Over to R."]);
        assert_eq!(sides(&delivered("W", "R", handed).translate()).0, ["user: Over to R."]);
    }

    #[test]
    fn a_programs_own_message_is_shown_as_it_is() {
        let read = |message| sides(&delivered("A", "B", message).translate()).0;
        assert_eq!(read(r#"{"content":"hello"}"#), ["user: hello"]);
        assert_eq!(read(r#"{"order":1}"#), [r#"user: json {"order":1}"#]);
    }

    #[test]
    fn the_event_log_has_calls_and_tools() {
        let call = r#"{"type":"LLMCall","messages":[{"role":"system","content":"S"},{"role":"user","content":"q"}],
            "response":{"model":"m-1","choices":[{"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}]},
            "prompt_tokens":9,"completion_tokens":3,"agent_id":"W/default"}"#;
        let read = Sample::log("", call).scope("autogen_core.events").translate();
        assert_eq!(sides(&read), (vec!["system: S".to_owned(), "user: q".to_owned()], vec!["assistant: a".to_owned()]));
        assert_eq!((read.genai.category, read.genai.agent.as_deref()), (Category::Llm, Some("W")));
        assert_eq!(read.genai.usage.and_then(|usage| usage.output), Some(3));
        let tool = r#"{"type":"ToolCall","tool_name":"w","arguments":{"a":1},"result":"18C","agent_id":null}"#;
        let read = Sample::log("", tool).translate();
        assert_eq!(sides(&read), (vec![r#"assistant: w#-{"a":1}"#.to_owned()], vec!["tool: =- 18C".to_owned()]));
    }
}
