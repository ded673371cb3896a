//! How the width is divided between the panes: by keys, and by dragging the lines between them.

/// A line between two panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Divider {
    /// Between the tree and the detail.
    Tree,
    /// Between the detail and the pane beside it.
    Beside,
}

/// How much of the width the outer panes have, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// The tree's part beside one other pane; of three panes it has seven tenths of that.
    tree: u16,
    /// The third pane's part.
    beside: u16,
}

impl Default for Split {
    fn default() -> Self {
        Self { tree: 40, beside: 32 }
    }
}

/// A line and the border take so many columns of a pane's part.
const LINES: u16 = 2;

impl Split {
    const LEAST: u16 = 20;
    const MOST: u16 = 80;

    /// The tree's columns; `has_beside`: three panes are shown.
    #[must_use]
    pub fn tree(self, width: u16, has_beside: bool) -> u16 {
        part(width, self.tree, if has_beside { 7 } else { 10 }).saturating_sub(LINES)
    }

    /// The third pane's columns.
    #[must_use]
    pub fn beside(self, width: u16) -> u16 {
        part(width, self.beside, 10)
    }

    /// Moves a line to the right, or to the left.
    #[must_use]
    pub fn moved(self, divider: Divider, by: i16) -> Self {
        let moved = |percent: u16, by: i16| percent.saturating_add_signed(by).clamp(Self::LEAST, Self::MOST);
        match divider {
            Divider::Tree => Self { tree: moved(self.tree, by), ..self },
            Divider::Beside => Self { beside: moved(self.beside, by.saturating_neg()), ..self },
        }
    }

    /// So that a line is nearest to a column of a screen of some width.
    #[must_use]
    pub fn at(self, divider: Divider, column: u16, width: u16, has_beside: bool) -> Self {
        match divider {
            Divider::Tree => {
                let tree = percent(column.saturating_add(1), width, if has_beside { 7 } else { 10 });
                Self { tree, ..self }
            }
            Divider::Beside => Self { beside: percent(width.saturating_sub(column + LINES), width, 10), ..self },
        }
    }
}

/// So many percent of so many tenths of a width.
fn part(width: u16, percent: u16, tenths: u32) -> u16 {
    u16::try_from(u32::from(width) * u32::from(percent) * tenths / 1000).unwrap_or(width)
}

/// How many percent of so many tenths of a width a part is.
fn percent(part: u16, width: u16, tenths: u32) -> u16 {
    let percent = (u32::from(part) * 1000).div_ceil((u32::from(width) * tenths).max(1));
    u16::try_from(percent).unwrap_or(Split::MOST).clamp(Split::LEAST, Split::MOST)
}
