//! Large JSON, taken apart: what the parts of a value and of a text have in common, and where in it they are.

use super::json::{self, Room};
use crate::app::styled::Styled;

/// Which lines of an array or a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The one with the opening bracket.
    Opens,
    /// Those of some items, from one of them on.
    Items(usize),
    /// A part of a text.
    Text,
    /// The one with the closing bracket.
    Closes,
}

/// Some whole lines of a large value, which are written by themselves.
pub trait Taken: Clone {
    /// What was taken apart.
    type Whole: ?Sized;

    /// The array or map that it is of, by places in those around it.
    fn place(&self) -> &[usize];

    fn part(&self) -> Part;

    /// Its lines.
    fn lines(&self, whole: &Self::Whole, room: Room) -> Vec<Vec<Styled>>;

    /// The line that closes what it opens.
    fn closing(&self) -> Self;

    /// The path of what it is of: a step for each of the arrays and maps that it is in, and one for itself.
    fn steps(&self, whole: &Self::Whole) -> Vec<String>;

    /// The step to an item of what it is of.
    fn step(&self, whole: &Self::Whole, nth: usize) -> String;
}

/// Which item of an array or a map begins in a line, or ends there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begins {
    /// The path of the array or map.
    pub within: String,
    pub nth: usize,
    /// Its own path.
    pub path: String,
}

impl Begins {
    /// What begins in the first line of a part; `None` for the first and last line of the whole. `root`: the path that leads
    /// to the whole.
    pub fn of<T: Taken>(taken: &T, whole: &T::Whole, root: &str) -> Option<Self> {
        let mut steps = taken.steps(whole);
        let (step, nth) = match taken.part() {
            Part::Items(nth) => (taken.step(whole, nth), nth),
            Part::Opens | Part::Text | Part::Closes => (steps.pop()?, *taken.place().last()?),
        };
        let within = format!("{root}{}", steps.concat());
        Some(Self { path: format!("{within}{step}"), within, nth })
    }
}

/// `.name`, `["a name"]`, or the place in an array: `[3]`.
#[must_use]
pub fn step(name: Option<&str>, nth: usize) -> String {
    let Some(name) = name else { return format!("[{nth}]") };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_name = !name.is_empty() && name.chars().all(is_plain) && !name.starts_with(|c: char| c.is_ascii_digit());
    if is_name { format!(".{name}") } else { format!("[{}]", json::quoted(name)) }
}
