//! The hints of the demo: one at a time, each until somebody does what it says. Where all was done they are gone.

use super::event::Mode;
use crate::{
    keymap::{Action, Keymap},
    tabs::Tab,
};

/// One hint: what the screen shows, and the key that goes on.
struct Hint {
    /// `{}` stands for the key of the first action.
    says: &'static str,
    /// The same in fewer words.
    short: &'static str,
    /// Any of these is what it says.
    by: &'static [Action],
}

/// In the order in which people should see what there is.
const HINTS: &[Hint] = &[
    Hint {
        says: "Sessions hold runs, runs hold steps: {} and the arrows move, and end the following of what is new",
        short: "{} and the arrows move",
        by: &[Action::Down, Action::Up, Action::Fold, Action::Unfold, Action::Open, Action::First, Action::Last],
    },
    Hint {
        says: "An agent failed: {} goes back to where. The lines above the tabs say why, and that it looped",
        short: "{} goes to what failed",
        by: &[Action::PreviousFailed, Action::NextFailed],
    },
    Hint {
        says: "{} shows its tools: book_room was called four times with arguments that its schema forbids",
        short: "{} shows its tools",
        by: &[Action::Tab(Tab::Tools)],
    },
    Hint {
        says: "{} shows what the model thought before each call",
        short: "{} shows what it thought",
        by: &[Action::Tab(Tab::Reasoning)],
    },
    Hint {
        says: "{} shows what it cost, and that a clock in the system prompt broke the cache",
        short: "{} shows what it cost",
        by: &[Action::Tab(Tab::Cost)],
    },
    Hint {
        says: "{} shows where the time went",
        short: "{} shows where the time went",
        by: &[Action::Tab(Tab::Timeline)],
    },
    Hint {
        says: "{} on a turn shows its prompt as the model saw it, with what is new in it",
        short: "{} shows a turn's prompt",
        by: &[Action::Prompt],
    },
    Hint {
        says: "{} narrows the list: type error, or tool: and Tab",
        short: "{} narrows the list",
        by: &[Action::Filter, Action::Facets, Action::AddValue],
    },
    Hint { says: "{} shows what all runs cost, and how they went", short: "{} shows statistics", by: &[Action::Stats] },
    Hint {
        says: "{} says what every key does. Your own agent: sideseat-tui run -- python my_agent.py",
        short: "{} says what each key does",
        by: &[Action::Help, Action::Palette],
    },
];

/// Which hints were followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tour {
    done: [bool; HINTS.len()],
}

impl Tour {
    /// The hints of what is shown: a demo has some, anything else has none.
    #[must_use]
    pub fn of(mode: Mode) -> Option<Self> {
        (mode == Mode::Demo).then(Self::default)
    }

    /// Which hint is next, from 0; `None` after the last.
    fn at(&self) -> Option<usize> {
        self.done.iter().position(|done| !done)
    }

    /// `2/10`, and the hint that is next, in the long form and in the short one; `None` where there is none.
    #[must_use]
    pub fn hint(&self, keymap: &Keymap) -> Option<(String, [String; 2])> {
        let at = self.at()?;
        let hint = &HINTS[at];
        let key = hint.by.iter().map(|action| keymap.label(*action)).find(|key| !key.is_empty())?;
        let said = [hint.says, hint.short].map(|said| said.replace("{}", &key));
        Some((format!("{}/{}", at + 1, HINTS.len()), said))
    }
}

/// Somebody did this: the hints that say so are followed, also those that would have come later. After the last there are
/// none any more.
pub fn did(tour: &mut Option<Tour>, action: Action) {
    let Some(going) = tour else { return };
    for (done, hint) in going.done.iter_mut().zip(HINTS) {
        *done |= hint.by.contains(&action);
    }
    if going.at().is_none() {
        *tour = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hint_names_a_key_and_fits_beside_its_number() {
        for hint in HINTS {
            assert!(hint.says.matches("{}").count() == 1 && hint.short.matches("{}").count() == 1, "{}", hint.says);
            assert!(hint.says.len() < 104 && hint.short.len() <= 28, "{}", hint.says);
            assert!(hint.by.first().is_some_and(|action| !action.row().keys.is_empty()));
        }
    }
}
