//! Addresses of the web in lines, whole also where a line was cut to the width.

use std::ops::Range;

use super::Document;

/// A longer address is none: each of its cells carries all of it.
const LONGEST: usize = 400;
/// So many lines above and beneath may belong to one that was cut.
const LINES: usize = 64;

impl Document {
    /// The addresses of which a line shows some: which bytes of its text, and the whole address.
    #[must_use]
    pub fn links_in(&self, at: usize) -> Vec<(Range<usize>, String)> {
        if let Some(line) = self.line(at)
            && let Some(row) = &line.row
        {
            // One that was cut within its cell is not known whole here.
            let known: Vec<&str> = links(&row.cells).into_iter().map(|link| &row.cells[link]).collect();
            let text = line.text();
            let shown = links(&text).into_iter().map(|link| (link.clone(), text[link].to_owned()));
            return shown.filter(|(_, address)| known.contains(&address.as_str())).collect();
        }
        let goes_on = |at: usize| self.line(at).is_some_and(|line| line.goes_on.is_some());
        let furthest = at.saturating_sub(LINES);
        let first = (furthest..=at).rev().find(|line| !goes_on(*line)).unwrap_or(furthest);
        let mut whole = String::new();
        let (mut own, mut indent) = (0..0, 0);
        for number in first..=at + LINES {
            let Some(line) = self.line(number).filter(|line| number == first || line.goes_on.is_some()) else { break };
            let text = line.text();
            let shown = if number == first { text.as_str() } else { text.trim_start() };
            whole.push_str(line.goes_on.map_or("", |joint| joint.as_str()));
            if number == at {
                (own, indent) = (whole.len()..whole.len() + shown.len(), text.len() - shown.len());
            }
            whole.push_str(shown);
        }
        let links = links(&whole).into_iter().filter_map(|link| {
            let (from, until) = (link.start.max(own.start), link.end.min(own.end));
            let shown = from.checked_sub(own.start)? + indent..until.checked_sub(own.start)? + indent;
            (from < until).then(|| (shown, whole[link].to_owned()))
        });
        links.collect()
    }
}

/// Where the addresses of a text are.
fn links(text: &str) -> Vec<Range<usize>> {
    let mut links = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("http").map(|found| at + found) {
        let rest = &text[found..];
        at = found + 4;
        let Some(scheme) = ["https://", "http://"].into_iter().find(|scheme| rest.starts_with(scheme)) else {
            continue;
        };
        // What no address has unless it is written as `%…`, and what mostly ends one in a text.
        let is_of =
            |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '<' | '>' | '`' | '{' | '}' | '|' | '\\' | '^');
        let end = rest.find(|c| !is_of(c)).unwrap_or(rest.len());
        // Something was cut off.
        let is_cut = rest[end..].starts_with('…');
        let address = rest[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '*', '_']);
        if !is_cut && address.len() > scheme.len() && address.len() <= LONGEST {
            links.push(found..found + address.len());
        }
        at = found + address.len();
    }
    links
}

#[cfg(test)]
mod tests {
    use super::links;

    #[test]
    fn addresses_are_found_without_what_ends_a_sentence() {
        let found = |text: &'static str| links(text).into_iter().map(|link| &text[link]).collect::<Vec<_>>();
        assert_eq!(
            found("see https://a.example/b?c=d#e, or (http://x.example)."),
            ["https://a.example/b?c=d#e", "http://x.example"]
        );
        assert_eq!(found(r#"{"url": "https://a.example/x"}"#), ["https://a.example/x"]);
        assert!(found("https:// http:/x javascript:alert(1) ftp://a file:///etc/passwd https://cut.exam…").is_empty());
    }
}
