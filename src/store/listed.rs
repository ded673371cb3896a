//! Cuts the names and ids that lists and columns show. A list reads thousands of them at once, so one that is megabytes
//! long would make the list impossible for good. What was sent stays whole in the raw span.

use crate::model::{LogRow, Note, SpanRow, Translation};

/// Most characters of a name or id. Longer than any that a person reads in a list.
const LONGEST: usize = 512;
/// Most characters of the message of a status, which the detail shows.
const LONGEST_STATUS: usize = 16 << 10;

/// Cuts what a translation has of names and ids, and notes it.
pub fn cut_translation(translation: &mut Translation) {
    let Translation { context, genai, .. } = translation;
    let tool = genai.tool.as_mut().map(|tool| [&mut tool.name, &mut tool.call_id]);
    let texts = [
        &mut context.session,
        &mut context.user,
        &mut context.framework,
        &mut context.environment,
        &mut context.display_name,
        &mut genai.operation,
        &mut genai.provider,
        &mut genai.model,
        &mut genai.response_model,
        &mut genai.response_id,
        &mut genai.agent,
        &mut genai.agent_id,
        &mut genai.stop_reason,
    ];
    let texts = texts.into_iter().chain(tool.into_iter().flatten()).flatten();
    let cuts = texts.chain(&mut context.tags).map(|text| cut(text, LONGEST)).filter(|is_cut| *is_cut).count();
    if cuts > 0 {
        note(translation, cuts);
    }
}

/// Cuts the names in a span's row.
pub fn cut_span(row: &mut SpanRow, translation: &mut Translation) {
    let names = [&mut row.name, &mut row.scope_name, &mut row.scope_version].into_iter().chain(&mut row.service);
    let cuts = names.map(|text| cut(text, LONGEST)).filter(|is_cut| *is_cut).count()
        + usize::from(cut(&mut row.status.message, LONGEST_STATUS));
    if cuts > 0 {
        note(translation, cuts);
    }
}

/// Cuts the names in a log record's row.
pub fn cut_log(row: &mut LogRow) {
    cut(&mut row.name, LONGEST);
    cut(&mut row.severity_text, LONGEST);
}

fn note(translation: &mut Translation, cuts: usize) {
    let texts = if cuts == 1 { "a name or id is" } else { "names and ids are" };
    translation.notes.push(Note(format!("{texts} longer than lists show: cut, whole only in the raw span")));
}

/// Cuts a text to `most` characters. A hash of the whole stands at the end, so that different ids stay different.
fn cut(text: &mut String, most: usize) -> bool {
    const HASH: usize = 16;
    // A character is at most four bytes, and most texts are short.
    if text.len() <= most || text.chars().nth(most).is_none() {
        return false;
    }
    let hash = blake3::hash(text.as_bytes()).to_hex();
    let end = text.char_indices().nth(most - HASH - 2).map_or(0, |(end, _)| end);
    text.truncate(end);
    text.shrink_to_fit();
    text.push_str("… ");
    text.push_str(hash.get(..HASH).unwrap_or_default());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_stays_and_long_ones_stay_different() {
        let mut short = "é".repeat(LONGEST);
        assert!(!cut(&mut short, LONGEST));
        assert_eq!(short.chars().count(), LONGEST);
        let (mut one, mut other) = ("é".repeat(1 << 20) + "1", "é".repeat(1 << 20) + "2");
        assert!(cut(&mut one, LONGEST) && cut(&mut other, LONGEST));
        assert_eq!(one.chars().count(), LONGEST);
        assert_ne!(one, other);
    }

    #[test]
    fn a_translation_says_that_its_session_was_cut() {
        let mut translation = Translation::default();
        cut_translation(&mut translation);
        assert_eq!(translation, Translation::default());
        translation.context.session = Some("s".repeat(1 << 20));
        translation.context.tags = vec!["t".repeat(1 << 20)];
        cut_translation(&mut translation);
        assert_eq!(translation.context.session.as_deref().map(|id| id.chars().count()), Some(LONGEST));
        assert_eq!(translation.context.tags[0].chars().count(), LONGEST);
        assert!(translation.notes[0].0.starts_with("names and ids are longer"), "{:?}", translation.notes);
    }
}
