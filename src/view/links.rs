//! Addresses of the web that the screen shows, for terminals that open them.

use ratatui::layout::Rect;

use crate::app::{OnePane, Side, Stage, State, wrap};

/// Cells that show an address, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub area: Rect,
    /// Letters, digits and signs of ASCII.
    pub address: String,
}

/// The links of the detail's texts; none where something lies over them.
#[must_use]
pub fn links(state: &State) -> Vec<Link> {
    let covered = !state.lists.is_empty() || state.picture.is_some() || state.stats.is_open();
    let Some(areas) = state.areas().filter(|_| !covered && state.stage() == Stage::Browsing) else { return Vec::new() };
    // Where there is one pane it is the one with the keys.
    let main = if areas.beside.is_some() { Side::Main } else { state.detail.side() };
    let panes = [(areas.detail, main), (areas.beside, Side::Beside)];
    let panes = panes.into_iter().filter_map(|(area, side)| Some((area?.text, state.detail.on(side))));
    panes.flat_map(|(area, pane)| in_pane(pane, area)).collect()
}

fn in_pane(pane: OnePane, area: Rect) -> Vec<Link> {
    let (document, scroll) = (pane.document(), pane.scroll());
    let mut links = Vec::new();
    for (y, at) in (area.y..).zip(scroll.window(document.len(), area.height.into())) {
        let found = document.links_in(at);
        if found.is_empty() {
            continue;
        }
        let text = document.text(at);
        for (shown, address) in found {
            let column = |to: usize| u16::try_from(wrap::width(&text[..to])).unwrap_or(u16::MAX);
            let from = area.x.saturating_add(column(shown.start)).min(area.right());
            let until = area.x.saturating_add(column(shown.end)).min(area.right());
            links.push(Link { area: Rect { x: from, y, width: until - from, height: 1 }, address });
        }
    }
    links
}
