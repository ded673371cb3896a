//! Lists spread over keys: `llm.input_messages.0.message.role` → `[{"message": {"role": …}}]`. `values.md` 3.

use std::collections::BTreeMap;

use crate::model::{Attributes, Value};

/// Larger numbers are names: a hostile key must not make a list of a billion.
const INDEX_LIMIT: u32 = 10_000;
/// More dots than any dialect has; what lies deeper is left out.
const DEEPEST: usize = 32;

/// The entries under a prefix (which ends with a dot) as one value; `None` where there are none.
///
/// Indices may be sparse and in any order: they are sorted as numbers and closed up.
pub fn tree(attributes: &Attributes, prefix: &str) -> Option<Value> {
    let mut root = Node::default();
    for (path, value) in attributes.under(prefix) {
        root.insert(path, value);
    }
    (!root.children.is_empty()).then(|| root.into_value())
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step<'a> {
    Index(u32),
    Name(&'a str),
}

impl<'a> Step<'a> {
    fn of(text: &'a str) -> Self {
        let digits = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(index) if digits && index < INDEX_LIMIT => Self::Index(index),
            _ => Self::Name(text),
        }
    }
}

#[derive(Debug, Default)]
struct Node<'a> {
    leaf: Option<&'a Value>,
    children: BTreeMap<Step<'a>, Node<'a>>,
}

impl<'a> Node<'a> {
    fn insert(&mut self, path: &'a str, value: &'a Value) {
        let mut node = self;
        for (depth, step) in path.split('.').enumerate() {
            if depth == DEEPEST {
                return;
            }
            node = node.children.entry(Step::of(step)).or_default();
        }
        node.leaf = Some(value);
    }

    /// A list where there are indices: what stands beside them (`gen_ai.prompt.prompt_filter_results`) is no item.
    fn into_value(self) -> Value {
        if self.children.is_empty() {
            return self.leaf.cloned().unwrap_or_default();
        }
        if self.children.keys().any(|step| matches!(step, Step::Index(_))) {
            let items = self.children.into_iter().filter(|(step, _)| matches!(step, Step::Index(_)));
            return Value::Array(items.map(|(_, node)| node.into_value()).collect());
        }
        let entries = self.children.into_iter().filter_map(|(step, node)| match step {
            Step::Name(name) => Some((name.to_owned(), node.into_value())),
            Step::Index(_) => None,
        });
        Value::Map(entries.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;

    fn read(keys: &[&str]) -> Option<String> {
        let attributes = keys.iter().map(|key| ((*key).to_owned(), Value::from(*key))).collect();
        tree(&attributes, "p.").map(|value| json::to_string(&value))
    }

    #[test]
    fn indices_are_sorted_as_numbers_and_closed_up() {
        assert_eq!(read(&["p.10.x", "p.2.x"]).as_deref(), Some(r#"[{"x":"p.2.x"},{"x":"p.10.x"}]"#));
        assert_eq!(read(&["p.1.a.b", "p.1.c"]).as_deref(), Some(r#"[{"a":{"b":"p.1.a.b"},"c":"p.1.c"}]"#));
    }

    #[test]
    fn names_beside_indices_are_no_items() {
        assert_eq!(read(&["p.0.x", "p.filter_results"]).as_deref(), Some(r#"[{"x":"p.0.x"}]"#));
        assert_eq!(read(&["p.99999999999"]).as_deref(), Some(r#"{"99999999999":"p.99999999999"}"#));
        assert_eq!(read(&["q.0.x"]), None);
    }

    #[test]
    fn an_endless_path_ends() {
        let path = format!("p.{}", "a.".repeat(100_000));
        assert!(read(&[&path]).is_some());
    }
}
