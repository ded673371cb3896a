//! What is looked for in a text: a phrase, in any case unless it has a capital letter.

use std::ops::Range;

use super::line::Joint;

/// A phrase.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needle {
    text: String,
    /// Its letters in lower case, where case does not matter and not all of them are ASCII.
    folded: Option<Vec<char>>,
    exact: bool,
}

impl Needle {
    #[must_use]
    pub fn new(text: &str) -> Self {
        let exact = text.chars().any(char::is_uppercase);
        let folded = (!exact && !text.is_ascii()).then(|| text.chars().flat_map(char::to_lowercase).collect());
        Self { text: text.to_owned(), folded, exact }
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Where it starts in a line of a document, none over another; `next`: what stood between it and the line beneath, and
    /// that line, where it goes on with this one. Bytes of all joined, without the indent of the second.
    #[must_use]
    pub fn in_line(&self, line: &str, next: Option<(Joint, &str)>) -> Vec<Range<usize>> {
        if self.is_empty() {
            return Vec::new();
        }
        let Some((joint, next)) = next else { return self.find(line) };
        let next = next.trim_start();
        // What starts in this line ends within so much of the next.
        let end = next.floor_char_boundary(next.len().min(self.text.len() * 3));
        let mut found = self.find(&format!("{line}{}{}", joint.as_str(), &next[..end]));
        found.retain(|range| range.start < line.len());
        found
    }

    fn find(&self, text: &str) -> Vec<Range<usize>> {
        if self.exact {
            return text.match_indices(&self.text).map(|(at, found)| at..at + found.len()).collect();
        }
        if let Some(folded) = &self.folded {
            return find_folded(text, folded);
        }
        let (bytes, needle) = (text.as_bytes(), self.text.as_bytes());
        let [first, ..] = needle else { return Vec::new() };
        let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(candidate) = bytes.get(at..at + needle.len()) {
            if (candidate[0] == lower || candidate[0] == upper) && candidate.eq_ignore_ascii_case(needle) {
                found.push(at..at + needle.len());
                at += needle.len();
            } else {
                at += 1;
            }
        }
        found
    }
}

fn find_folded(text: &str, needle: &[char]) -> Vec<Range<usize>> {
    let letters: Vec<(usize, char)> =
        text.char_indices().flat_map(|(at, c)| c.to_lowercase().map(move |c| (at, c))).collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(candidate) = letters.get(at..at + needle.len()).filter(|candidate| !candidate.is_empty()) {
        if candidate.iter().map(|(_, c)| c).eq(needle) {
            let (start, last) = (candidate[0].0, candidate[candidate.len() - 1].0);
            let end = last + text[last..].chars().next().map_or(0, char::len_utf8);
            found.push(start..end);
            at += needle.len();
        } else {
            at += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(needle: &str, line: &str, next: Option<(Joint, &str)>) -> Vec<Range<usize>> {
        Needle::new(needle).in_line(line, next)
    }

    #[test]
    fn case_matters_once_there_is_a_capital_letter() {
        assert_eq!(found("room", "Room, ROOM, room", None), [0..4, 6..10, 12..16]);
        assert_eq!(found("Room", "Room, ROOM, room", None), vec![0..4]);
        assert_eq!(found("größe", "die GRÖSSE, Größe", None), vec![13..20]);
        assert_eq!(found("日本", "は日本の日本", None), [3..9, 12..18]);
        assert_eq!(found("aa", "aaaa", None), [0..2, 2..4]);
        assert!(found("", "text", None).is_empty());
    }

    #[test]
    fn what_a_line_was_broken_within_is_found_where_it_starts() {
        assert_eq!(found("the ryokan", "book the ", Some((Joint::None, "    ryokan now"))), vec![5..15]);
        assert_eq!(found("the ryokan", "book the", Some((Joint::Space, "    ryokan now"))), vec![5..15]);
        assert_eq!(found("abcdef", "x abc", Some((Joint::None, "  def"))), vec![2..8]);
        assert!(found("def", "x abc", Some((Joint::None, "  def"))).is_empty(), "that one starts in the next line");
    }
}
