//! Asks the instance that holds the store to run a command that reads, and writes what it sends back.

use std::{
    ffi::OsString,
    io::{BufReader, Write},
    os::unix::net::UnixStream,
};

use anyhow::Context as _;

use super::{
    complain,
    frames::{FRAME_LIMIT, Frame, Printer, Request},
    reading::BlobSink,
};
use crate::start::HeldByUs;

/// Has a command run by the instance; returns its exit code.
pub fn ask(
    held: &HeldByUs,
    words: &[OsString],
    place: Printer,
    out: &mut dyn Write,
    blobs: &dyn BlobSink,
) -> anyhow::Result<u8> {
    held.same_version()?;
    let socket = held.socket.as_deref().context("the sideseat-tui that holds the store answers no commands")?;
    let words = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let request = Request { version: env!("CARGO_PKG_VERSION").to_owned(), words, place, screen: false };
    let stream = UnixStream::connect(socket)
        .with_context(|| format!("the sideseat-tui that holds the store (pid {}) cannot be asked", held.pid))?;
    let mut line = serde_json::to_vec(&request)?;
    line.push(b'\n');
    // One that is busy, or ends, reads nothing; what it says instead is read below.
    let _ = (&stream).write_all(&line);
    let mut answer = BufReader::with_capacity(64 << 10, stream);
    loop {
        match Frame::read(&mut answer, FRAME_LIMIT)? {
            Some(Frame::Out(bytes)) if bytes.is_empty() => out.flush()?,
            Some(Frame::Out(bytes)) => out.write_all(&bytes)?,
            Some(Frame::Says(text)) => complain(&text),
            Some(Frame::Blob(name, bytes)) => blobs.blob(&name, &bytes)?,
            Some(Frame::Ended(code)) => return Ok(code),
            Some(Frame::Failed(why)) => anyhow::bail!(why),
            Some(Frame::Word(_)) => anyhow::bail!("the sideseat-tui that holds the store answers something else"),
            None => anyhow::bail!("the sideseat-tui that holds the store ended before it had answered"),
        }
    }
}
