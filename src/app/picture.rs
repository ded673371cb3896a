//! A picture of a message, laid over the screen.
//!
//! ```text
//!   Enter on its line ─▶ Reading ─ painted by the terminal ─▶ There
//!                           └────── or not ────────────────▶ Not(why)
//! ```
//!
//! The state knows which picture; its pixels are the terminal's. `picture_keys` says where it goes and what keys do.

use super::document::{DocLine, Opens};

/// Which picture is laid over the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub what: Opens,
    /// Type, pixels and size, as on its line.
    pub title: String,
    pub shown: Shown,
}

/// What a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shows {
    #[default]
    Text,
    Pictures,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    Reading,
    There,
    /// It cannot be; the text says why.
    Not(String),
}

impl Picture {
    /// What a line names, if that is a picture whose bytes are here.
    pub(super) fn of(line: &DocLine) -> Option<Self> {
        let what = line.opens.clone()?;
        let Opens::Blob { mime: Some(mime), .. } = &what else { return None };
        // Drawings are programs for browsers, not pixels.
        if !mime.starts_with("image/") || mime.starts_with("image/svg") {
            return None;
        }
        let title = line.text().trim().trim_start_matches('▪').trim().to_owned();
        Some(Self { what, title, shown: Shown::Reading })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::styled::Styled;
    use crate::slots::Slot;

    fn line(text: &str, opens: Option<Opens>) -> DocLine {
        DocLine { texts: vec![Styled::new(text, Slot::Text)], opens, ..DocLine::default() }
    }

    #[test]
    fn only_stored_pictures_are_shown_and_by_what_their_line_says() {
        let blob = |mime: &str| Some(Opens::Blob { sha256: [1; 32], mime: Some(mime.to_owned()) });
        let picture = Picture::of(&line("  ▪ image/png · 2×2 · 91 B", blob("image/png"))).unwrap();
        assert_eq!((picture.title.as_str(), picture.shown), ("image/png · 2×2 · 91 B", Shown::Reading));
        for opens in [
            None,
            blob("application/pdf"),
            blob("image/svg+xml"),
            Some(Opens::Blob { sha256: [1; 32], mime: None }),
            Some(Opens::Address("https://x/y.png".to_owned())),
        ] {
            assert_eq!(Picture::of(&line("▪", opens)), None);
        }
    }
}
