//! Files that were dropped on the terminal, which then pastes their paths: whether to import them is asked.

use std::path::PathBuf;

use super::{
    event::{Effect, Sends},
    format,
    item::{Dropped, Kind},
    lists,
    state::State,
    wrap,
};
use crate::keymap::{Action, Context};

/// How names of files that hold OTLP end, before what says how they are compressed.
const ENDINGS: &[&str] = &[".json", ".jsonl", ".ndjson", ".pb", ".otlp"];
const PACKED: &[&str] = &[".gz", ".zst"];
/// More files are imported by the command.
const MOST: usize = 100;
/// A longer text names no files.
const LONGEST: usize = 32 * 1024;

/// Takes a paste that goes into no line.
pub fn pasted(state: &mut State, text: &str) -> Vec<Effect> {
    let groups = paths(text);
    let is_list = matches!(state.context(), Context::List | Context::Line) || !state.lists.is_empty();
    if groups.is_empty() || is_list {
        let (filter, palette) = (state.keymap.label(Action::Filter), state.keymap.label(Action::Palette));
        state.notify(format!("a paste goes into a line: {filter} filters, {palette} does anything by its name"));
        return Vec::new();
    }
    vec![Effect::Look(groups)]
}

/// Asks whether to import files that there are.
pub fn ask(state: &mut State, files: Vec<Dropped>) {
    if files.is_empty() {
        state.notify("there is no file of that name: nothing is imported");
        return;
    }
    if state.http().is_none() {
        state.notify(if state.mode.is_live() {
            "no port takes exports over HTTP, by which a file is imported here: `sideseat-tui import` does it as well"
        } else {
            "files are imported where exports are received: nothing is received here"
        });
        return;
    }
    let what = question(&files);
    lists::open(state, Kind::Import { files, what });
}

/// Has files imported.
pub fn import(state: &mut State, files: Vec<Dropped>) -> Vec<Effect> {
    let paths: Vec<PathBuf> = files.into_iter().map(|file| file.path).collect();
    send(state, Sends::Files(paths), "importing…")
}

/// Has something sent to the address that takes exports over HTTP.
pub fn send(state: &mut State, what: Sends, says: &str) -> Vec<Effect> {
    let Some((host, port)) = state.http() else {
        state.notify("no port takes exports over HTTP here: nothing can be sent");
        return Vec::new();
    };
    state.notify(says);
    vec![Effect::Send { what, host, port }]
}

/// `import trip.json.gz · 12 kB?`
fn question(files: &[Dropped]) -> String {
    let size = format::size(files.iter().map(|file| file.bytes).fold(0, u64::saturating_add));
    match files {
        [one] => {
            let name = one.path.file_name().unwrap_or(one.path.as_os_str()).to_string_lossy().into_owned();
            format!("import {} · {size} into the store?", wrap::clean_line(&name))
        }
        files => format!("import {} files · {size} into the store?", files.len()),
    }
}

impl State {
    /// Where exports are taken over HTTP.
    pub(super) fn http(&self) -> Option<(String, u16)> {
        let open = self.listening.iter().flatten().find(|listening| listening.what != "gRPC")?;
        Some((open.address.clone(), open.port))
    }
}

/// The files that a text may name, as terminals paste what was dropped on them: plain, quoted, with backslashes, or as
/// addresses. Several readings where a space may be part of a name; none where the text is another one.
fn paths(text: &str) -> Vec<Vec<PathBuf>> {
    let text = text.trim();
    if text.len() > LONGEST {
        return Vec::new();
    }
    let mut readings = Vec::new();
    if text.starts_with('/') && !text.contains(['\n', '\\', '\'', '"']) && is_named_so(text) {
        readings.push(vec![PathBuf::from(text)]);
    }
    if let Some(words) = words(text).filter(|words| !words.is_empty() && words.len() <= MOST) {
        let paths: Option<Vec<PathBuf>> = words.iter().map(|word| path(word)).collect();
        readings.extend(paths);
    }
    readings.dedup();
    readings
}

/// A whole path, or `file://` and one, of a file that may hold OTLP.
fn path(word: &str) -> Option<PathBuf> {
    let path = match word.strip_prefix("file://") {
        Some(rest) => decoded(rest.strip_prefix("localhost").unwrap_or(rest))?,
        None => word.to_owned(),
    };
    (path.starts_with('/') && is_named_so(&path)).then(|| PathBuf::from(path))
}

fn is_named_so(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let plain = PACKED.iter().find_map(|packed| path.strip_suffix(packed)).unwrap_or(&path);
    !path.chars().any(char::is_control) && ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

/// `%20` and the like as what they stand for.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit()? * 16 + digit()?);
    }
    String::from_utf8(bytes).ok()
}

/// The words of a line as a shell reads them; `None` where a quotation has no end.
fn words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut letters = text.chars();
    while let Some(c) = letters.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().push(letters.next()?),
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terminals_paste_of_dropped_files_names_them() {
        let read = |text: &str| {
            let readings = paths(text).into_iter();
            readings
                .map(|paths| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join("|"))
                .collect::<Vec<_>>()
        };
        assert_eq!(read("/tmp/a.json "), ["/tmp/a.json"]);
        assert_eq!(read("'/tmp/a b.pb.gz'"), ["/tmp/a b.pb.gz"]);
        assert_eq!(read(r"/tmp/a\ b.jsonl"), ["/tmp/a b.jsonl"]);
        assert_eq!(read("file:///tmp/a%20b.json.zst"), ["/tmp/a b.json.zst"]);
        assert_eq!(read("/tmp/a.json /tmp/b.json"), ["/tmp/a.json /tmp/b.json", "/tmp/a.json|/tmp/b.json"]);
        assert_eq!(read("/tmp/a.json\n/tmp/B.PB"), ["/tmp/a.json|/tmp/B.PB"]);
        assert_eq!(read("/tmp/a b.json"), ["/tmp/a b.json"], "a word of it alone is no whole path");
    }

    #[test]
    fn any_other_text_names_none() {
        for text in
            ["", "hello", "a.json", "../a.json", "/tmp/a.txt", "/etc/passwd", "'/tmp/a.json", "file://%zz.json", "\\"]
        {
            assert!(paths(text).is_empty(), "{text}");
        }
        assert!(paths(&"/tmp/a.json ".repeat(101)).iter().all(|paths| paths.len() == 1));
    }
}
