//! Finds the members of an object and the elements of a list in a JSON text, without reading what is in them.
//!
//! The text must be valid JSON, which the caller has checked. Of one that is not, some members and elements are found, in
//! order and none twice.

/// The member of an object that has one of these names: its name, with quotes, and its value.
pub fn member<'a>(object: &'a [u8], names: [&'static str; 2]) -> Option<(&'a [u8], &'a [u8])> {
    members(object).find(|(name, _)| is_named(name, names))
}

/// Whether a name, with its quotes, is one of these.
pub fn is_named(name: &[u8], names: [&'static str; 2]) -> bool {
    let name = name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or_default();
    names.iter().any(|one| one.as_bytes() == name)
}

/// The members of an object: each name, with quotes, and its value. None if it is no object.
pub fn members(object: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = inside(object, b'{');
    std::iter::from_fn(move || {
        let name = value(&mut rest)?;
        rest = rest.trim_ascii_start().strip_prefix(b":")?;
        Some((name, value(&mut rest)?))
    })
}

/// The elements of a list. None if it is no list.
pub fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = inside(list, b'[');
    std::iter::from_fn(move || value(&mut rest))
}

/// What follows the first letter of a text, if that is this bracket.
fn inside(text: &[u8], bracket: u8) -> &[u8] {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
    text.strip_prefix(&[bracket]).unwrap_or_default()
}

/// Takes the next value, and a comma before it; `None` where the object or list ends.
fn value<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let text = rest.trim_ascii_start();
    let text = text.strip_prefix(b",").unwrap_or(text).trim_ascii_start();
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for (at, byte) in text.iter().enumerate() {
        let mut ends_after = false;
        if in_string {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => {
                    in_string = false;
                    ends_after = depth == 0;
                }
                _ => {}
            }
        } else {
            match byte {
                b'"' => in_string = true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    ends_after = depth == 0;
                }
                // The end of a number or a word.
                b'}' | b']' | b',' | b':' if depth == 0 => {
                    *rest = text.get(at..)?;
                    return text.get(..at).map(<[u8]>::trim_ascii_end).filter(|value| !value.is_empty());
                }
                _ => {}
            }
        }
        if ends_after {
            *rest = text.get(at + 1..)?;
            return text.get(..=at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<&'a str> {
        parts.map(|part| std::str::from_utf8(part).unwrap()).collect()
    }

    #[test]
    fn members_and_elements_are_found_as_they_are_written() {
        let text = br#" { "a" : 1 , "b\"}" : [ {} , "x,]" , -2e3 ,null,[[]]] ,"c":{"d":[1,2]} } "#;
        let (names, values): (Vec<_>, Vec<_>) = members(text).unzip();
        assert_eq!(shown(names.into_iter()), [r#""a""#, r#""b\"}""#, r#""c""#]);
        assert_eq!(shown(values.iter().copied()), ["1", r#"[ {} , "x,]" , -2e3 ,null,[[]]]"#, r#"{"d":[1,2]}"#]);
        assert_eq!(shown(elements(values[1])), ["{}", r#""x,]""#, "-2e3", "null", "[[]]"]);
        assert_eq!(member(text, ["d", "c"]).unwrap().1, br#"{"d":[1,2]}"#);
        assert!(
            elements(b"[ ]").next().is_none() && members(b"{}").next().is_none() && elements(b"null").next().is_none()
        );
    }

    #[test]
    fn a_text_that_is_cut_off_ends() {
        let text = br#"{"a":[1,{"b":"c\"d"}],"e":null}"#;
        for end in 0..text.len() {
            assert!(members(&text[..end]).count() <= 2);
            assert!(members(&text[..end]).flat_map(|(_, list)| elements(list)).count() <= 2);
        }
        assert!(elements(b"[,,,").count() < 5);
    }
}
