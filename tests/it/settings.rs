//! How the program is started and told what to do: its files, keys, themes, flags and help.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use rustix::process::Signal;
use serde_json::json;

use crate::program::{Home, Program, get};

#[test]
fn without_a_terminal_it_serves_and_says_so() {
    let home = Home::new();
    let command = home.command(&[]);
    let mut program = Program::start(home, command, 3);
    assert_eq!(get(program.http(), "/api/v1/health").status, 200);
    let said = program.stop();
    assert!(said.contains("no terminal") && said.contains("serve"), "{said}");
}

#[test]
fn an_interrupt_ends_serving_as_well() {
    let mut program = Program::serve(&[]);
    program.tell(Signal::INT);
    program.ends();
    assert_eq!(program.home().transcript()["traces"], json!([]));
}

#[test]
fn files_and_folders_are_for_their_user_alone() {
    let mut program = Program::serve(&[]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let home = program.home().clone();
    let mut open = vec![home.path("state")];
    let mut seen = 0;
    while let Some(folder) = open.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                open.push(entry);
            } else {
                assert_eq!(mode(&entry), 0o600, "{}", entry.display());
                seen += 1;
            }
        }
    }
    assert!(seen >= 2, "a log, and the file that says who runs");
    assert_eq!(mode(&home.db()), 0o600);
    program.stop();
    let instances = fs::read_dir(home.path("state/sideseat-tui/instances")).unwrap();
    assert_eq!(instances.count(), 0, "it runs no more");
}

#[test]
fn keys_themes_and_settings_that_are_in_force_are_printed() {
    let home = Home::new();
    home.write(
        "config/sideseat-tui/config.toml",
        "theme = \"light\"\nsideseat_port = 7001\n[keys]\nfollow = [\"Q\", \"ctrl-g\"]\n",
    );
    home.write("config/sideseat-tui/themes/mine.toml", "inherits = \"dark\"\n");
    let prints = |arguments: &[&str]| String::from_utf8(home.prints(arguments)).unwrap();
    let keys = prints(&["keys"]);
    let line = |text: &str, word: &str| -> String {
        let found = text.lines().find(|line| line.split_whitespace().any(|other| other == word));
        found.unwrap_or_else(|| panic!("no {word}: {text}")).to_owned()
    };
    assert!(line(&keys, "follow").contains("Q, ctrl-g"), "{keys}");
    assert!(line(&keys, "first").contains("g g"), "{keys}");

    let themes = prints(&["themes"]);
    for theme in ["dark", "light", "auto", "high-contrast", "tritanopia", "nord", "plain"] {
        assert!(line(&themes, theme).contains("built in"), "{themes}");
    }
    assert!(line(&themes, "light").starts_with('*'), "{themes}");
    assert!(line(&themes, "mine").contains("mine.toml"), "{themes}");

    let config = home.command(&["config", "--log-level", "debug"]).output().unwrap();
    let config = String::from_utf8(config.stdout).unwrap();
    for (setting, value, from) in [
        ("theme", "light", "file"),
        ("log_level", "debug", "--log-level"),
        ("http_port", "0", "SIDESEAT_TUI_HTTP_PORT"),
        ("bind", "127.0.0.1", "default"),
        ("keys.follow", "ctrl-g", "file"),
    ] {
        let line = line(&config, setting);
        assert!(line.contains(value) && line.ends_with(from), "{line}");
    }
    // The variable says 0, and stands above the file.
    assert!(line(&config, "sideseat_port").ends_with("SIDESEAT_TUI_SIDESEAT_PORT"), "{config}");
}

#[test]
fn a_broken_file_is_named_with_its_line_and_the_right_word() {
    for (file, content, command, says) in [
        ("config.toml", "theme = \"dark\"\n\ngrpc-prot = 1\n", "serve", &["config.toml:3", "`grpc_port`"][..]),
        ("config.toml", "log_level = \"wran\"\n", "config", &["config.toml:1", "`warn`"]),
        ("config.toml", "theme = [\n", "keys", &["config.toml:1"]),
        ("config.toml", "[keys]\nfolow = \"x\"\n", "keys", &["config.toml", "`follow`"]),
        ("config.toml", "[keys]\nfollow = \"hyper\"\n", "keys", &["config.toml", "`hyper`"]),
        (
            "themes/mine.toml",
            "inherits = \"dark\"\n[slots]\n\"tree.eror\" = { fg = \"red\" }\n",
            "themes",
            &["mine", "line 3", "`tree.error`"],
        ),
        ("themes/mine.toml", "inherits = \"dakr\"\n", "themes", &["mine", "line 1", "`dark`"]),
    ] {
        let home = Home::new();
        home.write(&format!("config/sideseat-tui/{file}"), content);
        let refused = home.run(&[command]);
        let line = refused.refusal();
        for word in says {
            assert!(line.contains(word), "{content:?}: {line}");
        }
    }
}

#[test]
fn a_flag_that_is_wrong_is_refused_before_anything_is_done() {
    let home = Home::new();
    for (arguments, says) in [
        (&["serve", "--grpc-prot", "1"][..], "--grpc-port"),
        (&["serve", "--http-port", "99999"], "99999"),
        (&["serve", "--bind", "0.0.0.0"], "senders need a token"),
        (&["--log-level", "wran", "serve"], "warn"),
        (&["exprot"], "export"),
        (&["export", "--format", "csv"], "otlp-json"),
        (&["export", "--trace", "abc"], "32 hex digits"),
        (&["export", "--format", "otlp-proto", "--blobs", "x"], "--blobs"),
        (&["import"], "FILE"),
        (&["run"], "CMD"),
        (&["--theme", "drak", "themes"], "`dark`"),
        (&["--config", "/nonexistent/config.toml", "config"], "/nonexistent/config.toml"),
    ] {
        let done = home.run(arguments);
        assert_eq!(done.code, 2, "{arguments:?}: {}{}", done.text(), done.err);
        assert!(done.err.contains(says), "{arguments:?}: {}", done.err);
        assert_eq!(done.text(), "", "{arguments:?}");
    }
    assert!(!home.db().exists(), "no store was made");
}

#[test]
fn the_help_of_each_command_says_what_it_does_and_shows_how() {
    let home = Home::new();
    for (command, says) in [
        (&[][..], &["SIDESEAT_TUI_DB", "4317", "--bind", "Exit codes"][..]),
        (&["demo"], &["recorded runs", "memory"]),
        (&["serve"], &["SIGTERM", "sideseat-tui serve"]),
        (&["run"], &["OTEL_EXPORTER_OTLP_ENDPOINT", "exit code", "run -- python"]),
        (&["import"], &["protobuf", ".zst", "exit code is 1", "import"]),
        (&["export"], &["transcript", "otlp-proto", "--session", "--blobs"]),
        (&["sessions"], &["--json", "newest"]),
        (&["traces"], &["--session", "--json"]),
        (&["doctor"], &["instrumentation", "--json", "session", "switch"]),
        (&["keys"], &["[keys]"]),
        (&["themes"], &["themes"]),
        (&["config"], &["setting"]),
    ] {
        let done = home.run(&[command, &["--help"]].concat());
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{command:?}");
        // Where lines are broken is the terminal's affair.
        let text = done.text().split_whitespace().collect::<Vec<_>>().join(" ");
        for word in says {
            assert!(text.contains(word), "{command:?}: no {word}:\n{}", done.text());
        }
        let short = home.run(&[command, &["-h"]].concat());
        assert!(short.out.len() <= done.out.len(), "{command:?}: -h is the short one");
    }
    let version = home.run(&["--version"]);
    assert_eq!(version.text(), format!("sideseat-tui {} (source)\n", env!("CARGO_PKG_VERSION")));
}
