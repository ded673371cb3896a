//! One line about what a program did: traces, calls, tokens, cost, errors.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt,
    sync::Arc,
};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, spawn_blocking},
};

use super::announce::Progress;
use crate::{
    app::format::{count, money, unknown_costs},
    assemble::{self, Adopted, EndedCall, EndedCalls, KnownTraces, SpanDigest},
    decode::{self, Received, Signal, encode},
    dialects::{self, ExchangeHalf},
    model::{LogRecord, LogRow, Program, Project, Rank, Span, SpanId, SpanRow, Totals, TraceId, Waits},
    pricing::Prices,
    receive::Export,
    start,
    understand::{self, Understood},
};

/// Exports that wait to be counted; a program that sends faster waits for it.
const WAITING: usize = 16;
/// At most this many spans and log records are counted. Each takes a few hundred bytes.
const COUNTED: usize = 200_000;

pub type Sender = mpsc::Sender<Export>;

/// Starts a thread that counts the exports sent to it, and says how many there are so far. It ends with the sums once all
/// senders are dropped.
pub fn start(progress: watch::Sender<Progress>) -> (JoinHandle<Tally>, Sender) {
    let (sender, mut exports) = mpsc::channel(WAITING);
    let counting = spawn_blocking(move || {
        let mut gathered = Gathered { prices: start::prices(), ..Gathered::default() };
        while let Some(export) = exports.blocking_recv() {
            gathered.add(&export);
            progress.send_replace(gathered.progress());
        }
        gathered.tally()
    });
    (counting, sender)
}

/// When a request was sent, in nanoseconds, and its span.
type Request = (u64, (TraceId, SpanId));

/// The digests of what was sent so far.
#[derive(Default)]
struct Gathered {
    prices: Arc<Prices>,
    /// The spans of requests whose responses name none, by what both name, with the moments at which they were sent.
    requests: HashMap<u128, Vec<Request>>,
    /// Such responses; only once all has come it is known to which span each belongs.
    responses: Vec<Response>,
    traces: BTreeMap<TraceId, Trace>,
    /// The calls that ended, by the resource and project that sent them; their scopes by name.
    ended_calls: EndedCalls<(Vec<u8>, Project), String>,
    /// The traces that began last, at most [`Program::NEWEST`].
    newest: VecDeque<TraceId>,
    /// Number of spans and log records, those beyond [`COUNTED`] included.
    count: usize,
}

/// The record of a response that names no span.
struct Response {
    half: ExchangeHalf,
    record: LogRecord,
    raw: Bytes,
    position: u32,
}

#[derive(Default)]
struct Trace {
    /// The most complete record of each span, as the store chooses it.
    spans: HashMap<SpanId, (Rank, SpanDigest)>,
    logs: Vec<SpanDigest>,
}

impl KnownTraces for BTreeMap<TraceId, Trace> {
    fn digests(&self, trace: TraceId, most: usize) -> Vec<&SpanDigest> {
        let of = self.get(&trace).into_iter();
        of.flat_map(|of| of.spans.values().map(|(_, digest)| digest).chain(&of.logs)).take(most + 1).collect()
    }

    fn digests_of(&self, (trace, span): (TraceId, SpanId), most: usize) -> Vec<&SpanDigest> {
        let Some(of) = self.get(&trace) else { return Vec::new() };
        let own = of.spans.get(&span).map(|(_, digest)| digest);
        own.into_iter().chain(of.logs.iter().filter(|digest| digest.is_record_of(span))).take(most).collect()
    }

    fn has(&self, (trace, span): (TraceId, SpanId)) -> bool {
        self.get(&trace).is_some_and(|of| of.spans.contains_key(&span))
    }
}

impl Gathered {
    fn add(&mut self, export: &Export) {
        let Export { signal, project, body, encoding, .. } = export;
        // What cannot be decoded was rejected by who accepted the rest.
        match signal {
            Signal::Traces => {
                let decoded = decode::traces(project, body, *encoding).unwrap_or_default();
                for received in decoded.items {
                    let (understood, _) = understand::span(received.item, received.raw, &self.prices);
                    self.add_span(understood);
                }
            }
            Signal::Logs => {
                let decoded = decode::logs(project, body, *encoding).unwrap_or_default();
                for (received, position) in decoded.items.into_iter().zip(0..) {
                    let half = dialects::half_of(&received.item);
                    let waits = self.count + self.responses.len() < COUNTED;
                    if let Some(half) = half.filter(|half| half.is_response && waits) {
                        let Received { item: record, raw } = received;
                        // A slice would keep all of the export.
                        let raw = Bytes::copy_from_slice(&raw);
                        self.responses.push(Response { half, record, raw, position });
                    } else {
                        let place = received.item.trace.zip(received.item.span);
                        if let Some((half, place)) = half.zip(place) {
                            self.requests.entry(half.of).or_default().push((half.sent, place));
                        }
                        self.add_record(received.item, received.raw, position, None);
                    }
                }
            }
            Signal::Metrics => {}
        }
    }

    /// Adds a log record, and the span that it stands for; `answers` as for [`understand::log`].
    fn add_record(&mut self, record: LogRecord, raw: Bytes, position: u32, answers: Option<(TraceId, SpanId)>) {
        let (log, made) = understand::log(record, raw, &self.prices, answers);
        self.add_log(log, position);
        if let Some(made) = made {
            self.add_span(made);
        }
    }

    /// Adds the responses that wait, each at the span of its request if that is known.
    fn add_responses(&mut self) {
        let mut of: HashMap<u128, Vec<(u64, usize)>> = HashMap::new();
        let responses = std::mem::take(&mut self.responses);
        for (nth, response) in responses.iter().enumerate() {
            of.entry(response.half.of).or_default().push((response.half.sent, nth));
        }
        let requests = std::mem::take(&mut self.requests);
        let known = of.iter().filter_map(|(exchange, responses)| Some((requests.get(exchange)?, responses)));
        let places: HashMap<usize, (TraceId, SpanId)> =
            known.flat_map(|(requests, responses)| dialects::pairs(requests, responses)).collect();
        for (nth, Response { record, raw, position, .. }) in responses.into_iter().enumerate() {
            self.add_record(record, raw, position, places.get(&nth).copied());
        }
    }

    fn add_span(&mut self, Understood { item: span, raw, translation, .. }: Understood<Span>) {
        if !self.has_room() {
            return;
        }
        let rank = span.rank(&raw);
        if let Some(ended) = span.ended.filter(|_| translation.genai.category.is_call()) {
            let (place, scope) = ((span.trace, span.id), span.scope.name.clone());
            let call = EndedCall { place, parent: span.parent, scope, started: span.started, ended };
            self.ended_calls.add((encode::resource_bytes(&span.resource), span.project.clone()), call);
        }
        let digest = SpanDigest::of_span(&SpanRow::of(&span, Arc::new(translation)));
        let spans = &mut self.trace(span.trace).spans;
        if spans.get(&span.id).is_none_or(|(known, _)| rank >= *known) {
            spans.insert(span.id, (rank, digest));
        }
    }

    /// A log record that names no trace, and whose dialect gives it none, is in no trace's sums.
    fn add_log(&mut self, Understood { item: record, translation, .. }: Understood<LogRecord>, position: u32) {
        let Some(trace) = record.trace.filter(|_| self.has_room()) else { return };
        let digest = SpanDigest::of_log(&LogRow::of(&record, position, Arc::new(translation)));
        self.trace(trace).logs.push(digest);
    }

    fn trace(&mut self, id: TraceId) -> &mut Trace {
        self.traces.entry(id).or_insert_with(|| {
            if self.newest.len() == Program::NEWEST {
                self.newest.pop_front();
            }
            self.newest.push_back(id);
            Trace::default()
        })
    }

    fn has_room(&mut self) -> bool {
        self.count += 1;
        self.count <= COUNTED
    }

    fn progress(&self) -> Progress {
        let newest = self.newest.iter().copied().collect();
        let records = (self.count + self.responses.len()) as u64;
        Progress { traces: self.traces.len() as u64, newest, records }
    }

    /// Puts the traces that only record a call of another one into that one, as the store does.
    fn adopt(&mut self) {
        let pairs = self.ended_calls.take_pairs(usize::MAX);
        let adopted = Adopted::decide(pairs, HashMap::new(), &self.traces);
        for (trace, to) in adopted.new {
            let Some(Trace { spans, logs }) = self.traces.remove(&trace) else { continue };
            let other = self.traces.entry(to.adopter).or_default();
            other.spans.extend(spans.into_iter().map(|(id, (rank, digest))| (id, (rank, digest.beneath(to.call)))));
            other.logs.extend(logs);
        }
    }

    fn tally(mut self) -> Tally {
        self.add_responses();
        self.adopt();
        let mut tally = Tally { traces: self.traces.len(), more: self.count > COUNTED, ..Tally::default() };
        let prices = self.prices;
        let mut all = Vec::new();
        for (id, trace) in self.traces {
            let spans = trace.spans.into_values().map(|(_, digest)| digest);
            let digests: Vec<SpanDigest> = spans.chain(trace.logs).collect();
            let listing = assemble::summarize(id, &digests, &|genai, at| prices.price(genai, at));
            all.push(listing.totals);
            tally.unfinished.extend(listing.waits.map(|waits| (id, waits)));
        }
        tally.totals = all.into_iter().sum();
        tally
    }
}

/// What a program did, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    traces: usize,
    totals: Totals,
    /// The traces of which something is still to come.
    unfinished: Vec<(TraceId, Waits)>,
    /// More was sent than [`COUNTED`].
    more: bool,
}

impl Tally {
    /// The traces of which something was still to come when all was counted, and now will not. `failed`: the program did.
    /// Where it went well, the process that a trace waits for is another one.
    #[must_use]
    pub fn unfinished(&self, failed: bool) -> Vec<TraceId> {
        let left = self.unfinished.iter().filter(|(_, waits)| failed || *waits != Waits::Remote);
        left.map(|(trace, _)| *trace).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { traces, totals, more, unfinished: _ } = self;
        if *traces == 0 {
            return f.write_str("no traces; start `sideseat-tui` to see how an SDK is made to send them");
        }
        if *more {
            f.write_str("more than ")?;
        }
        let calls = totals.model_calls;
        let tokens = match totals.usage.total() {
            None if calls > 0 => "? tokens".to_owned(),
            tokens => format!("{} tokens", count(tokens.unwrap_or(0))),
        };
        let cost = match (totals.priced, totals.unpriced) {
            (0, 0) if calls == 0 => money(totals.cost),
            // The sums do not tell a call without a price from one without tokens.
            (0, _) => "cost not known".to_owned(),
            (_, 0) => money(totals.cost),
            _ if totals.cost.0 == 0 => "cost not known".to_owned(),
            (_, unpriced) => format!("{}, {}", money(totals.cost), unknown_costs(unpriced, 0)),
        };
        let number = |number: u64, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
        let traces = number(*traces as u64, "trace", "traces");
        let errors = number(totals.errors, "error", "errors");
        write!(f, "{traces}, {}, {tokens}, {cost}, {errors}", number(calls, "call", "calls"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        decode::Encoding,
        model::{Answer, Filter, Query, TokenUsage, Usd},
        receive::{Counts, ExportSink as _, Intake},
        store::{Pick, Place, Store},
    };

    /// Of the log records of coding agents most name no trace: their dialects know the place that they have.
    #[tokio::test]
    async fn what_is_counted_is_what_the_store_counts() {
        let agents = ["codex_cli", "gemini_cli", "claude_code"].map(|client| format!("cli-agents/{client}"));
        for client in agents.into_iter().chain(["langchain/oi_agent_anthropic_travel".to_owned()]) {
            let prices = Arc::new(Prices::bundled());
            let store = Store::open(&Place::Memory, prices.clone()).unwrap();
            let intake = Intake::new(store.writer(), prices.clone(), Counts::new());
            let mut gathered = Gathered { prices: prices.clone(), ..Gathered::default() };
            let mut reversed = Gathered { prices, ..Gathered::default() };
            let mut exports = Vec::new();
            for (signal, ending) in [(Signal::Logs, "logs.pb"), (Signal::Traces, "pb")] {
                let path = format!("{}/tests/fixtures/{client}.{ending}", env!("CARGO_MANIFEST_DIR"));
                let Ok(body) = std::fs::read(&path) else { continue };
                let peer = ([127, 0, 0, 1], 0).into();
                let encoding = Encoding::Protobuf;
                let export = Export {
                    signal,
                    project: Project::default(),
                    body: body.into(),
                    encoding,
                    peer,
                    waited: Duration::ZERO,
                };
                gathered.add(&export);
                exports.push(export.clone());
                intake.accept(export).await.unwrap();
            }
            exports.iter().rev().for_each(|export| reversed.add(export));
            let Ok(Answer::Overview(stored)) =
                store.answer(&Query::Overview { filter: Filter::default(), today: None })
            else {
                panic!("no overview")
            };
            let tally = gathered.tally();
            assert_eq!(reversed.tally(), tally, "{client}");
            assert!(tally.totals.model_calls > 0, "{client}");
            assert_eq!(tally.totals, stored.all.totals, "{client}");
            assert_eq!(tally.traces, store.picked(&Pick::default()).unwrap().len(), "{client}");
        }
    }

    #[test]
    fn the_line_says_what_is_known_and_never_takes_unknown_for_zero() {
        let usage = TokenUsage { uncached_input: Some(12_000), output: Some(345), ..TokenUsage::default() };
        let cost = Usd::from_dollars(0.0214).unwrap();
        let totals = Totals { usage, cost, priced: 5, model_calls: 5, errors: 1, ..Totals::default() };
        let line = |traces, totals| Tally { traces, totals, ..Tally::default() }.to_string();
        assert_eq!(line(2, totals), "2 traces, 5 calls, 12k tokens, $.021, 1 error");
        let partly = Totals { unpriced: 1, errors: 0, ..totals };
        assert_eq!(line(1, partly), "1 trace, 5 calls, 12k tokens, $.021, cost of 1 not known, 0 errors");
        let unknown = Totals { model_calls: 1, ..Totals::default() };
        assert_eq!(line(1, unknown), "1 trace, 1 call, ? tokens, cost not known, 0 errors");
        assert_eq!(line(1, Totals::default()), "1 trace, 0 calls, 0 tokens, $0, 0 errors");
        assert!(line(0, Totals::default()).starts_with("no traces"));
    }
}
