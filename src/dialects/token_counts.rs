//! Token counts in a map, as providers and tracing SDKs spell them (`facts.md` 4).
//!
//! ```text
//!   OpenAI      {"prompt_tokens": 431, "completion_tokens": 64, "prompt_tokens_details": {"cached_tokens": 256}}
//!   Anthropic   {"input_tokens": 175, "cache_read_input_tokens": 256, "output_tokens": 64}
//!   Gemini      {"promptTokenCount": 431, "candidatesTokenCount": 45, "thoughtsTokenCount": 19}
//!   LangChain   {"input_tokens": 431, "output_tokens": 64, "input_token_details": {"cache_read": 256}}
//!   Langfuse    {"input": 175, "input_cached_tokens": 256, "output": 41, "output_reasoning": 23}
//! ```
//!
//! Langfuse's are apart from each other: all that begin with `input` are the input.

use crate::model::{Reported, TokenKinds, Value};

const INPUT: &[&str] = &[
    "input",
    "input_tokens",
    "prompt_tokens",
    "inputTokens",
    "promptTokens",
    "prompt_token_count",
    "promptTokenCount",
    "inputTokenCount",
    "input_token_count",
    "prompt",
];
const OUTPUT: &[&str] = &[
    "output",
    "output_tokens",
    "completion_tokens",
    "outputTokens",
    "completionTokens",
    "candidates_token_count",
    "candidatesTokenCount",
    "outputTokenCount",
    "output_token_count",
    "generated_token_count",
    "completion",
];
const TOTAL: &[&str] = &["total", "total_tokens", "totalTokens", "total_token_count", "totalTokenCount"];

const CACHE_READ: &[&str] = &[
    "cache_read_input_tokens",
    "cacheReadInputTokens",
    "cacheReadInputTokenCount",
    "cached_content_token_count",
    "cachedContentTokenCount",
    "cache_read_tokens",
    "cached_prompt_tokens",
    "cached_input_tokens",
    "cachedInputTokens",
    "cachedContentTokens",
    "cached_tokens",
    "prompt_cache_hit_tokens",
    "cache_read",
];
const CACHE_WRITE: &[&str] = &[
    "cache_creation_input_tokens",
    "cache_write_input_tokens",
    "cacheWriteInputTokens",
    "cacheWriteInputTokenCount",
    "cache_creation_tokens",
    "cache_write_tokens",
    "cache_creation",
    "cache_write",
];
const REASONING: &[&str] = &[
    "reasoning_tokens",
    "reasoningTokens",
    "thoughts_token_count",
    "thoughtsTokenCount",
    "thoughtsTokens",
    "reasoning",
];

/// Langfuse's own names, for what is apart from `input` and `output`.
const CACHE_READ_APART: &[&str] =
    &["input_cached_tokens", "input_cache_read", "input_cache_read_tokens", "input_cached"];
const CACHE_WRITE_APART: &[&str] =
    &["input_cache_creation", "input_cache_write", "input_cache_creation_tokens", "input_cache_write_tokens"];
const REASONING_APART: &[&str] = &["output_reasoning_tokens", "output_reasoning"];

/// Keys of maps in which a provider splits its input and output into kinds.
const WITHIN_INPUT: &[&str] = &[
    "prompt_tokens_details",
    "input_tokens_details",
    "input_token_details",
    "promptTokensDetails",
    "inputTokenDetails",
];
const WITHIN_OUTPUT: &[&str] = &[
    "completion_tokens_details",
    "output_tokens_details",
    "output_token_details",
    "completionTokensDetails",
    "outputTokenDetails",
];

/// What Anthropic's and Bedrock's APIs count beside the input, under names that SDKs use for what is within it.
const CACHE_BESIDE: &[&str] =
    &["cache_read_input_tokens", "cacheReadInputTokens", "cache_creation_input_tokens", "cacheWriteInputTokens"];

/// Fills what is not known yet of the counts in a provider's own usage object.
///
/// Some senders add the caches up in the input that they state: then that has them, and only then.
pub fn of_provider(usage: &Value, into: &mut Reported) {
    let stated = into.input;
    let is_decided =
        into.cache_read.is_some() || into.cache_write.is_some() || into.convention.cache_in_input.is_some();
    read(usage, into);
    let is_beside = CACHE_BESIDE.iter().any(|key| usage.get(key).and_then(Value::as_count).is_some());
    let is_taken = into.cache_read.is_some() || into.cache_write.is_some();
    if is_beside && is_taken && !is_decided && into.convention.cache_in_input.is_none() {
        let caches = into.cache_read.unwrap_or(0).saturating_add(into.cache_write.unwrap_or(0));
        let whole = count(usage, INPUT).map(|input| input.saturating_add(caches));
        into.convention.cache_in_input = Some(caches > 0 && stated.is_some() && stated == whole);
    }
}

/// Fills what is not known yet of the counts that a sender reports.
pub fn read(map: &Value, into: &mut Reported) {
    let mut input = count(map, INPUT);
    let mut output = count(map, OUTPUT);
    let total = count(map, TOTAL);
    let within = |places: &[&str], keys: &[&str]| places.iter().find_map(|place| count(map.get(place)?, keys));

    let (read_within, read_apart) = (within(WITHIN_INPUT, CACHE_READ), count(map, CACHE_READ_APART));
    let (write_within, write_apart) = (within(WITHIN_INPUT, CACHE_WRITE), count(map, CACHE_WRITE_APART));
    let (thought_within, thought_apart) = (within(WITHIN_OUTPUT, REASONING), count(map, REASONING_APART));
    let cache_read = read_apart.or_else(|| count(map, CACHE_READ)).or(read_within);
    let cache_write = write_apart.or_else(|| count(map, CACHE_WRITE)).or(write_within);
    // Some give no sum of the writes where they part them by how long they are kept.
    let cache_write =
        cache_write.filter(|count| *count > 0).or_else(|| by_lifetime(map).map(|(all, _)| all)).or(cache_write);
    let reasoning = thought_apart.or_else(|| count(map, REASONING)).or(thought_within);

    // What the sender states elsewhere shows whose counts these are, and whether caches are in its sum.
    let caches = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
    let whole = input.map(|input| input.saturating_add(caches));
    if into.input.is_some() && input.is_some() && into.input != input && into.input != whole {
        return;
    }
    let is_summed = caches > 0 && into.input.is_some() && into.input == whole;

    // A total that is no more than input and output proves that both are sums over all kinds.
    let sum = input.unwrap_or(0).saturating_add(output.unwrap_or(0));
    let is_whole = total == Some(sum);
    if !is_whole {
        input = input.map(|count| count.saturating_add(others(map, "input_", &[CACHE_READ_APART, CACHE_WRITE_APART])));
        output = output.map(|count| count.saturating_add(others(map, "output_", &[REASONING_APART])));
    }
    if into.cache_read.is_none() && into.cache_write.is_none() && into.convention.cache_in_input.is_none() {
        let is_apart = (read_apart.is_some() || write_apart.is_some()) && !is_whole;
        let is_within = read_within.is_some() || write_within.is_some();
        into.convention.cache_in_input = match (is_apart, is_within) {
            _ if is_summed => Some(true),
            (true, _) => Some(false),
            (_, true) => Some(input.is_none_or(|input| caches <= input)),
            _ => None,
        };
    }
    if into.reasoning.is_none() && into.convention.reasoning_in_output.is_none() {
        let is_apart = thought_apart.is_some() && !is_whole;
        let is_gemini = ["thoughts_token_count", "thoughtsTokenCount"].iter().any(|key| map.get(key).is_some());
        // Unless the sender states an output of its own: that may have the thoughts in it.
        let is_gemini = is_gemini && (into.output.is_none() || into.output == output);
        into.convention.reasoning_in_output = (is_apart || is_gemini).then_some(false);
    }
    into.input = into.input.or(input);
    into.output = into.output.or(output);
    into.total = into.total.or(total);
    into.cache_read = into.cache_read.or(cache_read);
    into.cache_write = into.cache_write.or(cache_write);
    into.reasoning = into.reasoning.or(reasoning);
    into.kinds = into.kinds.max(kinds(map));
}

/// The cache writes in a map of counts that parts them by how long they are kept: all of them, and those that are kept for
/// an hour. `None` where it does not.
///
/// ```text
///   Anthropic   {"cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10}}
///   LangChain   {"input_token_details": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10}}
///   Bedrock     {"cacheDetails": [{"ttl": "5m", "inputTokens": 20}, {"ttl": "1h", "inputTokens": 10}]}
/// ```
pub fn by_lifetime(map: &Value) -> Option<(u64, u64)> {
    if let Some(listed) = ["cacheDetails", "cache_details"].iter().find_map(|key| map.get(key)?.as_array()) {
        let of = |item: &Value| Some((item.str("ttl")?.to_owned(), count(item, INPUT)?));
        let counts: Vec<_> = listed.iter().filter_map(of).collect();
        let sum = |is: fn(&str) -> bool| {
            counts.iter().filter(|(ttl, _)| is(ttl)).fold(0, |sum: u64, (_, count)| sum.saturating_add(*count))
        };
        return (!counts.is_empty()).then(|| (sum(|_| true), sum(|ttl| ttl == "1h")));
    }
    let beside = || WITHIN_INPUT.iter().filter_map(|place| map.get(place));
    let places = map.get("cache_creation").into_iter().chain([map]).chain(beside());
    places.filter(|place| place.as_map().is_some()).find_map(|place| {
        let [five, hour] = ["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"]
            .map(|key| place.get(key).and_then(Value::as_count));
        let all = five.unwrap_or(0).saturating_add(hour.unwrap_or(0));
        (five.is_some() || hour.is_some()).then_some((all, hour.unwrap_or(0)))
    })
}

/// What of the counts in a map may have a price of its own.
///
/// ```text
///   OpenAI     {"prompt_tokens_details": {"audio_tokens": 9, "cached_tokens_details": {"audio_tokens": 4}}}
///   Gemini     {"promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 9}], "cacheTokensDetails": […]}
///   Langfuse   {"input": 20, "input_audio_tokens": 9}
/// ```
pub fn kinds(map: &Value) -> TokenKinds {
    const CACHED: &[&str] =
        &["cache_tokens_details", "cacheTokensDetails", "cached_tokens_details", "cachedTokensDetails"];
    const OUTPUT_OF_GEMINI: &[&str] =
        &["candidates_tokens_details", "candidatesTokensDetails", "response_tokens_details", "responseTokensDetails"];
    let of = |places: &[&str], kind: &str| {
        places.iter().find_map(|place| {
            let place = map.get(place)?;
            of_kind(place, kind).or_else(|| of_modality(place, kind))
        })
    };
    let cached = |kind: &str| {
        let within = WITHIN_INPUT.iter().filter_map(|place| map.get(place));
        of(CACHED, kind).or_else(|| {
            within.into_iter().find_map(|place| CACHED.iter().find_map(|key| of_kind(place.get(key)?, kind)))
        })
    };
    let plain = |side: &str, kind: &str| of_kind(map, &format!("{side}_{kind}"));
    let input = |kind| of(WITHIN_INPUT, kind).or_else(|| plain("input", kind));
    let output =
        |kind| of(WITHIN_OUTPUT, kind).or_else(|| of(OUTPUT_OF_GEMINI, kind)).or_else(|| plain("output", kind));
    TokenKinds {
        cache_write_1h: by_lifetime(map).map(|(_, hour)| hour),
        input_audio: input("audio"),
        input_image: input("image"),
        cache_read_audio: cached("audio"),
        cache_read_image: cached("image"),
        output_audio: output("audio"),
        output_image: output("image"),
    }
}

/// The tokens of a kind in a map: `{"audio_tokens": 9}`, `{"audioTokens": 9}`, `{"audio": 9}`.
fn of_kind(map: &Value, kind: &str) -> Option<u64> {
    count(map, &[format!("{kind}_tokens").as_str(), format!("{kind}Tokens").as_str(), kind])
}

/// The tokens of a kind in Gemini's list: `[{"modality": "AUDIO", "tokenCount": 9}, …]`.
fn of_modality(list: &Value, kind: &str) -> Option<u64> {
    let is_of = |item: &&Value| {
        let modality = item.str("modality").map(|word| word.rsplit('.').next().unwrap_or(word));
        modality.is_some_and(|modality| modality.eq_ignore_ascii_case(kind))
    };
    let counts = list.as_array()?.iter().filter(is_of);
    counts.filter_map(|item| count(item, &["tokenCount", "token_count"])).reduce(u64::saturating_add)
}

fn count(map: &Value, keys: &[&str]) -> Option<u64> {
    keys.iter().find_map(|key| map.get(key)?.as_count())
}

/// Langfuse's other kinds of input or output (`input_audio`), which are apart from what is plainly called so.
fn others(map: &Value, prefix: &str, named: &[&[&str]]) -> u64 {
    let plain = prefix.trim_end_matches('_');
    let entries = map.as_map().filter(|_| map.get(plain).is_some()).unwrap_or_default();
    let is_other = |key: &str| {
        key.starts_with(prefix)
            && !INPUT.contains(&key)
            && !OUTPUT.contains(&key)
            && !named.iter().any(|keys| keys.contains(&key))
            // Of the cache's writes by their time to live the sum is given as well.
            && !key.contains("ephemeral")
    };
    let counts = entries.iter().filter(|(key, _)| is_other(key)).filter_map(|(_, value)| value.as_count());
    counts.fold(0, u64::saturating_add)
}

/// Counts as Python prints the object that they are in, and those within it:
/// `total_tokens=1245 prompt_tokens=567`, `Usage(prompt_tokens=567, details=Details(cached_tokens=4))`.
pub fn printed(words: &str) -> Value {
    let words = words.split(|letter: char| letter.is_whitespace() || "(),".contains(letter));
    let count = |(name, count): (&str, &str)| Some((name.to_owned(), Value::Int(count.parse().ok()?)));
    Value::Map(words.filter_map(|word| word.split_once('=')).filter_map(count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;

    /// Input, output, cache read, cache write, reasoning; whether caches and reasoning are within.
    fn counts(text: &str) -> ([Option<u64>; 5], [Option<bool>; 2]) {
        let mut into = Reported::default();
        read(&json::parse(text).unwrap(), &mut into);
        let Reported { input, output, cache_read, cache_write, reasoning, convention, .. } = into;
        let within = [convention.cache_in_input, convention.reasoning_in_output];
        ([input, output, cache_read, cache_write, reasoning], within)
    }

    #[test]
    fn every_providers_spelling_is_read() {
        for (text, expected, within) in [
            (
                r#"{"prompt_tokens":431,"completion_tokens":64,"total_tokens":495,"prompt_tokens_details":
                {"cached_tokens":256},"completion_tokens_details":{"reasoning_tokens":9}}"#,
                [431, 64, 256, 0, 9],
                [Some(true), None],
            ),
            (
                r#"{"input_tokens":175,"output_tokens":64,"cache_read_input_tokens":256,"cache_creation_input_tokens":3}"#,
                [175, 64, 256, 3, 0],
                [None, None],
            ),
            (
                r#"{"inputTokens":175,"outputTokens":64,"totalTokens":498,"cacheReadInputTokens":256,"cacheWriteInputTokens":3}"#,
                [175, 64, 256, 3, 0],
                [None, None],
            ),
            (
                r#"{"promptTokenCount":30,"candidatesTokenCount":4,"thoughtsTokenCount":6,"totalTokenCount":40}"#,
                [30, 4, 0, 0, 6],
                [None, Some(false)],
            ),
            (
                r#"{"input_tokens":431,"output_tokens":64,"input_token_details":{"cache_read":256,"cache_creation":3},
                "output_token_details":{"reasoning":9}}"#,
                [431, 64, 256, 3, 9],
                [Some(true), None],
            ),
        ] {
            let (found, convention) = counts(text);
            assert_eq!(found.map(Option::unwrap_or_default), expected, "{text}");
            assert_eq!(convention, within, "{text}");
        }
    }

    #[test]
    fn langfuses_kinds_are_apart_unless_the_total_proves_otherwise() {
        let apart = r#"{"input":175,"input_cached_tokens":56,"output":64,"output_reasoning":23,"input_audio":5}"#;
        let expected = [Some(180), Some(64), Some(56), None, Some(23)];
        assert_eq!(counts(apart), (expected, [Some(false), Some(false)]));
        let summed = r#"{"input":175,"input_cache_read":56,"output":64,"output_reasoning":23,"total":318}"#;
        assert_eq!(counts(summed).1, [Some(false), Some(false)]);
        let within = r#"{"input":175,"input_cached_tokens":56,"output":64,"output_reasoning_tokens":23,"total":239}"#;
        assert_eq!(counts(within), ([Some(175), Some(64), Some(56), None, Some(23)], [None, None]));
    }

    #[test]
    fn what_is_known_stays_and_decides_what_the_rest_means() {
        let claude = r#"{"input_tokens":175,"cache_read_input_tokens":256,"output_tokens":2}"#;
        let given = |input: u64| {
            let mut into = Reported { input: Some(input), ..Reported::default() };
            read(&json::parse(claude).unwrap(), &mut into);
            (into.input, into.output, into.convention.cache_in_input)
        };
        assert_eq!(given(175), (Some(175), Some(2), None));
        assert_eq!(given(431), (Some(431), Some(2), Some(true)));
        // Counts of something else.
        assert_eq!(given(7), (Some(7), None, None));
        read(&json::parse("[1]").unwrap(), &mut Reported::default());
    }

    #[test]
    fn a_providers_caches_are_within_the_input_or_beside_it() {
        let read = |text: &str, stated: Option<u64>| {
            let mut reported = Reported { input: stated, ..Reported::default() };
            of_provider(&json::parse(text).unwrap(), &mut reported);
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

    #[test]
    fn cache_writes_are_parted_by_how_long_they_are_kept() {
        for text in [
            r#"{"input_tokens":5,"cache_creation_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10}}"#,
            r#"{"input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10}}"#,
            r#"{"input_tokens":35,"input_token_details":{"cache_creation":0,"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10}}"#,
            r#"{"inputTokens":5,"cacheWriteInputTokens":30,"cacheDetails":[{"ttl":"5m","inputTokens":20},{"ttl":"1h","inputTokens":10}]}"#,
            r#"{"input":5,"input_cache_creation":30,"ephemeral_1h_input_tokens":10}"#,
        ] {
            let mut into = Reported::default();
            read(&json::parse(text).unwrap(), &mut into);
            assert_eq!((into.cache_write, into.kinds.cache_write_1h), (Some(30), Some(10)), "{text}");
        }
    }

    #[test]
    fn audio_and_pictures_are_counted_in_every_providers_way() {
        let read = |text: &str| kinds(&json::parse(text).unwrap());
        let openai = r#"{"prompt_tokens_details":{"audio_tokens":9,"image_tokens":2,"cached_tokens":6,
            "cached_tokens_details":{"audio_tokens":4}},"completion_tokens_details":{"audio_tokens":3}}"#;
        let gemini = r#"{"promptTokensDetails":[{"modality":"TEXT","tokenCount":5},{"modality":"AUDIO","tokenCount":9},
            {"modality":"IMAGE","tokenCount":2}],"cacheTokensDetails":[{"modality":"AUDIO","tokenCount":4}],
            "candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":3}]}"#;
        for text in [openai, gemini] {
            let expected = TokenKinds {
                input_audio: Some(9),
                input_image: Some(2),
                cache_read_audio: Some(4),
                output_audio: Some(3),
                ..TokenKinds::default()
            };
            assert_eq!(read(text), expected, "{text}");
        }
        let langfuse = read(r#"{"input":20,"input_audio_tokens":9,"output":4,"output_audio":3}"#);
        assert_eq!((langfuse.input_audio, langfuse.output_audio), (Some(9), Some(3)));
    }
}
