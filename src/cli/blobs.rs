//! Writes the bytes that a transcript only names by their SHA-256, each into a file of that name.

use std::{
    cell::RefCell,
    collections::HashSet,
    fs::{self, DirBuilder},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::reading::BlobSink;
use crate::{
    model::{AssembledTrace, Content, Media, MediaData, Part, Span, Value, extension},
    store::Store,
};

/// Finds the bytes that traces name, and hands each on once.
pub struct Blobs<'s> {
    sink: &'s dyn BlobSink,
    store: &'s Store,
    /// The names of those that were handed on.
    handed_on: RefCell<HashSet<String>>,
}

impl<'s> Blobs<'s> {
    /// Hands them to `sink`. What messages only name is in the store.
    pub fn to(sink: &'s dyn BlobSink, store: &'s Store) -> Self {
        Self { sink, store, handed_on: RefCell::default() }
    }

    /// Writes all bytes that a trace's part of the transcript names.
    pub fn write(&self, assembled: &AssembledTrace, spans: &[Span]) -> anyhow::Result<()> {
        let messages = assembled.conversations.iter().flat_map(|conversation| &conversation.messages);
        let sent = messages.flat_map(|entry| &entry.message.parts);
        let returned = assembled.tools.iter().filter_map(|tool| tool.output.as_ref()).flatten();
        for part in sent.chain(returned) {
            self.part(part)?;
        }
        for tool in &assembled.tools {
            self.value(&tool.input)?;
        }
        let events = spans.iter().flat_map(|span| &span.events).map(|event| &event.attributes);
        for attributes in spans.iter().map(|span| &span.attributes).chain(events) {
            for (_, value) in attributes.iter() {
                self.value(value)?;
            }
        }
        Ok(())
    }

    fn part(&self, part: &Part) -> anyhow::Result<()> {
        match &part.content {
            Content::Media(Media { data: MediaData::Inline(bytes), mime, .. }) => {
                self.bytes(bytes, mime.as_deref().map_or("bin", extension))
            }
            Content::Media(Media { data: MediaData::Stored { sha256, .. }, mime, .. }) => {
                let name = named(sha256, mime.as_deref().map_or("bin", extension));
                // A history repeats an image with every call.
                if self.handed_on.borrow().contains(&name) {
                    return Ok(());
                }
                self.store.blob(sha256)?.map_or(Ok(()), |bytes| self.hand_on(name, &bytes))
            }
            Content::Reasoning(reasoning) => reasoning.data.as_ref().map_or(Ok(()), |data| self.bytes(data, "bin")),
            // A result holds text, JSON and media, never another result.
            Content::Result(result) => result.content.iter().try_for_each(|part| match &part.content {
                Content::Result(_) => Ok(()),
                _ => self.part(part),
            }),
            Content::Call(call) => self.value(&call.input),
            Content::Json(value) | Content::Unknown(value) => self.value(value),
            Content::Text(_) | Content::Refusal(_) | Content::Media(_) => Ok(()),
        }
    }

    /// Recursive: decoding limits how deep a value is nested.
    fn value(&self, value: &Value) -> anyhow::Result<()> {
        match value {
            Value::Bytes(bytes) => self.bytes(bytes, "bin"),
            Value::Array(items) => items.iter().try_for_each(|item| self.value(item)),
            Value::Map(entries) => entries.iter().try_for_each(|(_, value)| self.value(value)),
            _ => Ok(()),
        }
    }

    fn bytes(&self, bytes: &[u8], extension: &str) -> anyhow::Result<()> {
        self.hand_on(named(&Sha256::digest(bytes).into(), extension), bytes)
    }

    fn hand_on(&self, name: String, bytes: &[u8]) -> anyhow::Result<()> {
        if self.handed_on.borrow().contains(&name) {
            return Ok(());
        }
        self.sink.blob(&name, bytes)?;
        self.handed_on.borrow_mut().insert(name);
        Ok(())
    }
}

/// The name of the file of some bytes.
fn named(sha256: &[u8; 32], extension: &str) -> String {
    format!("{}.{extension}", hex::encode(sha256))
}

/// A folder that has each content once.
pub struct BlobFolder(PathBuf);

impl BlobFolder {
    /// Makes the folder, if there is none.
    pub fn make(folder: &Path) -> anyhow::Result<Self> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(Self(folder.to_owned()))
    }
}

impl BlobSink for BlobFolder {
    fn blob(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        // The name may come from another process, and must not lead out of the folder.
        anyhow::ensure!(Path::new(name).file_name().is_some_and(|file| file == name), "`{name}` is no name of a file");
        let file = self.0.join(name);
        let written = match is_written(&file, bytes) {
            Ok(true) => Ok(()),
            Ok(false) => write_anew(&file, bytes),
            Err(error) => Err(error),
        };
        written.with_context(|| format!("cannot write {}", file.display()))
    }
}

/// Whether a file has exactly these bytes. A symbolic link is no file.
fn is_written(file: &Path, bytes: &[u8]) -> io::Result<bool> {
    match fs::symlink_metadata(file) {
        Ok(there) if there.is_file() && there.len() == bytes.len() as u64 => Ok(fs::read(file)? == bytes),
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes a file beside the place and renames it, so that whatever is at the place, a symbolic link as well, is replaced
/// and not written through.
fn write_anew(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let half = folder.join(format!(".{}.new", std::process::id()));
    if let Err(error) = fs::remove_file(&half)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    fs::OpenOptions::new().write(true).create_new(true).open(&half)?.write_all(bytes)?;
    fs::rename(&half, file)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        model::{MediaKind, ToolResult},
        store::Place,
    };

    #[test]
    fn bytes_are_written_once_under_their_hash_wherever_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Place::Memory, Arc::default()).unwrap();
        let sink = BlobFolder::make(&folder.path().join("media")).unwrap();
        let blobs = Blobs::to(&sink, &store);
        let image = Part::new(Content::Media(Media {
            kind: MediaKind::Image,
            mime: Some("image/png; x=../..".into()),
            name: Some("../../etc/passwd".into()),
            data: MediaData::Inline(b"abc".to_vec()),
        }));
        let result = ToolResult { call_id: None, name: None, is_error: None, content: vec![image.clone()] };
        blobs.part(&image).unwrap();
        blobs.part(&Part::new(Content::Result(result))).unwrap();
        blobs.value(&Value::Array(vec![Value::Bytes(b"abc".to_vec())])).unwrap();
        let mut names: Vec<_> = fs::read_dir(&sink.0).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(names, [format!("{hash}.bin").as_str(), format!("{hash}.png").as_str()]);
        assert!(sink.blob("../x", b"").is_err() && sink.blob("a/b", b"").is_err() && sink.blob("..", b"").is_err());
    }

    #[test]
    fn no_link_is_followed_and_no_other_file_taken_for_the_content() {
        let folder = tempfile::tempdir().unwrap();
        let (victim, place) = (folder.path().join("victim"), folder.path().join("blob"));
        fs::write(&victim, "mine").unwrap();
        std::os::unix::fs::symlink(&victim, &place).unwrap();
        assert!(!is_written(&place, b"mine").unwrap());
        write_anew(&place, b"abcd").unwrap();
        assert_eq!((fs::read(&victim).unwrap(), fs::read(&place).unwrap()), (b"mine".to_vec(), b"abcd".to_vec()));
        assert!(!is_written(&place, b"efgh").unwrap() && is_written(&place, b"abcd").unwrap());
    }
}
