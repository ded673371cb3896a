//! The framework a span comes from: a label for people, never a provider (`facts.md` 1).

use std::sync::LazyLock;

use super::{DIALECTS, Framework, dialect::NameTest, name_table::Beginnings};
use crate::model::{Attributes, Resource, Source};

/// The frameworks of all dialects, the lowest rank first, and their marks.
struct Tables {
    frameworks: Vec<Framework>,
    /// Beginnings of attribute names, each with its framework's place.
    keys: Beginnings<usize>,
    /// The names, sorted, that stand where the provider's belongs, each with the label.
    providers: Vec<(&'static str, &'static str)>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut frameworks: Vec<Framework> = DIALECTS.iter().flat_map(|dialect| dialect.frameworks).copied().collect();
    frameworks.sort_by_key(|framework| framework.rank);
    let placed = frameworks.iter().enumerate();
    let keys = Beginnings::new(placed.flat_map(|(place, one)| one.keys.iter().map(move |key| (*key, place))));
    let named = frameworks.iter().flat_map(|one| one.providers.iter().map(|name| (*name, one.label)));
    let mut providers: Vec<_> = named.collect();
    providers.sort_unstable();
    Tables { frameworks, keys, providers }
});

/// The label of a span or log record; `None` for what no framework made.
pub fn of(source: &Source) -> Option<&'static str> {
    let (attributes, all) = (source.attributes, &TABLES.frameworks);
    let by_key = attributes.iter().filter_map(|(name, _)| TABLES.keys.of(name).copied()).min();
    let by_name = all.iter().position(|framework| is_marked(framework, source));
    let Some(found) = by_key.into_iter().chain(by_name).min().and_then(|place| all.get(place)) else {
        let short = all.iter().find(|framework| framework.short_scopes.contains(&source.scope.name.as_str()));
        let short = short.map(|framework| framework.label);
        return short.or_else(|| by_provider(attributes)).or_else(|| by_resource(source.resource));
    };
    let refined = all.iter().find(|framework| {
        framework.refines.is_some_and(|finer| finer.labels.contains(&found.label) && (finer.is_finer)(attributes))
    });
    Some(refined.unwrap_or(found).label)
}

fn is_marked(framework: &Framework, source: &Source) -> bool {
    framework.scopes.iter().any(|scope| source.scope.name.starts_with(scope))
        || framework.names.iter().any(|name| source.name.starts_with(name))
        || framework.is_of.is_some_and(|is_of| is_of(source))
}

fn by_provider(attributes: &Attributes) -> Option<&'static str> {
    let mut names = ["gen_ai.provider.name", "gen_ai.system"].into_iter().filter_map(|key| attributes.str(key));
    names.find_map(|name| of_provider(&name.to_ascii_lowercase()))
}

/// The framework that puts its own name where the provider's belongs. `name` is in lower case.
pub fn of_provider(name: &str) -> Option<&'static str> {
    let providers = &TABLES.providers;
    let place = providers.binary_search_by_key(&name, |(name, _)| name).ok()?;
    providers.get(place).map(|(_, label)| *label)
}

/// The framework by the SDK that the resource names, else by the service.
fn by_resource(resource: &Resource) -> Option<&'static str> {
    let find = |name: Option<&str>, is_theirs: fn(&Framework) -> Option<NameTest>| {
        let mut all = TABLES.frameworks.iter();
        let name = name?;
        all.find(|framework| is_theirs(framework).is_some_and(|is_theirs| is_theirs(name)))
    };
    let by_sdk = find(resource.attributes.str("telemetry.sdk.name"), |framework| framework.is_sdk);
    let found = by_sdk.or_else(|| find(resource.service(), |framework| framework.is_service));
    found.map(|framework| framework.label)
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;

    #[test]
    fn no_key_begins_with_another() {
        let keys: Vec<&str> = TABLES.keys.all().collect();
        let nested = keys.windows(2).find(|pair| pair[1].starts_with(pair[0]));
        assert_eq!(nested, None);
    }

    #[test]
    fn a_framework_is_known_by_scope_key_name_or_service() {
        let span = |name: &str| Sample::span(name);
        for (sample, expected) in [
            (span("chat").scope("strands.telemetry.tracer"), Some("strands")),
            (span("chat").scope("sideseat.aws.bedrock"), Some("sideseat")),
            (span("x").scope("openinference.instrumentation.openai"), Some("openinference")),
            (span("x").scope("openinference.instrumentation.crewai"), Some("crewai")),
            (span("LangGraph").scope("openinference.instrumentation.langchain"), Some("langgraph")),
            (span("x").scope("openinference.instrumentation.langchain"), Some("langchain")),
            (
                span("x")
                    .scope("openinference.instrumentation.langchain")
                    .with(&[("metadata", r#"{"langgraph_node": 1}"#)]),
                Some("langgraph"),
            ),
            (span("autogen send W"), Some("autogen")),
            (span("x").with(&[("gcp.vertex.agent.event_id", "e")]), Some("google-adk")),
            (span("x").with(&[("ai.operationId", "ai.generateText")]), Some("vercel-ai")),
            (span("chat m").scope("gen_ai"), Some("vercel-ai")),
            (span("x").with(&[("logfire.msg", "m")]), Some("logfire")),
            (span("x").with(&[("gen_ai.agent.name", "gemini-cli")]), Some("gemini-cli")),
            (span("x").with(&[("gen_ai.provider.name", "microsoft.agent_framework")]), Some("agent-framework")),
            (span("GET /").resource(&[("service.name", "crewAI-telemetry")]), Some("crewai")),
            (span("GET /").with(&[("gen_ai.system", "aws.bedrock")]), None),
        ] {
            assert_eq!(sample.translate().context.framework.as_deref(), expected);
        }
    }
}
