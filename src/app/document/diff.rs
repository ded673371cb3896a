//! What differs between two sequences, and between two texts line by line.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::build::Builder;
use super::hash;
use crate::app::{format, styled::Styled, wrap};
use crate::slots::Slot;

/// Of more pairs than this nothing is compared but the beginnings and the ends.
const PAIRS: usize = 1_000_000;

/// So many lines on either side of a difference are shown with it.
const CONTEXT: usize = 1;

/// Of more lines that differ the others are only counted.
const LINES: usize = 400;

/// So many characters of a long line are shown on either side of what differs in it.
const AROUND: usize = 48;

/// A stretch of two sequences: equal in both, or what one has in the place of what the other has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    pub is_equal: bool,
    pub before: Range<usize>,
    pub now: Range<usize>,
}

/// The stretches of two sequences of hashes, in order. Each element of either is in one of them.
#[must_use]
pub fn stretches(before: &[u64], now: &[u64]) -> Vec<Stretch> {
    let equal = |pairs: &mut dyn Iterator<Item = (&u64, &u64)>| pairs.take_while(|(left, right)| left == right).count();
    let head = equal(&mut before.iter().zip(now));
    let tail = equal(&mut before[head..].iter().rev().zip(now[head..].iter().rev()));
    let (left, right) = (head..before.len() - tail, head..now.len() - tail);
    let mut stretches = vec![Stretch { is_equal: true, before: 0..head, now: 0..head }];
    if left.len().saturating_mul(right.len()) > PAIRS {
        stretches.push(Stretch { is_equal: false, before: left, now: right });
    } else {
        let (mut old, mut new) = (head, head);
        // Only the lengths are taken: the places of what was removed and added may be those before its stretch was moved.
        for op in capture_diff_slices(Algorithm::Myers, &before[left], &now[right]) {
            let (removed, added) = (op.old_range().len(), op.new_range().len());
            let (before, now) = (old..old + removed, new..new + added);
            (old, new) = (before.end, now.end);
            let is_equal = matches!(op, DiffOp::Equal { .. });
            match stretches.last_mut().filter(|last| !last.is_equal && !is_equal) {
                Some(last) => (last.before.end, last.now.end) = (old, new),
                None => stretches.push(Stretch { is_equal, before, now }),
            }
        }
    }
    stretches.push(Stretch {
        is_equal: true,
        before: before.len() - tail..before.len(),
        now: now.len() - tail..now.len(),
    });
    stretches.retain(|stretch| !stretch.before.is_empty() || !stretch.now.is_empty());
    stretches
}

/// How many lines of two texts differ: the larger number of what was taken away and what was added.
#[must_use]
pub fn changed_lines(before: &str, now: &str) -> usize {
    let differ = line_stretches(before, now).into_iter().filter(|stretch| !stretch.is_equal);
    differ.map(|stretch| stretch.before.len().max(stretch.now.len())).sum()
}

fn line_stretches(before: &str, now: &str) -> Vec<Stretch> {
    let hashes = |text: &str| text.lines().map(hash::of).collect::<Vec<u64>>();
    stretches(&hashes(before), &hashes(now))
}

/// The lines in which two texts differ, `-` before those of the first and `+` before those of the second, with a line
/// around them; what is equal in both is only counted.
pub fn write(to: &mut Builder, indent: usize, before: &str, now: &str) {
    let (left, right): (Vec<&str>, Vec<&str>) = (before.lines().collect(), now.lines().collect());
    let stretches = line_stretches(before, now);
    let last = stretches.len().saturating_sub(1);
    let mut shown = 0;
    for (at, stretch) in stretches.into_iter().enumerate() {
        if stretch.is_equal {
            let lines = &right[stretch.now];
            let (head, tail) = (if at > 0 { CONTEXT } else { 0 }, if at < last { CONTEXT } else { 0 });
            if lines.len() <= head + tail + 1 {
                context(to, indent, lines);
                continue;
            }
            context(to, indent, &lines[..head]);
            skipped(to, indent, lines.len() - head - tail, "equal");
            context(to, indent, &lines[lines.len() - tail..]);
            continue;
        }
        let (removed, added) = (&left[stretch.before], &right[stretch.now]);
        let room = LINES.saturating_sub(shown);
        shown += removed.len() + added.len();
        if removed.len() + added.len() > room {
            all(to, indent, Sign::Removed, &removed[..removed.len().min(room / 2)]);
            all(to, indent, Sign::Added, &added[..added.len().min(room / 2)]);
            let left_out = removed.len().saturating_sub(room / 2) + added.len().saturating_sub(room / 2);
            skipped(to, indent, left_out, "that differ");
        } else if removed.len() == added.len() {
            for (removed, added) in removed.iter().zip(added) {
                let [removed, added] = parted(removed, added);
                changed(to, indent, Sign::Removed, removed);
                changed(to, indent, Sign::Added, added);
            }
        } else {
            all(to, indent, Sign::Removed, removed);
            all(to, indent, Sign::Added, added);
        }
    }
}

#[derive(Clone, Copy)]
enum Sign {
    Removed,
    Added,
}

/// A longer stretch of a line is cut at so many characters: what differs begins there.
const LONG: usize = 2_000;

fn short(text: &str) -> String {
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}…", wrap::clean_line(&text[..end])),
        None => wrap::clean_line(text),
    }
}

fn context(to: &mut Builder, indent: usize, lines: &[&str]) {
    for line in lines {
        to.wrapped(indent, 2, &[Styled::new(format!("  {}", short(line)), Slot::Dim)]);
    }
}

fn all(to: &mut Builder, indent: usize, sign: Sign, lines: &[&str]) {
    for line in lines {
        changed(to, indent, sign, ["", line, ""]);
    }
}

fn skipped(to: &mut Builder, indent: usize, lines: usize, which: &str) {
    let counted = if lines == 1 { "1 line".to_owned() } else { format!("{} lines", format::exact(lines as u64)) };
    to.line(vec![Styled::new(format!("{}  … {counted} {which}", " ".repeat(indent)), Slot::Dim)]);
}

/// A line with its sign. `parts`: what it has in common with the other line, what differs, what it has in common again.
fn changed(to: &mut Builder, indent: usize, sign: Sign, [head, middle, tail]: [&str; 3]) {
    let (mark, slot) = match sign {
        Sign::Removed => ("- ", Slot::Error),
        Sign::Added => ("+ ", Slot::Ok),
    };
    let beginning = |text: &str| match text.char_indices().nth(AROUND) {
        Some((end, _)) => format!("{}…", wrap::clean_line(&text[..end])),
        None => wrap::clean_line(text),
    };
    let end = |text: &str| match text.char_indices().rev().nth(AROUND) {
        Some((from, _)) => format!("…{}", wrap::clean_line(&text[from..])),
        None => wrap::clean_line(text),
    };
    let texts = [
        Styled::new(mark, slot),
        Styled::new(end(head), Slot::Text),
        Styled::new(short(middle), slot),
        Styled::new(beginning(tail), Slot::Text),
    ];
    to.wrapped(indent, 2, &texts);
}

/// Two lines as what they begin with in common, what differs, and what they end with in common, in whole words.
fn parted<'t>(before: &'t str, now: &'t str) -> [[&'t str; 3]; 2] {
    let common: usize = before
        .chars()
        .zip(now.chars())
        .take_while(|(left, right)| left == right)
        .map(|(left, _)| left.len_utf8())
        .sum();
    let head = if common == before.len() && common == now.len() {
        common
    } else {
        before[..common].rfind(' ').map_or(0, |space| space + 1)
    };
    let (left, right) = (&before[head..], &now[head..]);
    let pairs = left.chars().rev().zip(right.chars().rev());
    let common: usize = pairs.take_while(|(left, right)| left == right).map(|(left, _)| left.len_utf8()).sum();
    let tail = left[left.len() - common..].find(' ').map_or(0, |space| common - space);
    let cut = |text: &'t str| {
        let end = text.len() - tail;
        [&text[..head], &text[head..end], &text[end..]]
    };
    [cut(before), cut(now)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_that_differ_in_a_word_have_it_between_what_is_equal() {
        let [before, now] = parted("it is 17:41:12 in Oslo", "it is 17:41:31 in Oslo");
        assert_eq!(before, ["it is ", "17:41:12", " in Oslo"]);
        assert_eq!(now, ["it is ", "17:41:31", " in Oslo"]);
        assert_eq!(parted("a b", "a c b"), [["a ", "b", ""], ["a ", "c b", ""]]);
        assert_eq!(parted("", "x"), [["", "", ""], ["", "x", ""]]);
        assert_eq!(parted("naïve", "naïvé"), [["", "naïve", ""], ["", "naïvé", ""]]);
    }

    #[test]
    fn lines_that_differ_are_counted() {
        assert_eq!(changed_lines("a\nb\nc", "a\nx\nc"), 1);
        assert_eq!(changed_lines("a\nb", "a\nb"), 0);
        assert_eq!(changed_lines("a", "a\nb\nc"), 2);
    }

    proptest! {
        #[test]
        fn every_element_is_in_one_stretch_and_equal_ones_are_equal(
            before in prop::collection::vec(0u64..4, 0..40),
            now in prop::collection::vec(0u64..4, 0..40),
        ) {
            let (mut left, mut right) = (0, 0);
            for stretch in stretches(&before, &now) {
                prop_assert_eq!((stretch.before.start, stretch.now.start), (left, right));
                (left, right) = (stretch.before.end, stretch.now.end);
                if stretch.is_equal {
                    prop_assert_eq!(&before[stretch.before], &now[stretch.now]);
                }
            }
            prop_assert_eq!((left, right), (before.len(), now.len()));
        }

        #[test]
        fn parts_of_lines_are_the_lines(before in "[ab é]{0,12}", now in "[ab é]{0,12}") {
            let [left, right] = parted(&before, &now);
            prop_assert_eq!((left.concat(), right.concat()), (before.clone(), now.clone()));
            prop_assert_eq!((left[0], left[2]), (right[0], right[2]));
        }
    }
}
