//! `laminar`: Laminar's SDK (`sdks.md` 17): the input and output of whatever a span is.
//!
//! Marks: `lmnr.span.input`, `lmnr.span.output`, JSON of messages or of anything; `lmnr.span.type` states the kind.

use super::{
    ByProvider, Dialect, FactRow, Field, Framework, How, KindKey, Rank, gen_ai,
    maybe_json::{MaybeJson, unquoted},
    parts, provider_payload, reading,
};
use crate::model::{Carrier, Category, ContentKind, Message, Role, Source, Translation, Value};

pub const DIALECT: Dialect = Dialect {
    name: "laminar",
    content: ContentKind::FunctionIo,
    matches,
    translate,
    kinds: &[KindKey { operation: |_| None, ..KindKey::of_words("lmnr.span.type", Rank::Own) }],
    ai_keys: &["lmnr."],
    facts: &[
        FactRow::of(Field::Session, How::Id, &["lmnr.association.properties.session_id"]),
        FactRow::of(Field::User, How::Id, &["lmnr.association.properties.user_id"]),
    ],
    tags: &["lmnr.association.properties.tags"],
    // Laminar's own entries and those of the program are under one prefix.
    metadata_prefixes: &[("lmnr.association.properties.", "metadata.")],
    cache_in_input: Some(cache_in_input),
    frameworks: &[Framework { label: "laminar", rank: 390, scopes: &["lmnr."], keys: &["lmnr."], ..Framework::PLAIN }],
    ..Dialect::PLAIN
};

/// The SDK for Python sums what Anthropic counts apart.
fn cache_in_input(source: &Source, _: ByProvider) -> Option<bool> {
    let is_python = source.attributes.str("lmnr.span.instrumentation_source") == Some("python");
    (source.scope.name == "lmnr.tracer" && is_python).then_some(true)
}

const INPUT: &str = "lmnr.span.input";
const OUTPUT: &str = "lmnr.span.output";

fn matches(source: &Source) -> bool {
    !source.is_log() && (source.attributes.has(INPUT) || source.attributes.has(OUTPUT))
}

fn translate(source: &Source, into: &mut Translation) {
    let (input, output) = (source.attributes.get(INPUT), source.attributes.get(OUTPUT));
    let (prompt, completion) = if into.genai.category == Category::Tool {
        into.genai.tool.get_or_insert_default().name.get_or_insert_with(|| source.name.to_owned());
        gen_ai::execution(input, output, &into.genai)
    } else {
        (messages(input, Role::User), messages(output, Role::Assistant))
    };
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
}

fn messages(value: Option<&Value>, role: Role) -> Vec<Message> {
    let Some(value) = value else { return vec![] };
    match MaybeJson::of(value) {
        // Every value is JSON, texts too.
        MaybeJson::Text(text) => {
            reading::from_parts(role, parts::text(unquoted(text).as_deref().unwrap_or(text)).into_iter().collect())
        }
        value => reading::side(value, role, |data| provider_payload::messages_or_blocks(data, role)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::Category;

    #[test]
    fn a_call_has_its_messages_and_its_session() {
        let read = Sample::span("openai.chat")
            .with(&[
                ("lmnr.span.type", "LLM"),
                ("lmnr.span.input", r#"[{"role":"user","content":"q"}]"#),
                ("lmnr.span.output", r#"{"role":"assistant","content":"a"}"#),
                ("lmnr.association.properties.session_id", "s9"),
            ])
            .translate();
        assert_eq!(sides(&read), (vec!["user: q".to_owned()], vec!["assistant: a".to_owned()]));
        assert_eq!((read.genai.category, read.context.session.as_deref()), (Category::Llm, Some("s9")));
    }

    #[test]
    fn tags_and_metadata_are_the_programs() {
        let read = Sample::span("agent")
            .scope("lmnr.tracer")
            .typed("lmnr.association.properties.tags", r#"["a","b"]"#)
            .with(&[("lmnr.association.properties.metadata.tenant", "acme")])
            .translate();
        assert_eq!(read.context.tags, ["a", "b"]);
        assert!(read.context.metadata.contains(&("tenant".to_owned(), "acme".into())));
    }

    #[test]
    fn a_call_of_gemini_has_its_contents_and_candidates() {
        let asked = r#"[{"parts":[{"text":"S"}],"role":"system"},{"parts":[{"text":"q"}],"role":"user"},
            {"parts":[{"function_call":{"name":"w","args":{"city":"P"}}}],"role":"model"},
            {"parts":[{"function_response":{"name":"w","response":{"result":"18C"}}}],"role":"user"}]"#;
        let answered = r#"[{"content":{"parts":[{"text":"hm","thought":true},{"text":"Warm."}],"role":"model"},
            "finish_reason":"STOP"}]"#;
        let read = Sample::span("gemini.generate_content")
            .scope("lmnr.tracer")
            .with(&[("lmnr.span.type", "LLM"), ("gen_ai.system", "gemini")])
            .with(&[("gen_ai.input.messages", asked), ("gen_ai.output.messages", answered)])
            .translate();
        assert_eq!(
            sides(&read).0,
            ["system: S", "user: q", r#"assistant: w#-{"city":"P"}"#, r#"tool: =- json {"result":"18C"}"#]
        );
        assert_eq!(sides(&read).1, ["assistant: (thought) hm · Warm."]);
        assert_eq!(read.genai.stop_reason.as_deref(), Some("STOP"));
    }

    #[test]
    fn a_call_of_openai_or_claude_has_the_providers_own_messages() {
        let choice = r#"[{"finish_reason":"tool_calls","index":0,"message":{"content":"So.","role":"assistant",
            "tool_calls":[{"id":"c1","function":{"arguments":"{}","name":"w"},"type":"function"}]}}]"#;
        let blocks = r#"[{"role":"assistant","content":[{"signature":"eA==","thinking":"hm","type":"thinking"},
            {"citations":null,"text":"So.","type":"text"},{"id":"c1","input":{},"name":"w","type":"tool_use"}]}]"#;
        let items = r#"[{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},
            {"id":"msg_1","type":"message","role":"assistant","content":[{"type":"output_text","text":"So."}]},
            {"id":"fc_1","call_id":"c1","type":"function_call","name":"w","arguments":"{}"}]"#;
        for (answered, thought) in [(choice, ""), (blocks, "(thought) hm · "), (items, "(thought) hm · ")] {
            let read = Sample::span("chat").with(&[("lmnr.span.type", "LLM"), ("gen_ai.output.messages", answered)]);
            let answer = sides(&read.translate()).1.join(" · ").replace(" · assistant: ", " · ");
            assert_eq!(answer, format!("assistant: {thought}So. · w#c1{{}}"), "{answered}");
        }
    }

    #[test]
    fn a_tool_has_its_arguments_and_its_result() {
        let read = Sample::span("get_weather")
            .with(&[
                ("lmnr.span.type", "TOOL"),
                ("lmnr.span.input", r#"{"city":"Paris"}"#),
                ("lmnr.span.output", "\"18C\""),
            ])
            .translate();
        let (prompt, completion) = sides(&read);
        assert_eq!(prompt, [r#"assistant: get_weather#-{"city":"Paris"}"#]);
        assert!(completion[0].contains("18C"), "{completion:?}");
        assert_eq!(read.dialects, ["laminar"]);
    }

    #[test]
    fn a_plain_text_stays_one() {
        let read = Sample::span("step").with(&[("lmnr.span.output", "\"done\"")]).translate();
        assert_eq!(sides(&read).1, ["assistant: done"]);
    }
}
