//! Conversations: what must come out right (`conversations.md` 1), and how (6).

use super::*;
use crate::model::Reasoning;

#[test]
fn a_single_word_or_number_is_an_answer_like_any_other() {
    for answer in ["4", "true", "null"] {
        let trace = conversation(&[(&[user("q")], &[assistant(answer)])]);
        assert_eq!(only_conversation(&trace), ["user q", &format!("assistant {answer}")]);
    }
}

#[test]
fn two_equal_results_are_two_results() {
    let asked = calls("", &[(Some("c1"), "w", "{}"), (Some("c2"), "x", "{}")]);
    let given = results(&[(Some("c1"), "ok"), (Some("c2"), "ok")]);
    let trace =
        conversation(&[(&[user("q")], &[asked.clone()]), (&[user("q"), asked, given], &[assistant("both fine")])]);
    assert_eq!(
        only_conversation(&trace),
        ["user q", "assistant w{}#c1 x{}#c2", "tool c1=ok c2=ok", "assistant both fine"]
    );
}

#[test]
fn equal_results_of_two_calls_are_two_where_an_earlier_call_returned_the_same() {
    let asked = |ids: &[&str]| calls("", &ids.iter().map(|id| (Some(*id), "ping", "{}")).collect::<Vec<_>>());
    let given = |id| results(&[(Some(id), "pong")]);
    let before = [user("q1"), asked(&["c_01"]), given("c_01"), assistant("a1"), user("q2")];
    let after = [&before[..], &[asked(&["c_02", "c_03"]), given("c_02"), given("c_03")]].concat();
    let trace = conversation(&[(&before, &[asked(&["c_02", "c_03"])]), (&after, &[assistant("a2")])]);
    let told = only_conversation(&trace);
    assert_eq!(told[5], "assistant ping{}#c_02 ping{}#c_03");
    assert_eq!(told[6..].join(" "), "tool c_02=pong c_03=pong assistant a2");
}

#[test]
fn a_call_repeated_after_a_failure_is_two_calls() {
    let (first, second) = (calls("", &[(Some("c1"), "ping", "{}")]), calls("", &[(Some("c2"), "ping", "{}")]));
    let (timeout, pong) = (results(&[(Some("c1"), "timeout")]), results(&[(Some("c2"), "pong")]));
    let trace = conversation(&[
        (&[user("q")], &[first.clone()]),
        (&[user("q"), first.clone(), timeout.clone()], &[second.clone()]),
        (&[user("q"), first, timeout, second, pong], &[assistant("done")]),
    ]);
    let expected =
        ["user q", "assistant ping{}#c1", "tool c1=timeout", "assistant ping{}#c2", "tool c2=pong", "assistant done"];
    assert_eq!(only_conversation(&trace), expected);
    assert_eq!(ran(&trace).len(), 2);
}

#[test]
fn a_user_may_repeat_the_assistant_and_itself() {
    let trace = conversation(&[
        (&[user("say yes")], &[assistant("yes")]),
        (&[user("say yes"), assistant("yes"), user("yes")], &[assistant("fine")]),
    ]);
    assert_eq!(only_conversation(&trace), ["user say yes", "assistant yes", "user yes", "assistant fine"]);

    let mut history = vec![user("go")];
    let mut exchanges = Vec::new();
    for answer in ["one", "two", "three"] {
        exchanges.push((history.clone(), vec![assistant(answer)]));
        history.extend([assistant(answer), user("continue")]);
    }
    let borrowed: Vec<(&[Message], &[Message])> = exchanges.iter().map(|(p, c)| (p.as_slice(), c.as_slice())).collect();
    let expected = ["user go", "assistant one", "user continue", "assistant two", "user continue", "assistant three"];
    assert_eq!(only_conversation(&conversation(&borrowed)), expected);
}

#[test]
fn messages_may_be_equal_within_the_history() {
    let history = [user("ping"), assistant("pong"), user("ping"), assistant("pong"), user("stop")];
    let trace = conversation(&[
        (&history[..1], &history[1..2]),
        (&history[..3], &history[3..4]),
        (&history, &[assistant("Stopped.")]),
    ]);
    let expected = ["user ping", "assistant pong", "user ping", "assistant pong", "user stop", "assistant Stopped."];
    assert_eq!(only_conversation(&trace), expected);
}

#[test]
fn a_service_without_history_has_one_conversation_for_each_question() {
    let ask = || vec![llm(1, 0).asked(&[user("ping")]).answered(&[assistant("pong")])];
    let traces = several(vec![ask(), ask()]);
    assert!(traces.iter().all(|trace| only_conversation(trace) == ["user ping", "assistant pong"]));
    let trace = conversation(&[(&[user("ping")], &[assistant("pong")]), (&[user("ping")], &[assistant("pong")])]);
    assert_eq!(conversations(&trace), [["user ping", "assistant pong"], ["user ping", "assistant pong"]]);
}

#[test]
fn calls_that_repeat_nothing_of_each_other_share_no_conversation() {
    let trace = conversation(&[
        (&[system("S"), user("Which port?")], &[assistant("5388")]),
        (&[system("S"), user("Where is the data?")], &[assistant("At home.")]),
    ]);
    assert_eq!(conversations(&trace).len(), 2);
}

#[test]
fn samples_and_further_attempts_show_the_prompt_once() {
    let history = [user("q1"), assistant("a1"), user("q2")];
    let trace = conversation(&[
        (&history[..1], &[assistant("a1")]),
        (&history, &[assistant("a2")]),
        (&history, &[assistant("another a2")]),
    ]);
    let expected = ["user q1", "assistant a1", "user q2", "assistant a2", "assistant another a2"];
    assert_eq!(only_conversation(&trace), expected);

    let sample = |id, answer| llm(id, 1).at(2.0, 4.0).asked(&[user("q")]).answered(&[assistant(answer)]);
    let trace = one(vec![chain(1, 0), sample(2, "4"), sample(3, "4"), sample(4, "5")]);
    assert_eq!(only_conversation(&trace), ["user q", "assistant 4", "assistant 4", "assistant 5"]);

    let failed = llm(2, 1).asked(&[user("q")]).failed("RateLimitError", "429");
    let trace = one(vec![chain(1, 0), failed, llm(3, 1).asked(&[user("q")]).answered(&[assistant("a")])]);
    assert_eq!(only_conversation(&trace), ["user q", "assistant a"]);
}

#[test]
fn equal_prompts_of_several_steps_at_one_time_are_several_conversations() {
    let asks = |id: u64, step| llm(id, step).asked(&[user("q")]).at(1.0, 3.0);
    let steps = vec![chain(10, 0), chain(11, 10), chain(12, 10)];
    let calls = vec![asks(1, 11).answered(&[assistant("a")]), asks(2, 12).answered(&[assistant("a")])];
    assert_eq!(conversations(&one([steps, calls].concat())), vec![vec!["user q", "assistant a"]; 2]);
}

#[test]
fn a_failed_call_shows_what_was_sent_and_no_answer() {
    let failed = llm(2, 1).asked(&[user("q1")]).answered(&[assistant("hal")]).failed("E", "broken off");
    let next = llm(3, 1).asked(&[user("q1"), user("q2")]).answered(&[assistant("a2")]);
    assert_eq!(only_conversation(&one(vec![chain(1, 0), failed, next])), ["user q1", "user q2", "assistant a2"]);
}

#[test]
fn a_branch_leaves_the_other_branch_as_it_is() {
    let first = [user("q1"), assistant("a long enough first answer")];
    let with = |question: &str| [first[0].clone(), first[1].clone(), user(question)];
    let trace = conversation(&[
        (&first[..1], &first[1..]),
        (&with("left"), &[assistant("L")]),
        (&with("right"), &[assistant("R")]),
    ]);
    let expected =
        ["user q1", "assistant a long enough first answer", "user left", "assistant L", "user right", "assistant R"];
    assert_eq!(only_conversation(&trace), expected);
}

#[test]
fn a_rewritten_context_is_shown_once() {
    let (q2, a2) = (user("q2"), assistant("the answer to the second question"));
    let trace = conversation(&[
        (&[user("q1")], &[assistant("a1")]),
        (&[user("q1"), assistant("a1"), q2.clone()], &[a2.clone()]),
        (&[user("Summary"), q2.clone(), a2.clone(), user("q3")], &[assistant("a3")]),
        (&[user("Summary"), q2, a2, user("q3"), assistant("a3"), user("q4")], &[assistant("a4")]),
    ]);
    let expected = [
        "user q1",
        "assistant a1",
        "user q2",
        "assistant the answer to the second question",
        "~user Summary",
        "user q3",
        "assistant a3",
        "user q4",
        "assistant a4",
    ];
    assert_eq!(only_conversation(&trace), expected);
}

#[test]
fn what_its_sender_dropped_of_a_prompt_is_lost_and_not_rewritten() {
    let (q1, a1) = (user("q1"), assistant("the answer to the first question"));
    let trace = |dropped: u32| {
        let prompt = [user("the tenth of many"), q1.clone(), a1.clone(), user("q2")];
        one(vec![
            llm(1, 0).asked(&[q1.clone()]).answered(&[a1.clone()]),
            llm(3, 0).asked(&prompt).answered(&[assistant("a2")]).dropped(dropped),
        ])
    };
    let marks = |trace: &AssembledTrace| {
        let shown: Vec<_> = trace.conversations[0].messages.iter().map(|at| (at.history, at.rewritten)).collect();
        (shown[2], trace.calls[1].dropped.attributes)
    };
    assert_eq!(marks(&trace(0)), ((true, true), 0));
    assert_eq!(marks(&trace(170)), ((true, false), 170));
}

#[test]
fn an_agent_that_was_answered_with_nothing_goes_on_in_its_conversation() {
    let prompt = [system("S"), user("q1"), assistant("a1"), user("q2")];
    let calls = |first: Made| vec![agent(10, 0, "A"), first, llm(4, 10).asked(&prompt).answered(&[assistant("a2")])];
    let silent = llm(2, 10).asked(&prompt);
    let expected = ["system S", "~user q1", "~assistant a1", "user q2", "assistant a2"];
    assert_eq!(only_conversation(&one(calls(silent))), expected);
    // One that was answered is asked anew.
    let answered = llm(2, 10).asked(&prompt).answered(&[assistant("other words")]);
    assert_eq!(conversations(&one(calls(answered))).len(), 2);
}

#[test]
fn a_sliding_window_repeats_nothing() {
    let a = |nth: u32| assistant(&format!("this is answer number {nth}"));
    let q = |nth: u32| user(&format!("question {nth}"));
    let trace = conversation(&[
        (&[q(1)], &[a(1)]),
        (&[q(1), a(1), q(2)], &[a(2)]),
        (&[q(2), a(2), q(3)], &[a(3)]),
        (&[a(3), q(4)], &[a(4)]),
    ]);
    assert_eq!(only_conversation(&trace).len(), 8);
}

#[test]
fn history_with_other_ids_parts_or_without_reasoning_is_recognised() {
    let thought = Part::new(Content::Reasoning(Reasoning { text: Some("hm".to_owned()), ..Reasoning::default() }));
    let mut answer = calls("Let me look.", &[(Some("c1"), "w", r#"{"a":1}"#)]);
    answer.parts.insert(0, thought);
    let replayed = [assistant("Let me\nlook."), calls("", &[(Some("x9"), "w", r#"{"a":1.0}"#)])];
    let mut given = results(&[(Some("x9"), "18C")]);
    given.role = Role::User;
    let question = Message::new(Role::User, vec![Part::text("Weather "), Part::text("in Paris?")]);
    let trace = conversation(&[
        (&[question], &[answer]),
        (&[user("Weather in Paris?"), replayed[0].clone(), replayed[1].clone(), given], &[assistant("18C.")]),
    ]);
    let expected =
        ["user Weather  in Paris?", r#"assistant (hm) Let me look. w{"a":1}#c1"#, "tool x9=18C", "assistant 18C."];
    assert_eq!(only_conversation(&trace), expected);
    assert_eq!(ran(&trace), [(Some("c1"), "ok", Some("18C".to_owned()))]);
}

#[test]
fn an_answer_in_pieces_is_recognised_as_one_message() {
    let texts: Vec<String> = (0..20).map(|nth| format!("piece {nth} ")).collect();
    let keyed_messages: Vec<Message> = texts.iter().map(|text| assistant(text)).collect();
    let whole = assistant(&texts.concat());
    let trace =
        conversation(&[(&[user("q")], &keyed_messages), (&[user("q"), whole, user("and?")], &[assistant("ok")])]);
    let lines = only_conversation(&trace);
    assert_eq!((lines.len(), lines[21].as_str()), (23, "user and?"));
}

#[test]
fn a_prefill_is_new_and_may_be_repeated_joined_to_its_answer() {
    let trace = conversation(&[
        (&[user("q"), assistant("The capital is")], &[assistant(" Paris, of course.")]),
        (&[user("q"), assistant("The capital is Paris, of course."), user("And Italy?")], &[assistant("Rome.")]),
    ]);
    let expected =
        ["user q", "assistant The capital is", "assistant  Paris, of course.", "user And Italy?", "assistant Rome."];
    assert_eq!(only_conversation(&trace), expected);
}

#[test]
fn few_shot_examples_do_not_join_conversations() {
    let prompt = |text: &str| [system("S"), user("good"), assistant("yes"), user("bad"), assistant("no"), user(text)];
    let trace = conversation(&[(&prompt("nice"), &[assistant("yes")]), (&prompt("ugly"), &[assistant("no")])]);
    assert_eq!(conversations(&trace).len(), 2);
    assert_eq!(conversations(&trace)[1].last().unwrap(), "assistant no");
    assert_eq!(conversations(&trace)[1][5], "user ugly");
}

#[test]
fn a_system_prompt_is_shown_when_it_changes() {
    let first = [system("S1"), user("q1")];
    let a1 = assistant("a sufficiently long answer");
    let second = [system("S2"), user("q1"), a1.clone(), user("q2")];
    let trace = conversation(&[(&first, &[a1]), (&second, &[assistant("a2")])]);
    let expected =
        ["system S1", "user q1", "assistant a sufficiently long answer", "system S2", "user q2", "assistant a2"];
    assert_eq!(only_conversation(&trace), expected);
}

#[test]
fn results_without_their_calls_answer_the_last_calls() {
    let trace = conversation(&[
        (&[system("S"), user("q")], &[calls("", &[(Some("item_1"), "w", r#"{"a":1}"#), (Some("item_2"), "v", "{}")])]),
        (&[system("S"), results(&[(Some("c1"), "18C"), (Some("c2"), "no")])], &[assistant("It is 18C.")]),
    ]);
    let expected =
        ["system S", "user q", r#"assistant w{"a":1}#c1 v{}#c2"#, "tool c1=18C c2=no", "assistant It is 18C."];
    assert_eq!(only_conversation(&trace), expected);
    let expected = [(Some("c1"), "ok", Some("18C".to_owned())), (Some("c2"), "ok", Some("no".to_owned()))];
    assert_eq!(ran(&trace), expected);
    let silent = conversation(&[(&[user("q")], &[calls("", &[(Some("c1"), "w", "{}")])]), (&[], &[assistant("a")])]);
    assert_eq!(only_conversation(&silent), ["user q", "assistant w{}#c1", "assistant a"]);
    let another = conversation(&[(&[user("q")], &[assistant("a")]), (&[], &[assistant("b")])]);
    assert_eq!(conversations(&another).len(), 2);
}

#[test]
fn hidden_messages_are_matched_by_their_place() {
    let hide = |mut message: Message| {
        message.parts[0].hidden = true;
        message
    };
    let (u, a) = (hide(user("__REDACTED__")), hide(assistant("__REDACTED__")));
    let trace = conversation(&[
        (&[u.clone()], &[a.clone()]),
        (&[u.clone(), a.clone(), u.clone()], &[a.clone()]),
        (&[u.clone(), a.clone(), u.clone(), a, u], &[assistant("shown")]),
    ]);
    assert_eq!(only_conversation(&trace).len(), 6);
}

#[test]
fn an_answer_of_several_pieces_is_one_message() {
    let thought = Reasoning { text: Some("hm".to_owned()), ..Reasoning::default() };
    let thought = Message::new(Role::Assistant, vec![Part::new(Content::Reasoning(thought))]);
    let call = |id| calls("", &[(Some(id), "w", "{}")]);
    let answer = [thought, assistant("Let me look."), call("c1"), call("c2")];
    let given = [results(&[(Some("c1"), "18C")]), results(&[(Some("c2"), "27C")])];
    let prompt = [&[user("q")][..], &answer, &given].concat();
    let trace = conversation(&[(&[user("q")], &answer), (&prompt, &[assistant("one"), assistant("another")])]);
    let expected = [
        "user q",
        "assistant (hm) Let me look. w{}#c1 w{}#c2",
        "tool c1=18C c2=27C",
        "assistant one",
        "assistant another",
    ];
    assert_eq!(only_conversation(&trace), expected);
}

#[test]
fn a_conversation_continues_from_a_failed_call_after_an_inserted_answer() {
    let inserted = [user("q1"), assistant("a1"), assistant("by the program"), user("q2")];
    let mut more = inserted.to_vec();
    more.push(user("q3"));
    let trace = one(vec![
        chain(1, 0),
        llm(2, 1).asked(&inserted[..1]).answered(&[assistant("a1")]),
        llm(3, 1).asked(&inserted).failed("E", "x"),
        llm(4, 1).asked(&more).answered(&[assistant("a3")]),
    ]);
    let expected = ["user q1", "assistant a1", "~assistant by the program", "user q2", "user q3", "assistant a3"];
    assert_eq!(only_conversation(&trace), expected);
}

#[test]
fn a_prompt_that_was_too_long_is_shown_once_though_its_beginning_is_left_out_later() {
    let (before, q) = ([user("q1"), assistant("a1"), user("q2")], user("q2"));
    let refused = llm(2, 1).asked(&before).failed("ContextWindowOverflow", "too long");
    let trace = one(vec![agent(1, 0, "a"), refused, llm(3, 1).asked(&[q]).answered(&[assistant("a2")])]);
    assert_eq!(only_conversation(&trace), ["~user q1", "~assistant a1", "user q2", "assistant a2"]);
}

#[test]
fn a_tool_call_with_another_id_is_another_call() {
    let (first, second) = (calls("", &[(Some("t1"), "w", "{}")]), calls("", &[(Some("t2"), "w", "{}")]));
    let (one, two) = (results(&[(Some("t1"), "18C")]), results(&[(Some("t2"), "18C")]));
    // The first versions of a sender record no answer without text.
    let trace = conversation(&[
        (&[user("q")], &[]),
        (&[user("q"), first.clone(), one.clone()], &[]),
        (&[user("q"), first, one, second, two], &[assistant("a")]),
    ]);
    let expected = ["user q", "assistant w{}#t1", "tool t1=18C", "assistant w{}#t2", "tool t2=18C", "assistant a"];
    assert_eq!(only_conversation(&trace), expected);
}

/// A question of which only the beginning was sent.
fn cut(text: &str) -> Message {
    Message::new(Role::User, vec![Part { truncated: true, ..Part::text(text) }])
}

#[test]
fn a_prompt_that_was_cut_brings_nothing_new_in_a_loop() {
    let step = |id: &str| calls("", &[(Some(id), "w", "{}")]);
    // Cut at one place, and further back, by a sender with a marker.
    for later in ["Read all of this: a, b, c", "Read all of", "Read all of this: a, b...[truncated, original 99 chars]"]
    {
        let trace = one(vec![
            agent(1, 0, "a"),
            llm(2, 1).asked(&[system("S"), cut("Read all of this: a, b, c")]).answered(&[step("c1")]),
            tool(3, 1, Some("c1"), "w", "{}", Some("r1")),
            llm(4, 1).asked(&[system("S"), cut(later)]).answered(&[step("c2")]),
            tool(5, 1, Some("c2"), "w", "{}", Some("r2")),
            llm(6, 1).asked(&[system("S"), cut(later)]).answered(&[assistant("done")]),
        ]);
        let expected = [
            "system S",
            "user Read all of this: a, b, c",
            "assistant w{}#c1",
            "tool c1=r1",
            "assistant w{}#c2",
            "tool c2=r2",
            "assistant done",
        ];
        assert_eq!(only_conversation(&trace), expected, "{later}");
    }
}

#[test]
fn documents_that_begin_alike_are_questions_of_their_own() {
    let trace = conversation(&[
        (&[cut("Sum up: the quick")], &[assistant("A fox.")]),
        (&[cut("Sum up: the quick")], &[assistant("A dog.")]),
    ]);
    assert_eq!(conversations(&trace).len(), 2);
    // So are other questions of an agent, and those of two calls at once.
    let trace = one(vec![
        agent(1, 0, "a"),
        llm(2, 1).asked(&[cut("Sum up: the quick")]).answered(&[assistant("A fox.")]),
        llm(3, 1).asked(&[cut("Translate: the quick")]).answered(&[assistant("Le vif")]),
    ]);
    assert_eq!(conversations(&trace).len(), 2);
}

#[test]
fn a_short_choice_that_the_conversation_goes_on_with_is_no_new_message() {
    for chosen in ["yes", "no", "4"] {
        let trace = conversation(&[
            (&[user("q")], &[assistant("yes"), assistant("no"), assistant("4")]),
            (&[user("q"), assistant(chosen), user("go on")], &[assistant("so be it")]),
        ]);
        let expected = ["user q", "assistant yes", "assistant no", "assistant 4", "user go on", "assistant so be it"];
        assert_eq!(only_conversation(&trace), expected, "{chosen}");
    }
}

#[test]
fn samples_of_one_prompt_made_at_once_are_choices_as_well() {
    let trace = one(vec![
        chain(1, 0).at(0.0, 1000.0),
        llm(2, 1).at(2.0, 5.0).asked(&[user("q")]).answered(&[assistant("yes")]),
        llm(3, 1).at(2.0, 5.0).asked(&[user("q")]).answered(&[assistant("no")]),
        llm(4, 1).at(2.0, 5.0).asked(&[user("q")]).answered(&[assistant("4")]),
        llm(6, 1).asked(&[user("q"), assistant("no"), user("go on")]).answered(&[assistant("so be it")]),
    ]);
    let expected = ["user q", "assistant yes", "assistant no", "assistant 4", "user go on", "assistant so be it"];
    assert_eq!(only_conversation(&trace), expected);
}

#[test]
fn the_end_of_a_prompt_that_was_too_long_is_another_conversation_under_other_instructions() {
    let before = [system("S"), user("q1"), assistant("a1"), user("q2")];
    let trace = |instructions: &str| {
        let again = llm(3, 1).asked(&[system(instructions), user("q2")]).answered(&[assistant("a2")]);
        one(vec![agent(1, 0, "a"), llm(2, 1).asked(&before).failed("ContextWindowOverflow", "too long"), again])
    };
    assert_eq!((trace("S").conversations.len(), trace("T").conversations.len()), (1, 2));
}

#[test]
fn answers_without_prompts_are_one_conversation_only_if_one_began_after_the_other() {
    let trace = |from: f64| {
        let spoken = |id, from: f64, text: &str| llm(id, 1).at(from, from + 2.0).answered(&[assistant(text)]);
        one(vec![agent(1, 0, "a"), spoken(2, 2.0, "one"), spoken(3, from, "two")]).conversations.len()
    };
    assert_eq!((trace(4.0), trace(3.0)), (1, 2));
}
