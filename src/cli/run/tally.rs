//! One line about what a program did: traces, calls, tokens, cost, errors.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
};

use crate::{
    app::format::{count, money},
    assemble::{self, SpanDigest},
    decode::{self, Signal},
    dialects,
    model::{LogRecord, LogRow, Source, Span, SpanId, SpanRow, Totals, TraceId, Translation},
    pricing::Prices,
    receive::Export,
    start,
};

/// Exports that wait to be counted; a program that sends faster waits for it.
const WAITING: usize = 16;
/// So many spans and log records are counted, at a few hundred bytes each.
const COUNTED: usize = 200_000;

pub type Sender = mpsc::Sender<Export>;

/// Counts on the blocking pool what is sent, until all senders are gone.
pub fn start() -> (JoinHandle<Tally>, Sender) {
    let (told, mut exports) = mpsc::channel(WAITING);
    let counting = spawn_blocking(move || {
        let mut gathered = Gathered { prices: start::prices(), ..Gathered::default() };
        while let Some(export) = exports.blocking_recv() {
            gathered.add(&export);
        }
        gathered.tally()
    });
    (counting, told)
}

/// What is remembered of what was sent.
#[derive(Default)]
struct Gathered {
    prices: Arc<Prices>,
    traces: BTreeMap<TraceId, Trace>,
    count: usize,
}

#[derive(Default)]
struct Trace {
    /// A span that is sent again takes the place of the first.
    spans: HashMap<SpanId, SpanDigest>,
    logs: Vec<SpanDigest>,
}

impl Gathered {
    fn add(&mut self, export: &Export) {
        let Export { signal, project, body, encoding, .. } = export;
        // What cannot be read was rejected by whoever took the rest.
        match signal {
            Signal::Traces => {
                let decoded = decode::traces(project, body, *encoding).unwrap_or_default();
                decoded.items.into_iter().for_each(|arrived| self.add_span(&arrived.item));
            }
            Signal::Logs => {
                let decoded = decode::logs(project, body, *encoding).unwrap_or_default();
                decoded.items.into_iter().zip(0..).for_each(|(arrived, position)| self.add_log(arrived.item, position));
            }
            Signal::Metrics => {}
        }
    }

    fn add_span(&mut self, span: &Span) {
        let translation = self.understood(&Source::from(span));
        let row = SpanRow::of(span, translation);
        if self.has_room() {
            self.traces.entry(row.trace).or_default().spans.insert(row.id, SpanDigest::of_span(&row));
        }
    }

    fn add_log(&mut self, record: LogRecord, position: u32) {
        let Some(trace) = record.trace else { return };
        let translation = self.understood(&Source::from(&record));
        let row = LogRow {
            trace: record.trace,
            span: record.span,
            at: record.time(),
            position,
            name: record.name,
            severity: record.severity,
            severity_text: record.severity_text,
            text: String::new(),
            translation,
        };
        if self.has_room() {
            self.traces.entry(trace).or_default().logs.push(SpanDigest::of_log(&row));
        }
    }

    fn understood(&self, source: &Source) -> Arc<Translation> {
        let mut translation = dialects::translate(source);
        translation.genai.cost = self.prices.price(&translation.genai, source.at);
        Arc::new(translation)
    }

    fn has_room(&mut self) -> bool {
        self.count += 1;
        self.count <= COUNTED
    }

    fn tally(self) -> Tally {
        let traces = self.traces.len();
        let prices = self.prices;
        let totals = self.traces.into_iter().map(|(id, trace)| {
            let facts: Vec<SpanDigest> = trace.spans.into_values().chain(trace.logs).collect();
            assemble::summarize(id, &facts, &|genai, at| prices.price(genai, at)).totals
        });
        Tally { totals: totals.sum(), traces, more: self.count > COUNTED }
    }
}

/// What a program did, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    traces: usize,
    totals: Totals,
    /// There was more than could be counted.
    more: bool,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { traces, totals, more } = self;
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
            (0, _) => "unpriced".to_owned(),
            (_, 0) => money(totals.cost),
            (_, unpriced) => format!("{} and {unpriced} unpriced", money(totals.cost)),
        };
        let number = |number: u64, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
        let traces = number(*traces as u64, "trace", "traces");
        let errors = number(totals.errors, "error", "errors");
        write!(f, "{traces}, {}, {tokens}, {cost}, {errors}", number(calls, "call", "calls"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{TokenUsage, Usd};

    #[test]
    fn the_line_says_what_is_known_and_never_takes_unknown_for_zero() {
        let usage = TokenUsage { uncached_input: Some(12_000), output: Some(345), ..TokenUsage::default() };
        let cost = Usd::from_dollars(0.0214).unwrap();
        let totals = Totals { usage, cost, priced: 5, model_calls: 5, errors: 1, ..Totals::default() };
        let said = |traces, totals| Tally { traces, totals, more: false }.to_string();
        assert_eq!(said(2, totals), "2 traces, 5 calls, 12k tokens, $.021, 1 error");
        let partly = Totals { unpriced: 1, errors: 0, ..totals };
        assert_eq!(said(1, partly), "1 trace, 5 calls, 12k tokens, $.021 and 1 unpriced, 0 errors");
        let unknown = Totals { model_calls: 1, ..Totals::default() };
        assert_eq!(said(1, unknown), "1 trace, 1 call, ? tokens, unpriced, 0 errors");
        assert_eq!(said(1, Totals::default()), "1 trace, 0 calls, 0 tokens, $0, 0 errors");
        assert!(said(0, Totals::default()).starts_with("no traces"));
    }
}
