//! Lists over the screen: themes, help.

use std::collections::BTreeMap;

use super::*;
use crate::app::{
    event::{Alerts, ViewChange},
    line::Line,
};

#[test]
fn a_theme_is_seen_while_choosing_and_given_back_by_esc() {
    let mut scene = Scene::with([fake(1, None)]);
    scene.press("T j");
    assert_eq!(scene.effects, [Effect::SetTheme("light".into())]);
    scene.press("esc");
    assert_eq!(scene.effects.last(), Some(&Effect::SetTheme("dark".into())));
    scene.press("T G enter");
    assert_eq!((scene.state.theme.as_str(), scene.state.lists.len()), ("plain", 0));
}

#[test]
fn help_is_narrowed_and_begins_with_the_keys_of_this_place() {
    let mut scene = Scene::with([fake(1, None)]);
    scene.press("? /");
    scene.type_in("reasoning");
    assert_eq!(scene.state.context(), Context::Line);
    let list = scene.state.lists.last().expect("help is open");
    let help = list.help();
    let found = [HelpLine::Place { title: "Main view", here: true }];
    assert!(help.columns[0].starts_with(&found), "{help:?}");
}

#[test]
fn settings_are_changed_in_the_palette_by_their_names() {
    let mut scene = Scene::with([fake(1, None)]).still();
    scene.press(":");
    scene.type_in("bell on");
    scene.press("enter");
    let on = Alerts { bell: true, ..Alerts::default() };
    assert_eq!((scene.effects.pop(), scene.state.alerts), (Some(Effect::Alerts(on)), on));
    let said = |scene: &Scene| scene.state.notice.as_ref().map_or_else(String::new, |notice| notice.text.clone());
    assert!(said(&scene).contains("`bell = true` in the settings file"), "{}", said(&scene));
    scene.press(":");
    scene.type_in("wrap off");
    scene.press("enter");
    assert!(!scene.state.detail.wraps());
    scene.press(":");
    scene.type_in("ascii on");
    scene.press("enter");
    assert_eq!(scene.effects.pop(), Some(Effect::Ascii(true)));
    scene.press(":");
    scene.type_in("theme lig");
    scene.press("tab");
    let typed = |scene: &Scene| scene.state.lists.last().map(|list| list.narrow().to_owned());
    assert_eq!(typed(&scene).as_deref(), Some("theme light"), "what is chosen can be edited");
    scene.press("enter");
    assert_eq!(scene.state.theme, "light");
}

#[test]
fn the_lines_of_before_come_back_in_every_line() {
    let mut scene = Scene::with([fake(1, None)]).still().passes("a", &[1]).passes("b", &[1]);
    for line in ["a", "b"] {
        scene.press("/ ctrl-u");
        scene.type_in(line);
        scene.press("enter");
    }
    let line = |scene: &Scene| scene.state.line.as_ref().map(|line| line.text().to_owned());
    scene.press("/ ctrl-u up up");
    assert_eq!(line(&scene).as_deref(), Some("a"));
    assert_eq!(scene.state.filter.text, "a", "and filters as if it were typed");
    scene.press("down");
    assert_eq!(line(&scene).as_deref(), Some("b"));
    scene.press("down");
    assert_eq!(line(&scene).as_deref(), Some(""));
    scene.press("esc tab /");
    scene.type_in("ryokan");
    scene.press("enter / up");
    assert_eq!(scene.state.detail.finds(), Some("ryokan"));
    scene.press("esc esc :");
    scene.type_in("theme plain");
    scene.press("enter : up");
    let list = scene.state.lists.last().expect("the palette");
    assert_eq!(list.narrow(), "theme plain");
    scene.press("enter");
    assert_eq!(scene.state.theme, "plain");
    let kept = scene.state.history.news();
    assert_eq!(kept.get("filter").map(Vec::as_slice), Some(&["b".to_owned(), "a".to_owned()][..]));
    assert_eq!(kept.get("palette").map(Vec::len), Some(1));
}

#[test]
fn a_saved_filter_gets_another_name_and_is_deleted_after_asking() {
    let mut scene = Scene::with([fake(1, None)]).still();
    scene.state.views = BTreeMap::from([("dear".to_owned(), "cost>1".to_owned())]);
    scene.press("f R");
    assert_eq!(scene.state.naming.as_ref().map(Line::text), Some("dear"));
    scene.type_in(" ones");
    scene.press("enter");
    let renamed = ViewChange::Rename { from: "dear".into(), to: "dear ones".into() };
    assert_eq!(scene.effects.pop(), Some(Effect::ChangeView(renamed)));
    scene.press("f D");
    assert!(matches!(scene.state.lists.last().map(|list| &list.kind), Some(Kind::Delete { .. })));
    scene.press("enter");
    assert_eq!(scene.state.views.len(), 1, "the first answer keeps it");
    scene.press("D j enter");
    assert_eq!(scene.effects.pop(), Some(Effect::ChangeView(ViewChange::Drop { name: "dear ones".into() })));
    assert!(scene.state.views.is_empty());
    assert!(scene.state.lists.last().is_some_and(|list| list.picked().is_none_or(|item| item.text != "dear ones")));
}
