//! Stored spans and log records as OTLP, to be imported or sent elsewhere.

use std::io;

use crate::{
    decode::encode,
    model::{LogRecord, Span},
};

/// Writes a line of traces, then a line of logs, both also where there are none.
///
/// # Errors
/// Those of `out`.
pub fn json(out: &mut dyn io::Write, spans: &[Span], records: &[LogRecord]) -> io::Result<()> {
    out.write_all(encode::traces_json(spans).as_bytes())?;
    out.write_all(b"\n")?;
    out.write_all(encode::logs_json(records).as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Writes one `ExportTraceServiceRequest`.
///
/// # Errors
/// Those of `out`.
pub fn traces_proto(out: &mut dyn io::Write, spans: &[Span]) -> io::Result<()> {
    out.write_all(&encode::traces_proto(spans))?;
    out.flush()
}

/// Writes one `ExportLogsServiceRequest`.
///
/// # Errors
/// Those of `out`.
pub fn logs_proto(out: &mut dyn io::Write, records: &[LogRecord]) -> io::Result<()> {
    out.write_all(&encode::logs_proto(records))?;
    out.flush()
}
