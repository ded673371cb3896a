//! The recorded runs, and their times moved to now.

use std::time::Duration;

use bytes::Bytes;

use super::story;
use crate::{
    decode::{self, Encoding},
    model::{Project, Span, Timestamp},
};

/// What one program sent, or would have sent.
pub struct Recording {
    of: Of,
    /// How long it takes to watch.
    lasts: Duration,
}

/// Where the spans come from.
enum Of {
    /// They are made up.
    Story,
    /// They were recorded, as one packed `ExportTraceServiceRequest`.
    Packed(&'static [u8]),
}

/// The story first: it is there at once, and every pane has something to show of it.
pub const RECORDINGS: [Recording; 6] = [
    Recording { of: Of::Story, lasts: Duration::from_secs(38) },
    Recording { of: Of::Packed(include_bytes!("strands_support.pb.zst")), lasts: Duration::from_secs(14) },
    Recording { of: Of::Packed(include_bytes!("bedrock_tool_use.pb.zst")), lasts: Duration::from_secs(4) },
    Recording { of: Of::Packed(include_bytes!("bedrock_thinking.pb.zst")), lasts: Duration::from_secs(3) },
    Recording { of: Of::Packed(include_bytes!("bedrock_session.pb.zst")), lasts: Duration::from_secs(6) },
    Recording { of: Of::Packed(include_bytes!("strands_graph.pb.zst")), lasts: Duration::from_secs(8) },
];

impl Recording {
    /// Its spans in the order in which they end, the first of them beginning then.
    pub fn beginning(&self, then: Timestamp) -> Vec<Span> {
        let mut spans = self.spans();
        let first = spans.iter().map(|span| span.started).min().unwrap_or_default();
        let last = spans.iter().filter_map(|span| span.ended).max().unwrap_or(first);
        let recorded = last.since(first).as_secs_f64().max(f64::MIN_POSITIVE);
        let moved = |at: Timestamp| then.plus(self.lasts.mul_f64(at.since(first).as_secs_f64() / recorded));
        for span in &mut spans {
            span.started = moved(span.started);
            span.ended = span.ended.map(moved);
            for event in &mut span.events {
                event.at = moved(event.at);
            }
        }
        spans.sort_by_key(|span| span.ended);
        spans
    }

    /// The same, the last of them ending then.
    pub fn ending(&self, then: Timestamp) -> Vec<Span> {
        let lasts = u64::try_from(self.lasts.as_nanos()).unwrap_or(0);
        self.beginning(Timestamp(then.0.saturating_sub(lasts)))
    }

    fn spans(&self) -> Vec<Span> {
        let Of::Packed(packed) = self.of else { return story::spans() };
        let body = zstd::decode_all(packed).expect("the recordings are embedded; a test unpacks them all");
        let decoded = decode::traces(&Project::default(), &Bytes::from(body), Encoding::Protobuf);
        let decoded = decoded.expect("the recordings are OTLP; a test reads them all");
        decoded.items.into_iter().map(|received| received.item).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recording_lasts_as_long_as_it_says_and_its_spans_come_as_they_end() {
        for recording in &RECORDINGS {
            let then = Timestamp(1_800_000_000_000_000_000);
            let spans = recording.ending(then);
            assert!(spans.is_sorted_by_key(|span| span.ended));
            assert_eq!(spans.last().unwrap().ended, Some(then));
            assert!(spans.iter().all(|span| then.since(span.started) <= recording.lasts));
            let in_time = |span: &Span| span.events.iter().all(|event| event.at <= then && event.at >= span.started);
            assert!(spans.iter().all(in_time));
        }
    }

    #[test]
    fn the_recordings_are_small_and_show_sessions_tools_and_errors() {
        let size = |recording: &Recording| match recording.of {
            Of::Story => 0,
            Of::Packed(packed) => packed.len(),
        };
        let packed: usize = RECORDINGS.iter().map(size).sum();
        assert!(packed < 60_000);
        let spans: Vec<Span> = RECORDINGS.iter().flat_map(Recording::spans).collect();
        assert!(spans.iter().any(|span| span.attributes.str("session.id").is_some()));
        assert!(spans.iter().any(|span| span.name.starts_with("execute_tool")));
        assert!(spans.iter().any(|span| span.status.code == crate::model::StatusCode::Error));
    }
}
