//! The parts of a message, as the Messages and Tools panes both show them.

use std::fmt;

use super::build::Builder;
use super::build::json_folds::{Of, item_of};
use super::highlight;
use super::json;
use super::large::step;
use super::line::{Copied, Opens};
use super::long::AT_ONCE;
use super::markdown;
use crate::app::{format, styled::Styled, wrap};
use crate::model::{
    Content, Media, MediaData, Message, Part, Reasoning, ReasoningForm, Role, ToolCall, ToolDefinition, Value,
    json as values,
};
use crate::slots::Slot;

/// How a text is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Prose {
    /// With Markdown coloured.
    Markdown,
    /// As it is, in one slot.
    Plain(Slot),
    /// What a tool works with: JSON as that, all else as it is, in one slot.
    Data(Slot),
}

/// Shows one part that is neither a call nor a result nor reasoning.
pub fn content(to: &mut Builder, indent: usize, part: &Part, prose: Prose) {
    match &part.content {
        Content::Text(_) if part.is_unrecorded() => {
            to.wrapped(indent, 0, &[Styled::new("not recorded", Slot::Dim)]);
        }
        Content::Text(text) if part.hidden => {
            to.wrapped(indent, 0, &[Styled::new(wrap::clean_line(text), Slot::MessageHidden)]);
            to.wrapped(indent, 0, &[Styled::new("hidden by the instrumentation", Slot::Dim)]);
        }
        Content::Text(text) => match prose {
            Prose::Markdown if text.len() > markdown::TOO_LONG || to.is_raw() => to.prose(indent, "", text, Slot::Text),
            Prose::Markdown if json_data(to, indent, text) => {}
            Prose::Markdown => {
                if may_be_json(text) && text.len() > AT_ONCE {
                    // As JSON it would have taken two numbers.
                    to.pass_text();
                }
                markdown::write(to, indent, &wrap::clean(text), Slot::Text);
            }
            Prose::Plain(slot) => to.text(indent, text, slot),
            Prose::Data(slot) => data(to, indent, text, slot),
        },
        Content::Refusal(text) => {
            to.line(vec![pad(indent), Styled::new("refusal", Slot::Warning)]);
            to.text(indent, text, Slot::Text);
        }
        Content::Media(media) => {
            let line = Styled::new(format!("▪ {}", media_line(media)), Slot::MessageMedia);
            to.opens(indent, line, Opens::of(media).as_ref());
        }
        Content::Json(value) => to.json(indent, value),
        Content::Unknown(value) => {
            to.wrapped(indent, 0, &[Styled::new("a block of unknown kind, as it came:", Slot::Dim)]);
            to.json(indent, value);
        }
        Content::Reasoning(reasoning) => reasoning_text(to, indent, reasoning),
        Content::Call(call) => arguments(to, indent, call),
        Content::Result(result) => {
            let slot = if result.is_error == Some(true) { Slot::Error } else { Slot::Text };
            result_content(to, indent, &result.content, slot);
        }
    }
    if part.truncated {
        to.wrapped(indent, 0, &[Styled::new("… cut by the sender", Slot::Warning)]);
    }
}

pub fn arguments(to: &mut Builder, indent: usize, call: &ToolCall) {
    if matches!(&call.input, Value::Map(entries) if entries.is_empty()) {
        to.line(vec![pad(indent), Styled::new("no arguments", Slot::Dim)]);
    } else {
        table(to, indent, &call.input);
    }
}

/// The arguments of a call, a line each: the name, then the value; texts of several lines, and what is large, stand
/// beneath.
pub fn table(to: &mut Builder, indent: usize, input: &Value) {
    if let Value::String(text) = input
        && !to.is_raw()
    {
        // Some senders write them as text.
        if text.len() <= AT_ONCE
            && let Ok(value @ Value::Map(_)) = values::parse(text)
        {
            return table(to, indent, &value);
        }
        return data(to, indent, text, Slot::JsonString);
    }
    let Some(entries) = input.as_map().filter(|_| !to.is_raw()) else {
        return to.json(indent, input);
    };
    let number = to.next_json();
    let columns = to.width.saturating_sub(indent);
    let names = entries.iter().map(|(name, _)| wrap::width(&wrap::clean_line(name)));
    let widest = names.max().unwrap_or(0).min(columns / 3).min(24);
    for (nth, (name, value)) in entries.iter().enumerate() {
        let (number, root) = (item_of(number, nth), step(Some(name), nth));
        let name = wrap::cut(&wrap::clean_line(name), widest);
        let gap = " ".repeat(widest - wrap::width(&name) + 2);
        let mut head = vec![Styled::new(name, Slot::JsonKey), Styled::new(gap, Slot::Text)];
        match value {
            Value::String(text) if text.contains('\n') && json::held(text).is_none() => {
                to.styled_lines(indent, vec![head]);
                to.prose(indent, "  ", text, Slot::JsonString);
            }
            value if json::is_light(value) => {
                let lines = json::lines(value, to.room(indent + widest + 2)).into_iter().enumerate();
                let beside = |(at, mut line): (usize, Vec<Styled>)| {
                    if at == 0 {
                        head.append(&mut line);
                        return std::mem::take(&mut head);
                    }
                    line.insert(0, Styled::new(" ".repeat(widest + 2), Slot::Text));
                    line
                };
                let lines = lines.map(beside).collect();
                to.json_lines(indent, lines, Of::Value(number));
            }
            value => {
                to.styled_lines(indent, vec![head]);
                to.json_part(indent + 2, value, number, &root);
            }
        }
    }
}

/// Whether a part is a picture, a sound or a document.
pub fn is_media(part: &Part) -> bool {
    matches!(part.content, Content::Media(_))
}

/// How much parts are: lines, or bytes where there is too much to count the lines of it.
pub struct Extent<'a> {
    /// `None`: more than are counted.
    pub lines: Option<usize>,
    parts: &'a [Part],
}

impl fmt::Display for Extent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.lines {
            Some(lines) => write!(f, "{lines} lines"),
            None => f.write_str(&format::size(self.parts.iter().map(|part| weight(part) as u64).sum())),
        }
    }
}

/// Lines are counted in no more text than this.
pub const COUNTED: usize = 128 * 1024;

/// How much parts are; `count`: how many lines they take.
pub fn extent(parts: &[Part], count: impl FnOnce(&[Part]) -> usize) -> Extent<'_> {
    let counts = weighs_at_most(parts, COUNTED) && !parts.iter().any(is_large_json);
    Extent { lines: counts.then(|| count(parts)), parts }
}

/// Whether a part is JSON that is taken apart where it is looked at: to count its lines all of it would have to be laid out.
fn is_large_json(part: &Part) -> bool {
    match &part.content {
        Content::Text(text) => text.len() > AT_ONCE && text.trim_start().starts_with(['{', '[']),
        Content::Json(value) | Content::Unknown(value) => !json::is_light(value),
        _ => false,
    }
}

/// Whether parts show at most about so many bytes of text.
pub fn weighs_at_most(parts: &[Part], bytes: usize) -> bool {
    fn takes(part: &Part, room: &mut usize) -> bool {
        match &part.content {
            Content::Json(value) | Content::Unknown(value) => value.weighs(room),
            Content::Call(call) => call.input.weighs(room),
            Content::Result(result) => result.content.iter().all(|part| takes(part, room)),
            _ => {
                let fits = weight(part) <= *room;
                *room = room.saturating_sub(weight(part));
                fits
            }
        }
    }
    let mut room = bytes;
    parts.iter().all(|part| takes(part, &mut room))
}

/// About how many bytes of text a part shows.
pub fn weight(part: &Part) -> usize {
    match &part.content {
        Content::Text(text) | Content::Refusal(text) => text.len(),
        Content::Reasoning(reasoning) => reasoning.text.as_ref().map_or(0, String::len),
        Content::Json(value) | Content::Unknown(value) => value.weight(),
        Content::Call(call) => call.input.weight(),
        Content::Result(result) => result.content.iter().map(weight).sum(),
        Content::Media(_) => 40,
    }
}

/// What a tool gave back, its texts in a slot.
pub fn result_content(to: &mut Builder, indent: usize, content_of: &[Part], slot: Slot) {
    let is_blank = |part: &Part| matches!(&part.content, Content::Text(text) if text.trim().is_empty());
    if content_of.iter().all(|part| is_blank(part) && !part.hidden && !part.truncated) {
        let has_any = content_of.iter().any(|part| weight(part) > 0);
        let words = if has_any { "nothing but white space" } else { "an empty result" };
        return to.line(vec![pad(indent), Styled::new(words, Slot::Dim)]);
    }
    for part in content_of {
        content(to, indent, part, Prose::Data(slot));
    }
}

/// A text that a tool gave back, or was called with: as JSON where it is an array or a map, and coloured where it says what
/// differs between files.
fn data(to: &mut Builder, indent: usize, text: &str, slot: Slot) {
    if json_data(to, indent, text) {
        return;
    }
    if highlight::is_diff(text) && !to.is_raw() {
        return to.diff(indent, text, slot);
    }
    to.text(indent, text, slot);
}

/// Whether a text begins as an array or a map does.
fn may_be_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// Writes a text as JSON where it is an array or a map; false where it is none, or is wanted as it was received.
fn json_data(to: &mut Builder, indent: usize, text: &str) -> bool {
    if to.is_raw() || !may_be_json(text) {
        return false;
    }
    if text.len() > AT_ONCE {
        return to.json_text(indent, text);
    }
    if json::is_rounded(text) {
        return false;
    }
    let Ok(value) = values::parse(text) else { return false };
    to.json(indent, &value);
    true
}

pub fn reasoning_text(to: &mut Builder, indent: usize, reasoning: &Reasoning) {
    if let Some(text) = &reasoning.text {
        to.text(indent, text, Slot::MessageReasoning);
    }
    if reasoning.text.is_none() {
        to.wrapped(indent, 0, &[Styled::new(opaque(reasoning), Slot::MessageHidden)]);
    }
}

/// Why reasoning has no text: `redacted reasoning, 412 B: the provider keeps it hidden`.
pub fn opaque(reasoning: &Reasoning) -> String {
    let size =
        reasoning.data.as_ref().map_or_else(String::new, |data| format!(", {}", format::size(data.len() as u64)));
    match reasoning.form {
        ReasoningForm::Encrypted => format!("encrypted reasoning{size}: only the provider can read it"),
        ReasoningForm::Empty => "empty reasoning: only its signature was sent".to_owned(),
        ReasoningForm::Open | ReasoningForm::Redacted | ReasoningForm::Summary => {
            format!("redacted reasoning{size}: the provider keeps it hidden")
        }
    }
}

/// `image/png · 2.1 MB`, without the bytes.
pub fn media_line(media: &Media) -> String {
    let kind = media.kind.as_str();
    let mime = media.mime.as_deref().map(wrap::clean_line);
    let mut facts = Vec::new();
    // Most types begin with the kind.
    facts.extend(Some(kind.to_owned()).filter(|_| !mime.as_ref().is_some_and(|mime| mime.starts_with(kind))));
    facts.extend(media.name.as_deref().map(wrap::clean_line));
    facts.extend(mime);
    match &media.data {
        MediaData::Inline(bytes) => facts.push(format::size(bytes.len() as u64)),
        MediaData::Stored { bytes, pixels, .. } => {
            facts.extend(pixels.map(|(width, height)| format!("{width}×{height}")));
            facts.push(format::size(*bytes));
        }
        MediaData::Uri(uri) => facts.push(wrap::clean_line(uri)),
        MediaData::Absent => facts.push("not sent".to_owned()),
    }
    facts.join(" · ")
}

/// All the texts of parts, JSON among them.
pub fn all_text(parts: &[Part]) -> String {
    let texts = parts.iter().filter_map(|part| match &part.content {
        Content::Text(text) | Content::Refusal(text) => Some(text.clone()),
        Content::Json(value) => Some(value.to_text()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// A message as one text, so that two of them can be compared.
pub fn text_of(message: &Message) -> String {
    let texts = message.parts.iter().map(|part| match &part.content {
        Content::Text(text) | Content::Refusal(text) => text.clone(),
        Content::Reasoning(reasoning) => reasoning.text.clone().unwrap_or_default(),
        Content::Call(call) => format!("{} {}", call.name, values::to_string(&call.input)),
        Content::Result(result) => all_text(&result.content),
        Content::Media(media) => media_line(media),
        Content::Json(value) | Content::Unknown(value) => values::to_string(value),
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// What was said in a part, to be copied; `None` where there is no text in it.
pub fn copied_part(role: Role, part: &Part) -> Option<Copied> {
    Some(match &part.content {
        Content::Text(text) | Content::Refusal(text) => Copied::new(format!("text of the {}", role.as_str()), text),
        Content::Reasoning(reasoning) => Copied::new("reasoning", reasoning.text.as_ref()?),
        Content::Json(value) | Content::Unknown(value) => Copied::new("JSON", values::to_pretty(value)),
        Content::Call(call) => copied_arguments(&call.name, &call.input),
        Content::Result(result) => copied_result(result.name.as_deref().unwrap_or("a tool"), &result.content),
        Content::Media(media) => match &media.data {
            MediaData::Uri(uri) => Copied::new("address", uri),
            MediaData::Inline(_) | MediaData::Stored { .. } | MediaData::Absent => return None,
        },
    })
}

/// Arguments as JSON; a text that is no JSON as it is.
pub fn copied_arguments(tool: &str, input: &Value) -> Copied {
    let text = if let Value::String(text) = input { text.clone() } else { values::to_pretty(input) };
    Copied::new(format!("arguments of {}", wrap::clean_line(tool)), text)
}

pub fn copied_result(tool: &str, content: &[Part]) -> Copied {
    Copied::new(format!("result of {}", wrap::clean_line(tool)), all_text(content))
}

/// The definition of a tool as one text.
pub fn text_of_tool(tool: &ToolDefinition) -> String {
    let parameters = tool.parameters.as_ref().map(values::to_string).unwrap_or_default();
    format!("{} {} {parameters}", tool.name, tool.description.as_deref().unwrap_or_default())
}

/// What stands in a role's place is painted so.
pub fn role_slot(role: Role) -> Slot {
    match role {
        Role::System => Slot::MessageSystem,
        Role::User => Slot::MessageUser,
        Role::Assistant => Slot::MessageAssistant,
        Role::Tool => Slot::MessageTool,
    }
}

/// The parts of a message as they were sent: texts as they are, calls and results with their marks. `slot`: of its text;
/// `head`: of what stands above calls and reasoning.
pub fn as_sent(to: &mut Builder, indent: usize, parts: &[Part], slot: Slot, head: Slot) {
    for part in parts {
        match &part.content {
            Content::Call(call) => {
                to.line(vec![pad(indent), Styled::new(format!("→ {}", wrap::clean_line(&call.name)), head)]);
                arguments(to, indent + 2, call);
            }
            Content::Reasoning(reasoning) => {
                to.line(vec![pad(indent), Styled::new("reasoning", head)]);
                reasoning_text(to, indent + 2, reasoning);
            }
            Content::Result(result) => {
                to.mark(indent, Styled::new("←", head));
                result_content(to, indent + 2, &result.content, slot);
            }
            _ => content(to, indent, part, Prose::Plain(slot)),
        }
    }
}

/// The beginning of parts, on one line.
pub fn preview(parts: &[Part]) -> String {
    let Some(part) = parts.first() else {
        return String::new();
    };
    match &part.content {
        Content::Text(text) | Content::Refusal(text) => first_line(text),
        Content::Reasoning(reasoning) => reasoning.text.as_deref().map_or_else(|| opaque(reasoning), first_line),
        Content::Call(call) => format!("{} {}", call.name, json::brief(&call.input)),
        Content::Result(result) => preview(&result.content),
        Content::Media(media) => media_line(media),
        Content::Json(value) | Content::Unknown(value) => json::brief(value),
    }
}

/// A text's beginning, in one line of at most a few hundred characters.
pub fn first_line(text: &str) -> String {
    /// More than any screen is wide.
    const BYTES: usize = 4096;
    let text = text.trim_start();
    let text = &text[..text.floor_char_boundary(BYTES)];
    let words: Vec<&str> = text.split_whitespace().take(60).collect();
    wrap::clean_line(&words.join(" "))
}

pub fn pad(indent: usize) -> Styled {
    Styled::new(" ".repeat(indent), Slot::Text)
}
