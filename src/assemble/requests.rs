//! What each call was sent, as a beginning of an earlier request and what is its own.

use std::{collections::HashMap, sync::Arc};

use super::{definitions, hashes::ModelHash, loaded_trace::LoadedTrace, prepared_exchange::PreparedExchange};
use crate::model::{Message, ModelCall, Request, ToolDefinition};

/// Sets the requests of the calls. `prepared`: those with messages, in the order of the calls.
pub fn add(trace: &LoadedTrace, prepared: &[PreparedExchange], calls: &mut [ModelCall]) {
    let mut tools = Tools::default();
    let mut latest = Latest { prepared, of_scope: HashMap::new(), of_agent: HashMap::new() };
    for (at, call) in prepared.iter().enumerate() {
        let turn = call.placed.turn;
        let previous = latest.before(call);
        let shared = previous.map_or(0, |previous| equal_beginning(&prepared[previous], call));
        calls[turn].request = Request {
            previous: previous.map(|previous| prepared[previous].placed.turn),
            shared,
            rest: messages(call).skip(shared).cloned().collect(),
            tools: tools.of(trace, turn),
        };
        latest.note(at, previous);
    }
}

/// The messages of a request, the system prompt first.
fn messages(call: &PreparedExchange) -> impl Iterator<Item = &Arc<Message>> {
    call.system.iter().chain(&call.lines).map(|line| &line.message)
}

/// How many messages two requests both begin with.
fn equal_beginning(before: &PreparedExchange, now: &PreparedExchange) -> usize {
    messages(before).zip(messages(now)).take_while(is_equal).count()
}

fn is_equal((before, now): &(&Arc<Message>, &Arc<Message>)) -> bool {
    Arc::ptr_eq(before, now) || before == now
}

/// The newest request of each conversation so far, by their indices among all.
struct Latest<'p> {
    prepared: &'p [PreparedExchange],
    /// The requests of each scope and model, the newest last.
    of_scope: HashMap<(Option<usize>, Option<ModelHash>), Vec<usize>>,
    /// The same of each agent by its name, for an agent that is called several times.
    of_agent: HashMap<(&'p str, Option<ModelHash>), Vec<usize>>,
}

impl<'p> Latest<'p> {
    /// Of so many conversations of one scope the newest requests are compared.
    const SEVERAL: usize = 8;

    /// The request that a call continues: of those of its scope the newest that begins with the same message, else the
    /// newest if the scope is an agent; of those of an agent of the same name only one that begins with the same.
    fn before(&self, call: &'p PreparedExchange) -> Option<usize> {
        let begins = |at: &&usize| {
            messages(&self.prepared[**at]).zip(messages(call)).next().is_some_and(|first| is_equal(&first))
        };
        let same = |requests: &Vec<usize>| requests.iter().rev().find(begins).copied();
        let scope = self.of_scope.get(&(call.placed.scope, call.placed.model));
        let agent = call.placed.agent.as_deref().and_then(|agent| self.of_agent.get(&(agent, call.placed.model)));
        let newest = || scope.filter(|_| call.placed.in_agent)?.last().copied();
        scope.and_then(same).or_else(newest).or_else(|| agent.and_then(same))
    }

    /// Keeps a request; the one that it continues is no longer of use.
    fn note(&mut self, at: usize, previous: Option<usize>) {
        let placed = &self.prepared[at].placed;
        let agent = placed.agent.as_deref();
        let of_agent = agent.map(|agent| self.of_agent.entry((agent, placed.model)).or_default());
        let of_scope = self.of_scope.entry((placed.scope, placed.model)).or_default();
        for requests in of_agent.into_iter().chain([of_scope]) {
            requests.retain(|before| Some(*before) != previous);
            requests.push(at);
            if requests.len() > Self::SEVERAL {
                requests.remove(0);
            }
        }
    }
}

/// The tools that calls offer; equal lists are kept once.
#[derive(Default)]
struct Tools<'t> {
    /// The last list as its call has it, and as it is kept.
    last: Option<(Vec<&'t ToolDefinition>, Arc<[ToolDefinition]>)>,
}

impl<'t> Tools<'t> {
    fn of(&mut self, trace: &LoadedTrace<'t>, turn: usize) -> Arc<[ToolDefinition]> {
        let translations = trace.work.counted.calls[turn].nodes().flat_map(|node| trace.translations(node));
        let listed: Vec<&ToolDefinition> = translations.flat_map(|translation| &translation.tools).collect();
        if let Some((last, kept)) = &self.last
            && *last == listed
        {
            return Arc::clone(kept);
        }
        let kept: Arc<[ToolDefinition]> = definitions::merge(listed.iter().copied()).into();
        self.last = Some((listed, Arc::clone(&kept)));
        kept
    }
}
