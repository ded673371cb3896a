//! Texts of panes, made from small runs.

mod comparisons;
mod cost_answers;
mod failures;
mod prompts;
mod retrievals;
mod running;
mod sessions;

use std::sync::Arc;

use super::{Blocks, Document, Folds, cost, messages, tools};
use crate::model::{
    AssembledTrace, Category, Content, Conversation, ConversationId, ConversationMessage, Cost, CostParts, Detail,
    Dropped, Failure, Message, ModelCall, Node, NodeState, Part, PriceSource, Reasoning, ReasoningForm, Request, Role,
    SpanId, Timestamp, TokenUsage, ToolCall, ToolDefinition, ToolResult, ToolRun, ToolStatus, Totals, TraceFailure,
    TraceId, Usd,
};

fn span(number: u8) -> SpanId {
    SpanId::from_bytes(&[number; 8]).unwrap()
}

/// A model call; its number is that of its span.
fn call(number: u8) -> ModelCall {
    ModelCall {
        model: Some("claude-sonnet-4-5".into()),
        ended: Some(Timestamp(2_000_000_000)),
        ..ModelCall::sample(span(number), Timestamp(1_000_000_000))
    }
}

fn message(turn: usize, role: Role, parts: Vec<Content>) -> ConversationMessage {
    let parts = parts.into_iter().map(Part::new).collect();
    let message = Arc::new(Message::new(role, parts));
    ConversationMessage { message, at: Timestamp(0), span: span(1), turn, history: false, rewritten: false }
}

fn asks(id: Option<&str>, city: &str) -> Content {
    let input = crate::model::json::parse(&format!(r#"{{"city": "{city}"}}"#)).unwrap();
    Content::Call(ToolCall {
        id: id.map(str::to_owned),
        item_id: None,
        name: "weather".into(),
        input,
        server_side: false,
    })
}

fn gives(id: Option<&str>, text: &str) -> Content {
    let content = vec![Part::text(text)];
    Content::Result(ToolResult {
        call_id: id.map(str::to_owned),
        name: Some("weather".into()),
        is_error: None,
        content,
    })
}

fn ran(id: Option<&str>, city: &str, status: ToolStatus) -> ToolRun {
    let Content::Call(call) = asks(id, city) else { unreachable!() };
    ToolRun {
        call_id: call.id,
        name: call.name,
        input: call.input.into(),
        output: None,
        status,
        error: None,
        span: None,
        called_by: Some(span(1)),
        started: None,
        ended: None,
        earlier: false,
    }
}

fn run(calls: Vec<ModelCall>, conversation: Vec<ConversationMessage>, tools: Vec<ToolRun>) -> AssembledTrace {
    let trace = TraceId::from_bytes(&[1; 16]).unwrap();
    AssembledTrace {
        name: Some("planner".into()),
        ended: Some(Timestamp(2_000_000_000)),
        calls,
        conversations: vec![Conversation {
            id: ConversationId(trace, span(1)),
            agent: None,
            opened_by: None,
            messages: conversation,
        }],
        tools,
        spans: 1,
        ..AssembledTrace::sample(trace, Timestamp(1_000_000_000))
    }
}

fn detail(traces: Vec<AssembledTrace>) -> Arc<Detail> {
    Arc::new(Detail::whole(traces.into_iter().map(Arc::new).collect()))
}

/// The lines of a pane that hold something, without their indents.
fn lines(pane: fn(&Arc<Detail>) -> Box<dyn Blocks>, detail: &Arc<Detail>, width: u16) -> Vec<String> {
    let lines = Document::whole(pane(detail).into(), &Folds::default(), width);
    lines.iter().map(|line| line.text().trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

fn place(lines: &[String], text: &str) -> usize {
    lines.iter().position(|line| line.contains(text)).unwrap_or_else(|| panic!("no `{text}` in {lines:#?}"))
}

#[test]
fn a_result_is_shown_with_its_call_and_not_again_where_it_is_sent() {
    let conversation = vec![
        message(0, Role::User, vec![Content::Text("hi".into())]),
        message(0, Role::Assistant, vec![asks(Some("a"), "Oslo"), asks(Some("b"), "Lima")]),
        message(1, Role::Tool, vec![gives(Some("b"), "warm"), gives(Some("a"), "cold")]),
        message(1, Role::Assistant, vec![Content::Text("done".into())]),
    ];
    let tools = vec![ran(Some("a"), "Oslo", ToolStatus::Ok), ran(Some("b"), "Lima", ToolStatus::Ok)];
    let lines = lines(messages::blocks, &detail(vec![run(vec![call(1), call(2)], conversation, tools)]), 60);
    assert!(place(&lines, "\"Oslo\"") < place(&lines, "← cold"));
    assert!(place(&lines, "← cold") < place(&lines, "\"Lima\""));
    assert!(place(&lines, "← warm") < place(&lines, "── turn 2"));
    assert_eq!(lines.iter().filter(|line| line.contains('←')).count(), 2, "{lines:#?}");
}

#[test]
fn results_without_ids_answer_the_calls_in_order() {
    let conversation = vec![
        message(0, Role::Assistant, vec![asks(None, "Oslo"), asks(None, "Lima")]),
        message(1, Role::Tool, vec![gives(None, "cold"), gives(None, "warm")]),
    ];
    let tools = vec![ran(None, "Oslo", ToolStatus::Ok), ran(None, "Lima", ToolStatus::Error)];
    let lines = lines(messages::blocks, &detail(vec![run(vec![call(1)], conversation, tools)]), 60);
    assert!(lines[place(&lines, "\"Oslo\"") - 1].ends_with("#1/2  ✓"), "{lines:#?}");
    assert!(lines[place(&lines, "\"Lima\"") - 1].ends_with("#2/2  ✗"), "{lines:#?}");
    assert_eq!(place(&lines, "← warm"), place(&lines, "\"Lima\"") + 1);
}

#[test]
fn a_result_that_lost_its_id_answers_the_call_of_its_tool_that_waits() {
    let conversation = vec![
        message(0, Role::Assistant, vec![asks(Some("a"), "Oslo"), asks(Some("b"), "Lima")]),
        message(1, Role::Tool, vec![gives(Some("a"), "cold"), gives(None, "warm")]),
    ];
    let lines = lines(messages::blocks, &detail(vec![run(vec![call(1)], conversation, Vec::new())]), 60);
    assert_eq!(place(&lines, "← warm"), place(&lines, "\"Lima\"") + 1, "{lines:#?}");
}

#[test]
fn an_id_that_is_used_again_means_the_newer_call() {
    let conversation = vec![
        message(0, Role::Assistant, vec![asks(Some("0"), "Oslo")]),
        message(1, Role::Tool, vec![gives(Some("0"), "cold")]),
        message(1, Role::Assistant, vec![asks(Some("0"), "Lima")]),
        message(2, Role::Tool, vec![gives(Some("0"), "warm")]),
    ];
    let later = ToolRun { called_by: Some(span(2)), ..ran(Some("0"), "Lima", ToolStatus::Error) };
    let tools = vec![ran(Some("0"), "Oslo", ToolStatus::Ok), later];
    let lines = lines(messages::blocks, &detail(vec![run(vec![call(1), call(2)], conversation, tools)]), 60);
    assert!(lines[place(&lines, "\"Oslo\"") - 1].ends_with("✓"), "{lines:#?}");
    assert!(lines[place(&lines, "\"Lima\"") - 1].ends_with("✗"), "{lines:#?}");
    assert_eq!(place(&lines, "← warm"), place(&lines, "\"Lima\"") + 1);
}

#[test]
fn the_same_arguments_again_are_pointed_out() {
    let conversation = vec![message(0, Role::Assistant, vec![asks(Some("a"), "Oslo"), asks(Some("b"), "Oslo")])];
    let tools = vec![ran(Some("a"), "Oslo", ToolStatus::Ok), ran(Some("b"), "Oslo", ToolStatus::Pending)];
    let detail = detail(vec![run(vec![call(1)], conversation, tools)]);
    let shown = lines(messages::blocks, &detail, 60);
    assert!(shown[place(&shown, "same arguments as #1") - 2].ends_with("no result"), "{shown:#?}");
    place(&lines(tools::blocks, &detail, 60), "= #1");
}

#[test]
fn a_failure_is_shown_where_it_happened_and_says_in_which_span() {
    let node = |number, depth, name: &str| Node {
        depth,
        category: Category::Tool,
        state: NodeState::Error,
        ..Node::sample(span(number), name, Timestamp(0))
    };
    let conversation = vec![
        message(0, Role::Assistant, vec![asks(Some("a"), "Oslo")]),
        message(1, Role::Assistant, vec![Content::Text("sorry".into())]),
    ];
    let tool = ToolRun { span: Some(span(3)), ..ran(Some("a"), "Oslo", ToolStatus::Error) };
    let mut run = run(vec![call(1), call(2)], conversation, vec![tool]);
    run.tree.nodes = vec![node(1, 0, "chat"), node(3, 0, "weather"), node(4, 1, "GET /weather"), node(2, 0, "chat")];
    let failure = Failure { kind: Some("httpx.ReadTimeout".into()), message: Some("timed out".into()), stack: None };
    run.errors = vec![TraceFailure { span: span(4), at: Timestamp(0), failure }];
    let lines = lines(messages::blocks, &detail(vec![run]), 60);
    let at = place(&lines, "✗ ReadTimeout  in GET /weather");
    assert!(place(&lines, "→ weather") < at && at < place(&lines, "── turn 2"), "{lines:#?}");
    assert_eq!(lines[at + 1], "timed out");
}

#[test]
fn a_tool_that_nobody_is_known_to_have_asked_for_stands_with_its_call_or_after_the_turn_before_it() {
    let failure = |number| {
        let failure = Failure { kind: Some("ToolFailure".into()), message: Some("refused".into()), stack: None };
        TraceFailure { span: span(number), at: Timestamp(0), failure }
    };
    let node = |number| Node { category: Category::Tool, ..Node::sample(span(number), "weather", Timestamp(0)) };
    let tool = |number, city: &str| ToolRun {
        span: Some(span(number)),
        called_by: None,
        started: Some(Timestamp(1_200_000_000)),
        ended: Some(Timestamp(1_500_000_000)),
        ..ran(None, city, ToolStatus::Error)
    };
    let late = ModelCall { started: Timestamp(1_800_000_000), ..call(2) };
    let said = || message(1, Role::Assistant, vec![Content::Text("sorry".into())]);
    let lines_of = |asked: Vec<Content>, city: &str| {
        let mut run =
            run(vec![call(1), late.clone()], vec![message(0, Role::Assistant, asked), said()], vec![tool(3, city)]);
        run.tree.nodes = vec![node(3)];
        run.errors = vec![failure(3)];
        lines(messages::blocks, &detail(vec![run]), 60)
    };
    let joined = lines_of(vec![asks(None, "Oslo")], "Oslo");
    let at = place(&joined, "→ weather");
    assert!(joined[at].ends_with("300ms  ✗") && joined[at + 2].starts_with("✗ ToolFailure"), "{joined:#?}");
    assert_eq!(joined.iter().filter(|line| line.contains("ToolFailure")).count(), 1);
    for loose in [lines_of(vec![asks(None, "Oslo")], "Rome"), lines_of(vec![Content::Text("I look.".into())], "Oslo")] {
        let at = place(&loose, "✗ ToolFailure  in weather");
        assert!(place(&loose, "── turn 1") < at && at < place(&loose, "── turn 2"), "{loose:#?}");
    }
}

#[test]
fn what_a_turn_cost_is_the_last_thing_to_give_way() {
    let usage = TokenUsage {
        uncached_input: Some(20_200),
        cache_read: Some(2_700),
        output: Some(196),
        ..TokenUsage::default()
    };
    let turn = ModelCall { usage: Some(usage), unpriced: true, ..call(1) };
    let conversation = vec![message(0, Role::Assistant, vec![Content::Text("yes".into())])];
    let detail = detail(vec![run(vec![turn], conversation, Vec::new())]);
    for (width, rule) in [
        (80, "── turn 1 · claude-sonnet-4-5 · 1.0s · in 23k (12% cached) out 196 · unpriced"),
        (75, "── turn 1 · claude-sonnet-4-5 · 1.0s · in 23k out 196 · unpriced"),
        (48, "── turn 1 · 1.0s · in 23k out 196 · unpriced"),
        (42, "── turn 1 · 1.0s · 23k tokens · unpriced"),
        (30, "── turn 1 · 1.0s · unpriced"),
        (24, "── turn 1 · unpriced"),
    ] {
        let lines = lines(messages::blocks, &detail, width);
        assert_eq!(lines[place(&lines, "turn 1")].trim_end_matches([' ', '─']), rule);
    }
    for width in [30, 38, 45, 60, 80] {
        let row = lines(cost::blocks, &detail, width);
        assert!(row[place(&row, "cost") + 1].ends_with("unpriced"), "{row:#?}");
        assert!(row[place(&row, "by model") + 1].ends_with("unpriced"), "{row:#?}");
    }
}

#[test]
fn what_one_run_leaves_out_of_a_tool_another_may_tell() {
    let offered = |description: Option<&str>| ToolDefinition {
        name: "convert".into(),
        description: description.map(str::to_owned),
        parameters: None,
    };
    let mut runs = vec![run(vec![call(1)], Vec::new(), Vec::new()), run(vec![call(1)], Vec::new(), Vec::new())];
    runs[0].definitions = vec![offered(None)];
    runs[1].definitions = vec![offered(Some("Convert money."))];
    let lines = lines(tools::blocks, &detail(runs), 70);
    assert!(lines[place(&lines, "▸ convert")].contains("Convert money."), "{lines:#?}");
    assert!(lines[place(&lines, "▸ convert")].ends_with("not called in these runs"), "{lines:#?}");
}

#[test]
fn one_model_by_two_names_is_told_apart_and_each_window_named() {
    let of =
        |number, model: &str, window| ModelCall { model: Some(model.into()), window: Some(window), ..call(number) };
    let calls = vec![of(1, "us.amazon.nova-lite-v1:0", 300_000), of(2, "eu.amazon.nova-lite-v1:0", 200_000)];
    let lines = lines(cost::blocks, &detail(vec![run(calls, Vec::new(), Vec::new())]), 90);
    assert!(lines[place(&lines, "us.amazon.nova-lite-v1:0")].contains("window 300k"), "{lines:#?}");
    assert!(lines[place(&lines, "eu.amazon.nova-lite-v1:0")].contains("1 call"), "{lines:#?}");
}

#[test]
fn a_long_result_is_one_line_until_it_is_opened() {
    let conversation = vec![
        message(0, Role::Assistant, vec![asks(Some("a"), "Oslo")]),
        message(1, Role::Tool, vec![gives(Some("a"), &"snow\n".repeat(200))]),
    ];
    let lines = lines(messages::blocks, &detail(vec![run(vec![call(1)], conversation, Vec::new())]), 60);
    assert!(lines[place(&lines, "▸ ← snow")].ends_with("200 lines"), "{lines:#?}");
    assert!(lines.len() < 10, "{lines:#?}");
}

#[test]
fn only_what_a_model_said_stands_in_quotation_marks() {
    let thought = Reasoning { text: Some("Carry the one.".into()), ..Reasoning::default() };
    let hidden = Reasoning { form: ReasoningForm::Redacted, data: Some(vec![0; 93]), ..Reasoning::default() };
    let conversation = vec![message(0, Role::Assistant, vec![Content::Reasoning(thought), Content::Reasoning(hidden)])];
    let lines = lines(messages::blocks, &detail(vec![run(vec![call(1)], conversation, Vec::new())]), 90);
    assert!(lines[place(&lines, "Carry")].ends_with("\"Carry the one.\""));
    assert!(
        lines[place(&lines, "redacted")].ends_with("reasoning  redacted reasoning, 93 B: the provider keeps it hidden")
    );
}

#[test]
fn only_what_the_store_holds_and_the_webs_addresses_can_be_opened() {
    use super::Opens;
    use crate::model::{Media, MediaData, MediaKind};

    let opens = |data| Opens::of(&Media { kind: MediaKind::Image, mime: Some("image/png".into()), name: None, data });
    let stored = opens(MediaData::Stored { bytes: 9, sha256: [7; 32], pixels: None });
    assert_eq!(stored, Some(Opens::Blob { sha256: [7; 32], mime: Some("image/png".into()) }));
    let uri = |uri: &str| opens(MediaData::Uri(uri.into()));
    assert_eq!(uri("https://x/y.png"), Some(Opens::Address("https://x/y.png".into())));
    for other in ["file:///etc/passwd", "javascript:alert(1)", "s3://b/k", "-e"] {
        assert_eq!(uri(other), None, "{other}");
    }
}

#[test]
fn a_report_far_from_the_price_tables_is_said_in_words() {
    let costs = |reported: f64, computed: f64| ModelCall {
        cost: Some(Cost {
            total: Usd::from_dollars(reported).unwrap(),
            parts: None,
            source: PriceSource::Reported,
            computed: Usd::from_dollars(computed),
        }),
        ..call(1)
    };
    let shown = |calls| lines(cost::blocks, &detail(vec![run(calls, Vec::new(), Vec::new())]), 120);
    let far = shown(vec![costs(0.02, 0.01), costs(0.03, 0.0295)]);
    let words =
        "! claude-sonnet-4-5: the sender reports $.020000 for 1 call, 100% more than the price tables ($.010000)";
    assert_eq!(far.last().map(String::as_str), Some(words), "{far:#?}");
    let more = ModelCall { unexplained: 836, ..costs(0.03, 0.0295) };
    let words = "! claude-sonnet-4-5: the total sent has 836 tokens more than in and out, in 1 call: not priced";
    assert_eq!(shown(vec![more]).last().map(String::as_str), Some(words));
    let near = shown(vec![costs(0.03, 0.0295)]);
    assert_eq!(near.last().map(String::as_str), Some("reported by the sender"), "{near:#?}");
}

/// A tool that is offered with a schema of one property.
fn offers(name: &str, property: &str, schema: &str) -> ToolDefinition {
    let schema = format!(r#"{{"type": "object", "properties": {{"{property}": {schema}}}}}"#);
    ToolDefinition {
        name: name.into(),
        description: Some("What it does, in words.".into()),
        parameters: crate::model::json::parse(&schema).ok(),
    }
}

#[test]
fn arguments_that_break_the_schema_of_their_request_are_pointed_at_where_they_do() {
    let wants = offers("weather", "city", r#"{"type": "string", "minLength": 6}"#);
    let other = offers("weather", "city", r#"{"type": "string"}"#);
    let request = Request { tools: vec![wants.clone()].into(), ..Request::default() };
    let asking = ModelCall { request, ..call(1) };
    // What the request offered counts, also where another request of the run offers it otherwise.
    let tools = vec![ran(Some("a"), "Oslo", ToolStatus::Ok), ran(Some("b"), "Santiago", ToolStatus::Ok)];
    let made = AssembledTrace { definitions: vec![other], ..run(vec![asking], Vec::new(), tools) };
    let shown = lines(tools::blocks, &detail(vec![made.clone()]), 72);
    let broken: Vec<_> = shown.iter().filter(|line| line.contains("minLength")).collect();
    assert_eq!(broken, [r#"city "Oslo" ✗ minLength 6"#], "{shown:#?}");
    // Folded calls are pointed at as well, a repeat only once.
    let many = vec![ran(None, "Oslo", ToolStatus::Ok); 4];
    let shown = lines(tools::blocks, &detail(vec![AssembledTrace { tools: many, ..made }]), 72);
    assert_eq!(shown.iter().filter(|line| line.contains("minLength")).count(), 1, "{shown:#?}");
    assert_eq!(shown.iter().filter(|line| line.contains("= #1")).count(), 3, "{shown:#?}");
    assert!(shown[1].ends_with("1 of 4 ↻            ·") || shown[1].ends_with("1 of 4 ↻"), "{shown:#?}");
}

#[test]
fn tools_that_no_call_used_are_named_with_what_they_cost() {
    let [used, unused] = ["weather", "book"].map(|name| offers(name, "city", r#"{"type": "string"}"#));
    let request = || Request { tools: vec![used.clone(), unused.clone()].into(), ..Request::default() };
    let calls = vec![ModelCall { request: request(), ..call(1) }, ModelCall { request: request(), ..call(2) }];
    let definitions = vec![used.clone(), unused.clone()];
    let tools = vec![ran(None, "Oslo", ToolStatus::Ok)];
    let made = AssembledTrace { definitions, ..run(calls, Vec::new(), tools) };
    let shown = lines(tools::blocks, &detail(vec![made.clone()]), 100);
    let line = &shown[place(&shown, "never called")];
    assert!(line.starts_with("declared, never called: book; ~"), "{line}");
    assert!(line.ends_with("in 2 calls"), "{line}");
    let called = ToolRun { name: "book".into(), ..ran(None, "Oslo", ToolStatus::Ok) };
    let shown = lines(tools::blocks, &detail(vec![made, run(vec![], vec![], vec![called])]), 100);
    assert!(!shown.iter().any(|line| line.contains("never called")), "another run of the session uses it: {shown:#?}");
}

#[test]
fn sums_of_a_long_session_are_those_of_all_its_runs() {
    let sums = Totals { tool_calls: 1_570, failed_tools: 3, ..Totals::default() };
    let made = run(vec![call(1)], Vec::new(), vec![ran(None, "Oslo", ToolStatus::Ok)]);
    let whole = Detail::whole(vec![Arc::new(made)]);
    let detail = Arc::new(Detail { left_out: 55, sums, ..whole });
    let shown = lines(tools::blocks, &detail, 80);
    assert_eq!(shown[0], "1,570 tool calls, 3 failed in 56 runs; beneath are those of the newest 1");
    assert_eq!(tools::counts(&detail).all, 1_570);
}
