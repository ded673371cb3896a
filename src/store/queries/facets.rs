//! The values that runs have, with how many have them: what one can filter by.

use duckdb::{Connection, types::Value as Sql};

use super::{
    Asked,
    condition::{Source, source},
    count, limit,
};
use crate::{
    model::{Facet, FacetValue, FacetValues, Filter},
    store::DatabaseError,
};

pub fn facets(
    connection: &Connection,
    of: &[Facet],
    part: &str,
    filter: &Filter,
    rows: usize,
) -> Result<Vec<FacetValues>, DatabaseError> {
    of.iter().map(|facet| values(connection, *facet, part, filter, rows)).collect()
}

fn values(
    connection: &Connection,
    facet: Facet,
    part: &str,
    filter: &Filter,
    rows: usize,
) -> Result<FacetValues, DatabaseError> {
    let statement = include_str!("facets.sql").replace("{values}", &select(facet));
    let asked = Asked::of_many(filter, super::LISTED, &statement)?
        .with("part", Sql::Text(part.to_lowercase()))
        .with("limit", limit(rows));
    let mut total = 0;
    let rows = asked.rows(connection, |row| {
        total = count(row, 2)?;
        Ok(FacetValue { value: row.get(0)?, runs: count(row, 1)? })
    })?;
    Ok(FacetValues { facet, rows, total })
}

fn select(facet: Facet) -> String {
    match source(facet) {
        Source::Steps { column, of } => format!("select {column} as value, trace from steps where {of}"),
        Source::Columns([column, ..]) => format!("select {column} as value, trace from shown"),
        // No facet has none.
        Source::Columns([]) => "select null::varchar as value, trace from shown".to_owned(),
        Source::Kinds => {
            "select unnest(string_split(failure_kinds, chr(10))) as value, trace from shown where failure_kinds is not null"
                .to_owned()
        }
    }
}
