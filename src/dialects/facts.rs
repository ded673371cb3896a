//! The scalar facts of a span, of all dialects by one table (`fact_keys`): `facts.md`.
//!
//! Read before any dialect; a dialect fills what is still blank. JSON inside an attribute is the dialect's own affair.

use std::{sync::LazyLock, time::Duration};

use super::{
    context::{self, id},
    fact_keys::{FACTS, FIELDS, Field, How, Row},
    maybe_json::{MaybeJson, unquoted},
    provider::{self, Named},
    redaction_markers,
};
use crate::model::{Attributes, Context, GenAi, Source, Timestamp, Translation, Usd, Value};

/// The keys of [`FACTS`], sorted, each with its place in the order of precedence.
static KEYS: LazyLock<Vec<(&str, u16, &Row)>> = LazyLock::new(|| {
    let rows = FACTS.iter().flat_map(|row| row.keys.iter().map(move |key| (*key, row)));
    let mut keys: Vec<_> = (0_u16..).zip(rows).map(|(rank, (key, row))| (key, rank, row)).collect();
    keys.sort_unstable_by_key(|(key, ..)| *key);
    keys
});

/// What was found for one field: its place in the order, how to read it, and the value.
type Best<'a> = Option<(u16, How, &'a Value)>;

/// Reads all that the attributes of a span and its resource say by themselves.
pub fn read(source: &Source, into: &mut Translation) {
    let mut best: [Best; FIELDS] = [None; FIELDS];
    for (name, value) in source.attributes.iter() {
        // A word that several scopes use stands here once for each.
        let first = KEYS.partition_point(|(key, ..)| *key < name);
        for (_, rank, row) in KEYS[first..].iter().take_while(|(key, ..)| *key == name) {
            let slot = &mut best[row.field as usize];
            let is_better = slot.is_none_or(|(other, ..)| *rank <= other);
            if is_better && source.scope.name.starts_with(row.scope) && can_be_read(value, row.how) {
                *slot = Some((*rank, row.how, value));
            }
        }
    }
    let found = Found(best);
    let stated = Context {
        session: found.text(Field::Session),
        user: found.text(Field::User),
        environment: found.text(Field::Environment),
        ..Context::default()
    };
    into.context = context::completed(source, stated);
    into.genai = genai(source, &found);
    if into.genai.agent.is_none() {
        // LangChain tells everything that an agent does whose work it is.
        let named = into.context.metadata.iter().find(|(name, _)| name == "lc_agent_name");
        into.genai.agent = named.and_then(|(_, name)| id(name));
    }
}

fn can_be_read(value: &Value, how: How) -> bool {
    match how {
        How::Text => value.as_str().is_some_and(|text| !text.trim().is_empty() && !redaction_markers::is_hidden(text)),
        How::Id => id(value).is_some(),
        How::Last => last(value).is_some(),
        How::Count => value.as_count().is_some(),
        How::Dollars => value.as_number().and_then(Usd::from_dollars).is_some(),
        How::Millis | How::Seconds => value.as_number().is_some_and(|number| (0.0..1e9).contains(&number)),
    }
}

struct Found<'a>([Best<'a>; FIELDS]);

impl Found<'_> {
    fn text(&self, field: Field) -> Option<String> {
        let (_, how, value) = self.0[field as usize]?;
        match how {
            How::Id => id(value),
            How::Last => last(value),
            // MLflow writes every value as JSON, quotes included.
            _ => value.as_str().map(|text| unquoted(text).unwrap_or_else(|| text.to_owned())),
        }
    }

    fn count(&self, field: Field) -> Option<u64> {
        self.0[field as usize]?.2.as_count()
    }

    fn duration(&self, field: Field) -> Option<Duration> {
        let (_, how, value) = self.0[field as usize]?;
        let number = value.as_number()?;
        Duration::try_from_secs_f64(if how == How::Millis { number / 1000.0 } else { number }).ok()
    }
}

/// One word of several: a list, its JSON, Python's, or words with commas between them. The last says how it ended.
fn last(value: &Value) -> Option<String> {
    let found = match MaybeJson::or_python(value) {
        MaybeJson::Data(list) => list.as_array()?.iter().rev().find_map(Value::as_str).map(str::to_owned),
        MaybeJson::Text(text) => {
            let word = text.rsplit(',').next().unwrap_or(text).trim();
            Some(word.trim_matches('"').to_owned())
        }
        _ => None,
    };
    found.filter(|word| !word.is_empty())
}

/// The name of an enumeration's member, without that of the enumeration: `FinishReason.STOP` is `STOP`.
fn member(reason: &str) -> &str {
    reason.split_once('.').filter(|(class, _)| class.ends_with("Reason")).map_or(reason, |(_, member)| member)
}

fn genai(source: &Source, found: &Found) -> GenAi {
    let attributes = source.attributes;
    let mut genai = GenAi {
        operation: found.text(Field::Operation).or_else(|| operation(attributes)),
        model: found.text(Field::Model),
        response_model: found.text(Field::ResponseModel),
        response_id: found.text(Field::ResponseId),
        agent: found.text(Field::Agent),
        agent_id: found.text(Field::AgentId),
        parameters: super::parameters::of(attributes),
        stop_reason: found.text(Field::StopReason).map(|reason| member(&reason).to_owned()),
        ttft: found.duration(Field::Ttft).or_else(|| by_clock(source)),
        ..GenAi::default()
    };
    genai.reported.input = found.count(Field::Input);
    genai.reported.output = found.count(Field::Output);
    genai.reported.total = found.count(Field::Total);
    genai.reported.cache_read = found.count(Field::CacheRead);
    genai.reported.cache_write = found.count(Field::CacheWrite);
    genai.reported.reasoning = found.count(Field::Reasoning);
    genai.reported.cost = found.0[Field::Cost as usize].and_then(|(_, _, value)| Usd::from_dollars(value.as_number()?));
    genai.provider = said_provider(attributes, found, &genai);
    by_name_of_span(source, found, &mut genai);
    genai
}

/// Langfuse says when the first token came, not after how long.
fn by_clock(source: &Source) -> Option<Duration> {
    let text = source.attributes.str("langfuse.observation.completion_start_time")?;
    let moment: jiff::Timestamp = text.trim_matches('"').parse().ok()?;
    let nanos = u64::try_from(moment.as_nanosecond()).ok()?;
    Some(Timestamp(nanos).since(source.at.known()?))
}

/// The provider that is named; where a framework put its own name there, the one that can be told from the rest.
fn said_provider(attributes: &Attributes, found: &Found, genai: &GenAi) -> Option<String> {
    match provider::named(&found.text(Field::Provider)?)? {
        Named::Provider(name) => Some(name),
        Named::Framework(_) => {
            const LANGCHAIN: [&str; 2] =
                ["langsmith.metadata.ls_provider", "traceloop.association.properties.ls_provider"];
            let stated = LANGCHAIN.iter().find_map(|key| provider::named(attributes.str(key)?));
            let by_address = || provider::of_address(attributes.str("server.address")?).map(str::to_owned);
            let by_model = || genai.model.as_deref().and_then(provider::of_model).map(str::to_owned);
            match stated {
                Some(Named::Provider(name)) => Some(name),
                _ => by_address().or_else(by_model),
            }
        }
    }
}

/// What other dialects call an operation, in the words of the GenAI conventions.
fn operation(attributes: &Attributes) -> Option<String> {
    const KEYS: &[&str] = &[
        "ai.operationId",
        "operation.name",
        "openinference.span.kind",
        "traceloop.span.kind",
        "langsmith.span.kind",
        "langfuse.observation.type",
        "mlflow.spanType",
    ];
    KEYS.iter().find_map(|key| {
        let word = attributes.str(key)?.trim_matches('"');
        if *key == "operation.name" && !word.starts_with("ai.") {
            return None;
        }
        let word = word.split(' ').next()?.to_ascii_lowercase();
        Some(match word.as_str() {
            "llm" | "generation" | "chat_model" => "chat".to_owned(),
            "embedding" => "embeddings".to_owned(),
            "tool" | "ai.toolcall" => "execute_tool".to_owned(),
            "agent" | "ai.generatetext" | "ai.streamtext" | "ai.generateobject" | "ai.streamobject" => {
                "invoke_agent".to_owned()
            }
            call if call.ends_with(".dogenerate") || call.ends_with(".dostream") => "chat".to_owned(),
            call if call.ends_with(".doembed") => "embeddings".to_owned(),
            "unknown" | "span" | "event" => return None,
            other => other.to_owned(),
        })
    })
}

/// What the name of a span says, and what a key says only beside another.
fn by_name_of_span(source: &Source, found: &Found, genai: &mut GenAi) {
    let attributes = source.attributes;
    let kind = attributes.str("traceloop.span.kind");
    let entity = || attributes.str("traceloop.entity.name");
    let operation = genai.operation.as_deref();
    let after = |start: &str| source.name.strip_prefix(start).filter(|name| !name.is_empty());
    if genai.agent.is_none() {
        let node = || {
            let is_agent = attributes.str("openinference.span.kind") == Some("AGENT");
            attributes.str("graph.node.id").filter(|_| is_agent)
        };
        let invoked = || {
            // The AI SDK names the model there.
            after("invoke_agent ")
                .filter(|name| operation == Some("invoke_agent") && genai.model.as_deref() != Some(name))
        };
        let of_kind = || entity().or_else(|| source.name.strip_suffix(".agent")).filter(|_| kind == Some("agent"));
        let agent = node().or_else(of_kind).or_else(invoked);
        genai.agent = agent.map(str::to_owned);
    }
    let executed = || after("execute_tool ").filter(|_| operation == Some("execute_tool"));
    let called = || entity().or_else(|| source.name.strip_suffix(".tool")).filter(|_| kind == Some("tool"));
    let name = found
        .text(Field::Tool)
        .or_else(|| called().map(str::to_owned))
        .or_else(|| executed().map(str::to_owned))
        .or_else(|| {
            let message = attributes.str("logfire.msg").filter(|_| source.name == "running tool")?;
            Some(message.strip_prefix("running tool: ").unwrap_or(message).to_owned())
        });
    let call_id = found.text(Field::ToolCall);
    if name.is_some() || call_id.is_some() {
        let description = found.text(Field::ToolDescription);
        genai.tool = Some(crate::model::ToolName { name, call_id, description, merged: false });
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;
    use crate::model::Translation;

    fn read(pairs: &[(&str, &str)]) -> Translation {
        Sample::span("chat m").with(pairs).translate()
    }

    #[test]
    fn no_key_says_two_facts() {
        assert_eq!(
            KEYS.windows(2)
                .find(|pair| pair[0].0 == pair[1].0 && pair[0].2.scope == pair[1].2.scope)
                .map(|pair| pair[0].0),
            None
        );
    }

    #[test]
    fn the_first_key_that_can_be_read_wins() {
        let session = |pairs: &[(&str, &str)]| read(pairs).context.session;
        for (pairs, expected) in [
            (vec![("session.id", "s1"), ("gen_ai.conversation.id", "s2")], Some("s1")),
            (vec![("session.id", "[Scrubbed due to 'session']"), ("gen_ai.conversation.id", "s2")], Some("s2")),
            (vec![("gen_ai.conversation.id", "resp_1")], None),
            (vec![("mlflow.trace.session", "\"s3\"")], Some("s3")),
            (vec![("metadata", r#"{"thread_id": "s4"}"#)], Some("s4")),
            (vec![("mcp.session.id", "s5")], Some("s5")),
            (vec![("langsmith.trace.session_id", "a project")], None),
            (vec![("session.id", "")], None),
        ] {
            assert_eq!(session(&pairs).as_deref(), expected, "{pairs:?}");
        }
        let at_home =
            Sample::span("x").resource(&[("session.id", "s6"), ("user.id", "u"), ("deployment.environment", "prod")]);
        let context = at_home.translate().context;
        let found = [context.session, context.user, context.environment];
        assert_eq!(found.map(Option::unwrap_or_default), ["s6", "u", "prod"]);
    }

    #[test]
    fn a_frameworks_name_is_no_provider() {
        let provider = |pairs: &[(&str, &str)]| read(pairs).genai.provider;
        for (pairs, expected) in [
            (vec![("gen_ai.system", "strands-agents"), ("gen_ai.request.model", "gpt-4o-mini")], Some("openai")),
            (vec![("gen_ai.system", "langchain"), ("server.address", "api.anthropic.com")], Some("anthropic")),
            (
                vec![("gen_ai.system", "langchain"), ("langsmith.metadata.ls_provider", "amazon_bedrock")],
                Some("aws.bedrock"),
            ),
            (vec![("gen_ai.system", "strands-agents")], None),
            (vec![("gen_ai.provider.name", "aws_bedrock")], Some("aws.bedrock")),
            (vec![("gen_ai.request.model", "gpt-4o-mini")], None),
        ] {
            assert_eq!(provider(&pairs).as_deref(), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_finish_reason_is_read_in_any_form() {
        for (form, expected) in [
            (r#"["stop"]"#, "stop"),
            ("stop, tool_calls", "tool_calls"),
            ("['end_turn']", "end_turn"),
            ("end_turn", "end_turn"),
            ("FinishReason.TOOL_CALLS", "TOOL_CALLS"),
        ] {
            assert_eq!(read(&[("gen_ai.response.finish_reasons", form)]).genai.stop_reason.as_deref(), Some(expected));
        }
        let typed =
            Sample::span("chat m").typed("gen_ai.response.finish_reasons", r#"["stop","tool_calls"]"#).translate();
        assert_eq!(typed.genai.stop_reason.as_deref(), Some("tool_calls"));
    }

    #[test]
    fn times_to_the_first_token_have_their_units() {
        let ttft = |key: &str, number: &str| Sample::span("chat m").typed(key, number).translate().genai.ttft;
        let expected = Some(Duration::from_millis(125));
        assert_eq!(ttft("gen_ai.server.time_to_first_token", "125"), expected);
        assert_eq!(ttft("gen_ai.response.time_to_first_chunk", "0.125"), expected);
        assert_eq!(ttft("ai.response.msToFirstChunk", "125.0"), expected);
        assert_eq!(ttft("ai.response.msToFirstChunk", "-1"), None);
        let at = "\"1970-01-01T00:00:00.125Z\"";
        let late = Sample::span("g").at(1).with(&[("langfuse.observation.completion_start_time", at)]).translate();
        assert_eq!(late.genai.ttft, Some(Duration::from_nanos(124_999_999)));
    }

    #[test]
    fn common_words_are_facts_only_where_they_mean_them() {
        assert_eq!(read(&[("model", "T1000"), ("input_tokens", "5")]).genai.model, None);
        let span = Sample::span("claude_code.llm_request").scope("com.anthropic.claude_code.tracing");
        let read =
            span.with(&[("model", "claude-x"), ("span.type", "llm_request")]).typed("input_tokens", "5").translate();
        assert_eq!((read.genai.model.as_deref(), read.genai.reported.input), (Some("claude-x"), Some(5)));
    }

    #[test]
    fn tags_are_a_union_and_metadata_a_sum() {
        let pairs = [("tags", r#"["a", "b"]"#), ("langsmith.span.tags", "b, c"), ("mlflow.traceTag.x", "\"d\"")];
        assert_eq!(read(&pairs).context.tags, ["a", "b", "c", "d"]);
        let typed = Sample::span("x").typed("tags", r#"["a",1]"#).translate();
        assert_eq!(typed.context.tags, ["a"]);
        let metadata = read(&[("metadata", r#"{"k": 1}"#), ("langsmith.metadata.v", "2")]).context.metadata;
        assert_eq!(metadata, [("k".to_owned(), Value::Int(1)), ("v".to_owned(), "2".into())]);
    }

    #[test]
    fn agent_and_tool_are_named_by_key_or_by_the_spans_name() {
        let named = |name: &str, pairs: &[(&str, &str)]| {
            let genai = Sample::span(name).with(pairs).translate().genai;
            (genai.agent, genai.tool.and_then(|tool| tool.name))
        };
        let text = |word: &str| Some(word.to_owned());
        assert_eq!(named("invoke_agent W", &[("gen_ai.operation.name", "invoke_agent")]), (text("W"), None));
        let model = [("gen_ai.operation.name", "invoke_agent"), ("gen_ai.request.model", "gpt-4o")];
        assert_eq!(named("invoke_agent gpt-4o", &model), (None, None));
        assert_eq!(named("execute_tool w", &[("gen_ai.operation.name", "execute_tool")]), (None, text("w")));
        let traceloop = [("traceloop.span.kind", "tool"), ("traceloop.entity.name", "w")];
        assert_eq!(named("w.tool", &traceloop), (None, text("w")));
        assert_eq!(named("running tool", &[("logfire.msg", "w")]), (None, text("w")));
        let langchain = [("metadata", r#"{"lc_agent_name":"W","langgraph_node":"model"}"#)];
        assert_eq!(named("model", &langchain), (text("W"), None));
        assert_eq!(named("model", &[("langsmith.metadata.lc_agent_name", "W")]), (text("W"), None));
    }
}
