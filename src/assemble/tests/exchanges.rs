//! Where the messages of conversations come from, beside the records of model calls.

use super::*;
use crate::assemble::{
    builder, exchanges, fingerprint::Fingerprints, loaded_trace, loaded_trace::LoadedTrace, provenance::Provenance,
    session_history::SessionHistory, tool_runs,
};

/// The messages of the conversations of a trace in order, each as a line with where it comes from.
fn placed(spans: Vec<Made>) -> Vec<(String, Provenance)> {
    let rows = rows(1, spans, Vec::new());
    let digests = loaded_trace::facts(&rows);
    let trace = LoadedTrace::new(&rows, &digests, &price);
    let collected = exchanges::collect(&trace, &tool_runs::runs(&trace), &mut Fingerprints::default());
    assert!(collected.all.windows(2).all(|pair| pair[0].started() <= pair[1].started()));
    let built = builder::build(&collected.all, &SessionHistory::default(), &collected.forks);
    let messages = built.into_iter().flat_map(|conversation| conversation.messages);
    messages.map(|placed| (line(&placed.shown.message, placed.shown.history), placed.provenance)).collect()
}

/// The same with the provenance of each line to compare it with.
fn expected(lines: &[(&str, Provenance)]) -> Vec<(String, Provenance)> {
    lines.iter().map(|(line, provenance)| ((*line).to_owned(), *provenance)).collect()
}

#[test]
fn an_exchange_has_what_agent_workflow_and_tool_record_of_it() {
    use Provenance::{AgentSpan, ModelCall, ToolExecution, WorkflowSpan};
    let asked = calls("Let me look.", &[(Some("c1"), "w", "{}"), (Some("c2"), "v", "{}")]);
    let found = placed(vec![
        chain(1, 0).asked(&[user("q")]).at(0.0, 100.0),
        agent(2, 1, "a").asked(&[system("S")]).answered(&[assistant("Checked: it is 18C there.")]),
        llm(3, 2).asked(&[assistant("Hi.")]).answered(&[asked]),
        tool(4, 2, Some("c1"), "w", "{}", Some("18C")),
        tool(5, 2, Some("c2"), "v", "{}", Some("dry")),
    ]);
    let lines = [
        ("system S", AgentSpan),
        ("user q", WorkflowSpan),
        ("assistant Hi.", ModelCall),
        ("assistant Let me look. w{}#c1 v{}#c2", ModelCall),
        ("tool c1=18C c2=dry", ToolExecution),
        ("assistant Checked: it is 18C there.", AgentSpan),
    ];
    assert_eq!(found, expected(&lines));
}

#[test]
fn returned_results_join_those_that_the_next_request_carries() {
    use Provenance::ModelCall;
    let asked = calls("", &[(Some("c1"), "w", "{}"), (Some("c2"), "v", "{}")]);
    let found = placed(vec![
        chain(1, 0).at(0.0, 100.0),
        llm(2, 1).asked(&[user("q")]).answered(&[asked.clone()]),
        tool(3, 1, Some("c1"), "w", "{}", Some("18C")),
        tool(4, 1, Some("c2"), "v", "{}", Some("dry")),
        llm(5, 1).asked(&[user("q"), asked, results(&[(Some("c2"), "dry")])]).answered(&[assistant("18C and dry.")]),
    ]);
    let lines = [
        ("user q", ModelCall),
        ("assistant w{}#c1 v{}#c2", ModelCall),
        ("tool c1=18C c2=dry", ModelCall),
        ("assistant 18C and dry.", ModelCall),
    ];
    assert_eq!(found, expected(&lines));
}

#[test]
fn what_nobody_sent_to_a_model_is_a_conversation_of_its_agent() {
    use Provenance::{AgentSpan, ToolExecution};
    let found = placed(vec![
        agent(1, 0, "a").asked(&[user("q")]).answered(&[assistant("It is 18C.")]),
        tool(2, 1, Some("c1"), "w", "{}", Some("18C")),
    ]);
    let lines = [
        ("user q", AgentSpan),
        ("assistant w{}#c1", ToolExecution),
        ("tool c1=18C", ToolExecution),
        ("assistant It is 18C.", AgentSpan),
    ];
    assert_eq!(found, expected(&lines));
}

#[test]
fn an_agents_answer_that_a_later_prompt_has_is_shown_once() {
    let earlier = [user("q1"), assistant("It is 18C in Paris today."), user("q2")];
    let trace = one(vec![
        chain(1, 0).at(0.0, 3000.0),
        agent(2, 1, "a").answered(&[assistant("**It is 18C in Paris today.**")]),
        llm(3, 2).asked(&earlier[..1]),
        agent(4, 1, "a").at(1000.0, 2000.0),
        llm(5, 4).at(1001.0, 1002.0).asked(&earlier).answered(&[assistant("Dry.")]),
    ]);
    assert_eq!(
        only_conversation(&trace),
        ["user q1", "assistant It is 18C in Paris today.", "user q2", "assistant Dry."]
    );
    assert_eq!(trace.conversations[0].messages[1].span, span_id(3));
}

#[test]
fn the_calls_of_an_agent_keep_their_own_instructions() {
    // A second conversation of the agent, to which its model was sent no system prompt, is not given that of the first.
    let trace = one(vec![
        agent(1, 0, "a").asked(&[system("S"), user("q")]),
        llm(2, 1).asked(&[system("S"), user("q")]).answered(&[assistant("a1")]),
        llm(3, 1).asked(&[user("Name this chat.")]).answered(&[assistant("Weather")]),
    ]);
    let expected = [vec!["system S", "user q", "assistant a1"], vec!["user Name this chat.", "assistant Weather"]];
    assert_eq!(conversations(&trace), expected);
}

#[test]
fn a_result_that_is_listed_as_a_message_and_within_the_users_is_one() {
    let asked = calls("", &[(Some("c1"), "w", "{}"), (Some("c2"), "w", "{}")]);
    let given = results(&[(Some("c1"), "18C"), (Some("c2"), "18C")]);
    let mut within = given.clone();
    within.role = Role::User;
    if let Content::Result(result) = &mut within.parts[1].content {
        result.is_error = Some(true);
    }
    let trace = one(vec![
        chain(1, 0),
        llm(2, 1).asked(&[user("q")]).answered(&[asked.clone()]),
        llm(3, 1).asked(&[user("q"), asked, results(&[(Some("c1"), "18C")]), results(&[(Some("c2"), "18C")]), within]),
    ]);
    assert_eq!(only_conversation(&trace), ["user q", "assistant w{}#c1 w{}#c2", "tool c1=18C c2=18C"]);
    let states: Vec<_> = ran(&trace).into_iter().map(|(_, state, _)| state).collect();
    assert_eq!(states, ["ok", "error"]);
}

#[test]
fn a_text_beside_calls_that_only_the_next_request_has_belongs_to_the_answer() {
    let recorded = calls("", &[(Some("c1"), "w", "{}")]);
    let repeated = calls("Let me look.", &[(Some("c1"), "w", "{}")]);
    let trace = one(vec![
        chain(1, 0),
        llm(2, 1).asked(&[user("q")]).answered(&[recorded]),
        llm(3, 1).asked(&[user("q"), repeated, results(&[(Some("c1"), "18C")])]).answered(&[assistant("18C.")]),
    ]);
    let expected = ["user q", "assistant Let me look. w{}#c1", "tool c1=18C", "assistant 18C."];
    assert_eq!(only_conversation(&trace), expected);
}
