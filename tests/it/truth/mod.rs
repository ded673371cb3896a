//! Recorded exports replayed, and the conversations that are shown of them held against what really happened.
//!
//! Every client's: each part in its role, in order, once, and nothing beside. What the truth lists as not carried by
//! the telemetry may be missing.

mod happened;
mod part;
mod shown;
mod walk;

use happened::Turn;
use part::{Shown, Wanted};

use crate::replay::{Replay, replays};

/// Captures whose conversations are shown otherwise than they happened: in how many places, and why.
const KNOWN: &[(&str, usize, &str)] = &[
    ("autogen/ag_swarm_swarm", 1, "the hand-off's result is shown with its call too, and the truth has it once"),
    (
        "groq-oi/pager_stream",
        1,
        "no answer of a stream is recorded, but words of one are those of a tool's result, too",
    ),
    ("cohere-olm/odd", 2, "results have no ids, and an empty one is known by nothing else"),
    ("groq-olm/plain_pager", 1, "nothing joins the traces, so a failed question is new once more in the next"),
    ("litellm/otel_pager", 1, "nothing joins the traces, so a failed question is new once more in the next"),
    ("litellm/otel_storm_stream", 12, "nothing joins the traces, and only the next one has the ids of calls"),
    ("ollama-olm/plain_pager_stream", 1, "nothing joins the traces, so a failed question is new once more in the next"),
    ("openai-js/tl_responses_pager", 1, "a failed call leaves no span, so its question is new in the next trace"),
    (
        "openai-js/tl_responses_pager_stream",
        1,
        "no answer of a stream is recorded, but words of one are those of a tool's result, too",
    ),
    ("smolagents/tool_support", 1, "the framework sends what a failed tool returned without the id of its call"),
];

#[test]
fn every_conversation_is_shown_in_order_role_by_role_once() {
    let mut faults = Vec::new();
    for replay in replays() {
        let differences: Vec<String> = Comparison::of(replay).iter().flat_map(Comparison::differences).collect();
        let known = KNOWN.iter().find(|(name, ..)| *name == replay.name()).map_or(0, |(_, places, _)| *places);
        if differences.len() != known {
            faults.push(format!("{}: {known} known, but\n    {}", replay.name(), differences.join("\n    ")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The comparison itself: a fault anywhere in what any model wrote is found.
#[test]
fn a_part_that_is_doubled_lost_swapped_or_of_another_role_is_noticed() {
    let mut tried = 0;
    for replay in replays() {
        for mut comparison in Comparison::of(replay) {
            let differences = comparison.differences();
            let shown = std::mem::take(&mut comparison.shown);
            for (at, part) in
                shown.iter().enumerate().flat_map(|(at, parts)| (0..parts.len()).map(move |part| (at, part)))
            {
                if shown[at][part].role != "assistant" || comparison.may_be_missing(&shown[at][part]) {
                    continue;
                }
                let faults: [(&str, Spoil); 4] = [
                    ("doubled", |parts, at| parts.insert(at, parts[at].clone())),
                    ("lost", |parts, at| drop(parts.remove(at))),
                    ("of another role", |parts, at| "user".clone_into(&mut parts[at].role)),
                    ("swapped", |parts, at| parts.swap(at, at + 1)),
                ];
                for (name, spoil) in faults {
                    if name == "swapped" && shown[at].get(part + 1).is_none_or(|next| comparison.may_be_missing(next)) {
                        continue;
                    }
                    comparison.shown.clone_from(&shown);
                    spoil(&mut comparison.shown[at], part);
                    tried += 1;
                    let noticed = comparison.differences();
                    assert_ne!(noticed, differences, "{}: {:?} is {name}", replay.name(), shown[at][part]);
                }
            }
        }
    }
    assert!(tried > 2000, "{tried} faults");
}

/// Puts a fault into a part of a conversation.
type Spoil = fn(&mut Vec<Shown>, usize);

/// One turn, and what is shown of it.
struct Comparison {
    number: usize,
    turn: Turn,
    shown: Vec<Vec<Shown>>,
    /// The system prompts of this turn and of those before it.
    prompts: Vec<Wanted>,
}

impl Comparison {
    /// One for each turn of a capture.
    fn of(replay: &Replay) -> Vec<Self> {
        let mut prompts: Vec<Wanted> = Vec::new();
        let turns = happened::turns(&replay.expected).into_iter().enumerate();
        turns
            .map(|(number, turn)| {
                let new = turn.conversations.iter().flatten().filter(|part| part.role == "system");
                prompts.extend(new.cloned());
                let shown = replay.traces(&turn.traces).into_iter().flat_map(shown::conversations).collect();
                Self { number, turn, shown, prompts: prompts.clone() }
            })
            .collect()
    }

    fn differences(&self) -> Vec<String> {
        let differences = walk::differences(&self.turn, &self.shown, &self.prompts);
        differences.into_iter().map(|difference| format!("turn {}: {difference}", self.number)).collect()
    }

    /// It is shown although the telemetry does not carry it as such, or the truth does not know it.
    fn may_be_missing(&self, shown: &Shown) -> bool {
        let mut same =
            self.turn.conversations.iter().flatten().filter(|wanted| walk::is_whole(wanted, shown)).peekable();
        same.peek().is_none() || same.any(|wanted| !wanted.is_carried)
    }
}
