//! Which ids are stored, so that the writer need not query the file for each before it appends.
//!
//! ```text
//!   not stored?  those that were met lately ─ no ─▶ a filter of all ─ perhaps ─▶ the table
//!                         │                             └─ certainly not: it is new
//!                         └─ yes: it is stored
//! ```
//!
//! While there are few of a table, all of them are in memory, and there is no filter. Of many a filter of bounded size says
//! which are certainly not stored, as most that come are; only of others the table is asked.

mod filter;

use std::{
    collections::HashSet,
    hash::{BuildHasher, Hash, RandomState},
};

use duckdb::{Connection, named_params, types::FromSql};

use super::{
    DatabaseError,
    hash_ids::{BlobId, BuildIdHasher, LogId, ResourceId, ScopeId},
    rows::uhugeints,
};
use crate::model::ContentId;
use filter::Filter;

/// Ids of a table that are kept whole while it has no more; some 20 to 40 bytes each. In tests most tables have more.
const FEW: usize = if cfg!(test) { 8 } else { 100_000 };

/// The ids of all that is stored, but for spans: which spans a trace has, `summaries` knows.
pub struct StoredIds {
    pub contents: Known<ContentId>,
    pub blobs: Known<BlobId>,
    pub resources: Known<ResourceId>,
    pub scopes: Known<ScopeId>,
    pub logs: Known<LogId>,
    /// The numbers of the traces of which something is stored; all that have a row in `traces` are among them. Senders choose
    /// them, so their hashes have a secret.
    pub traces: Known<u128, RandomState>,
    /// The numbers of the traces that are in others.
    pub adopted: Known<u128, RandomState>,
}

impl Default for StoredIds {
    fn default() -> Self {
        Self {
            contents: Known::of("contents", "id"),
            blobs: Known::of("blobs", "id"),
            resources: Known::of("resources", "id"),
            scopes: Known::of("scopes", "id"),
            logs: Known::of("logs", "id"),
            traces: Known::of("traces", "trace"),
            adopted: Known::of("adopted_traces", "trace"),
        }
    }
}

impl StoredIds {
    /// Reads the ids of every table. Takes as long as there are rows; it is done once after the file was opened.
    pub fn load(connection: &Connection) -> Result<Self, DatabaseError> {
        let mut all = Self::default();
        all.contents.load(connection)?;
        all.blobs.load(connection)?;
        all.resources.load(connection)?;
        all.scopes.load(connection)?;
        all.logs.load(connection)?;
        all.traces.load(connection)?;
        all.adopted.load(connection)?;
        Ok(all)
    }

    /// Reads the ids of the tables again whose filters are worn, because the tables have grown or much of them was removed.
    /// Returns whether those of traces were read: some of which something is stored may have no row.
    pub fn renew(&mut self, connection: &Connection) -> Result<bool, DatabaseError> {
        self.contents.renew(connection)?;
        self.blobs.renew(connection)?;
        self.resources.renew(connection)?;
        self.scopes.renew(connection)?;
        self.logs.renew(connection)?;
        self.adopted.renew(connection)?;
        self.traces.renew(connection)
    }
}

/// The ids of one table.
pub struct Known<T, S = BuildIdHasher> {
    table: &'static str,
    column: &'static str,
    /// All ids while there is no filter; else those that were met lately, and those that were met before them. They are kept
    /// whole, not by half: of two contents with the same id one would be lost.
    recent: HashSet<T, S>,
    before: HashSet<T, S>,
    /// What is stored, and some of what was.
    filter: Option<Filter>,
    /// How many are stored.
    count: u64,
}

impl<T, S> Known<T, S>
where
    T: Copy + Eq + Hash + FromSql + Into<u128>,
    S: BuildHasher + Default,
{
    fn of(table: &'static str, column: &'static str) -> Self {
        let (recent, before) = (HashSet::default(), HashSet::default());
        Self { table, column, recent, before, filter: None, count: 0 }
    }

    /// How many are stored: of many about so many.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether one is stored: `true` also for some that are not.
    pub fn may_have(&self, id: T) -> bool {
        self.recent.contains(&id)
            || self.before.contains(&id)
            || self.filter.as_ref().is_some_and(|filter| filter.may_have(id.into()))
    }

    /// Those of some ids that are not stored.
    pub fn not_stored(
        &mut self,
        connection: &Connection,
        ids: impl IntoIterator<Item = T>,
    ) -> Result<HashSet<T, S>, DatabaseError> {
        let (mut new, mut doubtful) = (HashSet::default(), HashSet::<T, S>::default());
        for id in ids {
            if self.recent.contains(&id) {
                continue;
            }
            if self.before.remove(&id) {
                self.recent.insert(id);
            } else if self.filter.as_ref().is_some_and(|filter| filter.may_have(id.into())) {
                doubtful.insert(id);
            } else {
                new.insert(id);
            }
        }
        if !doubtful.is_empty() {
            let Self { table, column, .. } = self;
            // The reason for the semi-join is in `load_spans.sql`.
            let sql =
                format!("select {column} from {table} where {column} in (select unnest($ids::uhugeint[]) as known)");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut found = statement.query(named_params! { "ids": uhugeints(doubtful.iter().copied()) })?;
            while let Some(row) = found.next()? {
                let id: T = row.get(0)?;
                doubtful.remove(&id);
                self.recent.insert(id);
            }
            new.extend(doubtful);
        }
        Ok(new)
    }

    /// Adds ids that were stored.
    pub fn add(&mut self, ids: impl IntoIterator<Item = T>) {
        for id in ids {
            if !self.may_have(id) {
                self.count += 1;
            }
            if let Some(filter) = &mut self.filter {
                filter.add(id.into());
            }
            self.recent.insert(id);
        }
        if self.recent.len() <= FEW {
            return;
        }
        if self.filter.is_none() {
            let mut filter = Filter::of(self.count);
            self.recent.iter().for_each(|id| filter.add((*id).into()));
            self.filter = Some(filter);
        }
        self.before = std::mem::take(&mut self.recent);
    }

    /// Takes out an id that was removed.
    pub fn remove(&mut self, id: T) {
        if self.may_have(id) {
            self.count = self.count.saturating_sub(1);
        }
        self.recent.remove(&id);
        self.before.remove(&id);
    }

    fn load(&mut self, connection: &Connection) -> Result<(), DatabaseError> {
        let Self { table, column, .. } = *self;
        // The ids of before stay until all are read: with fewer, what is stored would be stored again.
        let mut all = Self::of(table, column);
        let count =
            connection.query_row(&format!("select count(*)::ubigint from {table}"), [], |row| row.get::<_, u64>(0))?;
        all.count = count;
        let mut filter = (count > FEW as u64).then(|| Filter::of(count));
        let mut statement = connection.prepare(&format!("select {column} from {table}"))?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let id: T = row.get(0)?;
            match &mut filter {
                Some(filter) => filter.add(id.into()),
                None => {
                    all.recent.insert(id);
                }
            }
        }
        all.filter = filter;
        *self = all;
        Ok(())
    }

    fn renew(&mut self, connection: &Connection) -> Result<bool, DatabaseError> {
        let is_worn = self.filter.as_ref().is_some_and(|filter| filter.is_worn(self.count));
        if is_worn {
            self.load(connection)?;
        }
        Ok(is_worn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(numbers: std::ops::Range<u128>) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("create table contents (id uhugeint)").unwrap();
        let mut rows = connection.appender("contents").unwrap();
        numbers.for_each(|number| rows.append_row([number * 7919]).unwrap());
        drop(rows);
        connection
    }

    fn new(known: &mut Known<ContentId>, connection: &Connection, numbers: std::ops::Range<u128>) -> Vec<u128> {
        let ids = numbers.map(|number| ContentId(number * 7919));
        let mut new: Vec<_> = known.not_stored(connection, ids).unwrap().into_iter().map(|id| id.0 / 7919).collect();
        new.sort_unstable();
        new
    }

    #[test]
    fn what_is_stored_is_known_however_much_it_is_and_nothing_else() {
        for count in [3, FEW as u64, 1000] {
            let many = u128::from(count);
            let connection = table(0..many);
            let mut known = Known::of("contents", "id");
            known.load(&connection).unwrap();
            assert_eq!((known.count(), known.filter.is_some()), (count, count > FEW as u64));
            for _ in 0..3 {
                assert_eq!(new(&mut known, &connection, 0..many + 5), (many..many + 5).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn what_is_added_is_known_and_what_is_removed_is_not_while_memory_stays_bounded() {
        let connection = table(0..0);
        let mut known = Known::of("contents", "id");
        for number in 0..500 {
            connection.execute("insert into contents values (?)", [number * 7919]).unwrap();
            known.add([ContentId(number * 7919)]);
            assert!(known.recent.len() + known.before.len() <= 2 * FEW + 1);
        }
        assert_eq!((known.count(), new(&mut known, &connection, 0..501)), (500, vec![500]));
        connection.execute("delete from contents where id >= 7919 * 3", []).unwrap();
        (3..500).for_each(|number| known.remove(ContentId(number * 7919)));
        assert_eq!((known.count(), new(&mut known, &connection, 0..5)), (3, vec![3, 4]));
        assert!(!known.renew(&connection).unwrap());
        known.load(&connection).unwrap();
        assert!(known.filter.is_none());
        assert_eq!(new(&mut known, &connection, 0..5), [3, 4]);
    }
}
