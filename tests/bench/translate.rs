//! Microseconds to understand a span, for each client's captures: decode, translate, price.

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use sideseat_tui::decode::{self, Encoding};
use sideseat_tui::dialects;
use sideseat_tui::model::{Project, Source, Span};
use sideseat_tui::pricing::Prices;

use crate::load;

const ROUNDS: u32 = 50;

pub fn run() {
    let prices = Prices::bundled();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut clients: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    clients.sort();
    println!("{:<16} {:>6} {:>12} {:>14} {:>10}", "client", "spans", "decode µs", "translate µs", "price µs");
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
        println!("{client:<16} {:>6} {decoding:>12.2} {translating:>14.2} {pricing:>10.2}", spans.len());
    }
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
