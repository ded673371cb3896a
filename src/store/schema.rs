//! The tables, and the migration of older files: each `schema/*.sql` is applied once to a file, in order. The version of a
//! file is the number of those that were applied.

use duckdb::{Connection, OptionalExt};

use super::{DatabaseError, blobs, engine_errors::is_corrupt, log_contents};

/// Each makes or changes one table. A change of a table is a new file at the end, never an edit of an older one.
pub const STEPS: &[&str] = &[
    include_str!("schema/001_meta.sql"),
    include_str!("schema/002_spans.sql"),
    include_str!("schema/003_contents.sql"),
    include_str!("schema/004_said.sql"),
    include_str!("schema/005_resources.sql"),
    include_str!("schema/006_scopes.sql"),
    include_str!("schema/007_logs.sql"),
    include_str!("schema/008_traces.sql"),
    include_str!("schema/009_blobs.sql"),
    include_str!("schema/010_log_position.sql"),
    include_str!("schema/011_trace_contents.sql"),
    include_str!("schema/012_waits.sql"),
    include_str!("schema/013_steps.sql"),
    include_str!("schema/014_marks.sql"),
    include_str!("schema/015_found_by.sql"),
    include_str!("schema/016_content_blobs.sql"),
    include_str!("schema/017_program_ends.sql"),
    include_str!("schema/018_attention.sql"),
    include_str!("schema/019_scores.sql"),
    include_str!("schema/020_remote_parents.sql"),
    include_str!("schema/021_exchange_halves.sql"),
    include_str!("schema/022_log_contents.sql"),
    include_str!("schema/023_score_names.sql"),
    include_str!("schema/024_pieces.sql"),
    include_str!("schema/025_adopted_traces.sql"),
];

/// Whether a file can be used.
#[derive(Debug, PartialEq, Eq)]
pub enum Fit {
    /// It has today's tables.
    Ready,
    /// It has the tables of this many steps: none, if it is empty.
    Older(u64),
    /// A later version of this program made it: its version is `found`, and this program has `known` steps.
    Newer { found: u64, known: u64 },
    /// It has tables of another program.
    Foreign,
}

/// Which tables a file has.
pub fn fit(connection: &Connection) -> Result<Fit, DatabaseError> {
    let known = STEPS.len() as u64;
    Ok(match version(connection)? {
        Some(found) if found > known => Fit::Newer { found, known },
        Some(found) if found == known => Fit::Ready,
        Some(found) => Fit::Older(found),
        None if is_empty(connection)? => Fit::Older(0),
        None => Fit::Foreign,
    })
}

/// Makes the tables of an empty file, or brings those of an older one up to date. Any other file is left as it is.
pub fn migrate(connection: &Connection) -> Result<Fit, DatabaseError> {
    let found = match fit(connection)? {
        Fit::Older(found) => found,
        other => return Ok(other),
    };
    let steps = usize::try_from(found).ok().and_then(|found| STEPS.get(found..)).unwrap_or_default();
    // One transaction: if the program is killed meanwhile, the file is as it was.
    connection.execute_batch("begin transaction")?;
    if let Err(error) = apply(connection, steps, STEPS.len() as u64) {
        connection.execute_batch("rollback")?;
        return Err(error);
    }
    connection.execute_batch("commit")?;
    Ok(Fit::Ready)
}

/// Applies some steps, after which the version is `known`. The caller must have begun a transaction.
fn apply(connection: &Connection, steps: &[&str], known: u64) -> Result<(), DatabaseError> {
    for step in steps {
        connection.execute_batch(step)?;
        if step.contains("create table content_blobs") {
            blobs::name_all(connection)?;
        }
        if step.contains("create table log_contents") {
            log_contents::name_all(connection)?;
        }
    }
    connection.execute("delete from meta where name = 'schema'", [])?;
    connection.execute("insert into meta values ('schema', ?)", [known])?;
    Ok(())
}

/// The version of the tables; `None` if the file has no table `meta` with one.
fn version(connection: &Connection) -> Result<Option<u64>, DatabaseError> {
    let table = "select 1 from duckdb_tables() where schema_name = 'main' and table_name = 'meta'
        and database_name = current_database()";
    if !connection.prepare(table)?.exists([])? {
        return Ok(None);
    }
    let ask = "select value from meta where name = 'schema'";
    match connection.query_row(ask, [], |row| row.get(0)).optional() {
        Err(error) if is_corrupt(&error.to_string()) => Err(error.into()),
        // A table `meta` with other columns belongs to another program.
        version => Ok(version.unwrap_or_default()),
    }
}

/// Whether the file has no tables at all.
fn is_empty(connection: &Connection) -> Result<bool, DatabaseError> {
    let tables = "select 1 from duckdb_tables() where database_name = current_database()";
    Ok(!connection.prepare(tables)?.exists([])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemas() -> Vec<String> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/schema");
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
    }

    #[test]
    fn every_file_of_the_schema_is_applied_in_order_of_name() {
        assert_eq!(schemas(), STEPS);
    }

    #[test]
    fn a_new_file_gets_all_tables_and_an_old_one_is_left_alone() {
        let connection = Connection::open_in_memory().unwrap();
        assert_eq!(migrate(&connection).unwrap(), Fit::Ready);
        assert_eq!(version(&connection).unwrap(), Some(STEPS.len() as u64));
        assert_eq!(migrate(&connection).unwrap(), Fit::Ready);
    }

    #[test]
    fn log_records_of_a_file_that_had_no_positions_get_the_first() {
        let connection = Connection::open_in_memory().unwrap();
        apply(&connection, &STEPS[..9], 9).unwrap();
        connection
            .execute_batch(
                "insert into logs by name select 1 as id, 'p' as project, 5 as happened, 'note' as name, 9 as severity,
                 '' as severity_text, '' as text, 2 as resource, 3 as scope, 1 as dialects, 'x'::blob as understood,
                 'x'::blob as raw",
            )
            .unwrap();
        assert_eq!(migrate(&connection).unwrap(), Fit::Ready);
        let read = |row: &duckdb::Row| Ok((row.get(0)?, row.get(1)?));
        let stored: (u64, u32) = connection.query_row("select happened, position from logs", [], read).unwrap();
        assert_eq!(stored, (5, 0));
    }

    #[test]
    fn a_newer_file_is_refused_and_so_is_somebody_elses() {
        let newer = Connection::open_in_memory().unwrap();
        newer
            .execute_batch("create table meta (name varchar, value ubigint); insert into meta values ('schema', 99)")
            .unwrap();
        assert_eq!(migrate(&newer).unwrap(), Fit::Newer { found: 99, known: STEPS.len() as u64 });
        let foreign = Connection::open_in_memory().unwrap();
        foreign.execute_batch("create table orders (id integer)").unwrap();
        assert_eq!(migrate(&foreign).unwrap(), Fit::Foreign);
        let alike = Connection::open_in_memory().unwrap();
        alike.execute_batch("create table meta (id integer)").unwrap();
        assert_eq!(migrate(&alike).unwrap(), Fit::Foreign);
    }
}
