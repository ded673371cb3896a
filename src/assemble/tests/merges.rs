//! Two readings of one call: what the one that is chosen lacks comes from the other.

use super::*;
use crate::model::{Media, MediaData, MediaKind, Reasoning};

fn thought(text: &str) -> Part {
    Part::new(Content::Reasoning(Reasoning { text: Some(text.to_owned()), ..Reasoning::default() }))
}

/// An answer with reasoning before it.
fn thinking(thoughts: &[&str], answer: &Message) -> Message {
    let thoughts = thoughts.iter().map(|text| thought(text));
    Message::new(Role::Assistant, thoughts.chain(answer.parts.iter().cloned()).collect())
}

/// One call that two dialects read, the more trusted first: what each has of it.
fn read_twice(first: [Message; 2], second: [Message; 2]) -> Vec<String> {
    let [[question, answer], [same_question, same_answer]] = [first, second];
    let span = llm(2, 1).read("genai-3", Carrier::Attributes, &[question], &[answer]).read(
        "openinference",
        Carrier::Attributes,
        &[same_question],
        &[same_answer],
    );
    only_conversation(&one(vec![chain(1, 0), span]))
}

#[test]
fn a_call_without_an_id_gets_that_of_its_counterpart() {
    let nameless = thinking(&["r", "s"], &calls("t", &[(None, "w", "{}")]));
    let named = calls("t", &[(Some("c1"), "w", "{}")]);
    for readings in [[nameless.clone(), named.clone()], [named, nameless]] {
        let [first, second] = readings.map(|answer| [user("q"), answer]);
        assert_eq!(read_twice(first, second), ["user q", "assistant (r) (s) t w{}#c1"]);
    }
}

/// There would be no telling whose it is.
#[test]
fn a_call_without_an_id_keeps_none_where_the_other_reading_has_another_number_of_calls() {
    let nameless = thinking(&["r", "s", "u"], &calls("t", &[(None, "w", "{}")]));
    let named = calls("t", &[(Some("c1"), "w", "{}"), (Some("c2"), "w", "{}")]);
    let shown = read_twice([user("q"), nameless], [user("q"), named]);
    let is_whole = |line: &String| line.contains("#c1") == line.contains("#c2");
    assert!(shown.iter().all(is_whole), "{shown:?}");
}

#[test]
fn reasoning_that_only_one_reading_has_stands_before_the_answer() {
    let answer = calls("t", &[(Some("c1"), "w", "{}"), (Some("c2"), "v", "{}")]);
    let nameless = thinking(&["r"], &calls("t", &[(None, "w", "{}"), (None, "v", "{}")]));
    for readings in [[answer.clone(), nameless.clone()], [nameless, answer]] {
        let [first, second] = readings.map(|answer| [user("q"), answer]);
        assert_eq!(read_twice(first, second), ["user q", "assistant (r) t w{}#c1 v{}#c2"]);
    }
}

#[test]
fn an_image_that_only_one_reading_has_stands_in_the_message_it_was_sent_with() {
    let data = MediaData::Uri("https://x.example/i.png".to_owned());
    let image = Media { kind: MediaKind::Image, mime: None, name: None, data };
    let mut seen = user("look");
    seen.parts.push(Part::new(Content::Media(image)));
    let answer = calls("t", &[(Some("c1"), "w", "{}"), (Some("c2"), "v", "{}")]);
    let nameless = calls("t", &[(None, "w", "{}"), (None, "v", "{}")]);
    let shown = read_twice([user("look"), answer], [seen, nameless]);
    let [question, answer] = &shown[..] else { panic!("{shown:?}") };
    assert!(question.starts_with("user look Media") && question.contains("i.png"), "{question}");
    assert_eq!(answer, "assistant t w{}#c1 v{}#c2");
}
