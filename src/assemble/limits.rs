//! How much is compared: every limit of this folder in one place, each with what is lost where it is reached.
//!
//! They bound the work on a trace that repeats one prompt, one id or one failure thousands of times. Equal messages, ids
//! and prompts are looked up by their hashes without any limit.
//!
//! A limit counts when something was left out because of it. [`counting`] returns what was counted while a trace was
//! assembled, so that people can be told that it was compared only in part.

use std::{cell::RefCell, collections::BTreeMap};

use crate::model::LimitReached;

/// Where several calls or entries fit equally, so many of the newest are considered.
pub const NEWEST: Limit = Limit { most: 64, lost: "of equal prompts or messages only the newest were considered" };

/// So many neighbouring messages of one role are also compared as one message. In a longer run only pieces of this
/// length are.
pub const PIECES: Limit = Limit { most: 8, lost: "long runs of messages of one role were not compared as one message" };

/// A cut message is compared with so many of the newest entries, and so many entries after the anchor are compared with
/// what follows it in a prompt. Beyond that a message that was repeated counts as new.
pub const ENTRIES_FOR_CUT_MESSAGES: Limit =
    Limit { most: 64, lost: "cut messages were compared only with the newest entries" };

/// A call is compared in time with so many of the newest earlier calls that have the same prompt; with older ones it
/// makes no fork.
pub const CALLS_OF_ONE_PROMPT: Limit =
    Limit { most: 64, lost: "calls were compared only with the newest others of the same prompt" };

/// An agent is compared with so many of the agents beneath it, and a tool run with so many of the calls that began
/// after it.
pub const AGENTS_BENEATH: Limit =
    Limit { most: 64, lost: "agents were compared only with the nearest agents and calls" };

/// How many open calls a call span is compared with. Above more than these it is taken for their sum and does not
/// count, unless it has tokens and none of them has.
pub const CALLS_BENEATH: Limit =
    Limit { most: 64, lost: "call spans above many calls were taken for their sums and not compared" };

/// How many of the neighbours before it a call is compared with.
pub const NEIGHBOURS: Limit = Limit { most: 16, lost: "calls at the same time were compared only with the nearest" };

/// How many of the calls that were under way when it began a call is compared with that lies elsewhere in the trace.
pub const COUSINS: Limit = Limit { most: 128, lost: "calls at the same time were compared only with the nearest" };

/// How many nodes of a call are read to compare it with another.
pub const NODES_OF_A_CALL: Limit = Limit { most: 8, lost: "of calls with many records only the first were compared" };

/// Of the open requests with one prompt only this many, the oldest, are checked for being of the same step.
pub const OPEN_STREAMS: Limit =
    Limit { most: 64, lost: "of open streams with one prompt only the oldest were considered" };

/// How many calls before and after a record, by time, are checked for being the one it describes.
pub const CALLS_AROUND_A_RECORD: Limit =
    Limit { most: 64, lost: "log records were compared only with the calls nearest in time" };

/// Where many runs have one key, only this many are considered; a match further away is missed.
pub const RUNS_OF_ONE_KEY: Limit =
    Limit { most: 256, lost: "of tool runs with one name or id only the nearest were considered" };

/// A prompt repeats old tool results. Of those before its last assistant message only this many, the newest, are kept;
/// those after it are new, and all of them are kept.
/// It is applied while a span is digested, when it arrives, and so it is not among the limits that are reported.
pub const OLD_RESULTS: Limit = Limit { most: 128, lost: "of repeated tool results only the newest were considered" };

/// How many failures beneath a span are compared with its own in full; of the others only equal messages are found.
pub const FAILURES_BENEATH: Limit = Limit { most: 64, lost: "of many failures only the newest were compared in full" };

/// A limit of how much is compared.
#[derive(Debug)]
pub struct Limit {
    /// How many are compared.
    most: usize,
    /// What people lose where there are more, as a clause.
    lost: &'static str,
}

thread_local! {
    /// How often each limit left something out since [`counting`] began on this thread, by [`Limit::lost`].
    static REACHED: RefCell<BTreeMap<&'static str, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Does a piece of work, and returns how often each limit was reached in it.
pub fn counting<T>(work: impl FnOnce() -> T) -> (T, Vec<LimitReached>) {
    let outer = REACHED.take();
    let done = work();
    let reached = REACHED.replace(outer);
    (done, reached.into_iter().map(|(lost, times)| LimitReached { lost: lost.into(), times }).collect())
}

impl Limit {
    /// How many are compared, for a caller that counts by [`Self::reach`] what it leaves out.
    pub const fn most(&self) -> usize {
        self.most
    }

    /// Counts that something was left out.
    pub fn reach(&self) {
        REACHED.with_borrow_mut(|reached| *reached.entry(self.lost).or_default() += 1);
    }

    /// Whether no more than the limit are there; counts where more are.
    pub fn allows(&self, number: usize) -> bool {
        if number > self.most {
            self.reach();
        }
        number <= self.most
    }

    /// The last elements of a list, as many as the limit allows; counts where there are more.
    pub fn last<'s, T>(&self, items: &'s [T]) -> &'s [T] {
        self.allows(items.len());
        &items[items.len().saturating_sub(self.most)..]
    }
}

/// The first elements of an iterator, as many as a limit allows. It counts where somebody asks for one more and there
/// is one.
#[derive(Debug, Clone)]
pub struct Within<I> {
    items: I,
    limit: &'static Limit,
    left: usize,
}

/// Limits iterators.
pub trait Limited: Iterator + Sized {
    /// The first elements, as many as the limit allows.
    fn within(self, limit: &'static Limit) -> Within<Self> {
        Within { items: self, limit, left: limit.most }
    }
}

impl<I: Iterator> Limited for I {}

impl<I: Iterator> Iterator for Within<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            return self.items.next();
        }
        if self.items.next().is_some() {
            self.limit.reach();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static TWO: Limit = Limit { most: 2, lost: "two" };

    fn reached(work: impl FnOnce() -> usize) -> (usize, u64) {
        let (done, reached) = counting(work);
        (done, reached.iter().map(|limit| limit.times).sum())
    }

    #[test]
    fn a_limit_counts_only_where_something_is_left_out() {
        assert_eq!(reached(|| [1, 2].iter().within(&TWO).count()), (2, 0));
        assert_eq!(reached(|| [1, 2, 3].iter().within(&TWO).count()), (2, 1));
        assert_eq!(reached(|| usize::from([1, 2, 3].iter().within(&TWO).any(|number| *number == 2))), (1, 0));
        assert_eq!(reached(|| usize::from(TWO.allows(2))), (1, 0));
        assert_eq!(reached(|| usize::from(TWO.allows(3))), (0, 1));
        assert_eq!(reached(|| TWO.last(&[1, 2, 3]).len()), (2, 1));
        assert_eq!(reached(|| TWO.last(&[1, 2]).len()), (2, 0));
    }

    #[test]
    fn what_one_piece_of_work_reaches_is_not_counted_for_another() {
        let (((), inner), outer) = counting(|| {
            TWO.reach();
            counting(|| TWO.reach())
        });
        assert_eq!((inner[0].times, outer[0].times), (1, 1));
        assert!(counting(|| ()).1.is_empty());
    }
}
