//! What `y` copies of real captures: texts as they were sent, documents that hold what happened, and code that a shell and
//! Python could read.

use sideseat_tui::app::Effect;
use sideseat_tui::decode::{Encoding, Signal};

use crate::replay::{captures, send_as, store_of, transcript_of};
use crate::scene::Scene;

/// What was copied last, and what it is called.
fn copied(scene: &Scene) -> (String, String) {
    let copies = scene.effects().iter().rev();
    let copy = copies.filter_map(|effect| match effect {
        Effect::Copy { text, what } => Some((what.clone(), text.clone())),
        _ => None,
    });
    copy.into_iter().next().unwrap_or_else(|| panic!("nothing was copied: {:?}", scene.notice()))
}

fn yank(captures: &[&str], keys: &str) -> (String, String) {
    copied(&Scene::of(captures, 120, 40).press(keys))
}

const SUPPORT: &[&str] = &["strands/openai_support"];

#[test]
fn arguments_and_results_are_copied_as_they_were_sent() {
    // The first tool of the run.
    let (what, text) = yank(&["bedrock/seed_tool_use"], "2 tab G g g j j j j j y a");
    assert!(what.starts_with("arguments of "), "{what}");
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|json| json.is_object()), "{text}");
}

#[test]
fn a_run_as_markdown_holds_what_was_asked_called_and_answered() {
    let (what, text) = yank(SUPPORT, "g g j y M");
    assert!(what.starts_with("Markdown of the run"), "{what}");
    for expected in ["# ", "- state: ", "**user**", "## Turn 1", "→ `", "← `"] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    let (what, cut) = yank(SUPPORT, "g g j y m");
    assert!(cut.len() <= text.len() && cut.len() < 9_000 * 4, "{what}: {}", cut.len());
}

#[test]
fn a_run_as_otlp_is_the_run_again_elsewhere() {
    let capture = "strands/openai_support";
    let scene = Scene::of(&[capture], 120, 40).press("g g j y j");
    let (what, text) = copied(&scene);
    assert_eq!(what, "OTLP JSON of the run");
    let again = store_of(&[]);
    for line in text.lines() {
        let signal = if line.starts_with(r#"{"resourceLogs"#) { Signal::Logs } else { Signal::Traces };
        send_as(&again, signal, line.into(), Encoding::Json);
    }
    let (of, theirs) = (transcript_of(scene.store()), transcript_of(&again));
    assert_eq!(
        theirs["traces"][0],
        of["traces"]
            .as_array()
            .unwrap()
            .iter()
            .find(|trace| trace["trace_id"] == theirs["traces"][0]["trace_id"])
            .unwrap()
            .clone()
    );
}

#[test]
fn the_ids_of_a_step_are_those_of_its_span_run_and_session() {
    let (what, text) = yank(SUPPORT, "g g j l j y i");
    assert!(what.starts_with("ids of trace, span"), "{what}");
    let hex = |line: &str| line.split_whitespace().nth(1).is_some_and(|id| id.bytes().all(|b| b.is_ascii_hexdigit()));
    assert!(text.lines().take(2).all(hex), "{text}");
}

#[test]
fn no_text_of_any_capture_leaves_with_a_control_character_or_a_key() {
    let mut tried = 0;
    // Each takes a while; all of them are tried where somebody wants to keep what comes of it.
    let step = if std::env::var("SIDESEAT_TUI_WRITE_TAKEN").is_ok() { 1 } else { 9 };
    for capture in captures().into_iter().step_by(step) {
        let name = format!("{}/{}", capture.client, capture.name);
        let mut scene = Scene::of(&[&name], 120, 40).press("g g j");
        for keys in ["y y", "y m", "y p", "y c", "y b", "y i", "y j"] {
            scene = scene.press(keys);
        }
        for effect in scene.effects() {
            let Effect::Copy { text, what } = effect else { continue };
            tried += 1;
            assert!(!text.is_empty(), "{name}: {what}");
            assert!(!text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')), "{name}: {what}");
            if what.contains("Python") || what.contains("curl") {
                let placeholders = ["os.environ[", "reads ", "boto3.client", "$"];
                assert!(placeholders.iter().any(|known| text.contains(known)), "{name}: {text}");
            }
            keep(&name, what, text);
        }
    }
    assert!(tried > 80, "{tried}");
}

/// Writes what was copied into the folder that a variable names, for other programs to judge.
fn keep(capture: &str, what: &str, text: &str) {
    let Ok(folder) = std::env::var("SIDESEAT_TUI_WRITE_TAKEN") else { return };
    let ending = match what {
        _ if what.contains("Python") => "py",
        _ if what.contains("curl") => "sh",
        _ if what.contains("prompt") => "json",
        _ if what.contains("Markdown") => "md",
        _ => "txt",
    };
    let path = std::path::Path::new(&folder).join(format!("{}.{ending}", capture.replace('/', "_")));
    std::fs::write(path, text).unwrap();
}
