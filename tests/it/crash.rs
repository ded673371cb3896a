//! What was acknowledged is there, however the program ended; and a program that cannot start says why.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

use crate::cycles::{Cycles, Moment};
use crate::program::{
    Home, JSON, Program, eventually, exchange, get, post, request, span, try_post, with_default_ports,
};

/// Spans of one request.
const BATCH: u32 = 8;

#[test]
fn what_was_acknowledged_outlives_a_kill() {
    let mut program = Program::serve(&[]);
    let acknowledged = sent_by_many(&mut program, 300, Program::kill9);
    let stored = ids(&program.home().spans());
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "{} of {} were lost: {lost:?}", lost.len(), acknowledged.len());
}

#[test]
fn a_single_span_outlives_a_kill_right_after_its_answer() {
    let home = Home::new();
    for number in 1..=3 {
        let mut program = home.serve(&[]);
        let reply = post(program.http(), "/v1/traces", &[JSON], &request(&[span(1, number, "one")]));
        program.kill9();
        assert_eq!(reply.status, 200);
    }
    assert_eq!(home.spans().len(), 3);
}

#[test]
fn told_to_stop_it_stores_what_is_under_way() {
    let mut program = Program::serve(&[]);
    let acknowledged = sent_by_many(&mut program, 300, |program| drop(program.stop()));
    assert!(!program.is_running());
    let home = program.home();
    assert_eq!(acknowledged.difference(&ids(&home.spans())).count(), 0);
    let log = home.db().with_extension("duckdb.wal");
    assert!(!log.exists(), "everything is in the one file");
}

#[test]
fn whatever_it_is_killed_at_nothing_acknowledged_is_lost_or_doubled() {
    let seed = Cycles::any_seed();
    println!("seed {seed}");
    let mut cycles = Cycles::new(seed);
    let wanted = std::env::var("SIDESEAT_TUI_CYCLES").ok().and_then(|text| text.parse().ok()).unwrap_or(9);
    for cycle in 0..wanted {
        cycles.cycle(Moment::ALL[cycle % Moment::ALL.len()]);
        if cycle % 20 == 19 {
            println!("{} cycles: {:?}", cycle + 1, cycles.verify());
        }
    }
    let found = cycles.verify();
    println!("{wanted} cycles: {found:?}, killed at {:?}, slowest start {:?}", cycles.killed, cycles.slowest_start);
    assert!(found.stored + found.removed >= found.acknowledged && found.acknowledged > 0, "{found:?}");
}

/// Lets several senders send until `end` has ended the program, which is after so many spans were acknowledged: the ids
/// of all that were.
fn sent_by_many(program: &mut Program, enough: usize, end: impl FnOnce(&mut Program)) -> BTreeSet<String> {
    const SENDERS: u32 = 4;
    let (address, ended) = (program.http(), AtomicBool::new(false));
    let acknowledged = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (acknowledged, ended) = (&acknowledged, &ended);
            scope.spawn(move || {
                for batch in 0.. {
                    let spans: Vec<Value> =
                        (1..=BATCH).map(|number| span(sender, batch * BATCH + number, "sent")).collect();
                    match try_post(address, "/v1/traces", &[JSON], &request(&spans)) {
                        Ok(reply) if reply.status == 200 => acknowledged.lock().unwrap().extend(ids(&spans)),
                        // On its way out it may say that it is closing.
                        Ok(reply) => assert!(reply.status == 503, "{}: {}", reply.status, reply.text()),
                        Err(_) if ended.load(Ordering::Relaxed) => return,
                        Err(_) => {}
                    }
                    if ended.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        eventually("enough was acknowledged", || (acknowledged.lock().unwrap().len() >= enough).then_some(()));
        end(program);
        ended.store(true, Ordering::Relaxed);
    });
    acknowledged.into_inner().unwrap()
}

/// A span's name in the whole store.
fn ids(spans: &[Value]) -> BTreeSet<String> {
    spans.iter().map(|span| format!("{} {}", span["traceId"], span["spanId"])).collect()
}

#[test]
fn a_second_instance_is_told_which_process_holds_the_store() {
    let mut first = Program::serve(&[]);
    let pid = format!("pid {}", first.pid());
    let second = first.home().run(&["serve"]);
    assert!(second.refusal().contains(&pid), "{}", second.err);
    assert!(second.err.contains("--db"), "it says what to do: {}", second.err);
    let reply = post(first.http(), "/v1/traces", &[JSON], &request(&[span(1, 1, "still")]));
    assert_eq!(reply.status, 200, "the first goes on");
    first.stop();
    assert_eq!(first.home().spans().len(), 1);
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_left_as_it_is() {
    let mut program = Program::serve(&[]);
    program.stop();
    let home = program.home();
    let version = |statement: &str| {
        let store = duckdb::Connection::open(home.db()).unwrap();
        store.execute_batch(statement).unwrap();
    };
    version("update meta set value = value + 1 where name = 'schema'");
    for command in [&["serve"][..], &["export"], &["sessions"]] {
        let refused = home.run(command);
        assert!(refused.refusal().contains("newer version"), "{command:?}: {}", refused.err);
    }
    version("update meta set value = value - 1 where name = 'schema'");
    assert_eq!(home.transcript()["traces"], json!([]));
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_as_it_is() {
    let home = Home::new();
    let notes = home.write("notes.txt", "these are mine");
    let refused = home.run(&["serve", "--db", &notes]);
    assert!(refused.refusal().contains("notes.txt is not a store of sideseat-tui"), "{}", refused.err);
    assert_eq!(std::fs::read_to_string(notes).unwrap(), "these are mine");
}

#[test]
fn a_chosen_port_that_is_taken_is_named_with_its_holder() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for flag in ["--grpc-port", "--http-port", "--sideseat-port"] {
        let refused = Home::new().run(&["serve", flag, &port]);
        let line = refused.refusal();
        assert!(line.contains(&port) && line.contains(flag), "{line}");
        if cfg!(target_os = "linux") {
            assert!(line.contains(&format!("pid {}", std::process::id())), "{line}");
        }
    }
    let twice = Home::new().run(&["serve", "--http-port", "4999", "--sideseat-port", "4999"]);
    assert!(twice.refusal().contains("4999"), "{}", twice.err);
}

#[test]
fn a_default_port_that_is_taken_gives_way_to_the_next_free_one() {
    const USUAL: u16 = 4318;
    // Whether we have it or somebody else: it is taken.
    let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, USUAL));
    let home = Home::new();
    let mut command = home.command(&["serve"]);
    with_default_ports(&mut command);
    let mut program = Program::start(home, command, 3);
    let ports = [program.grpc(), program.http(), program.sideseat()].map(|address| address.port());
    assert!(program.http().port() > USUAL, "{ports:?}");
    assert_eq!(BTreeSet::from(ports).len(), 3, "{ports:?}");
    for address in [program.http(), program.sideseat()] {
        assert_eq!(get(address, "/api/v1/health").json()["pid"], program.pid());
    }
    program.stop();
}

#[test]
fn a_port_that_is_off_is_not_there_and_localhost_is_both_kinds_of_address() {
    let mut program = Program::serve(&["--grpc-port", "off", "--sideseat-port", "off"]);
    assert!(program.http().ip().is_loopback());
    let six = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, program.http().port()));
    // A machine without ::1 has nothing to listen on there.
    if TcpListener::bind((std::net::Ipv6Addr::LOCALHOST, 0)).is_ok() {
        assert_eq!(exchange(six, "GET", "/api/v1/health", &[], b"").unwrap().status, 200);
    }
    program.stop();
}
