//! Load: the recorded Bedrock exports, over and over, each time with ids of its own.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

/// Spans that an SDK's batch processor sends at once.
pub const BATCH: usize = 512;

/// One request and how many spans it holds.
pub struct Body {
    pub bytes: Vec<u8>,
    pub spans: usize,
}

/// At least `spans` spans of the Bedrock mix in requests of about [`BATCH`].
pub fn bedrock(spans: usize) -> Vec<Body> {
    enough(Bedrock::after(0), spans)
}

/// The first requests of a mix, of at least `spans` spans.
pub fn enough(mix: Bedrock, spans: usize) -> Vec<Body> {
    let mut made = 0;
    let is_next = |body: &Body| {
        let is_next = made < spans;
        made += body.spans;
        is_next
    };
    mix.take_while(is_next).collect()
}

/// The Bedrock mix without an end, in requests of about [`BATCH`].
pub struct Bedrock {
    exports: Vec<ExportTraceServiceRequest>,
    next: usize,
    /// How many ids were given so far.
    ids: u64,
    /// Spans of a request, at least.
    batch: usize,
    /// Whether each export begins now and is of sessions of its own, and not when and of those that the captures say.
    is_recent: bool,
}

impl Bedrock {
    /// Begins it; `before` says how many spans were made before.
    pub fn after(before: u64) -> Self {
        let exports = captures("bedrock")
            .iter()
            .map(|path| ExportTraceServiceRequest::decode(fs::read(path).unwrap().as_slice()).unwrap())
            .collect();
        // A span has an id of its own, and perhaps one of a trace and of a parent that nobody sent.
        Self { exports, next: 0, ids: before * 4, batch: BATCH, is_recent: false }
    }

    /// The same as if it happened now, each export in sessions of its own; requests have at least `batch` spans.
    pub fn recent(before: u64, batch: usize) -> Self {
        Self { batch, is_recent: true, ..Self::after(before) }
    }
}

impl Iterator for Bedrock {
    type Item = Body;

    fn next(&mut self) -> Option<Body> {
        let mut request = ExportTraceServiceRequest::default();
        let mut spans = 0;
        while spans < self.batch {
            let mut export = self.exports.get(self.next % self.exports.len())?.clone();
            self.next += 1;
            spans += renew(&mut export, &mut self.ids);
            if self.is_recent {
                make_recent(&mut export, self.ids);
            }
            request.resource_spans.append(&mut export.resource_spans);
        }
        Some(Body { bytes: request.encode_to_vec(), spans })
    }
}

/// Gives every trace and span of an export an id of its own; says how many spans there are.
fn renew(export: &mut ExportTraceServiceRequest, ids: &mut u64) -> usize {
    let mut known: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    let mut fresh = |id: &mut Vec<u8>| {
        if !id.is_empty() {
            let renewed = known.entry(id.clone()).or_insert_with(|| {
                *ids += 1;
                // Spread, as real ids are: a counter would flatter indexes and compression.
                let mixed = ids.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (*ids << 32);
                let bytes = [mixed.to_be_bytes(), mixed.rotate_left(23).to_be_bytes()].concat();
                bytes[..id.len()].to_vec()
            });
            id.clone_from(renewed);
        }
    };
    let mut spans = 0;
    for scopes in &mut export.resource_spans {
        for span in scopes.scope_spans.iter_mut().flat_map(|scope| &mut scope.spans) {
            fresh(&mut span.trace_id);
            fresh(&mut span.span_id);
            fresh(&mut span.parent_span_id);
            spans += 1;
        }
    }
    spans
}

/// Gives the sessions of an export names of its own, and has it begin now.
fn make_recent(export: &mut ExportTraceServiceRequest, id: u64) {
    let scopes = export.resource_spans.iter_mut().flat_map(|spans| &mut spans.scope_spans);
    let mut spans: Vec<&mut Span> = scopes.flat_map(|spans| &mut spans.spans).collect();
    let began = spans.iter().map(|span| span.start_time_unix_nano).min().unwrap_or_default();
    let later = now().saturating_sub(began);
    for span in &mut spans {
        span.start_time_unix_nano += later;
        span.end_time_unix_nano += later;
        for event in &mut span.events {
            event.time_unix_nano += later;
        }
        for attribute in span.attributes.iter_mut().filter(|attribute| attribute.key == "session.id") {
            let value = any_value::Value::StringValue(format!("session {id}"));
            attribute.value = Some(AnyValue { value: Some(value) });
        }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos().try_into().unwrap()
}

/// One more step of a run that does not end.
pub fn step_of_one_run(nth: u64) -> Vec<u8> {
    step(vec![8; 16], nth, Vec::new())
}

/// A step of a run of its own, with a question of so many bytes that no other step has.
pub fn step_with_a_question(nth: u64, bytes: usize) -> Vec<u8> {
    let words = (0_u64..).map(|word| blake3::hash(&[nth, word].map(u64::to_le_bytes).concat()).to_hex());
    let mut question = String::new();
    words.take(bytes / 65 + 1).for_each(|word| question.extend([word.as_str(), " "]));
    let message = format!(r#"[{{"role":"user","parts":[{{"type":"text","content":"{question}"}}]}}]"#);
    step(blake3::hash(&nth.to_le_bytes()).as_bytes()[..16].to_vec(), 1, vec![text("gen_ai.input.messages", &message)])
}

fn text(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) }),
        ..KeyValue::default()
    }
}

fn step(trace: Vec<u8>, id: u64, more: Vec<KeyValue>) -> Vec<u8> {
    let at = now();
    let mut attributes = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.request.model", "gpt-4o-mini"),
        text("session.id", "one that goes on"),
    ];
    attributes.extend(more);
    let span = Span {
        trace_id: trace,
        span_id: id.to_be_bytes().to_vec(),
        name: "chat gpt-4o-mini".to_owned(),
        start_time_unix_nano: at,
        end_time_unix_nano: at + 1_000_000,
        attributes,
        ..Span::default()
    };
    let spans = ScopeSpans { spans: vec![span], ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![spans], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
}

/// One trace of a conversation: as many model calls, each of which sends all turns before it again.
pub fn conversation(turns: usize) -> Vec<u8> {
    let text = |key: &str, value: String| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(any_value::Value::StringValue(value)) }),
        ..KeyValue::default()
    };
    let said = |role: &str, turn: usize| {
        let words = format!("Turn {turn}: a sentence or two, as people say them, and as models answer them.");
        format!(r#"{{"role":"{role}","parts":[{{"type":"text","content":"{words}"}}]}}"#)
    };
    let span = |turn: usize| {
        let history: Vec<String> =
            (0..=turn).flat_map(|turn| [said("user", turn), said("assistant", turn)]).take(2 * turn + 1).collect();
        let at = u64::try_from(turn).unwrap() * 1_000_000_000 + 1;
        Span {
            trace_id: vec![7; 16],
            span_id: (u64::try_from(turn).unwrap() + 1).to_be_bytes().to_vec(),
            name: "chat gpt-4o-mini".to_owned(),
            start_time_unix_nano: at,
            end_time_unix_nano: at + 500_000_000,
            attributes: vec![
                text("gen_ai.operation.name", "chat".to_owned()),
                text("gen_ai.request.model", "gpt-4o-mini".to_owned()),
                text("gen_ai.input.messages", format!("[{}]", history.join(","))),
                text("gen_ai.output.messages", format!("[{}]", said("assistant", turn))),
            ],
            ..Span::default()
        }
    };
    let spans = ScopeSpans { spans: (0..turns).map(span).collect(), ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![spans], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec()
}

/// The trace captures of a client, whole ones only, in order of name.
pub fn captures(client: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(client);
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "pb") && name(path).matches('.').count() == 1
        })
        .collect();
    found.sort();
    found
}
