//! What fills the prompt of a call, by estimate.

use super::super::build::Builder;
use super::super::{parts, tokens};
use super::table;
use crate::app::format;
use crate::app::styled::Styled;
use crate::model::{AssembledTrace, Content, Role};
use crate::slots::Slot;

/// Of fewer tokens what stands between the messages is too large a part.
const WORTH: u64 = 100;

/// Columns of a bar.
const BAR: usize = 20;

/// So many tokens for each estimated one are within what tokenizers differ by, as a ratio; where more are reported, not
/// all that was sent is known.
const MOST: (u64, u64) = (9, 5);

/// What one stretch of a prompt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tools,
    System,
    History,
    Results,
    New,
    /// What is in no text that was recorded: pictures, texts that were left out.
    Unknown,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Tools, Self::System, Self::History, Self::Results, Self::New, Self::Unknown];

    fn name(self) -> &'static str {
        match self {
            Self::Tools => "tool schemas",
            Self::System => "system",
            Self::History => "history",
            Self::Results => "tool results",
            Self::New => "new",
            Self::Unknown => "unaccounted",
        }
    }
}

/// About how many tokens of a prompt are of each kind, the most first; they add up to the tokens that were reported.
#[derive(Debug, PartialEq, Eq)]
pub struct Split(Vec<(Kind, u64)>);

impl Split {
    /// Splits what a call was sent. `None` where nothing of it is known, or its tokens are not.
    pub fn of(trace: &AssembledTrace, call: usize) -> Option<Self> {
        let facts = trace.calls.get(call)?;
        let reported = facts.usage.and_then(|usage| usage.input()).filter(|input| *input >= WORTH)?;
        let messages = trace.sent(call);
        if messages.is_empty() {
            return None;
        }
        // What the call before was sent, and what it answered, is not new.
        let last = messages.iter().rposition(|message| message.role == Role::Assistant).map_or(0, |last| last + 1);
        let mut bytes = [0usize; Kind::ALL.len()];
        bytes[Kind::Tools as usize] = facts.request.tools.iter().map(crate::model::ToolDefinition::bytes).sum();
        let mut media = false;
        for (at, message) in messages.iter().enumerate() {
            for part in &message.parts {
                let kind = match (&part.content, message.role) {
                    (_, Role::System) => Kind::System,
                    (Content::Result(_), _) | (_, Role::Tool) => Kind::Results,
                    _ if at >= last => Kind::New,
                    _ => Kind::History,
                };
                media |= parts::is_media(part);
                bytes[kind as usize] += tokens::bytes_of_parts(std::slice::from_ref(part));
            }
        }
        let estimated = bytes.map(tokens::of_bytes);
        Some(Self(scaled(estimated, reported, media)))
    }

    /// How many tokens are in no text that is known.
    #[must_use]
    pub fn unaccounted(&self) -> u64 {
        self.0.iter().filter(|(kind, _)| *kind == Kind::Unknown).map(|(_, tokens)| *tokens).sum()
    }

    /// A line for each kind.
    pub fn write(&self, to: &mut Builder) {
        let all: u64 = self.0.iter().map(|(_, tokens)| tokens).sum();
        for (kind, tokens) in &self.0 {
            let share = permille(*tokens, all);
            // A little is not nothing.
            let full = (usize::try_from(share).unwrap_or(1000) * BAR / 1000).clamp(1, BAR);
            let mut line = vec![Styled::new(format!("  {:<14}", kind.name()), Slot::Text)];
            if table::edge(to) >= 2 + 14 + BAR + 14 {
                let slot = if *kind == Kind::Unknown { Slot::GaugeEmpty } else { Slot::GaugeFull };
                line.push(Styled::new("█".repeat(full), slot));
                line.push(Styled::new("·".repeat(BAR - full), Slot::GaugeEmpty));
            }
            line.push(Styled::new(format!("{:>7}", tokens::about(*tokens)), Slot::CostInput));
            #[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
            let percent = format::percent(*tokens as f64 / all.max(1) as f64);
            line.push(Styled::new(format!("{percent:>6}"), Slot::Dim));
            to.line(line);
        }
    }
}

fn permille(part: u64, all: u64) -> u64 {
    // The part is at most all of it.
    u64::try_from(u128::from(part) * 1000 / u128::from(all.max(1))).unwrap_or(1000)
}

/// Estimates scaled so that they add up to what was reported. Where they are too far from it, what is missing is a
/// share of its own. `media`: something was sent that no text tells the tokens of.
fn scaled(estimated: [u64; Kind::ALL.len()], reported: u64, media: bool) -> Vec<(Kind, u64)> {
    let all: u64 = estimated.iter().sum();
    let fits = |(tokens, of): (u64, u64)| u128::from(reported) * u128::from(of) <= u128::from(all) * u128::from(tokens);
    let is_whole = all > 0 && fits(MOST) && !media;
    let mut shares = estimated;
    if is_whole || all > reported {
        // A part of what was reported, so that it fits.
        let scale = |tokens: u64| u128::from(tokens) * u128::from(reported) / u128::from(all.max(1));
        shares = estimated.map(|tokens| u64::try_from(scale(tokens)).unwrap_or(reported));
    }
    let rest = reported.saturating_sub(shares.iter().sum());
    if is_whole || all > reported {
        // What rounding left over.
        let largest = (0..shares.len()).max_by_key(|at| shares[*at]).unwrap_or_default();
        shares[largest] += rest;
    } else {
        shares[Kind::Unknown as usize] += rest;
    }
    let mut split: Vec<(Kind, u64)> = Kind::ALL.into_iter().zip(shares).filter(|(_, tokens)| *tokens > 0).collect();
    split.sort_by_key(|(kind, tokens)| (*kind == Kind::Unknown, std::cmp::Reverse(*tokens)));
    split
}
