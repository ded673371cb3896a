//! A made-up store: a list of traces. It knows no filter: which traces pass one, a test says.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crate::{
    app::scene,
    model::{
        Answer, AssembledTrace, Category, Conversation, ConversationId, ConversationMessage, Detail, Everything, Facet,
        FacetValue, FacetValues, Filter, Message, ModelCall, Node, NodeState, Otlp, Overview, Page, Project, Query,
        Role, SessionId, SessionSummary, SpanId, StateCounts, Subject, Timestamp, Totals, TraceId, TraceState,
        TraceSummary, Tree,
    },
};

#[derive(Default)]
pub struct Fakes {
    pub traces: Vec<Fake>,
    /// The texts of filters, and the numbers of the traces that pass them. The empty text lets all pass.
    pub passing: Vec<(&'static str, Vec<u8>)>,
    /// All traces pass any other text.
    pub lenient: bool,
}

/// One trace of the store: its number is its id and when it started.
#[derive(Clone)]
pub struct Fake {
    pub number: u8,
    pub session: Option<&'static str>,
    /// Depth, category, state of each span; its id is its place from 1.
    pub spans: Vec<(usize, Category, NodeState)>,
    /// The places of those that are plumbing.
    pub plumbing: &'static [usize],
    pub last_seen: u64,
}

pub fn trace(number: u8) -> TraceId {
    TraceId::from_bytes(&[number; 16]).unwrap()
}

pub fn span(number: usize) -> SpanId {
    SpanId::from_bytes(&(number as u64).to_be_bytes()).unwrap()
}

pub fn fake(number: u8, session: Option<&'static str>) -> Fake {
    use {Category::*, NodeState::Ok};
    let spans = vec![(0, Agent, Ok), (1, Llm, Ok), (2, Http, Ok), (1, Tool, Ok), (1, Llm, Ok)];
    Fake { number, session, spans, plumbing: &[], last_seen: number.into() }
}

impl Fakes {
    /// The traces that pass a filter's text, and are of its session.
    fn passing(&self, filter: &Filter) -> Vec<Fake> {
        let known = self.passing.iter().find(|(text, _)| *text == filter.text);
        let passes = |fake: &&Fake| match known {
            Some((_, numbers)) => numbers.contains(&fake.number),
            None if filter.text.is_empty() || self.lenient => true,
            None => panic!("which traces pass {:?}?", filter.text),
        };
        let of = |fake: &&Fake| {
            let session = filter.session.as_ref();
            session.is_none_or(|session| fake.session == session.as_ref().map(SessionId::as_str))
        };
        self.traces.iter().filter(passes).filter(of).cloned().collect()
    }
}

impl scene::Store for Fakes {
    fn answer(&self, query: &Query, _: Timestamp) -> Result<Answer, String> {
        Ok(match query {
            Query::Overview { filter, .. } => {
                let done = |traces: usize| StateCounts { done: traces as u64, ..StateCounts::default() };
                let all = Everything { states: done(self.traces.len()), ..Everything::default() };
                let states = done(self.passing(filter).len());
                Answer::Overview(Box::new(Overview { states, all, ..Overview::default() }))
            }
            Query::Sessions { filter, limit } => {
                let passing = self.passing(filter);
                let names: BTreeSet<Option<&str>> = passing.iter().map(|fake| fake.session).collect();
                let mut rows: Vec<SessionSummary> = names.into_iter().map(|name| session(name, &passing)).collect();
                rows.sort_by_key(|row| std::cmp::Reverse(row.last_seen));
                let total = rows.len() as u64;
                rows.truncate(*limit);
                Answer::Sessions(Page { rows, total })
            }
            Query::Traces { session, filter, limit } => {
                let mut rows = self.passing(filter);
                rows.retain(|fake| fake.session == session.as_ref().map(SessionId::as_str));
                rows.sort_by_key(|fake| fake.number);
                let total = rows.len() as u64;
                let newest = rows.split_off(rows.len().saturating_sub(*limit));
                Answer::Traces(Page { rows: newest.iter().map(summary).collect(), total })
            }
            Query::Tree { trace: wanted } => {
                let fake = self.traces.iter().find(|fake| trace(fake.number) == *wanted);
                Answer::Tree(fake.map(tree).unwrap_or_default())
            }
            Query::Detail { subject } => {
                let of = |fake: &&Fake| match subject {
                    Subject::Trace(wanted) => trace(fake.number) == *wanted,
                    Subject::Session(wanted) => fake.session == Some(wanted.as_str()),
                };
                let traces = self.traces.iter().filter(of).map(|fake| Arc::new(assembled(fake))).collect();
                Answer::Detail(Some(Arc::new(Detail::whole(traces))))
            }
            Query::Stats { .. } => Answer::Stats(Arc::default()),
            Query::Usual { .. } => Answer::Usual(Vec::new()),
            Query::Runs { .. } => Answer::Traces(Page::default()),
            Query::Marks => Answer::Marks(Vec::new()),
            Query::Otlp { .. } => Answer::Otlp(Otlp { text: "{}\n".to_owned(), secrets: 0 }),
            Query::Facets { of, part, .. } => Answer::Facets(of.iter().map(|facet| values(*facet, part)).collect()),
            Query::Raw { .. } => Answer::Raw(None),
        })
    }
}

/// Three values of every facet.
fn values(facet: Facet, part: &str) -> FacetValues {
    let names = ["one", "other one", "another"].map(|name| format!("{} {name}", facet.key()));
    let rows = names.into_iter().zip([9, 4, 1]).map(|(value, runs)| FacetValue { value, runs });
    let rows: Vec<_> = rows.filter(|row| row.value.contains(part)).collect();
    FacetValues { facet, total: rows.len() as u64, rows }
}

fn session(name: Option<&str>, traces: &[Fake]) -> SessionSummary {
    let own: Vec<&Fake> = traces.iter().filter(|fake| fake.session == name).collect();
    SessionSummary {
        session: name.map(SessionId::from),
        users: Vec::new(),
        first_seen: Timestamp(1),
        last_seen: Timestamp(own.iter().map(|fake| fake.last_seen).max().unwrap_or_default()),
        lasted: Duration::ZERO,
        states: StateCounts { done: own.len() as u64, ..StateCounts::default() },
        loops: 0,
        score: None,
        totals: own.iter().map(|fake| totals(fake)).sum(),
    }
}

fn totals(fake: &Fake) -> Totals {
    let calls = fake.spans.iter().filter(|(_, category, _)| *category == Category::Llm).count();
    Totals { model_calls: calls as u64, ..Totals::default() }
}

fn summary(fake: &Fake) -> TraceSummary {
    TraceSummary {
        trace: trace(fake.number),
        project: Project::default(),
        name: Some(format!("run {}", fake.number)),
        label: None,
        session: fake.session.map(SessionId::from),
        user: None,
        service: None,
        framework: None,
        question: None,
        started: Timestamp(fake.number.into()),
        ended: None,
        last_seen: Timestamp(fake.last_seen),
        state: TraceState::Ok,
        waits: None,
        program_ended: None,
        spans: fake.spans.len() as u64,
        models: Vec::new(),
        repeat: None,
        score: None,
        totals: totals(fake),
    }
}

fn tree(fake: &Fake) -> Tree {
    let node = |(index, (depth, category, state)): (usize, &(usize, Category, NodeState))| Node {
        trace: Some(trace(fake.number)),
        depth: *depth,
        beneath: fake.spans[index + 1..].iter().take_while(|(other, ..)| other > depth).count(),
        category: *category,
        plumbing: fake.plumbing.contains(&index),
        state: *state,
        ..Node::sample(span(index + 1), format!("span {}", index + 1), Timestamp(100 + index as u64))
    };
    Tree { nodes: fake.spans.iter().enumerate().map(node).collect() }
}

/// A conversation in which every model call says one thing.
fn assembled(fake: &Fake) -> AssembledTrace {
    let calls: Vec<usize> = (0..fake.spans.len()).filter(|index| fake.spans[*index].1 == Category::Llm).collect();
    let message = |(turn, index): (usize, &usize)| ConversationMessage {
        message: Arc::new(Message::text(Role::Assistant, format!("said by span {}", index + 1))),
        at: Timestamp(100 + *index as u64),
        span: span(index + 1),
        turn,
        history: false,
        rewritten: false,
    };
    let facts = |index: &usize| ModelCall::sample(span(index + 1), Timestamp(100 + *index as u64));
    AssembledTrace {
        tree: tree(fake),
        calls: calls.iter().map(facts).collect(),
        conversations: vec![Conversation {
            id: ConversationId(trace(fake.number), span(1)),
            agent: None,
            opened_by: None,
            messages: calls.iter().enumerate().map(message).collect(),
        }],
        spans: fake.spans.len() as u64,
        ..AssembledTrace::sample(trace(fake.number), Timestamp(fake.number.into()))
    }
}
