//! One match over everything a key can do.

use super::{
    areas::Focus,
    browse::Content,
    comparing,
    cursor_keys::{fold, fold_many, go_to_step, half_page, last, step, unfold, zoom},
    deleting,
    document::Copied,
    dropped,
    event::{Effect, Mode, Sends},
    exporting,
    filter_line::{self, type_in},
    find_keys as find, first_run,
    history::LineOf,
    item::{Kind, Pick},
    jumps,
    line::Line,
    list::List,
    lists, marking, panes, picture_keys,
    places::Awaits,
    sdk::Sdk,
    selecting,
    state::{Stage, State},
    stats_keys, tour,
    typing::refilter,
    value_at_cursor, views, yank,
};
use crate::{
    keymap::{Action, Context, Place},
    model::{Changes, Order},
    tabs::Tab,
};

/// Does what a key means.
#[allow(clippy::too_many_lines, reason = "a row for each action")]
pub fn act(state: &mut State, action: Action) -> Vec<Effect> {
    if state.picture.is_some() {
        return picture_keys::act(state, action);
    }
    tour::did(&mut state.tour, action);
    match action {
        Action::Down => return step(state, 1),
        Action::Up => return step(state, -1),
        Action::HalfPageDown => return step(state, half_page(state)),
        Action::HalfPageUp => return step(state, -half_page(state)),
        Action::PageDown => return step(state, half_page(state).saturating_mul(2)),
        Action::PageUp => return step(state, half_page(state).saturating_mul(-2)),
        Action::First => return step(state, isize::MIN),
        Action::Last => return last(state),
        Action::Open => return open(state),

        Action::Fold => fold(state),
        Action::Unfold => unfold(state),
        Action::FoldThis | Action::OpenAll | Action::CloseAll | Action::ShowAll => fold_many(state, action),
        Action::NextPane | Action::PreviousPane => panes::next(state, action == Action::NextPane),
        Action::Tab(tab) => show(state, tab),
        Action::Stats => stats_keys::toggle(state),
        Action::NextPanel => state.stats.next_panel(true),
        Action::PreviousPanel => state.stats.next_panel(false),
        Action::NextFigure => stats_keys::choose_figure(state, true),
        Action::PreviousFigure => stats_keys::choose_figure(state, false),
        Action::ShorterRange => stats_keys::choose_range(state, false),
        Action::LongerRange => stats_keys::choose_range(state, true),
        Action::Sort => stats_keys::sort(state),
        Action::Filter if state.focus == Focus::Detail && state.context() == Context::Detail => find::open(state),
        Action::Filter => filter_line::open(state),
        Action::NextFound | Action::PreviousFound if comparing::goes_to_differences(state) => {
            comparing::go_to_difference(state, action == Action::NextFound);
        }
        Action::NextFound | Action::PreviousFound => find::go(state, action == Action::NextFound),
        Action::Session => lists::open(state, Kind::Sessions),
        Action::Facets => lists::open(state, Kind::Facets),
        Action::AddValue => value_at_cursor::add(state),
        Action::OrderNewest => order(state, Order::Newest),
        Action::OrderCost => order(state, Order::Cost),
        Action::OrderDuration => order(state, Order::Duration),
        Action::OrderTokens => order(state, Order::Tokens),
        Action::OrderErrors => order(state, Order::Errors),
        Action::OrderScore => order(state, Order::Score),
        Action::Follow => follow(state),
        Action::Prompt => comparing::prompt(state),
        Action::Compare => comparing::compare(state),
        Action::Delete => deleting::ask(state),

        Action::Narrow => {
            let narrows = |list: &&mut List| {
                !matches!(list.kind, Kind::Delete { .. } | Kind::Import { .. } | Kind::Ended | Kind::Token)
            };
            match state.lists.last_mut().filter(narrows) {
                Some(list) => list.open_line(),
                None => state.notify("there is nothing to narrow here"),
            }
        }
        Action::Take | Action::Leave => return end_line(state, action == Action::Take),
        Action::Clear => return clear_line(state),
        Action::Complete => filter_line::complete(state),
        Action::NextOffer => return filter_line::choose(state, 1),
        Action::PreviousOffer => return filter_line::choose(state, -1),
        Action::History => filter_line::history(state),
        Action::SaveView if !state.lists.is_empty() || state.finds.is_some() || state.naming.is_some() => {
            state.notify("only the line of the filter is saved under a name");
        }
        Action::SaveView => views::name(state),
        Action::DeleteView => lists::delete_view(state),
        Action::RenameView => lists::rename_view(state),

        Action::NextFailed
        | Action::PreviousFailed
        | Action::NextOdd
        | Action::Dearest
        | Action::Slowest
        | Action::NextRun
        | Action::PreviousRun
        | Action::NextSession
        | Action::PreviousSession
        | Action::NextTurn
        | Action::PreviousTurn
        | Action::JumpBack
        | Action::JumpForward => jumps::act(state, action),
        Action::SetMark => marking::await_letter(state, Awaits::Mark),
        Action::GoToMark => marking::await_letter(state, Awaits::GoTo),
        Action::SinceMark => marking::await_letter(state, Awaits::Since),
        Action::Grow | Action::Shrink => panes::split(state, action == Action::Grow),
        Action::Raw => {
            let raw = state.detail.toggle_raw();
            state.notify(if raw {
                "texts and arguments as they were received"
            } else {
                "texts and arguments as people read them"
            });
        }
        Action::Wrap => {
            let wraps = state.detail.toggle_wrap();
            state.notify(if wraps {
                "lines are cut to the width"
            } else {
                "lines are as long as they are: v shows all of one"
            });
        }
        Action::Pager | Action::Editor => return yank::page(state, action == Action::Editor),
        Action::Mouse => {
            state.mouse = !state.mouse;
            let key = state.keymap.label(Action::Mouse);
            state.notify(if state.mouse {
                "the mouse is this program's again".to_owned()
            } else {
                format!("the mouse is the terminal's: it selects and copies; {key} takes it back")
            });
            return vec![Effect::Mouse(state.mouse)];
        }
        Action::ZoomIn | Action::ZoomOut => zoom(state, action == Action::ZoomIn),
        Action::OpenOutside => return open_outside(state),
        Action::YankText
        | Action::YankArguments
        | Action::YankResult
        | Action::YankPath
        | Action::YankIds
        | Action::YankMarkdown
        | Action::YankAllMarkdown
        | Action::YankOtlp
        | Action::YankPrompt
        | Action::YankCurl
        | Action::YankPython => return yank::yank(state, action),
        Action::SelectLines => selecting::begin(state),
        Action::YankLines => return selecting::copy(state),
        Action::EndSelection => _ = state.detail.end_selection(),
        Action::YankTable => return yank::table(state),
        Action::ExportOtlp
        | Action::ExportTranscript
        | Action::ExportMarkdown
        | Action::ExportHtml
        | Action::ExportFiltered => {
            return exporting::export(state, action);
        }
        Action::YankCommand => return vec![yank::copy(Copied::new("command", first_run::command()))],
        Action::YankSnippet => {
            let lines = state.listening.as_deref().unwrap_or_default();
            let lines = first_run::snippet(state.sdk, lines, state.seen.needs_token);
            return vec![yank::copy(Copied::new("lines for the SDK", lines.join("\n") + "\n"))];
        }
        Action::SdkSideseat | Action::SdkStrands | Action::SdkLanggraph | Action::SdkOpenai | Action::SdkOther => {
            state.sdk = Sdk::of(action).unwrap_or_default();
        }
        Action::TestSpan => return dropped::send(state, Sends::TestSpan, "sending a test span…"),
        Action::Demo if state.mode == Mode::Attached => {
            state.notify("what another sideseat-tui receives is shown here; `sideseat-tui demo` plays recorded runs");
        }
        Action::Demo => {
            state.notify("playing a story and recorded runs; nothing of them is kept");
            return vec![Effect::PlayDemo];
        }

        Action::Back => return back(state),
        Action::Pause => pause(state),
        Action::Theme => {
            let before = state.theme.clone();
            lists::open(state, Kind::Themes { before });
        }
        Action::Palette => {
            let of = state.context();
            lists::open(state, Kind::Palette { of });
        }
        Action::Redraw => return vec![Effect::Redraw],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Help => {
            let of = match state.context() {
                // A list's keys are those of `Rows`; help is about what lies beneath it.
                Context::List | Context::Line if state.stage() == Stage::FirstRun => Context::FirstRun,
                Context::List | Context::Line => Context::Tree,
                context => context,
            };
            lists::open(state, Kind::Help { of });
        }
        Action::Close => {
            let on_top = !state.lists.is_empty() || state.stats.is_open() || state.detail.over().is_some();
            return if on_top { back(state) } else { vec![Effect::Quit] };
        }
        Action::Quit => return vec![Effect::Quit],
    }
    Vec::new()
}

/// Does what picking an item means.
fn choose(state: &mut State) -> Vec<Effect> {
    let pick = state.lists.last().and_then(List::picked).map(|item| item.pick.clone());
    match pick {
        Some(Pick::Does(action)) => {
            state.lists.pop();
            let context = state.context();
            if !context.places().contains(&action.row().place) {
                match action.row().place {
                    Place::Main => state.stats.close(),
                    Place::Stats if !state.stats.is_open() => stats_keys::toggle(state),
                    _ => {}
                }
            }
            act(state, action)
        }
        Some(Pick::Run(session, trace)) => {
            state.lists.pop();
            state.stats.close();
            jumps::go_to_run(state, session, trace, None);
            Vec::new()
        }
        Some(Pick::Import) => match state.lists.pop().map(|list| list.kind) {
            Some(Kind::Import { files, .. }) => dropped::import(state, files),
            _ => Vec::new(),
        },
        Some(pick) => {
            if let Pick::Session(_) = pick {
                jumps::leave(state);
            }
            lists::choose(state)
        }
        None => {
            state.notify("nothing is left to choose");
            Vec::new()
        }
    }
}

/// Enter: opens what is closed, else goes in.
fn open(state: &mut State) -> Vec<Effect> {
    match state.context() {
        Context::List => return choose(state),
        Context::Tree => {
            let branch = matches!(
                state.tree.cursor().map(|row| state.tree.content(row)),
                Some(Content::Session(_) | Content::Trace(_) | Content::Quiet(_))
            );
            state.follow.stop(&mut state.tree);
            if !(branch && state.tree.fold(true)) && state.tree.cursor().is_some() {
                state.focus = Focus::Detail;
            }
        }
        Context::Detail => {
            // Alone on the screen it is as large as it gets.
            let alone = !state.zoomed && state.areas().is_none_or(|areas| areas.divider.is_none());
            state.follow.stop(&mut state.tree);
            if let Some((trace, span)) = state.detail.step_at_cursor() {
                go_to_step(state, trace, span);
                return Vec::new();
            }
            state.picture = state.picture_at_cursor();
            if state.picture.is_some() || state.detail.fold(None) {
                return Vec::new();
            }
            if alone {
                state.notify("nothing opens on this line");
            } else {
                state.zoomed = !state.zoomed;
            }
        }
        Context::Selecting => return selecting::copy(state),
        Context::Stats => return stats_keys::open_rows(state),
        Context::Line if !state.lists.is_empty() => return choose(state),
        Context::FirstRun => {
            let (demo, test) = (state.keymap.label(Action::Demo), state.keymap.label(Action::TestSpan));
            state.notify(format!("nothing was received yet: {demo} plays a demo, {test} sends a test span"));
        }
        Context::Line => {}
    }
    Vec::new()
}

fn follow(state: &mut State) {
    if state.follow.is_on() {
        state.follow.stop(&mut state.tree);
    } else {
        // The newest run is looked for where it stands first.
        refilter(state, |filter| filter.order = Order::Newest);
        state.follow.start();
    }
}

/// Orders sessions and runs; the cursor goes to the first.
fn order(state: &mut State, order: Order) {
    state.follow.stop(&mut state.tree);
    if state.filter.order != order {
        refilter(state, |filter| filter.order = order);
        state.tree.go_to_first_of_answer();
    }
    state.notify(format!("runs: {}", order.as_str()));
}

/// Freezes the view, or shows what arrived meanwhile.
fn pause(state: &mut State) {
    match state.paused.take() {
        None => state.paused = Some(Changes::default()),
        Some(held) if held.is_empty() => {}
        Some(held) => state.touch(&held),
    }
}

/// Esc: undoes one thing, the first there is.
fn back(state: &mut State) -> Vec<Effect> {
    if let Some(list) = state.lists.pop() {
        return match list.kind {
            Kind::Themes { before } => lists::set_theme(state, before),
            Kind::Ended => vec![Effect::Quit],
            Kind::Token => {
                state.token = None;
                Vec::new()
            }
            Kind::Sessions
            | Kind::Facets
            | Kind::Delete { .. }
            | Kind::Import { .. }
            | Kind::Help { .. }
            | Kind::Palette { .. } => Vec::new(),
        };
    }
    if state.stats.is_open() {
        state.stats.close();
    } else if state.detail.end_selection() {
        // Moves only move again.
    } else if state.detail.end_find(false) {
        // What was found is no longer marked.
    } else if state.zoomed {
        state.zoomed = false;
    } else if state.detail.over().is_some() {
        state.detail.uncover();
    } else if state.focus != Focus::Tree {
        state.focus = Focus::Tree;
    } else if state.detail.mark().is_some() {
        state.detail.set_mark(None);
    } else if stats_keys::back(state) {
        // The statistics are shown again.
    } else if state.filter.session.is_some() {
        refilter(state, |filter| filter.session = None);
    } else if !state.filter.is_empty() {
        refilter(state, |filter| {
            filter.text.clear();
            stats_keys::forget(filter);
        });
    } else {
        let undone = state.tour.take().is_some();
        if !undone {
            let key = state.keymap.label(Action::Close);
            state.notify(format!("there is nothing to go back from; {key} quits"));
        }
    }
    Vec::new()
}

fn end_line(state: &mut State, taken: bool) -> Vec<Effect> {
    if let Some(list) = state.lists.last_mut() {
        if matches!(list.kind, Kind::Palette { .. } | Kind::Sessions) {
            // Its line is all there is of it.
            if taken {
                if list.kind != Kind::Sessions {
                    let typed = list.narrow().to_owned();
                    state.history.remember(LineOf::Palette, &typed);
                }
                return choose(state);
            }
            return back(state);
        }
        list.close_line(taken);
        return lists::move_by(state, 0);
    }
    if state.finds.take().is_some() {
        find::close(state, taken);
        return Vec::new();
    }
    if state.naming.is_some() {
        return views::end_naming(state, taken);
    }
    filter_line::end(state, taken);
    Vec::new()
}

fn clear_line(state: &mut State) -> Vec<Effect> {
    type_in(state, Line::delete_to_start);
    if state.lists.is_empty() { Vec::new() } else { lists::move_by(state, 0) }
}

fn open_outside(state: &mut State) -> Vec<Effect> {
    let here = if state.focus == Focus::Detail { state.detail.opens_at_cursor().cloned() } else { None };
    if here.is_none() {
        state.notify("no image or document is under the cursor of the detail".to_owned());
    }
    here.map(Effect::OpenOutside).into_iter().collect()
}

/// Shows a tab of the detail, and the detail itself where it has no room beside the tree.
fn show(state: &mut State, tab: Tab) {
    state.detail.show(tab);
    if state.areas().is_some_and(|areas| areas.detail.is_none()) {
        state.focus = Focus::Detail;
    }
}
