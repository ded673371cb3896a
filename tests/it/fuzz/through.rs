//! The way of a request: decoded, translated, assembled, shown; and what holds of every one.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use proptest::{prelude::*, test_runner::TestCaseResult};
use sideseat_tui::{
    assemble,
    cli::words::{self, FromScreen, ToScreen},
    decode::{self, Encoding, encode},
    dialects,
    export::transcript::{Trace, Transcript},
    model::{
        Answer, AssembledTrace, Detail, LogRecord, LogRow, Project, QuerySlot, Source, Span, SpanId, SpanRow, TraceId,
        TraceRows,
    },
    pricing::Prices,
};

use crate::properties::lay_out;

static PRICES: LazyLock<Prices> = LazyLock::new(Prices::bundled);

/// Reads two requests, spans and log records, as the store would, and looks at all that is made of them.
pub fn through(spans: &Bytes, records: &Bytes) -> TestCaseResult {
    let project = Project::default();
    let mut kept: BTreeMap<(TraceId, SpanId), Span> = BTreeMap::new();
    for arrived in decode::traces(&project, spans, Encoding::Protobuf).map_or(Vec::new(), |decoded| decoded.items) {
        let span = arrived.item;
        let again = decode::span_from_raw(&arrived.raw, project.clone(), span.resource.clone(), span.scope.clone());
        prop_assert_eq!(format!("{:?}", again.unwrap()), format!("{span:?}"), "the raw span is complete");
        kept.insert((span.trace, span.id), span);
    }
    let mut logs: Vec<LogRecord> = Vec::new();
    for arrived in decode::logs(&project, records, Encoding::Protobuf).map_or(Vec::new(), |decoded| decoded.items) {
        let mut record = arrived.item;
        if let Some(place) = dialects::place_of(&record) {
            (record.trace, record.span) = (Some(place.trace), Some(place.span));
            kept.extend(place.made.map(|made| ((made.trace, made.id), made)));
        }
        logs.push(record);
    }
    let rows = rows(&kept, &logs)?;
    let sessions = sessions(&rows)?;
    for assembled in sessions {
        let detail = Detail::whole(assembled.into_iter().map(Arc::new).collect());
        lay_out(&detail)?;
        let detail = over_a_connection(detail)?;
        let mut out = Vec::new();
        let mut transcript = Transcript::begin(&mut out, "fuzz").unwrap();
        for trace in &detail.traces {
            let of: Vec<Span> = kept.values().filter(|span| span.trace == trace.trace).cloned().collect();
            transcript.trace(&Trace { assembled: trace, rows: &rows[&trace.trace], spans: &of }).unwrap();
        }
        transcript.end().unwrap();
        // Arguments may nest deeper than most readers go; ignoring them has no such limit.
        prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&out).is_ok(), "the transcript is JSON");
    }
    Ok(())
}

/// An answer as another screen has it.
fn over_a_connection(detail: Detail) -> Result<Detail, TestCaseError> {
    let before = format!("{detail:?}");
    let answer = Ok(Answer::Detail(Some(Arc::new(detail))));
    let bytes = words::to_bytes(&ToScreen::Answered { slot: QuerySlot::Detail, ticket: 1, answer }).unwrap();
    let Ok(ToScreen::Answered { answer: Ok(Answer::Detail(Some(detail))), .. }) = words::decode(&bytes) else {
        return Err(TestCaseError::fail("it arrives as something else"));
    };
    prop_assert_eq!(before, format!("{detail:?}"), "it arrives whole");
    // Damaged it is refused, or is something else; it ends nothing.
    for at in (0..bytes.len()).step_by(bytes.len() / 8 + 1) {
        let mut damaged = bytes.clone();
        damaged[at] = damaged[at].wrapping_add(101);
        drop(words::decode::<ToScreen>(&damaged));
        drop(words::decode::<FromScreen>(&damaged));
    }
    Arc::into_inner(detail).ok_or_else(|| TestCaseError::fail("nobody else has it"))
}

fn rows(
    spans: &BTreeMap<(TraceId, SpanId), Span>,
    logs: &[LogRecord],
) -> Result<BTreeMap<TraceId, TraceRows>, TestCaseError> {
    let mut rows: BTreeMap<TraceId, TraceRows> = BTreeMap::new();
    for span in spans.values() {
        let mut translation = dialects::translate(&Source::from(span));
        let again = dialects::translate(&Source::from(span));
        prop_assert_eq!(format!("{translation:?}"), format!("{again:?}"), "the same again is the same");
        translation.genai.cost = PRICES.price(&translation.genai, span.started);
        let row = SpanRow::of(span, Arc::new(translation));
        rows.entry(span.trace).or_insert_with(|| TraceRows::empty(span.trace)).spans.push(row);
    }
    for (record, position) in logs.iter().zip(0..) {
        let mut translation = dialects::translate(&Source::from(record));
        translation.genai.cost = PRICES.price(&translation.genai, record.time());
        let Some(trace) = record.trace else { continue };
        rows.entry(trace).or_insert_with(|| TraceRows::empty(trace)).logs.push(LogRow {
            at: record.time(),
            position,
            trace: record.trace,
            span: record.span,
            name: record.name.clone(),
            severity: record.severity,
            severity_text: record.severity_text.clone(),
            text: record.body.to_text(),
            translation: Arc::new(translation),
        });
    }
    Ok(rows)
}

/// Each session assembled; its lists say the same as its panes, in whatever order its rows come.
fn sessions(rows: &BTreeMap<TraceId, TraceRows>) -> Result<Vec<Vec<AssembledTrace>>, TestCaseError> {
    let price = |genai: &_, at| PRICES.price(genai, at);
    let mut settled = HashMap::new();
    let mut sessions: BTreeMap<String, Vec<TraceRows>> = BTreeMap::new();
    for (trace, rows) in rows {
        let facts = rows.spans.iter().map(assemble::SpanDigest::of_span);
        let facts: Vec<_> = facts.chain(rows.logs.iter().map(assemble::SpanDigest::of_log)).collect();
        let one = assemble::summarize(*trace, &facts, &price);
        let session = one.session.as_ref().map_or_else(|| format!("\0{trace}"), ToString::to_string);
        sessions.entry(session).or_default().push(rows.clone());
        settled.insert(*trace, one);
    }
    let mut all = Vec::new();
    for traces in sessions.into_values() {
        let mut turned = traces.clone();
        turned.reverse();
        for rows in &mut turned {
            rows.spans.reverse();
            rows.logs.reverse();
        }
        let assembled = assemble::session(traces, &price);
        prop_assert_eq!(
            format!("{assembled:#?}"),
            format!("{:#?}", assemble::session(turned, &price)),
            "order changes nothing"
        );
        for one in &assembled {
            let listed = &settled[&one.trace];
            prop_assert_eq!(listed.totals, one.totals, "the list says otherwise");
            prop_assert_eq!(
                (listed.state, &listed.name, listed.started, listed.ended, listed.spans),
                (one.state, &one.name, one.started, one.ended, one.spans),
            );
        }
        all.push(assembled);
    }
    Ok(all)
}

/// The two requests in which these are sent.
pub fn requests(spans: &[Span], records: &[LogRecord]) -> (Bytes, Bytes) {
    (encode::traces_proto(spans).into(), encode::logs_proto(records).into())
}
