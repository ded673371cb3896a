//! The scalar facts of a span or log record: by the keys of all dialects in one table, then by what no key alone holds
//! (`facts.md`).
//!
//! They are read before any dialect translates; a dialect fills what is still blank. JSON inside an attribute is the
//! dialect's own affair.

use std::{sync::LazyLock, time::Duration};

use super::{
    DIALECTS, category,
    context::{self, id},
    dialect::Understand,
    fact_keys::{FIELDS, FactRow, Field, How, SHARED},
    maybe_json::{MaybeJson, unquoted},
    name_table::Names,
    provider::{self, Named},
    redaction_markers,
};
use crate::model::{Attributes, Context, GenAi, Source, TokenKinds, ToolName, Translation, Usd, Value};

/// The rows of each key, each with its place in the order of precedence.
static KEYS: LazyLock<Names<(u16, FactRow)>> = LazyLock::new(|| {
    let mut rows: Vec<FactRow> =
        SHARED.iter().chain(DIALECTS.iter().flat_map(|dialect| dialect.facts)).copied().collect();
    rows.sort_by_key(|row| row.rank);
    let all = rows.into_iter().flat_map(|row| row.keys.iter().map(move |key| (*key, row)));
    Names::new((0_u16..).zip(all).map(|(place, (key, row))| (key, (place, row))))
});

/// What dialects do after the keys were read, in their order.
static COMPLETIONS: LazyLock<Vec<Understand>> =
    LazyLock::new(|| DIALECTS.iter().filter_map(|dialect| dialect.complete_facts).collect());

/// A time to the first token that is as long, in milliseconds (12 days) or seconds, is no measurement.
const LONGEST_WAIT: f64 = 1e9;

/// What was found for one field: its place in the order, how to read it, and the value.
type Best<'a> = Option<(u16, How, &'a Value)>;

/// Reads all that the attributes of a span and its resource hold by themselves.
pub fn read(source: &Source, into: &mut Translation) {
    let mut best: [Best; FIELDS] = [None; FIELDS];
    for (name, value) in source.attributes.iter() {
        // A key that several scopes use stands here once for each.
        for (place, row) in KEYS.of(name) {
            let slot = &mut best[row.field as usize];
            let is_better = slot.is_none_or(|(other, ..)| *place <= other);
            if is_better && source.scope.name.starts_with(row.scope) && can_be_read(value, row.how) {
                *slot = Some((*place, row.how, value));
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
    for complete in &*COMPLETIONS {
        complete(source, into);
    }
    into.genai.tool = into.genai.tool.take().filter(|tool| tool.name.is_some() || tool.call_id.is_some());
}

fn can_be_read(value: &Value, how: How) -> bool {
    match how {
        How::Text => value.as_str().is_some_and(|text| !text.trim().is_empty() && !redaction_markers::is_hidden(text)),
        How::Id => id(value).is_some(),
        How::Last => last(value).is_some(),
        How::Count => value.as_count().is_some(),
        How::Dollars => value.as_number().and_then(Usd::from_dollars).is_some(),
        How::Millis | How::Seconds => value.as_number().is_some_and(|number| (0.0..LONGEST_WAIT).contains(&number)),
    }
}

struct Found<'a>([Best<'a>; FIELDS]);

impl Found<'_> {
    fn text(&self, field: Field) -> Option<String> {
        let (_, how, value) = self.0[field as usize]?;
        match how {
            How::Id => id(value),
            How::Last => last(value),
            // Some write every value as JSON, a text with its quotes.
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

/// The last of several words: a list, its JSON, Python's `repr` of one, or words with commas between them.
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
        operation: found.text(Field::Operation).or_else(|| category::operation(attributes)),
        model: found.text(Field::Model),
        response_model: found.text(Field::ResponseModel),
        response_id: found.text(Field::ResponseId),
        agent: found.text(Field::Agent),
        agent_id: found.text(Field::AgentId),
        parameters: super::parameters::of(attributes),
        stop_reason: found.text(Field::StopReason).map(|reason| member(&reason).to_owned()),
        service_tier: found.text(Field::ServiceTier),
        ttft: found.duration(Field::Ttft),
        ..GenAi::default()
    };
    genai.reported.input = found.count(Field::Input);
    genai.reported.output = found.count(Field::Output);
    genai.reported.total = found.count(Field::Total);
    genai.reported.cache_read = found.count(Field::CacheRead);
    genai.reported.cache_write = found.count(Field::CacheWrite);
    genai.reported.reasoning = found.count(Field::Reasoning);
    genai.reported.kinds = TokenKinds {
        cache_write_1h: found.count(Field::CacheWrite1h),
        input_audio: found.count(Field::InputAudio),
        cache_read_audio: found.count(Field::CacheReadAudio),
        output_audio: found.count(Field::OutputAudio),
        ..TokenKinds::default()
    };
    genai.reported.cost = found.0[Field::Cost as usize].and_then(|(_, _, value)| Usd::from_dollars(value.as_number()?));
    genai.provider = stated_provider(attributes, found, &genai);
    by_name_of_span(source, found, &mut genai);
    genai
}

/// The provider that is named; where a framework put its own name there, the one that the rest shows.
fn stated_provider(attributes: &Attributes, found: &Found, genai: &GenAi) -> Option<String> {
    match provider::named(&found.text(Field::Provider)?)? {
        Named::Provider(name) => Some(name),
        Named::Framework(_) => {
            let behind = found.text(Field::ProviderBehind).and_then(|name| provider::named(&name));
            let by_address = || provider::of_address(attributes.str("server.address")?).map(str::to_owned);
            let by_model = || genai.model.as_deref().and_then(provider::of_model).map(str::to_owned);
            match behind {
                Some(Named::Provider(name)) => Some(name),
                _ => by_address().or_else(by_model),
            }
        }
    }
}

/// Adds the agent and the tool, which the conventions also put into the name of a span: `invoke_agent W`.
///
/// `genai.tool` is there afterwards, also if nothing is known of it.
fn by_name_of_span(source: &Source, found: &Found, genai: &mut GenAi) {
    let operation = genai.operation.as_deref();
    let after = |start: &str| source.name.strip_prefix(start).filter(|name| !name.is_empty());
    if genai.agent.is_none() {
        // Some name the model there.
        let invoked = after("invoke_agent ")
            .filter(|name| operation == Some("invoke_agent") && genai.model.as_deref() != Some(name));
        genai.agent = invoked.map(str::to_owned);
    }
    let executed = || after("execute_tool ").filter(|_| operation == Some("execute_tool"));
    genai.tool = Some(ToolName {
        name: found.text(Field::Tool).or_else(|| executed().map(str::to_owned)),
        call_id: found.text(Field::ToolCall),
        description: found.text(Field::ToolDescription),
        merged: false,
        failed: None,
    });
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Translation {
        Sample::span("chat m").with(pairs).translate()
    }

    #[test]
    fn no_key_is_two_facts() {
        let is_twice = |name: &&str| KEYS.of(name).windows(2).any(|pair| pair[0].1.scope == pair[1].1.scope);
        assert_eq!(KEYS.names().find(is_twice), None);
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
    fn common_keys_are_facts_only_in_their_scopes() {
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
