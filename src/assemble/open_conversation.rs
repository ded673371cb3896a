//! One conversation while it is built, and which messages of a prompt it does not hold yet (`conversations.md` 6).

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    exchange::TimedMessage,
    fingerprint::{self, ContentHash, KeyedMessage},
    limits::{ENTRIES_FOR_CUT_MESSAGES, Limited, PIECES},
};
use crate::model::{Content, ConversationMessage, Part, Role, SpanId, Timestamp, ToolCall};

/// A conversation of one agent, to which further calls are added.
#[derive(Debug)]
pub struct OpenConversation {
    /// The node of the nearest agent or tool around its first call; `None` where there is none.
    pub scope: Option<usize>,
    /// The agent's name; `None` where it is unknown.
    pub agent: Option<String>,
    /// The span that identifies the conversation: that of its first call, or of the agent or workflow where no call has
    /// messages.
    pub first: SpanId,
    /// The node of the first call, or of that agent or workflow.
    pub node: usize,
    /// When that node began.
    pub started: Timestamp,
    /// The node of the parent span of its latest call; `None` where that has none.
    pub step: Option<usize>,
    /// Whether its first prompt had answers in it.
    pub had_history: bool,
    /// Whether a request had nothing but tool results in it. Then the history is kept outside of the requests, for
    /// instance by the provider.
    pub kept_elsewhere: bool,
    /// When the last of its calls ended; `None` once one of them has no end.
    pub ended: Option<Timestamp>,
    /// The messages as they are shown, in order.
    pub messages: Vec<ConversationMessage>,
    /// The messages as they were sent, in order. One message of `messages` may join several entries.
    pub entries: Vec<KeyedMessage>,
    /// `shown[i]` is the index in `messages` of entry `i`.
    shown: Vec<usize>,
    /// Entries by key: by their own, and by that of the messages of their role which end with them.
    by_key: HashMap<ContentHash, Vec<usize>>,
    /// Entries by the ids of their tool calls and tool results.
    by_id: HashMap<Id, Vec<usize>>,
    /// The ids of the tool calls of which a result is among the entries.
    answered: HashSet<u64>,
    /// Each answer as the key of the message that it followed and its own key, with and without its tool calls.
    answers: HashSet<(Option<ContentHash>, ContentHash)>,
    /// The entries that their sender cut.
    cut: Vec<usize>,
    /// The roles of which an entry is hidden.
    hidden: HashSet<Role>,
    /// The keys of the system messages that each agent was sent last, by its name.
    systems: HashMap<Option<String>, Vec<Option<ContentHash>>>,
    /// The keys of the system messages that were sent last, by any agent.
    system: Vec<Option<ContentHash>>,
    /// The place of each tool call among those of the conversation, by the hash of its id.
    asked: HashMap<u64, usize>,
}

/// What an entry is found by, apart from its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Id {
    /// A tool call that the entry makes, as in [`Fingerprint::calls`](fingerprint::Fingerprint::calls).
    Call(u64),
    /// A tool call that a result in the entry answers, as in
    /// [`Fingerprint::answers`](fingerprint::Fingerprint::answers).
    Answer(u64),
}

impl OpenConversation {
    /// An empty conversation; for `first` and `node` see the fields.
    pub fn new(
        scope: Option<usize>,
        agent: Option<String>,
        (first, node): (SpanId, usize),
        started: Timestamp,
    ) -> Self {
        Self {
            scope,
            agent,
            first,
            node,
            started,
            step: None,
            had_history: false,
            kept_elsewhere: false,
            ended: Some(started),
            messages: Vec::new(),
            entries: Vec::new(),
            shown: Vec::new(),
            by_key: HashMap::new(),
            by_id: HashMap::new(),
            answered: HashSet::new(),
            answers: HashSet::new(),
            cut: Vec::new(),
            hidden: HashSet::new(),
            systems: HashMap::new(),
            system: Vec::new(),
            asked: HashMap::new(),
        }
    }

    /// Whether a call whose prompt repeats no earlier message continues this conversation all the same.
    ///
    /// It must begin after the last call has ended. Either it has neither a system prompt nor a prompt; or its system
    /// prompt is the one sent last, and the history is kept outside of the requests, or the prompt has answers before
    /// its last message that nobody gave here, such as a summary of the history. Such answers prove nothing where the
    /// conversation itself began with some.
    pub fn stays(&self, system: &[Option<ContentHash>], prompt: &[KeyedMessage], started: Timestamp) -> bool {
        let is_answer = |keyed: &KeyedMessage| keyed.fingerprint.role == Role::Assistant;
        let is_summed_up = || {
            let asked = prompt.iter().rposition(|keyed| !is_answer(keyed));
            !self.had_history && asked.is_some_and(|asked| prompt[..asked].iter().any(is_answer))
        };
        let is_instructed = self.system == system && system.iter().all(Option::is_some);
        let goes_on =
            (system.is_empty() && prompt.is_empty()) || (is_instructed && (self.kept_elsewhere || is_summed_up()));
        goes_on && self.ended.is_some_and(|ended| ended <= started)
    }

    /// Whether a system prompt is the one that was sent last; `true` also where one of the two is unknown.
    pub fn is_instructed(&self, system: &[Option<ContentHash>]) -> bool {
        self.system.is_empty() || system.is_empty() || self.system == system
    }

    /// Whether the last entry has tool calls, and the prompt can be their results: it has no other messages.
    pub fn waits(&self, prompt: &[KeyedMessage]) -> bool {
        self.entries.last().is_some_and(|last| !last.fingerprint.asks.is_empty())
            && prompt.iter().all(|keyed| keyed.fingerprint.role == Role::Tool)
    }

    /// Adds a message to the entries and indexes it; returns the index of the entry.
    pub fn note(&mut self, keyed: KeyedMessage) -> usize {
        let at = self.entries.len();
        for ask in &keyed.fingerprint.asks {
            let next = self.asked.len();
            self.asked.entry(*ask).or_insert(next);
        }
        for id in ids(&keyed) {
            self.by_id.entry(id).or_default().push(at);
        }
        self.answered.extend(&keyed.fingerprint.answered);
        if keyed.fingerprint.truncated {
            self.cut.push(at);
        }
        if keyed.fingerprint.hidden {
            self.hidden.insert(keyed.fingerprint.role);
        }
        self.entries.push(keyed);
        for (_, key) in self.endings(at) {
            for key in key.repeated(false) {
                self.by_key.entry(key).or_default().push(at);
            }
        }
        at
    }

    /// Records the key of an answer with that of the message that it followed.
    pub fn answered(&mut self, followed: Option<ContentHash>, key: ContentHash) {
        self.answers.insert((followed, key));
    }

    /// Makes several entries, of which `end` is the last, known by the key of all of them.
    pub fn know(&mut self, key: ContentHash, end: usize) {
        self.by_key.entry(key).or_default().push(end);
    }

    /// What [`endings`] gives for the entries up to one.
    pub fn endings(&self, at: usize) -> Vec<(usize, ContentHash)> {
        endings(&self.entries, at)
    }

    /// Adds a message to those that are shown. It stands for the next so many entries.
    pub fn push(&mut self, said: ConversationMessage, entries: usize) {
        self.shown.resize(self.shown.len() + entries, self.messages.len());
        self.messages.push(said);
    }

    /// Adds tool calls to the shown message of an entry. The next so many entries repeat that message.
    pub fn call(&mut self, entry: usize, calls: impl Iterator<Item = Part>, entries: usize) {
        let Some(last) = self.shown.get(entry).copied() else { return };
        Arc::make_mut(&mut self.messages[last].message).parts.extend(calls);
        self.shown.resize(self.shown.len() + entries, last);
    }

    /// Adds reasoning to the answer that an entry belongs to, if that has none. Some senders send it only with a later
    /// prompt.
    pub fn add_reasoning(&mut self, entry: usize, thought: &[Part]) {
        let Some(last) = self.shown.get(entry).copied() else { return };
        let is_thought = |part: &Part| matches!(part.content, Content::Reasoning(_));
        let turn = self.messages[last].turn;
        let is_answer =
            |said: &&ConversationMessage| said.turn == turn && !said.history && said.message.role == Role::Assistant;
        let answer = self.messages[..=last].iter().rev().take_while(is_answer).count();
        let answer = &mut self.messages[last + 1 - answer..=last];
        if answer.iter().any(|said| said.message.parts.iter().any(is_thought)) {
            return;
        }
        if let Some(first) = answer.first_mut() {
            Arc::make_mut(&mut first.message).parts.splice(0..0, thought.iter().cloned());
        }
    }

    /// Gives tool calls of the answer that an entry belongs to, where they have no call id, the ids that a later prompt
    /// has for them. They are paired by name and arguments.
    pub fn rename(&mut self, entry: usize, calls: &[&ToolCall]) {
        let Some(last) = self.shown.get(entry).copied() else { return };
        let turn = self.messages[last].turn;
        let is_answer = |said: &&mut ConversationMessage| {
            said.turn == turn && !said.history && said.message.role == Role::Assistant
        };
        let mut known: HashMap<u64, Vec<&ToolCall>> = HashMap::new();
        for call in calls.iter().rev() {
            known.entry(fingerprint::asked(call)).or_default().extend(call.known_id().map(|_| *call));
        }
        for said in self.messages[..=last].iter_mut().rev().take_while(is_answer) {
            let is_item = |part: &Part| match &part.content {
                Content::Call(call) => call.id.is_none(),
                _ => false,
            };
            if !said.message.parts.iter().any(is_item) {
                continue;
            }
            for part in Arc::make_mut(&mut said.message).parts.iter_mut().filter(|part| is_item(part)) {
                let Content::Call(call) = &mut part.content else { continue };
                if let Some(known) = known.get_mut(&fingerprint::asked(call)).and_then(Vec::pop) {
                    call.id.clone_from(&known.id);
                    call.item_id = known.item_id.clone().or_else(|| call.item_id.take());
                }
            }
        }
    }

    /// Gives the tool calls of the last message the call ids that `results` name, in order: only where all of these
    /// calls have an item id alone, and there are as many results.
    pub fn rename_open(&mut self, results: &[TimedMessage]) {
        let results = results.iter().flat_map(|line| &line.message.parts).filter_map(|part| match &part.content {
            Content::Result(result) => result.call_id.as_ref(),
            _ => None,
        });
        let ids: Vec<&String> = results.collect();
        let Some(last) = self.messages.last_mut().filter(|said| !said.history && said.message.role == Role::Assistant)
        else {
            return;
        };
        let names_items = |part: &Part| match &part.content {
            Content::Call(call) => Some(call.id.is_none() && call.item_id.is_some()),
            _ => None,
        };
        let open: Vec<bool> = last.message.parts.iter().filter_map(names_items).collect();
        if open.len() != ids.len() || !open.iter().all(|item| *item) {
            return;
        }
        let mut ids = ids.into_iter();
        for part in &mut Arc::make_mut(&mut last.message).parts {
            if let Content::Call(call) = &mut part.content {
                call.id = ids.next().cloned().or_else(|| call.id.take());
            }
        }
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The place of a tool call among those of the conversation, by the hash of its id; `None` where no entry has that
    /// call.
    pub fn number(&self, ask: u64) -> Option<usize> {
        self.asked.get(&ask).copied()
    }

    /// Whether the conversation holds the message at `at` of a prompt, in any place.
    pub fn holds(&self, prompt: &[KeyedMessage], at: usize) -> bool {
        let keyed = &prompt[at];
        // Hidden messages of one role cannot be distinguished, so a second one is never new. Neither is a message of
        // reasoning alone.
        if keyed.fingerprint.is_empty() || (keyed.fingerprint.hidden && self.hidden.contains(&keyed.fingerprint.role)) {
            return true;
        }
        // A tool call has one result; with other content it is still the same one.
        if !keyed.fingerprint.answered.is_empty()
            && keyed.fingerprint.answered.iter().all(|id| self.answered.contains(id))
        {
            return true;
        }
        let alone = ids(keyed).any(|id| self.by_id.contains_key(&id))
            || keyed.fingerprint.key.is_some_and(|key| {
                let before = at.checked_sub(1).and_then(|before| prompt[before].fingerprint.key);
                self.by_key.contains_key(&key) || self.answers.contains(&(before, key))
            });
        alone || self.holds_cut(keyed) || self.holds_run(prompt, at)
    }

    /// Whether the message at `at` of a prompt has a result that the conversation holds, by id.
    pub fn holds_result(&self, prompt: &[KeyedMessage], at: usize) -> bool {
        prompt[at].fingerprint.answers.iter().any(|answer| self.by_id.contains_key(&Id::Answer(*answer)))
    }

    /// Whether a message is the beginning of an entry, or an entry its beginning, because its sender cut one of them.
    fn holds_cut(&self, keyed: &KeyedMessage) -> bool {
        if keyed.fingerprint.truncated {
            return self
                .entries
                .iter()
                .rev()
                .within(&ENTRIES_FOR_CUT_MESSAGES)
                .any(|entry| fingerprint::is_cut_of(entry, keyed));
        }
        self.cut
            .iter()
            .rev()
            .within(&ENTRIES_FOR_CUT_MESSAGES)
            .any(|at| fingerprint::is_cut_of(&self.entries[*at], keyed))
    }

    /// Whether the message at `at` of a prompt, joined with its neighbours of the same role, is known by one key.
    fn holds_run(&self, prompt: &[KeyedMessage], at: usize) -> bool {
        let role = prompt[at].fingerprint.role;
        let same = |keyed: &&KeyedMessage| keyed.fingerprint.role == role;
        let after = prompt[at..].iter().take_while(same).within(&PIECES).count();
        if after == 1 && at.checked_sub(1).is_none_or(|before| prompt[before].fingerprint.role != role) {
            return false;
        }
        (at..at + after)
            .any(|end| endings(prompt, end).iter().any(|(start, key)| *start <= at && self.by_key.contains_key(key)))
    }

    /// The first entry from `from` on that is this message, by id or else by content.
    fn next(&self, from: usize, keyed: &KeyedMessage) -> Option<usize> {
        let after = |entries: &Vec<usize>| entries.get(entries.partition_point(|at| *at < from)).copied();
        let by_id = ids(keyed).filter_map(|id| after(self.by_id.get(&id)?)).min();
        by_id.or_else(|| after(self.by_key.get(&keyed.fingerprint.key?)?))
    }

    /// The entry that is this message, if it is the first from `from` on that is no answer. A tool result may be any of
    /// the results that stand there.
    fn follows(&self, from: usize, keyed: &KeyedMessage) -> Option<usize> {
        let others = self.entries.iter().enumerate().skip(from).within(&ENTRIES_FOR_CUT_MESSAGES);
        let mut others = others.filter(|(_, entry)| entry.fingerprint.role != Role::Assistant);
        let is = |entry: &KeyedMessage| entry.fingerprint.is_exactly(&keyed.fingerprint);
        if keyed.fingerprint.role == Role::Tool {
            // The results of parallel tool calls come in any order.
            return others
                .take_while(|(_, entry)| entry.fingerprint.role == Role::Tool)
                .find(|(_, entry)| is(entry))
                .map(|(at, _)| at);
        }
        others.next().filter(|(_, entry)| is(entry)).map(|(at, _)| at)
    }

    /// The number of entries that are no system messages, if a prompt begins with all of them and has more messages;
    /// `None` otherwise. Two hidden messages of one role in the same place count as equal.
    pub fn is_beginning_of(&self, prompt: &[KeyedMessage]) -> Option<usize> {
        let is = |(mine, theirs): (&KeyedMessage, &KeyedMessage)| {
            let hidden = mine.fingerprint.hidden
                && theirs.fingerprint.hidden
                && mine.fingerprint.role == theirs.fingerprint.role;
            hidden
                || mine.fingerprint.is(&theirs.fingerprint)
                || (mine.fingerprint.is_empty() && theirs.fingerprint.is_empty())
        };
        let spoken = || self.entries.iter().filter(|entry| entry.fingerprint.role != Role::System);
        let length = spoken().count();
        (length > 0 && length < prompt.len() && spoken().zip(prompt).all(is)).then_some(length)
    }

    /// Returns those of the system messages of a call that its agent was not sent last (or any agent, where this one
    /// was sent none yet), and keeps them all as the last.
    pub fn changed<'l>(&mut self, agent: Option<&str>, system: &'l [TimedMessage]) -> Vec<&'l TimedMessage> {
        if system.is_empty() {
            return Vec::new();
        }
        let keys: Vec<Option<ContentHash>> = system.iter().map(|line| line.fingerprint.key).collect();
        let agent = agent.map(str::to_owned);
        let before = self.systems.get(&agent).unwrap_or(&self.system);
        // Hidden system messages have no key. Where both lists have them in the same places, they are taken for equal.
        let new = if *before == keys {
            Vec::new()
        } else {
            system
                .iter()
                .filter(|line| line.fingerprint.key.is_none() || !before.contains(&line.fingerprint.key))
                .collect()
        };
        self.system.clone_from(&keys);
        self.systems.insert(agent, keys);
        new
    }
}

/// The ids by which a message is found.
fn ids(keyed: &KeyedMessage) -> impl Iterator<Item = Id> + '_ {
    let calls = keyed.fingerprint.calls.iter().copied().map(Id::Call);
    calls.chain(keyed.fingerprint.answers.iter().copied().map(Id::Answer))
}

/// The runs of messages of one role that end with the message `end`, the shortest first and at most [`PIECES`] long:
/// where each starts, and the key of its messages as one.
///
/// A run stops at a hidden message; a message without a key is left out.
pub fn endings(keyed_messages: &[KeyedMessage], end: usize) -> Vec<(usize, ContentHash)> {
    let mut keys = Vec::new();
    let mut all: Option<ContentHash> = None;
    for start in (0..=end).rev().take(PIECES.most()) {
        let fingerprint = &keyed_messages[start].fingerprint;
        if fingerprint.role != keyed_messages[end].fingerprint.role || fingerprint.hidden {
            break;
        }
        let Some(key) = fingerprint.key else { continue };
        let joined = all.map_or(key, |after| key.then(after));
        all = Some(joined);
        keys.push((start, joined));
    }
    keys
}

/// Returns the indexes of the messages of a prompt that a conversation does not hold.
///
/// `anchor` is a pair: the index of the first message of the prompt, and that of the first entry, after the last place
/// that both have in common. Before it, a message is new if the conversation holds it nowhere: it was rewritten. After
/// it, the first message that does not repeat, in order, what followed in the conversation is new, and so is everything
/// after that. Without an anchor the whole prompt is compared in that way, and entries may be skipped.
pub fn new_in_prompt(
    conversation: &OpenConversation,
    prompt: &[KeyedMessage],
    anchor: Option<(usize, usize)>,
) -> Vec<usize> {
    let (after, mut next) = anchor.unwrap_or((0, 0));
    // Results of parallel tool calls come in any order, so a result does not move `next`. `results` is the entry after
    // the last that a result was found to be.
    let mut results = next;
    let mut new_in_prompt: Vec<usize> = (0..after).filter(|at| !conversation.holds(prompt, *at)).collect();
    let mut repeats = true;
    for (at, keyed) in prompt.iter().enumerate().skip(after) {
        if repeats && keyed.fingerprint.is_empty() {
            continue;
        }
        let is_result = keyed.fingerprint.role == Role::Tool;
        let from = if is_result { next } else { next.max(results) };
        let known = if anchor.is_some() { conversation.follows(from, keyed) } else { conversation.next(from, keyed) };
        match known.filter(|_| repeats) {
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

    /// The messages of `prompt` that are new to a conversation with other messages; `anchor` as for [`new_in_prompt`].
    fn new<'p>(said: &[&str], prompt: &[&'p str], anchor: Option<(usize, usize)>) -> Vec<&'p str> {
        let span = SpanId::from_bytes(&[1; 8]).unwrap();
        let mut conversation = OpenConversation::new(None, None, (span, 0), Timestamp(1));
        for keyed in keyed_messages(said) {
            conversation.note(keyed);
        }
        new_in_prompt(&conversation, &keyed_messages(prompt), anchor).into_iter().map(|at| prompt[at]).collect()
    }

    #[test]
    fn what_follows_the_anchor_is_new() {
        let said = ["u:Hello", "a:Hi there"];
        assert_eq!(new(&said, &["u:Hello", "a:Hi there", "u:Hello"], Some((2, 2))), ["u:Hello"]);
    }

    #[test]
    fn without_an_anchor_each_message_is_used_once_in_order() {
        let said = ["u:ping", "a:a1", "u:barrier", "u:ping", "a:a2"];
        assert_eq!(new(&said, &["u:ping", "u:ping", "u:ping"], None), ["u:ping"]);
        assert_eq!(new(&["u:A", "a:B", "u:C", "a:D"], &["u:A", "u:C", "u:E"], None), ["u:E"]);
        assert_eq!(new(&["u:q", "a:yes"], &["u:q", "u:yes"], None), ["u:yes"]);
        // The same prompt sent once more.
        assert_eq!(new(&["u:ping", "a:pong"], &["u:ping"], None), ["u:ping"]);
    }

    #[test]
    fn what_was_rewritten_before_the_anchor_is_new_once() {
        let said = ["u:q1", "a:a1", "u:q2", "a:a2"];
        let prompt = ["u:Summary", "u:q2", "a:a2", "u:q3"];
        assert_eq!(new(&said, &prompt, Some((3, 4))), ["u:Summary", "u:q3"]);
    }

    #[test]
    fn a_branch_does_not_repeat_what_followed_before() {
        let said = ["u:q1", "a:a1", "u:q2", "a:a2"];
        assert_eq!(new(&said, &["u:q1", "a:a1", "u:q2", "u:more"], Some((2, 2))), ["u:more"]);
        assert_eq!(new(&said, &["u:q1", "a:a1", "u:other"], Some((2, 2))), ["u:other"]);
    }

    #[test]
    fn what_was_cut_or_put_together_is_no_news() {
        assert_eq!(new(&["u:one two", "a:x"], &["u:one", "u:two", "a:x", "u:q"], Some((3, 2))), ["u:q"]);
        assert_eq!(new(&["u:one", "u:two", "a:x"], &["u:onetwo", "a:x", "u:q"], Some((2, 3))), ["u:q"]);
    }
}
