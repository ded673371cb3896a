//! Where other machines can reach a port, senders need a token, and it is written down nowhere.

use std::fs;

use crate::program::{Home, JSON, PROTOBUF, Program, fixture, get, post, request, span};

const TOKEN: &str = "a-token-for-tests-only";

#[test]
fn beyond_this_machine_it_starts_with_a_token_only_and_says_what_to_type() {
    let home = Home::new();
    let refused = home.run(&["serve", "--bind", "0.0.0.0"]);
    assert!(refused.refusal().ends_with("sideseat-tui serve --bind 0.0.0.0 --token generate"), "{}", refused.err);
    let short = home.run(&["serve", "--bind", "0.0.0.0", "--token", "hush"]);
    assert!(short.refusal().contains("at least 12 characters") && !short.err.contains("hush"), "{}", short.err);
}

#[test]
fn a_generated_token_is_shown_once_and_lets_senders_in() {
    let mut program = Program::serve(&["--bind", "0.0.0.0", "--token", "generate"]);
    let mut address = program.http();
    address.set_ip([127, 0, 0, 1].into());
    let body = request(&[span(1, 1, "one")]);
    assert_eq!(post(address, "/v1/traces", &[JSON], &body).status, 401);
    let home = program.home().clone();
    // It is in the registry, which only this user can read: other commands of this user need not be told.
    let file = home.write("one.json", &body);
    assert!(home.run(&["import", &file]).text().contains("imported from 1 of 1 files"));
    let said = program.stop();
    let line = said.lines().find(|line| line.contains("OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20")).unwrap();
    assert_eq!(line.trim().rsplit("%20").next().unwrap().len(), 32, "{said}");
    assert_eq!(home.spans().len(), 1);
}

#[test]
fn every_path_but_health_needs_the_token_and_a_refusal_says_how() {
    let mut program = Program::serve(&["--token", TOKEN]);
    let address = program.http();
    let body = fixture("bedrock/seed_session.pb");
    for path in ["/v1/traces", "/otel/shop/v1/traces", "/v1/logs", "/api/v1/programs", "/nowhere"] {
        let reply = post(address, path, &[PROTOBUF], &body);
        assert_eq!((reply.status, reply.header("www-authenticate")), (401, Some("Bearer")), "{path}");
    }
    let reply = post(address, "/v1/traces", &[JSON], b"{}");
    let said = reply.json()["message"].as_str().unwrap().to_owned();
    assert!(said.contains("OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN"), "{said}");
    let wrong = post(address, "/v1/traces", &[JSON, ("authorization", "Bearer a-token-for-tests-onlY")], b"{}");
    assert!(wrong.status == 401 && wrong.text().contains("not the one"), "{}", wrong.text());
    assert_eq!(get(address, "/api/v1/health").status, 200);
    let right = ("authorization", &*format!("bearer {TOKEN}"));
    assert_eq!(post(address, "/v1/traces", &[PROTOBUF, right], &body).status, 200);
    program.stop();
}

#[test]
fn what_run_starts_needs_no_token_and_commands_have_it_already() {
    let mut program = Program::serve(&["--token", TOKEN]);
    let home = program.home().clone();
    let file = home.write("one.pb", fixture("bedrock/seed_session.pb"));
    // As a program does that sends to where `run` tells it to.
    let script = "curl -sf --data-binary @\"$0\" -H content-type:application/x-protobuf \
                  \"$OTEL_EXPORTER_OTLP_ENDPOINT/v1/traces\" >/dev/null";
    let ran = home.run(&["run", "--", "sh", "-c", script, &file]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(home.transcript()["sessions"].as_array().unwrap().len(), 1);
    program.stop();
}

#[test]
fn the_token_is_written_down_nowhere() {
    let home = Home::new();
    let mut program = home.serve(&["--token", TOKEN, "--log-level", "trace"]);
    let bad = ("authorization", "Bearer some-other-token-here");
    assert_eq!(post(program.http(), "/v1/traces", &[JSON, bad], b"{}").status, 401);
    let right = ("authorization", &*format!("Bearer {TOKEN}"));
    assert_eq!(post(program.http(), "/v1/traces", &[JSON, right], &request(&[span(1, 1, "one")])).status, 200);
    let mut printed = String::new();
    for command in [&["config", "--token", TOKEN][..], &["doctor"], &["traces"], &["sessions", "--json"]] {
        printed += &String::from_utf8_lossy(&home.prints(command));
    }
    printed += &program.stop();
    let log = fs::read_to_string(home.path("state/sideseat-tui/sideseat-tui.log")).unwrap();
    assert!(log.contains("wrong token"), "{log}");
    for text in [printed, log] {
        assert!(!text.contains(TOKEN) && !text.contains("some-other-token"), "{text}");
    }
}
