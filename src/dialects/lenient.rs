//! JSON that a strict reader refuses: cut off in the middle, with `NaN`, with half a surrogate pair; and Python's `repr`.
//!
//! Only for texts that are documented to be structured: prose that happens to start with a bracket is given up.

use crate::model::Value;

/// What was read, and whether the text ended before its brackets did.
#[derive(Debug, PartialEq)]
pub struct Lenient {
    pub value: Value,
    pub cut: bool,
}

/// How literals and strings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    Json,
    /// `{'city': 'Paris', 'days': (1, 2), 'hot': False, 'note': None}`
    Python,
}

/// As deep as `serde_json` goes.
const DEEPEST: usize = 128;

/// Reads a list or an object; `None` for anything odd, and where nothing but brackets is left of a cut text.
///
/// Of a text that was cut, everything before the cut is kept: an open string is closed, an unfinished key, number or
/// word is dropped.
pub fn parse(text: &str, notation: Notation) -> Option<Lenient> {
    let mut parser = Parser { text, at: 0, cut: false, notation };
    let value = parser.value(0).ok()??;
    parser.spaces();
    let whole = parser.at == text.len();
    (whole && !(parser.cut && value.is_empty()) && matches!(value, Value::Array(_) | Value::Map(_)))
        .then_some(Lenient { value, cut: parser.cut })
}

/// The text is neither whole nor merely cut.
struct Odd;

struct Parser<'a> {
    text: &'a str,
    at: usize,
    cut: bool,
    notation: Notation,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn is_python(&self) -> bool {
        self.notation == Notation::Python
    }

    /// `None` where the text ends before there is a value.
    fn value(&mut self, depth: usize) -> Result<Option<Value>, Odd> {
        if depth > DEEPEST {
            return Err(Odd);
        }
        self.spaces();
        match self.peek() {
            None => {
                self.cut = true;
                Ok(None)
            }
            Some(b'{') => self.object(depth).map(Some),
            Some(b'[') => self.list(b']', depth).map(Some),
            Some(b'(') if self.is_python() => self.list(b')', depth).map(Some),
            Some(b'"') => self.string().map(|text| Some(Value::String(text))),
            Some(b'\'') if self.is_python() => self.string().map(|text| Some(Value::String(text))),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'a'..=b'z' | b'A'..=b'Z') => self.word(),
            Some(_) => Err(Odd),
        }
    }

    fn list(&mut self, close: u8, depth: usize) -> Result<Value, Odd> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.spaces();
            if self.peek() == Some(close) {
                self.at += 1;
                break;
            }
            let Some(item) = self.value(depth + 1)? else { break };
            items.push(item);
            if self.cut || !self.comma(close)? {
                break;
            }
        }
        Ok(Value::Array(items))
    }

    fn object(&mut self, depth: usize) -> Result<Value, Odd> {
        self.at += 1;
        let mut entries = Vec::new();
        loop {
            self.spaces();
            match self.peek() {
                None => {
                    self.cut = true;
                    break;
                }
                Some(b'}') => {
                    self.at += 1;
                    break;
                }
                Some(b'"') => {}
                Some(b'\'') if self.is_python() => {}
                Some(_) => return Err(Odd),
            }
            let key = self.string()?;
            self.spaces();
            match self.peek() {
                None => {
                    self.cut = true;
                    break;
                }
                Some(b':') => self.at += 1,
                Some(_) => return Err(Odd),
            }
            let Some(value) = self.value(depth + 1)? else { break };
            entries.push((key, value));
            if self.cut || !self.comma(b'}')? {
                break;
            }
        }
        Ok(Value::Map(entries))
    }

    /// Steps over a comma, or over the closing bracket: then there is no next item. The text may also end here.
    fn comma(&mut self, close: u8) -> Result<bool, Odd> {
        self.spaces();
        match self.peek() {
            None => {
                self.cut = true;
                Ok(false)
            }
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            Some(_) => Err(Odd),
        }
    }

    fn string(&mut self) -> Result<String, Odd> {
        let Some(quote) = self.peek() else { return Err(Odd) };
        self.at += 1;
        let mut read = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(end) = rest.bytes().position(|byte| byte == quote || byte == b'\\') else {
                read.push_str(rest);
                self.at = self.text.len();
                self.cut = true;
                return Ok(read);
            };
            read.push_str(&rest[..end]);
            self.at += end + 1;
            if rest.as_bytes()[end] == quote {
                return Ok(read);
            }
            self.escape(&mut read)?;
        }
    }

    /// What follows a backslash. An escape that the text's end cuts off is dropped.
    fn escape(&mut self, into: &mut String) -> Result<(), Odd> {
        let Some(letter) = self.text[self.at..].chars().next() else { return Ok(()) };
        self.at += letter.len_utf8();
        into.push(match letter {
            '"' | '\\' | '/' | '\'' => letter,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => return self.utf16(into),
            'x' if self.is_python() => return self.hex_char(2, into),
            'U' if self.is_python() => return self.hex_char(8, into),
            _ => return Err(Odd),
        });
        Ok(())
    }

    /// The value of the next `digits` hex digits; `None` where the text ends first.
    fn hex(&mut self, digits: usize) -> Result<Option<u32>, Odd> {
        let Some(found) = self.text.as_bytes().get(self.at..self.at + digits) else {
            self.at = self.text.len();
            return Ok(None);
        };
        let mut code = 0_u32;
        for byte in found {
            code = code << 4 | char::from(*byte).to_digit(16).ok_or(Odd)?;
        }
        self.at += digits;
        Ok(Some(code))
    }

    fn hex_char(&mut self, digits: usize, into: &mut String) -> Result<(), Odd> {
        if let Some(code) = self.hex(digits)? {
            into.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(())
    }

    /// `\uXXXX`, or two of them for what lies beyond 16 bits. Half a pair is no character: it becomes U+FFFD.
    fn utf16(&mut self, into: &mut String) -> Result<(), Odd> {
        let Some(high) = self.hex(4)? else { return Ok(()) };
        if (0xd800..0xdc00).contains(&high) && self.text[self.at..].starts_with("\\u") {
            let before = self.at;
            self.at += 2;
            match self.hex(4)? {
                None => return Ok(()),
                Some(low) if (0xdc00..0xe000).contains(&low) => {
                    let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                    into.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    return Ok(());
                }
                Some(_) => self.at = before,
            }
        }
        into.push(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(())
    }

    fn number(&mut self) -> Result<Option<Value>, Odd> {
        let rest = &self.text[self.at..];
        let is_part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
        let Some(length) = rest.bytes().position(|byte| !is_part(byte)) else {
            // What follows may have been more digits.
            return Ok(self.ended());
        };
        let digits = &rest[..length];
        self.at += length;
        if digits == "-" && self.text[self.at..].starts_with(['I', 'i', 'N', 'n']) {
            return self.word();
        }
        if let Ok(number) = digits.parse::<i64>() {
            return Ok(Some(Value::Int(number)));
        }
        if let Ok(number) = digits.parse::<u64>() {
            return Ok(Some(Value::UInt(number)));
        }
        digits.parse::<f64>().map(|number| Some(Value::Double(number))).map_err(|_| Odd)
    }

    fn word(&mut self) -> Result<Option<Value>, Odd> {
        let rest = &self.text[self.at..];
        let Some(length) = rest.bytes().position(|byte| !byte.is_ascii_alphanumeric()) else {
            return Ok(self.ended());
        };
        self.at += length;
        let value = match (&rest[..length], self.notation) {
            ("true", Notation::Json) | ("True", Notation::Python) => Value::Bool(true),
            ("false", Notation::Json) | ("False", Notation::Python) => Value::Bool(false),
            ("null" | "NaN" | "Infinity", Notation::Json) | ("None" | "nan" | "inf", Notation::Python) => Value::Null,
            _ => return Err(Odd),
        };
        Ok(Some(value))
    }

    /// The text ended within a number or a word.
    fn ended(&mut self) -> Option<Value> {
        self.at = self.text.len();
        self.cut = true;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::json;

    fn read(text: &str, notation: Notation) -> Option<(String, bool)> {
        parse(text, notation).map(|read| (json::to_string(&read.value), read.cut))
    }

    #[test]
    fn a_cut_text_keeps_what_came_before_the_cut() {
        for (text, kept) in [
            (r#"[{"text":"hello wor"#, r#"[{"text":"hello wor"}]"#),
            (r#"[{"text":"hi"},{"to"#, r#"[{"text":"hi"},{}]"#),
            (r#"{"a":1,"b":23"#, r#"{"a":1}"#),
            (r#"{"a":[1,2,"x\u00e"#, r#"{"a":[1,2,"x"]}"#),
            (r#"{"a":"x\"#, r#"{"a":"x"}"#),
            (r#"{"a":tru"#, "{}"),
        ] {
            let expected = (kept != "{}").then(|| (kept.to_owned(), true));
            assert_eq!(read(text, Notation::Json), expected, "{text}");
        }
    }

    #[test]
    fn prose_in_brackets_is_not_data() {
        for text in ["[see below]", "{name}", "[1] A footnote", "[", "{'a': 1}", "12", "\"x\"", "[1 2]", ""] {
            assert_eq!(read(text, Notation::Json), None, "{text}");
        }
    }

    #[test]
    fn json_that_python_writes_is_read() {
        let text = r#"{"a":NaN,"b":-Infinity,"c":"\ud83d","d":"\ud83d\ude00","e":18446744073709551615}"#;
        let read = read(text, Notation::Json).unwrap();
        assert_eq!(read, (r#"{"a":null,"b":null,"c":"�","d":"😀","e":18446744073709551615}"#.to_owned(), false));
    }

    #[test]
    fn python_notation_is_read_where_nothing_is_odd() {
        let text = r#"{'city': "St. John's", 'ok': True, 'n': None, 't': (1, 2.5), 'q': 'it\'s', 'x': '\xe9', 'True': 'None',}"#;
        let expected = r#"{"city":"St. John's","ok":true,"n":null,"t":[1,2.5],"q":"it's","x":"é","True":"None"}"#;
        assert_eq!(read(text, Notation::Python), Some((expected.to_owned(), false)));
        for odd in ["{'a': datetime.now()}", "[TextContent(text='x')]", "{'a': b'x'}", "{1, 2}"] {
            assert_eq!(read(odd, Notation::Python), None, "{odd}");
        }
    }

    #[test]
    fn deep_nesting_is_given_up() {
        assert_eq!(read(&"[".repeat(100_000), Notation::Json), None);
        assert_eq!(read(&"{\"a\":".repeat(100_000), Notation::Python), None);
    }
}
