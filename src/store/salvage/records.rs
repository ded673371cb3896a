//! Salvages spans and log records of rows that cannot be read whole: as they were received, they are understood again.

use std::collections::BTreeSet;

use duckdb::{Connection, Row, named_params};

use super::{
    copying::Left,
    stretches::{LEAST, STRETCH, halves, rows_between, rows_of, stretches},
};
use crate::{
    model::ContentId,
    pricing::Prices,
    store::{
        DatabaseError, Store, StoreError, Submission,
        pieces::Pieces,
        prepared::{PreparedLog, PreparedSpan},
        raw_records::{Origins, RawRecord},
        reprocess::surviving,
        rows::{blob, uhugeints},
    },
    understand,
};

/// Rows that are salvaged at once, because their raw forms are in memory then.
const SALVAGED: i64 = 512;

/// Stores all spans and log records that can be read of what is left. Returns how many could not be.
pub fn salvage(connection: &Connection, left: &Left, into: &Store, prices: &Prices) -> Result<u64, StoreError> {
    let writer = into.writer();
    let spans = Reading { connection, table: "spans", position: "0", those: "and not synthetic" };
    let lost_spans = spans.each(&left.spans, |records, origins| {
        let mut submission = Submission::default();
        let mut lost = 0;
        for (record, _) in records {
            match record.span(origins) {
                Ok((span, raw)) => match surviving(|| understand::span(span, raw, prices)) {
                    Some((understood, _)) => submission.spans.push(PreparedSpan::new(understood)),
                    None => lost += 1,
                },
                Err(_) => lost += 1,
            }
        }
        writer.submit_blocking(submission).map(|()| lost)
    })?;
    let logs = Reading { connection, table: "logs", position: "position", those: "" };
    let lost_logs = logs.each(&left.logs, |records, origins| {
        let mut submission = Submission::default();
        let mut lost = 0;
        for (record, position) in records {
            match record.log(origins) {
                Ok((log, raw)) => match surviving(|| understand::log(log, raw, prices, None)) {
                    Some((log, made)) => {
                        submission.logs.push(PreparedLog::new(log, position));
                        submission.spans.extend(made.map(PreparedSpan::new));
                    }
                    None => lost += 1,
                },
                Err(_) => lost += 1,
            }
        }
        writer.submit_blocking(submission).map(|()| lost)
    })?;
    Ok(lost_spans + lost_logs)
}

/// What is read of a table.
struct Reading<'a> {
    connection: &'a Connection,
    table: &'static str,
    /// What says which of several equal ones a record is.
    position: &'static str,
    /// Which rows are read, as the end of a condition.
    those: &'static str,
}

/// The records of a stretch with their positions, where they came from, and how many more do not unpack.
type Stretch = (Vec<(RawRecord, u32)>, Origins, u64);

impl Reading<'_> {
    /// Hands on all records of some stretches that can be read, with their positions, some at a time. Returns how many could
    /// not be, with those that `each` returns.
    fn each(
        &self,
        unreadable: &[(i64, i64)],
        mut each: impl FnMut(Vec<(RawRecord, u32)>, &Origins) -> Result<u64, StoreError>,
    ) -> Result<u64, StoreError> {
        let Self { table, position, those, .. } = self;
        let whole = format!("project, raw, pieces, resource, scope, {position}");
        // The columns beside it may be what cannot be read. Without them a record is still worth having.
        let alone = |pieces: &str| {
            format!("'', raw, {pieces}, 0::uhugeint, 0::uhugeint, (rowid % 4294967296)::uinteger from {table}")
        };
        let condition = "where rowid >= $from and rowid < $to";
        let statements = [
            format!("select {whole} from {table} {condition} {those}"),
            format!("select {} {condition} {those}", alone("pieces")),
            format!("select {} {condition}", alone("pieces")),
            format!("select {} {condition}", alone("null::blob")),
        ];
        let mut lost = 0;
        let parts = unreadable.iter().flat_map(|(from, to)| {
            stretches(to - from, SALVAGED).map(move |(first, last)| (from + first, from + last))
        });
        for part in parts {
            let mut left = vec![part];
            while let Some((from, to)) = left.pop() {
                let smaller = halves(from, to, LEAST);
                // Smaller stretches are tried first: what is next to what cannot be read may be whole.
                let tried = if smaller.is_some() { &statements[..1] } else { &statements[..] };
                let read = tried.iter().find_map(|sql| self.read(sql, from, to).ok());
                match (read, smaller) {
                    (Some((records, origins, undecoded)), _) => lost += undecoded + each(records, &origins)?,
                    // The later half is read after the earlier one.
                    (None, Some([earlier, later])) => left.extend([later, earlier]),
                    (None, None) => lost += rows_between(self.connection, table, from, to),
                }
            }
        }
        Ok(lost)
    }

    /// Reads the records of a stretch; also says how many of them do not unpack.
    fn read(&self, sql: &str, from: i64, to: i64) -> Result<Stretch, DatabaseError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut found = statement.query(named_params! { "from": from, "to": to })?;
        let (mut records, mut undecoded) = (Vec::new(), 0);
        while let Some(row) = found.next()? {
            match record(row) {
                Ok(record) => records.push(record),
                Err(DatabaseError::Unreadable { .. }) => undecoded += 1,
                Err(error) => return Err(error),
            }
        }
        let of = records.iter().map(|(record, _)| record);
        let pieces = salvaged_pieces(self.connection, of.clone().flat_map(RawRecord::pieces))?;
        let origins = Origins::salvaged(self.connection, of, pieces);
        Ok((records, origins, undecoded))
    }
}

/// Those of some pieces that can be read.
fn salvaged_pieces(connection: &Connection, ids: impl Iterator<Item = ContentId>) -> Result<Pieces, DatabaseError> {
    let ids: BTreeSet<ContentId> = ids.collect();
    if let Ok(pieces) = Pieces::load(connection, ids.iter().copied()) {
        return Ok(pieces);
    }
    let mut pieces = Pieces::default();
    let ids = uhugeints(ids.into_iter());
    let Some(end) = rows_of(connection, "contents") else { return Ok(pieces) };
    let sql = "select id, body from contents
        where rowid >= $from and rowid < $to and id in (select unnest($ids::uhugeint[]) as id)";
    let mut statement = connection.prepare_cached(sql)?;
    for stretch in stretches(end, STRETCH) {
        let mut left = vec![stretch];
        while let Some((from, to)) = left.pop() {
            let mut read = || -> Result<(), DatabaseError> {
                let mut found = statement.query(named_params! { "from": from, "to": to, "ids": ids })?;
                while let Some(row) = found.next()? {
                    pieces.add(row.get(0)?, blob(row, 1)?);
                }
                Ok(())
            };
            if read().is_err() {
                left.extend(halves(from, to, LEAST).into_iter().flatten());
            }
        }
    }
    Ok(pieces)
}

/// Reads the columns project, raw, pieces, resource, scope and position.
fn record(row: &Row) -> Result<(RawRecord, u32), DatabaseError> {
    Ok((RawRecord::read(row, [0, 1, 2, 3, 4], "record")?, row.get(5)?))
}
