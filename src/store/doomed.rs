//! Which traces are removed: those that somebody named, or those that are more than the limits let be kept.

use std::collections::HashSet;

use duckdb::{Connection, Row, named_params, types::Value as Sql};

use super::{
    DatabaseError, Store, StoreError,
    hash_ids::LogId,
    pool::Database,
    queries,
    rows::{trace_id, trace_number},
};
use crate::model::{Doomed, Limit, Limits, Removal, SessionId, Timestamp, TraceId};

/// Most traces that are chosen at once; when they have gone, others are chosen.
const MOST: u64 = 20_000;
/// A part of the limit of size. Retention begins so much below the limit, because the file grows a little while blocks are
/// written anew, and goes on until there is twice as much room, so that it is seldom.
const ROOM: u64 = 16;
/// A part of the limit of runs. Retention goes on until there is so much room, so that it is seldom.
const ROOM_OF_RUNS: u64 = 32;

/// What is to go next.
#[derive(Debug, Default)]
pub struct Chosen {
    /// In the order in which they go.
    pub traces: Vec<Doomed>,
    /// Log records without a trace.
    pub logs: Vec<LogId>,
    /// The limit that is exceeded.
    pub because: Option<Limit>,
    /// Spans and log records that there were, where a limit is exceeded.
    pub records: u64,
}

/// Who wants something removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The settings, which leave some room to the limit.
    Settings,
    /// Somebody, who wants just what the limit says.
    Person,
}

/// The bytes above which the file is too large, and those that are to be left then.
pub fn bounds(size: u64, by: By) -> (u64, u64) {
    let room = size / ROOM;
    let most = if by == By::Settings { size - room } else { size };
    (most, most - room)
}

/// The traces that are kept whatever the limits are.
pub fn marked(connection: &Connection) -> Result<HashSet<TraceId>, DatabaseError> {
    let mut statement = connection.prepare_cached(include_str!("queries/marked.sql"))?;
    let marked = statement.query_map([], |row| row.get::<_, u128>(0))?;
    Ok(marked.collect::<Result<Vec<_>, _>>()?.into_iter().filter_map(trace_id).collect())
}

/// Chooses what goes. `used`: the bytes that are in use in the file and its log; `None` for a store in memory, which has no
/// limit of size. [`Removal::All`] chooses nothing: no list is needed for it.
pub fn choose(connection: &Connection, removal: &Removal, used: Option<u64>, by: By) -> Result<Chosen, DatabaseError> {
    let nothing = Wanted::default();
    let wanted = match removal {
        Removal::Trace(trace) => Wanted { trace: Sql::UHugeInt(trace_number(trace)), marked_too: true, ..nothing },
        Removal::Session(session) => {
            let session = session.as_ref().map_or(Sql::Null, |session| Sql::Text(session.to_string()));
            Wanted { session: Some(session), marked_too: true, ..nothing }
        }
        Removal::Beyond(limits) => {
            let wanted = Wanted::beyond(connection, limits, used, by)?;
            if wanted.because.is_none() {
                return Ok(Chosen::default());
            }
            wanted
        }
        Removal::All => return Ok(Chosen::default()),
    };
    wanted.choose(connection)
}

/// The parameters of `doomed.sql` and `doomed_logs.sql`, and how many of the traces are taken.
struct Wanted {
    trace: Sql,
    /// The session of the traces, or null for those without one; `None`: they are not chosen by session.
    session: Option<Sql>,
    before: Sql,
    /// What is more than the limits of runs and of size let be kept.
    excess: Excess,
    marked_too: bool,
    because: Option<Limit>,
    /// Spans and log records that there are, where there are limits.
    records: u64,
}

impl Default for Wanted {
    fn default() -> Self {
        let (trace, session, before, excess) = (Sql::Null, None, Sql::Null, Excess::default());
        Self { trace, session, before, excess, marked_too: false, because: None, records: 0 }
    }
}

/// Runs, and spans and log records, that are to go; whichever takes more traces.
#[derive(Default)]
struct Excess {
    runs: u64,
    records: u64,
    /// So many traces are looked at.
    traces: u64,
}

impl Excess {
    /// The first of some traces, which are in the order in which they go.
    fn first_of(&self, ordered: Vec<Candidate>) -> Vec<Candidate> {
        let (mut runs, mut records) = (0, 0_u64);
        let goes = |candidate: &Candidate| {
            let goes = runs < self.runs || records < self.records;
            runs += u64::from(candidate.doomed.is_listed);
            records = records.saturating_add(candidate.doomed.records);
            goes
        };
        ordered.into_iter().take_while(goes).collect()
    }
}

/// A trace that may go, and the moment that says which of two goes first.
struct Candidate {
    goes: u64,
    doomed: Doomed,
}

impl Wanted {
    fn beyond(connection: &Connection, limits: &Limits, used: Option<u64>, by: By) -> Result<Self, DatabaseError> {
        let mut wanted = Self::default();
        if let Some(age) = limits.age {
            let before = Timestamp::now().0.saturating_sub(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX));
            wanted.before = Sql::UBigInt(before);
            wanted.because = Some(Limit::Age(age));
        }
        let Held { runs, records, .. } = held(connection)?;
        wanted.records = records;
        let excess = &mut wanted.excess;
        if let Some(limit) = limits.runs
            && runs > limit
        {
            let room = if by == By::Settings { limit / ROOM_OF_RUNS } else { 0 };
            excess.runs = runs - limit + room;
            // Beside them go some that are no runs.
            excess.traces = excess.runs.saturating_mul(2);
            wanted.because = Some(Limit::Runs(limit));
        }
        if let Some((size, used)) = limits.size.zip(used) {
            let (limit, left) = bounds(size, by);
            if used > limit {
                // As if all records took the same room.
                let share = u128::from(records) * u128::from(used - left) / u128::from(used.max(1));
                excess.records = u64::try_from(share).unwrap_or(u64::MAX).max(1);
                // Each has one record or more.
                excess.traces = excess.traces.max(excess.records);
                wanted.because = Some(Limit::Size(size));
            }
        }
        Ok(wanted)
    }

    fn choose(&self, connection: &Connection) -> Result<Chosen, DatabaseError> {
        let Self { before, excess, .. } = self;
        let mut traces = Vec::new();
        if excess.traces > 0 {
            traces = excess.first_of(self.candidates(connection, &Sql::Null, excess.traces.min(MOST))?);
        }
        // Without a limit, whatever was named; with one, what is too old.
        if self.because.is_none() || *before != Sql::Null {
            let known: HashSet<TraceId> = traces.iter().map(|candidate| candidate.doomed.trace).collect();
            let others = self.candidates(connection, before, MOST)?;
            traces.extend(others.into_iter().filter(|candidate| !known.contains(&candidate.doomed.trace)));
            traces.sort_by_key(|candidate| candidate.goes);
        }
        let traces: Vec<Doomed> = traces.into_iter().map(|candidate| candidate.doomed).collect();
        let (until, most) = match (excess.records, traces.last()) {
            (0, _) => (Sql::Null, MOST),
            // Those that are as old as what goes beside them; if nothing else is left, the oldest.
            (_, Some(last)) => (Sql::UBigInt(last.last_seen.0), MOST),
            (records, None) => (Sql::UBigInt(u64::MAX), records.min(MOST)),
        };
        let mut statement = connection.prepare_cached(include_str!("queries/doomed_logs.sql"))?;
        let mut found = statement.query(named_params! {
            "of_session": self.session.is_some(),
            "session": self.session_or_null(),
            "before": before,
            "until": until,
            "most": most,
        })?;
        let mut logs = Vec::new();
        while let Some(row) = found.next()? {
            logs.push(row.get(0)?);
        }
        Ok(Chosen { traces, logs, because: self.because, records: self.records })
    }

    /// The first traces in the order in which they go: those before a moment, or all.
    fn candidates(&self, connection: &Connection, before: &Sql, most: u64) -> Result<Vec<Candidate>, DatabaseError> {
        let sql = include_str!("queries/doomed.sql").replace("{marked}", include_str!("queries/marked.sql"));
        let mut statement = connection.prepare_cached(&sql)?;
        let mut found = statement.query(named_params! {
            "marked_too": self.marked_too,
            "trace": self.trace,
            "of_session": self.session.is_some(),
            "session": self.session_or_null(),
            "before": before,
            "most": most,
        })?;
        let mut candidates = Vec::new();
        while let Some(row) = found.next()? {
            candidates.extend(candidate(row)?);
        }
        Ok(candidates)
    }

    fn session_or_null(&self) -> Sql {
        self.session.clone().unwrap_or(Sql::Null)
    }
}

/// How much the store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Traces that lists may show.
    pub runs: u64,
    pub sessions: u64,
    /// Spans and log records.
    pub records: u64,
}

/// Counts what the store holds.
pub fn held(connection: &Connection) -> Result<Held, DatabaseError> {
    let read = |row: &Row| Ok(Held { runs: row.get(0)?, sessions: row.get(1)?, records: row.get(2)? });
    Ok(connection.prepare_cached(include_str!("queries/held.sql"))?.query_row([], read)?)
}

/// Reads a row of `doomed.sql`.
fn candidate(row: &Row) -> Result<Option<Candidate>, DatabaseError> {
    let Some(trace) = trace_id(row.get(0)?) else { return Ok(None) };
    let doomed = Doomed {
        trace,
        session: row.get::<_, Option<String>>(1)?.as_deref().map(SessionId::from),
        is_listed: row.get(2)?,
        spans: row.get(3)?,
        records: row.get(4)?,
        last_seen: Timestamp(row.get(5)?),
    };
    Ok(Some(Candidate { goes: row.get(6)?, doomed }))
}

/// Bytes of the file that hold something, and those of its log; `None` in memory.
pub fn used(connection: &Connection, database: &Database) -> Result<Option<u64>, DatabaseError> {
    if database.path().is_none() {
        return Ok(None);
    }
    let sql = "select (used_blocks * block_size)::ubigint from pragma_database_size() where database_name = 'store'";
    let used: u64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(Some(used.saturating_add(database.log_bytes())))
}

impl Store {
    /// What would be removed, the first to go first; of a store that is much too large only the first of it. Of
    /// [`Removal::All`] nothing: see [`Self::held`].
    pub fn doomed(&self, removal: &Removal) -> Result<Vec<Doomed>, StoreError> {
        let ask = |connection: &Connection| {
            queries::at_one_moment(connection, || {
                choose(connection, removal, used(connection, &self.database)?, By::Person)
            })
        };
        Ok(self.connection.with_room(ask)?.traces)
    }

    /// How much is stored.
    pub fn held(&self) -> Result<Held, StoreError> {
        Ok(self.connection.with_room(held)?)
    }

    /// Bytes of the file and its log; `None` in memory.
    pub fn size(&self) -> Option<u64> {
        self.database.size()
    }
}
