//! Traces that go on with what others began: a program that sends each of its calls as a trace of its own.

use std::{collections::HashMap, time::Duration};

use duckdb::{Connection, named_params};

use crate::{
    model::{TraceId, nanoseconds},
    store::{
        DatabaseError,
        rows::{self, trace_id, trace_number},
    },
};

/// How long after a trace one may begin that goes on with it: tools take a while, and people who are asked.
const WITHIN: Duration = Duration::from_mins(5);
/// Most that are read with a trace, the first.
const MOST: u64 = 8;
/// Most spans of one.
const SPANS: u64 = 100;

/// Most of a session that are read with one of its traces, the next.
const MOST_OF_SESSION: u64 = 4;

/// Those of a trace of a session whose tool calls have no result, or that is a call by itself: they complete it, as they do
/// where the whole session is shown.
pub fn of_session(connection: &Connection, trace: TraceId) -> Result<Vec<TraceId>, DatabaseError> {
    let mut statement = connection.prepare_cached(include_str!("later_of_session.sql"))?;
    let mut selected = statement.query(named_params! {
        "traces": rows::uhugeints([trace_number(&trace)].into_iter()), "spans": SPANS, "most": MOST_OF_SESSION,
    })?;
    let mut found = Vec::new();
    while let Some(row) = selected.next()? {
        found.extend(trace_id(row.get(1)?));
    }
    Ok(found)
}

/// Those of some traces whose tool calls have no result, or that are a call by itself; traces of sessions have none.
pub fn of(connection: &Connection, traces: &[TraceId]) -> Result<HashMap<TraceId, Vec<TraceId>>, DatabaseError> {
    let mut found: HashMap<TraceId, Vec<TraceId>> = HashMap::new();
    if traces.is_empty() {
        return Ok(found);
    }
    let mut statement = connection.prepare_cached(include_str!("followers.sql"))?;
    let mut selected = statement.query(named_params! {
        "traces": rows::uhugeints(traces.iter().map(trace_number)),
        "within": nanoseconds(WITHIN), "spans": SPANS, "most": MOST,
    })?;
    while let Some(row) = selected.next()? {
        if let (Some(own), Some(other)) = (trace_id(row.get(0)?), trace_id(row.get(1)?)) {
            found.entry(own).or_default().push(other);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use duckdb::Connection;

    use super::of_session;
    use crate::{
        model::{Category, GenAi, Resource, Timestamp, Value},
        store::tests::{Sent, memory, send, span, trace},
    };

    const SECOND: u64 = 1_000_000_000;

    /// A run of one model call that takes a second.
    fn call((name, second, service): (&str, u64, Option<&str>)) -> Sent {
        let mut sent = span(name, 1).with_prompt(name);
        (sent.span.started, sent.span.ended) = (Timestamp(second * SECOND), Some(Timestamp((second + 1) * SECOND)));
        let attributes = service.map(|service| ("service.name".to_owned(), Value::from(service))).into_iter().collect();
        sent.span.resource = Arc::new(Resource { attributes, ..Resource::default() });
        sent.translation.genai = GenAi { category: Category::Llm, ..GenAi::default() };
        sent
    }

    #[test]
    fn the_first_that_begin_within_minutes_go_on_with_a_run_if_they_are_of_its_service() {
        let many = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
        let at = |nth: usize| 1_000 + u64::try_from(nth).unwrap() / 2 * 10;
        let of_shop = many.into_iter().enumerate().map(|(nth, name)| (name, at(nth), Some("shop")));
        let others = [
            ("other", 1_001, Some("bar")),
            ("none", 1_002, None),
            ("none too", 1_003, None),
            ("late", 1_352, Some("shop")),
        ];
        let store = memory();
        send(&store, of_shop.chain(others).map(call));
        let all: Vec<&str> = many.into_iter().chain(others.iter().map(|(name, ..)| *name)).collect();
        let found = store.followers(&all.iter().map(|name| trace(name)).collect::<Vec<_>>()).unwrap();
        let follow = |name: &str| {
            let found = found.get(&trace(name)).into_iter().flatten();
            found.map(|found| *all.iter().find(|name| trace(name) == *found).unwrap()).collect::<Vec<_>>()
        };
        // Two began at each moment, and the one is before the other by its id.
        let mut both = [follow("a"), follow("b")].map(|found| found[0]);
        both.sort_unstable();
        assert_eq!((both, follow("a").len()), (["a", "b"], 8));
        assert!(follow("a").iter().all(|name| many[1..10].contains(name)), "{:?}", follow("a"));
        assert_eq!(follow("k"), Vec::<&str>::new());
        assert_eq!((follow("i").len(), follow("none"), follow("other").len()), (2, vec!["none too"], 0));
    }

    #[test]
    fn a_call_of_a_session_goes_on_in_the_next_ones_of_that() {
        let of = |name, second, session: &str| call((name, second, Some("shop"))).of(session);
        let store = memory();
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let own = names.into_iter().zip(1..).map(|(name, at): (&str, u64)| of(name, at * 1_000, "s"));
        send(&store, own.chain([of("other", 1_001, "t"), call(("none", 1_002, Some("shop")))]));
        let found =
            |name| store.connection.with_room(|connection: &Connection| of_session(connection, trace(name))).unwrap();
        assert_eq!(found("a"), ["b", "c", "d", "e"].map(trace), "however much later they are");
        assert_eq!((found("f"), found("g")), (vec![trace("g")], Vec::new()));
        assert_eq!((found("other"), found("none")), (Vec::new(), Vec::new()));
    }
}
