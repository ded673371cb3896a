//! Filters: by text, by session; another store.

use super::*;

#[test]
fn the_filter_is_applied_while_it_is_typed_and_undone_by_leaving() {
    let mut scene = Scene::with([fake(1, Some("trip")), fake(2, Some("docs"))]).still();
    scene = scene.passes("tr", &[1]).passes("docs ", &[2]);
    scene.press("/");
    scene.type_in("tr");
    assert_eq!(scene.state.filter.text, "tr");
    assert_eq!(scene.rows()[..2], [RowId::Session(Some("trip".into())), RowId::Trace(trace(1))]);
    assert!(!scene.rows().contains(&RowId::Trace(trace(2))));
    assert_eq!(scene.cursor(), RowId::Trace(trace(1)), "the way to the first match is open");
    scene.press("backspace backspace");
    scene.type_in("docs");
    assert_eq!(scene.cursor(), RowId::Trace(trace(2)));
    assert_eq!(scene.rows()[..2], [RowId::Session(Some("docs".into())), RowId::Trace(trace(2))]);
    scene.press("esc");
    assert_eq!((scene.state.filter.text.as_str(), scene.rows().len() >= 2), ("", true));
    assert_eq!(scene.cursor(), RowId::Trace(trace(2)), "what was found stays");
    scene.press("/");
    scene.event(Event::Paste("doc\u{1b}s\n".into()));
    scene.press("enter");
    assert_eq!((scene.state.filter.text.as_str(), scene.state.line.is_none()), ("docs ", true));
    scene.press("/ ctrl-u");
    assert_eq!(scene.state.filter.text, "");
    scene.press("esc");
    assert_eq!(scene.state.filter.text, "docs ", "leaving undoes the clearing too");
}

#[test]
fn an_empty_answer_to_a_filter_is_not_an_empty_store() {
    let mut scene = Scene::with([fake(1, Some("trip"))]).still().passes("xyz", &[]);
    scene.press("/");
    scene.type_in("xyz");
    assert_eq!((scene.rows().len(), scene.state.stage()), (0, Stage::Browsing));
}

#[test]
fn picking_a_session_filters_by_it_and_opens_it() {
    let mut scene = Scene::with([fake(1, Some("trip")), fake(2, Some("docs")), fake(3, None)]).still();
    scene.press("s");
    let list = scene.state.lists.last().expect("the list is open");
    assert_eq!((list.kind.clone(), list.counts().0), (Kind::Sessions, 3), "runs without one can be picked too");
    scene.type_in("tri");
    assert_eq!(scene.state.lists.last().map(|list| list.counts().1), Some(1), "the list narrows as one types");
    scene.press("enter");
    assert_eq!(scene.rows(), [RowId::Session(Some("trip".into())), RowId::Trace(trace(1))]);
    assert_eq!(scene.cursor(), RowId::Session(Some("trip".into())));
    scene.press("s");
    assert!(scene.state.lists.last().is_some_and(|list| list.counts().0 == 4), "and all sessions");
    scene.type_in("(no");
    scene.press("enter");
    assert_eq!(scene.rows()[..2], [RowId::Session(None), RowId::Trace(trace(3))]);
}

#[test]
fn another_store_forgets_all_of_the_first() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still().passes("a", &[1]);
    scene.press("/");
    scene.type_in("a");
    scene.store.traces = vec![fake(7, Some("demo"))];
    scene.event(Event::Opened(Mode::Demo));
    assert_eq!((scene.state.filter.is_empty(), scene.state.lamp()), (true, Lamp::Demo));
    assert!(scene.rows().contains(&RowId::Session(Some("demo".into()))));
    assert!(!scene.rows().contains(&RowId::Session(Some("a".into()))));
}

/// What the line offers, as it is shown.
fn offered(scene: &Scene) -> Vec<String> {
    scene.state.offers().into_iter().map(|offer| offer.text).collect()
}

fn typed(scene: &Scene) -> &str {
    scene.state.line.as_ref().map_or("(closed)", |line| line.text())
}

#[test]
fn a_text_that_is_no_filter_leaves_what_the_last_good_one_let_through() {
    let mut scene = Scene::with([fake(1, Some("trip")), fake(2, Some("docs"))]).still().passes("trip modle", &[1]);
    scene.press("/");
    scene.type_in("trip modle:");
    let problem = scene.state.filter_problem().expect("`modle:` is none");
    assert_eq!((problem.from, problem.to, problem.unfinished), (5, 11, false));
    assert_eq!(scene.state.filter.text, "trip modle");
    let rows = scene.rows();
    assert!(rows.contains(&RowId::Trace(trace(1))) && !rows.contains(&RowId::Session(Some("docs".into()))), "{rows:?}");
    scene.press("enter");
    assert_eq!(typed(&scene), "trip modle:", "it stays open, and the notice says why");
    assert!(scene.state.notice.as_ref().is_some_and(|notice| notice.text.contains("did you mean `model:`?")));
    scene.press("esc");
    assert_eq!((typed(&scene), scene.state.filter.text.as_str()), ("(closed)", ""));
}

#[test]
fn keys_states_and_values_complete() {
    let mut scene =
        Scene::with([fake(1, Some("trip"))]).still().passes("model:\"model other one\" ", &[1]).passes("err", &[]);
    scene.store.passing.extend([("m", vec![1]), ("mo", vec![1]), ("e", vec![1]), ("error ", vec![1]), ("er", vec![])]);
    scene.press("/");
    assert!(offered(&scene).is_empty(), "nothing lies over the runs before anything is typed");
    scene.press("tab");
    assert_eq!(offered(&scene)[..3], ["error", "loop", "running"]);
    scene.type_in("mo");
    assert_eq!(offered(&scene), ["model:"]);
    scene.press("tab");
    assert_eq!(
        (typed(&scene), scene.state.filter.text.as_str()),
        ("model:", ""),
        "what is not finished narrows nothing"
    );
    assert_eq!(offered(&scene), ["model one", "model other one", "model another"]);
    assert_eq!(scene.state.offers()[0].note, "9 runs");
    scene.press("down down up down enter");
    assert_eq!(typed(&scene), "model:\"model other one\" ");
    assert_eq!(scene.state.filter.text, "model:\"model other one\" ");
    scene.press("ctrl-u");
    scene.type_in("er");
    assert_eq!(offered(&scene)[..2], ["error", "error:"]);
    scene.press("tab");
    assert_eq!(typed(&scene), "error ");
}

#[test]
fn filters_of_before_are_offered_again() {
    let mut scene = Scene::with([fake(1, Some("trip"))]).still().passes("trip", &[1]).passes("docs", &[]);
    scene.press("/ ctrl-r");
    assert!(scene.state.notice.is_some() && offered(&scene).is_empty(), "there are none yet");
    scene.type_in("trip");
    scene.press("enter / ctrl-u");
    scene.type_in("docs");
    scene.press("enter / ctrl-u ctrl-r");
    assert_eq!(offered(&scene), ["docs", "trip"]);
    scene.press("down down enter");
    assert_eq!((typed(&scene), scene.state.filter.text.as_str()), ("trip", "trip"));
    scene.press("enter");
    assert_eq!(typed(&scene), "(closed)");
}

#[test]
fn a_facet_and_the_value_under_the_cursor_are_added_to_the_filter() {
    let mut scene = Scene::with([fake(1, Some("trip")), fake(2, Some("docs"))]).still();
    scene.store.passing.extend([("agent:\"agent one\"", vec![1, 2]), ("agent:\"agent one\" session:docs", vec![2])]);
    scene.press("f");
    assert!(matches!(scene.state.lists.last().map(|list| &list.kind), Some(Kind::Facets)));
    scene.press("enter");
    assert_eq!(scene.state.filter.text, "agent:\"agent one\"");
    scene.press("g g *");
    assert_eq!(scene.state.filter.text, "agent:\"agent one\" session:docs");
    scene.press("g g *");
    assert_eq!(scene.state.filter.text, "agent:\"agent one\" session:docs", "once");
    scene.press("esc");
    assert_eq!(scene.state.filter.text, "");
}

#[test]
fn runs_are_ordered_by_what_they_cost_until_the_newest_are_followed_again() {
    let mut scene = Scene::with([fake(1, Some("trip")), fake(2, Some("docs"))]).still();
    scene.press("G , c");
    assert_eq!(scene.state.tree.scroll().cursor, 0, "where the dearest is");
    assert_eq!((scene.state.filter.order, scene.state.filter.is_empty()), (crate::model::Order::Cost, true));
    assert!(scene.state.notice.is_some() && !scene.state.follows());
    scene.press("F");
    assert_eq!((scene.state.filter.order, scene.state.follows()), (crate::model::Order::Newest, true));
}
