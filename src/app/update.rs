//! One match over everything that can happen.

use ratatui::layout::Rect;

use super::{
    act::act,
    activity::Rate,
    areas::{self, Areas, DetailArea, Focus},
    detail::{Prepared, Side},
    dropped,
    event::{Effect, Event, Mouse, MouseDoes, Tick},
    filter_line::type_in,
    item::Kind,
    jumps, lists, panes,
    picture::Shown,
    picture_keys,
    press::{self, press},
    removed, selecting,
    split::Divider,
    state::{Stage, State},
    stats_keys,
    target::Target,
    tour::{self, Tour},
    typing::add_term,
    yank,
};
use crate::{
    keymap::{Action, Context},
    model::{Answer, Changes, QuerySlot},
    tabs::Tab,
};

/// So many lines a turn of the wheel moves.
const WHEEL: isize = 3;

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
        Event::Mouse(mouse) => point(state, mouse),
        Event::Chose(target) => chose(state, target),
        Event::Resize { columns, rows } => {
            state.screen = Rect::new(0, 0, columns, rows);
            if let Some(picture) = &mut state.picture {
                picture.shown = Shown::Reading;
            }
            for list in &mut state.lists {
                list.resize(state.screen);
            }
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

fn point(state: &mut State, mouse: Mouse) -> Vec<Effect> {
    let Mouse { column, row, does } = mouse;
    if does == MouseDoes::Release {
        state.drags = None;
        state.pressed = None;
        return Vec::new();
    }
    if does == MouseDoes::Drag {
        if let Some(divider) = state.drags {
            let three = panes::has_beside(state);
            state.split = state.split.at(divider, column, state.screen.width, three);
        }
        selecting::drag(state, row);
        return Vec::new();
    }
    state.awaits = None;
    state.pressed = None;
    state.goes_nowhere();
    if state.picture.is_some() && state.lists.is_empty() {
        return if does == MouseDoes::Click { picture_keys::close(state) } else { Vec::new() };
    }
    if let Some(list) = state.lists.last_mut() {
        let area = list.area();
        return match does {
            MouseDoes::WheelUp => lists::move_by(state, -WHEEL),
            MouseDoes::WheelDown => lists::move_by(state, WHEEL),
            MouseDoes::Click if !areas::holds(area.outer, column, row) => act(state, Action::Back),
            MouseDoes::Click if areas::holds(area.rows, column, row) => {
                let before = list.picked().map(|item| item.pick.clone());
                let hit = list.click(usize::from(row - area.rows.y));
                let on_cursor = hit && list.picked().map(|item| &item.pick) == before.as_ref();
                if on_cursor { act(state, Action::Open) } else { lists::move_by(state, 0) }
            }
            MouseDoes::Click | MouseDoes::Drag | MouseDoes::Release => Vec::new(),
        };
    }
    if state.stage() == Stage::FirstRun {
        match does {
            MouseDoes::WheelUp => return act(state, Action::Up),
            MouseDoes::WheelDown => return act(state, Action::Down),
            MouseDoes::Click | MouseDoes::Drag | MouseDoes::Release => return Vec::new(),
        }
    }
    let Some(areas) = state.areas() else { return Vec::new() };
    let within = |area: Option<Rect>| area.is_some_and(|area| areas::holds(area, column, row));
    let wheel = match does {
        MouseDoes::WheelUp => Some(-WHEEL),
        MouseDoes::WheelDown => Some(WHEEL),
        MouseDoes::Click | MouseDoes::Drag | MouseDoes::Release => None,
    };
    if state.stats.is_open() {
        return stats_keys::point(state, column, row, wheel);
    }
    if does == MouseDoes::Click && within(Some(areas.body)) {
        let lines = [(areas.divider, Divider::Tree), (areas.beside_divider, Divider::Beside)];
        state.drags = lines.into_iter().find(|(at, _)| *at == Some(column)).map(|(_, divider)| divider);
        if state.drags.is_some() {
            return Vec::new();
        }
    }
    if let Some(tree) = areas.tree.filter(|tree| within(Some(tree.rows))) {
        let height = usize::from(tree.rows.height);
        if let Some(by) = wheel {
            state.follow.stop(&mut state.tree);
            state.tree.scroll_by(by, height);
            return Vec::new();
        }
        let at = state.tree.scroll().top() + usize::from(row - tree.rows.y);
        let Some(clicked) = state.tree.rows().get(at) else { return Vec::new() };
        let mark = tree.rows.x + areas::indent(clicked.depth, tree.rows.width);
        let on_cursor = at == state.tree.scroll().cursor && state.focus == Focus::Tree;
        let open = clicked.open;
        state.follow.stop(&mut state.tree);
        state.focus = Focus::Tree;
        state.detail.end_selection();
        state.tree.go(at, height);
        if let Some(open) = open.filter(|_| column == mark || on_cursor) {
            state.tree.fold(!open);
        } else if on_cursor {
            return act(state, Action::Open);
        }
    } else if let Some((side, detail)) = pane_at(state, &areas, column, row) {
        point_at_text(state, side, &detail, (column, row), wheel);
    } else if wheel.is_none()
        && within(areas.filter)
        && state.has_filter_line()
        && state.line.is_none()
        && state.naming.is_none()
    {
        return act(state, Action::Filter);
    }
    Vec::new()
}

/// The pane of the detail that a cell lies in.
fn pane_at(state: &State, areas: &Areas, column: u16, row: u16) -> Option<(Side, DetailArea)> {
    // Where there is one pane it is the one with the keys.
    let main = if areas.beside.is_some() { Side::Main } else { state.detail.side() };
    let panes = [areas.detail.map(|area| (main, area)), areas.beside.map(|area| (Side::Beside, area))];
    let holds = |area: &DetailArea| [area.text, area.tabs].iter().any(|part| areas::holds(*part, column, row));
    panes.into_iter().flatten().find(|(_, area)| holds(area))
}

/// What the mouse does in a pane of the detail; `wheel`: so many lines it turns.
fn point_at_text(state: &mut State, side: Side, area: &DetailArea, (column, row): (u16, u16), wheel: Option<isize>) {
    let height = usize::from(area.text.height);
    if areas::holds(area.text, column, row) {
        state.follow.stop(&mut state.tree);
        if let Some(by) = wheel {
            state.detail.within(side, |detail| detail.scroll_by(by, height));
            return;
        }
        state.focus = Focus::Detail;
        state.detail.turn_to(side);
        state.detail.end_selection();
        let at = state.detail.scroll().top() + usize::from(row - area.text.y);
        if at < state.detail.document().len() {
            state.detail.go(at, height);
            state.pressed = Some(state.detail.fold(None));
        }
    } else if wheel.is_none() {
        let labels = state.detail.on(side).labels(area.tabs.width);
        let tabs = areas::tabs(area.tabs, &labels);
        let hit = Tab::ALL.iter().copied().zip(tabs).find(|(_, area)| areas::holds(*area, column, row));
        if let Some((tab, _)) = hit {
            state.detail.within(side, |detail| detail.show(tab));
            tour::did(&mut state.tour, Action::Tab(tab));
        }
    }
}
