//! Whether a call that failed was under way: its provider may bill what it had generated. What a provider refuses before it
//! generates anything (too many requests, an invalid one) costs nothing (`calls.md` 6).

use super::{
    call::Call,
    span_digest::{FailureDigest, SpanDigest},
    span_tree::SpanTree,
};

/// Parts of the kinds of failures, in lower case, of something that was under way: a stream that broke, a time limit, a
/// program that did not wait.
const UNDER_WAY: [&str; 13] = [
    "stream",
    "timeout",
    "timedout",
    "deadline",
    "cancel",
    "abort",
    "interrupt",
    "generatorexit",
    "incomplete",
    "remoteprotocol",
    "chunkedencoding",
    "connectionreset",
    "brokenpipe",
];
/// Parts of the kinds of those that were not, though they have one of the above: nobody was reached.
const BEFORE: [&str; 2] = ["connecttimeout", "connectiontimeout"];

/// Whether a failed call without tokens was under way: part of an answer or the time of its first token was recorded, or it
/// failed as only such a call does.
pub fn is_broken_off(tree: &SpanTree, call: &Call) -> bool {
    call.digests(tree).any(|digest| has_begun(digest) || digest.failure.as_deref().is_some_and(is_of_work))
}

fn has_begun(digest: &SpanDigest) -> bool {
    let answers = digest.reading_digests.iter().any(|reading| reading.answers);
    answers || digest.facts.as_ref().is_some_and(|facts| facts.first_token.is_some())
}

fn is_of_work(failure: &FailureDigest) -> bool {
    let Some(kind) = &failure.kind else { return false };
    let kind: String = kind.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    UNDER_WAY.iter().any(|part| kind.contains(part)) && !BEFORE.iter().any(|part| kind.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_from_what_broke() {
        let failed = |kind: &str| is_of_work(&FailureDigest { kind: Some(kind.to_owned()), message: None });
        for kind in [
            "botocore.exceptions.EventStreamError",
            "modelStreamErrorException",
            "httpx.ReadTimeout",
            "openai.APITimeoutError",
            "asyncio.exceptions.CancelledError",
            "AbortError",
            "httpx.RemoteProtocolError",
            "ModelTimeoutException",
            "timed_out",
        ] {
            assert!(failed(kind), "{kind}");
        }
        for kind in
            ["ThrottlingException", "ValidationException", "httpx.ConnectTimeout", "openai.BadRequestError", "429", ""]
        {
            assert!(!failed(kind), "{kind}");
        }
        assert!(!is_of_work(&FailureDigest { kind: None, message: Some("timeout".to_owned()) }));
    }
}
