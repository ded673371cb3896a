//! About how many tokens texts are: an estimate by their length, always shown as one (`~`).

use super::parts;
use crate::app::format;
use crate::model::Part;
pub use crate::model::about_tokens as of_bytes;

/// About how many bytes of text parts are. Media count for nothing: what they take depends on the model.
pub fn bytes_of_parts(parts: &[Part]) -> usize {
    parts.iter().filter(|part| !parts::is_media(part)).map(parts::weight).sum()
}

/// `~2.1k`.
pub fn about(tokens: u64) -> String {
    format!("~{}", format::count(tokens))
}
