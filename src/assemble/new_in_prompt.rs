//! Which messages of a prompt a conversation does not hold yet (`conversations.md` 6).

use super::{entries::Entries, fingerprint::KeyedMessage};
use crate::model::Role;

/// Returns the indexes of the messages of a prompt that a conversation does not hold.
///
/// `anchor` is a pair: the index of the first message of the prompt, and that of the first entry, after the last place
/// that both have in common. Before it, a message is new if the conversation holds it nowhere: it was rewritten. After
/// it, the first message that does not repeat, in order, what followed in the conversation is new, and so is everything
/// after that. Without an anchor the whole prompt is compared in that way, and entries may be skipped.
pub fn new_in_prompt(entries: &Entries, prompt: &[KeyedMessage], anchor: Option<(usize, usize)>) -> Vec<usize> {
    let (after, mut next) = anchor.unwrap_or((0, 0));
    // Results of parallel tool calls come in any order, so a result does not move `next`. `results` is the entry after
    // the last that a result was found to be.
    let mut results = next;
    let mut new_in_prompt: Vec<usize> = (0..after).filter(|at| !entries.holds(prompt, *at)).collect();
    let mut repeats = true;
    for (at, keyed) in prompt.iter().enumerate().skip(after) {
        if repeats && keyed.fingerprint.is_empty() {
            continue;
        }
        let is_result = keyed.fingerprint.role == Role::Tool;
        let from = if is_result { next } else { next.max(results) };
        let repeated = if anchor.is_some() { entries.follows(from, keyed) } else { entries.next(from, keyed) };
        match repeated.filter(|_| repeats) {
            Some(found) if is_result => results = results.max(found + 1),
            Some(found) => next = found + 1,
            None => {
                repeats = false;
                new_in_prompt.push(at);
            }
        }
    }
    if anchor.is_none() && new_in_prompt.is_empty() {
        // The conversation holds all of it: the same prompt was sent once more, and what follows its last answer is
        // new.
        let answered = prompt.iter().rposition(|keyed| keyed.fingerprint.role == Role::Assistant);
        return (answered.map_or(0, |at| at + 1)..prompt.len()).collect();
    }
    new_in_prompt
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{assemble::fingerprint::Fingerprints, model::Message};

    /// Messages such as `u:ping` and `a:pong`.
    fn keyed_messages(messages: &[&str]) -> Vec<KeyedMessage> {
        let mut fingerprints = Fingerprints::default();
        let keyed = |text: &&str| {
            let role = if text.starts_with('u') { Role::User } else { Role::Assistant };
            fingerprints.keyed_messages(&Arc::new(Message::text(role, &text[2..])))[0].clone()
        };
        messages.iter().map(keyed).collect()
    }

    /// The messages of `prompt` that are new to a conversation that holds others; `anchor` as for [`new_in_prompt`].
    fn new<'p>(held: &[&str], prompt: &[&'p str], anchor: Option<(usize, usize)>) -> Vec<&'p str> {
        let mut entries = Entries::default();
        for keyed in keyed_messages(held) {
            entries.push(keyed);
        }
        new_in_prompt(&entries, &keyed_messages(prompt), anchor).into_iter().map(|at| prompt[at]).collect()
    }

    #[test]
    fn what_follows_the_anchor_is_new() {
        let held = ["u:Hello", "a:Hi there"];
        assert_eq!(new(&held, &["u:Hello", "a:Hi there", "u:Hello"], Some((2, 2))), ["u:Hello"]);
    }

    #[test]
    fn without_an_anchor_each_message_is_used_once_in_order() {
        let held = ["u:ping", "a:a1", "u:barrier", "u:ping", "a:a2"];
        assert_eq!(new(&held, &["u:ping", "u:ping", "u:ping"], None), ["u:ping"]);
        assert_eq!(new(&["u:A", "a:B", "u:C", "a:D"], &["u:A", "u:C", "u:E"], None), ["u:E"]);
        assert_eq!(new(&["u:q", "a:yes"], &["u:q", "u:yes"], None), ["u:yes"]);
        // The same prompt sent once more.
        assert_eq!(new(&["u:ping", "a:pong"], &["u:ping"], None), ["u:ping"]);
    }

    #[test]
    fn what_was_rewritten_before_the_anchor_is_new_once() {
        let held = ["u:q1", "a:a1", "u:q2", "a:a2"];
        let prompt = ["u:Summary", "u:q2", "a:a2", "u:q3"];
        assert_eq!(new(&held, &prompt, Some((3, 4))), ["u:Summary", "u:q3"]);
    }

    #[test]
    fn a_branch_does_not_repeat_what_followed_before() {
        let held = ["u:q1", "a:a1", "u:q2", "a:a2"];
        assert_eq!(new(&held, &["u:q1", "a:a1", "u:q2", "u:more"], Some((2, 2))), ["u:more"]);
        assert_eq!(new(&held, &["u:q1", "a:a1", "u:other"], Some((2, 2))), ["u:other"]);
    }

    #[test]
    fn what_was_cut_or_joined_is_not_new() {
        assert_eq!(new(&["u:one two", "a:x"], &["u:one", "u:two", "a:x", "u:q"], Some((3, 2))), ["u:q"]);
        assert_eq!(new(&["u:one", "u:two", "a:x"], &["u:onetwo", "a:x", "u:q"], Some((2, 3))), ["u:q"]);
    }
}
