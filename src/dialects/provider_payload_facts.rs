//! The facts beside the messages of a provider's own request or response (`provider_payload`): the model, parameters,
//! tokens, the stop reason.
//!
//! ```text
//!   {"model": "gpt-4o", "temperature": 0.5, "messages": […]}
//!   {"id": "r1", "model": "gpt-4o-2024", "choices": [{"finish_reason": "stop", …}], "usage": {…}}
//!   {"generations": [[{"generation_info": …, "message": {"response_metadata": …}}]], "llm_output": …}     LangChain
//! ```

use super::{parameters, provider_payload, token_counts};
use crate::model::{GenAi, Value};

/// Adds the facts that stand beside the messages of a request: the model, its parameters.
pub fn of_request(request: &Value, genai: &mut GenAi) {
    let body = provider_payload::unpacked(request);
    for map in [request, &*body] {
        if let Some(model) = ["model", "modelId", "model_id", "model_name"].iter().find_map(|key| map.str(key)) {
            genai.model.get_or_insert_with(|| model.to_owned());
        }
        parameters::of_request(map, &mut genai.parameters);
    }
}

/// Adds the facts that stand beside the messages of a response: its model, its id, why it ended, what it took.
pub fn of_response(response: &Value, genai: &mut GenAi) {
    // The last of several has the facts of all; LlamaIndex keeps the provider's own beside its message.
    let response = response.as_array().and_then(<[Value]>::last).unwrap_or(response);
    let response = response.get("raw").filter(|raw| raw.as_map().is_some()).unwrap_or(response);
    let response = &*provider_payload::unpacked(response);
    let generation = response.get("generations").and_then(innermost);
    let message = generation.and_then(|generation| generation.get("message"));
    let message = message.map(|message| message.get("kwargs").unwrap_or(message));
    let places = [
        Some(response),
        message.and_then(|message| message.get("response_metadata")),
        generation.and_then(|generation| generation.get("generation_info")),
        response.get("llm_output"),
        message,
    ];
    let places = || places.into_iter().flatten();
    let text = |keys: &[&str]| {
        let found = places().find_map(|map| keys.iter().find_map(|key| map.str(key).filter(|text| !text.is_empty())));
        found.map(str::to_owned)
    };
    genai.response_model =
        genai.response_model.take().or_else(|| text(&["model", "model_name", "modelVersion", "model_version"]));
    genai.response_id = genai.response_id.take().or_else(|| text(&["id", "responseId", "response_id"]));
    let listed = |list: &str| {
        let last = response.get(list)?.as_array()?.last()?;
        last.str("finish_reason").or_else(|| last.str("finishReason")).map(str::to_owned)
    };
    let reason = || text(&["stop_reason", "stopReason", "finish_reason", "done_reason"]);
    genai.stop_reason =
        genai.stop_reason.take().or_else(|| listed("choices")).or_else(|| listed("candidates")).or_else(reason);
    genai.service_tier = genai.service_tier.take().or_else(|| places().find_map(tier));
    for map in places() {
        for key in ["usage", "usage_metadata", "usageMetadata", "token_usage", "tokenUsage"] {
            if let Some(usage) = map.get(key) {
                token_counts::of_provider(usage, &mut genai.reported);
                genai.service_tier = genai.service_tier.take().or_else(|| tier(usage));
            }
        }
    }
}

/// The tier at which a call was served, which stands beside the answer or among the counts: a word, or a map with a type.
fn tier(map: &Value) -> Option<String> {
    let tier = ["service_tier", "serviceTier", "trafficType", "traffic_type"].iter().find_map(|key| map.get(key))?;
    tier.as_str().or_else(|| tier.str("type")).filter(|tier| !tier.is_empty()).map(str::to_owned)
}

/// The first of what a list of lists holds.
fn innermost(list: &Value) -> Option<&Value> {
    let first = list.as_array()?.first()?;
    first.as_array().map_or(Some(first), |batch| batch.first())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;

    #[test]
    fn a_response_has_its_tokens_in_its_providers_form() {
        let counts = |text: &str, input: Option<u64>| {
            let mut genai = GenAi::default();
            genai.reported.input = input;
            of_response(&json::parse(text).unwrap(), &mut genai);
            let reported = genai.reported;
            (
                [reported.input, reported.output, reported.cache_read, reported.reasoning],
                reported.convention.cache_in_input,
            )
        };
        let openai = r#"{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":4,
            "prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":3}}}"#;
        assert_eq!(counts(openai, None), ([Some(9), Some(4), Some(5), Some(3)], Some(true)));
        let claude =
            r#"{"stop_reason":"end_turn","usage":{"input_tokens":9,"cache_read_input_tokens":5,"output_tokens":4}}"#;
        assert_eq!(counts(claude, None), ([Some(9), Some(4), Some(5), None], Some(false)));
        assert_eq!(counts(claude, Some(14)), ([Some(14), Some(4), Some(5), None], Some(true)));
        // Of something else.
        assert_eq!(counts(claude, Some(100)), ([Some(100), None, None, None], None));
        let gemini =
            r#"{"usage_metadata":{"prompt_token_count":9,"candidates_token_count":4,"thoughts_token_count":3}}"#;
        assert_eq!(counts(gemini, None).0, [Some(9), Some(4), None, Some(3)]);
    }

    #[test]
    fn a_response_has_the_tier_at_which_it_was_served() {
        let tier = |text: &str| {
            let mut genai = GenAi::default();
            of_response(&json::parse(text).unwrap(), &mut genai);
            genai.service_tier
        };
        for (text, expected) in [
            (r#"{"choices":[],"service_tier":"flex","usage":{"prompt_tokens":9}}"#, "flex"),
            (r#"{"content":[],"usage":{"input_tokens":9,"service_tier":"batch"}}"#, "batch"),
            (r#"{"output":{},"serviceTier":{"type":"priority"},"usage":{"inputTokens":9}}"#, "priority"),
            (r#"{"usageMetadata":{"promptTokenCount":9,"trafficType":"ON_DEMAND_FLEX"}}"#, "ON_DEMAND_FLEX"),
        ] {
            assert_eq!(tier(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(tier(r#"{"usage":{"input_tokens":9}}"#), None);
    }
}
