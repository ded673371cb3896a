//! What happens around the one who reads: sums, news above the window, what is followed, the terminal's colours.

use super::*;
use crate::model::RunState;

/// What a program does around its agent: no model, no tool.
fn machinery(number: u8) -> Fake {
    Fake { spans: vec![(0, Category::Span, NodeState::Ok)], ..fake(number, None) }
}

fn title(scene: &Scene) -> usize {
    scene.state.tree.new_above()
}

#[test]
fn the_sums_count_a_run_that_settles_in_a_closed_session_as_its_row_does() {
    let mut scene = Scene::with([fake(1, Some("a")), fake(2, Some("b"))]).still();
    scene.press("g g h");
    assert_eq!(scene.rows()[0], RowId::Session(Some("b".into())));
    scene.arrives(fake(3, Some("b")));
    let Content::Session(session) = scene.state.tree.content(&scene.state.tree.rows()[0]) else { panic!() };
    let settles = scene.state.session_state(session) == RunState::Running;
    assert_eq!(scene.state.running() > 0, settles, "the row and the sums say the same");
    assert_eq!(scene.state.run_counts().is_some_and(|tally| tally.running > 0), settles);
}

#[test]
fn sessions_that_come_above_the_window_are_counted_until_someone_looks() {
    let many = (1..=60).map(|number| fake(number, Some(["a", "b", "c", "d"][usize::from(number % 4)])));
    let mut scene = Scene::with(many).still();
    assert_eq!(title(&scene), 0);
    scene.arrives(fake(70, Some("new")));
    scene.arrives(fake(71, Some("newer")));
    assert_eq!(title(&scene), 2);
    scene.arrives(fake(72, Some("newer")));
    assert_eq!(title(&scene), 2, "a session is counted once");
    scene.press("k");
    assert!(title(&scene) < 2, "one of them was seen");
    scene.press("g g");
    assert_eq!(title(&scene), 0);
    scene.press("G");
    assert_eq!(title(&scene), 0, "what is left behind by hand is no news");
}

#[test]
fn the_session_one_reads_in_is_no_news_when_it_grows_out_of_the_window() {
    let mut scene = Scene::with([fake(1, Some("a"))]);
    scene.resize(120, 14);
    for number in 2..20 {
        scene.arrives(fake(number, Some("a")));
        assert_eq!(title(&scene), 0);
    }
    scene.press("G");
    for number in 20..30 {
        scene.arrives(fake(number, Some("a")));
        assert_eq!(title(&scene), 0);
    }
    assert!(scene.state.tree.scroll().top() > 0);
}

#[test]
fn what_another_filter_shows_above_the_window_is_no_news() {
    let mut scene = Scene::with((1..=8).map(|number| fake(number, Some(["old", "new"][usize::from(number > 4)]))));
    scene = scene.passes("old", &[1, 2, 3, 4]);
    scene.press("/");
    scene.type_in("old");
    scene.press("enter g g");
    scene.press("esc");
    assert_eq!(title(&scene), 0);
}

#[test]
fn following_passes_over_what_is_no_agents_work_while_there_is_some() {
    let mut scene = Scene::with([machinery(1)]);
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(1)), "there is nothing better");
    scene.arrives(fake(2, Some("a")));
    scene.arrives(machinery(3));
    assert!(matches!(scene.cursor(), RowId::Span(followed, _) if followed == trace(2)), "{:?}", scene.cursor());
    scene.arrives(fake(4, Some("a")));
    assert!(matches!(scene.cursor(), RowId::Span(followed, _) if followed == trace(4)));
}

#[test]
fn the_theme_follows_the_terminals_background_until_someone_chooses() {
    let mut scene = Scene::with([fake(1, None)]);
    scene.event(Event::Fits("light"));
    assert_eq!(scene.effects, [Effect::SetTheme("light".into())]);
    scene.event(Event::Fits("light"));
    assert_eq!(scene.effects.len(), 1);
    scene.press("T G");
    scene.event(Event::Fits("dark"));
    assert_eq!(scene.state.theme, "plain", "someone is choosing");
    scene.press("esc");
    assert_eq!(scene.state.theme, "light");
    scene.event(Event::Fits("dark"));
    scene.press("T G enter");
    scene.event(Event::Fits("light"));
    assert_eq!(scene.state.theme, "plain");
}
