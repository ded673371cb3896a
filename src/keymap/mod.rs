//! Place and keys → action, with half-typed chords.
//!
//! ```text
//!   actions   the table: action, place, keys, name, hint, help
//!   chord     keys as text and back
//!   presets   sets of keys for hands that know other programs
//! ```
//!
//! A [`Keymap`] is that table with the user's own keys laid over it.

mod actions;
mod chord;
mod presets;

use std::collections::BTreeMap;

pub use actions::{ACTIONS, Action, Place, Row};
pub use chord::{Chord, Code, Key, NotAKey};
pub use presets::Preset;

use crate::nearest::nearest;

/// The name in `[keys]` under which a preset is chosen.
const PRESET: &str = "preset";

/// Where the keys go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    Tree,
    Detail,
    /// Lines of the detail are being selected.
    Selecting,
    Stats,
    List,
    Line,
    FirstRun,
}

impl Context {
    pub const ALL: [Self; 7] =
        [Self::Tree, Self::Detail, Self::Selecting, Self::Stats, Self::List, Self::Line, Self::FirstRun];

    /// The places whose keys work here, nearest first.
    #[must_use]
    pub fn places(self) -> &'static [Place] {
        match self {
            Self::Tree | Self::Detail => &[Place::Rows, Place::Main, Place::Anywhere],
            Self::Selecting => &[Place::Rows, Place::Selection, Place::Anywhere],
            Self::Stats => &[Place::Rows, Place::Stats, Place::Anywhere],
            Self::List => &[Place::Rows, Place::List, Place::Anywhere],
            Self::Line => &[Place::Line],
            Self::FirstRun => &[Place::FirstRun, Place::Rows, Place::Anywhere],
        }
    }

    /// As help names it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Detail => "detail",
            Self::Selecting => "selection",
            Self::Stats => "statistics",
            Self::List => "list",
            Self::Line => "line",
            Self::FirstRun => "first run",
        }
    }
}

/// What keys do, by the table and the user's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    /// The chords of each row of the table, in its order.
    chords: Vec<Vec<Chord>>,
}

/// What the keys pressed so far mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Action(Action),
    /// They begin a chord.
    Half,
    Nothing,
}

/// One entry of the footer: `j/k move`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    pub keys: String,
    pub does: &'static str,
    /// The first action it stands for, for clicks and for leaving out what would do nothing.
    pub action: Action,
}

/// What may follow keys that begin a chord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Following {
    pub keys: String,
    pub action: Action,
    pub does: &'static str,
}

/// One line of help: an action, its keys as people read them, what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpRow {
    pub place: Place,
    pub action: Action,
    pub keys: String,
    pub does: &'static str,
}

/// Why the user's keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("[keys] has no action `{name}`{} (`sideseat-tui keys` lists them)", meant(*.nearest))]
    Unknown { name: String, nearest: Option<&'static str> },
    #[error("[keys] preset: {0}")]
    NoPreset(String),
    #[error("[keys] {name}: {why}")]
    NotAKey { name: &'static str, why: NotAKey },
    #[error("[keys] `{chord}` of `{name}` and `{other_chord}` of `{other}` mean two things in one place ({place})")]
    Clash { chord: Chord, name: &'static str, other_chord: Chord, other: &'static str, place: &'static str },
    #[error("[keys] {name}: `{chord}` is typed into the line itself; use a key with ctrl or alt, or a named one")]
    Typed { name: &'static str, chord: Chord },
}

impl KeyError {
    /// The actions it is about, by their names in `[keys]`, the one at fault first.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Unknown { name, .. } => vec![name],
            Self::NoPreset(_) => vec![PRESET],
            Self::NotAKey { name, .. } | Self::Typed { name, .. } => vec![name],
            Self::Clash { name, other, .. } => vec![name, other],
        }
    }
}

impl Default for Keymap {
    fn default() -> Self {
        Self::new(&BTreeMap::new()).expect("the table's own keys are right; a test reads them all")
    }
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

impl Keymap {
    /// The table with other keys for some actions: an action's name → all its keys; under `preset` the name of a set of
    /// keys that goes before the table.
    ///
    /// # Errors
    /// A name that no action or no preset has, a text that is no key, or two meanings in one place.
    pub fn new(own: &BTreeMap<String, Vec<String>>) -> Result<Self, KeyError> {
        let preset = own.get(PRESET).map(|names| names.join(" ").parse::<Preset>());
        let preset = preset.transpose().map_err(KeyError::NoPreset)?.unwrap_or_default();
        for name in own.keys().filter(|name| *name != PRESET) {
            if !ACTIONS.iter().any(|row| row.name == name) {
                return Err(KeyError::Unknown { name: name.clone(), nearest: nearest_action(name) });
            }
        }
        let mut chords = Vec::with_capacity(ACTIONS.len());
        for row in ACTIONS {
            let read = |text: &str| text.parse().map_err(|why| KeyError::NotAKey { name: row.name, why });
            let keys: Result<Vec<Chord>, _> = if let Some(texts) = own.get(row.name) {
                texts.iter().map(|text| read(text)).collect()
            } else {
                let keys = preset.of(row.name).unwrap_or(row.keys);
                keys.iter().map(|text| read(text)).collect()
            };
            chords.push(keys?);
        }
        let keymap = Self { chords };
        keymap.check()?;
        Ok(keymap)
    }

    /// Refuses two meanings in one place.
    fn check(&self) -> Result<(), KeyError> {
        for context in Context::ALL {
            let here: Vec<(&Row, &Chord)> = self.rows(context).collect();
            for (index, (row, chord)) in here.iter().enumerate() {
                if context == Context::Line && chord.keys().iter().any(|key| key.types().is_some()) {
                    return Err(KeyError::Typed { name: row.name, chord: (*chord).clone() });
                }
                let clash = here[..index].iter().find(|(other, taken)| {
                    // The same keys twice for one action is no harm.
                    taken.hides(chord) && !(other.action == row.action && taken == chord)
                });
                if let Some((other, taken)) = clash {
                    return Err(KeyError::Clash {
                        chord: (*chord).clone(),
                        name: row.name,
                        other_chord: (*taken).clone(),
                        other: other.name,
                        place: context.title(),
                    });
                }
            }
        }
        Ok(())
    }

    /// What works in a context: rows with each of their chords.
    fn rows(&self, context: Context) -> impl Iterator<Item = (&'static Row, &Chord)> {
        ACTIONS
            .iter()
            .zip(&self.chords)
            .filter(move |(row, _)| context.places().contains(&row.place))
            .flat_map(|(row, chords)| chords.iter().map(move |chord| (row, chord)))
    }

    /// What the keys pressed so far mean in a context.
    ///
    /// In a line, keys that type nothing keep what they mean anywhere: `ctrl-c` must always work.
    #[must_use]
    pub fn find(&self, context: Context, pressed: &[Key]) -> Found {
        let mut half = false;
        for (row, chord) in self.rows(context) {
            if chord.keys() == pressed {
                return Found::Action(row.action);
            }
            half |= chord.keys().starts_with(pressed);
        }
        if half {
            return Found::Half;
        }
        if context == Context::Line && pressed.iter().all(|key| key.ctrl) {
            let anywhere = ACTIONS.iter().zip(&self.chords).filter(|(row, _)| row.place == Place::Anywhere);
            for (row, chords) in anywhere {
                if chords.iter().any(|chord| chord.keys() == pressed) {
                    return Found::Action(row.action);
                }
            }
        }
        Found::Nothing
    }

    /// What may follow the keys pressed so far in a context: the rest of each chord, and what it does; each action once.
    #[must_use]
    pub fn follows(&self, context: Context, pressed: &[Key]) -> Vec<Following> {
        let mut following: Vec<Following> = Vec::new();
        for (row, chord) in self.rows(context) {
            let Some(rest) = chord.keys().strip_prefix(pressed).filter(|rest| !rest.is_empty()) else { continue };
            if !following.iter().any(|other| other.action == row.action) {
                let keys = rest.iter().map(Key::label).collect::<Vec<_>>().join(" ");
                following.push(Following { keys, action: row.action, does: row.help });
            }
        }
        following
    }

    /// The chords of an action.
    #[must_use]
    pub fn chords(&self, action: Action) -> &[Chord] {
        &self.chords[action.at()]
    }

    /// An action's first keys as people read them; empty where it has none.
    #[must_use]
    pub fn label(&self, action: Action) -> String {
        self.chords(action).first().map(Chord::label).unwrap_or_default()
    }

    /// What the footer says in a context, in order of use.
    #[must_use]
    pub fn hints(&self, context: Context) -> Vec<Hint> {
        let mut groups: Vec<(&'static Row, Vec<String>)> = Vec::new();
        for place in context.places() {
            for row in ACTIONS.iter().filter(|row| row.place == *place && !row.hint.is_empty()) {
                let Some(chord) = self.chords(row.action).first() else { continue };
                // Of keys that begin several chords the first one is enough: what may follow is shown then.
                let label = match chord.keys() {
                    [first, _, ..] if self.follows(context, &[*first]).len() > 1 => first.label(),
                    _ => chord.label(),
                };
                match groups.last_mut() {
                    Some((first, labels)) if first.hint == row.hint => labels.push(label),
                    _ => groups.push((row, vec![label])),
                }
            }
        }
        let hint =
            |(row, labels): (&Row, Vec<String>)| Hint { keys: join(&labels), does: row.hint, action: row.action };
        groups.into_iter().map(hint).collect()
    }

    /// Every action with its keys: those that work in `context` first, then the rest, each by place.
    #[must_use]
    pub fn help(&self, context: Context) -> Vec<HelpRow> {
        let here = context.places();
        let elsewhere = Place::ALL.into_iter().filter(|place| !here.contains(place));
        let mut rows = Vec::new();
        for place in here.iter().copied().chain(elsewhere) {
            for row in ACTIONS.iter().filter(|row| row.place == place) {
                let labels: Vec<String> = self.chords(row.action).iter().map(Chord::label).collect();
                rows.push(HelpRow { place, action: row.action, keys: labels.join("  "), does: row.help });
            }
        }
        rows
    }
}

/// `j/k`; `1-5` for a run of digits.
fn join(labels: &[String]) -> String {
    let digit = |label: &String| label.parse::<u8>().ok().filter(|digit| *digit < 10);
    let digits: Option<Vec<u8>> = labels.iter().map(digit).collect();
    if let Some(digits) = digits
        && digits.len() > 2
        && digits.windows(2).all(|pair| pair[0] + 1 == pair[1])
        && let (Some(first), Some(last)) = (digits.first(), digits.last())
    {
        return format!("{first}-{last}");
    }
    labels.join("/")
}

/// The name of an action that was probably meant, also where it is written in the way of a setting.
fn nearest_action(name: &str) -> Option<&'static str> {
    nearest(&name.to_lowercase().replace('_', "-"), ACTIONS.iter().map(|row| row.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tabs::Tab;

    fn own(entries: &[(&str, &[&str])]) -> Result<Keymap, KeyError> {
        let texts = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        Keymap::new(&entries.iter().map(|(name, keys)| ((*name).to_owned(), texts(keys))).collect())
    }

    fn press(text: &str) -> Vec<Key> {
        text.parse::<Chord>().unwrap().keys().to_vec()
    }

    #[test]
    fn the_table_means_one_thing_in_each_place() {
        assert_eq!(Keymap::default().find(Context::Tree, &press("j")), Found::Action(Action::Down));
    }

    #[test]
    fn a_chord_waits_for_its_second_key() {
        let keymap = Keymap::default();
        assert_eq!(keymap.find(Context::Tree, &press("g")), Found::Half);
        assert_eq!(keymap.find(Context::Tree, &press("g g")), Found::Action(Action::First));
        assert_eq!(keymap.find(Context::Tree, &press("g x")), Found::Nothing);
    }

    #[test]
    fn characters_type_themselves_in_a_line_and_ctrl_c_still_quits() {
        let keymap = Keymap::default();
        assert_eq!(keymap.find(Context::Line, &press("q")), Found::Nothing);
        assert_eq!(keymap.find(Context::Line, &press("?")), Found::Nothing);
        assert_eq!(keymap.find(Context::Line, &press("ctrl-c")), Found::Action(Action::Quit));
        assert_eq!(keymap.find(Context::Line, &press("ctrl-u")), Found::Action(Action::Clear));
    }

    #[test]
    fn own_keys_replace_those_of_the_table() {
        let keymap = own(&[("down", &["ctrl-n"]), ("fold", &[])]).unwrap();
        assert_eq!(keymap.find(Context::Tree, &press("j")), Found::Nothing);
        assert_eq!(keymap.find(Context::Tree, &press("ctrl-n")), Found::Action(Action::Down));
        assert_eq!(keymap.find(Context::Tree, &press("h")), Found::Nothing);
    }

    #[test]
    fn two_meanings_in_one_place_are_an_error_that_names_both() {
        let clash = own(&[("follow", &["s"])]).unwrap_err().to_string();
        assert!(clash.contains("`session`") && clash.contains("`follow`") && clash.contains("tree"), "{clash}");
        let hidden = own(&[("follow", &["g"])]).unwrap_err().to_string();
        assert!(hidden.contains("`g g`") && hidden.contains("`first`"), "{hidden}");
        assert!(matches!(own(&[("take", &["x"])]), Err(KeyError::Typed { .. })));
        assert!(own(&[("narrow", &["s"])]).is_ok(), "a list and the tree are two places");
    }

    #[test]
    fn a_misspelt_action_is_answered_with_the_nearest() {
        let wrong = |name: &str| own(&[(name, &["x"])]).unwrap_err().to_string();
        assert_eq!(
            wrong("half_page_dwn"),
            "[keys] has no action `half_page_dwn`; did you mean `half-page-down`? (`sideseat-tui keys` lists them)"
        );
        assert_eq!(wrong("zzzzzz"), "[keys] has no action `zzzzzz` (`sideseat-tui keys` lists them)");
        assert!(matches!(own(&[("down", &["hyper-x"])]), Err(KeyError::NotAKey { .. })));
    }

    #[test]
    fn neighbours_share_a_hint() {
        let hints = Keymap::default().hints(Context::Tree);
        let line = hints.iter().map(|hint| format!("{} {}", hint.keys, hint.does)).collect::<Vec<_>>().join("  ");
        let tabs = Tab::ALL.len();
        assert_eq!(
            line,
            format!(
                "j/k move  Enter open  h/l fold  Tab pane  1-{tabs} tab  e/E failure  >/< zoom  o show  / filter  n/N found  s session  F follow  a prompt  c compare  y yank  x export  Esc back  S stats  : palette  P pause  T theme  ? help  q quit"
            )
        );
    }

    #[test]
    fn help_begins_with_what_works_here_and_leaves_nothing_out() {
        let rows = Keymap::default().help(Context::FirstRun);
        assert_eq!(rows.first().map(|row| row.place), Some(Place::FirstRun));
        assert_eq!(rows.len(), ACTIONS.len());
    }
}
