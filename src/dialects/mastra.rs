//! `mastra`: Mastra's exporter (`sdks.md` 19). It writes `genai-3` on its `chat` spans, without the prompt.
//!
//! Input and output of everything else are in `mastra.<kind>.input` and `.output`, where `mastra.span.type` is the kind:
//!
//! ```text
//!   agent_run › model_generation › model_step › chat        the answer's text and tokens
//!             │                               └ model_chunk   pieces of it
//!             └ tool_call
//! ```
//!
//! A step that was not streamed has the provider's whole response in `mastra.metadata.body`: what the model thought is
//! nowhere else.

use super::{Dialect, FactRow, Field, Framework, How, gen_ai, maybe_json::MaybeJson, provider_payload, reading};
use crate::model::{Carrier, Category, Content, ContentKind, Message, Role, Source, Translation};

pub const DIALECT: Dialect = Dialect {
    name: "mastra",
    content: ContentKind::Conversation,
    matches,
    translate,
    is_plumbing: Some(is_plumbing),
    ai_keys: &["mastra."],
    facts: &[
        FactRow::of(Field::Session, How::Id, &["mastra.metadata.sessionId", "mastra.metadata.threadId"]),
        FactRow::of(Field::User, How::Id, &["mastra.metadata.userId", "mastra.metadata.resourceId"]),
    ],
    frameworks: &[Framework {
        label: "mastra",
        rank: 207,
        scopes: &["@mastra/"],
        keys: &["mastra."],
        ..Framework::PLAIN
    }],
    ..Dialect::PLAIN
};

fn matches(source: &Source) -> bool {
    !source.is_log() && source.attributes.has("mastra.span.type")
}

/// What is between an agent and its requests, and the chunks of an answer.
fn is_plumbing(source: &Source) -> bool {
    let kind = source.attributes.str("mastra.span.type");
    kind.is_some_and(|kind| ["model_generation", "model_step", "model_chunk", "mapping"].contains(&kind))
}

/// An agent's span alone has the question as it was asked, after the history that came with it. It is read beside the
/// instructions, so that the two are one prompt.
fn translate(source: &Source, into: &mut Translation) {
    if source.attributes.str("mastra.span.type") == Some("model_step") {
        let answer = thoughtful_answer(source);
        return reading::push(into, DIALECT.name, (Carrier::Attributes, None), Vec::new(), answer);
    }
    if into.genai.category != Category::Agent {
        return;
    }
    let input = source.attributes.get("mastra.agent_run.input").map(MaybeJson::of);
    let mut asked = input.map_or_else(Vec::new, |input| {
        reading::messages_in_field(&input, "mastra.agent_run.input", Role::User, &mut into.notes)
    });
    let history = asked.iter().rposition(|message| !matches!(message.role, Role::User | Role::System));
    asked.drain(..history.map_or(0, |last| last + 1));
    let mut prompt = source.attributes.get(gen_ai::INSTRUCTIONS).map_or_else(Vec::new, gen_ai::instructions);
    prompt.append(&mut asked);
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, Vec::new());
}

/// The texts and the thoughts in the response that a step has, if the model thought; its calls are the tools' spans.
fn thoughtful_answer(source: &Source) -> Vec<Message> {
    let Some(MaybeJson::Data(body)) = source.attributes.get("mastra.metadata.body").map(MaybeJson::of) else {
        return Vec::new();
    };
    let mut answer = provider_payload::messages(&body, Role::Assistant).unwrap_or_default();
    answer.truncate(1);
    for message in &mut answer {
        message.parts.retain(|part| matches!(part.content, Content::Text(_) | Content::Reasoning(_)));
    }
    let is_thought = |message: &Message| message.parts.iter().any(|part| matches!(part.content, Content::Reasoning(_)));
    answer.retain(is_thought);
    answer
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};

    #[test]
    fn a_step_has_the_thoughts_of_its_response() {
        let step = |answer: &str| {
            let body = format!(r#"{{"object":"chat.completion","choices":[{{"index":0,"message":{answer}}}]}}"#);
            let marks = [("gen_ai.operation.name", "agent_step"), ("mastra.span.type", "model_step")];
            let span = Sample::span("agent_step Clerk").scope("@mastra/otel-exporter").with(&marks);
            span.with(&[("mastra.metadata.body", &body)]).translate()
        };
        let call = r#"[{"id":"c1","type":"function","function":{"name":"ping","arguments":"{}"}}]"#;
        let thoughtful =
            format!(r#"{{"role":"assistant","content":"So.","reasoning_content":"Hm.","tool_calls":{call}}}"#);
        let read = step(&thoughtful);
        assert_eq!(sides(&read), (vec![], vec!["assistant: (thought) Hm. · So.".to_owned()]));
        assert!(read.plumbing);
        assert_eq!(sides(&step(r#"{"role":"assistant","content":"So."}"#)).1, [""; 0]);
    }

    #[test]
    fn a_session_is_in_the_metadata_and_the_question_on_the_agents_span() {
        let span = Sample::span("invoke_agent Clerk").scope("@mastra/otel-exporter").with(&[
            ("gen_ai.operation.name", "invoke_agent"),
            ("mastra.span.type", "agent_run"),
            ("mastra.metadata.sessionId", "s-1"),
            ("mastra.metadata.userId", "u"),
            ("mastra.agent_run.input", r#"[{"role":"user","content":"How many?"}]"#),
        ]);
        let read = span.translate();
        assert_eq!((read.context.session.as_deref(), read.context.user.as_deref()), (Some("s-1"), Some("u")));
        assert_eq!(sides(&read).0, ["user: How many?"]);
        let chunk = Sample::span("model_chunk Clerk").scope("@mastra/otel-exporter");
        assert!(chunk.with(&[("mastra.span.type", "model_chunk")]).translate().plumbing);
    }
}
