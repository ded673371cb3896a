//! Places and windows, against the whole text.

mod json;
mod tables;

use super::*;
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
