//! The detail follows the tree, and holds its end.

use super::*;
use crate::app::Side;

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
    assert!(scene.state.detail.on(Side::Main).sticks());
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
    assert!(!scene.state.detail.on(Side::Main).sticks());
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

#[test]
fn the_prompt_of_the_call_at_the_cursor_lies_over_the_messages_until_esc() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    scene.press("j j j a");
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(2)));
    assert_eq!(scene.state.detail.over(), Some(Over::Prompt { full: false }));
    assert!(
        scene.state.detail.document().text(0).contains("prompt of turn 1"),
        "{}",
        scene.state.detail.document().text(0)
    );
    scene.press("G");
    assert!(scene.state.detail.document().text(0).contains("prompt of turn 2"), "it follows the tree's cursor");
    scene.press("a");
    assert_eq!(scene.state.detail.over(), Some(Over::Prompt { full: true }));
    scene.press("esc");
    assert_eq!(scene.state.detail.over(), None);
    scene.press("a 4");
    assert_eq!((scene.state.detail.over(), scene.state.detail.tab()), (None, Tab::Cost), "a tab takes its place");
}

#[test]
fn a_run_is_marked_and_another_is_compared_with_it() {
    let mut scene = Scene::with([fake(1, Some("a")), fake(2, Some("b"))]).still();
    scene.press("g g l j c");
    let marked = scene.state.detail.mark().map(Mark::row);
    assert!(matches!(marked, Some(RowId::Trace(_))), "{marked:?}");
    assert_eq!(scene.state.detail.over(), None);
    scene.press("c");
    assert_eq!(scene.state.detail.mark(), None, "once more on the same row takes the mark away");
    scene.press("c G l j c");
    assert_eq!(scene.state.detail.over(), Some(Over::Comparison), "{:?}", scene.cursor());
    let Some(RowId::Trace(first)) = marked else { unreachable!() };
    assert!(scene.asked.contains(&Query::Detail { subject: Subject::Trace(first) }));
    assert!(scene.state.detail.document().text(0).starts_with("A "));
    scene.press("esc");
    assert_eq!(scene.state.detail.over(), None);
    assert!(scene.state.detail.mark().is_some(), "the mark stays for another comparison");
    scene.press("esc");
    assert_eq!(scene.state.detail.mark(), None);
}

#[test]
fn a_phrase_is_looked_for_while_it_is_typed_and_gone_through_from_place_to_place() {
    let mut scene = Scene::with([fake(1, None)]).still();
    scene.press("j tab G /");
    scene.type_in("said by");
    let count = |scene: &Scene| scene.state.detail.found_count().map(|count| (count.at, count.all, count.goes_on));
    assert_eq!(count(&scene), Some((Some(1), 2, false)), "behind the end there is none, so the first one is found");
    assert!(scene.reads().contains("said by span 2"), "{}", scene.reads());
    scene.press("enter n");
    assert!(scene.reads().contains("said by span 5"), "{}", scene.reads());
    scene.press("n");
    assert_eq!(count(&scene), Some((Some(1), 2, false)), "from the end on at the start");
    assert!(scene.state.notice.is_some());
    scene.press("N");
    assert!(scene.reads().contains("said by span 5"), "{}", scene.reads());
    scene.press("esc");
    assert_eq!((count(&scene), scene.state.focus), (None, Focus::Detail), "the first Esc only ends the search");
}

#[test]
fn leaving_the_line_leaves_the_text_where_it_stood() {
    let mut scene = Scene::with([fake(1, None)]).still();
    scene.press("j tab j j");
    let before = (scene.reads(), scene.state.detail.scroll());
    scene.press("/");
    scene.type_in("span 5");
    assert_ne!(scene.reads(), before.0);
    scene.press("esc");
    assert_eq!((scene.reads(), scene.state.detail.scroll()), before);
    assert_eq!(scene.state.detail.finds(), None);
}

#[test]
fn what_nobody_said_is_not_found_and_that_is_told() {
    let mut scene = Scene::with([fake(1, None)]).still();
    scene.press("j tab /");
    scene.type_in("Said by");
    scene.press("enter");
    let notice = scene.state.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default();
    assert!(notice.contains("`Said by`"), "a capital letter makes case matter: {notice}");
}

#[test]
fn a_wide_screen_shows_another_tab_beside_the_messages() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    scene.resize(200, 60);
    scene.press("j j j");
    let tabs = |scene: &Scene| [Side::Main, Side::Beside].map(|side| scene.state.detail.on(side).tab());
    let lines = |scene: &Scene| [Side::Main, Side::Beside].map(|side| scene.state.detail.on(side).document().len());
    assert_eq!(tabs(&scene), [Tab::Messages, Tab::Timeline]);
    assert!(lines(&scene).iter().all(|lines| *lines > 0));
    let pane = |scene: &Scene| (scene.state.focus, scene.state.detail.side());
    for expected in [(Focus::Detail, Side::Main), (Focus::Detail, Side::Beside), (Focus::Tree, Side::Main)] {
        scene.press("tab");
        assert_eq!(pane(&scene), expected);
    }
    scene.press("shift-tab 2");
    assert_eq!(tabs(&scene), [Tab::Messages, Tab::Tools], "keys are for the pane that has them");
    scene.press("1");
    assert_eq!(tabs(&scene), [Tab::Tools, Tab::Messages], "no tab is shown twice");
    scene.press("1 shift-tab 1");
    assert_eq!(pane(&scene), (Focus::Detail, Side::Main));
    assert_eq!(tabs(&scene), [Tab::Messages, Tab::Timeline]);
    scene.press("a");
    assert!(scene.state.detail.over().is_some());
    scene.press("tab");
    assert_eq!(scene.state.detail.over(), None, "what lies over the messages lies over nothing else");
    scene.press("esc");
    assert!(scene.state.detail.over().is_some() && scene.state.focus == Focus::Tree);
}

#[test]
fn a_third_pane_that_loses_its_room_is_read_on_in_the_other_one() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    scene.resize(200, 60);
    scene.press("j j j shift-tab");
    assert_eq!(scene.state.detail.tab(), Tab::Timeline);
    scene.resize(120, 40);
    assert_eq!((scene.state.detail.side(), scene.state.detail.tab()), (Side::Main, Tab::Timeline));
    scene.resize(200, 60);
    scene.press("shift-tab shift-tab esc");
    assert_eq!(scene.state.focus, Focus::Tree);
}

#[test]
fn both_panes_are_prepared_with_the_answer() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    scene.resize(200, 60);
    let tabs: Vec<Tab> = scene.state.detail.tabs().collect();
    assert_eq!(tabs, [Tab::Messages, Tab::Timeline]);
    scene.press("j shift-tab 5");
    assert!(
        scene.asked.iter().any(|query| matches!(query, Query::Raw { .. })),
        "a span that only the third pane shows"
    );
}

#[test]
fn lines_are_selected_by_moves_and_copied_as_one_text() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    let copied = |scene: &Scene| match scene.effects.last() {
        Some(Effect::Copy { text, what }) => (what.clone(), text.clone()),
        other => panic!("{other:?}"),
    };
    scene.press("j V");
    assert_eq!((scene.state.focus, scene.state.context()), (Focus::Detail, Context::Selecting));
    scene.press("G");
    let all = scene.state.detail.document().len();
    assert_eq!(scene.state.detail.selected_lines(), Some(0..all));
    scene.press("y");
    let (what, text) = copied(&scene);
    assert!(what.ends_with(" lines") && !scene.state.detail.is_selecting(), "{what}");
    assert!(text.contains("said by span 2\n") && text.contains("said by span 5\n"), "{text}");
    assert!(!text.contains('─') && !text.contains('━') && !text.ends_with("\n\n\n"), "{text}");
    scene.press("V k esc");
    assert_eq!(
        (scene.state.context(), scene.state.focus),
        (Context::Detail, Focus::Detail),
        "Esc ends it, and no more"
    );
    scene.press("V 2");
    assert_eq!(scene.state.context(), Context::Selecting, "no other key leads away from it");
    scene.press("V");
    assert_eq!(scene.state.context(), Context::Detail);
}

#[test]
fn a_double_click_counts_once() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    scene.press("g g");
    let tree = scene.state.areas().and_then(|areas| areas.tree).expect("it is shown").rows;
    let (column, row) = (tree.x + 8, tree.y);
    let click = Event::Mouse(Mouse { column, row, does: MouseDoes::Click });
    let again = Event::DoubleClick { column, row };
    let rows = |scene: &Scene| scene.state.tree.rows().len();
    let before = rows(&scene);
    scene.event(click.clone());
    let after = rows(&scene);
    assert_ne!(after, before, "a click on the row with the cursor opens or closes it");
    scene.event(again.clone());
    assert_eq!(rows(&scene), after, "the second click of two does nothing more");
    scene.event(click.clone());
    assert_eq!(rows(&scene), before);
    scene.press("j");
    scene.event(click);
    assert_eq!(rows(&scene), before, "elsewhere a click only chooses");
    scene.event(again);
    assert_eq!(rows(&scene), after, "and the second one opens what was chosen");
}

#[test]
fn the_mouse_selects_what_it_is_dragged_over_and_opens_nothing() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    scene.press("j");
    let text = scene.state.areas().and_then(|areas| areas.detail).expect("it is shown").text;
    let at = |row, does| Event::Mouse(Mouse { column: text.x + 3, row, does });
    let length = scene.state.detail.document().len();
    for row in 0..3 {
        scene.event(at(text.y + row, MouseDoes::Click));
        scene.event(at(text.y + row, MouseDoes::Drag));
        assert!(!scene.state.detail.is_selecting(), "it is still where it went down");
        scene.event(at(text.y + row + 1, MouseDoes::Drag));
        scene.event(at(text.y + row + 2, MouseDoes::Drag));
        scene.event(at(text.y + row + 2, MouseDoes::Release));
        let first = usize::from(row);
        assert_eq!(scene.state.detail.selected_lines(), Some(first..first + 3));
        assert_eq!(scene.state.detail.document().len(), length, "no fold was left otherwise");
    }
    scene.event(at(0, MouseDoes::Drag));
    assert_eq!(scene.state.detail.selected_lines().map(|lines| lines.len()), Some(3), "the button is up");
    scene.event(at(text.y, MouseDoes::Click));
    assert!(!scene.state.detail.is_selecting());
}
