//! What was said: messages and their parts, in the one form that every dialect is read into.

use serde::{Deserialize, Serialize};

use super::{Value, deep};

/// One utterance. Its identity is its content: see [`super::ContentId`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    /// Who speaks, where the sender names one (an agent, a participant).
    pub name: Option<String>,
    /// In order. Never empty in what a dialect gives: a message of nothing is no message.
    pub parts: Vec<Part>,
}

impl Message {
    #[must_use]
    pub fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role, name: None, parts }
    }

    /// A message of one text.
    #[must_use]
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self::new(role, vec![Part::text(text)])
    }

    /// The texts of the message, one after another; reasoning, calls and results are not among them.
    #[must_use]
    pub fn plain_text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match &part.content {
            Content::Text(text) | Content::Refusal(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    System,
    User,
    Assistant,
    Tool,
}

impl Role {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// What a person asked in a text: without the blocks that a program is known to put before it, such as
/// `<environment_context>…</environment_context>`. Of a text that is nothing else, all of it. Any other element is what
/// the person wrote, or asks about: `<my-button>…</my-button>`.
#[must_use]
pub fn question_in(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(after) = behind_block(rest) {
        rest = after.trim_start();
    }
    if rest.trim().is_empty() { text } else { asking_field(rest).unwrap_or(rest) }
}

/// What a template of named fields asks: the field that is named so, else the first that is not blank. `None` where a text
/// is no such template:
///
/// ```text
///   [[ ## context ## ]]
///   Opening hours …
///
///   [[ ## question ## ]]
///   When do you open?
///
///   Respond with the corresponding output fields, …
/// ```
fn asking_field(text: &str) -> Option<&str> {
    const INSTRUCTIONS: &str = "\n\nRespond with the corresponding output fields";
    const ASKING: &[&str] =
        &["question", "query", "task", "request", "user_request", "user_message", "message", "input"];
    let fields = text.strip_prefix("[[ ## ")?.split("\n\n[[ ## ");
    let found = fields.filter_map(|field| {
        let (name, body) = field.split_once(" ## ]]\n").filter(|(name, _)| !name.contains('\n'))?;
        let value = body.split(INSTRUCTIONS).next().unwrap_or(body).trim();
        let rank = ASKING.iter().position(|asking| *asking == name).unwrap_or(ASKING.len());
        (!value.is_empty()).then_some((rank, value))
    });
    found.min_by_key(|(rank, _)| *rank).map(|(_, value)| value)
}

/// Whether a text is nothing but such blocks.
#[must_use]
pub fn is_aside(text: &str) -> bool {
    let mut rest = text.trim_start();
    while let Some(after) = behind_block(rest) {
        rest = after.trim_start();
    }
    rest.is_empty() && !text.trim().is_empty()
}

/// What follows the block that a text begins with.
fn behind_block(text: &str) -> Option<&str> {
    let (tag, body) = text.strip_prefix('<')?.split_once('>')?;
    if !is_of_programs(tag) {
        return None;
    }
    let end = body.find(&format!("</{tag}>"))?;
    body.get(end + tag.len() + 3..)
}

/// Whether a tag is one in which agents' programs put what they add to what a person asks.
fn is_of_programs(tag: &str) -> bool {
    const NAMES: &[&str] = &[
        "additional_data",
        "attached_files",
        "command-args",
        "command-message",
        "command-name",
        "current_file",
        "environment_details",
        "git_status",
        "ide_opened_file",
        "ide_selection",
        "local-command-caveat",
        "local-command-stderr",
        "local-command-stdout",
        "open_files",
        "project_layout",
        "system-reminder",
        "turn_aborted",
        "user-prompt-submit-hook",
        "user_info",
        "user_memories",
        "user_rules",
        "user_shell_command",
        "workspace_info",
    ];
    let is_name =
        tag.len() <= 64 && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    // `<environment_context>`, `<user_instructions>`: no element of HTML has such a name.
    is_name && (NAMES.contains(&tag) || tag.ends_with("_context") || tag.ends_with("_instructions"))
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub content: Content,
    /// The sender cut it.
    pub truncated: bool,
    /// The sender put a marker in its place (`__REDACTED__`, `<REDACTED>`, …).
    pub hidden: bool,
    /// A framework repeats here, in the user's name, what another agent said or did.
    pub relayed: bool,
    /// So many bytes at the end of a text are the sequence at which the model was to stop. One record of a message has
    /// it and another leaves it out, so it does not tell two messages apart.
    pub stop_bytes: u32,
}

impl Part {
    #[must_use]
    pub fn new(content: Content) -> Self {
        Self { content, truncated: false, hidden: false, relayed: false, stop_bytes: 0 }
    }

    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Text(text.into()))
    }

    /// What stands for content that was there and was not recorded.
    #[must_use]
    pub fn unrecorded() -> Self {
        Self { hidden: true, ..Self::text("") }
    }

    /// Whether it stands for content that was not recorded, by itself or as all of a result.
    #[must_use]
    pub fn is_unrecorded(&self) -> bool {
        match &self.content {
            Content::Text(text) => self.hidden && text.is_empty(),
            Content::Result(result) => result.is_unrecorded(),
            _ => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Content {
    Text(String),
    Reasoning(Reasoning),
    Call(ToolCall),
    Result(ToolResult),
    Media(Media),
    /// Structured content that is no text.
    Json(Value),
    Refusal(String),
    /// A block of no known form, as received.
    Unknown(Value),
}

/// What a model thought. Opaque reasoning has no text, and its data if that was carried.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reasoning {
    pub text: Option<String>,
    pub signature: Option<String>,
    pub form: ReasoningForm,
    /// The opaque data, decoded from base64 where it was that.
    pub data: Option<Vec<u8>>,
}

/// In which form a provider gives what a model thought. It is stored by its number: the first two are those of the
/// `redacted: bool` of earlier versions, and new ones go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ReasoningForm {
    /// As it was thought.
    #[default]
    Open,
    /// Nothing of it, or only data that the provider keeps hidden.
    Redacted,
    /// What the provider sums it up as.
    Summary,
    /// Only data that the provider can read when it is sent again.
    Encrypted,
    /// Nothing of it but a signature.
    Empty,
}

impl ReasoningForm {
    /// Whether no text of it is to be had.
    #[must_use]
    pub fn is_opaque(self) -> bool {
        matches!(self, Self::Redacted | Self::Encrypted | Self::Empty)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// What the call's result names. `None` also for placeholders such as `<not specified>`.
    pub id: Option<String>,
    /// The id of the item of a response that the call is, where an API gives items and calls ids of their own; no result
    /// names it.
    pub item_id: Option<String>,
    pub name: String,
    /// The arguments as JSON; the raw string where they do not parse.
    pub input: Value,
    /// Run by the provider itself (web search, code interpreter).
    pub server_side: bool,
}

impl ToolCall {
    /// The id by which the call is known: its own, else that of its item.
    #[must_use]
    pub fn known_id(&self) -> Option<&str> {
        self.id.as_deref().or(self.item_id.as_deref())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolResult {
    pub call_id: Option<String>,
    pub name: Option<String>,
    /// `None` where the sender does not say.
    pub is_error: Option<bool>,
    /// Text, JSON and media.
    #[serde(deserialize_with = "deep::deserialize")]
    pub content: Vec<Part>,
}

impl ToolResult {
    /// Whether it is only known that something was returned.
    #[must_use]
    pub fn is_unrecorded(&self) -> bool {
        !self.content.is_empty() && self.content.iter().all(Part::is_unrecorded)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Media {
    pub kind: MediaKind,
    /// As the sender states it, else recognised from the first bytes.
    pub mime: Option<String>,
    pub name: Option<String>,
    pub data: MediaData,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MediaKind {
    Image,
    Audio,
    Video,
    Document,
    File,
}

impl MediaKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Document => "document",
            Self::File => "file",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MediaData {
    /// The decoded bytes; the store keeps them once by their hash.
    Inline(Vec<u8>),
    /// Bytes that the store holds apart: their number and SHA-256, and an image's width and height, where its first
    /// bytes tell them.
    Stored { bytes: u64, sha256: [u8; 32], pixels: Option<(u32, u32)> },
    /// A URL, an `s3://` address, a file id.
    Uri(String),
    /// The sender said there is one, and nothing more.
    Absent,
}

/// Senders choose the type, so no part of it becomes a file's name.
pub fn extension(mime: &str) -> &'static str {
    let kind = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/svg+xml" => "svg",
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
        "audio/ogg" => "ogg",
        "audio/flac" => "flac",
        "video/mp4" => "mp4",
        "video/webm" => "webm",
        "video/quicktime" => "mov",
        "application/pdf" => "pdf",
        "application/json" => "json",
        "application/zip" => "zip",
        "application/msword" => "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "text/plain" => "txt",
        "text/html" => "html",
        "text/csv" => "csv",
        "text/markdown" => "md",
        _ => "bin",
    }
}

/// A tool that was offered to a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolDefinition {
    pub name: String,
    pub description: Option<String>,
    /// A JSON Schema.
    pub parameters: Option<Value>,
}

impl ToolDefinition {
    /// About how many bytes of text it is.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.name.len()
            + self.description.as_ref().map_or(0, String::len)
            + self.parameters.as_ref().map_or(0, Value::weight)
    }
}

/// About how many tokens so many bytes of text are, for the tokenizers of all vendors and for prose and JSON alike.
#[must_use]
pub fn about_tokens(bytes: usize) -> u64 {
    const BYTES_OF_A_TOKEN: usize = 4;
    bytes.div_ceil(BYTES_OF_A_TOKEN) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_puts_before_a_question_is_not_the_question() {
        let context = "<environment_context>\n<cwd>/tmp</cwd>\n</environment_context>";
        assert_eq!(
            question_in(&format!("{context}\n<system-reminder>x</system-reminder> What is this?\n")),
            "What is this?\n"
        );
        assert_eq!((question_in(context), is_aside(context)), (context, true));
        assert_eq!(question_in("<user_instructions>Be brief.</user_instructions>\nWhy?"), "Why?");
        let fields = "[[ ## context ## ]]\nHours\n\n[[ ## question ## ]]\nWhen do\n\nyou open?\n\nRespond with the \
            corresponding output fields, starting with the field `[[ ## answer ## ]]`.";
        assert_eq!(question_in(fields), "When do\n\nyou open?");
        assert_eq!(question_in("[[ ## text ## ]]\nOpen?\n\n[[ ## trajectory ## ]]\n\n\nRespond with"), "Open?");
        for text in ["[[ ## question", "[[ ## a ## ]]\n", "What is [[ ## a ## ]]\nb?"] {
            assert_eq!(question_in(text), text);
        }
        for text in [
            "<my-button>Save</my-button> why is this not clickable?",
            "<order_item>\n1\n</order_item>\nIs this valid?",
            "<x-card>a</x-card>",
        ] {
            assert_eq!((question_in(text), is_aside(text)), (text, false));
        }
        for text in ["<b>bold</b> words", "<open_tag> and no end", "a <x_y>b</x_y>", ""] {
            assert_eq!((question_in(text), is_aside(text)), (text, false));
        }
    }
}
