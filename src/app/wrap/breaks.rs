//! Breaks a line of styled text where it is full, one grapheme after another: nothing is held but the word at hand.

use unicode_segmentation::UnicodeSegmentation;

use super::width;
use crate::app::styled::{Styled, append};
use crate::slots::Slot;

/// After these a word too long for any line (a path, an id) breaks rather than in the middle of a name.
pub const SEAMS: [&str; 8] = ["-", ".", "/", ":", "_", ",", "&", "="];

/// What takes the lines as they are filled.
pub trait Takes {
    fn text(&mut self, text: &str, slot: Slot);
    /// The line is full; another one follows.
    fn end(&mut self);
}

/// Lines of styled texts.
#[derive(Default)]
pub struct Lines {
    done: Vec<Vec<Styled>>,
    line: Vec<Styled>,
}

impl Lines {
    /// All lines, the last one too: at least one.
    pub fn done(mut self) -> Vec<Vec<Styled>> {
        self.done.push(self.line);
        self.done
    }
}

impl Takes for Lines {
    fn text(&mut self, text: &str, slot: Slot) {
        append(&mut self.line, text, slot);
    }

    fn end(&mut self) {
        self.done.push(std::mem::take(&mut self.line));
    }
}

/// How many lines there are after the first.
#[derive(Default)]
pub struct Count(pub usize);

impl Takes for Count {
    fn text(&mut self, _: &str, _: Slot) {}

    fn end(&mut self) {
        self.0 += 1;
    }
}

/// Breaks one line of styled text into lines of `first` columns, then of `beneath`: at spaces, else between wide
/// graphemes, else after a seam, else anywhere. A grapheme wider than a line stands alone.
pub fn break_line<'a>(
    texts: impl Iterator<Item = (&'a str, Slot)>,
    first: usize,
    beneath: usize,
    into: &mut impl Takes,
) {
    let mut breaker = Breaker {
        into,
        used: 0,
        columns: first.max(1),
        beneath: beneath.max(1),
        word: Vec::new(),
        word_width: 0,
        fits: Fits::Word,
    };
    for (text, slot) in texts {
        if text.is_ascii() {
            for at in 0..text.len() {
                breaker.grapheme(&text[at..=at], 1, slot);
            }
        } else {
            for grapheme in text.graphemes(true) {
                breaker.grapheme(grapheme, width(grapheme), slot);
            }
        }
    }
    breaker.end_word();
}

/// How much of the word at hand is known to fit on one line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fits {
    /// All of it, so far.
    Word,
    /// Not the word, but its part since the last seam.
    Part,
    /// Not even that: it breaks anywhere.
    Nothing,
}

struct Breaker<'a, 't, T> {
    into: &'t mut T,
    /// Columns of the line that are filled.
    used: usize,
    /// Room of the line that is being filled, and of each one after it.
    columns: usize,
    beneath: usize,
    /// What is not placed yet, as it may have to go to the next line whole; never much wider than a line.
    word: Vec<(&'a str, usize, Slot)>,
    word_width: usize,
    fits: Fits,
}

impl<'a, T: Takes> Breaker<'a, '_, T> {
    fn grapheme(&mut self, grapheme: &'a str, wide: usize, slot: Slot) {
        if grapheme == " " {
            self.end_word();
            // A space at the end of a full line is the break itself.
            if self.used < self.columns {
                self.into.text(" ", slot);
                self.used += 1;
            }
        } else if wide > 1 {
            self.end_word();
            self.word.push((grapheme, wide, slot));
            self.word_width = wide;
            self.end_word();
        } else if self.fits == Fits::Nothing {
            self.put(grapheme, wide, slot);
            if SEAMS.contains(&grapheme) {
                self.fits = Fits::Part;
            }
        } else {
            self.word.push((grapheme, wide, slot));
            self.word_width += wide;
            if self.word_width > self.beneath {
                self.place_parts();
            } else if self.fits == Fits::Part && SEAMS.contains(&grapheme) {
                self.place();
            }
        }
    }

    /// The word fits on no line: its parts up to the last seam are placed, the rest waits where it may fit.
    fn place_parts(&mut self) {
        let word = std::mem::take(&mut self.word);
        self.fits = Fits::Part;
        self.word_width = 0;
        for (grapheme, wide, slot) in word {
            self.word.push((grapheme, wide, slot));
            self.word_width += wide;
            if SEAMS.contains(&grapheme) {
                self.place();
            }
        }
        if self.word_width > self.beneath {
            self.place();
            self.fits = Fits::Nothing;
        }
    }

    fn end_word(&mut self) {
        if !self.word.is_empty() {
            self.place();
        }
        self.fits = Fits::Word;
    }

    /// Places what waits, on the next line where it fits there and not here.
    fn place(&mut self) {
        if self.used + self.word_width > self.columns && self.used > 0 && self.word_width <= self.beneath {
            self.end();
        }
        let mut word = std::mem::take(&mut self.word);
        for (grapheme, wide, slot) in word.drain(..) {
            self.put(grapheme, wide, slot);
        }
        self.word = word;
        self.word_width = 0;
    }

    fn put(&mut self, grapheme: &str, wide: usize, slot: Slot) {
        if self.used + wide > self.columns && self.used > 0 {
            self.end();
        }
        self.into.text(grapheme, slot);
        self.used += wide;
    }

    fn end(&mut self) {
        self.into.end();
        self.used = 0;
        self.columns = self.beneath;
    }
}
