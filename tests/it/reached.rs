//! Getting anywhere: finding text, jumping, marks, the palette, as screens and as places.

use crate::scene::Scene;
use crate::screens::{SIZES, keep};

const SUPPORT: &[&str] = &["strands/openai_support"];

fn shows(name: &str, make: impl Fn(u16, u16) -> Scene) {
    for &(columns, rows) in &SIZES {
        keep(&format!("{name}_{columns}x{rows}"), &make(columns, rows).page());
    }
}

#[test]
fn a_phrase_is_looked_for_while_it_is_typed_and_its_places_are_marked() {
    let typed = |columns, rows| Scene::of(SUPPORT, columns, rows).press("g g j tab /").paste("order");
    shows("find_typed", typed);
    shows("find", |columns, rows| typed(columns, rows).press("enter n n"));
    shows("find_nothing", |columns, rows| {
        Scene::of(SUPPORT, columns, rows).press("g g j tab /").paste("no such words").press("enter")
    });
}

#[test]
fn what_the_filter_looks_for_is_lit_in_the_text_and_n_goes_there() {
    let make = |columns, rows| Scene::of(&["bedrock/seed_session"], columns, rows).press("g g / c a p i t a l enter");
    shows("filter_lit", make);
    let mut scene = make(120, 40).press("n");
    assert!(scene.text().contains("/ capital"), "{}", scene.text());
}

#[test]
fn what_may_follow_a_key_is_shown() {
    shows("which_yank", |columns, rows| Scene::of(SUPPORT, columns, rows).press("y"));
    shows("which_mark", |columns, rows| Scene::of(SUPPORT, columns, rows).press("g g j m"));
}

#[test]
fn the_palette_lists_actions_with_their_keys_then_runs() {
    shows("palette", |columns, rows| Scene::of(SUPPORT, columns, rows).press(":"));
    shows("palette_typed", |columns, rows| Scene::of(SUPPORT, columns, rows).press(":").paste("copy"));
}

#[test]
fn the_panes_are_divided_otherwise() {
    keep("split_120x40", &Scene::of(SUPPORT, 120, 40).press("+ + +").page());
    keep("split_80x24", &Scene::of(SUPPORT, 80, 24).press("_ _ _ _").page());
}

/// The line with the detail's cursor, which stands beside the line between the panes.
fn reads(scene: &mut Scene) -> String {
    scene.text().lines().find(|line| line.contains("│▌")).unwrap_or_default().to_owned()
}

#[test]
fn what_is_found_in_a_fold_opens_it_and_the_way_back_closes_it() {
    // The system prompt starts folded.
    let mut scene = Scene::of(&["bedrock/seed_tool_use"], 120, 40).press("tab j k");
    let before = scene.text();
    let mut typed = Scene::of(&["strands/openai_support"], 120, 40).press("g g j tab /").paste("refund");
    let found = reads(&mut typed).to_lowercase();
    assert!(found.contains("refund"), "{found}");
    let mut left = Scene::of(&["bedrock/seed_tool_use"], 120, 40).press("tab j k /").paste("e").press("esc");
    assert_eq!(left.text(), before, "leaving the line leaves everything as it was");
}
