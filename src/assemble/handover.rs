//! Log records that name one span and speak of another are handed to that one.
//!
//! Coding agents write every record of a run under the agent's span, or under whatever span of their machinery they
//! were in. What a record is about it says itself: a tool's run by its id, a model call by its tokens and its time.

use std::collections::{HashMap, HashSet};

use super::{facts::Facts, plan::Place, voices::Execution};
use crate::model::{Category, Timestamp, TokenUsage};

/// So many calls before and after a record are asked whether it is theirs.
const LOOKED_AT: usize = 64;

/// Moves records to the places that they speak of. Places are in the order of a tree, and settled.
pub fn hand_over(places: &mut [Place]) {
    let is_lost = |place: &Place, facts: &Facts| facts.span == Some(place.id) && is_elsewhere(place, facts);
    let lost: Vec<(usize, usize)> = places
        .iter()
        .enumerate()
        .flat_map(|(at, place)| {
            let logs = place.logs.iter().enumerate();
            logs.filter(move |(_, (_, facts))| is_lost(place, facts)).map(move |(nth, _)| (at, nth))
        })
        .collect();
    if lost.is_empty() {
        return;
    }
    let mut finding = Finding::new(places);
    let moves: Vec<(usize, usize, usize)> =
        lost.into_iter().filter_map(|(at, nth)| Some((at, nth, finding.find(at, places[at].logs[nth].1)?))).collect();
    let mut changed = HashSet::new();
    // From the last on, so that the numbers of those before stay.
    for (from, nth, to) in moves.into_iter().rev() {
        let record = places[from].logs.remove(nth);
        places[to].logs.push(record);
        changed.extend([from, to]);
    }
    for at in changed {
        places[at].logs.sort_by_key(|(_, facts)| (facts.started, facts.rank));
        places[at].settle();
    }
}

/// Whether a record is of another kind of work than the span that it names.
fn is_elsewhere(place: &Place, facts: &Facts) -> bool {
    match facts.category {
        Category::Tool => {
            let says = |run: &Execution| run.id.is_some() || run.asked.is_some();
            place.category != Category::Tool && facts.execution.as_deref().is_some_and(says)
        }
        Category::Llm => place.category == Category::Agent,
        Category::Agent => matches!(place.category, Category::Span | Category::Http) && facts.tells(),
        _ => false,
    }
}

/// Where to look.
struct Finding<'p, 'a> {
    places: &'p [Place<'a>],
    /// The tools by the ids of their calls, the outermost of each.
    tools: HashMap<u64, Vec<usize>>,
    /// The same by name and arguments.
    asked: HashMap<u64, Vec<usize>>,
    by_start: Vec<(Timestamp, usize)>,
    by_end: Vec<(Timestamp, usize)>,
    /// Calls of which the tokens are told already.
    told: HashSet<usize>,
}

impl<'p, 'a> Finding<'p, 'a> {
    fn new(places: &'p [Place<'a>]) -> Self {
        let (mut tools, mut asked): (HashMap<u64, Vec<usize>>, HashMap<u64, Vec<usize>>) = Default::default();
        for (at, place) in places.iter().enumerate().filter(|(_, place)| place.category == Category::Tool) {
            let Some(run) = place.span.and_then(|(_, facts)| facts.execution.as_deref()) else { continue };
            for (key, index) in [(run.id, &mut tools), (run.asked, &mut asked)] {
                let Some(known) = key.map(|key| index.entry(key).or_default()) else { continue };
                if known.last().is_none_or(|outer| places[*outer].after <= at) {
                    known.push(at);
                }
            }
        }
        let calls = || places.iter().enumerate().filter(|(_, place)| place.category == Category::Llm);
        let mut by_start: Vec<_> = calls().map(|(at, place)| (place.started, at)).collect();
        let mut by_end: Vec<_> = calls().filter_map(|(at, place)| Some((place.ended?, at))).collect();
        by_start.sort_unstable();
        by_end.sort_unstable();
        Self { places, tools, asked, by_start, by_end, told: HashSet::new() }
    }

    fn find(&mut self, at: usize, facts: &Facts) -> Option<usize> {
        match facts.category {
            Category::Tool => {
                let run = facts.execution.as_deref()?;
                let Some(tools) = run.id.and_then(|id| self.tools.get(&id)) else {
                    let alike = self.asked.get(&run.asked.filter(|_| run.id.is_none())?)?;
                    // The last that had begun of those beneath.
                    let beneath = at + 1..self.places[at].after;
                    let is = |tool: &&usize| beneath.contains(*tool) && self.places[**tool].started <= facts.started;
                    return alike.iter().rev().take(LOOKED_AT).find(is).copied();
                };
                // A counter that began anew: the newest that had begun.
                let begun = tools.iter().rev().find(|tool| self.places[**tool].started <= facts.started);
                begun.or_else(|| tools.first()).copied()
            }
            Category::Llm => self.call(at, facts),
            Category::Agent => {
                let mut above = self.places[at].parent;
                while let Some(place) = above.filter(|place| self.places[*place].category != Category::Agent) {
                    above = self.places[place].parent;
                }
                above
            }
            _ => None,
        }
    }

    /// The call beneath an agent that a record is about: the one of the same tokens, else the one that it opens or
    /// ends, whichever is nearest in time.
    fn call(&mut self, agent: usize, facts: &Facts) -> Option<usize> {
        let beneath = agent + 1..self.places[agent].after;
        let usage = facts.usage.as_deref();
        let opens = usage.is_none() && facts.voices.iter().any(|voice| voice.prompts);
        let times = if opens { &self.by_start } else { &self.by_end };
        let here = times.partition_point(|(time, _)| *time < facts.started);
        let near = &times[here.saturating_sub(LOOKED_AT)..times.len().min(here + LOOKED_AT)];
        let is = |call: usize| match usage {
            Some(usage) => {
                !self.told.contains(&call) && self.places[call].usage.is_some_and(|other| equal(usage, &other))
            }
            None => true,
        };
        let found = near
            .iter()
            .filter(|(_, call)| beneath.contains(call) && is(*call))
            .min_by_key(|(time, call)| (time.0.abs_diff(facts.started.0), *call))
            .map(|(_, call)| *call);
        if usage.is_some() {
            self.told.extend(found);
        }
        found
    }
}

fn equal(left: &TokenUsage, right: &TokenUsage) -> bool {
    left.input() == right.input() && left.output == right.output
}
