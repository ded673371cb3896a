//! `genkit`: Google's Genkit, in JavaScript and Go (`sdks.md` 19).
//!
//! Marks: `genkit:type`, `genkit:metadata:subtype`. Input and output are JSON; a message has `role` and `content`:
//!
//! ```text
//!   model   {"messages": […], "tools": […], "config": {…}} ─▶ {"message": …, "finishReason", "usage": {"inputTokens", …}}
//!   tool    its arguments ─▶ what it returned
//!   flow    what a program's own function took and gave
//!   util    `generate`, around each request and again around the next one
//!
//!   content   {"text"}, {"reasoning"}, {"media": {"url", "contentType"}}, {"data"}
//!             {"toolRequest": {"name", "ref", "input"}}, {"toolResponse": {"name", "ref", "output", "content"}}: the
//!             `content` of a response is further parts, such as an image
//! ```

use super::{
    Dialect, FactRow, Field, Framework, How, KindKey, Rank,
    calls::{self, made},
    definitions, function_io,
    maybe_json::MaybeJson,
    parts, provider,
    provider::Named,
    provider_payload, provider_payload_facts, reading, token_counts,
};
use crate::model::{
    Carrier, Category, Content, ContentKind, GivenName, Message, Part, Role, Source, ToolResult, Translation, Value,
};

pub const DIALECT: Dialect = Dialect {
    name: "genkit",
    content: ContentKind::Conversation,
    matches,
    translate,
    is_plumbing: Some(|source| source.attributes.str("genkit:type") == Some("util")),
    kinds: &[KindKey { category, ..KindKey::of_words("genkit:metadata:subtype", Rank::BeforeConventions) }],
    unstated_category: Some(|source| source.attributes.has("genkit:type").then_some(Category::Chain)),
    ai_keys: &["genkit:"],
    facts: &[FactRow::of(Field::Session, How::Id, &["genkit:sessionId"])],
    complete_facts: Some(name_model),
    quotes_results: &["genkit-tracer"],
    frameworks: &[Framework {
        label: "genkit",
        rank: 205,
        scopes: &["genkit-tracer"],
        keys: &["genkit:"],
        ..Framework::PLAIN
    }],
    given_name: Some(given_name),
    ..Dialect::PLAIN
};

/// What calls a model on behalf of a flow is called so by the framework.
fn given_name(source: &Source) -> Option<GivenName> {
    (source.attributes.str("genkit:type") == Some("util")).then_some(GivenName::Nothing)
}

const INPUT: &str = "genkit:input";
const OUTPUT: &str = "genkit:output";

fn matches(source: &Source) -> bool {
    !source.is_log() && source.attributes.has("genkit:type")
}

/// The category that a kind of action means. What a program named, a flow and its steps, is a chain.
fn category(kind: &str) -> Option<Category> {
    Some(match kind {
        "model" | "background-model" => Category::Llm,
        "tool" | "tool.v2" => Category::Tool,
        "embedder" => Category::Embedding,
        "retriever" => Category::Retriever,
        "reranker" => Category::Reranker,
        "evaluator" => Category::Evaluator,
        "" => return None,
        _ => Category::Chain,
    })
}

/// An action of a model is called by its plugin and the model: `googleai/gemini-2.5-flash`.
fn name_model(source: &Source, into: &mut Translation) {
    let is_model = source.attributes.str("genkit:metadata:subtype").and_then(category).is_some_and(Category::is_call);
    let Some(name) = source.attributes.str("genkit:name").filter(|_| is_model) else { return };
    let (plugin, model) = name.split_once('/').map_or((None, name), |(plugin, model)| (Some(plugin), model));
    into.genai.model.get_or_insert_with(|| model.to_owned());
    let named = plugin.and_then(provider::named);
    if let (None, Some(Named::Provider(name))) = (&into.genai.provider, named) {
        into.genai.provider = Some(name);
    }
}

fn translate(source: &Source, into: &mut Translation) {
    let data = |key| source.attributes.get(key).map(MaybeJson::of);
    match into.genai.category {
        Category::Llm => {
            let decoded = |key| data(key).and_then(MaybeJson::into_data).unwrap_or(Value::Null);
            let (input, output) = (decoded(INPUT), decoded(OUTPUT));
            if let Some(config) = input.get("config") {
                provider_payload_facts::of_request(config, &mut into.genai);
            }
            if let Some(tools) = input.get("tools") {
                definitions::read(tools, &mut into.tools);
            }
            let raw = output.get("raw").or_else(|| output.get("custom"));
            if let Some(raw) = raw {
                provider_payload_facts::of_response(raw, &mut into.genai);
            }
            if let Some(usage) = output.get("usage") {
                token_counts::read(usage, &mut into.genai.reported);
            }
            if let Some(reason) = output.str("finishReason") {
                into.genai.stop_reason.get_or_insert_with(|| reason.to_owned());
            }
            let prompt = input.get("messages").and_then(Value::as_array).unwrap_or_default();
            let answer =
                output.get("message").or_else(|| output.get("candidates")?.as_array()?.first()?.get("message"));
            let prompt = prompt.iter().flat_map(message).collect();
            let mut completion: Vec<Message> = answer.into_iter().flat_map(message).collect();
            if let ([answer], Some(raw)) = (&mut completion[..], raw) {
                add_what_stands_beside_calls(raw, answer);
            }
            reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
        }
        // Each holds what the requests beneath it hold.
        _ if source.attributes.str("genkit:type") == Some("util") => {}
        _ => function_io::read(source, DIALECT.name, data(INPUT), data(OUTPUT), into),
    }
}

/// Adds the texts and thoughts beside calls, which some plugins leave out of the message: the provider's response has them.
fn add_what_stands_beside_calls(raw: &Value, answer: &mut Message) {
    let calls = |parts: &[Part]| parts.iter().filter(|part| matches!(part.content, Content::Call(_))).count();
    let responses = provider_payload::messages(raw, Role::Assistant).unwrap_or_default();
    let Ok([response]) = <[Message; 1]>::try_from(responses) else { return };
    if !answer.parts.is_empty()
        && calls(&answer.parts) == answer.parts.len()
        && calls(&response.parts) == answer.parts.len()
    {
        let is_said = |part: &Part| matches!(part.content, Content::Text(_) | Content::Reasoning(_));
        answer.parts.splice(0..0, response.parts.into_iter().filter(is_said));
    }
}

fn message(value: &Value) -> Vec<Message> {
    let role = value.str("role").and_then(reading::role).unwrap_or(Role::User);
    let content = value.get("content").and_then(Value::as_array).unwrap_or_default();
    let mut read = Vec::new();
    for item in content {
        part(item, &mut read);
    }
    reading::from_parts(role, read)
}

fn part(item: &Value, into: &mut Vec<Part>) {
    let id = |of: &Value| of.str("ref").filter(|id| !id.is_empty()).map(str::to_owned);
    if let Some(call) = item.get("toolRequest") {
        let input = call.get("input").cloned().unwrap_or(Value::Map(Vec::new()));
        into.push(made(id(call), call.str("name").unwrap_or_default(), input, false));
    } else if let Some(response) = item.get("toolResponse") {
        let mut content = Vec::new();
        if let Some(output) = response.get("output") {
            calls::returned(output, &mut content);
        }
        for further in response.get("content").and_then(Value::as_array).unwrap_or_default() {
            part(further, &mut content);
        }
        let name = response.str("name").map(str::to_owned);
        into.push(Part::new(Content::Result(ToolResult { call_id: id(response), name, is_error: None, content })));
    } else if let Some(media) = item.get("media") {
        let url = media.get("url").cloned().unwrap_or(Value::Null);
        let image = Value::Map(vec![("url".to_owned(), url)]);
        let kind = Value::String("image_url".to_owned());
        parts::content(&Value::Map(vec![("type".to_owned(), kind), ("image_url".to_owned(), image)]), into);
    } else if let Some(words) = item.str("reasoning") {
        into.push(parts::thought(words));
    } else if let Some(data) = item.get("data") {
        into.push(Part::new(Content::Json(data.clone())));
    } else {
        parts::content(item, into);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::Category;

    #[test]
    fn a_model_answers_with_calls_whose_results_come_back() {
        let input = r#"{"messages":[{"role":"system","content":[{"text":"Be brief."}]},
            {"role":"user","content":[{"text":"How many?"}]},
            {"role":"model","content":[{"toolRequest":{"name":"count","ref":"c1","input":{"sku":"a"}}}]},
            {"role":"tool","content":[{"toolResponse":{"name":"count","ref":"c1","output":"42"}}]}],
            "tools":[{"name":"count","description":"Counts.","inputSchema":{"type":"object"}}]}"#;
        let output = r#"{"finishReason":"stop","message":{"role":"model","content":[{"reasoning":"Hm."},{"text":"42"}]},
            "usage":{"inputTokens":9,"outputTokens":2}}"#;
        let span = Sample::span("openai/gpt-4o-mini").scope("genkit-tracer").with(&[
            ("genkit:type", "action"),
            ("genkit:metadata:subtype", "model"),
            ("genkit:name", "openai/gpt-4o-mini"),
            ("genkit:input", input),
            ("genkit:output", output),
        ]);
        let read = span.translate();
        let prompt = ["system: Be brief.", "user: How many?", r#"assistant: count#c1{"sku":"a"}"#, "tool: =c1 42"];
        assert_eq!(
            sides(&read),
            (prompt.map(str::to_owned).to_vec(), vec!["assistant: (thought) Hm. · 42".to_owned()])
        );
        assert_eq!((read.genai.category, read.genai.model.as_deref()), (Category::Llm, Some("gpt-4o-mini")));
        assert_eq!(read.genai.provider.as_deref(), Some("openai"));
        assert_eq!(read.tools.len(), 1);
        assert_eq!(read.genai.reported.input, Some(9));
    }

    #[test]
    fn the_text_beside_calls_that_a_plugin_dropped_is_that_of_the_response() {
        let answer = |raw: &str| {
            let message =
                r#"{"role":"model","content":[{"toolRequest":{"name":"count","ref":"c1","input":{"sku":"a"}}}]}"#;
            let output = format!(r#"{{"message":{message},"raw":{{"choices":[{{"index":0,"message":{raw}}}]}}}}"#);
            let pairs = [("genkit:type", "action"), ("genkit:metadata:subtype", "model"), ("genkit:output", &*output)];
            sides(&Sample::span("m").scope("genkit-tracer").with(&pairs).translate()).1
        };
        let call = r#"{"id":"c1","type":"function","function":{"name":"count","arguments":"{\"sku\": \"a\"}"}}"#;
        let whole = format!(r#"{{"role":"assistant","content":"Let me count.","tool_calls":[{call}]}}"#);
        assert_eq!(answer(&whole), [r#"assistant: Let me count. · count#c1{"sku":"a"}"#]);
        // The response is another.
        assert_eq!(answer(r#"{"role":"assistant","content":"Three."}"#), [r#"assistant: count#c1{"sku":"a"}"#]);
    }

    #[test]
    fn a_tools_response_may_have_further_parts() {
        let input = r#"{"messages":[{"role":"tool","content":[{"toolResponse":{"name":"draw","ref":"c1",
            "output":{"ok":true},"content":[{"text":"A cat."},
            {"media":{"contentType":"image/png","url":"data:image/png;base64,aGk="}}]}}]}]}"#;
        let span = Sample::span("m").scope("genkit-tracer").with(&[
            ("genkit:type", "action"),
            ("genkit:metadata:subtype", "model"),
            ("genkit:sessionId", "s1"),
            ("genkit:input", input),
        ]);
        let read = span.translate();
        assert_eq!(sides(&read).0, [r#"tool: =c1 json {"ok":true} + A cat. + <image image/png 2 bytes>"#]);
        assert_eq!(read.context.session.as_deref(), Some("s1"));
    }

    #[test]
    fn flows_are_steps_and_what_generates_is_plumbing() {
        let of = |kind: &str, subtype: &[(&str, &str)]| {
            let read =
                Sample::span("x").scope("genkit-tracer").with(&[("genkit:type", kind)]).with(subtype).translate();
            (read.genai.category, read.plumbing)
        };
        assert_eq!(of("action", &[("genkit:metadata:subtype", "flow")]), (Category::Chain, false));
        assert_eq!(of("flowStep", &[]), (Category::Chain, false));
        assert_eq!(of("util", &[]), (Category::Chain, true));
    }
}
