//! One line of texts, some from the left, some from the right; the least needed go first where it narrows.

use ratatui::layout::Rect;

use crate::{
    app::{styled::Styled, target::Target, wrap},
    slots::Slot,
    view::pen::Pen,
};

/// Columns between two entries, and between two that belong together.
const GAP: usize = 2;
const TIGHT: usize = 1;

#[derive(Debug, Default)]
pub struct Strip {
    entries: Vec<Entry>,
}

#[derive(Debug, Default)]
struct Entry {
    texts: Vec<Styled>,
    /// 0 is never dropped; the highest goes first.
    rank: u8,
    right: bool,
    /// Columns between it and the entry before it.
    gap: usize,
    /// The least number of columns that it may be cut to; 0: it is not cut.
    least: usize,
    /// What a click on each name of a path does.
    targets: Vec<Target>,
}

impl Strip {
    /// An entry from the left. `rank`: the higher, the sooner it is dropped; 0 stays.
    pub fn left(&mut self, rank: u8, texts: Vec<Styled>) -> &mut Self {
        self.add(Entry { texts, rank, right: false, gap: GAP, least: 0, ..Entry::default() })
    }

    /// An entry from the left that belongs to the one before it.
    pub fn close(&mut self, rank: u8, texts: Vec<Styled>) -> &mut Self {
        self.add(Entry { texts, rank, right: false, gap: TIGHT, least: 0, ..Entry::default() })
    }

    /// An entry from the right, before those already there.
    pub fn right(&mut self, rank: u8, texts: Vec<Styled>) -> &mut Self {
        self.add(Entry { texts, rank, right: true, gap: GAP, least: 0, ..Entry::default() })
    }

    /// A path from the left that gives way to others down to `least` columns, `… › turn 5`, with what a click on each of
    /// its names does.
    pub fn path(&mut self, rank: u8, least: usize, names: Vec<(String, Target)>, slot: Slot) -> &mut Self {
        let (names, targets): (Vec<String>, Vec<Target>) = names.into_iter().unzip();
        let texts = vec![Styled::new(names.join(WITHIN), slot)];
        self.add(Entry { texts, rank, right: false, gap: GAP, least, targets })
    }

    /// A text from the left that gives way to others down to `least` columns.
    pub fn left_cut(&mut self, rank: u8, least: usize, styled: Styled) -> &mut Self {
        self.add(Entry { texts: vec![styled], rank, right: false, gap: GAP, least, ..Entry::default() })
    }

    /// Columns of a line that the entries so far leave to another one.
    pub fn room(&self, line: Rect) -> usize {
        let taken = self.entries.iter().map(|entry| wrap::styled_width(&entry.texts) + GAP).sum::<usize>();
        usize::from(line.width).saturating_sub(2 + taken)
    }

    fn add(&mut self, entry: Entry) -> &mut Self {
        if entry.texts.iter().any(|styled| !styled.text.is_empty()) {
            self.entries.push(entry);
        }
        self
    }

    /// Draws it onto the first line of an area, a column of room at either end.
    pub fn draw(mut self, pen: &mut Pen, area: Rect) {
        let inner = Rect { x: area.x.saturating_add(1), width: area.width.saturating_sub(2), ..area };
        self.fit(inner.width.into());
        let (right, left): (Vec<Entry>, Vec<Entry>) = self.entries.into_iter().partition(|entry| entry.right);
        let from = pen.texts_right(inner, &joined(right.into_iter().rev()));
        pen.texts(Rect { width: from.saturating_sub(inner.x), ..inner }, &joined(left.into_iter()));
    }

    /// Drops and cuts until the rest fits.
    fn fit(&mut self, room: usize) {
        loop {
            let gaps = self.entries.iter().skip(1).map(|entry| entry.gap).sum::<usize>();
            let whole = self.entries.iter().map(|entry| wrap::styled_width(&entry.texts)).sum::<usize>() + gaps;
            if whole <= room {
                return;
            }
            let over = whole - room;
            if let Some(entry) = self.entries.iter_mut().find(|entry| entry.least > 0)
                && let Some(styled) = entry.texts.first_mut()
            {
                let wide = wrap::width(&styled.text);
                if wide >= entry.least + over {
                    styled.text = cut_path(&styled.text, wide - over);
                    return;
                }
            }
            let droppable = self.entries.iter().enumerate().filter(|(_, entry)| entry.rank > 0);
            let Some((at, _)) = droppable.max_by_key(|(_, entry)| entry.rank) else { return };
            self.entries.remove(at);
        }
    }
}

/// Between the names of a path.
const WITHIN: &str = " › ";

/// The last names of a path, `…` for those before them; the last one alone is cut in its middle.
fn cut_path(path: &str, columns: usize) -> String {
    if wrap::width(path) <= columns {
        return path.to_owned();
    }
    let ends = path.match_indices(WITHIN).map(|(at, _)| format!("…{}", &path[at..]));
    let last = || wrap::cut_middle(path.rsplit(WITHIN).next().unwrap_or(path), columns);
    ends.into_iter().find(|end| wrap::width(end) <= columns).unwrap_or_else(last)
}

fn joined(entries: impl Iterator<Item = Entry>) -> Vec<Styled> {
    let mut texts = Vec::new();
    for entry in entries {
        if !texts.is_empty() {
            texts.push(Styled::new(" ".repeat(entry.gap), Slot::Text));
        }
        texts.extend(entry.into_texts());
    }
    texts
}

impl Entry {
    /// Its texts; the names of a path apart, each to be clicked on. What was cut off lay in front.
    fn into_texts(self) -> Vec<Styled> {
        let [path] = self.texts.as_slice() else { return self.texts };
        if self.targets.is_empty() {
            return self.texts;
        }
        let names: Vec<&str> = path.text.split(WITHIN).collect();
        let mut texts = Vec::new();
        for (from_end, name) in names.iter().enumerate().map(|(at, name)| (names.len() - 1 - at, name)) {
            let target = self.targets.len().checked_sub(from_end + 1).map(|at| self.targets[at]);
            let styled = Styled::new(*name, path.slot);
            texts.push(match target {
                Some(target) => styled.with_target(target),
                None => styled,
            });
            if from_end > 0 {
                texts.push(Styled::new(WITHIN, path.slot));
            }
        }
        texts
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::{Buffer, Cell};

    use super::*;
    use crate::theme::Themes;

    fn drawn(width: u16) -> String {
        let run = |text: &str| vec![Styled::new(text, Slot::Text)];
        let mut strip = Strip::default();
        strip.left(0, run("name")).left(3, run("much more")).left_cut(1, 6, Styled::new("run 6 › turn 5", Slot::Text));
        strip.right(0, run("? help")).right(2, run("4/19"));
        let mut cells = Buffer::empty(Rect::new(0, 0, width, 1));
        let theme = Themes::load(None).unwrap().get("dark").unwrap();
        let area = cells.area;
        strip.draw(&mut Pen::new(&mut cells, &theme), area);
        cells.content.iter().map(Cell::symbol).collect()
    }

    #[test]
    fn the_least_needed_goes_first_and_what_may_be_cut_is_cut_before() {
        assert_eq!(drawn(50), " name  much more  run 6 › turn 5     4/19  ? help ");
        assert_eq!(drawn(44), " name  much more  … › turn 5   4/19  ? help ");
        assert_eq!(drawn(42), " name  much more  turn 5     4/19  ? help ");
        assert_eq!(drawn(33), " name  … › turn 5   4/19  ? help ");
        assert_eq!(drawn(20), " name        ? help ");
    }

    #[test]
    fn each_name_of_a_path_that_is_left_has_its_own_target() {
        let names = ["trip", "run 6", "turn 5"].iter().zip([2, 1, 0]);
        let names = names.map(|(name, above)| ((*name).to_owned(), Target::Above(above))).collect();
        let clicked = |width: u16, column: u16| {
            let mut strip = Strip::default();
            strip.path(1, 6, Vec::clone(&names), Slot::Text);
            let mut cells = Buffer::empty(Rect::new(0, 0, width, 1));
            let theme = Themes::load(None).unwrap().get("dark").unwrap();
            let area = cells.area;
            let mut pen = Pen::new(&mut cells, &theme);
            strip.draw(&mut pen, area);
            pen.target_at(column, 0)
        };
        // ` trip › run 6 › turn 5`
        assert_eq!(
            [1, 4, 5, 8, 16].map(|column| clicked(40, column)),
            [Some(Target::Above(2)), Some(Target::Above(2)), None, Some(Target::Above(1)), Some(Target::Above(0)),]
        );
        // ` … › turn 5`
        assert_eq!(clicked(12, 5), Some(Target::Above(0)));
    }

    #[test]
    fn no_width_is_too_small() {
        for width in 0..60 {
            assert_eq!(drawn(width).chars().count(), usize::from(width));
        }
    }
}
