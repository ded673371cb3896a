//! Numbers over time as a row of bars, in text.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The numbers in so many columns, the newest at the right, each bar against the highest.
///
/// A column shows the highest of the numbers it stands for, so that no burst is averaged away; what is above zero
/// never looks like zero.
#[must_use]
pub fn text(numbers: &[u64], columns: usize, per_column: usize) -> String {
    let chunks: Vec<u64> = numbers.rchunks(per_column.max(1)).take(columns).map(highest).collect();
    let top = highest(&chunks).max(1);
    let bar = |number: &u64| match number {
        0 => BARS[0],
        number => {
            // 1 to 7: the lowest bar is for nothing.
            let level = 1 + u128::from(*number) * 6 / u128::from(top);
            usize::try_from(level).ok().and_then(|level| BARS.get(level)).copied().unwrap_or('█')
        }
    };
    let missing = columns - chunks.len();
    std::iter::repeat_n(BARS[0], missing).chain(chunks.iter().rev().map(bar)).collect()
}

fn highest(numbers: &[u64]) -> u64 {
    numbers.iter().copied().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_measured_against_the_highest_and_the_newest_is_at_the_right() {
        assert_eq!(text(&[0, 1, 60, 120], 4, 1), "▁▂▅█");
        assert_eq!(text(&[5], 3, 1), "▁▁█");
        assert_eq!(text(&[], 3, 1), "▁▁▁");
        assert_eq!(text(&[9, 1, 2, 3, 4, 5], 2, 3), "█▅", "a column shows its highest");
        assert_eq!(text(&[u64::MAX, 0, 0, 1], 2, 2), "█▂");
        assert_eq!(text(&[1, 2], 0, 1), "");
    }
}
