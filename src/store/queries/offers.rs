//! The tools that runs were offered: what their definitions cost, and which were never called.

use std::collections::{BTreeMap, HashSet};

use duckdb::Connection;

use super::{Asked, limit};
use crate::{
    model::{ContentId, Filter, Group, Groups, Offered, Stats, ToolDefinition, about_tokens},
    store::{DatabaseError, rows::blob, stored_translation::tools_of},
};

/// Lists of tools that are read at most. Runs of one program mostly share one.
const LISTS: usize = 2_000;
/// Lists that are named at most, to find the runs that were offered a tool.
const NAMED: usize = 64;

/// The tools that were offered, by their names, and the names of those that ran.
#[derive(Debug, Default)]
pub struct Offers {
    offered: BTreeMap<String, Offered>,
    called: HashSet<String>,
}

impl Offers {
    /// Those of the runs that a filter lets through.
    pub fn of(connection: &Connection, filter: &Filter, listed: &str) -> Result<Self, DatabaseError> {
        let of_shown = "id in (select content from trace_contents where {among})";
        let statement = include_str!("stats_offered.sql");
        let statement = statement.replace("{offered}", if filter.is_empty() { "true" } else { of_shown });
        let asked = Asked::of_many(filter, listed, &statement)?.with("lists", limit(LISTS));
        let mut offers = Self::default();
        asked.rows(connection, |row| {
            let list = ContentId(row.get(0)?);
            // One that cannot be read costs itself.
            for tool in tools_of(blob(row, 1)?).iter().flat_map(|tools| tools.iter()) {
                offers.add(list, tool);
            }
            Ok(())
        })?;
        if offers.offered.is_empty() {
            return Ok(offers);
        }
        let asked = Asked::of_many(filter, listed, include_str!("stats_called.sql"))?;
        offers.called = asked.rows(connection, |row| Ok(row.get(0)?))?.into_iter().collect();
        Ok(offers)
    }

    fn add(&mut self, list: ContentId, tool: &ToolDefinition) {
        let offered = self.offered.entry(tool.name.clone()).or_default();
        let described = tool.description.is_some() || tool.parameters.is_some();
        offered.tokens = offered.tokens.max(described.then(|| about_tokens(tool.bytes())));
        if offered.lists.len() < NAMED && offered.lists.last() != Some(&list) {
            offered.lists.push(list);
        }
    }

    /// Says of the tools that ran how they were offered, and adds those that never did, the dearest first.
    pub fn add_to(mut self, tools: &mut Groups) {
        for tool in &mut tools.rows {
            let offered = tool.name.as_ref().and_then(|name| self.offered.get(name));
            tool.offered = offered.map(|offered| Offered { tokens: offered.tokens, lists: Vec::new() });
        }
        self.offered.retain(|name, _| !self.called.contains(name));
        tools.total = tools.total.saturating_add(self.offered.len() as u64);
        let mut unused: Vec<(String, Offered)> = self.offered.into_iter().collect();
        unused.sort_by_key(|(_, offered)| std::cmp::Reverse(offered.tokens));
        let group = |(name, offered)| Group { name: Some(name), offered: Some(offered), ..Group::default() };
        tools.rows.extend(unused.into_iter().take(Stats::MOST).map(group));
    }
}
