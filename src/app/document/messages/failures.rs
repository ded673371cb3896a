//! Each failure where it happened: with the call or the tool that it ended, else at the end.

use std::collections::HashMap;

use super::super::{Anchor, Run, build::Builder};
use crate::app::{format, wrap};
use crate::model::{AssembledTrace, SpanId, TraceFailure};
use crate::slots::Slot;

pub struct Failures<'a> {
    /// By the span of the turn or tool that each one is shown with.
    with: HashMap<SpanId, Vec<Failed<'a>>>,
    rest: Vec<Failed<'a>>,
}

/// A failure, and the name of its span where the place that shows it does not say.
pub struct Failed<'a> {
    error: &'a TraceFailure,
    span: Option<&'a str>,
}

impl<'a> Failures<'a> {
    pub fn of(trace: &'a AssembledTrace) -> Self {
        let mut shown: HashMap<SpanId, SpanId> = HashMap::new();
        for call in &trace.calls {
            shown.extend(call.also.iter().chain([&call.span]).map(|span| (*span, call.span)));
        }
        shown.extend(trace.tools.iter().filter_map(|run| Some((run.span?, run.span?))));
        let mut failures = Self { with: HashMap::new(), rest: Vec::new() };
        let at: HashMap<SpanId, usize> = trace.tree.nodes.iter().enumerate().map(|(at, node)| (node.id, at)).collect();
        for error in &trace.errors {
            let node = at.get(&error.span).copied();
            let name = node.map(|at| trace.tree.nodes[at].name.as_str());
            let above = node.into_iter().flat_map(|at| ancestors(trace, at));
            match [error.span].into_iter().chain(above).find_map(|span| Some((span, *shown.get(&span)?))) {
                Some((span, place)) => {
                    let span = name.filter(|_| span != error.span);
                    failures.with.entry(place).or_default().push(Failed { error, span });
                }
                None => failures.rest.push(Failed { error, span: name }),
            }
        }
        failures
    }

    /// What failed at a turn or a tool; it is shown once.
    pub fn take(&mut self, span: SpanId) -> Vec<Failed<'a>> {
        self.with.remove(&span).unwrap_or_default()
    }

    /// Shows all that was not shown yet, by time.
    pub fn show_rest(mut self, to: &mut Builder) {
        self.rest.extend(self.with.into_values().flatten());
        self.rest.sort_by_key(|failed| (failed.error.at, failed.error.span));
        for failed in &self.rest {
            to.gap();
            failed.show(to, 2, "");
        }
    }
}

/// The spans above a node, the nearest first.
fn ancestors(trace: &AssembledTrace, at: usize) -> impl Iterator<Item = SpanId> {
    let nodes = &trace.tree.nodes;
    let mut depth = nodes[at].depth;
    nodes[..at].iter().rev().filter_map(move |node| {
        let above = node.depth < depth;
        depth = depth.min(node.depth);
        above.then_some(node.id)
    })
}

impl Failed<'_> {
    /// Whether it says more than the text that stands above it already.
    pub fn adds_to(&self, told: &str) -> bool {
        let failure = &self.error.failure;
        let message = failure.message.as_deref().map(str::trim).unwrap_or_default();
        failure.kind.is_some() || failure.stack.is_some() || told.trim().is_empty() || !told.contains(message)
    }

    /// `▸ ✗ ConnectionError  in INSERT shop  traceback        17:42:09`, beneath it the message.
    /// `told`: the text that stands above it already.
    pub fn show(&self, to: &mut Builder, indent: usize, told: &str) {
        let error = self.error;
        to.anchor(Anchor::Span(error.span));
        let failure = &error.failure;
        let kind = failure.kind.as_deref().map_or_else(|| "error".to_owned(), |kind| wrap::clean_line(short(kind)));
        let span = self.span.map(|span| format!("  in {}", wrap::clean_line(span))).unwrap_or_default();
        let trace = if failure.stack.is_some() { "  traceback" } else { "" };
        let clock = format!("  {} ", format::clock(error.at));
        // Where there is little room, what failed and where is worth more than when.
        let forms = [(&*span, trace, &*clock), (&*span, "", &*clock), (&*span, "", ""), ("", "", "")];
        let wide = |(span, trace, clock): &(&str, &str, &str)| {
            indent + 4 + wrap::width(&kind) + wrap::width(span) + wrap::width(trace) + wrap::width(clock)
        };
        let (span, trace, clock) = forms.into_iter().find(|form| wide(form) <= to.width).unwrap_or_default();
        let mut head = vec![Run::new(format!("✗ {kind}"), Slot::Error), Run::new(format!("{span}{trace}"), Slot::Dim)];
        let right = vec![Run::new(clock, Slot::Dim)];
        let open = if failure.stack.is_some() {
            to.fold(format!("stack {}", error.span), false, indent, head, right)
        } else {
            // Its mark stands where those of failures that can be opened do.
            head.insert(0, Run::new(" ".repeat(indent + 2), Slot::Text));
            to.spread(head, right);
            false
        };
        if let Some(message) = failure.message.as_deref().filter(|message| !told.contains(message.trim())) {
            to.text(indent + 4, message, Slot::Error);
        }
        if let Some(stack) = failure.stack.as_deref().filter(|_| open) {
            to.text(indent + 4, stack, Slot::Dim);
        }
    }
}

/// `botocore.errorfactory.ThrottlingException` → `ThrottlingException`: what tells it from others.
fn short(kind: &str) -> &str {
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
