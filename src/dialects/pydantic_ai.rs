//! `pydantic-ai`: what Pydantic AI writes under names of its own (`sdks.md` 7).
//!
//! Mark: scope `pydantic-ai`. Its model calls are under the GenAI names, in the first format by events (`events`, or log
//! records); the rest by version:
//!
//! ```text
//!   agent run          all_messages_events (1), pydantic_ai.all_messages (2 and later), final_result
//!   ├ chat {model}     model_request_parameters: {function_tools, output_tools}
//!   └ running tools
//!     └ running tool   tool_arguments ─▶ tool_response (1 and 2; later gen_ai.tool.call.arguments and .result)
//! ```

use super::{
    Dialect, Framework, RecordingHints, category, definitions, gen_ai, logfire, maybe_json::MaybeJson, reading,
};
use crate::model::{Carrier, Category, ContentKind, GivenName, Message, Role, Source, Translation, Value};

pub const DIALECT: Dialect = Dialect {
    name: "pydantic-ai",
    content: ContentKind::Conversation,
    matches,
    translate,
    unstated_category: Some(unstated_category),
    is_plumbing: Some(|source| source.scope.name.starts_with("pydantic-ai") && source.name.starts_with("running ")),
    cache_in_input: Some(|source, _| source.scope.name.starts_with("pydantic-ai").then_some(true)),
    given_name: Some(given_name),
    frameworks: &[Framework {
        label: "pydantic-ai",
        rank: 170,
        scopes: &["pydantic-ai", "pydantic_ai"],
        keys: &["pydantic_ai.", PARAMETERS],
        ..Framework::PLAIN
    }],
    recording_hints: &[RecordingHints {
        scopes: &["pydantic-ai", "pydantic_ai"],
        framework: "pydantic-ai",
        messages: "Agent(…, instrument=InstrumentationSettings(include_content=True)); with event_mode='logs' export \
            the logs as well",
        session: "agent.run(…, conversation_id=\"ID\"); before there was one, metadata={\"session_id\": \"ID\"}",
        ..RecordingHints::ANY
    }],
    ..Dialect::PLAIN
};

/// The older form of an agent's span names the agent in an attribute: `agent` where it has no name.
fn given_name(source: &Source) -> Option<GivenName> {
    let is_run = source.name == "agent run" && source.scope.name.starts_with("pydantic-ai");
    let named = source.attributes.str("agent_name").filter(|name| *name != "agent");
    is_run.then(|| named.map_or(GivenName::Nothing, |name| GivenName::Part(name.to_owned())))
}

fn unstated_category(source: &Source) -> Option<Category> {
    const NAMES: &[(&str, &str, Category)] =
        &[("pydantic-ai", "agent run", Category::Agent), ("pydantic-ai", "running tools", Category::Chain)];
    category::by_scope_and_name(source, NAMES)
}

const EVENTS: &str = "all_messages_events";
const MESSAGES: &str = "pydantic_ai.all_messages";
const RESULT: &str = "final_result";
const ARGUMENTS: &str = "tool_arguments";
const RESPONSE: &str = "tool_response";
const PARAMETERS: &str = "model_request_parameters";

fn matches(source: &Source) -> bool {
    let ours = || source.scope.name.starts_with("pydantic") || logfire::is_logfire(source);
    let has = |key: &&str| source.attributes.has(key);
    [EVENTS, MESSAGES, RESULT, ARGUMENTS, RESPONSE, PARAMETERS].iter().any(has) && ours()
}

fn translate(source: &Source, into: &mut Translation) {
    let attributes = source.attributes;
    if let Some(parameters) = logfire::json(source, PARAMETERS) {
        for tools in ["function_tools", "output_tools"].iter().filter_map(|key| parameters.get(key)) {
            definitions::read(tools, &mut into.tools);
        }
    }
    let (prompt, completion) = gen_ai::execution(attributes.get(ARGUMENTS), attributes.get(RESPONSE), &into.genai);
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
    let (prompt, mut completion) = run(source, into);
    if completion.is_empty() {
        completion = attributes.get(RESULT).map_or_else(Vec::new, result);
    }
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
}

/// The whole conversation of a run: the assistant's last messages are its answer.
fn run(source: &Source, into: &mut Translation) -> (Vec<Message>, Vec<Message>) {
    if let Some(value) = source.attributes.get(MESSAGES) {
        let mut prompt = reading::messages_in_field(&MaybeJson::of(value), MESSAGES, Role::User, &mut into.notes);
        let completion = reading::take_answer(&mut prompt);
        return (prompt, completion);
    }
    let events = logfire::json(source, EVENTS);
    events.map_or_else(Default::default, |events| logfire::events(&events, true, &mut into.notes))
}

/// What a run gave: a text, or an object of its output type.
fn result(value: &Value) -> Vec<Message> {
    reading::side(MaybeJson::of(value), Role::Assistant, |_| None)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::Category;

    fn span(name: &str, pairs: &[(&str, &str)]) -> Sample {
        Sample::span(name).scope("pydantic-ai").with(pairs)
    }

    #[test]
    fn results_are_those_of_a_tool_whatever_role_brings_them() {
        let input = r#"[{"role":"user","parts":[{"type":"text","content":"q"}]},
            {"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"w","arguments":"{\"a\":1}"}]},
            {"role":"user","parts":[{"type":"tool_call_response","id":"c1","name":"w","result":"sunny"}]}]"#;
        let output =
            r#"[{"role":"assistant","parts":[{"type":"text","content":"It is sunny"}],"finish_reason":"stop"}]"#;
        let read = span("chat gpt-4o", &[("gen_ai.input.messages", input), ("gen_ai.output.messages", output)]);
        let read = read.with(&[("logfire.msg", "chat gpt-4o"), ("gen_ai.operation.name", "chat")]).translate();
        assert_eq!(sides(&read).0, ["user: q", r#"assistant: w#c1{"a":1}"#, "tool: =c1 sunny"]);
        assert_eq!(sides(&read).1, ["assistant: It is sunny"]);
        assert_eq!((read.genai.stop_reason.as_deref(), read.genai.tool), (Some("stop"), None));
    }

    #[test]
    fn a_run_is_read_from_all_its_messages() {
        let events = r#"[{"event.name":"gen_ai.system.message","content":"S","role":"system"},
            {"event.name":"gen_ai.user.message","content":"q","gen_ai.message.index":0},
            {"event.name":"gen_ai.assistant.message","gen_ai.message.index":1,
                "content":[{"kind":"thinking","text":"hm"},{"kind":"text","text":"a"}]}]"#;
        let messages = r#"[{"role":"system","parts":[{"type":"text","content":"S"}]},
            {"role":"user","parts":[{"type":"text","content":"q"}]},
            {"role":"assistant","parts":[{"type":"thinking","content":"hm"},{"type":"text","content":"a"}]}]"#;
        for (key, value) in [("all_messages_events", events), ("pydantic_ai.all_messages", messages)] {
            let read = span("agent run", &[("agent_name", "W"), (key, value), ("final_result", "a")]);
            let read = read.typed("gen_ai.usage.input_tokens", "7").translate();
            assert_eq!(sides(&read).0, ["system: S", "user: q"], "{key}");
            assert_eq!(sides(&read).1, ["assistant: (thought) hm · a"], "{key}");
            assert_eq!((read.genai.category, read.genai.agent.as_deref()), (Category::Agent, Some("W")));
            assert!(read.genai.aggregate);
        }
        let read = span("agent run", &[("agent_name", "W"), ("final_result", r#"{"city":"Paris"}"#)]).translate();
        assert_eq!(sides(&read).1, [r#"assistant: json {"city":"Paris"}"#]);
    }

    #[test]
    fn a_running_tool_shows_its_arguments_and_its_response() {
        let marks = [("gen_ai.tool.call.id", "c1"), ("tool_arguments", r#"{"a":1}"#), ("tool_response", "18C")];
        let read = span("running tool", &marks).with(&[("logfire.msg", "running tool: w")]).translate();
        assert_eq!(sides(&read), (vec![r#"assistant: w#c1{"a":1}"#.into()], vec!["tool: =c1 18C".into()]));
        assert_eq!(read.genai.category, Category::Tool);
        assert_eq!(span("running tools", &[("tools", "[]")]).translate().genai.category, Category::Chain);
    }

    #[test]
    fn tools_are_offered_in_the_parameters_of_a_request() {
        let parameters = r#"{"function_tools":[{"name":"w","description":"d","parameters_json_schema":{"type":"object"},
            "kind":"function"}],"builtin_tools":[],"output_tools":[{"name":"final_result"}]}"#;
        let read = span("chat m", &[("model_request_parameters", parameters)]).translate();
        let names: Vec<_> = read.tools.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!((names, read.tools[0].parameters.is_some()), (vec!["w", "final_result"], true));
    }
}
