//! Tokens and money, where unknown is never zero.

use std::{fmt, iter::Sum, ops::Add};

use serde::{Deserialize, Serialize};

/// Token counts and cost as the sender reported them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Reported {
    pub input: Option<u64>,
    pub output: Option<u64>,
    pub total: Option<u64>,
    pub cache_read: Option<u64>,
    pub cache_write: Option<u64>,
    pub reasoning: Option<u64>,
    /// What of these counts may have a price of its own.
    pub kinds: TokenKinds,
    pub convention: Convention,
    pub cost: Option<Usd>,
}

/// Tokens within the other counts of a call that may have prices of their own. `None` is unknown: then they are priced
/// as the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenKinds {
    /// Of the cache writes those that are kept for an hour.
    pub cache_write_1h: Option<u64>,
    /// Audio in all of the input, caches included.
    pub input_audio: Option<u64>,
    /// Pictures in all of the input, caches included.
    pub input_image: Option<u64>,
    /// Audio in what was read from caches.
    pub cache_read_audio: Option<u64>,
    /// Pictures in what was read from caches.
    pub cache_read_image: Option<u64>,
    /// Audio in the output.
    pub output_audio: Option<u64>,
    /// Pictures in the output.
    pub output_image: Option<u64>,
}

impl TokenKinds {
    /// Count by count the larger of two.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            cache_write_1h: self.cache_write_1h.max(other.cache_write_1h),
            input_audio: self.input_audio.max(other.input_audio),
            input_image: self.input_image.max(other.input_image),
            cache_read_audio: self.cache_read_audio.max(other.cache_read_audio),
            cache_read_image: self.cache_read_image.max(other.cache_read_image),
            output_audio: self.output_audio.max(other.output_audio),
            output_image: self.output_image.max(other.output_image),
        }
    }
}

/// Whether caches lie within `input` and reasoning within `output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Convention {
    /// `Some(true)`: `input` includes cache reads and writes. `None`: undecided.
    pub cache_in_input: Option<bool>,
    /// `Some(true)`: `output` includes reasoning. `None`: undecided.
    pub reasoning_in_output: Option<bool>,
}

/// Tokens, free of each sender's convention. `None` is unknown.
///
/// All input is `uncached_input + cache_read + cache_write`; `reasoning` is a part of `output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct TokenUsage {
    pub uncached_input: Option<u64>,
    pub cache_read: Option<u64>,
    pub cache_write: Option<u64>,
    pub output: Option<u64>,
    pub reasoning: Option<u64>,
}

impl TokenUsage {
    /// All input, unknown caches counted as none; `None` where no input is known.
    #[must_use]
    pub fn input(&self) -> Option<u64> {
        if self.uncached_input.is_none() && self.cache_read.is_none() && self.cache_write.is_none() {
            return None;
        }
        let known = [self.uncached_input, self.cache_read, self.cache_write];
        Some(known.into_iter().flatten().fold(0, u64::saturating_add))
    }

    /// Input and output together; `None` where neither is known.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        add(self.input(), self.output)
    }

    /// How many tokens a reported total has more than these; 0 where no total is reported.
    #[must_use]
    pub fn unexplained(&self, total: Option<u64>) -> u64 {
        total.unwrap_or(0).saturating_sub(self.total().unwrap_or(0))
    }

    /// The share of the input that was read from a cache, 0 to 1; `None` where either is unknown.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
    pub fn cached_share(&self) -> Option<f64> {
        let input = self.input().filter(|input| *input > 0)?;
        Some(self.cache_read? as f64 / input as f64)
    }

    /// True when at least one token is reported.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        self.total().is_some_and(|total| total > 0)
    }

    /// Field by field, the larger of what two records of one call say.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            uncached_input: self.uncached_input.max(other.uncached_input),
            cache_read: self.cache_read.max(other.cache_read),
            cache_write: self.cache_write.max(other.cache_write),
            output: self.output.max(other.output),
            reasoning: self.reasoning.max(other.reasoning),
        }
    }
}

impl Add for TokenUsage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            uncached_input: add(self.uncached_input, other.uncached_input),
            cache_read: add(self.cache_read, other.cache_read),
            cache_write: add(self.cache_write, other.cache_write),
            output: add(self.output, other.output),
            reasoning: add(self.reasoning, other.reasoning),
        }
    }
}

/// A sum in which unknown is left out; `None` only if nothing is known.
fn add(left: Option<u64>, right: Option<u64>) -> Option<u64> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.saturating_add(right)),
        (known, None) | (None, known) => known,
    }
}

/// US dollars in whole pico-dollars, so that sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Usd(pub i64);

impl Usd {
    /// `None` for what is no amount: negative, NaN, or above nine million dollars.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        (0.0..9e6).contains(&dollars).then(|| Self((dollars * 1e12).round() as i64))
    }

    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a number for people and JSON")]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e12
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self(0), Add::add)
    }
}

/// What a model call cost, and who says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    pub total: Usd,
    /// `None` where only a total was reported.
    pub parts: Option<CostParts>,
    pub source: PriceSource,
    /// What the price table says, where the sender reported its own cost.
    pub computed: Option<Usd>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CostParts {
    pub uncached_input: Usd,
    pub cache_read: Usd,
    pub cache_write: Usd,
    /// Reasoning included.
    pub output: Usd,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PriceSource {
    /// The sender's own number.
    Reported,
    /// A price table, by its name, and the model as that table calls it.
    Table {
        table: String,
        model: String,
        /// On which terms it is billed, where these are not the standard ones: `flex tier`. Says so where the table has
        /// no prices for them.
        terms: Option<String>,
    },
}

impl fmt::Display for PriceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reported => f.write_str("reported by the sender"),
            Self::Table { table, model, terms: None } => write!(f, "{table}: {model}"),
            Self::Table { table, model, terms: Some(terms) } => write!(f, "{table}: {model}, {terms}"),
        }
    }
}

/// Sums over the counted calls of a trace, a session, or everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    pub usage: TokenUsage,
    /// What is known of the cost; the whole cost only if `unpriced` is zero.
    pub cost: Usd,
    /// How many counted calls have a cost, and of how many nobody knows it: they have no price, or ended without tokens.
    pub priced: u64,
    pub unpriced: u64,
    /// Counted calls other than embeddings and rerankers.
    pub model_calls: u64,
    pub tool_calls: u64,
    pub failed_tools: u64,
    /// Tool calls of which neither an execution nor a result is known.
    pub pending_tools: u64,
    pub errors: u64,
}

impl Totals {
    /// How much failed, at least: what only the result of a tool says is among the failed tools alone.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.errors.max(self.failed_tools)
    }

    /// The whole cost: `None` if that of any counted call is unknown, or if nothing was priced.
    #[must_use]
    pub fn cost_if_known(&self) -> Option<Usd> {
        (self.unpriced == 0 && self.priced > 0).then_some(self.cost)
    }
}

impl Add for Totals {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            usage: self.usage + other.usage,
            cost: self.cost + other.cost,
            priced: self.priced + other.priced,
            unpriced: self.unpriced + other.unpriced,
            model_calls: self.model_calls + other.model_calls,
            tool_calls: self.tool_calls + other.tool_calls,
            failed_tools: self.failed_tools + other.failed_tools,
            pending_tools: self.pending_tools + other.pending_tools,
            errors: self.errors + other.errors,
        }
    }
}

impl Sum for Totals {
    fn sum<I: Iterator<Item = Self>>(totals: I) -> Self {
        totals.fold(Self::default(), Add::add)
    }
}
