//! The scalar facts of the Vercel AI SDK's spans: its operations, its keys, and the tokens in a provider's metadata.

use super::{
    ByProvider, FactRow, Field, How, KindKey, Rank,
    calls::{first, first_str},
    maybe_json::MaybeJson,
    token_counts,
};
use crate::model::{Attributes, Category, GenAi, Reported, Source, Usd, Value};

/// Where the SDK names its operations. Version 7 has only the conventions' names.
pub const KINDS: &[KindKey] = &[kind("ai.operationId"), kind("operation.name")];

const fn kind(key: &'static str) -> KindKey {
    KindKey { key, rank: Rank::Last, category, operation, operation_rank: Rank::First }
}

/// The category of an operation, `ai.streamText.doStream`; a function's name may follow after a space.
fn category(operation: &str) -> Option<Category> {
    Some(match operation.split(' ').next()?.strip_prefix("ai.")? {
        "toolCall" => Category::Tool,
        "embed" | "embedMany" => Category::Chain,
        rerank if rerank.starts_with("rerank") => Category::Reranker,
        call if call.ends_with(".doGenerate") || call.ends_with(".doStream") => Category::Llm,
        call if call.ends_with(".doEmbed") => Category::Embedding,
        "generateText" | "streamText" | "generateObject" | "streamObject" => Category::Agent,
        _ => return None,
    })
}

/// The conventions' name of an operation, else the SDK's own in lower case.
fn operation(operation: &str) -> Option<String> {
    let own = operation.split(' ').next()?.to_ascii_lowercase();
    let word = own.strip_prefix("ai.")?;
    Some(match word {
        "toolcall" => "execute_tool".to_owned(),
        "generatetext" | "streamtext" | "generateobject" | "streamobject" => "invoke_agent".to_owned(),
        call if call.ends_with(".dogenerate") || call.ends_with(".dostream") => "chat".to_owned(),
        call if call.ends_with(".doembed") => "embeddings".to_owned(),
        _ => own,
    })
}

pub const FACTS: &[FactRow] = &[
    FactRow::of(Field::Session, How::Id, &["ai.telemetry.metadata.sessionId", "ai.settings.context.sessionId"]),
    FactRow::of(Field::User, How::Id, &["ai.telemetry.metadata.userId", "ai.settings.context.userId"]),
    FactRow::of(Field::Provider, How::Text, &["ai.model.provider"]),
    FactRow::of(Field::Model, How::Text, &["ai.model.id"]),
    FactRow::of(Field::ResponseModel, How::Text, &["ai.response.model"]),
    FactRow::of(Field::ResponseId, How::Text, &["ai.response.id"]),
    FactRow::of(Field::StopReason, How::Last, &["ai.response.finishReason", "ai.finishReason"]),
    FactRow::of(Field::Tool, How::Text, &["ai.toolCall.name"]),
    FactRow::of(Field::ToolCall, How::Id, &["ai.toolCall.id"]),
    FactRow::of(Field::Ttft, How::Millis, &["ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"]),
    FactRow::of(Field::Input, How::Count, &["ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"]),
    FactRow::of(Field::Output, How::Count, &["ai.usage.outputTokens", "ai.usage.completionTokens"]),
    FactRow::of(Field::Total, How::Count, &["ai.usage.totalTokens"]),
    FactRow::of(
        Field::CacheRead,
        How::Count,
        &["ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"],
    ),
    FactRow::of(Field::CacheWrite, How::Count, &["ai.usage.inputTokenDetails.cacheWriteTokens"]),
    FactRow::of(
        Field::Reasoning,
        How::Count,
        &["ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"],
    ),
];

pub const PARAMETERS: &[(&str, &str)] = &[
    ("maxOutputTokens", "max_tokens"),
    ("maxTokens", "max_tokens"),
    ("temperature", "temperature"),
    ("topP", "top_p"),
    ("topK", "top_k"),
    ("frequencyPenalty", "frequency_penalty"),
    ("presencePenalty", "presence_penalty"),
    ("stopSequences", "stop_sequences"),
    ("seed", "seed"),
];

/// Where the SDK counts the tokens that come from no cache apart, its input is a sum.
pub fn cache_in_input(source: &Source, _: ByProvider) -> Option<bool> {
    source.attributes.has("ai.usage.inputTokenDetails.noCacheTokens").then_some(true)
}

/// Adds the tokens and the cost that only the provider's metadata has:
/// `{anthropic: {cacheCreationInputTokens, usage: {…}}, …}`.
pub fn provider_metadata(attributes: &Attributes, genai: &mut GenAi) {
    let Some(MaybeJson::Data(metadata)) = attributes.get("ai.response.providerMetadata").map(MaybeJson::of) else {
        return;
    };
    let providers = metadata.as_map().unwrap_or_default().iter().map(|(_, metadata)| metadata);
    for metadata in providers.filter(|metadata| metadata.as_map().is_some()) {
        let usage = first(metadata, &["usage", "usageMetadata"]).filter(|usage| usage.as_map().is_some());
        let count = |keys: &[&str]| {
            let within = |map: &Value| keys.iter().find_map(|key| map.get(key).and_then(Value::as_count));
            within(metadata).or_else(|| within(usage?))
        };
        let reported = &mut genai.reported;
        let read = count(&[
            "cacheReadInputTokens",
            "cache_read_input_tokens",
            "cachedPromptTokens",
            "cachedContentTokenCount",
            "promptCacheHitTokens",
        ]);
        let write = count(&["cacheCreationInputTokens", "cache_creation_input_tokens", "cacheWriteInputTokens"])
            .or_else(|| token_counts::by_lifetime(usage?).map(|(all, _)| all));
        reported.cache_read = reported.cache_read.or(read);
        reported.cache_write = reported.cache_write.or(write);
        reported.kinds = usage.map_or(reported.kinds, |usage| reported.kinds.max(token_counts::kinds(usage)));
        reported.reasoning = reported.reasoning.or_else(|| count(&["reasoningTokens", "thoughtsTokenCount"]));
        // Gateways bill, and report how much; zero where the key is the user's own, for which its provider bills.
        let cost = first(metadata, &["cost"]).or_else(|| first(usage?, &["cost"])).and_then(Value::as_number);
        reported.cost = reported.cost.or_else(|| Usd::from_dollars(cost.filter(|cost| *cost > 0.0)?));
        let mut places = [Some(metadata), usage].into_iter().flatten();
        let tier = places.find_map(|map| first_str(map, &["serviceTier", "service_tier", "trafficType"]));
        genai.service_tier = genai.service_tier.take().or_else(|| tier.map(str::to_owned));
        let reported = &mut genai.reported;
        let api = usage.and_then(|usage| usage.get("input_tokens")).and_then(Value::as_count);
        reported.convention.cache_in_input = reported.convention.cache_in_input.or_else(|| is_whole(reported, api?));
    }
}

/// Whether the reported input is all of it, where Anthropic's own count of what came from no cache is known beside it.
fn is_whole(reported: &Reported, uncached: u64) -> Option<bool> {
    let caches = reported.cache_read.unwrap_or(0).saturating_add(reported.cache_write.unwrap_or(0));
    match reported.input? {
        input if caches == 0 || input < uncached => None,
        input if input == uncached => Some(false),
        input => (input == uncached.saturating_add(caches)).then_some(true),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;

    fn span(operation: &str) -> Sample {
        Sample::span(operation).scope("ai").with(&[("ai.operationId", operation), ("operation.name", operation)])
    }

    /// Uncached input, cache read, cache write, reasoning.
    fn usage(operation: &str, provider: &str, input: &str, metadata: &str) -> [Option<u64>; 4] {
        let read = span(operation)
            .with(&[("ai.model.provider", provider), ("ai.response.providerMetadata", metadata)])
            .typed("ai.usage.inputTokens", input)
            .typed("ai.usage.outputTokens", "20")
            .translate();
        let usage = read.genai.usage.unwrap_or_default();
        [usage.uncached_input, usage.cache_read, usage.cache_write, usage.reasoning]
    }

    #[test]
    fn caches_that_only_the_providers_metadata_has_are_counted() {
        let call = "ai.generateText.doGenerate";
        let anthropic = r#"{"anthropic":{"cacheCreationInputTokens":30,"usage":{"input_tokens":100,"cache_read_input_tokens":50,"cache_creation_input_tokens":30}}}"#;
        // Until version 5 the input leaves the caches out, from 6 on they are in it.
        for input in ["100", "180"] {
            assert_eq!(usage(call, "anthropic.messages", input, anthropic), [Some(100), Some(50), Some(30), None]);
        }
        let spread = r#"{"anthropic":{"usage":{"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10}}}}"#;
        assert_eq!(usage(call, "anthropic.messages", "100", spread)[2], Some(30));
        let openai = r#"{"openai":{"cachedPromptTokens":60,"reasoningTokens":5}}"#;
        assert_eq!(usage(call, "openai.chat", "100", openai), [Some(40), Some(60), None, Some(5)]);
        let bedrock = r#"{"bedrock":{"usage":{"cacheReadInputTokens":7,"cacheWriteInputTokens":8}}}"#;
        assert_eq!(usage(call, "amazon-bedrock", "100", bedrock), [Some(100), Some(7), Some(8), None]);
        // On the span of the whole they are those of the last call alone.
        assert_eq!(usage("ai.generateText", "openai.chat", "100", openai), [Some(100), None, None, None]);
    }

    #[test]
    fn what_a_gateway_bills_is_the_cost() {
        for metadata in [
            r#"{"openai":{"responseId":"r"},"gateway":{"routing":{},"cost":"0.0045"}}"#,
            r#"{"openrouter":{"usage":{"promptTokens":1,"cost":0.0045}}}"#,
        ] {
            let read = span("ai.streamText.doStream").with(&[("ai.response.providerMetadata", metadata)]).translate();
            assert_eq!(read.genai.reported.cost, Usd::from_dollars(0.0045), "{metadata}");
        }
    }
}
