//! Text → words, keys with values, and signs, each with its place in bytes.

use super::keys::{ATTRIBUTE, Bare, Comparison};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub from: usize,
    pub to: usize,
    pub kind: TokenKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenKind {
    Open,
    Close,
    Or,
    Minus,
    Text(Quotable),
    Keyed(Keyed),
}

/// A text that may stand in quotation marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quotable {
    pub text: String,
    pub quoted: bool,
    /// The second quotation mark is missing.
    pub open: bool,
}

/// `key:value`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    pub key: String,
    /// `None` for a colon.
    pub sign: Option<Comparison>,
    /// A `~` stands before the value.
    pub part: bool,
    /// Where the value begins, after the `~`.
    pub value_from: usize,
    pub value: Quotable,
}

/// A part of a filter's text, for the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub from: usize,
    pub to: usize,
    pub kind: PieceKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceKind {
    /// A key with the sign after it.
    Key,
    Value,
    Text,
    /// `-`, `or`, a bracket.
    Sign,
}

/// The pieces of a text, in order; what is between them is white space.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for Token { from, to, kind } in tokens(text) {
        match kind {
            TokenKind::Open | TokenKind::Close | TokenKind::Or | TokenKind::Minus => {
                pieces.push(Piece { from, to, kind: PieceKind::Sign });
            }
            TokenKind::Text(_) => pieces.push(Piece { from, to, kind: PieceKind::Text }),
            TokenKind::Keyed(keyed) => {
                pieces.push(Piece { from, to: keyed.value_from, kind: PieceKind::Key });
                pieces.push(Piece { from: keyed.value_from, to, kind: PieceKind::Value });
            }
        }
    }
    pieces
}

/// Cuts a text into tokens.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let followed = text[at + c.len_utf8()..].chars().next().is_some_and(|next| !next.is_whitespace());
        let (to, kind) = match c {
            '(' => (at + 1, TokenKind::Open),
            ')' => (at + 1, TokenKind::Close),
            '-' if followed || at + 1 == text.len() => (at + 1, TokenKind::Minus),
            '"' => {
                let (to, value) = quoted(text, at);
                (to, TokenKind::Text(value))
            }
            _ if let Some((to, keyed)) = keyed(text, at) => (to, TokenKind::Keyed(keyed)),
            _ => {
                let (to, value) = bare(text, at);
                let is_or = matches!(value.text.as_str(), "or" | "OR");
                (to, if is_or { TokenKind::Or } else { TokenKind::Text(value) })
            }
        };
        tokens.push(Token { from: at, to, kind });
        at = to;
    }
    tokens
}

/// A text as one word of a filter: in quotation marks where it would mean something else without.
pub fn word(text: &str) -> String {
    let alone = match tokens(text).as_slice() {
        [Token { kind: TokenKind::Text(value), .. }] => !value.quoted && value.text == text,
        _ => false,
    };
    let is_plain = alone && !text.contains(['(', ')', '"']) && Bare::of(text).is_none();
    if is_plain { text.to_owned() } else { in_marks(text) }
}

/// A text as the value of a key: in quotation marks where it needs them.
#[must_use]
pub fn value(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./@+#%$&!?*,;|':=".contains(c);
    let begins = text.chars().next().is_some_and(|first| !matches!(first, ':' | '='));
    if begins && text.chars().all(is_plain) { text.to_owned() } else { in_marks(text) }
}

fn in_marks(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// What stands in quotation marks from `at` on, where the first of them is.
fn quoted(text: &str, at: usize) -> (usize, Quotable) {
    let mut value = Quotable { text: String::new(), quoted: true, open: true };
    let mut letters = text[at + 1..].char_indices().map(|(place, c)| (at + 1 + place, c)).peekable();
    while let Some((place, c)) = letters.next() {
        match c {
            '"' => return (place + 1, Quotable { open: false, ..value }),
            '\\' => match letters.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, next)) => value.text.push(next),
                None => value.text.push(c),
            },
            c => value.text.push(c),
        }
    }
    (text.len(), value)
}

/// A word: up to white space, or to a bracket that was not opened in it.
fn bare(text: &str, at: usize) -> (usize, Quotable) {
    let mut open = 0_usize;
    let ends = |(_, c): &(usize, char)| match c {
        '(' => {
            open += 1;
            false
        }
        ')' if open == 0 => true,
        ')' => {
            open -= 1;
            false
        }
        c => c.is_whitespace(),
    };
    let to = text[at..].char_indices().find(ends).map_or(text.len(), |(place, _)| at + place);
    (to, Quotable { text: text[at..to].to_owned(), quoted: false, open: false })
}

/// `key:value` from `at` on; `None` where a word stands there.
fn keyed(text: &str, at: usize) -> Option<(usize, Keyed)> {
    let rest = &text[at..];
    rest.chars().next().filter(char::is_ascii_alphabetic)?;
    let is_attribute = rest.get(..ATTRIBUTE.len()).is_some_and(|start| start.eq_ignore_ascii_case(ATTRIBUTE));
    let is_in_key = |c: char| {
        c.is_alphanumeric()
            || matches!(c, '_' | '.' | '-')
            || is_attribute && !c.is_whitespace() && !matches!(c, ':' | '=' | '<' | '>' | '"' | '(' | ')' | '~')
    };
    let length = rest.find(|c| !is_in_key(c))?;
    let key = &rest[..length];
    let after = &rest[length..];
    let is_key = key.ends_with(|c: char| c.is_alphanumeric() || is_attribute || c == '_');
    // A path of a language, or an address: nobody means a key.
    let is_other = after.starts_with("::") || after.starts_with("://");
    if !is_key || is_other || !after.starts_with([':', '=', '<', '>']) {
        return None;
    }
    let colon = usize::from(after.starts_with(':'));
    let signs = [
        (">=", Comparison::AtLeast),
        ("<=", Comparison::AtMost),
        (">", Comparison::More),
        ("<", Comparison::Less),
        ("=", Comparison::Equal),
    ];
    let sign = signs.into_iter().find(|(sign, _)| after[colon..].starts_with(sign));
    let value_from = at + length + colon + sign.map_or(0, |(sign, _)| sign.len());
    let part = text[value_from..].starts_with('~');
    let value_from = value_from + usize::from(part);
    let (to, value) =
        if text[value_from..].starts_with('"') { quoted(text, value_from) } else { bare(text, value_from) };
    let sign = sign.map(|(_, sign)| sign);
    Some((to, Keyed { key: key.to_owned(), sign, part, value_from, value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        tokens(text).iter().map(|token| &text[token.from..token.to]).collect()
    }

    #[test]
    fn a_text_is_cut_into_its_terms() {
        assert_eq!(cut(r#"error -(tool:a or  "b c") x"#), ["error", "-", "(", "tool:a", "or", "\"b c\"", ")", "x"]);
        assert_eq!(cut("f(x) (g(y))"), ["f(x)", "(", "g(y)", ")"]);
        assert_eq!(cut("a->b std::vec https://x.org 12:30 -"), ["a->b", "std::vec", "https://x.org", "12:30", "-"]);
        assert_eq!(cut(r#"user:"a \" b" z"#), [r#"user:"a \" b""#, "z"]);
        assert_eq!(cut("attr.http.url/x=~1 é"), ["attr.http.url/x=~1", "é"]);
        assert!(matches!(&tokens("std::vec")[0].kind, TokenKind::Text(_)));
    }

    #[test]
    fn a_key_has_its_sign_and_value() {
        let Some(Token { kind: TokenKind::Keyed(keyed), .. }) = tokens("model:~\"a b\"").pop() else { panic!() };
        assert_eq!((keyed.key.as_str(), keyed.sign, keyed.part), ("model", None, true));
        assert_eq!((keyed.value.text.as_str(), keyed.value_from), ("a b", 7));
        let Some(Token { kind: TokenKind::Keyed(keyed), .. }) = tokens("cost:>=.1").pop() else { panic!() };
        assert_eq!((keyed.sign, keyed.value.text.as_str()), (Some(Comparison::AtLeast), ".1"));
        let kinds: Vec<PieceKind> = pieces("-cost>1 x").into_iter().map(|piece| piece.kind).collect();
        assert_eq!(kinds, [PieceKind::Sign, PieceKind::Key, PieceKind::Value, PieceKind::Text]);
    }
}
