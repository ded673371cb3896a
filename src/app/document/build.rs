//! Writes one block: indenting, wrapping, folding, aligning right. `long_texts`: of those only the first lines at once.

pub(super) mod json_folds;
mod long_texts;
mod tables;

use std::sync::Arc;

use super::large::Begins;
use super::lens::{Lens, Moment};
use super::line::{DocLine, Fold, FoldName, Folds, Joint, Opens, Piece};
use super::segment::{Above, Extent, Segment, Written, fit, hanging};
use super::table;
use crate::app::{format::Zone, styled::Styled, wrap};
use crate::model::{SpanId, Timestamp};
use crate::slots::Slot;

/// Where lines go.
enum Sink<'a> {
    /// Into segments; long texts become segments of their own.
    Segments,
    /// Nowhere: only their number is wanted.
    Count,
    /// Only those of one extent of one long text are wanted; all else is passed over.
    Only { text: usize, extent: &'a Extent, within: bool },
}

pub struct Builder<'a> {
    pub width: usize,
    /// Times are written in this time zone.
    pub zone: &'a Zone,
    /// Which part of a run's time is looked at.
    pub lens: &'a Lens,
    folds: &'a Folds,
    now: Timestamp,
    /// What is written depends on the moment.
    ticks: bool,
    above: Above,
    sink: Sink<'a>,
    segments: Vec<Segment>,
    lines: Vec<DocLine>,
    /// Lines that were counted.
    count: usize,
    /// Long texts so far.
    texts: usize,
    span: Option<SpanId>,
    moment: Option<Box<Moment>>,
    /// The block, the fold that was begun last in it, and how many values of JSON were written since: what the folds of the
    /// next value are named after.
    within: (u64, String, usize),
    /// Folds that are closed in what is not written yet.
    closed: Vec<FoldName>,
    /// What the next line is of a large JSON value.
    item: Option<Box<Begins>>,
    /// Which piece of the block the next lines show.
    piece: Piece,
    /// The next line goes on with the one above.
    goes_on: Option<Joint>,
    /// The next lines show this row of a table; whether one of them is written.
    row: Option<(Arc<table::Written>, bool)>,
    /// Goes before the next line, in place of its indent: the indent and the mark.
    mark: Option<(usize, Styled)>,
    /// The last line is a heading.
    headed: bool,
}

impl<'a> Builder<'a> {
    /// Writes what stands beneath `above`.
    pub fn new(folds: &'a Folds, (zone, lens): (&'a Zone, &'a Lens), width: u16, above: Above) -> Self {
        Self::with(folds, (zone, lens), width, above, Sink::Segments)
    }

    /// Writes only one extent of one of the block's long texts.
    pub fn only(
        folds: &'a Folds,
        (zone, lens): (&'a Zone, &'a Lens),
        width: u16,
        text: usize,
        extent: &'a Extent,
    ) -> Self {
        Self::with(folds, (zone, lens), width, Above::Text, Sink::Only { text, extent, within: false })
    }

    fn with(folds: &'a Folds, (zone, lens): (&'a Zone, &'a Lens), width: u16, above: Above, sink: Sink<'a>) -> Self {
        Self {
            width: usize::from(width.max(1)),
            zone,
            lens,
            folds,
            now: Timestamp::default(),
            ticks: false,
            above,
            sink,
            segments: Vec::new(),
            lines: Vec::new(),
            count: 0,
            texts: 0,
            span: None,
            moment: None,
            within: (0, String::new(), 0),
            closed: Vec::new(),
            item: None,
            piece: Piece::default(),
            goes_on: None,
            row: None,
            mark: None,
            headed: above == Above::Heading,
        }
    }

    /// Writes as of a moment.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        Self { now, ..self }
    }

    /// The moment at which the block is written: whoever asks has the block written anew each second.
    pub fn now(&mut self) -> Timestamp {
        self.ticks = true;
        self.now
    }

    pub fn done(mut self) -> Written {
        let ends = match self.lines.last() {
            _ if self.headed => Above::Heading,
            Some(line) if line.texts.is_empty() => Above::Blank,
            None if self.segments.is_empty() => self.above,
            _ => Above::Text,
        };
        self.finish_lines();
        Written { segments: self.segments, ends, ticks: self.ticks, closed: self.closed }
    }

    /// Whether nothing stands above, in the whole document.
    pub fn is_first(&self) -> bool {
        self.above == Above::Nothing && self.lines.is_empty()
    }

    /// Whether texts and arguments are wanted as they were received.
    pub fn is_raw(&self) -> bool {
        self.folds.is_raw()
    }

    /// Whether only a part of one long text is wanted: what is not needed to find that need not be made.
    pub fn is_partial(&self) -> bool {
        matches!(self.sink, Sink::Only { .. })
    }

    /// Whether what is written now is passed over.
    fn passes_over(&self) -> bool {
        matches!(self.sink, Sink::Only { within: false, .. })
    }

    /// How many lines `write` writes.
    pub fn count(&self, write: impl FnOnce(&mut Builder)) -> usize {
        let width = u16::try_from(self.width).unwrap_or(u16::MAX);
        let mut counting = Builder::with(self.folds, (self.zone, self.lens), width, Above::Text, Sink::Count);
        write(&mut counting);
        counting.count
    }

    /// A block begins; `block`: its number, which no other block has.
    pub fn begin(&mut self, block: u64) {
        self.within = (block, String::new(), 0);
    }

    /// On the next line begins what there is of a span.
    pub fn anchor(&mut self, span: SpanId) {
        self.span = Some(span);
    }

    /// The next line shows some of its run's time.
    pub fn moment(&mut self, moment: Moment) {
        self.moment = Some(Box::new(moment));
    }

    /// The next lines show this piece of the block, until another is named.
    pub fn piece(&mut self, piece: Piece) {
        self.piece = piece;
    }

    /// The next line begins with a mark, where its indent has room for it; else the mark stands above it.
    pub fn mark(&mut self, indent: usize, mark: Styled) {
        self.mark = Some((indent, mark));
    }

    /// An empty line, unless there is one already or nothing above.
    pub fn blank(&mut self) {
        let wanted = match self.lines.last() {
            Some(line) => !line.texts.is_empty(),
            None => !self.segments.is_empty() || matches!(self.above, Above::Heading | Above::Text),
        };
        if wanted && matches!(self.sink, Sink::Segments) {
            self.lines.push(DocLine::default());
        }
    }

    /// An empty line between two paragraphs; none right beneath a heading.
    pub fn gap(&mut self) {
        if !self.headed {
            self.blank();
        }
    }

    /// One line, cut where it does not fit.
    pub fn line(&mut self, texts: Vec<Styled>) {
        let texts = fit(texts, self.width);
        self.push(texts, None);
    }

    /// A paragraph: wrapped, every line indented; `hang` more from the second on.
    pub fn wrapped(&mut self, indent: usize, hang: usize, texts: &[Styled]) {
        // Where the pane is so narrow that nothing is left, text matters more than its indent.
        let indent = if indent + 8 > self.width { 0 } else { indent };
        let hang = if indent + hang + 12 > self.width { 0 } else { hang };
        let room = self.width - indent;
        let wraps = self.folds.wraps();
        match self.sink {
            Sink::Only { within: false, .. } => return,
            Sink::Count => {
                self.count += if wraps { wrap::count_hanging(texts, room, room - hang) } else { 1 };
                return;
            }
            _ => {}
        }
        let room = if wraps { room } else { usize::MAX };
        let lines = wrap::wrap_hanging(texts, room, room - hang);
        let joints = joints(texts, &lines);
        for (index, mut line) in lines.into_iter().enumerate() {
            let pad = indent + if index > 0 { hang } else { 0 };
            if pad > 0 && !line.is_empty() {
                line.insert(0, Styled::new(" ".repeat(pad), Slot::Text));
            }
            self.goes_on = joints.get(index).copied().flatten();
            self.push(line, None);
            self.goes_on = None;
        }
    }

    /// A paragraph that names what can be opened.
    pub fn opens(&mut self, indent: usize, styled: Styled, what: Option<&Opens>) {
        let first = self.lines.len();
        self.wrapped(indent, 2, &[styled]);
        for line in self.lines.iter_mut().skip(first) {
            line.opens = what.cloned();
        }
    }

    /// Lines of styled texts, each wrapped.
    pub fn styled_lines(&mut self, indent: usize, lines: Vec<Vec<Styled>>) {
        for line in lines {
            let hang = hanging(&line);
            self.wrapped(indent, hang, &line);
        }
    }

    fn finish_lines(&mut self) {
        if !self.lines.is_empty() {
            self.segments.push(Segment::Lines(std::mem::take(&mut self.lines)));
        }
    }

    /// One line with something at its right edge; the left gives way.
    pub fn spread(&mut self, left: Vec<Styled>, right: Vec<Styled>) {
        self.spread_with(left, right, " ", Slot::Text, None);
    }

    /// A rule across the pane with a text at its left and its right.
    pub fn rule(&mut self, left: Vec<Styled>, right: Vec<Styled>, slot: Slot) {
        self.spread_with(left, right, "─", slot, None);
        self.headed = true;
    }

    /// The first of several ways to say the same that leaves a rule something of its line; the last one where none does.
    pub fn fitting(&self, forms: impl IntoIterator<Item = String>) -> String {
        let mut last = String::new();
        for form in forms {
            if wrap::width(&form) < self.width {
                return form;
            }
            last = form;
        }
        last
    }

    /// Whether something that opens and closes is open.
    pub fn is_open(&self, name: &str, open_at_first: bool) -> bool {
        self.folds.is_open(&FoldName(name.to_owned()), open_at_first)
    }

    /// What is written now is named after a fold, also where there is so little of it that it has no head.
    pub fn stand_in(&mut self, fold: &str) {
        fold.clone_into(&mut self.within.1);
        self.within.2 = 0;
    }

    /// The head of something that opens and closes; true when it is open.
    pub fn fold(
        &mut self,
        name: String,
        open_at_first: bool,
        indent: usize,
        head: Vec<Styled>,
        right: Vec<Styled>,
    ) -> bool {
        self.stand_in(&name);
        let name = FoldName(name);
        let open = self.folds.is_open(&name, open_at_first);
        let mut left = vec![Styled::new(format!("{}{} ", " ".repeat(indent), if open { "▾" } else { "▸" }), Slot::Dim)];
        left.extend(head);
        self.spread_with(left, right, " ", Slot::Text, Some(Fold { name, open }));
        open
    }

    /// A line that opens and closes as it is, without a mark of its own; true when it is open.
    pub fn fold_line(&mut self, name: String, open_at_first: bool, texts: Vec<Styled>) -> bool {
        let name = FoldName(name);
        let open = self.folds.is_open(&name, open_at_first);
        let texts = fit(texts, self.width);
        self.push(texts, Some(Fold { name, open }));
        open
    }

    fn spread_with(&mut self, left: Vec<Styled>, right: Vec<Styled>, filler: &str, slot: Slot, fold: Option<Fold>) {
        let right_width = wrap::styled_width(&right);
        // A right side that would leave the left no room is not worth having.
        let (right, right_width) = if right_width + 16 > self.width { (Vec::new(), 0) } else { (right, right_width) };
        let room = self.width - right_width - usize::from(right_width > 0);
        let wide = wrap::styled_width(&left);
        let mut texts = if filler != " " && wide > room {
            // What is cut does not touch the rule.
            let mut texts = fit(left, room.saturating_sub(1));
            texts.push(Styled::new(" ", slot));
            texts
        } else {
            fit(left, room)
        };
        let gap = self.width - wrap::styled_width(&texts) - right_width;
        if right_width > 0 || filler != " " {
            texts.push(Styled::new(filler.repeat(gap), slot));
        }
        texts.extend(right);
        self.push(texts, fold);
    }

    fn push(&mut self, mut texts: Vec<Styled>, fold: Option<Fold>) {
        match self.sink {
            Sink::Only { within: false, .. } => return,
            Sink::Count => {
                self.count += 1;
                return;
            }
            _ => {}
        }
        self.headed = false;
        if let Some((indent, mark)) = self.mark.take()
            && !texts.is_empty()
        {
            let room = wrap::width(&mark.text) + 1;
            let mark = Styled::new(format!("{}{} ", " ".repeat(indent), mark.text), mark.slot);
            let pad = texts[0].text.len() - texts[0].text.trim_start_matches(' ').len();
            if pad >= indent + room {
                texts[0].text.drain(..indent + room);
                texts.insert(0, mark);
            } else {
                // A pane too narrow for indents.
                let span = self.span.take();
                self.lines.push(DocLine { texts: vec![mark], span, ..DocLine::default() });
            }
        }
        let (row, goes_on) = match &mut self.row {
            Some((row, begun)) => {
                let goes_on = std::mem::replace(begun, true).then_some(Joint::Row);
                (Some(row.clone()), goes_on)
            }
            None => (None, self.goes_on),
        };
        self.lines.push(DocLine {
            texts,
            span: self.span.take(),
            fold,
            opens: None,
            moment: self.moment.take(),
            piece: self.piece,
            goes_on,
            row,
            item: self.item.take(),
        });
    }
}

/// What stood before each of the lines that texts were cut into; nothing of one that was not cut.
fn joints(texts: &[Styled], lines: &[Vec<Styled>]) -> Vec<Option<Joint>> {
    if lines.len() < 2 {
        return Vec::new();
    }
    let joined = |texts: &[Styled]| texts.iter().map(|styled| styled.text.as_str()).collect::<String>();
    let whole = joined(texts);
    let mut rest = whole.as_str();
    let joint = |(index, line): (usize, &Vec<Styled>)| {
        let line = joined(line);
        // Nothing but the space at a break is lost.
        let lost = rest.strip_prefix(' ').filter(|after| !rest.starts_with(&line) && after.starts_with(&line));
        let joint = if lost.is_some() { Joint::Space } else { Joint::None };
        rest = lost.unwrap_or(rest);
        rest = rest.strip_prefix(line.as_str()).unwrap_or(rest);
        (index > 0).then_some(joint)
    };
    lines.iter().enumerate().map(joint).collect()
}
