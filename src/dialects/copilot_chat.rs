//! `copilot-chat`: what VS Code's Copilot Chat writes beside the conventions (`sdks.md` 19).
//!
//! ```text
//!   copilot_chat.chat_session_id         the conversation, in some spans only `copilot_chat.session_id`; `session.id` of
//!                                        the resource is the editor's window, and `gen_ai.conversation.id` of a call names
//!                                        its request
//!   copilot_chat.user_request            what was asked; on the span `user_message` of a session with Claude the only
//!                                        record of it
//!   copilot_chat.time_to_first_token     in milliseconds
//!   copilot_chat.reasoning_content       what the model thought: a text, or JSON of blocks
//! ```
//!
//! Its prompts are cut in the middle of their JSON, with `...[truncated, original N chars]` at the end.

use super::{Dialect, FactRow, Field, Framework, How, Rank, maybe_json::MaybeJson, parts, reading, reasoning};
use crate::model::{Role, Source, Translation};

pub const DIALECT: Dialect = Dialect {
    name: "copilot-chat",
    matches,
    translate,
    ai_keys: &["copilot_chat."],
    facts: &[
        // The conversation of a call is that of its request alone.
        FactRow::of(Field::Session, How::Id, &["copilot_chat.chat_session_id", "copilot_chat.session_id"])
            .ranked(Rank::BeforeConventions),
        FactRow::of(Field::Ttft, How::Millis, &["copilot_chat.time_to_first_token"]),
    ],
    frameworks: &[Framework { label: "copilot-chat", rank: 40, scopes: &["copilot-chat"], ..Framework::PLAIN }],
    ..Dialect::PLAIN
};

const REASONING: &str = "copilot_chat.reasoning_content";
const REQUEST: &str = "copilot_chat.user_request";

/// Whether a span stands for a message of the user, and for nothing else.
fn is_question(source: &Source) -> bool {
    source.attributes.str("gen_ai.operation.name") == Some("user_message") && source.attributes.has(REQUEST)
}

fn matches(source: &Source) -> bool {
    source.attributes.has(REASONING) || is_question(source)
}

fn translate(source: &Source, into: &mut Translation) {
    if is_question(source) {
        let asked = source.attributes.str(REQUEST).and_then(parts::text);
        let prompt = reading::from_parts(Role::User, asked.into_iter().collect());
        reading::push(into, DIALECT.name, reading::carrier(source), prompt, Vec::new());
    }
    let Some(value) = source.attributes.get(REASONING) else { return };
    let thoughts = match MaybeJson::of(value) {
        MaybeJson::Text(text) => vec![parts::thought(text)],
        blocks => blocks.into_data().map_or_else(Vec::new, |blocks| reasoning::any(&blocks)),
    };
    let completion = reading::from_parts(Role::Assistant, thoughts);
    reading::push(into, DIALECT.name, reading::carrier(source), Vec::new(), completion);
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use std::time::Duration;

    #[test]
    fn a_message_of_the_user_is_a_span() {
        let span = Sample::span("user_message").scope("copilot-chat").with(&[
            ("gen_ai.operation.name", "user_message"),
            ("copilot_chat.session_id", "s1"),
            ("copilot_chat.user_request", "Why does it fail?"),
        ]);
        let read = span.event("user_message", &[("content", "Why does it fail?")]).translate();
        assert_eq!(sides(&read).0, ["user: Why does it fail?"]);
        assert_eq!(read.context.session.as_deref(), Some("s1"));
        // A call's request is among its messages.
        let chat = Sample::span("chat m").scope("copilot-chat").with(&[("gen_ai.operation.name", "chat")]);
        let chat = chat.with(&[("copilot_chat.user_request", "Why does it fail?")]).translate();
        assert!(chat.readings.is_empty());
    }

    #[test]
    fn a_call_has_its_thoughts_and_the_time_to_its_first_token() {
        for thought in ["hm", r#"[{"type":"thinking","thinking":"hm"}]"#] {
            let chat = Sample::span("chat gpt-4o").scope("copilot-chat").with(&[
                ("gen_ai.operation.name", "chat"),
                ("gen_ai.output.messages", r#"[{"role":"assistant","parts":[{"type":"text","content":"so"}]}]"#),
                ("copilot_chat.reasoning_content", thought),
                ("copilot_chat.chat_session_id", "s1"),
                ("gen_ai.conversation.id", "request-1"),
            ]);
            let read = chat.typed("copilot_chat.time_to_first_token", "640").translate();
            assert!(sides(&read).1.contains(&"assistant: (thought) hm".to_owned()), "{:?}", sides(&read));
            assert_eq!(read.genai.ttft, Some(Duration::from_millis(640)));
            assert_eq!(read.context.session.as_deref(), Some("s1"));
            assert_eq!(read.context.framework.as_deref(), Some("copilot-chat"));
        }
    }
}
