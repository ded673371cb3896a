//! About how many tokens texts are: an estimate by their length, always shown as one (`~`).

use super::{json, parts};
use crate::app::format;
use crate::model::{Part, ToolDefinition};

/// Bytes of text that are about one token, for the tokenizers of all vendors and for prose and JSON alike.
const BYTES: usize = 4;

/// About how many tokens so many bytes of text are.
pub fn of_bytes(bytes: usize) -> u64 {
    bytes.div_ceil(BYTES) as u64
}

/// About how many bytes of text parts are. Media count for nothing: what they take depends on the model.
pub fn bytes_of_parts(parts: &[Part]) -> usize {
    parts.iter().filter(|part| !parts::is_media(part)).map(parts::weight).sum()
}

/// About how many bytes of text the definition of a tool is.
pub fn bytes_of_tool(tool: &ToolDefinition) -> usize {
    tool.name.len()
        + tool.description.as_ref().map_or(0, String::len)
        + tool.parameters.as_ref().map_or(0, json::weight)
}

/// `~2.1k`.
pub fn about(tokens: u64) -> String {
    format!("~{}", format::count(tokens))
}
