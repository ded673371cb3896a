//! Files → OTLP requests: decompresses a file, and cuts it into requests of a few MiB.
//!
//! ```text
//!   .gz, .zst, plain (by magic)
//!     ├─ protobuf: its top-level records, several of them in a request
//!     └─ JSON: one text a line, or texts over many lines, one after another
//! ```
//!
//! Records and texts that are too large for one request are cut further (`decode::cut`), so that it makes no difference
//! whether they are stored here or sent to an instance.
//!
//! The signal of a request (traces, logs, metrics) is found by its content, never by the name of the file.

use std::io::{self, BufRead, BufReader, Read};

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::de::IgnoredAny;

use crate::decode::{self, Encoding, Signal};

/// Bytes from which on a request of protobuf records is sent: a larger one makes better use of the sync of its commit.
const REQUEST: usize = 4 << 20;
/// Most bytes of a record (all that one resource sent at once), or of a JSON text. Real ones are a thousand times smaller.
const LIMIT: usize = 512 << 20;

/// Most bytes of a request: what an instance accepts. A larger one has an item of that size, which cannot be cut.
const ACCEPTED: usize = 64 << 20;

/// One request cut out of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub signal: Signal,
    pub encoding: Encoding,
    pub body: Bytes,
}

/// Why an input, or a part of it, is not OTLP.
#[derive(Debug, thiserror::Error)]
pub enum BadInput {
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    #[error("neither OTLP protobuf nor OTLP JSON")]
    NotOtlp,
    #[error("line {line}: not OTLP JSON: {why}")]
    Line { line: usize, why: String },
    #[error("a record of more than {} MiB", LIMIT >> 20)]
    TooLarge,
    #[error("a span or log record of more than {} MiB", ACCEPTED >> 20)]
    ItemTooLarge,
    #[error("cut off in the middle of a record")]
    CutOff,
}

/// Reads an input to its end. A bad line of JSON costs only itself; anything else that is bad ends the input.
///
/// # Errors
/// Only those that `each` returns. What is wrong with the input is handed to `each`.
pub fn read<E>(
    input: impl Read + 'static,
    each: &mut dyn FnMut(Result<Request, BadInput>) -> Result<(), E>,
) -> Result<(), E> {
    let mut input = match decompressed(input) {
        Ok(input) => input,
        Err(error) => return each(Err(error.into())),
    };
    match first_letter(&mut *input) {
        Err(error) => each(Err(error.into())),
        // A request of nothing is nothing.
        Ok(None) => Ok(()),
        Ok(Some(b'{')) => json(&mut *input, each),
        Ok(Some(_)) => protobuf(&mut *input, each),
    }
}

/// Decompresses an input, if it is compressed; once, not again and again.
fn decompressed(input: impl Read + 'static) -> io::Result<Box<dyn BufRead>> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    Ok(match input.fill_buf()? {
        [0x1f, 0x8b, ..] => Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(input))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(BufReader::new(zstd::stream::read::Decoder::with_buffer(input)?)),
        _ => Box::new(input),
    })
}

/// The first byte of an input after white space and a byte order mark; `None` if the input is empty. Nothing is consumed,
/// because the first byte of a request in protobuf is a line feed.
fn first_letter(input: &mut dyn BufRead) -> io::Result<Option<u8>> {
    let start = input.fill_buf()?;
    if start.is_empty() {
        return Ok(None);
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    Ok(Some(text.first().copied().unwrap_or(b' ')))
}

type Each<'a, E> = &'a mut dyn FnMut(Result<Request, BadInput>) -> Result<(), E>;

fn protobuf<E>(input: &mut dyn BufRead, each: Each<E>) -> Result<(), E> {
    let mut signal = None;
    let mut gathered = BytesMut::new();
    loop {
        let more = record(input, &mut gathered);
        let ended = !matches!(more, Ok(true));
        if !gathered.is_empty() && (ended || gathered.len() >= REQUEST) {
            let body = gathered.split().freeze();
            // The first records decide for all, because those whose items are empty can be of any signal.
            signal = signal.or_else(|| decode::sniff(&body).map(|(signal, _)| signal));
            let Some(signal) = signal else { return each(Err(BadInput::NotOtlp)) };
            hand_on(body, signal, Encoding::Protobuf, each)?;
        }
        match more {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(bad) => return each(Err(bad)),
        }
    }
}

/// Appends the next top-level record of a request, with its key and length. Returns whether there was one.
///
/// The requests of all signals are one repeated field 1, so several requests, one after another, are one request.
fn record(input: &mut dyn BufRead, into: &mut BytesMut) -> Result<bool, BadInput> {
    const FIELD_1: u8 = 1 << 3 | 2;
    let mut key = [0];
    match input.read_exact(&mut key) {
        Ok(()) if key == [FIELD_1] => {}
        Ok(()) => return Err(BadInput::NotOtlp),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    let length = length(input)?;
    if length > LIMIT {
        return Err(BadInput::TooLarge);
    }
    let before = into.len();
    into.put_u8(FIELD_1);
    prost::encode_length_delimiter(length, into).expect("a growing buffer has room");
    // Not into a buffer of that size: the length is only a claim of the file.
    let read = io::copy(&mut input.take(length as u64), &mut into.writer());
    if !matches!(read, Ok(read) if read == length as u64) {
        into.truncate(before);
        return Err(read.map_or_else(Into::into, |_| BadInput::CutOff));
    }
    Ok(true)
}

/// Reads the length of a record, which is a varint of at most five bytes.
fn length(input: &mut dyn BufRead) -> Result<usize, BadInput> {
    const LONGEST: usize = 5;
    let mut varint = Vec::with_capacity(LONGEST);
    while varint.len() < LONGEST {
        let mut byte = [0];
        input.read_exact(&mut byte).map_err(|_| BadInput::CutOff)?;
        varint.extend(byte);
        if byte[0] < 0x80 {
            return prost::decode_length_delimiter(&*varint).map_err(|_| BadInput::TooLarge);
        }
    }
    Err(BadInput::NotOtlp)
}

/// Reads JSON: one text a line if the first line is a whole text, else texts of several lines.
fn json<E>(input: &mut dyn BufRead, each: Each<E>) -> Result<(), E> {
    let mut text = Vec::new();
    let mut whole_before = false;
    for line in 1.. {
        text.clear();
        match (&mut *input).take(LIMIT as u64).read_until(b'\n', &mut text) {
            Err(error) => return each(Err(error.into())),
            Ok(0) => break,
            Ok(LIMIT) => return each(Err(BadInput::TooLarge)),
            Ok(_) => {}
        }
        let trimmed = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text).trim_ascii();
        match serde_json::from_slice::<IgnoredAny>(trimmed) {
            _ if trimmed.is_empty() => {}
            Err(error) if error.is_eof() && !whole_before => return texts(input, text, each),
            Err(error) => each(Err(BadInput::Line { line, why: without_place(&error) }))?,
            Ok(_) => {
                whole_before = true;
                requests(trimmed, line, each)?;
            }
        }
    }
    Ok(())
}

/// Reads JSON texts of several lines, one after another; `start` was read before.
fn texts<E>(input: &mut dyn BufRead, start: Vec<u8>, each: Each<E>) -> Result<(), E> {
    let mut all = start;
    if let Err(error) = input.take(LIMIT as u64).read_to_end(&mut all) {
        return each(Err(error.into()));
    }
    if all.len() > LIMIT {
        return each(Err(BadInput::TooLarge));
    }
    let all = all.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&all);
    let mut found = serde_json::Deserializer::from_slice(all).into_iter::<IgnoredAny>();
    let (mut start, mut line) = (0, 1);
    while let Some(text) = found.next() {
        if let Err(error) = text {
            return each(Err(BadInput::Line { line: error.line(), why: without_place(&error) }));
        }
        let end = found.byte_offset();
        let text = all.get(start..end).unwrap_or_default();
        requests(text.trim_ascii(), line, each)?;
        line += text.split(|byte| *byte == b'\n').count() - 1;
        start = end;
    }
    Ok(())
}

/// Hands on a JSON text as a request of each signal that it has.
fn requests<E>(text: &[u8], line: usize, each: Each<E>) -> Result<(), E> {
    let signals = decode::sniff_all(text);
    if signals.is_empty() {
        return each(Err(BadInput::Line { line, why: "no resourceSpans and no resourceLogs in it".to_owned() }));
    }
    let body = Bytes::copy_from_slice(text);
    signals.into_iter().try_for_each(|(signal, encoding)| hand_on(body.clone(), signal, encoding, each))
}

/// Hands on a request, in pieces if it is large.
fn hand_on<E>(body: Bytes, signal: Signal, encoding: Encoding, each: Each<E>) -> Result<(), E> {
    decode::cut(body, signal, encoding, &mut |body| {
        let is_accepted = body.len() <= ACCEPTED;
        each(if is_accepted { Ok(Request { signal, encoding, body }) } else { Err(BadInput::ItemTooLarge) })
    })
}

/// The error without serde's line and column, which count within the text and not within the file.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const SPANS: &str = r#"{"resourceSpans":[]}"#;
    const LOGS: &str = r#"{"resourceLogs":[]}"#;

    /// What was found, in words.
    fn found(input: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        let all: Result<(), Infallible> = read(io::Cursor::new(input.to_vec()), &mut |request| {
            found.push(match request {
                Ok(Request { signal, encoding, body }) => format!("{signal:?} {encoding:?} {}", body.len()),
                Err(bad) => bad.to_string(),
            });
            Ok(())
        });
        let Ok(()) = all;
        found
    }

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut packed, bytes).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn json_is_read_by_the_line_or_over_many_lines() {
        let whole = ["Traces Json 20", "Logs Json 19"];
        assert_eq!(found(format!("{SPANS}\n\n{LOGS}\n").as_bytes()), whole);
        assert_eq!(found(format!("\u{feff}{SPANS}\r\n{LOGS}").as_bytes()), whole);
        let pretty = "{\n  \"resourceSpans\": []\n}\n{\n  \"resourceLogs\": []\n}";
        assert_eq!(found(pretty.as_bytes()), ["Traces Json 25", "Logs Json 24"]);
        let both = r#"{"resourceSpans":[],"resourceLogs":[]}"#;
        assert_eq!(found(both.as_bytes()), ["Traces Json 38", "Logs Json 38"]);
    }

    #[test]
    fn a_bad_line_costs_only_itself() {
        let lines = found(format!("{SPANS}\n{{\"resourceSpans\":[\n{{}}\n{LOGS}").as_bytes());
        assert_eq!(
            lines,
            [
                "Traces Json 20",
                "line 2: not OTLP JSON: EOF while parsing a list",
                "line 3: not OTLP JSON: no resourceSpans and no resourceLogs in it",
                "Logs Json 19",
            ]
        );
    }

    #[test]
    fn compressed_files_are_recognised_by_their_first_bytes() {
        assert_eq!(found(&gz(SPANS.as_bytes())), ["Traces Json 20"]);
        assert_eq!(found(&zstd::encode_all(SPANS.as_bytes(), 1).unwrap()), ["Traces Json 20"]);
        assert_eq!(found(&gz(SPANS.as_bytes())[..20]).len(), 1);
    }

    #[test]
    fn protobuf_is_gathered_record_by_record() {
        let record = |item: &[u8]| {
            let wrap =
                |inner: &[u8], number: u8| [&[number << 3 | 2, u8::try_from(inner.len()).unwrap()], inner].concat();
            wrap(&wrap(&wrap(item, 2), 2), 1)
        };
        let log = record(b"\x59........");
        assert_eq!(found(&[log.clone(), log.clone()].concat()), [format!("Logs Protobuf {}", log.len() * 2)]);
        let cut = [log.clone(), log[..4].to_vec()].concat();
        assert_eq!(found(&cut), [format!("Logs Protobuf {}", log.len()), "cut off in the middle of a record".into()]);
        let large = [log.clone(), b"\x0a\xff\xff\xff\xff\x0f".to_vec()].concat();
        assert_eq!(found(&large)[1], "a record of more than 512 MiB");
    }

    #[test]
    fn what_is_too_large_for_a_request_is_cut_and_an_item_that_is_too_large_is_named() {
        let span = |bytes: usize| format!(r#"{{"name":"{}"}}"#, "x".repeat(bytes));
        let text = |spans: &[String]| {
            format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(",")).into_bytes()
        };
        let small = vec![span(6 << 20); 3];
        assert_eq!(found(&text(&small[..2])).len(), 1);
        assert_eq!(found(&text(&small)).len(), 2);

        let field = |number: u8, content: &[u8]| {
            let mut field = vec![number << 3 | 2];
            prost::encode_length_delimiter(content.len(), &mut field).unwrap();
            [field, content.to_vec()].concat()
        };
        let spans = [1, ACCEPTED, 2].map(|bytes| field(2, &field(5, &vec![b'x'; bytes])));
        let found = found(&field(1, &field(2, &spans.concat())));
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[1], "a span or log record of more than 64 MiB");
    }

    #[test]
    fn what_is_no_otlp_is_an_error() {
        assert_eq!(found(b""), [""; 0]);
        for other in ["hello", "\u{89}PNG", "[1,2]", "# notes"] {
            assert_eq!(found(other.as_bytes()), ["neither OTLP protobuf nor OTLP JSON"], "{other}");
        }
    }
}
