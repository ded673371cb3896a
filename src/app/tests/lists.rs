//! Lists over the screen: themes, help.

use super::*;

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
