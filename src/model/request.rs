//! What one call of a model was sent.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{AssembledTrace, Message, ToolDefinition, shared};

/// What a call was sent, in the order in which providers read it: the tools, then the messages, those of the system
/// first. It has no messages where none are known.
///
/// A request mostly repeats the one before it. The messages that both begin with are kept there, so that a
/// conversation of many calls takes no more room than its messages.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Request {
    /// The call that it continues, as an index into [`AssembledTrace::calls`]: an earlier one of the same agent.
    /// `None` for an agent's first call.
    pub previous: Option<usize>,
    /// With how many messages of that call's request it begins, each equal to the letter.
    pub shared: usize,
    /// The messages behind those.
    #[serde(with = "shared::list")]
    pub rest: Vec<Arc<Message>>,
    /// The tools that were offered with this call, as it lists them; empty where it lists none.
    #[serde(with = "shared")]
    pub tools: Arc<[ToolDefinition]>,
}

impl Request {
    /// How many messages it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared + self.rest.len()
    }

    /// Whether no message of it is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl AssembledTrace {
    /// All messages that a call was sent, in order. `call`: its index in [`AssembledTrace::calls`].
    #[must_use]
    pub fn sent(&self, call: usize) -> Vec<&Arc<Message>> {
        // Of each request that it continues so many of the first messages are wanted.
        let (mut stretches, mut at, mut wanted) = (Vec::new(), call, usize::MAX);
        while let Some(call) = self.calls.get(at).filter(|_| wanted > 0) {
            let Request { previous, shared, rest, .. } = &call.request;
            stretches.push(&rest[..rest.len().min(wanted.saturating_sub(*shared))]);
            wanted = wanted.min(*shared);
            // A request continues an earlier one, so this ends.
            let Some(previous) = previous.filter(|previous| *previous < at) else { break };
            at = previous;
        }
        stretches.into_iter().rev().flatten().collect()
    }

    /// The message at a place of what a call was sent.
    #[must_use]
    pub fn sent_at(&self, call: usize, place: usize) -> Option<&Arc<Message>> {
        let mut at = call;
        loop {
            let Request { previous, shared, rest, .. } = &self.calls.get(at)?.request;
            if place >= *shared {
                return rest.get(place - shared);
            }
            at = previous.filter(|previous| *previous < at)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ModelCall, Role, SpanId, Timestamp, TraceId};

    #[test]
    fn a_request_is_the_beginning_of_earlier_ones_and_what_is_its_own() {
        let call = |number: u8, previous, shared, texts: &[&str]| {
            let rest = texts.iter().map(|text| Arc::new(Message::text(Role::User, *text))).collect();
            let request = Request { previous, shared, rest, ..Request::default() };
            ModelCall { request, ..ModelCall::sample(SpanId::from_bytes(&[number; 8]).unwrap(), Timestamp(1)) }
        };
        let calls = vec![
            call(1, None, 0, &["a", "b"]),
            call(2, Some(0), 2, &["c"]),
            call(3, Some(1), 1, &["x", "y"]),
            call(4, Some(2), 2, &[]),
        ];
        let trace =
            AssembledTrace { calls, ..AssembledTrace::sample(TraceId::from_bytes(&[1; 16]).unwrap(), Timestamp(1)) };
        let texts = |call| trace.sent(call).iter().map(|message| message.plain_text()).collect::<Vec<_>>();
        assert_eq!([texts(0), texts(1)], [vec!["a", "b"], vec!["a", "b", "c"]]);
        assert_eq!([texts(2), texts(3)], [vec!["a", "x", "y"], vec!["a", "x"]]);
        for call in 0..4 {
            for (place, text) in texts(call).into_iter().enumerate() {
                assert_eq!(trace.sent_at(call, place).map(|message| message.plain_text()), Some(text));
            }
            assert!(trace.sent_at(call, trace.calls[call].request.len()).is_none());
        }
    }
}
