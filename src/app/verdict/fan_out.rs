//! Agents that worked side by side: what each cost and took.

use std::{cmp::Reverse, time::Duration};

use crate::app::wrap;
use crate::model::{AssembledTrace, Category, Node, NodeState, Timestamp, Usd};

/// Fewer agents than this are no fan-out.
const LEAST: usize = 2;

/// Agents of one agent, or of the run, that worked at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FanOut {
    /// Those that go on first, then the one that took longest.
    pub agents: Vec<Agent>,
    /// The name of the one that took longest; `None` while one of them goes on, and where two took as long.
    pub slowest: Option<String>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    pub name: String,
    /// `None` while it goes on.
    pub took: Option<Duration>,
    /// `None` where it is not known.
    pub cost: Option<Usd>,
    pub failed: bool,
}

/// The largest fan-out of a run; `None` where no agents worked side by side.
pub fn of(trace: &AssembledTrace) -> Option<FanOut> {
    let nodes = &trace.tree.nodes;
    // The agents that a node lies in, by their places; of several spans of one agent in one another the outermost counts.
    let mut above: Vec<usize> = Vec::new();
    let mut groups: Vec<(Option<usize>, Vec<usize>)> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        while above.last().is_some_and(|agent| nodes[*agent].depth >= node.depth) {
            above.pop();
        }
        if node.category != Category::Agent || node.state == NodeState::Missing {
            continue;
        }
        let of = above.last().copied();
        if of.is_some_and(|of| name(&nodes[of]) == name(node)) {
            continue;
        }
        match groups.iter_mut().find(|(group, _)| *group == of) {
            Some((_, agents)) => agents.push(at),
            None => groups.push((of, vec![at])),
        }
        above.push(at);
    }
    let at_once = groups.into_iter().map(|(_, agents)| side_by_side(nodes, agents));
    let agents = at_once.filter(|agents| agents.len() >= LEAST).max_by_key(Vec::len)?;
    let mut agents: Vec<Agent> = agents.into_iter().map(|at| agent(&nodes[at])).collect();
    agents.sort_by_key(|agent| Reverse(agent.took.unwrap_or(Duration::MAX)));
    let times = |at: usize| agents.get(at).and_then(|agent| agent.took);
    // A tenth more is nothing that anybody would look for.
    let is_slowest = times(0).zip(times(1)).is_some_and(|(first, second)| first > second + second / 10);
    let slowest = agents.first().filter(|_| is_slowest).map(|first| first.name.clone());
    Some(FanOut { agents, slowest })
}

/// The agents of a group that worked while another of it did, in order of start.
fn side_by_side(nodes: &[Node], mut agents: Vec<usize>) -> Vec<usize> {
    agents.sort_by_key(|at| nodes[*at].started);
    let ended = |at: usize| nodes[at].ended.unwrap_or(Timestamp(u64::MAX));
    let mut latest = Timestamp::default();
    let mut kept: Vec<usize> = Vec::new();
    for (place, at) in agents.iter().enumerate() {
        let begins_within = nodes[*at].started < latest;
        let next_begins_within = agents.get(place + 1).is_some_and(|next| nodes[*next].started < ended(*at));
        if begins_within || next_begins_within {
            kept.push(*at);
        }
        latest = latest.max(ended(*at));
    }
    kept
}

fn agent(node: &Node) -> Agent {
    Agent {
        name: wrap::clean_line(name(node)),
        took: node.ended.map(|ended| ended.since(node.started)),
        cost: node.cost.as_ref().filter(|_| !node.unpriced).map(|cost| cost.total),
        failed: node.state == NodeState::Error,
    }
}

fn name(node: &Node) -> &str {
    node.name.strip_prefix("invoke_agent ").unwrap_or(&node.name)
}
