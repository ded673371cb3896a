//! `traceloop`: what workflows, tasks, agents and tools were given and gave back (`conventions.md` 5).
//!
//! ```text
//! traceloop.span.kind = workflow | task | agent | tool | handoff, traceloop.entity.{name, input, output}
//!   of a decorated function  {"args": ["q"], "kwargs": {}} ─▶ the returned value as JSON
//!   through LangChain        {"inputs": {"messages": [..]}, "tags", "metadata", "kwargs"} ─▶ {"outputs": .., "kwargs"}
//!                            {"input_str": "{'city': 'P'}", "inputs": .., "kwargs": {"tool_call_id"}} ─▶ {"output": ..}
//! crewai.task.description, crewai.crew.{result, token_usage}     through CrewAI
//! ```
//!
//! Newer versions have the same in `gen_ai.task.{input, output}` and `gen_ai.tool.call.{arguments, result}`. Model calls
//! are in `openllmetry.rs`.

use super::{
    Dialect, FactRow, Field, How, KindKey, Rank, calls, category, function_io, gen_ai, langchain,
    maybe_json::{MaybeJson, unquoted},
    openllmetry, parts, reading, token_counts,
};
use crate::model::{
    Carrier, Category, ContentKind, GenAi, GivenName, Message, Reported, Role, Source, Translation, Value,
};

pub const DIALECT: Dialect = Dialect {
    name: "traceloop",
    content: ContentKind::FunctionIo,
    matches,
    translate,
    kinds: &[KindKey::of_words("traceloop.span.kind", Rank::Own)],
    unstated_category: Some(within_agent),
    ai_keys: &["traceloop."],
    facts: FACTS,
    complete_facts: Some(name_entity),
    metadata_prefixes: &[("traceloop.association.properties.", "")],
    given_name: Some(given_name),
    ..Dialect::PLAIN
};

/// People's functions have their kind at the end of their name: `desk.workflow`.
fn given_name(source: &Source) -> Option<GivenName> {
    let kind = source.attributes.str("traceloop.span.kind")?;
    super::without_ending(source.name, &format!(".{kind}"))
}

const FACTS: &[FactRow] = &[
    FactRow::of(
        Field::Session,
        How::Id,
        &[
            "traceloop.association.properties.session_id",
            "traceloop.association.properties.thread_id",
            "traceloop.association.properties.chat_id",
            "traceloop.association.properties.conversation_id",
        ],
    ),
    FactRow::of(Field::User, How::Id, &["traceloop.association.properties.user_id"]),
    FactRow::of(Field::ProviderBehind, How::Text, &["traceloop.association.properties.ls_provider"]),
];

/// Traceloop writes the name of an agent on every span within it, whatever that is of: none of them is an agent's.
fn within_agent(source: &Source) -> Option<Category> {
    let attributes = source.attributes;
    let is_others = attributes.has("gen_ai.agent.name")
        && (attributes.has("traceloop.workflow.name") || attributes.has("traceloop.entity.path"))
        && !attributes.has("traceloop.span.kind")
        && !openllmetry::is_openllmetry(source);
    if !is_others {
        return None;
    }
    let of_model = |model: &str| if model.contains("embed") { Category::Embedding } else { Category::Llm };
    let called = attributes.str("gen_ai.request.model").map(of_model);
    called.or_else(|| category::infrastructure(source)).or(Some(Category::Span))
}

/// The agent or the tool that a span is of: its entity, which the span is named after, too.
fn name_entity(source: &Source, into: &mut Translation) {
    let kind = source.attributes.str("traceloop.span.kind");
    let named = |ending: &str| {
        let entity = source.attributes.str("traceloop.entity.name");
        entity.or_else(|| source.name.strip_suffix(ending)).map(str::to_owned)
    };
    match kind {
        Some("agent") if into.genai.agent.is_none() => into.genai.agent = named(".agent"),
        Some("tool") => {
            let tool = into.genai.tool.get_or_insert_default();
            tool.name = tool.name.take().or_else(|| named(".tool"));
        }
        _ => {}
    }
}

const GIVEN: &[&str] =
    &["gen_ai.tool.call.arguments", "traceloop.entity.input", "gen_ai.task.input", "crewai.task.description"];
const RETURNED: &[&str] =
    &["gen_ai.tool.call.result", "traceloop.entity.output", "gen_ai.task.output", "crewai.crew.result"];
const CREW_USAGE: &str = "crewai.crew.token_usage";

fn matches(source: &Source) -> bool {
    let attributes = source.attributes;
    attributes.has("traceloop.entity.input")
        || attributes.has("traceloop.entity.output")
        || (openllmetry::is_openllmetry(source) && GIVEN.iter().chain(RETURNED).any(|key| attributes.has(key)))
}

fn translate(source: &Source, into: &mut Translation) {
    let kind = into.genai.category;
    let is_read = |key: &&&str| {
        // Of another's span only what is this dialect's own.
        openllmetry::is_openllmetry(source) || key.starts_with("traceloop.")
    };
    let first = |keys: &[&str]| keys.iter().filter(is_read).find_map(|key| source.attributes.get(key));
    let (given, returned) = (first(GIVEN), first(RETURNED));
    if let (Category::Chain | Category::Span, Some(usage)) = (kind, source.attributes.str(CREW_USAGE)) {
        token_counts::read(&token_counts::printed(usage), &mut into.genai.reported);
    }
    let (prompt, completion) = if kind == Category::Tool {
        let given = given.map(|given| arguments(given, into));
        run(given.as_ref(), returned, into)
    } else {
        let prompt = given.map_or_else(Vec::new, |given| side(given, &["inputs", "input_str"], Role::User));
        let state = returned.map_or_else(Vec::new, |state| side(state, &["outputs", "output"], Role::Assistant));
        let completion = langchain::added(&prompt, state);
        let answers = completion.iter().filter(|message| message.role == Role::Assistant).count();
        if let (Category::Chain, 1, Some(returned)) = (kind, answers, returned) {
            reasoning(returned, &mut into.genai.reported);
        }
        // A model call is read from its messages; from the function's arguments only where there are none.
        let has_reading = |side: fn(&crate::model::Reading) -> bool| kind.is_call() && into.readings.iter().any(side);
        (
            if has_reading(|reading| !reading.prompt.is_empty()) { Vec::new() } else { prompt },
            if has_reading(|reading| !reading.completion.is_empty()) { Vec::new() } else { completion },
        )
    };
    reading::push(into, DIALECT.name, (Carrier::Attributes, None), prompt, completion);
}

/// What is in the envelope that the instrumentation of `LangChain` puts around inputs and outputs.
fn inner<'v>(data: &'v Value, keys: &[&str]) -> Option<&'v Value> {
    let is_envelope = ["kwargs", "metadata", "tags"].iter().any(|key| data.get(key).is_some());
    let empty = || keys.iter().find_map(|key| data.get(key));
    if is_envelope { calls::first(data, keys).or_else(empty) } else { None }
}

/// The arguments of a decorated function: those by name, those by place, or both as they are.
fn passed(data: &Value) -> Option<&Value> {
    let (args, kwargs) = function_io::call(data)?;
    Some(match (args, kwargs.is_empty()) {
        ([], _) => kwargs,
        ([only], true) if only.as_map().is_some() => only,
        (_, true) => data.get("args")?,
        _ => data,
    })
}

/// The arguments of a tool, and the id of the call, where it stands beside them.
fn arguments(given: &Value, into: &mut Translation) -> Value {
    let Some((data, cut)) = MaybeJson::of(given).data() else { return given.clone() };
    if let Some(id) = data.get("kwargs").and_then(|kwargs| kwargs.str("tool_call_id")).and_then(calls::usable_id)
        && (data.get("inputs").is_some() || data.get("input_str").is_some())
    {
        into.genai.tool.get_or_insert_default().call_id.get_or_insert_with(|| id.to_owned());
    }
    let is_map = |value: &&Value| value.as_map().is_some();
    let by_name = inner(&data, &["inputs"]).filter(is_map);
    let found = by_name.or_else(|| inner(&data, &["input_str", "inputs"])).or_else(|| passed(&data));
    match found {
        Some(found) => found.clone(),
        // The end of it is missing: `calls` marks that.
        None if cut => given.clone(),
        None => data.into_owned(),
    }
}

/// A tool's run as messages.
fn run(given: Option<&Value>, returned: Option<&Value>, into: &Translation) -> (Vec<Message>, Vec<Message>) {
    let result = returned.map(|returned| match MaybeJson::of(returned) {
        // A text that was made JSON stays the text that it was.
        _ if returned.as_str().is_some_and(|text| unquoted(text).is_some()) => text(returned),
        MaybeJson::Data(data) => match inner(&data, &["output", "outputs"]) {
            Some(found) => found.clone(),
            None => data.into_owned(),
        },
        _ => returned.clone(),
    });
    let (prompt, completion) = gen_ai::execution(given, result.as_ref(), &into.genai);
    match result.as_ref().and_then(langchain::tool_result) {
        Some(part) => (prompt, vec![Message::new(Role::Tool, vec![part])]),
        None => (prompt, completion),
    }
}

fn text(value: &Value) -> Value {
    value.as_str().and_then(unquoted).map_or_else(|| value.clone(), |text| text.as_str().into())
}

/// One side of what is no tool.
fn side(value: &Value, envelope: &[&str], role: Role) -> Vec<Message> {
    let of_data = |data: &Value| {
        if let Some(found) = inner(data, envelope) {
            return langchain::io(found, role);
        }
        match passed(data) {
            // One text is what was asked; anything else is the program's.
            Some(Value::Array(args)) => match args.as_slice() {
                [Value::String(words)] => reading::from_parts(role, parts::text(words).into_iter().collect()),
                [only] => langchain::io(only, role),
                _ => langchain::io(data, role),
            },
            Some(Value::Map(kwargs)) => match kwargs.as_slice() {
                [(_, Value::String(words))] => reading::from_parts(role, parts::text(words).into_iter().collect()),
                _ => langchain::io(&Value::Map(kwargs.clone()), role),
            },
            _ => langchain::io(data, role),
        }
    };
    match MaybeJson::of(value) {
        _ if value.as_str().is_some_and(|words| unquoted(words).is_some()) => {
            reading::from_parts(role, text(value).as_str().and_then(parts::text).into_iter().collect())
        }
        MaybeJson::Text("null" | "None") => Vec::new(),
        value => reading::side(value, role, |data| Some(of_data(data))),
    }
}

/// Adds what only the dumped answer of a step has of the call in it; its other tokens are on the call's own span.
fn reasoning(returned: &Value, reported: &mut Reported) {
    let mut answer = GenAi::default();
    if let MaybeJson::Data(data) = MaybeJson::of(returned) {
        langchain::facts(&data, &mut answer);
    }
    reported.reasoning = reported.reasoning.or(answer.reported.reasoning);
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Sample, sides};
    use crate::model::Category;

    fn span(kind: &str, input: &str, output: &str) -> Sample {
        let marks = [("traceloop.span.kind", kind), ("traceloop.entity.name", "w")];
        let pairs = [("traceloop.entity.input", input), ("traceloop.entity.output", output)];
        Sample::span("w.tool").scope("traceloop.tracer").with(&marks).with(&pairs)
    }

    #[test]
    fn a_tools_run_is_its_call_and_its_result() {
        let message = r#"{"lc":1,"id":["ToolMessage"],"kwargs":{"content":"18C","type":"tool","tool_call_id":"c1","status":"success"}}"#;
        let through_langchain = format!(r#"{{"output":{message},"kwargs":{{"name":"w"}}}}"#);
        let by_name = r#"{"input_str":"{'city': 'P'}","tags":[],"inputs":{"city":"P"},"kwargs":{"tool_call_id":"c1"}}"#;
        for (input, output, given, returned) in [
            (r#"{"args":[],"kwargs":{"city":"P"}}"#, r#""18C""#, r#"w#-{"city":"P"}"#, "=- 18C"),
            (r#"{"args":["P"],"kwargs":{}}"#, r#"{"t":18}"#, r#"w#-["P"]"#, r#"=- json {"t":18}"#),
            (r#"{"args":[],"kwargs":{}}"#, r#""{\"t\":18}""#, "w#-{}", r#"=- json {"t":18}"#),
            (r#"{"args":["P"],"kwargs":{"n":1}}"#, "18C", r#"w#-{"args":["P"],"kwargs":{"n":1}}"#, "=- 18C"),
            (by_name, through_langchain.as_str(), r#"w#c1{"city":"P"}"#, "=c1 18C"),
            (
                r#"{"input_str":"{'city': 'P'}","tags":[],"kwargs":{}}"#,
                r#"{"output":"18C","kwargs":{}}"#,
                r#"w#-{"city":"P"}"#,
                "=- 18C",
            ),
            (r#"{"city":"P"}"#, r#"{"output":"18C"}"#, r#"w#-{"city":"P"}"#, r#"=- json {"output":"18C"}"#),
        ] {
            let read = span("tool", input, output).translate();
            assert_eq!(
                sides(&read),
                (vec![format!("assistant: {given}")], vec![format!("tool: {returned}")]),
                "{input}"
            );
        }
    }

    #[test]
    fn what_runs_within_an_agent_is_no_agent() {
        let within = |pairs: &[(&str, &str)]| {
            let marks = [("gen_ai.agent.name", "Clerk"), ("traceloop.workflow.name", "desk")];
            Sample::span("x").scope("other").with(&marks).with(pairs).translate().genai.category
        };
        assert_eq!(within(&[("gen_ai.request.model", "mistral-small"), ("http.url", "/")]), Category::Llm);
        assert_eq!(within(&[("gen_ai.request.model", "mistral-embed")]), Category::Embedding);
        assert_eq!(within(&[("http.url", "/")]), Category::Http);
        assert_eq!(within(&[]), Category::Span);
        assert_eq!(within(&[("traceloop.span.kind", "agent")]), Category::Agent);
    }

    #[test]
    fn newer_tools_use_the_common_names() {
        let read = Sample::span("w.tool")
            .scope("opentelemetry.instrumentation.openai_agents")
            .with(&[("traceloop.span.kind", "tool"), ("gen_ai.tool.name", "w"), ("gen_ai.tool.call.id", "c1")])
            .with(&[("gen_ai.tool.call.arguments", r#"{"inputs":"x"}"#), ("gen_ai.tool.call.result", "18C")])
            .translate();
        assert_eq!(
            sides(&read),
            (vec![r#"assistant: w#c1{"inputs":"x"}"#.to_owned()], vec!["tool: =c1 18C".to_owned()])
        );
    }

    #[test]
    fn a_workflow_was_asked_and_answered() {
        let human = r#"{"lc":1,"id":["HumanMessage"],"kwargs":{"content":"q","type":"human"}}"#;
        let answer = r#"{"lc":1,"id":["AIMessage"],"kwargs":{"content":"a","type":"ai"}}"#;
        let inputs = format!(r#"{{"inputs":{{"messages":[{human}]}},"tags":[],"metadata":{{}},"kwargs":{{}}}}"#);
        let outputs = format!(r#"{{"outputs":{{"messages":[{human},{answer}]}},"kwargs":{{}}}}"#);
        for (input, output, prompt, completion) in [
            (r#"{"args":["q"],"kwargs":{}}"#, r#""a""#, vec!["user: q"], vec!["assistant: a"]),
            (r#"{"args":[],"kwargs":{"question":"q"}}"#, "4", vec!["user: q"], vec!["assistant: 4"]),
            (inputs.as_str(), outputs.as_str(), vec!["user: q"], vec!["assistant: a"]),
            (inputs.as_str(), r#"{"outputs":null,"kwargs":{}}"#, vec!["user: q"], vec![]),
            (r#"{"args":[1,2],"kwargs":{}}"#, "null", vec![r#"user: json {"args":[1,2],"kwargs":{}}"#], vec![]),
            (
                r#"{"args":["a question that is cu"#,
                "null",
                vec!["user: json {\"args\":[\"a question that is cu\"]}…"],
                vec![],
            ),
        ] {
            let read = span("workflow", input, output).translate();
            assert_eq!(
                sides(&read),
                (prompt.into_iter().map(str::to_owned).collect(), completion.into_iter().map(str::to_owned).collect()),
                "{input} {output}"
            );
        }
    }

    #[test]
    fn a_step_has_the_reasoning_tokens_of_its_answer() {
        let answer = r#"{"type":"ai","content":"a","usage_metadata":{"input_tokens":9,"output_tokens":7,"output_token_details":{"reasoning":5}}}"#;
        let read = span("task", "{}", &format!(r#"{{"outputs":{{"messages":[{answer}]}},"kwargs":{{}}}}"#)).translate();
        assert_eq!((read.genai.reported.reasoning, read.genai.reported.input), (Some(5), None));
    }

    #[test]
    fn a_crew_has_its_task_and_its_tokens() {
        let scope = "opentelemetry.instrumentation.crewai.instrumentation";
        let crew = Sample::span("crewai.workflow").scope(scope).with(&[
            ("gen_ai.system", "crewai"),
            ("crewai.crew.result", "R"),
            (
                "crewai.crew.token_usage",
                "total_tokens=1245 prompt_tokens=567 completion_tokens=678 successful_requests=1",
            ),
        ]);
        let read = crew.translate();
        assert_eq!(sides(&read).1, ["assistant: R"]);
        assert_eq!((read.genai.reported.input, read.genai.reported.output), (Some(567), Some(678)));
        assert!(read.genai.aggregate);
        let agent = Sample::span("Researcher.agent").scope(scope).with(&[("traceloop.span.kind", "agent")]);
        assert_eq!(agent.translate().genai.agent.as_deref(), Some("Researcher"));
    }
}
