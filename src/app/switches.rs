//! Settings that can be changed while the program runs, by their names in the palette: `bell on`, `ascii off`.

use super::{
    event::{Alerts, Effect},
    item::{Item, Pick},
    state::State,
};

/// A setting that is on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    Ascii,
    Bell,
    Notify,
    Title,
    Mouse,
    Wrap,
    Raw,
}

impl Switch {
    pub const ALL: [Self; 7] = [Self::Ascii, Self::Bell, Self::Notify, Self::Title, Self::Mouse, Self::Wrap, Self::Raw];

    /// As it is typed.
    fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Bell => "bell",
            Self::Notify => "notify",
            Self::Title => "title",
            Self::Mouse => "mouse",
            Self::Wrap => "wrap",
            Self::Raw => "raw",
        }
    }

    /// What it is for.
    fn help(self) -> &'static str {
        match self {
            Self::Ascii => "marks and lines in ASCII",
            Self::Bell => "the bell rings when a run ends or fails",
            Self::Notify => "a notification when a run ends or fails",
            Self::Title => "the window's title counts runs",
            Self::Mouse => "the mouse is this program's",
            Self::Wrap => "lines are cut to the width",
            Self::Raw => "texts as they were received",
        }
    }

    /// Whether a key of the settings file has its name.
    fn is_setting(self) -> bool {
        matches!(self, Self::Ascii | Self::Bell | Self::Notify | Self::Title)
    }

    fn is_on(self, state: &State) -> bool {
        match self {
            Self::Ascii => state.ascii,
            Self::Bell => state.alerts.bell,
            Self::Notify => state.alerts.notify,
            Self::Title => state.alerts.title,
            Self::Mouse => state.mouse,
            Self::Wrap => state.detail.wraps(),
            Self::Raw => state.detail.is_raw(),
        }
    }
}

/// Both ways of each setting, for the palette.
pub fn items(state: &State) -> Vec<Item> {
    let item = |switch: Switch, on: bool| {
        let in_force = if switch.is_on(state) == on { "  in force" } else { "" };
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
    if switch.is_on(state) == on {
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
