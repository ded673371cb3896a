//! What is being typed at a place of a filter, so that it can be completed; and terms that are added to one.

use super::{
    expression::Expression,
    keys::{Key, KeyRow},
    lexer::{Token, TokenKind, tokens},
    parser::parse,
};

/// What stands at a place of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// A word, which may become a key: its place, and what of it stands before the cursor.
    Word { from: usize, to: usize, typed: String },
    /// The value of a key.
    Value {
        key: Key,
        from: usize,
        to: usize,
        typed: String,
        /// The filter without this term; empty where that is none.
        rest: String,
    },
    /// Something that cannot be completed.
    Other,
}

/// What stands at a place in bytes, which must be between two characters.
#[must_use]
pub fn at(text: &str, cursor: usize) -> At {
    let tokens = tokens(text);
    let touched = tokens.iter().rposition(|token| token.from <= cursor && cursor <= token.to);
    let nothing = At::Word { from: cursor, to: cursor, typed: String::new() };
    let Some(place) = touched else { return nothing };
    let Token { from, to, kind } = &tokens[place];
    match kind {
        TokenKind::Keyed(keyed) if cursor >= keyed.value_from => {
            let Some(row) = KeyRow::of(&keyed.key) else { return At::Other };
            let first = keyed.value_from + usize::from(keyed.value.quoted);
            let typed = text.get(first.min(cursor)..cursor).unwrap_or_default().trim_end_matches('"').to_owned();
            let signs = tokens[..place].iter().rev().take_while(|token| token.kind == TokenKind::Minus).count();
            let start = tokens[place - signs].from;
            let rest = format!("{}{}", &text[..start], &text[*to..]);
            let rest = if parse(&rest).is_ok() { rest.trim().to_owned() } else { String::new() };
            At::Value { key: row.key, from: keyed.value_from, to: *to, typed, rest }
        }
        TokenKind::Text(value) if value.quoted => At::Other,
        TokenKind::Open | TokenKind::Minus | TokenKind::Close if cursor >= *to => nothing,
        TokenKind::Text(_) | TokenKind::Or => At::Word { from: *from, to: *to, typed: text[*from..cursor].to_owned() },
        TokenKind::Keyed(_) | TokenKind::Open | TokenKind::Minus | TokenKind::Close => At::Other,
    }
}

/// The filter with a term added, unless it has that already.
#[must_use]
pub fn with_term(text: &str, term: &str) -> String {
    let text = text.trim();
    let is_term = |part: &Expression| parse(term).is_ok_and(|term| term == *part);
    let has = match parse(text) {
        Ok(Expression::All(parts)) => parts.iter().any(is_term),
        Ok(whole) => is_term(&whole),
        Err(_) => false,
    };
    if text.is_empty() || has {
        return if has { text } else { term }.to_owned();
    }
    let together = format!("{text} {term}");
    match parse(&together) {
        // What is added must hold beside all alternatives.
        Ok(Expression::Any(_)) => format!("({text}) {term}"),
        _ => together,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Facet;

    #[test]
    fn a_word_may_become_a_key_and_a_key_has_a_value() {
        let word = |text: &str, cursor| match at(text, cursor) {
            At::Word { typed, .. } => typed,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            (word("", 0), word("mod", 3), word("a mo b", 4), word("a ", 2)),
            (String::new(), "mod".into(), "mo".into(), String::new())
        );
        assert_eq!((word("(", 1), word("-to", 3)), (String::new(), "to".into()));
        let value = at("cost>1 -model:~son error", 18);
        let expected = At::Value {
            key: Key::Named(Facet::Model),
            from: 15,
            to: 18,
            typed: "son".into(),
            rest: "cost>1  error".into(),
        };
        assert_eq!(value, expected);
        let At::Value { typed, from, to, .. } = at("user:\"an b\"", 11) else { panic!() };
        assert_eq!((typed.as_str(), from, to), ("an b", 5, 11));
        assert_eq!(at("\"quoted\"", 4), At::Other);
    }

    #[test]
    fn a_term_is_added_once() {
        assert_eq!(with_term("", "tool:a"), "tool:a");
        assert_eq!(with_term("x ", "tool:a"), "x tool:a");
        assert_eq!(with_term("tool:a x", "tool:a"), "tool:a x");
        assert_eq!(with_term("a or b", "tool:a"), "(a or b) tool:a");
        assert_eq!(with_term("(a or b) or c", "tool:a"), "((a or b) or c) tool:a");
        assert_eq!(with_term("(a or b)", "tool:a"), "(a or b) tool:a");
    }
}
