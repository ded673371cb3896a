//! `openlit`: what `OpenLIT` writes beside the conventions (`sdks.md` 15).
//!
//! ```text
//!   gen_ai.content.reasoning    what the model thought, a text
//!   gen_ai.usage.cost = 0       it has no price of the model
//!   gen_ai.server.time_to_first_token    in seconds
//! ```
//!
//! Its messages are read by `gen_ai.rs`, those of its older versions by `gen_ai_content.rs`.

use std::time::Duration;

use super::{Dialect, Framework, RecordingHints, reading};
use crate::model::{Carrier, Content, ContentKind, Part, Reasoning, Role, Source, Translation, Usd, Value};

pub const DIALECT: Dialect = Dialect {
    name: "openlit",
    content: ContentKind::Conversation,
    matches,
    translate,
    frameworks: &[Framework {
        label: "openlit",
        rank: 400,
        scopes: &["openlit"],
        is_sdk: Some(|sdk| sdk == "openlit"),
        ..Framework::PLAIN
    }],
    recording_hints: &[RecordingHints {
        scopes: &["openlit"],
        framework: "openlit",
        messages: "openlit.init(capture_message_content=True)",
        ..RecordingHints::ANY
    }],
    ..Dialect::PLAIN
};

const TTFT: &str = "gen_ai.server.time_to_first_token";
const REASONING: &str = "gen_ai.content.reasoning";

/// Whether the SDK sent it, whatever it instruments.
pub fn is_openlit(source: &Source) -> bool {
    source.resource.attributes.str("telemetry.sdk.name") == Some("openlit") || source.scope.name.starts_with("openlit")
}

fn matches(source: &Source) -> bool {
    is_openlit(source)
}

fn translate(source: &Source, into: &mut Translation) {
    let reported = &mut into.genai.reported;
    reported.cost = reported.cost.filter(|cost| *cost != Usd::default());
    // In seconds; elsewhere this name means milliseconds.
    if let Some(seconds) = source.attributes.get(TTFT).and_then(Value::as_number) {
        into.genai.ttft = Duration::try_from_secs_f64(seconds).ok().filter(|ttft| !ttft.is_zero());
    }
    let Some(text) = source.attributes.str(REASONING).filter(|text| !text.is_empty()) else { return };
    let thought = Reasoning { text: Some(text.to_owned()), ..Reasoning::default() };
    let completion = reading::from_parts(Role::Assistant, vec![Part::new(Content::Reasoning(thought))]);
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), vec![], completion);
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};

    fn call() -> Sample {
        Sample::span("chat m").scope("openlit.instrumentation.openai").with(&[("gen_ai.operation.name", "chat")])
    }

    #[test]
    fn a_call_has_its_reasoning() {
        let read = call().with(&[("gen_ai.content.reasoning", "hm"), ("gen_ai.completion", "a")]).translate();
        assert_eq!(sides(&read).1, ["assistant: a", "assistant: (thought) hm"]);
    }

    #[test]
    fn the_first_token_came_after_seconds() {
        let ttft = |text| call().typed("gen_ai.server.time_to_first_token", text).translate().genai.ttft;
        assert_eq!(ttft("0.25"), Some(std::time::Duration::from_millis(250)));
        assert_eq!((ttft("0"), ttft("-1.5")), (None, None));
    }

    #[test]
    fn no_cost_is_no_price() {
        let cost = |text| call().typed("gen_ai.usage.cost", text).translate().genai.reported.cost;
        assert!(cost("0").is_none() && cost("0.0").is_none() && cost("0.25").is_some());
    }

    #[test]
    fn a_call_that_asks_for_tools_is_none_of_them() {
        let read = call()
            .with(&[("gen_ai.tool.name", "w, w"), ("gen_ai.tool.call.id", "c1, c2")])
            .with(&[("gen_ai.tool.call.arguments", r#"{"city": "P"}, {"city": "T"}"#)])
            .translate();
        assert_eq!((sides(&read), read.genai.tool), ((vec![], vec![]), None));
    }

    #[test]
    fn a_tool_of_langchain_returns_what_python_prints() {
        let read = Sample::span("execute_tool w")
            .scope("openlit.instrumentation.langchain")
            .with(&[("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "w")])
            .with(&[("gen_ai.tool.call.result", "content='18C' name='w' tool_call_id='c1'")])
            .translate();
        assert_eq!(sides(&read).1, ["tool: =c1 18C"]);
    }
}
