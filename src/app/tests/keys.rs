//! Keys, clicks and sizes that do one thing at a time, and never too much.

use super::*;
use crate::app::target::Target;

#[test]
fn esc_undoes_one_thing_at_a_time_and_never_quits() {
    let mut scene = Scene::with([fake(1, Some("trip")), fake(2, Some("docs"))]).still().passes("t", &[1]);
    scene.press("/");
    scene.type_in("t");
    scene.press("enter s down enter");
    assert_eq!(scene.state.filter.session, Some(Some("trip".into())));
    scene.press("tab 5 enter ?");
    assert!(scene.state.zoomed && scene.state.focus == Focus::Detail && !scene.state.lists.is_empty());
    let shape = |scene: &Scene| {
        let state = &scene.state;
        let filter = (state.filter.session.is_some(), !state.filter.text.is_empty());
        (state.lists.len(), state.zoomed, state.focus, filter)
    };
    scene.press("esc");
    assert_eq!(shape(&scene), (0, true, Focus::Detail, (true, true)));
    scene.press("esc");
    assert_eq!(shape(&scene), (0, false, Focus::Detail, (true, true)));
    scene.press("esc");
    assert_eq!(shape(&scene), (0, false, Focus::Tree, (true, true)));
    scene.press("esc");
    assert_eq!(shape(&scene), (0, false, Focus::Tree, (false, true)));
    scene.press("esc");
    assert_eq!(shape(&scene), (0, false, Focus::Tree, (false, false)));
    assert_eq!(scene.state.back_does(), None);
    scene.press("esc esc");
    assert!(!scene.effects.contains(&Effect::Quit));
}

#[test]
fn q_closes_what_lies_on_top_and_else_quits() {
    let mut scene = Scene::with([fake(1, Some("trip"))]);
    scene.press("? q");
    assert!(scene.state.lists.is_empty() && scene.effects.is_empty());
    scene.press("q");
    assert_eq!(scene.effects, [Effect::Quit]);
}

#[test]
fn a_run_or_a_session_is_deleted_only_where_that_is_confirmed() {
    let mut scene = Scene::with([fake(1, Some("trip")), fake(2, Some("trip")), fake(3, None)]).still();
    let asked = |scene: &Scene| match scene.state.lists.last().map(|list| list.kind.clone()) {
        Some(Kind::Delete { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    scene.press("D");
    let of_session = asked(&scene);
    assert!(of_session.starts_with("session trip · 2 runs") || of_session.starts_with("every run"), "{of_session}");
    // The first choice keeps it, and so does leaving.
    scene.press("enter");
    scene.press("D / esc");
    scene.press("D q");
    assert!(scene.state.lists.is_empty() && scene.effects.is_empty());
    scene.press("l j D");
    assert!(asked(&scene).starts_with("run "), "{}", asked(&scene));
    scene.press("j enter");
    assert!(matches!(scene.effects.as_slice(), [Effect::Remove(Removal::Trace(_))]), "{:?}", scene.effects);
    scene.effects.clear();
    scene.press("g g D j enter");
    assert!(matches!(scene.effects.as_slice(), [Effect::Remove(Removal::Session(_))]), "{:?}", scene.effects);
}

#[test]
fn what_was_removed_because_of_a_limit_is_said_once() {
    let mut scene = Scene::with([fake(1, Some("trip"))]);
    let removed = Removed { traces: 3, sessions: 1, spans: 9, logs: 0 };
    let tick = |times: u64| {
        let pruned = Pruned { times, removed, because: Limit::Runs(100) };
        Event::Tick(Tick {
            now: Timestamp(2_000),
            seen: Seen { pruned: Some(pruned), ..Seen::default() },
            failing: None,
        })
    };
    scene.event(tick(1));
    let text = |scene: &Scene| scene.state.notice.as_ref().map(|notice| notice.text.clone());
    let said = "3 runs of 1 session were removed: the store keeps 100 runs (keep_runs)";
    assert_eq!(text(&scene).as_deref(), Some(said));
    scene.press("j");
    scene.event(tick(1));
    assert_eq!(text(&scene), None);
    scene.event(tick(2));
    assert_eq!(text(&scene).as_deref(), Some(said));
}

#[test]
fn what_is_wrong_with_the_stores_file_is_said_once() {
    let mut scene = Scene::with([fake(1, Some("trip"))]);
    let tick = |damage: &str| {
        let seen = Seen { damage: Some(damage.to_owned()), ..Seen::default() };
        Event::Tick(Tick { now: Timestamp(2_000), seen, failing: None })
    };
    let text = |scene: &Scene| scene.state.notice.as_ref().map(|notice| notice.text.clone());
    for damage in ["a byte was put right", "a part cannot be read"] {
        scene.event(tick(damage));
        assert_eq!(text(&scene).as_deref(), Some(damage));
        scene.press("j");
        scene.event(tick(damage));
        assert_eq!(text(&scene), None);
    }
}

#[test]
fn a_half_typed_chord_waits_and_a_wrong_second_key_ends_it() {
    let mut scene = Scene::with((1..=5).map(|number| fake(number, Some("s")))).still();
    scene.press("l G g");
    assert_eq!(scene.state.half, [Key::char('g')]);
    let held = scene.cursor();
    scene.press("x");
    assert_eq!((scene.state.half.len(), scene.cursor()), (0, held));
    scene.press("g g");
    assert_eq!(scene.state.tree.scroll().cursor, 0);
}

#[test]
fn the_mouse_selects_folds_and_scrolls() {
    let mut scene = Scene::with([fake(1, Some("a")), fake(2, Some("b"))]).still();
    let areas = scene.state.areas().expect("120x40 is large enough");
    let (tree, detail) = (areas.tree.expect("shown"), areas.detail.expect("shown"));
    let at = |column, row, does| Event::Mouse(Mouse { column, row, does });
    let sessions = scene.rows().len();
    scene.event(at(tree.rows.x, tree.rows.y, MouseDoes::Click));
    assert_eq!(scene.state.tree.cursor().and_then(|row| row.open), Some(false), "the mark closes: {:?}", scene.rows());
    assert!(scene.rows().len() < sessions);
    scene.event(at(tree.rows.x + 5, tree.rows.y + 1, MouseDoes::Click));
    assert_eq!(scene.cursor(), RowId::Session(Some("a".into())));
    scene.event(at(detail.tabs.x + 16, detail.tabs.y, MouseDoes::Click));
    assert_eq!(scene.state.detail.tab(), Tab::Tools);
    scene.event(at(detail.text.x, detail.text.y, MouseDoes::WheelDown));
    scene.event(at(500, 500, MouseDoes::Click));
    scene.press("?");
    scene.event(at(0, 0, MouseDoes::Click));
    assert!(scene.state.lists.is_empty(), "a click beside a list closes it");
}

#[test]
fn no_size_no_key_and_no_click_is_too_much() {
    let mut scene = Scene::with((1..=30).map(|number| fake(number, Some("a")))).passes("x", &[]);
    let keys = "l j G k g g ctrl-d ctrl-u tab j G 1 2 3 4 5 enter enter shift-tab h l s down enter T j q ? / esc esc / x esc F P P";
    for (columns, rows) in [(1, 1), (40, 12), (39, 11), (71, 20), (72, 19), (200, 60), (0, 0)] {
        scene.resize(columns, rows);
        scene.press(keys);
        for does in [MouseDoes::Click, MouseDoes::WheelUp, MouseDoes::WheelDown] {
            for (column, row) in [(0, 0), (columns / 2, rows / 2), (columns, rows), (u16::MAX, u16::MAX)] {
                scene.event(Event::Mouse(Mouse { column, row, does }));
            }
        }
        scene.press("esc esc esc");
    }
}

#[test]
fn a_click_on_a_text_does_what_it_says() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still().passes("is:failed", &[]);
    scene.press("j j");
    assert_eq!(scene.state.tree.path().len(), 3);
    scene.event(Event::Chose(Target::Above(1)));
    assert_eq!(scene.cursor(), RowId::Trace(trace(1)));
    scene.event(Event::Chose(Target::Above(9)));
    assert_eq!(scene.cursor(), RowId::Trace(trace(1)), "there is nothing so far above");
    scene.press("H");
    assert_eq!(scene.state.tree.path().len(), 3, "and the way back is known");
    scene.event(Event::Chose(Target::Key(Key::char('y'))));
    assert!(scene.state.following().len() > 3, "what may follow is shown");
    scene.press("esc");
    scene.event(Event::Chose(Target::Filter("is:failed")));
    assert_eq!(scene.state.filter.text, "is:failed");
}
