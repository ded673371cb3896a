//! How a call continues the conversations so far (`conversations.md` 5).

use std::cell::LazyCell;

use super::{
    conversations::{Anchor, Conversations, PlacedCall},
    hashes::SystemHash,
    open_conversation::OpenConversation,
    prepared_exchange::{PreparedExchange, keys},
};
use crate::model::Role;

/// How a call continues what was placed before. Conversations are given by their index.
#[derive(Debug)]
pub enum Continuation {
    /// The same prompt was sent before in this conversation: only the answer is new.
    SamePrompt(usize),
    /// It continues a conversation from an anchor. The earlier call is given where the anchor is the end of its prompt
    /// and its answer was not recorded: then this prompt may have that answer.
    Anchored(Anchor, Option<PlacedCall>),
    /// It continues this conversation, although its prompt repeats nothing of it.
    Unanchored(usize),
    /// It opens a conversation.
    Opens,
}

/// Decides how a call continues, by the surest evidence first.
pub fn continuation(conversations: &Conversations, prepared: &PreparedExchange) -> Continuation {
    let PreparedExchange { placed, prompt, chain, in_force: system, .. } = prepared;
    let conversation = |earlier: &PlacedCall| &conversations.all[earlier.conversation];
    let same_agent = |earlier: &PlacedCall| placed.agent.is_some() && conversation(earlier).agent == placed.agent;
    let overlaps = |earlier: &PlacedCall| earlier.ended.is_none_or(|ended| placed.started < ended);
    if let Some(conversation) = same_prompt(conversations, prepared) {
        return Continuation::SamePrompt(conversation);
    }
    // The latest call of this scope failed, and its prompt ends with this one: it was too long, and is sent again
    // without its beginning.
    if let Some(refused) = conversations.failed(placed.scope)
        && refused.system == *system
        && prompt.last().is_some_and(|keyed| keyed.fingerprint.key.is_some())
        && refused.prompt.ends_with(&keys(prompt))
    {
        return Continuation::SamePrompt(refused.conversation);
    }
    let anchor = conversations.anchor(prompt, prepared.seeker());
    let begun = conversations.begun(chain, |earlier| earlier.scope == placed.scope || same_agent(earlier));
    // The anchor is an answer or a result; `begun` is the end of an earlier prompt. The later place in this prompt
    // is taken, for a call that failed has left nothing but its prompt.
    let anchored = anchor.map_or(0, |anchor| anchor.after);
    let is_open = |earlier: &PlacedCall| earlier.answers == 0 && !earlier.failed && !overlaps(earlier);
    // Of equal places that of the earlier prompt is taken where its answer was not recorded: what follows it here
    // is that answer.
    let reaches_further = |(after, call): &(usize, usize)| {
        let earlier = &conversations.calls[*call];
        *after > anchored || (*after == anchored && is_open(earlier))
    };
    if let Some((after, call)) = begun.filter(reaches_further) {
        let earlier = &conversations.calls[call];
        let unanswered = is_open(earlier).then(|| earlier.clone());
        return Continuation::Anchored(
            Anchor { conversation: earlier.conversation, after, entry: earlier.entries },
            unanswered,
        );
    }
    if let Some(anchor) = anchor {
        return Continuation::Anchored(anchor, None);
    }
    if let Some(anchor) = conversations.hidden(prompt, placed.scope) {
        return Continuation::Anchored(anchor, None);
    }
    if let Some(conversation) = cut_again(conversations, prepared) {
        return Continuation::SamePrompt(conversation);
    }
    let waits = |conversation: &OpenConversation| conversation.waits(prompt) && conversation.is_instructed(system);
    let stays = |conversation: &OpenConversation| placed.in_agent && conversation.stays(system, prompt, placed.started);
    match conversations.newest(placed.scope) {
        Some(conversation) if waits(&conversations.all[conversation]) || stays(&conversations.all[conversation]) => {
            Continuation::Unanchored(conversation)
        }
        _ => Continuation::Opens,
    }
}

/// The conversation that a prompt which its sender cut goes on from; `None` where it brings something that is not there.
///
/// In a loop each prompt is cut at the same size, so that the answers and results that would join it never arrive. So
/// under the same system prompt, after the last call of the scope has ended, a prompt that ends cut and of which the
/// conversation holds every message has nothing new. Outside of an agent this holds only where that call asked for tools:
/// many documents may begin alike.
fn cut_again(conversations: &Conversations, prepared: &PreparedExchange) -> Option<usize> {
    let PreparedExchange { placed, prompt, in_force, .. } = prepared;
    prompt.last().filter(|last| last.fingerprint.truncated && !last.fingerprint.hidden)?;
    let newest = conversations.newest(placed.scope)?;
    let conversation = &conversations.all[newest];
    let asked = conversation.entries.all().last().is_some_and(|last| !last.fingerprint.call_ids.is_empty());
    let is_free = conversation.ended.is_some_and(|ended| ended <= placed.started);
    if !(placed.in_agent || asked) || !is_free || !conversation.is_instructed(in_force) {
        return None;
    }
    let mut from = 0;
    for keyed in prompt.iter().filter(|keyed| !keyed.fingerprint.is_empty()) {
        from = conversation.entries.next(from, keyed).or_else(|| conversation.entries.next_cut(from, keyed))? + 1;
    }
    Some(newest)
}

/// The conversation of an earlier call of which this one is another attempt or sample; `None` where there is no
/// such call.
///
/// The earlier call has the same system prompt and an equal prompt, its question to the letter, and the same scope
/// or agent. In the same scope this call is another attempt if the earlier one was the latest and failed; a sample
/// if the two overlap in time within one step, with one model and a prompt that is not cut; and another attempt if
/// the prompt continues from an answer that was given in that conversation. In another scope of the agent, only the
/// first of these counts. Anything else is a question of its own: a service that keeps no history and is asked "ping" twice
/// has two conversations.
fn same_prompt(conversations: &Conversations, prepared: &PreparedExchange) -> Option<usize> {
    let PreparedExchange { placed, prompt, chain, in_force, .. } = prepared;
    let question = prepared.question();
    let is_cut = question.iter().any(|keyed| keyed.fingerprint.truncated);
    let goes_on = LazyCell::new(|| {
        let anchor = conversations.anchor(prompt, prepared.seeker())?;
        (anchor.after > 0 && prompt[anchor.after - 1].fingerprint.role == Role::Assistant)
            .then_some(anchor.conversation)
    });
    let system = SystemHash::of(in_force);
    let mut newest = true;
    for earlier in conversations.of_prompt(chain) {
        let same_scope = earlier.scope == placed.scope;
        let same_agent = placed.agent.is_some() && conversations.all[earlier.conversation].agent == placed.agent;
        if earlier.system != system || !(same_scope || same_agent) {
            continue;
        }
        let is_letter_for_letter = earlier.question.len() != question.len()
            || earlier.question.iter().zip(question).all(|(left, right)| left.is_exactly(&right.fingerprint));
        let overlaps = earlier.ended.is_none_or(|ended| placed.started < ended);
        let fits = if same_scope {
            // Equal prompts of several steps of a workflow, or to several models, at one time are no samples of one
            // call.
            let is_sample = || overlaps && earlier.step == placed.step && earlier.model == placed.model && !is_cut;
            // What was answered with nothing goes on from the same prompt: no history repeats an empty answer.
            let was_silent = placed.in_agent && newest && !overlaps && !is_cut && earlier.answers == 0;
            (earlier.failed && newest)
                || was_silent
                || is_sample()
                || (!overlaps && !is_cut && *goes_on == Some(earlier.conversation))
        } else {
            earlier.failed && newest && !overlaps
        };
        if fits && is_letter_for_letter {
            return Some(earlier.conversation);
        }
        newest = false;
    }
    None
}
