//! Which two records are of one call: the evidence of `calls.md` 2.

use super::{calls::sums, *};

#[test]
fn a_record_without_messages_within_another_of_equal_tokens_is_of_one_call() {
    let outer = |id| llm(id, 1).tokens(100, 20).asked(&[user("q")]).answered(&[assistant("a")]);
    let inner = |id| rpc(id, 1).tokens(100, 20);
    let within = one(vec![chain(1, 0), outer(2).at(2.0, 6.0), inner(3).at(3.0, 5.0)]);
    assert_eq!((within.totals.model_calls, within.calls[0].span), (1, span_id(2)));
    let beside = one(vec![chain(1, 0), outer(2).at(2.0, 4.0), inner(3).at(3.0, 5.0)]);
    assert_eq!(beside.totals.model_calls, 2);
    let others = one(vec![chain(1, 0), outer(2).at(2.0, 6.0), inner(3).at(3.0, 5.0).tokens(100, 21)]);
    assert_eq!(others.totals.model_calls, 2);
}

#[test]
fn a_record_that_says_nothing_within_a_failed_call_is_of_that_call() {
    let outer = || llm(2, 1).at(2.0, 6.0).scope("instrumentation").asked(&[user("q")]).failed("SDKError", "quota");
    let inner = |id| llm(id, 1).scope("library").model("m");
    let counted = |other: Made| {
        let trace = one(vec![chain(1, 0), outer().model("m"), other]);
        (trace.totals.model_calls, trace.totals.errors, trace.calls[0].failure.is_some())
    };
    assert_eq!(counted(inner(3).at(3.0, 5.0)), (1, 1, true));
    // One that goes on, that was answered, or that asked another model is a call of its own.
    assert_eq!(counted(inner(3).at(3.0, 7.0)).0, 2);
    assert_eq!(counted(inner(3).at(3.0, 5.0).tokens(10, 1)).0, 2);
    assert_eq!(counted(inner(3).at(3.0, 5.0).answered(&[assistant("a")])).0, 2);
    assert_eq!(counted(inner(3).at(3.0, 5.0).model("other")).0, 2);
}

#[test]
fn a_record_that_says_nothing_within_a_call_is_of_that_call() {
    let outer = || llm(2, 1).at(2.0, 6.0).scope("one").model("m-1").tokens(100, 20).answered(&[assistant("a")]);
    let inner = || llm(3, 1).scope("library").model("m");
    let counted = |other: Made| one(vec![chain(1, 0), outer(), other]).totals.model_calls;
    assert_eq!(counted(inner().at(3.0, 5.0)), 1);
    assert_eq!(counted(inner().at(3.0, 6.0005)), 1);
    assert_eq!(counted(inner().at(3.0, 6.5)), 2);
    assert_eq!(counted(inner().at(3.0, 5.0).model("other")), 2);
    assert_eq!(counted(inner().at(3.0, 5.0).scope("one")), 2);
    assert_eq!(counted(inner().at(3.0, 5.0).asked(&[user("q")]).tokens(7, 1)), 2);
    assert_eq!(counted(inner().at(3.0, 5.0).failed("Error", "no")), 2);
}

#[test]
fn a_record_beside_the_agents_of_the_one_that_ran_around_it_is_of_one_call() {
    let asked = |id, parent, question: &str| {
        llm(id, parent).tokens(100, 20).asked(&[user(question)]).answered(&[assistant("It is 18C in Paris.")])
    };
    let counted = |other: Made| {
        let inner = asked(3, 2, "q").scope("framework").at(3.0, 6.0);
        one(vec![chain(1, 0), agent(2, 1, "A").at(2.0, 7.0), inner, other.scope("client")]).totals.model_calls
    };
    assert_eq!(counted(asked(4, 1, "q").at(4.0, 5.0)), 1);
    assert_eq!(counted(asked(4, 1, "q").at(6.5, 6.9)), 2);
    assert_eq!(counted(asked(4, 1, "q").at(4.0, 5.0).tokens(100, 21)), 2);
    assert_eq!(counted(llm(4, 1).tokens(100, 20).at(4.0, 5.0)), 2);
}

#[test]
fn a_record_without_content_that_asks_for_a_tool_by_the_same_id_is_of_one_call() {
    let asked = |id, scope: &str, (call, input): (&str, &str)| {
        llm(id, 1).scope(scope).tokens(412, 9).answered(&[calls("", &[(Some(call), "w", input)])])
    };
    let counted = |other: Made| {
        let whole = asked(2, "one", ("t1", r#"{"a":1}"#)).at(2.0, 6.0).asked(&[user("q")]);
        sums(vec![chain(1, 0), whole, other])
    };
    assert_eq!(counted(asked(3, "other", ("t1", "null")).at(3.0, 6.0005)), (Some(412), Some(9), 1));
    assert_eq!(counted(asked(3, "other", ("t2", "null")).at(3.0, 5.0)).2, 2);
    assert_eq!(counted(asked(3, "other", ("t1", "null")).at(3.0, 5.0).tokens(412, 10)).2, 2);
    assert_eq!(counted(asked(3, "other", ("t1", "null")).at(3.0, 7.0)).2, 2);
}

#[test]
fn two_records_that_ask_for_the_same_tool_by_its_id_are_one_call() {
    let asked = |id, scope: &str, question: &str, (call, input): (&str, &str)| {
        let answer = calls("", &[(Some(call), "w", input)]);
        llm(id, 1).at(2.0, 4.0).scope(scope).tokens(412, 9).asked(&[user(question)]).answered(&[answer])
    };
    let counted = |other: Made| sums(vec![chain(1, 0), asked(2, "one", "q", ("t1", r#"{"a":1}"#)), other]);
    assert_eq!(counted(asked(3, "other", "q", ("t1", r#"{"a":1}"#))), (Some(412), Some(9), 1));
    // The other one read each piece of the stream twice.
    assert_eq!(counted(asked(3, "other", "q", ("t1", r#"{"a":11}"#))).2, 1);
    assert_eq!(counted(asked(3, "other", "q", ("t2", r#"{"a":1}"#))).2, 2);
    assert_eq!(counted(asked(3, "other", "another", ("t1", r#"{"a":11}"#))).2, 2);
}

#[test]
fn records_of_other_models_are_of_two_calls() {
    let model = |mut made: Made, model: &str| {
        made.translation.genai.model = Some(model.to_owned());
        made
    };
    let spoken = |made: Made| made.asked(&[user("Is it spam?")]).answered(&[assistant("yes")]);
    let beside = |other: &str| {
        let first = model(spoken(llm(2, 1).at(2.0, 4.0).tokens(412, 1)), "gpt-4o-2024-08-06");
        sums(vec![chain(1, 0), first, model(spoken(rpc(3, 1).at(2.1, 3.9)), other)]).2
    };
    assert_eq!((beside("gpt-4o"), beside("claude-sonnet-4-5")), (1, 2));
}

#[test]
fn two_records_without_anything_to_compare_are_of_one_call_only_if_one_lies_within_another_that_failed() {
    let pair = |outer: Made, inner: Made| sums(vec![chain(1, 0), outer.at(2.0, 4.0), inner.at(2.5, 3.5)]).2;
    assert_eq!(pair(llm(2, 1), rpc(3, 1)), 2);
    assert_eq!(pair(llm(2, 1).failed("E", "x"), rpc(3, 1).failed("E", "x")), 1);
    assert_eq!(pair(llm(2, 1).failed("E", "x"), rpc(3, 1)), 1);
    assert_eq!(pair(llm(2, 1), rpc(3, 1).failed("E", "x")), 2);
    assert_eq!(pair(llm(2, 1).scope("rpc").failed("E", "x"), rpc(3, 1).failed("E", "x")), 2);
}

#[test]
fn a_third_record_like_two_of_one_call_is_of_the_next() {
    let call = |id, scope: &str| {
        let made = llm(id, 1).at(2.0, 4.0).scope(scope).tokens(412, 1);
        made.asked(&[user("Is it spam?")]).answered(&[assistant("yes")])
    };
    assert_eq!(sums(vec![chain(1, 0), call(2, "one"), call(3, "other"), call(4, "other")]).2, 2);
}

#[test]
fn a_record_of_which_no_words_were_captured_is_of_the_call_around_it() {
    let whole = || llm(2, 1).at(2.0, 6.0).tokens(412, 9).asked(&[user("q")]).answered(&[assistant("a")]);
    let sent = [calls("", &[(Some("t1"), "w", "null")]), results(&[(Some("t1"), "")])];
    let counted = |other: Made| sums(vec![chain(1, 0), whole(), other.scope("other")]).2;
    assert_eq!(counted(llm(3, 1).at(3.0, 6.0005).tokens(412, 9).asked(&sent)), 1);
    assert_eq!(counted(llm(3, 1).at(3.0, 6.0005).tokens(412, 8).asked(&sent)), 2);
    assert_eq!(counted(llm(3, 1).at(3.0, 5.0).tokens(412, 9).asked(&[user("z")])), 2);
    assert_eq!(counted(llm(3, 1).at(3.0, 5.0).tokens(412, 9).asked(&sent).answered(&[assistant("b")])), 2);
}

#[test]
fn a_request_of_which_only_log_records_came_is_of_the_call_that_ran_then() {
    let counted = |question: &str, ended: f64| {
        let call = llm(2, 1).at(8.0, ended).tokens(412, 9).asked(&[user("q")]).answered(&[assistant("a")]);
        let trace = of(rows(1, vec![chain(1, 0).at(1.0, 20.0), call], vec![log(9, 1, &[user(question)], &[])]));
        (trace.totals.model_calls, trace.conversations.iter().map(|said| said.messages.len()).sum::<usize>())
    };
    assert_eq!(counted("q", 10.0), (1, 2));
    assert_eq!(counted("z", 10.0).0, 2);
    assert_eq!(counted("q", 8.5).0, 2);
}

#[test]
fn responses_of_a_server_that_gives_all_one_id_are_of_several_calls() {
    let call = |id: u64, start: f64, tokens: u64, answer: &str| {
        let made = llm(id, 1).at(start, start + 1.0).tokens(tokens, 9).response("m1");
        made.asked(&[user("q")]).answered(&[assistant(answer)])
    };
    let counted = |second: Made| sums(vec![chain(1, 0), call(2, 2.0, 412, "a"), second]).2;
    assert_eq!(counted(call(3, 4.0, 530, "b")), 2);
    assert_eq!(counted(call(3, 4.0, 412, "b")), 2);
    assert_eq!(counted(call(3, 4.0, 412, "a")), 1);
    assert_eq!(counted(call(3, 2.5, 530, "a")), 1);
}

#[test]
fn an_answer_that_was_recorded_twice_under_its_number_is_one() {
    let answer = |nth: u32, number: u64| {
        let mut record = log(2, nth, &[], &[assistant("yes")]);
        Arc::make_mut(&mut record.translation).readings[0].choice = Some(number);
        record
    };
    let said = |logs: Vec<LogRow>| {
        let call = llm(2, 1).tokens(412, 1).at(2.0, 3.0);
        only_conversation(&of(rows(1, vec![chain(1, 0), call], logs)))
    };
    let count = |number| said(vec![answer(1, 0), answer(2, number)]).len();
    assert_eq!((count(0), count(1)), (1, 2));
    let another = said(vec![answer(1, 0), log(2, 2, &[user("Really?")], &[]), answer(3, 0)]);
    assert_eq!(another.len(), 3);
}

#[test]
fn the_name_that_says_where_a_model_runs_is_that_of_the_call() {
    let model = |mut made: Made, model: &str| {
        made.translation.genai.model = Some(model.to_owned());
        made.tokens(412, 1).asked(&[user("q")]).answered(&[assistant("a")])
    };
    let whole = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    for short in
        ["claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-sonnet-4-5-20250929-v1:0"]
    {
        let trace = one(vec![chain(1, 0), model(llm(2, 1).at(2.0, 4.0), short), model(rpc(3, 1).at(2.1, 3.9), whole)]);
        let models = trace.tree.nodes.iter().filter_map(|node| node.model.as_deref()).collect::<Vec<_>>();
        assert_eq!((trace.calls[0].model.as_deref(), models), (Some(whole), vec![whole, whole]));
    }
    let other = one(vec![chain(1, 0), model(llm(2, 1), "claude-sonnet-4"), model(llm(3, 1), whole)]);
    assert_eq!(other.calls[0].model.as_deref(), Some("claude-sonnet-4"));
}

#[test]
fn a_failure_that_two_scopes_record_beside_each_other_is_one() {
    let failed = |made: Made, scope: &str| made.scope(scope).failed("E", "overloaded just now");
    let count = |spans: Vec<Made>| one(spans).errors.len();
    // The span between the two never came.
    let root = || failed(chain(1, 0).at(1.0, 9.0), "app");
    assert_eq!(count(vec![root(), failed(llm(3, 7).at(2.0, 3.0), "client")]), 1);
    assert_eq!(count(vec![root(), failed(llm(3, 7).at(2.0, 10.0), "client")]), 2);
    // One of two instrumentations of a request says nothing of what it is.
    let beside =
        |scope: &str| vec![chain(1, 0), failed(llm(2, 1).at(2.0, 4.0), "one"), failed(chain(3, 1).at(2.5, 3.5), scope)];
    assert_eq!((count(beside("other")), count(beside("one"))), (1, 2));
    let search = failed(made(3, 1, Category::Retriever).at(2.5, 3.5), "other");
    assert_eq!(count(vec![chain(1, 0), failed(llm(2, 1).at(2.0, 4.0), "one"), search]), 2);
}
