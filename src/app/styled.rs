//! Text in one style: what lines of the screen are made of.

use super::target::Target;
use crate::slots::Slot;

/// A stretch of text in one style. The text is clean: no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Styled {
    pub text: String,
    /// What it is to a theme.
    pub slot: Slot,
    /// What a click on it does.
    pub target: Option<Target>,
}

impl Styled {
    pub fn new(text: impl Into<String>, slot: Slot) -> Self {
        Self { text: text.into(), slot, target: None }
    }

    /// The same, to be clicked on.
    #[must_use]
    pub fn with_target(self, target: Target) -> Self {
        Self { target: Some(target), ..self }
    }
}

/// Adds text to the end of a line: to its last stretch where that has the same style.
pub fn append(line: &mut Vec<Styled>, text: &str, slot: Slot) {
    match line.last_mut() {
        Some(last) if last.slot == slot && last.target.is_none() => last.text.push_str(text),
        _ => line.push(Styled::new(text, slot)),
    }
}
