//! The attributes by which a trace is found: those of its spans and their resources that are short.

use std::collections::{HashMap, HashSet};

use duckdb::{Connection, named_params};

use super::{DatabaseError, rows};
use crate::model::{Attributes, Span, TraceId, Value};

/// Longer values are texts; nobody filters by one, and search finds those that are messages.
const LONGEST: usize = 120;
/// Most attributes of one span, and of one resource.
const MOST: usize = 128;

/// The attributes of a span and of its resource, a line each.
pub fn lines(span: &Span) -> Vec<String> {
    let of = |attributes: &Attributes| -> Vec<String> {
        attributes.iter().filter_map(|(key, value)| line(key, value)).take(MOST).collect()
    };
    let mut lines = of(&span.attributes);
    lines.extend(of(&span.resource.attributes));
    lines
}

/// `key=value` in lower case; `None` for what is long, and for lists and maps.
fn line(key: &str, value: &Value) -> Option<String> {
    let value = match value {
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        _ => return None,
    };
    let is_short = key.len() + value.len() <= LONGEST && !value.contains('\n') && !key.contains('\n');
    is_short.then(|| format!("{key}={value}").to_lowercase())
}

/// The lines of each trace of a group, each once, between line ends. `spans`: the trace of each, and its lines.
pub fn of_group<'a>(spans: impl Iterator<Item = (TraceId, &'a [String])>) -> HashMap<TraceId, String> {
    let mut known: HashSet<(TraceId, &str)> = HashSet::new();
    let mut traces: HashMap<TraceId, String> = HashMap::new();
    for (trace, lines) in spans {
        for line in lines {
            if known.insert((trace, line)) {
                let text = traces.entry(trace).or_insert_with(|| "\n".to_owned());
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    traces
}

/// Of the texts of some traces the lines that are not stored yet: spans that are reprocessed have them mostly.
pub fn new_lines(
    connection: &Connection,
    mut texts: HashMap<TraceId, String>,
) -> Result<HashMap<TraceId, String>, DatabaseError> {
    let traces = rows::uhugeints(texts.keys().map(rows::trace_number));
    let mut statement = connection.prepare_cached(include_str!("queries/load_attributes.sql"))?;
    let mut found = statement.query(named_params! { "traces": traces })?;
    let mut stored: HashMap<TraceId, HashSet<String>> = HashMap::new();
    while let Some(row) = found.next()? {
        let Some(trace) = rows::trace_id(row.get(0)?) else { continue };
        let text: String = row.get(1)?;
        stored.entry(trace).or_default().extend(text.lines().map(str::to_owned));
    }
    for (trace, stored) in stored {
        if let Some(text) = texts.get_mut(&trace) {
            let new: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !stored.contains(*line)).collect();
            *text = if new.is_empty() { String::new() } else { format!("\n{}\n", new.join("\n")) };
        }
    }
    texts.retain(|_, text| !text.is_empty());
    Ok(texts)
}
