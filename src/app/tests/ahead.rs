//! Keys that are pressed before the store has answered.

use super::*;

impl Scene {
    /// The store answers nothing from now on.
    fn busy(mut self) -> Self {
        self.silent = Some(Vec::new());
        self
    }

    /// It answers all that it was asked, and whatever is asked from now on.
    fn answers(&mut self) {
        for (slot, ticket, query) in self.silent.take().unwrap() {
            let answer = scene::Store::answer(&self.store, &query, self.state.now);
            self.event(Event::Answered { slot, ticket, answer, prepared: None });
        }
    }

    fn ticks(&mut self, milliseconds: u64) {
        let now = Timestamp(self.state.now.0 + milliseconds * 1_000_000);
        self.event(Event::Tick(Tick { now, seen: Seen::default(), failing: None }));
    }
}

fn two_sessions() -> Scene {
    Scene::with([fake(1, Some("a")), fake(2, Some("b")), fake(3, Some("b"))]).passes("run 1", &[1])
}

fn marked(scene: &Scene) -> Option<RowId> {
    scene.state.detail.mark().map(Mark::row)
}

#[test]
fn a_key_after_a_filter_is_for_the_run_that_it_finds() {
    for make in [two_sessions, || two_sessions().still()] {
        let mut scene = make().busy();
        scene.press("/");
        scene.type_in("run 1");
        scene.press("enter c");
        assert_eq!(marked(&scene), None);
        assert_eq!(scene.state.ahead.keys().count(), 1);
        scene.answers();
        assert_eq!(marked(&scene), Some(RowId::Trace(trace(1))));
        assert_eq!(scene.cursor(), RowId::Trace(trace(1)));
        assert_eq!(scene.state.ahead.keys().count(), 0);
    }
}

#[test]
fn keys_after_a_jump_are_pressed_in_order_once_it_is_there() {
    let mut scene = two_sessions().still();
    scene.press("z M g g");
    let mut scene = scene.busy();
    scene.press("j ] y i j");
    assert!(scene.effects.is_empty(), "{:?}", scene.effects);
    scene.answers();
    let copied: Vec<&Effect> = scene.effects.iter().filter(|effect| matches!(effect, Effect::Copy { .. })).collect();
    let [Effect::Copy { text, .. }] = &copied[..] else { panic!("{:?}", scene.effects) };
    assert!(text.contains(&trace(1).to_string()), "{text}");
}

#[test]
fn what_is_about_the_messages_waits_for_them() {
    let mut scene = two_sessions().still();
    scene.press("g g");
    let mut scene = scene.busy();
    scene.press("] )");
    scene.answers();
    let said = scene.state.notice.as_ref().map(|notice| notice.text.clone());
    assert_eq!(said, None);
    assert_eq!(scene.cursor(), RowId::Span(trace(3), span(2)));
}

#[test]
fn esc_gives_up_what_is_on_its_way_and_what_was_pressed_for_it() {
    let mut scene = two_sessions().still();
    scene.press("z M g g");
    let mut scene = scene.busy();
    scene.press("j ] c esc");
    scene.answers();
    assert_eq!((marked(&scene), scene.cursor()), (None, RowId::Session(Some("a".into()))));
}

#[test]
fn no_key_waits_for_ever_and_quitting_waits_for_nothing() {
    let mut scene = two_sessions().still().busy();
    scene.press("/");
    scene.type_in("run 1");
    scene.press("enter g g T");
    scene.ticks(300);
    assert!(scene.state.lists.is_empty());
    scene.ticks(2000);
    assert_eq!(scene.state.lists.len(), 1, "the list of themes");
    assert_eq!(scene.state.ahead.keys().count(), 0);
    scene.press("esc");
    let mut scene = two_sessions().still().busy();
    scene.press("/");
    scene.type_in("run 1");
    scene.press("enter q");
    assert_eq!(scene.effects, [Effect::Quit]);
}

#[test]
fn what_is_chosen_of_a_list_waits_until_the_list_is_there() {
    let mut scene = two_sessions().still().busy();
    scene.press("s");
    scene.type_in("b");
    scene.press("enter");
    assert_eq!(scene.state.lists.len(), 1);
    scene.answers();
    assert_eq!(scene.state.filter.session, Some(Some("b".into())));
    assert!(scene.state.lists.is_empty());
}

#[test]
fn a_chord_that_waits_is_given_up_whole() {
    let mut scene = two_sessions().still();
    scene.press("z M g g");
    let mut scene = scene.busy();
    scene.press("j ] y p");
    assert!(scene.state.following().is_empty());
    scene.press("esc S");
    assert!(scene.state.stats.is_open(), "S is no end of y");
    scene.answers();
    assert!(scene.effects.iter().all(|effect| !matches!(effect, Effect::Copy { .. })), "{:?}", scene.effects);
}

#[test]
fn a_question_that_comes_by_itself_gets_no_key_that_was_pressed_before_it() {
    let mut scene = two_sessions().still();
    scene.press("z M g g");
    let mut scene = scene.busy();
    scene.press("j ] enter");
    assert_eq!(scene.state.ahead.keys().count(), 1);
    let listening = Listening { what: "HTTP".into(), address: "127.0.0.1".into(), port: 4318, note: None };
    scene.event(Event::Listening(vec![listening]));
    assert_eq!(scene.state.ahead.keys().count(), 1);
    let file = crate::app::item::Dropped { path: "/tmp/spans.json".into(), bytes: 9 };
    scene.event(Event::Dropped(vec![file]));
    assert_eq!((scene.state.ahead.keys().count(), scene.state.lists.len()), (0, 1));
    scene.answers();
    assert_eq!(scene.state.lists.len(), 1);
}
