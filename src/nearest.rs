//! Did you mean …: the right word nearest to a misspelt one.

/// More letters than these of a word are not compared: a name of a theme file is as long as its author likes, and a
/// comparison takes length times length.
const COMPARED: usize = 64;

/// The word with the fewest letters to change; `None` where none is close enough to have been meant (at most half of
/// the letters, and two of a short word).
#[must_use]
pub fn nearest<'a>(wrong: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = beginning(wrong);
    let far = (wrong.chars().count() / 2).max(2);
    let ranked = words.into_iter().map(|word| (strsim::levenshtein(wrong, beginning(word)), word));
    ranked.filter(|(distance, _)| *distance <= far).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// What to say of a wrong word: the one that was probably meant, else all that there are.
#[must_use]
pub fn hint<'a>(wrong: &str, words: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(wrong, words.clone()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("there are {}", words.collect::<Vec<_>>().join(", ")),
    }
}

fn beginning(word: &str) -> &str {
    word.char_indices().nth(COMPARED).map_or(word, |(end, _)| &word[..end])
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
        assert_eq!(nearest(&"ü".repeat(100_000), [&*"ü".repeat(99_999)]), Some(&*"ü".repeat(99_999)));
    }

    #[test]
    fn where_nothing_is_near_all_are_named() {
        let words = ["theme", "db", "grpc_port"];
        assert_eq!(hint("grpc-port", words.into_iter()), "did you mean `grpc_port`?");
        assert_eq!(hint("zzzzzzzzz", words.into_iter()), "there are theme, db, grpc_port");
    }
}
