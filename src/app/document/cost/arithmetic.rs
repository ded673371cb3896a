//! How the cost of one call is made up: tokens by price, and where the prices come from.

use super::super::build::Builder;
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{CostParts, ModelCall, PriceSource, TokenUsage, Usd};
use crate::slots::Slot;

/// Columns of the names.
const NAME: usize = 13;

/// One kind of token: how many there are, and what they cost.
struct Kind {
    name: &'static str,
    slot: Slot,
    tokens: fn(&TokenUsage) -> Option<u64>,
    cost: fn(&CostParts) -> Usd,
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "input",
        slot: Slot::CostInput,
        tokens: |usage| usage.uncached_input,
        cost: |parts| parts.uncached_input,
    },
    Kind {
        name: "cache reads",
        slot: Slot::CostCacheRead,
        tokens: |usage| usage.cache_read,
        cost: |parts| parts.cache_read,
    },
    Kind {
        name: "cache writes",
        slot: Slot::CostCacheWrite,
        tokens: |usage| usage.cache_write,
        cost: |parts| parts.cache_write,
    },
    Kind { name: "output", slot: Slot::CostOutput, tokens: |usage| usage.output, cost: |parts| parts.output },
];

/// `input  1,204 × $3.00 a million = $.003612`, a line for each kind of token, then whose prices these are.
pub fn write(to: &mut Builder, call: &ModelCall) {
    let usage = call.usage.unwrap_or_default();
    let parts = call.cost.as_ref().and_then(|cost| cost.parts);
    let mut sum = Usd(0);
    for Kind { name, slot, tokens, cost } in KINDS {
        let tokens = tokens(&usage).filter(|tokens| *tokens > 0);
        let amount = parts.as_ref().map(cost).filter(|amount| amount.0 != 0);
        sum = sum + amount.unwrap_or_default();
        let Some(shown) = line(tokens, amount) else { continue };
        row(to, name, slot, &shown);
    }
    if let Some(reasoning) = usage.reasoning.filter(|reasoning| *reasoning > 0) {
        row(to, "", Slot::Dim, &format!("{} of the output are reasoning", format::exact(reasoning)));
    }
    let Some(cost) = &call.cost else {
        let why = if call.broke_off {
            "it broke off and reported no tokens; what it had generated may be billed"
        } else if call.lacks_price() {
            "no price table has a price for this model"
        } else if call.failure.is_some() {
            "it failed and reported no tokens"
        } else {
            "it reported no tokens"
        };
        return row(to, "", Slot::Dim, why);
    };
    // Some providers charge for a request itself.
    let rest = Usd(cost.total.0.saturating_sub(sum.0));
    if parts.is_some() && rest.0 > 0 {
        row(to, "requests", Slot::Text, &format::money_exact(rest));
    }
    row(to, "sum", Slot::TreeCost, &format::money_exact(cost.total));
    row(to, "price", Slot::Dim, &wrap::clean_line(&cost.source.to_string()));
    if let Some(computed) = cost.computed.filter(|_| cost.source == PriceSource::Reported) {
        row(to, "", Slot::Dim, &format!("the price tables say {}", format::money_exact(computed)));
    }
}

/// `1,204 × $3.00 a million = $.003612`; what is not known of it is left out.
fn line(tokens: Option<u64>, amount: Option<Usd>) -> Option<String> {
    match (tokens, amount) {
        (None, None) => None,
        (Some(tokens), None) => Some(format!("{} tokens", format::exact(tokens))),
        (None, Some(amount)) => Some(format::money_exact(amount)),
        (Some(tokens), Some(amount)) => {
            let amount_text = format::money_exact(amount);
            let tokens_text = format::exact(tokens);
            Some(match a_million(amount, tokens) {
                Some(rate) => format!("{tokens_text} × {} a million = {amount_text}", dollars(rate)),
                None => format!("{tokens_text} for {amount_text}"),
            })
        }
    }
}

/// What a million of tokens cost at the rate of these.
fn a_million(amount: Usd, tokens: u64) -> Option<Usd> {
    let rate = (i128::from(amount.0) * 1_000_000).checked_div(i128::from(tokens))?;
    i64::try_from(rate).ok().map(Usd)
}

/// `$3.00`, `$.075`: the decimals that price lists have.
fn dollars(rate: Usd) -> String {
    let text = format!("{:.4}", rate.dollars());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let whole = if whole == "0" { "" } else { whole };
    format!("${whole}.{fraction:0<2}")
}

fn row(to: &mut Builder, name: &str, slot: Slot, text: &str) {
    let name = if to.width < 40 { format!("  {name}  ") } else { format!("      {name:<NAME$}") };
    to.wrapped(0, wrap::width(&name), &[Styled::new(name, slot), Styled::new(text, Slot::Text)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_what_a_million_tokens_cost() {
        let usd = |dollars| Usd::from_dollars(dollars).unwrap();
        assert_eq!(line(Some(1_204), Some(usd(0.003_612))).unwrap(), "1,204 × $3.00 a million = $.003612");
        assert_eq!(line(Some(1_000), Some(usd(0.000_075))).unwrap(), "1,000 × $.075 a million = $.000075");
        assert_eq!(line(Some(7), None).unwrap(), "7 tokens");
        assert_eq!(line(None, None), None);
        assert_eq!(line(Some(1), Some(Usd(i64::MAX))).unwrap(), "1 for $9223372.036855");
    }
}
