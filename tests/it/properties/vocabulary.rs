//! The words that spans of agents are made of: names of attributes and events, roles, kinds of parts, markers.
//!
//! They come from two places, so that neither can be lost unseen: from all that was recorded, and from the texts in
//! the dialects' own source, which also look for what no capture has.

use std::{collections::HashSet, fs, path::Path, sync::LazyLock};

use sideseat_tui::model::{Attributes, Value, json};

use super::arrival::items;
use crate::replay::captures;

/// Names of attributes and events (they have a dot), and all other words.
pub struct Vocabulary {
    pub names: Vec<String>,
    pub words: Vec<String>,
}

pub static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let mut all: Vec<String> = recorded().union(&looked_for()).cloned().collect();
    all.sort();
    let (names, words) = all.into_iter().partition(|word| word.contains('.') && !word.contains(' '));
    Vocabulary { names, words }
});

/// Names, keys, and short texts within the messages of every capture.
fn recorded() -> HashSet<String> {
    let mut found = HashSet::new();
    for capture in captures() {
        let (spans, records) = items(&capture);
        for span in spans {
            attributes(&span.attributes, &mut found);
            found.insert(span.scope.name.clone());
            for event in span.events {
                attributes(&event.attributes, &mut found);
                found.insert(event.name);
            }
        }
        for record in records {
            attributes(&record.attributes, &mut found);
            value(&record.body, true, &mut found);
            found.extend([record.name, record.scope.name.clone()]);
        }
    }
    found.retain(|word| is_word(word));
    found
}

fn attributes(attributes: &Attributes, found: &mut HashSet<String>) {
    for (name, held) in attributes.iter() {
        found.insert(name.to_owned());
        value(held, false, found);
    }
}

/// The keys within a value or its JSON, and the texts beside them: roles, types, reasons. `inner`: it has a key itself.
fn value(held: &Value, inner: bool, found: &mut HashSet<String>) {
    match held {
        Value::Map(entries) => {
            for (key, held) in entries {
                found.insert(key.clone());
                value(held, true, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|held| value(held, true, found)),
        Value::String(text) if text.starts_with(['{', '[']) => {
            if let Ok(held) = json::parse(text) {
                value(&held, true, found);
            }
        }
        Value::String(text) if inner && text.len() <= 30 && !text.contains(char::is_whitespace) => {
            found.insert(text.clone());
        }
        _ => {}
    }
}

/// Every text in the source of the dialects, wherever in their folder it stands.
fn looked_for() -> HashSet<String> {
    let mut found = HashSet::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dialects")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|file| file.unwrap().path()));
            continue;
        }
        if path.extension().is_none_or(|ending| ending != "rs") {
            continue;
        }
        let source = fs::read_to_string(path).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap().replace("'\"'", "' '");
        let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        found.extend(lines.flat_map(|line| line.split('"').skip(1).step_by(2)).map(str::to_owned));
    }
    found.retain(|word| is_word(word));
    found
}

fn is_word(text: &str) -> bool {
    (1..=80).contains(&text.len()) && !text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Each source alone has what most spans of agents carry, and the other does not have all of it.
#[test]
fn the_words_of_agents_are_found_where_they_are_recorded_and_where_they_are_looked_for() {
    let (recorded, looked_for) = (recorded(), looked_for());
    for found in [&recorded, &looked_for] {
        assert!(found.len() > 1000, "{} words", found.len());
        for word in
            ["gen_ai.input.messages", "gen_ai.usage.input_tokens", "input.value", "role", "content", "assistant"]
        {
            assert!(found.contains(word), "{word}");
        }
    }
    assert!(recorded.intersection(&looked_for).count() > 500);
    assert!(looked_for.difference(&recorded).count() > 100);
}
