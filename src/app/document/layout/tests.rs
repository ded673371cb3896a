//! Places and windows, against the whole text.

use super::*;
use crate::app::document::line::Piece;
use crate::app::document::markdown;
use crate::app::document::needle::Needle;
use crate::app::document::outline::{Outline, Pane};
use crate::app::styled::Styled;
use crate::slots::Slot;

/// Paragraphs of so many words each; every fifth one has a fold that opens on more.
#[derive(Debug)]
struct Paragraphs;

impl Pane for Paragraphs {
    type Block = (usize, usize);

    fn write(&self, (nth, words): &(usize, usize), to: &mut Builder) {
        to.gap();
        if nth % 5 == 0 && !to.fold(format!("fold {nth}"), false, 0, vec![Styled::new("more", Slot::Dim)], vec![]) {
            return;
        }
        to.text(2, &format!("{nth} {}", "words ".repeat(*words)), Slot::Text);
    }
}

fn paragraphs(words: impl IntoIterator<Item = usize>) -> Arc<dyn Blocks> {
    let mut outline = Outline::default();
    for (nth, words) in words.into_iter().enumerate() {
        // What is estimated is far from what it turns out to be.
        outline.push((nth, words), nth, 7, 0);
    }
    outline.of(Paragraphs).into()
}

fn texts(document: &Document, lines: std::ops::Range<usize>) -> Vec<String> {
    lines.map(|at| document.text(at)).collect()
}

#[test]
fn a_place_stays_where_it_is_while_what_is_above_it_is_measured() {
    let (blocks, folds) = (paragraphs((0..3000).map(|nth| nth % 60)), Folds::default());
    let whole: Vec<String> = Document::whole(blocks.clone(), &folds, 40).iter().map(DocLine::text).collect();
    let mut document = Document::new(blocks, 40, Zone::default());
    let place = Place { block: 2001, segment: 0, line: 1 };
    document.lay_around(place, 50, 50, &folds);
    let at = document.number_of(place);
    let around = texts(&document, at - 40..at + 40);
    for _ in 0..300 {
        document.measure(4096, place, &folds);
        let at = document.number_of(place);
        assert_eq!(texts(&document, at - 40..at + 40), around);
    }
    assert_eq!(document.len(), whole.len(), "all is measured");
    assert!(document.kept < document.len(), "and not all is kept");
    let at = document.number_of(place);
    assert_eq!(texts(&document, at - 40..at + 40), whole[at - 40..at + 40]);
}

#[test]
fn any_window_shows_what_the_whole_text_holds_there() {
    let long = [3, 9000, 0, 5, 40_000, 2];
    let (blocks, folds) = (paragraphs(long), Folds::default());
    let whole: Vec<String> = Document::whole(blocks.clone(), &folds, 31).iter().map(DocLine::text).collect();
    let mut document = Document::new(blocks, 31, Zone::default());
    document.measure(usize::MAX, Place::default(), &folds);
    assert_eq!(document.len(), whole.len());
    for at in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        let place = document.place(at);
        document.lay_around(place, 20, 20, &folds);
        let at = document.number_of(place);
        let lines = at.saturating_sub(20)..(at + 20).min(whole.len());
        assert_eq!(texts(&document, lines.clone()), whole[lines]);
    }
}

#[test]
fn what_is_near_is_kept_also_where_a_long_text_ends_above_it() {
    let (blocks, folds) = (paragraphs([3, 200_000, 2, 2]), Folds::default());
    let whole: Vec<String> = Document::whole(blocks.clone(), &folds, 31).iter().map(DocLine::text).collect();
    let mut document = Document::new(blocks, 31, Zone::default());
    let place = loop {
        let last = document.last();
        document.lay_around(last, 80, 1, &folds);
        if document.last() == last {
            break last;
        }
    };
    for _ in 0..200 {
        document.measure(64 * 1024, place, &folds);
        let (at, end) = (document.number_of(place), document.len());
        assert_eq!(texts(&document, end - 80..end), whole[whole.len() - 80..]);
        assert_eq!(at, end - 1);
    }
    assert_eq!(document.len(), whole.len());
}

#[test]
fn a_fold_that_opens_is_laid_out_anew_and_nothing_else() {
    let (blocks, mut folds) = (paragraphs((0..40).map(|_| 30)), Folds::default());
    let mut document = Document::new(blocks.clone(), 40, Zone::default());
    document.measure(usize::MAX, Place::default(), &folds);
    let closed = document.len();
    let head = (0..closed).find(|at| document.text(*at).contains('▸')).unwrap();
    let (place, fold) = (document.place(head), document.line(head).unwrap().fold.clone().unwrap());
    assert!(!fold.open);
    folds.toggle(&fold.name);
    document.forget(place.block);
    assert_eq!(document.entries.iter().filter(|entry| entry.lines.is_none()).count(), 1);
    document.lay_around(place, 20, 20, &folds);
    assert!(document.line(head).unwrap().fold.as_ref().unwrap().open);
    assert!(document.len() > closed);
    let whole = Document::whole(blocks, &folds, 40);
    assert_eq!(texts(&document, 0..document.len()), whole.iter().map(DocLine::text).collect::<Vec<_>>());
}

/// A block whose long text has lines after it.
#[derive(Debug)]
struct Framed;

impl Pane for Framed {
    type Block = ();

    fn write(&self, (): &(), to: &mut Builder) {
        to.line(vec![Styled::new("before", Slot::Text)]);
        to.text(0, &"a line of a long text\n".repeat(20_000), Slot::Text);
        to.line(vec![Styled::new("after", Slot::Text)]);
    }
}

#[test]
fn what_stands_after_a_long_text_is_written_once() {
    let mut outline = Outline::default();
    outline.push((), 0, 7, 0);
    let blocks: Arc<dyn Blocks> = outline.of(Framed).into();
    let whole: Vec<String> = Document::whole(blocks, &Folds::default(), 40).iter().map(DocLine::text).collect();
    assert_eq!(whole.len(), 20_002);
    assert_eq!((whole[0].as_str(), whole[20_001].as_str()), ("before", "after"));
}

#[test]
fn a_search_finds_all_that_the_open_text_holds_some_at_a_time_and_in_order() {
    let words = [3, 9000, 0, 5, 40_000, 2];
    let (folds, needle) = (Folds::default(), Needle::new("WORDS".to_lowercase().as_str()));
    let document = Document::new(paragraphs(words), 31, Zone::default());
    let (mut search, mut hits, mut rounds) = (Search::default(), Vec::new(), 1);
    while !document.search(&mut search, &needle, &folds, 4096, &mut hits) {
        rounds += 1;
    }
    assert!(rounds > 3, "{rounds}");
    assert_eq!(hits.len(), words.iter().sum::<usize>(), "also of the first and the last one, which are folded");
    assert!(hits.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn a_line_is_whole_again_where_it_was_cut_to_the_width() {
    let (blocks, folds) = (paragraphs([0, 30]), Folds::default());
    let mut document = Document::new(blocks, 31, Zone::default());
    document.measure(usize::MAX, Place::default(), &folds);
    let last = document.len() - 1;
    assert_eq!(document.whole_line(last).trim(), format!("1 {}", "words ".repeat(30)).trim());
    assert_eq!(document.whole_line(last), document.whole_line(last - 1));
}

#[test]
fn selected_lines_are_those_of_the_text_also_where_they_are_not_laid_out() {
    let (blocks, folds) = (paragraphs([3, 9000, 0, 5, 40_000, 2]), Folds::default());
    let whole = Document::whole(blocks.clone(), &folds, 31);
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut document = Document::new(blocks, 31, Zone::default());
    document.measure(usize::MAX, Place::default(), &folds);
    let all = document.selected(document.place(whole.len() - 1), document.place(0), &folds);
    let text = |lines: &[DocLine]| {
        let texts: Vec<String> = lines.iter().map(|line| line.text().replace('▸', "")).collect();
        words(&texts.join(" "))
    };
    assert_eq!(words(&all.text), text(&whole));
    for at in (0..whole.len()).step_by(53) {
        let (from, to) = (document.place(at), document.place((at + 9).min(whole.len() - 1)));
        let selected = document.selected(from, to, &folds);
        let shown = text(&whole[at..=(at + 9).min(whole.len() - 1)]);
        assert!(words(&selected.text).join(" ").contains(&shown.join(" ")), "{at}");
    }
}

/// One value, as JSON.
#[derive(Debug)]
struct Json(crate::model::Value);

impl Pane for Json {
    type Block = ();

    fn write(&self, (): &(), to: &mut Builder) {
        to.json(2, &self.0);
    }
}

#[test]
fn each_line_of_json_has_its_path_and_what_opens_in_it_closes() {
    let text = r#"{"hotels":[{"id":"h-17","near":{"a road":"none at all, as far as anybody knows","tags":["quiet","a garden with a pond"]}},
        {"id":"h-04, which is the second one that was found"}],"more":11}"#;
    let value = crate::model::json::parse(text).unwrap();
    let mut outline = Outline::default();
    outline.push((), "json", 9, 0);
    let blocks: Arc<dyn Blocks> = outline.of(Json(value)).into();
    let mut folds = Folds::default();
    let mut document = Document::new(blocks.clone(), 48, Zone::default());
    document.measure(usize::MAX, Place::default(), &folds);
    let path_of = |document: &Document, text: &str| {
        let at = (0..document.len()).find(|at| document.text(*at).contains(text)).unwrap();
        document.json_path(at)
    };
    for (line, path) in [
        ("\"hotels\"", Some(".hotels")),
        ("\"h-17\"", Some(".hotels[0].id")),
        ("a road", Some(".hotels[0].near[\"a road\"]")),
        ("\"tags\"", Some(".hotels[0].near.tags")),
        ("h-04", Some(".hotels[1]")),
        ("\"more\"", Some(".more")),
    ] {
        let found = path_of(&document, line);
        assert!(found.as_deref().is_some_and(|found| found.starts_with(path.unwrap())), "{line}: {found:?}");
    }
    assert_eq!(document.json_path(0), None, "the whole has no path");
    assert_eq!(document.json_path(document.len() - 2), Some(".more".to_owned()));
    let near = (0..document.len()).find(|at| document.text(*at).contains("\"near\"")).unwrap();
    let fold = document.line(near).and_then(|line| line.fold.clone()).unwrap();
    folds.toggle(&fold.name);
    let closed = Document::whole(blocks, &folds, 48);
    let texts: Vec<String> = closed.iter().map(DocLine::text).collect();
    assert!(closed.len() < document.len() && texts.iter().any(|text| text.contains("\"near\": { … }")), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("a road")), "{texts:?}");
}

/// One text.
#[derive(Debug)]
struct Words(&'static str);

impl Pane for Words {
    type Block = ();

    fn write(&self, (): &(), to: &mut Builder) {
        to.text(2, self.0, Slot::Text);
    }
}

#[test]
fn an_address_that_was_cut_to_the_width_is_whole_in_each_of_its_lines() {
    let text = "it is at https://example.org/a/path/that/is/longer/than/a/line?and=more, they said";
    let mut outline = Outline::default();
    outline.push((), "words", 9, 0);
    let mut document = Document::new(outline.of(Words(text)).into(), 24, Zone::default());
    document.measure(usize::MAX, Place::default(), &Folds::default());
    let mut shown = String::new();
    for at in 0..document.len() {
        for (part, address) in document.links_in(at) {
            assert_eq!(address, "https://example.org/a/path/that/is/longer/than/a/line?and=more");
            shown.push_str(&document.text(at)[part]);
        }
    }
    assert_eq!(shown, "https://example.org/a/path/that/is/longer/than/a/line?and=more");
}

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
