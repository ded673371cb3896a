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
