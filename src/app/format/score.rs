//! Scores that somebody gave.

/// A score without the noise of binary fractions: `0.9`, `1`, `0.333`.
#[must_use]
pub fn score(score: f64) -> String {
    short(score, 3)
}

/// A score in so many columns: with fewer decimals where they do not fit, and as a power of ten where nothing else does.
#[must_use]
pub fn score_in(score: f64, columns: usize) -> String {
    let fits = (0..=3).rev().map(|decimals| short(score, decimals)).find(|text| text.len() <= columns);
    fits.unwrap_or_else(|| format!("{score:.0e}"))
}

fn short(score: f64, decimals: usize) -> String {
    let text = format!("{score:.decimals$}");
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_has_the_decimals_that_say_something_and_fit() {
        let cases = [(0.9, "0.9"), (1.0, "1"), (0.0, "0"), (-0.0001, "0"), (10.0, "10"), (1.0 / 3.0, "0.333")];
        for (number, text) in cases {
            assert_eq!((score(number).as_str(), score_in(number, 5).as_str()), (text, text));
        }
        assert_eq!(score_in(-1.0 / 3.0, 5), "-0.33");
        assert_eq!(score_in(12.3456, 5), "12.35");
        assert_eq!(score_in(98_765.4, 5), "98765");
        assert_eq!(score_in(1_234_567.0, 5), "1e6");
        assert!(score_in(f64::MIN, 7).len() <= 7);
    }
}
