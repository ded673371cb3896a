//! DSPy, whose spans OpenInference's instrumentation makes (`sdks.md` 19): one for each method of a module.

use super::{Dialect, Framework};
use crate::model::{GivenName, Source, Translation};

pub const DIALECT: Dialect = Dialect {
    name: "dspy",
    complete_facts: Some(name_tool),
    is_plumbing: Some(is_plumbing),
    given_name: Some(given_name),
    frameworks: &[Framework { label: "dspy", rank: 208, scopes: &[SCOPE], ..Framework::PLAIN }],
    ..Dialect::PLAIN
};

/// Classes of its own. Those of people's modules have other names.
const CLASSES: &[&str] = &[
    "BestOfN",
    "ChainOfThought",
    "CodeAct",
    "MultiChainComparison",
    "Parallel",
    "Predict",
    "ProgramOfThought",
    "ReAct",
    "Refine",
    "RLM",
];

fn given_name(source: &Source) -> Option<GivenName> {
    let name = source.name.strip_suffix(".forward").filter(|_| source.scope.name == SCOPE)?;
    Some(if CLASSES.contains(&name) { GivenName::Nothing } else { GivenName::Part(name.to_owned()) })
}

const SCOPE: &str = "openinference.instrumentation.dspy";

/// A tool has no attribute for its name, only its method's span: `stock_count.__call__`.
fn name_tool(source: &Source, into: &mut Translation) {
    let is_tool = source.scope.name == SCOPE && source.attributes.str("openinference.span.kind") == Some("TOOL");
    let Some(name) = source.name.strip_suffix(".__call__").filter(|_| is_tool) else { return };
    into.genai.tool.get_or_insert_default().name.get_or_insert_with(|| name.to_owned());
}

/// Whether a span is of what every module is made of: adapters, and the predictor around a request.
fn is_plumbing(source: &Source) -> bool {
    source.scope.name == SCOPE
        && (source.name.ends_with("Adapter.__call__")
            || source.name == "Predict.forward"
            || (source.name.starts_with("Predict(") && source.name.ends_with(").forward")))
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::SCOPE;

    #[test]
    fn a_tool_is_called_like_its_method() {
        let read = Sample::span("stock_count.__call__")
            .scope(SCOPE)
            .with(&[
                ("openinference.span.kind", "TOOL"),
                ("output.value", "\"42\""),
                ("output.mime_type", "application/json"),
            ])
            .translate();
        assert_eq!(read.genai.tool.as_ref().and_then(|tool| tool.name.as_deref()), Some("stock_count"));
    }

    #[test]
    fn adapters_are_plumbing_and_modules_are_steps() {
        let of = |name: &str| {
            Sample::span(name).scope(SCOPE).with(&[("openinference.span.kind", "CHAIN")]).translate().plumbing
        };
        assert!(of("ChatAdapter.__call__") && of("Predict.forward") && of("Predict(Question).forward"));
        assert!(!of("ReAct.forward") && !of("Support.forward"));
    }
}
