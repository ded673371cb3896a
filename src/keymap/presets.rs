//! Sets of keys for hands that know other programs: `preset = "vim"` under `[keys]`. Each says what it has other than the
//! table; the user's own keys go before both.

use std::str::FromStr;

use crate::nearest::hint;

/// A set of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// The table's own: those of lazygit, k9s, helix and yazi, where these agree.
    #[default]
    Default,
    Vim,
    Emacs,
}

/// An action's name in `[keys]`, and its keys.
pub type Keys = (&'static str, &'static [&'static str]);

/// What vim has other than the table: windows by `ctrl-w`, jumps by brackets and a letter, quitting by `Z Z`.
const VIM: &[Keys] = &[
    ("next-pane", &["ctrl-w w", "ctrl-w ctrl-w", "ctrl-w l", "tab"]),
    ("previous-pane", &["ctrl-w p", "ctrl-w h", "shift-tab"]),
    ("grow", &["ctrl-w >", "+"]),
    ("shrink", &["ctrl-w <", "_"]),
    ("next-failed", &["] e", "e"]),
    ("previous-failed", &["[ e", "E"]),
    ("next-run", &["] r"]),
    ("previous-run", &["[ r"]),
    ("next-session", &["] s", "}"]),
    ("previous-session", &["[ s", "{"]),
    ("close", &["Z Z", "q"]),
    ("quit", &["Z Q", "ctrl-c"]),
];

/// What emacs has other than the table.
const EMACS: &[Keys] = &[
    ("down", &["ctrl-n", "down", "j"]),
    ("up", &["ctrl-p", "up", "k"]),
    ("first", &["alt-<", "home", "g g"]),
    ("last", &["alt->", "end", "G"]),
    ("page-down", &["ctrl-v", "pagedown"]),
    ("page-up", &["alt-v", "pageup"]),
    ("fold", &["ctrl-b", "left", "h"]),
    ("unfold", &["ctrl-f", "right", "l"]),
    ("previous-figure", &["ctrl-b", "left", "h"]),
    ("next-figure", &["ctrl-f", "right", "l"]),
    ("next-pane", &["ctrl-x o", "tab"]),
    ("filter", &["ctrl-s", "/"]),
    ("jump-back", &["ctrl-x ctrl-x", "H"]),
    ("yank-text", &["y y", "alt-w"]),
    ("export-otlp", &["x j", "ctrl-x ctrl-w"]),
    ("palette", &["alt-x", ":"]),
    ("back", &["ctrl-g", "esc"]),
    ("leave", &["ctrl-g", "esc"]),
    ("next-offer", &["ctrl-n", "down"]),
    ("previous-offer", &["ctrl-p", "up"]),
    ("help", &["f1", "?"]),
    ("close", &["ctrl-x k", "q"]),
    ("quit", &["ctrl-x ctrl-c", "ctrl-c"]),
];

impl Preset {
    pub const ALL: [Self; 3] = [Self::Default, Self::Vim, Self::Emacs];

    /// As settings name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Vim => "vim",
            Self::Emacs => "emacs",
        }
    }

    /// What it has other than the table.
    #[must_use]
    pub fn keys(self) -> &'static [Keys] {
        match self {
            Self::Default => &[],
            Self::Vim => VIM,
            Self::Emacs => EMACS,
        }
    }

    /// Its keys for an action; `None`: those of the table.
    pub(super) fn of(self, action: &str) -> Option<&'static [&'static str]> {
        self.keys().iter().find(|(name, _)| *name == action).map(|(_, keys)| *keys)
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|preset| preset.name() == text);
        found.ok_or_else(|| format!("`{text}` is no preset; {}", hint(text, Self::ALL.map(Self::name).into_iter())))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::keymap::{ACTIONS, Action, Context, Found, Keymap};

    fn with(preset: &str, own: &[(&str, &str)]) -> Result<Keymap, String> {
        let entries = [("preset", preset)].into_iter().chain(own.iter().copied());
        let own: BTreeMap<String, Vec<String>> =
            entries.map(|(name, key)| (name.to_owned(), vec![key.to_owned()])).collect();
        Keymap::new(&own).map_err(|error| error.to_string())
    }

    #[test]
    fn no_preset_has_two_meanings_for_a_key_in_one_place_and_each_names_actions() {
        for preset in Preset::ALL {
            let keymap = with(preset.name(), &[]).unwrap();
            for (name, _) in preset.keys() {
                assert!(ACTIONS.iter().any(|row| row.name == *name), "{}: {name}", preset.name());
            }
            // ctrl-c ends the program wherever one is, and what opens help and the palette is never without a key.
            for action in [Action::Quit, Action::Help, Action::Palette, Action::Back, Action::Leave] {
                assert!(!keymap.chords(action).is_empty(), "{}: {action:?}", preset.name());
            }
            for context in Context::ALL {
                let quit = ["ctrl-c".parse().unwrap()];
                assert_eq!(keymap.find(context, &quit), Found::Action(Action::Quit), "{}", preset.name());
            }
        }
        assert!(ACTIONS.iter().all(|row| row.name != "preset"), "the name is that of the setting");
    }

    #[test]
    fn the_users_own_keys_go_before_those_of_the_preset() {
        let keymap = with("emacs", &[("down", "f5")]).unwrap();
        let find = |key: &str| keymap.find(Context::Tree, &[key.parse().unwrap()]);
        assert_eq!(find("f5"), Found::Action(Action::Down));
        assert_eq!(find("ctrl-n"), Found::Nothing);
        assert_eq!(find("ctrl-p"), Found::Action(Action::Up), "and not the palette, as in the table");
        assert_eq!(with("vmi", &[]).unwrap_err(), "[keys] preset: `vmi` is no preset; did you mean `vim`?");
    }
}
