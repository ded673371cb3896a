//! One conversation: what was said in it, and what of a prompt was not (`conversations.md` 6).

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    exchange::TimedMessage,
    fingerprint::{self, ContentHash, KeyedMessage},
};
use crate::model::{Content, ConversationMessage, Part, Role, SpanId, Timestamp, ToolCall};

/// Answers cut into more messages than this are compared piece by piece only.
pub const PIECES: usize = 8;

/// Cut texts are compared with so many of the newest messages.
const CUT: usize = 64;

/// One agent's conversation.
#[derive(Debug)]
pub struct OpenConversation {
    /// The nearest agent or tool around its first call.
    pub scope: Option<usize>,
    pub agent: Option<String>,
    /// The first call, and its place.
    pub first: SpanId,
    pub node: usize,
    pub started: Timestamp,
    /// What is right above its latest call.
    pub step: Option<usize>,
    /// Its first prompt brought answers along that nobody gave here.
    pub had_history: bool,
    /// A request brought nothing but results: whoever keeps its history, it is not in the requests.
    pub kept_elsewhere: bool,
    /// When its latest call ended; `None` while one runs.
    pub ended: Option<Timestamp>,
    /// What was said, in order.
    pub messages: Vec<ConversationMessage>,
    /// The same without what was put together of it: one entry a message as it was sent.
    pub entries: Vec<KeyedMessage>,
    /// Where in `said` each entry is.
    shown: Vec<usize>,
    by_key: HashMap<ContentHash, Vec<usize>>,
    by_id: HashMap<Id, Vec<usize>>,
    /// The ids of the calls of which a result was noted.
    answered: HashSet<u64>,
    /// Answers by what they followed and what they say, also without their calls.
    answers: HashSet<(Option<ContentHash>, ContentHash)>,
    cut: Vec<usize>,
    hidden: HashSet<Role>,
    /// The system prompt last in force, for each agent and for all.
    systems: HashMap<Option<String>, Vec<Option<ContentHash>>>,
    system: Vec<Option<ContentHash>>,
    /// Each call's number, by its id.
    asked: HashMap<u64, usize>,
}

/// The id of a call, or of the call that a result answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Id {
    Call(u64),
    Answer(u64),
}

impl OpenConversation {
    /// An empty conversation, opened by a call.
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

    /// Whether a call that repeats nothing goes on here all the same, because something says so: its prompt is empty, the
    /// history is kept elsewhere, or the prompt begins with answers that nobody gave here and that this conversation did
    /// not begin with. A summary put in the place of the history is such a one. Under the same instructions, and after
    /// everything else.
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

    /// Whether these are the instructions in force, as far as both are known.
    pub fn is_instructed(&self, system: &[Option<ContentHash>]) -> bool {
        self.system.is_empty() || system.is_empty() || self.system == system
    }

    /// Whether what was said last asks for tools, and a prompt can be what they gave: it brings nothing but results.
    pub fn waits(&self, prompt: &[KeyedMessage]) -> bool {
        self.entries.last().is_some_and(|last| !last.fingerprint.asks.is_empty())
            && prompt.iter().all(|keyed| keyed.fingerprint.role == Role::Tool)
    }

    /// Notes a message as said; returns its entry.
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

    /// Notes that an answer followed a message.
    pub fn answered(&mut self, followed: Option<ContentHash>, key: ContentHash) {
        self.answers.insert((followed, key));
    }

    /// Notes that some entries up to one are also known together.
    pub fn know(&mut self, key: ContentHash, end: usize) {
        self.by_key.entry(key).or_default().push(end);
    }

    /// The keys of the messages of one role that end with an entry: the entry itself, the last two, …
    pub fn endings(&self, at: usize) -> Vec<(usize, ContentHash)> {
        endings(&self.entries, at)
    }

    /// Says a message that was noted as so many entries.
    pub fn say(&mut self, said: ConversationMessage, entries: usize) {
        self.shown.resize(self.shown.len() + entries, self.messages.len());
        self.messages.push(said);
    }

    /// Adds calls to what was said up to an entry, and notes that so many entries more say the same.
    pub fn call(&mut self, entry: usize, calls: impl Iterator<Item = Part>, entries: usize) {
        let Some(last) = self.shown.get(entry).copied() else { return };
        Arc::make_mut(&mut self.messages[last].message).parts.extend(calls);
        self.shown.resize(self.shown.len() + entries, last);
    }

    /// Adds the reasoning of an answer, where only a later prompt tells it.
    pub fn think(&mut self, entry: usize, thought: &[Part]) {
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

    /// Gives the calls of an answer the ids that a later prompt knows them by, where they have none or only those of
    /// items.
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

    /// Gives the calls that were asked for last the ids that their results name, in order, where they have only those
    /// of items.
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

    /// How many messages were noted.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The number of a call of this conversation.
    pub fn number(&self, ask: u64) -> Option<usize> {
        self.asked.get(&ask).copied()
    }

    /// Whether a message of a prompt was said here, wherever.
    pub fn holds(&self, prompt: &[KeyedMessage], at: usize) -> bool {
        let keyed = &prompt[at];
        // What is hidden cannot be told apart, so it is not told again.
        if keyed.fingerprint.is_empty() || (keyed.fingerprint.hidden && self.hidden.contains(&keyed.fingerprint.role)) {
            return true;
        }
        // Whatever became of its content, there is one result of a call.
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

    /// Whether a message of a prompt is a result that was told here, by its id.
    pub fn said_result(&self, prompt: &[KeyedMessage], at: usize) -> bool {
        prompt[at].fingerprint.answers.iter().any(|answer| self.by_id.contains_key(&Id::Answer(*answer)))
    }

    /// Whether this message is one of those said here, cut by its sender now or then.
    fn holds_cut(&self, keyed: &KeyedMessage) -> bool {
        if keyed.fingerprint.truncated {
            return self.entries.iter().rev().take(CUT).any(|entry| fingerprint::is_cut_of(entry, keyed));
        }
        self.cut.iter().rev().take(CUT).any(|at| fingerprint::is_cut_of(&self.entries[*at], keyed))
    }

    /// Whether this message and its neighbours of the same role were said here as one.
    fn holds_run(&self, prompt: &[KeyedMessage], at: usize) -> bool {
        let role = prompt[at].fingerprint.role;
        let same = |keyed: &&KeyedMessage| keyed.fingerprint.role == role;
        let after = prompt[at..].iter().take(PIECES).take_while(same).count();
        if after == 1 && at.checked_sub(1).is_none_or(|before| prompt[before].fingerprint.role != role) {
            return false;
        }
        (at..at + after)
            .any(|end| endings(prompt, end).iter().any(|(start, key)| *start <= at && self.by_key.contains_key(key)))
    }

    /// The first entry from one on that is this message.
    fn next(&self, from: usize, keyed: &KeyedMessage) -> Option<usize> {
        let after = |entries: &Vec<usize>| entries.get(entries.partition_point(|at| *at < from)).copied();
        let by_id = ids(keyed).filter_map(|id| after(self.by_id.get(&id)?)).min();
        by_id.or_else(|| after(self.by_key.get(&keyed.fingerprint.key?)?))
    }

    /// The entry that is this message, if it comes right after others, answers left aside.
    fn follows(&self, from: usize, keyed: &KeyedMessage) -> Option<usize> {
        let others = self.entries.iter().enumerate().skip(from).take(CUT);
        let mut others = others.filter(|(_, entry)| entry.fingerprint.role != Role::Assistant);
        let is = |entry: &KeyedMessage| entry.fingerprint.is_exactly(&keyed.fingerprint);
        if keyed.fingerprint.role == Role::Tool {
            // Results of parallel calls come in any order.
            return others
                .take_while(|(_, entry)| entry.fingerprint.role == Role::Tool)
                .find(|(_, entry)| is(entry))
                .map(|(at, _)| at);
        }
        others.next().filter(|(_, entry)| is(entry)).map(|(at, _)| at)
    }

    /// Whether a prompt is all that was said here and more, message by message, where hidden ones can be
    /// known by nothing but their place; how many messages that is.
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

    /// The system messages of a call that are not in force yet; from then on they are.
    pub fn changed<'l>(&mut self, agent: Option<&str>, system: &'l [TimedMessage]) -> Vec<&'l TimedMessage> {
        if system.is_empty() {
            return Vec::new();
        }
        let keys: Vec<Option<ContentHash>> = system.iter().map(|line| line.fingerprint.key).collect();
        let agent = agent.map(str::to_owned);
        let before = self.systems.get(&agent).unwrap_or(&self.system);
        // Hidden ones have no key; where there is one for each they may well be the same.
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

fn ids(keyed: &KeyedMessage) -> impl Iterator<Item = Id> + '_ {
    let calls = keyed.fingerprint.calls.iter().copied().map(Id::Call);
    calls.chain(keyed.fingerprint.answers.iter().copied().map(Id::Answer))
}

/// For the messages of one role up to this one: where they start, and the key of all of them.
pub fn endings(keyed_messages: &[KeyedMessage], end: usize) -> Vec<(usize, ContentHash)> {
    let mut keys = Vec::new();
    let mut all: Option<ContentHash> = None;
    for start in (0..=end).rev().take(PIECES) {
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

/// What is new in a prompt: the messages of it that the conversation does not hold.
///
/// Up to the anchor that is what was rewritten; after it, what does not repeat, in order, what followed
/// the anchor before.
pub fn new_in_prompt(
    conversation: &OpenConversation,
    prompt: &[KeyedMessage],
    anchor: Option<(usize, usize)>,
) -> Vec<usize> {
    let (after, mut next) = anchor.unwrap_or((0, 0));
    // Results sent one by one may have been put together before, and come in any order.
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
        // Someone without a memory asks the same thing again.
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

    /// What of a prompt is new to a conversation, where the anchor is the last message they share by its place.
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
        // Asked again by someone without a memory.
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
