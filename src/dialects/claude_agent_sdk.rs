//! Claude's agent SDK, whose spans OpenInference's instrumentation makes (`sdks.md` 19): one of an agent for each turn.
//!
//! A turn's question stands in `input.value` alone. It is what a person wrote, whatever it looks like: a question that is
//! JSON is no state of a program.

use super::{Dialect, Framework, parts, reading};
use crate::model::{Carrier, ContentKind, Role, Source, Translation};

pub const DIALECT: Dialect = Dialect {
    name: "claude-agent-sdk",
    content: ContentKind::Conversation,
    matches,
    translate,
    frameworks: &[Framework { label: "claude-agent-sdk", rank: 165, scopes: &[SCOPE], ..Framework::PLAIN }],
    ..Dialect::PLAIN
};

const SCOPE: &str = "openinference.instrumentation.claude_agent_sdk";

fn matches(source: &Source) -> bool {
    let is_turn = source.attributes.str("openinference.span.kind") == Some("AGENT");
    // A prompt that is a stream of messages is JSON, which OpenInference's dialect reads.
    is_turn && source.scope.name == SCOPE && source.attributes.str("input.mime_type") == Some("text/plain")
}

fn translate(source: &Source, into: &mut Translation) {
    let question = source.attributes.str("input.value").and_then(parts::text);
    let prompt = reading::from_parts(Role::User, question.into_iter().collect());
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, Vec::new());
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::SCOPE;
    use crate::model::ContentKind;

    #[test]
    fn a_question_that_is_json_is_a_question() {
        let question = r#"{"shelf": 4, "tags": ["a", null], "deep": {"x": 1.50}}"#;
        let read = Sample::span("ClaudeAgentSDK.ClaudeSDKClient.receive_response")
            .scope(SCOPE)
            .with(&[("openinference.span.kind", "AGENT"), ("input.value", question), ("input.mime_type", "text/plain")])
            .with(&[("llm.output_messages.0.message.role", "assistant")])
            .with(&[("llm.output_messages.0.message.content.0", "[]"), ("output.value", "[]")])
            .with(&[("output.mime_type", "text/plain")])
            .translate();
        assert_eq!(sides(&read), (vec![format!("user: {question}")], vec!["assistant: []".to_owned()]));
        let asks = |reading: &&crate::model::Reading| !reading.prompt.is_empty();
        assert_eq!(read.readings.iter().find(asks).unwrap().content, ContentKind::Conversation);
        assert_eq!(read.context.framework.as_deref(), Some("claude-agent-sdk"));
    }
}
