//! Anthropic's own SDK, whose spans have the attributes of the conventions, without messages.

use super::{Dialect, FactRow, Field, How, RecordingHints};

pub const DIALECT: Dialect = Dialect {
    name: "anthropic-sdk",
    facts: &[
        FactRow::of(Field::StopReason, How::Last, &["anthropic.message.stop_reason"]),
        FactRow::of(Field::ServiceTier, How::Text, &["anthropic.response.service_tier"]),
    ],
    recording_hints: &[RecordingHints {
        scopes: &["com.anthropic.sdk"],
        messages: "add openinference-instrumentation-anthropic or opentelemetry-instrumentation-anthropic: the SDK's own \
            spans never hold messages",
        ..RecordingHints::ANY
    }],
    ..Dialect::PLAIN
};
