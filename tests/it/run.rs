//! `run`: somebody's program, started with everything set.

use std::{net::SocketAddr, process::Stdio};

use opentelemetry::{
    Context, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{Span as _, SpanContext, SpanKind, TraceContextExt as _, TraceState, Tracer as _, TracerProvider as _},
};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use rustix::process::{Signal, getpid, kill_process};
use serde_json::{Value, json};

use crate::program::{Done, Home, JSON, Program, get, post, request, span};
use crate::pty::Terminal;

#[test]
fn a_program_keeps_its_exit_code_and_its_streams() {
    let home = Home::new();
    let done = home.run_with(&["run", "--", "sh", "-c", "cat; echo out; echo err >&2; exit 7"], b"in\n");
    assert_eq!((done.code, done.text().as_str()), (7, "in\nout\n"));
    assert!(done.err.starts_with("err\n"), "{}", done.err);
    assert_eq!(done.err.lines().count(), 2, "one line of ours: {}", done.err);
    let done = home.run(&["run", "--", "sh", "-c", "kill -TERM $$"]);
    assert_eq!(done.code, 128 + 15, "as shells say it: {}", done.err);
    let done = home.run(&["run", "--", "/nonexistent/agent"]);
    assert_eq!(done.code, 127);
    assert!(done.err.contains("/nonexistent/agent"), "{}", done.err);
}

/// A program of somebody's that knows nothing of us, started by `run` through [`somebodys_program`]. As `killed` it does not
/// live to send the root of its run.
#[test]
#[ignore = "is no test, but the program that tests of `run` start"]
fn an_agent_that_sends_to_where_its_environment_says() {
    let Some(agent) = std::env::var_os("AGENT") else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _within = runtime.enter();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(SpanExporter::builder().build().unwrap())
        .with_resource(Resource::builder_empty().with_service_name("agent").build())
        .build();
    let tracer = provider.tracer("gen_ai");
    let root = (agent == "killed").then(|| tracer.start("invoke_agent planner"));
    let mut within = root.map_or_else(Context::new, |root| Context::new().with_span(root));
    if agent.to_str().unwrap().starts_with("called") {
        // Another process called this one, and has the root of the run.
        let (trace, span) = (TraceId::from_bytes([7; 16]), SpanId::from_bytes([7; 8]));
        let caller = SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::default());
        within = Context::new().with_remote_span_context(caller);
    }
    let mut call = tracer
        .span_builder("chat claude-sonnet-4-5")
        .with_kind(SpanKind::Client)
        .with_attributes([
            KeyValue::new("gen_ai.operation.name", "chat"),
            KeyValue::new("gen_ai.provider.name", "anthropic"),
            KeyValue::new("gen_ai.request.model", "claude-sonnet-4-5"),
            KeyValue::new("gen_ai.usage.input_tokens", 900),
            KeyValue::new("gen_ai.usage.output_tokens", 100),
        ])
        .start_with_context(&tracer, &within);
    call.end();
    if agent == "killed" {
        kill_process(getpid(), Signal::KILL).unwrap();
    }
    provider.shutdown().unwrap();
    assert_ne!(agent, "called, and failed", "it fails");
    let sideseat = std::env::var("SIDESEAT_ENDPOINT").unwrap();
    let address: SocketAddr = sideseat.strip_prefix("http://").unwrap().parse().unwrap();
    assert_eq!(get(address, "/api/v1/health").status, 200);
    let reply = post(address, "/otel/shop/v1/traces", &[JSON], &request(&[span(1, 1, "root")]));
    assert_eq!(reply.status, 200);
    for (name, value) in
        [("OTEL_BSP_SCHEDULE_DELAY", "200"), ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")]
    {
        assert_eq!(std::env::var(name).as_deref(), Ok(value), "{name}");
    }
}

/// Runs [`an_agent_that_sends_to_where_its_environment_says`], which is this very binary.
fn somebodys_program(home: &Home, as_what: &str) -> Done {
    let agent = std::env::current_exe().unwrap();
    let name = "run::an_agent_that_sends_to_where_its_environment_says";
    let agent = agent.to_str().unwrap();
    let env = ["env", &format!("AGENT={as_what}"), agent, "--exact", name, "--ignored", "--nocapture"];
    home.run(&[&["run", "--"], &env[..]].concat())
}

#[test]
fn what_a_program_sends_is_stored_though_nothing_else_runs() {
    let home = Home::new();
    let done = somebodys_program(&home, "well");
    assert_eq!(done.code, 0, "{}{}", done.text(), done.err);
    let summary = done.err.lines().last().unwrap();
    assert!(summary.starts_with("sideseat-tui: 2 traces, 1 call, 1.0k tokens, $.00"), "{summary}");
    assert!(summary.ends_with(", 0 errors"), "{summary}");
    let transcript = home.transcript();
    let traces = transcript["traces"].as_array().unwrap();
    let called = traces.iter().find(|trace| trace["service"] == "agent").unwrap();
    assert_eq!(called["totals"]["usage"]["uncached_input"], 900);
    assert!(traces.iter().any(|trace| trace["project"] == "shop"));
}

#[test]
fn what_a_program_sends_goes_to_the_instance_that_runs() {
    let mut program = Program::serve(&[]);
    let done = somebodys_program(program.home(), "well");
    assert_eq!(done.code, 0, "{}{}", done.text(), done.err);
    assert!(program.is_running());
    let transcript = program.export();
    let traces = transcript["traces"].as_array().unwrap();
    assert!(traces.iter().any(|trace| trace["service"] == "agent"), "{transcript}");
    assert!(traces.iter().any(|trace| trace["project"] == "shop"), "{transcript}");
}

/// It may go on there, or be sent elsewhere. A program that failed may have taken it with it.
#[test]
fn a_run_that_another_process_began_did_not_end_with_the_program_unless_that_failed() {
    for (agent, code, status, waits) in
        [("called", 0, "running", "remote"), ("called, and failed", 101, "never ended", "root")]
    {
        let home = Home::new();
        let done = somebodys_program(&home, agent);
        assert_eq!(done.code, code, "{}{}", done.text(), done.err);
        let listed: Value = serde_json::from_slice(&home.prints(&["traces", "--json"])).unwrap();
        let row = listed.as_array().unwrap().iter().find(|row| row["service"] == "agent").unwrap();
        assert_eq!((&row["status"], &row["waits_for"]), (&json!(status), &json!(waits)), "{listed}");
        let transcript = home.transcript();
        let trace = transcript["traces"].as_array().unwrap().iter().find(|trace| trace["service"] == "agent").unwrap();
        assert_eq!(trace["waits_for"], waits, "{transcript}");
    }
}

/// Whether an instance stores what it sends, or `run` itself.
#[test]
fn the_run_of_a_program_that_was_killed_never_ended_from_then_on() {
    let mut program = Program::serve(&[]);
    for home in [Home::new(), program.home().clone()] {
        let done = somebodys_program(&home, "killed");
        assert_eq!(done.code, 128 + 9, "{}{}", done.text(), done.err);
        let listed: Value = serde_json::from_slice(&home.prints(&["traces", "--json"])).unwrap();
        let row = &listed[0];
        assert_eq!((&row["status"], &row["waits_for"]), (&json!("never ended"), &json!("root")), "{listed}");
        assert!(row["program_ended_at"].is_string(), "{listed}");
        let sessions: Value = serde_json::from_slice(&home.prints(&["sessions", "--json"])).unwrap();
        assert_eq!((&sessions[0]["never_ended"], &sessions[0]["running"]), (&json!(1), &json!(0)), "{sessions}");
        let transcript = home.transcript();
        assert!(transcript["traces"][0]["program_ended_at"].is_string(), "{transcript}");
    }
    program.stop();
}

/// Nothing that it sends is needed for that.
#[test]
fn the_screen_shows_a_program_from_its_first_moment_and_how_it_ended() {
    let home = Home::new();
    let mut screen = Terminal::start(home.clone(), &[], &[]);
    screen.shows("Send your first trace");
    let script = "echo starting >&2; cat; printf 'KeyError: \\033[31mcity\\033[0m\\n' >&2; exit 3";
    let mut command = home.command(&["run", "--", "sh", "-c", script]);
    let mut run = command.stdin(Stdio::piped()).spawn().unwrap();
    screen.shows("● sh -c echo starting");
    screen.shows("no span yet");
    screen.press("g");
    screen.press("g");
    screen.shows("running");
    drop(run.stdin.take());
    assert_eq!(run.wait().unwrap().code(), Some(3));
    screen.shows("✗ exit code 3 after");
    screen.shows("starting");
    screen.shows("KeyError: city");
    // What was started well ends without a trace of its own.
    let mut well = home.command(&["run", "--", "sh", "-c", "echo fine >&2; sleep 2"]).spawn().unwrap();
    // It stands above the row with the cursor, which stays where it is.
    screen.shows("↑ 1 new");
    screen.press("k");
    screen.shows("● sh -c echo fine");
    assert!(well.wait().unwrap().success());
    screen.waits_for("it is gone", |screen| !screen.contents().contains("sh -c echo fine"));
    screen.shows("✗ sh -c echo starting");
}

#[test]
fn a_program_in_a_terminal_has_a_terminal_as_its_stderr() {
    let script = "test -t 2 && stty size <&2 >&2; printf 'a\\r\\nb\\n' >&2";
    let mut terminal = Terminal::start(Home::new(), &["run", "--", "sh", "-c", script], &[]);
    terminal.shows("40 120");
    terminal.shows("sideseat-tui: no traces");
    let raw = String::from_utf8_lossy(&terminal.written.lock().unwrap().raw).into_owned();
    assert!(raw.contains("a\r\r\nb\r\n"), "as without `run`: {raw:?}");
    terminal.ends(0);
}
