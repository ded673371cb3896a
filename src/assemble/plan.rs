//! The places of a trace: its spans as a tree, with the log records of each, parents before children.
//!
//! ```text
//!   spans in any order ─▶ one place an id ─▶ placeholders for parents that never came
//!     ─▶ cycles cut ─▶ siblings by start, end, id ─▶ places, each before those beneath it
//! ```
//!
//! Traces come as deep as senders please, so nothing here recurses.

use std::{cmp::Reverse, collections::HashMap};

use super::{
    facts::{Facts, Trouble},
    handover, usage,
};
use crate::model::{Category, Cost, PriceSource, SpanId, Timestamp, TokenUsage, TraceId};

/// A trace's places, each before those beneath it.
#[derive(Debug)]
pub struct Plan<'a> {
    pub places: Vec<Place<'a>>,
    /// The span that nothing is above: the earliest, if there are several.
    pub root: Option<usize>,
    /// Log records that belong nowhere, because there is no place at all.
    pub strays: Vec<&'a Facts>,
}

/// A span, or the place of one that never came.
#[derive(Debug)]
pub struct Place<'a> {
    pub id: SpanId,
    /// The span and its index among what was handed in.
    pub span: Option<(usize, &'a Facts)>,
    /// Its log records, in order.
    pub logs: Vec<(usize, &'a Facts)>,
    pub parent: Option<usize>,
    pub depth: usize,
    /// The first place after all that is beneath it.
    pub after: usize,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub category: Category,
    pub usage: Option<TokenUsage>,
    pub cost: Option<&'a Cost>,
    /// Nothing in its trace is more than unconfirmed: it is shown, but neither counts nor tells.
    pub mute: bool,
}

impl<'a> Place<'a> {
    /// The span and its log records: everything that was said here.
    pub fn sources(&self) -> impl Iterator<Item = (usize, &'a Facts)> + '_ {
        self.span.into_iter().chain(self.logs.iter().copied())
    }

    /// Those that speak of this place, and not only of its trace.
    fn own(&self) -> impl Iterator<Item = &'a Facts> + '_ {
        self.sources().map(|(_, facts)| facts).filter(|facts| facts.span.is_some() || self.span.is_none())
    }

    pub fn trouble(&self) -> Option<&'a Trouble> {
        self.own().find_map(|facts| facts.trouble.as_deref()).filter(|_| !self.mute)
    }

    pub fn failed(&self) -> bool {
        self.trouble().is_some()
    }

    /// Whether it sums up calls. Its span knows better than a record, which may name but the agent that called.
    pub fn aggregate(&self) -> bool {
        self.span.map_or_else(|| self.own().any(|facts| facts.aggregate), |(_, facts)| facts.aggregate)
    }

    /// Whether it hands on what an agent said.
    pub fn relays(&self) -> bool {
        self.span.is_some_and(|(_, facts)| facts.relays)
    }

    pub fn speaks(&self) -> bool {
        !self.mute && self.sources().flat_map(|(_, facts)| &facts.voices).any(|voice| voice.prompts || voice.answers)
    }

    /// By start, end and id: the order of siblings, calls and everything else.
    pub fn order(&self) -> Order {
        order(self.started, self.ended, self.id)
    }

    /// What a span that never came was: its messages are most likely those of a model call.
    fn guess(&self) -> Category {
        let said = self.own().map(|facts| facts.category).find(|category| *category != Category::Span);
        said.unwrap_or(if self.speaks() { Category::Llm } else { Category::Span })
    }

    /// Reads what its sources say together.
    pub fn settle(&mut self) {
        if self.mute {
            return;
        }
        self.category = self.span.map_or_else(|| self.guess(), |(_, facts)| facts.category);
        self.usage = self.own().map(|facts| facts.usage.as_deref().copied()).fold(None, usage::fullest);
        let cost =
            self.own().filter_map(|facts| facts.cost.as_deref()).find(|cost| cost.source == PriceSource::Reported);
        self.cost = cost.or_else(|| self.own().find_map(|facts| facts.cost.as_deref()));
        if self.span.is_none() {
            let started = self.own().map(|facts| facts.started).min();
            let ended = self.own().filter_map(|facts| facts.ended).max();
            (self.started, self.ended) = (started.unwrap_or(self.started), ended);
        }
    }
}

/// Start, end (none last), id.
pub type Order = (Timestamp, bool, Option<Timestamp>, SpanId);

pub fn order(started: Timestamp, ended: Option<Timestamp>, id: SpanId) -> Order {
    (started, ended.is_none(), ended, id)
}

impl<'a> Plan<'a> {
    pub fn new(trace: TraceId, facts: &'a [Facts]) -> Self {
        let mut places = spans(facts);
        let mut index: HashMap<SpanId, usize> = places.iter().enumerate().map(|(at, place)| (place.id, at)).collect();
        placeholders(&mut places, &mut index);
        let strays = logs(facts, &mut places, &mut index, trace);
        let mute = is_unconfirmed(&places);
        for place in &mut places {
            place.mute = mute;
            place.settle();
        }
        let parents = parents(&places, &index);
        let mut places = walk(places, &parents);
        handover::hand_over(&mut places);
        let root = places.iter().position(|place| place.span.is_some_and(|(_, facts)| facts.parent.is_none()));
        let mut plan = Self { places, root, strays: Vec::new() };
        plan.adopt(strays);
        plan
    }

    /// Gives log records without a span to the root, else to the first place.
    fn adopt(&mut self, strays: Vec<(usize, &'a Facts)>) {
        match self.places.get_mut(self.root.unwrap_or(0)) {
            Some(place) => {
                place.logs.extend(strays);
                place.logs.sort_by_key(|(_, facts)| (facts.started, facts.rank));
                place.settle();
            }
            None => self.strays = strays.into_iter().map(|(_, facts)| facts).collect(),
        }
    }

    /// The places that nothing that came is above.
    pub fn tops(&self) -> impl Iterator<Item = &Place<'a>> {
        let came = |at: usize| self.places.get(at).is_some_and(|place| place.span.is_some());
        self.places.iter().filter(move |place| place.span.is_some() && !place.parent.is_some_and(came))
    }

    /// For each place the nearest one above it for which `is` holds.
    pub fn above(&self, is: impl Fn(&Place) -> bool) -> Vec<Option<usize>> {
        let mut above: Vec<Option<usize>> = Vec::with_capacity(self.places.len());
        for place in &self.places {
            let found =
                place.parent.and_then(|parent| if is(&self.places[parent]) { Some(parent) } else { above[parent] });
            above.push(found);
        }
        above
    }
}

fn empty<'a>(id: SpanId, started: Timestamp) -> Place<'a> {
    Place {
        id,
        span: None,
        logs: Vec::new(),
        parent: None,
        depth: 0,
        after: 0,
        started,
        ended: None,
        category: Category::Span,
        usage: None,
        cost: None,
        mute: false,
    }
}

/// Whether a trace holds nothing but spans made from records that prove nothing, and these records.
fn is_unconfirmed(places: &[Place]) -> bool {
    let mut sources = places.iter().flat_map(Place::sources).map(|(_, facts)| facts.unconfirmed).peekable();
    sources.peek().is_some() && sources.all(|unconfirmed| unconfirmed)
}

/// One place a span. Of a span that came twice the more complete one is taken.
fn spans<'a>(facts: &'a [Facts]) -> Vec<Place<'a>> {
    let mut best: HashMap<SpanId, (usize, &Facts)> = HashMap::new();
    for (at, new) in facts.iter().enumerate() {
        let (false, Some(id)) = (new.is_log, new.span) else { continue };
        let full = |facts: &'a Facts| {
            let said: usize = facts.voices.iter().map(|voice| voice.calls.len() + voice.results.len() + 1).sum();
            (facts.ended.is_some(), facts.ended, said, Reverse(facts.started), &facts.name)
        };
        let known = best.entry(id).or_insert((at, new));
        if full(new) > full(known.1) {
            *known = (at, new);
        }
    }
    let mut places: Vec<Place> = best
        .into_iter()
        .map(|(id, span)| Place { span: Some(span), ended: span.1.ended, ..empty(id, span.1.started) })
        .collect();
    places.sort_by_key(Place::order);
    places
}

/// Adds a place for each parent that never came, as early as its earliest child.
fn placeholders(places: &mut Vec<Place>, index: &mut HashMap<SpanId, usize>) {
    for at in 0..places.len() {
        let place = &places[at];
        let Some(parent) = place.span.and_then(|(_, facts)| facts.parent) else { continue };
        let started = place.started;
        index.entry(parent).or_insert_with(|| {
            places.push(empty(parent, started));
            places.len() - 1
        });
    }
}

/// Gives each log record to its place, adding those of spans that never came; returns those that name no span.
fn logs<'a>(
    facts: &'a [Facts],
    places: &mut Vec<Place<'a>>,
    index: &mut HashMap<SpanId, usize>,
    trace: TraceId,
) -> Vec<(usize, &'a Facts)> {
    let mut records: Vec<(usize, &Facts)> = facts.iter().enumerate().filter(|(_, facts)| facts.is_log).collect();
    records.sort_by_key(|(_, facts)| (facts.started, facts.rank));
    let mut strays = Vec::new();
    for record in records {
        let (_, facts) = record;
        let Some(id) = facts.span else {
            strays.push(record);
            continue;
        };
        if !index.contains_key(&id) && facts.tells() {
            index.insert(id, places.len());
            places.push(empty(id, facts.started));
        }
        if let Some(at) = index.get(&id) {
            places[*at].logs.push(record);
        }
    }
    // Nothing but records without a span: one place stands for them all.
    if places.is_empty()
        && let Some((_, first)) = strays.iter().find(|(_, facts)| facts.tells())
    {
        places.push(empty(stand_in(trace), first.started));
    }
    strays
}

/// An id for what has none, made of the trace's.
fn stand_in(trace: TraceId) -> SpanId {
    let bytes = trace.as_bytes();
    let half = |bytes| SpanId::from_bytes(bytes);
    half(&bytes[8..]).or_else(|_| half(&bytes[..8])).expect("a trace's id is not all zeroes")
}

/// The parent of each place, with cycles cut at their earliest span.
fn parents(places: &[Place], index: &HashMap<SpanId, usize>) -> Vec<Option<usize>> {
    let parent = |place: &Place| index.get(&place.span?.1.parent?).copied();
    let mut parents: Vec<Option<usize>> = places.iter().map(parent).collect();
    // The walk on which a place was first met; a walk that meets itself went round a cycle.
    let mut met = vec![0; places.len()];
    for start in 0..places.len() {
        let walk = start + 1;
        let mut next = Some(start);
        while let Some(at) = next {
            if met[at] == walk {
                let mut first = at;
                let mut round = parents[at];
                while let Some(other) = round.filter(|other| *other != at) {
                    if places[other].order() < places[first].order() {
                        first = other;
                    }
                    round = parents[other];
                }
                parents[first] = None;
            }
            if met[at] != 0 {
                break;
            }
            met[at] = walk;
            next = parents[at];
        }
    }
    parents
}

/// Puts the places in the order in which a tree is read.
fn walk<'a>(places: Vec<Place<'a>>, parents: &[Option<usize>]) -> Vec<Place<'a>> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|at| Reverse(places[*at].order()));
    let mut beneath: Vec<Vec<usize>> = vec![Vec::new(); places.len()];
    let mut waiting: Vec<(usize, Option<usize>, usize)> = Vec::new();
    for at in order {
        match parents[at] {
            Some(parent) => beneath[parent].push(at),
            None => waiting.push((at, None, 0)),
        }
    }
    let mut unread: Vec<Option<Place>> = places.into_iter().map(Some).collect();
    let mut read: Vec<Place> = Vec::with_capacity(unread.len());
    // Latest first on the stack, so that the earliest is taken next.
    while let Some((at, parent, depth)) = waiting.pop() {
        let Some(mut place) = unread[at].take() else { continue };
        (place.parent, place.depth, place.after) = (parent, depth, read.len() + 1);
        let here = read.len();
        read.push(place);
        waiting.extend(beneath[at].iter().map(|child| (*child, Some(here), depth + 1)));
    }
    for at in (0..read.len()).rev() {
        if let Some(parent) = read[at].parent {
            read[parent].after = read[parent].after.max(read[at].after);
        }
    }
    read
}
