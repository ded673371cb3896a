//! The code blocks of a text in Markdown.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::line::Copied;

/// Longer texts are not searched for code.
const TOO_LONG: usize = 1 << 20;

/// The code block that a line of a text is in, without its fences; `None` where the line is in none. `line`: counted from
/// 0.
#[must_use]
pub fn at(text: &str, line: usize) -> Option<Copied> {
    if text.len() > TOO_LONG || !(text.contains("```") || text.contains("~~~") || text.contains("    ")) {
        return None;
    }
    let text = text.replace("\r\n", "\n");
    let start = text.split_inclusive('\n').take(line).map(str::len).sum::<usize>();
    let end = start + text[start..].find('\n').unwrap_or(text.len() - start);
    let mut code: Option<(String, String)> = None;
    for (event, range) in Parser::new_ext(&text, Options::ENABLE_STRIKETHROUGH).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) if range.start <= end && start < range.end.max(range.start + 1) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info.split_whitespace().next().unwrap_or_default().to_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                code = Some((language, String::new()));
            }
            Event::Text(piece) => {
                if let Some((_, code)) = &mut code {
                    code.push_str(&piece);
                }
            }
            Event::End(TagEnd::CodeBlock) if code.is_some() => break,
            _ => {}
        }
    }
    let (language, code) = code?;
    let what = if language.is_empty() { "code".to_owned() } else { format!("code ({language})") };
    Some(Copied::new(what, code))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Do this:\n\n```rust\nfn a() {}\n\nfn b() {}\n```\nand\n\n- item\n  ~~~\n  x = 1\n  ~~~\n\nend";

    fn found(line: usize) -> Option<(String, String)> {
        at(TEXT, line).map(|code| (code.what, code.text))
    }

    #[test]
    fn a_line_within_fences_is_in_their_code() {
        let rust = Some(("code (rust)".to_owned(), "fn a() {}\n\nfn b() {}\n".to_owned()));
        assert_eq!([found(2), found(3), found(4), found(6)], [rust.clone(), rust.clone(), rust.clone(), rust]);
        assert_eq!(found(11), Some(("code".to_owned(), "x = 1\n".to_owned())));
    }

    #[test]
    fn any_other_line_is_in_no_code() {
        assert_eq!([0, 1, 7, 9, 14, 99].map(found), [const { None }; 6]);
        assert_eq!(at("", 0), None);
        assert_eq!(at("日本語 ```", 0), None);
    }
}
