//! One conversation while it is built (`conversations.md` 5, 6).

use std::collections::HashMap;

use super::{
    content_hash::ContentHash, entries::Entries, exchange::TimedMessage, fingerprint::KeyedMessage,
    shown_messages::ShownMessages,
};
use crate::model::{Role, SpanId, Timestamp};

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
    /// The messages as they are shown.
    pub messages: ShownMessages,
    /// The messages as they were sent.
    pub entries: Entries,
    /// The keys of the system messages that each agent was sent last, by its name.
    systems: HashMap<Option<String>, Vec<Option<ContentHash>>>,
    /// The keys of the system messages that were sent last, by any agent.
    system: Vec<Option<ContentHash>>,
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
            messages: ShownMessages::default(),
            entries: Entries::default(),
            systems: HashMap::new(),
            system: Vec::new(),
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
            let last = prompt.iter().rposition(|keyed| !is_answer(keyed));
            !self.had_history && last.is_some_and(|last| prompt[..last].iter().any(is_answer))
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
        self.entries.all().last().is_some_and(|last| !last.fingerprint.call_ids.is_empty())
            && prompt.iter().all(|keyed| keyed.fingerprint.role == Role::Tool)
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
