//! The models of the `genai-prices` crate, embedded when it was released.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::{Duration, UNIX_EPOCH},
};

use genai_prices::{Calculator, ModelInfo, PriceRequest, ProviderInfo, Usage, UsageKey};

use super::{
    KEPT,
    names::Lookup,
    rates::{Rate, Rates},
};
use crate::model::{Timestamp, Usd};

/// A model of the crate.
#[derive(Debug)]
pub struct Bundled {
    /// The name by which it was found.
    found_by: Lookup,
    /// Its name in the table.
    pub name: String,
    /// Its context window, in tokens.
    pub window: Option<u64>,
    /// The rates of the half hours that were looked up so far, by their number since 1970. An entry is `None` if the rates
    /// also depend on the size of the request, or if there are none.
    rates: RwLock<HashMap<u64, Option<Rates>>>,
}

impl Bundled {
    /// The model of this name at this provider; `None` if the table has none.
    pub fn find(lookup: Lookup) -> Option<Self> {
        let table = Calculator::bundled();
        let nothing = Usage::new();
        let request = PriceRequest::new(&lookup.model, &nothing).with_provider_id(lookup.provider);
        let name = table.calculate(&request).ok()?.model_id;
        // Azure sells models of other providers, in whose list they are.
        let (own, others): (Vec<_>, Vec<_>) = table.providers().partition(|known| known.id() == lookup.provider);
        let mut listed = own.into_iter().chain(others).flat_map(ProviderInfo::models);
        let window = listed.find(|model| model.id() == name).and_then(ModelInfo::context_window);
        Some(Self { found_by: lookup, name, window, rates: RwLock::default() })
    }

    /// The rates of the model at a time, for a request with this number of input tokens.
    pub fn rates(&self, at: Timestamp, input: u64) -> Option<Rates> {
        // The table's prices change at midnight and, for night rates, at the half hour.
        let slot = at.0 / 1_800_000_000_000;
        let known = self.rates.read().unwrap_or_else(PoisonError::into_inner).get(&slot).copied();
        let fixed = known.unwrap_or_else(|| {
            // With some models long prompts cost more: their rates for a tiny and for a huge request differ.
            let (tiny, huge) = (self.rates_for(at, 1), self.rates_for(at, 1_000_000_000));
            let fixed = tiny.filter(|_| tiny == huge);
            let mut rates = self.rates.write().unwrap_or_else(PoisonError::into_inner);
            if rates.len() >= KEPT {
                rates.clear();
            }
            rates.insert(slot, fixed);
            fixed
        });
        fixed.or_else(|| self.rates_for(at, input.max(1)))
    }

    /// The table's prices for `size` tokens of each kind. The table counts cached tokens *within* input.
    ///
    /// Cached tokens and reasoning without prices of their own cost as much as input and output, by the table's own rule.
    fn rates_for(&self, at: Timestamp, size: u64) -> Option<Rates> {
        #[expect(clippy::cast_precision_loss, reason = "no request has 2^53 tokens")]
        let tokens = size as f64;
        let ask = |kinds: &[UsageKey]| {
            let usage: Usage = kinds.iter().map(|kind| (kind.clone(), tokens)).collect();
            let request = PriceRequest::new(&self.found_by.model, &usage)
                .with_provider_id(self.found_by.provider)
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
        // A model that is billed by the minute or by the page has no price per token, which is not a price of 0.
        let is_free = self.name.ends_with(":free");
        (is_free || rates.input.0 > 0 || rates.output.0 > 0).then_some(rates)
    }
}
