//! Two calls: what is counted of both, their answers, and their prompts as the second stands to the first.

use super::super::build::Builder;
use super::super::diff;
use super::super::outline::{Blocks, Outline, Pane};
use super::super::prompt::side::{Side, text_of_answers};
use super::super::prompt::{self, Prompt};
use super::figures::{self, Figure};
use super::sides::{LETTERS, side};
use crate::app::styled::Styled;
use crate::slots::Slot;

/// Two calls beside each other.
#[must_use]
pub fn blocks(left: Side, right: Side) -> Box<dyn Blocks> {
    let mut outline = Outline::default();
    let figures = figures::of_calls([left.facts(), right.facts()]);
    outline.push(Block::Head, "head", 3, 0);
    outline.push(Block::Figures, "figures", 2 + figures.len(), 0);
    outline.push(Block::Answers, "answers", 4, 0);
    outline.push(Block::PromptHead, "prompts", 2, 0);
    outline.holds(right.facts().span);
    let prompt = Prompt::of(Some(left), right, false);
    prompt.list(&mut outline, Block::Prompt);
    outline.of(Calls { figures, prompt })
}

#[derive(Debug)]
struct Calls {
    figures: Vec<Figure>,
    prompt: Prompt,
}

#[derive(Debug)]
enum Block {
    Head,
    Figures,
    Answers,
    PromptHead,
    Prompt(prompt::Block),
}

impl Calls {
    fn sides(&self) -> [&Side; 2] {
        let right = &self.prompt.now;
        [self.prompt.before.as_ref().unwrap_or(right), right]
    }
}

impl Pane for Calls {
    type Block = Block;

    fn difference(&self, block: &Block) -> Option<usize> {
        match block {
            Block::Answers => {
                let [left, right] = self.sides().map(text_of_answers);
                // Beneath its rule.
                (left != right).then_some(2)
            }
            Block::Prompt(block) => self.prompt.is_change(block).then_some(0),
            Block::Head | Block::Figures | Block::PromptHead => None,
        }
    }

    fn write(&self, block: &Block, to: &mut Builder) {
        match block {
            Block::Head => {
                for (letter, one) in LETTERS.into_iter().zip(self.sides()) {
                    side(to, letter, one.trace(), Some(&one.name));
                }
            }
            Block::Figures => {
                to.blank();
                figures::write(to, &self.figures);
            }
            Block::Answers => {
                to.blank();
                let [left, right] = self.sides().map(text_of_answers);
                let words = if left == right { "the same answer" } else { "answers" };
                to.rule(vec![Styled::new(format!("── {words} "), Slot::MessageTurn)], vec![], Slot::MessageTurn);
                if left != right {
                    diff::write(to, 2, &left, &right);
                }
            }
            Block::PromptHead => {
                to.blank();
                to.rule(vec![Styled::new("── prompts ", Slot::MessageTurn)], vec![], Slot::MessageTurn);
            }
            Block::Prompt(block) => self.prompt.write_block(block, to),
        }
    }
}
