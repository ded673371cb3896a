//! Settings that can be changed while the program runs, by their names in the palette: `bell on`, `ascii off`.

use super::{
    event::{Alerts, Effect},
    item::{Item, Pick},
    state::State,
    switch::Switch,
};

fn is_on(switch: Switch, state: &State) -> bool {
    match switch {
        Switch::Ascii => state.ascii,
        Switch::Bell => state.alerts.bell,
        Switch::Notify => state.alerts.notify,
        Switch::Title => state.alerts.title,
        Switch::Mouse => state.mouse,
        Switch::Wrap => state.detail.wraps(),
        Switch::Raw => state.detail.is_raw(),
    }
}

/// Both ways of each setting, for the palette.
pub fn items(state: &State) -> Vec<Item> {
    let item = |switch: Switch, on: bool| {
        let in_force = if is_on(switch, state) == on { "  in force" } else { "" };
        Item {
            note: format!("{}{in_force}", switch.help()),
            cells: vec!["setting".to_owned()],
            ..Item::new(Pick::Switch(switch, on), format!("{} {}", switch.name(), word(on)))
        }
    };
    Switch::ALL.into_iter().flat_map(|switch| [item(switch, true), item(switch, false)]).collect()
}

/// Changes a setting until the program ends.
pub fn set(state: &mut State, switch: Switch, on: bool) -> Vec<Effect> {
    let name = switch.name();
    if is_on(switch, state) == on {
        state.notify(format!("{name} is {} already", word(on)));
        return Vec::new();
    }
    state.notify(if switch.is_setting() {
        format!("{name} {} until the program ends; `{name} = {on}` in the settings file keeps it", word(on))
    } else {
        format!("{name} {}", word(on))
    });
    match switch {
        Switch::Ascii => {
            state.ascii = on;
            return vec![Effect::Ascii(on)];
        }
        Switch::Mouse => {
            state.mouse = on;
            return vec![Effect::Mouse(on)];
        }
        Switch::Wrap => _ = state.detail.toggle_wrap(),
        Switch::Raw => _ = state.detail.toggle_raw(),
        Switch::Bell => state.alerts = Alerts { bell: on, ..state.alerts },
        Switch::Notify => state.alerts = Alerts { notify: on, ..state.alerts },
        Switch::Title => state.alerts = Alerts { title: on, ..state.alerts },
    }
    match switch {
        Switch::Bell | Switch::Notify | Switch::Title => vec![Effect::Alerts(state.alerts)],
        _ => Vec::new(),
    }
}

fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
