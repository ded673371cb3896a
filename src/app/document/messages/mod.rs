//! The Messages pane: the conversation, turn by turn, each message once, each tool call with its outcome.
//!
//! ```text
//! ── turn 5 · claude-sonnet-4-5 · 3.3s · in 22.9k (12% cached) out 196 · $.064 ──
//!   assistant                                                  finish: tool_use
//!     I'll retry with the same guest details.
//!   ▾ → book_room                                 #2/4  tooluse_9f2  5.6s  ✗
//!       hotel_id  "ryk-118"
//!     ← 'guests' must be >= 1 (got 0)
//! ```

mod block;
mod blocks;
mod end;
mod evaluations;
mod failures;
mod index;
mod outline;
mod pairs;
mod retrieval;
mod turn;
mod unanswered;

use std::sync::{Arc, OnceLock};

use super::build::Builder;
use super::hash::{self, HashSet};
use super::line::{Copied, Piece};
use super::outline::{Blocks, Pane};
use super::parts::{self, Prose};
use super::runs;
use crate::app::styled::Styled;
use crate::app::wrap;
use crate::model::{AssembledTrace, Content, Conversation, ConversationMessage, Detail, Role, SpanId};
use crate::slots::Slot;
use blocks::Block;
pub(in crate::app) use failures::short as short_error;
use index::TraceIndex;
use pairs::PartPlace;

/// The messages of a trace, or of the traces of a session one after another.
#[must_use]
pub fn blocks(detail: &Arc<Detail>) -> Box<dyn Blocks> {
    let (traces, outline) = outline::of(detail);
    outline.of(Messages { detail: detail.clone(), traces, answers: OnceLock::new() })
}

#[derive(Debug)]
struct Messages {
    detail: Arc<Detail>,
    /// One for each trace of the answer.
    traces: Vec<TraceIndex>,
    /// The texts of what each trace's calls answered, by hash: made when an earlier message is first shown.
    answers: OnceLock<Vec<HashSet<u64>>>,
}

impl Pane for Messages {
    type Block = Block;

    fn write(&self, block: &Block, to: &mut Builder) {
        match *block {
            Block::Session => {
                if let Some(facts) = &self.detail.session {
                    runs::session(to, facts);
                }
            }
            Block::LeftOut => runs::left_out(to, &self.detail),
            Block::OnlyRoots => end::explain_roots(to),
            Block::Run { trace } => match self.traces[trace].number {
                None if !self.trace(trace).only_wrapper_spans => runs::heading_alone(to, self.trace(trace)),
                number => runs::heading(to, self.trace(trace), number),
            },
            Block::Conversation { trace, conversation } => heading(to, &self.trace(trace).conversations[conversation]),
            Block::Turn { trace, call } => {
                let of = self.trace(trace);
                turn::rule(to, of, self.traces[trace].turns[call], &of.calls[call]);
            }
            Block::Silent { trace, call, hint } => {
                let call = &self.trace(trace).calls[call];
                if call.failure.is_none() {
                    let around = "what was said came with the spans around this call";
                    let none = "no messages came with this call";
                    let words = if self.traces[trace].answers_around_calls { around } else { none };
                    to.wrapped(2, 0, &[Styled::new(words, Slot::Dim)]);
                }
                if let Some(how) = call.recording_hint.as_deref().filter(|_| hint) {
                    to.text(4, how, Slot::Warning);
                }
            }
            Block::System { trace, at, as_in_run } => {
                let message = self.message(trace, at);
                turn::system(to, &message.message.parts, self.name(trace, at), as_in_run);
            }
            Block::Earlier { trace, at, count } => {
                let conversation = &self.trace(trace).conversations[at.conversation];
                let name = format!("history {} {} {}", conversation.id.0, conversation.id.1, at.message);
                let messages = &conversation.messages[at.message..][..count];
                turn::earlier(to, messages, name, self.is_answered(trace, messages));
            }
            Block::Part { trace, at, first, role } => {
                if first {
                    to.gap();
                }
                self.part(to, trace, at, role);
            }
            Block::NoAnswer { why } => unanswered::write(to, why),
            Block::Evaluations { trace, span } => {
                let of = self.trace(trace);
                evaluations::write(to, of, &evaluations::of(of, span), span.is_none());
            }
            Block::Retrieval { trace, at } => {
                let retrieval = &self.trace(trace).retrievals[at];
                retrieval::write(to, retrieval, &format!("retrieval {} {}", self.trace(trace).trace, retrieval.span));
            }
            Block::Failure { trace, failed } => {
                to.gap();
                failed.show(self.trace(trace), to, 2, "");
            }
            Block::End { trace } => end::end(to, self.trace(trace), self.traces[trace].number),
        }
    }

    fn copied(&self, block: &Block, piece: Piece) -> Option<Copied> {
        match *block {
            Block::Part { trace, at, .. } => {
                let (index, of) = (&self.traces[trace], self.trace(trace));
                let message = self.message(trace, at);
                let part = &message.message.parts[at.part];
                match &part.content {
                    Content::Call(call) => block::copied(of, index, call, at, piece),
                    Content::Result(result) => {
                        let call = index.pairs.call_in_history(of, result);
                        let name = result.name.as_deref().or_else(|| Some(call?.name.as_str())).unwrap_or("a tool");
                        match (piece, call) {
                            (Piece::Arguments, Some(call)) => Some(parts::copied_arguments(name, &call.input)),
                            (Piece::Arguments, None) => None,
                            _ => Some(parts::copied_result(name, &result.content)),
                        }
                    }
                    _ if matches!(piece, Piece::Arguments | Piece::Result) => None,
                    _ => parts::copied_part(message.message.role, part),
                }
            }
            Block::System { trace, at, .. } if matches!(piece, Piece::Text | Piece::Other) => {
                Some(Copied::new("system prompt", parts::all_text(&self.message(trace, at).message.parts)))
            }
            Block::Failure { trace, failed } => {
                let failure = &self.trace(trace).errors.get(failed.error)?.failure;
                let texts = [failure.kind.as_deref(), failure.message.as_deref(), failure.stack.as_deref()];
                Some(Copied::new("failure", texts.into_iter().flatten().collect::<Vec<_>>().join("\n")))
            }
            _ => None,
        }
    }
}

impl Messages {
    fn trace(&self, trace: usize) -> &AssembledTrace {
        &self.detail.traces[trace]
    }

    fn message(&self, trace: usize, at: PartPlace) -> &ConversationMessage {
        &self.trace(trace).conversations[at.conversation].messages[at.message]
    }

    /// The name of a part's fold.
    fn name(&self, trace: usize, at: PartPlace) -> String {
        let span: SpanId = self.message(trace, at).span;
        format!("message {} {span} {} {}", self.trace(trace).trace, at.message, at.part)
    }

    fn part(&self, to: &mut Builder, trace: usize, at: PartPlace, role: bool) {
        let (index, of, name) = (&self.traces[trace], self.trace(trace), self.name(trace, at));
        let message = self.message(trace, at);
        let part = &message.message.parts[at.part];
        match &part.content {
            Content::Call(call) => block::call(to, of, index, name, call, at),
            Content::Result(result) => block::result(to, name, result, index.pairs.call_in_history(of, result)),
            Content::Reasoning(reasoning) => turn::reasoning(to, reasoning, name),
            _ => {
                if role {
                    turn::role(to, of, message);
                }
                to.piece(Piece::Text);
                let is_tool = message.message.role == Role::Tool;
                let prose = if is_tool { Prose::Data(Slot::Text) } else { Prose::Markdown };
                parts::content(to, 4, part, prose);
            }
        }
    }

    /// Whether among some messages is what a call of a run before answered.
    fn is_answered(&self, trace: usize, messages: &[ConversationMessage]) -> bool {
        let answers = self.answers.get_or_init(|| {
            let of_trace = |trace: &Arc<AssembledTrace>| {
                let messages = trace.conversations.iter().flat_map(|conversation| &conversation.messages);
                messages.filter(|at| !at.history).filter_map(answer).collect()
            };
            self.detail.traces.iter().map(of_trace).collect()
        });
        let before = &answers[..trace];
        messages.iter().filter_map(answer).any(|answer| before.iter().any(|answers| answers.contains(&answer)))
    }
}

/// A hash of the text of an answer; `None` for other messages, and for answers without text.
fn answer(at: &ConversationMessage) -> Option<u64> {
    if at.message.role != Role::Assistant {
        return None;
    }
    let texts = at.message.parts.iter().filter_map(|part| match &part.content {
        Content::Text(text) if !text.trim().is_empty() => Some(text.trim()),
        _ => None,
    });
    let mut texts = texts.peekable();
    texts.peek()?;
    Some(hash::fingerprint_of_text(texts))
}

fn heading(to: &mut Builder, conversation: &Conversation) {
    to.blank();
    let name = conversation.agent.as_deref().map_or_else(|| "conversation".to_owned(), wrap::clean_line);
    let opened = if conversation.opened_by.is_some() { "  sub-agent" } else { "" };
    to.line(vec![Styled::new(format!("◆ {name}"), Slot::TreeAgent), Styled::new(opened, Slot::Dim)]);
}
