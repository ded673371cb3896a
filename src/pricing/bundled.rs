//! The models of the `genai-prices` crate, embedded when it was released.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::{Duration, UNIX_EPOCH},
};

use genai_prices::{Calculator, ModelInfo, PriceRequest, ProviderInfo, Usage, UsageKey};

use super::{
    REMEMBERED,
    names::Rung,
    rates::{Rate, Rates},
};
use crate::model::{Timestamp, Usd};

/// A model that the crate knows.
#[derive(Debug)]
pub struct Bundled {
    /// What the table was asked for when it answered.
    asked: Rung,
    /// As the table calls it.
    pub name: String,
    /// Its context window, in tokens.
    pub window: Option<u64>,
    /// By half hour; `None` where the rates also depend on the size of the request.
    rates: RwLock<HashMap<u64, Option<Rates>>>,
}

impl Bundled {
    /// The model that this name names at this provider.
    pub fn find(asked: Rung) -> Option<Self> {
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
    pub fn rates(&self, at: Timestamp, input: u64) -> Option<Rates> {
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
