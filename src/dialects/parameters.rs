//! Request parameters: `temperature`, `max_tokens` and the like, under the names of the GenAI conventions.

use std::sync::LazyLock;

use super::{DIALECTS, ParameterKeys};
use crate::model::{Attributes, Parameters, Value};

/// The attributes in which dialects look for parameters.
static KEYS: LazyLock<Vec<ParameterKeys>> =
    LazyLock::new(|| DIALECTS.iter().filter_map(|dialect| dialect.parameters).collect());

/// The parameters of a request, in order of name.
pub fn of(attributes: &Attributes) -> Parameters {
    let explicit = attributes.under("gen_ai.request.").filter(|(name, value)| *name != "model" && !value.is_empty());
    let mut found: Parameters = explicit.map(|(name, value)| (name.to_owned(), value.clone())).collect();
    found.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            // Sent twice: the last counts.
            std::mem::swap(&mut later.1, &mut earlier.1);
        }
        same
    });
    // An explicit `gen_ai.request.…` is never overridden.
    for ParameterKeys { prefix, names } in KEYS.iter() {
        for (key, value) in attributes.under(prefix).filter(|(_, value)| !value.is_empty()) {
            for (_, name) in names.iter().filter(|(other, _)| *other == key) {
                add(&mut found, name, value);
            }
        }
    }
    found
}

/// Adds the parameters in a request, as each provider's API calls them.
pub fn of_request(request: &Value, found: &mut Parameters) {
    const NAMES: &[(&str, &str)] = &[
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("topP", "top_p"),
        ("top_k", "top_k"),
        ("topK", "top_k"),
        ("max_tokens", "max_tokens"),
        ("max_completion_tokens", "max_tokens"),
        ("max_output_tokens", "max_tokens"),
        ("maxOutputTokens", "max_tokens"),
        ("maxTokens", "max_tokens"),
        ("frequency_penalty", "frequency_penalty"),
        ("presence_penalty", "presence_penalty"),
        ("stop", "stop_sequences"),
        ("stop_sequences", "stop_sequences"),
        ("stopSequences", "stop_sequences"),
        ("seed", "seed"),
        ("stream", "stream"),
        ("n", "choice.count"),
        ("candidate_count", "choice.count"),
        ("reasoning_effort", "reasoning_effort"),
        ("service_tier", "service_tier"),
        ("serviceTier", "service_tier"),
    ];
    const WITHIN: &[&str] = &["inferenceConfig", "config", "generation_config", "generationConfig", "options"];
    for map in std::iter::once(request).chain(WITHIN.iter().filter_map(|key| request.get(key))) {
        for (key, name) in NAMES {
            if let Some(value) = map.get(key).filter(|value| !value.is_empty()) {
                add(found, name, value);
            }
        }
    }
}

/// Adds a parameter, unless it is known.
pub fn add(found: &mut Parameters, name: &str, value: &Value) {
    if let Err(place) = found.binary_search_by(|(other, _)| other.as_str().cmp(name)) {
        found.insert(place, (name.to_owned(), value.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explicit_parameter_is_never_overridden() {
        let entry = |key: &str, number: i64| (key.to_owned(), Value::Int(number));
        let attributes = [
            entry("gen_ai.request.max_tokens", 500),
            entry("gen_ai.request.model", 1),
            entry("ai.settings.maxOutputTokens", 900),
            entry("ai.settings.topK", 5),
        ];
        let found = of(&attributes.into_iter().collect());
        assert_eq!(found, [("max_tokens".to_owned(), Value::Int(500)), ("top_k".to_owned(), Value::Int(5))]);
    }
}
