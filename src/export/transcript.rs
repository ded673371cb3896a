//! The transcript: what was understood of the stored telemetry, as one JSON document for programs.
//!
//! The form is that of `transcript.md`, version 1. Written trace by trace, so that a large store needs no large
//! memory; what belongs to all of them, the sessions, comes last.

use std::{
    collections::HashMap,
    io::{self, Write as _},
};

use serde::Serialize;

use super::forms::{SessionForm, Shown, TotalsForm, TraceForm, time, totals};
use crate::model::{AssembledTrace, Span, Timestamp, Totals, TraceId, TraceRows};

/// One trace, as it is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Trace<'a> {
    pub assembled: &'a AssembledTrace,
    pub rows: &'a TraceRows,
    /// As received, for attributes and events; in any order.
    pub spans: &'a [Span],
}

/// A transcript that is being written.
///
/// Hand it the traces by start, then id; that is their order in the document.
pub struct Transcript<'a> {
    out: io::BufWriter<&'a mut dyn io::Write>,
    traces: u64,
    sessions: HashMap<String, Session>,
}

#[derive(Default)]
struct Session {
    /// With their order of appearance.
    users: HashMap<String, usize>,
    traces: Vec<(Timestamp, TraceId)>,
    /// `None` once a trace of it still runs.
    ended: Option<Timestamp>,
    totals: Totals,
}

impl<'a> Transcript<'a> {
    /// Begins a document; `generator` is the program's name and version.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn begin(out: &'a mut dyn io::Write, generator: &str) -> io::Result<Self> {
        let mut transcript = Self { out: io::BufWriter::new(out), traces: 0, sessions: HashMap::new() };
        transcript.text(r#"{"transcript":1,"generator":"#)?;
        transcript.json(generator)?;
        transcript.text(r#","traces":["#)?;
        Ok(transcript)
    }

    /// Writes one trace, on a line of its own; and after it those that it adopted.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn trace(&mut self, trace: &Trace) -> io::Result<()> {
        self.form(&TraceForm::of(trace))?;
        self.note(trace.assembled);
        for (started, adopted, form) in TraceForm::adopted(trace) {
            self.form(&form)?;
            let session = trace.assembled.context.session.as_ref().and_then(|id| self.sessions.get_mut(id));
            if let Some(session) = session {
                session.traces.push((started, adopted));
            }
        }
        Ok(())
    }

    fn form(&mut self, form: &TraceForm) -> io::Result<()> {
        self.text(if self.traces == 0 { "\n" } else { ",\n" })?;
        self.traces += 1;
        self.json(form)
    }

    /// Writes the sessions and ends the document.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn end(mut self) -> io::Result<()> {
        self.text("\n],\"sessions\":[")?;
        let mut sessions: Vec<_> = std::mem::take(&mut self.sessions).into_iter().collect();
        for (_, session) in &mut sessions {
            session.traces.sort_unstable();
        }
        sessions.sort_by(|(left, one), (right, other)| (one.traces.first(), left).cmp(&(other.traces.first(), right)));
        for (place, (id, session)) in sessions.iter().enumerate() {
            self.text(if place == 0 { "\n" } else { ",\n" })?;
            let mut users: Vec<_> = session.users.iter().collect();
            users.sort_by_key(|(_, place)| **place);
            self.json(&SessionForm {
                session_id: id,
                user_ids: users.into_iter().map(|(user, _)| user.as_str()).collect(),
                trace_ids: session.traces.iter().map(|(_, trace)| Shown(*trace)).collect(),
                started_at: session.traces.first().and_then(|(started, _)| time(*started)),
                ended_at: session.ended.and_then(time),
                totals: TotalsForm::of(&session.totals),
            })?;
        }
        self.text("\n]}\n")?;
        self.out.flush()
    }

    fn note(&mut self, assembled: &AssembledTrace) {
        let Some(id) = &assembled.context.session else { return };
        let session = self.sessions.entry(id.clone()).or_default();
        session.ended = match (session.traces.is_empty(), session.ended, assembled.ended) {
            (true, _, ended) => ended,
            (false, Some(known), Some(ended)) => Some(known.max(ended)),
            (false, ..) => None,
        };
        session.traces.push((assembled.started, assembled.trace));
        session.totals = session.totals + totals(assembled);
        if let Some(user) = &assembled.context.user {
            let next = session.users.len();
            session.users.entry(user.clone()).or_insert(next);
        }
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    fn json(&mut self, value: &(impl Serialize + ?Sized)) -> io::Result<()> {
        Ok(serde_json::to_writer(&mut self.out, value)?)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::model::{
        Attributes, Category, Context, Conversation, ConversationId, ConversationMessage, Dropped, Failure, GenAi,
        Message, ModelCall, Opener, Part, Project, Resource, Role, Scope, SpanEvent, SpanId, SpanKind, SpanRow, Status,
        StatusCode, TokenUsage, ToolDefinition, ToolName, ToolRun, ToolStatus, TraceFailure, Translation, Usd, Value,
    };

    fn span_id(number: u8) -> SpanId {
        SpanId::from_bytes(&[number; 8]).unwrap()
    }

    fn row(trace: TraceId, number: u8, genai: GenAi) -> SpanRow {
        SpanRow {
            project: Project::default(),
            trace,
            id: span_id(number),
            parent: (number > 1).then(|| span_id(1)),
            name: "chat".into(),
            kind: SpanKind::Client,
            status: Status { code: StatusCode::Ok, message: String::new() },
            started: Timestamp(u64::from(number)),
            ended: Some(Timestamp(9)),
            service: None,
            scope_name: "lib".into(),
            scope_version: String::new(),
            synthetic: false,
            remote_parent: false,
            translation: Arc::new(Translation { dialects: vec!["genai-3".into()], genai, ..Translation::default() }),
        }
    }

    fn received(row: &SpanRow) -> Span {
        let attributes: Attributes = [("n".to_owned(), Value::Int(1))].into_iter().collect();
        let event =
            SpanEvent { name: "e".into(), at: Timestamp(3), attributes: attributes.clone(), dropped_attributes: 0 };
        Span {
            project: row.project.clone(),
            trace: row.trace,
            id: row.id,
            parent: row.parent,
            flags: 0,
            trace_state: String::new(),
            name: row.name.clone(),
            kind: row.kind,
            status: row.status.clone(),
            started: row.started,
            ended: row.ended,
            attributes,
            events: vec![event],
            links: vec![],
            dropped: Dropped::default(),
            scope: Arc::new(Scope::default()),
            resource: Arc::new(Resource::default()),
            synthetic: false,
        }
    }

    fn call(row: &SpanRow) -> ModelCall {
        ModelCall {
            name: row.name.clone(),
            provider: Some("openai".into()),
            model: Some("gpt".into()),
            ended: row.ended,
            failure: Some(Failure::default()),
            ..ModelCall::sample(row.id, row.started)
        }
    }

    fn assembled(
        trace: TraceId,
        session: Option<&str>,
        user: &str,
        started: u64,
        ended: Option<u64>,
    ) -> AssembledTrace {
        AssembledTrace {
            context: Context { session: session.map(str::to_owned), user: Some(user.to_owned()), ..Context::default() },
            ended: ended.map(Timestamp),
            totals: Totals { model_calls: 1, priced: 1, cost: Usd(500_000_000_000), ..Totals::default() },
            ..AssembledTrace::sample(trace, Timestamp(started))
        }
    }

    fn written(traces: &[Trace]) -> String {
        let mut out = Vec::new();
        let mut transcript = Transcript::begin(&mut out, "sideseat-tui 0").unwrap();
        for trace in traces {
            transcript.trace(trace).unwrap();
        }
        transcript.end().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_trace_is_written_with_every_key_in_order() {
        let trace = TraceId::from_bytes(&[1; 16]).unwrap();
        let genai = GenAi {
            category: Category::Llm,
            ttft: Some(Duration::from_micros(1500)),
            tool: Some(ToolName { name: Some("add".into()), ..ToolName::default() }),
            usage: Some(TokenUsage { output: Some(0), ..TokenUsage::default() }),
            ..GenAi::default()
        };
        let (first, second) = (row(trace, 1, GenAi::default()), row(trace, 2, genai));
        let mut assembled = assembled(trace, None, "u", 1, Some(9));
        assembled.calls = vec![call(&second)];
        assembled.conversations = vec![Conversation {
            id: ConversationId(trace, second.id),
            agent: None,
            opened_by: Some(Opener { span: first.id, call_id: None }),
            messages: vec![ConversationMessage {
                message: Arc::new(Message::new(Role::User, vec![Part::text("hi")])),
                at: Timestamp(2),
                span: second.id,
                turn: 0,
                history: true,
                rewritten: false,
            }],
        }];
        assembled.tools = vec![ToolRun {
            call_id: Some("c".into()),
            name: "add".into(),
            input: Value::Map(vec![("a".into(), Value::Int(1))]).into(),
            output: None,
            status: ToolStatus::Pending,
            error: None,
            span: None,
            called_by: Some(second.id),
            started: None,
            ended: None,
            earlier: false,
        }];
        assembled.definitions = vec![ToolDefinition { name: "add".into(), description: None, parameters: None }];
        let failure = Failure { kind: Some("Refused".into()), message: Some("no".into()), stack: None };
        assembled.errors = vec![TraceFailure { span: second.id, at: Timestamp(9), failure }];
        // In any order, and with one span whose received form is not at hand.
        let spans = [received(&second)];
        let rows = TraceRows { spans: vec![second, first], ..TraceRows::empty(trace) };
        let expected = concat!(
            r#"{"transcript":1,"generator":"sideseat-tui 0","traces":["#,
            "\n",
            r#"{"trace_id":"01010101010101010101010101010101","name":null,"session_id":null,"user_id":"u","#,
            r#""project":"default","service":null,"framework":null,"environment":null,"tags":[],"#,
            r#""started_at":"1970-01-01T00:00:00.000000001Z","ended_at":"1970-01-01T00:00:00.000000009Z","status":"ok","#,
            r#""spans":[{"span_id":"0101010101010101","parent_span_id":null,"name":"chat","kind":"client","#,
            r#""started_at":"1970-01-01T00:00:00.000000001Z","ended_at":"1970-01-01T00:00:00.000000009Z","status":"ok","#,
            r#""scope":{"name":"lib","version":null},"attributes":null,"events":null,"category":"span","#,
            r#""dialects":["genai-3"],"synthetic":false,"provider":null,"model":null,"response_model":null,"#,
            r#""usage":null,"counted":false,"cost_usd":null,"stop_reason":null,"ttft_ms":null,"agent":null,"#,
            r#""tool":null,"error":null},"#,
            r#"{"span_id":"0202020202020202","parent_span_id":"0101010101010101","name":"chat","kind":"client","#,
            r#""started_at":"1970-01-01T00:00:00.000000002Z","ended_at":"1970-01-01T00:00:00.000000009Z","status":"ok","#,
            r#""scope":{"name":"lib","version":null},"attributes":{"n":1},"#,
            r#""events":[{"name":"e","at":"1970-01-01T00:00:00.000000003Z","attributes":{"n":1}}],"category":"llm","#,
            r#""dialects":["genai-3"],"synthetic":false,"provider":"openai","model":"gpt","response_model":null,"#,
            r#""usage":{"uncached_input":null,"cache_read":null,"cache_write":null,"output":0,"reasoning":null},"#,
            r#""counted":true,"cost_usd":0.0,"stop_reason":null,"ttft_ms":1.5,"agent":null,"#,
            r#""tool":{"name":"add","call_id":null},"error":null}],"#,
            r#""threads":[{"thread_id":"0202020202020202","agent":null,"#,
            r#""opened_by":{"span_id":"0101010101010101","call_id":null},"#,
            r#""messages":[{"role":"user","name":null,"parts":[{"type":"text","text":"hi"}],"#,
            r#""at":"1970-01-01T00:00:00.000000002Z","span_id":"0202020202020202","history":true}]}],"#,
            r#""tools":[{"call_id":"c","name":"add","input":{"a":1},"output":null,"status":"pending","error":null,"#,
            r#""span_id":null,"called_by":"0202020202020202","started_at":null,"ended_at":null}],"#,
            r#""tool_definitions":[{"name":"add","description":null,"parameters":null}],"#,
            r#""errors":[{"span_id":"0202020202020202","type":"Refused","message":"no","stack":null}],"#,
            r#""totals":{"usage":{"uncached_input":null,"cache_read":null,"cache_write":null,"output":null,"reasoning":null},"#,
            r#""cost_usd":0.5,"model_calls":1,"tool_calls":0,"failed_tools":0,"errors":0}}"#,
            "\n],\"sessions\":[\n]}\n"
        );
        assert_eq!(written(&[Trace { assembled: &assembled, rows: &rows, spans: &spans }]), expected);
    }

    #[test]
    fn a_session_sums_its_traces_and_runs_while_one_of_them_does() {
        let id = |number| TraceId::from_bytes(&[number; 16]).unwrap();
        let traces = [
            assembled(id(3), Some("b"), "u2", 1, Some(5)),
            assembled(id(1), Some("a"), "u1", 2, Some(9)),
            assembled(id(2), Some("b"), "u1", 3, Some(4)),
            assembled(id(4), Some("a"), "u1", 3, None),
            assembled(id(5), None, "u1", 6, Some(7)),
        ];
        let rows = TraceRows::empty(id(1));
        let forms: Vec<_> = traces.iter().map(|assembled| Trace { assembled, rows: &rows, spans: &[] }).collect();
        let text = written(&forms);
        let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
        let [b, a] = &whole["sessions"].as_array().unwrap()[..] else { panic!("two sessions") };
        assert_eq!((b["session_id"].as_str(), a["session_id"].as_str()), (Some("b"), Some("a")));
        assert_eq!(b["user_ids"], serde_json::json!(["u2", "u1"]));
        assert_eq!(b["trace_ids"][1], id(2).to_string());
        assert_eq!(b["ended_at"], "1970-01-01T00:00:00.000000005Z");
        assert_eq!(a["ended_at"], serde_json::Value::Null);
        assert_eq!((&b["totals"]["cost_usd"], &b["totals"]["model_calls"]), (&1.0.into(), &2.into()));
    }

    #[test]
    fn a_transcript_of_nothing_is_a_document_too() {
        let nothing = "{\"transcript\":1,\"generator\":\"sideseat-tui 0\",\"traces\":[\n],\"sessions\":[\n]}\n";
        assert_eq!(written(&[]), nothing);
    }
}
