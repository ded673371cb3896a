//! Arguments of a streamed call that have every piece twice, because two instrumentations put the pieces together in one
//! object: `OpenInference`'s and Traceloop's of Amazon Bedrock both append to the block that began the call.
//!
//! ```text
//!   the stream    {"host": "be     rth-4"}
//!   recorded      {"host": "be{"host": "berth-4"}rth-4"}
//! ```

use std::collections::BTreeMap;

use crate::model::{Content, Message, Value, json};

/// Longer texts are left as they are.
const LONGEST: usize = 64 * 1024;
/// So are those of which a piece would be longer than this, but for a text that is one piece.
const LONGEST_PIECE: usize = 4 * 1024;
/// And those that would take more work than this: comparisons, and bytes of what was read so far.
const WORK: usize = 1 << 24;
/// More readings than this of the beginning of a text are not followed.
const READINGS: usize = 4;

/// Reads the calls of an answer of Converse with each piece of their arguments once. There each call has an id: one that has
/// none is the second half of the arguments before it.
pub fn read_once(message: &mut Message) {
    for part in &mut message.parts {
        if let Content::Call(call) = &mut part.content
            && let Some(whole) = call.input.as_str().and_then(once)
        {
            call.input = whole;
        }
    }
    message.parts.dedup_by(|second, first| match (&first.content, &second.content) {
        (Content::Call(first), Content::Call(second)) => {
            second.id.is_none() && first.id.is_some() && (&first.name, &first.input) == (&second.name, &second.input)
        }
        _ => false,
    });
}

/// The JSON object of which each piece stands twice in a text; `None` where it is not that, or not known which object.
pub fn once(text: &str) -> Option<Value> {
    let text = text.trim().as_bytes();
    if text.first() != Some(&b'{') || text.len() > LONGEST || !text.len().is_multiple_of(2) {
        return None;
    }
    let (half, rest) = text.split_at(text.len() / 2);
    if half == rest {
        return object(half);
    }
    let mut found = halves(text)?.into_iter().filter_map(|half| object(&half));
    let one = found.next()?;
    found.all(|other| other == one).then_some(one)
}

/// What a text is with each of its pieces once, for every way to cut it into pieces that stand twice; `None` where that
/// is too much work.
fn halves(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    // By the end of a beginning: what it is with each of its pieces once.
    let mut open: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::from([(0, vec![Vec::new()])]);
    let mut work = 0;
    while let Some((from, halves)) = open.pop_first() {
        if from == text.len() {
            return Some(halves);
        }
        for length in 1..=((text.len() - from) / 2).min(LONGEST_PIECE) {
            work += 1;
            let (piece, again) = (&text[from..from + length], &text[from + length..from + 2 * length]);
            if piece[0] != again[0] || piece != again {
                continue;
            }
            let ends = open.entry(from + 2 * length).or_default();
            for half in &halves {
                work += length + half.len() * (1 + ends.len());
                let whole = [half, piece].concat();
                if !ends.contains(&whole) {
                    ends.push(whole);
                }
            }
            if work > WORK || ends.len() > READINGS {
                return None;
            }
        }
    }
    Some(Vec::new())
}

fn object(text: &[u8]) -> Option<Value> {
    json::parse_bytes(text).ok().filter(|value| value.as_map().is_some())
}

#[cfg(test)]
mod tests {
    use super::super::{calls, sample};
    use super::*;
    use crate::model::{Part, Role};

    fn doubled(pieces: &[&str]) -> String {
        pieces.iter().map(|piece| piece.repeat(2)).collect()
    }

    #[test]
    fn each_piece_is_read_once() {
        for pieces in [
            &[r#"{"host": "be"#, r#"rth-4"}"#][..],
            &[r#"{"service": "#, r#""crane", "li"#, r#"nes": 2}"#],
            &["{", "\"", "n", "\"", ":", "11", "}"],
            &["{\"n\": \"aa", "aa", "a", "a\"}"],
            &["{\"город\": \"Па", "риж\"}"],
            &[r#"{"n": 1}"#],
            &["{", "}"],
        ] {
            let whole = json::parse(&pieces.concat()).unwrap();
            assert_eq!(once(&doubled(pieces)), Some(whole), "{pieces:?}");
        }
        let long: Vec<String> = (0..4000).map(|at| format!("piece {at}, ")).collect();
        let long = [vec!["{\"text\": \"".to_owned()], long, vec!["\"}".to_owned()]].concat();
        let short: Vec<&str> = long.iter().take(1000).chain(&long[4001..]).map(String::as_str).collect();
        assert_eq!(once(&doubled(&short)), Some(json::parse(&short.concat()).unwrap()));
        assert_eq!(once(&doubled(&long.iter().map(String::as_str).collect::<Vec<_>>())), None, "too long");
    }

    #[test]
    fn a_call_whose_arguments_came_in_one_piece_is_one_call() {
        let call = |id: &str, input: &str| {
            calls::made(calls::usable_id(id).map(str::to_owned), "w", json::parse(input).unwrap(), false)
        };
        let texts = |parts: Vec<Part>| {
            let mut answer = Message::new(Role::Assistant, parts);
            read_once(&mut answer);
            answer.parts.iter().map(sample::part).collect::<Vec<_>>()
        };
        // Taken apart as if there were two (`spliced_calls`), and as a text.
        let apart = vec![call("a", r#"{"n":1}"#), call("", r#"{"n":1}"#), call("b", r#"{"n":1}"#)];
        assert_eq!(texts(apart), [r#"w#a{"n":1}"#, r#"w#b{"n":1}"#]);
        assert_eq!(texts(vec![call("a", r#""{\"n\":1}{\"n\":1}""#)]), [r#"w#a{"n":1}"#]);
        let others = [r#"w#a{"n":1}"#, r#"w#-{"n":2}"#];
        assert_eq!(texts(vec![call("a", r#"{"n":1}"#), call("", r#"{"n":2}"#)]), others);
    }

    #[test]
    fn what_does_not_have_every_piece_twice_stays() {
        for text in [
            r#"{"host": "berth-4""#,
            r#"{"host": "be{"host": "berth-4"}rth-4"} "x"#,
            r#"{"host": {"host": berthberth"#,
            r#"{"n": 1}{"n": 2}"#,
            "{{{{",
            "{}",
            "no",
            "",
        ] {
            assert_eq!(once(text), None, "{text}");
        }
        assert_eq!(once(&"{a".repeat(LONGEST / 2)), None);
        assert_eq!(once(&format!("{{{{{}", "a".repeat(LONGEST - 2))), None);
    }
}
