//! Finding what was typed in the items of a list, by nucleo, helix's matcher: each word must be found, in any case.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{Atom, AtomKind, CaseMatching, Normalization},
};
use unicode_segmentation::UnicodeSegmentation;

/// How a word is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Its letters in their order, others between them: for names.
    Fuzzy,
    /// The whole word: for sentences, in which some letters are always found.
    Whole,
}

/// Looks for the words of a line.
pub struct Finder {
    words: Vec<Atom>,
    matcher: Matcher,
    /// The text that is looked at, each grapheme by its first character.
    letters: Vec<char>,
}

impl Finder {
    #[must_use]
    pub fn new(line: &str, how: How) -> Self {
        let kind = match how {
            How::Fuzzy => AtomKind::Fuzzy,
            How::Whole => AtomKind::Substring,
        };
        let word = |word| Atom::new(word, CaseMatching::Ignore, Normalization::Smart, kind, false);
        let words = line.split_whitespace().map(word).collect();
        Self { words, matcher: Matcher::new(Config::DEFAULT), letters: Vec::new() }
    }

    /// How well a text matches, more is better; `None` where one of the words is not in it.
    pub fn score(&mut self, text: &str) -> Option<u32> {
        self.look_at(text);
        let Self { words, matcher, letters } = self;
        words.iter().map(|word| word.score(Utf32Str::Unicode(letters), matcher).map(u32::from)).sum()
    }

    /// Which graphemes of a text were found, in ascending order: those of each word that is in it.
    pub fn found(&mut self, text: &str) -> Vec<usize> {
        self.look_at(text);
        let Self { words, matcher, letters } = self;
        let mut found: Vec<u32> = Vec::new();
        for word in words {
            let before = found.len();
            if word.indices(Utf32Str::Unicode(letters), matcher, &mut found).is_none() {
                found.truncate(before);
            }
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|at| usize::try_from(at).ok()).collect()
    }

    // Not `Utf32Str::new`, which takes a text for ASCII where the first character of each grapheme is.
    fn look_at(&mut self, text: &str) {
        self.letters.clear();
        self.letters.extend(text.graphemes(true).filter_map(|grapheme| grapheme.chars().next()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_their_order_are_found_and_the_closest_name_scores_most() {
        let mut finder = Finder::new("TRPL", How::Fuzzy);
        let [near, far, none] = ["trip-planner", "the river people", "planner"].map(|name| finder.score(name));
        assert!(near > far && far.is_some() && none.is_none(), "{near:?} {far:?} {none:?}");
        assert_eq!(finder.found("trip-planner"), [0, 1, 5, 6]);
        assert!(finder.found("planner").is_empty());
    }

    #[test]
    fn every_word_must_be_found_and_a_whole_one_without_gaps() {
        let mut finder = Finder::new("show the", How::Whole);
        assert!(finder.score("Show the tools").is_some());
        assert_eq!(finder.score("Show tools: h, e"), None);
        assert_eq!(finder.found("Show"), [0, 1, 2, 3], "on a line of its own, where the rest is on the next");
        assert_eq!(Finder::new("", How::Whole).score("anything"), Some(0));
    }

    #[test]
    fn what_is_found_is_counted_in_graphemes() {
        let mut finder = Finder::new("u", How::Fuzzy);
        assert_eq!(finder.found("e\u{301}👨\u{200d}👩\u{200d}👧ü"), [2]);
        assert_eq!(Finder::new("é", How::Fuzzy).found("caffé"), [4]);
    }
}
