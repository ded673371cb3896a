//! Each failure where it happened: with the call or the tool that it ended, else at the end.

use super::super::build::Builder;
use super::super::hash::{self, HashMap, HashSet};
use super::super::stack::{self, Stack};
use super::pairs::Pairs;
use crate::app::styled::Styled;
use crate::app::wrap;
use crate::model::{AssembledTrace, Category, Failure, ModelCall, SpanId, ToolRun, TraceFailure};
use crate::slots::Slot;

/// Where the failures of a trace are shown; each is taken once.
pub struct Failures {
    /// By the span of the turn or tool that each one is shown with.
    with: HashMap<SpanId, Vec<Failed>>,
    rest: Vec<Failed>,
}

/// A failure: its place among those of the trace. `node`: the node of its span, where the failure is shown with another
/// span, so that the name of its own must stand beside it.
#[derive(Debug, Clone, Copy)]
pub struct Failed {
    pub error: usize,
    pub node: Option<usize>,
}

impl Failures {
    pub fn of(trace: &AssembledTrace, pairs: &Pairs) -> Self {
        let mut failures = Self { with: HashMap::default(), rest: Vec::new() };
        if trace.errors.is_empty() {
            return failures;
        }
        let mut shown: HashMap<SpanId, SpanId> = hash::map_for(trace.calls.len() + trace.tools.len());
        for call in &trace.calls {
            shown.extend(call.also.iter().chain([&call.span]).map(|span| (*span, call.span)));
        }
        shown.extend(trace.tools.iter().filter_map(|run| Some((run.span?, run.span?))));
        let nodes = nodes(trace, &shown);
        let unasked = unasked(trace, pairs);
        for (error, failure) in trace.errors.iter().enumerate() {
            let node = nodes.get(&failure.span).copied();
            let after_turn = |place: &SpanId| unasked.get(place).copied();
            let own = shown.get(&failure.span).map(|place| match (after_turn(place), node) {
                (Some(turn), node) => (turn.unwrap_or(*place), node.map(|node| node.at)),
                (None, _) => (*place, None),
            });
            let above = node.and_then(|node| Some((node.place?, Some(node.at))));
            match own.or(above) {
                Some((place, node)) => failures.with.entry(place).or_default().push(Failed { error, node }),
                None => failures.rest.push(Failed { error, node: node.map(|node| node.at) }),
            }
        }
        failures
    }

    /// What failed at a turn or a tool.
    pub fn take(&mut self, span: SpanId) -> Vec<Failed> {
        self.with.remove(&span).unwrap_or_default()
    }

    /// All that was not taken, by time.
    pub fn take_rest(&mut self, trace: &AssembledTrace) -> Vec<Failed> {
        let mut rest = std::mem::take(&mut self.rest);
        rest.extend(self.with.drain().flat_map(|(_, failed)| failed));
        rest.sort_by_key(|failed| {
            let error = &trace.errors[failed.error];
            (error.at, error.span)
        });
        rest
    }
}

/// The spans of tool runs that no message shows, each with the turn that asked for it, else with the one before it of its
/// own agent: what failed there is shown after that. `None` where there is no such turn.
fn unasked(trace: &AssembledTrace, pairs: &Pairs) -> HashMap<SpanId, Option<SpanId>> {
    let asked: HashSet<usize> = pairs.runs().collect();
    let is_left = |(at, run): &(usize, &ToolRun)| !asked.contains(at) && !run.earlier && run.span.is_some();
    let left: Vec<&ToolRun> = trace.tools.iter().enumerate().filter(is_left).map(|(_, run)| run).collect();
    if left.is_empty() {
        return HashMap::default();
    }
    let agents = agents(trace);
    let mut turns: HashMap<Option<SpanId>, Vec<&ModelCall>> = HashMap::default();
    for call in trace.calls.iter().filter(|call| call.category.takes_turns()) {
        turns.entry(agents.get(&call.span).copied().flatten()).or_default().push(call);
    }
    let before = left.into_iter().filter_map(|run| {
        let span = run.span?;
        let before = || {
            let turns = turns.get(&agents.get(&span).copied().flatten())?;
            let after = turns.partition_point(|call| call.started <= run.started.unwrap_or_default());
            after.checked_sub(1).map(|at| turns[at].span)
        };
        Some((span, run.called_by.or_else(before)))
    });
    before.collect()
}

/// The nearest agent above each node. One walk: the nodes above each are on a stack.
fn agents(trace: &AssembledTrace) -> HashMap<SpanId, Option<SpanId>> {
    let mut found = hash::map_for(trace.tree.nodes.len());
    let mut above: Vec<(usize, Option<SpanId>)> = Vec::new();
    for node in &trace.tree.nodes {
        while above.last().is_some_and(|(depth, _)| *depth >= node.depth) {
            above.pop();
        }
        let agent = above.last().and_then(|(_, agent)| *agent);
        found.insert(node.id, agent);
        let within = if node.category == Category::Agent { Some(node.id) } else { agent };
        above.push((node.depth, within));
    }
    found
}

/// A failed span in the tree.
#[derive(Clone, Copy)]
struct FailedNode {
    at: usize,
    /// The nearest span at or above it with which failures are shown.
    place: Option<SpanId>,
}

/// The nodes of the spans that failed. One walk: the nodes above each are on a stack.
fn nodes(trace: &AssembledTrace, shown: &HashMap<SpanId, SpanId>) -> HashMap<SpanId, FailedNode> {
    let mut found: HashMap<SpanId, Option<FailedNode>> = trace.errors.iter().map(|error| (error.span, None)).collect();
    let mut above: Vec<(usize, Option<SpanId>)> = Vec::new();
    for (at, node) in trace.tree.nodes.iter().enumerate() {
        while above.last().is_some_and(|(depth, _)| *depth >= node.depth) {
            above.pop();
        }
        let own = if shown.is_empty() { None } else { shown.get(&node.id).copied() };
        let place = own.or(above.last().and_then(|(_, place)| *place));
        above.push((node.depth, place));
        if let Some(failed) = found.get_mut(&node.id) {
            *failed = Some(FailedNode { at, place });
        }
    }
    found.into_iter().filter_map(|(span, node)| Some((span, node?))).collect()
}

impl Failed {
    fn failure(self, trace: &AssembledTrace) -> &TraceFailure {
        &trace.errors[self.error]
    }

    /// Whether it adds anything to the text that stands above it.
    pub fn adds_to(self, trace: &AssembledTrace, above: &str) -> bool {
        let failure = &self.failure(trace).failure;
        let message = failure.message.as_deref().map(str::trim).unwrap_or_default();
        failure.kind.is_some() || failure.stack.is_some() || above.trim().is_empty() || !above.contains(message)
    }

    /// `▸ ✗ ConnectionError  in INSERT shop  traceback        17:42:09`, beneath it the message.
    /// `above`: the text that stands above it already.
    pub fn show(self, trace: &AssembledTrace, to: &mut Builder, indent: usize, above: &str) {
        let error = self.failure(trace);
        to.anchor(error.span);
        let failure = &error.failure;
        let kind = failure.kind.as_deref().map_or_else(|| "error".to_owned(), |kind| wrap::clean_line(short(kind)));
        let span =
            self.node.map(|at| format!("  in {}", wrap::clean_line(&trace.tree.nodes[at].name))).unwrap_or_default();
        let traceback = if failure.stack.is_some() { "  traceback" } else { "" };
        let clock = format!("  {} ", to.zone.clock(error.at));
        // Where there is little room, what failed and where is worth more than when.
        let forms = [(&*span, traceback, &*clock), (&*span, "", &*clock), (&*span, "", ""), ("", "", "")];
        let wide = |(span, traceback, clock): &(&str, &str, &str)| {
            indent + 4 + wrap::width(&kind) + wrap::width(span) + wrap::width(traceback) + wrap::width(clock)
        };
        let (span, traceback, clock) = forms.into_iter().find(|form| wide(form) <= to.width).unwrap_or_default();
        let mut head =
            vec![Styled::new(format!("✗ {kind}"), Slot::Error), Styled::new(format!("{span}{traceback}"), Slot::Dim)];
        let right = vec![Styled::new(clock, Slot::Dim)];
        let open = if failure.stack.is_some() {
            to.fold(format!("stack {}", error.span), false, indent, head, right)
        } else {
            // Its mark stands where those of failures that can be opened do.
            head.insert(0, Styled::new(" ".repeat(indent + 2), Slot::Text));
            to.spread(head, right);
            false
        };
        let message = failure.message.as_deref().filter(|message| !above.contains(message.trim()));
        if let Some(message) = message {
            to.text(indent + 4, message, Slot::Error);
        }
        if let Some(text) = failure.stack.as_deref().filter(|_| open) {
            match stack::read(text).filter(|_| !to.is_raw()) {
                Some(stack) => stack_of(to, indent + 4, error, &stack),
                None => to.text(indent + 4, text, Slot::Text),
            }
        }
    }
}

/// What failed and where in the user's own code that was; beneath it all of the stack, folded away.
fn stack_of(to: &mut Builder, indent: usize, error: &TraceFailure, stack: &Stack) {
    for raised in &stack.raised {
        if let Some(relation) = raised.relation {
            to.line(vec![Styled::new(format!("{}{relation}", " ".repeat(indent)), Slot::Dim)]);
        }
        let Failure { kind, message, .. } = &error.failure;
        if raised.relation.is_some() || raised.adds_to(kind.as_deref(), message.as_deref()) {
            to.text(indent, &raised.message.join("\n"), Slot::Error);
        }
        if !raised.own.is_empty() {
            to.text(indent + 2, &raised.own_text(), Slot::Text);
        }
    }
    let head = vec![Styled::new(format!("as it came: {}", stack.counted()), Slot::Dim)];
    if to.fold(format!("frames {}", error.span), false, indent, head, vec![]) {
        to.text(indent + 2, error.failure.stack.as_deref().unwrap_or_default(), Slot::Dim);
    }
}

/// `botocore.errorfactory.ThrottlingException` → `ThrottlingException`: what tells it from others.
pub fn short(kind: &str) -> &str {
    let last = kind.rsplit(['.', ':', '/']).next().unwrap_or(kind);
    let is_path = !kind.contains(char::is_whitespace) && last.starts_with(char::is_alphabetic);
    if is_path { last } else { kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_called_by_the_end_of_its_path() {
        for (kind, name) in [
            ("botocore.errorfactory.ThrottlingException", "ThrottlingException"),
            ("std::io::Error", "Error"),
            ("TypeError", "TypeError"),
            ("500", "500"),
            ("4.04", "4.04"),
            ("not found. try again", "not found. try again"),
        ] {
            assert_eq!(short(kind), name);
        }
    }
}
