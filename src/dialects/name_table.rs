//! Tables of attribute names, asked of every attribute of every span: what a whole name means, or a beginning.
//!
//! Thousands of names begin with `gen_ai.` and `llm.`, and comparing them letter by letter is what a search costs. So
//! whole names are found by their hash, and beginnings among those with the same first letter.

use std::{collections::HashMap, ops::Range};

use foldhash::fast::FixedState;

/// What whole names mean, several rows for one name.
pub struct Names<T> {
    /// In the order of the names, within a name in the order in which they were given.
    rows: Vec<T>,
    of: HashMap<&'static str, Range<usize>, FixedState>,
}

impl<T> Names<T> {
    pub fn new(rows: impl IntoIterator<Item = (&'static str, T)>) -> Self {
        let mut rows: Vec<(&str, T)> = rows.into_iter().collect();
        rows.sort_by_key(|(name, _)| *name);
        let mut of: HashMap<&str, Range<usize>, FixedState> = HashMap::default();
        for (at, (name, _)) in rows.iter().enumerate() {
            of.entry(name).or_insert(at..at).end = at + 1;
        }
        Self { rows: rows.into_iter().map(|(_, row)| row).collect(), of }
    }

    /// The rows of a name.
    pub fn of(&self, name: &str) -> &[T] {
        self.of.get(name).and_then(|range| self.rows.get(range.clone())).unwrap_or_default()
    }

    /// Every name once.
    #[cfg(test)]
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.of.keys().copied()
    }
}

/// What beginnings of names mean. None begins with another.
pub struct Beginnings<T> {
    /// Sorted.
    rows: Vec<(&'static str, T)>,
    /// For each first byte the place of the first row that begins with it, or with a greater one.
    first: [usize; 257],
}

impl<T> Beginnings<T> {
    pub fn new(rows: impl IntoIterator<Item = (&'static str, T)>) -> Self {
        let mut rows: Vec<(&str, T)> = rows.into_iter().collect();
        rows.sort_by_key(|(name, _)| *name);
        let first = std::array::from_fn(|byte| {
            rows.partition_point(|(name, _)| name.bytes().next().map_or(0, usize::from) < byte)
        });
        Self { rows, first }
    }

    /// What the one that begins the name means.
    pub fn of(&self, name: &str) -> Option<&T> {
        let byte = usize::from(name.bytes().next()?);
        let rows = self.rows.get(self.first[byte]..self.first[byte + 1])?;
        let after = rows.partition_point(|(beginning, _)| *beginning <= name);
        let (beginning, row) = rows.get(after.checked_sub(1)?)?;
        name.starts_with(beginning).then_some(row)
    }

    /// All of them, sorted.
    #[cfg(test)]
    pub fn all(&self) -> impl Iterator<Item = &'static str> {
        self.rows.iter().map(|(beginning, _)| *beginning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_all_its_rows_in_the_order_in_which_they_were_given() {
        let table = Names::new([("b", 1), ("a", 2), ("b", 3), ("", 4)]);
        for (name, rows) in [("b", &[1, 3][..]), ("a", &[2]), ("", &[4]), ("c", &[]), ("ba", &[])] {
            assert_eq!(table.of(name), rows, "{name}");
        }
    }

    #[test]
    fn a_name_is_known_by_its_beginning() {
        let table = Beginnings::new([("llm.", 1), ("gen_ai.", 2), ("genkit:", 3), ("é", 4), ("\u{7f}", 5)]);
        for (name, row) in [
            ("gen_ai.", Some(2)),
            ("gen_ai.system", Some(2)),
            ("genkit:type", Some(3)),
            ("llm.tools", Some(1)),
            ("llm", None),
            ("gen_a", None),
            ("zzz", None),
            ("", None),
            ("été", Some(4)),
            ("\u{7f}", Some(5)),
        ] {
            assert_eq!(table.of(name).copied(), row, "{name}");
        }
    }
}
