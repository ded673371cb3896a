//! The failure that one span records.

use crate::model::{Failure, SpanRow, StatusCode};

/// The failure of a span, with the status message where the translation has none; `None` if the span did not fail.
pub fn of_span(row: &SpanRow) -> Option<Failure> {
    let mut failure = row.translation.error.clone()?;
    if failure.message.is_none() && row.status.code == StatusCode::Error {
        failure.message = Some(row.status.message.clone()).filter(|message| !message.trim().is_empty());
    }
    Some(failure)
}
