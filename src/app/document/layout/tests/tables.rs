//! Tables of Markdown: what is seen, found and copied of them.

use super::*;
use crate::app::document::{line::Piece, markdown};

/// What a model said, with a table in it.
#[derive(Debug)]
struct Said(&'static str);

impl Pane for Said {
    type Block = ();

    fn write(&self, (): &(), to: &mut Builder) {
        to.piece(Piece::Text);
        markdown::write(to, 4, self.0, Slot::Text);
    }
}

const SAID: &str = "Two of them:\n\n| hotel | note |\n|---|---|\n| Ryokan | quiet, with a garden and a long way to the sea |\n| Inn | near |\n\n```sh\nls\n```";

fn said(width: u16) -> Document {
    let mut outline = Outline::default();
    outline.push((), "said", 9, 0);
    let mut document = Document::new(outline.of(Said(SAID)).into(), width, Zone::default());
    document.measure(usize::MAX, Place::default(), &Folds::default());
    document
}

fn shown(document: &Document) -> Vec<String> {
    (0..document.len()).map(|at| document.text(at).trim_end().to_owned()).collect()
}

#[test]
fn a_table_is_laid_out_and_copied_as_it_was_written() {
    let rule = |width: usize| format!("    ───────┼─{}", "─".repeat(width));
    let wide = said(80);
    assert_eq!(shown(&wide)[2], "    hotel  │ note");
    assert_eq!(shown(&wide)[3], rule(46));
    assert_eq!(shown(&wide)[4], "    Ryokan │ quiet, with a garden and a long way to the sea");
    assert_eq!(shown(&wide)[5], "    Inn    │ near");
    let broken = said(36);
    assert_eq!(shown(&broken)[4], "    Ryokan │ quiet, with a garden");
    assert_eq!(shown(&broken)[5], "           │ and a long way to the");
    assert_eq!(shown(&broken)[6], "           │ sea");
    assert_eq!(shown(&broken)[7], rule(23));
    let narrow = said(22);
    assert_eq!(shown(&narrow)[2], "    hotel · note");
    assert!(shown(&narrow).contains(&"    hotel  Ryokan".to_owned()), "{:?}", shown(&narrow));
    let folds = Folds::default();
    for document in [wide, broken, narrow] {
        let all = document.selected(document.place(0), document.last(), &folds);
        assert_eq!((all.text.trim_end(), all.lines), (SAID, 10));
        let lines = || (0..document.len()).map(|at| (at, document.text(at)));
        let code = lines().find(|(_, text)| text.trim() == "ls").unwrap().0;
        assert_eq!(document.line_of_piece(code), Some(8), "lines of the text are those that were written");
        // A row is copied whole, whichever of its lines is chosen.
        let sea = lines().rfind(|(_, text)| text.contains("sea")).unwrap().0;
        let row = document.selected(document.place(sea), document.place(sea), &folds);
        assert_eq!(row.text, "| Ryokan | quiet, with a garden and a long way to the sea |\n");
        let mut hits = Vec::new();
        let needle = Needle::new("long way to the sea");
        assert!(document.search(&mut Search::default(), &needle, &folds, usize::MAX, &mut hits));
        assert_eq!(hits.len(), 1, "what a cell was broken within is found");
    }
}
