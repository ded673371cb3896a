//! How wide the columns of a panel are where there is so much room.

use super::table::Column;

/// A name has a third of the columns, but at least and at most so many, and a sentence beside it has at least some.
const NAME: (usize, usize) = (10, 18);
const SENTENCE: usize = 16;
/// Columns between two.
pub const GAP: usize = 1;

/// How wide each column is; `None`: it is left out.
#[must_use]
pub fn widths(columns: &[Column], room: usize) -> Vec<Option<usize>> {
    let mut widths: Vec<Option<usize>> = columns.iter().map(|column| Some(column.width)).collect();
    let least = |at: usize, width: usize| match (at, width) {
        (0, 0) => (room / 3).clamp(NAME.0, NAME.1),
        (_, 0) => SENTENCE,
        _ => width,
    };
    let needed = |widths: &[Option<usize>]| {
        let kept = widths.iter().enumerate().filter_map(|(at, width)| Some(least(at, (*width)?) + GAP));
        kept.sum::<usize>().saturating_sub(GAP)
    };
    while needed(&widths) > room {
        let kept = columns.iter().zip(&mut widths).filter(|(column, width)| column.left_out > 0 && width.is_some());
        let Some((_, width)) = kept.max_by_key(|(column, _)| column.left_out) else { break };
        *width = None;
    }
    let fixed: usize = widths.iter().flatten().map(|width| width + GAP).sum::<usize>().saturating_sub(GAP);
    let mut rest = room.saturating_sub(fixed);
    let flexible = widths.iter().filter(|width| **width == Some(0)).count();
    for (at, width) in widths.iter_mut().enumerate().filter(|(_, width)| **width == Some(0)) {
        // A sentence needs more than the name before it.
        let part = if flexible > 1 && at == 0 { (rest / 3).clamp(NAME.0.min(rest), 28) } else { rest };
        *width = Some(part);
        rest -= part.min(rest);
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::stats::Panel;

    #[test]
    fn columns_are_left_out_until_the_name_has_room() {
        for panel in Panel::ALL {
            let columns = panel.columns();
            for room in 0..120 {
                let widths = widths(columns, room);
                let wide: usize = widths.iter().flatten().map(|width| width + GAP).sum::<usize>().saturating_sub(GAP);
                assert!(wide <= room || room < 40, "{panel:?} {room} {widths:?}");
                assert!(room < 34 || widths[0] >= Some(NAME.0), "{panel:?} {room} {widths:?}");
            }
            let all = panel != Panel::Models;
            assert!(!all || widths(columns, 116).iter().all(Option::is_some));
        }
    }
}
