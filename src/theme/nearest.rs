//! The nearest right word to a misspelt one.

/// The word with the fewest letters to change, if that is close enough to have been meant.
pub fn nearest<'a>(wrong: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A name of a theme file is as long as its author likes; the distance takes length times length.
    let wrong: Vec<char> = wrong.chars().take(64).collect();
    let far = (wrong.len() / 2).max(2);
    let ranked = words.into_iter().map(|word| (distance(&wrong, word), word));
    ranked.filter(|(distance, _)| *distance <= far).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// How many letters must be put in, taken out or changed (Levenshtein, one row kept).
fn distance(wrong: &[char], word: &str) -> usize {
    let mut row: Vec<usize> = (0..=wrong.len()).collect();
    for (above, letter) in word.chars().take(64).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], above + 1);
        for (at, other) in wrong.iter().enumerate() {
            let changed = diagonal + usize::from(*other != letter);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row[wrong.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let words = ["dark", "light", "high-contrast", "plain"];
        assert_eq!(nearest("drak", words), Some("dark"));
        assert_eq!(nearest("high_contrast", words), Some("high-contrast"));
        assert_eq!(nearest("zzzzzz", words), None);
        assert_eq!(nearest("", []), None);
    }
}
