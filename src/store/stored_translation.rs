//! The stored form of a translation. Its messages and tool definitions are stored apart, in `contents`, each once; the
//! form has their ids.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{DatabaseError, pack::unpack};
use crate::model::{
    Carrier, Content, ContentId, ContentKind, Context, Cost, Dropped, Evaluation, Failure, GenAi, GivenName, Message,
    Note, Part, Reading, Timestamp, ToolDefinition, Translation, Usd, json,
};

/// The contents of a translation: its messages, each once, and its list of tool definitions, `None` if that is empty.
#[derive(Debug, Default)]
pub struct Contents {
    pub messages: Vec<(ContentId, Arc<Message>)>,
    pub tools: Option<(ContentId, Vec<ToolDefinition>)>,
}

/// The stored form, written as postcard: the types of the fields and their order are the format. A change of them makes
/// stored translations unreadable until they are reprocessed.
#[derive(Default, Serialize, Deserialize)]
struct StoredForm {
    dialects: Vec<String>,
    context: Context,
    genai: GenAi,
    readings: Vec<StoredReading>,
    tools: Option<ContentId>,
    error: Option<Failure>,
    unconfirmed: bool,
    is_wrapper: bool,
    plumbing: bool,
    notes: Vec<Note>,
    given_name: GivenName,
    evaluations: Vec<Evaluation>,
    dropped: Dropped,
}

/// A [`Reading`] with the ids of its messages.
#[derive(Serialize, Deserialize)]
struct StoredReading {
    dialect: String,
    carrier: Carrier,
    content: ContentKind,
    answer_unmarked: bool,
    choice: Option<u64>,
    at: Option<Timestamp>,
    prompt: Vec<ContentId>,
    completion: Vec<ContentId>,
}

/// Splits a translation into its stored form, in which ids stand for contents, and those contents.
pub fn split(translation: Translation) -> (Vec<u8>, Contents) {
    let Translation {
        dialects,
        context,
        genai,
        readings,
        tools,
        error,
        unconfirmed,
        is_wrapper,
        plumbing,
        notes,
        given_name,
        evaluations,
        dropped,
    } = translation;
    let mut contents = Contents::default();
    // Several readings often share the allocation of a message, which is then hashed once.
    let mut seen = HashMap::new();
    let mut name = |messages: Vec<Arc<Message>>| -> Vec<ContentId> {
        let mut id_of = |message: Arc<Message>| {
            *seen.entry(Arc::as_ptr(&message)).or_insert_with(|| {
                let id = ContentId::of(&stored_form(&*message));
                contents.messages.push((id, message));
                id
            })
        };
        messages.into_iter().map(&mut id_of).collect()
    };
    let readings = readings
        .into_iter()
        .map(|Reading { dialect, carrier, content, answer_unmarked, choice, at, prompt, completion }| {
            let (prompt, completion) = (name(prompt), name(completion));
            StoredReading { dialect, carrier, content, answer_unmarked, choice, at, prompt, completion }
        })
        .collect();
    if !tools.is_empty() {
        contents.tools = Some((ContentId::of(&stored_form(&tools)), tools));
    }
    let tools = contents.tools.as_ref().map(|(id, _)| *id);
    let understood = StoredForm {
        dialects,
        context,
        genai,
        readings,
        tools,
        error,
        unconfirmed,
        is_wrapper,
        plumbing,
        notes,
        given_name,
        evaluations,
        dropped,
    };
    (stored_form(&understood), contents)
}

/// The stored form of a content, or of a translation.
pub fn stored_form<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("derived types have a postcard form")
}

/// A stored translation whose contents are not joined yet.
pub struct StoredTranslation(StoredForm);

impl StoredTranslation {
    /// Reads a stored form. One that another version wrote may not be readable: then the translation is empty but for a
    /// note, until it is reprocessed.
    pub fn read(bytes: &[u8]) -> Self {
        Self(postcard::from_bytes(bytes).unwrap_or_else(|_| StoredForm {
            notes: vec![Note("another version understood it: it is being read again".to_owned())],
            ..StoredForm::default()
        }))
    }

    /// A stored form with the price that `price` gives its call, and that price in total; `None` if it cannot be read.
    pub fn priced(bytes: &[u8], price: impl FnOnce(&GenAi) -> Option<Cost>) -> Option<(Vec<u8>, Option<Usd>)> {
        let mut form: StoredForm = postcard::from_bytes(bytes).ok()?;
        form.genai.cost = price(&form.genai);
        let total = form.genai.cost.as_ref().map(|cost| cost.total);
        Some((stored_form(&form), total))
    }

    /// The names of the dialects, and their notes.
    pub fn dialects_and_notes(self) -> (Vec<String>, Vec<Note>) {
        (self.0.dialects, self.0.notes)
    }

    /// The ids of the contents that have to be fetched before [`Self::join`].
    pub fn contents(&self) -> impl Iterator<Item = ContentId> {
        let ids = self.0.readings.iter().flat_map(|reading| reading.prompt.iter().chain(&reading.completion));
        ids.chain(&self.0.tools).copied()
    }

    /// Joins the stored form with its contents. A content that is not there is left out, and noted.
    pub fn join(self, fetched: &FetchedContents) -> Translation {
        let StoredForm {
            dialects,
            context,
            genai,
            readings,
            tools,
            error,
            unconfirmed,
            is_wrapper,
            plumbing,
            mut notes,
            given_name,
            evaluations,
            dropped,
        } = self.0;
        let mut missing = 0_usize;
        let mut messages = |ids: Vec<ContentId>| -> Vec<Arc<Message>> {
            let found: Vec<_> = ids.iter().filter_map(|id| fetched.messages.get(id).cloned()).collect();
            missing += ids.len() - found.len();
            found
        };
        let readings = readings
            .into_iter()
            .map(|StoredReading { dialect, carrier, content, answer_unmarked, choice, at, prompt, completion }| {
                let (prompt, completion) = (messages(prompt), messages(completion));
                Reading { dialect, carrier, content, answer_unmarked, choice, at, prompt, completion }
            })
            .collect();
        if missing > 0 {
            notes.push(Note(format!("the store lost {missing} of its messages")));
        }
        let tools = tools.and_then(|id| fetched.tools.get(&id).cloned()).unwrap_or_default();
        Translation {
            dialects,
            context,
            genai,
            readings,
            tools,
            error,
            unconfirmed,
            is_wrapper,
            plumbing,
            given_name,
            notes,
            evaluations,
            dropped,
        }
    }
}

/// The contents that were fetched for one query.
#[derive(Default)]
pub struct FetchedContents {
    messages: HashMap<ContentId, Arc<Message>>,
    tools: HashMap<ContentId, Vec<ToolDefinition>>,
}

impl FetchedContents {
    /// The column `kind` of a message.
    pub const MESSAGE: &str = "message";
    /// The column `kind` of a list of tool definitions.
    pub const TOOLS: &str = "tools";

    /// Reads the stored form of a content and adds it.
    pub fn add(&mut self, id: ContentId, kind: &str, body: &[u8]) -> Result<(), DatabaseError> {
        let unreadable = |error: postcard::Error| DatabaseError::Unreadable { what: "message", why: error.to_string() };
        if kind == Self::TOOLS {
            self.tools.insert(id, postcard::from_bytes(body).map_err(unreadable)?);
        } else {
            self.messages.insert(id, Arc::new(postcard::from_bytes(body).map_err(unreadable)?));
        }
        Ok(())
    }
}

/// The tools of a stored list.
pub fn tools_of(body: &[u8]) -> Result<Vec<ToolDefinition>, DatabaseError> {
    let unreadable = |error: postcard::Error| DatabaseError::Unreadable { what: "tools", why: error.to_string() };
    postcard::from_bytes(&unpack("tools", body)?).map_err(unreadable)
}

/// The text by which search finds a message: all its texts in lower case, a line each. Of media only the name.
pub fn search_text(message: &Message) -> String {
    let mut text = String::new();
    let mut add = |part: &str| {
        if !part.is_empty() {
            text.push_str(&part.to_lowercase());
            text.push('\n');
        }
    };
    add(message.name.as_deref().unwrap_or_default());
    // A result may contain results. A stack, not recursion: the sender decides how deep they are nested.
    let mut waiting: Vec<&Part> = message.parts.iter().rev().collect();
    while let Some(part) = waiting.pop() {
        match &part.content {
            Content::Text(text) | Content::Refusal(text) => add(text),
            Content::Reasoning(reasoning) => add(reasoning.text.as_deref().unwrap_or_default()),
            Content::Call(call) => {
                add(call.known_id().unwrap_or_default());
                add(&call.name);
                add(&call.input.to_text());
            }
            Content::Result(result) => {
                add(result.name.as_deref().unwrap_or_default());
                waiting.extend(result.content.iter().rev());
            }
            Content::Media(media) => add(media.name.as_deref().unwrap_or_default()),
            Content::Json(value) | Content::Unknown(value) => add(&json::to_string(value)),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Role, ToolCall, ToolResult, Value};

    #[test]
    fn reasoning_that_an_earlier_version_stored_is_still_read() {
        use crate::model::{Reasoning, ReasoningForm};
        // Until then a boolean told whether it was redacted.
        let earlier = |redacted: bool| stored_form(&(None::<String>, Some("s"), redacted, None::<Vec<u8>>));
        let form = |bytes: Vec<u8>| postcard::from_bytes::<Reasoning>(&bytes).unwrap().form;
        assert_eq!([form(earlier(false)), form(earlier(true))], [ReasoningForm::Open, ReasoningForm::Redacted]);
    }

    fn reading(prompt: &[&Arc<Message>], completion: &[&Arc<Message>]) -> Reading {
        let owned = |messages: &[&Arc<Message>]| messages.iter().map(|message| Arc::clone(message)).collect();
        Reading {
            dialect: "test".into(),
            carrier: Carrier::Attributes,
            content: ContentKind::FunctionIo,
            answer_unmarked: true,
            choice: Some(1),
            at: Some(Timestamp(3)),
            prompt: owned(prompt),
            completion: owned(completion),
        }
    }

    #[test]
    fn a_translation_comes_back_whole_and_a_message_that_occurs_twice_is_stored_once() {
        let (hello, hi) = (Message::text(Role::User, "Hello"), Message::text(Role::Assistant, "Hi"));
        let (hello, hi) = (Arc::new(hello), Arc::new(hi));
        let again = Arc::new(Message::text(Role::User, "Hello"));
        let translation = Translation {
            dialects: vec!["test".into()],
            readings: vec![reading(&[&hello], &[&hi]), reading(&[&hello, &hi, &again], &[])],
            tools: vec![ToolDefinition { name: "look".into(), description: None, parameters: Some(Value::Int(1)) }],
            notes: vec![Note("odd".into())],
            evaluations: vec![Evaluation { name: "accuracy".into(), score: Some(0.5), ..Evaluation::default() }],
            dropped: Dropped { attributes: 2, ..Dropped::default() },
            ..Translation::default()
        };
        let (bytes, contents) = split(translation.clone());
        let stored = StoredTranslation::read(&bytes);
        let mut ids: Vec<_> = stored.contents().collect();
        assert_eq!(ids.len(), 6);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 3);
        let mut fetched = FetchedContents::default();
        for (id, message) in &contents.messages {
            fetched.add(*id, FetchedContents::MESSAGE, &stored_form(&**message)).unwrap();
        }
        let (id, tools) = contents.tools.unwrap();
        fetched.add(id, FetchedContents::TOOLS, &stored_form(&tools)).unwrap();
        let back = stored.join(&fetched);
        assert_eq!(back, translation);
        assert!(Arc::ptr_eq(&back.readings[0].prompt[0], &back.readings[1].prompt[2]));
        let without = StoredTranslation::read(&bytes).join(&FetchedContents::default());
        assert_eq!(without.notes[1].0, "the store lost 5 of its messages");
    }

    #[test]
    fn what_another_version_wrote_is_nothing_with_a_note() {
        let read = StoredTranslation::read(b"\xff\xff\xff").join(&FetchedContents::default());
        assert_eq!((read.readings.len(), read.notes.len()), (0, 1));
    }

    #[test]
    fn search_reads_texts_calls_results_and_reasoning_in_lower_case() {
        let result = ToolResult {
            call_id: None,
            name: Some("Look".into()),
            is_error: None,
            content: vec![Part::text("SUNNY"), Part::new(Content::Json(Value::String("Ü".into())))],
        };
        let call =
            ToolCall { id: None, item_id: None, name: "Look".into(), input: Value::from("Oslo"), server_side: false };
        let parts = vec![Part::text("Hello"), Part::new(Content::Call(call)), Part::new(Content::Result(result))];
        assert_eq!(search_text(&Message::new(Role::Tool, parts)), "hello\nlook\noslo\nlook\nsunny\n\"ü\"\n");
    }
}
