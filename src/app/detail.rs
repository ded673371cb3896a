//! The detail: tabs over one answer, their text at the pane's width, and where each is scrolled.
//!
//! A tab's place is held by what it is at (a span's part, the end, a line chosen by hand), not by a number of lines, so
//! that it stays there when the text grows, folds or is cut to another width.

use std::{collections::HashMap, sync::Arc};

use super::{
    document::{self, Anchor, DocLine, Document, Folds, Opens},
    pane::Pane,
    scroll::Scroll,
    wrap,
};
use crate::model::{Detail, Node, Query, RawSpan, SpanId, Subject, Timestamp, ToolStatus, TraceId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tab {
    #[default]
    Messages,
    Tools,
    Reasoning,
    Cost,
    Raw,
}

impl Tab {
    pub const ALL: [Self; 5] = [Self::Messages, Self::Tools, Self::Reasoning, Self::Cost, Self::Raw];

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Messages => "Messages",
            Self::Tools => "Tools",
            Self::Reasoning => "Reasoning",
            Self::Cost => "Cost",
            Self::Raw => "Raw",
        }
    }
}

/// What a tab is held at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Hold {
    #[default]
    Start,
    /// Where the part of a span starts.
    Span(SpanId),
    /// The end, also as it grows.
    End,
    /// So many lines below an anchor; below the start where there is none.
    Hand { anchor: Option<Anchor>, below: usize },
}

/// Where a tab is scrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Spot {
    hold: Hold,
    scroll: Scroll,
}

/// What the text was made from; another means that it must be made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Made {
    version: u64,
    width: u16,
    tab: Tab,
    empty: bool,
}

#[derive(Debug, Default)]
pub struct DetailPane {
    tab: Tab,
    /// What the tree's cursor asks for; `None` where there is nothing to show.
    subject: Option<Subject>,
    span: Option<(TraceId, SpanId)>,
    detail: Pane<Option<Arc<Detail>>>,
    raw: Pane<Option<Arc<RawSpan>>>,
    folds: Folds,
    document: Document,
    anchors: HashMap<Anchor, usize>,
    made: Option<Made>,
    /// Of answers and folds.
    version: u64,
    spots: [Spot; 5],
    /// The spot is to be found anew.
    lost: bool,
}

impl DetailPane {
    #[must_use]
    pub fn tab(&self) -> Tab {
        self.tab
    }

    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }

    /// The span that the raw tab is about.
    #[must_use]
    pub fn span(&self) -> Option<(TraceId, SpanId)> {
        self.span
    }

    /// What the tabs but Raw draw from.
    #[must_use]
    pub fn answer(&self) -> &Pane<Option<Arc<Detail>>> {
        &self.detail
    }

    #[must_use]
    pub fn raw(&self) -> &Pane<Option<Arc<RawSpan>>> {
        &self.raw
    }

    /// The text of the tab that is shown.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The cursor of the tab that is shown, and the window around it.
    #[must_use]
    pub fn scroll(&self) -> Scroll {
        self.spot().scroll
    }

    /// Whether the end is held as the text grows.
    #[must_use]
    pub fn sticks(&self) -> bool {
        self.spot().hold == Hold::End
    }

    /// Whether what is drawn is about something else than the tree's cursor: its answer is on its way.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        !self.is_current()
    }

    /// The labels of the tabs, with what there is to know at a glance, so that they fit a width.
    #[must_use]
    pub fn labels(&self, width: u16) -> [String; 5] {
        let detail = self.detail.shown().and_then(Option::as_ref).filter(|_| self.tab == Tab::Raw || self.is_current());
        let tools = || detail.into_iter().flat_map(|detail| document::called(detail));
        let (runs, failed) = (tools().count(), tools().filter(|run| run.status == ToolStatus::Error).count());
        let counts = match (runs, failed) {
            (0, _) => String::new(),
            (runs, 0) => format!(" {runs}"),
            (runs, failed) => format!(" {runs}·{failed}✗"),
        };
        let marks = if failed > 0 { "✗" } else { "" };
        let full = |counts: &str| {
            Tab::ALL.map(|tab| {
                let counts = if tab == Tab::Tools { counts } else { "" };
                format!("{} {}{counts}", tab as usize + 1, tab.title())
            })
        };
        let short = [
            "1 Msg".to_owned(),
            format!("2 Tools{marks}"),
            "3 Rsn".to_owned(),
            "4 Cost".to_owned(),
            "5 Raw".to_owned(),
        ];
        let fits =
            |labels: &[String; 5]| labels.iter().map(|label| wrap::width(label) + 2).sum::<usize>() <= width.into();
        let widest = [full(&counts), full(marks), full("")];
        widest.into_iter().find(fits).unwrap_or(short)
    }

    fn spot(&self) -> &Spot {
        &self.spots[self.tab as usize]
    }

    fn spot_mut(&mut self) -> &mut Spot {
        &mut self.spots[self.tab as usize]
    }

    /// Whether the shown answer is the one to what the tree's cursor asks for.
    fn is_current(&self) -> bool {
        if self.tab == Tab::Raw {
            self.question_of_raw().as_ref() == self.raw.answered()
        } else {
            self.question().as_ref() == self.detail.answered()
        }
    }
}

/// Answers and questions.
impl DetailPane {
    /// What the tree's cursor is on: what the tabs are about, whose raw form is shown, and at which span's part the
    /// text is read; `to_end`: what is newest in it is to be seen.
    pub fn aim(&mut self, subject: Option<Subject>, span: Option<(TraceId, SpanId)>, at: Option<SpanId>, to_end: bool) {
        self.subject = subject;
        self.span = span;
        let hold = if to_end { Hold::End } else { at.map_or(Hold::Start, Hold::Span) };
        for spot in &mut self.spots {
            spot.hold = hold;
        }
        // The raw tab is about one span: it is read from its start.
        self.spots[Tab::Raw as usize].hold = Hold::Start;
        self.lost = true;
    }

    /// Another span for the raw tab, as when a trace's root became known.
    pub fn aim_raw(&mut self, span: Option<(TraceId, SpanId)>) {
        self.span = span;
    }

    #[must_use]
    pub fn question(&self) -> Option<Query> {
        Some(Query::Detail { subject: self.subject.clone()? })
    }

    #[must_use]
    pub fn question_of_raw(&self) -> Option<Query> {
        let (trace, span) = self.span?;
        Some(Query::Raw { trace, span })
    }

    pub fn detail_mut(&mut self) -> &mut Pane<Option<Arc<Detail>>> {
        &mut self.detail
    }

    pub fn raw_mut(&mut self) -> &mut Pane<Option<Arc<RawSpan>>> {
        &mut self.raw
    }

    pub fn take_detail(&mut self, ticket: u64, answer: Result<Option<Arc<Detail>>, String>, now: Timestamp) {
        self.version += u64::from(self.detail.take(ticket, answer, now));
    }

    pub fn take_raw(&mut self, ticket: u64, answer: Result<Option<Arc<RawSpan>>, String>, now: Timestamp) {
        self.version += u64::from(self.raw.take(ticket, answer, now));
    }

    /// Makes the text anew where what it is made from is another, and finds its place again. `nodes`: the tree of the
    /// trace that the cursor is in.
    pub fn settle(&mut self, width: u16, height: usize, nodes: &[Node]) {
        let empty = if self.tab == Tab::Raw { self.span.is_none() } else { self.subject.is_none() };
        let made = Made { version: self.version, width, tab: self.tab, empty };
        if self.made != Some(made) {
            self.made = Some(made);
            self.document = if empty { Document::default() } else { self.write(width) };
            self.anchors.clear();
            for (at, line) in self.document.lines.iter().enumerate() {
                if let Some(anchor) = line.anchor {
                    self.anchors.entry(anchor).or_insert(at);
                }
            }
            self.lost = true;
        }
        // Until the answer is there the old text stands where it stood.
        if self.lost && (empty || self.is_current()) {
            self.lost = false;
            self.place(height, nodes);
        } else {
            let (mut scroll, length) = (self.scroll(), self.document.lines.len());
            scroll.show(scroll.cursor, length, height);
            self.spot_mut().scroll = scroll;
        }
    }

    fn write(&self, width: u16) -> Document {
        let width = width.max(1);
        let detail = self.detail.shown().and_then(Option::as_ref);
        let of = |write: fn(&Detail, &Folds, u16) -> Document| detail.map(|detail| write(detail, &self.folds, width));
        let written = match self.tab {
            Tab::Messages => of(document::messages),
            Tab::Tools => of(document::tools),
            Tab::Reasoning => of(document::reasoning),
            Tab::Cost => of(document::cost),
            Tab::Raw => self.raw.shown().and_then(Option::as_ref).map(|raw| document::raw(raw, &self.folds, width)),
        };
        written.unwrap_or_default()
    }

    fn place(&mut self, height: usize, nodes: &[Node]) {
        let length = self.document.lines.len();
        let Spot { hold, mut scroll } = *self.spot();
        match hold {
            Hold::Start => scroll.show_first(0, length, height),
            Hold::Span(span) => scroll.show_first(self.line_of(span, nodes).unwrap_or(0), length, height),
            Hold::End => scroll.show(length.saturating_sub(1), length, height),
            Hold::Hand { anchor, below } => {
                let from = anchor.and_then(|anchor| self.anchors.get(&anchor)).copied().unwrap_or(0);
                scroll.carry_to((from + below).min(length.saturating_sub(1)), height);
            }
        }
        self.spot_mut().scroll = scroll;
    }

    /// Where a span's part starts. One without a part of its own is where the first beneath it is, else where the last
    /// before it is.
    fn line_of(&self, span: SpanId, nodes: &[Node]) -> Option<usize> {
        let line = |span: SpanId| self.anchors.get(&Anchor::Span(span)).copied();
        if let Some(line) = line(span) {
            return Some(line);
        }
        let at = nodes.iter().position(|node| node.id == span)?;
        let beneath = nodes.get(at + 1..(at + 1 + nodes[at].beneath).min(nodes.len())).unwrap_or_default();
        let first = beneath.iter().find_map(|node| line(node.id));
        first.or_else(|| nodes[..at].iter().rev().find_map(|node| line(node.id)))
    }
}

/// Moves by hand.
impl DetailPane {
    pub fn show(&mut self, tab: Tab) {
        self.tab = tab;
    }

    pub fn move_by(&mut self, by: isize, height: usize) {
        self.by_hand(|scroll, length| scroll.move_by(by, length, height));
    }

    pub fn scroll_by(&mut self, by: isize, height: usize) {
        self.by_hand(|scroll, length| scroll.scroll(by, length, height));
    }

    pub fn go(&mut self, line: usize, height: usize) {
        self.by_hand(|scroll, length| scroll.show(line, length, height));
    }

    /// Goes to the end and stays there as it grows.
    pub fn go_to_end(&mut self, height: usize) {
        self.go(usize::MAX, height);
        self.spot_mut().hold = Hold::End;
    }

    /// Whether the fold whose head the cursor is on is open; `None` where there is none.
    #[must_use]
    pub fn fold_at_cursor(&self) -> Option<bool> {
        let line = self.line_at_cursor()?;
        line.fold.as_ref().map(|_| is_open(line))
    }

    /// What the line with the cursor names; `None` if nothing can be opened there.
    pub fn opens_at_cursor(&self) -> Option<&Opens> {
        self.line_at_cursor()?.opens.as_ref()
    }

    /// The line with the cursor.
    pub fn line_at_cursor(&self) -> Option<&DocLine> {
        self.document.lines.get(self.scroll().cursor)
    }

    /// Opens or closes the fold whose head the cursor is on; `to`: only if that makes it so. False where nothing moved.
    pub fn fold(&mut self, to: Option<bool>) -> bool {
        let Some(line) = self.document.lines.get(self.spot().scroll.cursor) else { return false };
        let Some(fold) = line.fold.clone().filter(|_| to.is_none_or(|to| is_open(line) != to)) else { return false };
        self.folds.toggle(&fold);
        self.version += 1;
        self.by_hand(|_, _| {});
        true
    }

    /// Moves the spot, and holds it where that puts it.
    fn by_hand(&mut self, step: impl FnOnce(&mut Scroll, usize)) {
        let length = self.document.lines.len();
        let mut scroll = self.spot().scroll;
        step(&mut scroll, length);
        let above = self.document.lines.get(..=scroll.cursor).unwrap_or_default();
        let anchor = above.iter().enumerate().rev().find_map(|(at, line)| Some((at, line.anchor?)));
        let below = scroll.cursor - anchor.map_or(0, |(at, _)| at);
        *self.spot_mut() = Spot { hold: Hold::Hand { anchor: anchor.map(|(_, anchor)| anchor), below }, scroll };
    }
}

/// The head of a fold says by its mark whether it is open.
fn is_open(head: &DocLine) -> bool {
    head.runs.first().is_some_and(|run| run.text.contains('▾'))
}
