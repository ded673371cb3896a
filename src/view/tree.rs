//! Sessions ▸ runs ▸ steps, with their numbers in columns.
//!
//! ```text
//!                                dur  tok   cost
//! ▾ ✗ trip-planner      6 runs  1m28 202k  $.428
//!   ▸ ✓ run 5 compare the top…  9.8s  22k  $.051
//!   ▾ ✗ run 6 book the ryokan…   46s 118k  $.272
//!     ▾ ✗ A planner              46s 118k  $.272
//!         M turn 1  sonnet-4-5  3.1s  14k  $.012
//! ▌     ✗ T book_room  #4       5.6s    ·      ·
//! ```
//!
//! A name is cut in its middle, so that the number at its end survives, prose at its end; what does not fit beside it
//! is left out.

use ratatui::layout::Rect;

use super::{numbers, pen::Pen, widgets::scrollbar};
use crate::{
    app::{
        Areas, Content, Focus, Pulse, Row, RowId, State,
        areas::{Columns, TreeArea, indent},
        browse::Browse,
        document::Run,
        format, wrap,
    },
    model::{Category, Node, NodeState, SessionSummary, Timestamp, TraceState, TraceSummary},
};

/// Widths of the columns, a space before each included.
const DURATION: u16 = 6;
const TOKENS: u16 = 5;
const COST: u16 = 7;

/// A note beside a name is not worth fewer columns than these.
const LEAST_NOTE: usize = 6;

/// What a row says, before it is laid out.
#[derive(Default)]
struct Line {
    /// `✓ ✗ ● ◌`, or nothing to say.
    mark: Option<(&'static str, &'static str)>,
    /// The letter of its kind.
    kind: Option<(&'static str, &'static str)>,
    /// Before the name: `run 6`.
    number: String,
    name: String,
    name_slot: &'static str,
    /// It is prose, which is read from its start; a name is cut in its middle.
    prose: bool,
    model: String,
    /// What else there is to say, if there is room, most needed first.
    notes: Vec<Run>,
    /// At the right end of the name's place.
    aside: String,
    duration: Option<String>,
    tokens: Option<String>,
    cost: Option<String>,
}

pub fn draw(pen: &mut Pen, state: &State, areas: &Areas, area: &TreeArea) {
    head(pen, state, area);
    let tree = &state.tree;
    let height = usize::from(area.rows.height);
    let window = tree.scroll().window(tree.rows().len(), height);
    let mut number = None;
    for (y, at) in (area.rows.y..).zip(window) {
        let Some(row) = tree.rows().get(at) else { break };
        number = match row.id {
            RowId::Session(_) => Some(0),
            RowId::Trace(_) => Some(number.map_or_else(|| run_number(tree, at), |before| before + 1)),
            RowId::Earlier(_) => None,
            _ => number,
        };
        let place = Rect { y, height: 1, ..area.rows };
        let content = tree.content(row);
        lay(pen, row, &line(state, row, content, number.unwrap_or(0)), place, area.columns);
        if at == tree.scroll().cursor {
            let focused = state.focus == Focus::Tree;
            pen.wash(place, if focused { "cursor" } else { "cursor.inactive" });
            // The mark stands on the frame; where there is none it takes the place of what is not a fold mark.
            if areas.bordered || row.depth > 0 {
                let x = if areas.bordered { place.x.saturating_sub(1) } else { place.x };
                pen.dot(x, y, "▌", if focused { "accent" } else { "dim" });
            }
        }
    }
    if tree.rows().is_empty() {
        let why = match tree.sessions().shown() {
            Some(_) if !state.filter.is_empty() => "nothing passes the filter",
            Some(_) => "no runs yet",
            None => "",
        };
        pen.put(area.rows.x + 2, area.rows.y, area.rows.right(), why, "dim");
    }
    if areas.bordered {
        let rows = area.rows.y..area.rows.bottom();
        let slot = if state.focus == Focus::Tree { "border.focused" } else { "border" };
        scrollbar::draw(pen, area.rows.right(), rows, tree.rows().len(), tree.scroll().top(), slot);
    }
}

/// The titles of the columns; over them what failed, or that something newer is on its way.
fn head(pen: &mut Pen, state: &State, area: &TreeArea) {
    let sessions = state.tree.sessions();
    if let Some(why) = sessions.failed() {
        pen.put(area.head.x, area.head.y, area.head.right(), &format!("✗ {why}"), "error");
        return;
    }
    let Columns { duration, tokens, cost, session_id: _ } = area.columns;
    let mut right = area.head.right();
    for (shown, width, title) in [(cost, COST, "cost"), (tokens, TOKENS, "tok"), (duration, DURATION, "dur")] {
        if shown {
            let place = Rect { x: right.saturating_sub(width).max(area.head.x), width: width.min(right), ..area.head };
            pen.runs_right(place, &[Run::new(title, "dim")]);
            right = right.saturating_sub(width);
        }
    }
    if sessions.is_refreshing(state.now) {
        pen.put(area.head.x, area.head.y, right, "…", "dim");
    }
}

fn lay(pen: &mut Pen, row: &Row, line: &Line, place: Rect, columns: Columns) {
    let y = place.y;
    let mut right = place.right();
    let cells = [
        (columns.cost, COST, &line.cost, "tree.cost"),
        (columns.tokens, TOKENS, &line.tokens, "tree.number"),
        (columns.duration, DURATION, &line.duration, "tree.number"),
    ];
    for (shown, width, text, slot) in cells {
        if !shown {
            continue;
        }
        if let Some(text) = text {
            let slot = if text == numbers::NONE || text == numbers::UNKNOWN { "dim" } else { slot };
            let left = right.saturating_sub(width).max(place.x);
            pen.runs_right(Rect { x: left, width: right - left, ..place }, &[Run::new(text.as_str(), slot)]);
        }
        right = right.saturating_sub(width).max(place.x);
    }

    let mut x = place.x + indent(row.depth, place.width);
    if let Some(open) = row.open {
        pen.put(x, y, right, if open { "▾" } else { "▸" }, "dim");
        x += 2;
    } else if row.depth < 2 {
        x += 2;
    }
    // A step that went well has no mark; its place stays free, so that the letters stand in one column.
    if line.mark.is_some() || line.kind.is_some() {
        let (mark, slot) = line.mark.unwrap_or((" ", "text"));
        pen.put(x, y, right, mark, slot);
        x += 2;
    }
    if let Some((letter, slot)) = line.kind {
        pen.put(x, y, right, letter, slot);
        x += 2;
    }
    if !line.number.is_empty() {
        x = pen.put(x, y, right, &line.number, "dim") + 1;
    }
    let room = usize::from(right.saturating_sub(x));
    let name = if line.prose { wrap::cut(&line.name, room) } else { wrap::cut_middle(&line.name, room) };
    x = pen.put(x, y, right, &name, line.name_slot);
    let mut end = right;
    if !line.aside.is_empty() {
        let aside = u16::try_from(wrap::width(&line.aside)).unwrap_or(u16::MAX);
        if x.saturating_add(2).saturating_add(aside) > right {
            return;
        }
        end = right - aside;
        pen.put(end, y, right, &line.aside, "dim");
        end -= 1;
    }
    if !line.model.is_empty() && usize::from(end.saturating_sub(x)) >= LEAST_NOTE + 2 {
        let room = usize::from(end - x - 2);
        x = pen.put(x + 2, y, end, shortened(&line.model, room), "dim");
    }
    for note in &line.notes {
        let least = LEAST_NOTE.min(wrap::width(&note.text));
        if usize::from(end.saturating_sub(x)) < least + 2 {
            break;
        }
        x = pen.put(x + 2, y, end, &note.text, note.slot);
    }
}

/// A model without its maker, where there is no room for both: `sonnet-4-5` says more than `claude-so…`.
fn shortened(model: &str, room: usize) -> &str {
    match model.split_once('-') {
        Some((_, rest)) if wrap::width(model) > room && !rest.is_empty() => rest,
        _ => model,
    }
}

fn line(state: &State, row: &Row, content: Content, number: u64) -> Line {
    let aside = |text: String, slot| Line { name: text, name_slot: slot, ..Line::default() };
    match content {
        Content::Session(session) => of_session(session, state.now),
        Content::Trace(trace) => of_trace(state, trace, number),
        Content::Span { node, folded } => of_span(state, row, node, folded),
        Content::Earlier(count) => aside(format!("↑ {} earlier runs", format::exact(count)), "dim"),
        Content::Waiting => aside("…".to_owned(), "dim"),
        Content::Nothing if state.filter.is_empty() => aside("nothing here yet".to_owned(), "dim"),
        Content::Nothing => aside("nothing passes the filter".to_owned(), "dim"),
        Content::Failed(why) => aside(format!("✗ {}", wrap::clean_line(why)), "error"),
    }
}

fn of_session(session: &SessionSummary, now: Timestamp) -> Line {
    let runs = if session.traces == 1 { "run" } else { "runs" };
    let users = session.users.iter().filter(|_| session.session.is_some());
    let users = users.map(|user| Run::new(wrap::clean_line(user), "dim")).take(1);
    let ended = (session.running == 0).then_some(session.last_seen);
    Line {
        mark: Some(if session.running > 0 {
            RUNNING
        } else if session.failed > 0 {
            FAILED
        } else {
            DONE
        }),
        name: session_name(session),
        name_slot: "tree.session",
        notes: users.collect(),
        aside: format!("{} {runs}", format::count(session.traces)),
        // Runs without a session have nothing in common: how long they took together says nothing.
        duration: Some(match session.session {
            Some(_) => numbers::duration(session.first_seen, ended, now),
            None => numbers::NONE.to_owned(),
        }),
        tokens: Some(numbers::tokens_of(&session.totals)),
        cost: Some(numbers::cost_of(&session.totals)),
        ..Line::default()
    }
}

fn of_trace(state: &State, trace: &TraceSummary, number: u64) -> Line {
    let pulse = state.pulse(trace);
    let (mark, note) = match (pulse, trace.state) {
        (Pulse::Running, _) => (RUNNING, None),
        (Pulse::Quiet(quiet), _) => {
            (RUNNING, Some(Run::new(format!("{} since last", numbers::whole_seconds(quiet)), "tree.running")))
        }
        (Pulse::Abandoned, _) => (RUNNING, Some(Run::new("abandoned?", "warning"))),
        (Pulse::Done, TraceState::Error) => (FAILED, None),
        (Pulse::Done, TraceState::Running | TraceState::Ok) => (DONE, None),
    };
    let going = match pulse {
        Pulse::Done => trace.ended.or(Some(trace.last_seen)),
        // Whoever ran it is gone: its clock stands.
        Pulse::Abandoned => None,
        Pulse::Running | Pulse::Quiet(_) => trace.ended,
    };
    let now = if pulse == Pulse::Abandoned { trace.last_seen } else { state.now };
    let name = trace.name.as_deref().map(wrap::clean_line);
    let question = trace.question.as_deref().map(wrap::clean_line).filter(|question| !question.trim().is_empty());
    let also = name.clone().filter(|_| question.is_some()).map(|name| Run::new(name, "dim"));
    Line {
        mark: Some(mark),
        number: numbered(state, trace, number),
        prose: question.is_some(),
        name: question.or(name).unwrap_or_else(|| format!("{:.8}", trace.trace.to_string())),
        name_slot: "tree.trace",
        notes: note.into_iter().chain(also).collect(),
        duration: Some(numbers::duration(trace.started, going, now)),
        tokens: Some(numbers::tokens_of(&trace.totals)),
        cost: Some(numbers::cost_of(&trace.totals)),
        ..Line::default()
    }
}

fn of_span(state: &State, row: &Row, node: &Node, folded: usize) -> Line {
    let mut notes: Vec<Run> = ordinal(node).map(|ordinal| Run::new(ordinal, "text")).into_iter().collect();
    if node.state == NodeState::Missing {
        notes.push(Run::new("has not come yet", "tree.missing"));
    }
    notes.extend(node.error.as_deref().map(|error| Run::new(wrap::clean_line(error), "tree.error")));
    if folded > 0 {
        notes.push(Run::new(format!("+{folded}"), "dim"));
    }
    let model = node.turn.and(node.model.as_deref()).map(|model| wrap::clean_line(format::model(model)));
    let going = match node.state {
        NodeState::Running => {
            // Its clock stands where its run is given up.
            let RowId::Span(trace, _) = row.id else { return Line::default() };
            let given_up = state.tree.trace(&trace).filter(|trace| state.pulse(trace) == Pulse::Abandoned);
            numbers::duration(node.started, None, given_up.map_or(state.now, |trace| trace.last_seen))
        }
        NodeState::Missing => numbers::NONE.to_owned(),
        NodeState::Ok | NodeState::Error => numbers::duration(node.started, node.ended, state.now),
    };
    Line {
        mark: match node.state {
            NodeState::Ok => None,
            NodeState::Error => Some(FAILED),
            NodeState::Running => Some(RUNNING),
            NodeState::Missing => Some(("◌", "tree.missing")),
        },
        kind: Some(kind(node.category)),
        name: span_name(node),
        model: model.unwrap_or_default(),
        name_slot: if node.state == NodeState::Missing { "tree.missing" } else { "text" },
        notes,
        duration: Some(going),
        tokens: Some(numbers::tokens(node.usage.as_ref(), node.category.is_call())),
        cost: Some(numbers::cost(node.cost.as_ref().map(|cost| cost.total), node.unpriced)),
        ..Line::default()
    }
}

const DONE: (&str, &str) = ("✓", "tree.ok");
const FAILED: (&str, &str) = ("✗", "tree.error");
const RUNNING: (&str, &str) = ("●", "tree.running");

/// The letter of a kind, and its slot.
fn kind(category: Category) -> (&'static str, &'static str) {
    match category {
        Category::Agent => ("A", "tree.agent"),
        Category::Llm => ("M", "tree.llm"),
        Category::Tool => ("T", "tree.tool"),
        Category::Retriever | Category::Reranker | Category::Embedding => ("R", "tree.retriever"),
        Category::Chain => ("W", "tree.chain"),
        Category::Guardrail
        | Category::Evaluator
        | Category::Http
        | Category::Db
        | Category::Messaging
        | Category::Span => ("·", "tree.other"),
    }
}

/// How a row is called in the breadcrumb.
pub fn short_name(state: &State, row: &Row) -> Option<String> {
    match state.tree.content(row) {
        Content::Session(session) => Some(session_name(session)),
        Content::Trace(trace) => {
            let number = state.tree.position(&row.id).map_or(0, |at| run_number(&state.tree, at));
            let numbered = numbered(state, trace, number);
            let name = trace.question.as_ref().or(trace.name.as_ref()).map(|name| wrap::clean_line(name));
            Some(if numbered.is_empty() { name.unwrap_or_else(|| "run".to_owned()) } else { numbered })
        }
        Content::Span { node, .. } => {
            let words: Vec<String> = [span_name(node)].into_iter().chain(ordinal(node)).collect();
            Some(words.join(" "))
        }
        Content::Earlier(_) | Content::Waiting | Content::Nothing | Content::Failed(_) => None,
    }
}

fn session_name(session: &SessionSummary) -> String {
    session.session.as_ref().map_or_else(|| "(no session)".to_owned(), |id| wrap::clean_line(id.as_str()))
}

/// A step's name.
fn span_name(node: &Node) -> String {
    let name = wrap::clean_line(&node.name);
    match node.turn {
        Some(turn) => format!("turn {turn}"),
        None if name.trim().is_empty() => "?".to_owned(),
        None => name,
    }
}

/// Which call of its tool it is.
fn ordinal(node: &Node) -> Option<String> {
    Some(format!("#{}", node.ordinal?))
}

/// `run 6`, where numbers mean something: in a session of which nothing is filtered away.
fn numbered(state: &State, trace: &TraceSummary, number: u64) -> String {
    let counts = trace.session.is_some() && state.filter.text.trim().is_empty() && number > 0;
    if counts { format!("run {number}") } else { String::new() }
}

/// Which run of its session a row of the tree is, from 1.
fn run_number(tree: &Browse, at: usize) -> u64 {
    let mut number = 0;
    for row in tree.rows().get(..=at).unwrap_or_default().iter().rev() {
        match &row.id {
            RowId::Trace(_) => number += 1,
            RowId::Earlier(_) => {
                if let Content::Earlier(earlier) = tree.content(row) {
                    number += earlier;
                }
                break;
            }
            RowId::Session(_) => break,
            _ => {}
        }
    }
    number
}
