//! Markers in the place of hidden content, and signs that a text was truncated: `values.md` 4.

/// Whole texts that stand for content which is not shown.
const HIDDEN: &[&str] = &[
    "__REDACTED__",
    "<REDACTED>",
    "[REDACTED]",
    "(redacted)",
    "[content redacted]",
    "<replaced>",
    "<not serializable>",
];

const CUT: &[&str] =
    &["...[truncated]", "… [truncated]", "…[truncated]", "... (truncated)", "… (truncated)", "[TRUNCATED]"];

/// Where `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT` and exporters are known to cut.
const LIMITS: &[usize] = &[128, 256, 1024, 4096, 8192, 12_000, 16_384, 65_535];

/// `...[truncated, original 3308 chars]`: what stands before the number, and after it.
const CUT_OF: (&str, &str) = ("[truncated, original ", " chars]");

/// Longer texts are content; the longest marker names a pattern: `[Scrubbed due to 'session']`.
const LONGEST_MARKER: usize = 80;
/// `<truncated N chars>`, with what senders add to it.
const LONGEST_TAG: usize = 60;

/// Whether the whole text is a marker in the place of hidden content.
pub fn is_hidden(text: &str) -> bool {
    let text = text.trim();
    text.len() < LONGEST_MARKER
        && (HIDDEN.contains(&text) || (text.starts_with("[Scrubbed due to ") && text.ends_with(']')))
}

/// Whether the text ends with a sign that its rest was cut off.
pub fn is_cut(text: &str) -> bool {
    let text = text.trim_end();
    CUT.iter().any(|mark| text.ends_with(mark))
        || ends_with_tag(text)
        || ends_with_count(text)
        || (text.ends_with('…') && has_cut_length(text))
}

/// `<truncated 1204 chars>`
fn ends_with_tag(text: &str) -> bool {
    text.ends_with('>') && text.rfind("<truncated").is_some_and(|start| text.len() - start < LONGEST_TAG)
}

/// `...[truncated, original 3308 chars]`
fn ends_with_count(text: &str) -> bool {
    let count = text.strip_suffix(CUT_OF.1).and_then(|rest| rest.rsplit_once(CUT_OF.0)).map(|(_, count)| count);
    count.is_some_and(|count| !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether the text is exactly as long as a known limit lets it be.
pub fn has_cut_length(text: &str) -> bool {
    // Counting characters costs; a text is never shorter in bytes than in characters, nor longer than four times that.
    let near = LIMITS.iter().any(|limit| (*limit..=limit * 4 + 12).contains(&text.len()));
    near && LIMITS.contains(&text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_marker_hides() {
        assert!(is_hidden("__REDACTED__") && is_hidden(" [Scrubbed due to 'session'] "));
        assert!(!is_hidden("The log says <REDACTED> three times") && !is_hidden(""));
    }

    #[test]
    fn a_truncated_text_has_a_sign_at_its_end() {
        assert!(is_cut("abc...[truncated]") && is_cut("abc <truncated 12 chars>\n"));
        assert!(is_cut("abc...[truncated, original 3308 chars]") && !is_cut("[truncated, original many chars]"));
        assert!(is_cut(&format!("{}…", "ä".repeat(127))));
        assert!(!is_cut("And so on…") && !is_cut("a [TRUNCATED] b"));
    }
}
