//! JSON of any size: what folds, what is found in it, and the paths of its values.

use super::*;
use crate::app::document::line::FoldName;

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

#[test]
fn the_path_into_a_text_that_is_json_reads_it_first() {
    let text = r#"{"result":"{\"lines\": [{\"id\":\"so long that it stands in a line of its own\"}]}","list":["[\"one that is long enough to be alone\",\"two\"]"]}"#;
    let value = crate::model::json::parse(text).unwrap();
    let folds = Folds::default();
    let mut document = Document::new(one(Json(value)), 44, Zone::default());
    for (text, path) in
        [("\"result\"", ".result"), ("so long", ".result|fromjson|.lines[0].id"), ("\"two\"", ".list[0]|fromjson|.[1]")]
    {
        let (_, at) = place_of(&mut document, text, &folds);
        assert_eq!(document.json_path(at).as_deref(), Some(path), "{}", document.text(at));
    }
}

/// One text that is JSON.
#[derive(Debug)]
struct JsonText(String);

impl Pane for JsonText {
    type Block = ();

    fn write(&self, (): &(), to: &mut Builder) {
        assert!(to.json_text(2, &self.0) || to.is_partial());
    }
}

fn one(pane: impl Pane<Block = ()> + 'static) -> Arc<dyn Blocks> {
    let mut outline = Outline::default();
    outline.push((), "json", 9, 0);
    outline.of(pane).into()
}

/// Where a text is found in a document, and the number of that line.
fn place_of(document: &mut Document, text: &str, folds: &Folds) -> (Hit, usize) {
    let (needle, mut hits) = (Needle::new(text), Vec::new());
    assert!(document.search(&mut Search::default(), &needle, folds, usize::MAX, &mut hits));
    let hit = hits[0];
    let start = Place { block: hit.block, segment: hit.segment, line: 0 };
    document.lay_around(start, 40, 40, folds);
    let line = document.lines_with(hit.block, hit.segment, &needle)[hit.nth];
    let place = Place { line, ..start };
    document.lay_around(place, 40, 40, folds);
    (hit, document.number_of(place))
}

/// The fold that opens at a line or above it.
fn fold_above(document: &Document, at: usize) -> (usize, FoldName) {
    (0..=at).rev().find_map(|at| Some((at, document.line(at)?.fold.clone()?.name))).unwrap()
}

#[test]
fn large_json_folds_and_has_its_paths_wherever_one_looks() {
    let row = |n: usize| {
        format!(
            r#"{{"id":{n},"a name":"row {n}","tags":["alpha","beta"],"note":"so long that it needs a line of its own"}}"#
        )
    };
    let rows = (0..3000).map(row).collect::<Vec<_>>().join(",");
    let more = (3000..6000).map(row).collect::<Vec<_>>().join(",");
    let text = format!(r#"{{"rows":[{rows}],"more":{{"again":[{more}],"n":1}},"end":[1,2]}}"#);
    let value = crate::model::json::parse(&text).unwrap();
    for blocks in [one(Json(value)), one(JsonText(text))] {
        let mut folds = Folds::default();
        let mut document = Document::new(blocks.clone(), 60, Zone::default());
        for (text, path) in [
            ("row 2500", ".rows[2500][\"a name\"]"),
            ("row 5999", ".more.again[2999][\"a name\"]"),
            ("\"n\"", ".more.n"),
            ("\"end\"", ".end"),
            ("\"again\"", ".more.again"),
        ] {
            let (_, at) = place_of(&mut document, text, &folds);
            assert_eq!(document.json_path(at).as_deref(), Some(path), "{}", document.text(at));
        }
        // What closes has the path of what it closes.
        let (_, end) = place_of(&mut document, "\"n\"", &folds);
        assert_eq!(document.json_path(end - 1).as_deref(), Some(".more.again"));

        let (hit, at) = place_of(&mut document, "row 2500", &folds);
        let (head, name) = fold_above(&document, at);
        assert_eq!(document.json_path(head).as_deref(), Some(".rows[2500]"));
        folds.toggle(&name);
        for width in [60, 90] {
            let mut document = Document::new(blocks.clone(), width, Zone::default());
            let (_, at) = place_of(&mut document, "row 2499", &folds);
            let closed = (at..at + 9).find(|at| document.line(*at).is_some_and(|line| line.text().contains("{ … },")));
            let path = closed.and_then(|at| document.json_path(at));
            assert_eq!(path.as_deref(), Some(".rows[2500]"), "at any width it is closed");
        }
        let first = Document::whole(blocks.clone(), &folds, 60);
        let rows = first.iter().find(|line| line.text().contains("\"rows\": [")).unwrap();
        folds.toggle(&rows.fold.as_ref().unwrap().name);
        let closed: Vec<String> = Document::whole(blocks.clone(), &folds, 60).iter().map(DocLine::text).collect();
        assert_eq!(closed[1], "    \"rows\": [ … ],");
        assert_eq!(closed[2], "    \"more\": {");
        assert!(closed.len() < first.len() * 2 / 3, "{} of {}", closed.len(), first.len());
        // Whoever goes to what is in it opens what is around it, one after another.
        for _ in 0..2 {
            let closed = document.closed_folds(0, hit.segment, &folds);
            assert_eq!(closed.len(), 1);
            folds.toggle(&closed[0]);
        }
        assert!(document.closed_folds(0, hit.segment, &folds).is_empty());
        assert_eq!(folds, Folds::default());
    }
}
