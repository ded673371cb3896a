//! A streamed answer put together from its pieces, as the providers' APIs send them.
//!
//! ```text
//!   OpenAI      {"choices": [{"index": 0, "delta": {"content": "Hel", "tool_calls": [{"index": 0, …}]}}]}
//!   Responses   {"type": "response.output_text.delta", "delta": "Hel"} … {"type": "response.completed", "response": {…}}
//!   Anthropic   {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}}
//!   Gemini      {"candidates": [{"content": {"parts": [{"text": "Hel"}]}}]}
//! ```

use std::collections::HashMap;

use super::{calls, parts, provider_payload, provider_payload_facts, reading, reasoning};
use crate::model::{Content, GenAi, Message, Part, Reasoning, ReasoningForm, Role, Value};

/// How many answers one request may ask for: OpenAI's API allows `n` up to this, so that looking through them is cheap.
const MOST_ANSWERS: usize = 128;

/// The pieces of one stream, in the order in which they came.
#[derive(Debug, Default)]
pub struct Stream {
    pieces: Vec<Piece>,
    /// By answer, kind and number in the stream.
    places: HashMap<(u64, PieceKind, u64), usize>,
    /// The whole answer, where the stream sends it at its end.
    whole: Option<Vec<Message>>,
    /// The stop reason, the model and the tokens: the last that was sent of each.
    facts: GenAi,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum PieceKind {
    Thought,
    Text,
    Refusal,
    Call,
    /// What comes whole.
    Block,
}

#[derive(Debug)]
struct Piece {
    answer: u64,
    kind: PieceKind,
    /// The text, or the arguments of the call.
    text: String,
    id: Option<String>,
    name: String,
    signature: Option<String>,
    block: Option<Part>,
}

impl Stream {
    /// Adds the next piece.
    pub fn add(&mut self, chunk: &Value) {
        match chunk {
            Value::String(text) => self.append(0, PieceKind::Text, 0, text),
            Value::Map(_) if chunk.get("choices").is_some() => self.openai(chunk),
            Value::Map(_) if chunk.get("candidates").is_some() => self.gemini(chunk),
            Value::Map(_) => self.event(chunk),
            _ => {}
        }
    }

    /// The answers that the pieces make up, and the facts that came with them.
    pub fn finish(self) -> (Vec<Message>, GenAi) {
        if let Some(whole) = self.whole {
            return (whole, self.facts);
        }
        let mut answers: Vec<(u64, Vec<Part>)> = Vec::new();
        for piece in self.pieces {
            let answer = piece.answer;
            let Some(part) = piece.into_part() else { continue };
            let known = answers.iter().take(MOST_ANSWERS).position(|(known, _)| *known == answer);
            match known.and_then(|known| answers.get_mut(known)) {
                Some((_, parts)) => parts.push(part),
                None => answers.push((answer, vec![part])),
            }
        }
        (answers.into_iter().flat_map(|(_, parts)| reading::from_parts(Role::Assistant, parts)).collect(), self.facts)
    }

    /// Takes the facts that a chunk has of the whole. Counts grow from chunk to chunk, or come in parts.
    fn note(&mut self, map: &Value) {
        let mut found = GenAi::default();
        provider_payload_facts::of_response(map, &mut found);
        let facts = &mut self.facts;
        facts.response_model = facts.response_model.take().or(found.response_model);
        facts.response_id = facts.response_id.take().or(found.response_id);
        facts.stop_reason = found.stop_reason.or_else(|| facts.stop_reason.take());
        facts.service_tier = found.service_tier.or_else(|| facts.service_tier.take());
        let (facts, found) = (&mut facts.reported, found.reported);
        facts.input = facts.input.max(found.input);
        facts.output = facts.output.max(found.output);
        facts.total = facts.total.max(found.total);
        facts.cache_read = facts.cache_read.max(found.cache_read);
        facts.cache_write = facts.cache_write.max(found.cache_write);
        facts.reasoning = facts.reasoning.max(found.reasoning);
        facts.kinds = facts.kinds.max(found.kinds);
        let convention = found.convention;
        facts.convention.cache_in_input = facts.convention.cache_in_input.or(convention.cache_in_input);
        facts.convention.reasoning_in_output = facts.convention.reasoning_in_output.or(convention.reasoning_in_output);
    }

    fn openai(&mut self, chunk: &Value) {
        self.note(chunk);
        for choice in chunk.get("choices").and_then(Value::as_array).unwrap_or_default() {
            let answer = number(choice, "index");
            if let Some(reason) = choice.str("finish_reason").filter(|reason| !reason.is_empty()) {
                self.facts.stop_reason = Some(reason.to_owned());
            }
            if let Some(text) = choice.str("text") {
                self.append(answer, PieceKind::Text, 0, text);
            }
            let Some(delta) = choice.get("delta").or_else(|| choice.get("message")) else { continue };
            self.thought(answer, delta);
            self.append(answer, PieceKind::Text, 0, delta.str("content").unwrap_or_default());
            self.append(answer, PieceKind::Refusal, 0, delta.str("refusal").unwrap_or_default());
            for call in delta.get("tool_calls").and_then(Value::as_array).unwrap_or_default() {
                self.call(answer, number(call, "index"), call);
            }
            if let Some(call) = delta.get("function_call").filter(|call| call.as_map().is_some()) {
                self.call(answer, u64::MAX, call);
            }
        }
    }

    fn gemini(&mut self, chunk: &Value) {
        self.note(chunk);
        for candidate in chunk.get("candidates").and_then(Value::as_array).unwrap_or_default() {
            let answer = number(candidate, "index");
            if let Some(reason) = calls::first_str(candidate, &["finish_reason", "finishReason"]) {
                self.facts.stop_reason = Some(reason.to_owned());
            }
            let parts = candidate.get("content").and_then(|content| content.get("parts")).and_then(Value::as_array);
            for part in parts.unwrap_or_default() {
                match part.str("text") {
                    Some(text) if part.get("thought").and_then(Value::as_bool) == Some(true) => {
                        self.append(answer, PieceKind::Thought, 0, text);
                    }
                    Some(text) => self.append(answer, PieceKind::Text, 0, text),
                    None => self.block(answer, part),
                }
            }
        }
    }

    /// What has a type: an event of the Responses API, or of Anthropic's.
    fn event(&mut self, event: &Value) {
        let at = || number(event, if event.get("output_index").is_some() { "output_index" } else { "index" });
        let delta = event.get("delta").unwrap_or(&Value::Null);
        match event.str("type").unwrap_or_default() {
            "response.completed" | "response.incomplete" | "response.failed" => {
                let response = event.get("response").unwrap_or(&Value::Null);
                self.note(response);
                self.whole = provider_payload::response(response).or(self.whole.take());
            }
            "response.output_text.delta" => self.append(0, PieceKind::Text, at(), delta.as_str().unwrap_or_default()),
            "response.refusal.delta" => self.append(0, PieceKind::Refusal, at(), delta.as_str().unwrap_or_default()),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.append(0, PieceKind::Thought, at(), delta.as_str().unwrap_or_default());
            }
            "response.output_item.added" | "response.output_item.done" => {
                let item = event.get("item").unwrap_or(&Value::Null);
                if item.str("type") == Some("function_call") {
                    let piece = self.piece(0, PieceKind::Call, at());
                    piece.id = calls::id_of(item);
                    item.str("name").unwrap_or_default().clone_into(&mut piece.name);
                    if let Some(all) = item.str("arguments").filter(|text| !text.is_empty()) {
                        all.clone_into(&mut piece.text);
                    }
                }
            }
            "response.function_call_arguments.delta" => {
                self.append(0, PieceKind::Call, at(), delta.as_str().unwrap_or_default());
            }
            "message_start" => self.note(event.get("message").unwrap_or(&Value::Null)),
            "message_delta" => {
                self.note(event);
                if let Some(reason) = delta.str("stop_reason") {
                    self.facts.stop_reason = Some(reason.to_owned());
                }
            }
            "content_block_start" => self.begin(at(), event.get("content_block").unwrap_or(&Value::Null)),
            "content_block_delta" => match delta.str("type").unwrap_or_default() {
                "text_delta" => self.append(0, PieceKind::Text, at(), delta.str("text").unwrap_or_default()),
                "thinking_delta" => self.append(0, PieceKind::Thought, at(), delta.str("thinking").unwrap_or_default()),
                "input_json_delta" => {
                    self.append(0, PieceKind::Call, at(), delta.str("partial_json").unwrap_or_default());
                }
                "signature_delta" => {
                    self.piece(0, PieceKind::Thought, at()).signature = delta.str("signature").map(str::to_owned);
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// A block of Anthropic's begins.
    fn begin(&mut self, at: u64, block: &Value) {
        match block.str("type").unwrap_or_default() {
            "text" => self.append(0, PieceKind::Text, at, block.str("text").unwrap_or_default()),
            "thinking" => self.append(0, PieceKind::Thought, at, block.str("thinking").unwrap_or_default()),
            "tool_use" => {
                let piece = self.piece(0, PieceKind::Call, at);
                piece.id = calls::id_of(block);
                block.str("name").unwrap_or_default().clone_into(&mut piece.name);
            }
            _ => self.block(0, block),
        }
    }

    fn append(&mut self, answer: u64, kind: PieceKind, at: u64, text: &str) {
        if !text.is_empty() {
            self.piece(answer, kind, at).text.push_str(text);
        }
    }

    /// What a delta of OpenAI's API has of reasoning, in any of the forms that servers give it.
    fn thought(&mut self, answer: u64, delta: &Value) {
        for part in reasoning::beside(delta) {
            match part.content {
                Content::Reasoning(thought) if thought.data.is_none() => {
                    let piece = self.piece(answer, PieceKind::Thought, 0);
                    piece.text.push_str(thought.text.as_deref().unwrap_or_default());
                    piece.signature = thought.signature.or(piece.signature.take());
                }
                _ => {
                    let at = self.pieces.len() as u64;
                    self.piece(answer, PieceKind::Block, at).block = Some(part);
                }
            }
        }
    }

    fn call(&mut self, answer: u64, at: u64, call: &Value) {
        let function = call.get("function").unwrap_or(call);
        let piece = self.piece(answer, PieceKind::Call, at);
        piece.id = piece.id.take().or_else(|| calls::id_of(call));
        piece.name.push_str(function.str("name").unwrap_or_default());
        piece.text.push_str(function.str("arguments").unwrap_or_default());
    }

    fn block(&mut self, answer: u64, block: &Value) {
        let mut found = Vec::new();
        parts::content(block, &mut found);
        for part in found {
            let at = self.pieces.len() as u64;
            self.piece(answer, PieceKind::Block, at).block = Some(part);
        }
    }

    fn piece(&mut self, answer: u64, kind: PieceKind, at: u64) -> &mut Piece {
        let place = *self.places.entry((answer, kind, at)).or_insert_with(|| {
            let (text, name) = (String::new(), String::new());
            self.pieces.push(Piece { answer, kind, text, id: None, name, signature: None, block: None });
            self.pieces.len() - 1
        });
        &mut self.pieces[place]
    }
}

impl Piece {
    fn into_part(self) -> Option<Part> {
        match self.kind {
            PieceKind::Block => self.block,
            PieceKind::Text => parts::text(&self.text),
            PieceKind::Refusal => (!self.text.is_empty()).then(|| Part::new(Content::Refusal(self.text))),
            PieceKind::Thought if self.text.is_empty() && self.signature.is_none() => None,
            PieceKind::Thought => {
                let text = Some(self.text).filter(|text| !text.is_empty());
                let form = if text.is_some() { ReasoningForm::Open } else { ReasoningForm::Empty };
                Some(Part::new(Content::Reasoning(Reasoning { text, signature: self.signature, form, data: None })))
            }
            PieceKind::Call => {
                let (input, truncated) = calls::arguments(&Value::String(self.text));
                Some(Part { truncated, ..calls::made(self.id, &self.name, input, false) })
            }
        }
    }
}

fn number(map: &Value, key: &str) -> u64 {
    map.get(key).and_then(Value::as_count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::sample::{in_words, value};
    use super::*;

    fn read(chunks: &[&str]) -> (Vec<String>, GenAi) {
        let mut stream = Stream::default();
        for chunk in chunks {
            stream.add(&value(chunk));
        }
        let (messages, facts) = stream.finish();
        (messages.iter().map(in_words).collect(), facts)
    }

    #[test]
    fn openais_deltas_make_up_an_answer() {
        let (sides, genai) = read(&[
            r#"{"id":"r1","model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"reasoning_content":"h"}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"reasoning_content":"m"}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"Let me "}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"look."}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"w","arguments":""}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"c2","function":{"name":"v","arguments":"{}"}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]},"finish_reason":"tool_calls"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}"#,
        ]);
        assert_eq!(sides, [r#"assistant: (thought) hm · Let me look. · w#c1{"a":1} · v#c2{}"#]);
        assert_eq!((genai.stop_reason.as_deref(), genai.response_id.as_deref()), (Some("tool_calls"), Some("r1")));
        assert_eq!((genai.reported.input, genai.reported.output), (Some(7), Some(2)));
    }

    #[test]
    fn reasoning_is_read_in_every_form_of_a_delta() {
        let (sides, _) = read(&[
            r#"{"choices":[{"index":0,"delta":{"reasoning_content":"h","thinking_blocks":[{"type":"thinking","thinking":"h"}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"thinking_blocks":[{"type":"thinking","thinking":"m","signature":"s"}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":"aGk="}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"So."}}]}"#,
        ]);
        assert_eq!(sides, ["assistant: (thought) hm · (opaque 2) · So."]);
    }

    #[test]
    fn anthropics_blocks_make_up_an_answer() {
        let (sides, genai) = read(&[
            r#"{"type":"message_start","message":{"id":"m1","model":"claude-x","usage":{"input_tokens":9,"output_tokens":1}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hi"}}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t1","name":"w","input":{}}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":5}}"#,
        ]);
        assert_eq!(sides, [r#"assistant: (thought) hm · Hi · w#t1{"a":1}"#]);
        assert_eq!((genai.stop_reason.as_deref(), genai.reported.input), (Some("tool_use"), Some(9)));
        assert_eq!(genai.reported.output, Some(5));
    }

    #[test]
    fn the_responses_api_sends_the_whole_at_its_end() {
        let pieces = [
            r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"c1","name":"w","arguments":""}}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":0,"delta":"{\"a\":1}"}"#,
            r#"{"type":"response.output_text.delta","output_index":1,"delta":"Hi"}"#,
        ];
        assert_eq!(read(&pieces).0, [r#"assistant: w#c1{"a":1} · Hi"#]);
        let end = r#"{"type":"response.completed","response":{"output":[{"type":"message","role":"assistant",
            "content":[{"type":"output_text","text":"Hi there"}]}]}}"#;
        assert_eq!(read(&[pieces[2], end]).0, ["assistant: Hi there"]);
    }

    #[test]
    fn geminis_parts_and_bare_texts_are_joined() {
        let (sides, _) = read(&[
            r#"{"candidates":[{"content":{"parts":[{"text":"h","thought":true}]}}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":"He"}]}}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"text":"y"},{"functionCall":{"name":"w","args":{}}}]}}]}"#,
        ]);
        assert_eq!(sides, ["assistant: (thought) h · Hey · w#-{}"]);
        assert_eq!(read(&["He", "y"]).0, ["assistant: Hey"]);
        assert!(read(&["1", "null", "{}"]).0.is_empty());
    }
}
