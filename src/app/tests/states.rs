//! What the whole screen stands in: first run, frozen, failing, and what is asked again.

use super::*;

#[test]
fn an_empty_store_shows_what_to_do_until_the_first_span_comes() {
    let mut scene = Scene::empty();
    assert_eq!((scene.state.stage(), scene.state.context()), (Stage::FirstRun, Context::FirstRun));
    assert_eq!(scene.state.lamp(), Lamp::Waiting);
    scene.press("2 Y");
    let Some(Effect::Copy { text, what }) = scene.effects.last() else { panic!("nothing was copied") };
    assert!(text.contains("strands-agents"), "{text}");
    assert_eq!(what, "lines for the SDK");
    scene.press("d");
    assert_eq!(scene.effects.last(), Some(&Effect::PlayDemo));
    scene.arrives(fake(1, Some("trip")));
    assert_eq!((scene.state.stage(), scene.state.lamp()), (Stage::Browsing, Lamp::Live));
}

#[test]
fn nothing_is_asked_before_a_store_is_open() {
    let mut state = State::new(Start { columns: 80, rows: 24, ..Start::default() });
    assert!(update(&mut state, Event::Resize { columns: 81, rows: 24 }).is_empty());
    assert_eq!((state.stage(), state.lamp()), (Stage::Opening, Lamp::Opening));
    assert!(!update(&mut state, Event::Opened(Mode::Live)).is_empty());
}

#[test]
fn a_screen_that_is_attached_offers_to_take_over_and_keeps_its_place() {
    let mut scene = Scene::with([fake(1, Some("a")), fake(2, Some("b"))]).still();
    scene.event(Event::Reopened(Mode::Attached));
    assert_eq!(scene.state.lamp(), Lamp::Attached);
    scene.press("l j");
    let (rows, cursor) = (scene.rows(), scene.cursor());
    let ended = || Event::Ended(Ended { why: "It has ended.".into(), offer: "take over".into() });
    scene.event(ended());
    assert_eq!((scene.state.lamp(), scene.state.context()), (Lamp::Ended, Context::List));
    scene.press("enter");
    assert_eq!(scene.effects.last(), Some(&Effect::TakeOver));
    scene.asked.clear();
    scene.event(Event::Reopened(Mode::Live));
    assert_eq!((scene.rows(), scene.cursor(), scene.state.lamp()), (rows, cursor, Lamp::Live));
    assert!(scene.asked.iter().any(|query| matches!(query, Query::Sessions { .. })), "{:?}", scene.asked);
    scene.event(ended());
    scene.press("/");
    assert_eq!(scene.state.context(), Context::List, "there is nothing to narrow");
    scene.press("esc");
    assert_eq!(scene.effects.last(), Some(&Effect::Quit));
}

#[test]
fn a_new_token_is_shown_until_it_is_copied_or_left() {
    let token = NewToken { token: "t0k3n".into(), line: "HEADERS=t0k3n".into() };
    let mut scene = Scene::empty();
    scene.event(Event::Token(token.clone()));
    scene.press("j enter");
    assert_eq!(scene.effects.last(), Some(&Effect::Copy { text: "HEADERS=t0k3n".into(), what: "token".into() }));
    assert!(scene.state.lists.is_empty() && scene.state.token.is_none());
    scene.event(Event::Token(token));
    scene.press("esc");
    assert!(scene.state.lists.is_empty() && scene.state.token.is_none());
}

#[test]
fn a_frozen_view_counts_what_waits_and_shows_it_afterwards() {
    let mut scene = Scene::with([fake(1, Some("a"))]);
    scene.press("P");
    let rows = scene.rows();
    scene.arrives(fake(2, Some("b")));
    scene.arrives(fake(3, Some("c")));
    assert_eq!((scene.rows(), scene.state.lamp()), (rows, Lamp::Paused));
    assert_eq!(scene.state.paused.as_ref().map(|held| (held.traces.len(), held.spans)), Some((2, 2)));
    scene.press("P");
    assert!(scene.rows().contains(&RowId::Session(Some("c".into()))));
}

#[test]
fn only_what_changed_and_can_be_seen_is_asked_again() {
    let mut scene = Scene::with([fake(1, Some("a")), fake(2, Some("b"))]).still();
    scene.press("l j l G");
    scene.asked.clear();
    scene.arrives(fake(1, Some("a")));
    let trees = scene.asked.iter().filter(|query| matches!(query, Query::Tree { .. })).count();
    assert_eq!(trees, 0, "the tree of a closed run: {:?}", scene.asked);
    scene.asked.clear();
    scene.arrives(fake(2, Some("b")));
    assert!(scene.asked.contains(&Query::Tree { trace: trace(2) }), "{:?}", scene.asked);
}

#[test]
fn a_failed_question_is_said_over_the_last_answer() {
    let mut scene = Scene::with([fake(1, Some("a"))]).still();
    let rows = scene.rows();
    scene.silent = Some(Vec::new());
    scene.changed();
    for (slot, ticket, _) in scene.silent.take().unwrap_or_default() {
        scene.event(Event::Answered { slot, ticket, answer: Err("out of memory".into()), prepared: None });
    }
    assert_eq!(scene.rows(), rows);
    assert_eq!(scene.state.tree.sessions().failed(), Some("out of memory"));
}

#[test]
fn the_header_knows_who_listens_and_what_fails() {
    let mut scene = Scene::with([fake(1, None)]);
    scene.event(Event::Listening(Vec::new()));
    assert_eq!(scene.state.lamp(), Lamp::Failing);
    let listening = Listening { what: "HTTP".into(), address: "127.0.0.1".into(), port: 4318, note: None };
    scene.event(Event::Listening(vec![listening]));
    assert_eq!(scene.state.lamp(), Lamp::Live);
    let tick = |seconds: u64, spans| {
        let seen = Seen { spans, ..Seen::default() };
        Event::Tick(Tick { now: Timestamp(seconds * 1_000_000_000), seen, failing: None })
    };
    scene.event(tick(10, 0));
    scene.event(tick(11, 30));
    assert_eq!(scene.state.rate.now(), 15);
    scene.event(Event::Tick(Tick { now: Timestamp(1), seen: Seen::default(), failing: Some("disk full".into()) }));
    assert_eq!((scene.state.lamp(), scene.state.failing.as_deref()), (Lamp::Failing, Some("disk full")));
}

#[test]
fn a_test_span_goes_to_the_port_that_takes_http_or_it_is_said_that_there_is_none() {
    let listening = |what: &str, port| Listening { what: what.into(), address: "127.0.0.1".into(), port, note: None };
    let mut scene = Scene::empty();
    scene.event(Event::Listening(Vec::new()));
    scene.press("t");
    let notice = |scene: &Scene| scene.state.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default();
    assert!(scene.effects.is_empty() && notice(&scene).contains("nothing can be sent"), "{}", notice(&scene));
    scene.event(Event::Listening(vec![listening("gRPC", 4317), listening("HTTP", 4318)]));
    scene.press("t");
    let sent = Effect::Send { what: Sends::TestSpan, host: "127.0.0.1".into(), port: 4318 };
    assert_eq!(scene.effects, [sent]);
}

#[test]
fn a_file_that_is_dropped_is_imported_once_that_is_confirmed() {
    let mut scene = Scene::with([fake(1, Some("a"))]);
    scene.store.lenient = true;
    let listening = Listening { what: "HTTP".into(), address: "127.0.0.1".into(), port: 4318, note: None };
    scene.event(Event::Listening(vec![listening]));
    let path = std::path::PathBuf::from("/tmp/trip 1.json");
    scene.event(Event::Paste("'/tmp/trip 1.json'\n".into()));
    assert_eq!(
        scene.effects,
        [Effect::Look(vec![vec![path.clone()]])],
        "nothing is asked before it is known to be there"
    );
    scene.effects.clear();
    let dropped = || vec![Dropped { path: path.clone(), bytes: 2048 }];
    scene.event(Event::Dropped(dropped()));
    scene.press("enter");
    assert!(scene.effects.is_empty() && scene.state.lists.is_empty(), "the first choice leaves it");
    scene.event(Event::Dropped(dropped()));
    scene.press("j enter");
    let sent = Effect::Send { what: Sends::Files(vec![path.clone()]), host: "127.0.0.1".into(), port: 4318 };
    assert_eq!(scene.effects, [sent]);
    scene.event(Event::Dropped(Vec::new()));
    assert!(scene.state.lists.is_empty() && scene.state.notice.is_some(), "it is said where there is no such file");
    scene.event(Event::Paste("a question that somebody copied".into()));
    assert!(scene.state.notice.as_ref().is_some_and(|notice| notice.text.contains("goes into a line")));
    scene.press("/");
    scene.event(Event::Paste("/tmp/a.json".into()));
    assert_eq!(scene.state.line.as_ref().map(|line| line.text().to_owned()).as_deref(), Some("/tmp/a.json"));
}

#[test]
fn the_hints_of_the_demo_go_one_by_one_as_they_are_followed_and_esc_ends_them() {
    let mut scene = Scene::with([fake(1, Some("a"))]);
    assert_eq!(scene.state.demo_hint(), None);
    scene.event(Event::Opened(Mode::Demo));
    let next = |scene: &Scene| scene.state.demo_hint().map(|(number, _)| number).unwrap_or_default();
    assert_eq!(next(&scene), "1/10");
    scene.press("2 j");
    assert_eq!(next(&scene), "2/10");
    scene.press("e");
    assert_eq!(next(&scene), "4/10", "what was done before is not said again");
    let line = scene.state.areas().and_then(|areas| areas.filter);
    assert!(line.is_some(), "it has a line of its own");
    scene.press("/");
    assert!(scene.state.has_filter_line());
    scene.press("esc");
    scene.press("3 4 6 a esc S S ?");
    assert_eq!((scene.state.demo_hint(), scene.state.areas().and_then(|areas| areas.filter)), (None, None));
    scene.event(Event::Opened(Mode::Demo));
    scene.press("esc esc esc");
    assert_eq!(scene.state.demo_hint(), None);
    scene.event(Event::Opened(Mode::Live));
    assert_eq!(scene.state.demo_hint(), None);
}
