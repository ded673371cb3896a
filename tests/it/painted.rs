//! With which slot each cell of a screen is painted, as a page beneath its text: a letter a cell, and what the letters
//! mean. A failed row that is painted as a success has the same text, but not the same page.
//!
//! ```text
//! │▾ ✗ trip-planner     3 runs│
//!
//! dr E pppppppppppp     v vvvvd ← cursor.inactive
//!
//! d border  r tree.chain …
//! ```

use std::{collections::BTreeSet, fs};

use ratatui::{
    buffer::{Buffer, Cell},
    style::Color,
};
use sideseat_tui::{
    slots::Slot,
    theme::{Theme, Themes},
};

/// Slots that are laid under what is written in others.
const GROUNDS: &[Slot] = &[Slot::Cursor, Slot::CursorInactive, Slot::Overlay];

/// A theme in which each slot has a colour of its own: grounds as background, all others as foreground.
pub fn marking_theme() -> Theme {
    let folder = tempfile::tempdir().unwrap();
    let paint = |slot: &Slot| {
        let place = if GROUNDS.contains(slot) { "bg" } else { "fg" };
        format!("\"{}\" = {{ {place} = \"#0000{:02x}\" }}\n", slot.name(), *slot as u8)
    };
    let slots: String = Slot::ALL.iter().map(paint).collect();
    fs::write(folder.path().join("marks.toml"), format!("[slots]\n{slots}")).unwrap();
    Themes::load(Some(folder.path())).unwrap().get("marks").unwrap()
}

/// The colour by which the marking theme says a slot.
pub fn mark(slot: Slot) -> Color {
    Color::Rgb(0, 0, slot as u8)
}

fn marked(color: Color) -> Option<Slot> {
    Slot::ALL.iter().copied().find(|slot| mark(*slot) == color)
}

/// The slot of what is written in a cell; `None` for a blank.
fn slot_of(cell: &Cell) -> Option<Slot> {
    let is_blank = cell.symbol().trim().is_empty();
    (!is_blank).then(|| marked(cell.fg).unwrap_or_else(|| panic!("{:?} is painted with no slot", cell.symbol())))
}

fn letter(slot: Slot) -> char {
    let letters = ('a'..='z').chain('A'..='Z').chain('α'..='ω').chain('а'..='я');
    letters.into_iter().nth(slot as usize).unwrap()
}

/// The slots of a screen that was drawn with the marking theme.
pub fn slots(buffer: &Buffer) -> String {
    let mut used = BTreeSet::new();
    let mut page = String::new();
    for row in buffer.content.chunks(usize::from(buffer.area.width).max(1)) {
        let slots = row.iter().map(slot_of);
        let line: String = slots.clone().map(|slot| slot.map_or(' ', letter)).collect();
        used.extend(slots.flatten());
        let grounds: BTreeSet<Slot> =
            row.iter().filter_map(|cell| marked(cell.bg).filter(|s| GROUNDS.contains(s))).collect();
        page += line.trim_end();
        for slot in grounds {
            page.extend([" ← ", slot.name()]);
        }
        page.push('\n');
    }
    let legend = used.iter().map(|slot| format!("{} {}", letter(*slot), slot.name()));
    page + "\n" + &legend.collect::<Vec<_>>().join("  ")
}
