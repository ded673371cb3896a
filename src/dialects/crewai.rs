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
//! Conversations of agents and runs of tools are on spans of their own, which other dialects read.

use super::{Dialect, counts, json_ish::Ish, parts, reading};
use crate::model::{Carrier, Role, Source, Translation, Value};

pub const DIALECT: Dialect = Dialect { name: "crewai", speaks, translate };

fn speaks(source: &Source) -> bool {
    let has = |key: &str| source.attributes.has(key);
    !source.is_log() && (has("crew_key") || has("crew_id") || has("crew_agents"))
}

fn translate(source: &Source, into: &mut Translation) {
    let Some(Ish::Data(result)) = source.attributes.get("output.value").map(Ish::of) else { return };
    let Some(usage) = result.get("token_usage").filter(|usage| usage.as_map().is_some()) else { return };
    counts::read(usage, &mut into.genai.reported);
    if let Some(model) = model(source) {
        into.genai.model.get_or_insert(model);
    }
    if let Some(answer) = result.str("raw").filter(|_| result.get("messages").is_none()) {
        let completion = reading::said(Role::Assistant, parts::text(answer).into_iter().collect());
        reading::push(into, DIALECT.name, (Carrier::Attributes, None), vec![], completion);
    }
}

/// The model of a crew's agents, if it is one.
fn model(source: &Source) -> Option<String> {
    let agents = source.attributes.get("crew_agents").map(Ish::of)?;
    let Ish::Data(agents) = agents else { return None };
    let mut models = agents.as_array()?.iter().filter_map(|agent| agent.get("llm").and_then(Value::as_str));
    let first = models.next().filter(|model| !model.is_empty())?;
    models.all(|model| model == first).then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, said};

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
        assert_eq!(said(&read).1, ["assistant: R"]);
        let usage = read.genai.usage.unwrap();
        assert_eq!((usage.uncached_input, usage.cache_read, usage.output), (Some(500), Some(67), Some(678)));
        assert!(read.genai.aggregate);
        assert_eq!(read.genai.model.as_deref(), Some("gpt-4o"));
        let other = Sample::span("x").with(&[("crew_key", "k"), ("output.value", "plain")]).translate();
        assert_eq!(other.genai.usage, None);
    }
}
