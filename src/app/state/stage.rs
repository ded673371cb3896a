//! Which of its faces the screen shows, where keys go there, and the lamp of the header.

use super::State;
use crate::{
    app::{areas::Focus, event::Mode},
    keymap::{Context, Following},
    model::Rescue,
};

/// Which of its faces the screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing is known of the store yet.
    Opening,
    /// The store holds no trace.
    FirstRun,
    Browsing,
}

/// The lamp of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lamp {
    /// The store is being opened.
    Opening,
    /// Nothing has arrived yet.
    Waiting,
    Live,
    Demo,
    /// Files are looked at.
    Files,
    Paused,
    /// Another instance receives and stores.
    Attached,
    /// It has ended.
    Ended,
    /// No listener is open, or nothing can be stored.
    Failing,
    /// What can be read of the store's file is being put into a new one.
    Rescuing,
    /// A part of the store's file cannot be read.
    Damaged,
}

impl State {
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self.overview.shown() {
            // The sums may be those of a filter that nothing passes.
            Some(overview) if overview.all.states.all() > 0 => Stage::Browsing,
            // A program that has sent nothing yet is more than how one would send.
            Some(_) if self.filter.is_empty() && self.seen.programs.is_empty() => Stage::FirstRun,
            Some(_) => Stage::Browsing,
            None if self.overview.failed().is_some() => Stage::Browsing,
            None => Stage::Opening,
        }
    }

    /// Where the keys go.
    #[must_use]
    pub fn context(&self) -> Context {
        match (self.lists.last(), self.stage(), self.focus) {
            (Some(list), _, _) if list.line().is_some() => Context::Line,
            (Some(_), _, _) => Context::List,
            (None, _, _) if self.line.is_some() || self.naming.is_some() || self.finds.is_some() => Context::Line,
            (None, Stage::FirstRun, _) => Context::FirstRun,
            (None, _, _) if self.stats.is_open() => Context::Stats,
            (None, _, Focus::Tree) => Context::Tree,
            (None, _, Focus::Detail) if self.detail.is_selecting() => Context::Selecting,
            (None, _, Focus::Detail) => Context::Detail,
        }
    }

    /// What may follow the keys pressed so far, where that is more than one thing.
    #[must_use]
    pub fn following(&self) -> Vec<Following> {
        // What is kept until an answer comes has its last key.
        if self.half.is_empty() || self.ahead.keys().next().is_some() {
            return Vec::new();
        }
        let following = self.keymap.follows(self.context(), &self.half);
        if following.len() > 1 { following } else { Vec::new() }
    }

    #[must_use]
    pub fn lamp(&self) -> Lamp {
        let closed = self.listening.as_ref().is_some_and(Vec::is_empty) && self.mode == Mode::Live;
        if self.ended.is_some() {
            Lamp::Ended
        } else if self.seen.rescue == Some(Rescue::Running) {
            Lamp::Rescuing
        } else if closed || self.failing.is_some() || self.seen.disk_full.is_some() {
            Lamp::Failing
        } else if self.paused.is_some() {
            Lamp::Paused
        } else if self.seen.rescue.is_some() {
            Lamp::Damaged
        } else if self.mode == Mode::Demo {
            Lamp::Demo
        } else if self.mode == Mode::Files {
            Lamp::Files
        } else {
            match self.stage() {
                Stage::Opening => Lamp::Opening,
                _ if self.mode == Mode::Attached => Lamp::Attached,
                Stage::FirstRun => Lamp::Waiting,
                Stage::Browsing => Lamp::Live,
            }
        }
    }
}
