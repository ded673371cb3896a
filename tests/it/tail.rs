//! `tail`: a line a step, of what an instance receives or of what it receives itself.

use std::{
    io::{BufRead as _, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout},
};

use rustix::process::Signal;

use crate::program::{Home, PROTOBUF, fixture, post, tell};

/// A `tail` that is running.
struct Tail {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Tail {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut child = home.command(arguments).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let err = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, out, err }
    }

    /// The lines of one run, without their times, up to the one that says that it is done.
    fn run(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.out.next().unwrap().unwrap();
            let (time, text) = line.split_once(' ').unwrap();
            assert_eq!(time.split(':').count(), 3, "{line}");
            lines.push(text.to_owned());
            if text.contains(": done · ") {
                return lines;
            }
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        tell(self.child.id(), Signal::TERM);
        drop(self.child.wait());
    }
}

fn is_the_weather(lines: &[String]) {
    assert!(lines[0].contains(": started"), "{lines:#?}");
    let position = |what: &str| {
        lines.iter().position(|line| line.contains(what)).unwrap_or_else(|| panic!("no {what}: {lines:#?}"))
    };
    assert!(position("turn 1 · ") < position(": done · "), "{lines:#?}");
    let turns = lines.iter().filter(|line| line.contains(": turn ")).count();
    assert!(lines.iter().filter(|line| line.contains(": turn 1 ")).count() == 1 && turns >= 1, "{lines:#?}");
    let end = lines.last().unwrap();
    assert!(
        end.contains("model call") && end.contains("tokens") && end.contains('$') && end.contains("trace "),
        "{end}"
    );
}

#[test]
fn what_an_instance_receives_is_printed_a_line_a_step() {
    let home = Home::new();
    let program = home.serve(&[]);
    let mut tail = Tail::start(&home, &["tail", "--last", "9"]);
    let weather = fixture("bedrock/seed_tool_use.pb");
    assert_eq!(post(program.http(), "/v1/traces", &[PROTOBUF], &weather).status, 200);
    is_the_weather(&tail.run());
}

#[test]
fn without_an_instance_it_receives_itself_and_runs_that_were_there_are_not_printed_again() {
    let home = Home::new();
    let old = home.write("old.pb", fixture("bedrock/seed_session.pb"));
    let new = home.write("new.pb", fixture("bedrock/seed_tool_use.pb"));
    assert_eq!(home.run(&["import", &old]).code, 0);
    let mut tail = Tail::start(&home, &["--plain"]);
    assert!(tail.err.next().unwrap().unwrap().contains("listening on 127.0.0.1:"));
    assert_eq!(home.run(&["import", &new]).code, 0);
    is_the_weather(&tail.run());
}
