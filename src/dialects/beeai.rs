//! BeeAI, whose spans OpenInference's instrumentation makes (`sdks.md` 19): what it knows of caches is in its metadata.

use super::{Dialect, FactRow, Field, Framework, How};

pub const DIALECT: Dialect = Dialect {
    name: "beeai",
    facts: FACTS,
    frameworks: &[Framework { label: "beeai", rank: 209, scopes: &[SCOPE], ..Framework::PLAIN }],
    ..Dialect::PLAIN
};

const SCOPE: &str = "openinference.instrumentation.beeai";

const FACTS: &[FactRow] = &[
    FactRow::of(Field::CacheRead, How::Count, &["metadata.usage.cached_prompt_tokens"]).within(SCOPE),
    FactRow::of(Field::CacheWrite, How::Count, &["metadata.usage.cached_creation_tokens"]).within(SCOPE),
];

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::SCOPE;

    #[test]
    fn caches_are_part_of_the_prompt() {
        let read = Sample::span("OpenAIChatModel")
            .scope(SCOPE)
            .with(&[("openinference.span.kind", "LLM"), ("llm.provider", "openai")])
            .typed("llm.token_count.prompt", "351")
            .typed("metadata.usage.cached_prompt_tokens", "256")
            .typed("metadata.usage.cached_creation_tokens", "0")
            .translate();
        let usage = read.genai.usage.unwrap();
        assert_eq!(
            (usage.input(), usage.cache_read, read.context.framework.as_deref()),
            (Some(351), Some(256), Some("beeai"))
        );
    }
}
