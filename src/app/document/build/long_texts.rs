//! Texts and values of any length: the first stretch of a long one is written, the others when they are looked at.

use super::{Builder, Sink};
use crate::{
    app::{
        document::{
            extents, json, json_text,
            long::{self, AT_ONCE},
            segment::{Extent, Segment, hanging},
        },
        styled::Styled,
        wrap,
    },
    model::Value,
    slots::Slot,
};

/// How much of a long text is written.
enum Share<'a> {
    All,
    /// Its first lines; of the others it is noted where they are.
    First,
    Of(&'a Extent),
    None,
}

impl<'a> Builder<'a> {
    /// A text of any number of lines, in one style.
    pub fn text(&mut self, indent: usize, text: &str, slot: Slot) {
        self.long_text(text, |to, text| {
            for line in wrap::clean(text).trim_end_matches('\n').split('\n') {
                to.wrapped(indent, 0, &[Styled::new(line, slot)]);
            }
        });
    }

    /// The same, each line behind a pad of its own, and beneath it the lines of a list's item under its text.
    pub fn prose(&mut self, indent: usize, pad: &str, text: &str, slot: Slot) {
        self.long_text(text, |to, text| {
            for line in wrap::clean(text).split('\n') {
                let pad = (!pad.is_empty()).then(|| Styled::new(pad, Slot::Text));
                let line: Vec<Styled> = pad.into_iter().chain([Styled::new(line, slot)]).collect();
                to.wrapped(indent, hanging(&line), &line);
            }
        });
    }

    /// A value as indented, coloured JSON.
    pub fn json(&mut self, indent: usize, value: &Value) {
        let columns = self.width.saturating_sub(indent);
        if json::is_light(value) {
            return self.json_lines(indent, json::lines(value, columns));
        }
        match self.share() {
            Share::All => self.styled_lines(indent, json::lines(value, columns)),
            Share::Of(Extent::Json(extent)) => {
                self.within(|to| to.styled_lines(indent, extents::lines(value, extent, columns)));
            }
            Share::None | Share::Of(_) => {}
            Share::First => {
                for (nth, (extent, lines)) in extents::of(value).into_iter().enumerate() {
                    if nth < 2 {
                        self.styled_lines(indent, extents::lines(value, &extent, columns));
                    } else {
                        self.later(Extent::Json(extent), lines);
                    }
                }
            }
        }
    }

    /// A large text that is JSON, as that, parsed where it is looked at; false where it is no JSON.
    pub fn json_text(&mut self, indent: usize, text: &str) -> bool {
        let columns = self.width.saturating_sub(indent);
        match self.share() {
            Share::Of(Extent::JsonText(extent)) => {
                self.within(|to| to.styled_lines(indent, json_text::lines(text, extent, columns)));
            }
            // Whether it is JSON is not known here: what it would be written as instead has the next number.
            Share::None | Share::Of(_) => return false,
            Share::All | Share::First => {
                let Some(extents) = json_text::extents(text) else { return false };
                for (nth, (extent, lines)) in extents.into_iter().enumerate() {
                    if nth < 2 {
                        self.styled_lines(indent, json_text::lines(text, &extent, columns));
                    } else {
                        self.later(Extent::JsonText(extent), lines);
                    }
                }
                self.texts += 1;
            }
        }
        true
    }

    /// Writes a text of any length: the first stretch of a long one, and the others when they are looked at.
    fn long_text(&mut self, text: &str, write: impl Fn(&mut Self, &str)) {
        if text.len() <= AT_ONCE {
            return write(self, text);
        }
        match self.share() {
            Share::All => write(self, text),
            Share::Of(Extent::Text(range)) => self.within(|to| write(to, text.get(range.clone()).unwrap_or_default())),
            Share::None | Share::Of(_) => {}
            Share::First => {
                let text = text.trim_end_matches('\n');
                for (nth, stretch) in long::stretches(text).into_iter().enumerate() {
                    if nth == 0 {
                        write(self, &text[stretch]);
                    } else {
                        let lines = long::lines_of(&text[stretch.clone()], self.width);
                        self.later(Extent::Text(stretch), lines);
                    }
                }
            }
        }
    }

    /// How much of the next long text is to be written now.
    fn share(&mut self) -> Share<'a> {
        self.texts += 1;
        match self.sink {
            Sink::Segments => Share::First,
            Sink::Count => Share::All,
            Sink::Only { text, extent, .. } if text == self.texts => Share::Of(extent),
            Sink::Only { .. } => Share::None,
        }
    }

    /// Lets through what is written here, while all else is passed over.
    fn within(&mut self, write: impl FnOnce(&mut Self)) {
        if let Sink::Only { within, .. } = &mut self.sink {
            *within = true;
        }
        write(self);
        if let Sink::Only { within, .. } = &mut self.sink {
            *within = false;
        }
    }

    fn later(&mut self, extent: Extent, lines: usize) {
        self.finish_lines();
        self.segments.push(Segment::Later { text: self.texts, extent, lines });
    }
}
