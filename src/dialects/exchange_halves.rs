//! Requests of which a log record names the span, while that of the response names none (`coding_agents.md` 2).

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use crate::model::{SpanId, TraceId};

/// The requests whose responses have not come yet, by what both records name. Shared by all that read records of the
/// same senders; records of requests come before those of their responses.
#[derive(Debug, Default)]
pub struct OpenRequests(Mutex<HashMap<[u8; 32], VecDeque<Request>>>);

#[derive(Debug)]
struct Request {
    /// In milliseconds since 1970.
    sent: u64,
    trace: TraceId,
    span: SpanId,
}

/// Most conversations whose requests are kept; when there are more, all are forgotten.
const CONVERSATIONS: usize = 4096;
/// Most requests of a conversation, of which the oldest are forgotten.
const REQUESTS: usize = 32;
/// How many milliseconds a response's duration may differ from the time since its request was recorded.
const TOLERANCE: u64 = 250;

impl OpenRequests {
    /// Keeps the span of a request.
    pub fn sent(&self, of: &str, sent: u64, trace: TraceId, span: SpanId) {
        let of = key(of);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= CONVERSATIONS && !open.contains_key(&of) {
            open.clear();
        }
        let requests = open.entry(of).or_default();
        requests.retain(|request| request.span != span);
        if requests.len() >= REQUESTS {
            requests.pop_front();
        }
        requests.push_back(Request { sent, trace, span });
    }

    /// The span of the request that was sent at about this time, which is then answered.
    pub fn answered(&self, of: &str, sent: u64) -> Option<(TraceId, SpanId)> {
        let of = &key(of);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = open.get_mut(of)?;
        let (at, nearest) = requests.iter().enumerate().min_by_key(|(_, request)| request.sent.abs_diff(sent))?;
        let found = (nearest.sent.abs_diff(sent) <= TOLERANCE).then_some((nearest.trace, nearest.span))?;
        requests.remove(at);
        if requests.is_empty() {
            open.remove(of);
        }
        Some(found)
    }
}

/// What is kept of what both records name, which may be long.
fn key(of: &str) -> [u8; 32] {
    *blake3::hash(of.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_finds_the_nearest_request_of_its_conversation_once() {
        let open = OpenRequests::default();
        let place = |id: u8| (TraceId::from_bytes(&[id; 16]).unwrap(), SpanId::from_bytes(&[id; 8]).unwrap());
        for (of, sent, id) in [("a", 1000, 1), ("a", 1100, 2), ("b", 1000, 3)] {
            open.sent(of, sent, place(id).0, place(id).1);
        }
        assert_eq!(open.answered("a", 1090), Some(place(2)));
        assert_eq!(open.answered("a", 1090), Some(place(1)));
        assert_eq!(open.answered("a", 1090), None);
        assert_eq!(open.answered("b", 9000), None);
        assert_eq!(open.answered("b", 1001), Some(place(3)));
        for nth in 0..3 * CONVERSATIONS {
            open.sent(&format!("{nth}"), 1, place(1).0, place(1).1);
        }
        assert!(open.0.lock().unwrap().len() <= CONVERSATIONS);
    }
}
