//! Where the statistics go, as a value: keys, mouse and painter ask the same function.
//!
//! ```text
//!   head                                      one line
//!   ┌ Spend ────┐┌ Outcome ──┐┌ Speed ─────┐  where the screen is wide and high: all panels at once
//!   ┌ Models ─────────┐┌ Tools ────────────┐
//!   ┌ Agents ───┐┌ Sessions ─┐┌ Users ─────┐
//!   ┌ Needs attention ─────────────────────┐
//! ```
//!
//! Else a few lines of sums, the names of the panels, and the one that is chosen.

use ratatui::layout::Rect;

use super::table::Panel;

/// A panel and where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub panel: Panel,
    /// With its frame, if it has one.
    pub outer: Rect,
    pub head: Rect,
    pub rows: Rect,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub head: Rect,
    /// Sums: a framed panel where all panels show, else a few lines.
    pub sums: Rect,
    /// The names of the panels, where only one shows.
    pub names: Option<Rect>,
    /// Whether panels have frames.
    pub framed: bool,
    pub panels: Vec<Place>,
}

impl Layout {
    /// Where a panel goes; `None` where it is not shown.
    #[must_use]
    pub fn place(&self, panel: Panel) -> Option<&Place> {
        self.panels.iter().find(|place| place.panel == panel)
    }
}

/// Lays the statistics out in an area. `chosen`: the panel to show where there is room for one.
#[must_use]
pub fn layout(mut area: Rect, chosen: Panel) -> Layout {
    let head = take(&mut area, 1);
    if area.width >= 110 && area.height >= 33 {
        let row = |area: &mut Rect, height: u16, parts: u16| {
            let line = take(area, height);
            let width = line.width / parts;
            (0..parts).map(move |nth| {
                let x = line.x + nth * width;
                Rect { x, width: if nth + 1 == parts { line.right() - x } else { width }, ..line }
            })
        };
        // What is more than a screen of 40 lines goes to the rows of all.
        let more = (area.height - 33) / 4;
        let mut first = row(&mut area, 9, 3);
        let sums = first.next().unwrap_or_default();
        let second = row(&mut area, 8 + more, 2);
        let third = row(&mut area, 7 + more, 3);
        let panels = [Panel::Outcome, Panel::Speed, Panel::Models, Panel::Tools, Panel::Agents, Panel::Sessions];
        let panels = panels.into_iter().chain([Panel::Users, Panel::Attention]);
        let places = first.chain(second).chain(third).chain([area]);
        let panels = panels.zip(places).map(|(panel, outer)| framed(panel, outer)).collect();
        return Layout { head, sums, names: None, framed: true, panels };
    }
    let lines = if area.height >= 16 { 3 } else { 1 };
    let sums = take(&mut area, lines);
    let is_framed = area.width >= 72;
    let (names, place) = if is_framed {
        let place = framed(chosen, area);
        (Rect { height: area.height.min(1), ..area }, place)
    } else {
        let names = take(&mut area, 1);
        let outer = area;
        // The first column is for the cursor.
        let mut inner = Rect { x: area.x.saturating_add(1), width: area.width.saturating_sub(1), ..area };
        (names, Place { panel: chosen, outer, head: take(&mut inner, 1), rows: inner })
    };
    Layout { head, sums, names: Some(names), framed: is_framed, panels: vec![place] }
}

fn framed(panel: Panel, outer: Rect) -> Place {
    let mut inner = Rect {
        x: outer.x.saturating_add(2),
        y: outer.y.saturating_add(1),
        width: outer.width.saturating_sub(4),
        height: outer.height.saturating_sub(2),
    };
    Place { panel, outer, head: take(&mut inner, 1), rows: inner }
}

fn take(rest: &mut Rect, lines: u16) -> Rect {
    let top = Rect { height: rest.height.min(lines), ..*rest };
    rest.y += top.height;
    rest.height -= top.height;
    top
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_panel_lies_in_its_area_at_every_size_and_where_there_is_room_all_of_them_show() {
        for width in 0..=200 {
            for height in 0..=80 {
                let area = Rect::new(1, 2, width, height);
                let laid = layout(area, Panel::Users);
                for place in &laid.panels {
                    for inner in [place.outer, place.head, place.rows] {
                        assert!(inner.is_empty() || inner.intersection(area) == inner, "{width}x{height} {place:?}");
                    }
                }
                assert!(laid.place(Panel::Users).is_some());
                assert_eq!(laid.panels.len(), if width >= 110 && height >= 34 { 8 } else { 1 });
                let high: u16 =
                    laid.panels.iter().filter(|place| place.outer.x == area.x).map(|place| place.outer.height).sum();
                assert!(high <= height);
            }
        }
    }
}
