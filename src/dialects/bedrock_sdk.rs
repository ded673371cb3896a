//! `bedrock-sdk`: what the SideSeat SDK makes of calls of Amazon Bedrock (`sdks.md` 2).
//!
//! Mark: scope `sideseat.aws.bedrock` or `sideseat.aws.bedrock_agent`, or `aws_bedrock` as both system and provider.
//! Every call has one or two events `gen_ai.client.inference.operation.details` with the whole request and the answer,
//! as JSON in the provider's own form. Beside them stand classic events, which repeat some of it: `gen_ai.system.message`,
//! the *last* `gen_ai.user.message` without images, and `gen_ai.choice`, whose `tool.result` is history and is not read.
//!
//! The classic events are read as `bedrock-sdk-preview`, the least trusted but `plain-io`, and only for a direction that
//! the details do not give whole: an agent's question, for one, is nowhere else.

use super::{
    Dialect, FactRow, Field, Framework, How, RecordingHints, gen_ai,
    maybe_json::{MaybeJson, unquoted},
    parts, reading,
};
use crate::model::{Carrier, ContentKind, Role, Source, SpanEvent, Translation, Value};

pub const DIALECT: Dialect = Dialect {
    name: "bedrock-sdk",
    content: ContentKind::Conversation,
    matches,
    translate,
    claims_events: true,
    // OpenTelemetry's instrumentation of the AWS SDK passes the numbers of its API through under the conventions' names.
    cache_in_input: Some(|source, _| {
        source.scope.name.starts_with("opentelemetry.instrumentation.botocore").then_some(false)
    }),
    is_wrapper: Some(is_wrapper),
    facts: &[FactRow::of(Field::AgentId, How::Text, &["aws.bedrock.agent.id"])],
    frameworks: &[Framework { label: "sideseat", rank: 10, scopes: &["sideseat"], ..Framework::PLAIN }],
    recording_hints: HINTS,
    ..Dialect::PLAIN
};

const HINTS: &[RecordingHints] = &[
    RecordingHints {
        scopes: &["sideseat"],
        framework: "sideseat",
        calls: Some("pip install 'sideseat[aws]': plain `sideseat` does not instrument Amazon Bedrock"),
        ..OF_CALLS
    },
    OF_CALLS,
];

const OF_CALLS: RecordingHints = RecordingHints {
    scopes: &["sideseat.aws"],
    messages: "leave capture_content=True, the default of SideSeat(…)",
    session: "client.trace(\"NAME\", session_id=\"ID\")",
    ..RecordingHints::ANY
};

/// The classic events of the same spans.
pub const PREVIEW: Dialect = Dialect {
    name: "bedrock-sdk-preview",
    content: ContentKind::Conversation,
    matches,
    translate: preview,
    ..Dialect::PLAIN
};

/// Whether the SDK made this span.
pub fn is_sdk(source: &Source) -> bool {
    let names_bedrock = |key| source.attributes.str(key) == Some("aws_bedrock");
    source.scope.name.starts_with("sideseat.aws")
        || (names_bedrock("gen_ai.system") && names_bedrock("gen_ai.provider.name"))
}

/// Whether this is a span of `client.trace()`, which the SDK puts around a program's work.
fn is_wrapper(source: &Source) -> bool {
    !source.is_log() && source.scope.name == "sideseat"
}

fn matches(source: &Source) -> bool {
    !source.events.is_empty() && is_sdk(source)
}

fn translate(source: &Source, into: &mut Translation) {
    for event in source.events.iter().filter(|event| event.name == gen_ai::DETAILS) {
        let carrier = (Carrier::Event, Some(event.at));
        gen_ai::carried(DIALECT.name, carrier, |key| event.attributes.get(key), into);
    }
    // Tools are on the span itself; `genai-3` reads them there.
    let mut choices = source.events.iter().rev().filter(|event| event.name == "gen_ai.choice");
    if into.genai.stop_reason.is_none() {
        into.genai.stop_reason = choices.find_map(|event| event.attributes.str("finish_reason")).map(str::to_owned);
    }
}

fn preview(source: &Source, into: &mut Translation) {
    let whole = |key: &str| {
        let given = |event: &&SpanEvent| event.name == gen_ai::DETAILS && event.attributes.has(key);
        source.events.iter().any(|event| given(&event)) && !into.notes.iter().any(|note| note.0.starts_with(key))
    };
    let (sent, answered) = (whole(gen_ai::INPUT), whole(gen_ai::OUTPUT));
    for event in source.events {
        let (role, key) = match event.name.as_str() {
            "gen_ai.system.message" if !sent => (Role::System, "content"),
            "gen_ai.user.message" if !sent => (Role::User, "content"),
            "gen_ai.choice" if !answered => (Role::Assistant, "message"),
            _ => continue,
        };
        let Some(value) = event.attributes.get(key) else { continue };
        // A Bedrock agent's question is the text itself, whatever that looks like.
        let is_bare = role == Role::User && source.scope.name.ends_with("bedrock_agent");
        let parts = match value.as_str().filter(|_| is_bare) {
            Some(text) => parts::text(text).into_iter().collect(),
            None => content(value),
        };
        let messages = reading::from_parts(role, parts);
        let (prompt, completion) = if role == Role::Assistant { (vec![], messages) } else { (messages, vec![]) };
        reading::push(into, PREVIEW.name, (Carrier::Event, Some(event.at)), prompt, completion);
    }
}

/// Content as JSON: a list of blocks, or a text in quotes.
fn content(value: &Value) -> Vec<crate::model::Part> {
    match value.as_str() {
        Some(text) if !matches!(MaybeJson::of(value), MaybeJson::Data(_) | MaybeJson::Cut(_)) => {
            parts::text(unquoted(text).as_deref().unwrap_or(text)).into_iter().collect()
        }
        _ => reading::encoded(value),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::gen_ai::DETAILS;

    fn call() -> Sample {
        let marks = [("gen_ai.system", "aws_bedrock"), ("gen_ai.provider.name", "aws_bedrock")];
        Sample::span("chat m").scope("sideseat.aws.bedrock").with(&marks).with(&[("gen_ai.operation.name", "chat")])
    }

    #[test]
    fn the_details_are_read_and_their_repetition_is_not() {
        let input = r#"[{"role":"system","content":[{"text":"S"}]},{"role":"user","content":"q"},
            {"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"w","input":{"city":"Paris"}}]},
            {"role":"user","content":[{"toolResult":{"toolUseId":"t1","content":[{"text":"18C"}]}},{"cachePoint":{}}]}]"#;
        let output = r#"[{"role":"assistant","content":[{"text":"It is 18C."}]}]"#;
        let read = call()
            .event(DETAILS, &[("gen_ai.input.messages", input), ("gen_ai.output.messages", output)])
            .event("gen_ai.system.message", &[("content", r#"[{"text":"S"}]"#)])
            .event("gen_ai.user.message", &[("content", r#"[{"toolResult":{"toolUseId":"t1","content":[]}}]"#)])
            .event(
                "gen_ai.choice",
                &[
                    ("message", r#"[{"text":"It is 18C."}]"#),
                    ("finish_reason", "end_turn"),
                    ("tool.result", r#"[{"toolResult":{"toolUseId":"t0","content":[{"text":"old"}]}}]"#),
                ],
            )
            .translate();
        assert_eq!(read.dialects, ["bedrock-sdk"]);
        let (prompt, completion) = sides(&read);
        assert_eq!(prompt, ["system: S", "user: q", r#"assistant: w#t1{"city":"Paris"}"#, "tool: =t1 18C"]);
        assert_eq!(completion, ["assistant: It is 18C."]);
        assert_eq!(read.genai.stop_reason.as_deref(), Some("end_turn"));
        assert_eq!(read.genai.provider.as_deref(), Some("aws.bedrock"));
    }

    #[test]
    fn a_stream_has_its_input_at_the_start_and_its_output_at_the_end() {
        let read = call()
            .event(DETAILS, &[("gen_ai.input.messages", r#"[{"role":"user","content":[{"text":"q"}]}]"#)])
            .event(DETAILS, &[("gen_ai.output.messages", r#"[{"role":"assistant","content":[{"text":"a"}]}]"#)])
            .translate();
        assert_eq!(read.readings.len(), 2);
        assert_eq!(sides(&read), (vec!["user: q".to_owned()], vec!["assistant: a".to_owned()]));
    }

    #[test]
    fn the_preview_adds_what_the_details_lack() {
        let agent = Sample::span("invoke_agent A1")
            .scope("sideseat.aws.bedrock_agent")
            .with(&[("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.id", "A1")])
            .event("gen_ai.user.message", &[("content", "\"Which\" invoices?")])
            .event(DETAILS, &[("gen_ai.output.messages", r#"[{"role":"assistant","content":[{"text":"Two."}]}]"#)])
            .event("gen_ai.choice", &[("message", r#"[{"text":"Two."}]"#)])
            .translate();
        assert_eq!(agent.dialects, ["bedrock-sdk", "bedrock-sdk-preview"]);
        assert_eq!(sides(&agent), (vec!["user: \"Which\" invoices?".to_owned()], vec!["assistant: Two.".to_owned()]));
        let listed = Sample::span("invoke_agent A1")
            .scope("sideseat.aws.bedrock_agent")
            .event("gen_ai.user.message", &[("content", r#"[{"text":"as it was typed"}]"#)])
            .translate();
        assert_eq!(sides(&listed).0, [r#"user: [{"text":"as it was typed"}]"#]);
        // Elsewhere a plain text stands in quotes.
        let read = call().event("gen_ai.user.message", &[("content", r#""What is \"light\"?""#)]).translate();
        assert_eq!(sides(&read).0, ["user: What is \"light\"?"]);
    }

    #[test]
    fn what_was_cut_off_is_filled_from_the_preview_too() {
        let read = call()
            .event(DETAILS, &[("gen_ai.output.messages", r#"[{"role":"assistant","content":[{"text":"It is 1"#)])
            .event("gen_ai.choice", &[("message", r#"[{"text":"It is 18C."}]"#)])
            .translate();
        assert_eq!(sides(&read).1, ["assistant: It is 1…", "assistant: It is 18C."]);
        assert_eq!(read.notes[0].0, "gen_ai.output.messages was cut off by the sender: shown up to the cut");
    }
}
