//! Every key of the table, in every place: nothing panics, and nothing is silent.

use std::collections::BTreeMap;

use super::*;
use crate::app::document::Opens;
use crate::app::picture::{Picture, Shown};
use crate::app::{line::Line, list::List};
use crate::keymap::{ACTIONS, Action, Chord, Found, Keymap, Place};

/// What a key may change that somebody sees; equal before and after, it did nothing.
fn seen(scene: &Scene) -> String {
    let state = &scene.state;
    let detail = &state.detail;
    format!(
        "{:?}",
        (
            (state.context(), state.focus, state.zoomed, &state.split, state.mouse, &state.theme, &state.sdk),
            (state.tree.cursor().map(|row| row.id.clone()), state.tree.rows().len(), state.tree.scroll()),
            (detail.tab(), detail.scroll(), detail.document().len(), detail.over(), detail.mark(), detail.finds()),
            (&state.stats, state.stats.panel(), &state.filter, state.follows(), state.paused.is_some()),
            (
                state.lists.len(),
                state.lists.last().map(|list| (list.counts(), list.scrolled(), list.narrow().to_owned())),
                state.lists.last().and_then(List::line).map(Line::at),
            ),
            (
                [&state.line, &state.naming, &state.finds]
                    .map(|line| line.as_ref().map(|line| (line.text().to_owned(), line.at()))),
                (state.completion.chosen(), state.completion.is_history(), state.offers().len()),
                state.awaits,
                state.half.len()
            ),
            (state.notice.as_ref().map(|notice| notice.text.clone()), state.picture.is_some()),
        )
    )
}

/// Ways into a place: keys that are pressed first.
const WAYS: &[&str] = &[
    "",
    "g g",
    "G",
    "l l",
    "tab",
    "tab G",
    "2 tab",
    "3 tab",
    "4 tab",
    "5 tab",
    "6 tab",
    "tab V",
    "a",
    "S",
    "S tab",
    "f",
    "j D",
    "T",
    "?",
    // What may follow.
    "g",
    "z",
    "y",
    "x",
    ",",
    "m",
    "'",
    "S '",
    // Lines, with and without something that they offer.
    "/",
    "/ t",
    "/ t o o l :",
    "/ t o o l : down",
    "/ s i n c e :",
    "/ z z z",
    "/ ctrl-r",
    "/ e r r o r ctrl-s",
    "/ e r r o r ctrl-s n",
    "tab /",
    "tab / e",
    "s",
    "s a",
    ":",
    ": t",
    ": z z z",
    ": down down",
    "f /",
    "f / a",
    "T / d",
    "? / t",
];

/// Moves that end where they are: at the first row there is nothing above, and everybody sees that; the tab that is shown
/// already; a line that is empty already.
fn may_be_silent(scene: &Scene, action: Action) -> bool {
    match action {
        Action::Down
        | Action::Up
        | Action::First
        | Action::Last
        | Action::HalfPageDown
        | Action::HalfPageUp
        | Action::PageDown
        | Action::PageUp
        | Action::Fold
        | Action::Tab(_)
        | Action::Clear
        // The one that is shown already.
        | Action::SdkSideseat
        | Action::SdkStrands
        | Action::SdkLanggraph
        | Action::SdkOpenai
        | Action::SdkOther => true,
        Action::NextOffer | Action::PreviousOffer => {
            !scene.state.lists.is_empty() || !scene.state.offers().is_empty()
        }
        _ => false,
    }
}

/// Whether a key may do nothing that is seen, where the scene is.
fn may_be_quiet(scene: &Scene, key: Key) -> bool {
    let context = scene.state.context();
    let pressed: Vec<Key> = scene.state.half.iter().copied().chain([key]).collect();
    match scene.state.keymap.find(context, &pressed) {
        Found::Action(action) => may_be_silent(scene, action),
        Found::Half => false,
        // In a line a key of other places is one that types nothing.
        Found::Nothing => context == Context::Line && key.types().is_none(),
    }
}

fn scenes() -> Vec<(&'static str, Scene)> {
    let many = [fake(1, Some("trip")), fake(2, Some("trip")), fake(3, Some("other")), fake(4, None)];
    let mut scenes =
        vec![("empty", Scene::empty()), ("one run", Scene::with([fake(1, None)])), ("four runs", Scene::with(many))];
    for (_, scene) in &mut scenes {
        scene.store.lenient = true;
    }
    scenes
}

/// Presses every key of the table, each in a scene of its own; those that did nothing and said nothing.
fn silent_keys(named: &str, scene: impl Fn() -> Scene) -> Vec<String> {
    let keymap = Keymap::default();
    let chords = ACTIONS.iter().flat_map(|row| keymap.chords(row.action)).map(Chord::keys);
    let here = scene().state.context();
    // Where its first key begins nothing the rest of a chord is keys of their own.
    let pressed = chords.map(|keys| if keymap.find(here, &keys[..1]) == Found::Half { keys } else { &keys[..1] });
    // Each once, in whichever places it means something.
    let label = |keys: &[Key]| keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let pressed: BTreeMap<String, &[Key]> = pressed.map(|keys| (label(keys), keys)).collect();
    let mut found = Vec::new();
    for (name, keys) in pressed {
        let mut scene = scene();
        scene.event(Event::Tick(Tick { now: scene.state.now, seen: Seen::default(), failing: None }));
        for key in keys {
            scene.state.notice = None;
            scene.effects.clear();
            let (before, may) = (seen(&scene), may_be_quiet(&scene, *key));
            scene.event(Event::Key(*key));
            if !may && seen(&scene) == before && scene.effects.is_empty() {
                found.push(format!("{named} then {key} of {name}"));
            }
        }
    }
    found
}

/// Walks from each of the ways, in one of the scenes.
fn no_key_is_silent_in(at: usize) {
    let mut silent = Vec::new();
    for way in WAYS {
        silent.extend(silent_keys(way, || {
            let (_, mut scene) = scenes().swap_remove(at);
            scene.press(way);
            scene
        }));
    }
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn every_key_does_something_or_says_why_not_in_an_empty_store() {
    no_key_is_silent_in(0);
}

#[test]
fn every_key_does_something_or_says_why_not_at_one_run() {
    no_key_is_silent_in(1);
}

#[test]
fn every_key_does_something_or_says_why_not_at_several_runs() {
    no_key_is_silent_in(2);
}

#[test]
fn every_key_does_so_in_what_asks_by_itself() {
    let token = || Event::Token(NewToken { token: "t".into(), line: "export T=t".into() });
    let ended = || Event::Ended(Ended { why: "It has ended.".into(), offer: "take over".into() });
    let files = || Event::Dropped(vec![Dropped { path: "/tmp/a.json".into(), bytes: 1 }]);
    let http = || vec![Listening { what: "HTTP".into(), address: "127.0.0.1".into(), port: 4318, note: None }];
    let asks: [(&str, &dyn Fn() -> Event); 3] = [("token", &token), ("ended", &ended), ("files", &files)];
    let mut silent = Vec::new();
    for (name, ask) in asks {
        for way in ["", "j"] {
            silent.extend(silent_keys(&format!("{name}: {way}"), || {
                let mut scene = Scene::with([fake(1, Some("trip"))]);
                scene.store.lenient = true;
                scene.event(Event::Listening(http()));
                scene.event(ask());
                assert_eq!(scene.state.lists.len(), 1, "{name}");
                scene.press(way);
                scene
            }));
        }
    }
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn beside_a_picture_every_key_does_something_or_says_why_not() {
    for row in ACTIONS.iter().filter(|row| row.place != Place::Line) {
        for chord in Keymap::default().chords(row.action) {
            let mut scene = Scene::with([fake(1, None)]).still();
            let what = Opens::Blob { sha256: [7; 32], mime: Some("image/png".into()) };
            scene.state.picture = Some(Picture { what, title: "a picture".into(), shown: Shown::There });
            scene.effects.clear();
            let before = seen(&scene);
            let is_here = scene.state.context().places().contains(&row.place);
            scene.press(&chord.to_string());
            assert!(
                !is_here || seen(&scene) != before || !scene.effects.is_empty(),
                "{chord} ({}) is silent",
                row.name
            );
        }
    }
}

#[test]
fn any_keys_one_after_another_panic_in_no_place() {
    let keys: Vec<String> = ACTIONS
        .iter()
        .flat_map(|row| Keymap::default().chords(row.action).to_vec())
        .map(|chord| chord.to_string())
        .collect();
    for (_, mut scene) in scenes() {
        // The same each time, and every key after many others.
        let mut at = 7_usize;
        for step in 0..2000 {
            at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            scene.press(&keys[(at >> 33) % keys.len()]);
            if step % 50 == 0 {
                scene.resize(40 + u16::try_from(step % 90).unwrap(), 12 + u16::try_from(step % 40).unwrap());
            }
        }
    }
}
