//! Langtrace's SDK, which writes the conventions up to 1.27 (`sdks.md` 19): the tools that were offered are JSON within
//! a list, and in a prompt the calls of an earlier answer are a list in the place of its message.

use super::{Dialect, FactRow, Field, Framework, How, definitions, maybe_json::MaybeJson};
use crate::model::{Source, Translation, Value};

pub const DIALECT: Dialect = Dialect {
    name: "langtrace",
    matches,
    translate,
    ai_keys: &["langtrace."],
    facts: &[FactRow::of(Field::CacheRead, How::Count, &["gen_ai.usage.cached_tokens"])],
    frameworks: &[Framework { label: "langtrace", rank: 412, keys: &["langtrace."], ..Framework::PLAIN }],
    ..Dialect::PLAIN
};

const TOOLS: &str = "gen_ai.request.tools";

fn matches(source: &Source) -> bool {
    source.attributes.has(TOOLS) && source.attributes.has_prefix("langtrace.")
}

fn translate(source: &Source, into: &mut Translation) {
    let Some(MaybeJson::Data(lists)) = source.attributes.get(TOOLS).map(MaybeJson::of) else { return };
    for list in lists.as_array().unwrap_or_default() {
        match (list, MaybeJson::of(list)) {
            (Value::String(_), MaybeJson::Data(list)) => definitions::read(&list, &mut into.tools),
            (list, _) => definitions::read(list, &mut into.tools),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};

    #[test]
    fn a_prompt_with_a_list_of_calls_is_a_prompt() {
        let prompt = r#"[{"role":"user","content":"q"},[{"id":"","type":""}],{"role":"tool","tool_call_id":"c1",
            "content":"18C"},[{"id":"c2","function":{"name":"w","arguments":"{}"}}]]"#;
        let span = Sample::span("openai.chat.completions.create").with(&[
            ("langtrace.service.type", "llm"),
            ("gen_ai.request.model", "gpt-4o-mini"),
            (
                "gen_ai.request.tools",
                r#"["[{\"type\": \"function\", \"function\": {\"name\": \"w\", \"parameters\": {}}}]"]"#,
            ),
        ]);
        let read = span
            .typed("gen_ai.usage.input_tokens", "202")
            .typed("gen_ai.usage.cached_tokens", "64")
            .event("gen_ai.content.prompt", &[("gen_ai.prompt", prompt)])
            .translate();
        assert_eq!(sides(&read).0, ["user: q", "tool: =c1 18C", "assistant: w#c2{}"]);
        assert_eq!(read.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["w"]);
        assert_eq!(read.genai.usage.and_then(|usage| usage.cache_read), Some(64));
        assert_eq!(read.context.framework.as_deref(), Some("langtrace"));
    }
}
