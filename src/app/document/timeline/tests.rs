//! Timelines of small runs: times are seconds after the run began.

use std::sync::Arc;
use std::time::Duration;

use super::path::critical_path;
use super::shares::{Shares, shares};
use super::steps::{self, Families, Step, Work};
use super::{Stretch, blocks};
use crate::app::document::{Document, Folds};
use crate::app::format::Zone;
use crate::model::{AssembledTrace, Category, Detail, ModelCall, Node, NodeState, SpanId, Timestamp, TraceId, Waits};

const SECOND: f64 = 1e9;
/// When runs begin.
const BEGAN: u64 = 1_700_000_000_000_000_000;

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
fn at(seconds: f64) -> u64 {
    BEGAN + (seconds * SECOND).round() as u64
}

/// Depth, kind, name, start and end in seconds; an end of zero: it goes on.
type Sketch = (usize, Category, &'static str, f64, f64);

fn run(sketches: &[Sketch]) -> AssembledTrace {
    let mut trace = AssembledTrace::sample(TraceId::from_bytes(&[1; 16]).unwrap(), Timestamp(BEGAN));
    let mut turns = 0;
    for (index, (depth, category, name, from, until)) in sketches.iter().enumerate() {
        let id = SpanId::from_bytes(&(index as u64 + 1).to_be_bytes()).unwrap();
        let ended = (*until > 0.0).then(|| Timestamp(at(*until)));
        let turn = (*category == Category::Llm).then(|| {
            turns += 1;
            turns
        });
        let beneath = sketches[index + 1..].iter().take_while(|(other, ..)| other > depth).count();
        let state = if ended.is_none() { NodeState::Running } else { NodeState::Ok };
        let sample = Node::sample(id, *name, Timestamp(at(*from)));
        trace.tree.nodes.push(Node { depth: *depth, beneath, category: *category, state, ended, turn, ..sample });
        trace.last_seen = trace.last_seen.max(ended.unwrap_or(Timestamp(at(*from))));
        trace.waits = trace.waits.or(ended.is_none().then_some(Waits::Spans));
    }
    trace
}

fn steps(trace: &AssembledTrace) -> Vec<Step> {
    steps::steps(trace).0
}

fn path(steps: &[Step]) -> Vec<Option<u64>> {
    critical_path(steps, &Families::of(steps), all_of(steps))
}

fn all_of(steps: &[Step]) -> Stretch {
    let from = steps.iter().map(|step| step.from).min().unwrap();
    Stretch { from, until: steps.iter().map(|step| step.end(0)).max().unwrap() }
}

fn alone(steps: &[Step], now: f64) -> Vec<f64> {
    steps.iter().map(|step| step.alone(at(now)).unwrap().as_secs_f64()).collect()
}

fn shares_of(steps: &[Step]) -> Shares {
    shares(steps, all_of(steps), true)
}

fn seconds(time: u64) -> f64 {
    Duration::from_nanos(time).as_secs_f64()
}

fn lines(trace: AssembledTrace, width: u16, now: f64) -> Vec<String> {
    let detail = Arc::new(Detail::whole(vec![Arc::new(trace)]));
    let mut document = Document::new(blocks(&detail).into(), width, Zone::default());
    document.tick(Timestamp(at(now)));
    document.lay_around(document.place(0), 1, 100, &Folds::default());
    (0..document.len()).map(|line| document.text(line).trim_end().to_owned()).collect()
}

use Category::{Agent, Llm, Tool};

#[test]
fn what_a_step_took_by_itself_leaves_out_what_went_on_beneath_it_once() {
    let steps = steps(&run(&[
        (0, Agent, "planner", 0.0, 10.0),
        (1, Llm, "chat", 1.0, 3.0),
        (1, Tool, "search", 3.0, 8.0),
        (1, Tool, "book", 4.0, 9.0),
    ]));
    assert_eq!(alone(&steps, 10.0), [2.0, 2.0, 5.0, 5.0]);
    assert_eq!(steps.iter().map(|step| step.beside).collect::<Vec<_>>(), [false, false, true, true]);
}

#[test]
fn what_lies_in_a_folded_span_lies_in_what_that_lies_in() {
    // Each answer of a model leads to another round within the one before, as Genkit has it, or beside it, as DSPy has it.
    for within in [0, 1] {
        let mut trace = run(&[
            (0, Agent, "desk", 0.0, 10.0),
            (1, Category::Span, "generate", 0.0, 9.0),
            (2, Llm, "chat", 0.0, 2.0),
            (2, Tool, "ping", 2.0, 4.0),
            (1 + within, Category::Span, "generate", 4.0, 9.0),
            (2 + within, Llm, "chat", 4.0, 6.0),
            (2 + within, Tool, "ping", 6.0, 9.0),
        ]);
        for at in [1, 4] {
            trace.tree.nodes[at].plumbing = true;
        }
        let steps = steps(&trace);
        assert_eq!(steps.iter().map(|step| step.depth).collect::<Vec<_>>(), [0, 1, 1, 1, 1]);
        assert_eq!(alone(&steps, 10.0), [1.0, 2.0, 2.0, 2.0, 3.0]);
        assert!(steps.iter().all(|step| !step.beside));
        assert!(path(&steps).iter().all(Option::is_some));
    }
}

#[test]
fn steps_that_only_touch_or_overlap_a_little_did_not_run_at_once() {
    let steps = steps(&run(&[(0, Agent, "a", 0.0, 9.0), (1, Llm, "m", 0.0, 4.0), (1, Tool, "t", 3.9, 8.0)]));
    assert!(steps.iter().all(|step| !step.beside));
    let path = path(&steps);
    assert!(path.iter().all(Option::is_some), "{path:?}");
}

#[test]
fn what_goes_on_takes_time_until_now() {
    let steps = steps(&run(&[(0, Agent, "a", 0.0, 0.0), (1, Llm, "m", 1.0, 3.0), (1, Tool, "t", 4.0, 0.0)]));
    assert_eq!(alone(&steps, 9.0), [2.0, 2.0, 5.0]);
    assert_eq!(alone(&steps, 20.0), [2.0, 2.0, 16.0]);
    let shares = shares(&steps, Stretch { from: at(0.0), until: at(9.0) }, false);
    assert_eq!(shares.open, Some(Work::Tool));
    assert_eq!((seconds(shares.model), seconds(shares.tool), seconds(shares.neither)), (2.0, 5.0, 2.0));
}

#[test]
fn time_is_the_innermost_works_and_counts_once() {
    let steps = steps(&run(&[
        (0, Agent, "planner", 0.0, 20.0),
        (1, Llm, "chat", 0.0, 4.0),
        // A tool that asks a model, beside another tool.
        (1, Tool, "ask_expert", 4.0, 12.0),
        (2, Llm, "chat", 5.0, 10.0),
        (1, Tool, "search", 6.0, 11.0),
        (1, Llm, "chat", 17.0, 20.0),
    ]));
    let shares = shares_of(&steps);
    let of = [shares.model, shares.tool, shares.neither].map(|time| Duration::from_nanos(time).as_secs());
    assert_eq!(of, [12, 3, 5]);
    assert_eq!(shares.at_once, 2);
    assert_eq!(shares.gaps, [Stretch { from: at(12.0), until: at(17.0) }]);
}

#[test]
fn a_gap_is_named_where_it_is_long_for_its_run_and_at_least_a_second() {
    let gaps = |between: f64, end: f64| {
        let trace = run(&[(0, Agent, "a", 0.0, end), (1, Llm, "m", 0.0, 2.0), (1, Llm, "m", 2.0 + between, end)]);
        shares_of(&steps(&trace)).gaps.len()
    };
    assert_eq!((gaps(1.0, 9.0), gaps(0.9, 5.0), gaps(1.0, 30.0), gaps(3.0, 30.0)), (1, 0, 0, 1));
    let nobody = run(&[(0, Category::Http, "GET /", 0.0, 9.0)]);
    assert_eq!(shares_of(&steps(&nobody)).gaps, [], "a program without models and tools has no gaps between them");
}

#[test]
fn the_critical_path_goes_by_what_was_waited_for() {
    let steps = steps(&run(&[
        (0, Agent, "planner", 0.0, 12.0),
        (1, Llm, "chat", 0.0, 2.0),
        (1, Tool, "slow", 2.0, 9.0),
        (2, Llm, "chat", 3.0, 8.0),
        (1, Tool, "quick", 2.0, 5.0),
        (1, Llm, "chat", 9.0, 11.0),
    ]));
    let path = path(&steps);
    let path: Vec<_> = path.into_iter().map(|time| time.map(seconds)).collect();
    assert_eq!(path, [Some(1.0), Some(2.0), Some(2.0), Some(5.0), None, Some(2.0)]);
}

#[test]
fn a_step_that_outlives_its_parent_is_followed_to_the_parents_end() {
    let steps = steps(&run(&[(0, Agent, "a", 0.0, 5.0), (1, Tool, "background", 1.0, 9.0)]));
    let path = path(&steps);
    assert_eq!(path.iter().map(|time| time.map(seconds)).collect::<Vec<_>>(), [Some(1.0), Some(4.0)]);
    assert_eq!(alone(&steps, 9.0), [1.0, 8.0]);
}

#[test]
fn a_run_has_a_ruler_a_bar_for_each_step_its_gaps_and_its_sums() {
    let mut trace = run(&[
        (0, Agent, "planner", 0.0, 20.0),
        (1, Llm, "chat", 0.0, 4.0),
        (1, Tool, "search", 4.0, 12.0),
        (1, Llm, "chat", 17.0, 20.0),
    ]);
    trace.calls.push(ModelCall {
        ttft: Some(Duration::from_secs(2)),
        ..ModelCall::sample(trace.tree.nodes[1].id, Timestamp(BEGAN))
    });
    trace.tree.nodes[2].state = NodeState::Error;
    let lines = lines(trace, 60, 20.0);
    let expected = [
        format!("A planner  {}  5.0s", "━".repeat(43)),
        format!("  M turn 1 ▒▒▒▒█████{}  4.0s", " ".repeat(34)),
        format!("  T search {}{}✗{}  8.0s", " ".repeat(8), "▓".repeat(17), " ".repeat(17)),
    ];
    assert_eq!(lines[0].chars().count(), 60);
    assert_eq!(lines[1..4], expected);
    assert_eq!(lines[4].trim_end(), format!("· gap{}5.0s neither {}", " ".repeat(18), "┄".repeat(12)));
    let foot = lines[6..].join("\n");
    for words in ["model     7.0s   35%", "tool      8.0s   40%", "neither   5.0s   25%", "nothing ran in parallel"] {
        assert!(foot.contains(words), "{foot}");
    }
}

#[test]
fn a_gap_stands_where_it_was_whatever_room_its_words_have() {
    for width in [40, 60, 72, 90] {
        let halves = run(&[(0, Agent, "slow", 0.0, 12.0), (1, Llm, "a", 0.0, 0.1), (1, Llm, "b", 6.0, 6.1)]);
        let lines = lines(halves, width, 12.0);
        let gaps: Vec<&String> = lines.iter().filter(|line| line.starts_with("· gap")).collect();
        let places = |line: &str, of: char| -> Vec<usize> {
            line.chars().enumerate().filter(|(_, c)| *c == of).map(|(at, _)| at).collect()
        };
        let bar = places(&lines[1], '━');
        let half = bar[bar.len() / 2];
        assert_eq!(gaps.len(), 2);
        assert!(places(gaps[0], '┄').into_iter().all(|at| at <= half), "{width} {lines:#?}");
        assert!(places(gaps[1], '┄').into_iter().all(|at| at >= half), "{width} {lines:#?}");
        for gap in gaps {
            assert!(gap.contains("5.9s") && gap.contains('┄') && !gap.contains('…'), "{width} {gap}");
            assert!(gap.chars().count() <= usize::from(width), "{width} {gap}");
        }
    }
}

#[test]
fn a_bar_grows_until_its_run_is_given_up() {
    let trace = || run(&[(0, Agent, "a", 0.0, 0.0), (1, Llm, "m", 0.0, 2.0), (1, Tool, "t", 2.0, 0.0)]);
    let line = |now: f64| lines(trace(), 60, now).into_iter().find(|line| line.contains("T t")).unwrap();
    assert!(line(4.0).ends_with("●  2.0s"), "{}", line(4.0));
    assert!(line(30.0).ends_with("●   28s"), "{}", line(30.0));
    // Ten minutes after it was last seen nothing more is expected of it.
    assert!(line(3600.0).ends_with("   0"), "{}", line(3600.0));
}

#[test]
fn no_width_is_overflown() {
    let trace = || {
        run(&[
            (0, Agent, "a planner of long journeys to far away lands", 0.0, 20.0),
            (1, Llm, "chat", 0.0, 4.0),
            (1, Tool, "search", 2.0, 12.0),
            (1, Llm, "chat", 17.0, 20.0),
        ])
    };
    for width in 1..130 {
        for line in lines(trace(), width, 20.0) {
            assert!(crate::app::wrap::width(&line) <= usize::from(width), "{width}: {line}");
        }
    }
}
