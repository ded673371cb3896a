//! Rows of the tree: what arrives leaves the cursor where it is; folding, machinery, asking for more.

use super::*;

#[test]
fn many_rows_are_opened_and_closed_at_once() {
    let mut scene = Scene::with([fake(1, Some("a")), fake(2, Some("a")), fake(3, Some("b"))]).still();
    scene.press("z M");
    let all = scene.rows().len();
    assert!(scene.rows().iter().all(|row| !matches!(row, RowId::Trace(_))), "{:?}", scene.rows());
    scene.press("z M");
    assert!(scene.state.notice.is_some() && scene.rows().len() == all, "it says that there is nothing to close");
    scene.press("g g z R z R z R");
    let runs = scene.rows().iter().filter(|row| matches!(row, RowId::Trace(_))).count();
    let spans = scene.rows().iter().filter(|row| matches!(row, RowId::Span(..))).count();
    assert!(runs > 0 && spans > 0, "{:?}", scene.rows());
    scene.press("z a");
    assert_eq!(scene.rows().len(), all, "the session is closed");
    scene.press("z a");
    assert!(scene.rows().len() > all);
}

#[test]
fn the_cursor_and_its_line_stay_when_rows_arrive_above_and_below() {
    let mut scene = Scene::with((1..=9).map(|number| fake(number, Some("old")))).still();
    scene.press("l j h j j");
    let (held, line) = (scene.cursor(), scene.line());
    assert_eq!(held, RowId::Trace(trace(7)), "the newest stands on top");
    scene.arrives(fake(20, Some("new")));
    assert_eq!(scene.rows().first(), Some(&RowId::Session(Some("new".into()))));
    assert_eq!((scene.cursor(), scene.line()), (held.clone(), line));
    scene.arrives(Fake { last_seen: 30, ..fake(10, Some("old")) });
    assert_eq!(scene.rows().first(), Some(&RowId::Session(Some("old".into()))), "the sessions changed places");
    assert_eq!((scene.cursor(), scene.line()), (held, line));
}

#[test]
fn rows_are_not_left_above_a_window_that_has_room_for_them() {
    let mut scene = Scene::with((1..=9).map(|number| fake(number, Some("old"))));
    let line = |scene: &Scene| scene.rows().iter().position(|row| *row == scene.cursor());
    assert!(scene.state.follow.is_on());
    scene.arrives(fake(20, Some("new")));
    scene.arrives(Fake { last_seen: 30, ..fake(10, Some("old")) });
    assert_eq!(Some(scene.line()), line(&scene), "what is followed is seen with all that is above it");
    // Who reads closes everything: nothing is left above the window.
    scene.press("j");
    for number in 30..40 {
        scene.arrives(fake(number, Some(["a", "b", "c"][usize::from(number % 3)])));
    }
    assert_ne!(Some(scene.line()), line(&scene), "who reads goes on reading it where it was");
    scene.press("z M");
    assert_eq!(Some(scene.line()), line(&scene));
}

#[test]
fn the_cursor_goes_to_the_nearest_row_when_its_own_vanishes() {
    let mut scene = Scene::with((1..=5).map(|number| fake(number, Some("s")))).still();
    scene.press("l j h j j");
    scene.store.traces.retain(|fake| fake.number != 3);
    scene.changed();
    assert_eq!(scene.cursor(), RowId::Trace(trace(2)));
    scene.store.traces.clear();
    scene.changed();
    assert_eq!(scene.state.tree.cursor(), None);
    scene.press("j k G g g enter h l");
}

#[test]
fn what_stood_for_the_unknown_gives_way_to_the_first_row_beneath() {
    let mut scene = Scene::with([fake(1, Some("a")), fake(2, Some("b"))]).still();
    scene.press("G");
    scene.silent = Some(Vec::new());
    scene.press("l j");
    assert_eq!(scene.cursor(), RowId::NoTraces(Some("a".into())));
    let kept = scene.silent.take().unwrap_or_default();
    for (slot, ticket, query) in kept {
        let answer = scene::Store::answer(&scene.store, &query, scene.state.now);
        scene.event(Event::Answered { slot, ticket, answer, prepared: None });
    }
    assert_eq!(scene.cursor(), RowId::Trace(trace(1)));
}

#[test]
fn folding_closes_a_branch_and_then_goes_to_its_parent() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    assert_eq!(scene.cursor(), RowId::Session(Some("a".into())));
    scene.press("G");
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(5)));
    scene.press("h");
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(1)));
    scene.press("h");
    assert_eq!(scene.state.tree.cursor().and_then(|row| row.open), Some(false));
    scene.press("h h h");
    assert_eq!(scene.cursor(), RowId::Session(Some("a".into())));
    assert_eq!(scene.rows().len(), 2, "the run is closed, the session open: {:?}", scene.rows());
    scene.press("enter");
    assert_eq!(scene.state.focus, Focus::Detail, "what is open is gone into");
}

/// Depth, and how many spans are folded away, of the rows of a trace's spans.
fn span_rows(scene: &Scene, of: u8) -> Vec<(usize, usize)> {
    let rows = scene.state.tree.rows().iter().filter(|row| matches!(row.id, RowId::Span(id, _) if id == trace(of)));
    rows.map(|row| match scene.state.tree.content(row) {
        Content::Span { folded, .. } => (row.depth, folded),
        other => panic!("{other:?}"),
    })
    .collect()
}

#[test]
fn libraries_leaves_and_plumbing_are_counted_at_their_parent_unless_they_failed_or_are_all_there_is() {
    use Category::{Agent, Chain, Db, Http, Llm, Span, Tool};
    let mut mixed = fake(1, None);
    mixed.spans = vec![
        (0, Agent, NodeState::Ok),
        (1, Chain, NodeState::Ok),
        (2, Http, NodeState::Ok),
        (3, Db, NodeState::Ok),
        (2, Tool, NodeState::Ok),
        (1, Db, NodeState::Error),
        (1, Http, NodeState::Running),
        (1, Llm, NodeState::Ok),
    ];
    mixed.plumbing = &[1];
    let plain = Fake { spans: vec![(0, Http, NodeState::Ok), (1, Db, NodeState::Ok)], ..fake(2, None) };
    let mut own = fake(3, None);
    own.spans = vec![
        (0, Agent, NodeState::Ok),
        (1, Http, NodeState::Ok),
        (2, Span, NodeState::Ok),
        (1, Span, NodeState::Ok),
        (1, Http, NodeState::Ok),
        (2, Span, NodeState::Ok),
    ];
    own.plumbing = &[5];
    let opened = |fake: Fake| {
        let number = fake.number;
        let mut scene = Scene::with([fake]).still();
        scene.press("j l");
        span_rows(&scene, number)
    };
    assert_eq!(opened(mixed), [(2, 3), (3, 0), (3, 0), (3, 0), (3, 0)], "the tool is lifted to the agent");
    assert_eq!(opened(plain), [(2, 0), (3, 0)], "without anything better the machinery is shown");
    assert_eq!(opened(own), [(2, 2), (3, 0), (4, 0), (3, 0)], "a program's own spans are steps");
}

#[test]
fn what_is_folded_away_at_a_row_opens_and_folds_again() {
    use Category::{Agent, Chain, Db, Http, Tool};
    let mut mixed = fake(1, None);
    mixed.spans = vec![
        (0, Agent, NodeState::Ok),
        (1, Chain, NodeState::Ok),
        (2, Http, NodeState::Ok),
        (3, Db, NodeState::Ok),
        (2, Tool, NodeState::Ok),
        (3, Db, NodeState::Ok),
    ];
    mixed.plumbing = &[1];
    let mut scene = Scene::with([mixed]).still();
    scene.press("j l j");
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(1)));
    assert_eq!(span_rows(&scene, 1), [(2, 3), (3, 1)]);
    scene.press("l");
    assert_eq!(span_rows(&scene, 1), [(2, 0), (3, 0), (4, 0), (5, 0), (4, 1)], "the tool has one of its own");
    scene.press("j j j j l");
    assert_eq!(span_rows(&scene, 1), [(2, 0), (3, 0), (4, 0), (5, 0), (4, 0), (5, 0)]);
    scene.press("k k k k h");
    assert_eq!(span_rows(&scene, 1), [(2, 3), (3, 0), (4, 0)], "the branch stays open");
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(1)));
    scene.press("h");
    assert_eq!(span_rows(&scene, 1), [(2, 0)]);
}

#[test]
fn more_traces_are_asked_for_by_going_to_where_they_are() {
    let mut scene = Scene::with((1..=250).map(|number| fake(number, Some("long")))).still();
    let traces = |scene: &Scene| scene.rows().iter().filter(|row| matches!(row, RowId::Trace(_))).count();
    assert_eq!(scene.rows().last(), Some(&RowId::Earlier(Some("long".into()))));
    assert_eq!(traces(&scene), 200);
    let length = scene.state.tree.length();
    for _ in 0..10 {
        scene.press("ctrl-d ctrl-d");
    }
    assert_eq!(traces(&scene), 250);
    assert!(!scene.rows().contains(&RowId::Earlier(Some("long".into()))), "nothing stands for them any more");
    scene.press("g g");
    assert_eq!(traces(&scene), 200, "what lies far away is let go of");
    scene.press("G");
    assert_eq!(scene.cursor(), RowId::Trace(trace(1)), "the last is the oldest of all");
    assert_eq!((scene.rows().len() as u64, scene.state.tree.length()), (length, length), "as many as were promised");
}

#[test]
fn runs_without_a_model_call_are_one_row_beneath_the_others_while_there_is_no_filter() {
    let quiet = |number| Fake { spans: vec![(0, Category::Http, NodeState::Ok)], ..fake(number, Some("a")) };
    let mut scene = Scene::with([quiet(1), fake(2, Some("a")), quiet(3), quiet(4)]).passes("x", &[1, 2, 3, 4]).still();
    scene.press("l");
    let [session, group] = [RowId::Session(Some("a".into())), RowId::Quiet(Some("a".into()))];
    let run = |number| RowId::Trace(trace(number));
    scene.press("j h");
    assert_eq!(scene.rows(), [session.clone(), run(2), group.clone()]);
    scene.press("j l");
    assert_eq!(scene.rows(), [session, run(2), group.clone(), run(4), run(3), run(1)]);
    scene.press("j j h");
    assert_eq!(scene.cursor(), group);
    scene.press("/");
    scene.type_in("x");
    assert!(!scene.rows().contains(&group) && scene.rows().contains(&run(3)));
}

#[test]
fn a_long_list_has_headings_of_its_days_which_the_cursor_passes_over() {
    const DAY: u64 = 24 * 3_600_000_000_000;
    let names: Vec<&'static str> = (0..30).map(|number| &*format!("session {number:02}").leak()).collect();
    let day = |number: u8| Fake {
        last_seen: DAY * 100 + DAY * u64::from(number / 10),
        ..fake(number + 1, Some(names[usize::from(number)]))
    };
    let mut scene = Scene::with((0..30).map(day)).still();
    scene.press("h");
    let is_heading = |row: &RowId| matches!(row, RowId::Day(None, _));
    let headings: Vec<usize> =
        scene.rows().iter().enumerate().filter(|(_, row)| is_heading(row)).map(|(at, _)| at).collect();
    assert_eq!((headings.as_slice(), scene.rows().len()), ([10, 21].as_slice(), 32));
    scene.press("j j j j j j j j j j");
    assert_eq!(scene.state.tree.scroll().cursor, 11);
    scene.press("k");
    assert_eq!(scene.state.tree.scroll().cursor, 9);
    scene.press("G");
    assert_eq!(scene.state.tree.scroll().cursor, 31);
    let few = Scene::with((0..20).map(day));
    assert!(!few.rows().iter().any(is_heading));
}

#[test]
fn more_sessions_are_asked_for_near_the_end_of_those_that_are_known() {
    let names: Vec<&'static str> = (0..250).map(|number| &*format!("session {number:03}").leak()).collect();
    let traces =
        names.iter().zip(0_u8..).map(|(name, number)| Fake { last_seen: number.into(), ..fake(number, Some(*name)) });
    let mut scene = Scene::with(traces.skip(1)).still();
    let sessions = |scene: &Scene| scene.rows().iter().filter(|row| matches!(row, RowId::Session(_))).count();
    assert_eq!(sessions(&scene), 200);
    scene.press("G");
    assert_eq!(sessions(&scene), 249);
}

proptest! {
    /// Whatever arrives, in whatever order: who reads a row goes on reading it where it was.
    #[test]
    fn no_arrival_moves_the_cursor(
        arrivals in prop::collection::vec((1..60_u8, 1..200_u64), 1..40),
        moves in prop::collection::vec(prop::sample::select(vec!["j", "k", "l", "h", "ctrl-d", "G", "tab"]), 0..12),
        sorts in any::<bool>(),
    ) {
        let sessions = [None, Some("a"), Some("b"), Some("c"), Some("d")];
        // The session with the newest activity comes first; without any the order stays.
        let arrival = |(number, last_seen): (u8, u64)| {
            Fake { last_seen: if sorts { last_seen } else { 0 }, ..fake(number, sessions[usize::from(number) % 5]) }
        };
        let mut scene = Scene::with((1..30).map(|number| arrival((number, 1)))).still();
        scene.resize(100, 24);
        for key in moves {
            scene.press(key);
        }
        let (held, mut line) = (scene.cursor(), scene.line());
        for one in arrivals {
            scene.arrives(arrival(one));
            prop_assert_eq!(scene.cursor(), held.clone());
            // Where its session goes to the top there is nothing left above to keep it down.
            prop_assert!(scene.line() == line || (sorts && scene.line() < line));
            line = scene.line();
        }
    }
}

#[test]
fn brackets_go_from_run_to_run_and_open_what_is_closed() {
    let mut scene = Scene::with([fake(1, Some("a")), fake(2, Some("a")), fake(3, Some("b"))]).still();
    let mut visited = Vec::new();
    scene.press("]");
    for _ in 0..2 {
        visited.push(scene.cursor());
        scene.press("]");
    }
    visited.push(scene.cursor());
    assert_eq!(visited, [3, 2, 1].map(|number| RowId::Trace(trace(number))));
    scene.press("]");
    assert_eq!(scene.cursor(), RowId::Trace(trace(1)), "there is none after the last");
    assert!(scene.state.notice.is_some());
    scene.press("[ H");
    assert_eq!(scene.cursor(), RowId::Trace(trace(1)), "back to where one was");
    scene.press("L {");
    assert_eq!(scene.cursor(), RowId::Session(Some("b".into())));
    scene.press("}");
    assert_eq!(scene.cursor(), RowId::Session(Some("a".into())));
}

#[test]
fn parentheses_go_from_turn_to_turn() {
    let mut scene = Scene::with([fake(1, None)]).still();
    scene.press("j )");
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(2)));
    scene.press(")");
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(5)));
    scene.press(")");
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(5)));
    scene.press("(");
    assert_eq!(scene.cursor(), RowId::Span(trace(1), span(2)));
}
