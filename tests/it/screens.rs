//! Every pane and state of the screen, in three sizes, as a person would see it: the text, and beneath it the slots
//! with which it is painted (`painted.rs`).

use sideseat_tui::{
    app::{Seen, Tick},
    slots::Slot,
    tabs::Tab,
};

use crate::{
    painted::{mark, marking_theme},
    scene::{self, Scene},
};

pub const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (40, 12)];

/// Where a pane has room, and where it has to choose.
const WIDE: [(u16, u16); 2] = [(120, 40), (80, 24)];

/// Keeps one screen a size under a name.
fn shows(name: &str, captures: &[&str], keys: &str) {
    shows_at(&SIZES, name, captures, keys);
}

fn shows_at(sizes: &[(u16, u16)], name: &str, captures: &[&str], keys: &str) {
    for &(columns, rows) in sizes {
        keep(&format!("{name}_{columns}x{rows}"), &Scene::of(captures, columns, rows).press(keys).page());
    }
}

/// Keeps one screen; its times are in the time zone of the scene.
pub fn keep(name: &str, text: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "snapshots/screens" }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn an_empty_store_says_what_to_do_first() {
    shows("first_run", &[], "");
}

#[test]
fn the_first_run_screen_has_lines_for_every_sdk() {
    for sdk in ["2", "3", "4", "5"] {
        shows(&format!("first_run_sdk_{sdk}"), &[], sdk);
    }
}

#[test]
fn a_conversation_over_several_runs_is_shown_by_session() {
    shows("session", &["bedrock/seed_session"], "g g");
}

#[test]
fn each_pane_shows_its_part_of_a_run_with_tools() {
    for row in Tab::ROWS.iter().filter(|row| row.tab != Tab::Tools) {
        shows(&format!("tools_{}", row.title.to_lowercase()), &["bedrock/seed_tool_use"], row.keys[0]);
    }
    // That run has one call; here are several, and failures.
    shows("tools_tools", &["strands/openai_support"], "g g j 2");
}

#[test]
fn the_timeline_shows_when_each_step_was_under_way() {
    shows("timeline", &["strands/openai_support"], "g g j 6");
    shows("timeline_parallel", &["strands/graph_team"], "g g j 6");
    shows_at(&WIDE, "timeline_failed", &["openai/gen_responses_support"], "g g j 6");
    shows_at(&WIDE, "timeline_generic", &["generic/webshop"], "6");
    shows_at(&WIDE, "timeline_zoomed", &["strands/openai_support"], "g g j 6 tab j j j > >");
}

#[test]
fn a_very_wide_screen_has_three_panes() {
    const SIZES: [(u16, u16); 2] = [(200, 60), (160, 50)];
    shows_at(&SIZES, "three_panes", &["strands/openai_support"], "g g j l j j");
    shows_at(&SIZES, "three_panes_failed", &["openai/gen_responses_support"], "g g j tab tab");
    shows_at(&SIZES, "three_panes_tools", &["strands/openai_support"], "g g j tab tab 2");
}

#[test]
fn a_session_has_a_timeline_for_each_run() {
    shows_at(&WIDE, "timeline_session", &["openai/gen_responses_support"], "g g 6");
}

#[test]
fn a_failed_tool_shows_its_error_with_the_call_that_asked_for_it() {
    // Its result does not say that it is an error; its execution does.
    shows("failed_tool", &["strands/anthropic_latest_support"], "g g j");
    shows_at(
        &[(80, 24)],
        "failed_tool_closed",
        &["strands/anthropic_latest_support"],
        "g g j tab j j j j j j j j j j j j enter",
    );
    shows_at(&[(120, 40)], "traceback", &["openai/gen_responses_support"], "g g j l j j j tab j j j enter");
}

#[test]
fn parallel_calls_each_have_their_own_result() {
    shows("parallel_tools", &["bedrock/tool_parallel"], "");
}

#[test]
fn a_session_has_a_heading_for_each_run_in_every_pane() {
    for row in Tab::ROWS.iter().filter(|row| row.tab != Tab::Raw) {
        let (name, keys) = (format!("session_runs_{}", row.title.to_lowercase()), format!("g g {}", row.keys[0]));
        shows_at(&WIDE, &name, &["openai/gen_responses_support"], &keys);
    }
}

#[test]
fn what_was_sent_again_or_thought_is_one_line_until_it_is_opened() {
    shows_at(&[(120, 40)], "history_opened", &["strands/openai_support"], "G tab g g j j j j j enter");
    shows_at(&WIDE, "reasoning_opened", &["bedrock/seed_thinking"], "tab g g j j j j j j j enter");
    shows_at(&WIDE, "traceback_opened", &["bedrock/error_throttling"], "tab g g j enter");
    shows_at(&WIDE, "redacted_messages", &["bedrock/thinking_redacted"], "");
}

#[test]
fn deleting_a_run_or_a_session_is_asked_first() {
    shows("delete_run", &["bedrock/seed_tool_use"], "g g j D");
    shows_at(&[(80, 24)], "delete_session", &["openai/gen_responses_support"], "g g D j");
}

#[test]
fn the_cost_pane_shows_caches_and_what_has_no_price() {
    shows("cost_cached", &["bedrock/invoke_cache"], "4");
    shows_at(&WIDE, "cost_failed", &["bedrock/error_throttling"], "4");
    shows_at(&WIDE, "cost_unpriced", &["bedrock/bedrock_agent"], "4");
}

#[test]
fn what_is_no_plain_text_is_shown_as_text() {
    shows_at(&WIDE, "media", &["bedrock/image_input"], "");
    shows_at(&WIDE, "control_characters", &["bedrock/ansi_control"], "");
    shows_at(&WIDE, "scripts", &["bedrock/unicode"], "");
    shows_at(&[(80, 24)], "finish_warning", &["bedrock/guardrail"], "");
}

#[test]
fn the_raw_pane_holds_the_log_records_of_a_span() {
    shows_at(&WIDE, "raw_logs", &["openai/gen_chat_travel"], "g g j l j j 5 tab G");
}

#[test]
fn reasoning_is_shown_and_what_is_redacted_is_named() {
    shows("thinking_messages", &["bedrock/seed_thinking"], "1");
    shows("thinking_reasoning", &["bedrock/seed_thinking"], "3");
    shows("redacted_reasoning", &["bedrock/thinking_redacted"], "3");
}

#[test]
fn a_failed_call_shows_why() {
    shows("error", &["bedrock/error_throttling"], "1");
}

#[test]
fn a_call_without_messages_says_which_switch_turns_them_on() {
    let mut scene = Scene::of(&["google-genai/otel_travel"], 140, 40).press("G 1");
    let screen = scene.text();
    assert!(screen.contains("no messages came with this call"), "{screen}");
    assert!(screen.contains("set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_and_event"), "{screen}");
}

#[test]
fn spans_of_any_other_kind_are_readable() {
    shows("generic", &["generic/webshop"], "");
    shows("generic_raw", &["generic/webshop"], "5");
}

#[test]
fn an_agent_with_tools_and_sub_agents_has_its_tree() {
    shows("strands_graph", &["strands/graph_team"], "g g l l l l");
}

#[test]
fn only_roots_of_the_plain_sdk_are_explained() {
    shows("only_roots", &["bedrock_plain/plain_install"], "");
}

#[test]
fn the_prompt_of_a_call_lies_over_its_messages() {
    shows("prompt", &["strands/openai_support"], "G a");
    shows_at(&WIDE, "prompt_all", &["strands/openai_support"], "G a a");
    shows_at(&WIDE, "prompt_unknown", &["google-genai/otel_travel"], "G a");
}

#[test]
fn two_runs_and_two_calls_stand_beside_each_other() {
    let captures = ["strands/openai_support", "strands/anthropic_latest_support"];
    shows("compare_marked", &captures, "g g j c");
    shows("compare_runs", &captures, "g g j c G l j c");
    shows("compare_calls", &captures, "g g j j j c G l j c");
}

#[test]
fn what_was_searched_and_found_stands_before_the_turn_that_uses_it() {
    shows("retrieval", &["llama-index/rag"], "g g j 1");
}

#[test]
fn the_arithmetic_of_a_cost_opens_with_its_row() {
    shows("cost_opened", &["bedrock/invoke_cache"], "4 tab j j j j j j j j j j j j j j enter");
}

#[test]
fn overlays_lie_over_the_screen() {
    shows("help", &["bedrock/seed_session"], "?");
    shows("sessions", &["bedrock/seed_session", "bedrock/seed_tool_use"], "s");
    shows("themes", &["bedrock/seed_session"], "T");
}

#[test]
fn a_filter_is_always_visible() {
    for (columns, rows) in SIZES {
        let text = Scene::of(&["bedrock/seed_session", "bedrock/seed_tool_use"], columns, rows)
            .press("/")
            .paste("weather")
            .press("enter")
            .page();
        keep(&format!("filter_{columns}x{rows}"), &text);
    }
}

#[test]
fn a_session_of_the_filter_is_named_and_the_header_still_counts_all() {
    for (columns, rows) in SIZES {
        let text =
            Scene::of(&["bedrock/seed_session", "bedrock/seed_tool_use"], columns, rows).press("s down enter").page();
        keep(&format!("filter_session_{columns}x{rows}"), &text);
    }
}

#[test]
fn a_filter_that_is_typed_and_lets_nothing_through_says_so() {
    let text = Scene::of(&["bedrock/seed_session"], 80, 24).press("/").paste("nowhere").page();
    keep("filter_typed_80x24", &text);
}

#[test]
fn the_filters_line_offers_what_there_is_and_says_what_is_wrong() {
    for (columns, rows) in SIZES {
        let scene = || Scene::of(&["bedrock/seed_session", "bedrock/seed_tool_use"], columns, rows).press("/");
        keep(&format!("filter_keys_{columns}x{rows}"), &scene().press("tab down").page());
        keep(&format!("filter_values_{columns}x{rows}"), &scene().paste("cost>0 tool:").press("down").page());
        keep(&format!("filter_wrong_{columns}x{rows}"), &scene().paste("weather modle:x").page());
        let mut terms = scene().paste("(tool:~weather or error) -model:x calls>1 \"the weather\"").press("enter");
        keep(&format!("filter_terms_{columns}x{rows}"), &terms.page());
    }
}

#[test]
fn what_one_can_filter_by_is_a_list() {
    shows("facets", &["bedrock/seed_session", "bedrock/seed_tool_use"], "f j");
}

#[test]
fn a_frozen_view_says_what_waits() {
    let scene = Scene::of(&["bedrock/seed_session"], 80, 24).press("P");
    keep("paused_80x24", &scene.arrive("strands/graph_team").page());
}

#[test]
fn what_fails_is_said_where_it_is_seen() {
    let scene = Scene::of(&["bedrock/seed_session"], 80, 24);
    let refusals = vec!["17:00:00 POST /v1/trace 404".into()];
    let seen = Seen { refused: 3, refusals: refusals.clone(), ..Seen::default() };
    let tick = Tick { now: scene.now(), seen: seen.clone(), failing: Some("no space left on device".into()) };
    keep("not_storing_80x24", &scene.tick(tick).page());
    for (columns, rows) in SIZES {
        let scene = Scene::of(&[], columns, rows);
        let tick = Tick { now: scene.now(), seen: seen.clone(), failing: None };
        keep(&format!("first_run_refused_{columns}x{rows}"), &scene.tick(tick).page());
    }
}

#[test]
fn the_detail_is_enlarged_and_says_the_way_back() {
    for (columns, rows) in SIZES {
        let scene = Scene::of(&["bedrock/seed_tool_use"], columns, rows).press("tab j j");
        keep(&format!("detail_{columns}x{rows}"), &scene.press("G enter").page());
    }
}

#[test]
fn help_is_searched_and_is_about_the_screen_it_is_opened_on() {
    keep("help_searched_80x24", &Scene::of(&["bedrock/seed_session"], 80, 24).press("? /").paste("follow").page());
    keep("help_first_run_80x24", &Scene::of(&[], 80, 24).press("?").page());
}

#[test]
fn the_demo_a_copy_and_a_window_that_is_too_small_say_so() {
    keep("demo_80x24", &Scene::of(&["bedrock/seed_session"], 80, 24).demo().page());
    keep("copied_80x24", &Scene::of(&[], 80, 24).press("Y").page());
    keep("too_small_30x8", &Scene::of(&["bedrock/seed_session"], 30, 8).page());
}

#[test]
fn what_arrives_does_not_move_the_cursor() {
    let mut scene = Scene::of(&["bedrock/seed_session"], 120, 40).press("g g j");
    let before = cursor_line(&scene.text());
    let mut scene = scene.arrive("bedrock/seed_tool_use").arrive("strands/graph_team");
    assert_eq!(cursor_line(&scene.text()), before);
}

#[test]
fn a_refusal_is_counted_where_it_is_seen() {
    let scene = Scene::of(&["bedrock/seed_session"], 120, 40);
    let seen = Seen { refused: 3, refusals: vec!["17:00:00 POST /v1/trace 404".into()], ..Seen::default() };
    let now = scene.now();
    let text = scene.tick(Tick { now, seen, failing: None }).text();
    assert!(text.contains("refused 3"), "{text}");
}

#[test]
fn every_size_draws_and_one_that_is_large_enough_shows_its_cursor() {
    let theme = marking_theme();
    for columns in [1, 5, 20, 39, 40, 41, 60, 71, 72, 100, 109, 110, 200] {
        for rows in [1, 3, 11, 12, 13, 19, 20, 50] {
            let is_large_enough = columns >= 40 && rows >= 12;
            let mut scene = Scene::of(&["bedrock/seed_tool_use"], columns, rows);
            for keys in ["", "? q T q s q tab", "G", "g g 5"] {
                scene = scene.press(keys);
                let cursors = [mark(Slot::Cursor), mark(Slot::CursorInactive)];
                let cells = &scene.draw(&theme).content;
                let shown = cells.iter().any(|cell| cursors.contains(&cell.bg));
                assert_eq!(shown, is_large_enough, "{keys:?} at {columns}x{rows}\n{}", scene.text());
            }
        }
    }
}

#[test]
fn every_pane_is_drawn_at_every_size() {
    let captures =
        ["strands/openai_support", "strands/anthropic_latest_support", "strands/graph_team", "llama-index/rag"];
    let places =
        ["g g", "g g l j 1", "2", "3", "4", "6", "G a", "a a", "g g j c G l j c", "n n", "esc S", "tab l l", "S /"];
    let mut scene = Scene::of(&captures, 120, 40);
    for keys in places {
        scene = scene.press(keys);
        // Each width once, and each height with some of them.
        for columns in 1..=200_u16 {
            scene = scene.resize(columns, columns * 7 % 60 + 1);
            let drawn = scene.text();
            assert!(!drawn.trim().is_empty(), "{keys}: nothing at {columns}");
        }
        scene = scene.resize(120, 40);
    }
}

/// The snapshots hold what a row says by its colours, too.
#[test]
fn a_failure_that_is_painted_as_a_success_is_another_page() {
    let mut scene = Scene::of(&["bedrock/error_throttling"], 120, 40);
    let as_it_is = scene.page();
    let mut painted = scene.draw(&marking_theme()).clone();
    let failed: Vec<_> = painted.content.iter_mut().filter(|cell| cell.fg == mark(Slot::TreeError)).collect();
    assert!(!failed.is_empty(), "a failed row is shown:\n{as_it_is}");
    for cell in failed {
        cell.fg = mark(Slot::TreeOk);
    }
    assert_ne!(scene::page(&painted), as_it_is);
}

/// The row that the cursor stands on: its line on the screen and its text.
fn cursor_line(text: &str) -> (usize, String) {
    let (line, text) = text.lines().enumerate().find(|(_, line)| line.contains('▌')).expect("a cursor is shown");
    (line, text.chars().take(40).collect())
}
