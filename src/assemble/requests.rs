//! What each call was sent, as a beginning of an earlier request and what is its own.

use std::{collections::HashMap, sync::Arc};

use super::{definitions, hashes::ModelHash, loaded_trace::LoadedTrace, prepared_exchange::PreparedExchange};
use crate::model::{Message, ModelCall, Request, ToolDefinition};

/// Sets the requests of the calls. `prepared`: those with messages, in the order of the calls.
pub fn add(trace: &LoadedTrace, prepared: &[PreparedExchange], calls: &mut [ModelCall]) {
    let mut tools = Tools::default();
    let mut latest = Latest::default();
    for call in prepared {
        let turn = call.placed.turn;
        let lines = call.system.iter().chain(&call.lines);
        let messages: Vec<Arc<Message>> = lines.map(|line| Arc::clone(&line.message)).collect();
        let previous = latest.before(call, &messages);
        let shared = previous.map_or(0, |previous| equal_beginning(&latest.requests[previous].messages, &messages));
        let offered = tools.of(trace, turn);
        calls[turn].request = Request {
            previous: previous.map(|previous| latest.requests[previous].turn),
            shared,
            rest: messages[shared..].to_vec(),
            tools: offered,
        };
        latest.note(call, previous, messages);
    }
}

/// How many messages two requests both begin with.
fn equal_beginning(before: &[Arc<Message>], now: &[Arc<Message>]) -> usize {
    let equal = |(before, now): &(&Arc<Message>, &Arc<Message>)| Arc::ptr_eq(before, now) || before == now;
    before.iter().zip(now).take_while(equal).count()
}

/// The newest request of each conversation so far.
#[derive(Default)]
struct Latest {
    requests: Vec<Sent>,
    /// The requests of each scope and model, the newest last.
    of_scope: HashMap<(Option<usize>, Option<ModelHash>), Vec<usize>>,
    /// The same of each agent by its name, for an agent that is called several times.
    of_agent: HashMap<(String, Option<ModelHash>), Vec<usize>>,
}

struct Sent {
    turn: usize,
    messages: Vec<Arc<Message>>,
}

impl Latest {
    /// Of so many conversations of one scope the newest requests are compared.
    const SEVERAL: usize = 8;

    /// The request that a call continues: of those of its scope the newest that begins with the same message, else the
    /// newest if the scope is an agent; of those of an agent of the same name only one that begins with the same.
    fn before(&self, call: &PreparedExchange, messages: &[Arc<Message>]) -> Option<usize> {
        let begins =
            |at: &&usize| equal_beginning(&self.requests[**at].messages, &messages[..1.min(messages.len())]) > 0;
        let same = |requests: &Vec<usize>| requests.iter().rev().find(begins).copied();
        let scope = self.of_scope.get(&(call.placed.scope, call.placed.model));
        let agent = call.placed.agent.clone().and_then(|agent| self.of_agent.get(&(agent, call.placed.model)));
        let newest = || scope.filter(|_| call.placed.in_agent)?.last().copied();
        scope.and_then(same).or_else(newest).or_else(|| agent.and_then(same))
    }

    /// Keeps a request; the one that it continues is no longer of use.
    fn note(&mut self, call: &PreparedExchange, previous: Option<usize>, messages: Vec<Arc<Message>>) {
        let at = self.requests.len();
        self.requests.push(Sent { turn: call.placed.turn, messages });
        let agent = call.placed.agent.clone();
        let of_agent = agent.map(|agent| self.of_agent.entry((agent, call.placed.model)).or_default());
        let of_scope = self.of_scope.entry((call.placed.scope, call.placed.model)).or_default();
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
        let nodes = trace.work.counted.calls[turn].nodes();
        let nodes: Vec<usize> = nodes.collect();
        let listed: Vec<&ToolDefinition> = nodes
            .iter()
            .flat_map(|node| trace.translations(*node))
            .flat_map(|translation| &translation.tools)
            .collect();
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
