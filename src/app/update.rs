//! One match over everything that can happen.

use ratatui::layout::Rect;

use super::{
    activity::Rate,
    areas::Focus,
    detail::Prepared,
    dropped,
    event::{Effect, Event, Tick},
    filter_line::type_in,
    item::Kind,
    jumps, lists,
    picture::Shown,
    picture_keys, pointing,
    press::{self, press},
    removed,
    state::State,
    target::Target,
    tour::Tour,
    typing::add_term,
    yank,
};
use crate::{
    keymap::Context,
    model::{Answer, Changes, QuerySlot},
};

/// A slot's answer is of its own kind; anything else is a query that failed.
macro_rules! only {
    ($answer:expr, $kind:ident) => {
        match $answer {
            Ok(Answer::$kind(answer)) => Ok(answer),
            Ok(_) => Err("the store answered another question".to_owned()),
            Err(why) => Err(why),
        }
    };
}

/// Moves the state by one event and returns what should happen outside it.
///
/// No clock, no channel, no terminal: given the same state and event, the same answer.
pub fn update(state: &mut State, event: Event) -> Vec<Effect> {
    let mut effects = match event {
        Event::Key(key) => press(state, key),
        Event::Mouse(mouse) => pointing::point(state, mouse),
        Event::DoubleClick { column, row } => pointing::click_again(state, column, row),
        Event::Chose(target) => chose(state, target),
        Event::Resize { columns, rows } => {
            resized(state, columns, rows);
            Vec::new()
        }
        Event::Paste(text) => {
            if state.context() == Context::Line {
                type_in(state, |line| line.insert(&text));
                Vec::new()
            } else {
                dropped::pasted(state, &text)
            }
        }
        Event::Dropped(files) => {
            // Keys that wait are not meant for a question that nobody has seen.
            state.ahead.keys.clear();
            dropped::ask(state, files);
            Vec::new()
        }
        Event::Focus(focused) => {
            state.focused = focused;
            Vec::new()
        }
        Event::Fits(theme) => lists::fit_theme(state, theme),
        Event::Opened(mode) => {
            let effects = if state.picture.is_some() { picture_keys::close(state) } else { Vec::new() };
            state.forget();
            state.open = true;
            state.mode = mode;
            state.tour = Tour::of(mode);
            go_on(state);
            effects
        }
        Event::Reopened(mode) => {
            state.mode = mode;
            state.rate = Rate::default();
            go_on(state);
            state.touch(&Changes { all: true, ..Changes::default() });
            Vec::new()
        }
        Event::Ended(ended) => {
            state.ended = Some(ended);
            state.ahead.keys.clear();
            lists::open(state, Kind::Ended);
            Vec::new()
        }
        Event::Token(token) => {
            state.token = Some(token);
            state.ahead.keys.clear();
            lists::open(state, Kind::Token);
            Vec::new()
        }
        Event::Listening(listening) => {
            state.listening = Some(listening);
            Vec::new()
        }
        Event::Answered { slot: QuerySlot::Yank, ticket, answer, .. } => yank::take(state, ticket, only!(answer, Otlp)),
        Event::Answered { slot, ticket, answer, prepared } => {
            answered(state, &slot, ticket, answer, prepared);
            let ended = if slot == QuerySlot::Overview { state.note_ended() } else { None };
            ended.map(Effect::Alert).into_iter().collect()
        }
        Event::Changed(changes) => {
            changed(state, changes);
            Vec::new()
        }
        Event::Notice(text) => {
            state.notify(text);
            Vec::new()
        }
        Event::Marked(text) => {
            state.marks.touch();
            state.notify(text);
            Vec::new()
        }
        Event::Painted(went) => {
            if let Some(picture) = &mut state.picture {
                picture.shown = went.map_or_else(Shown::Not, |()| Shown::There);
            }
            Vec::new()
        }
        Event::Work => {
            state.works = false;
            Vec::new()
        }
        Event::Tick(tick) => {
            ticked(state, tick);
            Vec::new()
        }
    };
    effects.extend(state.settle());
    effects.extend(press::go_on(state));
    if state.detail.is_searching() && !std::mem::replace(&mut state.works, true) {
        effects.push(Effect::Work);
    }
    effects
}

fn resized(state: &mut State, columns: u16, rows: u16) {
    state.screen = Rect::new(0, 0, columns, rows);
    if let Some(picture) = &mut state.picture {
        picture.shown = Shown::Reading;
    }
    for list in &mut state.lists {
        list.resize(state.screen);
    }
}

/// Somebody answers for what is shown.
fn go_on(state: &mut State) {
    state.ended = None;
    state.lists.retain(|list| list.kind != Kind::Ended);
}

fn answered(
    state: &mut State,
    slot: &QuerySlot,
    ticket: u64,
    answer: Result<Answer, String>,
    prepared: Option<Box<Prepared>>,
) {
    let now = state.now;
    match slot {
        QuerySlot::Overview => {
            state.overview.take(ticket, only!(answer, Overview).map(|sums| *sums), now);
        }
        QuerySlot::Sessions => state.tree.take_sessions(ticket, only!(answer, Sessions), now),
        QuerySlot::Traces(session) => state.tree.take_traces(session, ticket, only!(answer, Traces), now),
        QuerySlot::Tree(trace) => state.tree.take_tree(*trace, ticket, only!(answer, Tree), now),
        QuerySlot::Detail => state.detail.take_detail(ticket, only!(answer, Detail), prepared, now),
        QuerySlot::Raw => state.detail.take_raw(ticket, only!(answer, Raw), now),
        QuerySlot::Marked => state.detail.take_marked(ticket, only!(answer, Detail), now),
        QuerySlot::Stats => state.stats.take(ticket, only!(answer, Stats), now),
        QuerySlot::Usual => {
            state.usual.take(ticket, only!(answer, Usual), now);
        }
        QuerySlot::Marks => {
            state.marks.take(ticket, only!(answer, Marks), now);
        }
        // What is copied is taken before.
        QuerySlot::Yank => {}
        QuerySlot::Completion => {
            state.completion.values.take(ticket, only!(answer, Facets), now);
        }
        QuerySlot::Facets => {
            if state.facets.take(ticket, only!(answer, Facets), now) {
                let items = state.items(&Kind::Facets);
                for list in state.lists.iter_mut().filter(|list| list.kind == Kind::Facets) {
                    list.put(items.clone());
                }
            }
        }
        QuerySlot::Picker => {
            if state.picker.take(ticket, only!(answer, Sessions), now) {
                let items = state.items(&Kind::Sessions);
                for list in state.lists.iter_mut().filter(|list| list.kind == Kind::Sessions) {
                    list.put(items.clone());
                }
                refill_palette(state);
            }
        }
        QuerySlot::Runs => {
            if state.runs.take(ticket, only!(answer, Traces), now) {
                refill_palette(state);
            }
        }
    }
}

/// Puts what is known by now into the palette, if it is open.
fn refill_palette(state: &mut State) {
    let at = state.lists.iter().position(|list| matches!(list.kind, Kind::Palette { .. }));
    if let Some(at) = at {
        let items = state.items(&state.lists[at].kind);
        state.lists[at].put(items);
    }
}

fn changed(state: &mut State, changes: Changes) {
    state.stored += changes.spans;
    // An empty store's screen has nothing to freeze.
    match &mut state.paused {
        Some(held) => held.merge(changes),
        None => state.touch(&changes),
    }
}

fn ticked(state: &mut State, tick: Tick) {
    let Tick { now, seen, failing } = tick;
    state.now = now;
    // Recorded runs pass no listener.
    let counter = if state.mode.is_live() { seen.spans } else { state.stored };
    state.rate.sample(now, counter);
    state.failing = failing.or_else(|| seen.failing.clone());
    if let Some(damage) = seen.damage.as_ref().filter(|damage| state.seen.damage.as_ref() != Some(*damage)) {
        state.notify(damage.clone());
    }
    if let Some(pruned) = seen.pruned.filter(|pruned| state.seen.pruned != Some(*pruned)) {
        state.notify(removed::pruned(&pruned));
    }
    state.seen = seen;
    state.show_programs();
    state.arrivals.tidy(now);
    state.detail.tidy();
    state.recount();
    press::lose_patience(state);
    state.notice.take_if(|notice| notice.until <= now);
}

/// Does what a piece of text says that was clicked on.
fn chose(state: &mut State, target: Target) -> Vec<Effect> {
    state.clicked = true;
    if !matches!(target, Target::Key(_)) {
        // Somebody went elsewhere: what was to be gone to once it comes is not gone to any more.
        state.awaits = None;
        state.goes_nowhere();
    }
    match target {
        Target::Key(key) => return press(state, key),
        Target::Above(levels) => {
            let row = state.tree.path().into_iter().rev().nth(levels).map(|row| row.id.clone());
            if let Some(row) = row {
                jumps::leave(state);
                state.follow.stop(&mut state.tree);
                state.focus = Focus::Tree;
                state.zoomed = false;
                let height = state.heights().rows;
                state.tree.select(&row, height);
            }
        }
        Target::Filter(term) => {
            state.follow.stop(&mut state.tree);
            add_term(state, term);
        }
    }
    Vec::new()
}
