//! Sets marks, and takes them away.

use duckdb::{Connection, named_params};
use serde::{Deserialize, Serialize};

use super::{
    DatabaseError, Store, StoreError,
    rows::{span_number, trace_number},
};
use crate::model::{SpanId, Timestamp, TraceId};

/// A place to be marked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    pub trace: TraceId,
    pub span: Option<SpanId>,
    pub note: String,
}

impl Store {
    /// Lets a letter mark a place, and no other; `None`: none at all. It is on the disk once this returns.
    pub fn mark(&self, letter: char, place: Option<&Marked>) -> Result<(), StoreError> {
        Ok(self.database.pooled().write(|connection| write(connection, letter, place))?)
    }
}

fn write(connection: &Connection, letter: char, place: Option<&Marked>) -> Result<(), DatabaseError> {
    connection.execute("delete from marks where letter = ?", [letter.to_string()])?;
    if let Some(Marked { trace, span, note }) = place {
        connection.execute(
            "insert into marks values ($letter, $trace, $span, $note, $marked)",
            named_params! {
                "letter": letter.to_string(), "trace": trace_number(trace), "span": span.map(span_number),
                "note": note, "marked": Timestamp::now().0,
            },
        )?;
    }
    Ok(())
}
