//! OpenInference has messages twice: in flat keys, and in the whole request or answer. The fuller of the two is taken, with what
//! only the other says.

use std::collections::{HashMap, HashSet};

use crate::model::{Content, MediaData, Message, ToolCall, Value};

/// The flat messages, unless the whole ones have all of their content and more. Else only the whole ones may say which
/// results are failures.
pub fn fuller(mut flat: Vec<Message>, whole: Vec<Message>) -> Vec<Message> {
    let (had, has) = (weight(&flat), weight(&whole));
    // Older versions of Anthropic's instrumentor write results as a text of blocks, which is longer than the results.
    let results = |messages: &[Message]| {
        messages.iter().flat_map(|message| &message.parts).any(|part| matches!(part.content, Content::Result(_)))
    };
    let has_more = has.1 >= had.1 || (results(&whole) && !results(&flat));
    let more = flat.is_empty() || (has.0 >= had.0 && has_more && has != had);
    if more && !whole.is_empty() {
        return whole;
    }
    take_failures(&mut flat, &whole);
    take_ids(&mut flat, &whole);
    flat
}

/// Gives flat calls that have only the id of their item the ids that the whole ones have beside it.
fn take_ids(flat: &mut [Message], whole: &[Message]) {
    let mut ids: HashMap<&str, &str> = HashMap::new();
    for part in whole.iter().flat_map(|message| &message.parts) {
        if let Content::Call(ToolCall { id: Some(id), item_id: Some(item), .. }) = &part.content {
            ids.insert(item, id);
        }
    }
    for part in flat.iter_mut().flat_map(|message| &mut message.parts) {
        if let Content::Call(call) = &mut part.content
            && let (None, Some(item)) = (&call.id, &call.item_id)
        {
            call.id = ids.get(item.as_str()).map(|id| (*id).to_owned());
        }
    }
}

/// Marks results as failures that the same results are in other messages.
fn take_failures(flat: &mut [Message], whole: &[Message]) {
    let parts = whole.iter().flat_map(|message| &message.parts);
    let marked = parts.filter_map(|part| match &part.content {
        Content::Result(result) => result.call_id.as_deref().zip(result.is_error),
        _ => None,
    });
    let (failed, others): (Vec<_>, Vec<_>) = marked.partition(|(_, is_error)| *is_error);
    let ids = |results: Vec<(&'_ str, bool)>| results.into_iter().map(|(id, _)| id.to_owned()).collect::<HashSet<_>>();
    let (failed, others) = (ids(failed), ids(others));
    for part in flat.iter_mut().flat_map(|message| &mut message.parts) {
        if let Content::Result(result) = &mut part.content
            && result.is_error.is_none()
            && result.call_id.as_ref().is_some_and(|id| failed.contains(id) && !others.contains(id))
        {
            result.is_error = Some(true);
        }
    }
}

/// How much structure is in messages, and how much text; what is hidden counts for nothing.
fn weight(messages: &[Message]) -> (usize, usize) {
    let letters = |text: &str| text.split_whitespace().map(str::len).sum::<usize>();
    let parts = messages.iter().flat_map(|message| &message.parts).filter(|part| !part.hidden);
    parts.fold((0, 0), |(structure, text), part| match &part.content {
        // Empty arguments, or an error, may be in one of the two only.
        Content::Call(call) => {
            (structure + 1 + usize::from(call.id.is_some()) + usize::from(call.input != Value::Null), text)
        }
        Content::Result(result) => {
            let failed = usize::from(result.is_error == Some(true));
            (structure + 1 + usize::from(result.call_id.is_some()) + failed, text)
        }
        Content::Reasoning(thought) => (structure + 1, text + thought.text.as_deref().map_or(0, letters)),
        Content::Media(media) => (structure + 1 + usize::from(media.data != MediaData::Absent), text),
        Content::Text(words) | Content::Refusal(words) => (structure, text + letters(words)),
        Content::Json(_) | Content::Unknown(_) => (structure, text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Part, Role};

    #[test]
    fn a_flat_call_has_the_id_that_the_whole_request_has_beside_its_item() {
        let made = |id: Option<&str>, item: &str| {
            let (id, item_id) = (id.map(str::to_owned), Some(item.to_owned()));
            let call = ToolCall { id, item_id, name: "w".to_owned(), input: Value::Null, server_side: false };
            Message::new(Role::Assistant, vec![Part::new(Content::Call(call))])
        };
        let mut flat = [made(None, "fc_1"), made(None, "fc_2"), made(Some("c3"), "fc_3")];
        take_ids(&mut flat, &[made(Some("c1"), "fc_1"), made(Some("c4"), "fc_3")]);
        assert_eq!(flat, [made(Some("c1"), "fc_1"), made(None, "fc_2"), made(Some("c3"), "fc_3")]);
    }
}
