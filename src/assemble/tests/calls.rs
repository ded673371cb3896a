//! Which spans are counted, and what they add up to: the table of `calls.md` 7.

use super::*;
use crate::model::LimitReached;

/// A streamed request, and the span without duration that has its answer.
fn stream(id: u64, parent: u64, prompt: &[Message], answer: &str) -> [Made; 2] {
    #[expect(clippy::cast_precision_loss, reason = "small ids of tests")]
    let end = id as f64 + 1.5;
    let mut ended = llm(id + 1, parent).at(end, end).tokens(100, 10).asked(prompt).answered(&[assistant(answer)]);
    ended.translation.genai.ends_stream = true;
    [llm(id, parent).asked(prompt), ended]
}

/// Spans of which each lasts at least as long as those beneath it; parents come before their children.
fn nested(mut spans: Vec<Made>) -> Vec<Made> {
    for at in (0..spans.len()).rev() {
        let (parent, ended) = (spans[at].row.parent, spans[at].row.ended);
        if let Some(above) = spans.iter_mut().find(|span| Some(span.row.id) == parent) {
            above.row.ended = above.row.ended.max(ended);
        }
    }
    spans
}

#[test]
fn a_request_and_the_end_of_its_stream_are_one_call() {
    let prompt = [system("S"), user("q")];
    let next = [prompt[0].clone(), prompt[1].clone(), assistant("a"), user("r")];
    let spans = |parents: [u64; 2]| {
        let ([first, answer], [second, other]) = (stream(2, 1, &prompt, "a"), stream(5, 1, &next, "b"));
        let parent = |made: Made, id| Made { row: SpanRow { parent: Some(span_id(id)), ..made.row }, ..made };
        vec![chain(1, 0), first, parent(answer, parents[0]), second, parent(other, parents[1]), chain(8, 1)]
    };
    // Wherever in the trace the stream was read.
    for parents in [[1, 1], [8, 2]] {
        let trace = one(spans(parents));
        assert_eq!(only_conversation(&trace), ["system S", "user q", "assistant a", "user r", "assistant b"]);
        assert_eq!((trace.totals.model_calls, trace.totals.usage.total()), (2, Some(220)));
        assert_eq!((trace.calls[0].span, &trace.calls[0].also[..]), (span_id(2), &[span_id(3)][..]));
        assert_eq!(trace.calls[0].ended, Some(seconds(3.5)));
    }
    // What another library recorded of the same call is part of it, too.
    let [request, answer] = stream(2, 1, &prompt, "a");
    let trace = one(vec![chain(1, 0), request, rpc(9, 2).at(2.1, 3.0).tokens(100, 10).response("m1"), answer]);
    assert_eq!((trace.totals.model_calls, trace.totals.usage.total()), (1, Some(110)));
}

#[test]
fn a_quick_answer_to_another_question_is_a_call_of_its_own() {
    let [request, _] = stream(2, 1, &[user("q")], "a");
    let [_, answer] = stream(4, 1, &[user("r")], "b");
    assert_eq!(one(vec![chain(1, 0), request.clone(), answer]).totals.model_calls, 2);
    // A request that failed got no answer.
    let [again, answer] = stream(4, 1, &[user("q")], "a");
    let trace = one(vec![chain(1, 0), request.clone().failed("Timeout", "slow"), again, answer]);
    assert_eq!(
        (trace.totals.model_calls, only_conversation(&trace)),
        (2, vec!["user q".to_owned(), "assistant a".to_owned()])
    );
    // A cache that answers at once ends no stream.
    let cached = llm(3, 1).at(3.5, 3.5).asked(&[user("q")]).answered(&[assistant("a")]);
    assert_eq!(one(vec![chain(1, 0), request.clone(), cached]).totals.model_calls, 2);
    // The end of a stream may be silent, and is its end all the same.
    let mut silent = llm(3, 1).at(3.5, 3.5).tokens(100, 10).asked(&[user("q")]);
    silent.translation.genai.ends_stream = true;
    assert_eq!(one(vec![chain(1, 0), request, silent]).totals.model_calls, 1);
}

/// Input and output of a trace, and how many model calls.
pub(super) fn sums(spans: Vec<Made>) -> (Option<u64>, Option<u64>, u64) {
    let totals = one(spans).totals;
    (totals.usage.input(), totals.usage.output, totals.model_calls)
}

/// As [`sums`], for spans whose output is zero.
fn input(spans: Vec<Made>) -> Option<u64> {
    sums(spans).0
}

fn table() -> PriceSource {
    PriceSource::Table { table: "t".to_owned(), model: "m".to_owned(), terms: None }
}

#[test]
fn nested_generations_of_equal_tokens_are_one_call() {
    assert_eq!(
        sums(nested(vec![agent(1, 0, "a"), llm(2, 1).tokens(1000, 0), llm(3, 2).tokens(1000, 0)])),
        (Some(1000), Some(0), 1)
    );
    let pairs = vec![agent(1, 0, "a"), llm(2, 1).tokens(1000, 0), llm(3, 2).tokens(1000, 0), llm(4, 1).tokens(2000, 0)];
    assert_eq!(input(nested(pairs)), Some(3000));
    for depth in [3, 4] {
        let chain = (1..=depth).map(|id| llm(id, id - 1).tokens(1000, 10)).collect();
        assert_eq!(sums(nested(chain)), (Some(1000), Some(10), 1));
    }
}

#[test]
fn siblings_are_calls_of_their_own() {
    assert_eq!(sums(vec![agent(1, 0, "a"), llm(2, 1).tokens(1000, 0), llm(3, 1).tokens(2000, 0)]).0, Some(3000));
    let two = vec![
        agent(1, 0, "a"),
        llm(2, 1).tokens(100, 0),
        llm(3, 2).tokens(100, 0),
        agent(4, 0, "b"),
        llm(5, 4).tokens(200, 0),
        llm(6, 5).tokens(200, 0),
    ];
    assert_eq!(input(nested(two)), Some(300));
}

#[test]
fn a_call_and_the_request_beneath_it_are_one() {
    assert_eq!(sums(vec![llm(1, 0).tokens(1100, 200), rpc(2, 1).tokens(1100, 200)]), (Some(1100), Some(200), 1));
    assert_eq!(sums(vec![agent(1, 0, "a").tokens(0, 0), rpc(2, 1).tokens(940, 160)]), (Some(940), Some(160), 1));
    let two = vec![agent(1, 0, "a"), rpc(2, 1).tokens(500, 100), rpc(3, 1).tokens(800, 200)];
    assert_eq!(sums(two), (Some(1300), Some(300), 2));
}

/// The ADK's records of a call name the agent that calls, and its tokens.
#[test]
fn a_call_whose_record_names_its_agent_is_a_call_all_the_same() {
    let (prompt, answer) = ([system("S"), user("q")], [assistant("a")]);
    let call = |id, parent| llm(id, parent).at(2.0, 3.0).tokens(100, 10).asked(&prompt).answered(&answer);
    let mut record = log(3, 1, &prompt, &answer);
    let translation = Arc::make_mut(&mut record.translation);
    (translation.genai.category, translation.genai.aggregate) = (Category::Agent, true);
    let trace = of(rows(1, vec![agent(1, 0, "w"), call(2, 1), call(3, 2)], vec![record]));
    assert_eq!(only_conversation(&trace), ["system S", "user q", "assistant a"]);
    assert_eq!((trace.calls[0].span, &trace.calls[0].also[..]), (span_id(2), &[span_id(3)][..]));
}

#[test]
fn caches_that_only_one_record_has_are_kept_and_not_added() {
    let spans = vec![llm(1, 0).tokens(1000, 500).caches(500, 100), rpc(2, 1).tokens(1000, 500)];
    let usage = one(spans).totals.usage;
    assert_eq!((usage.input(), usage.output), (Some(1000), Some(500)));
    assert_eq!((usage.cache_read, usage.cache_write), (Some(500), Some(100)));
}

#[test]
fn reasoning_tokens_that_only_one_record_has_do_not_make_two_calls() {
    let mut outer = llm(1, 0).at(1.0, 4.0).tokens(312, 87);
    outer.translation.genai.usage.as_mut().unwrap().reasoning = Some(41);
    assert_eq!(sums(vec![outer, llm(2, 1).tokens(312, 46)]), (Some(312), Some(87), 1));
}

#[test]
fn a_call_beneath_a_call_is_a_call_of_its_own_without_evidence_that_it_is_not() {
    assert_eq!(input(vec![llm(1, 0).tokens(1000, 0), llm(2, 1).tokens(100, 0)]), Some(1100));
    let sum = vec![llm(1, 0).tokens(300, 30), llm(2, 1).tokens(100, 10), llm(3, 1).tokens(200, 20)];
    assert_eq!(sums(sum), (Some(300), Some(30), 2));
    // Nothing but the answer of the last call beneath it.
    let answered = |id, parent, text: &str| llm(id, parent).at(1.0, 9.0).answered(&[assistant(text)]);
    let wrapper = vec![
        answered(1, 0, "It is 18 degrees.").tokens(250, 25),
        answered(2, 1, "Let me look.").tokens(100, 10),
        answered(3, 1, "It is 18 degrees.").tokens(200, 20),
    ];
    assert_eq!(sums(wrapper), (Some(300), Some(30), 2));
}

#[test]
fn what_goes_on_after_the_call_above_it_is_another_call() {
    // The context of a stream leaks into whatever its reader begins.
    let stream = |id, parent, from, until| llm(id, parent).at(from, until).tokens(11, 14);
    assert_eq!(sums(vec![stream(1, 0, 1.0, 5.0), stream(2, 1, 2.0, 6.0)]), (Some(22), Some(28), 2));
    assert_eq!(sums(vec![stream(1, 0, 1.0, 5.0), stream(2, 1, 2.0, 4.0)]), (Some(11), Some(14), 1));
    let spoken = |id, parent, question: &str| stream(id, parent, 1.0, 5.0).asked(&[user(question)]);
    let (rivers, lakes) = (spoken(1, 0, "Name a river."), spoken(2, 1, "Name a lake."));
    assert_eq!(sums(vec![rivers, lakes]), (Some(22), Some(28), 2));
}

#[test]
fn equal_tokens_beside_each_other_are_two_calls() {
    let call = |id, scope: &str| llm(id, 1).at(2.0, 4.0).scope(scope).tokens(412, 1);
    assert_eq!(sums(vec![made(1, 0, Category::Span), call(2, "one"), call(3, "other")]).2, 2);
    let spoken = |call: Made, question: &str| call.asked(&[user(question)]).answered(&[assistant("yes")]);
    let pair = |left: &str, right: &str| {
        vec![made(1, 0, Category::Span), spoken(call(2, "one"), left), spoken(call(3, "other"), right)]
    };
    assert_eq!(sums(pair("Is it spam?", "Is it spam?")).2, 1);
    assert_eq!(sums(pair("Is it spam?", "Is it ham?")).2, 2);
}

#[test]
fn strands_sums_of_agents_and_cycles_are_never_added() {
    let cycle =
        |first: u64, tokens: (u64, u64)| {
            let spans = [chain(first, 1), llm(first + 1, first), rpc(first + 2, first + 1)];
            spans.map(|span| {
                if span.translation.genai.category == Category::Llm { span.tokens(tokens.0, tokens.1) } else { span }
            })
        };
    let mut spans = vec![agent(1, 0, "a").tokens(2000, 400).aggregate()];
    spans.extend(cycle(2, (1000, 200)));
    assert_eq!(sums(spans.clone()), (Some(1000), Some(200), 1));
    spans.extend(cycle(5, (2000, 400)));
    assert_eq!(sums(spans), (Some(3000), Some(600), 2));
}

#[test]
fn vercel_roots_repeat_the_sum_of_their_calls() {
    let root = agent(1, 0, "a").aggregate();
    let bare = vec![root.clone(), llm(2, 1).tokens(754, 235), llm(3, 1)];
    assert_eq!((sums(bare.clone()).0, sums(bare).1), (Some(754), Some(235)));
    let spans = vec![root.tokens(300, 30), llm(2, 1).tokens(100, 10), llm(3, 1).tokens(200, 20)];
    assert_eq!(sums(spans), (Some(300), Some(30), 2));
}

#[test]
fn a_session_is_the_sum_of_its_traces() {
    let pair = vec![llm(1, 0).tokens(1000, 0), llm(2, 1).tokens(1000, 0)];
    let siblings = vec![chain(1, 0), llm(2, 1).tokens(1000, 0), llm(3, 1).tokens(2000, 0)];
    let single = vec![llm(1, 0).tokens(500, 0)];
    let totals: crate::model::Totals =
        several(vec![nested(pair), siblings, single]).iter().map(|trace| trace.totals).sum();
    assert_eq!(totals.usage.input(), Some(4500));
}

#[test]
fn a_trace_without_agents_has_no_tokens() {
    let trace = one(vec![made(1, 0, Category::Http), made(2, 1, Category::Db)]);
    assert_eq!((trace.totals.usage.total(), trace.totals.model_calls), (None, 0));
    assert!(trace.conversations.is_empty());
}

#[test]
fn the_same_response_is_one_call_across_what_lies_between() {
    let spans = vec![llm(1, 0).tokens(1000, 0).response("r"), chain(2, 1), llm(3, 2).tokens(1000, 0).response("r")];
    assert_eq!(sums(spans), (Some(1000), Some(0), 1));
    let spans = vec![llm(1, 0).tokens(1000, 0).response("r"), llm(2, 1).tokens(1000, 0).response("s")];
    assert_eq!(sums(nested(spans)).2, 2);
}

#[test]
fn a_sub_agent_without_calls_counts_for_itself() {
    let spans = vec![
        agent(1, 0, "root").tokens(500, 0),
        agent(2, 1, "x"),
        llm(3, 2).tokens(300, 0),
        agent(4, 1, "y").tokens(200, 0),
    ];
    assert_eq!(sums(spans), (Some(500), Some(0), 2));
    let nested = vec![agent(1, 0, "root").tokens(500, 0), agent(2, 1, "x").tokens(300, 0)];
    assert_eq!(sums(nested), (Some(500), Some(0), 1));
}

#[test]
fn embeddings_are_in_the_sums_and_no_model_calls() {
    let spans = vec![chain(1, 0), made(2, 1, Category::Embedding).tokens(50, 0), llm(3, 1).tokens(100, 0)];
    assert_eq!(sums(spans), (Some(150), Some(0), 1));
}

#[test]
fn what_a_tool_runs_is_not_part_of_the_call_above_it() {
    let spans = vec![llm(1, 0).tokens(1000, 0), tool(2, 1, None, "ask", "{}", None), llm(3, 2).tokens(100, 0)];
    assert_eq!(sums(spans), (Some(1100), Some(0), 2));
}

#[test]
fn neighbours_made_by_two_instrumentations_are_one_call() {
    let spans = vec![
        chain(1, 0),
        llm(2, 1).at(2.0, 4.0).tokens(207, 46).response("m").answered(&[assistant("hi")]),
        rpc(3, 1).at(2.1, 3.9).tokens(207, 45).response("m"),
    ];
    let trace = one(spans);
    assert_eq!((trace.totals.model_calls, trace.totals.usage.output), (1, Some(45)));
    assert_eq!(trace.calls[0].also, [span_id(3)]);
    // Two samples at once, by one instrumentation, are two.
    let samples = vec![chain(1, 0), llm(2, 1).at(2.0, 4.0).tokens(5, 1), llm(3, 1).at(2.0, 4.0).tokens(5, 1)];
    assert_eq!(sums(samples).2, 2);
}

#[test]
fn a_failed_attempt_is_a_call_that_costs_nothing() {
    let spans = vec![
        made(1, 0, Category::Span),
        llm(2, 1).failed("Throttled", "429"),
        llm(3, 1).tokens(18, 5).cost(7, table()),
    ];
    let trace = one(spans);
    assert_eq!((trace.totals.model_calls, trace.totals.errors), (2, 1));
    assert_eq!(trace.totals.cost_if_known(), Some(Usd(7)));
    assert_eq!(one(vec![llm(1, 0).failed("E", "x")]).totals.cost_if_known(), Some(Usd(0)));
}

#[test]
fn what_a_call_cost_that_broke_off_is_unknown() {
    let answered = || llm(2, 1).answered(&[assistant("Grey waves")]);
    for call in
        [llm(2, 1).failed("botocore.EventStreamError", "modelStreamErrorException"), answered().failed("E", "x")]
    {
        let trace = one(vec![made(1, 0, Category::Span), call, llm(3, 1).tokens(18, 5).cost(7, table())]);
        assert_eq!((trace.totals.cost_if_known(), trace.totals.priced, trace.totals.unpriced), (None, 1, 1));
        assert!(trace.calls[0].broke_off && trace.tree.nodes[0].unpriced && trace.tree.nodes[1].unpriced);
    }
    let reported = one(vec![answered().tokens(3, 2).cost(4, table()).failed("E", "x")]);
    assert_eq!(reported.totals.cost_if_known(), Some(Usd(4)), "its tokens were reported");
}

#[test]
fn what_a_call_cost_that_ended_without_tokens_is_unknown_unless_it_was_refused() {
    let sums = |totals: crate::model::Totals| (totals.cost_if_known(), totals.priced, totals.unpriced);
    let silent = || llm(3, 1).answered(&[assistant("Grey waves")]);
    let trace = one(vec![chain(1, 0), llm(2, 1).failed("Throttled", "429"), silent()]);
    assert_eq!(sums(trace.totals), (None, 1, 1), "of a refusal and a call without tokens not all is known");
    assert!(trace.tree.nodes[0].unpriced && !trace.calls[0].unpriced && trace.calls[1].unpriced);
    assert!(!trace.calls[1].lacks_price(), "there are no tokens that a price could be of");
    let listed = settled(&rows(1, vec![chain(1, 0), llm(2, 1).failed("Throttled", "429"), silent()], Vec::new()));
    assert_eq!(
        listed.steps.iter().map(|step| (step.cost, step.unpriced)).collect::<Vec<_>>(),
        [(Some(Usd(0)), false), (None, true)]
    );
    let paid = one(vec![chain(1, 0).cost(9, PriceSource::Reported), silent()]);
    assert_eq!(sums(paid.totals), (Some(Usd(9)), 1, 0), "what lies above it says what it cost");
}

#[test]
fn a_record_without_tokens_around_or_beneath_calls_with_a_price_leaves_their_cost_known() {
    let sums = |trace: &AssembledTrace| (trace.totals.cost_if_known(), trace.totals.unpriced);
    let silent = |id, parent, text: &str| llm(id, parent).at(1.0, 9.0).answered(&[assistant(text)]);
    let paid = |id, parent, text: &str| silent(id, parent, text).tokens(1, 1).cost(3, table());
    let above = vec![chain(1, 0), silent(2, 1, "Both are."), paid(3, 2, "One."), paid(4, 2, "Two.")];
    assert_eq!(sums(&one(above)), (Some(Usd(6)), 0));
    let beneath = vec![chain(1, 0), paid(2, 1, "One."), silent(3, 2, "Another.")];
    assert_eq!(sums(&one(beneath)), (Some(Usd(3)), 0));
    let beside = vec![chain(1, 0), paid(2, 1, "One."), chain(3, 1), silent(4, 3, "Another.")];
    assert_eq!(sums(&one(beside)), (None, 1));
}

#[test]
fn tokens_without_a_price_leave_the_cost_unknown() {
    let trace = one(vec![chain(1, 0), llm(2, 1).tokens(1, 1).cost(3, table()), llm(3, 1).tokens(1, 1)]);
    assert_eq!((trace.totals.cost_if_known(), trace.totals.priced, trace.totals.unpriced), (None, 1, 1));
    assert!(!trace.calls[0].unpriced && trace.calls[1].unpriced);
}

#[test]
fn a_call_with_model_and_tokens_in_two_records_has_a_price() {
    let mut asked = llm(1, 0).at(1.0, 4.0).asked(&[user("q")]);
    asked.translation.genai.model = Some("gpt-5".to_owned());
    let trace = one(vec![asked, llm(2, 1).tokens(3, 4).answered(&[assistant("a")])]);
    assert_eq!((trace.totals.cost_if_known(), trace.totals.model_calls), (Some(Usd(7)), 1));
    assert!(!trace.calls[0].unpriced);
}

#[test]
fn the_cost_that_the_sender_reports_is_shown() {
    let spans = vec![llm(1, 0).tokens(10, 1).cost(5, table()), rpc(2, 1).tokens(10, 1).cost(6, PriceSource::Reported)];
    assert_eq!(one(spans).totals.cost_if_known(), Some(Usd(6)));
    // An agent's own bill counts where its calls have none, and never twice.
    let bill = agent(1, 0, "a").cost(9, PriceSource::Reported);
    let spans = vec![bill.clone(), llm(2, 1).tokens(1, 1), llm(3, 1).tokens(1, 1)];
    assert_eq!(one(spans).totals.cost_if_known(), Some(Usd(9)));
    let spans = vec![bill, llm(2, 1).tokens(1, 1).cost(4, table())];
    assert_eq!(one(spans).totals.cost_if_known(), Some(Usd(4)));
}

#[test]
fn an_agent_that_runs_elsewhere_is_a_call() {
    let remote = |made: Made| {
        let mut made = made;
        made.row.kind = SpanKind::Client;
        made.translation.genai.provider = Some("aws.bedrock".to_owned());
        made
    };
    let trace = one(vec![made(1, 0, Category::Span), remote(agent(2, 1, "X").failed("E", "denied"))]);
    assert_eq!(trace.totals.model_calls, 1);
    let trace = one(vec![remote(agent(1, 0, "X").asked(&[user("q")]).answered(&[assistant("a")]))]);
    assert_eq!(trace.calls.len(), 1);
    assert_eq!(only_conversation(&trace), ["user q", "assistant a"]);
    // To make one is no request to it.
    let mut created = remote(agent(1, 0, "X").asked(&[system("S")]));
    created.translation.genai.operation = Some("create_agent".to_owned());
    assert_eq!(one(vec![created]).totals.model_calls, 0);
    // What began in the meantime, beneath a span that never came, is most likely its own.
    let trace = one(vec![remote(agent(1, 0, "X").failed("E", "denied")), llm(3, 9).failed("E", "denied")]);
    assert_eq!((trace.totals.model_calls, trace.calls[0].span), (1, span_id(3)));
}

#[test]
fn the_sum_of_an_agent_beside_its_calls_does_not_count() {
    let sum = |name: &str| {
        let mut sum = chain(5, 1).at(3.0, 3.0).tokens(9, 9).aggregate();
        sum.translation.genai.agent = Some(name.to_owned());
        sum
    };
    let calls = |name| {
        let spans = vec![agent(1, 0, "lead"), llm(2, 1).tokens(1, 1), agent(3, 1, "scout"), llm(4, 3).tokens(9, 9)];
        one([spans, vec![sum(name)]].concat()).totals.model_calls
    };
    assert_eq!((calls("scout"), calls("clerk")), (2, 3));
    // A step of the agent that it lies in is beside no other calls of it.
    let mut step = chain(3, 1).tokens(500, 20);
    step.translation.genai.agent = Some("A".to_owned());
    let spans = vec![agent(1, 0, "A"), llm(2, 1).tokens(1, 1), step];
    assert_eq!(sums(spans), (Some(501), Some(21), 2));
}

#[test]
fn what_differs_is_not_folded_into_one() {
    let spans = vec![
        llm(1, 0).answered(&[assistant("one thing")]),
        llm(2, 1).tokens(1, 1).answered(&[assistant("another thing")]),
    ];
    let trace = one(spans);
    assert_eq!(trace.calls.iter().map(|call| call.span).collect::<Vec<_>>(), [span_id(1), span_id(2)]);
}

/// The call spans above many calls are not compared with each of them: that is counted, and only then.
#[test]
fn a_limit_that_left_something_out_is_reported() {
    let trace = |beneath: u64| {
        let above = llm(1, 0).at(0.0, 1000.0).scope("framework");
        let calls = (2..2 + beneath).map(|id| rpc(id, 1).asked(&[user(&format!("question {id}"))]));
        one([above].into_iter().chain(calls).collect())
    };
    assert_eq!(trace(3).limits, []);
    let limits = trace(70).limits;
    let [LimitReached { lost, times: 1 }] = &limits[..] else { panic!("{limits:?}") };
    assert!(lost.starts_with("call spans"), "{lost}");
}

#[test]
fn of_two_names_of_a_model_the_one_that_says_where_it_runs_is_shown() {
    let call = |id, model: &str| {
        llm(id, 1).at(2.0, 4.0).scope(model).model(model).tokens(412, 9).asked(&[user("q")]).answered(&[assistant("a")])
    };
    let trace = one(vec![chain(1, 0), call(2, "claude-4"), call(3, "us.anthropic.claude-4")]);
    let shown: Vec<_> = trace.calls.iter().map(|call| call.model.as_deref()).collect();
    assert_eq!(shown, [Some("us.anthropic.claude-4")]);
    let trace = one(vec![chain(1, 0), call(2, "gpt-4o"), call(3, "gpt-4o-mini")]);
    assert_eq!(trace.calls[0].model.as_deref(), Some("gpt-4o"));
}

#[test]
fn reasoning_that_the_step_around_a_call_reports_is_part_of_the_calls_output_or_not_believed() {
    let trace = |reasoning: u64| {
        let mut step = chain(1, 0).at(1.0, 9.0);
        step.translation.genai.usage = Some(TokenUsage { reasoning: Some(reasoning), ..TokenUsage::default() });
        one(vec![step, llm(2, 1).tokens(100, 20)]).totals.usage.reasoning
    };
    assert_eq!((trace(15), trace(20), trace(21)), (Some(15), Some(20), None));
}

#[test]
fn of_bills_within_each_other_the_inner_one_counts() {
    let bill = |made: Made, pico| made.cost(pico, PriceSource::Reported);
    let spans = vec![bill(agent(1, 0, "a"), 9), bill(agent(2, 1, "b"), 4), llm(3, 2).tokens(1, 1)];
    assert_eq!(one(spans).totals.cost_if_known(), Some(Usd(4)));
}
