//! What each call was sent: complete, and kept once.

use super::*;

fn texts(trace: &AssembledTrace, call: usize) -> Vec<String> {
    trace.sent(call).iter().map(|message| message.plain_text()).collect()
}

#[test]
fn a_request_is_complete_and_holds_only_what_the_one_before_it_does_not() {
    let [brief, question, answer, more] = [system("Be brief."), user("a?"), assistant("b"), user("c?")];
    let first = [brief.clone(), question.clone()];
    let second = [brief.clone(), question.clone(), answer.clone(), more.clone()];
    // The third has another system prompt: nothing of it is that of the second.
    let third = [system("Be brief. It is noon."), question, answer, more];
    let made = one(vec![
        llm(2, 1).at(1.0, 2.0).asked(&first).answered(&[assistant("b")]),
        llm(3, 1).at(3.0, 4.0).asked(&second).answered(&[assistant("d")]),
        llm(4, 1).at(5.0, 6.0).asked(&third).answered(&[assistant("e")]),
        agent(1, 0, "planner"),
    ]);
    let requests: Vec<_> = made.calls.iter().map(|call| &call.request).collect();
    let kept = |at: usize| (requests[at].previous, requests[at].shared, requests[at].rest.len());
    assert_eq!([kept(0), kept(1), kept(2)], [(None, 0, 2), (Some(0), 2, 2), (Some(1), 0, 4)]);
    assert_eq!(texts(&made, 1), ["Be brief.", "a?", "b", "c?"]);
    assert_eq!(texts(&made, 2), ["Be brief. It is noon.", "a?", "b", "c?"]);
}

#[test]
fn parallel_conversations_without_agents_each_continue_their_own() {
    let made = one(vec![
        chain(1, 0).at(0.0, 9.0),
        llm(2, 1).at(1.0, 2.0).asked(&[user("one?")]).answered(&[assistant("1")]),
        llm(3, 1).at(1.5, 2.0).asked(&[user("two?")]).answered(&[assistant("2")]),
        llm(4, 1).at(3.0, 4.0).asked(&[user("one?"), assistant("1"), user("and?")]).answered(&[assistant("3")]),
        llm(5, 1).at(3.5, 4.0).asked(&[user("two?"), assistant("2"), user("and?")]).answered(&[assistant("4")]),
    ]);
    let previous: Vec<_> = made.calls.iter().map(|call| call.request.previous).collect();
    assert_eq!(previous, [None, None, Some(0), Some(1)]);
}
