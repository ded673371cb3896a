//! The Reasoning pane: what the models thought, in order, and what stayed hidden.

use super::build::Builder;
use super::parts;
use super::{Anchor, Document, Folds, Run};
use crate::app::{format, wrap};
use crate::model::{Assembled, Detail, What};

#[must_use]
pub fn reasoning(detail: &Detail, folds: &Folds, width: u16) -> Document {
    let mut to = Builder::new(folds, width);
    for trace in &detail.traces {
        for (turn, call) in trace.calls.iter().enumerate() {
            let thoughts = thoughts(trace, turn);
            let tokens = call.usage.and_then(|usage| usage.reasoning).filter(|tokens| *tokens > 0);
            if thoughts.is_empty() && tokens.is_none() {
                continue;
            }
            to.blank();
            to.anchor(Anchor::Span(call.span));
            let mut facts = vec![format!("── turn {}", turn + 1)];
            facts.extend(call.model.as_deref().map(|model| wrap::clean_line(format::model(model))));
            facts.extend(tokens.map(|tokens| format!("{} reasoning tokens", format::count(tokens))));
            to.rule(vec![Run::new(format!("{} ", facts.join(" · ")), "message.turn")], vec![], "message.turn");
            for part in &thoughts {
                if let What::Reasoning(reasoning) = &part.what {
                    parts::reasoning_text(&mut to, 2, reasoning);
                    if reasoning.signature.is_some() {
                        to.line(vec![Run::new("  signed by the provider", "dim")]);
                    }
                }
            }
            if thoughts.is_empty() {
                to.line(vec![Run::new("  the model thought, but its text was not sent", "message.hidden")]);
            }
        }
    }
    if to.is_empty() {
        to.line(vec![Run::new("No reasoning was recorded.", "dim")]);
    }
    to.done()
}

fn thoughts(trace: &Assembled, turn: usize) -> Vec<&crate::model::Part> {
    let said = trace.threads.iter().flat_map(|thread| &thread.said).filter(|said| said.turn == turn && !said.history);
    said.flat_map(|said| &said.message.parts).filter(|part| matches!(part.what, What::Reasoning(_))).collect()
}
