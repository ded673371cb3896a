//! `export`: writes what is stored, for other programs. It is written trace by trace, so that a large store needs no large
//! memory.

use std::{
    collections::HashMap,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::ValueEnum;

use super::{
    BAD_INPUT, GOOD,
    assembled::{assembled, batches, stretches},
    blobs::Blobs,
    filtering, is_read_by_a_person,
    json::Printable,
    page,
    reading::{Output, Reads},
};
use crate::{
    decode::encode,
    dialects,
    export::transcript::{Trace, Transcript},
    model::{AssembledTrace, LogRecord, Project, SessionId, Span, TraceId, TraceRows},
    store::{LogId, Pick, Picked, Store, StoreError},
};

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui export > all.json
  sideseat-tui export --filter \"error since:24h\" -o failed.json
  sideseat-tui export --session trip-42 --blobs media -o trip.json
  sideseat-tui export --session trip-42 --format html -o trip.html     # for a browser: needs nothing else
  sideseat-tui export --format otlp-json | gzip > backup.json.gz       # `import` reads it again
  sideseat-tui export --format otlp-proto --trace 0af7651916cd43dd8448eb211c80319c -o trace.pb

otlp-json is a line of traces, then a line of logs. otlp-proto is one request, so one signal.";

/// Spans or log records that are encoded at once.
const BATCH: usize = 2000;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// In which form: transcript, html, otlp-json or otlp-proto
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,

    /// Only traces, or only logs (otlp-json: else both; otlp-proto: else traces)
    #[arg(long, value_enum, hide_possible_values = true)]
    signal: Option<Signal>,

    /// Only this trace
    #[arg(long, value_name = "ID")]
    trace: Option<TraceId>,

    /// Only the traces of this session
    #[arg(long, value_name = "ID", value_parser = session)]
    session: Option<SessionId>,

    /// Only what was sent to this project
    #[arg(long, value_name = "NAME")]
    project: Option<Project>,

    /// Only traces that this lets through: words, agent:, tool:, cost> and more; see below
    #[arg(long, value_name = "FILTER", default_value = "", hide_default_value = true, allow_hyphen_values = true, value_parser = filtering::read)]
    filter: String,

    /// Also write images, documents and other bytes, which a transcript only names, into this folder (SHA256.EXT)
    #[arg(long, value_name = "DIR")]
    blobs: Option<PathBuf>,

    /// Write into this file instead of to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// What was understood, as one JSON document
    #[default]
    Transcript,
    /// What happened, as one page for a browser
    Html,
    /// What was received, as lines of OTLP JSON
    OtlpJson,
    /// What was received, as one OTLP protobuf request
    OtlpProto,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Signal {
    Traces,
    Logs,
}

#[expect(clippy::unnecessary_wraps, reason = "what clap asks for")]
fn session(text: &str) -> Result<SessionId, std::convert::Infallible> {
    Ok(SessionId::from(text))
}

impl Reads for Arguments {
    fn check(&self) -> anyhow::Result<()> {
        let Self { format, signal, blobs, output, .. } = self;
        anyhow::ensure!(
            *format == Format::Transcript || blobs.is_none(),
            "--blobs goes with --format transcript; the other forms hold the bytes themselves"
        );
        anyhow::ensure!(
            !matches!(format, Format::Transcript | Format::Html) || signal.is_none(),
            "--signal goes with --format otlp-json or otlp-proto; the other forms are made of both"
        );
        anyhow::ensure!(
            *format != Format::OtlpProto || output.is_some() || !is_read_by_a_person(),
            "otlp-proto is not for a terminal; write it into a file with -o FILE"
        );
        anyhow::ensure!(
            *format != Format::Html || output.is_some() || !is_read_by_a_person(),
            "a page is for a browser; write it into a file with -o FILE.html"
        );
        Ok(())
    }

    fn file(&self) -> Option<&Path> {
        self.output.as_deref()
    }

    fn blobs(&self) -> Option<&Path> {
        self.blobs.as_deref()
    }

    /// Writes what the arguments select.
    fn run(&self, store: &Store, output: &mut Output) -> anyhow::Result<u8> {
        let pick = self.pick();
        let traces = store.picked(&pick)?;
        if traces.is_empty() && (pick.trace.is_some() || pick.session.is_some()) {
            (output.says)("the store holds no such trace; `sideseat-tui traces` and `sessions` list what there is");
            return Ok(BAD_INPUT);
        }
        let zone = output.printer.zone();
        let Output { out, blobs, .. } = output;
        match self.format {
            Format::Transcript => {
                let blobs = self.blobs.is_some().then(|| Blobs::to(*blobs, store));
                transcript(store, &pick, &traces, blobs.as_ref(), &mut Printable::new(&mut **out))?;
            }
            Format::Html => page::write(store, &pick, &traces, &zone, &mut **out)?,
            Format::OtlpJson => {
                let mut out = Printable::new(&mut **out);
                if self.signal != Some(Signal::Logs) {
                    let mut line = Line::of(&mut out, &encode::traces_json(&[]))?;
                    spans(store, &traces, &mut |spans| line.add(&encode::traces_json(spans)))?;
                    line.end()?;
                }
                if self.signal != Some(Signal::Traces) {
                    let mut line = Line::of(&mut out, &encode::logs_json(&[]))?;
                    logs(store, &pick, &mut |logs| line.add(&encode::logs_json(logs)))?;
                    line.end()?;
                }
            }
            // Requests one after another are one request.
            Format::OtlpProto if self.signal == Some(Signal::Logs) => {
                logs(store, &pick, &mut |logs| Ok(out.write_all(&encode::logs_proto(logs))?))?;
            }
            Format::OtlpProto => {
                spans(store, &traces, &mut |spans| Ok(out.write_all(&encode::traces_proto(spans))?))?;
            }
        }
        // Also makes the file if there was nothing to write.
        output.out.flush()?;
        Ok(GOOD)
    }
}

impl Arguments {
    fn pick(&self) -> Pick {
        Pick {
            trace: self.trace,
            session: self.session.clone(),
            project: self.project.as_ref().map(ToString::to_string),
            filter: self.filter.clone(),
        }
    }
}

/// Writes the transcript of what is picked, without the bytes of its media.
///
/// # Errors
/// Those of the store and of `out`.
pub fn write_transcript(store: &Store, pick: &Pick, out: &mut dyn Write) -> anyhow::Result<()> {
    transcript(store, pick, &store.picked(pick)?, None, out)
}

/// Writes traces as they were received, as a line of traces and a line of logs of OTLP JSON.
///
/// # Errors
/// Those of the store and of `out`.
pub fn write_otlp(store: &Store, traces: &[Picked], out: &mut dyn Write) -> anyhow::Result<()> {
    let mut line = Line::of(out, &encode::traces_json(&[]))?;
    spans(store, traces, &mut |spans| line.add(&encode::traces_json(spans)))?;
    line.end()?;
    let mut line = Line::of(out, &encode::logs_json(&[]))?;
    write_logs(store, &store.log_ids_of(&ids(traces))?, &mut |logs| line.add(&encode::logs_json(logs)))?;
    line.end()?;
    Ok(())
}

/// Writes the transcript, traces by start.
fn transcript(
    store: &Store,
    pick: &Pick,
    traces: &[Picked],
    blobs: Option<&Blobs>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let sessions = by_session(store, pick)?;
    let batches = batches(&sessions);
    let mut places = HashMap::new();
    for (place, batch) in batches.iter().enumerate() {
        places.extend(batch.iter().flatten().map(|picked| (picked.trace, place)));
    }
    let mut understood: HashMap<TraceId, (AssembledTrace, TraceRows)> = HashMap::new();
    let generator = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    let mut transcript = Transcript::begin(out, generator)?;
    for stretch in stretches(traces) {
        let mut spans = store.raw_spans(&ids(stretch))?;
        for id in ids(stretch) {
            if !understood.contains_key(&id)
                && let Some(batch) = places.get(&id).and_then(|place| batches.get(*place))
            {
                let all = assembled(store, batch)?;
                understood.extend(all.into_iter().map(|(assembled, rows)| (assembled.trace, (assembled, rows))));
            }
            let Some((assembled, rows)) = understood.remove(&id) else { continue };
            let spans = spans.remove(&id).unwrap_or_default();
            transcript.trace(&Trace { assembled: &assembled, rows: &rows, spans: &spans })?;
            if let Some(blobs) = blobs {
                blobs.write(&assembled, &spans)?;
            }
        }
    }
    Ok(transcript.end()?)
}

fn ids(picked: &[Picked]) -> Vec<TraceId> {
    picked.iter().map(|picked| picked.trace).collect()
}

/// The picked traces by session. If one trace is picked, all traces of its session: messages of earlier ones are history.
pub(super) fn by_session(store: &Store, pick: &Pick) -> Result<Vec<Vec<Picked>>, StoreError> {
    let session = pick.trace.map(|trace| store.session_of(trace)).transpose()?.flatten();
    match session {
        Some(session) => {
            store.sessions(&Pick { trace: None, session: Some(session), filter: String::new(), ..pick.clone() })
        }
        None => store.sessions(pick),
    }
}

/// What is called with each batch.
type Each<'a, T> = &'a mut dyn FnMut(&[T]) -> anyhow::Result<()>;

/// Hands on the spans that were received. Synthetic ones are left out: an import makes them of their log records again.
fn spans(store: &Store, traces: &[Picked], each: Each<Span>) -> anyhow::Result<()> {
    let mut gathered = Vec::new();
    for stretch in stretches(traces) {
        let mut spans = store.raw_spans(&ids(stretch))?;
        for id in ids(stretch) {
            gathered.extend(spans.remove(&id).unwrap_or_default().into_iter().filter(|span| !span.synthetic));
            if gathered.len() >= BATCH {
                each(&gathered)?;
                gathered.clear();
            }
        }
    }
    if gathered.is_empty() { Ok(()) } else { each(&gathered) }
}

fn logs(store: &Store, pick: &Pick, each: Each<LogRecord>) -> anyhow::Result<()> {
    write_logs(store, &store.log_ids(pick)?, each)
}

/// Hands on some log records that were received. Those that were made of spans are left out, as [`spans`] leaves out those
/// that were made of log records.
fn write_logs(store: &Store, ids: &[LogId], each: Each<LogRecord>) -> anyhow::Result<()> {
    for ids in ids.chunks(BATCH) {
        let mut records = store.raw_logs(ids)?;
        records.retain(|record| !dialects::is_made_record(record));
        each(&records)?;
    }
    Ok(())
}

/// Joins requests of the form `{"resourceSpans":[…]}` into one, on one line.
struct Line<'a> {
    out: &'a mut dyn Write,
    is_empty: bool,
}

impl<'a> Line<'a> {
    /// Begins a line; `request` is one without items.
    fn of(out: &'a mut dyn Write, request: &str) -> anyhow::Result<Self> {
        let (start, _) = split(request)?;
        out.write_all(start.as_bytes())?;
        Ok(Self { out, is_empty: true })
    }

    fn add(&mut self, request: &str) -> anyhow::Result<()> {
        let (_, items) = split(request)?;
        if !items.is_empty() && !self.is_empty {
            self.out.write_all(b",")?;
        }
        self.is_empty &= items.is_empty();
        Ok(self.out.write_all(items.as_bytes())?)
    }

    fn end(self) -> io::Result<()> {
        self.out.write_all(b"]}\n")
    }
}

/// Splits a request into what is before its items, and the items.
fn split(request: &str) -> anyhow::Result<(&str, &str)> {
    let bracket = request.find('[').context("an OTLP request without a list")?;
    let (start, rest) = request.split_at(bracket + 1);
    Ok((start, rest.strip_suffix("]}").context("an OTLP request that ends otherwise")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_joined_to_one_on_a_line() {
        let mut out = Vec::new();
        let mut line = Line::of(&mut out, r#"{"resourceSpans":[]}"#).unwrap();
        for request in [r#"{"resourceSpans":[{"a":[1]}]}"#, r#"{"resourceSpans":[]}"#, r#"{"resourceSpans":[{},{}]}"#] {
            line.add(request).unwrap();
        }
        line.end().unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\"resourceSpans\":[{\"a\":[1]},{},{}]}\n");
    }

    #[test]
    fn a_line_without_items_is_a_request() {
        let mut out = Vec::new();
        Line::of(&mut out, &encode::logs_json(&[])).unwrap().end().unwrap();
        assert_eq!(out, b"{\"resourceLogs\":[]}\n");
    }
}
