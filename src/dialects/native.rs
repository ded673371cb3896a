//! A provider's own request or response, found whole in some attribute: where its messages are.

use super::{
    calls::{first, first_str},
    json_ish::Ish,
    parts, reading,
};
use crate::model::{GenAi, Message, Reported, Role, Value};

/// The messages of a request, a response, or a bare list of messages; `None` for any other data.
pub fn messages(value: &Value, fallback: Role) -> Option<Vec<Message>> {
    match value {
        Value::Array(items) => list(items).then(|| reading::messages(value, fallback)),
        Value::Map(_) => body(value, fallback),
        _ => None,
    }
}

fn list(items: &[Value]) -> bool {
    !items.is_empty()
        && items.iter().all(|item| match item {
            // LangChain sends a list of batches.
            Value::Array(batch) => !batch.is_empty() && batch.iter().all(is_message),
            item => is_message(item),
        })
}

fn is_message(item: &Value) -> bool {
    let has = |key: &str| item.get(key).is_some();
    let says = has("content") || has("parts") || has("tool_calls") || has("contents") || has("blocks");
    let stated = item.str("role").or_else(|| item.str("type"));
    let is_item = matches!(item.str("type"), Some("function_call" | "function_call_output" | "reasoning" | "message"));
    (says && stated.is_some_and(|word| reading::role(word).is_some())) || (has("kwargs") && has("lc")) || is_item
}

fn body(map: &Value, fallback: Role) -> Option<Vec<Message>> {
    if is_message(map) {
        return Some(reading::messages(map, fallback));
    }
    let mut found = system(map);
    let before = found.len();
    // `input` is the Responses API's: too common a word to be that without a model.
    let is_request = map.str("model").is_some();
    for key in ["messages", "contents", "input"] {
        let stands = key != "input" || is_request;
        match map.get(key).filter(|_| stands) {
            Some(Value::Array(items)) if list(items) => {
                found.extend(reading::messages(map.get(key)?, Role::User));
            }
            Some(Value::String(text)) if key != "messages" => found.push(Message::text(Role::User, text)),
            _ => {}
        }
    }
    if found.len() == before {
        answers(map, &mut found);
    }
    (found.len() > before).then_some(found)
}

/// The instructions that stand beside the messages of a request; Gemini's are in its configuration.
fn system(map: &Value) -> Vec<Message> {
    let found = instructions(map);
    let config = first(map, &["config", "generation_config"]).filter(|_| found.is_empty());
    config.map_or(found, instructions)
}

fn instructions(map: &Value) -> Vec<Message> {
    let mut found = Vec::new();
    for key in ["system", "instructions", "system_instruction", "systemInstruction"] {
        if let Some(system) = map.get(key).filter(|system| !system.is_empty()) {
            let system = system.get("parts").unwrap_or(system);
            let mut parts = Vec::new();
            super::parts::content(system, &mut parts);
            found.extend(reading::said(Role::System, parts));
        }
    }
    found
}

/// Whether a response has answers, and nothing was said in any.
pub fn is_silent(response: &Value) -> bool {
    let is_bare = |value: &Value, besides: &str| {
        value.as_map().is_some_and(|entries| entries.iter().all(|(key, value)| key == besides || value.is_empty()))
    };
    let says_nothing = |said: &Value| match said.get("parts").and_then(Value::as_array) {
        Some(parts) => parts.iter().all(|part| is_bare(part, "type")),
        None => is_bare(said, "role"),
    };
    let answers = first(response, &["choices", "candidates"]).and_then(Value::as_array).unwrap_or_default();
    let said = |answer: &Value| first(answer, &["message", "content"]).is_some_and(says_nothing);
    !answers.is_empty() && answers.iter().all(said)
}

/// What a response says: in `choices`, `output`, `candidates` or `content`, by whose API it is.
fn answers(map: &Value, found: &mut Vec<Message>) {
    let items = |key: &str| map.get(key).and_then(Value::as_array).filter(|items| !items.is_empty());
    if let Some(choices) = items("choices") {
        for choice in choices {
            let said = choice.get("message").or_else(|| choice.get("text"));
            found.extend(said.map_or_else(Vec::new, |said| reading::messages(said, Role::Assistant)));
        }
    } else if let Some(candidates) = items("candidates") {
        for content in candidates.iter().filter_map(|candidate| candidate.get("content")) {
            found.extend(reading::messages(content, Role::Assistant));
        }
    } else if let Some(output) = items("output").filter(|output| list(output)) {
        for item in output {
            reading::message(item, Role::Assistant, found);
        }
    } else if items("content").is_some_and(|content| content.iter().all(|block| block.str("type").is_some())) {
        found.extend(reading::messages(map, Role::Assistant));
    } else if let Some(message) = map.get("message").filter(|message| is_message(message)) {
        found.extend(reading::messages(message, Role::Assistant));
    } else if let Some(message) = map.get("output").and_then(|output| output.get("message")).filter(|it| is_message(it))
    {
        // Bedrock's Converse.
        found.extend(reading::messages(message, Role::Assistant));
    } else if let Some(batches) = items("generations") {
        for generation in batches.iter().flat_map(|batch| batch.as_array().unwrap_or(std::slice::from_ref(batch))) {
            let said =
                generation.get("message").filter(|message| is_message(message)).or_else(|| generation.get("text"));
            found.extend(said.map_or_else(Vec::new, |said| reading::messages(said, Role::Assistant)));
        }
    } else if map.get("finish_reason").is_some() && map.get("content").is_some() {
        // AutoGen's result of a call.
        found.extend(reading::messages(map, Role::Assistant));
    }
}

/// Adds what a response says of its end and its tokens, where that is not known yet.
pub fn facts(value: &Value, genai: &mut GenAi) {
    let response = value.as_array().and_then(<[Value]>::last).unwrap_or(value);
    let response = response.get("raw").filter(|raw| raw.as_map().is_some()).unwrap_or(response);
    if genai.stop_reason.is_none() {
        let list = first(response, &["choices", "candidates"]).and_then(Value::as_array);
        let ended = list.and_then(<[Value]>::last).unwrap_or(response);
        let keys = ["finish_reason", "stop_reason", "finishReason", "stopReason"];
        genai.stop_reason = first_str(ended, &keys).map(str::to_owned);
    }
    if let Some(usage) = first(response, &["usage", "usage_metadata", "usageMetadata"]) {
        tokens(usage, genai);
    }
}

/// Counts in a provider's own words. Where other counts are known these only add to them, and only if they agree.
fn tokens(usage: &Value, genai: &mut GenAi) {
    let count = |keys: &[&str]| first(usage, keys)?.as_count();
    let detail = |of: &[&str], keys: &[&str]| first(first(usage, of)?, keys)?.as_count();
    const SENT: &[&str] = &["prompt_tokens_details", "input_tokens_details"];
    const MADE: &[&str] = &["completion_tokens_details", "output_tokens_details"];
    let Some(input) =
        count(&["prompt_tokens", "input_tokens", "prompt_token_count", "promptTokenCount", "inputTokens"])
    else {
        return;
    };
    // Anthropic and Bedrock count caches apart, OpenAI and Google within the input.
    let read = count(&["cache_read_input_tokens", "cacheReadInputTokens"]);
    let write = count(&["cache_creation_input_tokens", "cacheWriteInputTokens"]);
    let apart = read.unwrap_or(0).saturating_add(write.unwrap_or(0));
    let whole = input.saturating_add(apart);
    let reported = &mut genai.reported;
    if reported.input.is_some_and(|known| known != input && known != whole) {
        return;
    }
    if apart > 0 {
        reported.convention.cache_in_input = Some(reported.input == Some(whole));
    }
    let google = count(&["candidates_token_count", "candidatesTokenCount"]);
    let thoughts = count(&["thoughts_token_count", "thoughtsTokenCount"]);
    if reported.output.is_none() && google.is_some() && thoughts.is_some() {
        reported.convention.reasoning_in_output = Some(false);
    }
    let cached = || count(&["cached_content_token_count", "cachedContentTokenCount"]);
    let output = || count(&["completion_tokens", "output_tokens", "outputTokens"]).or(google);
    reported.input = reported.input.or(Some(input));
    reported.output = reported.output.or_else(output);
    reported.cache_read = reported.cache_read.or(read).or_else(|| detail(SENT, &["cached_tokens"])).or_else(cached);
    reported.cache_write = reported.cache_write.or(write).or_else(|| detail(SENT, &["cache_write_tokens"]));
    reported.reasoning = reported.reasoning.or_else(|| detail(MADE, &["reasoning_tokens"])).or(thoughts);
}

/// What a request that is known to be one sends: also where it is one text, or items of the Responses API.
pub fn sent(request: &Value) -> Vec<Message> {
    if let Some(messages) = messages(request, Role::User) {
        return messages;
    }
    let system = first(request, &["instructions", "system"]).map_or_else(Vec::new, |system| {
        let mut found = Vec::new();
        parts::content(system, &mut found);
        reading::said(Role::System, found)
    });
    let asked =
        first(request, &["input", "prompt"]).map_or_else(Vec::new, |asked| reading::messages(asked, Role::User));
    system.into_iter().chain(asked).collect()
}

/// Takes the tokens that a provider's own usage object counts, where the sender does not state them itself.
///
/// Anthropic counts both caches beside its input. Some senders add them up in the number that they state.
pub fn usage(raw: &Value, reported: &mut Reported) {
    let count = |keys: &[&str]| keys.iter().find_map(|key| raw.get(key)?.as_count());
    let within = |map: &[&str], key: &str| map.iter().find_map(|map| raw.get(map)?.get(key)?.as_count());
    let (given, returned): (&[&str], &[&str]) =
        (&["input_tokens_details", "prompt_tokens_details"], &["output_tokens_details", "completion_tokens_details"]);
    let input = count(&["input_tokens", "prompt_tokens"]);
    let apart = [count(&["cache_read_input_tokens"]), count(&["cache_creation_input_tokens"])];
    let inside = [
        within(given, "cached_tokens").or_else(|| count(&["cached_input_tokens"])),
        within(given, "cache_write_tokens").or_else(|| count(&["cache_write_input_tokens"])),
    ];
    if reported.cache_read.is_none() && reported.cache_write.is_none() {
        let caches = apart.iter().flatten().fold(0_u64, |sum, count| sum.saturating_add(*count));
        let sum = input.map(|input| input.saturating_add(caches));
        reported.convention.cache_in_input = match apart {
            [None, None] => inside.iter().any(Option::is_some).then_some(true),
            _ => Some(caches > 0 && reported.input.is_some() && reported.input == sum),
        };
        reported.cache_read = apart[0].or(inside[0]);
        reported.cache_write = apart[1].or(inside[1]);
    }
    reported.input = reported.input.or(input);
    reported.output = reported.output.or_else(|| count(&["output_tokens", "completion_tokens"]));
    reported.total = reported.total.or_else(|| count(&["total_tokens"]));
    reported.reasoning = reported.reasoning.or_else(|| within(returned, "reasoning_tokens"));
}

/// The messages of what is known to be a request to a model: also those under words that elsewhere mean anything.
pub fn request(value: &Value) -> Option<Vec<Message>> {
    if let Some(found) = messages(value, Role::User) {
        return Some(found);
    }
    let value = &*unpacked(value);
    if value.as_map().is_none() {
        return messages(value, Role::User).or_else(|| texts(value, Role::User));
    }
    let given =
        first(value, &["messages", "contents", "input", "inputs", "prompt", "prompts", "message", "query", "text"])?;
    let said = messages(given, Role::User).or_else(|| texts(given, Role::User)).or_else(|| {
        // Gemini's one content, or a list of its parts.
        let is_content = given.get("parts").is_some() || super::parts::blocks(given).is_some();
        is_content.then(|| reading::messages(given, Role::User))
    })?;
    let mut found = system(value);
    found.extend(said);
    Some(found)
}

/// The messages of what is known to be a model's response.
pub fn response(value: &Value) -> Option<Vec<Message>> {
    const WORDS: &[&str] =
        &["output_text", "completion", "generated_text", "generation", "response", "text", "content", "output"];
    const BESIDE: &[&str] = &["model", "usage", "stop_reason", "finish_reason", "done", "id", "generation_token_count"];
    if let Some(found) = messages(value, Role::Assistant) {
        return Some(found);
    }
    let value = &*unpacked(value);
    if value.as_map().is_none() {
        return messages(value, Role::Assistant).or_else(|| texts(value, Role::Assistant));
    }
    let listed = || {
        let result = value.get("results")?.as_array()?.first()?;
        texts(result.get("outputText")?, Role::Assistant)
    };
    // An answer by a schema may have a field of such a name: then it is not all that was said.
    let is_response = value.as_map().is_some_and(|map| map.len() == 1) || first(value, BESIDE).is_some();
    let words = || WORDS.iter().filter(|_| is_response).find_map(|key| texts(value.get(key)?, Role::Assistant));
    messages(value, Role::Assistant).or_else(words).or_else(listed)
}

/// Bedrock's `invoke_model` has all that is said in a body of JSON.
fn unpacked(value: &Value) -> std::borrow::Cow<'_, Value> {
    match value.get("body").map(Ish::of) {
        Some(Ish::Data(body)) => body,
        _ => std::borrow::Cow::Borrowed(value),
    }
}

/// A text, or a list of nothing else.
fn texts(value: &Value, role: Role) -> Option<Vec<Message>> {
    let all_texts = match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty() && items.iter().all(|item| item.as_str().is_some()),
        _ => false,
    };
    let mut parts = Vec::new();
    if all_texts {
        super::parts::content(value, &mut parts);
    }
    all_texts.then(|| reading::said(role, parts))
}

/// Adds the facts that stand beside the messages of a request: the model, its parameters.
pub fn request_facts(request: &Value, genai: &mut GenAi) {
    let body = unpacked(request);
    for map in [request, &*body] {
        if let Some(model) = ["model", "modelId", "model_id", "model_name"].iter().find_map(|key| map.str(key)) {
            genai.model.get_or_insert_with(|| model.to_owned());
        }
        super::parameters::of_request(map, &mut genai.parameters);
    }
}

/// Adds the facts that stand beside the messages of a response: its model, its id, why it ended, what it took.
pub fn response_facts(response: &Value, genai: &mut GenAi) {
    let response = &*unpacked(response);
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
    for map in places() {
        for key in ["usage", "usage_metadata", "usageMetadata", "token_usage", "tokenUsage"] {
            if let Some(usage) = map.get(key) {
                super::counts::read(usage, &mut genai.reported);
            }
        }
    }
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
    fn a_request_may_be_one_text_or_items() {
        let read = |text: &str| -> Vec<(Role, String)> {
            let found = sent(&json::parse(text).unwrap());
            found.iter().map(|message| (message.role, message.plain_text())).collect()
        };
        let expected = [(Role::System, "S".to_owned()), (Role::User, "q".to_owned())];
        assert_eq!(read(r#"{"instructions":"S","input":"q"}"#), expected);
        assert_eq!(read(r#"{"instructions":"S","input":[{"role":"user","content":"q"}]}"#), expected);
        assert_eq!(read(r#"{"model":"m","prompt":"q"}"#), expected[1..]);
        assert_eq!(read(r#"{"model":"m"}"#), []);
    }

    #[test]
    fn caches_are_counted_within_the_input_or_beside_it() {
        let read = |text: &str, stated: Option<u64>| {
            let mut reported = Reported { input: stated, ..Reported::default() };
            usage(&json::parse(text).unwrap(), &mut reported);
            (reported.input, reported.cache_read, reported.cache_write, reported.convention.cache_in_input)
        };
        let anthropic = r#"{"input_tokens":312,"cache_creation_input_tokens":256,"cache_read_input_tokens":0}"#;
        assert_eq!(read(anthropic, None), (Some(312), Some(0), Some(256), Some(false)));
        assert_eq!(read(anthropic, Some(312)), (Some(312), Some(0), Some(256), Some(false)));
        assert_eq!(read(anthropic, Some(568)), (Some(568), Some(0), Some(256), Some(true)));
        let openai = r#"{"prompt_tokens":300,"prompt_tokens_details":{"cached_tokens":192}}"#;
        assert_eq!(read(openai, Some(300)), (Some(300), Some(192), None, Some(true)));
        assert_eq!(read(r#"{"prompt_tokens":300}"#, None), (Some(300), None, None, None));
    }

    fn read(text: &str) -> Option<Vec<(Role, String)>> {
        let found = messages(&json::parse(text).unwrap(), Role::User)?;
        Some(found.iter().map(|message| (message.role, message.plain_text())).collect())
    }

    #[test]
    fn a_request_and_a_response_say_their_messages() {
        let said = |role, text: &str| Some(vec![(role, text.to_owned())]);
        for (text, expected) in [
            (r#"[{"role":"user","content":"q"}]"#, said(Role::User, "q")),
            (r#"{"messages":[[{"role":"user","content":"q"}]]}"#, said(Role::User, "q")),
            (r#"{"messages":[{"type":"human","content":"q"}]}"#, said(Role::User, "q")),
            (r#"{"contents":[{"role":"user","parts":[{"text":"q"}]}]}"#, said(Role::User, "q")),
            (r#"{"model":"m","input":[{"role":"user","content":"q"}]}"#, said(Role::User, "q")),
            (r#"{"model":"m","input":"q"}"#, said(Role::User, "q")),
            (r#"{"choices":[{"message":{"role":"assistant","content":"a"}}]}"#, said(Role::Assistant, "a")),
            (r#"{"choices":[{"text":"a"}]}"#, said(Role::Assistant, "a")),
            (r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"a"}]}}]}"#, said(Role::Assistant, "a")),
            (r#"{"id":"m","content":[{"type":"text","text":"a"}]}"#, said(Role::Assistant, "a")),
            (
                r#"{"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}]}"#,
                said(Role::Assistant, "a"),
            ),
            (
                r#"{"system":"S","messages":[{"role":"user","content":"q"}]}"#,
                Some(vec![(Role::System, "S".into()), (Role::User, "q".into())]),
            ),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_response_says_its_tokens_in_its_providers_words() {
        let counts = |text: &str, known: Option<u64>| {
            let mut genai = GenAi::default();
            genai.reported.input = known;
            facts(&json::parse(text).unwrap(), &mut genai);
            let reported = genai.reported;
            (
                [reported.input, reported.output, reported.cache_read, reported.reasoning],
                reported.convention.cache_in_input,
            )
        };
        let openai = r#"{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":4,
            "prompt_tokens_details":{"cached_tokens":5},"completion_tokens_details":{"reasoning_tokens":3}}}"#;
        assert_eq!(counts(openai, None), ([Some(9), Some(4), Some(5), Some(3)], None));
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
    fn other_data_has_no_messages() {
        for text in [r#"{"city":"Paris"}"#, "[1,2]", "[]", r#"[{"id":1}]"#, r#"{"messages":"x"}"#, r#"{"input":"x"}"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
