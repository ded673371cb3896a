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
    /// The same with objects, which become maps: `Call(name='w', arguments={})` is `{"name": "w", "arguments": {}}` with
    /// the class under [`CLASS`], and a member of an enumeration, `<Role.USER: 'user'>`, is its value.
    Objects,
}

/// The key of an object's class, where objects are read.
pub const CLASS: &str = "__class__";

/// As deep as `serde_json` goes.
const DEEPEST: usize = 128;

/// Reads a list, a map or an object; `None` for anything odd, and where nothing but brackets is left of a cut text.
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

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn is_python(&self) -> bool {
        self.notation != Notation::Json
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
            Some(b'-' | b'0'..=b'9') => self.number(depth),
            Some(b'<') if self.notation == Notation::Objects => self.member(depth),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => self.word(depth),
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

    fn number(&mut self, depth: usize) -> Result<Option<Value>, Odd> {
        let rest = &self.text[self.at..];
        let is_part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
        let Some(length) = rest.bytes().position(|byte| !is_part(byte)) else {
            // What follows may have been more digits.
            return Ok(self.ended());
        };
        let digits = &rest[..length];
        self.at += length;
        if digits == "-" && self.text[self.at..].starts_with(['I', 'i', 'N', 'n']) {
            return self.word(depth);
        }
        if let Ok(number) = digits.parse::<i64>() {
            return Ok(Some(Value::Int(number)));
        }
        if let Ok(number) = digits.parse::<u64>() {
            return Ok(Some(Value::UInt(number)));
        }
        digits.parse::<f64>().map(|number| Some(Value::Double(number))).map_err(|_| Odd)
    }

    fn word(&mut self, depth: usize) -> Result<Option<Value>, Odd> {
        let rest = &self.text[self.at..];
        let Some(word) = self.name() else { return Ok(self.ended()) };
        let value = match (word, self.is_python()) {
            ("true", false) | ("True", true) => Value::Bool(true),
            ("false", false) | ("False", true) => Value::Bool(false),
            ("null" | "NaN" | "Infinity", false) | ("None" | "nan" | "inf", true) => Value::Null,
            _ if self.notation == Notation::Objects && rest[word.len()..].starts_with('(') => {
                return self.instance(word, depth).map(Some);
            }
            _ => return Err(Odd),
        };
        Ok(Some(value))
    }

    /// Steps over a name; `None` where the text ends within it.
    fn name(&mut self) -> Option<&'a str> {
        let rest: &'a str = &self.text[self.at..];
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || (self.is_python() && matches!(byte, b'_' | b'.'));
        let length = rest.bytes().position(|byte| !is_part(byte))?;
        self.at += length;
        Some(&rest[..length])
    }

    /// An object as its class prints it: the fields by name, and those without one in a list under `args`.
    fn instance(&mut self, class: &str, depth: usize) -> Result<Value, Odd> {
        self.at += 1;
        let mut entries = vec![(CLASS.to_owned(), Value::String(class.to_owned()))];
        let mut unnamed = Vec::new();
        loop {
            self.spaces();
            if self.peek() == Some(b')') {
                self.at += 1;
                break;
            }
            let before = self.at;
            let field = self.name().map(str::to_owned).filter(|field| !field.is_empty());
            let field = field.filter(|_| self.peek() == Some(b'='));
            match &field {
                Some(_) => self.at += 1,
                None => self.at = before,
            }
            let Some(value) = self.value(depth + 1)? else { break };
            match field {
                Some(field) => entries.push((field, value)),
                None => unnamed.push(value),
            }
            if self.cut || !self.comma(b')')? {
                break;
            }
        }
        if !unnamed.is_empty() {
            entries.push(("args".to_owned(), Value::Array(unnamed)));
        }
        Ok(Value::Map(entries))
    }

    /// The value of an enumeration's member; of any other thing in angle brackets the text.
    fn member(&mut self, depth: usize) -> Result<Option<Value>, Odd> {
        let rest = &self.text[self.at..];
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.');
        let end = rest[1..].find(|letter| !is_name(letter)).map_or(rest.len(), |end| end + 1);
        if rest[end..].starts_with(':') {
            self.at += end + 1;
            let value = self.value(depth + 1)?;
            self.spaces();
            match self.peek() {
                Some(b'>') => self.at += 1,
                Some(_) => return Err(Odd),
                None => self.cut = true,
            }
            return Ok(value);
        }
        let mut open = 0_usize;
        for (at, letter) in rest.char_indices() {
            match letter {
                '<' => open += 1,
                '>' => open -= 1,
                // Nothing that Python prints so is longer.
                '\n' => return Err(Odd),
                _ => {}
            }
            if open == 0 {
                self.at += at + 1;
                return Ok(Some(Value::String(rest[..=at].to_owned())));
            }
        }
        Ok(self.ended())
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
    fn objects_are_maps_and_members_their_values() {
        let text = "[Message(_role=<Role.USER: 'user'>, _content=[Text(text='a (b)'), Call(args={'n': 1}, id=None)], _meta={}), \
            datetime.datetime(2026, 11), <function <lambda> at 0x7f>]";
        let expected = concat!(
            r#"[{"__class__":"Message","_role":"user","_content":[{"__class__":"Text","text":"a (b)"},"#,
            r#"{"__class__":"Call","args":{"n":1},"id":null}],"_meta":{}},"#,
            r#"{"__class__":"datetime.datetime","args":[2026,11]},"<function <lambda> at 0x7f>"]"#
        );
        assert_eq!(read(text, Notation::Objects), Some((expected.to_owned(), false)));
        assert_eq!(read("Text(text='hello wor", Notation::Objects).map(|read| read.1), Some(true));
        for odd in ["Text(text=)", "Text text", "[a.b]", "Text(", "see (above)"] {
            assert_eq!(read(odd, Notation::Objects).filter(|read| !read.1), None, "{odd}");
        }
    }

    #[test]
    fn deep_nesting_is_given_up() {
        assert_eq!(read(&"[".repeat(100_000), Notation::Json), None);
        assert_eq!(read(&"{\"a\":".repeat(100_000), Notation::Python), None);
        assert_eq!(read(&"A(a=<B: ".repeat(100_000), Notation::Objects), None);
        assert_eq!(read(&"-N(".repeat(100_000), Notation::Objects), None);
    }
}
