//! What a newcomer meets first: `setup`, files to begin with, manual pages, and the shell's completion.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::program::{BINARY, Home, eventually, fixture, request, span};

const RUN: &str = "bedrock/seed_session.pb";

/// What bash offers for the last word of a line, with the script that the program prints; `None` without bash.
fn offered(home: &Home, line: &[&str]) -> Option<Vec<String>> {
    let script = "source <(sideseat-tui completions bash); COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9
        _clap_complete_sideseat_tui sideseat-tui \"${COMP_WORDS[COMP_CWORD]}\" && printf '%s\\n' \"${COMPREPLY[@]}\"";
    let folder = Path::new(BINARY).parent().unwrap().to_str().unwrap().to_owned();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
    let mut bash = Command::new("bash");
    bash.args(["-c", script, "bash", "sideseat-tui"]).args(line).env_clear().envs(home.environment());
    let done = bash.env("PATH", path).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    Some(text.lines().map(str::to_owned).collect())
}

#[test]
fn bash_completes_commands_options_and_what_is_stored_also_while_a_program_holds_it() {
    let home = Home::new();
    let file = home.write("run.pb", fixture(RUN));
    home.prints(&["import", &file]);
    let listed: Value = serde_json::from_slice(&home.prints(&["traces", "--json"])).unwrap();
    let (session, trace) = (listed[0]["session_id"].as_str().unwrap(), listed[0]["trace_id"].as_str().unwrap());
    let Some(commands) = offered(&home, &["ex"]) else { return };
    assert_eq!(commands, ["export"]);
    assert!(offered(&home, &["export", "--sess"]).unwrap().contains(&"--session".to_owned()));
    // A shell does not wait for long: on a busy machine the answer may come too late.
    let names = || {
        let is_offered =
            |line: &[&str], name: &str| offered(&home, line).unwrap().iter().any(|one| one == name).then_some(());
        eventually("the session", || is_offered(&["traces", "--session", &session[..session.len() - 1]], session));
        eventually("the trace", || is_offered(&["export", "--trace", &trace[..4]], trace));
    };
    names();
    let mut serving = home.serve(&[]);
    names();
    serving.stop();
    let other = home.path("none.duckdb").to_str().unwrap().to_owned();
    assert!(offered(&home, &["--db", &other, "traces", "--session", ""]).unwrap().iter().all(String::is_empty));
    assert_eq!(offered(&home, &["--theme", "li"]).unwrap(), ["light"]);
}

#[test]
fn no_name_that_a_shell_would_obey_is_offered() {
    let home = Home::new();
    let mut spans = Vec::new();
    for (number, session) in [(1, "plain-1"), (2, "$(touch owned)"), (3, "a;b"), (4, "-rf"), (5, "x\u{1b}[2J")] {
        let mut one = span(number, number, "step");
        one["attributes"] = json!([{"key": "session.id", "value": {"stringValue": session}}]);
        spans.push(one);
    }
    let file = home.write("spans.json", request(&spans));
    home.prints(&["import", &file]);
    let lines = eventually("names", || {
        let text = home.run(&["candidates", "sessions"]).text();
        (!text.is_empty()).then_some(text)
    });
    let names: Vec<&str> = lines.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(names, ["plain-1"]);
    assert!(!lines.contains('\u{1b}'));
}

#[test]
fn every_shell_has_a_script() {
    let home = Home::new();
    for (shell, says) in [
        ("bash", "complete -o nospace"),
        ("zsh", "#compdef sideseat-tui"),
        ("fish", "complete --keep-order"),
        ("elvish", "arg-completer"),
        ("nushell", "export extern sideseat-tui"),
    ] {
        let script = home.run(&["completions", shell]);
        assert!(script.code == 0 && script.text().contains(says), "{shell}: {}", script.text());
    }
    assert_eq!(home.run(&["completions", "cmd"]).code, 2);
}

#[test]
fn setup_says_what_a_project_lacks_and_changes_nothing() {
    let home = Home::new();
    home.write("requirements.txt", "langgraph==1.0\nopenai>=2\nopentelemetry-sdk\n");
    let text = home.run(&["setup"]).text();
    for line in [
        "    pip install openinference-instrumentation-langchain\n",
        "    pip install opentelemetry-exporter-otlp-proto-http\n",
        "    LangChainInstrumentor().instrument(tracer_provider=provider)\n",
        "    sideseat-tui run -- python my_agent.py\n",
    ] {
        assert!(text.contains(line), "no {line}:\n{text}");
    }
    assert!(!text.contains("pip install opentelemetry-sdk") && !text.contains("OpenAIInstrumentor"), "{text}");
    let found: Value = serde_json::from_slice(&home.prints(&["setup", "--json"])).unwrap();
    assert_eq!(found["frameworks"][0]["declared_in"], json!(["requirements.txt"]));
    assert!(home.run(&["doctor"]).text().contains("`sideseat-tui setup`"));
    home.write(
        "requirements.txt",
        "openinference-instrumentation-langchain\nlanggraph\nopentelemetry-sdk\nopentelemetry-exporter-otlp-proto-http",
    );
    assert!(!home.run(&["doctor"]).text().contains("`sideseat-tui setup`"));
    assert_eq!(fs::read_dir(home.path("")).unwrap().flatten().filter(|entry| entry.path().is_file()).count(), 1);
    assert!(home.run(&["setup", "/nonexistent"]).refusal().contains("cannot look at"));
}

#[test]
fn setup_names_the_port_of_the_program_that_runs() {
    let home = Home::new();
    let mut serving = home.serve(&[]);
    let found: Value = serde_json::from_slice(&home.prints(&["setup", "--json"])).unwrap();
    let http = format!("http://{}", serving.http());
    assert_eq!(found["variables"]["OTEL_EXPORTER_OTLP_ENDPOINT"], json!(http));
    let sideseat = format!("http://{}", serving.sideseat());
    assert_eq!(found["variables"]["SIDESEAT_ENDPOINT"], json!(sideseat));
    serving.stop();
}

#[test]
fn files_to_begin_with_are_written_once() {
    let home = Home::new();
    home.prints(&["config", "init"]);
    let before = home.prints(&["config"]);
    assert!(String::from_utf8_lossy(&before).contains("config.toml\n"), "{}", String::from_utf8_lossy(&before));
    assert!(home.run(&["config", "init"]).refusal().contains("is there already"));
    let elsewhere = home.path("mine/settings.toml").to_str().unwrap().to_owned();
    home.prints(&["config", "init", "--config", &elsewhere]);
    home.prints(&["config", "--config", &elsewhere]);
    home.prints(&["--theme", "light", "themes", "--new", "mine"]);
    assert!(home.run(&["themes", "--new", "mine"]).refusal().contains("is there already"));
    let themes = home.run(&["--theme", "mine", "themes"]).text();
    assert!(themes.contains("* mine"), "{themes}");
    assert!(home.run(&["themes", "--new", "../x"]).refusal().contains("letters"));
}

#[test]
fn manual_and_licences_are_printed() {
    let home = Home::new();
    assert!(home.run(&["man"]).text().contains(".TH sideseat-tui 1"));
    let folder = home.path("man1").to_str().unwrap().to_owned();
    home.prints(&["man", &folder]);
    assert!(fs::read_to_string(home.path("man1/sideseat-tui-import.1")).unwrap().contains("EXAMPLES"));
    let licences = home.run(&["licenses"]).text();
    for says in ["Apache License", "Stichting DuckDB Foundation", "tokio", "zstd", "Permission is hereby granted"] {
        assert!(licences.contains(says), "no {says}");
    }
}
