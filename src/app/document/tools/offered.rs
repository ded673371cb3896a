//! The tools that were offered to models: which were never called, and what that costs.

use std::sync::Arc;

use super::super::build::Builder;
use super::super::hash::{HashMap, HashSet};
use super::super::{parts, tokens};
use super::called::Called;
use crate::app::styled::Styled;
use crate::app::wrap;
use crate::model::{Content, Detail, ToolDefinition};
use crate::slots::Slot;

/// More names are not looked for behind those of plugins.
const SHORT: usize = 1000;

/// A tool that was offered to a model.
#[derive(Debug)]
pub struct Offered {
    pub definition: ToolDefinition,
    called: bool,
}

/// The tools that were offered, each once, in the order in which they were first offered.
pub fn offered(detail: &Detail, called: &[Called]) -> Vec<Offered> {
    let called: HashSet<&str> = called.iter().map(|called| called.run(detail).name.as_str()).collect();
    let mut offered: Vec<Offered> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::default();
    for definition in detail.traces.iter().flat_map(|trace| &trace.definitions) {
        let place = *places.entry(definition.name.as_str()).or_insert(offered.len());
        if let Some(Offered { definition: earlier, .. }) = offered.get_mut(place) {
            // One run may hold of a tool what another leaves out.
            earlier.description = earlier.description.take().or_else(|| definition.description.clone());
            earlier.parameters = earlier.parameters.take().or_else(|| definition.parameters.clone());
        } else {
            let called = called.contains(definition.name.as_str());
            offered.push(Offered { definition: definition.clone(), called });
        }
    }
    if offered.iter().any(|tool| !tool.called) {
        let mut asked = asked_for(detail);
        asked.extend(called);
        // Where a tool has the name of its plugin before its own, what is asked for and what runs may have the short one.
        let short = asked.iter().copied().filter(|name| !places.contains_key(name));
        let short: Vec<&str> = short.take(SHORT).collect();
        for tool in offered.iter_mut().filter(|tool| !tool.called) {
            let name = tool.definition.name.as_str();
            tool.called = asked.contains(name) || short.iter().any(|short| is_of_plugin(name, short));
        }
    }
    offered
}

/// Whether a name is a shorter one behind that of a plugin: `tools-get_weather`.
fn is_of_plugin(name: &str, short: &str) -> bool {
    name.strip_suffix(short).is_some_and(|plugin| !short.is_empty() && plugin.ends_with(['-', '_', '.', ':', '/']))
}

/// The names of the tools that models asked for in these runs.
fn asked_for(detail: &Detail) -> HashSet<&str> {
    let conversations = detail.traces.iter().flat_map(|trace| &trace.conversations);
    let messages = conversations.flat_map(|conversation| &conversation.messages).filter(|at| !at.history);
    let parts = messages.flat_map(|at| &at.message.parts);
    parts
        .filter_map(|part| match &part.content {
            Content::Call(call) => Some(call.name.as_str()),
            _ => None,
        })
        .collect()
}

pub fn definition(to: &mut Builder, Offered { definition, called }: &Offered, here: &str) {
    let head = vec![
        Styled::new(format!("{}  ", wrap::clean_line(&definition.name)), Slot::MessageTool),
        Styled::new(definition.description.as_deref().map_or_else(String::new, parts::first_line), Slot::Dim),
    ];
    let right = if *called { vec![] } else { vec![Styled::new(format!("  not called {here}"), Slot::Dim)] };
    if to.fold(format!("definition {}", definition.name), false, 0, head, right) {
        if let Some(description) = &definition.description {
            to.text(4, description, Slot::Text);
        }
        if let Some(parameters) = &definition.parameters {
            to.json(4, parameters);
        }
    }
}

/// Tools that were offered and never called.
#[derive(Debug)]
pub struct Unused {
    /// Their names, on one line.
    names: String,
    /// About how many tokens their definitions are; `None` where only their names were sent.
    tokens: Option<u64>,
    /// How many requests are known to carry any of them, and about how many tokens they take in all of those.
    requests: usize,
    in_all: u64,
}

impl Unused {
    /// `None` where every tool was called, or none was offered.
    pub fn of(detail: &Detail, offered: &[Offered]) -> Option<Self> {
        let unused: HashMap<&str, u64> = offered
            .iter()
            .filter(|tool| !tool.called)
            .map(|tool| (tool.definition.name.as_str(), tokens::of_bytes(tool.definition.bytes())))
            .collect();
        if unused.is_empty() {
            return None;
        }
        let in_order = offered.iter().filter(|tool| !tool.called);
        let names: Vec<String> = in_order.clone().map(|tool| wrap::clean_line(&tool.definition.name)).collect();
        let described = |tool: &Offered| tool.definition.description.is_some() || tool.definition.parameters.is_some();
        let tokens = in_order.clone().any(described).then(|| unused.values().sum());
        // Calls mostly share one list of tools.
        let mut lists: HashMap<*const ToolDefinition, u64> = HashMap::default();
        let (mut requests, mut in_all) = (0, 0);
        for call in detail.traces.iter().flat_map(|trace| &trace.calls) {
            let tools = &call.request.tools;
            let taken = *lists
                .entry(Arc::as_ptr(tools).cast())
                .or_insert_with(|| tools.iter().filter_map(|tool| unused.get(tool.name.as_str())).sum());
            requests += usize::from(taken > 0);
            in_all += taken;
        }
        Some(Self { names: names.join(", "), tokens, requests, in_all })
    }

    /// `declared, never called: cancel_room, list_rooms; ~3.2k tokens a call, ~19k in 6 calls`.
    pub fn write(&self, to: &mut Builder) {
        let mut texts = vec![
            Styled::new("declared, never called: ", Slot::Dim),
            Styled::new(self.names.clone(), Slot::MessageTool),
        ];
        if let Some(tokens) = self.tokens {
            texts.push(Styled::new(format!("; {} tokens a call", tokens::about(tokens)), Slot::Dim));
            if self.requests > 1 {
                let text = format!(", {} in {} calls", tokens::about(self.in_all), self.requests);
                texts.push(Styled::new(text, Slot::Dim));
            }
        }
        to.wrapped(0, 2, &texts);
    }
}
