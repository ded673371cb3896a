//! Each of nine faults of agents (`faulty.rs`), sent as an SDK sends it, children first, is said on the screen right after
//! its last span, without a key. Nothing is said of programs that went well.

use std::time::Duration;

use serde_json::Value;
use sideseat_tui::{
    app::{Seen, Tick},
    model::{Answer, Filter, Outcomes, Query},
};

use crate::{
    faulty::{DYING, FAULTS, cache_breaks, cut_off, dies, full, looping, sdk, three_agents, unanswered},
    program::{Home, request},
    pty::Terminal,
    replay::captures,
    scene::Scene,
};

/// The screen right after the last span arrived; no key was pressed.
fn screen(spans: &[Value]) -> String {
    // As a batch processor sends them: a few at a time, in the order in which they ended.
    let scene = spans.chunks(2).fold(Scene::live(120, 40), |scene, batch| scene.sends(request(batch)));
    scene.press("").text()
}

#[test]
fn each_fault_is_said_right_after_its_last_span() {
    for (name, spans, texts) in FAULTS {
        let screen = screen(&spans());
        for text in *texts {
            assert!(screen.contains(text), "{name}: {text}:\n{screen}");
        }
    }
}

/// Makes the spans of a run.
type Makes = fn() -> Vec<Value>;

/// Also of runs that nobody opened.
#[test]
fn the_statistics_count_the_same_faults() {
    let faults: [(Makes, Outcomes, &str); 5] = [
        (looping, Outcomes::Loop, "↻ book_room 3×"),
        (cache_breaks, Outcomes::CacheBreak, "cached 89% → 5% in turn 3"),
        (cut_off, Outcomes::CutOff, "the last answer was cut off"),
        (full, Outcomes::Full, "93% of the context"),
        (unanswered, Outcomes::Unanswered, "no result for book_room"),
    ];
    let mut scene = Scene::live(160, 60);
    for (spans, ..) in &faults {
        scene = scene.sends(request(&spans()));
    }
    scene = scene.sends(request(&three_agents()));
    let query = Query::Stats { filter: Filter::default(), stretch: None };
    let Ok(Answer::Stats(stats)) = scene.store().answer(&query) else { panic!("no statistics") };
    assert_eq!(stats.attention.len(), faults.len());
    let screen = scene.press("S").text();
    for (_, outcome, text) in faults {
        assert_eq!(stats.runs(outcome), 1, "{outcome:?}");
        assert!(screen.contains(text), "{text}\n{screen}");
    }
}

/// How long that takes is measured by `faults` in tests/bench.
#[test]
fn a_real_sdk_over_a_socket_has_each_fault_said_in_a_terminal_without_a_key() {
    let mut terminal = Terminal::start(Home::new(), &[], &[]);
    terminal.shows("Send your first trace");
    let endpoint = format!("http://{}/v1/traces", terminal.http());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _within = runtime.enter();
    for (_, spans, texts) in FAULTS.iter().chain([&DYING]) {
        sdk::sends(&endpoint, &spans());
        for text in *texts {
            terminal.shows(text);
        }
    }
    terminal.press("q");
    terminal.leaves_everything_as_it_was(0);
}

#[test]
fn a_run_that_dies_in_the_middle() {
    let scene = Scene::live(120, 40).sends(request(&dies()));
    let now = scene.now();
    let mut scene = scene;
    // Nobody can know yet that it will not go on: it runs, and says since when nothing has come.
    let screen = scene.text();
    assert!(screen.contains("1 running") && screen.contains("waiting"), "{screen}");
    let later = Tick { now: now.plus(Duration::from_mins(11)), seen: Seen::default(), failing: None };
    let screen = scene.tick(later).text();
    assert!(screen.contains("◌ never ended"), "{screen}");
}

/// The programs in which something is as it should not be.
const FAULTY: &[&str] = &["error_stream_midway", "error_throttling", "guardrail", "nova_converse"];

#[test]
fn nothing_is_said_of_programs_that_went_well() {
    let mut healthy = 0;
    for capture in captures().into_iter().filter(|capture| capture.client == "bedrock") {
        let name = format!("bedrock/{}", capture.name);
        let screen = Scene::of(&[&name], 120, 40).text();
        // The tabs stand right beneath the frame where nothing stands above them.
        let tabs = screen.lines().nth(2).unwrap();
        let is_said = !tabs.contains("[1 Messages]");
        assert_eq!(is_said, FAULTY.contains(&capture.name.as_str()), "{name}:\n{screen}");
        assert!(!screen.contains('↻'), "{name}:\n{screen}");
        healthy += usize::from(!is_said);
    }
    assert!(healthy >= 20, "{healthy}");
}
