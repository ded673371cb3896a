//! The tool calls and results that the records of one model call hold, each once.

use std::collections::{HashMap, HashSet};

use super::{
    hashes::{CallIdHash, ChannelHash},
    reading_digest::{AskedCall, ReadingDigest, ToolCallDigest, ToolResultDigest},
    span_tree::SpanNode,
};

/// The tool calls and results of one model call, as the dialect that found most of them gives them.
#[derive(Default)]
pub struct ToolMessages<'a> {
    /// Tool calls, each with the index of the span or log record that holds it.
    pub calls: Vec<(usize, &'a ToolCallDigest)>,
    /// Tool results, each with the index of the span or log record that holds it.
    pub results: Vec<(usize, &'a ToolResultDigest)>,
    /// The ids of the calls of which a dialect says that they failed, whichever gives the results.
    pub failed: HashSet<CallIdHash>,
    /// By its id each call that stands in a prompt before its result, in whichever dialect, with the index of the span or
    /// log record that holds it.
    pub asked: HashMap<CallIdHash, (usize, AskedCall)>,
    /// See [`ReadingDigest::fallback`].
    fallback: bool,
}

impl ToolMessages<'_> {
    /// The calls that stand before their results, by id.
    fn asked_calls(&self) -> impl Iterator<Item = (CallIdHash, (usize, AskedCall))> {
        let prompted = self.results.iter().filter(|(_, given)| given.prompt);
        prompted.filter_map(|(at, given)| Some((given.id?, (*at, given.call?))))
    }

    /// The ids of the calls of which all results failed: one that is a counter is that of several calls.
    fn failed_calls(&self) -> impl Iterator<Item = CallIdHash> {
        let of = |failed: bool| {
            let such = self.results.iter().filter(move |(_, given)| (given.is_error == Some(true)) == failed);
            such.filter_map(|(_, given)| given.id)
        };
        let went_well: HashSet<CallIdHash> = of(false).collect();
        of(true).filter(move |id| !went_well.contains(id))
    }
}

/// Chooses among what the dialects found at the nodes of one model call. Calls and results are chosen separately: a
/// fallback only if nothing else has any, then the list with more ids, then the longer one, then the first.
pub fn tool_messages<'p, 'a: 'p>(nodes: impl Iterator<Item = &'p SpanNode<'a>>) -> ToolMessages<'a> {
    let mut channels: Vec<((usize, ChannelHash), ToolMessages)> = Vec::new();
    for (nth, node) in nodes.enumerate() {
        for (at, facts) in node.sources() {
            for digest in &facts.reading_digests {
                let ReadingDigest { channel, fallback, calls, results, .. } = digest;
                let of_channel = channels.iter().position(|(key, _)| *key == (nth, *channel));
                let of_channel = of_channel.unwrap_or_else(|| {
                    channels.push(((nth, *channel), ToolMessages { fallback: *fallback, ..ToolMessages::default() }));
                    channels.len() - 1
                });
                let messages = &mut channels[of_channel].1;
                messages.calls.extend(calls.iter().map(|called| (at, called)));
                messages.results.extend(results.iter().map(|given| (at, given)));
            }
        }
    }
    let ids = |calls: &[(usize, &ToolCallDigest)]| calls.iter().filter(|(_, called)| called.id.is_some()).count();
    let named = |results: &[(usize, &ToolResultDigest)]| results.iter().filter(|(_, given)| given.id.is_some()).count();
    // `max_by_key` returns the last of equals, and the first is wanted; hence `rev`.
    let best = |weight: &dyn Fn(&ToolMessages) -> (usize, usize)| {
        let weighed =
            channels.iter().enumerate().map(|(at, (_, messages))| (at, (!messages.fallback, weight(messages))));
        let found = weighed.filter(|(_, (_, (_, any)))| *any > 0).rev().max_by_key(|(_, weight)| *weight);
        found.map(|(at, _)| &channels[at].1)
    };
    let calls = best(&|messages| (ids(&messages.calls), messages.calls.len()));
    let results = best(&|messages| (named(&messages.results), messages.results.len()));
    let of_others = if channels.len() > 1 { channels.as_slice() } else { &[] };
    ToolMessages {
        asked: channels.iter().flat_map(|(_, messages)| messages.asked_calls()).collect(),
        failed: of_others.iter().flat_map(|(_, messages)| messages.failed_calls()).collect(),
        calls: calls.map(|messages| messages.calls.clone()).unwrap_or_default(),
        results: results.map(|messages| messages.results.clone()).unwrap_or_default(),
        fallback: false,
    }
}
