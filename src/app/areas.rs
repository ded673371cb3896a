//! Where everything goes, as a value: `update` (paging, clicks) and the view ask the same function.
//!
//! ```text
//!   header                                     one line
//!   filter                                     one line, while there is a filter or one is being typed
//!   ┌ tree ─────────┬ detail ───────────────┐  ≥ 72 columns: side by side, 40 % and 60 %
//!   │ columns       │ verdict               │  while there is something to say
//!   │ rows          ├───────────────────────┤
//!   │               │ tabs                  │
//!   │               ├───────────────────────┤
//!   │               │ text                  │
//!   └───────────────┴───────────────────────┘
//!   hints                                      one line; not below 20 rows
//!   status                                     one line
//! ```
//!
//! From 160 columns on a third pane stands beside the detail, which shows another of its tabs: the timeline, or what is
//! chosen there. Below 72 columns one pane shows at a time, without borders, and the status line moves under the header.

use ratatui::layout::{Margin, Rect};

use super::{split::Split, wrap};

/// No pane beside another is narrower.
const NARROWEST: u16 = 20;

/// From so many columns on there are three panes.
const WIDE: u16 = 160;
/// Of three panes those of text are no narrower.
const NARROWEST_TEXT: u16 = 32;

/// Columns of a score; and where scores are of different things, with what was judged.
pub const SCORE: u16 = 6;
pub const NAMED_SCORE: u16 = 12;

/// Nothing but one line of text is drawn below this size.
pub const FLOOR: (u16, u16) = (40, 12);

/// Which pane has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    #[default]
    Tree,
    Detail,
}

/// What of the state the layout depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// The filter line is there.
    pub filter: bool,
    /// The detail takes the whole body.
    pub zoomed: bool,
    pub focus: Focus,
    /// Nothing that is listed called a model: there are no tokens and there is no money.
    pub no_calls: bool,
    /// How wide the column of scores is: nothing where nobody judged what is listed.
    pub score: u16,
    /// How many lines the verdict has.
    pub verdict: u16,
    pub split: Split,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Areas {
    pub header: Rect,
    pub filter: Option<Rect>,
    /// All between the lines above and below; the first-run screen has it whole.
    pub body: Rect,
    /// Whether `body` has a border (and a divider between two panes).
    pub bordered: bool,
    /// The column of the line between tree and detail, where both show.
    pub divider: Option<u16>,
    /// That of the line between the detail and the pane beside it.
    pub beside_divider: Option<u16>,
    pub tree: Option<TreeArea>,
    pub detail: Option<DetailArea>,
    /// The third pane.
    pub beside: Option<DetailArea>,
    pub hints: Option<Rect>,
    pub status: Rect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeArea {
    /// The titles of the columns.
    pub head: Rect,
    pub rows: Rect,
    pub columns: Columns,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DetailArea {
    /// Of no height where there is nothing to say.
    pub verdict: Rect,
    /// Beneath the verdict; of no height on a low screen, and where there is no verdict.
    pub divide: Rect,
    pub tabs: Rect,
    /// Beneath the tabs.
    pub rule: Rect,
    /// Text is cut to this width; the column to its left is for the cursor.
    pub text: Rect,
}

/// Where everything goes; `None` where the screen is too small for anything but one line.
#[must_use]
pub fn areas(screen: Rect, shape: Shape) -> Option<Areas> {
    if screen.width < FLOOR.0 || screen.height < FLOOR.1 {
        return None;
    }
    let mut rest = screen;
    let narrow = screen.width < 72;
    let header = take_top(&mut rest);
    let (hints, status) = if narrow {
        (Some(take_bottom(&mut rest)), take_top(&mut rest))
    } else {
        let status = take_bottom(&mut rest);
        ((screen.height >= 20).then(|| take_bottom(&mut rest)), status)
    };
    let filter = shape.filter.then(|| take_top(&mut rest));
    let body = rest;
    let inner = if narrow { body } else { body.inner(Margin::new(1, 1)) };
    let mut areas = Areas {
        header,
        filter,
        body,
        bordered: !narrow,
        divider: None,
        beside_divider: None,
        tree: None,
        detail: None,
        beside: None,
        hints,
        status,
    };
    if narrow || shape.zoomed {
        if shape.zoomed || shape.focus == Focus::Detail {
            areas.detail = Some(detail(inner, screen, shape));
        } else {
            areas.tree = Some(tree(inner, narrow, shape));
        }
        return Some(areas);
    }
    // Of no pane so little is left that nothing can be read in it.
    let (width, three) = (screen.width, screen.width >= WIDE);
    let mut right = inner;
    let mut least = NARROWEST;
    if three {
        least = NARROWEST_TEXT;
        let beside = shape.split.beside(width).clamp(least, width.saturating_sub(NARROWEST + least + 4));
        right.width = right.width.saturating_sub(beside + 1);
        areas.beside_divider = Some(right.right());
        let area = Rect { x: right.right() + 1, width: beside, ..inner };
        areas.beside = Some(detail(area, screen, Shape { verdict: 0, ..shape }));
    }
    let left = shape.split.tree(width, three).clamp(NARROWEST, right.width.saturating_sub(least + 1).max(NARROWEST));
    let divider = inner.x + left;
    areas.divider = Some(divider);
    areas.tree = Some(tree(Rect { width: left, ..inner }, false, shape));
    areas.detail = Some(detail(Rect { x: divider + 1, width: right.width - left - 1, ..right }, screen, shape));
    Some(areas)
}

/// `alone`: the tree has the screen to itself, so that a name needs less of its width.
fn tree(mut area: Rect, alone: bool, shape: Shape) -> TreeArea {
    let width = area.width;
    let calls = !shape.no_calls;
    // One number stands beside a name at any width: what it cost, else how long it took.
    let columns = Columns {
        age: width >= 28,
        duration: !calls || width >= if alone { 36 } else { 42 } + if shape.score > SCORE { 8 } else { 0 },
        // Where somebody judged, that says more than how many tokens there were.
        tokens: calls && width >= if alone { 48 } else { 42 } + shape.score,
        score: if width >= 42 { shape.score } else { 0 },
        cost: calls,
    };
    TreeArea { head: take_top(&mut area), rows: area, columns }
}

fn detail(mut area: Rect, screen: Rect, shape: Shape) -> DetailArea {
    let lines = shape.verdict.min(verdict_lines(screen));
    let verdict = take_lines(&mut area, lines).inner(Margin::new(1, 0));
    let divide = take_lines(&mut area, u16::from(lines > 0 && screen.height >= 24 && screen.width >= 72));
    let tabs = take_top(&mut area);
    let rule = take_top(&mut area);
    DetailArea { verdict, divide, tabs, rule, text: area.inner(Margin::new(1, 0)) }
}

/// How many lines a verdict may have at most.
#[must_use]
pub fn verdict_lines(screen: Rect) -> u16 {
    match (screen.width, screen.height) {
        (110.., 36..) => 4,
        (110.., 24..) => 3,
        (72.., 24..) => 2,
        _ => 1,
    }
}

fn take_top(rest: &mut Rect) -> Rect {
    take_lines(rest, 1)
}

fn take_lines(rest: &mut Rect, lines: u16) -> Rect {
    let top = Rect { height: rest.height.min(lines), ..*rest };
    rest.y += top.height;
    rest.height -= top.height;
    top
}

fn take_bottom(rest: &mut Rect) -> Rect {
    let height = rest.height.min(1);
    rest.height -= height;
    Rect { y: rest.y + rest.height, height, ..*rest }
}

/// Which numbers stand beside a name in the tree. Dropped as it narrows: tokens, then
/// score and duration, then age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each column is shown or not, whatever the others are")]
pub struct Columns {
    pub age: bool,
    pub duration: bool,
    pub tokens: bool,
    /// How wide that is which says what runs were judged by; nothing where it is not shown.
    pub score: u16,
    pub cost: bool,
}

/// How far a row of the tree stands in: two columns a level, never more than a third of the width.
#[must_use]
pub fn indent(depth: usize, width: u16) -> u16 {
    u16::try_from(depth * 2).unwrap_or(u16::MAX).min(width / 3)
}

/// Where each tab's label is, a column of room on either side of it; of no width where it does not fit.
#[must_use]
pub fn tabs(area: Rect, labels: &[String]) -> Vec<Rect> {
    let mut x = area.x;
    let place = |label: &String| {
        let wide = u16::try_from(wrap::width(label) + 2).unwrap_or(u16::MAX);
        let width = wide.min(area.right().saturating_sub(x));
        let tab = Rect { x, width, ..area };
        x += width;
        tab
    };
    labels.iter().map(place).collect()
}

/// A list laid over the middle of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlay {
    /// With its border.
    pub outer: Rect,
    /// What it is narrowed by.
    pub line: Rect,
    pub rows: Rect,
}

/// Where a list of so many rows goes that would like to be so wide.
#[must_use]
pub fn overlay(screen: Rect, wide: u16, rows: usize) -> Overlay {
    let width = wide.min(screen.width.saturating_sub(4)).max(screen.width.min(20));
    // The border, the line and what is above and below leave so much.
    let most = screen.height.saturating_sub(4);
    let height = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(3).clamp(most.min(8), most.max(1));
    let outer = Rect {
        x: screen.x + screen.width.saturating_sub(width) / 2,
        y: screen.y + screen.height.saturating_sub(height) / 2,
        width,
        height: height.min(screen.height),
    };
    let mut inner = outer.inner(Margin::new(1, 1));
    let line = take_top(&mut inner);
    Overlay { outer, line, rows: inner }
}

/// Whether a cell lies in an area.
#[must_use]
pub fn holds(area: Rect, column: u16, row: u16) -> bool {
    (area.x..area.right()).contains(&column) && (area.y..area.bottom()).contains(&row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::split::Divider;

    fn shapes() -> impl Iterator<Item = Shape> {
        [false, true].into_iter().flat_map(|filter| {
            [false, true].into_iter().flat_map(move |zoomed| {
                [Focus::Tree, Focus::Detail].into_iter().flat_map(move |focus| {
                    let shape = Shape { filter, zoomed, focus, ..Shape::default() };
                    [0, 1, 9].map(|verdict| Shape { verdict, score: verdict * 2, ..shape })
                })
            })
        })
    }

    fn lies_in(area: Rect, outer: Rect) -> bool {
        area.is_empty() || area.intersection(outer) == area
    }

    #[test]
    fn every_area_lies_on_the_screen_at_every_size() {
        for width in 1..=200 {
            for height in 1..=60 {
                let screen = Rect::new(0, 0, width, height);
                let list = overlay(screen, 60, 12);
                assert!(lies_in(list.outer, screen), "{width}x{height}");
                assert!(lies_in(list.line, list.outer) && lies_in(list.rows, list.outer), "{width}x{height}");
                for shape in shapes() {
                    let Some(areas) = areas(screen, shape) else {
                        assert!(width < 40 || height < 12);
                        continue;
                    };
                    let mut all = vec![areas.header, areas.body, areas.status];
                    all.extend(areas.filter);
                    all.extend(areas.hints);
                    for area in &all {
                        assert!(lies_in(*area, screen), "{width}x{height} {shape:?}");
                    }
                    assert_eq!(all.iter().map(|area| area.height).sum::<u16>(), height);
                    let tree = areas.tree.map(|tree| [tree.head, tree.rows]).into_iter().flatten();
                    let details = [areas.detail, areas.beside].into_iter().flatten();
                    let details = details.flat_map(|detail| [detail.tabs, detail.rule, detail.text]);
                    for area in tree.chain(details) {
                        assert!(lies_in(area, areas.body) && !area.is_empty(), "{width}x{height} {shape:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_wide_screen_shows_both_panes_as_drawn() {
        let areas = areas(Rect::new(0, 0, 120, 40), Shape::default()).unwrap();
        assert_eq!(areas.divider, Some(47));
        assert_eq!(areas.tree.unwrap().rows, Rect::new(1, 3, 46, 34));
        assert_eq!(areas.detail.unwrap().text, Rect::new(49, 4, 69, 33));
    }

    #[test]
    fn a_very_wide_screen_shows_three_panes_that_lie_side_by_side() {
        let least = Split::default().moved(Divider::Tree, -99).moved(Divider::Beside, 99);
        let most = Split::default().moved(Divider::Tree, 99).moved(Divider::Beside, -99);
        for split in [Split::default(), least, most] {
            for width in [160, 161, 200, 400] {
                let areas = areas(Rect::new(0, 0, width, 50), Shape { split, ..Shape::default() }).unwrap();
                let (tree, main, beside) = (areas.tree.unwrap(), areas.detail.unwrap(), areas.beside.unwrap());
                assert_eq!(areas.divider, Some(tree.head.right()));
                assert_eq!(areas.divider.map(|column| column + 1), Some(main.tabs.x));
                assert_eq!(areas.beside_divider, Some(main.tabs.right()));
                assert_eq!(areas.beside_divider.map(|column| column + 1), Some(beside.tabs.x));
                assert_eq!(beside.tabs.right(), width - 1);
                assert!(main.text.width >= 30 && beside.text.width >= 30, "{width}: {areas:?}");
            }
        }
        let zoomed = Shape { zoomed: true, ..Shape::default() };
        assert!(areas(Rect::new(0, 0, 200, 50), zoomed).is_some_and(|areas| areas.beside.is_none()));
        assert!(areas(Rect::new(0, 0, 159, 50), Shape::default()).is_some_and(|areas| areas.beside.is_none()));
    }

    #[test]
    fn a_line_that_is_dragged_stands_where_the_pointer_is() {
        for (divider, three, width, columns) in [
            (Divider::Tree, false, 120, 30..90),
            (Divider::Tree, true, 200, 32..100),
            (Divider::Beside, true, 200, 100..150),
        ] {
            for column in columns {
                let split = Split::default().at(divider, column, width, three);
                let areas = areas(Rect::new(0, 0, width, 50), Shape { split, ..Shape::default() }).unwrap();
                let at = if divider == Divider::Tree { areas.divider } else { areas.beside_divider }.unwrap();
                assert!(at.abs_diff(column) <= 2, "{divider:?} {width} {column} {at}");
            }
        }
    }

    #[test]
    fn a_narrow_screen_shows_the_pane_that_has_the_focus() {
        let screen = Rect::new(0, 0, 60, 20);
        assert!(areas(screen, Shape::default()).is_some_and(|areas| areas.detail.is_none()));
        let shape = Shape { focus: Focus::Detail, ..Shape::default() };
        assert!(areas(screen, shape).is_some_and(|areas| areas.tree.is_none()));
    }
}
