//! Images, audio, video and documents: where each API puts the bytes, and what they are.
//!
//! A blob is known by its place (a mime type, a `source`, a `format` beside it), never by the name of its key alone.

use std::borrow::Cow;

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::redaction_markers;
use crate::model::{Content, Media, MediaData, MediaKind, Part, Value};

/// How deep the bytes may lie: `{"image": {"image": {"url": …}}}`.
const DEEPEST: usize = 4;

/// A text without a scheme that is shorter is taken for a name or an id, and not for bytes in base64.
const SHORTEST_BASE64: usize = 64;

/// Reads a media part. `None` where the data is there but cannot be decoded: the caller keeps the part as it is.
///
/// `kind` is the part's `type`, or the key it stood under: `image`, `input_audio`, `file`, `blob`, …
pub fn part(kind: &str, value: &Value) -> Option<Part> {
    let mut found = MediaFields { stated: matches!(kind, "blob" | "binary" | "media"), ..MediaFields::default() };
    found.look(value, 0);
    let data = match found.payload {
        Some(payload) => payload.read(&mut found.mime)?,
        None => found.uri.map_or(MediaData::Absent, MediaData::Uri),
    };
    if let (None, MediaData::Inline(bytes)) = (&found.mime, &data) {
        found.mime = sniff(bytes).map(str::to_owned);
    }
    let kind = kind_of(found.modality.unwrap_or(kind), found.mime.as_deref(), found.format);
    let mime = found.mime.or_else(|| found.format.and_then(|format| mime_of(kind, format)));
    let media = Media { kind, mime, name: found.name.map(str::to_owned), data };
    Some(Part { hidden: found.hidden, ..Part::new(Content::Media(media)) })
}

/// Bytes without a mime type or name.
pub fn bytes(bytes: &[u8]) -> Part {
    let mime = sniff(bytes);
    let kind = kind_of("file", mime, None);
    let data = MediaData::Inline(bytes.to_vec());
    Part::new(Content::Media(Media { kind, mime: mime.map(str::to_owned), name: None, data }))
}

#[derive(Default)]
struct MediaFields<'a> {
    payload: Option<Payload<'a>>,
    uri: Option<String>,
    mime: Option<String>,
    name: Option<&'a str>,
    format: Option<&'a str>,
    modality: Option<&'a str>,
    /// Whether something beside `content` marks it as a blob; else a document's content may just be its text.
    stated: bool,
    hidden: bool,
}

impl<'a> MediaFields<'a> {
    fn look(&mut self, value: &'a Value, depth: usize) {
        match value {
            Value::String(text) => self.text(text),
            Value::Bytes(_) | Value::Array(_) => self.payload(Payload::Raw(value)),
            Value::Map(entries) if depth < DEEPEST => {
                if is_byte_map(entries) {
                    return self.payload(Payload::Raw(value));
                }
                let plain = value.str("type") == Some("text");
                self.stated |=
                    ["mime_type", "mimeType", "media_type", "modality"].iter().any(|key| value.str(key).is_some());
                if value.str("source_type") == Some("id") {
                    self.uri = value.str("id").map(str::to_owned);
                }
                for (key, value) in entries {
                    self.entry(key, value, plain, depth);
                }
            }
            _ => {}
        }
    }

    fn entry(&mut self, key: &str, value: &'a Value, plain: bool, depth: usize) {
        match key {
            "mime_type" | "mimeType" | "media_type" | "mediaType" | "content_type" => {
                self.mime = self.mime.take().or_else(|| text_of(value).map(str::to_owned));
            }
            "name" | "filename" | "file_name" | "displayName" | "title" => self.name = self.name.or(text_of(value)),
            "format" => self.format = self.format.or(text_of(value)),
            "modality" => self.modality = self.modality.or(text_of(value)),
            "data" | "bytes" | "base64" | "b64" | "b64_json" | "file_data" | "binary_content" | "content"
            | "$bytes" => match value {
                // Anthropic's `{"type": "text", "media_type": "text/plain", "data": "as it is"}`.
                Value::String(text) if plain => self.payload(Payload::Text(text)),
                Value::String(text) if is_uri(text) => self.text(text),
                Value::String(text) if key == "content" && !self.stated => self.payload(Payload::Text(text)),
                Value::String(text) => self.payload(Payload::Base64(text)),
                Value::Map(_) => self.look(value, depth + 1),
                _ => self.payload(Payload::Raw(value)),
            },
            "url" | "uri" | "fileUri" | "file_uri" | "file_url" | "image_url" | "audio_url" | "video_url"
            | "source" | "s3Location" | "inlineData" | "inline_data" | "fileData" | "file" | "image" | "audio"
            | "video" | "input_audio" | "document" => self.look(value, depth + 1),
            // The AI SDK's `{"type": "text", "text": …}` as a file's data.
            "text" if plain && depth > 0 => {
                if let Value::String(text) = value {
                    self.payload(Payload::Text(text));
                }
            }
            // Its name with each provider that has it.
            "reference" | "fileId" if value.as_map().is_some() => {
                let names = value.as_map().unwrap_or_default().iter().find_map(|(_, name)| text_of(name));
                self.uri = self.uri.take().or_else(|| names.map(str::to_owned));
            }
            "file_id" | "fileId" => self.uri = self.uri.take().or_else(|| text_of(value).map(str::to_owned)),
            _ => {}
        }
    }

    fn text(&mut self, text: &'a str) {
        if text.is_empty() {
        } else if redaction_markers::is_hidden(text) {
            self.hidden = true;
        } else if text.starts_with("data:") && text.contains(";base64,")
            || !is_uri(text) && text.len() >= SHORTEST_BASE64
        {
            self.payload(Payload::Base64(text));
        } else {
            // Langfuse keeps the bytes elsewhere: `@@@langfuseMedia:type=image/png|id=…|source=base64_data_uri@@@`.
            let kept = text.strip_prefix("@@@langfuseMedia:type=").and_then(|rest| rest.split('|').next());
            self.mime = self.mime.take().or_else(|| kept.map(str::to_owned));
            self.uri = self.uri.take().or_else(|| Some(text.to_owned()));
        }
    }

    fn payload(&mut self, payload: Payload<'a>) {
        let empty = match &payload {
            Payload::Base64(text) | Payload::Text(text) => {
                self.hidden |= redaction_markers::is_hidden(text);
                text.is_empty() || redaction_markers::is_hidden(text)
            }
            Payload::Raw(value) => value.is_empty(),
        };
        if !empty && self.payload.is_none() {
            self.payload = Some(payload);
        }
    }
}

fn text_of(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

enum Payload<'a> {
    Base64(&'a str),
    /// The document itself, as text.
    Text(&'a str),
    /// OTLP bytes, or one of the ways in which programs dump bytes as JSON.
    Raw(&'a Value),
}

impl Payload<'_> {
    fn read(self, mime: &mut Option<String>) -> Option<MediaData> {
        let bytes = match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Raw(value) => raw_bytes(value)?,
            Self::Base64(text) => {
                let text = match text.strip_prefix("data:") {
                    Some(url) => {
                        let (head, body) = url.split_once(";base64,")?;
                        let stated = head.split(';').next().filter(|stated| !stated.is_empty());
                        *mime = mime.take().or_else(|| stated.map(str::to_owned));
                        body
                    }
                    None => text,
                };
                base64(text)?
            }
        };
        Some(MediaData::Inline(bytes))
    }
}

/// Decodes base64 of either alphabet, padded or not, with or without line breaks.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    const LAX: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, LAX);
    const URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LAX);
    let text = if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        Cow::Owned(text.split_ascii_whitespace().collect::<String>())
    } else {
        Cow::Borrowed(text)
    };
    let engine = if text.contains(['-', '_']) { URL } else { PLAIN };
    engine.decode(text.as_bytes()).ok().filter(|bytes| !bytes.is_empty())
}

/// Bytes as they are, as a list of numbers, as Node's `{"type": "Buffer", "data": […]}` or as `{"0": 137, "1": 80, …}`.
fn raw_bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Bytes(bytes) => Some(bytes.clone()),
        Value::Array(items) => items.iter().map(byte).collect(),
        Value::Map(entries) => match value.get("data") {
            Some(data @ Value::Array(_)) => raw_bytes(data),
            _ => entries.iter().map(|(_, value)| byte(value)).collect(),
        },
        _ => None,
    }
}

fn byte(value: &Value) -> Option<u8> {
    if let Value::Int(number) = value { u8::try_from(*number).ok() } else { None }
}

fn is_byte_map(entries: &[(String, Value)]) -> bool {
    let is_buffer = entries.iter().any(|(key, value)| key == "type" && value.as_str() == Some("Buffer"));
    is_buffer || (entries.len() > 1 && entries.iter().enumerate().all(|(at, (key, _))| key.parse() == Ok(at)))
}

fn is_uri(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let schemes = ["http", "https", "s3", "gs", "file", "data", "blob", "ftp", "arn", "@@@langfuseMedia"];
    schemes.iter().any(|other| scheme.eq_ignore_ascii_case(other))
}

fn kind_of(word: &str, mime: Option<&str>, format: Option<&str>) -> MediaKind {
    let by_mime = mime.and_then(|mime| match mime.split('/').next()? {
        "image" => Some(MediaKind::Image),
        "audio" => Some(MediaKind::Audio),
        "video" => Some(MediaKind::Video),
        _ => None,
    });
    // Words such as `image_url`, `input_audio`, `documentBlock`; other words leave it to the mime type.
    let word = word.to_ascii_lowercase();
    if word.contains("image") {
        MediaKind::Image
    } else if word.contains("audio") {
        MediaKind::Audio
    } else if word.contains("video") {
        MediaKind::Video
    } else if word.contains("document") {
        MediaKind::Document
    } else if let Some(kind) = by_mime {
        kind
    } else if matches!(mime, Some("application/pdf" | "text/plain" | "text/markdown" | "text/csv" | "text/html"))
        || format.is_some_and(|format| DOCUMENTS.iter().any(|(other, _)| *other == format))
    {
        MediaKind::Document
    } else {
        MediaKind::File
    }
}

const DOCUMENTS: &[(&str, &str)] = &[
    ("pdf", "application/pdf"),
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("html", "text/html"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
];

/// The mime type of a `format`, which is either one itself or a file's ending.
fn mime_of(kind: MediaKind, format: &str) -> Option<String> {
    let format = format.to_ascii_lowercase();
    if format.contains('/') {
        return Some(format);
    }
    let family = match kind {
        MediaKind::Image => "image",
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
        MediaKind::Document | MediaKind::File => {
            let (_, mime) = DOCUMENTS.iter().find(|(other, _)| *other == format)?;
            return Some((*mime).to_owned());
        }
    };
    let subtype = match format.as_str() {
        "jpg" => "jpeg",
        "mp3" | "mpg" => "mpeg",
        "mov" => "quicktime",
        "mkv" => "x-matroska",
        "three_gp" => "3gpp",
        other => other,
    };
    Some(format!("{family}/{subtype}"))
}

/// The mime type by the first bytes.
fn sniff(bytes: &[u8]) -> Option<&'static str> {
    const MAGIC: &[(usize, &[u8], &str)] = &[
        (0, b"\x89PNG\r\n\x1a\n", "image/png"),
        (0, b"\xff\xd8\xff", "image/jpeg"),
        (0, b"GIF8", "image/gif"),
        (8, b"WEBP", "image/webp"),
        (0, b"BM", "image/bmp"),
        (0, b"II*\0", "image/tiff"),
        (0, b"MM\0*", "image/tiff"),
        (0, b"%PDF-", "application/pdf"),
        (8, b"WAVE", "audio/wav"),
        (0, b"ID3", "audio/mpeg"),
        (0, b"\xff\xfb", "audio/mpeg"),
        (0, b"OggS", "audio/ogg"),
        (0, b"fLaC", "audio/flac"),
        (4, b"ftypavif", "image/avif"),
        (4, b"ftypheic", "image/heic"),
        (4, b"ftyp", "video/mp4"),
        (0, b"\x1a\x45\xdf\xa3", "video/webm"),
        (0, b"PK\x03\x04", "application/zip"),
    ];
    let (_, _, mime) =
        MAGIC.iter().find(|(at, magic, _)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(magic)))?;
    Some(mime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;

    const PNG: &str =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    fn media(kind: &str, text: &str) -> Option<(MediaKind, Option<String>, Option<String>, MediaData)> {
        let text = text.replace("PNG", PNG);
        part(kind, &json::parse(&text).unwrap()).map(|part| match part.content {
            Content::Media(media) => (media.kind, media.mime, media.name, media.data),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn the_bytes_of_every_api_are_found() {
        let png = MediaData::Inline(base64(PNG).unwrap());
        for (kind, text) in [
            ("image_url", r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,PNG"}}"#),
            ("image_url", r#"{"type":"image_url","image_url":"data:image/png;base64,PNG"}"#),
            ("input_image", r#"{"type":"input_image","image_url":"data:image/png;base64,PNG"}"#),
            ("image", r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"PNG"}}"#),
            ("image", r#"{"format":"png","source":{"bytes":"PNG"}}"#),
            ("image", r#"{"type":"image","format":"png","source":{"bytes":"PNG"}}"#),
            ("inlineData", r#"{"mimeType":"image/png","data":"PNG"}"#),
            ("inline_data", r#"{"mime_type":"image/png","data":"PNG"}"#),
            ("blob", r#"{"type":"blob","modality":"image","mime_type":"image/png","content":"PNG"}"#),
            ("image", r#"{"type":"image","image":"PNG","mediaType":"image/png"}"#),
            ("file", r#"{"type":"file","data":"PNG","mediaType":"image/png"}"#),
            ("image", r#"{"image":{"url":"data:image/png;base64,PNG"}}"#),
            ("binary", r#"{"type":"binary","media_type":"image/png","content":"PNG"}"#),
            ("binary", r#"{"kind":"binary","media_type":"image/png","binary_content":"PNG"}"#),
            ("image", r#"{"type":"image","source_type":"base64","mime_type":"image/png","data":"PNG"}"#),
            ("image", r#"{"type":"image","base64":"PNG"}"#),
            ("file", r#"{"type":"file","file":{"file_data":"data:image/png;base64,PNG"}}"#),
        ] {
            let mime = Some("image/png".to_owned());
            assert_eq!(media(kind, text), Some((MediaKind::Image, mime, None, png.clone())), "{text}");
        }
    }

    #[test]
    fn what_is_elsewhere_keeps_its_address() {
        for (kind, text, expected, uri) in [
            ("image_url", r#"{"image_url":{"url":"https://x/y.png"}}"#, MediaKind::Image, "https://x/y.png"),
            ("image", r#"{"source":{"type":"url","url":"https://x/y.png"}}"#, MediaKind::Image, "https://x/y.png"),
            (
                "document",
                r#"{"format":"pdf","name":"a","source":{"s3Location":{"uri":"s3://b/k"}}}"#,
                MediaKind::Document,
                "s3://b/k",
            ),
            ("fileData", r#"{"fileUri":"gs://b/k","mimeType":"video/mp4"}"#, MediaKind::Video, "gs://b/k"),
            (
                "uri",
                r#"{"type":"uri","modality":"image","uri":"https://x/y.png"}"#,
                MediaKind::Image,
                "https://x/y.png",
            ),
            ("file", r#"{"type":"file","modality":"audio","file_id":"f-1"}"#, MediaKind::Audio, "f-1"),
            ("file", r#"{"type":"file","file":{"file_id":"f-1","filename":"a.bin"}}"#, MediaKind::File, "f-1"),
            ("image-url", r#"{"kind":"image-url","url":"https://x/y"}"#, MediaKind::Image, "https://x/y"),
            (
                "image_url",
                r#"{"image_url":{"url":"@@@langfuseMedia:type=image/png|id=x|source=base64_data_uri@@@"}}"#,
                MediaKind::Image,
                "@@@langfuseMedia:type=image/png|id=x|source=base64_data_uri@@@",
            ),
            (
                "document",
                r#"{"source":{"type":"base64","data":"@@@langfuseMedia:type=application/pdf|id=x|source=bytes@@@"}}"#,
                MediaKind::Document,
                "@@@langfuseMedia:type=application/pdf|id=x|source=bytes@@@",
            ),
        ] {
            let (kind, _, _, data) = media(kind, text).unwrap();
            assert_eq!((kind, data), (expected, MediaData::Uri(uri.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_document_has_its_name_and_its_type() {
        let (kind, mime, name, data) =
            media("document", r#"{"format":"txt","name":"notes","source":{"bytes":"aGk="}}"#).unwrap();
        assert_eq!((kind, mime.as_deref(), name.as_deref()), (MediaKind::Document, Some("text/plain"), Some("notes")));
        assert_eq!(data, MediaData::Inline(b"hi".to_vec()));
        let text = r#"{"type":"document","source":{"type":"text","media_type":"text/plain","data":"as it is"}}"#;
        assert_eq!(media("document", text).unwrap().3, MediaData::Inline(b"as it is".to_vec()));
    }

    #[test]
    fn dumped_bytes_are_bytes_again() {
        for text in [
            r#"{"source":{"bytes":[104,105]}}"#,
            r#"{"source":{"bytes":{"0":104,"1":105}}}"#,
            r#"{"source":{"bytes":{"type":"Buffer","data":[104,105]}}}"#,
            r#"{"source":{"bytes":{"$bytes":"aGk="}}}"#,
            r#"{"source":{"bytes":"aG\nk"}}"#,
        ] {
            assert_eq!(media("image", text).unwrap().3, MediaData::Inline(b"hi".to_vec()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_left_to_the_caller() {
        assert_eq!(media("image", r#"{"source":{"bytes":"no base64!"}}"#), None);
        assert_eq!(media("image", r#"{"source":{"bytes":[1,"x"]}}"#), None);
    }

    #[test]
    fn a_hidden_image_is_there_and_hidden() {
        let part = part("image", &json::parse(r#"{"image":{"url":"__REDACTED__"}}"#).unwrap()).unwrap();
        assert!(part.hidden && matches!(part.content, Content::Media(Media { data: MediaData::Absent, .. })));
    }
}
