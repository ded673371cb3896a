//! The labels of the tabs: `1 Messages`, `2 Tools 5·4✗`, shortened step by step where there is little room.

use crate::{
    app::{document::Counts, wrap},
    model::Detail,
    tabs::{Tab, TabRow},
};

/// What the labels show beside the titles, counted once an answer.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// One for each tab of the table that counts something, in its order.
    counts: Vec<(usize, Counts)>,
}

impl Labels {
    pub fn of(detail: Option<&Detail>) -> Self {
        let counted = Tab::ALL.iter().enumerate().filter_map(|(at, tab)| Some((at, tab.counts(detail?)?)));
        Self { counts: counted.collect() }
    }

    /// The widest labels that fit, one for each tab; `current`: the answer that was counted is the one that is shown;
    /// `open`: the tab that is shown, which has its title where the others have no room for theirs; `over`: what lies over
    /// that, whose title it has then.
    pub fn fitting(&self, width: u16, current: bool, open: Tab, over: Option<&'static str>) -> Vec<String> {
        let forms: [&Form; 4] = [
            &|number, row, counts| format!("{number} {}{}", row.title, in_full(counts)),
            &|number, row, counts| format!("{number} {}{}", row.title, mark(counts)),
            &|number, row, _| format!("{number} {}", row.title),
            &|number, row, counts| format!("{number} {}{}", row.short, mark(counts)),
        ];
        let labels = |form: &Form| -> Vec<String> {
            let label = |(at, tab): (usize, &Tab)| {
                let counted = self.counts.iter().find(|(of, _)| current && *of == at);
                let row = *tab.row();
                let row = match over.filter(|_| row.tab == open) {
                    Some(title) => TabRow { title, short: title, ..row },
                    None => row,
                };
                form(at + 1, &row, counted.map(|(_, counts)| *counts).unwrap_or_default())
            };
            Tab::ALL.iter().enumerate().map(label).collect()
        };
        let fits = |labels: &Vec<String>| {
            labels.iter().map(|label| wrap::width(label) + 2).sum::<usize>() <= usize::from(width)
        };
        let widest = forms.into_iter().map(labels).find(fits);
        widest.unwrap_or_else(|| {
            labels(&|number, row, counts| match (row.tab == open, mark(counts)) {
                (true, mark) => format!("{number} {}{mark}", row.title),
                (false, mark) => format!("{number}{mark}"),
            })
        })
    }
}

/// A tab's label: from its number, its row of the table, and what it counts.
type Form<'f> = dyn Fn(usize, &TabRow, Counts) -> String + 'f;

/// ` 5·4✗`: so many, so many of them failed.
fn in_full(counts: Counts) -> String {
    match counts {
        Counts { all: 0, .. } => String::new(),
        Counts { all, failed: 0 } => format!(" {all}"),
        Counts { all, failed } => format!(" {all}·{failed}✗"),
    }
}

fn mark(counts: Counts) -> &'static str {
    if counts.failed > 0 { "✗" } else { "" }
}
