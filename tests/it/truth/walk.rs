//! Walks what is shown and what happened side by side, part by part: the same parts in the same roles, in the same
//! order, each once.
//!
//! A shown conversation may hold several that happened one after another, and one that happened may be shown in
//! several (in a trace each). How a text is cut into parts of one message is free; white space is too.

use super::{
    happened::Turn,
    part::{Content, Shown, Wanted, WantedContent},
};
use crate::replay::squash;

/// How far one conversation that happened has been shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Reader {
    /// The part that is shown next.
    at: usize,
    /// How many bytes of its text were shown.
    read: usize,
}

/// Where what is shown in a turn's traces differs from what happened, in words. `prompts` are the system prompts of
/// the turn and of those before it: every conversation may start with one of them.
pub fn differences(turn: &Turn, shown: &[Vec<Shown>], prompts: &[Wanted]) -> Vec<String> {
    let happened = &turn.conversations;
    let mut readers = vec![Reader::default(); happened.len()];
    let mut differences = Vec::new();
    for conversation in shown {
        let mut at = 0;
        while let Some(part) = conversation.get(at) {
            let rest = &conversation[at..];
            let longest = happened
                .iter()
                .zip(&readers)
                .map(|(parts, reader)| read(parts, *reader, rest))
                .enumerate()
                // The first of equals.
                .rev()
                .max_by_key(|(_, (taken, _))| *taken);
            if let Some((which, (taken, reader))) = longest.filter(|(_, (taken, _))| *taken > 0) {
                readers[which] = reader;
                at += taken;
                continue;
            }
            if let Some((which, place)) = later(happened, &readers, part) {
                let skipped = happened[which][readers[which].at..place].iter().filter(|part| part.is_carried);
                differences.extend(skipped.map(|part| format!("not shown in its place: {}", brief(part))));
                readers[which] = Reader { at: place, read: 0 };
                continue;
            }
            at += 1;
            let is_prompt = at == 1 && part.role == "system" && prompts.iter().any(|prompt| is_whole(prompt, part));
            let is_known = || happened.iter().flatten().any(|wanted| is_whole(wanted, part));
            let is_of_the_framework = turn.is_rewritten && part.role != "assistant" && !is_known();
            if !is_prompt && !is_of_the_framework {
                let nexts = happened.iter().zip(&readers).map(|(parts, reader)| parts.get(reader.at).map(brief));
                differences.push(format!("shown: {}; next would be: {:?}", brief(part), nexts.collect::<Vec<_>>()));
            }
        }
    }
    for (parts, reader) in happened.iter().zip(readers) {
        let left = parts[reader.at..].iter().filter(|part| part.is_carried || reader.read > 0);
        differences.extend(left.map(|part| format!("not shown: {}", brief(part))));
    }
    differences
}

/// The conversation in which a part comes later than it is shown, and where in it: the nearest of them.
fn later(happened: &[Vec<Wanted>], readers: &[Reader], part: &Shown) -> Option<(usize, usize)> {
    let place = |(which, (parts, reader)): (usize, (&Vec<Wanted>, &Reader))| {
        let next = reader.at + usize::from(reader.read > 0);
        let skipped = parts.iter().skip(next).position(|wanted| is_whole(wanted, part))?;
        Some((skipped, which, next + skipped))
    };
    let (_, which, place) = happened.iter().zip(readers).enumerate().filter_map(place).min()?;
    Some((which, place))
}

/// How many shown parts a conversation that happened goes on with, and how far it is then.
fn read(parts: &[Wanted], mut reader: Reader, shown: &[Shown]) -> (usize, Reader) {
    let mut taken = 0;
    for part in shown {
        // The rest of a text stands in the same message.
        if reader.read > 0 && shown[taken - 1].message != part.message {
            break;
        }
        let Some(next) = step(parts, reader, part) else { break };
        (taken, reader) = (taken + 1, next);
    }
    // A text of which only a beginning is shown is not shown.
    if reader.read > 0 { (0, reader) } else { (taken, reader) }
}

/// How far a conversation is after one more shown part, if that is its next one. What is not carried may be missing.
fn step(parts: &[Wanted], reader: Reader, shown: &Shown) -> Option<Reader> {
    let Content::Text(text) = &shown.content else {
        let next = parts[reader.at..].iter().position(|part| part.is(shown) || part.is_carried)? + reader.at;
        return (reader.read == 0 && parts[next].is(shown)).then_some(Reader { at: next + 1, read: 0 });
    };
    let mut rest = squash(text);
    let Reader { mut at, mut read } = reader;
    let mut message = None;
    loop {
        let part = parts.get(at)?;
        if part.has_hash_of(text) && part.has_role(&shown.role) {
            return Some(Reader { at: at + 1, read: 0 });
        }
        let wording =
            part.wording().filter(|_| part.has_role(&shown.role) && message.is_none_or(|it| it == part.message));
        let wording = wording.as_deref().and_then(|wording| wording.get(read..));
        match wording {
            Some(wording) if wording == rest => return Some(Reader { at: at + 1, read: 0 }),
            Some(wording) if wording.starts_with(&rest) => return Some(Reader { at, read: read + rest.len() }),
            // The text goes on with the message's next one.
            Some(wording) if rest.starts_with(wording) => {
                rest.drain(..wording.len());
                message = Some(part.message);
            }
            _ if part.is_carried || read > 0 => return None,
            _ => {}
        }
        (at, read) = (at + 1, 0);
    }
}

/// Whether one shown part is all of what happened there.
pub fn is_whole(wanted: &Wanted, shown: &Shown) -> bool {
    match &shown.content {
        Content::Text(text) if wanted.has_role(&shown.role) => {
            wanted.has_hash_of(text) || wanted.wording().is_some_and(|wording| wording == squash(text))
        }
        _ => wanted.is(shown),
    }
}

fn brief(part: &impl Brief) -> String {
    let (role, content) = part.content();
    let head: String = content.chars().take(90).collect();
    format!("{role} {head}")
}

/// A role, and a part's content in words.
trait Brief {
    fn content(&self) -> (&str, String);
}

impl Brief for Shown {
    fn content(&self) -> (&str, String) {
        let content = match &self.content {
            Content::Unknown(raw) => format!("Unknown({raw})"),
            other => format!("{other:?}"),
        };
        (&self.role, content)
    }
}

impl Brief for Wanted {
    fn content(&self) -> (&str, String) {
        let content = match &self.content {
            WantedContent::Hash { start, .. } => format!("Text({start:?}…)"),
            other => format!("{other:?}"),
        };
        (&self.role, if self.is_carried { content } else { format!("(not carried) {content}") })
    }
}
