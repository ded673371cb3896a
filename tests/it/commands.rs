//! The commands, run as their users and their users' scripts run them.

use std::{collections::BTreeMap, fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use serde_json::{Value, json};

use crate::program::{BINARY, Home, PROTOBUF, Program, fixture, get, post, request, span};

const TOOLS: &str = "bedrock/seed_tool_use.pb";

/// A home in which one capture was imported, as it was recorded.
fn with_capture(name: &str) -> Home {
    let home = Home::new();
    let file = home.write("capture.pb", fixture(name));
    home.prints(&["import", &file]);
    home
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_capture_is_imported_from_whatever_form_it_was_kept_in() {
    let capture = fixture(TOOLS);
    let recorded = with_capture(TOOLS);
    let (expected, lines) = (recorded.transcript(), recorded.prints(&["export", "--format", "otlp-json"]));
    let pretty = serde_json::to_vec_pretty(&recorded.otlp().0).unwrap();
    assert_eq!(expected["traces"].as_array().unwrap().len(), 2);
    for (name, content) in [
        ("traces.jsonl", lines.clone()),
        ("pretty.json", pretty),
        ("a-misleading-name.json", capture.clone()),
        ("packed.gz", gzip(&capture)),
        ("packed.json.gz", gzip(&lines)),
        ("packed.zst", zstd::encode_all(lines.as_slice(), 3).unwrap()),
    ] {
        let home = Home::new();
        let file = home.write(name, content);
        home.prints(&["import", &file]);
        assert_eq!(home.transcript(), expected, "{name}");
    }
    for input in [capture, gzip(&lines)] {
        let home = Home::new();
        let done = home.run_with(&["import", "-"], &input);
        assert_eq!(done.code, 0, "{}", done.err);
        assert_eq!(home.transcript(), expected);
    }
}

#[test]
fn a_bad_file_is_named_and_the_others_go_in() {
    let home = Home::new();
    let good = home.write("good.pb", fixture(TOOLS));
    let notes = home.write("notes.txt", "these are notes");
    let cut = home.write("cut.gz", &gzip(&fixture(TOOLS))[..200]);
    let lines = home.write(
        "lines.jsonl",
        [request(&[span(1, 1, "first")]), b"\n{oops\n".to_vec(), request(&[span(1, 2, "last")])].concat(),
    );
    let missing = home.path("missing.pb");
    let missing = missing.to_str().unwrap();
    let done = home.run(&["import", &notes, &good, &cut, missing, &lines]);
    assert_eq!(done.code, 1, "{}", done.err);
    for bad in ["notes.txt", "cut.gz", "missing.pb", "lines.jsonl"] {
        assert_eq!(done.err.matches(bad).count(), 1, "{bad}: {}", done.err);
    }
    assert!(!done.err.contains("good.pb"), "{}", done.err);
    assert!(done.err.contains("line 2"), "{}", done.err);
    let names: Vec<_> = home.spans().iter().map(|span| span["name"].clone()).collect();
    assert!(names.contains(&json!("first")) && names.contains(&json!("last")), "{names:?}");
    assert!(names.len() > 2, "{names:?}");
}

#[test]
fn what_is_imported_while_an_instance_runs_goes_through_it() {
    let mut program = Program::serve(&[]);
    let file = program.home().write("capture.pb", fixture(TOOLS));
    let done = program.home().run(&["import", &file]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(program.is_running());
    assert_eq!(program.export(), with_capture(TOOLS).transcript());
}

#[test]
fn commands_that_read_print_the_same_while_an_instance_runs() {
    let image = with_capture("bedrock/image_input.pb");
    let mut program = image.serve(&[]);
    post(program.http(), "/v1/traces", &[PROTOBUF], &fixture(TOOLS));
    let commands = [
        &["sessions"][..],
        &["sessions", "--json"],
        &["traces"],
        &["traces", "--json", "--limit", "1"],
        &["doctor"],
        &["export"],
        &["export", "--format", "otlp-json"],
        &["export", "--format", "otlp-proto"],
        &["export", "--trace", "ffffffffffffffffffffffffffffffff"],
    ];
    let run = |command: &&[&str]| {
        let done = image.run(command);
        (done.code, done.out, done.err)
    };
    let beside: Vec<_> = commands.iter().map(run).collect();
    let file = image.path("beside.json");
    let media = image.path("beside");
    image.prints(&["export", "-o", file.to_str().unwrap(), "--blobs", media.to_str().unwrap()]);
    let sockets = || {
        let files = fs::read_dir(image.path("state/sideseat-tui/instances")).unwrap();
        files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "sock"))
    };
    assert!(sockets().all(|socket| fs::metadata(socket).unwrap().permissions().mode() & 0o777 == 0o600));
    assert_eq!(sockets().count(), 1);
    program.stop();
    assert_eq!(sockets().count(), 0);
    for (command, beside) in commands.iter().zip(beside) {
        assert_eq!(run(command), beside, "{command:?}");
    }
    assert_eq!(fs::read(&file).unwrap(), image.prints(&["export"]));
    let alone = image.path("alone");
    image.prints(&["export", "--blobs", alone.to_str().unwrap()]);
    let files = |folder: &Path| -> BTreeMap<_, _> {
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
        files.map(|file| (file.file_name(), fs::read(file.path()).unwrap())).collect()
    };
    assert!(!files(&media).is_empty());
    assert_eq!(files(&media), files(&alone));
}

#[test]
fn a_store_is_checked_and_what_can_be_read_of_it_goes_into_a_new_one() {
    let home = with_capture(TOOLS);
    let whole = home.run(&["check"]);
    assert_eq!((whole.code, whole.err.as_str()), (0, ""), "{}", whole.text());
    assert!(whole.text().contains("All of it can be read."), "{}", whole.text());
    // A log that ends in zeros, as a loss of power may leave it.
    let log = home.db().with_extension("duckdb.wal");
    let mut program = home.serve(&[]);
    post(program.http(), "/v1/traces", &[PROTOBUF], &fixture("bedrock/unicode.pb"));
    program.kill9();
    let mut bytes = fs::read(&log).unwrap();
    bytes.extend([0; 100]);
    fs::write(&log, &bytes).unwrap();
    let new = home.path("new.duckdb");
    let new = new.to_str().unwrap();
    let damaged = home.run(&["check", "--salvage", new]);
    assert_eq!(damaged.code, 1, "{}{}", damaged.text(), damaged.err);
    assert!(damaged.text().contains("The log beside it is damaged: its last 100 of"), "{}", damaged.text());
    assert!(fs::read(&log).unwrap() == bytes);
    let salvaged: Value = serde_json::from_slice(&home.prints(&["export", "--db", new])).unwrap();
    // The store itself is opened as well, and keeps the log as it was.
    let mut program = home.serve(&[]);
    let said = program.stop();
    assert!(said.contains("damaged-log-"), "{said}");
    assert_eq!(salvaged["traces"], home.transcript()["traces"]);
    assert!(home.run(&["check", "--salvage", new]).refusal().contains("is there already"));
}

#[test]
fn a_byte_that_changed_is_put_right_by_check_and_by_the_next_start() {
    let home = with_capture(TOOLS);
    let whole = fs::read(home.db()).unwrap();
    // In the header.
    let damage = |places: &[usize]| {
        let mut damaged = whole.clone();
        for place in places {
            damaged[*place] ^= 0x55;
        }
        fs::write(home.db(), &damaged).unwrap();
    };
    damage(&[100]);
    let seen = home.run(&["check"]);
    assert!(seen.code == 1 && seen.text().contains("`--mend`"), "{}{}", seen.text(), seen.err);
    let mended = home.run(&["check", "--mend"]);
    assert_eq!(mended.code, 0, "{}{}", mended.text(), mended.err);
    assert!(mended.text().starts_with("a byte of ") && mended.text().contains("All of it can be read."));
    assert!(fs::read(home.db()).unwrap() == whole);
    damage(&[100]);
    let said = home.serve(&[]).stop();
    assert!(said.contains("a byte of ") && said.contains("nothing is lost"), "{said}");
    damage(&[100, 200]);
    let doubtful = home.run(&["check", "--mend"]);
    assert!(doubtful.code == 1 && doubtful.text().contains("was read as it is"), "{}{}", doubtful.text(), doubtful.err);
}

#[test]
fn what_can_be_read_of_a_damaged_store_is_shown_and_is_in_a_new_file_after_the_next_start() {
    let home = with_capture(TOOLS);
    let (transcript, whole) = (home.transcript(), fs::read(home.db()).unwrap());
    let mut rescued = 0;
    // In every block two bytes in turn, of which the checksums do not tell.
    for block in 0..(whole.len() - 12_288) / 262_144 {
        let mut damaged = whole.clone();
        for at in [5_000, 5_100] {
            damaged[12_288 + block * 262_144 + at] ^= 0x55;
        }
        fs::write(home.db(), &damaged).unwrap();
        let read = home.run(&["export"]);
        let shown: Value = serde_json::from_str(&read.text()).unwrap();
        let is_whole = shown["traces"] == transcript["traces"];
        assert_eq!(read.code == 1, read.err.contains("cannot be read"), "{}", read.err);
        assert!(is_whole || read.code == 1, "{block}");
        assert!(fs::read(home.db()).unwrap() == damaged, "a command that reads writes nothing");
        let said = home.serve(&[]).stop();
        assert_eq!(home.transcript()["traces"], shown["traces"]);
        if said.is_empty() {
            assert!(is_whole, "{block}: only where nothing is stored in a block it is left as it is");
            continue;
        }
        rescued += 1;
        assert!(said.contains("kept beside it as") && said.contains(".damaged-"), "{said}");
        assert_eq!(home.serve(&[]).stop(), "");
    }
    assert!(rescued > 2, "{rescued}");
}

#[test]
fn a_store_that_could_not_be_rescued_is_said_as_long_as_it_is_so() {
    let home = with_capture(TOOLS);
    let whole = fs::read(home.db()).unwrap();
    // A block of rows: what says where they are is read as it is, or the store is not opened.
    let is_of_rows = |block: &usize| {
        let mut damaged = whole.clone();
        for at in [5_000, 5_100] {
            damaged[12_288 + block * 262_144 + at] ^= 0x55;
        }
        fs::write(home.db(), &damaged).unwrap();
        let checked = home.run(&["check"]);
        checked.code == 1 && !checked.text().contains("was read as it is")
    };
    assert!((0..(whole.len() - 12_288) / 262_144).any(|block| is_of_rows(&block)));
    // In the way of the new file.
    let way = home.path("traces.duckdb.salvaging");
    fs::create_dir(&way).unwrap();
    let mut program = home.serve(&[]);
    let health = |program: &Program| get(program.http(), "/api/v1/health").json();
    assert_eq!(health(&program)["rescue"], json!("failed"));
    let doctor = home.run(&["doctor"]);
    assert_ne!(doctor.code, 0, "{}{}", doctor.text(), doctor.err);
    assert!(
        doctor.err.contains("a part of the store's file cannot be read, and the rest could not be"),
        "{}",
        doctor.err
    );
    assert!(program.stop().contains("cannot be removed"));
    fs::remove_dir(way).unwrap();
    let mut program = home.serve(&[]);
    assert_eq!(health(&program)["rescue"], Value::Null);
    assert_eq!(home.run(&["doctor"]).code, 0);
    assert!(program.stop().contains("kept beside it as"));
}

#[test]
fn an_instance_of_another_version_is_named_and_not_asked() {
    let mut program = Program::serve(&[]);
    let home = program.home().clone();
    let folder = home.path("state/sideseat-tui/instances");
    let entry = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let entry = entry.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    let text = fs::read_to_string(&entry).unwrap();
    let version = format!("\"{}\"", env!("CARGO_PKG_VERSION"));
    // In place: the instance holds a lock on the file.
    fs::write(&entry, text.replacen(&version, "\"0.0.0\"", 1)).unwrap();
    let refused = home.run(&["sessions"]);
    assert!(refused.refusal().contains("version 0.0.0"), "{}", refused.err);
    program.stop();
}

#[test]
fn what_is_exported_as_otlp_is_the_same_when_it_is_imported_again() {
    let home = Home::new();
    let names = [
        TOOLS,
        "bedrock/image_input.pb",
        "bedrock/unicode.pb",
        "strands/graph_team.pb",
        "openai/gen_chat_travel.pb",
        "openai/gen_chat_travel.logs.pb",
        "generic/webshop.pb",
    ];
    let files = names.map(|name| home.write(name, fixture(name)));
    let arguments: Vec<&str> = ["import"].into_iter().chain(files.iter().map(String::as_str)).collect();
    home.prints(&arguments);
    let expected = home.transcript();
    assert!(expected["traces"].as_array().unwrap().len() >= 6);

    let as_json = Home::new();
    let lines = as_json.write("all.json", home.prints(&["export", "--format", "otlp-json"]));
    as_json.prints(&["import", &lines]);
    assert_eq!(as_json.transcript(), expected);
    assert_eq!(as_json.otlp(), home.otlp());

    let as_proto = Home::new();
    let traces = as_proto.write("traces.pb", home.prints(&["export", "--format", "otlp-proto"]));
    let logs = as_proto.write("logs.pb", home.prints(&["export", "--format", "otlp-proto", "--signal", "logs"]));
    as_proto.prints(&["import", &traces, &logs]);
    assert_eq!(as_proto.transcript(), expected);
    assert_eq!(as_proto.prints(&["export", "--format", "otlp-proto"]), fs::read(traces).unwrap());
}

#[test]
fn an_export_can_be_narrowed_to_a_trace_or_a_session() {
    let home = with_capture("bedrock/seed_session.pb");
    let other = home.write("other.pb", fixture(TOOLS));
    home.prints(&["import", &other]);
    let all = home.transcript();
    let narrowed = |flag: &str, id: &Value| -> Value {
        serde_json::from_slice(&home.prints(&["export", flag, id.as_str().unwrap()])).unwrap()
    };
    for session in all["sessions"].as_array().unwrap() {
        let narrowed = narrowed("--session", &session["session_id"]);
        let traces: Vec<_> = narrowed["traces"].as_array().unwrap().iter().map(|trace| &trace["trace_id"]).collect();
        let expected: Vec<_> = session["trace_ids"].as_array().unwrap().iter().collect();
        assert_eq!((traces, &narrowed["sessions"]), (expected, &json!([session])));
    }
    for trace in all["traces"].as_array().unwrap() {
        // With what was said before in its session, which it does not repeat.
        assert_eq!(narrowed("--trace", &trace["trace_id"])["traces"], json!([trace]));
    }
    let nobody = "f".repeat(32);
    let done = home.run(&["export", "--trace", &nobody]);
    assert_eq!(done.code, 1, "{}", done.err);
    let nowhere: Value = serde_json::from_slice(&home.prints(&["export", "--project", "elsewhere"])).unwrap();
    assert_eq!(nowhere["traces"], json!([]));
}

#[test]
fn media_are_written_beside_a_transcript_by_their_hash() {
    let home = with_capture("bedrock/image_input.pb");
    let blobs = home.path("blobs");
    home.prints(&["export", "--blobs", blobs.to_str().unwrap(), "-o", home.path("all.json").to_str().unwrap()]);
    let transcript: Value = serde_json::from_slice(&fs::read(home.path("all.json")).unwrap()).unwrap();
    let hash = find(&transcript, "sha256").expect("the image has a hash");
    let files: Vec<_> =
        fs::read_dir(&blobs).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert!(files.iter().any(|name| name.starts_with(&hash)), "{hash}: {files:?}");
}

/// The first text under a name, wherever it is.
fn find(within: &Value, name: &str) -> Option<String> {
    match within {
        Value::Object(fields) => {
            let here = fields.get(name).and_then(Value::as_str).map(str::to_owned);
            here.or_else(|| fields.values().find_map(|value| find(value, name)))
        }
        Value::Array(items) => items.iter().find_map(|value| find(value, name)),
        _ => None,
    }
}

#[test]
fn sessions_and_traces_are_listed_for_programs_as_the_transcript_has_them() {
    let home = with_capture("bedrock/seed_session.pb");
    let other = home.write("other.pb", fixture(TOOLS));
    home.prints(&["import", &other]);
    let listed = |arguments: &[&str]| -> Vec<Value> { serde_json::from_slice(&home.prints(arguments)).unwrap() };
    let all = home.transcript();
    let same = |listed: &Value, full: &Value| {
        for field in ["trace_id", "name", "session_id", "user_id", "started_at", "ended_at", "status", "totals"] {
            assert_eq!(listed[field], full[field], "{field}");
        }
    };
    let traces = listed(&["traces", "--json"]);
    let in_full = all["traces"].as_array().unwrap();
    assert_eq!(traces.len(), in_full.len());
    traces.iter().zip(in_full).for_each(|(trace, in_full)| same(trace, in_full));

    let sessions = listed(&["sessions", "--json"]);
    for session in all["sessions"].as_array().unwrap() {
        let id = session["session_id"].as_str().unwrap();
        let found = sessions.iter().find(|found| found["session_id"] == id).unwrap();
        assert_eq!(found["totals"], session["totals"]);
        let of_it = listed(&["traces", "--session", id, "--json"]);
        let ids: Vec<_> = of_it.iter().map(|trace| &trace["trace_id"]).collect();
        assert_eq!(ids, session["trace_ids"].as_array().unwrap().iter().collect::<Vec<_>>());
        let table = home.prints(&["sessions"]);
        assert!(String::from_utf8(table).unwrap().contains(id));
    }
    let table = String::from_utf8(home.prints(&["traces"])).unwrap();
    assert_eq!(table.lines().count(), in_full.len() + 1, "{table}");
    assert_eq!(listed(&["traces", "--json", "--limit", "1"]).len(), 1);
}

#[test]
fn doctor_says_what_each_instrumentation_leaves_out_and_what_to_set() {
    let home = Home::new();
    let empty = String::from_utf8(home.prints(&["doctor"])).unwrap();
    assert!(empty.contains("sideseat-tui run -- python") && empty.contains("import"), "{empty}");
    let captures = ["bedrock_plain/plain_install.pb", "google-genai/otel_travel.pb", "generic/webshop.pb", TOOLS];
    let files = captures.map(|name| home.write(name, fixture(name)));
    home.prints(&["import", &files[2]]);
    let generic = String::from_utf8(home.prints(&["doctor"])).unwrap();
    assert!(generic.contains("opentelemetry.instrumentation.flask") && generic.contains("No model call"), "{generic}");
    home.prints(&["import", &files[0]]);
    let plain = String::from_utf8(home.prints(&["doctor"])).unwrap();
    assert!(plain.contains("none came: pip install 'sideseat[aws]'"), "{plain}");
    home.prints(&["import", &files[1], &files[3]]);
    let rows: Vec<Value> = serde_json::from_slice(&home.prints(&["doctor", "--json"])).unwrap();
    let row =
        |scope: &str| rows.iter().find(|row| row["scope"] == scope).unwrap_or_else(|| panic!("{scope}: {rows:?}"));
    let silent = row("opentelemetry.instrumentation.google_genai");
    let calls = &silent["model_calls"];
    assert_eq!((&silent["with_messages"], &silent["with_usage"]), (&json!(0), calls));
    assert_eq!((&silent["missing"][0]["what"], &silent["missing"][0]["calls"]), (&json!("messages"), calls));
    let set = silent["missing"][0]["set"].as_str().unwrap();
    assert!(set.contains("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_and_event"), "{set}");
    let bedrock = row("sideseat.aws.bedrock");
    let known = ["with_messages", "with_usage", "with_finish_reason"].map(|name| &bedrock[name]);
    assert_eq!(known, [&bedrock["model_calls"]; 3]);
    let text = String::from_utf8(home.prints(&["doctor"])).unwrap();
    let (table, below) = text.split_once("\n\n").unwrap();
    assert_eq!(table.lines().count(), rows.len() + 1, "{text}");
    assert!(below.contains(set), "{text}");
}

#[test]
fn tables_hold_nothing_that_commands_a_terminal() {
    let home = with_capture("bedrock/ansi_control.pb");
    for command in ["traces", "sessions", "doctor"] {
        let table = String::from_utf8(home.prints(&[command])).unwrap();
        assert!(table.chars().all(|c| c == '\n' || !c.is_control()), "{table:?}");
    }
}

#[test]
fn who_reads_only_the_beginning_of_an_export_is_no_error() {
    let home = Home::new();
    let spans: Vec<Value> = (1..2000).map(|number| span(1, number, &"long ".repeat(20))).collect();
    let file = home.write("many.json", request(&spans));
    home.prints(&["import", &file]);
    let script = format!("'{BINARY}' export --format otlp-json | head -c 100");
    let done =
        Command::new("bash").args(["-o", "pipefail", "-c", &script]).env_clear().envs(home.environment()).output();
    // Without bash there is no telling how the first of two commands ended.
    if let Ok(done) = done {
        assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(0), ""));
    }
}
