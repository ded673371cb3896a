//! Traces that go on with what others began, where no session says so: a program that sends each of its calls as a trace
//! of its own.

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
}
