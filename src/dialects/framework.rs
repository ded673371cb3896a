//! The framework a span comes from: a label for people, never a provider (`facts.md` 1).

use std::sync::LazyLock;

use crate::model::{Attributes, Source};

/// What tells a framework. Any one of them is enough.
struct Marks {
    label: &'static str,
    /// Beginnings of scope names.
    scopes: &'static [&'static str],
    /// Beginnings of attribute names.
    keys: &'static [&'static str],
    /// Beginnings of span names.
    names: &'static [&'static str],
}

/// First match wins.
const FRAMEWORKS: &[Marks] = &[
    marks("sideseat", &["sideseat"], &[], &[]),
    marks("claude-code", &["com.anthropic.claude_code"], &[], &["claude_code."]),
    marks("codex", &["codex"], &["codex."], &[]),
    marks("gemini-cli", &["gemini-cli"], &[], &[]),
    marks("autogen", &["autogen", "openinference.instrumentation.autogen"], &["autogen."], &["autogen ", "autogen."]),
    marks(
        "google-adk",
        &["gcp.vertex.agent", "openinference.instrumentation.google_adk"],
        &["gcp.vertex.agent.", "google.adk."],
        &[],
    ),
    marks(
        "crewai",
        &["crewai.telemetry", "openinference.instrumentation.crewai", "opentelemetry.instrumentation.crewai"],
        &["crew_key", "crew_id", "crew_fingerprint", "task_key", "crewai_version", "crewai."],
        &[],
    ),
    marks("langgraph", &["opentelemetry.instrumentation.langgraph"], &["langgraph."], &["LangGraph"]),
    marks(
        "langchain",
        &["openinference.instrumentation.langchain", "opentelemetry.instrumentation.langchain", "langsmith"],
        &["langchain.", "langsmith."],
        &[],
    ),
    marks(
        "llama-index",
        &["openinference.instrumentation.llama_index", "opentelemetry.instrumentation.llamaindex"],
        &["llama_index."],
        &[],
    ),
    marks("smolagents", &["openinference.instrumentation.smolagents"], &["smolagents."], &[]),
    marks("pydantic-ai", &["pydantic-ai", "pydantic_ai"], &["pydantic_ai.", "model_request_parameters"], &[]),
    marks(
        "openai-agents",
        &[
            "openinference.instrumentation.openai_agents",
            "opentelemetry.instrumentation.openai_agents",
            "logfire.openai_agents",
            "openai.agents",
        ],
        &["openai.agents.", "openai.agent."],
        &[],
    ),
    marks("agent-framework", &["agent_framework", "Microsoft.Agents.AI"], &["agent_framework."], &[]),
    marks("strands", &["strands.telemetry.tracer", "strands-agents"], &["strands."], &[]),
    marks("openinference", &["openinference.instrumentation.", "@arizeai/openinference"], &["openinference."], &[]),
    marks("semantic-kernel", &["Microsoft.SemanticKernel", "semantic_kernel"], &["semantic_kernel."], &[]),
    marks(
        "azure-ai",
        &["azure.ai.agents", "azure.ai.projects", "Azure.AI.Agents", "Azure.AI.Projects"],
        &["az.ai."],
        &[],
    ),
    marks(
        "vercel-ai",
        &[],
        &["ai.operationId", "ai.telemetry.", "ai.prompt", "ai.response.", "ai.usage.", "ai.settings.", "ai.toolCall."],
        &[],
    ),
    marks("langfuse", &["langfuse-sdk"], &["langfuse.observation."], &[]),
    marks("logfire", &["logfire"], &["logfire."], &[]),
    marks("mlflow", &["mlflow"], &["mlflow."], &[]),
    marks("openllmetry", &["traceloop.tracer"], &["traceloop."], &[]),
    marks("livekit", &["livekit-agents"], &["lk.", "livekit."], &[]),
    marks("laminar", &["lmnr."], &["lmnr."], &[]),
    marks("openlit", &["openlit"], &[], &[]),
    marks("spring-ai", &[], &["spring.ai."], &[]),
];

const fn marks(
    label: &'static str,
    scopes: &'static [&'static str],
    keys: &'static [&'static str],
    names: &'static [&'static str],
) -> Marks {
    Marks { label, scopes, keys, names }
}

/// The label of a span or log record; `None` for what no framework made.
pub fn of(source: &Source) -> Option<&'static str> {
    let attributes = source.attributes;
    if attributes.str("gen_ai.agent.name") == Some("gemini-cli") {
        return Some("gemini-cli");
    }
    let by_key = attributes.iter().filter_map(|(name, _)| place_of_key(name)).min();
    let by_name = FRAMEWORKS.iter().position(|marks| is_named(marks, source));
    let place = by_key.into_iter().chain(by_name).min();
    match place.and_then(|place| FRAMEWORKS.get(place)).map(|marks| marks.label) {
        // LangGraph's nodes come through LangChain's instrumentations.
        Some("langchain" | "openinference" | "openllmetry") if has_langgraph(attributes) => Some("langgraph"),
        // The AI SDK's own scopes are too short a word to go by alone.
        None if matches!(source.scope.name.as_str(), "ai" | "gen_ai") => Some("vercel-ai"),
        None => by_provider(attributes).or_else(|| by_service(source)),
        found => found,
    }
}

fn is_named(marks: &Marks, source: &Source) -> bool {
    marks.scopes.iter().any(|scope| source.scope.name.starts_with(scope))
        || marks.names.iter().any(|name| source.name.starts_with(name))
}

/// The keys of all frameworks, sorted, each with its framework's place. None begins with another.
static KEYS: LazyLock<Vec<(&str, usize)>> = LazyLock::new(|| {
    let rows = FRAMEWORKS.iter().enumerate();
    let mut keys: Vec<_> = rows.flat_map(|(place, marks)| marks.keys.iter().map(move |key| (*key, place))).collect();
    keys.sort_unstable();
    keys
});

/// The place of the framework that an attribute's name marks.
fn place_of_key(name: &str) -> Option<usize> {
    let after = KEYS.partition_point(|(key, _)| *key <= name);
    let (key, place) = KEYS.get(after.checked_sub(1)?)?;
    name.starts_with(key).then_some(*place)
}

fn has_langgraph(attributes: &Attributes) -> bool {
    attributes.has_prefix("traceloop.association.properties.langgraph_")
        || attributes.has_prefix("langsmith.metadata.langgraph_")
        || attributes.str("metadata").is_some_and(|metadata| metadata.contains("langgraph_"))
}

fn by_provider(attributes: &Attributes) -> Option<&'static str> {
    let mut words = ["gen_ai.provider.name", "gen_ai.system"].into_iter().filter_map(|key| attributes.str(key));
    words.find_map(|word| of_provider(&word.to_ascii_lowercase()))
}

/// The framework that puts its own name where the provider's belongs. `word` is lower-case.
pub fn of_provider(word: &str) -> Option<&'static str> {
    Some(match word {
        "strands-agents" | "strands" => "strands",
        "langchain" => "langchain",
        "langgraph" => "langgraph",
        "crewai" => "crewai",
        "autogen" => "autogen",
        "microsoft.agent_framework" | "agent_framework" => "agent-framework",
        "gcp.vertex.agent" => "google-adk",
        "traceloop" => "openllmetry",
        "az.ai.agents" => "azure-ai",
        "spring_ai" => "spring-ai",
        _ => return None,
    })
}

fn by_service(source: &Source) -> Option<&'static str> {
    let resource = &source.resource.attributes;
    match resource.str("telemetry.sdk.name") {
        Some(sdk) if sdk.contains("logfire") => return Some("logfire"),
        Some(sdk) if sdk.contains("traceloop") => return Some("openllmetry"),
        Some("openlit") => return Some("openlit"),
        _ => {}
    }
    let service = source.resource.service()?;
    if service.contains("openai-agents") {
        Some("openai-agents")
    } else if service.contains("agent-framework-core") {
        Some("agent-framework")
    } else if service.contains("strands-agents") {
        Some("strands")
    } else {
        // The CrewAI package names the service of the whole process: a mark of it, not the app's name.
        (service == "crewAI-telemetry").then_some("crewai")
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;

    #[test]
    fn no_key_begins_with_another() {
        let nested = KEYS.windows(2).find(|pair| pair[1].0.starts_with(pair[0].0));
        assert_eq!(nested, None);
    }

    #[test]
    fn a_framework_is_told_by_scope_key_name_or_service() {
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
