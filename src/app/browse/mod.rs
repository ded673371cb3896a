//! The tree: sessions ▸ traces ▸ spans, its folds and its cursor; above them the programs that `run` has started.
//!
//! Rows are laid out from the answers. Cursor and folds hold rows by id, never by position, so that rows may come, go
//! and change places.
//!
//! ```text
//!   answers   answers that are taken, queries that should be sent
//!   rows      answers and folds → rows; the cursor stays on its own
//!   moves     by hand, and by following
//!   news      what arrived above the window
//! ```

mod answers;
mod folding;
mod moves;
mod news;
mod rows;

pub use rows::{hidden, is_quiet};

use std::collections::{HashMap, HashSet};

use super::{format::Zone, pane::Pane, scroll::Scroll};
use crate::model::{
    Filter, Node, OfSession, Page, Program, ProgramId, Query, SessionId, SessionSummary, SpanId, Timestamp, Totals,
    TraceId, TraceSummary, Tree,
};

/// What a row is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RowId {
    /// A program that `run` has started.
    Program(ProgramId),
    /// `None` gathers the traces without a session.
    Session(Option<SessionId>),
    Trace(TraceId),
    Span(TraceId, SpanId),
    /// Stands for older traces of a session that were not asked for.
    Earlier(Option<SessionId>),
    /// Stands for what is beneath an open session while nothing is known of it.
    NoTraces(Option<SessionId>),
    /// The same for a trace.
    NoSpans(TraceId),
    /// Stands for the runs of a session in which no model was called.
    Quiet(Option<SessionId>),
    /// The heading of a day: among the runs of a session, or (`None`) among the sessions. The cursor passes over it.
    Day(Option<OfSession>, i32),
}

/// One row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub id: RowId,
    /// 0 for a session, a program and the heading of a day of sessions.
    pub depth: usize,
    /// `None` where nothing is beneath it.
    pub open: Option<bool>,
    at: At,
    /// The place of the row that it lies in; `None` for a session.
    parent: Option<usize>,
}

/// Where the row's content lies in the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Program(usize),
    Session(usize),
    /// `number`: which run of its session it is, from 1, those that were not asked for counted.
    Trace {
        session: usize,
        index: usize,
        number: u64,
    },
    Span {
        index: usize,
        folded: usize,
    },
    Aside {
        session: usize,
    },
    Quiet {
        session: usize,
        runs: usize,
    },
    /// Some moment of that day.
    Day(Timestamp),
}

/// What a row shows.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    Program(&'a Program),
    Session(&'a SessionSummary),
    Trace(&'a TraceSummary),
    /// `folded`: how many spans of libraries (HTTP, databases, …) and plumbing are folded away at it.
    Span {
        node: &'a Node,
        folded: usize,
    },
    /// So many runs in which no model was called.
    Quiet(usize),
    /// The day of this moment.
    Day(Timestamp),
    /// So many older traces are not shown yet; going here asks for them.
    Earlier(u64),
    /// The answer is on its way.
    Waiting,
    /// There is nothing beneath.
    Nothing,
    Failed(&'a str),
}

#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each says one thing of its own")]
pub struct Browse {
    /// The newest first.
    programs: Vec<Program>,
    sessions: Pane<Page<SessionSummary>>,
    session_limit: usize,
    traces: HashMap<Option<SessionId>, Pane<Page<TraceSummary>>>,
    trace_limits: HashMap<Option<SessionId>, usize>,
    trees: HashMap<TraceId, Pane<Tree>>,
    /// Of each tree the span that started last among those that have a row when all is open.
    newest_spans: HashMap<TraceId, SpanId>,
    /// What was opened and closed by hand.
    folds: HashMap<RowId, bool>,
    /// Spans whose rows show what would be folded away at them.
    shows_all: HashSet<RowId>,
    /// Open because it is followed.
    path: Option<(Option<SessionId>, TraceId)>,
    rows: Vec<Row>,
    /// The places of the outermost rows, of programs and sessions, among the rows.
    outermost_at: Vec<usize>,
    scroll: Scroll,
    /// The height that the window had last; 0 where it is to be filled again, as after rows were closed.
    height: usize,
    news: news::News,
    /// The sessions were answered since the rows were laid out.
    answered: bool,
    /// What is asked about passes a filter: all of it shows.
    is_filtered: bool,
    /// The rows are ordered by time, so that their days may have headings.
    is_by_time: bool,
    /// The cursor is on its way to the last row of all, which may not be known yet.
    to_last: bool,
    /// How many rows there are that were not asked for.
    beyond: u64,
    /// Days begin as they do there.
    zone: Zone,
    /// The cursor goes to the first row with the next answer.
    to_first: bool,
    /// The rows are not those of the answers and folds any more.
    dirty: bool,
}

impl Browse {
    /// Nothing is known yet. `zone`: where days begin as they do for who looks.
    #[must_use]
    pub fn new(zone: Zone) -> Self {
        Self { zone, ..Self::default() }
    }

    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many rows there are, with those that were not asked for.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.rows.len() as u64 + self.beyond
    }

    /// The cursor, and the window around it.
    #[must_use]
    pub fn scroll(&self) -> Scroll {
        self.scroll
    }

    #[must_use]
    pub fn sessions(&self) -> &Pane<Page<SessionSummary>> {
        &self.sessions
    }

    /// The row that has the cursor.
    #[must_use]
    pub fn cursor(&self) -> Option<&Row> {
        self.rows.get(self.scroll.cursor)
    }

    /// The row with the cursor and all that it lies in, outermost first.
    #[must_use]
    pub fn path(&self) -> Vec<&Row> {
        let mut path: Vec<&Row> = self.cursor().into_iter().collect();
        let mut at = self.scroll.cursor;
        while let Some(parent) = self.parent(at) {
            path.push(&self.rows[parent]);
            at = parent;
        }
        path.reverse();
        path
    }

    /// What a row shows.
    #[must_use]
    pub fn content(&self, row: &Row) -> Content<'_> {
        let found = match (&row.id, row.at) {
            (_, At::Program(index)) => self.programs.get(index).map(Content::Program),
            (_, At::Session(index)) => self.session(index).map(Content::Session),
            (_, At::Quiet { runs, .. }) => Some(Content::Quiet(runs)),
            (_, At::Day(moment)) => Some(Content::Day(moment)),
            (_, At::Trace { session, index, .. }) => {
                self.traces_of(session).and_then(|page| page.rows.get(index)).map(Content::Trace)
            }
            (RowId::Span(trace, _), At::Span { index, folded }) => {
                self.nodes(trace).get(index).map(|node| Content::Span { node, folded })
            }
            (RowId::Earlier(_), At::Aside { session }) => {
                let earlier = |page: &Page<_>| page.total.saturating_sub(page.rows.len() as u64);
                self.traces_of(session).map(|page| Content::Earlier(earlier(page)))
            }
            (RowId::NoTraces(session), _) => self.traces.get(session).and_then(aside),
            (RowId::NoSpans(trace), _) => self.trees.get(trace).and_then(aside),
            _ => None,
        };
        found.unwrap_or(Content::Waiting)
    }

    /// The programs to show above the sessions, the newest first.
    pub fn set_programs(&mut self, programs: Vec<Program>) {
        self.dirty |= self.programs.iter().map(|program| program.id).ne(programs.iter().map(|program| program.id));
        self.programs = programs;
    }

    /// The newest program, while it runs and has sent nothing.
    #[must_use]
    pub fn silent_program(&self) -> Option<ProgramId> {
        self.programs
            .first()
            .filter(|program| program.ended.is_none() && program.records == 0)
            .map(|program| program.id)
    }

    /// The program that sent a trace, as far as it is known.
    #[must_use]
    pub fn program_of(&self, trace: TraceId) -> Option<&Program> {
        self.programs.iter().find(|program| program.newest.contains(&trace))
    }

    /// The trace's row of its list, where that is known.
    #[must_use]
    pub fn trace(&self, trace: &TraceId) -> Option<&TraceSummary> {
        let pages = self.traces.values().filter_map(Pane::shown);
        pages.flat_map(|page| &page.rows).find(|summary| summary.trace == *trace)
    }

    /// The traces of a session; none where they are not known.
    #[must_use]
    pub fn traces(&self, session: Option<&SessionId>) -> &[TraceSummary] {
        self.traces.get(&session.cloned()).and_then(Pane::shown).map_or(&[], |page| &page.rows)
    }

    /// The spans of a trace; none where they are not known.
    #[must_use]
    pub fn nodes(&self, trace: &TraceId) -> &[Node] {
        self.trees.get(trace).and_then(Pane::shown).map_or(&[], |tree| &tree.nodes)
    }

    /// The newest trace: the last of the session with the newest activity. What a program does around its agent, each
    /// request of it in a trace of its own, is passed over while there is an agent's work.
    #[must_use]
    pub fn newest(&self) -> Option<&TraceSummary> {
        let traces = &self.traces_of(self.newest_session()?)?.rows;
        let works = |trace: &&TraceSummary| trace.question.is_some() || works(&trace.totals);
        traces.iter().rfind(works).or(traces.last())
    }

    /// Whether it is known which is the newest trace that a filter lets through.
    #[must_use]
    pub fn knows_newest(&self, filter: &Filter) -> bool {
        let of_filter = |query: Option<&Query>| match query {
            Some(Query::Sessions { filter: of, .. } | Query::Traces { filter: of, .. }) => of == filter,
            _ => false,
        };
        of_filter(self.sessions.answered())
            && self.newest_session().is_none_or(|newest| {
                let traces = self.session(newest).and_then(|session| self.traces.get(&session.session));
                traces.is_some_and(|traces| of_filter(traces.answered()))
            })
    }

    /// The session in which it is.
    fn newest_session(&self) -> Option<usize> {
        let sessions = &self.sessions.shown()?.rows;
        let newest = sessions.iter().position(|session| works(&session.totals)).unwrap_or(0);
        (!sessions.is_empty()).then_some(newest)
    }

    /// The span that started last among those that have a row when all is open.
    #[must_use]
    pub fn newest_span(&self, trace: &TraceId) -> Option<SpanId> {
        self.newest_spans.get(trace).copied()
    }

    /// Which run of its session a trace's row is, from 1; `None` for any other row.
    #[must_use]
    pub fn run_number(&self, row: &Row) -> Option<u64> {
        if let At::Trace { number, .. } = row.at { Some(number) } else { None }
    }

    fn session(&self, index: usize) -> Option<&SessionSummary> {
        self.sessions.shown()?.rows.get(index)
    }

    fn traces_of(&self, session: usize) -> Option<&Page<TraceSummary>> {
        self.traces.get(&self.session(session)?.session)?.shown()
    }

    /// The place of the row that a row lies in.
    fn parent(&self, at: usize) -> Option<usize> {
        self.rows.get(at)?.parent
    }

    fn is_open(&self, id: &RowId) -> bool {
        let by_itself = || match id {
            RowId::Session(session) => self.path.as_ref().is_some_and(|(followed, _)| followed == session),
            RowId::Trace(trace) => self.path.as_ref().is_some_and(|(_, followed)| followed == trace),
            RowId::Quiet(session) => self
                .path
                .as_ref()
                .is_some_and(|(followed, trace)| followed == session && self.trace(trace).is_some_and(is_quiet)),
            _ => true,
        };
        self.folds.get(id).copied().unwrap_or_else(by_itself)
    }
}

/// Whether a model was asked or a tool called.
fn works(totals: &Totals) -> bool {
    totals.model_calls > 0 || totals.tool_calls > 0
}

/// What stands beneath an open branch that shows nothing.
fn aside<T>(pane: &Pane<T>) -> Option<Content<'_>> {
    let empty = pane.shown().map(|_| Content::Nothing);
    pane.failed().map(Content::Failed).or(empty)
}
