//! What filters let through, by examples.

mod by_hand;

use std::collections::BTreeSet;

use super::*;
use crate::model::{
    Category, Cost, Evaluation, Facet, FacetValues, GenAi, Order, PriceSource, TokenUsage, ToolName, Usd,
};

/// A model call of a run.
fn call(of: &str, id: u8, model: &str, cost: Option<i64>, usage: [u64; 3]) -> Sent {
    let [uncached, cached, output] = usage;
    let mut sent = span(of, id).named(&format!("chat {model}"));
    sent.translation.genai = GenAi {
        category: Category::Llm,
        model: Some(model.to_owned()),
        stop_reason: Some(if id.is_multiple_of(2) { "max_tokens" } else { "end_turn" }.to_owned()),
        ttft: Some(Duration::from_millis(u64::from(id) * 100)),
        usage: Some(TokenUsage {
            uncached_input: Some(uncached),
            cache_read: Some(cached),
            cache_write: None,
            output: Some(output),
            reasoning: None,
        }),
        cost: cost.map(|cost| Cost { total: Usd(cost), parts: None, source: PriceSource::Reported, computed: None }),
        ..GenAi::default()
    };
    sent
}

/// Somebody judges it.
fn judged(mut sent: Sent, scores: &[f64]) -> Sent {
    let evaluation = |score: &f64| Evaluation { name: "helpful".into(), score: Some(*score), ..Evaluation::default() };
    sent.translation.evaluations = scores.iter().map(evaluation).collect();
    sent
}

fn tool(of: &str, id: u8, name: &str, failure: Option<(&str, &str)>) -> Sent {
    let mut sent = span(of, id).named(&format!("execute_tool {name}"));
    sent.translation.genai.category = Category::Tool;
    sent.translation.genai.tool = Some(ToolName { name: Some(name.to_owned()), ..ToolName::default() });
    if let Some((kind, message)) = failure {
        sent.span.status.code = StatusCode::Error;
        sent.translation.error =
            Some(Failure { kind: Some(kind.to_owned()), message: Some(message.to_owned()), ..Failure::default() });
    }
    sent
}

/// A run of an agent, and what lies in it.
fn run(of: &str, within: impl IntoIterator<Item = Sent>, root: impl FnOnce(&mut Sent)) -> Vec<Sent> {
    let mut top = span(of, 200).named(&format!("invoke_agent {of}"));
    top.translation.genai.category = Category::Agent;
    top.translation.genai.agent = Some(of.to_owned());
    let now = Timestamp::now().0;
    (top.span.started, top.span.ended) = (Timestamp(now - 5_000_000_000), Some(Timestamp(now - 1_000_000_000)));
    root(&mut top);
    let (started, ended, parent) = (top.span.started, top.span.ended, top.span.id);
    let place = |mut sent: Sent| {
        (sent.span.started, sent.span.ended, sent.span.parent) = (started, ended, Some(parent));
        sent
    };
    let within: Vec<Sent> = within.into_iter().map(place).collect();
    [vec![top], within].concat()
}

/// Runs of all kinds.
fn runs() -> Store {
    let store = memory();
    let hour = 3_600_000_000_000;
    send(
        &store,
        run(
            "planner",
            [judged(call("planner", 1, "Nova-Lite", Some(50_000_000_000), [900, 100, 50]), &[0.9, 0.3])],
            |root| {
                root.translation.context.session = Some("Trip-42".into());
                root.translation.context.user = Some("ana".into());
                root.span.attributes = [("Tenant.Id".to_owned(), Value::from("ACME"))].into_iter().collect();
            },
        ),
    );
    send(
        &store,
        run(
            "writer",
            [
                call("writer", 2, "claude-sonnet", Some(2_000_000_000_000), [100, 20_000, 3_000])
                    .with_prompt("Book a Hotel in LISBON"),
                tool("writer", 3, "book_room", Some(("pydantic.ValidationError", "guests must be >= 1"))),
                judged(tool("writer", 4, "web_fetch", None), &[0.5]),
            ],
            |root| root.translation.context.session = Some("trip-42".into()),
        ),
    );
    send(
        &store,
        run("broken", [tool("broken", 3, "book_room", Some(("TimeoutError", "no answer within 30 s")))], |root| {
            root.span.status.code = StatusCode::Error;
            root.translation.error = Some(Failure::default());
            root.translation.context.user = Some("bob".into());
            (root.span.started, root.span.ended) =
                (Timestamp(Timestamp::now().0 - 3 * hour), Some(Timestamp(Timestamp::now().0 - 2 * hour)));
        }),
    );
    send(
        &store,
        run(
            "unpriced",
            [call("unpriced", 1, "own", None, [5, 0, 5]), call("unpriced", 2, "nova-lite", Some(10), [1, 0, 0])],
            |_| (),
        ),
    );
    send(
        &store,
        run("silent", [], |root| {
            root.span.attributes = [("tenant.id".to_owned(), Value::Int(42))].into_iter().collect();
        }),
    );
    let mut orphan = span("gone", 9).named("left alone");
    (orphan.span.started, orphan.span.ended) = (Timestamp(1_000), Some(Timestamp(2_000)));
    orphan.span.parent = SpanId::from_bytes(&[9; 8]).ok();
    send(&store, [orphan]);
    let mut going = span("going", 9).named("going on").unfinished();
    going.span.started = Timestamp(Timestamp::now().0 - 60_000_000_000);
    send(&store, [going]);
    store
}

const NAMES: [&str; 7] = ["planner", "writer", "broken", "unpriced", "silent", "gone", "going"];

fn found(store: &Store, text: &str) -> Vec<&'static str> {
    let filter = Filter { text: text.to_owned(), ..Filter::default() };
    let page = store.list_traces(&filter, 99).unwrap();
    assert_eq!(page.total, overview(store, filter).states.all(), "{text}: lists and sums agree");
    let pick = Pick { filter: text.to_owned(), ..Pick::default() };
    let picked: BTreeSet<TraceId> = store.picked(&pick).unwrap().into_iter().map(|picked| picked.trace).collect();
    let ids: BTreeSet<TraceId> = page.rows.iter().map(|row| row.trace).collect();
    assert_eq!(picked, ids, "{text}: exports agree with lists");
    NAMES.into_iter().filter(|name| ids.contains(&trace(name))).collect()
}

#[test]
fn terms_let_through_what_they_say() {
    let store = runs();
    let found = |text: &str| found(&store, text);
    assert_eq!(found(""), NAMES);
    assert_eq!(found("error"), ["writer", "broken"]);
    assert_eq!((found("is:failed"), found("is:recovered")), (vec!["broken"], vec!["writer"]));
    assert_eq!((found("running"), found("is:never-ended")), (vec!["going"], vec!["gone"]));
    assert_eq!(found("is:ok"), ["planner", "unpriced", "silent"]);
    assert_eq!(found("tool:book_room"), ["writer", "broken"]);
    assert_eq!(found("tool:book_room -tool:web_fetch"), ["broken"]);
    assert_eq!((found("model:nova-lite"), found("model:~SONNET")), (vec!["planner", "unpriced"], vec!["writer"]));
    assert_eq!((found("session:trip-42"), found("user:\"\" tool:~_")), (vec!["planner", "writer"], vec!["writer"]));
    assert_eq!((found("agent:planner"), found("name:writer")), (vec!["planner"], vec!["writer"]));
    assert_eq!(
        (found("cost>.10"), found("cost<$.10"), found("cost>=0")),
        (vec!["writer"], vec!["planner"], vec!["planner", "writer", "unpriced"])
    );
    assert_eq!(
        (found("dur>10m"), found("tokens>20k"), found("cache>50%")),
        (vec!["broken"], vec!["writer"], vec!["writer"])
    );
    assert_eq!((found("cache<50%"), found("ttft>=200ms")), (vec!["planner", "unpriced"], vec!["writer", "unpriced"]));
    assert_eq!((found("finish:max_tokens"), found("calls=2")), (vec!["writer", "unpriced"], vec!["unpriced"]));
    assert_eq!((found("error:validationerror"), found("error:~\"30 s\"")), (vec!["writer"], vec!["broken"]));
    assert_eq!((found("before:1h since:4h"), found("since:1h error")), (vec!["broken"], vec!["writer"]));
    assert_eq!((found("attr.tenant.id=acme"), found("attr.tenant.id:~4")), (vec!["planner"], vec!["silent"]));
    assert_eq!(found("attr.service.name=shop is:ok").len(), 3, "of the resource");
    assert_eq!(found("(tool:web_fetch or user:ana) -model:own"), ["planner", "writer"]);
}

#[test]
fn runs_are_found_and_ordered_by_the_lowest_score_that_they_were_given() {
    let store = runs();
    let found = |text: &str| found(&store, text);
    assert_eq!(
        (found("score<.5"), found("score=50%"), found("score>=0")),
        (vec!["planner"], vec!["writer"], vec!["planner", "writer"])
    );
    assert_eq!(
        (
            overview(&store, Filter::default()).scored,
            overview(&store, Filter { text: "-score>=0".into(), ..Filter::default() }).scored
        ),
        (2, 0)
    );
    let by_score = Filter { order: Order::Score, ..Filter::default() };
    let page = store.list_traces(&by_score, 2).unwrap();
    let scores: Vec<_> = page.rows.iter().map(|row| row.score.as_ref().and_then(|score| score.number)).collect();
    assert_eq!(scores, [Some(0.5), Some(0.3)], "what stands first comes last");
    let Ok(Answer::Sessions(page)) = store.answer(&Query::Sessions { filter: by_score, limit: 9 }) else {
        panic!("no sessions")
    };
    let scores: Vec<_> = page.rows.iter().map(|row| row.score.as_ref().and_then(|score| score.number)).collect();
    assert_eq!(scores[..3], [Some(0.3), Some(0.5), None]);
}

#[test]
fn what_was_spent_today_is_summed_for_itself_whatever_the_filter() {
    let store = runs();
    let today = |ago: u64| {
        let since = Timestamp(Timestamp::now().0 - ago * 60_000_000_000);
        let query =
            Query::Overview { filter: Filter { text: "tool:none".into(), ..Filter::default() }, today: Some(since) };
        let Ok(Answer::Overview(overview)) = store.answer(&query) else { panic!("no overview") };
        (overview.all.today.model_calls, overview.all.today.cost, overview.all.today.unpriced, overview.all.totals.cost)
    };
    let all = Usd(2_050_000_000_010);
    assert_eq!((today(10), today(0)), ((4, all, 1, all), (0, Usd(0), 0, all)));
}

/// B10: what failed, and ids, are found by what the screen shows of them.
#[test]
fn words_find_messages_failures_and_ids() {
    let store = runs();
    let found = |text: &str| found(&store, text);
    assert_eq!(
        (found("lisbon hotel"), found("\"hotel in lisbon\""), found("\"lisbon hotel\"")),
        (vec!["writer"], vec!["writer"], vec![])
    );
    assert_eq!(
        (found("TimeoutError"), found("\"no answer\""), found("pydantic")),
        (vec!["broken"], vec!["broken"], vec!["writer"])
    );
    assert_eq!(
        (found("-lisbon error"), found("lisbon or pydantic or ana")),
        (vec!["broken"], vec!["planner", "writer"])
    );
    let id = trace("silent").to_string();
    assert_eq!(
        (found(&id), found(&id[..8]), found(&format!("run:{}", &id[..4]))),
        (vec!["silent"], vec!["silent"], vec!["silent"])
    );
    assert_eq!(found("c800000000000007").len(), 5, "a span's id");
    assert_eq!(found("' or 1=1"), [""; 0]);
}

#[test]
fn a_text_that_is_no_filter_has_no_answer_but_the_reason() {
    let store = runs();
    let filter = Filter { text: "modle:x".into(), ..Filter::default() };
    let why = store.list_traces(&filter, 9).unwrap_err().to_string();
    assert!(why.contains("did you mean `model:`?"), "{why}");
}

#[test]
fn facets_count_the_runs_that_the_other_terms_let_through() {
    let store = runs();
    let ask = |facet, part: &str, text: &str| {
        let filter = Filter { text: text.into(), ..Filter::default() };
        let query = Query::Facets { of: vec![facet], part: part.into(), filter, limit: 9 };
        let Ok(Answer::Facets(mut found)) = store.answer(&query) else { panic!("no facets") };
        let FacetValues { rows, total, .. } = found.remove(0);
        assert_eq!(total, rows.len() as u64);
        rows.into_iter().map(|row| format!("{} {}", row.value, row.runs)).collect::<Vec<_>>()
    };
    assert_eq!(ask(Facet::Tool, "", ""), ["book_room 2", "web_fetch 1"]);
    assert_eq!(ask(Facet::Tool, "", "is:failed"), ["book_room 1"]);
    assert_eq!(ask(Facet::Tool, "FETCH", ""), ["web_fetch 1"]);
    assert_eq!(ask(Facet::Error, "", ""), ["TimeoutError 1", "ValidationError 1"]);
    assert_eq!(ask(Facet::User, "", "error"), ["bob 1"]);
    assert_eq!(ask(Facet::Session, "", ""), ["Trip-42 1", "trip-42 1"]);
    assert_eq!(ask(Facet::Finish, "", "-tool:book_room"), ["end_turn 2", "max_tokens 1"]);
}
