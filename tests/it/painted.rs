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

/// The letter of each slot. A new one takes a letter that is free, in whichever row; the others keep theirs, so that the
/// screens in which it does not occur stay as they are.
#[rustfmt::skip]
const LETTERS: &[(Slot, char)] = &[
    (Slot::Text, 'a'), (Slot::Dim, 'b'), (Slot::Accent, 'c'), (Slot::Border, 'd'), (Slot::BorderFocused, 'e'),
    (Slot::Title, 'f'), (Slot::Cursor, 'g'), (Slot::CursorInactive, 'h'), (Slot::Header, 'i'),
    (Slot::HeaderWaiting, 'j'), (Slot::HeaderLive, 'k'), (Slot::HeaderPaused, 'l'), (Slot::HeaderFailed, 'm'),
    (Slot::HeaderTotal, 'n'), (Slot::Sparkline, 'o'), (Slot::TreeSession, 'p'), (Slot::TreeTrace, 'q'),
    (Slot::TreeAgent, 'r'), (Slot::TreeLlm, 's'), (Slot::TreeTool, 't'), (Slot::TreeRetriever, 'u'),
    (Slot::TreeChain, 'v'), (Slot::TreeOther, 'w'), (Slot::TreeMissing, 'x'), (Slot::TreeNumber, 'y'),
    (Slot::TreeCost, 'z'), (Slot::TreeError, 'A'), (Slot::TreeRunning, 'B'), (Slot::TreeOk, 'C'), (Slot::Tab, 'D'),
    (Slot::TabActive, 'E'), (Slot::Status, 'F'), (Slot::StatusKey, 'G'), (Slot::StatusError, 'H'),
    (Slot::Filter, 'I'), (Slot::FilterActive, 'J'), (Slot::MessageSystem, 'K'), (Slot::MessageUser, 'L'),
    (Slot::MessageAssistant, 'M'), (Slot::MessageTool, 'N'), (Slot::MessageHistory, 'O'), (Slot::MessageTurn, 'P'),
    (Slot::MessageReasoning, 'Q'), (Slot::MessageHidden, 'R'), (Slot::MessageMedia, 'S'), (Slot::JsonKey, 'T'),
    (Slot::JsonString, 'U'), (Slot::JsonNumber, 'V'), (Slot::JsonLiteral, 'W'), (Slot::JsonPunctuation, 'X'),
    (Slot::MarkdownHeading, 'Y'), (Slot::MarkdownCode, 'Z'), (Slot::MarkdownEmphasis, 'α'),
    (Slot::MarkdownStrong, 'β'), (Slot::MarkdownLink, 'γ'), (Slot::MarkdownQuote, 'δ'), (Slot::GaugeFull, 'ε'),
    (Slot::GaugeEmpty, 'ζ'), (Slot::CostInput, 'η'), (Slot::CostCacheRead, 'θ'), (Slot::CostCacheWrite, 'ι'),
    (Slot::CostOutput, 'κ'), (Slot::CostReasoning, 'λ'), (Slot::Error, 'μ'), (Slot::Warning, 'ν'), (Slot::Ok, 'ξ'),
    (Slot::Running, 'ο'), (Slot::Overlay, 'π'), (Slot::OverlayBorder, 'ρ'), (Slot::OverlayTitle, 'ς'),
    (Slot::FirstRunCommand, 'σ'), (Slot::ListMatch, 'τ'), (Slot::CodeKeyword, 'υ'), (Slot::CodeString, 'φ'),
    (Slot::CodeNumber, 'χ'), (Slot::CodeComment, 'ψ'),
];

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
    let found = LETTERS.iter().find(|(of, _)| *of == slot);
    found.unwrap_or_else(|| panic!("`{}` needs a letter in {}", slot.name(), file!())).1
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

#[test]
fn every_slot_has_a_letter_of_its_own() {
    let letters: BTreeSet<char> = Slot::ALL.iter().copied().map(letter).collect();
    assert_eq!((letters.len(), LETTERS.len()), (Slot::ALL.len(), Slot::ALL.len()));
}
