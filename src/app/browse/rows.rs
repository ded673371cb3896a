//! Answers and folds → rows.

use std::collections::HashMap;

use super::{At, Browse, Content, Row, RowId};
use crate::{
    app::{
        format::{Day, Zone},
        pane::Pane,
    },
    model::{
        Category, Node, NodeState, OfSession, Program, SessionId, SpanId, Timestamp, Totals, TraceId, TraceState,
        TraceSummary,
    },
};

impl Browse {
    /// Lays the rows out anew, if anything changed; the cursor stays on its row, and that row on its line.
    pub fn relay(&mut self, height: usize) {
        if std::mem::take(&mut self.dirty) {
            let (old, cursor) = (std::mem::take(&mut self.rows), self.scroll.cursor);
            let old_outermost = std::mem::take(&mut self.outermost_at);
            self.rows = self.lay();
            let is_outermost = |row: &Row| row.depth == 0 && !matches!(row.id, RowId::Day(..));
            let outermost = self.rows.iter().enumerate().filter(|(_, row)| is_outermost(row));
            self.outermost_at = outermost.map(|(at, _)| at).collect();
            let to_first = self.answered && std::mem::take(&mut self.to_first);
            let at = if to_first { 0 } else { self.find_again(&old).unwrap_or(0) };
            self.scroll.carry_to(at + usize::from(self.is_heading(at)), height);
            self.beyond = self.count_beyond();
            let answered = std::mem::take(&mut self.answered);
            self.note_news(&old, &old_outermost, cursor, answered);
        } else {
            self.scroll.carry_to(self.scroll.cursor, height);
            self.see_news();
        }
        if std::mem::replace(&mut self.height, height) != height {
            self.scroll.fit(self.rows.len(), height);
        }
        if self.to_last {
            self.go_to_last(height);
        }
    }

    /// Shows as many rows as there is room for, though the cursor moves to another line.
    pub fn fill(&mut self, height: usize) {
        self.scroll.fit(self.rows.len(), height);
    }

    /// How many rows there are that were not asked for: a session that is not known is one.
    fn count_beyond(&self) -> u64 {
        let sessions = self.sessions.shown().map_or(0, |page| page.total.saturating_sub(page.rows.len() as u64));
        let earlier = self.rows.iter().filter(|row| matches!(row.id, RowId::Earlier(_)));
        let earlier = earlier.filter_map(|row| match self.content(row) {
            // Its own row stands for the first of them.
            Content::Earlier(count) => Some(count.saturating_sub(1)),
            _ => None,
        });
        sessions + earlier.sum::<u64>()
    }

    /// Whether a row is the heading of a day.
    pub(super) fn is_heading(&self, at: usize) -> bool {
        self.rows.get(at).is_some_and(|row| matches!(row.id, RowId::Day(..)))
    }

    /// Where the row is that had the cursor; else the nearest that is still there.
    fn find_again(&self, old: &[Row]) -> Option<usize> {
        let held = &old.get(self.scroll.cursor)?.id;
        if let Some(at) = self.position(held) {
            return Some(at);
        }
        // What stood for the unknown is replaced by what became known.
        // Where older runs were asked for, the first of them takes the place of the row that stood for them.
        if let (RowId::Earlier(_), Some(before)) = (held, self.scroll.cursor.checked_sub(1))
            && let Some(at) = self.position(&old.get(before)?.id)
        {
            return Some((at + 1).min(self.rows.len() - 1));
        }
        let branch = match held {
            RowId::NoTraces(session) => Some(RowId::Session(session.clone())),
            RowId::NoSpans(trace) => Some(RowId::Trace(*trace)),
            _ => None,
        };
        if let Some(at) = branch.and_then(|branch| self.position(&branch)) {
            let beneath = self.rows.get(at + 1).is_some_and(|row| row.depth > self.rows[at].depth);
            return Some(at + usize::from(beneath));
        }
        let new: HashMap<&RowId, usize> = self.rows.iter().enumerate().map(|(at, row)| (&row.id, at)).collect();
        let (before, after) = old.split_at(self.scroll.cursor);
        after.iter().chain(before.iter().rev()).find_map(|row| new.get(&row.id).copied())
    }

    /// Where a row is.
    #[must_use]
    pub fn position(&self, id: &RowId) -> Option<usize> {
        self.rows.iter().position(|row| row.id == *id)
    }

    fn lay(&self) -> Vec<Row> {
        let program = |(index, program): (usize, &Program)| {
            let id = RowId::Program(program.id);
            Row { id, depth: 0, open: None, at: At::Program(index), parent: None }
        };
        let mut rows: Vec<Row> = self.programs.iter().enumerate().map(program).collect();
        let sessions = self.sessions.shown().map_or(&[][..], |page| &page.rows);
        let mut days = Days::of(&self.zone, sessions.len(), self.is_by_time);
        for (session, summary) in sessions.iter().enumerate() {
            if let Some(day) = days.begins(summary.last_seen) {
                rows.push(heading(None, day, summary.last_seen, 0, None));
            }
            let id = RowId::Session(summary.session.clone());
            let open = self.is_open(&id);
            rows.push(Row { id, depth: 0, open: Some(open), at: At::Session(session), parent: None });
            if open {
                self.lay_traces(session, summary.session.as_ref(), &mut rows);
            }
        }
        rows
    }

    fn lay_traces(&self, session: usize, name: Option<&SessionId>, rows: &mut Vec<Row>) {
        let at = At::Aside { session };
        let parent = rows.len().checked_sub(1);
        let Some(page) = self.traces.get(&name.cloned()).and_then(Pane::shown).filter(|page| !page.rows.is_empty())
        else {
            rows.push(Row { id: RowId::NoTraces(name.cloned()), depth: 1, open: None, at, parent });
            return;
        };
        let earlier = page.total.saturating_sub(page.rows.len() as u64);
        let quiet = page.rows.iter().filter(|trace| is_quiet(trace)).count();
        // Where no model is called anywhere there is nothing better to show.
        let folds = quiet > 1 && quiet < page.rows.len() && !self.is_filtered;
        let mut days = Days::of(&self.zone, page.rows.len(), self.is_by_time);
        // The answer has the oldest first, the rows the newest.
        for (index, trace) in page.rows.iter().enumerate().rev().filter(|(_, trace)| !(folds && is_quiet(trace))) {
            if let Some(day) = days.begins(trace.started) {
                rows.push(heading(Some(name.cloned()), day, trace.started, 1, parent));
            }
            self.lay_trace(trace, At::Trace { session, index, number: earlier + 1 + index as u64 }, 1, parent, rows);
        }
        if folds {
            let id = RowId::Quiet(name.cloned());
            let open = self.is_open(&id);
            let group = Some(rows.len());
            rows.push(Row { id, depth: 1, open: Some(open), at: At::Quiet { session, runs: quiet }, parent });
            let runs = page.rows.iter().enumerate().rev().filter(|(_, trace)| open && is_quiet(trace));
            for (index, trace) in runs {
                self.lay_trace(trace, At::Trace { session, index, number: earlier + 1 + index as u64 }, 2, group, rows);
            }
        }
        if earlier > 0 {
            rows.push(Row { id: RowId::Earlier(name.cloned()), depth: 1, open: None, at, parent });
        }
    }

    fn lay_trace(&self, trace: &TraceSummary, at: At, depth: usize, parent: Option<usize>, rows: &mut Vec<Row>) {
        let id = RowId::Trace(trace.trace);
        let open = self.is_open(&id);
        rows.push(Row { id, depth, open: Some(open), at, parent });
        if open && let At::Trace { session, .. } = at {
            self.lay_spans(session, trace.trace, depth + 1, rows);
        }
    }

    /// `depth`: of the outermost spans.
    fn lay_spans(&self, session: usize, trace: TraceId, depth: usize, rows: &mut Vec<Row>) {
        let nodes = self.nodes(&trace);
        let run = rows.len().checked_sub(1);
        if nodes.is_empty() {
            let at = At::Aside { session };
            rows.push(Row { id: RowId::NoSpans(trace), depth, open: None, at, parent: run });
            return;
        }
        let hidden = hidden(nodes);
        // The rows that the next one may lie in.
        let mut above: Vec<Above> = Vec::new();
        let mut index = 0;
        while let Some(node) = nodes.get(index) {
            while above.last().is_some_and(|above| above.depth >= node.depth) {
                above.pop();
            }
            let parent = above.last().map(|above| above.row);
            // All that a row folds away is shown at once, whatever it lies in.
            let is_lifted = above.last().is_some_and(|above| above.shows_all);
            if hidden[index] && !is_lifted {
                if let Some(Row { at: At::Span { folded, .. }, .. }) = parent.and_then(|row| rows.get_mut(row)) {
                    *folded += 1;
                }
                index += 1;
                continue;
            }
            if let Some(parent) = parent.and_then(|row| rows.get_mut(row)) {
                parent.open = Some(true);
            }
            let id = RowId::Span(trace, node.id);
            let closed = !self.is_open(&id);
            let shows_all = self.shows_all.contains(&id) || (hidden[index] && is_lifted);
            let after = (index + 1 + node.beneath).min(nodes.len());
            let has_rows = closed && (shows_all && after > index + 1 || hidden[index + 1..after].contains(&false));
            let at = At::Span { index, folded: 0 };
            let parent = parent.or(run);
            rows.push(Row { id, depth: depth + above.len(), open: has_rows.then_some(false), at, parent });
            if has_rows {
                index = after;
                continue;
            }
            above.push(Above { depth: node.depth, row: rows.len() - 1, shows_all });
            index += 1;
        }
    }
}

/// Fewer entries than this need no headings of their days.
const LONG: usize = 20;

/// Finds where in a list a day begins.
struct Days<'a> {
    /// `None`: the list is short.
    zone: Option<&'a Zone>,
    day: Option<Day>,
}

impl<'a> Days<'a> {
    fn of(zone: &'a Zone, entries: usize, is_by_time: bool) -> Self {
        Self { zone: Some(zone).filter(|_| is_by_time && entries > LONG), day: None }
    }

    /// The number of the day of an entry, where that is another than that of the one before it.
    fn begins(&mut self, at: Timestamp) -> Option<i32> {
        let zone = self.zone?;
        if self.day.is_some_and(|day| day.holds(at)) {
            return None;
        }
        let day = zone.day(at)?;
        // The newest entries need no heading: their ages say when.
        self.day.replace(day).map(|_| day.number)
    }
}

/// The heading of a day. `of`: the session among whose runs it stands.
fn heading(of: Option<OfSession>, day: i32, moment: Timestamp, depth: usize, parent: Option<usize>) -> Row {
    Row { id: RowId::Day(of, day), depth, open: None, at: At::Day(moment), parent }
}

/// Whether a run is done and well, and nothing in it is of a model, a tool or a person: a request to a server, a note of a
/// coding agent.
pub fn is_quiet(trace: &TraceSummary) -> bool {
    let Totals { model_calls, tool_calls, errors, .. } = trace.totals;
    let works = model_calls + tool_calls + errors > 0 || trace.question.is_some();
    !works && trace.waits.is_none() && trace.state == TraceState::Ok
}

/// A row that the next spans may lie in.
struct Above {
    /// The depth of its node.
    depth: usize,
    /// Its place among the rows.
    row: usize,
    /// Whether it shows the spans that are folded away at it.
    shows_all: bool,
}

/// The span that started last among those that have a row when all is open.
pub fn newest_span(nodes: &[Node]) -> Option<SpanId> {
    let hidden = hidden(nodes);
    let shown = nodes.iter().zip(hidden).filter(|(node, hidden)| !hidden && node.state != NodeState::Missing);
    shown.map(|(node, _)| node).max_by_key(|node| node.started).map(|node| node.id)
}

/// For each node whether it is folded away: plumbing, and the requests, queries and messages of libraries beneath which
/// nothing else is. Roots, failures, spans that run and those that have not come are not. Without a model's or agent's
/// work nothing is folded away.
pub fn hidden(nodes: &[Node]) -> Vec<bool> {
    let mut hidden = vec![false; nodes.len()];
    if !nodes.iter().any(|node| node.category.is_ai()) {
        return hidden;
    }
    // How many of the nodes from one to the last are shown. The nodes beneath one follow it.
    let mut shown_from = vec![0; nodes.len() + 1];
    for (at, node) in nodes.iter().enumerate().rev() {
        let after = (at + 1 + node.beneath).min(nodes.len());
        let is_leaf = shown_from[at + 1] == shown_from[after];
        hidden[at] = may_hide(node) && (node.plumbing || (is_of_library(node) && is_leaf));
        shown_from[at] = shown_from[at + 1] + usize::from(!hidden[at]);
    }
    hidden
}

/// Whether a node is nothing that people look for.
fn may_hide(node: &Node) -> bool {
    let quiet = match node.state {
        NodeState::Error | NodeState::Missing | NodeState::Running => false,
        NodeState::Ok => true,
    };
    quiet && node.depth > 0
}

/// Whether a library made the span around a request, a query or a message.
fn is_of_library(node: &Node) -> bool {
    match node.category {
        Category::Http | Category::Db | Category::Messaging => true,
        Category::Span
        | Category::Llm
        | Category::Embedding
        | Category::Reranker
        | Category::Retriever
        | Category::Tool
        | Category::Agent
        | Category::Chain
        | Category::Guardrail
        | Category::Evaluator => false,
    }
}
