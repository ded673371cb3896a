//! The line in which the filter is typed: what it offers, what is wrong with it, and the filters before it.
//!
//! A text that is no filter changes nothing: what the last good one let through stays.

use super::{
    completion::{MOST, Offer},
    event::Effect,
    format,
    history::LineOf,
    item::Kind,
    line::Line,
    list::List,
    lists,
    state::State,
    typing::refilter,
};
use crate::{
    filter::{self, At, Bare, KEYS, Key, Problem},
    model::{Facet, Filter, Query},
};

impl State {
    /// What is wrong with the filter that is being typed; `None` where nothing is, and where none is being typed.
    #[must_use]
    pub fn filter_problem(&self) -> Option<Problem> {
        filter::parse(self.line.as_ref()?.text()).err()
    }

    /// The question whose answer the line offers.
    pub(super) fn completion_question(&self) -> Option<Query> {
        let line = self.line.as_ref().filter(|_| self.lists.is_empty() && !self.completion.history)?;
        let At::Value { key: Key::Named(facet), typed, rest, .. } = filter::at(line.text(), line.at()) else {
            return None;
        };
        let filter = Filter { text: rest, ..self.filter.clone() };
        Some(Query::Facets { of: vec![facet], part: typed, filter, limit: MOST })
    }

    /// What the line offers where its cursor is.
    #[must_use]
    pub fn offers(&self) -> Vec<Offer> {
        let Some(line) = self.line.as_ref().filter(|_| self.lists.is_empty() && self.naming.is_none()) else {
            return Vec::new();
        };
        let text = line.text();
        if self.completion.history {
            let typed = line.before().trim();
            let typed = if text.trim() == typed { "" } else { text.trim() };
            let found = self.history.of(LineOf::Filter).iter().filter(|before| before.contains(typed));
            return found.map(|before| Offer::new(before, "", before.clone(), (0, text.len()))).collect();
        }
        match filter::at(text, line.at()) {
            At::Word { from, to, typed } if !typed.is_empty() || self.completion.wanted => words(&typed, (from, to)),
            At::Value { key, from, to, typed, .. } => self.values(key, &typed, (from, to)),
            At::Word { .. } | At::Other => Vec::new(),
        }
    }

    fn values(&self, key: Key, typed: &str, place: (usize, usize)) -> Vec<Offer> {
        let begins = |word: &str| word.starts_with(&typed.to_lowercase());
        match key {
            Key::Is => filter::State::ALL
                .into_iter()
                .filter(|state| begins(state.word()))
                .map(|state| Offer::new(state.word(), state.help(), state.word().to_owned(), place))
                .collect(),
            Key::Since | Key::Before => [("15m", "minutes"), ("1h", "an hour"), ("24h", "a day"), ("7d", "a week")]
                .into_iter()
                .filter(|(time, _)| begins(time))
                .map(|(time, note)| Offer::new(time, note, time.to_owned(), place))
                .collect(),
            Key::Named(facet) => self.facet_values(facet, typed, place),
            Key::Number(_) | Key::Run => Vec::new(),
        }
    }

    fn facet_values(&self, facet: Facet, typed: &str, place: (usize, usize)) -> Vec<Offer> {
        let all = self.completion.values.shown().into_iter().flatten();
        let typed = typed.to_lowercase();
        // Until the answer comes, that to what was typed before holds more than is wanted.
        let rows = all.filter(|values| values.facet == facet).flat_map(|values| &values.rows);
        rows.filter(|row| row.value.to_lowercase().contains(&typed))
            .map(|row| {
                let runs = if row.runs == 1 { "run" } else { "runs" };
                let note = format!("{} {runs}", format::count(row.runs));
                Offer::new(&row.value, &note, filter::quoted(&row.value), place)
            })
            .collect()
    }
}

/// Keys and states that begin so.
fn words(typed: &str, place: (usize, usize)) -> Vec<Offer> {
    let begins = |word: &str| word.starts_with(&typed.to_lowercase());
    let states = Bare::ALL.into_iter().filter(|state| begins(state.word()));
    let states = states.map(|state| Offer::new(state.word(), state.help(), state.word().to_owned(), place));
    let keys = KEYS.iter().filter(|row| begins(row.name)).map(|row| {
        let put = format!("{}{}", row.name, row.sign());
        Offer::new(&put, row.help, put.clone(), place)
    });
    // A key that is whole is no offer: its sign comes next.
    states.chain(keys).collect()
}

/// Opens the line with the filter in force.
pub fn open(state: &mut State) {
    state.completion.reset();
    state.line = Some(Line::new(&state.filter.text));
}

/// Whether the filter is what is being typed.
fn is_typed(state: &State) -> bool {
    state.line.is_some() && state.lists.is_empty() && state.naming.is_none()
}

/// Edits the line that is open, and lets what it narrows follow at once: a text that is no filter changes nothing.
pub fn type_in(state: &mut State, edit: impl FnOnce(&mut Line)) {
    if let Some(list) = state.lists.last_mut() {
        list.edit(edit);
        return;
    }
    if let Some(line) = &mut state.finds {
        edit(line);
        state.detail.find(line.text());
        return;
    }
    if let Some(name) = &mut state.naming {
        edit(name);
        return;
    }
    state.completion.reset();
    let Some(line) = &mut state.line else { return };
    edit(line);
    follow(state);
}

/// Filters by what is typed, where it is a filter; else by it without the term that is not finished, where that is one.
fn follow(state: &mut State) {
    let Some(text) = state.line.as_ref().map(|line| line.text().to_owned()) else { return };
    let good = match filter::parse(&text) {
        Ok(_) => Some(text),
        Err(problem) if problem.unfinished => {
            let rest = format!("{}{}", &text[..problem.from], &text[problem.to..]);
            filter::parse(&rest).is_ok().then(|| rest.trim().to_owned())
        }
        Err(_) => None,
    };
    if let Some(good) = good {
        refilter(state, |filter| filter.text = good);
    }
}

/// Puts an offer into the line: that which is chosen, else the first.
pub fn complete(state: &mut State) {
    if let Some(list) = state.lists.last_mut().filter(|list| matches!(list.kind, Kind::Palette { .. })) {
        // What is chosen can be edited as if it had been typed.
        let text = list.picked().map(|item| item.text.clone());
        match text {
            Some(text) => list.edit(|line| line.replace(0, line.text().len(), &text)),
            None => state.notify("nothing matches: there is nothing to edit"),
        }
        return;
    }
    if !is_typed(state) {
        state.notify("nothing is offered in this line");
        return;
    }
    let offers = state.offers();
    let Some(offer) = offers.get(state.completion.chosen.unwrap_or(0)) else {
        want(state);
        return;
    };
    let Some(line) = &mut state.line else { return };
    let at_end = offer.to >= line.text().len();
    let is_whole = !offer.put.ends_with([':', '>']);
    let history = state.completion.history;
    let space = if is_whole && at_end && !history { " " } else { "" };
    line.replace(offer.from, offer.to, &format!("{}{space}", offer.put));
    state.completion.reset();
    follow(state);
}

/// Has the line offer what there is, or says that it is nothing.
fn want(state: &mut State) {
    state.completion.wanted = true;
    if state.offers().is_empty() {
        let question = state.completion_question();
        let comes = question.is_some() && question.as_ref() != state.completion.values.answered();
        state.notify(if comes { "the values are on their way" } else { "nothing is known that goes on like this" });
    }
}

/// Chooses the next or the previous offer; in a list that is narrowed, the item beside.
pub fn choose(state: &mut State, by: isize) -> Vec<Effect> {
    if let Some(list) = state.lists.last().filter(|list: &&List| list.line().is_some()) {
        let walks = line_typed(state).is_some_and(|(of, text)| state.history.walks(of, &text));
        let is_palette = matches!(list.kind, Kind::Palette { .. });
        if is_palette && (walks || by < 0) && list.is_at_first() {
            walk(state, by < 0);
            return Vec::new();
        }
        return lists::move_by(state, by);
    }
    if state.finds.is_some() {
        walk(state, by < 0);
        return Vec::new();
    }
    if !is_typed(state) {
        state.notify("nothing is offered in this line");
        return Vec::new();
    }
    let walks = line_typed(state).is_some_and(|(of, text)| state.history.walks(of, &text));
    if state.completion.chosen.is_none() && !state.completion.history && (walks || by < 0) {
        walk(state, by < 0);
        return Vec::new();
    }
    let offers = state.offers().len();
    let completion = &mut state.completion;
    if offers == 0 {
        want(state);
    } else {
        completion.chosen = match completion.chosen {
            None if by > 0 => Some(0),
            None => None,
            Some(0) if by < 0 => None,
            Some(at) => Some(at.saturating_add_signed(by).min(offers - 1)),
        };
    }
    Vec::new()
}

/// The line that has a history, and what stands in it.
fn line_typed(state: &State) -> Option<(LineOf, String)> {
    if let Some(list) = state.lists.last() {
        let line = list.line().filter(|_| matches!(list.kind, Kind::Palette { .. }));
        return line.map(|line| (LineOf::Palette, line.text().to_owned()));
    }
    if let Some(line) = &state.finds {
        return Some((LineOf::Find, line.text().to_owned()));
    }
    let line = state.line.as_ref().filter(|_| state.naming.is_none())?;
    Some((LineOf::Filter, line.text().to_owned()))
}

/// Shows the line of before, or the one after.
fn walk(state: &mut State, older: bool) {
    let Some((of, text)) = line_typed(state) else {
        state.notify("no lines of before are kept of this one");
        return;
    };
    // What the line opened with was not typed.
    let is_as_opened = of == LineOf::Filter && state.line.as_ref().is_some_and(|line| line.before() == text);
    let begins = if is_as_opened { "" } else { &text };
    let next = if older { state.history.older(of, &text, begins) } else { state.history.newer(of, &text) };
    match next {
        Some(next) => type_in(state, |line| line.replace(0, line.text().len(), &next)),
        None => state.notify(if older { "there is no line before" } else { "there is no line after this one" }),
    }
}

/// Offers the filters of before, or no longer; in another line shows the one before.
pub fn history(state: &mut State) {
    if !is_typed(state) {
        walk(state, true);
        return;
    }
    let was = state.completion.history;
    let is_empty = state.history.of(LineOf::Filter).is_empty();
    state.completion.reset();
    state.completion.history = !was && !is_empty;
    if !was && is_empty {
        state.notify("no filter was taken yet");
    }
}

/// Ends the typing. A text that is no filter is not taken: the line stays open, and shows why.
pub fn end(state: &mut State, taken: bool) {
    if taken && state.completion.chosen.is_some() {
        complete(state);
        return;
    }
    if taken && let Some(problem) = state.filter_problem() {
        state.notify(problem.why);
        return;
    }
    state.completion.reset();
    if let Some(line) = state.line.take() {
        if taken {
            state.history.remember(LineOf::Filter, line.text());
        } else {
            refilter(state, |filter| line.before().clone_into(&mut filter.text));
        }
    }
}
