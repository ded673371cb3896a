//! Texts and values of any length: the first stretch of a long one is written, the others when they are looked at.

use super::{
    Builder, Sink,
    json_folds::{Of, item_of, name_of},
};
use crate::{
    app::{
        document::{
            extents, highlight,
            json::{self, Room},
            json_text,
            large::{Begins, Part, Taken},
            line::FoldName,
            long::{self, AT_ONCE},
            segment::{Extent, Segment, hanging},
        },
        styled::Styled,
        wrap,
    },
    model::{Value, json::parse},
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

/// Large JSON that is written.
#[derive(Clone, Copy)]
struct Json<'a> {
    indent: usize,
    /// What its folds are named after.
    number: u64,
    /// The path that leads to it.
    root: &'a str,
}

impl Json<'_> {
    /// The number of an array or a map in it, by places in those around it.
    fn number_of(self, place: &[usize]) -> u64 {
        place.iter().fold(self.number, |number, nth| item_of(number, *nth))
    }
}

impl<'a> Builder<'a> {
    /// What differs between files: lines that were added and removed in their colours.
    pub fn diff(&mut self, indent: usize, text: &str, slot: Slot) {
        self.long_text(text, |to, text| {
            for line in wrap::clean(text).trim_end_matches('\n').split('\n') {
                to.wrapped(indent, 0, &[Styled::new(line, highlight::diff_slot(line).unwrap_or(slot))]);
            }
        });
    }

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

    /// How JSON is laid out that stands in so far.
    pub fn room(&self, indent: usize) -> Room {
        Room { columns: self.width.saturating_sub(indent), unfolds: !self.is_raw() }
    }

    /// A value as indented, coloured JSON.
    pub fn json(&mut self, indent: usize, value: &Value) {
        let number = self.next_json();
        self.json_part(indent, value, number, "");
    }

    /// The same of a part of a value. `number`: what its folds are named after; `root`: the path that leads to it.
    pub fn json_part(&mut self, indent: usize, value: &Value, number: u64, root: &str) {
        let width = self.room(indent);
        if json::is_light(value) {
            if !self.passes_over() {
                self.json_lines(indent, json::lines(value, width), Of::Value(number));
            }
            return;
        }
        let json = Json { indent, number, root };
        match self.share() {
            Share::All => self.json_lines(indent, json::lines(value, width), Of::Value(number)),
            Share::Of(Extent::Json(extent)) => self.within(|to| to.taken(json, value, extent)),
            Share::None | Share::Of(_) => {}
            Share::First => self.taken_apart(json, value, extents::of(value), Extent::Json),
        }
    }

    /// A text that is written whole where it might have been large JSON has a number nevertheless.
    pub fn pass_text(&mut self) {
        self.texts += 1;
    }

    /// A large text that is JSON, as that, parsed where it is looked at; false where it is no JSON.
    pub fn json_text(&mut self, indent: usize, text: &str) -> bool {
        let json = Json { indent, number: self.next_json(), root: "" };
        match self.share() {
            Share::Of(Extent::JsonText(extent)) => self.within(|to| to.taken(json, text, extent)),
            // Whether it is JSON is not known here: what it would be written as instead has the next number.
            Share::None | Share::Of(_) => return false,
            Share::All => {
                let Ok(value) = parse(text) else { return false };
                let room = self.room(indent);
                self.json_lines(indent, json::lines(&value, room), Of::Value(json.number));
            }
            Share::First => {
                let Some(extents) = json_text::extents(text) else { return false };
                self.taken_apart(json, text, extents, Extent::JsonText);
                self.texts += 1;
            }
        }
        true
    }

    /// The first lines of large JSON; of all others but what is closed it is noted where they are.
    fn taken_apart<T: Taken>(
        &mut self,
        json: Json,
        whole: &T::Whole,
        extents: Vec<(T, usize)>,
        later: fn(T) -> Extent,
    ) {
        let mut written = 0;
        let mut closed: Option<Vec<usize>> = None;
        for (extent, lines) in extents {
            if let Some(place) = &closed {
                if extent.part() == Part::Closes && extent.place() == place {
                    closed = None;
                }
                continue;
            }
            let name = (extent.part() == Part::Opens).then(|| name_of(json.number_of(extent.place())));
            if let Some(name) = name.filter(|name| !self.is_open(name, true)) {
                closed = Some(extent.place().to_vec());
                self.closed.push(FoldName(name));
            }
            if written < 2 {
                self.taken(json, whole, &extent);
            } else {
                self.later(later(extent), lines);
            }
            written += 1;
        }
    }

    /// Some lines of large JSON.
    fn taken<T: Taken>(&mut self, json: Json, whole: &T::Whole, extent: &T) {
        let Json { indent, root, .. } = json;
        let number = json.number_of(extent.place());
        let mut lines = extent.lines(whole, self.room(indent));
        self.item = Begins::of(extent, whole, root).map(Box::new);
        match extent.part() {
            Part::Items(first) => self.json_lines(indent, lines, Of::Items(number, first)),
            Part::Text | Part::Closes => self.styled_lines(indent, lines),
            Part::Opens => {
                let line = lines.pop().unwrap_or_default();
                if self.is_open(&name_of(number), true) {
                    self.opening(indent, line, number);
                } else {
                    let last = extent.closing().lines(whole, self.room(indent)).pop().unwrap_or_default();
                    self.closed_json(indent, line, last, number);
                }
            }
        }
        self.item = None;
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
