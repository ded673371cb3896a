//! Markup, and texts in it that cannot become markup.

use std::fmt::Write as _;

use crate::{app::wrap, model::secrets};

/// A piece of a page. What anybody else wrote goes in by [`Html::text`] alone.
#[derive(Debug, Default)]
pub struct Html {
    markup: String,
    /// Secrets that were left out of texts.
    pub secrets: usize,
}

impl Html {
    /// Adds markup of our own.
    pub fn markup(&mut self, markup: &str) {
        self.markup.push_str(markup);
    }

    /// Adds a text without its secrets. What is invisible or gives a direction is written out, as on the screen.
    pub fn text(&mut self, text: &str) {
        let (text, secrets) = secrets::hide(text);
        self.secrets += secrets;
        self.markup.push_str(&escaped(&text));
    }

    /// Adds an element of a class with a text; nothing where the text is empty.
    pub fn element(&mut self, tag: &str, class: &str, text: &str) {
        if !text.is_empty() {
            let _ = write!(self.markup, "<{tag} class=\"{class}\">");
            self.text(text);
            let _ = writeln!(self.markup, "</{tag}>");
        }
    }

    /// Adds a text whose lines and spaces stay; nothing where it is empty.
    pub fn block(&mut self, class: &str, text: &str) {
        self.element("pre", class, text.trim_end_matches('\n'));
    }

    /// Adds something that opens and closes: its head, what stands dimmed behind that, and what is in it.
    pub fn fold(&mut self, class: &str, open: bool, head: &str, note: &str, body: impl FnOnce(&mut Self)) {
        let open = if open { " open" } else { "" };
        let _ = write!(self.markup, "<details class=\"{class}\"{open}><summary>");
        self.element("b", "head", head);
        self.element("span", "note", note);
        self.markup.push_str("</summary>\n");
        body(self);
        self.markup.push_str("</details>\n");
    }

    pub fn finish(self) -> String {
        self.markup
    }
}

/// A text that is only a text, in an element as well as in the value of an attribute.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            '\r' => {}
            '\0'..' ' => out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}')),
            c if wrap::is_unsafe(c) => _ = write!(out, "&lt;U+{:04X}&gt;", u32::from(c)),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup_and_nothing_hides_in_it() {
        let hostile = "</pre><script>alert('x')</script>&amp;\u{202e}\u{1b}[31m\u{0}\" onload=\"x\u{2028}";
        assert_eq!(
            escaped(hostile),
            "&lt;/pre&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;&lt;U+202E&gt;␛[31m␀&quot; onload=&quot;x&lt;U+2028&gt;"
        );
    }

    #[test]
    fn secrets_stay_here() {
        let mut html = Html::default();
        html.block("text", "api_key=abcdef0123456789abcdef");
        assert_eq!((html.secrets, html.finish().contains("abcdef")), (1, false));
    }
}
