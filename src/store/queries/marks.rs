//! The places that are marked.

use duckdb::Connection;

use crate::{
    model::{PlaceMark, SessionId, Timestamp},
    store::{
        DatabaseError,
        rows::{span_id, text, trace_id},
    },
};

pub fn marks(connection: &Connection) -> Result<Vec<PlaceMark>, DatabaseError> {
    let mut statement = connection.prepare_cached(include_str!("marks.sql"))?;
    let mut found = statement.query([])?;
    let mut marks = Vec::new();
    while let Some(row) = found.next()? {
        let (Some(letter), Some(trace)) = (text(row, 0)?.chars().next(), trace_id(row.get(1)?)) else { continue };
        marks.push(PlaceMark {
            letter,
            trace,
            span: row.get::<_, Option<u64>>(2)?.and_then(span_id),
            note: text(row, 3)?.to_owned(),
            at: Timestamp(row.get(4)?),
            began: row.get::<_, Option<u64>>(6)?.map(Timestamp),
            session: row.get::<_, Option<String>>(5)?.as_deref().map(SessionId::from),
        });
    }
    Ok(marks)
}
