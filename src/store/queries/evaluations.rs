//! The evaluations of traces: they are read from the raw form of their records, of which there are few.

use std::collections::HashMap;

use duckdb::{Connection, named_params};

use crate::{
    dialects::evaluations,
    model::{Evaluation, TraceId, TraceRows},
    store::{
        DatabaseError,
        raw_records::{Origins, RawRecord},
        rows::{self, trace_id, trace_number},
    },
};

/// The evaluations of some traces, by trace; the store is asked only where a record of some trace is called so.
pub fn of(connection: &Connection, traces: &[TraceRows]) -> Result<HashMap<TraceId, Vec<Evaluation>>, DatabaseError> {
    let has_any = |rows: &&TraceRows| rows.logs.iter().any(|log| log.name == evaluations::RECORD);
    let judged: Vec<u128> = traces.iter().filter(has_any).map(|rows| trace_number(&rows.trace)).collect();
    let mut found: HashMap<TraceId, Vec<Evaluation>> = HashMap::new();
    if judged.is_empty() {
        return Ok(found);
    }
    let mut statement = connection.prepare_cached(include_str!("evaluations.sql"))?;
    let parameters = named_params! { "traces": rows::uhugeints(judged.into_iter()), "name": evaluations::RECORD };
    let mut selected = statement.query(parameters)?;
    let mut records = Vec::new();
    while let Some(row) = selected.next()? {
        records.push((trace_id(row.get(0)?), RawRecord::read(row, [1, 2, 3, 4], "log record")?));
    }
    let origins = Origins::load(connection, records.iter().map(|(_, record)| record))?;
    for (trace, record) in &records {
        if let (Some(trace), Some(evaluation)) = (trace, evaluations::of_record(&record.log(&origins)?)) {
            found.entry(*trace).or_default().push(evaluation);
        }
    }
    Ok(found)
}
