//! Log records of requests that name their span, and of responses that name none: which response answers which request
//! (`coding_agents.md` 2).
//!
//! That is decided from all records that are known, never by the order in which they came.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

/// A log record that is one half of an exchange: that of the request, which names its span, or that of the response, which
/// names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExchangeHalf {
    /// The hash of what both halves name: the agent, its session, the prompt and the model.
    pub of: u128,
    /// When the request was sent, in milliseconds since 1970. The response tells it by how long it took.
    pub sent: u64,
    pub is_response: bool,
}

/// How many milliseconds the two halves may differ in when the request was sent.
const TOLERANCE: u64 = 250;
/// Most requests before and after the moment of a response that are looked at.
const NEAR: usize = 16;

/// A request and a response that may belong together, each with its moment in nanoseconds, behind how far apart they are.
type Candidate<Request, Response> = (u64, (u64, Request), (u64, Response));

/// The request that each response answers, of the halves that name the same: those nearest in time belong together, each
/// once. A half is a moment, as in [`ExchangeHalf::sent`], and what names it; of equals the smaller goes first.
#[must_use]
pub fn pairs<Request, Response>(
    requests: &[(u64, Request)],
    responses: &[(u64, Response)],
) -> HashMap<Response, Request>
where
    Request: Copy + Ord + Hash,
    Response: Copy + Ord + Hash,
{
    let mut requests = requests.to_vec();
    requests.sort_unstable();
    requests.dedup();
    let mut candidates: Vec<Candidate<Request, Response>> = Vec::new();
    for response in responses {
        let at = requests.partition_point(|(sent, _)| *sent < response.0);
        let near = &requests[at.saturating_sub(NEAR)..requests.len().min(at + NEAR)];
        let apart = near.iter().map(|request| (request.0.abs_diff(response.0), *request, *response));
        candidates.extend(apart.filter(|(apart, ..)| *apart <= TOLERANCE));
    }
    candidates.sort_unstable();
    let (mut answered, mut pairs) = (HashSet::new(), HashMap::new());
    for (_, (_, request), (_, response)) in candidates {
        if !answered.contains(&request) && !pairs.contains_key(&response) {
            answered.insert(request);
            pairs.insert(response, request);
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_answers_the_nearest_request_once() {
        let requests = [(1000, 1), (1100, 2), (5000, 3)];
        let of = |responses: &[(u64, char)]| {
            let mut pairs: Vec<_> = pairs(&requests, responses).into_iter().collect();
            pairs.sort_unstable();
            pairs
        };
        assert_eq!(of(&[(1090, 'a')]), [('a', 2)]);
        assert_eq!(of(&[(1090, 'a'), (1101, 'b')]), [('a', 1), ('b', 2)]);
        assert_eq!(of(&[(1101, 'b'), (1090, 'a')]), [('a', 1), ('b', 2)]);
        assert_eq!(of(&[(1100, 'a'), (1100, 'b'), (1100, 'c')]), [('a', 2), ('b', 1)]);
        assert_eq!(of(&[(4700, 'a'), (5250, 'b')]), [('b', 3)]);
        assert_eq!(of(&[]), []);
    }
}
