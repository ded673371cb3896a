//! What crosses the socket between a command that reads, or a screen, and the instance that holds the store.
//!
//! ```text
//!   command                      instance
//!     Request, one line of JSON ─▶
//!                               ◀─ Frame, Frame, …, then Frame::Ended or Frame::Failed
//! ```
//!
//! A frame is a letter for its kind, the length of its content in four bytes (little-endian), and the content. Requests and
//! the frame `Failed` stay as they are in every version, so that a mismatch of versions can be said.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

/// Most bytes of a request.
pub const REQUEST_LIMIT: u64 = 1 << 20;
/// Most bytes of the content of a frame: more than an image or document has.
pub const FRAME_LIMIT: u32 = 256 << 20;

/// What a command asks of the instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The version of the program that asks.
    pub version: String,
    /// Its command line, with the program's name.
    pub words: Vec<String>,
    pub place: Printer,
    /// Whether it is no command that asks, but a screen: the words have no meaning then, and `screens` says what follows.
    #[serde(default)]
    pub screen: bool,
}

/// The terminal and the machine that print what a command found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Printer {
    /// The columns of the terminal that standard output is; `None` if it is none.
    pub columns: Option<usize>,
    /// Whether standard output is a terminal.
    pub is_terminal: bool,
    /// The name of the time zone; `None` if it has none.
    pub zone: Option<String>,
}

/// One piece of an instance's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Goes to standard output, or into the file that the command writes. Without bytes it says that all were sent that
    /// there are so far.
    Out(Vec<u8>),
    /// A message for the user, on standard error.
    Says(String),
    /// A file for the folder of blobs: its name and its bytes.
    Blob(String, Vec<u8>),
    /// The command ended with this exit code.
    Ended(u8),
    /// The command did not start, or failed; this says why.
    Failed(String),
    /// What a screen asks, or is told.
    Word(Vec<u8>),
}

impl Frame {
    /// Writes the frame.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Out(bytes) => write(to, b'O', &[bytes]),
            Self::Says(text) => write(to, b'S', &[text.as_bytes()]),
            Self::Blob(name, bytes) => write(to, b'B', &[name.as_bytes(), b"\0", bytes]),
            Self::Ended(code) => write(to, b'E', &[&[*code]]),
            Self::Failed(why) => write(to, b'F', &[why.as_bytes()]),
            Self::Word(bytes) => write(to, b'W', &[bytes]),
        }
    }

    /// Reads the next frame, of at most so many bytes; `None` where there is none any more.
    pub fn read(from: &mut impl Read, limit: u32) -> io::Result<Option<Self>> {
        let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let mut head = [0; 5];
        match from.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length);
        if length > limit {
            return Err(bad("a part of what was sent is too long"));
        }
        let mut content = Vec::new();
        from.take(length.into()).read_to_end(&mut content)?;
        if content.len() as u64 != u64::from(length) {
            return Ok(None);
        }
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Some(match kind {
            b'O' => Self::Out(content),
            b'S' => Self::Says(text(content)),
            b'B' => {
                let end = content.iter().position(|byte| *byte == 0).ok_or_else(|| bad("a file without a name"))?;
                let bytes = content.split_off(end + 1);
                content.truncate(end);
                Self::Blob(text(content), bytes)
            }
            b'E' => Self::Ended(content.first().copied().ok_or_else(|| bad("an end without a code"))?),
            b'F' => Self::Failed(text(content)),
            b'W' => Self::Word(content),
            _ => return Err(bad("a part of what was sent is of no known kind")),
        }))
    }
}

fn write(to: &mut impl Write, kind: u8, content: &[&[u8]]) -> io::Result<()> {
    let length = content.iter().map(|part| part.len()).sum::<usize>();
    let length = u32::try_from(length).ok().filter(|length| *length <= FRAME_LIMIT);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "too long to be sent"))?;
    let mut head = vec![kind];
    head.extend(length.to_le_bytes());
    to.write_all(&head)?;
    content.iter().try_for_each(|part| to.write_all(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_were_written() {
        let frames = [
            Frame::Out(b"rows\n\0".to_vec()),
            Frame::Out(Vec::new()),
            Frame::Says("é".into()),
            Frame::Blob("ab.png".into(), vec![0, 1, 2]),
            Frame::Ended(1),
            Frame::Failed("no".into()),
            Frame::Word(vec![1, 0, 2]),
        ];
        let mut sent = Vec::new();
        for frame in &frames {
            frame.write(&mut sent).unwrap();
        }
        let mut rest = sent.as_slice();
        for frame in &frames {
            assert_eq!(Frame::read(&mut rest, FRAME_LIMIT).unwrap().as_ref(), Some(frame));
        }
        assert_eq!(Frame::read(&mut rest, FRAME_LIMIT).unwrap(), None);
        // Cut off anywhere, it is an end and no frame.
        assert_eq!(Frame::read(&mut &sent[..7], FRAME_LIMIT).unwrap(), None);
        for wrong in [&b"O\xff\xff\xff\xff"[..], b"?\0\0\0\0"] {
            assert!(Frame::read(&mut &*wrong, FRAME_LIMIT).is_err());
        }
        assert!(Frame::read(&mut sent.as_slice(), 3).is_err(), "there is a limit");
    }
}
