//! Tokens → money. Pure: from a model, its tokens and a time it makes an exact amount.
//!
//! ```text
//!   GenAi ──▶ names: what to look up ──▶ bundled, litellm: the rates at that time ──▶ Cost, by part
//! ```
//!
//! The prices are those of the `genai-prices` crate, embedded when it was released; nothing is fetched. The *requested*
//! model is looked up, because it is what is billed (a Bedrock inference profile costs more than the model that it stands
//! for), and the model of the response only if the table does not have the requested one, or if the requested name is one
//! that somebody chose: a deployment at Azure, an alias of a proxy, a preset. A model that it does not have at
//! all is looked up in LiteLLM's table, which has more models and no history. A model that neither has is unpriced: its
//! price is `None`, never 0.
//!
//! What has a price of its own is priced by it: caches by how long they are kept, audio, pictures, and the terms of the
//! call (a tier, a batch). Where a table has no prices for the terms, the standard ones are taken, and the source says so.

mod bundled;
mod litellm;
mod names;
mod rates;
mod terms;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use bundled::Bundled;
use litellm::Listed;
use rates::Rates;
use terms::Terms;

use crate::model::{Cost, GenAi, PriceSource, Timestamp, TokenUsage};

/// The name and version of the first price table, as shown beside its prices.
pub const TABLE: &str = "genai-prices 0.2.1";

/// The version of this room's own code. It is raised when the same tables give another price.
const RULES: u32 = 2;

/// The version of the tables and the rules. When it changes, stored spans are reprocessed.
#[must_use]
pub fn version() -> u32 {
    let of = blake3::hash(format!("{TABLE}\n{}\n{RULES}", litellm::table()).as_bytes());
    let [a, b, c, d, ..] = *of.as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// Most look-ups that are kept: senders choose the names of models and the times of calls.
const KEPT: usize = 4096;

/// The price tables, and the models that were looked up so far.
///
/// To be shared: looking up a model takes tens of microseconds, pricing a call of one that was looked up less than one.
#[derive(Debug, Default)]
pub struct Prices {
    models: RwLock<HashMap<Name, Option<Arc<Model>>>>,
}

/// A provider, `None` if it is unknown, and a model, as they were received.
type Name = (Option<String>, String);

impl Prices {
    /// The embedded tables. They are decoded at the first look-up, which takes some 70 ms.
    #[must_use]
    pub fn bundled() -> Self {
        Self::default()
    }

    /// The cost of a call that was made at a time; `None` if its tokens or its price are unknown.
    ///
    /// If the sender reports a cost, that is it, and the table's stands beside it.
    #[must_use]
    pub fn price(&self, genai: &GenAi, at: Timestamp) -> Option<Cost> {
        let computed = self.compute(genai, at);
        let Some(total) = genai.reported.cost else { return computed };
        let computed = computed.map(|cost| cost.total);
        Some(Cost { total, parts: None, source: PriceSource::Reported, computed })
    }

    /// The context window in tokens of a call's model, by its requested name and that in the response; `None` if the tables
    /// do not have it.
    #[must_use]
    pub fn window(&self, provider: Option<&str>, requested: Option<&str>, answered: Option<&str>) -> Option<u64> {
        let mut names = self.names(provider, requested, answered).into_iter().flatten();
        names.find_map(|name| self.model(provider, name))?.window()
    }

    fn compute(&self, genai: &GenAi, at: Timestamp) -> Option<Cost> {
        let usage = genai.usage.filter(TokenUsage::has_tokens)?;
        let at = at.known().unwrap_or_else(Timestamp::now);
        let (terms, words) = Terms::of(genai);
        let input = usage.input().unwrap_or(0);
        let names = self.names(genai.provider.as_deref(), genai.model.as_deref(), genai.response_model.as_deref());
        let (asked, model, standard) = names.into_iter().flatten().find_map(|asked| {
            let model = self.model(genai.provider.as_deref(), asked)?;
            let rates = model.rates(at, input, Terms::Standard)?;
            Some((asked, model, rates))
        })?;
        // The other table may have prices for terms of which the first knows nothing.
        let other = || litellm::find(genai.provider.as_deref(), asked).map(|model| Arc::new(Model::Listed(model)));
        let on_terms = |model: Arc<Model>| {
            let rates = model.rates(at, input, terms)?;
            (model.rates(at, input, Terms::Standard) != Some(rates)).then_some((rates, model))
        };
        let found = match terms {
            Terms::Standard => None,
            _ => on_terms(Arc::clone(&model)).or_else(|| on_terms(other()?)),
        };
        let words = words.map(|words| match &found {
            Some(_) => words,
            None => format!("{words}: at the standard price, the table has no other"),
        });
        let (rates, model) = found.unwrap_or((standard, model));
        let parts = rates.parts(&usage, &genai.reported.kinds);
        let total = parts.uncached_input + parts.cache_read + parts.cache_write + parts.output + rates.request;
        let (table, name) = model.name();
        let source = PriceSource::Table { table: table.to_owned(), model: name.to_owned(), terms: words };
        Some(Cost { total, parts: Some(parts), source, computed: None })
    }

    /// The names by which a call's model is looked up, in order.
    fn names<'n>(
        &self,
        provider: Option<&str>,
        requested: Option<&'n str>,
        answered: Option<&'n str>,
    ) -> [Option<&'n str>; 2] {
        match (requested, answered) {
            // What such a name means, only the response says.
            (Some(requested), Some(answered)) if names::is_chosen(provider, requested) => [Some(answered), None],
            (Some(requested), Some(answered))
                if !names::is_same(requested, answered) && self.model(provider, answered).is_some() =>
            {
                [Some(answered), Some(requested)]
            }
            names => names.into(),
        }
    }

    fn model(&self, provider: Option<&str>, name: &str) -> Option<Arc<Model>> {
        let key = (provider.map(str::to_owned), name.to_owned());
        // A panic while the map was locked leaves it whole: it is changed by one call.
        if let Some(known) = self.models.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let bundled = names::lookups(provider, name).into_iter().find_map(Bundled::find).map(Model::Bundled);
        let found = bundled.or_else(|| litellm::find(provider, name).map(Model::Listed)).map(Arc::new);
        let mut models = self.models.write().unwrap_or_else(PoisonError::into_inner);
        if models.len() >= KEPT {
            models.clear();
        }
        models.insert(key, found.clone());
        found
    }
}

/// A model of one of the tables.
#[derive(Debug)]
enum Model {
    Bundled(Bundled),
    Listed(&'static Listed),
}

impl Model {
    /// The table, and the model's name in it.
    fn name(&self) -> (&str, &str) {
        match self {
            Self::Bundled(model) => (TABLE, &model.name),
            Self::Listed(model) => (litellm::table(), model.name),
        }
    }

    fn window(&self) -> Option<u64> {
        match self {
            Self::Bundled(model) => model.window,
            Self::Listed(model) => model.window,
        }
    }

    /// The rates at a time, for a request on these terms with this number of input tokens.
    fn rates(&self, at: Timestamp, input: u64, terms: Terms) -> Option<Rates> {
        match self {
            Self::Bundled(model) => model.rates(at, input, terms),
            Self::Listed(model) => Some(model.rates(input, terms)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Reported, TokenKinds, Usd};

    const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

    /// 2025-11-03.
    fn then() -> Timestamp {
        Timestamp(1_762_161_164_000_000_000)
    }

    fn call(provider: Option<&str>, model: &str, usage: [u64; 4]) -> GenAi {
        let [input, output, read, written] = usage.map(Some);
        let usage =
            TokenUsage { uncached_input: input, output, cache_read: read, cache_write: written, reasoning: None };
        GenAi {
            provider: provider.map(str::to_owned),
            model: Some(model.to_owned()),
            usage: Some(usage),
            ..GenAi::default()
        }
    }

    fn bedrock(model: &str, usage: [u64; 4]) -> Option<Cost> {
        Prices::bundled().price(&call(Some("aws.bedrock"), model, usage), then())
    }

    /// Dollars for a million tokens, as pico-dollars.
    fn per_million(model: &str) -> [Usd; 4] {
        let parts = bedrock(model, [1_000_000; 4]).unwrap().parts.unwrap();
        [parts.uncached_input, parts.output, parts.cache_read, parts.cache_write]
    }

    fn dollars(amounts: [f64; 4]) -> [Usd; 4] {
        amounts.map(|amount| Usd::from_dollars(amount).unwrap())
    }

    #[test]
    fn bedrock_calls_cost_what_their_region_costs() {
        assert_eq!(per_million(SONNET), dollars([3.30, 16.50, 0.33, 4.125]));
        assert_eq!(per_million("us.anthropic.claude-haiku-4-5-20251001-v1:0"), dollars([1.10, 5.50, 0.11, 1.375]));
        assert_eq!(per_million("global.anthropic.claude-sonnet-4-5-20250929-v1:0"), dollars([3.0, 15.0, 0.30, 3.75]));
        let nova = bedrock("us.amazon.nova-lite-v1:0", [1_000_000, 1_000_000, 0, 0]).unwrap();
        assert_eq!(nova.total, Usd::from_dollars(0.30).unwrap());
        let llama = bedrock("us.meta.llama3-3-70b-instruct-v1:0", [1_000_000, 1_000_000, 0, 0]).unwrap();
        assert_eq!(llama.total, Usd::from_dollars(1.44).unwrap());
    }

    #[test]
    fn a_few_tokens_are_priced_to_the_pico_dollar() {
        // 403 × 3.30 + 71 × 16.50 per million.
        let cost = bedrock(SONNET, [403, 71, 0, 0]).unwrap();
        assert_eq!(cost.total, Usd(403 * 3_300_000 + 71 * 16_500_000));
        let table = PriceSource::Table {
            table: TABLE.to_owned(),
            model: "regional.anthropic.claude-sonnet-4-5-20250929-v1:0".to_owned(),
            terms: None,
        };
        assert_eq!(cost.source, table);
    }

    #[test]
    fn caches_are_neither_forgotten_nor_paid_for_twice() {
        let cost = bedrock(SONNET, [21, 80, 1_800, 2_000]).unwrap();
        let parts = cost.parts.unwrap();
        assert_eq!(parts.uncached_input, Usd(21 * 3_300_000));
        assert_eq!(parts.cache_read, Usd(1_800 * 330_000));
        assert_eq!(parts.cache_write, Usd(2_000 * 4_125_000));
        assert_eq!(cost.total, parts.uncached_input + parts.cache_read + parts.cache_write + parts.output);
    }

    /// 2026-11-24.
    fn lately() -> Timestamp {
        Timestamp(1_795_600_000_000_000_000)
    }

    fn with_kinds(provider: &str, model: &str, usage: [u64; 4], kinds: TokenKinds) -> Cost {
        let mut genai = call(Some(provider), model, usage);
        genai.reported.kinds = kinds;
        Prices::bundled().price(&genai, lately()).unwrap()
    }

    #[test]
    fn a_cache_that_is_kept_for_an_hour_costs_more() {
        let kinds = TokenKinds { cache_write_1h: Some(40_000), ..TokenKinds::default() };
        for (provider, model, five_minutes, hour) in [
            ("anthropic", "claude-sonnet-4-5", 3.75, 6.0),
            ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", 4.125, 6.6),
            ("gcp.vertex_ai", "claude-sonnet-4-5", 3.75, 6.0),
        ] {
            let cost = with_kinds(provider, model, [0, 0, 0, 50_000], kinds);
            let expected = Usd::from_dollars((10_000.0 * five_minutes + 40_000.0 * hour) / 1e6).unwrap();
            assert_eq!(cost.total, expected, "{provider}");
        }
        // More than was written at all is no more than what was written.
        assert_eq!(with_kinds("anthropic", "claude-sonnet-4-5", [0, 0, 0, 10], kinds).total, Usd(60_000_000));
    }

    #[test]
    fn audio_and_pictures_have_prices_of_their_own() {
        let kinds = TokenKinds { input_audio: Some(800), cache_read_audio: Some(300), ..TokenKinds::default() };
        // 200 text and 500 audio, 100 cached text and 300 cached audio, 10 output.
        let cost = with_kinds("gcp.gemini", "gemini-2.5-flash", [700, 10, 400, 0], kinds);
        let expected = 200 * 300_000 + 500 * 1_000_000 + 100 * 30_000 + 300 * 100_000 + 10 * 2_500_000;
        assert_eq!(cost.total, Usd(expected));
        let kinds = TokenKinds { output_image: Some(1290), ..TokenKinds::default() };
        let cost = with_kinds("gcp.gemini", "gemini-2.5-flash-image", [100, 1300, 0, 0], kinds);
        assert_eq!(cost.total, Usd(100 * 300_000 + 10 * 2_500_000 + 1290 * 30_000_000));
    }

    fn on_tier(provider: &str, model: &str, tier: &str) -> (f64, Option<String>) {
        let genai = GenAi { service_tier: Some(tier.to_owned()), ..call(Some(provider), model, [1_000_000, 0, 0, 0]) };
        let cost = Prices::bundled().price(&genai, lately()).unwrap();
        let PriceSource::Table { terms, .. } = cost.source else { panic!("not computed") };
        (cost.total.dollars(), terms)
    }

    #[test]
    fn a_tier_costs_what_the_table_says_of_it_and_is_named() {
        let words = |words: &str| Some(words.to_owned());
        assert_eq!(on_tier("openai", "gpt-5-mini", "flex"), (0.125, words("flex tier")));
        assert_eq!(on_tier("openai", "gpt-5", "priority"), (2.5, words("priority tier")));
        assert_eq!(on_tier("openai", "gpt-5", "default"), (1.25, None));
        assert_eq!(on_tier("anthropic", "claude-haiku-4-5", "batch"), (0.5, words("batch")));
        assert_eq!(on_tier("anthropic", "claude-haiku-4-5", "standard"), (1.0, None));
        let standard = "flex tier: at the standard price, the table has no other";
        assert_eq!(on_tier("openai", "gpt-4o", "flex"), (2.5, words(standard)));
        // Only the second table has Azure's.
        assert_eq!(on_tier("azure.ai.openai", "gpt-5", "priority"), (2.5, words("priority tier")));
    }

    #[test]
    fn a_cache_without_a_price_of_its_own_costs_what_input_costs() {
        let cost = bedrock("us.meta.llama3-3-70b-instruct-v1:0", [100, 0, 50, 50]).unwrap();
        assert_eq!(cost.total, Usd(200 * 720_000));
    }

    #[test]
    fn long_prompts_cost_what_the_table_says_of_long_prompts() {
        let prices = Prices::bundled();
        let short = prices.price(&call(Some("anthropic"), "claude-sonnet-4-5", [1_000, 0, 0, 0]), then()).unwrap();
        let long = prices.price(&call(Some("anthropic"), "claude-sonnet-4-5", [0, 0, 300_000, 0]), then()).unwrap();
        assert_eq!(short.total, Usd(1_000 * 3_000_000));
        assert_eq!(long.total, Usd(300_000 * 600_000));
    }

    #[test]
    fn what_the_sender_reports_is_the_cost_and_the_table_stands_beside_it() {
        let mut genai = call(Some("aws.bedrock"), SONNET, [1_000_000, 0, 0, 0]);
        genai.reported = Reported { cost: Some(Usd(7)), ..Reported::default() };
        let cost = Prices::bundled().price(&genai, then()).unwrap();
        assert_eq!((cost.total, cost.source), (Usd(7), PriceSource::Reported));
        assert_eq!(cost.computed, Usd::from_dollars(3.30));

        let unknown = GenAi { reported: genai.reported, ..GenAi::default() };
        assert_eq!(Prices::bundled().price(&unknown, then()).unwrap().computed, None);
    }

    #[test]
    fn no_tokens_or_no_price_is_no_cost_and_not_zero() {
        let prices = Prices::bundled();
        assert_eq!(bedrock(SONNET, [0; 4]), None);
        assert_eq!(prices.price(&GenAi { usage: None, ..call(None, "gpt-4o", [0; 4]) }, then()), None);
        for (provider, model) in [
            (Some("ollama"), "llama3.2"),
            (Some("aws.bedrock"), "anthropic.claude-recording_hint-of-v1:0"),
            (Some("aws.bedrock"), "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc123"),
            (Some("openai"), "whisper-1"),
            (None, "some-model"),
        ] {
            assert_eq!(prices.price(&call(provider, model, [5; 4]), then()), None, "{model}");
        }
    }

    #[test]
    fn what_the_first_table_does_not_know_the_second_prices_and_says_so() {
        let call = call(Some("ibm.watsonx.ai"), "ibm/granite-3-8b-instruct", [1_000_000, 1_000_000, 0, 0]);
        let cost = Prices::bundled().price(&call, then()).unwrap();
        assert_eq!(cost.total, Usd::from_dollars(0.40).unwrap());
        let PriceSource::Table { table, model, .. } = cost.source else { panic!("not computed") };
        assert_eq!((table.as_str(), model.as_str()), (litellm::table(), "ibm/granite-3-8b-instruct"));
        let window = Prices::bundled().window(Some("ibm.watsonx.ai"), Some("ibm/granite-3-8b-instruct"), None);
        assert_eq!(window, Some(8192));
    }

    #[test]
    fn the_response_names_the_model_where_the_request_does_not() {
        let mut genai = call(Some("aws.bedrock"), "arn:aws:bedrock:us-east-1:1:prompt/abc", [1_000_000, 0, 0, 0]);
        genai.response_model = Some("claude-sonnet-4-5-20250929".to_owned());
        assert_eq!(Prices::bundled().price(&genai, then()).unwrap().total, Usd::from_dollars(3.30).unwrap());
    }

    #[test]
    fn a_name_that_somebody_chose_is_no_models() {
        let cost = |provider: &str, requested: &str, answered: &str| {
            let mut genai = call(Some(provider), requested, [1_000_000, 0, 0, 0]);
            genai.response_model = Some(answered.to_owned());
            Prices::bundled().price(&genai, then()).map(|cost| cost.total.dollars())
        };
        let mini = Some(0.15);
        // A deployment at Azure, also where the client takes it for OpenAI; an alias of a proxy; a preset; a router.
        assert_eq!(cost("azure.ai.openai", "gpt-4o", "gpt-4o-mini-2024-07-18"), mini);
        assert_eq!(cost("azure.ai.openai", "team-x", "gpt-4o-mini-2024-07-18"), mini);
        assert_eq!(cost("azure.ai.inference", "gpt-4o", "gpt-4o-mini"), mini);
        assert_eq!(cost("openai", "gpt-4o", "gpt-4o-mini-2024-07-18"), mini);
        assert_eq!(cost("litellm_proxy", "gpt-4o", "gpt-4o-mini"), mini);
        assert_eq!(cost("openrouter", "@preset/helper", "openai/gpt-4o-mini"), mini);
        assert_eq!(cost("openrouter", "openrouter/auto", "openai/gpt-4o-mini"), mini);
        // Where the response names nothing that has a price, the chosen name is no price either.
        assert_eq!(cost("azure.ai.openai", "gpt-4o", "our-model"), None);
        assert_eq!(cost("litellm_proxy", "gpt-4o", "ollama/llama3.2"), None);
        // The same model by a name that says less: the region, which has a price of its own, is in the request.
        assert_eq!(cost("aws.bedrock", SONNET, "claude-sonnet-4-5-20250929"), Some(3.3));
        assert_eq!(cost("openai", "gpt-4o", "gpt-4o-2024-08-06"), Some(2.5));
        assert_eq!(cost("openai", "gpt-4o", "whatever"), Some(2.5));
    }

    #[test]
    fn the_same_model_costs_the_same_by_all_its_names() {
        let prices = Prices::bundled();
        let cost = |provider, model| prices.price(&call(provider, model, [1_000_000, 0, 0, 0]), then()).unwrap().total;
        for model in ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "openai/gpt-4o-mini", "openai:gpt-4o-mini"] {
            assert_eq!(cost(None, model), Usd::from_dollars(0.15).unwrap(), "{model}");
        }
        assert_eq!(cost(Some("azure.ai.openai"), "gpt-4o-mini"), Usd::from_dollars(0.15).unwrap());
        assert_eq!(cost(Some("gcp.gemini"), "models/gemini-2.5-flash"), Usd::from_dollars(0.30).unwrap());
        let canada = cost(Some("aws.bedrock"), "ca.anthropic.claude-sonnet-4-5-20250929-v1:0");
        assert_eq!(canada, Usd::from_dollars(3.30).unwrap());
    }

    #[test]
    fn a_context_window_is_known_by_any_of_the_models_names() {
        let prices = Prices::bundled();
        assert_eq!(prices.window(Some("aws.bedrock"), Some(SONNET), None), Some(200_000));
        assert_eq!(prices.window(Some("azure.ai.openai"), Some("gpt-4o-mini"), None), Some(128_000));
        assert_eq!(prices.window(Some("azure.ai.openai"), Some("gpt-4"), Some("gpt-4o-mini")), Some(128_000));
        assert_eq!(prices.window(None, Some("some-model"), None), None);
    }

    #[test]
    fn the_tables_version_is_the_one_we_build_with() {
        let lock = include_str!("../../Cargo.lock");
        let (name, version) = TABLE.split_once(' ').unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"")));
    }

    #[test]
    fn what_senders_make_up_does_not_fill_the_memory() {
        let prices = Prices::bundled();
        for number in 0..KEPT + 10 {
            assert_eq!(prices.window(None, Some(&format!("made-up-{number}")), None), None);
        }
        assert!(prices.models.read().unwrap().len() <= KEPT);
    }
}
