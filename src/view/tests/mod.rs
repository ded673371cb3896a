//! The whole screen, at every size and in every state that a person can see.

mod scene;

use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::Cell,
    style::{Color, Modifier},
};

use super::{draw, target};
use crate::{
    app::{Ended, Event, Mode, Seen, Tick, target::Target},
    keymap::Key,
    model::Rescue,
    theme::{Depth, Themes},
};
use scene::{Scene, at, at_the_failure, listening, runs};

#[test]
fn the_main_view_shows_sessions_runs_and_steps_with_their_numbers() {
    let scene = at_the_failure(Scene::of(runs()));
    for line in [
        "│▾ ✗ trip-planner  ✗1    now  1m01 143k   $.313│",
        "│  ▸ ✓ plan a 5-day trip… 1m  8.1s  12k   $.019│",
        "│    ▾ ✗ A planner             46s 118k   $.272│",
        "│        M turn 1  sonnet-4-5 3.1s  14k   $.012│",
        "▌      ✗ T book_room  #1      3.1s    ·       ·│",
        "│▸ ✓ (no session) 1 run   1m  2.0s    ·       ·│",
        "│[1 Messages] 2 Tools 1·1✗  3 Reasoning  4 Cost  5 Raw ",
        "gRPC 4317  HTTP 4318 5388",
        "1 running · 5 runs · $.325",
        " trip-planner › run 3 › planner › book_room #1 ",
        "└─ ✓ 3  ✗ 1  ● 1   tools 25 (4✗) ─",
    ] {
        scene.shows(line);
    }
}

#[test]
fn a_run_that_goes_on_has_a_clock_and_what_is_unknown_a_question_mark() {
    let scene = Scene::of(runs());
    scene.shows("● release-notes     now  14s+ ");
    scene.shows("● A writer ");
    scene.shows("M turn 1  sonnet-4-5 3.1s 4.2k       ?");
    Scene::of(runs()).size(286, 40).shows("8s since last");
}

#[test]
fn what_a_wide_screen_has_room_for_is_said_beside_the_name() {
    let scene = at_the_failure(Scene::of(runs())).size(286, 40);
    scene.shows("T book_room  #1  ValidationError: 'guests' must");
    scene.shows("M turn 2  claude-sonnet-4-5  +1 ");
    scene.shows("◌ · ");
    scene.shows("✗ book the ryokan for two nights ");
    scene.shows("● release-notes  8s since last  draft the relea");
}

#[test]
fn a_run_that_recovered_says_so_and_so_do_its_session_and_the_sums() {
    let mut runs = runs();
    runs[0].recovered = true;
    runs.truncate(2);
    let scene = Scene::of(runs).size(286, 40);
    scene.shows("▾ ! trip-planner ");
    scene.shows("! plan a 5-day trip to Kyoto in autumn  1 error");
    scene.shows("└─ ✓ 1  ! 1 ");
}

/// A run whose spans have no end is running until nothing has arrived for long, then never ended: in its row, its
/// session and the sums alike.
#[test]
fn a_run_that_does_not_end_is_running_and_later_never_ended_in_its_row_its_session_and_the_sums() {
    let mut scene = Scene::of(runs());
    for text in ["▾ ● doc-writer ", "▾ ● release-notes", "1 running · 5 runs", "└─ ✓ 3  ✗ 1  ● 1 "] {
        scene.shows(text);
    }
    let tick = Tick { now: at(800.0), seen: Seen::default(), failing: None };
    scene.event(Event::Tick(tick));
    for text in ["▾ ◌ doc-writer ", "▾ ◌ release-notes", " 5 runs · $.325", "└─ ✓ 3  ✗ 1  ◌ 1 "] {
        scene.shows(text);
    }
    assert!(!scene.screen().contains("1 running"));
}

#[test]
fn where_no_model_was_called_there_are_no_columns_for_tokens_and_money() {
    let mut runs = runs();
    runs.retain(|run| run.session.is_none());
    let scene = Scene::of(runs);
    scene.shows("             age   dur│");
    assert!(!scene.screen().contains(" tok "));
    scene.size(80, 24).shows("✓ a question of … 1m  2.0s");
}

#[test]
fn numbers_end_in_the_same_column_in_every_row() {
    let scene = at_the_failure(Scene::of(runs()));
    let screen = scene.screen();
    let rows = screen.lines().skip(3).take(18);
    for row in rows {
        let cell: Vec<char> = row.chars().collect();
        let ends =
            [33, 38, 46].map(|column| cell[column] != ' ' && cell.get(column + 1).is_none_or(|c| " │┃├".contains(*c)));
        assert_eq!(ends, [true; 3], "{row}");
    }
}

#[test]
fn at_eighty_columns_the_names_keep_their_room_and_the_cost_stays() {
    let scene = at_the_failure(Scene::of(runs())).size(80, 24);
    scene.shows(" sideseat ● LIVE :4317 :4318 :5388 ");
    scene.shows("│  ▾ ✗ book the ryo… 1m   $.272│");
    scene.shows("[1 Msg] 2 Tools✗  3 Rsn  4 Cost  5 Raw");
    scene.shows("? help  q quit");
}

#[test]
fn a_narrow_screen_shows_one_pane_at_a_time() {
    let scene = at_the_failure(Scene::of(runs())).size(40, 12);
    scene.shows(" … › planner › book_room #1 ");
    scene.shows("book_room  #1");
    assert!(!scene.screen().contains("Msg"));
    let scene = scene.pressed("tab");
    scene.shows("[1 Messages]");
    assert!(!scene.screen().contains("turn 3"));
}

#[test]
fn the_filter_is_seen_as_long_as_it_holds() {
    let scene = Scene::of(runs()).pressed("/").typed("book");
    scene.shows(" / book ");
    scene.shows("1/5 runs");
    let scene = scene.pressed("enter");
    scene.shows(" / book ");
    scene.shows("1/5 runs   Esc clear");
    assert!(!scene.screen().contains("draft the"));
    Scene::of(runs()).pressed("/").typed("zzz").shows("nothing passes the filter");
}

#[test]
fn a_session_is_picked_from_a_list_and_shown_as_a_filter() {
    let scene = Scene::of(runs()).pressed("s");
    scene.shows("╔═ Sessions ═");
    scene.shows("trip-planner");
    scene.shows("║  ✗ trip-planner  ana  1 failed");
    scene.shows(" 3 runs");
    scene.shows("(no session)");
    let scene = scene.pressed("down  enter");
    scene.shows(" / session:trip-planner ");
    assert!(!scene.screen().contains("doc-writer"));
}

#[test]
fn the_help_is_the_keymap_and_can_be_searched() {
    let scene = Scene::of(runs()).pressed("?");
    scene.shows("╔═ Help ═");
    scene.shows("here: tree");
    scene.shows("Go to the next row or line");
    let scene = scene.pressed("/").typed("follow newest");
    scene.shows("Follow the newest run");
    assert!(!scene.screen().contains("Go to the next row or line"));
}

#[test]
fn a_theme_is_shown_while_it_is_chosen() {
    let scene = Scene::of(runs()).pressed("T");
    scene.shows("╔═ Themes ═");
    scene.shows("high-contrast");
}

#[test]
fn the_status_line_says_whether_the_view_follows_or_stands_still() {
    let scene = Scene::of(runs());
    scene.shows(" FOLLOW ▼ ");
    let scene = scene.pressed("P");
    scene.shows("◐ PAUSED");
    scene.shows(" PAUSED ");
    Scene::of(runs()).pressed("j  g").shows(" g … ");
}

#[test]
fn a_store_that_cannot_write_is_said_in_header_and_status() {
    let mut scene = Scene::of(runs());
    let failing = Some("disk full".to_owned());
    scene.event(Event::Tick(Tick { now: at(110.0), seen: Seen::default(), failing }));
    scene.shows("✗ NOT STORING");
    scene.shows("✗ nothing can be stored: disk full");
}

#[test]
fn a_full_disk_is_said_in_header_and_status_though_spans_are_stored() {
    let mut scene = Scene::of(runs());
    let seen = Seen { disk_full: Some("12 MiB are left".to_owned()), ..Seen::default() };
    scene.event(Event::Tick(Tick { now: at(110.0), seen, failing: None }));
    scene.shows("✗ DISK FULL");
    scene.shows("✗ the disk is nearly full: 12 MiB are left");
}

#[test]
fn a_damaged_file_is_said_in_header_and_status_as_long_as_it_is() {
    let tick = |rescue: Option<Rescue>, failing: Option<&str>| {
        let seen = Seen { rescue, ..Seen::default() };
        Event::Tick(Tick { now: at(110.0), seen, failing: failing.map(str::to_owned) })
    };
    let why = "make room: a new file needs 900 MiB, the disk has 200";
    let failed = || Some(Rescue::Failed(why.to_owned()));
    for (columns, rows) in [(120, 40), (80, 24), (40, 12)] {
        let mut scene = Scene::of(runs()).size(columns, rows);
        scene.event(tick(None, None));
        let before = scene.screen();
        scene.event(tick(Some(Rescue::Running), Some("it is closed")));
        scene.shows("○ RESCUING");
        scene.shows("✗ damaged file: what can be read is ");
        scene.event(tick(failed(), None));
        scene.shows("✗ DAMAGED");
        scene.shows("✗ damaged file, not rescued: make ");
        scene.event(tick(failed(), Some("no disk")));
        scene.shows("✗ NOT STORING");
        scene.shows("✗ nothing can be stored: no disk");
        scene.event(tick(None, None));
        assert_eq!(scene.screen(), before);
    }
    // Where all else goes on, a notice is read first, and what else is said stays.
    let mut scene = Scene::of(runs());
    scene.event(tick(failed(), None));
    scene.shows(&format!(" FOLLOW ▼  ✗ damaged file, not rescued: {why} "));
    let mut scene = scene.pressed("j  g");
    scene.shows(" g …  ✗ damaged file, not rescued: make ");
    let mut paused = Scene::of(runs()).size(80, 24);
    paused.event(tick(failed(), None));
    let paused = paused.pressed("P");
    paused.shows("◐ PAUSED");
    paused.shows(" PAUSED  ✗ damaged file, not rescued: make ");
    scene.event(Event::Notice("copied".to_owned()));
    scene.shows("copied");
    scene.shows("✗ DAMAGED");
    scene.event(Event::Tick(Tick {
        now: at(200.0),
        seen: Seen { rescue: failed(), ..Seen::default() },
        failing: None,
    }));
    scene.shows(why);
}

#[test]
fn refusals_are_counted_on_screen() {
    let mut scene = Scene::of(runs());
    let seen = Seen { refused: 7, ..Seen::default() };
    scene.event(Event::Tick(Tick { now: at(110.0), seen, failing: None }));
    scene.shows("refused 7");
}

#[test]
fn the_one_reason_for_refusals_is_said_and_several_on_the_first_screen() {
    let seen = Seen { refused: 7, refused_for: vec![("no token".into(), 7)], ..Seen::default() };
    let mut scene = Scene::of(runs());
    scene.event(Event::Tick(Tick { now: at(110.0), seen, failing: None }));
    scene.shows("refused 7: no token");
    let refused_for = vec![("no token".into(), 7), ("not OTLP".into(), 2)];
    let seen = Seen { refused: 9, refused_for, needs_token: true, ..Seen::default() };
    let mut scene = Scene::of(Vec::new()).pressed("5");
    scene.event(Event::Tick(Tick { now: at(110.0), seen, failing: None }));
    scene.shows("refused 9");
    scene.shows("7 no token, 2 not OTLP");
    scene.shows("=authorization=Bearer%20$SIDESEAT_TUI_TOKEN");
}

#[test]
fn an_attached_screen_says_so_and_what_can_be_done_when_nobody_answers_any_more() {
    for (columns, rows) in [(120, 40), (80, 24), (40, 12)] {
        let mut scene = Scene::of(runs()).size(columns, rows);
        scene.event(Event::Reopened(Mode::Attached));
        scene.shows("● ATTACHED");
        let why = "The sideseat-tui that received and stored has ended.".to_owned();
        scene.event(Event::Ended(Ended { why, offer: "take over: open the store here".to_owned() }));
        scene.shows("✗ ENDED");
        scene.shows("take over: open the store here");
        scene.shows("The sideseat-tui that receive");
        scene.event(Event::Reopened(Mode::Live));
        assert!(!scene.screen().contains("take over"));
    }
}

#[test]
fn what_is_understood_again_is_said_with_how_far_it_is() {
    let mut scene = Scene::of(runs());
    let seen = Seen { reprocessing: Some((1_700, 5_000)), ..Seen::default() };
    scene.event(Event::Tick(Tick { now: at(110.0), seen, failing: None }));
    scene.shows("reading anew 34%");
}

#[test]
fn an_empty_store_says_what_to_do_and_names_the_trap_at_every_size() {
    for (columns, rows) in [(120, 40), (80, 24)] {
        let scene = Scene::of(Vec::new()).size(columns, rows);
        scene.shows("○ WAITING");
        scene.shows("sideseat-tui run -- python my_agent.py");
        scene.shows("pip install 'sideseat[aws]'");
        scene.shows("plain 'sideseat' sends only client.trace() roots, no model calls");
        scene.shows("[d] play a few recorded runs");
        scene.shows("nothing received yet");
        scene.shows("force_flush()");
    }
    let scene = Scene::of(Vec::new()).size(40, 12);
    scene.shows("sideseat-tui run -- python");
    scene.pressed("j  j  j").shows("client.trace() roots, no model ");
}

#[test]
fn the_first_screen_shows_the_ports_that_are_bound_and_what_was_refused() {
    let mut scene = Scene::of(Vec::new()).pressed("5");
    scene.event(Event::Listening(listening(4319)));
    let refusals = vec!["17:42:09 POST /v1/trace from 127.0.0.1:51888: nothing is at this path".into()];
    let seen = Seen { refused: 1, refusals, connections: vec![("HTTP".into(), 2)], ..Seen::default() };
    scene.event(Event::Tick(Tick { now: at(110.0), seen, failing: None }));
    scene.shows("http://127.0.0.1:4319");
    scene.shows("ok  HTTP listeners  127.0.0.1:4319 5388  2 connections");
    scene.shows("!!  port            4318 is taken by python3 (pid 4711); HTTP is at 4319");
    scene.shows("!!  refused         17:42:09 POST /v1/trace from 127.0.0.1:51888");
}

#[test]
fn every_choice_of_sdk_fits_or_scrolls() {
    for key in ["1", "2", "3", "4", "5"] {
        for (columns, rows) in [(120, 40), (80, 24), (40, 12)] {
            let mut scene = Scene::of(Vec::new()).pressed(key).size(columns, rows);
            let mut seen = scene.screen();
            for _ in 0..40 {
                scene = scene.pressed("j");
                seen += &scene.screen();
            }
            assert!(seen.contains("[d]"), "{key} at {columns}x{rows}\n{seen}");
            assert!(seen.contains("Docker"), "{key} at {columns}x{rows}\n{seen}");
        }
    }
}

#[test]
fn what_is_typed_has_the_terminals_cursor() {
    let scene = Scene::of(runs()).pressed("/").typed("bo漢");
    let theme = Themes::load(None).unwrap().get("dark").unwrap();
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
    terminal.draw(|frame| draw(frame, &scene.state, &theme)).unwrap();
    terminal.backend_mut().assert_cursor_position((7, 1));
}

#[test]
fn nothing_that_arrives_reaches_the_terminal_as_a_command() {
    let hostile = "\u{1b}]52;c;AAAA\u{7}\u{9b}2J\u{202e}\r\nx";
    let mut runs = runs();
    runs[4].session = Some("\u{1b}[2Jsession\u{202e}");
    runs[4].question = "\u{1b}]0;title\u{7}question";
    let mut scene = at_the_failure(Scene::of(runs)).pressed("/");
    scene.event(Event::Paste(hostile.into()));
    let seen = Seen { refused: 1, refusals: vec![hostile.into()], ..Seen::default() };
    scene.event(Event::Tick(Tick { now: at(110.0), seen, failing: Some(hostile.into()) }));
    for screen in [scene.screen(), scene.pressed("esc  s").screen()] {
        let unsafe_char = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!screen.contains(unsafe_char), "{screen:?}");
    }
}

#[test]
fn without_colours_nothing_is_coloured_and_the_cursor_is_still_seen() {
    let scene = at_the_failure(Scene::of(runs()));
    let theme = Themes::load(None).unwrap().get("dark").unwrap().degrade(Depth::None);
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
    terminal.draw(|frame| draw(frame, &scene.state, &theme)).unwrap();
    let cells = terminal.backend().buffer().content();
    assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(cells.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)));
}

/// What the terminal would have to draw of the next frame, had it this one already.
#[test]
fn an_unchanged_state_draws_nothing_anew() {
    let scene = at_the_failure(Scene::of(runs()));
    let theme = Themes::load(None).unwrap().get("dark").unwrap();
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
    let mut frames = (0..2).map(|_| terminal.draw(|frame| draw(frame, &scene.state, &theme)).unwrap().buffer.clone());
    let (first, second) = (frames.next().unwrap(), frames.next().unwrap());
    assert_eq!(first.diff(&second), Vec::new());
}

#[test]
fn every_size_is_drawn() {
    let themes = Themes::load(None).unwrap();
    let theme = themes.get("high-contrast").unwrap();
    let scenes = vec![
        at_the_failure(Scene::of(runs())),
        at_the_failure(Scene::of(runs())).pressed("tab  G"),
        at_the_failure(Scene::of(runs())).pressed("2  /").typed("book"),
        Scene::of(runs()).pressed("?"),
        Scene::of(runs()).pressed("s").typed("trip"),
        Scene::of(Vec::new()).pressed("3"),
    ];
    for mut scene in scenes {
        for (columns, rows) in (1..=60).flat_map(|columns| (1..=20).map(move |rows| (columns, rows))) {
            scene.event(Event::Resize { columns, rows });
            let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
            terminal.draw(|frame| draw(frame, &scene.state, &theme)).unwrap();
            let cells = terminal.backend().buffer().content();
            let nothing = cells.iter().all(|cell: &Cell| cell.symbol().trim().is_empty());
            assert!(!nothing, "nothing is drawn at {columns}x{rows}");
        }
        for (columns, rows) in [(120, 40), (80, 24), (72, 12), (71, 30), (300, 90)] {
            scene.event(Event::Resize { columns, rows });
            let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
            terminal.draw(|frame| draw(frame, &scene.state, &theme)).unwrap();
        }
    }
}

/// The terminal may have another size than the state for a frame.
#[test]
fn a_screen_of_another_size_than_the_states_is_drawn_too() {
    let theme = Themes::load(None).unwrap().get("dark").unwrap();
    for (runs, keys) in [(runs(), "?"), (runs(), "/"), (Vec::new(), "")] {
        let scene = Scene::of(runs).pressed(keys);
        for (columns, rows) in [(30, 5), (1, 1), (200, 60)] {
            let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
            terminal.draw(|frame| draw(frame, &scene.state, &theme)).unwrap();
        }
    }
}

/// What a click on the last place of a text does.
fn click_on(scene: &Scene, text: &str) -> Option<Target> {
    let theme = Themes::load(None).unwrap().get("dark").unwrap();
    let screen = scene.screen();
    let found = screen.lines().enumerate().filter_map(|(y, line)| Some((y, &line[..line.find(text)?])));
    let (y, before) = found.last().expect(text);
    let column = before.chars().count();
    target(&scene.state, &theme, u16::try_from(column).unwrap(), u16::try_from(y).unwrap())
}

#[test]
fn names_of_the_path_hints_and_counts_can_be_clicked_on() {
    let scene = at_the_failure(Scene::of(runs()));
    assert_eq!(click_on(&scene, "trip-planner ›"), Some(Target::Above(3)));
    assert_eq!(click_on(&scene, "? help"), Some(Target::Key(Key::char('?'))));
    assert_eq!(click_on(&scene, "✗ 1"), Some(Target::Filter("is:failed")));
    assert_eq!(click_on(&scene, "$.272"), None);
}

#[test]
fn what_lies_beneath_a_line_that_is_typed_in_cannot_be_clicked_on() {
    let scene = Scene::of(runs());
    assert_eq!(click_on(&scene, "FOLLOW"), Some(Target::Key(Key::char('F'))));
    let typing = scene.pressed("/");
    assert_eq!((click_on(&typing, "FOLLOW"), click_on(&typing, "✗ 1")), (None, None));
}
