//! The prompt of a call as the model saw it: parameters, tools, messages, complete and in order, with what is new
//! against another call's.
//!
//! ```text
//! ── prompt of turn 3 · claude-sonnet-4-5 ───────────────── new since turn 2 ──
//!   2 messages new, 9 as before · 4 tools as before · ~14k tokens
//!
//!   max_tokens   1024
//! ~ temperature  0.2 → 0.7
//! ▸   tools  4 as in turn 2                                               ~820
//! ▸   9 messages as in turn 2                                             ~12k
//! ▾ + 10 assistant                                                        ~240
//!       → search_hotels
//!         city  "Kyoto"
//! ```
//!
//! ```text
//!   side       a call with what it was sent      delta      what is new in it against another
//!   tools      the tools and parameters          gaps       what of it is not known
//! ```

pub mod delta;
mod gaps;
pub mod side;
pub mod tools;

use std::ops::Range;
use std::sync::Arc;

use super::build::Builder;
use super::outline::{Blocks, Outline, Pane};
use super::{diff, parts, tokens};
use crate::app::styled::Styled;
use crate::app::{format, wrap};
use crate::model::{Detail, SpanId};
use crate::slots::Slot;
use delta::{Change, Entry};
use side::{Side, call_at};
use tools::Tools;

/// The prompt of the call at a step of an answer: of the trace of this place, or the last one.
///
/// `full`: everything is open; else only what is new is.
#[must_use]
pub fn blocks(detail: &Arc<Detail>, trace: Option<usize>, step: Option<SpanId>, full: bool) -> Box<dyn Blocks> {
    let trace = trace.unwrap_or_else(|| detail.traces.len().saturating_sub(1));
    let call = detail.traces.get(trace).and_then(|trace| call_at(trace, step));
    let Some(now) = call.and_then(|call| Side::of(detail, trace, call)) else {
        let mut outline = Outline::default();
        outline.push((), "none", 1, 0);
        return outline.of(NoCall);
    };
    let mut outline = Outline::default();
    let prompt = Prompt::of(now.before(), now, full);
    outline.push(Block::Head, "head", 3, 0);
    prompt.list(&mut outline, |block| block);
    outline.of(prompt)
}

/// That a step has no call whose prompt there would be.
#[derive(Debug)]
struct NoCall;

impl Pane for NoCall {
    type Block = ();

    fn write(&self, (): &(), to: &mut Builder) {
        to.line(vec![Styled::new("No model call was recorded here: there is no prompt.", Slot::Dim)]);
    }
}

/// What a call was sent, beside what another was.
#[derive(Debug)]
pub struct Prompt {
    pub now: Side,
    pub before: Option<Side>,
    /// All messages are open.
    full: bool,
    messages: Vec<Entry>,
    tools: Tools,
    gaps: Vec<String>,
}

/// What one block shows; ranges are of [`Prompt::messages`].
#[derive(Debug)]
pub enum Block {
    Head,
    Gap(usize),
    Parameters,
    Tools,
    /// Messages that both have, closed.
    Same(Range<usize>),
    /// Messages that only the other has, closed.
    Gone(Range<usize>),
    Message(usize),
}

impl Prompt {
    #[must_use]
    pub fn of(before: Option<Side>, now: Side, full: bool) -> Self {
        let messages = delta::messages(before.as_ref(), &now);
        let tools = Tools::of(before.as_ref(), &now);
        let gaps = gaps::of(&now);
        Self { now, before, full, messages, tools, gaps }
    }

    /// Whether a block has something that is not as in the other call.
    #[must_use]
    pub fn is_change(&self, block: &Block) -> bool {
        let Some(before) = &self.before else { return false };
        match block {
            Block::Message(at) => self.messages[*at].change != Change::Same,
            Block::Gone(_) => true,
            Block::Tools => !self.tools.are_equal(),
            Block::Parameters => {
                let parameters = delta::parameters(Some(&before.facts().parameters), &self.now.facts().parameters);
                parameters.iter().any(|parameter| parameter.change != Change::Same)
            }
            Block::Head | Block::Gap(_) | Block::Same(_) => false,
        }
    }

    /// Lists its blocks, all but the head. `block`: as what the outline has each.
    pub fn list<B>(&self, outline: &mut Outline<B>, block: impl Fn(Block) -> B) {
        let call = (self.now.trace().trace, self.now.facts().span);
        for at in 0..self.gaps.len() {
            outline.push(block(Block::Gap(at)), ("gap", call, at), 2, 0);
        }
        outline.push(block(Block::Parameters), ("parameters", call), 2 + self.now.facts().parameters.len(), 0);
        outline.push(block(Block::Tools), ("tools", call), 2, 0);
        let mut at = 0;
        while let Some(entry) = self.messages.get(at) {
            let alike = self.messages[at..].iter().take_while(|next| next.change == entry.change).count();
            let range = at..at + alike;
            match entry.change {
                Change::Same if !self.full => {
                    outline.push(block(Block::Same(range)), ("same", call, at), 1, 0);
                }
                Change::Gone => outline.push(block(Block::Gone(range)), ("gone", call, at), 1, 0),
                Change::Same | Change::New | Change::Changed => {
                    for at in range {
                        let now = self.messages[at].now.map(|now| &self.now.messages[now]);
                        let bytes = now.map_or(0, |message| message.parts.iter().map(parts::weight).sum());
                        outline.push(block(Block::Message(at)), ("message", call, at), 2, bytes);
                    }
                }
            }
            at += alike;
        }
    }

    /// Writes one of its blocks.
    pub fn write_block(&self, block: &Block, to: &mut Builder) {
        match block {
            Block::Head => self.head(to),
            Block::Gap(at) => to.wrapped(2, 2, &[Styled::new(format!("! {}", self.gaps[*at]), Slot::Warning)]),
            Block::Parameters => {
                to.gap();
                tools::parameters(to, self.before.as_ref(), &self.now);
            }
            Block::Tools => {
                let is_other = self.before.is_some() && !self.tools.are_equal();
                let shown = (self.full || is_other, self.full);
                self.tools.write(to, self.before.as_ref(), &self.now, shown, &self.fold("tools"));
            }
            Block::Same(range) => {
                let (count, name) = (counted(range.len()), self.fold(&format!("same {}", range.start)));
                let head = format!("{count} as in {}", self.other());
                self.several(to, range.clone(), name, " ", head, Slot::MessageHistory);
            }
            Block::Gone(range) => {
                let (count, name) = (counted(range.len()), self.fold(&format!("gone {}", range.start)));
                let head = format!("{count} of {} not sent any more", self.other());
                self.several(to, range.clone(), name, "-", head, Slot::Error);
            }
            Block::Message(at) => self.message(to, *at),
        }
    }

    /// What the other call is called.
    fn other(&self) -> &str {
        self.before.as_ref().map_or("before", |side| &side.name)
    }

    /// The name of a fold. Folds that are open at first have another one than those that are not.
    fn fold(&self, what: &str) -> String {
        let other = self.before.as_ref().map(|side| side.facts().span.to_string()).unwrap_or_default();
        format!("prompt {} {} {other} {what} {}", self.now.trace().trace, self.now.facts().span, self.full)
    }

    fn head(&self, to: &mut Builder) {
        let name = Some(format!("── prompt of {}", self.now.name));
        let model = self.now.model();
        let joined = [[&name, &model], [&name, &None]]
            .map(|facts| facts.into_iter().flatten().cloned().collect::<Vec<_>>().join(" · "));
        let shown = match &self.before {
            Some(before) if !self.full => format!(" new since {} ", before.name),
            _ => " all of it ".to_owned(),
        };
        let room = to.width.saturating_sub(wrap::width(&shown) + 2);
        let [long, short] = joined;
        let text = if wrap::width(&long) <= room { long } else { short };
        to.rule(
            vec![Styled::new(format!("{text} "), Slot::MessageTurn)],
            vec![Styled::new(shown, Slot::Dim)],
            Slot::MessageTurn,
        );
        if self.now.messages.is_empty() {
            return;
        }
        let [same, new, changed, gone] = delta::counts(&self.messages);
        let mut facts = Vec::new();
        if self.before.is_some() {
            let kinds = [(new, "new"), (changed, "changed"), (gone, "gone"), (same, "as before")];
            let kinds = kinds.into_iter().filter(|(number, _)| *number > 0);
            let kinds: Vec<String> = kinds.map(|(number, kind)| format!("{number} {kind}")).collect();
            let what = if same + new + changed == 1 { "message" } else { "messages" };
            facts.push(format!("{what}: {}", kinds.join(", ")));
        } else {
            facts.push(format!("{}, nothing before", counted(new)));
        }
        facts.extend(self.tools.summary(self.before.is_some()));
        facts.push(match self.now.facts().usage.and_then(|usage| usage.input()) {
            Some(input) => format!("{} tokens", format::exact(input)),
            None => format!("{} tokens", tokens::about(self.now.tokens(0..self.now.messages.len()))),
        });
        to.wrapped(2, 0, &[Styled::new(facts.join(" · "), Slot::Dim)]);
    }

    /// Messages behind one line, which opens.
    fn several(&self, to: &mut Builder, range: Range<usize>, name: String, sign: &str, head: String, slot: Slot) {
        let gone = sign == "-";
        let side = if gone { self.before.as_ref().unwrap_or(&self.now) } else { &self.now };
        let place = |entry: &Entry| if gone { entry.before } else { entry.now };
        let places: Vec<usize> = self.messages[range].iter().filter_map(place).collect();
        let about = tokens::about(side.tokens(places.iter().copied()));
        let head = vec![Styled::new(format!("{sign} "), slot), Styled::new(head, slot)];
        if !to.fold(name, false, 0, head, vec![Styled::new(format!("{about} "), Slot::Dim)]) {
            return;
        }
        for at in places {
            let message = &side.messages[at];
            let role = Styled::new(format!("    {} {}", at + 1, message.role.as_str()), Slot::MessageHistory);
            to.line(vec![role]);
            parts::as_sent(to, 6, &message.parts, Slot::MessageHistory, Slot::MessageHistory);
        }
    }

    /// One message, open: of one that was changed what is other in it, unless all is asked for.
    fn message(&self, to: &mut Builder, at: usize) {
        let entry = self.messages[at];
        let Some(place) = entry.now else { return };
        let message = &self.now.messages[place];
        let (sign, slot) = entry.change.sign(self.before.is_some());
        let slot_of_role = parts::role_slot(message.role);
        let mut head = vec![
            Styled::new(format!("{sign} "), slot),
            Styled::new(format!("{} {}", place + 1, message.role.as_str()), slot_of_role),
        ];
        if let Some(name) = &message.name {
            head.push(Styled::new(format!(" {}", wrap::clean_line(name)), Slot::Dim));
        }
        if entry.change == Change::Changed {
            head.push(Styled::new(format!("  changed since {}", self.other()), Slot::Warning));
        }
        let name = self.fold(&format!("message {at}"));
        if !to.is_open(&name, true) {
            head.push(Styled::new(format!("  {}", parts::preview(&message.parts)), Slot::Dim));
        }
        let about = tokens::about(self.now.tokens([place]));
        if !to.fold(name, true, 0, head, vec![Styled::new(format!("  {about} "), Slot::Dim)]) {
            return;
        }
        let before = entry.before.and_then(|before| self.before.as_ref()?.messages.get(before));
        match before.filter(|_| entry.change == Change::Changed && !self.full) {
            Some(before) => diff::write(to, 4, &parts::text_of(before), &parts::text_of(message)),
            None => parts::as_sent(to, 4, &message.parts, Slot::Text, Slot::MessageTool),
        }
    }
}

impl Pane for Prompt {
    type Block = Block;

    fn difference(&self, block: &Block) -> Option<usize> {
        self.is_change(block).then_some(0)
    }

    fn write(&self, block: &Block, to: &mut Builder) {
        self.write_block(block, to);
    }
}

fn counted(messages: usize) -> String {
    if messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") }
}
