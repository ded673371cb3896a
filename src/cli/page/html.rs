//! Markup, and texts in it that cannot become markup.

use std::fmt::Write as _;

use crate::{
    app::{document::markdown, wrap},
    model::secrets,
    slots::Slot,
};

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

    /// Adds what may be Markdown: every letter stays where it was written, and headings, code and emphasis stand out.
    pub fn prose(&mut self, class: &str, text: &str) {
        let text = text.trim_end_matches('\n');
        if text.len() > markdown::TOO_LONG || text.is_empty() {
            return self.block(class, text);
        }
        let (text, secrets) = secrets::hide(text);
        self.secrets += secrets;
        let _ = write!(self.markup, "<pre class=\"{class}\">");
        for (stretch, slot) in markdown::stretches(&text, Slot::Text) {
            let stretch = escaped(stretch);
            match class_of(slot) {
                Some(class) => _ = write!(self.markup, "<span class=\"md-{class}\">{stretch}</span>"),
                None => self.markup.push_str(&stretch),
            }
        }
        self.markup.push_str("</pre>\n");
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

/// How the style sheet calls what Markdown makes of a text.
fn class_of(slot: Slot) -> Option<&'static str> {
    match slot {
        Slot::MarkdownHeading => Some("heading"),
        Slot::MarkdownCode => Some("code"),
        Slot::MarkdownEmphasis => Some("emphasis"),
        Slot::MarkdownStrong => Some("strong"),
        Slot::MarkdownLink => Some("link"),
        Slot::MarkdownQuote => Some("quote"),
        Slot::Dim => Some("mark"),
        _ => None,
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
    fn markdown_stands_out_and_loses_no_letter() {
        let mut html = Html::default();
        html.prose("say", "# A\n**b** `<c>`\n\n1. d\n");
        let page = html.finish();
        assert!(page.contains("<span class=\"md-heading\">A</span>") && page.contains("md-strong\">b<"), "{page}");
        let mut plain = page.replace("</span>", "");
        while let Some((from, until)) =
            plain.find("<span").and_then(|from| Some((from, from + plain[from..].find('>')?)))
        {
            plain.replace_range(from..=until, "");
        }
        assert_eq!(plain, "<pre class=\"say\"># A\n**b** `&lt;c&gt;`\n\n1. d</pre>\n");
    }

    #[test]
    fn secrets_stay_here() {
        let mut html = Html::default();
        html.block("text", "api_key=abcdef0123456789abcdef");
        assert_eq!((html.secrets, html.finish().contains("abcdef")), (1, false));
    }
}
