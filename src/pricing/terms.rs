//! On which terms a call is billed: the provider's tier, or a batch (`facts.md` 6).

use crate::model::{GenAi, Value};

/// Terms for which price tables have prices of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Terms {
    #[default]
    Standard,
    Flex,
    Priority,
    Fast,
    Batch,
}

impl Terms {
    /// The terms of a call, with what is said of them beside its cost; nothing of standard ones.
    ///
    /// What the response says holds: a call for which a tier was asked may be served at another one. Only where it says
    /// nothing the tier that was asked for is taken.
    pub fn of(genai: &GenAi) -> (Self, Option<String>) {
        if let Some(tier) = &genai.service_tier {
            return named(tier, "");
        }
        let asked = genai.parameters.iter().find(|(name, _)| name == "service_tier");
        let asked = asked.and_then(|(_, tier)| tier.as_str().or_else(|| tier.get("type").and_then(Value::as_str)));
        asked.map_or((Self::Standard, None), |tier| named(tier, " as asked for"))
    }
}

/// Longest name of a tier that is repeated to people.
const LONGEST: usize = 40;

fn named(tier: &str, why: &str) -> (Terms, Option<String>) {
    let tier = tier.trim().to_ascii_lowercase();
    let terms = match tier.as_str() {
        "" | "default" | "standard" | "auto" | "on_demand" | "on-demand" | "standard_only" | "unspecified" => {
            return (Terms::Standard, None);
        }
        "flex" | "on_demand_flex" => Terms::Flex,
        "priority" | "on_demand_priority" => Terms::Priority,
        "fast" => Terms::Fast,
        "batch" => return (Terms::Batch, Some(format!("batch{why}"))),
        _ => Terms::Standard,
    };
    let name: String = tier.chars().take(LONGEST).collect();
    (terms, Some(format!("{name} tier{why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(given: Option<&str>, asked: Option<&str>) -> (Terms, Option<String>) {
        let parameters = asked.map(|tier| ("service_tier".to_owned(), tier.into())).into_iter().collect();
        Terms::of(&GenAi { service_tier: given.map(str::to_owned), parameters, ..GenAi::default() })
    }

    #[test]
    fn the_tier_that_was_given_goes_before_the_one_that_was_asked_for() {
        assert_eq!(terms(Some("flex"), Some("priority")), (Terms::Flex, Some("flex tier".to_owned())));
        assert_eq!(terms(Some("default"), Some("flex")), (Terms::Standard, None));
        assert_eq!(terms(None, Some("flex")), (Terms::Flex, Some("flex tier as asked for".to_owned())));
        assert_eq!(terms(None, Some("auto")), (Terms::Standard, None));
        assert_eq!(terms(Some("batch"), None), (Terms::Batch, Some("batch".to_owned())));
        assert_eq!(terms(Some("Scale"), None), (Terms::Standard, Some("scale tier".to_owned())));
    }
}
