//! Answers that are taken, and queries that should be sent.

use std::collections::HashSet;

use super::{At, Browse, Row, RowId, rows};
use crate::{
    app::pane::Pane,
    model::{
        Changes, Filter, Order, Page, Query, QuerySlot, SessionId, SessionSummary, StateCounts, Timestamp, TraceId,
        TraceSummary, Tree,
    },
};

/// So many sessions, or traces of a session, are asked for at a time.
const PAGE: usize = 200;
/// Most of them that are asked for at once, to go to the last.
const MOST: usize = 20_000;
/// So many trees, or lists of traces, are kept when they are no longer seen.
const KEPT: usize = 64;

impl Browse {
    /// Takes the answer of a slot, if that is still waited for.
    pub fn take_sessions(&mut self, ticket: u64, answer: Result<Page<SessionSummary>, String>, now: Timestamp) {
        let taken = self.sessions.take(ticket, answer, now);
        self.answered |= taken;
        self.dirty |= taken;
    }

    /// The same for the traces of a session.
    pub fn take_traces(
        &mut self,
        session: &Option<SessionId>,
        ticket: u64,
        answer: Result<Page<TraceSummary>, String>,
        now: Timestamp,
    ) {
        self.dirty |= self.traces.get_mut(session).is_some_and(|pane| pane.take(ticket, answer, now));
    }

    /// The same for the spans of a trace.
    pub fn take_tree(&mut self, trace: TraceId, ticket: u64, answer: Result<Tree, String>, now: Timestamp) {
        let taken = self.trees.get_mut(&trace).is_some_and(|pane| pane.take(ticket, answer, now));
        if taken {
            let nodes = self.nodes(&trace);
            let newest = rows::newest_span(nodes);
            match newest {
                Some(newest) => self.newest_spans.insert(trace, newest),
                None => self.newest_spans.remove(&trace),
            };
            self.dirty = true;
        }
    }

    /// Marks as old what changes touch.
    pub fn touch(&mut self, changes: &Changes) {
        self.sessions.touch();
        for (session, pane) in &mut self.traces {
            let named = session.as_ref().is_none_or(|session| changes.sessions.contains(session));
            let shows = |page: &Page<TraceSummary>| page.rows.iter().any(|row| changes.touches(&row.trace));
            if changes.all || named || pane.shown().is_some_and(shows) {
                pane.touch();
            }
        }
        for (_, pane) in self.trees.iter_mut().filter(|(trace, _)| changes.touches(trace)) {
            pane.touch();
        }
    }

    /// Marks the sessions as old if the clock alone has changed how many of their runs are in which state.
    pub fn recount(&mut self, is_over: impl Fn(&StateCounts) -> bool) {
        if self.sessions.shown().is_some_and(|page| page.rows.iter().any(|session| is_over(&session.states))) {
            self.sessions.touch();
        }
    }

    /// Asks for more of the earlier runs of a session; false where all are there.
    pub fn ask_for_earlier(&mut self, session: Option<&SessionId>) -> bool {
        let session = session.cloned();
        let Some(page) = self.traces.get(&session).and_then(Pane::shown) else { return false };
        let known = page.rows.len();
        let limit = self.trace_limits.get(&session).copied().unwrap_or(PAGE);
        // What was asked for is on its way.
        if page.total <= known as u64 || known >= MOST {
            return false;
        }
        if limit <= known {
            self.trace_limits.insert(session, known.saturating_mul(4).min(MOST));
        }
        true
    }

    /// Another filter: what is shown stays until it is answered, in pages of usual length.
    pub fn restart(&mut self) {
        self.ask_for_little();
        self.to_last = false;
        self.news.restart();
    }

    /// Asks for pages of usual length from now on.
    pub(super) fn ask_for_little(&mut self) {
        self.session_limit = 0;
        self.trace_limits.clear();
    }

    /// What should be known for a window of `height` rows, and which pane keeps it.
    ///
    /// A page's worth above and below is known before one scrolls there. `also`: a trace whose spans someone else needs.
    pub fn queries(
        &mut self,
        filter: &Filter,
        height: usize,
        following: bool,
        also: Option<TraceId>,
    ) -> Vec<(QuerySlot, Query)> {
        let laid_for = (self.is_filtered, self.is_by_time);
        (self.is_filtered, self.is_by_time) = (!filter.is_empty(), filter.order == Order::Newest);
        self.dirty |= laid_for != (self.is_filtered, self.is_by_time);
        self.grow(height);
        let limit = self.session_limit.max(PAGE);
        let mut queries = vec![(QuerySlot::Sessions, Query::Sessions { filter: filter.clone(), limit })];
        let seen = self.scroll.top().saturating_sub(height)..(self.scroll.top() + 2 * height).min(self.rows.len());
        let mut branches: Vec<RowId> = Vec::new();
        let mut add = |branch: RowId, open: bool| {
            if open && !branches.contains(&branch) {
                branches.push(branch);
            }
        };
        for row in self.rows.get(seen).unwrap_or_default() {
            if let Some(branch) = self.session_of(row) {
                let open = self.is_open(&branch);
                add(branch, open);
            }
            if let RowId::Trace(trace) | RowId::Span(trace, _) | RowId::NoSpans(trace) = row.id {
                let branch = RowId::Trace(trace);
                let open = self.is_open(&branch);
                add(branch, open);
            }
        }
        if let Some(trace) = also {
            add(RowId::Trace(trace), true);
        }
        if following {
            // Following needs to know what is newest, even where the window is elsewhere.
            if let Some(newest) = self.newest_session().and_then(|newest| self.session(newest)) {
                add(RowId::Session(newest.session.clone()), true);
            }
            if let Some((_, trace)) = self.path {
                add(RowId::Trace(trace), true);
            }
        }
        for branch in &branches {
            match branch {
                RowId::Session(session) => {
                    let limit = self.trace_limits.get(session).copied().unwrap_or(PAGE);
                    let (session, filter) = (session.clone(), filter.clone());
                    queries.push((QuerySlot::Traces(session.clone()), Query::Traces { session, filter, limit }));
                }
                RowId::Trace(trace) => queries.push((QuerySlot::Tree(*trace), Query::Tree { trace: *trace })),
                _ => {}
            }
        }
        self.forget(&branches);
        queries
    }

    /// The row of the session that a row of a session or of a trace stands in.
    fn session_of(&self, row: &Row) -> Option<RowId> {
        match row.at {
            At::Session(session) | At::Trace { session, .. } | At::Aside { session } | At::Quiet { session, .. } => {
                Some(RowId::Session(self.session(session)?.session.clone()))
            }
            At::Program(_) | At::Span { .. } | At::Day(_) => None,
        }
    }

    /// Asks one of [`Self::queries`], if it should be asked now, and gives its ticket.
    pub fn asks(&mut self, slot: &QuerySlot, query: &Query, last: &mut u64, now: Timestamp) -> Option<u64> {
        match slot {
            QuerySlot::Sessions => self.sessions.asks(query, last, now),
            QuerySlot::Traces(session) => self.traces.entry(session.clone()).or_default().asks(query, last, now),
            QuerySlot::Tree(trace) => self.trees.entry(*trace).or_default().asks(query, last, now),
            QuerySlot::Picker
            | QuerySlot::Detail
            | QuerySlot::Marked
            | QuerySlot::Raw
            | QuerySlot::Overview
            | QuerySlot::Stats
            | QuerySlot::Usual
            | QuerySlot::Yank
            | QuerySlot::Marks
            | QuerySlot::Runs
            | QuerySlot::Completion
            | QuerySlot::Facets => None,
        }
    }

    /// Asks for all that lies before the last row of all; false where nothing is missing.
    pub(super) fn ask_to_last(&mut self) -> bool {
        let length = |total: u64| usize::try_from(total).unwrap_or(MOST).min(MOST);
        if let Some(page) = self.sessions.shown()
            && page.total > page.rows.len() as u64
        {
            let all = length(page.total);
            let asks = self.session_limit < all;
            self.session_limit = self.session_limit.max(all);
            return asks || page.rows.len() < all;
        }
        let Some(RowId::Earlier(session)) = self.rows.last().map(|row| row.id.clone()) else { return false };
        let Some(page) = self.traces.get(&session).and_then(Pane::shown) else { return false };
        let (all, known) = (length(page.total), page.rows.len());
        let limit = self.trace_limits.entry(session).or_insert(PAGE);
        let asks = *limit < all;
        *limit = (*limit).max(all);
        asks || known < all
    }

    /// Asks for more where the window nears the end of what is known.
    fn grow(&mut self, height: usize) {
        if let Some(page) = self.sessions.shown()
            && page.total > page.rows.len() as u64
            && page.rows.len() >= self.session_limit.max(PAGE)
            && self.scroll.top() + 2 * height >= self.rows.len()
        {
            self.session_limit = page.rows.len() + PAGE;
        }
        if let Some(RowId::Earlier(session)) = self.cursor().map(|row| row.id.clone()) {
            let loaded = self.traces.get(&session).and_then(Pane::shown).map_or(0, |page| page.rows.len());
            let limit = self.trace_limits.entry(session).or_insert(PAGE);
            if loaded >= *limit {
                *limit = loaded + PAGE;
            }
        }
    }

    /// Lets go of trees that are not seen, when there are many.
    fn forget(&mut self, seen: &[RowId]) {
        if self.trees.len() > KEPT {
            self.trees.retain(|trace, _| seen.contains(&RowId::Trace(*trace)));
            self.newest_spans.retain(|trace, _| self.trees.contains_key(trace));
        }
        if self.traces.len() > KEPT {
            let open = self.rows.iter().filter(|row| row.open == Some(true));
            let open: HashSet<&Option<SessionId>> = open
                .filter_map(|row| if let RowId::Session(session) = &row.id { Some(session) } else { None })
                .collect();
            self.traces.retain(|session, _| open.contains(session));
        }
    }
}
