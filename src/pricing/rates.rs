//! The rates of a model, exact, in pico-dollars.

use crate::model::{CostParts, TokenUsage, Usd};

/// A price in pico-dollars per million tokens, which is an integer for any price of up to twelve decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rate(pub u64);

impl Rate {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a price, rounded; `as` saturates")]
    /// The rate by which this number of tokens costs `dollars`.
    pub fn of(dollars: f64, tokens: f64) -> Self {
        Self((dollars / tokens * 1e18).round() as u64)
    }

    /// The price of this number of tokens, rounded to a pico-dollar.
    pub fn times(self, tokens: u64) -> Usd {
        let millionths = u128::from(self.0) * u128::from(tokens);
        Usd(i64::try_from((millionths + 500_000) / 1_000_000).unwrap_or(i64::MAX))
    }
}

/// The rates of one model at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    pub input: Rate,
    pub cache_read: Rate,
    pub cache_write: Rate,
    pub output: Rate,
    pub reasoning: Rate,
    /// The price of each request, whatever its size, in no part of the cost; 0 for most models.
    pub request: Usd,
}

impl Rates {
    /// The cost of some tokens by kind, without the price of the request. That of reasoning is part of `output`.
    pub fn parts(&self, usage: &TokenUsage) -> CostParts {
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
