//! The detail: tabs over one answer, their text at the pane's width, and where each is scrolled.
//!
//! A tab's place is held by what it is at (a span's part, the end, a line chosen by hand), not by a number of lines, so
//! that it stays there when the text grows, folds or is cut to another width. Over the messages may lie the prompt of a
//! call, or a comparison.

mod by_hand;
mod copying;
mod covering;
mod finding;
mod labels;
mod lit;
mod over;
mod prepared;
mod selecting;
mod shown;
mod sides;

use std::{collections::HashMap, sync::Arc};

use super::{
    document::{Blocks, Document, Folds, Lens, program},
    format::Zone,
    pane::Pane,
    tab_source::TabSource,
    verdict::Verdict,
};
use crate::model::{Detail, Node, Program, Query, RawSpan, SpanId, Subject, Timestamp, TraceId};
pub use finding::{Count as FoundCount, Went};
use over::View;
pub use over::{Mark, Over};
pub use prepared::{Prepared, Showing};
use shown::{Hold, Made, Shown};
pub use sides::{OnePane, Side};

/// Bytes of text that are laid out after each event besides what is near the window: about a millisecond's work.
/// What most runs consist of is measured at once, so that lines are counted and not estimated.
const MEASURED: usize = 64 * 1024;

#[derive(Debug)]
pub struct DetailPane {
    sides: sides::Sides,
    /// What the tree's cursor asks for; `None` where there is nothing to show.
    subject: Option<Subject>,
    span: Option<(TraceId, SpanId)>,
    /// The step that the tree's cursor is on.
    at: Option<SpanId>,
    /// The program that the tree's cursor is on: every tab shows it then.
    program: Option<Arc<Program>>,
    detail: Pane<Option<Arc<Detail>>>,
    raw: Pane<Option<Arc<RawSpan>>>,
    folds: Folds,
    lens: Lens,
    /// What lies over the messages.
    over: Option<Over>,
    /// The step whose prompt is shown, chosen by the text's cursor; `None`: the tree's cursor chooses it.
    chosen: Option<(TraceId, SpanId)>,
    mark: Option<Mark>,
    marked: Pane<Option<Arc<Detail>>>,
    texts: HashMap<View, Shown>,
    /// What the filter looks for.
    lit: lit::Lit,
    /// What is looked for in the text.
    finding: Option<finding::Finding>,
    /// The lines that are selected.
    selection: Option<selecting::Selection>,
    /// What follows from the answer.
    prepared: Box<Prepared>,
    replaced: Box<Replaced>,
    /// How many answers arrived, of either kind.
    versions: Versions,
    zone: Zone,
}

/// What newer answers took the place of. It is let go with the next tick and not in the frame that shows an answer:
/// of a large one that takes its time.
#[derive(Debug, Default)]
pub struct Replaced {
    detail: Option<Arc<Detail>>,
    prepared: Box<Prepared>,
    /// Of each pane.
    documents: [Document; 2],
}

#[derive(Debug, Default)]
struct Versions {
    detail: u64,
    raw: u64,
    marked: u64,
    program: u64,
}

impl DetailPane {
    /// Nothing is shown yet. `zone`: times are written in it.
    #[must_use]
    pub fn new(zone: Zone) -> Self {
        Self {
            sides: sides::Sides::default(),
            subject: None,
            span: None,
            at: None,
            program: None,
            detail: Pane::default(),
            raw: Pane::default(),
            folds: Folds::default(),
            lens: Lens::default(),
            over: None,
            chosen: None,
            mark: None,
            marked: Pane::default(),
            texts: View::all().map(|view| (view, Shown::default())).collect(),
            lit: lit::Lit::default(),
            finding: None,
            selection: None,
            prepared: Box::default(),
            replaced: Box::default(),
            versions: Versions::default(),
            zone,
        }
    }
}

impl DetailPane {
    /// For what an answer that is under way is to be prepared.
    #[must_use]
    pub fn showing(&self) -> Showing {
        Showing::of(self.tabs())
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

    /// What the tabs but those about one span draw from.
    #[must_use]
    pub fn answer(&self) -> &Pane<Option<Arc<Detail>>> {
        &self.detail
    }

    /// What there is to say of the answer; `None` where nothing is asked.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        self.prepared.verdict.as_ref().filter(|_| self.subject.is_some())
    }

    fn shown(&self) -> &Shown {
        self.here().shown()
    }

    fn shown_mut(&mut self) -> &mut Shown {
        self.texts.entry(self.here().view()).or_default()
    }
}

/// Answers and questions.
impl DetailPane {
    /// What the tree's cursor is on: what the tabs are about, whose raw form is shown, and at which span's part the
    /// text is read; `to_end`: what is newest in it is to be seen.
    pub fn aim(&mut self, subject: Option<Subject>, span: Option<(TraceId, SpanId)>, at: Option<SpanId>, to_end: bool) {
        self.subject = subject;
        self.span = span;
        self.at = at;
        self.chosen = None;
        self.selection = None;
        for (view, shown) in &mut self.texts {
            shown.hold = match at {
                // It is about one span: it is read from its start.
                _ if view.is_of_step() => Hold::Start,
                _ if to_end && view.is_table() => Hold::Start,
                _ if to_end => Hold::End,
                at => at.map_or(Hold::Start, Hold::Span),
            };
            shown.lost = true;
        }
    }

    /// Shows a program in place of an answer, as it is now; `None`: the tree's cursor is on none.
    pub fn show_program(&mut self, program: Option<&Program>) {
        if self.program.as_deref() != program {
            self.program = program.cloned().map(Arc::new);
            self.versions.program += 1;
        }
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

    /// `prepared`: what was worked out of the answer already; else that is done here.
    pub fn take_detail(
        &mut self,
        ticket: u64,
        answer: Result<Option<Arc<Detail>>, String>,
        prepared: Option<Box<Prepared>>,
        now: Timestamp,
    ) {
        let (failed, before) = (answer.is_err(), self.detail.shown().cloned().flatten());
        if self.detail.take(ticket, answer, now) && !failed {
            self.versions.detail += 1;
            let detail = || self.detail.shown().and_then(Option::as_deref);
            let prepared = prepared.unwrap_or_else(|| Box::new(Prepared::without_blocks(detail())));
            self.replaced.prepared = std::mem::replace(&mut self.prepared, prepared);
            self.replaced.detail = before;
        }
    }

    /// Hands over what is not shown any more, so that another thread lets go of it: of a large answer that takes longer than
    /// a frame. `None`: there is nothing.
    pub fn take_replaced(&mut self) -> Option<Box<Replaced>> {
        let Replaced { detail, documents, .. } = &*self.replaced;
        // A text may be the last that holds an answer.
        let any = detail.is_some() || documents.iter().any(|document| !document.is_empty());
        any.then(|| std::mem::take(&mut self.replaced))
    }

    /// Lets go of what is not shown any more.
    pub fn tidy(&mut self) {
        *self.replaced = Replaced::default();
    }

    pub fn take_raw(&mut self, ticket: u64, answer: Result<Option<Arc<RawSpan>>, String>, now: Timestamp) {
        self.versions.raw += u64::from(self.raw.take(ticket, answer, now));
    }

    /// Makes the text anew where what it is made from is another, finds its place again, and lays out what is near.
    /// `nodes`: the tree of the trace that the cursor is in; `seeks`: what is looked for is looked for in it.
    pub fn settle(&mut self, (width, height): (u16, usize), nodes: &[Node], seeks: bool, now: Timestamp) {
        let here = self.here();
        let (side, asks, tab, view) = (self.side(), here.asks(), here.tab(), here.view());
        let is_program = self.program.is_some();
        let version = match () {
            () if is_program => self.versions.program,
            () if tab.is_of_span() => self.versions.raw,
            () => self.versions.detail,
        };
        let made = Made {
            version: asks.then_some(version),
            is_program,
            over: self.made_over(),
            width,
            wraps: self.folds.wraps(),
            raw: self.folds.is_raw(),
        };
        let before = self.shown().made;
        let is_new = before != Some(made);
        if is_new {
            let document = match before {
                Some(before) if before == (Made { width: before.width, ..made }) => {
                    self.shown().document.at_width(width)
                }
                _ => self.make(width),
            };
            let shown = self.shown_mut();
            shown.made = Some(made);
            shown.lost = true;
            self.replaced.documents[side as usize] = std::mem::replace(&mut shown.document, document);
            self.carry_selection(view, before, made);
        }
        let current = !asks || self.here().is_current();
        let shown = self.texts.entry(view).or_default();
        shown.document.tick(now);
        shown.document.look(&self.lens);
        if seeks {
            self.seek(height);
        }
        let shown = self.texts.entry(view).or_default();
        // Until the answer is there the old text stands where it stood.
        let finds = shown.lost && current;
        if finds {
            shown.lost = false;
            shown.find(height, nodes, &self.folds);
        }
        let clamped = !(finds && matches!(shown.hold, Hold::Hand { .. }));
        // Making the text was work enough for one frame.
        let measured = if is_new { MEASURED / 4 } else { MEASURED };
        shown.follow(height, clamped, finds, measured, &self.folds);
    }

    fn make(&self, width: u16) -> Document {
        let tab = self.tab();
        let blocks: Option<Arc<dyn Blocks>> = match tab.source() {
            _ if !self.here().asks() => None,
            _ if let Some(program) = &self.program => Some(program::blocks(program).into()),
            _ if self.over().is_some() => self.blocks_over().map(Arc::from),
            TabSource::Answer(blocks) | TabSource::Table(blocks) => self.prepared.blocks_of(tab).or_else(|| {
                let detail = self.detail.shown().and_then(Option::as_ref);
                detail.map(blocks).map(Arc::from)
            }),
            TabSource::Span(blocks) => self.raw.shown().and_then(Option::as_ref).map(blocks).map(Arc::from),
        };
        let mut document =
            blocks.map_or_else(Document::default, |blocks| Document::new(blocks, width.max(1), self.zone.clone()));
        document.estimate_as(&self.shown().document);
        document
    }
}
