//! The models that `genai-prices` does not know: `LiteLLM`'s public price data, reduced to what is priced by the token.
//!
//! `litellm/prices.tsv` has the version that it was made from, and the day; `litellm/remake.py` makes it again. Its
//! prices have no history: a call of last year is priced as on that day.

use std::{collections::HashMap, sync::LazyLock};

use super::{
    names::{self, Lookup},
    rates::{Rate, Rates},
};
use crate::model::Usd;

const FILE: &str = include_str!("litellm/prices.tsv");

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(FILE));

/// A model of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: &'static str,
    /// Its context window, in tokens.
    pub window: Option<u64>,
    rates: Rates,
    /// The number of input tokens above which other rates apply, and those rates; `None` if there is no such limit.
    above: Option<(u64, Rates)>,
}

impl Listed {
    /// The rates for a request with this number of input tokens.
    pub fn rates(&self, input: u64) -> Rates {
        match self.above {
            Some((limit, rates)) if input > limit => rates,
            _ => self.rates,
        }
    }
}

/// The name and version of the table, as shown beside its prices: `LiteLLM 1.2.3 (2026-01-31)`.
pub fn table() -> &'static str {
    TABLE.name
}

/// The model, by any of its names, at the given provider or the one in its name; `None` if the table has none.
pub fn find(provider: Option<&str>, model: &str) -> Option<&'static Listed> {
    let found = |Lookup { provider, model }: &Lookup| {
        let here = OTHER_NAMES.iter().find(|(name, _)| name == provider).map_or(&[][..], |(_, others)| others);
        std::iter::once(*provider).chain(here.iter().copied()).find_map(|provider| TABLE.get(provider, model))
    };
    names::lookups(provider, model).iter().find_map(found).or_else(|| of_other_provider(provider, model))
}

/// The names of providers in `genai-prices`, and in `LiteLLM`.
const OTHER_NAMES: &[(&str, &[&str])] = &[
    ("aws", &["bedrock", "bedrock_mantle"]),
    ("azure", &["azure_ai"]),
    ("fireworks", &["fireworks_ai"]),
    ("github-copilot", &["github_copilot"]),
    ("google", &["gemini", "vertex_ai"]),
    ("moonshotai", &["moonshot"]),
    ("together", &["together_ai"]),
    ("voyageai", &["voyage"]),
    ("x-ai", &["xai"]),
];

/// The model of a provider that only `LiteLLM` has, which is given as such or before a slash: `databricks`,
/// `watsonx/ibm/granite-…`.
fn of_other_provider(provider: Option<&str>, model: &str) -> Option<&'static Listed> {
    let given = provider.map(str::trim).filter(|name| name.len() <= names::LONGEST);
    let given = given.map(|name| match name {
        "ibm.watsonx.ai" => "watsonx".to_owned(),
        name => name.to_ascii_lowercase().replace('-', "_"),
    });
    let (before, after) = model.split_once('/').unzip();
    let at = |provider: Option<&str>, model: Option<&str>| TABLE.get(provider?, model?);
    at(given.as_deref(), Some(model)).or_else(|| at(given.as_deref(), after)).or_else(|| at(before, after))
}

struct Table {
    name: &'static str,
    /// Each model by the first two cells of its line: provider, tab, model.
    models: HashMap<&'static str, Listed>,
}

impl Table {
    fn read(file: &'static str) -> Self {
        let mut lines = file.lines();
        let name = lines.next().and_then(|line| line.strip_prefix("# ")).unwrap_or("LiteLLM");
        Self { name, models: lines.filter(|line| !line.starts_with('#')).filter_map(row).collect() }
    }

    fn get(&self, provider: &str, model: &str) -> Option<&Listed> {
        self.models.get(format!("{provider}\t{model}").as_str())
    }
}

/// Reads a line of the file: provider, model, window, five prices, and if it has a limit, that and five more prices.
fn row(line: &'static str) -> Option<(&'static str, Listed)> {
    let mut cells = line.split('\t');
    let (provider, name) = (cells.next()?, cells.next()?);
    let key = line.get(..provider.len() + 1 + name.len())?;
    let window = cells.next()?.parse().ok();
    let prices: Vec<Option<f64>> = cells.map(|cell| cell.parse().ok()).collect();
    let (plain, rest) = prices.split_at(prices.len().min(5));
    let above = rest.split_first().and_then(|(limit, above)| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of tokens")]
        let limit = (*limit)? as u64;
        Some((limit, rates(above, plain)?))
    });
    Some((key, Listed { name, window, rates: rates(plain, &[])?, above }))
}

/// Input, cache read, cache write, output, reasoning, in dollars per million tokens. A kind without a price of its own
/// has that below the limit; without one there, cached tokens cost as much as input, and reasoning as much as output.
fn rates(prices: &[Option<f64>], below: &[Option<f64>]) -> Option<Rates> {
    let price = |at: usize| prices.get(at).or(below.get(at)).copied().flatten();
    let rate = |dollars: f64| Rate::of(dollars, 1e6);
    let (input, output) = (price(0)?, price(3).unwrap_or(0.0));
    Some(Rates {
        input: rate(input),
        cache_read: rate(price(1).unwrap_or(input)),
        cache_write: rate(price(2).unwrap_or(input)),
        output: rate(output),
        reasoning: rate(price(4).unwrap_or(output)),
        request: Usd::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_model_and_each_is_there_once() {
        let lines: Vec<_> = FILE.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(TABLE.models.len(), lines.len());
        assert!(lines.len() > 2000);
        assert!(table().starts_with("LiteLLM "), "{}", table());
    }

    #[test]
    fn a_model_is_found_by_the_provider_told_or_named() {
        for (provider, model) in [
            (Some("ibm.watsonx.ai"), "ibm/granite-3-8b-instruct"),
            (Some("openai"), "watsonx/ibm/granite-3-8b-instruct"),
            (Some("watsonx"), "ibm/granite-3-8b-instruct"),
            (None, "watsonx/ibm/granite-3-8b-instruct"),
        ] {
            assert_eq!(find(provider, model).unwrap().name, "ibm/granite-3-8b-instruct", "{provider:?}");
        }
        assert_eq!(find(Some("ollama"), "ibm/granite-3-8b-instruct"), None);
        assert_eq!(find(None, "granite-3-8b-instruct"), None);
    }

    #[test]
    fn a_larger_input_may_cost_more() {
        let (_, model) = row("p\tm\t1000\t1\t0.1\t\t4\t\t200000\t2\t\t\t8").unwrap();
        assert_eq!(model.window, Some(1000));
        let (small, large) = (model.rates(200_000), model.rates(200_001));
        assert_eq!(
            (small.input, small.cache_read, small.cache_write),
            (Rate::of(1.0, 1e6), Rate::of(0.1, 1e6), small.input)
        );
        assert_eq!(
            (large.input, large.cache_read, large.output),
            (Rate::of(2.0, 1e6), Rate::of(2.0, 1e6), Rate::of(8.0, 1e6))
        );
        assert_eq!((small.reasoning, large.reasoning), (small.output, large.output));
    }
}
