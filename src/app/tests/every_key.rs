//! Every key of the table, in every place: nothing panics, and nothing is silent.

use super::*;
use crate::app::document::Opens;
use crate::app::picture::{Picture, Shown};
use crate::keymap::{ACTIONS, Action, Keymap, Place};

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
                state.lists.last().map(|list| (list.counts(), list.scrolled(), list.narrow().to_owned()))
            ),
            (
                state.line.as_ref().map(|line| line.text().to_owned()),
                state.finds.is_some(),
                state.awaits,
                state.half.len()
            ),
            (state.notice.as_ref().map(|notice| notice.text.clone()), state.picture.is_some()),
        )
    )
}

/// A way into a place: keys that are pressed first.
const WAYS: &[(&str, &[Place])] = &[
    ("", &[Place::Rows, Place::Main, Place::FirstRun, Place::Anywhere]),
    ("g g", &[Place::Rows, Place::Main, Place::Anywhere]),
    ("G", &[Place::Rows, Place::Main, Place::Anywhere]),
    ("l l", &[Place::Rows, Place::Main, Place::Anywhere]),
    ("tab", &[Place::Rows, Place::Main, Place::Anywhere]),
    ("tab G", &[Place::Rows, Place::Main, Place::Anywhere]),
    ("2 tab", &[Place::Rows, Place::Main, Place::Anywhere]),
    ("3 tab", &[Place::Rows, Place::Main, Place::Anywhere]),
    ("4 tab", &[Place::Rows, Place::Main, Place::Anywhere]),
    ("5 tab", &[Place::Rows, Place::Main, Place::Anywhere]),
    ("6 tab", &[Place::Rows, Place::Main, Place::Anywhere]),
    ("tab V", &[Place::Rows, Place::Selection, Place::Anywhere]),
    ("a", &[Place::Rows, Place::Main, Place::Anywhere]),
    ("S", &[Place::Rows, Place::Stats, Place::Anywhere]),
    ("f", &[Place::Rows, Place::List, Place::Anywhere]),
    ("j D", &[Place::Rows, Place::Anywhere]),
    ("s", &[Place::Line]),
    ("T", &[Place::Rows, Place::List, Place::Anywhere]),
    ("?", &[Place::Rows, Place::List, Place::Anywhere]),
    (":", &[Place::Line]),
    ("/", &[Place::Line]),
    ("tab /", &[Place::Line]),
    ("f /", &[Place::Line]),
    ("m", &[]),
    ("'", &[]),
    ("y", &[]),
    ("x", &[]),
];

/// Moves that end where they are: at the first row there is nothing above, and everybody sees that; the tab that is shown
/// already; what a line offers, which stands above it or does not.
fn may_be_silent(action: Action) -> bool {
    matches!(
        action,
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
            | Action::NextOffer
            | Action::PreviousOffer
            | Action::Complete
            | Action::History
            | Action::SaveView
            // The one that is shown already.
            | Action::SdkSideseat
    )
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

#[test]
fn every_key_does_something_or_says_why_not_in_every_place() {
    let keymap = Keymap::default();
    for (at, (name, _)) in scenes().into_iter().enumerate() {
        for (way, places) in WAYS {
            for row in ACTIONS {
                for chord in keymap.chords(row.action) {
                    let (_, mut scene) = scenes().swap_remove(at);
                    scene.press(way);
                    scene.event(Event::Tick(Tick { now: scene.state.now, seen: Seen::default(), failing: None }));
                    scene.state.notice = None;
                    scene.effects.clear();
                    let before = seen(&scene);
                    let is_here = scene.state.context().places().contains(&row.place);
                    scene.press(&chord.to_string());
                    let silent = seen(&scene) == before && scene.effects.is_empty();
                    let may = may_be_silent(row.action) || !is_here || !places.contains(&row.place);
                    assert!(!silent || may, "{name}: {way} then {chord} ({}) does nothing and says nothing", row.name);
                }
            }
        }
    }
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
