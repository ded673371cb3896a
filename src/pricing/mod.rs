//! Tokens → money. Pure: a model, its tokens and a moment in, an exact amount out.
//!
//! ```text
//!   GenAi ──▶ names: what to ask for ──▶ genai-prices: the rates then ──▶ Cost, by part
//! ```
//!
//! The prices are those of the `genai-prices` crate, embedded when it was released; nothing is fetched. It is
//! asked for the *requested* model, since that is what is billed (a Bedrock inference profile costs more than
//! the model it stands for), and for the name in the response only if it does not know the other. What it does
//! not know has no price: that is `None`, never 0.

mod names;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, UNIX_EPOCH},
};

use genai_prices::{Calculator, ModelInfo, PriceRequest, ProviderInfo, Usage, UsageKey};

use crate::model::{Cost, CostParts, GenAi, PriceSource, Timestamp, TokenUsage, Usd};

/// The price table, by the name and version under which its prices are shown.
pub const TABLE: &str = "genai-prices 0.2.1";

/// Senders choose model names, so what is remembered of them has a bound.
const REMEMBERED: usize = 4096;

/// Knows what models cost, and remembers what it has looked up.
///
/// To be shared: looking a model up takes tens of microseconds, to price a call of a known one takes less than one.
#[derive(Debug, Default)]
pub struct Prices {
    models: RwLock<HashMap<Name, Option<Arc<Model>>>>,
}

/// A provider, where one is known, and a model, as they arrive.
type Name = (Option<String>, String);

impl Prices {
    /// The embedded table. Costs nothing here; the first price asked for waits some 70 ms while it is decoded.
    #[must_use]
    pub fn bundled() -> Self {
        Self::default()
    }

    /// What a call cost that was made then; `None` where no tokens are known, or no price.
    ///
    /// What the sender reports is the cost, and what the table says stands beside it.
    #[must_use]
    pub fn price(&self, genai: &GenAi, at: Timestamp) -> Option<Cost> {
        let computed = self.compute(genai, at);
        let Some(total) = genai.reported.cost else { return computed };
        let computed = computed.map(|cost| cost.total);
        Some(Cost { total, parts: None, source: PriceSource::Reported, computed })
    }

    /// The model's context window in tokens, where the table knows it.
    #[must_use]
    pub fn window(&self, provider: Option<&str>, model: &str) -> Option<u64> {
        self.model(provider, model)?.window
    }

    fn compute(&self, genai: &GenAi, at: Timestamp) -> Option<Cost> {
        let usage = genai.usage.filter(TokenUsage::has_tokens)?;
        let at = at.known().unwrap_or_else(Timestamp::now);
        let names = [genai.model.as_deref(), genai.response_model.as_deref()];
        let (model, rates) = names.into_iter().flatten().find_map(|name| {
            let model = self.model(genai.provider.as_deref(), name)?;
            let rates = model.rates(at, usage.input().unwrap_or(0))?;
            Some((model, rates))
        })?;
        let parts = rates.parts(&usage);
        let total = parts.uncached_input + parts.cache_read + parts.cache_write + parts.output + rates.request;
        let source = PriceSource::Table { table: TABLE.to_owned(), model: model.name.clone() };
        Some(Cost { total, parts: Some(parts), source, computed: None })
    }

    fn model(&self, provider: Option<&str>, name: &str) -> Option<Arc<Model>> {
        let key = (provider.map(str::to_owned), name.to_owned());
        // What is remembered stays true whatever happened to the thread that held the lock.
        if let Some(known) = self.models.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let found = names::rungs(provider, name).into_iter().find_map(Model::find).map(Arc::new);
        let mut models = self.models.write().unwrap_or_else(PoisonError::into_inner);
        if models.len() >= REMEMBERED {
            models.clear();
        }
        models.insert(key, found.clone());
        found
    }
}

/// A model that the table knows.
#[derive(Debug)]
struct Model {
    /// What the table was asked for when it answered.
    asked: names::Rung,
    /// As the table calls it.
    name: String,
    window: Option<u64>,
    /// By half hour; `None` where the rates also depend on the size of the request.
    rates: RwLock<HashMap<u64, Option<Rates>>>,
}

impl Model {
    fn find(asked: names::Rung) -> Option<Self> {
        let table = Calculator::bundled();
        let nothing = Usage::new();
        let request = PriceRequest::new(&asked.model, &nothing).with_provider_id(asked.provider);
        let name = table.calculate(&request).ok()?.model_id;
        // Azure sells what other providers make and lists; such a model is found under its maker.
        let (own, others): (Vec<_>, Vec<_>) = table.providers().partition(|known| known.id() == asked.provider);
        let mut listed = own.into_iter().chain(others).flat_map(ProviderInfo::models);
        let window = listed.find(|model| model.id() == name).and_then(ModelInfo::context_window);
        Some(Self { asked, name, window, rates: RwLock::default() })
    }

    /// What this model cost then, for a request of so many input tokens.
    fn rates(&self, at: Timestamp, input: u64) -> Option<Rates> {
        // The table's prices change at midnight and, for night rates, at the half hour.
        let slot = at.0 / 1_800_000_000_000;
        let known = self.rates.read().unwrap_or_else(PoisonError::into_inner).get(&slot).copied();
        let fixed = known.unwrap_or_else(|| {
            // Long prompts cost more with some models; then tiny and huge requests differ.
            let (tiny, huge) = (self.ask(at, 1), self.ask(at, 1_000_000_000));
            let fixed = tiny.filter(|_| tiny == huge);
            let mut rates = self.rates.write().unwrap_or_else(PoisonError::into_inner);
            if rates.len() >= REMEMBERED {
                rates.clear();
            }
            rates.insert(slot, fixed);
            fixed
        });
        fixed.or_else(|| self.ask(at, input.max(1)))
    }

    /// Asks the table for the price of `size` tokens of each kind; it counts caches *within* input.
    ///
    /// A cache or reasoning without a price of its own costs what its kind costs, which is the table's own rule.
    fn ask(&self, at: Timestamp, size: u64) -> Option<Rates> {
        #[expect(clippy::cast_precision_loss, reason = "no request has 2^53 tokens")]
        let tokens = size as f64;
        let ask = |kinds: &[UsageKey]| {
            let usage: Usage = kinds.iter().map(|kind| (kind.clone(), tokens)).collect();
            let request = PriceRequest::new(&self.asked.model, &usage)
                .with_provider_id(self.asked.provider)
                .with_timestamp(UNIX_EPOCH + Duration::from_nanos(at.0));
            Calculator::bundled().calculate(&request).ok()
        };
        let (input, output) = (UsageKey::INPUT_TOKENS, UsageKey::OUTPUT_TOKENS);
        let plain = ask(&[input.clone(), output.clone()])?;
        let read =
            ask(&[input.clone(), UsageKey::CACHE_READ_TOKENS, output.clone(), UsageKey::OUTPUT_REASONING_TOKENS])?;
        let written = ask(&[input, UsageKey::CACHE_WRITE_TOKENS])?;
        let rates = Rates {
            input: Rate::of(plain.input_price, tokens),
            cache_read: Rate::of(read.input_price, tokens),
            cache_write: Rate::of(written.input_price, tokens),
            output: Rate::of(plain.output_price, tokens),
            reasoning: Rate::of(read.output_price, tokens),
            request: Usd::from_dollars(plain.total_price - plain.input_price - plain.output_price).unwrap_or_default(),
        };
        // What is billed by the minute or the page has no price per token, which is not a price of nothing.
        let is_free = self.name.ends_with(":free");
        (is_free || rates.input.0 > 0 || rates.output.0 > 0).then_some(rates)
    }
}

/// A price in pico-dollars per million tokens: whole for any price of up to twelve decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Rate(u64);

impl Rate {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a price, rounded; `as` saturates")]
    fn of(dollars: f64, tokens: f64) -> Self {
        Self((dollars / tokens * 1e18).round() as u64)
    }

    fn times(self, tokens: u64) -> Usd {
        let millionths = u128::from(self.0) * u128::from(tokens);
        Usd(i64::try_from((millionths + 500_000) / 1_000_000).unwrap_or(i64::MAX))
    }
}

/// What one model's tokens cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rates {
    input: Rate,
    cache_read: Rate,
    cache_write: Rate,
    output: Rate,
    reasoning: Rate,
    /// For the request itself, whatever its size; only a few models have that, and it is in no part.
    request: Usd,
}

impl Rates {
    fn parts(&self, usage: &TokenUsage) -> CostParts {
        let output = usage.output.unwrap_or(0);
        let reasoning = usage.reasoning.unwrap_or(0).min(output);
        CostParts {
            uncached_input: self.input.times(usage.uncached_input.unwrap_or(0)),
            cache_read: self.cache_read.times(usage.cache_read.unwrap_or(0)),
            cache_write: self.cache_write.times(usage.cache_write.unwrap_or(0)),
            output: self.output.times(output - reasoning) + self.reasoning.times(reasoning),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reported;

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
            (Some("aws.bedrock"), "anthropic.claude-unheard-of-v1:0"),
            (Some("aws.bedrock"), "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc123"),
            (Some("openai"), "whisper-1"),
            (None, "some-model"),
        ] {
            assert_eq!(prices.price(&call(provider, model, [5; 4]), then()), None, "{model}");
        }
    }

    #[test]
    fn the_response_names_the_model_where_the_request_does_not() {
        let mut genai = call(Some("aws.bedrock"), "arn:aws:bedrock:us-east-1:1:prompt/abc", [1_000_000, 0, 0, 0]);
        genai.response_model = Some("claude-sonnet-4-5-20250929".to_owned());
        assert_eq!(Prices::bundled().price(&genai, then()).unwrap().total, Usd::from_dollars(3.30).unwrap());
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
        assert_eq!(prices.window(Some("aws.bedrock"), SONNET), Some(200_000));
        assert_eq!(prices.window(Some("azure.ai.openai"), "gpt-4o-mini"), Some(128_000));
        assert_eq!(prices.window(None, "some-model"), None);
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
        for number in 0..REMEMBERED + 10 {
            assert_eq!(prices.window(None, &format!("made-up-{number}")), None);
        }
        assert!(prices.models.read().unwrap().len() <= REMEMBERED);
    }
}
