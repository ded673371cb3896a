//! Parts of messages as the truth and the transcript state them, in one form that can be compared.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::replay::{list, squash};

/// A part of a message that a transcript shows.
#[derive(Debug, Clone)]
pub struct Shown {
    pub role: String,
    /// The message's number within its trace: parts of one message share it.
    pub message: usize,
    pub content: Content,
}

#[derive(Debug, Clone)]
pub enum Content {
    /// As it is, white space included.
    Text(String),
    /// `None` where it is redacted.
    Reasoning {
        text: Option<String>,
        signature: Option<String>,
    },
    Call {
        name: String,
        id: Option<String>,
        input: Value,
    },
    Result {
        id: Option<String>,
        output: String,
        is_error: Option<bool>,
    },
    Media {
        sha256: Option<String>,
        bytes: Option<u64>,
    },
    /// A block of no known form: the truth knows none of these.
    Unknown(String),
}

/// A part of a message that happened, and what a transcript may make of it.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub role: String,
    pub message: usize,
    pub content: WantedContent,
    /// The telemetry holds it; what it does not hold may be missing.
    pub is_carried: bool,
    /// The telemetry holds it as a plain text of this wording, which may be shown instead.
    pub as_text: Option<String>,
}

#[derive(Debug, Clone)]
pub enum WantedContent {
    Text(String),
    /// A long text of which the truth holds only the hash.
    Hash {
        sha256: String,
        start: String,
    },
    Reasoning {
        text: Option<String>,
        signature: Option<String>,
    },
    /// `None`: the telemetry does not hold it.
    Call {
        name: String,
        id: Option<String>,
        input: Option<Value>,
    },
    /// Any of the outputs will do, and of a failed tool what holds the error.
    Result {
        id: Option<String>,
        outputs: Vec<String>,
        errors: Vec<String>,
        is_error: Option<bool>,
    },
    Media {
        sha256: Option<String>,
        bytes: Option<u64>,
    },
}

impl Wanted {
    /// Whether a shown part that is no text is this one.
    pub fn is(&self, shown: &Shown) -> bool {
        if self.role != shown.role {
            return false;
        }
        match (&self.content, &shown.content) {
            (
                WantedContent::Reasoning { text, signature },
                Content::Reasoning { text: shown, signature: shown_signature },
            ) => {
                let agree = signature.is_none() || shown_signature.is_none() || signature == shown_signature;
                agree && text.as_deref().map(squash) == shown.as_deref().map(squash)
            }
            (
                WantedContent::Call { name, id, input },
                Content::Call { name: shown, id: shown_id, input: shown_input },
            ) => {
                let same_id = id.is_none() || id == shown_id;
                let same_input = input.as_ref().is_none_or(|input| normal(input) == normal(shown_input));
                name == shown && same_id && same_input
            }
            (
                WantedContent::Result { id, outputs, errors, is_error },
                Content::Result { id: shown_id, output, is_error: shown_error },
            ) => {
                let same_id = id.is_none() || id == shown_id;
                let same_error = is_error.is_none() || shown_error.is_none() || is_error == shown_error;
                let same_output = outputs.iter().any(|wanted| unwrapped(wanted) == unwrapped(output));
                let names_error = errors.iter().any(|error| squash(output).contains(&squash(error)));
                same_id && same_error && (same_output || names_error)
            }
            (WantedContent::Media { sha256, bytes }, Content::Media { sha256: shown, bytes: shown_bytes }) => {
                // Where no hash is known, the length of the base64 was: it may be off by its padding.
                let near = |(left, right): (u64, u64)| left.abs_diff(right) <= 2;
                if sha256.is_some() { sha256 == shown } else { bytes.zip(*shown_bytes).is_some_and(near) }
            }
            _ => false,
        }
    }

    /// What it reads as, white space aside, where it is shown as a text.
    pub fn wording(&self) -> Option<String> {
        match &self.content {
            WantedContent::Text(text) => Some(squash(text)),
            _ => self.as_text.as_deref().map(squash),
        }
    }

    /// Whether a text may have this role: a result that is carried as a text may be a user's.
    pub fn has_role(&self, role: &str) -> bool {
        self.role == role || (self.as_text.is_some() && self.role == "tool" && role == "user")
    }

    pub fn has_hash_of(&self, text: &str) -> bool {
        let WantedContent::Hash { sha256, .. } = &self.content else { return false };
        let hash: Vec<u8> = sha256
            .as_bytes()
            .chunks(2)
            .map(|hex| u8::from_str_radix(&String::from_utf8_lossy(hex), 16).unwrap())
            .collect();
        [text, text.trim(), &format!("{}\n", text.trim_end())].iter().any(|text| Sha256::digest(text)[..] == hash)
    }
}

/// JSON in which `1` and `1.0` are equal.
fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), normal(value))).collect(),
        other => other.clone(),
    }
}

/// A tool's output without what frameworks put around it: a string of JSON, a map with one key, a list of texts.
fn unwrapped(output: &str) -> Value {
    let mut value = Value::from(output);
    for _ in 0..6 {
        let inner = match &value {
            Value::String(text) => serde_json::from_str(text).ok().filter(|inner: &Value| !inner.is_number()),
            Value::Object(entries) if entries.len() == 1 => {
                ["result", "output", "error", "content"].iter().find_map(|key| entries.get(*key)).cloned()
            }
            Value::Array(parts) if !parts.is_empty() && parts.iter().all(|part| part["type"] == "text") => {
                Some(parts.iter().filter_map(|part| part["text"].as_str()).collect::<String>().into())
            }
            _ => None,
        };
        let Some(inner) = inner else { break };
        value = inner;
    }
    value.as_str().map(squash).map_or_else(|| normal(&value), Value::from)
}

/// The texts and values of a tool result, one after another; media by their hash.
pub fn output(parts: &Value) -> String {
    let one = |part: &Value| match part["type"].as_str().unwrap_or_default() {
        "text" | "refusal" => part["text"].as_str().unwrap_or_default().to_owned(),
        "json" => part["value"].to_string(),
        "unknown" => part["raw"].to_string(),
        _ => format!("<{}>", part["sha256"]),
    };
    list(parts).iter().map(one).collect()
}

pub fn owned(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
