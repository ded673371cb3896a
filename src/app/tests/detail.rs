//! The detail follows the tree, and holds its end.

use super::*;

#[test]
fn moving_in_the_tree_scrolls_the_detail_to_the_span() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    scene.resize(120, 14);
    scene.press("j j j");
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(2)));
    let anchored = |scene: &Scene, number: usize| scene.state.detail.document().line_of(span(number));
    assert_eq!(Some(scene.state.detail.scroll().cursor), anchored(&scene, 2));
    scene.press("G");
    assert_eq!(Some(scene.state.detail.scroll().cursor), anchored(&scene, 5));
    scene.press("k");
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(4)), "a tool that the messages know nothing of");
    assert_eq!(Some(scene.state.detail.scroll().cursor), anchored(&scene, 2), "the last one before it");
}

#[test]
fn the_end_of_a_text_is_held_while_it_grows_and_a_line_chosen_by_hand_too() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    scene.press("j tab G");
    assert!(scene.state.detail.sticks());
    let mut longer = fake(1, Some("a"));
    longer.spans.push((1, Category::Llm, NodeState::Ok));
    scene.arrives(longer.clone());
    let document = scene.state.detail.document();
    assert!((0..document.len()).any(|at| document.text(at).contains("span 6")));
    assert_eq!(scene.state.detail.scroll().cursor, document.len() - 1);
    scene.press("k k");
    let held = scene.reads();
    longer.spans.push((1, Category::Llm, NodeState::Ok));
    scene.arrives(longer);
    assert!(!scene.state.detail.sticks());
    assert_eq!(scene.reads(), held);
}

#[test]
fn the_raw_tab_asks_for_the_span_and_for_a_run_its_root() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    scene.press("j h 5");
    assert_eq!(scene.state.detail.tab(), Tab::Raw);
    assert!(scene.asked.contains(&Query::Raw { trace: trace(1), span: span(1) }), "{:?}", scene.asked);
    scene.press("l j j");
    assert!(scene.asked.contains(&Query::Raw { trace: trace(1), span: span(2) }));
}
