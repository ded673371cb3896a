use super::*;
use crate::app::styled;
use crate::model::{
    Category, Dropped, Failure, ModelCall, Node, NodeState, TokenUsage, ToolRun, ToolStatus, TraceFailure, TraceState,
    Value, Waits,
};

fn span(id: u8) -> SpanId {
    SpanId::from_bytes(&[id; 8]).unwrap()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp(seconds * 1_000_000_000)
}

/// An agent with so many turns; turn n is span n, from the second second on.
fn agent(turns: u8) -> AssembledTrace {
    let mut trace = AssembledTrace::sample(TraceId::from_bytes(&[9; 16]).unwrap(), at(1));
    let root = Node { category: Category::Agent, ..Node::sample(span(100), "invoke_agent planner", at(1)) };
    trace.tree.nodes.push(root);
    for turn in 1..=turns {
        let call = ModelCall {
            ended: Some(at(u64::from(turn) + 2)),
            usage: Some(TokenUsage { uncached_input: Some(1000), output: Some(10), ..TokenUsage::default() }),
            ..ModelCall::sample(span(turn), at(u64::from(turn) + 1))
        };
        let node = Node {
            depth: 1,
            category: Category::Llm,
            turn: Some(turn.into()),
            ..Node::sample(span(turn), "chat", at(u64::from(turn) + 1))
        };
        trace.calls.push(call);
        trace.tree.nodes.push(node);
    }
    trace.tree.nodes[0].beneath = trace.tree.nodes.len() - 1;
    trace
}

/// Adds a call of a tool by a turn, as span 50 and a number.
fn tool(trace: &mut AssembledTrace, turn: u8, guests: i64, status: ToolStatus) {
    let nth = u8::try_from(trace.tools.len()).unwrap();
    let failed = status == ToolStatus::Error;
    trace.tools.push(ToolRun {
        call_id: None,
        name: "book_room".to_owned(),
        input: Value::Map(vec![("guests".to_owned(), Value::Int(guests))]).into(),
        output: (status == ToolStatus::Ok).then(Vec::new),
        status,
        error: failed.then(|| "'guests' must be >= 1".to_owned()),
        span: Some(span(50 + nth)),
        called_by: Some(span(turn)),
        started: Some(at(u64::from(turn) + 2)),
        ended: Some(at(u64::from(turn) + 2)),
        earlier: false,
    });
    trace.tree.nodes.push(Node {
        depth: 1,
        category: Category::Tool,
        ordinal: Some(usize::from(nth) + 1),
        state: if failed { NodeState::Error } else { NodeState::Ok },
        ..Node::sample(span(50 + nth), "book_room", at(u64::from(turn) + 2))
    });
    trace.tree.nodes[0].beneath += 1;
    if failed {
        let failure = Failure {
            kind: Some("pydantic.ValidationError".to_owned()),
            message: Some("'guests' must be >= 1".to_owned()),
            stack: None,
        };
        trace.errors.push(TraceFailure { span: span(50 + nth), at: at(5), failure });
        trace.totals.errors += 1;
    }
}

fn verdict(trace: AssembledTrace) -> Verdict {
    Verdict::of(&Detail::whole(vec![trace.into()])).unwrap()
}

fn texts(verdict: &Verdict, columns: usize, most: usize) -> Vec<String> {
    let text = |texts: &[styled::Styled]| texts.iter().map(|styled| styled.text.as_str()).collect::<String>();
    let lines = verdict.lines(columns, most, at(5000), None).into_iter();
    lines.map(|line| [text(&line.left), text(&line.right)].join("|").trim_end_matches('|').to_owned()).collect()
}

#[test]
fn nothing_is_said_of_a_run_that_went_well() {
    let mut trace = agent(3);
    tool(&mut trace, 1, 1, ToolStatus::Ok);
    tool(&mut trace, 2, 2, ToolStatus::Ok);
    assert!(texts(&verdict(trace), 80, 4).is_empty());
}

#[test]
fn a_failed_run_says_where_and_why_and_what_was_spent_on_the_same_again() {
    let mut trace = agent(4);
    for turn in 1..=3 {
        tool(&mut trace, turn, 0, ToolStatus::Error);
    }
    trace.tree.nodes[0].state = NodeState::Error;
    trace.state = TraceState::Error;
    let verdict = verdict(trace);
    assert_eq!(
        texts(&verdict, 90, 4),
        [
            "✗ tool failed  planner › turn 3 › book_room #3|ValidationError",
            "  'guests' must be >= 1|↻ LOOP 3× same arguments",
            "  after the repeat began: 2 model calls · 2.0k tokens",
        ]
    );
    assert_eq!(texts(&verdict, 47, 2)[0], "✗ tool failed  book_room #3|ValidationError");
    assert_eq!(texts(&verdict, 38, 1), ["✗ book_room #3  Validat…|↻ LOOP 3×"]);
    assert_eq!(verdict.proof(), Some((TraceId::from_bytes(&[9; 16]).unwrap(), span(52))));
}

#[test]
fn a_failure_that_the_run_survived_is_no_failure_of_the_run() {
    let mut trace = agent(3);
    tool(&mut trace, 1, 0, ToolStatus::Error);
    assert_eq!(texts(&verdict(trace.clone()), 90, 1), ["! book_room #1  ValidationError"]);
    assert!(texts(&verdict(trace.clone()), 90, 4)[0].starts_with("! tool failed, the run went on  planner › turn 1"));
    // Nothing began after the last step, so nothing shows that the run went on.
    let mut last = agent(3);
    tool(&mut last, 3, 0, ToolStatus::Error);
    assert!(texts(&verdict(last), 90, 4)[0].starts_with("! tool failed  planner › turn 3"));
    trace.waits = Some(Waits::Root);
    trace.last_seen = at(4999);
    assert!(texts(&verdict(trace), 90, 4)[0].starts_with("! tool failed  planner"));
}

#[test]
fn what_an_earlier_run_called_is_neither_a_repeat_nor_a_failure_of_this_one() {
    let mut trace = agent(4);
    for turn in 1..=3 {
        tool(&mut trace, turn, 0, ToolStatus::Error);
    }
    trace.errors.clear();
    assert!(verdict(trace.clone()).repeat.is_some());
    for run in &mut trace.tools[..2] {
        run.earlier = true;
    }
    assert_eq!(crate::app::document::ordinals::ordinals(&trace)[2].label(), None, "it is called once here");
    let one = verdict(trace.clone());
    assert_eq!(one.repeat, None);
    assert!(matches!(one.cause.unwrap().what, super::What::Failed { failures: 1, .. }));
    trace.tools[2].earlier = true;
    assert_eq!(verdict(trace).cause, None);
}

#[test]
fn other_arguments_or_results_are_no_repeat() {
    let mut trace = agent(4);
    for (turn, guests) in [(1, 0), (2, 1), (3, 2)] {
        tool(&mut trace, turn, guests, ToolStatus::Error);
    }
    assert_eq!(verdict(trace).repeat, None);
    let with = |results: &[&str]| {
        let mut trace = agent(9);
        for (turn, result) in (1..).zip(results) {
            tool(&mut trace, turn, 0, ToolStatus::Ok);
            let part = crate::model::Part::text(*result);
            trace.tools.last_mut().unwrap().output = Some(vec![part]);
        }
        verdict(trace).repeat.map(|repeat| (repeat.times, repeat.is_loop))
    };
    assert_eq!(with(&["running", "running", "done"]), None);
    assert_eq!(with(&["full", "full", "full"]), Some((3, false)));
    assert_eq!(with(&["full", "full", "full", "full", "full"]), Some((5, true)));
}

#[test]
fn an_answer_that_was_cut_or_refused_says_so() {
    for (reason, line) in [
        ("max_tokens", "! cut off: max_tokens  planner › turn 2"),
        ("length", "! cut off: length  planner › turn 2"),
        ("content_filter", "! refused: content_filter  planner › turn 2"),
    ] {
        let mut trace = agent(2);
        trace.calls[1].stop_reason = Some(reason.to_owned());
        assert_eq!(texts(&verdict(trace), 80, 4), [line]);
    }
}

#[test]
fn what_a_sender_dropped_is_said_with_where() {
    let dropped = |attributes, events| Dropped { attributes, events, links: 0 };
    let mut trace = agent(3);
    trace.calls[1].dropped = dropped(1, 0);
    assert_eq!(texts(&verdict(trace.clone()), 80, 4), ["! sender dropped 1 attribute of  turn 2"]);
    trace.calls[2].dropped = dropped(170, 2);
    assert_eq!(texts(&verdict(trace), 80, 4), ["! sender dropped 171 attributes and 2 events of  2 model calls"]);
}

#[test]
fn a_tool_without_a_result_is_missed_only_where_the_run_went_on_without_it() {
    let mut trace = agent(1);
    tool(&mut trace, 1, 1, ToolStatus::Pending);
    assert!(texts(&verdict(trace), 80, 4).is_empty());
    let mut trace = agent(2);
    tool(&mut trace, 1, 1, ToolStatus::Pending);
    assert_eq!(texts(&verdict(trace), 80, 4), ["! no result for  planner › turn 1 › book_room #1"]);
}

#[test]
fn a_run_that_never_ended_says_what_it_was_last_seen_doing() {
    let mut trace = agent(2);
    tool(&mut trace, 2, 1, ToolStatus::Pending);
    trace.waits = Some(Waits::Root);
    trace.last_seen = at(4);
    let verdict = self::verdict(trace.clone());
    assert!(verdict.lines(80, 4, at(500), None).is_empty());
    assert_eq!(texts(&verdict, 80, 4), ["◌ never ended  last span 1h23 ago · book_room did not end"]);
    trace.program_ended = Some(at(4));
    let verdict = self::verdict(trace);
    assert_eq!(verdict.lines(80, 4, at(5), None).len(), 1, "at once");
    assert_eq!(texts(&verdict, 80, 4), ["◌ never ended  its program ended 1h23 ago · book_room did not end"]);
}

#[test]
fn a_context_is_spoken_of_where_it_fills_or_its_cache_breaks() {
    let usage = |cached| TokenUsage {
        uncached_input: Some(1000 - cached),
        cache_read: Some(cached),
        output: Some(10),
        ..TokenUsage::default()
    };
    let mut trace = agent(3);
    for (call, cached) in trace.calls.iter_mut().zip([880, 890, 120]) {
        call.usage = Some(usage(cached));
        call.window = Some(1250);
        call.ttft = Some(std::time::Duration::from_millis(1100));
    }
    assert_eq!(
        texts(&verdict(trace.clone()), 90, 4),
        ["context ████████████···· 80% of 1.3k   cached 89% → 12% in turn 3   first token 1.1s"]
    );
    for call in &mut trace.calls {
        call.window = Some(200_000);
        call.usage = Some(usage(880));
    }
    assert!(texts(&verdict(trace), 90, 4).is_empty());
}

#[test]
fn of_a_session_the_newest_run_with_something_to_say_is_spoken_of() {
    let mut failed = agent(1);
    tool(&mut failed, 1, 0, ToolStatus::Error);
    let detail = Detail { left_out: 3, ..Detail::whole(vec![failed.into(), agent(1).into()]) };
    let verdict = Verdict::of(&detail).unwrap();
    assert!(texts(&verdict, 120, 4)[0].contains("run 4 › planner › turn 1"));
    let detail = Detail::whole(vec![agent(1).into(), agent(2).into()]);
    assert_eq!(Verdict::of(&detail), None);
}

#[test]
fn no_size_is_too_small() {
    let mut trace = agent(4);
    for turn in 1..=3 {
        tool(&mut trace, turn, 0, ToolStatus::Error);
    }
    let verdict = verdict(trace);
    for columns in 0..100 {
        for most in 0..5 {
            for line in verdict.lines(columns, most, at(5), None) {
                let wide = crate::app::wrap::styled_width(&line.left) + crate::app::wrap::styled_width(&line.right);
                assert!(wide <= columns.saturating_sub(if line.proof.is_some() { 3 } else { 0 }), "{columns} {line:?}");
            }
        }
    }
}

#[test]
fn a_cost_beyond_the_usual_is_said_beneath_what_failed() {
    let unusual = Some(Unusual { cost: crate::model::Usd(272_000_000_000), tenths: 52, of: 20 });
    let verdict = verdict(agent(1));
    for most in [1, 4] {
        let lines = verdict.lines(80, most, at(5000), unusual);
        assert_eq!(lines[0].left[0].text, "$.272 = 5.2× the median of 20 earlier runs");
    }
}

/// A sub-agent as span 60 and a number, with a cost in cents; `None`: it goes on.
fn sub_agent(trace: &mut AssembledTrace, nth: u8, name: &str, (began, ended): (u64, Option<u64>), cents: i64) {
    let parts = crate::model::CostParts::default();
    let source = crate::model::PriceSource::Reported;
    let total = crate::model::Usd(cents * 10_000_000_000);
    trace.tree.nodes.push(Node {
        depth: 1,
        category: Category::Agent,
        ended: ended.map(at),
        state: if ended.is_some() { NodeState::Ok } else { NodeState::Running },
        cost: Some(crate::model::Cost { total, parts: Some(parts), source, computed: None }),
        ..Node::sample(span(60 + nth), format!("invoke_agent {name}"), at(began))
    });
    trace.tree.nodes[0].beneath += 1;
}

#[test]
fn agents_that_worked_side_by_side_are_compared() {
    let mut trace = agent(0);
    sub_agent(&mut trace, 1, "flights", (2, Some(6)), 1);
    sub_agent(&mut trace, 2, "hotels", (2, Some(13)), 3);
    sub_agent(&mut trace, 3, "weather", (3, Some(10)), 2);
    // One after the others is not beside them.
    sub_agent(&mut trace, 4, "writer", (20, Some(30)), 9);
    let verdict = self::verdict(trace.clone());
    let [head, all] =
        ["3 agents side by side, hotels took longest", "  hotels 11s $.030 · weather 7.0s $.020 · flights 4.0s $.010"];
    assert_eq!(texts(&verdict, 120, 4), [format!("{head}{all}")]);
    assert_eq!(texts(&verdict, 69, 4), [head, all]);
    assert_eq!(texts(&verdict, 47, 4)[1], "  hotels 11s $.030 · weather 7.0s $.020 · +1");
    assert_eq!(texts(&verdict, 38, 1), ["3 agents  slowest hotels 11s $.030"]);
    sub_agent(&mut trace, 5, "news", (25, None), 9);
    let texts = texts(&self::verdict(trace), 69, 4);
    assert_eq!(texts[0], "5 agents side by side");
    assert!(texts[1].starts_with("  news running"), "{texts:?}");
    let mut alone = agent(1);
    sub_agent(&mut alone, 1, "flights", (2, Some(6)), 1);
    sub_agent(&mut alone, 2, "hotels", (6, Some(9)), 1);
    assert_eq!(self::verdict(alone).fan_out, None, "one after another");
}
