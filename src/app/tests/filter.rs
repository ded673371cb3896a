//! Filters: by text, by session; another store.

use super::*;

#[test]
fn the_filter_is_applied_while_it_is_typed_and_undone_by_leaving() {
    let mut scene = Scene::with([fake(1, Some("trip")), fake(2, Some("docs"))]).still();
    scene = scene.passes("tr", &[1]).passes("docs ", &[2]);
    scene.press("/");
    scene.type_in("tr");
    assert_eq!(scene.state.filter.text, "tr");
    assert_eq!(scene.rows(), [RowId::Session(Some("trip".into()))]);
    scene.press("esc");
    assert_eq!((scene.state.filter.text.as_str(), scene.rows().len() >= 2), ("", true));
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
    scene.press("j j enter");
    assert_eq!(scene.rows(), [RowId::Session(Some("trip".into())), RowId::Trace(trace(1))]);
    assert_eq!(scene.cursor(), RowId::Session(Some("trip".into())));
    scene.press("s");
    assert!(scene.state.lists.last().is_some_and(|list| list.counts().0 == 4), "and all sessions");
    scene.press("g g j enter");
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
