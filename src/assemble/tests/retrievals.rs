//! Searches, and searches within searches.

use super::*;

fn retriever(id: u64, parent: u64) -> Made {
    made(id, parent, Category::Retriever)
}

#[test]
fn a_search_within_a_search_is_one_with_what_either_has() {
    let question = Message::text(Role::User, "How long?");
    let found = Message::text(Role::Assistant, "Seven days.");
    let spans = vec![
        agent(1, 0, "planner"),
        retriever(2, 1).asked(&[question]),
        retriever(3, 2).answered(&[found]),
        made(4, 1, Category::Embedding).at(4.0, 5.0),
    ];
    let traces = vec![TraceRows { spans: spans.into_iter().map(Made::row).collect(), ..TraceRows::empty(trace_id(1)) }];
    let assembled = super::super::session(traces, &|_, _| None);
    let [retrieval] = &assembled[0].retrievals[..] else { panic!("{:#?}", assembled[0].retrievals) };
    let texts = |messages: &[Arc<Message>]| messages.iter().map(|message| message.plain_text()).collect::<Vec<_>>();
    assert_eq!(retrieval.span, span_id(2));
    assert_eq!(
        (texts(&retrieval.asked), texts(&retrieval.found)),
        (vec!["How long?".into()], vec!["Seven days.".into()])
    );
}
