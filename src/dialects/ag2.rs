//! AG2 from 1.0 on, whose middleware writes the conventions (`sdks.md` 19) and beside them what it accounts for:
//!
//! ```text
//!   invoke_agent A › chat m                        tokens, as the conventions have them
//!                  › record_usage model_call       the same tokens once more
//!                  › record_usage subtask          the sum of the agent `ag2.usage.label`, which may have spans of its own
//!                  › record_usage compaction       a request that has no span
//! ```

use super::{Dialect, FactRow, Field, Framework, How};
use crate::model::{Category, ContentKind, Reported, Source, Translation};

pub const DIALECT: Dialect = Dialect {
    name: "ag2",
    content: ContentKind::Conversation,
    matches: repeats_a_call,
    translate,
    category: Some(category),
    is_plumbing: Some(repeats_a_call),
    ai_keys: &["ag2."],
    facts: &[
        FactRow::of(Field::Reasoning, How::Count, &["gen_ai.usage.thinking_tokens"]).within(SCOPE),
        FactRow::of(Field::Agent, How::Text, &["ag2.usage.label"]),
    ],
    frameworks: &[Framework { label: "ag2", rank: 210, scopes: &[SCOPE], keys: &["ag2."], ..Framework::PLAIN }],
    ..Dialect::PLAIN
};

const SCOPE: &str = "opentelemetry.instrumentation.ag2";
const KIND: &str = "ag2.usage.kind";

fn repeats_a_call(source: &Source) -> bool {
    !source.is_log() && source.attributes.str(KIND) == Some("model_call")
}

fn category(source: &Source) -> Option<Category> {
    Some(match source.attributes.str(KIND)? {
        "model_call" => Category::Span,
        "subtask" => Category::Chain,
        _ => Category::Llm,
    })
}

/// The span of the call itself has these tokens.
fn translate(_: &Source, into: &mut Translation) {
    into.genai.reported = Reported::default();
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::SCOPE;
    use crate::model::{Category, Translation};

    fn recorded(kind: &str) -> Translation {
        let span = Sample::span(&format!("record_usage {kind}")).scope(SCOPE).with(&[
            ("ag2.span.type", "usage"),
            ("ag2.usage.kind", kind),
            ("gen_ai.provider.name", "openai"),
            ("gen_ai.response.model", "gpt-4o-mini"),
        ]);
        span.typed("gen_ai.usage.input_tokens", "101").typed("gen_ai.usage.thinking_tokens", "7").translate()
    }

    #[test]
    fn tokens_of_a_call_count_once() {
        let read = recorded("model_call");
        assert_eq!((read.genai.usage, read.genai.category, read.plumbing), (None, Category::Span, true));
        assert_eq!(read.context.framework.as_deref(), Some("ag2"));
    }

    #[test]
    fn what_has_no_span_of_its_own_counts() {
        let read = recorded("compaction");
        let usage = read.genai.usage.unwrap();
        assert_eq!((usage.input(), usage.reasoning, read.genai.category), (Some(101), Some(7), Category::Llm));
        let read = recorded("subtask");
        assert!(read.genai.aggregate && read.genai.usage.is_some());
    }
}
