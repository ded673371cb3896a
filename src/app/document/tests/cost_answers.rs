//! What the Cost pane finds out: what fills a prompt, where a cache broke, how full a window is.

use super::*;

const PROMPT: &str = "You plan trips. Be brief, ask at most one question, and book nothing without a yes.";

/// A call that was sent a system prompt and a question, with its tokens: not cached, read from the cache, written to it.
fn sent(number: u8, previous: Option<usize>, system: &str, [input, read, write]: [u64; 3]) -> ModelCall {
    let messages = [Message::text(Role::System, system), Message::text(Role::User, "Where to in May?")];
    let request = Request { previous, rest: messages.map(Arc::new).to_vec(), ..Request::default() };
    let usage = TokenUsage {
        uncached_input: Some(input),
        cache_read: Some(read),
        cache_write: Some(write),
        output: Some(10),
        reasoning: None,
    };
    let parts = CostParts {
        uncached_input: Usd(i64::try_from(input).unwrap() * 3_000_000),
        cache_read: Usd(i64::try_from(read).unwrap() * 300_000),
        cache_write: Usd(i64::try_from(write).unwrap() * 3_750_000),
        output: Usd(150_000_000),
    };
    let all = [parts.uncached_input, parts.cache_read, parts.cache_write, parts.output];
    let source = PriceSource::Table { table: "t".into(), model: "m".into(), terms: None };
    let cost = Cost { total: all.into_iter().sum(), parts: Some(parts), source, computed: None };
    ModelCall { request, usage: Some(usage), cost: Some(cost), window: Some(200_000), ..call(number) }
}

#[test]
fn a_cache_that_broke_shows_the_first_difference_and_what_it_cost() {
    let [before, now] = ["17:41:12", "17:41:31"].map(|time| format!("Current time: {time}. {PROMPT}"));
    let calls = vec![
        sent(1, None, &before, [100, 9_000, 0]),
        sent(2, Some(0), &before, [900, 9_000, 0]),
        sent(3, Some(1), &now, [10_900, 0, 0]),
    ];
    let shown = lines(cost::blocks, &detail(vec![run(calls, Vec::new(), Vec::new())]), 80);
    let at = place(&shown, "cache breaks");
    // 9,000 tokens at $3 a million instead of $.30.
    assert_eq!(shown[at + 1], "turn 3: 9.0k cached tokens sent again (cache 91% → 0%), ~$.024 more", "{shown:#?}");
    assert_eq!(shown[at + 2], "prompts part in the system prompt at character 21");
    assert!(shown[at + 3].starts_with("- Current time: 17:41:12. You plan"), "{shown:#?}");
    assert!(shown[at + 4].starts_with("+ Current time: 17:41:31. You plan"), "{shown:#?}");
    assert_eq!(shown.iter().filter(|line| line.contains("sent again")).count(), 1, "{shown:#?}");
}

#[test]
fn what_was_paid_for_sending_the_same_again_is_estimated() {
    // The second call repeats the first prompt of 1,000 tokens, of which 600 come from the cache, and adds 200.
    let mut second = sent(2, Some(0), PROMPT, [600, 600, 0]);
    second.request = Request { previous: Some(0), shared: 2, ..second.request };
    let calls = vec![sent(1, None, PROMPT, [1_000, 0, 0]), second];
    let shown = lines(cost::blocks, &detail(vec![run(calls, Vec::new(), Vec::new())]), 100);
    let text = &shown[place(&shown, "of the input")];
    // 600 × $.30 and 400 × $3.00 a million again; 1,000 and 200 × $3.00 a million new.
    let expected = "of the input, ~$.0014 was for what had been sent before, ~$.0036 for what was new (estimated)";
    assert_eq!(text, expected, "{shown:#?}");
    let alone = vec![sent(1, None, PROMPT, [1_000, 0, 0])];
    let shown = lines(cost::blocks, &detail(vec![run(alone, Vec::new(), Vec::new())]), 100);
    assert!(!shown.iter().any(|line| line.contains("of the input")), "{shown:#?}");
}

#[test]
fn a_cache_that_expired_is_no_difference() {
    let mut later = sent(2, Some(0), PROMPT, [9_100, 0, 0]);
    later.request = Request { previous: Some(0), shared: 2, ..Request::default() };
    later.started = Timestamp(400_000_000_000);
    let calls = vec![sent(1, None, PROMPT, [100, 9_000, 0]), later];
    let shown = lines(cost::blocks, &detail(vec![run(calls, Vec::new(), Vec::new())]), 100);
    let at = place(&shown, "cache breaks");
    assert!(shown[at + 2].starts_with("the prompt of turn 1 is sent again unchanged after 6m38"), "{shown:#?}");
    let steady = vec![sent(1, None, PROMPT, [100, 9_000, 0]), sent(2, Some(0), PROMPT, [150, 9_000, 0])];
    let shown = lines(cost::blocks, &detail(vec![run(steady, Vec::new(), Vec::new())]), 100);
    assert!(!shown.iter().any(|line| line.contains("cache breaks")), "{shown:#?}");
}

#[test]
fn what_fills_a_prompt_adds_up_and_what_was_not_recorded_is_a_share_of_its_own() {
    let known = vec![sent(1, None, &PROMPT.repeat(4), [100, 0, 0])];
    let shown = lines(cost::blocks, &detail(vec![run(known, Vec::new(), Vec::new())]), 80);
    let at = place(&shown, "what fills the largest prompt, turn 1 (estimated)");
    assert!(shown[at + 1].starts_with("system") && shown[at + 1].ends_with("96%"), "{shown:#?}");
    assert!(shown[at + 2].starts_with("new") && shown[at + 2].ends_with("4%"), "{shown:#?}");
    // The sum of an agent's calls is no prompt.
    let agents = vec![ModelCall { category: Category::Agent, ..sent(1, None, &PROMPT.repeat(4), [100, 0, 0]) }];
    let of_agent = |tools| lines(cost::blocks, &detail(vec![run(agents.clone(), Vec::new(), tools)]), 80);
    let says = |shown: Vec<String>| shown.iter().any(|line| line.contains("what fills the largest prompt"));
    assert!(says(of_agent(Vec::new())));
    assert!(!says(of_agent(vec![ToolRun { called_by: Some(span(1)), ..ran(Some("a"), "Oslo", ToolStatus::Ok) }])));
    let unknown = vec![sent(1, None, PROMPT, [10_000, 0, 0])];
    let shown = lines(cost::blocks, &detail(vec![run(unknown, Vec::new(), Vec::new())]), 80);
    let rest = &shown[place(&shown, "unaccounted ")];
    assert!(rest.ends_with(">99%") || rest.ends_with("100%"), "{shown:#?}");
}

#[test]
fn a_call_without_a_price_is_told_from_one_without_tokens() {
    let priced = Totals { priced: 1, unpriced: 2, cost: Usd(1_000_000_000_000), model_calls: 3, ..Totals::default() };
    let usage = TokenUsage { uncached_input: Some(1), output: Some(1), ..TokenUsage::default() };
    let lacking = |number| ModelCall { usage: Some(usage), unpriced: true, ..call(number) };
    let silent = |number| ModelCall { unpriced: true, ..call(number) };
    for (calls, expected) in [
        (vec![call(1), lacking(2), lacking(3)], "2 unpriced"),
        (vec![call(1), lacking(2), silent(3)], "cost of 2 not known"),
        (vec![call(1), silent(2), silent(3)], "cost of 2 not known"),
    ] {
        let said = || message(0, Role::Assistant, vec![Content::Text("a".into())]);
        let run = AssembledTrace { totals: priced, ..run(calls, vec![said()], vec![]) };
        let detail = detail(vec![run]);
        for lines in [lines(messages::blocks, &detail, 90), lines(cost::blocks, &detail, 90)] {
            assert!(lines.iter().any(|line| line.contains(expected)), "{expected}: {lines:#?}");
        }
    }
}
