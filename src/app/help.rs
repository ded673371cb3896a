//! The help as lines: what works here, then what works elsewhere; in two columns where there is room.

use super::{item::Item, wrap};

/// From here on there are two columns.
const TWO: usize = 96;
/// Columns between the two, and between keys and what they do.
const BETWEEN: usize = 3;
const GAP: usize = 2;

/// The heading of what marks mean.
pub const MARKS_TITLE: &str = "Marks";

/// What marks and numbers of the lists mean.
pub const MARKS: &[(&str, &str)] = &[
    ("✓ ! ✗", "It went well; something failed and it went on; it failed"),
    ("● ◌", "It goes on; it never ended, or was not received"),
    ("A M T R W", "An agent, a call of a model, a tool, a search, a chain; any other is ·"),
    ("↻9", "A tool was called nine times with the same arguments"),
    ("◈", "Somebody marked it, or a step that is folded away in it, with a letter"),
    ("#2/9", "The second of nine calls of a tool"),
    ("+7", "Seven spans are folded away; l opens them"),
    ("$.3+ ? ~", "At least so much; not known; estimated"),
];

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelpLine {
    Blank,
    /// The place whose keys follow; `here`: they work where one is.
    Place {
        title: &'static str,
        here: bool,
    },
    /// What follows does not work where one is.
    Elsewhere,
    /// Keys, and what they do; where that goes on in another line there are no keys.
    Keys {
        keys: String,
        does: String,
    },
}

/// The help, laid out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HelpText {
    /// One column or two.
    pub columns: Vec<Vec<HelpLine>>,
    /// How wide each is, and what stands between them.
    pub width: usize,
    pub between: usize,
    /// How wide the keys are, and what stands behind them.
    pub keys: usize,
}

impl HelpText {
    /// Lays items out in so many columns of a terminal; `here` are the titles of the places that work.
    ///
    /// `keys` is how wide the widest keys of all are, so that nothing moves while one searches.
    #[must_use]
    pub fn of(items: &[&Item], here: &[&'static str], keys: usize, width: usize) -> Self {
        let (between, width) = if width >= TWO { (BETWEEN, (width - BETWEEN) / 2) } else { (0, width) };
        let keys = (keys + GAP).min(width / 2);
        let sections = sections(items, here, width.saturating_sub(keys));
        let columns = if between > 0 { balanced(&sections) } else { vec![joined(&sections)] };
        Self { columns, width, between, keys }
    }

    /// How many lines the longest column has.
    #[must_use]
    pub fn height(&self) -> usize {
        self.columns.iter().map(Vec::len).max().unwrap_or(0)
    }
}

/// The places, each with its keys.
fn sections(items: &[&Item], here: &[&'static str], room: usize) -> Vec<Vec<HelpLine>> {
    let mut sections: Vec<Vec<HelpLine>> = Vec::new();
    let mut before: Option<&Item> = None;
    for item in items {
        let works = here.contains(&item.group);
        if before.is_none_or(|before| before.group != item.group) {
            let left_here = before.is_none_or(|before| here.contains(&before.group));
            let elsewhere = (!works && left_here).then_some(HelpLine::Elsewhere);
            let place = HelpLine::Place { title: item.group, here: works };
            sections.push(elsewhere.into_iter().chain([place]).collect());
        }
        before = Some(item);
        let Some(section) = sections.last_mut() else { continue };
        for (at, line) in wrap::wrap(&item.text, room).into_iter().enumerate() {
            let keys = if at == 0 { item.note.clone() } else { String::new() };
            section.push(HelpLine::Keys { keys, does: line.trim_end().to_owned() });
        }
    }
    sections
}

/// Two columns as equal as whole places make them, the first the longer.
fn balanced(sections: &[Vec<HelpLine>]) -> Vec<Vec<HelpLine>> {
    let split = |at: usize| vec![joined(&sections[..at]), joined(&sections[at..])];
    let splits = (1..=sections.len()).map(split);
    let longest = |columns: &Vec<Vec<HelpLine>>| columns.iter().map(Vec::len).max();
    splits.min_by_key(longest).unwrap_or_default()
}

fn joined(sections: &[Vec<HelpLine>]) -> Vec<HelpLine> {
    sections.join(&HelpLine::Blank)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::State,
        keymap::{ACTIONS, Context},
    };

    fn text(width: usize) -> HelpText {
        let state = State::new(crate::app::Start::default());
        let items = state.items(&crate::app::item::Kind::Help { of: Context::Tree });
        let places = Context::Tree.places().iter().map(|place| place.title());
        let here: Vec<&str> = places.chain([MARKS_TITLE]).collect();
        HelpText::of(&items.iter().collect::<Vec<_>>(), &here, 9, width)
    }

    #[test]
    fn no_word_of_the_help_is_cut_at_any_width() {
        for width in [20, 32, 70, 110, 200] {
            let help = text(width);
            let does = |line: &HelpLine| match line {
                HelpLine::Keys { does, .. } => Some(does.clone()),
                _ => None,
            };
            let texts: Vec<String> = help.columns.iter().flatten().filter_map(does).collect();
            assert!(texts.iter().all(|line| wrap::width(line) <= help.width - help.keys), "{width}");
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let helps = ACTIONS.iter().map(|row| row.help).chain(MARKS.iter().map(|(_, means)| *means));
            let all: Vec<String> = helps.flat_map(words).collect();
            assert_eq!(words(&texts.join(" ")).concat().len(), all.concat().len(), "{width}");
        }
    }

    #[test]
    fn what_works_elsewhere_is_set_apart() {
        let help = text(70);
        let lines = &help.columns[0];
        let apart = lines.iter().position(|line| *line == HelpLine::Elsewhere).unwrap();
        let here = |line: &HelpLine| matches!(line, HelpLine::Place { here: true, .. });
        assert_eq!(lines.iter().filter(|line| here(line)).count(), 4);
        assert!(!lines[apart..].iter().any(here));
    }

    #[test]
    fn nothing_found_is_no_line() {
        assert_eq!(HelpText::of(&[], &[], 9, 70).height(), 0);
        assert_eq!(HelpText::of(&[], &[], 9, 110).height(), 0);
    }
}
