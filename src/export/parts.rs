//! Parts of messages, and what they are made of: values and media.

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};
use sha2::{Digest as _, Sha256};

use crate::model::{Attributes, Content, Media, MediaData, MediaKind, Part, Reasoning, ToolCall, ToolResult, Value};

/// A list of parts.
pub struct Parts<'a>(pub &'a [Part]);

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Of a result that was not recorded nothing is said, as of a prompt that was not; but whether it is an error.
        let is_unsaid = |result: &ToolResult| result.is_error.is_none() && result.is_unrecorded();
        let is_said = |part: &&Part| !matches!(&part.content, Content::Result(result) if is_unsaid(result));
        serializer.collect_seq(self.0.iter().filter(is_said).map(PartForm))
    }
}

struct PartForm<'a>(&'a Part);

impl Serialize for PartForm<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.0.content {
            Content::Text(text) => {
                map.serialize_entry("type", "text")?;
                map.serialize_entry("text", text)?;
            }
            Content::Reasoning(reasoning) => reasoning_fields(&mut map, reasoning)?,
            Content::Call(call) => call_fields(&mut map, call)?,
            Content::Result(result) => result_fields(&mut map, result)?,
            Content::Media(media) => media_fields(&mut map, media)?,
            Content::Json(value) => {
                map.serialize_entry("type", "json")?;
                map.serialize_entry("value", &Plain(value))?;
            }
            Content::Refusal(text) => {
                map.serialize_entry("type", "refusal")?;
                map.serialize_entry("text", text)?;
            }
            Content::Unknown(value) => {
                map.serialize_entry("type", "unknown")?;
                map.serialize_entry("raw", &Plain(value))?;
            }
        }
        if self.0.truncated {
            map.serialize_entry("truncated", &true)?;
        }
        if self.0.hidden {
            map.serialize_entry("hidden", &true)?;
        }
        map.end()
    }
}

fn reasoning_fields<M: SerializeMap>(map: &mut M, reasoning: &Reasoning) -> Result<(), M::Error> {
    let data = reasoning.data.as_deref();
    map.serialize_entry("type", "reasoning")?;
    map.serialize_entry("text", &reasoning.text)?;
    map.serialize_entry("signature", &reasoning.signature)?;
    map.serialize_entry("redacted", &reasoning.form.is_opaque())?;
    map.serialize_entry("bytes", &data.map(<[u8]>::len))?;
    map.serialize_entry("sha256", &data.map(sha256))
}

fn call_fields<M: SerializeMap>(map: &mut M, call: &ToolCall) -> Result<(), M::Error> {
    map.serialize_entry("type", "tool_call")?;
    map.serialize_entry("call_id", &call.known_id())?;
    map.serialize_entry("name", &call.name)?;
    map.serialize_entry("input", &Plain(&call.input))?;
    map.serialize_entry("server_side", &call.server_side)
}

fn result_fields<M: SerializeMap>(map: &mut M, result: &ToolResult) -> Result<(), M::Error> {
    map.serialize_entry("type", "tool_result")?;
    map.serialize_entry("call_id", &result.call_id)?;
    map.serialize_entry("name", &result.name)?;
    map.serialize_entry("is_error", &result.is_error)?;
    map.serialize_entry("content", &Parts(&result.content))
}

fn media_fields<M: SerializeMap>(map: &mut M, media: &Media) -> Result<(), M::Error> {
    let mut described = match &media.data {
        MediaData::Inline(data) => Described::of(data),
        MediaData::Stored { bytes, sha256, pixels: _ } => {
            Described { bytes: Some(*bytes), sha256: Some(hex::encode(sha256)), ..Described::default() }
        }
        MediaData::Uri(uri) => Described { uri: Some(uri), ..Described::default() },
        MediaData::Absent => Described::default(),
    };
    described.mime = media.mime.as_deref().or(described.mime);
    described.name = media.name.as_deref();
    described.fields(map, media.kind)
}

/// What is said of media in place of their bytes.
#[derive(Default)]
struct Described<'a> {
    mime: Option<&'a str>,
    name: Option<&'a str>,
    bytes: Option<u64>,
    sha256: Option<String>,
    uri: Option<&'a str>,
}

impl Described<'_> {
    fn of(data: &[u8]) -> Self {
        Self { mime: mime(data), bytes: Some(data.len() as u64), sha256: Some(sha256(data)), ..Self::default() }
    }

    fn fields<M: SerializeMap>(&self, map: &mut M, kind: MediaKind) -> Result<(), M::Error> {
        map.serialize_entry("type", kind.as_str())?;
        map.serialize_entry("mime", &self.mime)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("bytes", &self.bytes)?;
        map.serialize_entry("sha256", &self.sha256)?;
        map.serialize_entry("uri", &self.uri)
    }
}

/// Attributes as one object; of a name sent twice the last value.
pub struct AttributesForm<'a>(pub &'a Attributes);

impl Serialize for AttributesForm<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut entries = self.0.iter().peekable();
        while let Some((name, value)) = entries.next() {
            if entries.peek().is_none_or(|(next, _)| *next != name) {
                map.serialize_entry(name, &Plain(value))?;
            }
        }
        map.end()
    }
}

/// A value as the JSON it is; bytes, which JSON has not, as media.
pub struct Plain<'a>(pub &'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(yes) => serializer.serialize_bool(*yes),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::UInt(number) => serializer.serialize_u64(*number),
            Value::Double(number) => serializer.serialize_f64(*number),
            Value::String(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) => {
                let mut map = serializer.serialize_map(None)?;
                let described = Described::of(bytes);
                described.fields(&mut map, kind_of(described.mime))?;
                map.end()
            }
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Plain(item))?;
                }
                list.end()
            }
            Value::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, &Plain(value))?;
                }
                map.end()
            }
        }
    }
}

/// What data says that it is by how it begins.
fn mime(data: &[u8]) -> Option<&'static str> {
    /// How it begins, where in it something else follows, and what that is.
    const BEGINNINGS: &[(&[u8], usize, &[u8], &str)] = &[
        (b"\x89PNG\r\n\x1a\n", 0, b"", "image/png"),
        (b"\xff\xd8\xff", 0, b"", "image/jpeg"),
        (b"GIF8", 0, b"", "image/gif"),
        (b"RIFF", 8, b"WEBP", "image/webp"),
        (b"RIFF", 8, b"WAVE", "audio/wav"),
        (b"ID3", 0, b"", "audio/mpeg"),
        (b"OggS", 0, b"", "audio/ogg"),
        (b"fLaC", 0, b"", "audio/flac"),
        (b"", 4, b"ftypM4A", "audio/mp4"),
        (b"", 4, b"ftypavif", "image/avif"),
        (b"", 4, b"ftyphei", "image/heic"),
        (b"", 4, b"ftyp", "video/mp4"),
        (b"\x1aE\xdf\xa3", 0, b"", "video/webm"),
        (b"%PDF-", 0, b"", "application/pdf"),
        (b"PK\x03\x04", 0, b"", "application/zip"),
    ];
    let begins = |(first, at, then, _): &&(&[u8], usize, &[u8], &str)| {
        data.starts_with(first) && data.get(*at..).is_some_and(|rest| rest.starts_with(then))
    };
    BEGINNINGS.iter().find(begins).map(|(.., mime)| *mime)
}

fn kind_of(mime: Option<&str>) -> MediaKind {
    match mime.and_then(|mime| mime.split('/').next()) {
        Some("image") => MediaKind::Image,
        Some("audio") => MediaKind::Audio,
        Some("video") => MediaKind::Video,
        _ if mime == Some("application/pdf") => MediaKind::Document,
        _ => MediaKind::File,
    }
}

fn sha256(data: &[u8]) -> String {
    hex::encode(Sha256::digest(data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ReasoningForm;

    fn json(form: &impl Serialize) -> String {
        serde_json::to_string(form).unwrap()
    }

    #[test]
    fn attributes_keep_their_types_and_bytes_are_described() {
        let entries = [
            ("whole", Value::Double(5.0)),
            ("again", Value::Int(1)),
            ("again", Value::from("2")),
            ("list", Value::Array(vec![Value::Bool(true), Value::Null])),
            ("map", Value::Map(vec![("k".into(), Value::Int(i64::MIN))])),
            ("picture", Value::Bytes(b"\x89PNG\r\n\x1a\n".to_vec())),
        ];
        let attributes = entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let expected = concat!(
            r#"{"again":"2","list":[true,null],"map":{"k":-9223372036854775808},"#,
            r#""picture":{"type":"image","mime":"image/png","name":null,"bytes":8,"#,
            r#""sha256":"4c4b6a3be1314ab86138bef4314dde022e600960d8689a2c8f8631802d20dab6","uri":null},"whole":5.0}"#
        );
        assert_eq!(json(&AttributesForm(&attributes)), expected);
    }

    #[test]
    fn every_kind_of_part_has_its_fields() {
        let media = |data| Content::Media(Media { kind: MediaKind::File, mime: None, name: Some("n".into()), data });
        let opaque = Reasoning { form: ReasoningForm::Redacted, data: Some(b"hi".to_vec()), ..Reasoning::default() };
        let hash = "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4";
        let call =
            ToolCall { id: None, item_id: None, name: "t".into(), input: Value::from("{cut"), server_side: true };
        let result =
            ToolResult { call_id: Some("c".into()), name: None, is_error: None, content: vec![Part::text("42")] };
        let cases = [
            (Content::Text("\u{1b}".into()), r#"{"type":"text","text":"\u001b"}"#.to_owned()),
            (
                Content::Reasoning(opaque),
                format!(
                    r#"{{"type":"reasoning","text":null,"signature":null,"redacted":true,"bytes":2,"sha256":"{hash}"}}"#
                ),
            ),
            (
                Content::Call(call),
                r#"{"type":"tool_call","call_id":null,"name":"t","input":"{cut","server_side":true}"#.to_owned(),
            ),
            (
                Content::Result(result),
                r#"{"type":"tool_result","call_id":"c","name":null,"is_error":null,"content":[{"type":"text","text":"42"}]}"#
                    .to_owned(),
            ),
            (
                media(MediaData::Inline(b"hi".to_vec())),
                format!(r#"{{"type":"file","mime":null,"name":"n","bytes":2,"sha256":"{hash}","uri":null}}"#),
            ),
            (
                media(MediaData::Uri("s3://b/k".into())),
                r#"{"type":"file","mime":null,"name":"n","bytes":null,"sha256":null,"uri":"s3://b/k"}"#.to_owned(),
            ),
            (Content::Json(Value::Array(vec![])), r#"{"type":"json","value":[]}"#.to_owned()),
            (Content::Refusal("no".into()), r#"{"type":"refusal","text":"no"}"#.to_owned()),
            (Content::Unknown(Value::Null), r#"{"type":"unknown","raw":null}"#.to_owned()),
        ];
        for (what, expected) in cases {
            assert_eq!(json(&PartForm(&Part::new(what))), expected);
        }
        let given =
            ToolResult { call_id: Some("c".into()), name: None, is_error: None, content: vec![Part::unrecorded()] };
        assert_eq!(json(&Parts(&[Part::new(Content::Result(given.clone()))])), "[]");
        let failed = ToolResult { is_error: Some(true), ..given };
        assert!(
            json(&Parts(&[Part::new(Content::Result(failed))]))
                .contains(r#""call_id":"c","name":null,"is_error":true"#)
        );
        let cut = Part { truncated: true, hidden: true, ..Part::text("") };
        assert_eq!(json(&Parts(&[cut])), r#"[{"type":"text","text":"","truncated":true,"hidden":true}]"#);
    }
}
