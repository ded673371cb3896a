//! `livekit`: LiveKit's voice agents (`sdks.md` 16).
//!
//! Mark: attributes `lk.*`; newer releases have `lk.pii.*` for what may identify a person.
//!
//! ```text
//!   agent_turn   lk.user_input, lk.instructions ─▶ lk.response.text
//!   ├ llm_node     lk.chat_ctx: {"items": [message, function_call, …]} ─▶ lk.response.text, lk.response.function_calls
//!   │ └ llm_request  the tokens, under the conventions' names
//!   └ function_tool  lk.function_tool.{id, name, arguments, output, is_error}
//! ```

use super::{
    Dialect, FactRow, Failures, Field, Framework, How, calls, definitions, gen_ai, maybe_json::MaybeJson, parts,
    reading,
};
use crate::model::{Carrier, Category, Content, ContentKind, Message, Part, Role, Source, Translation, Value};

pub const DIALECT: Dialect = Dialect {
    name: "livekit",
    content: ContentKind::Conversation,
    matches,
    translate,
    category: Some(category),
    is_plumbing: Some(|source| source.scope.name == "livekit-agents" && source.name != "agent_session"),
    unstated_category: Some(|source| source.attributes.has("lk.agent_name").then_some(Category::Agent)),
    ai_keys: &["lk."],
    facts: &[
        FactRow::of(Field::Agent, How::Text, &["lk.agent_name"]),
        FactRow::of(Field::Tool, How::Text, &["lk.function_tool.name"]),
        FactRow::of(Field::ToolCall, How::Id, &["lk.function_tool.id"]),
        FactRow::of(Field::Ttft, How::Seconds, &["lk.response.ttft"]),
    ],
    failures: Failures {
        tool_failed: Some(|source| source.attributes.get("lk.function_tool.is_error").and_then(Value::as_bool)),
        ..Failures::SHARED
    },
    frameworks: &[Framework {
        label: "livekit",
        rank: 380,
        scopes: &["livekit-agents"],
        keys: &["lk.", "livekit."],
        ..Framework::PLAIN
    }],
    ..Dialect::PLAIN
};

fn matches(source: &Source) -> bool {
    !source.is_log() && source.attributes.has_prefix("lk.")
}

/// What kind of work a span is, by its name; the agent's stands on several of them.
fn category(source: &Source) -> Option<Category> {
    if !matches(source) {
        return None;
    }
    Some(match source.name {
        "function_tool" => Category::Tool,
        "llm_node" | "llm_request" | "llm_request_run" => Category::Llm,
        "agent_turn" => Category::Agent,
        "agent_session" | "job_entrypoint" => Category::Chain,
        "user_turn" | "user_speaking" | "agent_speaking" | "tts_node" | "tts_request" | "tts_request_run" => {
            Category::Span
        }
        _ if source.attributes.has("lk.function_tool.name") => Category::Tool,
        _ => return None,
    })
}

fn translate(source: &Source, into: &mut Translation) {
    let get = |name: &str| {
        let value =
            source.attributes.get(&format!("lk.pii.{name}")).or_else(|| source.attributes.get(&format!("lk.{name}")));
        value.filter(|value| !value.is_empty())
    };
    if let Some(tools) = get("function_tools") {
        definitions::read(tools, &mut into.tools);
    }
    let message = |role, name: &str| {
        let part = get(name).and_then(Value::as_str).and_then(parts::text);
        reading::from_parts(role, part.into_iter().collect())
    };
    let (mut prompt, mut completion) = match category(source) {
        Some(Category::Tool) => {
            let (prompt, completion) =
                gen_ai::execution(get("function_tool.arguments"), get("function_tool.output"), &into.genai);
            return reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
        }
        _ => match get("chat_ctx").map(MaybeJson::of) {
            Some(MaybeJson::Data(context)) => (items(&context, false), vec![]),
            Some(MaybeJson::Cut(context)) => (items(&context, true), vec![]),
            _ => {
                let mut prompt = message(Role::System, "instructions");
                prompt.extend(message(Role::User, "user_input"));
                (prompt, vec![])
            }
        },
    };
    if prompt.is_empty() {
        prompt = message(Role::User, "user_transcript");
    }
    completion.extend(message(Role::Assistant, "response.text"));
    if let Some(MaybeJson::Data(list)) = get("response.function_calls").map(MaybeJson::of) {
        let asked = list.as_array().unwrap_or_default().iter().filter_map(calls::call).collect();
        completion.extend(reading::from_parts(Role::Assistant, asked));
    }
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, join(completion));
}

/// Text and calls are one answer.
fn join(messages: Vec<Message>) -> Vec<Message> {
    messages.into_iter().fold(Vec::new(), |mut joined: Vec<Message>, message| {
        let is_answer = message.role == Role::Assistant;
        match joined.last_mut().filter(|last| is_answer && last.role == Role::Assistant) {
            Some(last) => last.parts.extend(message.parts),
            None => joined.push(message),
        }
        joined
    })
}

/// The items of a chat context, in order.
fn items(context: &Value, cut: bool) -> Vec<Message> {
    let items = context.get("items").unwrap_or(context).as_array().unwrap_or_default();
    let mut found = Vec::new();
    for item in items {
        match item.str("type") {
            Some("function_call") => {
                found.extend(reading::from_parts(Role::Assistant, calls::call(item).into_iter().collect()));
            }
            Some("function_call_output") => found.extend(reading::from_parts(Role::Tool, vec![calls::result(item)])),
            // A change of the agent: no message.
            Some("agent_handoff" | "agent_config_update") => {}
            Some("message") | None => reading::message(item, Role::User, &mut found),
            Some(_) => found.extend(reading::from_parts(Role::User, vec![Part::new(Content::Unknown(item.clone()))])),
        }
    }
    join(reading::ends(found, cut))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::Category;

    const CONTEXT: &str = r#"{"items":[{"type":"message","role":"user","content":["hi"]},
        {"type":"function_call","call_id":"c1","name":"w","arguments":"{}"},
        {"type":"function_call_output","call_id":"c1","output":"18C","is_error":false}]}"#;

    #[test]
    fn a_chat_context_is_the_conversation_so_far() {
        for prefix in ["lk.", "lk.pii."] {
            let key = |name: &str| format!("{prefix}{name}");
            let read = Sample::span("llm_node")
                .scope("livekit-agents")
                .with(&[(&key("chat_ctx"), CONTEXT), (&key("response.text"), "Warm")])
                .translate();
            assert_eq!(sides(&read).0, ["user: hi", "assistant: w#c1{}", "tool: =c1 18C"]);
            assert_eq!(sides(&read).1, ["assistant: Warm"]);
            assert_eq!((read.genai.category, read.notes.len()), (Category::Llm, 0));
        }
    }

    #[test]
    fn two_questions_are_two_messages() {
        let context = r#"{"items":[{"type":"message","role":"system","content":["S",{"type":"cache_breakpoint"}]},
            {"type":"message","role":"user","content":["hi"]},{"type":"message","role":"user","content":["ok?"]},
            {"type":"message","role":"assistant","content":["So:"]},
            {"type":"function_call","call_id":"c1","name":"w","arguments":"{}"}]}"#;
        let read = Sample::span("llm_node").with(&[("lk.pii.chat_ctx", context)]).translate();
        assert_eq!(sides(&read).0, ["system: S", "user: hi", "user: ok?", "assistant: So: · w#c1{}"]);
    }

    #[test]
    fn an_answer_may_ask_for_tools() {
        let asked = r#"[{"call_id":"c2","name":"w","arguments":"{\"city\":\"Paris\"}"}]"#;
        let read = Sample::span("llm_node")
            .with(&[("lk.response.text", "Let me look."), ("lk.response.function_calls", asked)])
            .translate();
        assert_eq!(sides(&read).1, [r#"assistant: Let me look. · w#c2{"city":"Paris"}"#]);
    }

    #[test]
    fn a_tool_has_its_outcome() {
        let read = Sample::span("function_tool")
            .with(&[
                ("lk.function_tool.id", "c1"),
                ("lk.function_tool.name", "w"),
                ("lk.pii.function_tool.arguments", r#"{"city":"Paris"}"#),
                ("lk.pii.function_tool.output", "no such city"),
            ])
            .typed("lk.function_tool.is_error", "true")
            .translate();
        assert_eq!(
            sides(&read),
            (vec![r#"assistant: w#c1{"city":"Paris"}"#.to_owned()], vec!["tool: =!c1 no such city".to_owned()])
        );
        assert_eq!(read.error.and_then(|failure| failure.message).as_deref(), Some("no such city"));
    }

    #[test]
    fn a_turn_of_the_agent_has_the_users_message() {
        let read = Sample::span("agent_turn")
            .with(&[("lk.agent_name", "Iris"), ("lk.instructions", "Be brief."), ("lk.user_input", "hi")])
            .translate();
        assert_eq!(sides(&read).0, ["system: Be brief.", "user: hi"]);
        assert_eq!((read.genai.category, read.genai.agent.as_deref()), (Category::Agent, Some("Iris")));
    }
}
