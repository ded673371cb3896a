//! The path of the JSON value that a line shows: `.hotels[0].near.road`, as jq takes it.

use super::Document;
use crate::{
    app::{
        document::{DocLine, build::json_folds, json, large::step},
        styled::Styled,
    },
    slots::Slot,
};

/// So many lines above are looked at for what a value is in.
const ABOVE: usize = 4_000;

/// What jq does to go on in a text that is JSON.
const FROM_TEXT: &str = "|fromjson|";

/// What is above a line is not known.
struct Unknown;

impl Document {
    /// The path of the value that begins in a line, or that a bracket in it closes; `None` where the line shows no JSON, and
    /// where what it is in is not laid out.
    #[must_use]
    pub fn json_path(&self, at: usize) -> Option<String> {
        let mut at = self.first_of(at);
        let mut line = self.json_line(at)?;
        let mut left = ABOVE;
        if line.item.is_none() && json_folds::closes(&line.texts) {
            // A closing bracket is of what opened as far in.
            let depth = indent(line);
            at = self
                .json_above(at, &mut left, |other| indent(other) == depth && json_folds::opens(&other.texts))
                .ok()??;
            line = self.json_line(at)?;
        }
        let mut parts = Vec::new();
        loop {
            if let Some(item) = &line.item {
                parts.push(item.path.clone());
                break;
            }
            if is_cut(line) {
                return None;
            }
            let depth = indent(line);
            let key = key(line);
            let mut siblings = 0;
            let parent = self.json_above(at, &mut left, |other| {
                let is_beside = indent(other) == depth;
                let is_known = is_beside && other.item.is_some();
                siblings += usize::from(is_beside && !is_known && !json_folds::closes(&other.texts));
                is_known || indent(other) < depth
            });
            let parent = parent.ok()?;
            // One that is beside it in the array or map, and says where it is.
            if let Some(beside) = parent.and_then(|above| self.json_line(above)).filter(|line| indent(line) == depth)
                && let Some(item) = &beside.item
            {
                parts.push(step(key.as_deref(), item.nth + 1 + siblings));
                parts.push(item.within.clone());
                break;
            }
            let parent = parent.and_then(|parent| Some((parent, self.json_line(parent)?)));
            let parent = parent.filter(|(_, parent)| json_folds::opens(&parent.texts) || is_name_alone(parent));
            let in_array = parent.as_ref().is_some_and(|(_, parent)| ends_with(&parent.texts, '['));
            match key {
                Some(key) => parts.push(step(Some(&key), siblings)),
                None if in_array => parts.push(step(None, siblings)),
                None => {}
            }
            // What is in a text has to be read out of it first.
            if parent.as_ref().is_some_and(|(_, parent)| opens_text(&parent.texts)) {
                parts.push(FROM_TEXT.to_owned());
            }
            let Some(above) = parent else { break };
            (at, line) = above;
        }
        if parts.is_empty() {
            return None;
        }
        parts.reverse();
        let path = parts.concat().replace(&format!("{FROM_TEXT}["), &format!("{FROM_TEXT}.["));
        Some(if path.starts_with('.') { path } else { format!(".{path}") })
    }

    /// Whether a line shows some of a value as JSON.
    #[must_use]
    pub fn shows_json(&self, at: usize) -> bool {
        self.json_line(self.first_of(at)).is_some()
    }

    /// The nearest line above, of the same JSON, of which something holds; `None`: there is none.
    ///
    /// # Errors
    /// [`Unknown`], where that is not laid out or too far.
    fn json_above(
        &self,
        at: usize,
        left: &mut usize,
        mut holds: impl FnMut(&DocLine) -> bool,
    ) -> Result<Option<usize>, Unknown> {
        let (block, piece) = (self.place(at).block, self.line(at).ok_or(Unknown)?.piece);
        for above in (0..at).rev() {
            if self.place(above).block != block {
                return Ok(None);
            }
            *left = left.checked_sub(1).ok_or(Unknown)?;
            let line = self.line(above).ok_or(Unknown)?;
            if line.piece != piece {
                return Ok(None);
            }
            if line.goes_on.is_some() {
                continue;
            }
            if !is_json(line) {
                return Ok(None);
            }
            if holds(line) {
                return Ok(Some(above));
            }
        }
        Ok(None)
    }

    /// The first line of those that one was cut into.
    fn first_of(&self, mut at: usize) -> usize {
        while at > 0 && self.line(at).is_some_and(|line| line.goes_on.is_some()) {
            at -= 1;
        }
        at
    }

    fn json_line(&self, at: usize) -> Option<&DocLine> {
        self.line(at).filter(|line| is_json(line))
    }
}

fn is_json(line: &DocLine) -> bool {
    let is_of_json = |styled: &Styled| {
        matches!(
            styled.slot,
            Slot::JsonKey | Slot::JsonString | Slot::JsonNumber | Slot::JsonLiteral | Slot::JsonPunctuation
        )
    };
    line.texts.iter().find(|styled| !styled.text.trim().is_empty()).is_some_and(is_of_json)
}

/// Columns before the text of a line.
fn indent(line: &DocLine) -> usize {
    let mut columns = 0;
    for styled in &line.texts {
        let text = styled.text.trim_start_matches(' ');
        columns += styled.text.len() - text.len();
        if !text.is_empty() {
            break;
        }
    }
    columns
}

/// The name of the entry that a line begins with.
fn key(line: &DocLine) -> Option<String> {
    let first = line.texts.iter().find(|styled| !styled.text.trim().is_empty())?;
    let text = first.text.trim();
    (first.slot == Slot::JsonKey).then(|| serde_json::from_str(text).unwrap_or_else(|_| text.to_owned()))
}

/// Whether a line begins with the name of a table that was cut to its column.
fn is_cut(line: &DocLine) -> bool {
    let first = line.texts.iter().find(|styled| !styled.text.trim().is_empty());
    first.is_some_and(|first| {
        let text = first.text.trim();
        first.slot == Slot::JsonKey && !text.starts_with('"') && text.ends_with('…')
    })
}

/// Whether a line is the name of a table whose value stands beneath it.
fn is_name_alone(line: &DocLine) -> bool {
    let is_name = |styled: &Styled| styled.slot == Slot::JsonKey || styled.text.trim().is_empty();
    key(line).is_some() && line.texts.iter().all(is_name)
}

/// Whether what opens at the end of a line stands in a text.
fn opens_text(line: &[Styled]) -> bool {
    json_folds::opens(line)
        && line.last().is_some_and(|last| last.text.trim_end_matches(['{', '[']).ends_with(json::TEXT))
}

fn ends_with(line: &[Styled], bracket: char) -> bool {
    line.last().is_some_and(|last| last.text.ends_with(bracket))
}
