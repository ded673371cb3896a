//! The Reasoning pane: what the models thought, in order, and what stayed hidden.

use super::build::Builder;
use super::{Anchor, Document, Folds, Run, parts, runs};
use crate::app::{format, wrap};
use crate::model::{AssembledTrace, Content, Detail};
use crate::slots::Slot;

#[must_use]
pub fn reasoning(detail: &Detail, folds: &Folds, width: u16) -> Document {
    let mut to = Builder::new(folds, width);
    let mut any = false;
    for (trace, number) in runs::each(&mut to, detail) {
        let mut headed = false;
        for ((at, call), turn) in trace.calls.iter().enumerate().zip(trace.turns()) {
            let thoughts = thoughts(trace, at);
            let tokens = call.usage.and_then(|usage| usage.reasoning).filter(|tokens| *tokens > 0);
            if thoughts.is_empty() && tokens.is_none() {
                continue;
            }
            if !headed {
                runs::heading(&mut to, trace, number);
            }
            (any, headed) = (true, true);
            to.blank();
            to.anchor(Anchor::Span(call.span));
            let head = Some(format!("── {}", runs::turn(turn, call)));
            let model = call.model.as_deref().map(|model| wrap::clean_line(format::model(model)));
            let tokens = tokens.map(|tokens| format!("{} reasoning tokens", format::count(tokens)));
            // In a narrow pane how much was thought is worth more than who did.
            let forms = [[&head, &model, &tokens], [&head, &None, &tokens]];
            let joined = forms.map(|facts| facts.into_iter().flatten().cloned().collect::<Vec<_>>().join(" · "));
            let text = to.fitting(joined);
            to.rule(vec![Run::new(format!("{text} "), Slot::MessageTurn)], vec![], Slot::MessageTurn);
            for part in &thoughts {
                if let Content::Reasoning(reasoning) = &part.content {
                    parts::reasoning_text(&mut to, 2, reasoning);
                    if reasoning.signature.is_some() {
                        to.line(vec![Run::new("  signed by the provider", Slot::Dim)]);
                    }
                }
            }
            if thoughts.is_empty() {
                let unsent = "the model thought, but its text was not sent";
                to.wrapped(2, 0, &[Run::new(unsent, Slot::MessageHidden)]);
            }
        }
    }
    if !any {
        to.line(vec![Run::new("No reasoning was recorded.", Slot::Dim)]);
    }
    to.done()
}

fn thoughts(trace: &AssembledTrace, turn: usize) -> Vec<&crate::model::Part> {
    let said = trace
        .conversations
        .iter()
        .flat_map(|thread| &thread.messages)
        .filter(|said| said.turn == turn && !said.history);
    said.flat_map(|said| &said.message.parts).filter(|part| matches!(part.content, Content::Reasoning(_))).collect()
}
