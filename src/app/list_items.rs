//! What the lists laid over the screen are of.

use super::{
    event::NewToken,
    format, help,
    item::{Item, Kind, Pick},
    state::{Stage, State},
    switches, wrap,
};
use crate::{
    filter,
    keymap::{Action, Context, HelpRow, Place},
    model::{Facet, FacetValues, Query, SessionSummary},
};

/// So many values of each facet are listed; more are found by typing.
const OF_EACH: usize = 100;

impl State {
    /// The items of a list.
    pub(super) fn items(&self, kind: &Kind) -> Vec<Item> {
        match kind {
            Kind::Sessions => self.sessions(),
            Kind::Facets => self.facet_items(),
            Kind::Themes { .. } => {
                self.themes.iter().map(|name| Item::new(Pick::Theme(name.clone()), name.clone())).collect()
            }
            Kind::Palette { of } => self.palette(*of),
            Kind::Delete { .. } => vec![
                Item::new(Pick::Keep, "keep it".to_owned()),
                Item { note: "for good".to_owned(), ..Item::new(Pick::Delete, "delete it".to_owned()) },
            ],
            Kind::Import { .. } => {
                vec![Item::new(Pick::Keep, "leave it".to_owned()), Item::new(Pick::Import, "import it".to_owned())]
            }
            Kind::Token => {
                let Some(NewToken { token, line }) = &self.token else { return Vec::new() };
                let item = |text: &str| Item::new(Pick::Copy(text.to_owned()), text.to_owned());
                vec![item(token), item(line)]
            }
            Kind::Ended => {
                let offer = self.ended.as_ref().map(|ended| Item::new(Pick::TakeOver, ended.offer.clone()));
                offer.into_iter().chain([Item::new(Pick::Quit, "quit".to_owned())]).collect()
            }
            Kind::Help { of } => {
                let item = |row: crate::keymap::HelpRow| Item {
                    note: row.keys,
                    group: row.place.title(),
                    ..Item::new(Pick::Key(row.action), row.does.to_owned())
                };
                let (here, elsewhere): (Vec<_>, Vec<_>) =
                    self.keymap.help(*of).into_iter().partition(|row| of.places().contains(&row.place));
                let marks = help::MARKS.iter().map(|(mark, means)| Item {
                    note: (*mark).to_owned(),
                    group: help::MARKS_TITLE,
                    ..Item::new(Pick::Key(Action::Help), (*means).to_owned())
                });
                let elsewhere = elsewhere.into_iter().map(item);
                here.into_iter().map(item).chain(marks).chain(elsewhere).collect()
            }
        }
    }

    /// Actions, those that work here first; then sessions, runs and themes.
    fn palette(&self, of: Context) -> Vec<Item> {
        let first_run = self.stage() == Stage::FirstRun;
        let wanted = |row: &HelpRow| match row.place {
            // Moves are what keys are for.
            Place::Line | Place::List | Place::Rows | Place::Selection => false,
            Place::FirstRun => first_run || row.action == Action::TestSpan,
            Place::Main | Place::Stats => !first_run,
            Place::Anywhere => row.action != Action::Palette && row.action != Action::Back,
        };
        let action = |row: HelpRow| Item {
            group: row.action.name(),
            cells: vec![row.keys],
            ..Item::new(Pick::Does(row.action), first_clause(row.does).to_owned())
        };
        let mut items: Vec<Item> = self.keymap.help(of).into_iter().filter(wanted).map(action).collect();
        let sessions = self.picker.shown().map_or(&[][..], |page| &page.rows);
        items.extend(sessions.iter().filter(|summary| summary.session.is_some()).map(|summary| {
            let Item { pick, text, mark, note, .. } = self.session(summary);
            Item { mark, note, cells: vec!["session".to_owned()], ..Item::new(pick, text) }
        }));
        let runs = self.runs.shown().map_or(&[][..], |page| &page.rows);
        items.extend(runs.iter().rev().map(|run| {
            let name = run.question.as_ref().or(run.label.as_ref()).or(run.name.as_ref());
            let name = name.map_or_else(|| run.trace.to_string(), |name| wrap::clean_line(name));
            let session = run.session.as_ref().map(|session| wrap::clean_line(session.as_str()));
            let when = self.zone.when(run.last_seen, self.now);
            Item {
                mark: Some(self.run_state(run)),
                note: session.unwrap_or_default(),
                cells: vec![format!("run  {when}")],
                ..Item::new(Pick::Run(run.session.clone(), run.trace), name)
            }
        }));
        items.extend(self.views.iter().map(|(name, text)| Item {
            note: wrap::clean_line(text),
            cells: vec!["view".to_owned()],
            ..Item::new(Pick::View(name.clone()), format!("view {}", wrap::clean_line(name)))
        }));
        items.extend(self.views.keys().flat_map(|name| {
            let named = |does: &str, pick| Item {
                cells: vec!["view".to_owned()],
                ..Item::new(pick, format!("{does} view {}", wrap::clean_line(name)))
            };
            [named("rename", Pick::RenameView(name.clone())), named("delete", Pick::DeleteView(name.clone()))]
        }));
        items.extend(switches::items(self));
        let theme = |name: &String| Item {
            cells: vec!["theme".to_owned()],
            ..Item::new(Pick::Theme(name.clone()), format!("theme {name}"))
        };
        items.extend(self.themes.iter().map(theme));
        items
    }

    fn sessions(&self) -> Vec<Item> {
        let all = self.filter.session.as_ref().map(|_| Item::new(Pick::AllSessions, "all sessions".to_owned()));
        let sessions = self.picker.shown().map_or(&[][..], |page| &page.rows);
        all.into_iter().chain(sessions.iter().map(|summary| self.session(summary))).collect()
    }

    /// The question whose answer the list of facets shows: what there is beside what is filtered by already.
    pub(super) fn facets_question(&self) -> Query {
        let (of, filter) = (Facet::BROWSED.to_vec(), self.filter.clone());
        Query::Facets { of, part: String::new(), filter, limit: OF_EACH }
    }

    /// `tool:book_room            31 runs`, below the views
    fn facet_items(&self) -> Vec<Item> {
        let views = self.views.iter().map(|(name, filter)| Item {
            note: format!("view  {}", wrap::clean_line(filter)),
            ..Item::new(Pick::View(name.clone()), wrap::clean_line(name))
        });
        let values = self.facets.shown().into_iter().flatten();
        let items = values.flat_map(|FacetValues { facet, rows, .. }| {
            rows.iter().map(|row| {
                let runs = if row.runs == 1 { "run" } else { "runs" };
                let term = format!("{}:{}", facet.key(), filter::quoted(&row.value));
                Item {
                    cells: vec![format!("{} {runs}", format::count(row.runs))],
                    ..Item::new(Pick::Term(term.clone()), wrap::clean_line(&term))
                }
            })
        });
        views.chain(items).collect()
    }

    /// `✗ trip-planner  ana  1 failed            3 runs  $.313  17:42:09`
    fn session(&self, summary: &SessionSummary) -> Item {
        let count = |number: u64, word: &str| (number > 0).then(|| format!("{} {word}", format::count(number)));
        let (run_state, states) = (self.session_state(summary), &summary.states);
        let user = summary.users.first().filter(|_| summary.session.is_some()).map(|user| wrap::clean_line(user));
        let notes = [user, count(states.running, "running"), count(states.failed, "failed")];
        let runs = if states.all() == 1 { "run" } else { "runs" };
        let totals = &summary.totals;
        let cost = match (totals.priced, totals.unpriced) {
            (0, 0) => String::new(),
            (0, _) => "?".to_owned(),
            (_, 0) => format::money(totals.cost),
            _ => format::money_at_least(totals.cost),
        };
        let name = summary.session.as_ref().map_or_else(|| "(no session)".into(), |id| wrap::clean_line(id.as_str()));
        Item {
            mark: Some(run_state),
            note: notes.into_iter().flatten().collect::<Vec<_>>().join("  "),
            cells: vec![
                format!("{} {runs}", format::count(states.all())),
                cost,
                self.zone.when(summary.last_seen, self.now),
            ],
            ..Item::new(Pick::Session(summary.session.clone()), name)
        }
    }
}

/// What help says of an action, as far as it names it.
#[must_use]
pub fn first_clause(help: &str) -> &str {
    help.split([';', ':']).next().unwrap_or(help)
}
