//! What follows from the rest of the state, made to agree with it after every event; and the queries that must be sent.

use super::{
    areas::Focus,
    browse::{Content, RowId},
    detail::Side,
    event::Effect,
    follow::Moved,
    item::Kind,
    state::{Heights, State},
    verdict::Verdict,
};
use crate::{
    model::{Filter, Node, NodeState, Query, QuerySlot, SpanId, Subject, TraceId},
    tabs::Tab,
};

/// More sessions than this are found by narrowing the tree, not by picking from a list.
const PICKED_FROM: usize = 1000;

impl State {
    /// Makes everything that follows from the rest agree with it again, and asks for what is not known.
    pub(super) fn settle(&mut self) -> Vec<Effect> {
        if self.focus == Focus::Tree {
            self.detail.turn_to(Side::Main);
        }
        let both = self.areas().is_some_and(|areas| areas.beside.is_some());
        self.detail.make_room(both, self.zoomed);
        let Heights { rows, text, text_width, other } = self.heights();
        self.tree.relay(rows);
        self.reach_goal(rows);
        self.reach_match(rows);
        let moved = self.follow.advance(&mut self.tree, &self.arrivals, rows);
        if self.follow.is_on() {
            // Nobody holds the cursor to a line: what came above it is shown where there is room.
            self.tree.fill(rows);
        }
        self.aim(moved == Moved::ToEnd);
        let nodes = match self.tree.cursor().map(|row| &row.id) {
            Some(RowId::Span(trace, _) | RowId::Trace(trace)) => self.tree.nodes(trace),
            _ => &[],
        };
        self.detail.light(&self.filter.text);
        self.detail.settle((text_width, text), nodes, true, self.now);
        if let Some(other) = other {
            let (side, now) = (self.detail.side().other(), self.now);
            self.detail.within(side, |detail| detail.settle(other, nodes, false, now));
        }
        for place in self.stats_layout().iter().flat_map(|laid| &laid.panels) {
            self.stats.fit(place.panel, place.rows.height.into());
        }
        self.ask(rows)
    }

    /// Opens the way to the newest run that the filter lets through, and puts the cursor on it, once that is known.
    fn reach_match(&mut self, rows: usize) {
        if !self.seeks || !self.tree.knows_newest(&self.filter) {
            return;
        }
        self.seeks = false;
        if self.follow.is_on() {
            // The run that was followed may be one that the filter hides, and began later than those that it lets through.
            self.follow.start();
            return;
        }
        if let Some((session, trace)) = self.tree.newest().map(|newest| (newest.session.clone(), newest.trace)) {
            self.tree.follow(session, trace);
            self.tree.relay(rows);
            self.tree.select(&RowId::Trace(trace), rows);
        }
    }

    /// Lets the detail show what the tree's cursor is on.
    fn aim(&mut self, to_end: bool) {
        let row = self.tree.cursor();
        let (subject, span, at) = match row.map(|row| (row, self.tree.content(row))) {
            Some((_, Content::Session(session))) => (session.session.clone().map(Subject::Session), None, None),
            Some((_, Content::Trace(trace))) => (Some(Subject::Trace(trace.trace)), self.root(trace.trace), None),
            Some((row, Content::Span { node, .. })) => match row.id {
                RowId::Span(trace, span) => {
                    let arrived = (node.state != NodeState::Missing).then_some((trace, span));
                    (Some(Subject::Trace(trace)), arrived, Some(span))
                }
                _ => (None, None, None),
            },
            Some((_, Content::Program(_))) | None => (None, None, None),
            // A row that stands for others is in passing: what is shown stays.
            Some(_) => return,
        };
        let program = row.and_then(|row| match self.tree.content(row) {
            Content::Program(program) => Some(program),
            _ => None,
        });
        self.detail.show_program(program);
        let id = row.map(|row| row.id.clone());
        if id != self.aimed || to_end {
            self.aimed = id;
            self.detail.aim(subject, span, at, to_end);
        } else if span != self.detail.span() {
            self.detail.aim_raw(span);
        }
    }

    /// The span that a trace's row stands for.
    fn root(&self, trace: TraceId) -> Option<(TraceId, SpanId)> {
        let arrived = |node: &&Node| node.state != NodeState::Missing;
        self.tree.nodes(&trace).iter().find(arrived).map(|node| (trace, node.id))
    }

    /// Sends the queries for what can be seen and is not known.
    fn ask(&mut self, height: usize) -> Vec<Effect> {
        if !self.open {
            return Vec::new();
        }
        // The raw tab of a trace shows its root, wherever its spans are folded away.
        let raw = self.detail.tabs().any(Tab::is_of_span);
        let also = match self.tree.cursor().map(|row| &row.id) {
            Some(RowId::Trace(trace)) if raw => Some(*trace),
            _ => None,
        };
        let today = self.zone.day(self.now).map(|day| day.from);
        let mut queries = vec![(QuerySlot::Overview, Query::Overview { filter: self.filter.clone(), today })];
        queries.extend(self.tree.queries(&self.filter, height, self.follow.is_on() || self.seeks, also));
        queries.extend(self.detail.question().map(|query| (QuerySlot::Detail, query)));
        queries.extend(self.detail.question_of_raw().filter(|_| raw).map(|query| (QuerySlot::Raw, query)));
        queries.extend(self.detail.question_of_marked().map(|query| (QuerySlot::Marked, query)));
        queries.extend(self.stats.question(&self.filter, self.now).map(|query| (QuerySlot::Stats, query)));
        queries.extend(self.detail.verdict().and_then(Verdict::question).map(|query| (QuerySlot::Usual, query)));
        queries.push((QuerySlot::Marks, Query::Marks));
        let has_palette = self.lists.iter().any(|list| matches!(list.kind, Kind::Palette { .. }));
        if has_palette {
            queries.push((QuerySlot::Runs, Query::Runs { limit: PICKED_FROM }));
        }
        if has_palette || self.lists.iter().any(|list| list.kind == Kind::Sessions) {
            queries.push((QuerySlot::Picker, Query::Sessions { filter: Filter::default(), limit: PICKED_FROM }));
        }
        queries.extend(self.completion_question().map(|query| (QuerySlot::Completion, query)));
        if self.lists.iter().any(|list| list.kind == Kind::Facets) {
            queries.push((QuerySlot::Facets, self.facets_question()));
        }
        let (last, now) = (&mut self.tickets, self.now);
        let sent = queries.into_iter().filter_map(|(slot, query)| {
            let ticket = match &slot {
                QuerySlot::Overview => self.overview.asks(&query, last, now),
                QuerySlot::Sessions | QuerySlot::Traces(_) | QuerySlot::Tree(_) => {
                    self.tree.asks(&slot, &query, last, now)
                }
                QuerySlot::Detail => self.detail.detail_mut().asks(&query, last, now),
                QuerySlot::Raw => self.detail.raw_mut().asks(&query, last, now),
                QuerySlot::Marked => self.detail.marked_mut().asks(&query, last, now),
                QuerySlot::Picker => self.picker.asks(&query, last, now),
                QuerySlot::Stats => self.stats.asks(&query, last, now),
                QuerySlot::Usual => self.usual.asks(&query, last, now),
                QuerySlot::Runs => self.runs.asks(&query, last, now),
                QuerySlot::Yank => None,
                QuerySlot::Marks => self.marks.asks(&query, last, now),
                QuerySlot::Completion => self.completion.values.asks(&query, last, now),
                QuerySlot::Facets => self.facets.asks(&query, last, now),
            };
            Some(Effect::Ask { ticket: ticket?, slot, query })
        });
        sent.collect()
    }
}
