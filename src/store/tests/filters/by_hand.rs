//! Filters against an evaluator that looks at one run after another, and knows no SQL.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{NAMES, runs};
use crate::{
    filter::{self, Comparison, Expression, Match, Measure, Side, State, Term},
    model::{Category, Facet, Filter, RunState, SpanId, Timestamp, TraceId, TraceSummary, nanoseconds},
    store::{Store, tests::trace},
};

/// A run, as the naive evaluator sees it.
struct Seen {
    row: TraceSummary,
    /// All that is said of it, in lower case.
    text: String,
    spans: Vec<SpanId>,
    /// By facet.
    names: Vec<(Facet, String)>,
    failures: String,
    first_token: Option<u64>,
    /// The lowest.
    score: Option<f64>,
    attributes: BTreeSet<String>,
}

fn seen(store: &Store) -> Vec<Seen> {
    let page = store.list_traces(&Filter::default(), 99).unwrap();
    let of = |row: TraceSummary| {
        let rows = store.rows(&[row.trace]).unwrap().remove(0);
        let mut names: Vec<(Facet, String)> = Vec::new();
        let mut add = |facet, name: Option<&String>| names.extend(name.map(|name| (facet, name.clone())));
        let (mut texts, mut failures, mut attributes): (Vec<String>, Vec<String>, BTreeSet<String>) =
            Default::default();
        let (mut first_token, mut lowest) = (None, None::<f64>);
        add(Facet::Session, row.session.as_ref().map(ToString::to_string).as_ref());
        add(Facet::User, row.user.as_ref());
        add(Facet::Name, row.name.as_ref());
        add(Facet::Name, row.label.as_ref());
        let has_steps =
            rows.spans.iter().any(|span| matches!(span.translation.genai.category, Category::Llm | Category::Tool));
        for span in &rows.spans {
            let scores = span.translation.evaluations.iter().filter_map(|evaluation| evaluation.score);
            lowest = lowest.into_iter().chain(scores).min_by(f64::total_cmp);
            let genai = &span.translation.genai;
            texts.push(span.name.clone());
            match genai.category {
                Category::Llm => {
                    add(Facet::Model, genai.model.as_ref());
                    add(Facet::Finish, genai.stop_reason.as_ref());
                    first_token = first_token.max(genai.ttft.map(nanoseconds));
                }
                Category::Tool => add(Facet::Tool, genai.tool.as_ref().and_then(|tool| tool.name.as_ref())),
                // An agent that called nothing is in no step.
                Category::Agent => add(Facet::Agent, genai.agent.as_ref().filter(|_| has_steps)),
                _ => {}
            }
            if let Some(failure) = &span.translation.error {
                let kind = failure.kind.as_ref().map(|kind| kind.rsplit('.').next().unwrap().to_owned());
                add(Facet::Error, kind.as_ref());
                failures.extend(failure.kind.iter().chain(&failure.message).cloned());
            }
            for message in span.translation.readings.iter().flat_map(|reading| &reading.prompt) {
                texts.extend(message.parts.iter().map(|part| format!("{:?}", part.content)));
            }
            let raw = store.raw_spans(&[row.trace]).unwrap().remove(&row.trace).unwrap();
            for (key, value) in
                raw.iter().flat_map(|span| span.attributes.iter().chain(span.resource.attributes.iter()))
            {
                attributes.insert(format!("{key}={}", value.to_text()).to_lowercase());
            }
        }
        texts.extend(names.iter().map(|(_, name)| name.clone()));
        texts.extend(failures.clone());
        texts.extend(row.service.clone());
        Seen {
            text: texts.join("\n").to_lowercase(),
            spans: rows.spans.iter().map(|span| span.id).collect(),
            names,
            failures: failures.join("\n").to_lowercase(),
            first_token,
            score: lowest,
            attributes,
            row,
        }
    };
    page.rows.into_iter().map(of).collect()
}

impl Seen {
    fn passes(&self, expression: &Expression, now: Timestamp) -> bool {
        match expression {
            Expression::All(parts) => parts.iter().all(|part| self.passes(part, now)),
            Expression::Any(parts) => parts.iter().any(|part| self.passes(part, now)),
            Expression::Not(part) => !self.passes(part, now),
            Expression::Term(term) => self.holds(term, now),
        }
    }

    fn holds(&self, term: &Term, now: Timestamp) -> bool {
        let Self { row, .. } = self;
        match term {
            Term::Text(text) => {
                let text = text.to_lowercase();
                let is_id = text.len() >= 6;
                self.text.contains(&text)
                    || is_id && row.trace.to_string().starts_with(&text)
                    || is_id && self.spans.iter().any(|span| span.to_string().starts_with(&text))
            }
            Term::Is(state) => self.is(*state, now),
            Term::Named(facet, value) => {
                let mut names = self.names.iter().filter(|(of, _)| of == facet).map(|(_, name)| name.to_lowercase());
                match value {
                    Match::Is(value) if value.is_empty() => names.next().is_none(),
                    Match::Is(value) => names.any(|name| name == value.to_lowercase()),
                    Match::Has(part) => {
                        let part = part.to_lowercase();
                        names.any(|name| name.contains(&part))
                            || *facet == Facet::Error && self.failures.contains(&part)
                    }
                }
            }
            Term::Number(measure, comparison, value) => self.number(*measure, *comparison, *value, now),
            Term::Run(id) => row.trace.to_string().starts_with(id.as_str()),
            Term::Began(side, time) => {
                let moment = now.0.saturating_sub(nanoseconds(*time));
                (row.started.0 >= moment) == (*side == Side::Since)
            }
            Term::Attribute(key, value) => {
                let key = format!("{}=", key.to_lowercase());
                let mut values = self.attributes.iter().filter_map(|line| line.strip_prefix(&key));
                match value {
                    Match::Is(value) => values.any(|other| other == value.to_lowercase()),
                    Match::Has(part) => values.any(|other| other.contains(&part.to_lowercase())),
                }
            }
        }
    }

    fn is(&self, state: State, now: Timestamp) -> bool {
        let run = self.row.run_state(now);
        match state {
            State::Error => run == RunState::Failed || self.row.totals.failures() > 0,
            State::Failed => run == RunState::Failed,
            State::Recovered => run == RunState::Recovered,
            State::Ok => run == RunState::Done,
            State::Running => run == RunState::Running,
            State::NeverEnded => run == RunState::NeverEnded,
            State::Loop => self.row.repeat.as_ref().is_some_and(|repeat| repeat.is_loop),
            // Of these there are none among the runs.
            State::CutOff | State::Full | State::Dear => false,
        }
    }

    fn number(&self, measure: Measure, comparison: Comparison, value: u64, now: Timestamp) -> bool {
        let totals = &self.row.totals;
        let compares = |number: u64| comparison.holds(number, value);
        match measure {
            Measure::Cost => {
                let at_least = matches!(comparison, Comparison::More | Comparison::AtLeast);
                let known = totals.priced > 0 && (at_least || totals.unpriced == 0);
                known && compares(totals.cost.0.unsigned_abs())
            }
            Measure::Duration => {
                let running = self.row.run_state(now) == RunState::Running;
                let until = if running { now } else { self.row.ended.unwrap_or(self.row.last_seen) };
                compares(nanoseconds(until.since(self.row.started)))
            }
            Measure::Tokens => totals.usage.total().is_some_and(compares),
            Measure::Cache => totals.usage.cached_share().is_some_and(|share| {
                #[expect(clippy::cast_precision_loss, reason = "no run of the test is so near to a bound")]
                let bound = value as f64 / 1000.0;
                match comparison {
                    Comparison::Equal => (share - bound).abs() < 1e-12,
                    comparison => comparison.holds(share, bound),
                }
            }),
            Measure::Context => false,
            Measure::FirstToken => self.first_token.is_some_and(compares),
            Measure::Calls => compares(totals.model_calls),
            Measure::ToolRuns => compares(totals.tool_calls),
            Measure::Errors => compares(totals.errors),
            Measure::Spans => compares(self.row.spans),
            #[expect(clippy::cast_precision_loss, reason = "the scores of the test are small")]
            Measure::Score => self.score.is_some_and(|score| {
                let bound = value as f64 / 1000.0;
                match comparison {
                    Comparison::Equal => score.total_cmp(&bound).is_eq(),
                    comparison => comparison.holds(score, bound),
                }
            }),
        }
    }
}

const TERMS: &[&str] = &[
    "lisbon",
    "book",
    "timeout",
    "nova",
    "xyzzy",
    "ana",
    "\"must be\"",
    "shop",
    "c80000",
    "work",
    "error",
    "loop",
    "running",
    "is:ok",
    "is:failed",
    "is:recovered",
    "is:never-ended",
    "agent:planner",
    "agent:\"\"",
    "tool:book_room",
    "tool:~WEB",
    "tool:\"\"",
    "model:nova-lite",
    "model:~o",
    "model:none",
    "session:TRIP-42",
    "session:\"\"",
    "user:bob",
    "user:~a",
    "user:\"\"",
    "name:silent",
    "name:~o",
    "error:TimeoutError",
    "error:~must",
    "error:\"\"",
    "finish:end_turn",
    "finish:\"\"",
    "cost>.01",
    "cost>=$2",
    "cost<3",
    "cost<=.05",
    "cost=.05",
    "dur>4s",
    "dur<1m",
    "dur>30m",
    "tokens>100",
    "tokens<=1050",
    "tokens=23100",
    "cache>10%",
    "cache<=10%",
    "cache>99%",
    "ttft>100ms",
    "ttft<=.2s",
    "calls=0",
    "calls>1",
    "tools>=2",
    "tools=0",
    "errors>0",
    "spans>2",
    "spans=1",
    "score<.5",
    "score>=.25",
    "score=30%",
    "score>0",
    "since:1h",
    "before:1h",
    "run:0",
    "run:f",
    "attr.tenant.id=42",
    "attr.TENANT.id=~c",
    "attr.service.name=shop",
    "attr.none=1",
];

fn filters() -> impl Strategy<Value = String> {
    prop::sample::select(TERMS).prop_map(str::to_owned).prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.join(" ")),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" or "))),
            inner.prop_map(|part| format!("-({part})")),
        ]
    })
}

#[test]
fn the_store_lets_through_what_an_evaluator_of_one_run_after_another_does() {
    let store = runs();
    let all = seen(&store);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 200, ..ProptestConfig::default() });
    let agree = |text: String| {
        let expression = filter::parse(&text).map_err(|problem| TestCaseError::fail(format!("{text}: {problem}")))?;
        let filter = Filter { text: text.clone(), ..Filter::default() };
        let page = store.list_traces(&filter, 99).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let by_store: BTreeSet<TraceId> = page.rows.iter().map(|row| row.trace).collect();
        let now = Timestamp::now();
        let by_hand: BTreeSet<TraceId> =
            all.iter().filter(|run| run.passes(&expression, now)).map(|run| run.row.trace).collect();
        let names =
            |ids: &BTreeSet<TraceId>| NAMES.into_iter().filter(|name| ids.contains(&trace(name))).collect::<Vec<_>>();
        prop_assert_eq!(names(&by_store), names(&by_hand), "{}", text);
        Ok(())
    };
    // Each term alone first, so that a wrong one is named.
    for term in TERMS {
        agree((*term).to_owned()).unwrap();
    }
    runner.run(&filters(), agree).unwrap();
}
