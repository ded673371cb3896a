//! The request's messages in turns, without what cannot be sent again.

use crate::model::{Content, Media, Message, Part, Reasoning, Role, ToolDefinition, Value};

/// What a call was sent, as providers want it: the system's texts apart, then turns of the user and the assistant by
/// turns.
pub struct Conversation<'a> {
    pub system: Vec<&'a str>,
    /// No two neighbours have one role.
    pub turns: Vec<Turn<'a>>,
    pub tools: &'a [ToolDefinition],
    /// What is not in it, for people.
    pub left_out: Vec<String>,
}

pub struct Turn<'a> {
    pub is_answer: bool,
    pub parts: Vec<Said<'a>>,
}

/// One part of a turn.
pub enum Said<'a> {
    Text(&'a str),
    Reasoning(&'a Reasoning),
    Call { id: String, name: &'a str, input: &'a Value },
    Result { id: String, text: String, failed: bool },
}

impl<'a> Conversation<'a> {
    pub fn of(messages: impl Iterator<Item = &'a Message>, tools: &'a [ToolDefinition]) -> Self {
        let mut reader = Reader::default();
        for message in messages {
            reader.message(message);
        }
        let Reader { system, turns, media, unknown, .. } = reader;
        let mut left_out: Vec<String> =
            media.iter().map(|(kind, count)| format!("{count} {kind}{}", if *count == 1 { "" } else { "s" })).collect();
        left_out.extend((unknown > 0).then(|| format!("{unknown} blocks of unknown kind")));
        Self { system, turns, tools, left_out }
    }
}

#[derive(Default)]
struct Reader<'a> {
    system: Vec<&'a str>,
    turns: Vec<Turn<'a>>,
    /// Ids of calls that no result has answered, in order, where ids are not recorded.
    nameless: std::collections::VecDeque<String>,
    made_up: usize,
    media: Vec<(&'static str, usize)>,
    unknown: usize,
}

impl<'a> Reader<'a> {
    fn message(&mut self, message: &'a Message) {
        if message.role == Role::System {
            for part in &message.parts {
                match &part.content {
                    Content::Text(text) => self.system.push(text),
                    _ => self.unknown += 1,
                }
            }
            return;
        }
        let is_answer = message.role == Role::Assistant;
        for part in &message.parts {
            if let Some(said) = self.part(part) {
                // A result is always the user's.
                let is_answer = is_answer && !matches!(said, Said::Result { .. });
                match self.turns.last_mut() {
                    Some(turn) if turn.is_answer == is_answer => turn.parts.push(said),
                    _ => self.turns.push(Turn { is_answer, parts: vec![said] }),
                }
            }
        }
    }

    fn part(&mut self, part: &'a Part) -> Option<Said<'a>> {
        Some(match &part.content {
            Content::Text(text) | Content::Refusal(text) => Said::Text(text),
            Content::Reasoning(reasoning) => Said::Reasoning(reasoning),
            Content::Call(call) => {
                let id = call.known_id().map_or_else(|| self.make_up(), str::to_owned);
                Said::Call { id, name: &call.name, input: &call.input }
            }
            Content::Result(result) => {
                let id = result.call_id.clone().or_else(|| self.nameless.pop_front());
                let id = id.unwrap_or_else(|| self.make_up());
                let text = result.content.iter().filter_map(|part| self.text(part)).collect::<Vec<_>>().join("\n");
                Said::Result { id, text, failed: result.is_error == Some(true) }
            }
            Content::Media(media) => {
                self.leave_out(media);
                return None;
            }
            Content::Json(_) | Content::Unknown(_) => {
                self.unknown += 1;
                return None;
            }
        })
    }

    fn text(&mut self, part: &Part) -> Option<String> {
        match &part.content {
            Content::Text(text) | Content::Refusal(text) => Some(text.clone()),
            Content::Json(value) => Some(value.to_text()),
            Content::Media(media) => {
                self.leave_out(media);
                None
            }
            _ => {
                self.unknown += 1;
                None
            }
        }
    }

    fn make_up(&mut self) -> String {
        self.made_up += 1;
        let id = format!("call_{}", self.made_up);
        self.nameless.push_back(id.clone());
        id
    }

    fn leave_out(&mut self, media: &Media) {
        let kind = media.kind.as_str();
        match self.media.iter_mut().find(|(of, _)| *of == kind) {
            Some((_, count)) => *count += 1,
            None => self.media.push((kind, 1)),
        }
    }
}
