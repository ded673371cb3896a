//! What tokens of a model cost: exact, in pico-dollars.

use crate::model::{CostParts, TokenUsage, Usd};

/// A price in pico-dollars per million tokens: whole for any price of up to twelve decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rate(pub u64);

impl Rate {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a price, rounded; `as` saturates")]
    /// `dollars` for so many tokens.
    pub fn of(dollars: f64, tokens: f64) -> Self {
        Self((dollars / tokens * 1e18).round() as u64)
    }

    pub fn times(self, tokens: u64) -> Usd {
        let millionths = u128::from(self.0) * u128::from(tokens);
        Usd(i64::try_from((millionths + 500_000) / 1_000_000).unwrap_or(i64::MAX))
    }
}

/// What one model's tokens cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    pub input: Rate,
    pub cache_read: Rate,
    pub cache_write: Rate,
    pub output: Rate,
    pub reasoning: Rate,
    /// For the request itself, whatever its size; only a few models have that, and it is in no part.
    pub request: Usd,
}

impl Rates {
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
