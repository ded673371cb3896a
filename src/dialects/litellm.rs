//! `litellm`: LiteLLM's own callback (`sdks.md` 19), in its SDK and its proxy.
//!
//! ```text
//!   a request    gen_ai.input.messages, gen_ai.output.messages: `genai-3`, but an answer's calls stand apart, without ids:
//!                gen_ai.completion.N.function_call.{name, arguments}, where N counts calls; llm.request.functions.N.…
//!                metadata.usage_object (Python), gen_ai.cost.total_cost
//!   └ the same   llm.PROVIDER.FIELD: the fields of the request as it was sent and of the response, as Python prints them
//! ```
//!
//! The second has what the first leaves out: ids, reasoning, caches. Streams leave it empty. Where a program has a span
//! around its calls, it is all that is left of them: the first is then written onto that span, if that still runs.

use std::sync::Arc;

use super::{
    Dialect, FactRow, Field, Framework, How, RecordingHints, calls, definitions, gen_ai, indexed,
    lenient::{self, Notation},
    maybe_json::MaybeJson,
    openllmetry, parameters,
    provider::{self, Named},
    provider_payload, provider_payload_facts, reading, token_counts,
};
use crate::model::{
    Carrier, Category, Content, ContentKind, GenAi, Message, Part, Role, Source, Translation, Usd, Value,
};

pub const DIALECT: Dialect = Dialect {
    name: "litellm",
    content: ContentKind::Conversation,
    matches: |source| is_request(source) || raw(source).is_some(),
    translate,
    replaces: Some((openllmetry::DIALECT.name, is_request)),
    category: Some(category),
    ai_keys: &["litellm."],
    // It makes one sum of all kinds of input, whoever's model it calls.
    cache_in_input: Some(|source, _| source.scope.name.contains(SCOPE).then_some(true)),
    facts: &[FactRow::of(Field::Cost, How::Dollars, &["gen_ai.cost.total_cost"])],
    frameworks: &[Framework {
        label: "litellm",
        rank: 345,
        keys: &["litellm."],
        short_scopes: &["litellm"],
        ..Framework::PLAIN
    }],
    recording_hints: &[RecordingHints {
        framework: "litellm",
        messages: "leave litellm.turn_off_message_logging off",
        ..RecordingHints::ANY
    }],
    ..Dialect::PLAIN
};

const SCOPE: &str = "litellm";

/// Whether a request's attributes are on this span: LiteLLM's own, or one that a program has around its calls.
fn is_request(source: &Source) -> bool {
    !source.is_log() && source.attributes.has("litellm.call_id")
}

/// A request as it was sent, and its response.
struct Raw<'a> {
    provider: &'a str,
    /// Their fields by name. Where both have one of that name, it is the response's.
    fields: Vec<(&'a str, &'a Value)>,
}

fn raw<'a>(source: &Source<'a>) -> Option<Raw<'a>> {
    if source.is_log() || source.scope.name != SCOPE || source.attributes.has("llm.request.type") {
        return None;
    }
    let mut fields = source.attributes.under("llm.").filter_map(|(name, value)| {
        let (provider, field) = name.split_once('.')?;
        Some((provider, (field, value)))
    });
    let (provider, first) = fields.next()?;
    let rest = fields.filter(|(other, _)| *other == provider).map(|(_, field)| field);
    Some(Raw { provider, fields: std::iter::once(first).chain(rest).collect() })
}

/// Fields of requests that hold messages.
const ASKED: &[&str] = &[
    "messages",
    "contents",
    "input",
    "inputs",
    "prompt",
    "system",
    "systemInstruction",
    "system_instruction",
    "instructions",
];

/// Fields of responses that hold answers.
const ANSWERED: &[&str] = &["choices", "candidates", "content", "output", "message", "completion"];

/// The category of a request as it was sent; and of a program's span on which a request was written: more than one may
/// be beneath it.
fn category(source: &Source) -> Option<Category> {
    if is_request(source) && source.scope.name != SCOPE && source.name != "litellm_request" {
        return Some(Category::Chain);
    }
    let Raw { fields, .. } = raw(source)?;
    let has = |name: &str| fields.iter().any(|(field, _)| *field == name);
    if has("input") && (has("data") || has("embeddings")) {
        return Some(Category::Embedding);
    }
    ASKED.iter().chain(ANSWERED).any(|name| has(name)).then_some(Category::Llm)
}

fn translate(source: &Source, into: &mut Translation) {
    match raw(source) {
        Some(raw) => exchange(&raw, into),
        None => request(source, into),
    }
}

fn request(source: &Source, into: &mut Translation) {
    let attributes = source.attributes;
    if let Some(functions) = indexed::tree(attributes, "llm.request.functions.") {
        definitions::read(&functions, &mut into.tools);
    }
    let usage = attributes.get("metadata.usage_object").map(MaybeJson::or_python);
    if let Some(usage) = usage.and_then(MaybeJson::into_data) {
        token_counts::read(&usage, &mut into.genai.reported);
    }
    // It has no price for the model.
    if into.genai.reported.cost == Usd::from_dollars(0.0) {
        into.genai.reported.cost = None;
    }
    let listed = indexed::tree(attributes, "gen_ai.completion.");
    let listed = listed.as_ref().and_then(Value::as_array).unwrap_or_default();
    let called: Vec<Part> = listed.iter().filter_map(|item| calls::call(item.get("function_call")?)).collect();
    if called.is_empty() {
        return;
    }
    let is_call = |part: &Part| matches!(part.content, Content::Call(_));
    let of_conventions = into.readings.iter_mut().rfind(|reading| reading.dialect == gen_ai::DIALECT.name);
    match of_conventions {
        // The Responses API's calls are among its messages as well.
        Some(reading) if reading.completion.iter().any(|message| message.parts.iter().any(is_call)) => {}
        Some(reading) => match reading.completion.last_mut() {
            Some(message) => Arc::make_mut(message).parts.extend(called),
            None => reading.completion.push(Arc::new(Message::new(Role::Assistant, called))),
        },
        None => {
            let completion = reading::from_parts(Role::Assistant, called);
            reading::push(into, DIALECT.name, (Carrier::Attributes, None), Vec::new(), completion);
        }
    }
}

fn exchange(raw: &Raw, into: &mut Translation) {
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    for (name, value) in &raw.fields {
        let is_asked = ASKED.contains(name);
        (if is_asked { &mut asked } else { &mut answered }).push(((*name).to_owned(), printed(value)));
    }
    let (asked, answered) = (Value::Map(asked), Value::Map(answered));
    facts(raw, &answered, &mut into.genai);
    if let Some(tools) = answered.get("tools").or_else(|| answered.get("toolConfig")) {
        definitions::read(tools, &mut into.tools);
    }
    if into.genai.category != Category::Llm {
        return;
    }
    let message = answered.get("message").filter(|message| message.as_map().is_some());
    let completion = match message {
        Some(message) => reading::messages(message, Role::Assistant),
        None => provider_payload::response(&answered).unwrap_or_default(),
    };
    let prompt = provider_payload::request(&asked).unwrap_or_default();
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
}

/// What stands beside the messages. Not the response's id: LiteLLM gives responses ids of its own.
fn facts(raw: &Raw, fields: &Value, genai: &mut GenAi) {
    let id = genai.response_id.take();
    provider_payload_facts::of_response(fields, genai);
    genai.response_id = id;
    parameters::of_request(fields, &mut genai.parameters);
    if let (None, Some(Named::Provider(name))) = (&genai.provider, provider::named(raw.provider)) {
        genai.provider = Some(name);
    }
    genai.model = genai.model.take().or_else(|| genai.response_model.clone());
}

/// A value that Python printed, as data; a text as it is.
fn printed(value: &Value) -> Value {
    let read = value.as_str().and_then(|text| lenient::parse(text, Notation::Objects)).filter(|read| !read.cut);
    read.map_or_else(|| value.clone(), |read| read.value)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use super::*;

    #[test]
    fn an_answers_calls_stand_apart() {
        let read = Sample::span("litellm_request").scope("litellm").with(&[
            ("litellm.call_id", "x"),
            ("llm.request.type", "completion"),
            ("gen_ai.request.model", "gpt-4o-mini"),
            ("gen_ai.input.messages", r#"[{"role":"user","parts":[{"type":"text","content":"q"}]}]"#),
            ("gen_ai.output.messages", r#"[{"role":"assistant","parts":[{"type":"text","content":"Look."}]}]"#),
            ("gen_ai.completion.0.function_call.name", "w"),
            ("gen_ai.completion.0.function_call.arguments", r#"{"a": 1}"#),
            ("gen_ai.completion.1.function_call.name", "v"),
            ("gen_ai.completion.1.function_call.arguments", "{}"),
            ("llm.request.functions.0.name", "w"),
            ("metadata.usage_object", "{'prompt_tokens': 268, 'prompt_tokens_details': {'cached_tokens': 128}}"),
        ]);
        let read = read.typed("gen_ai.usage.input_tokens", "268").typed("gen_ai.cost.total_cost", "0.5").translate();
        assert_eq!(
            sides(&read),
            (vec!["user: q".to_owned()], vec![r#"assistant: Look. · w#-{"a":1} · v#-{}"#.to_owned()])
        );
        let reported = read.genai.reported;
        assert_eq!((reported.cache_read, reported.cost, read.tools.len()), (Some(128), Usd::from_dollars(0.5), 1));
        assert_eq!(read.genai.usage.and_then(|usage| usage.uncached_input), Some(140));
    }

    #[test]
    fn the_request_as_it_was_sent_is_read() {
        let claude = [
            ("llm.anthropic.system", "[{'type': 'text', 'text': 'S'}]"),
            ("llm.anthropic.messages", "[{'role': 'user', 'content': [{'type': 'text', 'text': \"it's q\"}]}]"),
            ("llm.anthropic.id", "msg_1"),
            ("llm.anthropic.role", "assistant"),
            ("llm.anthropic.type", "message"),
            ("llm.anthropic.model", "claude-sonnet-4-5"),
            (
                "llm.anthropic.content",
                "[{'type': 'thinking', 'thinking': 'Hm.', 'signature': 's'}, {'type': 'tool_use', 'id': 'c1', 'name': 'w', 'input': {}}]",
            ),
            ("llm.anthropic.usage", "{'input_tokens': 268, 'cache_read_input_tokens': 128, 'output_tokens': 19}"),
        ];
        let read = Sample::span("raw_gen_ai_request").scope("litellm").with(&claude).translate();
        let prompt = vec!["system: S".to_owned(), "user: it's q".to_owned()];
        assert_eq!(sides(&read), (prompt, vec!["assistant: (thought) Hm. · w#c1{}".to_owned()]));
        let usage = read.genai.usage.unwrap_or_default();
        assert_eq!((read.genai.category, usage.input(), usage.cache_read), (Category::Llm, Some(396), Some(128)));
        assert_eq!((read.genai.provider.as_deref(), read.genai.response_id), (Some("anthropic"), None));
        let openai = [
            (
                "llm.openai.messages",
                "[{'role': 'user', 'content': 'q'}, Message(content=None, role='assistant', tool_calls=[Call(function=Function(arguments='{}', name='w'), id='c1', type='function')]), {'role': 'tool', 'tool_call_id': 'c1', 'content': ''}]",
            ),
            (
                "llm.openai.choices",
                "[{'finish_reason': 'stop', 'index': 0, 'message': {'content': \"[]\", 'role': 'assistant'}}]",
            ),
        ];
        let read = Sample::span("raw_gen_ai_request").scope("litellm").with(&openai).translate();
        let prompt = ["user: q", "assistant: w#c1{}", "tool: =c1 "].map(str::to_owned).to_vec();
        assert_eq!(
            (sides(&read), read.genai.stop_reason.as_deref()),
            ((prompt, vec!["assistant: []".to_owned()]), Some("stop"))
        );
    }

    #[test]
    fn a_programs_span_is_no_call() {
        let on = |scope: &str, name: &str| {
            let pairs = [("litellm.call_id", "x"), ("llm.request.type", "completion")];
            Sample::span(name).scope(scope).with(&pairs).translate().genai.category
        };
        assert_eq!(on("my-app", "turn"), Category::Chain);
        assert_eq!((on("litellm", "turn"), on("other", "litellm_request")), (Category::Llm, Category::Llm));
    }

    #[test]
    fn embeddings_and_streams_are_no_conversations() {
        let embedding =
            [("llm.openai.input", "['a']"), ("llm.openai.data", "[{'embedding': [0.1]}]"), ("llm.openai.model", "e")];
        let read = Sample::span("raw_gen_ai_request").scope("litellm").with(&embedding).translate();
        assert_eq!((read.genai.category, read.readings.len()), (Category::Embedding, 0));
        assert_eq!(Sample::span("raw_gen_ai_request").scope("litellm").translate().genai.category, Category::Span);
    }
}
