//! Reasoning in every spelling: its text, a signature, or data that only the provider can read
//! (`messages.md` 3).

use super::{
    calls::{first, first_str},
    maybe_json::MaybeJson,
    media, parts, redaction_markers,
};
use crate::model::{Content, Part, Reasoning, ReasoningForm, Value};

/// Reads reasoning. An empty stand-in for hidden reasoning, with nothing in it, is no part, but Bedrock's: of a stream an
/// SDK may put together the texts of blocks only, so that what was redacted is a block without one.
pub fn reasoning(kind: &str, map: &Value) -> Option<Part> {
    let mut found = Reasoning::default();
    gather(map, &mut found);
    let opaque = found.data.is_some() || found.signature.is_some() || kind.starts_with("redacted");
    if found.text.is_none() && !opaque {
        let block = map.get("reasoningContent").unwrap_or(map);
        let block = block.get("reasoningText").and_then(|text| text.get("text")?.as_str());
        let redacted = Reasoning { form: ReasoningForm::Redacted, ..Reasoning::default() };
        return block.map(|_| Part::new(Content::Reasoning(redacted)));
    }
    if found.text.is_none() {
        found.form = match (kind.starts_with("redacted"), found.form, &found.data) {
            (false, ReasoningForm::Encrypted, Some(_)) => ReasoningForm::Encrypted,
            (false, _, None) => ReasoningForm::Empty,
            _ => ReasoningForm::Redacted,
        };
    } else if found.form != ReasoningForm::Summary {
        found.form = ReasoningForm::Open;
    }
    let marks = found.text.as_deref().and_then(parts::text);
    let (truncated, hidden) = marks.map_or((false, false), |part| (part.truncated, part.hidden));
    Some(Part { truncated, hidden, ..Part::new(Content::Reasoning(found)) })
}

/// The keys under which reasoning stands beside the content of a message: first those of blocks, which have signatures and
/// what only the provider can read, then those of texts.
///
/// ```text
///   LiteLLM       {"reasoning_content": "hm", "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}]}
///   OpenRouter    {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.encrypted", "data": "aGk="}]}
///   Langfuse      {"thinking": [{"type": "thinking", "content": "hm"}]}
/// ```
pub const BESIDE: &[&str] = &["thinking_blocks", "reasoning_details", "reasoning_content", "reasoning", "thinking"];

/// The reasoning beside the content of a message, under the first of [`BESIDE`] that has any.
pub fn beside(message: &Value) -> Vec<Part> {
    let of = |key: &&str| Some(any(message.get(key)?)).filter(|parts| !parts.is_empty());
    let found = BESIDE.iter().find_map(of).unwrap_or_default();
    // A list of nothing but opaque data leaves the text that stands in another field.
    let is_opaque = |part: &Part| matches!(&part.content, Content::Reasoning(thought) if thought.text.is_none());
    let words = || first_str(message, &["reasoning_content", "reasoning", "thinking"]);
    match words().filter(|_| !found.is_empty() && found.iter().all(is_opaque)) {
        Some(words) => std::iter::once(parts::thought(words)).chain(found).collect(),
        None => found,
    }
}

/// Reasoning in a value of any form: a text, a block, a list of them. A block of no known form is kept as it is.
pub fn any(value: &Value) -> Vec<Part> {
    match value {
        Value::String(words) if !words.is_empty() => vec![parts::thought(words)],
        Value::Array(items) => items.iter().flat_map(any).collect(),
        Value::Map(entries) => {
            let kind = value.str("type").unwrap_or_default();
            // `{"effort": "low"}` is what was asked for.
            let is_nothing = |(key, value): &(String, Value)| {
                value.is_empty() || matches!(key.as_str(), "type" | "id" | "index" | "format" | "effort" | "summary")
            };
            let unknown = || (!entries.iter().all(is_nothing)).then(|| Part::new(Content::Unknown(value.clone())));
            // A thought with nothing in it is none, and no block of an unknown form either.
            let has_text =
                ["text", "thinking", "reasoning", "content", "data"].iter().any(|key| value.get(key).is_some());
            let form = match kind {
                "reasoning.encrypted" => Some(ReasoningForm::Encrypted),
                "reasoning.summary" => Some(ReasoningForm::Summary),
                _ => None,
            };
            let found = reasoning(kind, value).map(|mut part| {
                if let (Content::Reasoning(thought), Some(form)) = (&mut part.content, form) {
                    thought.form = form;
                }
                part
            });
            found.or_else(|| if has_text { None } else { unknown() }).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn gather(map: &Value, found: &mut Reasoning) {
    if let Some(words) = map.as_str() {
        think(words, found);
    }
    for (key, value) in map.as_map().unwrap_or_default() {
        match (key.as_str(), value) {
            ("content", Value::String(words)) if words.starts_with('[') => match MaybeJson::of(value) {
                // OpenLLMetry keeps the Responses API's summary as JSON.
                MaybeJson::Data(data) => summary(&data, found),
                _ => think(words, found),
            },
            ("text" | "thinking" | "reasoning" | "thought" | "content" | "summary", Value::String(words)) => {
                think(words, found);
            }
            ("signature" | "thoughtSignature" | "thought_signature", Value::String(words))
                if !words.is_empty() && !redaction_markers::is_hidden(words) =>
            {
                found.signature = Some(words.clone());
            }
            ("data" | "encrypted_content" | "redactedContent" | "redacted_content", value) => {
                found.data = opaque(value).or(found.data.take());
                if key == "encrypted_content" && found.form == ReasoningForm::Open {
                    found.form = ReasoningForm::Encrypted;
                }
            }
            // The AI SDK keeps what only the provider understands by the provider's name.
            ("providerOptions" | "providerMetadata", Value::Map(providers)) => {
                let metadata = providers.iter().filter(|(_, metadata)| metadata.as_map().is_some());
                metadata.for_each(|(_, metadata)| of_provider(metadata, found));
            }
            // LangChain writes Bedrock's blocks with its own kind of names.
            (
                "reasoningText" | "content" | "reasoningContent" | "reasoning_content" | "reasoning_text",
                Value::Map(_),
            ) => gather(value, found),
            ("summary" | "content", Value::Array(_)) => {
                let is_summary = key == "summary" && !value.is_empty();
                if is_summary {
                    found.form = ReasoningForm::Summary;
                }
                summary(value, found);
            }
            _ => {}
        }
    }
}

/// Adds a provider's own metadata of reasoning: signature and opaque data. The text stands elsewhere.
fn of_provider(metadata: &Value, found: &mut Reasoning) {
    let signed = first_str(metadata, &["signature", "thoughtSignature"]).map(str::to_owned);
    found.signature = found.signature.take().or(signed);
    let data = first(metadata, &["redactedData", "reasoningEncryptedContent", "redactedContent"]).and_then(opaque);
    if data.is_some() && metadata.get("reasoningEncryptedContent").is_some() && found.form == ReasoningForm::Open {
        found.form = ReasoningForm::Encrypted;
    }
    found.data = found.data.take().or(data);
}

fn think(words: &str, found: &mut Reasoning) {
    if words.is_empty() {
        return;
    }
    match &mut found.text {
        Some(before) => {
            before.push_str("\n\n");
            before.push_str(words);
        }
        None => found.text = Some(words.to_owned()),
    }
}

fn summary(list: &Value, found: &mut Reasoning) {
    for item in list.as_array().unwrap_or_default() {
        if item.str("type") == Some("summary_text") {
            found.form = ReasoningForm::Summary;
        }
        if let Some(words) = item.as_str().or_else(|| first_str(item, &["text", "content"])) {
            think(words, found);
        }
    }
}

/// Data that only the provider can read: decoded where it is base64, else as it is.
fn opaque(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(words) if words.is_empty() => None,
        Value::String(words) => Some(media::base64(words).unwrap_or_else(|| words.as_bytes().to_vec())),
        Value::Bytes(bytes) if !bytes.is_empty() => Some(bytes.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parts, sample};

    #[test]
    fn the_form_of_reasoning_is_told_by_how_it_is_carried() {
        use crate::model::{
            Content,
            ReasoningForm::{self, Empty, Encrypted, Open, Redacted, Summary},
        };
        let form = |text: &str| -> ReasoningForm {
            let mut found = Vec::new();
            parts::content(&sample::value(text), &mut found);
            match &found[0].content {
                Content::Reasoning(reasoning) => reasoning.form,
                other => panic!("{other:?}"),
            }
        };
        for (text, wanted) in [
            (r#"{"type":"thinking","thinking":"hm","signature":"s"}"#, Open),
            (r#"{"type":"reasoning","content":"hm"}"#, Open),
            (
                r#"{"type":"reasoning","encrypted_content":"aGk=","summary":[{"type":"summary_text","text":"hm"}]}"#,
                Summary,
            ),
            (r#"{"type":"reasoning","content":"[{\"text\": \"hm\", \"type\": \"summary_text\"}]"}"#, Summary),
            (r#"{"type":"reasoning","content":[{"type":"reasoning_text","text":"hm"}]}"#, Open),
            (r#"{"type":"reasoning","summary":[],"encrypted_content":"aGk="}"#, Encrypted),
            (r#"{"type":"reasoning","encrypted_content":"aGk=","summary":[]}"#, Encrypted),
            (r#"{"type":"redacted_thinking","data":"aGk="}"#, Redacted),
            (r#"{"reasoningContent":{"redactedContent":"aGk="}}"#, Redacted),
            (r#"{"type":"thinking","thinking":"","signature":"s"}"#, Empty),
        ] {
            assert_eq!(form(text), wanted, "{text}");
        }
    }

    /// The parts of a content that is JSON, in words.
    fn parts_of(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        parts::content(&sample::value(text), &mut found);
        found.iter().map(sample::part).collect()
    }

    #[test]
    fn every_spelling_of_reasoning_is_read() {
        for text in [
            r#"{"type":"reasoning","content":"hm"}"#,
            r#"{"type":"thinking","thinking":"hm","signature":"s"}"#,
            r#"{"type":"thinking","content":"hm"}"#,
            r#"{"kind":"thinking","text":"hm"}"#,
            r#"{"reasoningContent":{"reasoningText":{"text":"hm","signature":"s"}}}"#,
            r#"{"type":"reasoningContent","content":{"reasoningText":{"text":"hm"}}}"#,
            r#"{"type":"reasoning_content","reasoning_content":{"text":"hm","signature":"s"}}"#,
            r#"{"reasoning":{"text":"hm","signature":"s"}}"#,
            r#"{"thought":true,"text":"hm","thoughtSignature":"s"}"#,
            r#"{"type":"reasoning","text":"hm"}"#,
            r#"{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"aGk="}"#,
            r#"{"type":"reasoning","content":"[{\"text\": \"hm\", \"type\": \"summary_text\"}]"}"#,
        ] {
            assert_eq!(parts_of(text), ["(thought) hm"], "{text}");
        }
        for text in [
            r#"{"type":"redacted_thinking","data":"aGk="}"#,
            r#"{"type":"redacted-reasoning","data":"aGk="}"#,
            r#"{"reasoningContent":{"redactedContent":"aGk="}}"#,
            r#"{"type":"reasoning","summary":[],"encrypted_content":"aGk="}"#,
        ] {
            assert_eq!(parts_of(text), ["(opaque 2)"], "{text}");
        }
        assert_eq!(parts_of(r#"{"type":"thinking","thinking":"","signature":"s"}"#), ["(opaque 0)"]);
        assert_eq!(parts_of(r#"{"type":"anthropic_redacted_thinking"}"#), ["(opaque 0)"]);
        assert_eq!(parts_of(r#"{"reasoningContent":{"reasoningText":{"text":""}}}"#), ["(opaque 0)"]);
        assert_eq!(parts_of(r#"{"reasoningContent":{}}"#), [""; 0]);
    }
}
