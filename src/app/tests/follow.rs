//! Following the newest run.

use super::*;

#[test]
fn following_goes_to_the_newest_span_and_ends_with_the_first_move_by_hand() {
    let mut scene = Scene::with([fake(1, Some("a"))]);
    assert!(scene.state.follows());
    scene.arrives(fake(2, Some("b")));
    assert_eq!(scene.cursor(), RowId::Span(trace(2), span(5)));
    let mut longer = fake(2, Some("b"));
    longer.spans.push((1, Category::Tool, NodeState::Running));
    scene.arrives(longer);
    assert_eq!(scene.cursor(), RowId::Span(trace(2), span(6)));
    scene.press("k");
    let held = scene.cursor();
    assert!(!scene.state.follows());
    scene.arrives(fake(3, Some("a")));
    assert_eq!(scene.cursor(), held);
    scene.press("F");
    assert!(scene.state.follows());
    assert_eq!(scene.cursor(), RowId::Span(trace(3), span(5)));
}

#[test]
fn whoever_reads_is_not_taken_elsewhere() {
    let mut scene = Scene::with([fake(1, Some("a"))]);
    scene.press("tab");
    assert!(scene.state.follows(), "going to the other pane moves nothing");
    scene.press("k");
    let (held, read) = (scene.cursor(), scene.reads());
    scene.arrives(fake(2, Some("b")));
    assert_eq!((scene.cursor(), scene.reads()), (held, read));
}

#[test]
fn following_never_goes_back_to_a_run_that_started_earlier() {
    let mut scene = Scene::with([fake(1, Some("a")), fake(2, Some("b"))]);
    scene.arrives(fake(3, Some("b")));
    scene.arrives(Fake { last_seen: 50, ..fake(1, Some("a")) });
    assert!(matches!(scene.cursor(), RowId::Span(followed, _) if followed == trace(3)));
}
