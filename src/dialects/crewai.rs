//! `crewai`: what `CrewAI` itself puts on its spans, whoever makes them (`sdks.md` 13).
//!
//! Marks: `crew_key`, `crew_id`, `crew_agents`. A crew's span ends with its whole result, whose tokens are a sum over all
//! that it asked of models: they count only where no call is known.
//!
//! ```text
//!   output.value   {"raw": "R", "tasks_output": […], "token_usage": {"prompt_tokens": 567, "completion_tokens": 678, …}}
//!   crew_agents    [{"role": "Writer", "llm": "gpt-4o", …}]
//! ```
//!
//! A tool is offered to models under another name than it has: `Delegate work to coworker` as
//! `delegate_work_to_coworker`. The model calls the one, the tool's span has the other; both are read as the one.
//!
//! Conversations of agents and runs of tools are on spans of their own, which other dialects read.

use super::{
    Dialect, FactRow, Field, Framework, How, RecordingHints, maybe_json::MaybeJson, openinference, parts, reading,
    token_counts,
};
use std::sync::Arc;

use crate::model::{Carrier, Content, ContentKind, GivenName, Part, Role, Source, Translation, Value};

pub const DIALECT: Dialect = Dialect {
    name: "crewai",
    content: ContentKind::FunctionIo,
    matches,
    translate,
    is_plumbing: Some(|source| source.scope.name == "crewai.telemetry"),
    ai_keys: &["crew_"],
    facts: &[FactRow::of(Field::Agent, How::Text, &["agent_role"])],
    given_name: Some(given_name),
    frameworks: &[Framework {
        label: "crewai",
        rank: 120,
        scopes: &SCOPES,
        keys: &["crew_key", "crew_id", "crew_fingerprint", "task_key", "crewai_version", "crewai."],
        providers: &["crewai"],
        // The package names the service of the whole process: a mark of it, not the name of the application.
        is_service: Some(|name| name == "crewAI-telemetry"),
        ..Framework::PLAIN
    }],
    recording_hints: &[RecordingHints {
        scopes: &["openinference.instrumentation.crewai"],
        framework: "crewai",
        calls: Some("instrument the model's library as well, with openinference-instrumentation-openai or -litellm"),
        ..openinference::HINTS
    }],
    ..Dialect::PLAIN
};

/// A crew without a name is called by its class and an id.
fn given_name(source: &Source) -> Option<GivenName> {
    let name = source.name.strip_suffix(".kickoff").filter(|_| SCOPES.contains(&source.scope.name.as_str()))?;
    let unnamed = name.split('_').next().is_some_and(|class| matches!(class, "Crew" | "Flow" | "crewai"));
    Some(if unnamed { GivenName::Nothing } else { GivenName::Part(name.to_owned()) })
}

/// The scopes of CrewAI's own telemetry and of its instrumentations.
const SCOPES: [&str; 3] =
    ["crewai.telemetry", "openinference.instrumentation.crewai", "opentelemetry.instrumentation.crewai"];

fn matches(source: &Source) -> bool {
    !source.is_log() && (is_crew(source) || SCOPES.contains(&source.scope.name.as_str()))
}

fn is_crew(source: &Source) -> bool {
    ["crew_key", "crew_id", "crew_agents"].iter().any(|key| source.attributes.has(key))
}

fn translate(source: &Source, into: &mut Translation) {
    name_tools(into);
    if is_crew(source) {
        result(source, into);
    }
}

/// Gives tools the names by which models know them.
fn name_tools(into: &mut Translation) {
    if let Some(name) = into.genai.tool.as_mut().and_then(|tool| tool.name.as_mut()) {
        *name = offered(name);
    }
    let messages =
        into.readings.iter_mut().flat_map(|reading| reading.prompt.iter_mut().chain(&mut reading.completion));
    for message in messages {
        let name = |part: &Part| match &part.content {
            Content::Call(call) => Some(call.name.clone()),
            Content::Result(result) => result.name.clone(),
            _ => None,
        };
        if !message.parts.iter().filter_map(name).any(|name| offered(&name) != name) {
            continue;
        }
        for part in &mut Arc::make_mut(message).parts {
            match &mut part.content {
                Content::Call(call) => call.name = offered(&call.name),
                Content::Result(result) => result.name = result.name.as_deref().map(offered),
                _ => {}
            }
        }
    }
}

/// The name under which a tool is offered: its words in lower case, joined by `_`. `GetUser` is two words.
fn offered(name: &str) -> String {
    let mut words = String::new();
    let mut letters = name.chars().peekable();
    let mut last = ' ';
    while let Some(letter) = letters.next() {
        let begins_word = letter.is_uppercase()
            && (last.is_lowercase() || (last.is_uppercase() && letters.peek().is_some_and(|next| next.is_lowercase())));
        if (begins_word || !letter.is_alphanumeric()) && !words.is_empty() && !words.ends_with('_') {
            words.push('_');
        }
        if letter.is_alphanumeric() {
            words.extend(letter.to_lowercase());
        }
        last = letter;
    }
    let offered = words.trim_end_matches('_');
    if offered.is_empty() { name.to_owned() } else { offered.to_owned() }
}

/// Reads what a whole crew found and spent.
fn result(source: &Source, into: &mut Translation) {
    let Some(MaybeJson::Data(result)) = source.attributes.get("output.value").map(MaybeJson::of) else { return };
    let Some(usage) = result.get("token_usage").filter(|usage| usage.as_map().is_some()) else { return };
    token_counts::read(usage, &mut into.genai.reported);
    if let Some(model) = model(source) {
        into.genai.model.get_or_insert(model);
    }
    if let Some(answer) = result.str("raw").filter(|_| result.get("messages").is_none()) {
        let completion = reading::from_parts(Role::Assistant, parts::text(answer).into_iter().collect());
        reading::push(into, DIALECT.name, (Carrier::Attributes, None), vec![], completion);
    }
}

/// The model of a crew's agents, if it is one.
fn model(source: &Source) -> Option<String> {
    let agents = source.attributes.get("crew_agents").map(MaybeJson::of)?;
    let MaybeJson::Data(agents) = agents else { return None };
    let mut models = agents.as_array()?.iter().filter_map(|agent| agent.get("llm").and_then(Value::as_str));
    let first = models.next().filter(|model| !model.is_empty())?;
    models.all(|model| model == first).then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::*;

    #[test]
    fn a_tool_has_the_name_under_which_it_is_offered() {
        for (name, expected) in [
            ("Delegate work to coworker", "delegate_work_to_coworker"),
            ("get_weather", "get_weather"),
            ("GetUser", "get_user"),
            ("HTTPGet (v2)", "http_get_v2"),
            ("天気", "天気"),
            ("!", "!"),
        ] {
            assert_eq!(offered(name), expected);
        }
        let tool = |scope: &str| {
            let pairs = [
                ("openinference.span.kind", "TOOL"),
                ("tool.name", "Ask a question"),
                ("input.value", r#"{"a":1}"#),
                ("output.value", "yes"),
            ];
            let read = Sample::span("Ask a question._run").scope(scope).with(&pairs).translate();
            let Content::Call(call) = &read.readings[0].prompt[0].parts[0].content else { panic!("{read:?}") };
            (read.genai.tool.unwrap().name.unwrap(), call.name.clone())
        };
        let named = |name: &str| (name.to_owned(), name.to_owned());
        assert_eq!(tool("openinference.instrumentation.crewai"), named("ask_a_question"));
        assert_eq!(tool("openinference.instrumentation.langchain"), named("Ask a question"));
    }

    #[test]
    fn a_crews_result_is_its_answer_and_the_sum_of_its_tokens() {
        let result = r#"{"raw":"R","token_usage":{"prompt_tokens":567,"completion_tokens":678,"total_tokens":1245,
            "cached_prompt_tokens":67}}"#;
        let crew = Sample::span("Crew_1.kickoff").with(&[
            ("openinference.span.kind", "CHAIN"),
            ("crew_key", "k"),
            ("crew_agents", r#"[{"role":"A","llm":"gpt-4o"},{"role":"B","llm":"gpt-4o"}]"#),
            ("output.value", result),
        ]);
        let read = crew.translate();
        assert_eq!(sides(&read).1, ["assistant: R"]);
        let usage = read.genai.usage.unwrap();
        assert_eq!((usage.uncached_input, usage.cache_read, usage.output), (Some(500), Some(67), Some(678)));
        assert!(read.genai.aggregate);
        assert_eq!(read.genai.model.as_deref(), Some("gpt-4o"));
        let other = Sample::span("x").with(&[("crew_key", "k"), ("output.value", "plain")]).translate();
        assert_eq!(other.genai.usage, None);
    }
}
