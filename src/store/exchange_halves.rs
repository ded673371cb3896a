//! Places the log records of responses that name no span at the spans of their requests, whichever of the two comes first.
//!
//! ```text
//!   a half arrives ─▶ all halves of its exchanges, new and stored ─▶ pairs ─▶ the place of each response
//!                       new ones are placed there instead of at spans of their own making
//!                       stored ones that are elsewhere are taken out, and stored again with the group
//! ```
//!
//! What is stored decides, and never the order in which it came.

use std::collections::{HashMap, HashSet};

use duckdb::{Connection, named_params};

use super::{
    DatabaseError, Submission,
    hash_ids::{LogId, LogIdentity, ResourceId, ScopeId},
    placements::{Place, Placements},
    prepared::{PreparedLog, PreparedSpan},
    raw_records::{Origins, RawRecord},
    rows::{span_id, trace_id, uhugeints},
};
use crate::{
    decode::{self, encode},
    dialects::{ExchangeHalf, pairs},
    model::LogRecord,
    pricing::Prices,
    understand,
};

/// A half that is stored.
struct StoredHalf {
    id: LogId,
    place: Option<Place>,
    half: ExchangeHalf,
}

impl Placements {
    /// Places the halves of some submissions, and of other `exchanges` of which something is stored. Writes nothing.
    pub fn of_halves(
        connection: &Connection,
        submissions: &[&Submission],
        mut exchanges: HashSet<u128>,
        prices: &Prices,
    ) -> Result<Self, DatabaseError> {
        let new: HashMap<LogId, &PreparedLog> = submissions.iter().flat_map(|submission| halves(submission)).collect();
        exchanges.extend(new.values().filter_map(|log| log.half).map(|half| half.of));
        let mut all = Self::default();
        if exchanges.is_empty() {
            return Ok(all);
        }
        let stored = stored_halves(connection, &exchanges)?;
        let known: HashSet<LogId> = stored.iter().map(|half| half.id).collect();
        let new: Vec<(LogId, &PreparedLog, ExchangeHalf)> =
            new.into_iter().filter_map(|(id, log)| Some((id, log, log.half?))).collect();
        let first_sent = new.iter().filter(|(id, ..)| !known.contains(id));
        let new_halves = first_sent.map(|(id, log, half)| (*id, log.row.trace.zip(log.row.span), *half));
        let halves: Vec<(LogId, Option<Place>, ExchangeHalf)> =
            stored.iter().map(|half| (half.id, half.place, half.half)).chain(new_halves).collect();
        let places = places(&halves);
        let mut made = HashSet::new();
        for (id, log, half) in new {
            let own = log.row.trace.zip(log.row.span);
            if let Some(place) = places.get(&id) {
                // What is sent again stands for no span either.
                all.unmade.extend(own);
                if !known.contains(&id) {
                    all.placed.insert(id, placed(log, *place, prices)?);
                }
            } else if half.is_response {
                made.extend(own);
            }
        }
        all.unmade.retain(|own| !made.contains(own));
        let requests: HashSet<Place> =
            halves.iter().filter(|(.., half)| !half.is_response).filter_map(|(_, place, _)| *place).collect();
        let is_elsewhere = |half: &&StoredHalf| match places.get(&half.id) {
            Some(place) => half.place != Some(*place),
            None => half.half.is_response && half.place.is_some_and(|place| requests.contains(&place)),
        };
        let elsewhere: Vec<&StoredHalf> = stored.iter().filter(is_elsewhere).collect();
        all.left = elsewhere.iter().filter_map(|half| half.place).collect();
        let ids = elsewhere.iter().map(|half| half.id).collect();
        all.move_stored(connection, ids, &places, prices)?;
        Ok(all)
    }

    /// Understands stored responses anew, at their new places.
    fn move_stored(
        &mut self,
        connection: &Connection,
        ids: Vec<LogId>,
        places: &HashMap<LogId, Place>,
        prices: &Prices,
    ) -> Result<(), DatabaseError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut statement = connection.prepare_cached(include_str!("queries/raw_halves.sql"))?;
        let mut found = statement.query(named_params! { "ids": uhugeints(ids.into_iter()) })?;
        let mut records: Vec<(LogId, u32, RawRecord)> = Vec::new();
        while let Some(row) = found.next()? {
            match RawRecord::read(row, [2, 3, 4, 5, 6], "log record") {
                Ok(record) => records.push((row.get(0)?, row.get(1)?, record)),
                // It stays where it is, and no sender is refused for it.
                Err(DatabaseError::Unreadable { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let origins = Origins::load(connection, records.iter().map(|(_, _, record)| record))?;
        for (id, position, record) in records {
            let Ok((log, raw)) = record.log(&origins) else { continue };
            let (log, made) = understand::log(log, raw, prices, places.get(&id).copied());
            self.moved.push((id, PreparedLog::new(log, position)));
            self.made.extend(made.map(PreparedSpan::new));
        }
        Ok(())
    }
}

/// The halves of a submission by the ids that they are stored under.
fn halves(submission: &Submission) -> impl Iterator<Item = (LogId, &PreparedLog)> {
    let mut equal = HashMap::new();
    submission.logs.iter().filter(|log| log.half.is_some()).map(move |log| {
        let resource = ResourceId::of(&encode::resource_bytes(&log.stored.resource));
        let scope = ScopeId::of(&encode::scope_bytes(&log.stored.scope));
        let identity = LogIdentity { raw: log.raw_hash, resource, scope, project: log.project.as_str() };
        let before = equal.entry(identity.hash()).or_insert(0);
        let id = identity.id(*before);
        *before += 1;
        (id, log)
    })
}

fn stored_halves(connection: &Connection, exchanges: &HashSet<u128>) -> Result<Vec<StoredHalf>, DatabaseError> {
    let mut statement = connection.prepare_cached(include_str!("queries/exchange_halves.sql"))?;
    let mut found = statement.query(named_params! { "exchanges": uhugeints(exchanges.iter().copied()) })?;
    let mut stored = Vec::new();
    while let Some(row) = found.next()? {
        let trace = row.get::<_, Option<u128>>(1)?.and_then(trace_id);
        let place = trace.zip(row.get::<_, Option<u64>>(2)?.and_then(span_id));
        let half = ExchangeHalf { of: row.get(3)?, sent: row.get(4)?, is_response: row.get(5)? };
        stored.push(StoredHalf { id: row.get(0)?, place, half });
    }
    Ok(stored)
}

/// The span of its request for each response that has one.
fn places(halves: &[(LogId, Option<Place>, ExchangeHalf)]) -> HashMap<LogId, Place> {
    type Halves = (Vec<(u64, Place)>, Vec<(u64, LogId)>);
    let mut exchanges: HashMap<u128, Halves> = HashMap::new();
    for (id, place, half) in halves {
        let (requests, responses) = exchanges.entry(half.of).or_default();
        if half.is_response {
            responses.push((half.sent, *id));
        } else {
            requests.extend(place.map(|place| (half.sent, place)));
        }
    }
    exchanges.into_values().flat_map(|(requests, responses)| pairs(&requests, &responses)).collect()
}

/// A response of the group, understood anew at the span of its request.
fn placed(log: &PreparedLog, place: Place, prices: &Prices) -> Result<PreparedLog, DatabaseError> {
    let raw = log.stored.raw.unpacked("log record")?;
    let (resource, scope) = (log.stored.resource.clone(), log.stored.scope.clone());
    let record: LogRecord = decode::log_from_raw(&raw, log.project.clone(), resource, scope)
        .map_err(|error| DatabaseError::Unreadable { what: "log record", why: error.to_string() })?;
    let (understood, _) = understand::log(record, raw, prices, Some(place));
    Ok(PreparedLog::new(understood, log.row.position))
}
