//! Microseconds to understand a span, for each client's captures: decode, translate, price. And how long whole
//! conversations take, each call of which sends all turns before it again: twice the turns are four times the text.

use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use sideseat_tui::assemble;
use sideseat_tui::decode::{self, Encoding};
use sideseat_tui::dialects;
use sideseat_tui::model::{Project, Source, Span, SpanRow, TraceRows};
use sideseat_tui::pricing::Prices;

use crate::load;

const ROUNDS: u32 = 50;

pub fn run() {
    let prices = Prices::bundled();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir());
    let mut clients: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    clients.sort();
    println!("{:<16} {:>6} {:>12} {:>14} {:>10}", "client", "spans", "decode µs", "translate µs", "price µs");
    let (mut all, mut sum) = (0, 0.0);
    for client in clients {
        let bodies: Vec<Bytes> = load::captures(&client).iter().map(|path| fs::read(path).unwrap().into()).collect();
        let decode = || -> Vec<Span> {
            bodies
                .iter()
                .flat_map(|body| decode::traces(&Project::default(), body, Encoding::Protobuf).unwrap().items)
                .map(|arrived| arrived.item)
                .collect()
        };
        let spans = decode();
        if spans.is_empty() {
            continue;
        }
        let decoding = each(spans.len(), || {
            black_box(decode());
        });
        let translating = each(spans.len(), || {
            for span in &spans {
                black_box(dialects::translate(&Source::from(span)));
            }
        });
        let translated: Vec<_> = spans.iter().map(|span| dialects::translate(&Source::from(span))).collect();
        let pricing = each(spans.len(), || {
            for (span, translation) in spans.iter().zip(&translated) {
                black_box(prices.price(&translation.genai, span.started));
            }
        });
        all += spans.len();
        #[expect(clippy::cast_precision_loss, reason = "a mean for people")]
        {
            sum += translating * spans.len() as f64;
        }
        println!("{client:<16} {:>6} {decoding:>12.2} {translating:>14.2} {pricing:>10.2}", spans.len());
    }
    #[expect(clippy::cast_precision_loss, reason = "a mean for people")]
    let mean = sum / all as f64;
    println!("{:<16} {all:>6} {:>12} {mean:>14.2}", "all", "");
    for turns in [50, 100, 200, 500] {
        conversation(turns);
    }
}

/// A conversation of so many turns in one trace: understood span by span, then put together.
fn conversation(turns: usize) {
    let spans: Vec<Span> = decode::traces(&Project::default(), &load::conversation(turns).into(), Encoding::Protobuf)
        .unwrap()
        .items
        .into_iter()
        .map(|arrived| arrived.item)
        .collect();
    let bytes: usize = spans.iter().map(|span| decode::encode::span_bytes(span).len()).sum();
    let began = Instant::now();
    let rows: Vec<SpanRow> =
        spans.iter().map(|span| SpanRow::of(span, Arc::new(dialects::translate(&Source::from(span))))).collect();
    let translated = began.elapsed();
    let trace = rows[0].trace;
    let rows = TraceRows { spans: rows, ..TraceRows::empty(trace) };
    let began = Instant::now();
    let assembled = assemble::session(vec![rows], &|_, _| None);
    let messages: usize = assembled[0].conversations.iter().map(|conversation| conversation.messages.len()).sum();
    #[expect(clippy::cast_precision_loss, reason = "a mean for people")]
    let each_kb = translated.as_secs_f64() * 1e6 / (bytes as f64 / 1e3);
    println!(
        "{turns:>4} turns, {:>6} kB: translate {translated:>10.2?} ({each_kb:.2} µs a kB)   assemble {:>10.2?}   {messages} messages",
        bytes / 1000,
        began.elapsed()
    );
}

/// Microseconds a span, the mean over all rounds after one to warm up.
#[expect(clippy::cast_precision_loss, reason = "a mean for people")]
fn each(spans: usize, work: impl Fn()) -> f64 {
    work();
    let began = Instant::now();
    for _ in 0..ROUNDS {
        work();
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS) / spans as f64
}
