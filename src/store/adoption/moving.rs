//! Moves what is stored of traces into those that adopt them.

use std::collections::HashMap;

use duckdb::{Connection, Row, named_params, params, types::Value as Sql};

use crate::{
    assemble::{Adopted, Adoption},
    model::{Span, SpanId, TraceId},
    pricing::Prices,
    store::{
        DatabaseError,
        hash_ids::LogId,
        placements::Placements,
        prepared::{PreparedLog, PreparedSpan},
        raw_records::{Origins, RawRecord},
        rows::{span_id, span_number, trace_id, trace_number, uhugeints},
    },
    understand,
};

/// Traces of which the raw forms have more bytes are not put into others: all of a step is in memory at once.
const MOST_BYTES: u64 = 8 << 20;

/// Traces that are put into others.
pub struct Adoptions {
    /// Those that are for the first time.
    pub(super) adopted: Adopted,
    /// Those of which something came after they had been.
    pub(super) late: HashMap<TraceId, Adoption>,
}

/// A stored span or log record of such a trace.
struct Stored<T> {
    /// The trace that it is in.
    from: TraceId,
    /// The parent of a span, the span of a log record.
    span: Option<SpanId>,
    rest: T,
    record: RawRecord,
}

impl Adoptions {
    pub fn is_empty(&self) -> bool {
        self.adopted.new.is_empty() && self.late.is_empty()
    }

    /// The traces that are adopted.
    pub fn traces(&self) -> impl Iterator<Item = &TraceId> {
        self.adopted.new.keys().chain(self.late.keys())
    }

    /// Where one of them is put.
    fn of(&self, trace: TraceId) -> Option<Adoption> {
        let to = self.adopted.new.get(&trace).or_else(|| self.late.get(&trace))?;
        Some(Adoption { adopter: self.adopted.adopter_of(to.adopter), ..*to })
    }

    fn list(&self) -> Sql {
        uhugeints(self.traces().map(trace_number))
    }

    /// All that is stored of the adopted traces, as it is to be stored in those that adopt them. Where something cannot be
    /// read, or one of them is too long, nothing is moved in this step: nothing may be lost.
    pub fn placements(&mut self, connection: &Connection, prices: &Prices) -> Result<Placements, DatabaseError> {
        let moved = if self.is_empty() || self.longest(connection)? > MOST_BYTES {
            None
        } else {
            match self.moved(connection, prices) {
                Err(DatabaseError::Unreadable { .. }) => None,
                moved => Some(moved?),
            }
        };
        Ok(moved.unwrap_or_else(|| {
            self.late.clear();
            self.adopted.new.clear();
            Placements::default()
        }))
    }

    /// The bytes of the raw forms of the longest of them.
    fn longest(&self, connection: &Connection) -> Result<u64, DatabaseError> {
        let sql = include_str!("../queries/adopted_bytes.sql");
        let mut statement = connection.prepare_cached(sql)?;
        Ok(statement.query_row(named_params! { "traces": self.list() }, |row| row.get(0))?)
    }

    fn moved(&self, connection: &Connection, prices: &Prices) -> Result<Placements, DatabaseError> {
        let (spans, logs) = (self.spans(connection)?, self.logs(connection)?);
        let records = spans.iter().map(|span| &span.record).chain(logs.iter().map(|log| &log.record));
        let origins = Origins::load(connection, records)?;
        let mut placements = Placements { adopted: self.traces().copied().collect(), ..Placements::default() };
        for Stored { from, span: parent, rest: synthetic, record } in spans {
            let (span, raw) = record.span(&origins)?;
            let Some(Adoption { adopter, call, .. }) = self.of(from) else { continue };
            let span = Span { trace: adopter, parent: parent.or(Some(call)), synthetic, ..span };
            // The records of what it says of others are stored, each a row of its own.
            let (understood, _) = understand::span(span, raw, prices);
            placements.made.push(PreparedSpan::new(understood));
        }
        for Stored { from, span, rest: (id, position), record } in logs {
            let (mut log, raw) = record.log(&origins)?;
            let Some(to) = self.of(from) else { continue };
            // One that its dialect had put at another span than it names stays there.
            let elsewhere = span.filter(|_| log.span != span).map(|span| (to.adopter, span));
            to.place(&mut log);
            // The span that it may stand for is among the spans.
            let (understood, _) = understand::log(log, raw, prices, elsewhere);
            placements.moved.push((id, PreparedLog::new(understood, position)));
        }
        Ok(placements)
    }

    /// The spans, and whether they were made from log records.
    fn spans(&self, connection: &Connection) -> Result<Vec<Stored<bool>>, DatabaseError> {
        let sql = include_str!("../queries/adopted_spans.sql");
        self.stored(connection, sql, "span", |row| row.get(7))
    }

    /// The log records, with their ids and places in their exports.
    fn logs(&self, connection: &Connection) -> Result<Vec<Stored<(LogId, u32)>>, DatabaseError> {
        let sql = include_str!("../queries/adopted_logs.sql");
        self.stored(connection, sql, "log record", |row| Ok((row.get(7)?, row.get(8)?)))
    }

    /// What a statement finds of them: `what` names it in errors, `rest` reads what follows the columns that all have.
    fn stored<T>(
        &self,
        connection: &Connection,
        sql: &str,
        what: &'static str,
        rest: fn(&Row) -> duckdb::Result<T>,
    ) -> Result<Vec<Stored<T>>, DatabaseError> {
        let mut statement = connection.prepare_cached(sql)?;
        let mut found = statement.query(named_params! { "traces": self.list() })?;
        let mut stored = Vec::new();
        while let Some(row) = found.next()? {
            let Some(from) = trace_id(row.get(0)?) else { continue };
            let span = row.get::<_, Option<u64>>(1)?.and_then(span_id);
            let record = RawRecord::read(row, [2, 3, 4, 5, 6], what)?;
            stored.push(Stored { from, span, rest: rest(row)?, record });
        }
        Ok(stored)
    }

    /// Writes down which trace adopted which, and moves marks and ends of programs. The caller must have begun a
    /// transaction.
    pub fn write(&self, connection: &Connection) -> Result<(), DatabaseError> {
        let new = &self.adopted.new;
        if new.is_empty() {
            return Ok(());
        }
        let list = uhugeints(new.keys().map(trace_number));
        // What an adopted trace had adopted goes on with it.
        let sql = "select trace, adopter, call, lone from adopted_traces
            where adopter in (select unnest($traces::uhugeint[]) as adopter)";
        let mut before: Vec<(u128, u128, u64, u64)> = Vec::new();
        let mut statement = connection.prepare_cached(sql)?;
        let mut found = statement.query(named_params! { "traces": list })?;
        while let Some(row) = found.next()? {
            let adopter = trace_id(row.get(1)?).map(|adopter| trace_number(&self.adopted.adopter_of(adopter)));
            if let Some(adopter) = adopter {
                before.push((row.get(0)?, adopter, row.get(2)?, row.get(3)?));
            }
        }
        let gone = "delete from adopted_traces where adopter in (select unnest($traces::uhugeint[]) as adopter)";
        connection.prepare_cached(gone)?.execute(named_params! { "traces": list })?;
        let mut table = connection.appender("adopted_traces")?;
        for (trace, adopter, call, lone) in before {
            table.append_row(params![trace, adopter, call, lone])?;
        }
        for (trace, to) in new {
            let (call, lone) = (span_number(to.call), span_number(to.lone));
            table.append_row(params![trace_number(trace), trace_number(&to.adopter), call, lone])?;
        }
        table.flush()?;
        // What is left of them under the old trace goes with that.
        connection
            .prepare_cached(include_str!("../queries/adopted_marks.sql"))?
            .execute(named_params! { "traces": list })?;
        let ends = include_str!("../queries/adopted_program_ends.sql");
        connection.prepare_cached(ends)?.execute(named_params! { "traces": list })?;
        Ok(())
    }
}
