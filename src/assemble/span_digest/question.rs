//! What was asked, for a line of a list.

use crate::model::{Category, Content, Message, Reading, Role, is_aside, question_in};

/// Longest question in a list, in characters; an ellipsis may follow.
const QUESTION: usize = 120;

/// The question that a prompt ends with, on one line, and whether it is unanswered: no assistant message follows it.
///
/// Considered are the user messages between the last of them and the assistant message before it; earlier ones were
/// answered before. Of these, the newest text is taken that a person wrote: not relayed from another agent, not context
/// that a program added. Where there is none, the newest text of any kind is. `None` for tools, embeddings, rerankers
/// and retrievers, and where no user message has text.
pub(super) fn question(category: Category, readings: &[Reading]) -> Option<(String, bool)> {
    if matches!(category, Category::Tool | Category::Embedding | Category::Reranker | Category::Retriever) {
        return None;
    }
    // Each reading may hold one message of the prompt, so all readings of that dialect and carrier are put together.
    let asks = |reading: &&Reading| reading.prompt.iter().any(|message| message.role == Role::User);
    let first = readings.iter().find(asks)?;
    let prompt = readings.iter().filter(|reading| reading.dialect == first.dialect && reading.carrier == first.carrier);
    let prompt: Vec<&Message> = prompt.flat_map(|reading| &reading.prompt).map(|message| &**message).collect();
    let question = prompt.iter().rposition(|message| message.role == Role::User)?;
    let anew = !prompt[question..].iter().any(|message| message.role == Role::Assistant);
    let turn = || {
        let back = prompt[..=question].iter().rev().take_while(|message| message.role != Role::Assistant);
        back.filter(|message| message.role == Role::User).copied()
    };
    let written = |message: &Message| texts(message).find(|text| !is_aside(text) && !is_element(text)).map(line);
    let mut own = turn().filter(|message| !is_relayed(message));
    let text = own.find_map(written).or_else(|| turn().find_map(|message| texts(message).next().map(line)))?;
    Some((text, anew))
}

/// The texts of a message that are neither hidden nor blank.
fn texts(message: &Message) -> impl Iterator<Item = &str> {
    message.parts.iter().filter(|part| !part.hidden).filter_map(|part| match &part.content {
        Content::Text(text) if !text.trim().is_empty() => Some(text.as_str()),
        _ => None,
    })
}

/// Whether a framework wrote the message in the user's name to pass on what another agent wrote or did.
fn is_relayed(message: &Message) -> bool {
    message.parts.iter().any(|part| part.relayed)
}

/// Whether a text is a single XML-like element from its first character to its last, as programs write the context that
/// they add to a person's question: `<session_context>…</session_context>`.
fn is_element(text: &str) -> bool {
    let text = text.trim();
    let Some(rest) = text.strip_prefix('<') else { return false };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.');
    let name = rest.split(|c| !is_name(c)).next().unwrap_or_default();
    let end = text.strip_suffix('>').and_then(|text| text.strip_suffix(name)).is_some_and(|text| text.ends_with("</"));
    !name.is_empty() && end
}

/// The question in a text ([`question_in`]) on one line, white space collapsed, cut to [`QUESTION`].
fn line(text: &str) -> String {
    let mut line = String::new();
    let mut left = QUESTION;
    for word in question_in(text).split_whitespace() {
        let space = usize::from(!line.is_empty());
        let length = word.chars().count() + space;
        if length > left {
            if line.is_empty() {
                line.extend(word.chars().take(left - 1));
            }
            line.push('…');
            break;
        }
        if space == 1 {
            line.push(' ');
        }
        line.push_str(word);
        left -= length;
    }
    line
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_question_is_one_line() {
        assert_eq!(line(" What\n is  this? "), "What is this?");
        assert_eq!(line(&"x".repeat(500)).chars().count(), QUESTION);
    }

    #[test]
    fn what_programs_add_to_a_question_is_none_unless_nothing_else_is_asked() {
        let found = |texts: &[&str]| {
            let message = |text: &&str| {
                let mut message = Message::text(Role::User, *text);
                message.parts[0].relayed = text.starts_with("[w] wrote");
                Arc::new(message)
            };
            let prompt = texts.iter().map(message).collect();
            let reading = Reading::sample("", crate::model::Carrier::Attributes, prompt, Vec::new());
            question(Category::Llm, &[reading]).map(|(text, _)| text)
        };
        let context = "<session_context>\nToday is Sunday.\n</session_context>\n";
        assert_eq!(found(&[context, "Which module is broken?"]).as_deref(), Some("Which module is broken?"));
        assert_eq!(found(&["[w] wrote: 4", "And why?"]).as_deref(), Some("And why?"));
        assert_eq!(found(&["[w] wrote: 4"]).as_deref(), Some("[w] wrote: 4"));
        assert_eq!(found(&["For context: 4", "And why?"]).as_deref(), Some("And why?"));
        assert_eq!(found(&["x", "<b>Bold</b> or not?"]).as_deref(), Some("<b>Bold</b> or not?"));
        assert_eq!(found(&["Which?", context]).as_deref(), Some("Which?"));
        assert_eq!(found(&["  ", "<p>hi</p>"]).as_deref(), Some("<p>hi</p>"));
        assert_eq!(found(&["  "]), None);
        let prompt = ["old", "newer", "<p>new</p>"].map(|text| Message::text(Role::User, text));
        let [old, newer, new] = &prompt;
        let answer = Message::text(Role::Assistant, "a");
        let of = |prompt: &[&Message]| {
            let prompt = prompt.iter().map(|message| Arc::new((*message).clone())).collect();
            let carrier = crate::model::Carrier::Attributes;
            let reading = Reading::sample("", carrier, prompt, Vec::new());
            question(Category::Agent, &[reading]).map(|(text, _)| text)
        };
        assert_eq!(of(&[old, &answer, new]).as_deref(), Some("<p>new</p>"));
        assert_eq!(of(&[old, &answer, newer, &answer]).as_deref(), Some("newer"));
    }

    #[test]
    fn a_system_prompt_that_is_told_apart_is_not_all_that_was_sent() {
        let reading = |carrier, message| Reading::sample("strands", carrier, vec![Arc::new(message)], Vec::new());
        let system = reading(crate::model::Carrier::Attributes, Message::text(Role::System, "S"));
        let user = reading(crate::model::Carrier::Event, Message::text(Role::User, "q"));
        assert_eq!(question(Category::Agent, &[system, user]), Some(("q".to_owned(), true)));
    }
}
