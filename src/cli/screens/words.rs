//! What crosses a connection between a screen and the instance that answers it.
//!
//! ```text
//!   screen                        instance
//!     Request, one line of JSON ─▶            which says that a screen asks, and its version
//!                               ◀─ ToScreen::Hello, or the frame Failed
//!     FromScreen …              ─▶
//!                               ◀─ ToScreen …, until one side closes the connection
//! ```
//!
//! Each is a frame `Word`, whose content is made by `serde` from the types that screen and store share: a new query or
//! answer needs no work here. Both sides have the same version, so there is no other form to read.

use std::io;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    app::{Export, Listening, Seen},
    cli::frames::{FRAME_LIMIT, Frame},
    model::{Answer, Changes, Query, QuerySlot, Removal, Removed, shared},
    store::Marked,
};

/// Most bytes of a word of a screen.
pub const ASKED: u32 = 1 << 20;

/// What a screen asks.
#[derive(Debug, Serialize, Deserialize)]
pub enum FromScreen {
    Ask {
        slot: QuerySlot,
        query: Query,
        ticket: u64,
    },
    /// The bytes of an image or document.
    Blob {
        sha256: [u8; 32],
        ticket: u64,
    },
    /// A letter marks a place; `None`: none any more.
    Mark {
        letter: char,
        place: Option<Marked>,
        ticket: u64,
    },
    Remove {
        removal: Removal,
        ticket: u64,
    },
    /// What a file is to hold; `zone`: the time zone of whoever reads it.
    Export {
        export: Export,
        zone: Option<String>,
        ticket: u64,
    },
}

/// What the instance answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToScreen {
    Hello(Hello),
    /// What its listeners have seen; sent when it has changed.
    Seen(Box<Seen>),
    /// Nothing has changed, and it is there.
    Still,
    Changed(Changes),
    Answered {
        slot: QuerySlot,
        ticket: u64,
        answer: Result<Answer, String>,
    },
    /// The next bytes of a file; the reply says that it is whole.
    Part {
        ticket: u64,
        bytes: Vec<u8>,
    },
    /// What was asked for once, or why there is none.
    Reply {
        ticket: u64,
        reply: Result<Reply, String>,
    },
}

/// What is answered to what is asked once, and not for a place of the screen.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    Blob(Option<Vec<u8>>),
    Marked,
    Removed(Removed),
    /// All of the file was sent.
    Exported,
}

/// What does not change while an instance runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub pid: u32,
    /// Where it listens.
    pub listening: Vec<Listening>,
}

/// A word as a frame.
///
/// # Errors
/// It is longer than a frame may be.
pub(in crate::cli) fn encode(word: &impl Serialize) -> io::Result<Frame> {
    let bytes = to_bytes(word)?;
    if bytes.len() > FRAME_LIMIT as usize {
        return Err(io::Error::other(format!("{} MiB are too much to be sent to another screen", bytes.len() >> 20)));
    }
    Ok(Frame::Word(bytes))
}

/// A word as the content of a frame.
///
/// # Errors
/// None: whatever a word is made of has such a form.
pub fn to_bytes(word: &impl Serialize) -> io::Result<Vec<u8>> {
    shared::encoding(|| postcard::to_stdvec(word)).map_err(io::Error::other)
}

/// The word that the content of a frame is.
///
/// # Errors
/// It is none.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    let decoded = shared::decoding(|| postcard::from_bytes(bytes));
    decoded.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("no word is like this: {error}")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{
        AssembledTrace, Detail, Filter, Message, ModelCall, Request, Role, SpanId, Timestamp, ToolDefinition, TraceId,
    };

    fn sent<T: DeserializeOwned>(word: &impl Serialize) -> (usize, T) {
        let Frame::Word(bytes) = encode(word).unwrap() else { panic!("a word is a frame of its own") };
        (bytes.len(), decode(&bytes).unwrap())
    }

    #[test]
    fn a_query_arrives_as_it_was_asked() {
        let filter = Filter { text: "loop".into(), since: Some(Timestamp(7)), ..Filter::default() };
        let query = Query::Sessions { filter, limit: 100 };
        let asked = FromScreen::Ask { slot: QuerySlot::Sessions, query: query.clone(), ticket: 9 };
        let FromScreen::Ask { slot, query: arrived, ticket } = sent(&asked).1 else { panic!() };
        assert_eq!((slot, arrived, ticket), (QuerySlot::Sessions, query, 9));
    }

    #[test]
    fn a_long_answer_is_not_longer_for_what_it_repeats() {
        let (trace, span) = (TraceId::from_bytes(&[1; 16]).unwrap(), SpanId::from_bytes(&[2; 8]).unwrap());
        let message = Arc::new(Message::text(Role::User, "x".repeat(2000)));
        let description = Some("y".repeat(2000));
        let definition = ToolDefinition { name: "look".into(), description, parameters: None };
        let tools: Arc<[ToolDefinition]> = vec![definition].into();
        let calls = (0..100).map(|_| {
            let request = Request { rest: vec![message.clone()], tools: tools.clone(), ..Request::default() };
            ModelCall { request, ..ModelCall::sample(span, Timestamp(1)) }
        });
        let mut assembled = AssembledTrace { calls: calls.collect(), ..AssembledTrace::sample(trace, Timestamp(1)) };
        assembled.calls[3].recording_hint = Some("turn it on".into());
        let detail = Arc::new(Detail::whole(vec![Arc::new(assembled)]));
        let answer = Ok(Answer::Detail(Some(detail)));
        let (length, word) = sent(&ToScreen::Answered { slot: QuerySlot::Detail, ticket: 3, answer });
        assert!(length < 20_000, "{length}");
        let ToScreen::Answered { answer: Ok(Answer::Detail(Some(arrived))), .. } = word else { panic!() };
        let calls = &arrived.traces[0].calls;
        assert!(calls.len() == 100 && Arc::ptr_eq(&calls[0].request.tools, &calls[99].request.tools));
        assert_eq!(calls[7].request.rest[0].plain_text(), message.plain_text());
        assert_eq!(calls[3].recording_hint.as_deref(), Some("turn it on"));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange_to_be_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            drop(decode::<FromScreen>(&bytes));
            drop(decode::<ToScreen>(&bytes));
            let mut frame = bytes.as_slice();
            while let Ok(Some(_)) = Frame::read(&mut frame, ASKED) {}
        }

        #[test]
        fn nor_are_words_with_other_bytes_in_them(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let query = Query::Stats { filter: Filter { text: "a".into(), ..Filter::default() }, stretch: None };
            let word = FromScreen::Ask { slot: QuerySlot::Stats, query, ticket: 300 };
            let Frame::Word(mut bytes) = encode(&word).unwrap() else { panic!() };
            *at.get_mut(&mut bytes) = byte;
            drop(decode::<FromScreen>(&bytes));
            bytes.truncate(cut.index(bytes.len()));
            drop(decode::<FromScreen>(&bytes));
        }
    }
}
