//! A program that `run` started: how it stands, and what it last wrote to stderr if it failed.
//!
//! ```text
//! ━━ python my_agent.py ──────────────────── 17:42:09
//!   ✗ exit code 1 after 2.1s · sent nothing · pid 812
//!
//!   stderr, its last lines
//!     Traceback (most recent call last):
//!     ModuleNotFoundError: No module named 'strands'
//! ```

use std::sync::Arc;

use super::build::Builder;
use super::outline::{Blocks, Outline, Pane};
use crate::app::{format, program, styled::Styled, wrap};
use crate::model::{Program, ProgramEnd};
use crate::slots::Slot;

/// The text about a program, the same in every tab.
#[must_use]
pub fn blocks(program: &Arc<Program>) -> Box<dyn Blocks> {
    let mut outline = Outline::default();
    outline.push(Block::State, "state", 6, 0);
    if let Some(ended) = program.ended.as_ref().filter(|_| program.has_failed()) {
        outline.push(Block::Stderr, "stderr", 2 + ended.stderr.len(), 0);
    }
    outline.of(About { program: program.clone() })
}

#[derive(Debug)]
enum Block {
    State,
    Stderr,
}

#[derive(Debug)]
struct About {
    program: Arc<Program>,
}

impl Pane for About {
    type Block = Block;

    fn write(&self, block: &Block, to: &mut Builder) {
        match block {
            Block::State => state(&self.program, to),
            Block::Stderr => stderr(self.program.ended.as_ref(), to),
        }
    }
}

fn state(of: &Program, to: &mut Builder) {
    let clock = to.zone.clock(of.id.started);
    let command = wrap::clean_line(&of.command);
    to.rule(
        vec![Styled::new(format!("━━ {command} "), Slot::Title)],
        vec![Styled::new(format!(" {clock} "), Slot::Dim)],
        Slot::Dim,
    );
    let (how, slot) = match &of.ended {
        None => (format!("● running · {}", format::whole_seconds(to.now().since(of.id.started))), Slot::Running),
        Some(ended) => {
            let took = format::duration(ended.at.since(of.id.started));
            let failed = of.has_failed();
            let (mark, slot) = if failed { ("✗", Slot::Error) } else { ("✓", Slot::Ok) };
            (format!("{mark} {} after {took}", program::exit(ended.exit)), slot)
        }
    };
    let sent = format!(" · {} · pid {}", program::sent(of), of.id.pid);
    to.wrapped(2, 2, &[Styled::new(how, slot), Styled::new(sent, Slot::Text)]);
    if of.records > 0 {
        return;
    }
    to.blank();
    let why = if of.ended.is_none() {
        "Nothing has arrived from it yet. SDKs send a span when it has ended, and those that ended together; what is still \
         under way is not seen."
    } else if of.has_failed() {
        "Nothing arrived from it. SDKs send spans some time after they ended: what is killed before that sends nothing."
    } else {
        "Nothing arrived from it. Either no instrumentation is switched on in it, or it ended before its SDK had sent: \
         call force_flush() or shutdown() at its end."
    };
    to.wrapped(2, 0, &[Styled::new(why, Slot::Dim)]);
}

fn stderr(ended: Option<&ProgramEnd>, to: &mut Builder) {
    let Some(ended) = ended else { return };
    to.blank();
    if ended.stderr.is_empty() {
        to.wrapped(2, 0, &[Styled::new("It wrote nothing to stderr, or its stderr was not read.", Slot::Dim)]);
        return;
    }
    to.wrapped(2, 0, &[Styled::new("stderr, its last lines", Slot::Dim)]);
    for line in &ended.stderr {
        to.wrapped(4, 2, &[Styled::new(wrap::clean_line(line), Slot::Text)]);
    }
}
