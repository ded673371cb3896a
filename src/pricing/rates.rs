//! The rates of a model, exact, in pico-dollars.

use crate::model::{CostParts, TokenKinds, TokenUsage, Usd};

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

/// The rates of one model at one time. What has no price of its own has that of what it is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    pub input: Rate,
    pub input_audio: Rate,
    pub input_image: Rate,
    pub cache_read: Rate,
    pub cache_read_audio: Rate,
    pub cache_read_image: Rate,
    pub cache_write: Rate,
    /// Of what is kept for an hour.
    pub cache_write_1h: Rate,
    pub output: Rate,
    pub output_audio: Rate,
    pub output_image: Rate,
    pub reasoning: Rate,
    /// The price of each request, whatever its size, in no part of the cost; 0 for most models.
    pub request: Usd,
}

impl Rates {
    /// The cost of some tokens by kind, without the price of the request. That of reasoning is part of `output`.
    pub fn parts(&self, usage: &TokenUsage, kinds: &TokenKinds) -> CostParts {
        let (read, written) = (usage.cache_read.unwrap_or(0), usage.cache_write.unwrap_or(0));
        let (read_audio, read_image) = (kinds.cache_read_audio.unwrap_or(0), kinds.cache_read_image.unwrap_or(0));
        // Audio and pictures are counted in all of the input; what of them was read from caches is paid for there.
        let audio = kinds.input_audio.unwrap_or(0).saturating_sub(read_audio);
        let image = kinds.input_image.unwrap_or(0).saturating_sub(read_image);
        let reasoning = usage.reasoning.unwrap_or(0);
        let (spoken, drawn) = (kinds.output_audio.unwrap_or(0), kinds.output_image.unwrap_or(0));
        let output = [(reasoning, self.reasoning), (spoken, self.output_audio), (drawn, self.output_image)];
        CostParts {
            uncached_input: split(
                usage.uncached_input.unwrap_or(0),
                self.input,
                &[(audio, self.input_audio), (image, self.input_image)],
            ),
            cache_read: split(
                read,
                self.cache_read,
                &[(read_audio, self.cache_read_audio), (read_image, self.cache_read_image)],
            ),
            cache_write: split(written, self.cache_write, &[(kinds.cache_write_1h.unwrap_or(0), self.cache_write_1h)]),
            output: split(usage.output.unwrap_or(0), self.output, &output),
        }
    }
}

/// The price of some tokens, of which parts have rates of their own. Parts that would be more than all of them together
/// are counted as far as there is room.
fn split(tokens: u64, rate: Rate, parts: &[(u64, Rate)]) -> Usd {
    let (mut left, mut sum) = (tokens, Usd(0));
    for (part, rate) in parts {
        let part = (*part).min(left);
        left -= part;
        sum = sum + rate.times(part);
    }
    sum + rate.times(left)
}
