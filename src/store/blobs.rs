//! Images and documents. They are stored apart from the messages that carry them, once by the hash of their bytes.
//!
//! A history repeats an image with every call. So a stored message only names it, and no pane that shows the message
//! has to load it.

use std::{collections::HashSet, sync::Arc};

use duckdb::{Connection, OptionalExt as _, named_params, params};
use sha2::{Digest as _, Sha256};

use super::{DatabaseError, Store, StoreError, hash_ids::BlobId, pack::unpack, rows};
use crate::model::{Content, ContentId, Media, MediaData, Message, Part, Translation};

/// The bytes of an image or document that were taken out of a message.
pub struct Blob {
    pub id: BlobId,
    pub bytes: Vec<u8>,
}

/// Takes the bytes of all media out of the messages of a translation. Their SHA-256 stays in the messages, and with it
/// the length and, of images, the size in pixels.
pub fn take_out(translation: &mut Translation) -> Vec<Blob> {
    let mut blobs = Vec::new();
    for reading in &mut translation.readings {
        for message in reading.prompt.iter_mut().chain(&mut reading.completion) {
            if has_inline_media(&message.parts) {
                let message: &mut Message = Arc::make_mut(message);
                message.parts.iter_mut().for_each(|part| take_out_of(part, &mut blobs));
            }
        }
    }
    blobs
}

fn has_inline_media(parts: &[Part]) -> bool {
    let is_inline =
        |part: &Part| matches!(&part.content, Content::Media(media) if matches!(media.data, MediaData::Inline(_)));
    parts.iter().any(|part| match &part.content {
        // A result holds text, JSON and media, never another result.
        Content::Result(result) => result.content.iter().any(is_inline),
        _ => is_inline(part),
    })
}

fn take_out_of(part: &mut Part, blobs: &mut Vec<Blob>) {
    match &mut part.content {
        Content::Media(media) => {
            let MediaData::Inline(bytes) = &mut media.data else { return };
            let bytes = std::mem::take(bytes);
            let sha256: [u8; 32] = Sha256::digest(&bytes).into();
            let pixel = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
            let pixels = imagesize::blob_size(&bytes).ok().map(|size| (pixel(size.width), pixel(size.height)));
            media.data = MediaData::Stored { bytes: bytes.len() as u64, sha256, pixels };
            blobs.push(Blob { id: BlobId::of(&sha256), bytes });
        }
        Content::Result(result) => {
            for part in &mut result.content {
                if matches!(part.content, Content::Media(_)) {
                    take_out_of(part, blobs);
                }
            }
        }
        _ => {}
    }
}

/// The ids of the media that a message names, as often as it names them.
pub fn named_in(message: &Message) -> impl Iterator<Item = BlobId> {
    let parts = message.parts.iter().flat_map(|part| match &part.content {
        Content::Result(result) => result.content.iter(),
        _ => std::slice::from_ref(part).iter(),
    });
    parts.filter_map(|part| match &part.content {
        Content::Media(Media { data: MediaData::Stored { sha256, .. }, .. }) => Some(BlobId::of(sha256)),
        _ => None,
    })
}

/// Notes of all stored messages which media they name. That was not noted by earlier versions.
pub fn name_all(connection: &Connection) -> Result<(), DatabaseError> {
    const STRETCH: i64 = 2000;
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    if number("select count(*) from blobs")? == 0 {
        return Ok(());
    }
    let end = number("select coalesce(max(rowid) + 1, 0)::bigint from contents")?;
    let sql = "select id, body from contents where kind = 'message' and rowid >= $from and rowid < $to";
    let mut from = 0;
    while from < end {
        let mut named = HashSet::new();
        let mut statement = connection.prepare_cached(sql)?;
        let mut found = statement.query(named_params! { "from": from, "to": from + STRETCH })?;
        while let Some(row) = found.next()? {
            let body = unpack("message", rows::blob(row, 1)?)?;
            // Of one that cannot be read nothing is shown either.
            let Ok(message) = postcard::from_bytes::<Message>(&body) else { continue };
            let id: ContentId = row.get(0)?;
            named.extend(named_in(&message).map(|blob| (id, blob)));
        }
        drop(found);
        let mut table = connection.appender("content_blobs")?;
        for (content, blob) in named {
            table.append_row(params![content, blob])?;
        }
        table.flush()?;
        from += STRETCH;
    }
    Ok(())
}

impl Store {
    /// The decoded bytes of the image or document with this SHA-256; `None` if no message carried it.
    pub fn blob(&self, sha256: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        let ask = |connection: &Connection| -> Result<Option<Vec<u8>>, DatabaseError> {
            let mut statement = connection.prepare_cached(include_str!("queries/blob.sql"))?;
            let found = statement.query_row(named_params! { "id": BlobId::of(sha256) }, |row| {
                Ok(rows::blob(row, 0).map(<[u8]>::to_vec))
            });
            found.optional()?.transpose()
        };
        Ok(self.connection.with_room(ask)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{MediaKind, Role, ToolResult},
        store::tests::{memory, send, span},
    };

    fn image(bytes: &[u8]) -> Part {
        let data = MediaData::Inline(bytes.to_vec());
        Part::new(Content::Media(Media { kind: MediaKind::Image, mime: Some("image/gif".into()), name: None, data }))
    }

    fn gif() -> Vec<u8> {
        let mut gif = b"GIF89a\x40\x01\xf0\x00\x00\x00\x00".to_vec();
        gif.resize(2000, 7);
        gif
    }

    #[test]
    fn an_image_sent_with_every_call_is_kept_once_and_named_by_all() {
        let store = memory();
        let result = ToolResult { call_id: None, name: None, is_error: None, content: vec![image(&gif())] };
        for id in 1..4 {
            let mut sent = span("a", id).with_prompt("look");
            let message = Message::new(Role::User, vec![image(&gif()), Part::new(Content::Result(result.clone()))]);
            sent.translation.readings[0].prompt.push(Arc::new(message));
            send(&store, [sent]);
        }
        let count = |connection: &Connection| {
            Ok(connection.query_row("select count(*) from blobs", [], |row| row.get::<_, i64>(0))?)
        };
        assert_eq!(store.connection.with(count).unwrap(), 1);
        let rows = store.rows(&[crate::store::tests::trace("a")]).unwrap();
        let message = &rows[0].spans[2].translation.readings[0].prompt[1];
        let Content::Media(media) = &message.parts[0].content else { panic!("no image") };
        let MediaData::Stored { bytes, sha256, pixels } = &media.data else { panic!("its bytes are in the message") };
        assert_eq!((*bytes, *pixels), (2000, Some((320, 240))));
        assert_eq!(store.blob(sha256).unwrap(), Some(gif()));
        assert_eq!(store.blob(&[0; 32]).unwrap(), None);
    }
}
