//! Reported → [`TokenUsage`]: whether caches lie within the input and reasoning within the output, decided by
//! `facts.md` 5.

use std::sync::LazyLock;

use super::{DIALECTS, dialect::CacheInInput, provider};
use crate::model::{GenAi, Note, Reported, Source, TokenUsage};

/// Decides what the sender's numbers mean, and frees them of it.
pub fn settle(source: &Source, genai: &mut GenAi, notes: &mut Vec<Note>) {
    let reported = &mut genai.reported;
    let counts = [reported.input, reported.output, reported.cache_read, reported.cache_write, reported.reasoning];
    // Every call has input tokens: frameworks write zeros where a streamed answer came without its counts.
    let is_blank = reported.input == Some(0) && counts.iter().all(|count| count.unwrap_or(0) == 0);
    if is_blank || counts.iter().all(Option::is_none) {
        return;
    }
    let names = [&genai.model, &genai.response_model];
    let is_gemini = names.into_iter().flatten().any(|model| model.contains("gemini"));
    let maker = maker(genai.provider.as_deref(), genai.model.as_deref().or(genai.response_model.as_deref()));
    // What a dialect has decided stays: it knows whose numbers it read.
    let stated = reported.convention;
    reported.convention.cache_in_input =
        stated.cache_in_input.or_else(|| cache_in_input(source, reported, maker, genai.provider.as_deref()));
    reported.convention.reasoning_in_output =
        stated.reasoning_in_output.or_else(|| reasoning_in_output(source, reported, is_gemini));
    let mut usage = freed(&genai.reported);
    let unexplained = usage.unexplained(genai.reported.total);
    if is_gemini || genai.provider.as_deref().is_some_and(|provider| provider.starts_with("gcp.")) {
        // Its total has the thoughts, which are billed as output, also where a sender leaves them out of all else.
        usage.output = usage.output.map(|output| output.saturating_add(unexplained));
    } else if unexplained > 0 && genai.category.is_call() {
        notes.push(Note(format!("its total has {unexplained} tokens more than input and output")));
    }
    genai.usage = Some(usage);
}

/// Whose convention of counting input tokens applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Maker {
    /// Anthropic's API, and Bedrock's Converse: input excludes both caches.
    Exclusive,
    Inclusive,
    Unknown,
}

fn maker(provider: Option<&str>, model: Option<&str>) -> Maker {
    match provider {
        Some("anthropic" | "aws.bedrock") => return Maker::Exclusive,
        Some("openai" | "azure.ai.openai" | "groq" | "deepseek" | "gcp.gemini" | "gcp.gen_ai") => {
            return Maker::Inclusive;
        }
        _ => {}
    }
    match model.map(|model| (model.contains("claude"), provider::of_model(model))) {
        Some((true, _) | (_, Some("anthropic" | "aws.bedrock"))) => Maker::Exclusive,
        Some((_, Some(_))) => Maker::Inclusive,
        _ => Maker::Unknown,
    }
}

/// Whether the input includes cache reads and writes; `None` where no cache is reported, and so nothing to decide.
fn cache_in_input(source: &Source, reported: &Reported, maker: Maker, provider: Option<&str>) -> Option<bool> {
    if reported.cache_read.is_none() && reported.cache_write.is_none() {
        return None;
    }
    let caches = reported.cache_read.unwrap_or(0).saturating_add(reported.cache_write.unwrap_or(0));
    // What the numbers themselves prove goes before what anyone is known to do.
    if reported.input.is_some_and(|input| caches > input) {
        return Some(false);
    }
    let sum = reported.input.unwrap_or(0).saturating_add(reported.output.unwrap_or(0));
    if caches > 0 && reported.total == Some(sum.saturating_add(caches)) {
        return Some(false);
    }
    let by_provider = maker != Maker::Exclusive;
    let by_dialect = BY_DIALECT.iter().find_map(|cache_in_input| cache_in_input(source, by_provider));
    if let Some(stated) = by_dialect.or_else(|| by_convention(source)) {
        return Some(stated);
    }
    // Anthropic's API reports no total: whoever does made a sum of its own, of all that there is. Bedrock's leaves the
    // caches out and proves nothing.
    if caches > 0 && reported.total == Some(sum) && (maker != Maker::Exclusive || provider != Some("aws.bedrock")) {
        return Some(true);
    }
    Some(by_provider)
}

/// What dialects know of their senders, in their order.
static BY_DIALECT: LazyLock<Vec<CacheInInput>> =
    LazyLock::new(|| DIALECTS.iter().filter_map(|dialect| dialect.cache_in_input).collect());

/// What the keys of the conventions and the APIs behind a scope mean.
fn by_convention(source: &Source) -> Option<bool> {
    let (scope, attributes) = (source.scope.name.as_str(), source.attributes);
    let dotted = attributes.has("gen_ai.usage.cache_read.input_tokens")
        || attributes.has("gen_ai.usage.cache_creation.input_tokens")
        || attributes.has("gen_ai.usage.cache_write.input_tokens");
    // What an OpenAI-compatible API answers is a sum over all kinds of input, whoever's model is behind it.
    (dotted || scope.contains("openai")).then_some(true)
}

/// Whether the output includes reasoning; `None` where none is reported.
fn reasoning_in_output(source: &Source, reported: &Reported, is_gemini: bool) -> Option<bool> {
    let reasoning = reported.reasoning?;
    let (input, output) = (reported.input.unwrap_or(0), reported.output.unwrap_or(0));
    // Gemini's `candidates_token_count`, which the older ADK passes on, leaves the thoughts out. (Through LiteLLM the
    // ADK calls other models under the same keys: they count as they always do.)
    let apart = is_gemini
        && (source.attributes.has("gen_ai.usage.experimental.reasoning_tokens")
            || source.attributes.has("gen_ai.usage.thoughts_token_count"));
    let proven = reasoning > 0 && reported.total == Some(input.saturating_add(output).saturating_add(reasoning));
    Some(!(apart || proven || reasoning > output))
}

fn freed(reported: &Reported) -> TokenUsage {
    let caches = reported.cache_read.unwrap_or(0).saturating_add(reported.cache_write.unwrap_or(0));
    let apart = if reported.convention.cache_in_input == Some(true) { caches } else { 0 };
    let beside = match reported.convention.reasoning_in_output {
        Some(false) => reported.reasoning.unwrap_or(0),
        _ => 0,
    };
    TokenUsage {
        uncached_input: reported.input.map(|input| input.saturating_sub(apart)),
        cache_read: reported.cache_read,
        cache_write: reported.cache_write,
        output: reported.output.map(|output| output.saturating_add(beside)),
        reasoning: reported.reasoning,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;

    /// Uncached input, cache read, cache write, output, reasoning.
    fn usage(span: Sample) -> [Option<u64>; 5] {
        let usage = span.translate().genai.usage.unwrap_or_default();
        [usage.uncached_input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning]
    }

    fn span(pairs: &[(&str, u64)]) -> Sample {
        pairs.iter().fold(Sample::span("chat"), |span, (key, count)| {
            span.typed(&format!("gen_ai.usage.{key}"), &count.to_string())
        })
    }

    fn of(provider: &str, span: Sample) -> Sample {
        span.with(&[("gen_ai.provider.name", provider)])
    }

    #[test]
    fn laminar_for_python_sums_what_anthropic_counts_apart() {
        let tokens = [("input_tokens", 568), ("cache_creation_input_tokens", 256), ("output_tokens", 87)];
        let laminar = |source: &str| {
            of("anthropic", span(&tokens)).scope("lmnr.tracer").with(&[("lmnr.span.instrumentation_source", source)])
        };
        assert_eq!(usage(laminar("python")), [Some(312), None, Some(256), Some(87), None]);
        assert_eq!(usage(laminar("javascript")), [Some(568), None, Some(256), Some(87), None]);
    }

    #[test]
    fn dotted_names_are_inclusive() {
        let tokens = [("input_tokens", 100), ("cache_read.input_tokens", 80), ("output_tokens", 20)];
        assert_eq!(usage(of("anthropic", span(&tokens))), [Some(20), Some(80), None, Some(20), None]);
    }

    #[test]
    fn instrumentations_of_bedrocks_api_pass_its_numbers_through() {
        let tokens = [("input_tokens", 268), ("cache_read.input_tokens", 128), ("output_tokens", 19)];
        for scope in ["opentelemetry.instrumentation.botocore.bedrock-runtime", "opentelemetry.instrumentation.bedrock"]
        {
            let span = of("aws.bedrock", span(&tokens)).scope(scope);
            assert_eq!(usage(span)[..2], [Some(268), Some(128)], "{scope}");
        }
    }

    #[test]
    fn caches_larger_than_the_input_are_apart_from_it() {
        let tokens = [("input_tokens", 12), ("cache_creation.input_tokens", 1214), ("output_tokens", 7)];
        assert_eq!(usage(of("openai", span(&tokens))), [Some(12), None, Some(1214), Some(7), None]);
    }

    #[test]
    fn the_total_proves_what_it_sums() {
        let tokens = [("input_tokens", 300), ("output_tokens", 20), ("cache_read_input_tokens", 200)];
        let with = |total| span(&tokens).typed("gen_ai.usage.total_tokens", total);
        assert_eq!(usage(of("openai", with("520")))[0], Some(300));
        assert_eq!(usage(of("custom", with("320")))[0], Some(100));
        // Bedrock's total leaves the caches out: it proves nothing.
        assert_eq!(usage(of("aws_bedrock", with("320")))[0], Some(300));
    }

    #[test]
    fn else_the_providers_habit_decides() {
        let tokens = [("input_tokens", 300), ("output_tokens", 20), ("cache_read_input_tokens", 200)];
        for (provider, expected) in [("aws_bedrock", 300), ("anthropic", 300), ("openai", 100), ("gcp.gemini", 100)] {
            assert_eq!(usage(of(provider, span(&tokens)))[0], Some(expected), "{provider}");
        }
        let model = |model| span(&tokens).with(&[("gen_ai.request.model", model)]);
        assert_eq!(usage(model("claude-sonnet-4-5"))[0], Some(300));
        assert_eq!(usage(model("gpt-4o-mini"))[0], Some(100));
    }

    #[test]
    fn what_a_gateway_or_a_framework_summed_includes_the_caches() {
        let tokens = [("input_tokens", 1000), ("output_tokens", 20), ("cache_read_input_tokens", 800)];
        let claude = || of("anthropic", span(&tokens)).with(&[("gen_ai.request.model", "claude-sonnet-4-5")]);
        for scope in ["opentelemetry.instrumentation.langchain", "opentelemetry.instrumentation.openai.v1", "langsmith"]
        {
            assert_eq!(usage(claude().scope(scope))[..2], [Some(200), Some(800)], "{scope}");
        }
        assert_eq!(usage(claude())[..2], [Some(1000), Some(800)], "Anthropic's own API counts apart");
        let total = claude().typed("gen_ai.usage.total_tokens", "1020");
        assert_eq!(usage(total)[..2], [Some(200), Some(800)], "a sum that has no room for the caches beside the input");
        let apart =
            claude().scope("opentelemetry.instrumentation.openai.v1").typed("gen_ai.usage.total_tokens", "1820");
        assert_eq!(usage(apart)[..2], [Some(1000), Some(800)], "the total proves it");
    }

    #[test]
    fn strands_for_typescript_passes_numbers_through_under_any_name() {
        let tokens =
            [("input_tokens", 431), ("cache_read.input_tokens", 256), ("output_tokens", 64), ("total_tokens", 495)];
        let with = |model| span(&tokens).scope("strands-agents").with(&[("gen_ai.request.model", model)]);
        assert_eq!(usage(with("claude-sonnet-4-5"))[0], Some(431));
        assert_eq!(usage(with("gpt-4o-mini"))[0], Some(175));
    }

    #[test]
    fn geminis_thoughts_come_on_top_of_its_output() {
        let tokens = [("input_tokens", 30), ("output_tokens", 4), ("experimental.reasoning_tokens", 6)];
        let with = |model| span(&tokens).with(&[("gen_ai.request.model", model)]);
        assert_eq!(usage(with("gemini-2.0-flash"))[3..], [Some(10), Some(6)]);
        let tokens = [("output_tokens", 45), ("experimental.reasoning_tokens", 23)];
        let through = span(&tokens).with(&[("gen_ai.request.model", "openai/gpt-4o-mini")]);
        assert_eq!(usage(through)[3..], [Some(45), Some(23)]);
    }

    #[test]
    fn what_only_the_total_has_is_geminis_output_and_else_is_noted() {
        let with = |total: &str| {
            span(&[("input_tokens", 120), ("output_tokens", 48)]).typed("gen_ai.usage.total_tokens", total)
        };
        let google = |total| of("gcp.gemini", with(total));
        assert_eq!(usage(google("1004")), [Some(120), None, None, Some(884), None]);
        assert_eq!(usage(google("168"))[3], Some(48));
        assert_eq!(usage(google("100"))[3], Some(48));
        let by_model = |key| of("litellm", with("1004")).with(&[(key, "gemini/gemini-2.5-pro")]);
        assert_eq!(usage(by_model("gen_ai.request.model"))[3], Some(884));
        assert_eq!(usage(by_model("gen_ai.response.model"))[3], Some(884));
        // Thoughts that are told beside, and caches, are in the total already.
        let told = google("1004").typed("gen_ai.usage.reasoning_tokens", "836");
        assert_eq!(usage(told)[3..], [Some(884), Some(836)]);
        let cached = google("168").typed("gen_ai.usage.cache_read.input_tokens", "100");
        assert_eq!(usage(cached), [Some(20), Some(100), None, Some(48), None]);

        let other = of("openai", with("1004")).with(&[("gen_ai.operation.name", "chat")]).translate();
        assert_eq!(other.genai.usage.unwrap_or_default().output, Some(48));
        assert_eq!(other.notes, [Note("its total has 836 tokens more than input and output".to_owned())]);
    }

    #[test]
    fn what_is_not_reported_is_unknown() {
        assert_eq!(span(&[]).translate().genai.usage, None);
        assert_eq!(usage(span(&[("output_tokens", 0)])), [None, None, None, Some(0), None]);
        assert_eq!(span(&[("input_tokens", 0), ("output_tokens", 0)]).translate().genai.usage, None);
        assert_eq!(usage(span(&[("input_tokens", u64::MAX), ("cache_read_tokens", u64::MAX)]))[1], Some(u64::MAX));
    }

    #[test]
    fn a_makers_habit_is_known_by_provider_and_by_model() {
        assert_eq!(maker(Some("aws.bedrock"), Some("us.amazon.nova-lite-v1:0")), Maker::Exclusive);
        assert_eq!(maker(None, Some("us.anthropic.claude-haiku-4-5-20251001-v1:0")), Maker::Exclusive);
        assert_eq!(maker(None, None), Maker::Unknown);
    }
}
