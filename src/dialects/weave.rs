//! `weave`: the conventions of Weave's agents (`sdks.md` 19): those of OpenTelemetry, each key also with `weave.` in the
//! place of `gen_ai.`, and what Weave's users write beside them.

use super::{Dialect, FactRow, Field, Framework, How, KindKey, ParameterKeys, Rank, gen_ai, parts, reading};
use crate::model::{ContentKind, Message, Part, Role, Source, Translation, Value};

pub const DIALECT: Dialect = Dialect {
    name: "weave",
    content: ContentKind::Conversation,
    matches,
    translate,
    ai_keys: &["wandb.", "weave."],
    kinds: &[
        KindKey { operation_rank: Rank::BeforeConventions, ..KindKey::of_words("weave.operation.name", Rank::Own) },
        KindKey { operation: |_| None, ..KindKey::of_words("weave.span.kind", Rank::Last) },
    ],
    facts: FACTS,
    parameters: Some(ParameterKeys { prefix: "weave.request.", names: PARAMETERS }),
    frameworks: &[Framework { label: "weave", rank: 411, keys: &["wandb.", "weave."], ..Framework::PLAIN }],
    ..Dialect::PLAIN
};

const FACTS: &[FactRow] = &[
    FactRow::of(Field::Session, How::Id, &["weave.conversation.id"]),
    FactRow::of(Field::Session, How::Id, &["wandb.thread_id"]).ranked(Rank::Last),
    FactRow::of(Field::Operation, How::Text, &["weave.operation.name"]),
    FactRow::of(Field::Provider, How::Text, &["weave.provider.name", "weave.system"]),
    FactRow::of(Field::Model, How::Text, &["weave.request.model"]),
    FactRow::of(Field::ResponseModel, How::Text, &["weave.response.model"]),
    FactRow::of(Field::ResponseId, How::Text, &["weave.response.id"]),
    FactRow::of(Field::StopReason, How::Last, &["weave.response.finish_reasons"]),
    FactRow::of(Field::Agent, How::Text, &["weave.agent.name"]),
    FactRow::of(Field::AgentId, How::Text, &["weave.agent.id"]),
    FactRow::of(Field::Tool, How::Text, &["weave.tool.name"]),
    FactRow::of(Field::ToolCall, How::Id, &["weave.tool.call.id"]),
    FactRow::of(Field::ToolDescription, How::Text, &["weave.tool.description"]),
    FactRow::of(Field::Input, How::Count, &["weave.usage.input_tokens"]),
    FactRow::of(Field::Output, How::Count, &["weave.usage.output_tokens"]),
    FactRow::of(Field::CacheRead, How::Count, &["weave.usage.cache_read.input_tokens"]),
    FactRow::of(Field::CacheWrite, How::Count, &["weave.usage.cache_creation.input_tokens"]),
    FactRow::of(Field::Reasoning, How::Count, &["weave.usage.reasoning_tokens"]),
];

const PARAMETERS: &[(&str, &str)] = &[
    ("temperature", "temperature"),
    ("max_tokens", "max_tokens"),
    ("top_p", "top_p"),
    ("top_k", "top_k"),
    ("frequency_penalty", "frequency_penalty"),
    ("presence_penalty", "presence_penalty"),
    ("seed", "seed"),
    ("stop_sequences", "stop_sequences"),
];

fn matches(source: &Source) -> bool {
    !source.is_log() && (source.attributes.has_prefix("weave.") || source.attributes.has("wandb.display_name"))
}

fn translate(source: &Source, into: &mut Translation) {
    let attributes = source.attributes;
    let name = attributes.str("wandb.display_name").filter(|name| !name.trim().is_empty());
    into.context.display_name = into.context.display_name.take().or_else(|| name.map(str::to_owned));
    let get = |key: &str| -> Option<&Value> { attributes.get(&format!("weave.{}", key.strip_prefix("gen_ai.")?)) };
    let carrier = reading::carrier(source);
    let before = into.readings.len();
    gen_ai::carried(DIALECT.name, carrier, get, into);
    // The thoughts of an answer stand beside it as one text, mostly also in its messages.
    let thoughts = attributes.str("weave.reasoning_content").filter(|text| !text.is_empty());
    let answers = || into.readings[before..].iter().flat_map(|reading| &reading.completion);
    if let Some(thoughts) = thoughts.filter(|_| !answers().any(|answer| has_thoughts(answer))) {
        let answer = reading::from_parts(Role::Assistant, vec![parts::thought(thoughts)]);
        reading::push(into, DIALECT.name, carrier, Vec::new(), answer);
    }
    let query = get("gen_ai.retrieval.query.text").and_then(Value::as_str).and_then(parts::text);
    reading::push(
        into,
        DIALECT.name,
        carrier,
        reading::from_parts(Role::User, query.into_iter().collect()),
        Vec::new(),
    );
    if !into.genai.category.is_call() {
        let (arguments, result) = (get("gen_ai.tool.call.arguments"), get("gen_ai.tool.call.result"));
        let (prompt, completion) = gen_ai::execution(arguments, result, &into.genai);
        reading::push(into, DIALECT.name, carrier, prompt, completion);
    }
}

fn has_thoughts(message: &Message) -> bool {
    message.parts.iter().any(|part: &Part| matches!(part.content, crate::model::Content::Reasoning(_)))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::Category;

    #[test]
    fn a_thread_is_a_session_unless_a_conversation_is_named() {
        let span = || Sample::span("turn").with(&[("wandb.thread_id", "t1"), ("wandb.is_turn", "true")]);
        let read = span().translate();
        assert_eq!(read.context.session.as_deref(), Some("t1"));
        assert_eq!(read.context.framework.as_deref(), Some("weave"));
        for key in ["gen_ai.conversation.id", "weave.conversation.id"] {
            let named = span().with(&[(key, "c1")]).translate();
            assert_eq!(named.context.session.as_deref(), Some("c1"), "{key}");
        }
    }

    #[test]
    fn the_conventions_are_read_under_its_own_keys() {
        let chat = Sample::span("chat gpt-4o").with(&[
            ("weave.operation.name", "chat"),
            ("weave.provider.name", "openai"),
            ("weave.request.model", "gpt-4o"),
            ("weave.input.messages", r#"[{"role":"user","content":"Weather?"}]"#),
            ("weave.output.messages", r#"[{"role":"assistant","content":"75F and sunny."}]"#),
            ("weave.system_instructions", "Be brief."),
            ("weave.reasoning_content", "hm"),
        ]);
        let chat = chat.typed("weave.usage.input_tokens", "12").typed("weave.request.temperature", "0.5");
        let read = chat.typed("weave.usage.cache_read.input_tokens", "8").translate();
        assert_eq!(sides(&read).0, ["system: Be brief.", "user: Weather?"]);
        assert_eq!(sides(&read).1, ["assistant: 75F and sunny.", "assistant: (thought) hm"]);
        assert_eq!((read.genai.category, read.genai.model.as_deref()), (Category::Llm, Some("gpt-4o")));
        assert_eq!(read.genai.provider.as_deref(), Some("openai"));
        let usage = read.genai.usage.unwrap();
        assert_eq!((usage.input(), usage.cache_read), (Some(12), Some(8)));
        assert_eq!(read.genai.parameters.len(), 1);

        let tool = Sample::span("execute_tool w").with(&[
            ("weave.operation.name", "execute_tool"),
            ("weave.tool.name", "w"),
            ("weave.tool.call.id", "c1"),
            ("weave.tool.call.arguments", r#"{"city":"P"}"#),
            ("weave.tool.call.result", "18C"),
        ]);
        let read = tool.translate();
        assert_eq!(sides(&read), (vec![r#"assistant: w#c1{"city":"P"}"#.to_owned()], vec!["tool: =c1 18C".to_owned()]));
        assert_eq!(read.genai.category, Category::Tool);
    }

    #[test]
    fn people_name_spans() {
        let read = Sample::span("run").with(&[("wandb.display_name", "trajectory 7"), ("weave.span.kind", "agent")]);
        let read = read.translate();
        assert_eq!(read.context.display_name.as_deref(), Some("trajectory 7"));
        assert_eq!(read.genai.category, Category::Agent);
    }
}
