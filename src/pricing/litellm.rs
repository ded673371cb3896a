//! The models that `genai-prices` does not know: `LiteLLM`'s public price data, reduced to what is priced by the token.
//!
//! `litellm/prices.tsv` has the version that it was made from, and the day; `litellm/remake.py` makes it again. Its
//! prices have no history: a call of last year is priced as on that day.

use std::{collections::HashMap, sync::LazyLock};

use super::{
    names::{self, Lookup},
    rates::{Rate, Rates},
    terms::Terms,
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
    rates: LongOrNot,
    /// The number of input tokens above which other rates apply; `None` if there is no such limit.
    limit: Option<u64>,
    /// The rates on other terms than the standard ones.
    on_terms: Vec<(Terms, LongOrNot)>,
}

/// The rates up to the limit of a model, and above it. Without a limit both are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LongOrNot {
    plain: Rates,
    long: Rates,
}

impl Listed {
    /// The rates for a request on these terms with this number of input tokens. They are the standard ones where the
    /// table has no others.
    pub fn rates(&self, input: u64, terms: Terms) -> Rates {
        let rates = self.on_terms.iter().find(|(other, _)| *other == terms).map_or(&self.rates, |(_, rates)| rates);
        if self.limit.is_some_and(|limit| input > limit) { rates.long } else { rates.plain }
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

/// Reads a line of the file: provider, model, window, five prices, and if it has a limit, that and five more prices; then
/// prices with a name: `write_1h=6`, `flex.input=0.5`, and with a `+` above the limit: `flex.input+=1`.
fn row(line: &'static str) -> Option<(&'static str, Listed)> {
    let mut cells = line.split('\t');
    let (provider, name) = (cells.next()?, cells.next()?);
    let key = line.get(..provider.len() + 1 + name.len())?;
    let window = cells.next()?.parse().ok();
    let (named, plain): (Vec<&str>, Vec<&str>) = cells.partition(|cell| cell.contains('='));
    let named: Vec<(&str, f64)> = named.into_iter().filter_map(priced).collect();
    let listed: Vec<Option<f64>> = plain.into_iter().map(|cell| cell.parse().ok()).collect();
    let (plain, rest) = listed.split_at(listed.len().min(FIRST));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of tokens")]
    let (limit, above) = match rest.split_first() {
        Some((limit, above)) => (Some((*limit)? as u64), above),
        None => (None, &[][..]),
    };
    let standard = Prices::of(plain, &named, "", "");
    let long = Prices::of(above, &named, "", "+").or(standard);
    let on_terms = TERMS.iter().filter(|(_, prefix)| named.iter().any(|(name, _)| name.starts_with(prefix)));
    let parts = standard.apart();
    let on_terms = on_terms.filter_map(|(terms, prefix)| {
        let plain = Prices::of(&[], &named, prefix, "");
        let above = Prices::of(&[], &named, prefix, "+");
        Some((*terms, LongOrNot { plain: plain.or(parts).rates()?, long: above.or(plain).or(long).rates()? }))
    });
    let rates = LongOrNot { plain: standard.rates()?, long: long.rates()? };
    Some((key, Listed { name, window, rates, limit, on_terms: on_terms.collect() }))
}

/// Reads a cell with a name.
fn priced(cell: &'static str) -> Option<(&'static str, f64)> {
    let (name, price) = cell.split_once('=')?;
    Some((name, price.parse().ok()?))
}

/// The terms in the names of cells.
const TERMS: [(Terms, &str); 3] = [(Terms::Flex, "flex."), (Terms::Priority, "priority."), (Terms::Batch, "batch.")];

/// The names of the kinds of tokens, those of the columns first.
const KINDS: [&str; 11] = [
    "input",
    "read",
    "write",
    "output",
    "reasoning",
    "write_1h",
    "audio",
    "audio_read",
    "audio_out",
    "image",
    "image_out",
];

/// How many kinds have a column.
const FIRST: usize = 5;

/// Dollars per million tokens of each of [`KINDS`]; `None` for a kind without a price of its own.
#[derive(Debug, Clone, Copy)]
struct Prices([Option<f64>; KINDS.len()]);

impl Prices {
    /// Those of some columns, and of the cells with names that begin and end so.
    fn of(columns: &[Option<f64>], named: &[(&str, f64)], prefix: &str, suffix: &str) -> Self {
        let of = |kind: &str| {
            let is_of = |name: &str| name.strip_prefix(prefix).and_then(|name| name.strip_suffix(suffix)) == Some(kind);
            named.iter().find(|(name, _)| is_of(name)).map(|(_, price)| *price)
        };
        let mut prices = KINDS.map(of);
        for (price, column) in prices.iter_mut().zip(columns) {
            *price = price.or(*column);
        }
        Self(prices)
    }

    /// These prices, those that are missing taken from others.
    fn or(self, others: Self) -> Self {
        let mut prices = self.0;
        for (price, other) in prices.iter_mut().zip(others.0) {
            *price = price.or(other);
        }
        Self(prices)
    }

    /// Without the prices that are those of what they are a part of: on other terms they go with it.
    fn apart(self) -> Self {
        /// Places in [`KINDS`]: reasoning of the output, an hour's write of a write, audio and images of the input and of
        /// the output.
        const PARTS: [(usize, usize); 6] = [(4, 3), (5, 2), (6, 0), (8, 3), (9, 0), (10, 3)];
        let mut prices = self.0;
        for (part, whole) in PARTS {
            if prices[part] == prices[whole] {
                prices[part] = None;
            }
        }
        Self(prices)
    }

    /// The rates: cached tokens without a price cost as much as input, and so on. `None` without a price of the input.
    fn rates(self) -> Option<Rates> {
        let [input, read, write, output, reasoning, write_1h, audio, audio_read, audio_out, image, image_out] = self.0;
        let rate = |dollars: f64| Rate::of(dollars, 1e6);
        let (input, output) = (input?, output.unwrap_or(0.0));
        let (read, write) = (read.unwrap_or(input), write.unwrap_or(input));
        Some(Rates {
            input: rate(input),
            input_audio: rate(audio.unwrap_or(input)),
            input_image: rate(image.unwrap_or(input)),
            cache_read: rate(read),
            cache_read_audio: rate(audio_read.unwrap_or(read)),
            cache_read_image: rate(read),
            cache_write: rate(write),
            cache_write_1h: rate(write_1h.unwrap_or(write)),
            output: rate(output),
            output_audio: rate(audio_out.unwrap_or(output)),
            output_image: rate(image_out.unwrap_or(output)),
            reasoning: rate(reasoning.unwrap_or(output)),
            request: Usd::default(),
        })
    }
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
        let rates = |input| model.rates(input, Terms::Standard);
        let (small, large) = (rates(200_000), rates(200_001));
        assert_eq!(
            (small.input, small.cache_read, small.cache_write),
            (Rate::of(1.0, 1e6), Rate::of(0.1, 1e6), small.input)
        );
        assert_eq!(
            (large.input, large.cache_read, large.output),
            (Rate::of(2.0, 1e6), Rate::of(0.1, 1e6), Rate::of(8.0, 1e6))
        );
        assert_eq!((small.reasoning, large.reasoning), (small.output, large.output));
    }

    #[test]
    fn reasoning_that_costs_what_output_costs_does_so_on_other_terms_too() {
        let (_, model) = row("p\tm\t\t1\t\t\t4\t4\tflex.input=0.5\tflex.output=2").unwrap();
        let rates = model.rates(1, Terms::Flex);
        assert_eq!((rates.output, rates.reasoning), (Rate::of(2.0, 1e6), Rate::of(2.0, 1e6)));
    }

    #[test]
    fn what_has_a_price_of_its_own_has_a_name() {
        let line = "p\tm\t\t3\t0.3\t3.75\t15\t\t200000\t6\t0.6\t7.5\t22.5\twrite_1h=6\twrite_1h+=12\taudio=9\t\
            batch.input=1.5\tbatch.output=7.5\tbatch.input+=3";
        let (_, model) = row(line).unwrap();
        let of = |rate: Rate| rate.0 / 10_000_000_000;
        let standard = model.rates(1, Terms::Standard);
        assert_eq!([standard.cache_write, standard.cache_write_1h, standard.input_audio].map(of), [375, 600, 900]);
        let long = model.rates(200_001, Terms::Standard);
        assert_eq!([long.cache_write, long.cache_write_1h, long.output].map(of), [750, 1200, 2250]);
        let batch = model.rates(1, Terms::Batch);
        assert_eq!([batch.input, batch.cache_read, batch.output].map(of), [150, 30, 750]);
        let long = model.rates(200_001, Terms::Batch);
        assert_eq!([long.input, long.output].map(of), [300, 750]);
        assert_eq!(model.rates(1, Terms::Flex), standard);
    }
}
