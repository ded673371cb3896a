//! Answers queries: each [`Query`] has a file here that runs an .sql file and reads its rows as the [`Answer`].
//!
//! The lists share two relations: `listed`, the traces that lists show at all (`listed.sql`), and `shown`, those of them
//! that the filter lets through: `everything.sql` with the condition of `condition`, for whose words `matching.sql` looks.

mod condition;
mod detail;
mod facets;
pub mod followers;
mod marks;
mod offers;
mod otlp;
mod overview;
mod raw;
mod sessions;
mod stats;
mod traces;

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use duckdb::{
    Connection, Row,
    types::{Value as Sql, ValueRef},
};

use super::{
    DatabaseError,
    pool::{Database, PooledConnection},
    rows::trace_id,
};
use crate::{
    filter,
    model::{
        Answer, Filter, Page, Query, RepeatSummary, StateCounts, Stats, Timestamp, TokenUsage, Totals, TraceId,
        TraceSummary, Usd,
    },
    pricing::Prices,
};

const LISTED: &str = concat!(include_str!("listed.sql"), include_str!("silent.sql"));

/// Answers one query. All its statements see the store as of one moment. `pooled`: what the connection is of.
pub fn answer(
    connection: &Connection,
    pooled: &PooledConnection,
    database: &Database,
    prices: &Prices,
    query: &Query,
) -> Result<Answer, DatabaseError> {
    at_one_moment(connection, || match query {
        Query::Sessions { filter, limit } => sessions::sessions(connection, filter, *limit).map(Answer::Sessions),
        Query::Traces { session, filter, limit } => {
            traces::traces(connection, &traces::Of::Session(session.as_ref()), filter, *limit).map(Answer::Traces)
        }
        Query::Tree { trace } => detail::tree(connection, prices, *trace).map(Answer::Tree),
        Query::Detail { subject } => {
            detail::detail(connection, prices, subject).map(|found| Answer::Detail(found.map(Arc::new)))
        }
        Query::Raw { trace, span } => raw::raw(connection, *trace, *span).map(|found| Answer::Raw(found.map(Arc::new))),
        Query::Overview { filter, today } => {
            overview::overview(connection, filter, *today, database.size()).map(|sums| Answer::Overview(Box::new(sums)))
        }
        Query::Stats { filter, stretch } => {
            stats::stats(connection, pooled, filter, *stretch).map(|stats| Answer::Stats(Arc::new(stats)))
        }
        Query::Facets { of, part, filter, limit } => {
            facets::facets(connection, of, part, filter, *limit).map(Answer::Facets)
        }
        Query::Usual { trace } => stats::usual(connection, *trace).map(Answer::Usual),
        Query::Runs { limit } => {
            traces::traces(connection, &traces::Of::All, &Filter::default(), *limit).map(Answer::Traces)
        }
        Query::Marks => marks::marks(connection).map(Answer::Marks),
        Query::Otlp { traces } => otlp::otlp(connection, traces).map(Answer::Otlp),
    })
}

/// The newest traces of all sessions, oldest first.
pub fn all_traces(connection: &Connection, filter: &Filter, limit: usize) -> Result<Page<TraceSummary>, DatabaseError> {
    at_one_moment(connection, || traces::traces(connection, &traces::Of::All, filter, limit))
}

/// All traces that a filter lets through.
pub fn passing(connection: &Connection, filter: &Filter) -> Result<HashSet<TraceId>, DatabaseError> {
    let traces = Asked::of(filter, "select trace from shown")?.rows(connection, |row| Ok(trace_id(row.get(0)?)))?;
    Ok(traces.into_iter().flatten().collect())
}

/// Runs several statements in one transaction that only reads, so that they see the store as of one moment.
pub fn at_one_moment<T>(
    connection: &Connection,
    ask: impl FnOnce() -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    begin_to_read(connection)?;
    let answer = ask();
    connection.execute_batch("rollback")?;
    answer
}

/// Begins a transaction that only reads. It is to be rolled back.
fn begin_to_read(connection: &Connection) -> Result<(), DatabaseError> {
    const BEGIN: &str = "begin transaction read only";
    if connection.execute_batch(BEGIN).is_err() {
        // An interrupt that was meant for the query before may have hit its rollback.
        drop(connection.execute_batch("rollback"));
        connection.execute_batch(BEGIN)?;
    }
    Ok(())
}

/// A statement about the traces that a filter lets through, with its parameters.
struct Asked {
    sql: String,
    parameters: Vec<(Cow<'static, str>, Sql)>,
}

impl Asked {
    /// Puts the relations `listed` and `shown` before a statement.
    fn of(filter: &Filter, statement: &str) -> Result<Self, DatabaseError> {
        Self::with_relations(filter, ("", LISTED), statement)
    }

    /// The same for a statement that reads few columns of many rows: they are computed wherever they are named, as whole
    /// rows would take longer to keep. `{among}` stands for the condition that a step is of a trace that is shown. `listed`:
    /// what makes that relation.
    fn of_many(filter: &Filter, listed: &str, statement: &str) -> Result<Self, DatabaseError> {
        let among = if filter.is_empty() { "true" } else { "trace in (select trace from shown)" };
        Self::with_relations(filter, ("not materialized ", listed), &statement.replace("{among}", among))
    }

    fn with_relations(filter: &Filter, (kept, listed): (&str, &str), statement: &str) -> Result<Self, DatabaseError> {
        let now = Timestamp::now();
        let expression = filter::parse(&filter.text).map_err(|problem| DatabaseError::Filter(problem.why))?;
        let condition = condition::Condition::of(&expression, now);
        let of = filter.session.as_ref().and_then(Option::as_ref);
        let mut parameters: Vec<(Cow<'static, str>, Sql)> = vec![
            ("now".into(), Sql::UBigInt(now.0)),
            ("project".into(), filter.project.clone().map_or(Sql::Null, Sql::Text)),
            ("any_session".into(), Sql::Boolean(filter.session.is_none())),
            ("session".into(), of.map_or(Sql::Null, |session| Sql::Text(session.to_string()))),
            ("since".into(), filter.since.map_or(Sql::Null, |since| Sql::UBigInt(since.0))),
        ];
        let mut shown = include_str!("everything.sql").to_owned();
        if !expression.is_empty() {
            shown.extend(["    and ", &condition.sql, "\n"]);
        }
        parameters.extend(condition.parameters.into_iter().map(|(name, value)| (name.into(), value)));
        if let Some(only) = &filter.only {
            let (condition, more) = stats::condition(only);
            shown.extend(["    and ", &condition, "\n"]);
            parameters.extend(more.into_iter().map(|(name, value)| (name.into(), value)));
        }
        let mut sql = format!("with listed as {kept}(\n{listed})");
        // Most statements do not ask what is usual.
        if shown.contains("usual") || statement.contains("usual") {
            sql.extend([", usual as (\n", include_str!("usual.sql"), ")"]);
        }
        if !condition.words.is_empty() {
            parameters.push(("words".into(), Sql::List(condition.words.into_iter().map(Sql::Text).collect())));
            sql.extend([", hit as materialized (\n", include_str!("matching.sql"), ")"]);
        }
        sql.extend([", shown as ", kept, "(\n", &shown, ")\n", statement]);
        Ok(Self { sql, parameters })
    }

    /// With the most groups of statistics as a parameter.
    fn most(self) -> Self {
        self.with("most", limit(Stats::MOST))
    }

    fn with(mut self, name: &'static str, value: Sql) -> Self {
        self.parameters.push((name.into(), value));
        self
    }

    /// Runs the statement, and reads each row.
    fn rows<T>(
        self,
        connection: &Connection,
        mut read: impl FnMut(&Row) -> Result<T, DatabaseError>,
    ) -> Result<Vec<T>, DatabaseError> {
        let parameters: Vec<_> =
            self.parameters.iter().map(|(name, value)| (&**name, value as &dyn duckdb::ToSql)).collect();
        let mut statement = connection.prepare_cached(&self.sql)?;
        let mut found = statement.query(parameters.as_slice())?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(read(row)?);
        }
        Ok(rows)
    }
}

/// A limit as a parameter; one that is too large for the engine is no limit.
fn limit(rows: usize) -> Sql {
    Sql::BigInt(i64::try_from(rows).unwrap_or(i64::MAX))
}

/// Reads thirteen columns from `first` on, `uncached_input` to `errors`: those of one trace, or sums of them.
fn totals(row: &Row, first: usize) -> Result<Totals, DatabaseError> {
    let column = |n: usize| maybe_count(row, first + n);
    let number = |n: usize| Ok::<_, DatabaseError>(maybe_count(row, first + n)?.unwrap_or_default());
    Ok(Totals {
        usage: TokenUsage {
            uncached_input: column(0)?,
            cache_read: column(1)?,
            cache_write: column(2)?,
            output: column(3)?,
            reasoning: column(4)?,
        },
        cost: sum_of_costs(row, first + 5)?,
        priced: number(6)?,
        unpriced: number(7)?,
        model_calls: number(8)?,
        tool_calls: number(9)?,
        failed_tools: number(10)?,
        pending_tools: number(11)?,
        errors: number(12)?,
    })
}

/// A sum of costs; one that is too large is the largest.
fn sum_of_costs(row: &Row, column: usize) -> Result<Usd, DatabaseError> {
    let sum: Option<i128> = row.get(column)?;
    Ok(Usd(i64::try_from(sum.unwrap_or_default()).unwrap_or(i64::MAX)))
}

/// Six columns: how many traces run, never ended, failed, recovered; how many there are; and until when the first of
/// them runs.
fn states(row: &Row, first: usize) -> Result<StateCounts, DatabaseError> {
    let number = |n: usize| count(row, first + n);
    let (running, never_ended, failed, recovered) = (number(0)?, number(1)?, number(2)?, number(3)?);
    Ok(StateCounts {
        running,
        never_ended,
        failed,
        recovered,
        done: number(4)?.saturating_sub(running + never_ended + failed + recovered),
        until: row.get::<_, Option<u64>>(first + 5)?.map(Timestamp),
    })
}

/// Four columns: how often a trace called a tool again and again, whether that is a loop, the tool, and what came after it
/// began cost.
fn repeat(row: &Row, first: usize) -> Result<Option<RepeatSummary>, DatabaseError> {
    let times = count(row, first)?;
    Ok(match row.get(first + 2)? {
        Some(tool) if times > 0 => Some(RepeatSummary {
            tool,
            times,
            is_loop: row.get::<_, Option<bool>>(first + 1)?.unwrap_or_default(),
            spent: row.get::<_, Option<i64>>(first + 3)?.map(Usd),
        }),
        _ => None,
    })
}

/// A count or a sum of counts; `None` if it is null. Sums have 128 bits, and what senders report may not fit into 64:
/// then it is the largest number.
fn maybe_count(row: &Row, column: usize) -> Result<Option<u64>, DatabaseError> {
    let number: Option<i128> = row.get(column)?;
    Ok(number.map(|number| u64::try_from(number).unwrap_or(if number < 0 { 0 } else { u64::MAX })))
}

/// The same, with 0 for null.
fn count(row: &Row, column: usize) -> Result<u64, DatabaseError> {
    Ok(maybe_count(row, column)?.unwrap_or_default())
}

/// The numbers of a list; none if it is null.
fn numbers(row: &Row, column: usize) -> Result<Vec<u64>, DatabaseError> {
    let Sql::List(values) = row.get(column)? else { return Ok(Vec::new()) };
    let number = |value| if let Sql::UBigInt(number) = value { Some(number) } else { None };
    Ok(values.into_iter().filter_map(number).collect())
}

/// The lines of a column that has several texts, one a line.
fn lines(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default().lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The text of a column; `None` if it is null.
fn maybe_text<'a>(row: &'a Row, column: usize) -> Result<Option<&'a str>, DatabaseError> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        text => Ok(Some(text.as_str().map_err(duckdb::Error::from)?)),
    }
}

#[cfg(test)]
mod tests {
    /// The reason is in `load_contents.sql`.
    #[test]
    fn every_list_has_a_name() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/queries");
        let mut lists = 0;
        for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            if file.extension().is_some_and(|ending| ending == "sql") {
                for list in std::fs::read_to_string(&file).unwrap().split("unnest($").skip(1) {
                    let (_, after) = list.split_once("[])").unwrap();
                    assert!(after.starts_with(" as "), "{}: {after}", file.display());
                    lists += 1;
                }
            }
        }
        assert!(lists > 10, "{lists}");
    }
}
