//! What agents record beside their calls, and what they hand to each other.

use super::*;

#[test]
fn an_answer_after_a_handoff_back_is_shown_once() {
    let handed = [user("q"), calls("", &[(Some("c1"), "go", "{}")]), results(&[(Some("c1"), "gone")])];
    let looked = [calls("", &[(Some("c2"), "w", "{}")]), results(&[(Some("c2"), "18C")])];
    let back = [assistant("4"), calls("Back.", &[(Some("x"), "back", "{}")]), results(&[(Some("x"), "done")])];
    let trace = conversation(&[
        (&handed[..1], &handed[1..2]),
        (&handed, &looked[..1]),
        (&[&handed[..], &looked].concat(), &[assistant("4")]),
        (&[&handed[..], &back].concat(), &[assistant("It is 4.")]),
    ]);
    assert_eq!(conversations(&trace).len(), 1);
    assert_eq!(only_conversation(&trace).iter().filter(|line| line.ends_with("assistant 4")).count(), 1);
}

#[test]
fn a_handoff_that_keeps_the_history_stays_in_the_conversation() {
    let to_b = calls("", &[(Some("h1"), "transfer_to_b", "{}")]);
    let done = results(&[(Some("h1"), "transferred")]);
    let trace = one(vec![
        chain(1, 0),
        agent(2, 1, "a"),
        llm(3, 2).asked(&[system("A"), user("q")]).answered(&[to_b.clone()]),
        agent(4, 1, "b"),
        llm(5, 4).asked(&[system("B"), user("q"), to_b, done]).answered(&[assistant("hello from b")]),
    ]);
    let expected = [
        "system A",
        "user q",
        "assistant transfer_to_b{}#h1",
        "system B",
        "tool h1=transferred",
        "assistant hello from b",
    ];
    assert_eq!(only_conversation(&trace), expected);
}

#[test]
fn an_agent_whose_history_is_kept_elsewhere_has_one_conversation() {
    let trace = one(vec![
        agent(1, 0, "a"),
        llm(2, 1).asked(&[system("S"), user("q")]).answered(&[calls("", &[(Some("c1"), "w", "{}")])]),
        llm(3, 1).asked(&[system("S"), results(&[(Some("c1"), "18C")])]).answered(&[assistant("It is 18C.")]),
        llm(4, 1).asked(&[system("S"), user("thanks")]).answered(&[assistant("welcome")]),
    ]);
    let expected = [
        "system S",
        "user q",
        "assistant w{}#c1",
        "tool c1=18C",
        "assistant It is 18C.",
        "user thanks",
        "assistant welcome",
    ];
    assert_eq!(only_conversation(&trace), expected);
}

#[test]
fn thoughts_that_a_step_has_stand_with_the_answer_of_its_call() {
    let thought = |text: &str| {
        Part::new(Content::Reasoning(crate::model::Reasoning { text: Some(text.to_owned()), ..Default::default() }))
    };
    let thinks = |thought: Part, text: &str| {
        let text = (!text.is_empty()).then(|| Part::text(text));
        Message::new(Role::Assistant, std::iter::once(thought).chain(text).collect())
    };
    let trace = one(vec![
        agent(1, 0, "a").asked(&[user("q")]),
        // The answer was a call alone.
        chain(2, 1).read("d", Carrier::Attributes, &[], &[thinks(thought("First the rig."), "")]),
        llm(3, 2),
        tool(4, 2, Some("c1"), "ping", "{}", Some("pong")),
        chain(5, 1).read("d", Carrier::Attributes, &[], &[thinks(thought("It is up."), "Up.")]),
        llm(6, 5).answered(&[assistant("Up.")]),
    ]);
    let expected =
        ["user q", "assistant (First the rig.)", "assistant ping{}#c1", "tool c1=pong", "assistant (It is up.) Up."];
    assert_eq!(only_conversation(&trace), expected);
    // It is that of the first call that went well, and nothing where only a dialect's guess has it.
    let of_step = |content: ContentKind| {
        let mut step = chain(2, 1).at(2.0, 9.0).read("d", Carrier::Attributes, &[], &[thinks(thought("hm"), "")]);
        step.translation.readings[0].content = content;
        let calls = [llm(3, 2).failed("Throttled", "429"), llm(4, 2), llm(6, 2)];
        let mut spans = vec![agent(1, 0, "a").asked(&[user("q")]).answered(&[assistant("a")]), step];
        spans.extend(calls);
        let said = conversations(&one(spans)).concat();
        said.iter().filter(|line| *line == "assistant (hm)").count()
    };
    assert_eq!([of_step(ContentKind::Conversation), of_step(ContentKind::Fallback)], [1, 0]);
}

#[test]
fn an_agents_answer_is_shown_where_its_last_call_has_none() {
    let trace = one(vec![
        agent(1, 0, "a").asked(&[user("q")]).answered(&[assistant("the final answer")]),
        llm(2, 1).asked(&[system("S"), user("q")]),
    ]);
    assert_eq!(only_conversation(&trace), ["system S", "user q", "assistant the final answer"]);
    // One that repeats the answer of its call is not shown.
    let trace = one(vec![
        agent(1, 0, "a").asked(&[user("q")]).answered(&[assistant("the answer\n")]),
        llm(2, 1).asked(&[user("q")]).answered(&[assistant("the answer")]),
    ]);
    assert_eq!(only_conversation(&trace), ["user q", "assistant the answer"]);
}

#[test]
fn an_agents_answer_in_the_words_of_an_earlier_turn_is_shown_where_its_call_has_none() {
    let earlier = [user("q1"), assistant("Nothing."), user("q2")];
    let trace =
        one(vec![agent(1, 0, "a").asked(&[user("q2")]).answered(&[assistant("Nothing.")]), llm(2, 1).asked(&earlier)]);
    let expected = ["~user q1", "~assistant Nothing.", "user q2", "assistant Nothing."];
    assert_eq!(only_conversation(&trace), expected);
}

#[test]
fn an_agents_answer_is_shown_unless_its_calls_have_that_text() {
    for (answer, calls, shown) in [
        ("It is Paris", vec!["So: It is *Paris*!"], false),
        ("It is Paris", vec!["It is Paris, as I said before"], true),
        ("The capital of France is Paris", vec!["Well: the capital. The capital of France is Paris, I think"], false),
        ("Answer: It is Paris", vec!["It is Paris"], true),
        ("Answer: the capital of France is Paris", vec!["the capital of France is Paris"], false),
        ("One. Two.", vec!["One.", "Two."], false),
        ("Two. One.", vec!["One.", "Two."], true),
    ] {
        let mut spans = vec![agent(1, 0, "a").asked(&[user("q")]).answered(&[assistant(answer)])];
        let mut prompt = vec![user("q")];
        for (nth, text) in (2..).zip(&calls) {
            spans.push(llm(nth, 1).asked(&prompt).answered(&[assistant(text)]));
            prompt.extend([assistant(text), user("and?")]);
        }
        let conversation = only_conversation(&one(spans));
        assert_eq!(conversation.contains(&format!("assistant {answer}")), shown, "{answer}: {conversation:?}");
    }
}

#[test]
fn an_agent_without_calls_has_a_conversation_of_its_own_messages() {
    let trace = one(vec![
        chain(1, 0).asked(&[user(r#"{"inputs":{}}"#)]),
        agent(2, 1, "writer").asked(&[system("W"), user("Task")]).answered(&[assistant("Done.")]),
        tool(3, 2, None, "w", r#"{"a":1}"#, Some("18C")),
    ]);
    let expected = ["system W", "user Task", r#"assistant w{"a":1}"#, "tool =18C", "assistant Done."];
    assert_eq!(only_conversation(&trace), expected);
    assert_eq!(trace.conversations[0].agent.as_deref(), Some("writer"));
    // Its turn is none of a counted call.
    assert!(trace.calls.is_empty() && trace.conversations[0].messages[0].turn == 0);
}

#[test]
fn a_failed_call_without_a_prompt_was_sent_its_agents_conversation() {
    let all = [user("q1"), assistant("a1"), user("q2")];
    let traces = several(vec![
        vec![agent(1, 0, "a"), llm(2, 1).asked(&[system("S"), user("q1")]).answered(&[assistant("a1")])],
        vec![
            agent(1, 0, "a").asked(&[system("S"), all[0].clone(), all[1].clone(), all[2].clone()]).broken("no"),
            llm(2, 1).failed("BadRequest", "no"),
        ],
    ]);
    assert_eq!(only_conversation(&traces[1]), ["system S", "~user q1", "~assistant a1", "user q2"]);
    assert_eq!(traces[1].conversations[0].messages[3].span, span_id(2));
    // What the calls before it have is not shown again.
    let trace = one(vec![
        agent(1, 0, "a").asked(&all).broken("no"),
        llm(2, 1).asked(&all[..1]).answered(&[assistant("a1")]),
        llm(3, 1).failed("BadRequest", "no"),
    ]);
    assert_eq!(only_conversation(&trace), ["user q1", "assistant a1", "user q2"]);
}

#[test]
fn delivered_messages_are_conversations_of_their_agents() {
    let mail = |id: u64, agent: &str| {
        let mut made = made(id, 1, Category::Agent);
        made.translation.genai.agent = Some(agent.to_owned());
        made.translation.genai.delivery = Some(Delivery::Message);
        made
    };
    let delivered = || {
        vec![
            chain(1, 0),
            mail(2, "A").asked(&[user("Task")]),
            mail(3, "B").asked(&[user("Task")]),
            mail(4, "A").answered(&[assistant("Notes")]),
            mail(5, "B").asked(&[user("Notes")]),
            mail(6, "B").answered(&[assistant("Done.")]),
            mail(7, "A").asked(&[user("Done.")]),
        ]
    };
    let trace = one(delivered());
    let agents: Vec<_> = trace.conversations.iter().map(|conversation| conversation.agent.as_deref()).collect();
    assert_eq!(agents, [Some("A"), Some("B")]);
    // What nobody answered any more was not read.
    assert_eq!(conversations(&trace)[0], ["user Task", "assistant Notes"]);
    assert_eq!(conversations(&trace)[1], ["user Task", "user Notes", "assistant Done."]);
    let mut with_calls = delivered();
    with_calls.push(llm(8, 1).asked(&[user("Task")]).answered(&[assistant("Notes")]));
    assert_eq!(one(with_calls).conversations.len(), 1);
}

#[test]
fn an_unfinished_answer_has_the_messages_that_were_delivered_until_then() {
    let mail = |id: u64, delivery: Delivery, agent: &str| {
        let category = if delivery == Delivery::Message { Category::Agent } else { Category::Span };
        let mut made = made(id, 1, category);
        made.translation.genai.agent = Some(agent.to_owned());
        made.translation.genai.delivery = Some(delivery);
        made
    };
    let delivered = |id, agent| mail(id, Delivery::Message, agent);
    let relayed = |id, agent| mail(id, Delivery::Piece, agent).tokens(1, 1).response(&format!("m{agent}"));
    let asked = [calls("", &[(Some("c1"), "w", "{}")])];
    let trace = one(vec![
        chain(1, 0),
        delivered(2, "A").asked(&[user("Task")]),
        delivered(3, "B").asked(&[user("Task")]),
        agent(4, 1, "A"),
        relayed(5, "A").answered(&asked),
        // The team around this one hands it on once more.
        relayed(6, "A").answered(&asked),
    ]);
    assert_eq!(conversations(&trace)[0][..2], ["user Task", "assistant w{}#c1"]);
    assert_eq!(trace.conversations.len(), 1, "B was found of the task, and never ran");
    assert_eq!((trace.calls.len(), trace.calls[0].category), (1, Category::Llm));
}

#[test]
fn a_workflow_has_the_question_of_calls_with_answers_alone() {
    let answered = |id, text| llm(id, 1).answered(&[assistant(text)]);
    let trace =
        one(vec![chain(1, 0).asked(&[user("What is this?")]), answered(2, "A picture."), answered(3, "Of a cat.")]);
    assert_eq!(conversations(&trace)[0], ["user What is this?", "assistant A picture."]);
    // Elsewhere the calls say it themselves.
    let found = llm(2, 1).asked(&[user("q in full")]).answered(&[assistant("a")]);
    assert_eq!(
        only_conversation(&one(vec![chain(1, 0).asked(&[user("q")]), found])),
        ["user q in full", "assistant a"]
    );
}

#[test]
fn json_is_a_message_in_an_agents_answer_and_in_a_known_conversation() {
    let found = |content| {
        let (asked, answer) = (user(r#"{"role":"user"}"#), assistant("[1, 2]"));
        let mut agent = agent(1, 0, "a").asked(&[user("q"), asked]).answered(&[answer]);
        agent.translation.readings.iter_mut().for_each(|reading| reading.content = content);
        only_conversation(&one(vec![agent, llm(2, 1)]))
    };
    assert_eq!(found(ContentKind::Conversation), ["user q", r#"user {"role":"user"}"#, "assistant [1, 2]"]);
    // What a function was given is its program's state; what an agent answered is an answer.
    assert_eq!(found(ContentKind::FunctionIo), ["user q", "assistant [1, 2]"]);
}

#[test]
fn instructions_that_only_an_agent_has_are_those_of_its_calls() {
    let first = llm(2, 1).asked(&[user("q")]).answered(&[assistant("a")]);
    let trace = one(vec![agent(1, 0, "desk").asked(&[system("S"), user("q")]), first]);
    assert_eq!(only_conversation(&trace), ["system S", "user q", "assistant a"]);
}

#[test]
fn what_an_agent_said_after_its_tools_stands_after_their_results() {
    let said = [calls("Let me look.", &[(Some("c1"), "w", "{}")]), assistant("It is 18C.")];
    let spans = vec![
        agent(1, 0, "a").tokens(10, 5).asked(&[user("q")]).answered(&said),
        tool(2, 1, Some("c1"), "w", "{}", Some("18C")),
    ];
    let expected = ["user q", "assistant Let me look. w{}#c1", "tool c1=18C", "assistant It is 18C."];
    assert_eq!(only_conversation(&one(spans)), expected);
}

#[test]
fn an_answer_stands_before_the_tools_that_it_asked_for_however_long_its_span_lasts() {
    let trace = one(vec![
        agent(1, 0, "a").asked(&[user("q")]),
        llm(2, 1).at(2.0, 6.0).answered(&[assistant("Let me look.")]),
        tool(3, 1, Some("c1"), "w", "{}", Some("18C")).at(4.0, 5.0),
        llm(7, 1).answered(&[assistant("18C")]),
    ]);
    let expected = ["user q", "assistant Let me look.", "assistant w{}#c1", "tool c1=18C", "assistant 18C"];
    assert_eq!(only_conversation(&trace), expected);
}

#[test]
fn what_an_agent_was_given_up_to_the_last_answer_is_history() {
    let given = [user("q"), assistant("a"), user("q2")];
    let trace = one(vec![agent(1, 0, "a").asked(&given).answered(&[assistant("a2")])]);
    let history: Vec<bool> = trace.conversations[0].messages.iter().map(|message| message.history).collect();
    assert_eq!(history, [true, true, false, false]);
}

#[test]
fn a_call_whose_parent_never_came_asks_for_the_agent_that_made_it() {
    let lost = |question: &str| {
        let prompt = [user("q"), assistant("a"), user(question)];
        one(vec![agent(1, 0, "a").asked(&[user("again?")]).at(1.0, 5.0), llm(2, 9).asked(&prompt).at(2.0, 3.0)])
    };
    assert_eq!(only_conversation(&lost("again?")).last().map(String::as_str), Some("user again?"));
    assert_eq!(conversations(&lost("other?")).len(), 2);
}
