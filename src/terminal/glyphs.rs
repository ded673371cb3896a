//! What is written in place of marks, lines and blocks where a terminal or its font has none.

use ratatui::buffer::Buffer;

use crate::app::wrap::ascii;

/// Which characters the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// All.
    Unicode,
    /// Letters of every script; our marks, lines and blocks in ASCII.
    AsciiMarks,
    /// Nothing but ASCII: each other character is a `?`.
    Ascii,
}

impl Glyphs {
    /// By the setting, `None` where nobody set it, and by what the environment says of the terminal. A locale that is not
    /// named at all says nothing.
    pub fn of(setting: Option<bool>, variable: impl Fn(&str) -> Option<String>) -> Self {
        match setting {
            Some(true) => return Self::AsciiMarks,
            Some(false) => return Self::Unicode,
            None => {}
        }
        // The first that is set counts, as POSIX has it.
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let named = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        let is_utf8 = |locale: &str| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        };
        if named.is_some_and(|locale| !is_utf8(&locale)) {
            Self::Ascii
        } else if variable("TERM").as_deref() == Some("linux") {
            // The console's font has few hundred characters.
            Self::AsciiMarks
        } else {
            Self::Unicode
        }
    }

    /// Replaces in a drawn frame what cannot be shown. Each cell keeps its column.
    pub fn fit(self, cells: &mut Buffer) {
        if self == Self::Unicode {
            return;
        }
        for cell in &mut cells.content {
            let symbol = cell.symbol();
            if symbol.is_ascii() {
                continue;
            }
            let mark = symbol.chars().next().and_then(ascii);
            match (mark, self) {
                (Some(mark), _) => cell.set_char(mark),
                (None, Self::Ascii) => cell.set_char('?'),
                (None, _) => continue,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ratatui::layout::Rect;

    use super::*;

    fn chosen(setting: Option<bool>, variables: &[(&str, &str)]) -> Glyphs {
        Glyphs::of(setting, |name| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_locale_and_the_console_decide_unless_somebody_did() {
        assert_eq!(chosen(None, &[]), Glyphs::Unicode);
        assert_eq!(chosen(None, &[("LANG", "de_DE.UTF-8"), ("TERM", "xterm")]), Glyphs::Unicode);
        assert_eq!(chosen(None, &[("LANG", "C")]), Glyphs::Ascii);
        assert_eq!(chosen(None, &[("LANG", "C.utf8")]), Glyphs::Unicode);
        assert_eq!(chosen(None, &[("LC_ALL", ""), ("LC_CTYPE", "en_US.utf8"), ("LANG", "C")]), Glyphs::Unicode);
        assert_eq!(chosen(None, &[("LC_ALL", "POSIX"), ("LANG", "en_US.UTF-8")]), Glyphs::Ascii);
        assert_eq!(chosen(None, &[("TERM", "linux"), ("LANG", "en_US.UTF-8")]), Glyphs::AsciiMarks);
        assert_eq!(chosen(Some(true), &[("LANG", "en_US.UTF-8")]), Glyphs::AsciiMarks);
        assert_eq!(chosen(Some(false), &[("LANG", "C")]), Glyphs::Unicode);
    }

    #[test]
    fn each_cell_keeps_its_column() {
        let text = "┌✓ é漢字 ▌…";
        let fitted = |glyphs: Glyphs| {
            let mut cells = Buffer::empty(Rect::new(0, 0, 12, 1));
            cells.set_string(0, 0, text, ratatui::style::Style::new());
            glyphs.fit(&mut cells);
            cells.content.iter().map(|cell| cell.symbol().to_owned()).collect::<Vec<_>>().concat()
        };
        assert_eq!(fitted(Glyphs::Ascii), "+v ?? ?  |~ ");
        assert_eq!(fitted(Glyphs::AsciiMarks), "+v é漢 字  |~ ");
        assert_eq!(fitted(Glyphs::Unicode), "┌✓ é漢 字  ▌… ");
    }

    /// Characters that are quoted in the code that draws, and no letters.
    #[test]
    fn every_mark_that_is_drawn_has_its_ascii() {
        let mut missing = Vec::new();
        let mut folders = vec![concat!(env!("CARGO_MANIFEST_DIR"), "/src/view").into()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir::<std::path::PathBuf>(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.ends_with("tests") {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let code = fs::read_to_string(&path).unwrap();
                    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
                    let drawn = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                    let marks = drawn.flat_map(str::chars).filter(|char| !char.is_ascii() && !char.is_alphanumeric());
                    missing.extend(marks.filter(|mark| ascii(*mark).is_none()));
                }
            }
        }
        assert!(missing.is_empty(), "{missing:?}");
    }
}
