//! `smolagents`: what is special about the spans of Hugging Face's agents, which OpenInference's instrumentation makes.
//!
//! Mark: scope `openinference.instrumentation.smolagents`. A model writes code up to a closing tag, at which it is to stop.
//! Where the provider leaves the tag out, the agent adds it to what it sends back:
//!
//! ```text
//!   answer     Easy.\n<code>\nprint(4)\n
//!   history    Easy.\n<code>\nprint(4)\n</code>       until 1.20 ```py … ```<end_code>
//! ```

use super::{Dialect, Framework};
use crate::model::{Content, ContentKind, GivenName, Message, Role, Source, Translation};
use std::sync::Arc;

pub const DIALECT: Dialect = Dialect {
    name: "smolagents",
    content: ContentKind::FunctionIo,
    matches,
    translate,
    is_plumbing: Some(|source| source.scope.name == SCOPE && source.name.starts_with("Step ")),
    given_name: Some(given_name),
    frameworks: &[Framework {
        label: "smolagents",
        rank: 160,
        scopes: &[SCOPE],
        keys: &["smolagents."],
        ..Framework::PLAIN
    }],
    ..Dialect::PLAIN
};

/// Classes of its own, which stand for the name of an agent that has none.
const CLASSES: &[&str] = &["CodeAgent", "MultiStepAgent", "ToolCallingAgent"];

fn given_name(source: &Source) -> Option<GivenName> {
    let name = source.name.strip_suffix(".run").filter(|_| source.scope.name == SCOPE)?;
    Some(if CLASSES.contains(&name) { GivenName::Nothing } else { GivenName::Part(name.to_owned()) })
}

const SCOPE: &str = "openinference.instrumentation.smolagents";

fn matches(source: &Source) -> bool {
    source.scope.name == SCOPE
}

/// Marks the closing tags in the answers that others have read.
fn translate(_: &Source, into: &mut Translation) {
    let messages =
        into.readings.iter_mut().flat_map(|reading| reading.prompt.iter_mut().chain(&mut reading.completion));
    for message in messages.filter(|message| is_closed(message)) {
        for part in &mut Arc::make_mut(message).parts {
            if let Content::Text(text) = &part.content {
                part.stop_bytes = u32::try_from(text.len() - unclosed(text).len()).unwrap_or_default();
            }
        }
    }
}

fn is_closed(message: &Message) -> bool {
    let closed = |text: &str| unclosed(text).len() < text.len();
    message.role == Role::Assistant
        && message.parts.iter().any(|part| matches!(&part.content, Content::Text(text) if closed(text)))
}

/// A text without the tags that close its code, and without the white space before them.
fn unclosed(text: &str) -> &str {
    let mut rest = text.trim_end();
    while let Some(before) = ["</code>", "<end_code>", "```"].iter().find_map(|tag| rest.strip_suffix(tag)) {
        rest = before.trim_end();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;

    #[test]
    fn the_tag_that_closes_code_is_marked_as_what_a_model_stops_at() {
        let stop = |scope: &str, text: &str| {
            let pairs = [
                ("openinference.span.kind", "LLM"),
                ("llm.output_messages.0.message.role", "assistant"),
                ("llm.output_messages.0.message.content", text),
            ];
            let read = Sample::span("OpenAIServerModel.generate").scope(scope).with(&pairs).translate();
            read.readings[0].completion[0].parts[0].stop_bytes
        };
        let theirs = "openinference.instrumentation.smolagents";
        assert_eq!(stop(theirs, "<code>\nprint(4)\n</code>"), 8);
        assert_eq!(stop(theirs, "```py\nprint(4)\n```<end_code>"), 14);
        assert_eq!(stop(theirs, "It is 4."), 0);
        assert_eq!(stop("openinference.instrumentation.openai", "<code>\nprint(4)\n</code>"), 0);
    }
}
