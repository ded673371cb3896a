//! What keys do with a phrase that is looked for in the detail.

use super::{areas::Focus, detail::Went, history::LineOf, line::Line, state::State};

/// Opens the line in which it is typed.
pub fn open(state: &mut State) {
    // Whoever reads is not to be taken elsewhere.
    state.follow.stop(&mut state.tree);
    state.detail.end_find(false);
    state.detail.find("");
    state.finds = Some(Line::new(""));
}

/// Ends the typing; `taken`: the hits stay.
pub fn close(state: &mut State, taken: bool) {
    if !taken {
        state.detail.end_find(true);
        return;
    }
    state.history.remember(LineOf::Find, state.detail.finds().unwrap_or_default());
    let nothing = state.detail.found_count().is_some_and(|count| count.all == 0 && !count.goes_on);
    if nothing {
        let phrase = state.detail.finds().unwrap_or_default().to_owned();
        state.notify(format!("nothing in this text is `{phrase}`"));
    }
    state.detail.keep_found();
}

/// Goes to the next hit, or the one before.
pub fn go(state: &mut State, forward: bool) {
    let lit = state.detail.lit().map(str::to_owned);
    if state.detail.finds().is_none()
        && let Some(text) = lit
    {
        // What the filter found in the run is looked for in its text.
        state.follow.stop(&mut state.tree);
        state.focus = Focus::Detail;
        state.detail.find(&text);
        state.detail.keep_found();
        return;
    }
    let Some(phrase) = state.detail.finds().map(str::to_owned) else {
        let find = state.keymap.label(crate::keymap::Action::Filter);
        state.notify(format!("nothing is looked for: {find} in the detail finds text"));
        return;
    };
    state.follow.stop(&mut state.tree);
    state.focus = Focus::Detail;
    let height = state.heights().text;
    match state.detail.go_to_found(forward, height) {
        Went::There => {}
        Went::Around if forward => state.notify("from the end on at the start"),
        Went::Around => state.notify("from the start on at the end"),
        Went::Searching => state.notify("still searching: press it again"),
        Went::Nowhere => state.notify(format!("nothing in this text is `{phrase}`")),
    }
}
