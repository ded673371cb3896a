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
    terms::Terms,
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
    /// The rates of the half hours that were looked up so far, by their number since 1970 and the terms. An entry is
    /// `None` if the rates also depend on the size of the request, or if there are none.
    rates: RwLock<HashMap<(u64, Terms), Option<Rates>>>,
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

    /// The rates of the model at a time, for a request on these terms with this number of input tokens. They are the
    /// standard ones where the table has no others.
    pub fn rates(&self, at: Timestamp, input: u64, terms: Terms) -> Option<Rates> {
        // The table's prices change at midnight and, for night rates, at the half hour.
        let slot = (at.0 / 1_800_000_000_000, terms);
        let known = self.rates.read().unwrap_or_else(PoisonError::into_inner).get(&slot).copied();
        let fixed = known.unwrap_or_else(|| {
            // With some models long prompts cost more: their rates for a tiny and for a huge request differ.
            let (tiny, huge) = (self.rates_for(at, 1, terms), self.rates_for(at, 1_000_000_000, terms));
            let fixed = tiny.filter(|_| tiny == huge);
            let mut rates = self.rates.write().unwrap_or_else(PoisonError::into_inner);
            if rates.len() >= KEPT {
                rates.clear();
            }
            rates.insert(slot, fixed);
            fixed
        });
        fixed.or_else(|| self.rates_for(at, input.max(1), terms))
    }

    /// The table's prices for `size` tokens of each kind. The table counts cached tokens *within* input.
    ///
    /// Cached tokens and reasoning without prices of their own cost as much as input and output, by the table's own rule.
    fn rates_for(&self, at: Timestamp, size: u64, terms: Terms) -> Option<Rates> {
        #[expect(clippy::cast_precision_loss, reason = "no request has 2^53 tokens")]
        let tokens = size as f64;
        let ask = |kinds: &[UsageKey]| {
            let usage: Usage = kinds.iter().map(|kind| (kind.clone(), tokens)).collect();
            let request = PriceRequest::new(&self.found_by.model, &usage)
                .with_provider_id(self.found_by.provider)
                .with_timestamp(UNIX_EPOCH + Duration::from_nanos(at.0));
            let request = match terms {
                Terms::Standard => request,
                Terms::Flex => request.with_price_context("service_tier", "flex"),
                Terms::Priority => request.with_price_context("service_tier", "priority"),
                Terms::Fast => request.with_price_context("service_tier", "fast"),
                Terms::Batch => request.with_price_context("processing", "batch"),
            };
            Calculator::bundled().calculate(&request).ok()
        };
        let (input, output) = (UsageKey::INPUT_TOKENS, UsageKey::OUTPUT_TOKENS);
        let plain = ask(&[input.clone(), output.clone()])?;
        let both = |given: &[UsageKey], made: UsageKey| {
            let kinds = [std::slice::from_ref(&input), given, &[output.clone(), made]].concat();
            ask(&kinds).map(|price| (Rate::of(price.input_price, tokens), Rate::of(price.output_price, tokens)))
        };
        let given = |kinds: &[UsageKey]| {
            ask(&[std::slice::from_ref(&input), kinds].concat()).map(|price| Rate::of(price.input_price, tokens))
        };
        let (read, written) = (UsageKey::CACHE_READ_TOKENS, UsageKey::CACHE_WRITE_TOKENS);
        let (audio, image) = (UsageKey::INPUT_AUDIO_TOKENS, UsageKey::INPUT_IMAGE_TOKENS);
        let (cache_read, reasoning) = both(std::slice::from_ref(&read), UsageKey::OUTPUT_REASONING_TOKENS)?;
        let (input_audio, output_audio) = both(std::slice::from_ref(&audio), UsageKey::OUTPUT_AUDIO_TOKENS)?;
        let (input_image, output_image) = both(std::slice::from_ref(&image), UsageKey::OUTPUT_IMAGE_TOKENS)?;
        let rates = Rates {
            input: Rate::of(plain.input_price, tokens),
            input_audio,
            input_image,
            cache_read,
            cache_read_audio: given(&[read.clone(), audio, UsageKey::CACHE_AUDIO_READ_TOKENS])?,
            cache_read_image: given(&[read, image, UsageKey::CACHE_IMAGE_READ_TOKENS])?,
            cache_write: given(std::slice::from_ref(&written))?,
            cache_write_1h: given(&[written, UsageKey::CACHE_WRITE_1H_TOKENS])?,
            output: Rate::of(plain.output_price, tokens),
            output_audio,
            output_image,
            reasoning,
            request: Usd::from_dollars(plain.total_price - plain.input_price - plain.output_price).unwrap_or_default(),
        };
        // A model that is billed by the minute or by the page has no price per token, which is not a price of 0.
        let is_free = self.name.ends_with(":free");
        (is_free || rates.input.0 > 0 || rates.output.0 > 0).then_some(rates)
    }
}
