//! Runs that are sent bit by bit, children first and the root last: at every moment each row, each sum and each export
//! says what was really sent, whatever is folded, followed or filtered.

use std::time::Duration;

use serde_json::{Value, json};
use sideseat_tui::model::{Answer, Filter, Query, RunState, SessionId, StateCounts, Timestamp, TraceId, TraceSummary};

use crate::{program::request, replay::transcript_of, scene::Scene};

/// One run as its sender knows it.
struct Sent {
    number: u64,
    session: Option<&'static str>,
    /// How many turns were sent so far, and whether the root was.
    turns: u64,
    ended: bool,
    /// Whether its root says that it failed.
    fails: bool,
    /// How long ago it began.
    ago: Duration,
    /// Its program was seen to end.
    killed: bool,
}

impl Sent {
    fn new(number: u64, session: Option<&'static str>) -> Self {
        Self { number, session, turns: 0, ended: false, fails: false, ago: Duration::from_secs(20), killed: false }
    }

    /// What is right to say of it.
    fn state(&self) -> RunState {
        match (self.ended, self.fails) {
            (true, true) => RunState::Failed,
            (true, false) => RunState::Done,
            (false, _) if self.killed || self.ago > Duration::from_mins(11) => RunState::NeverEnded,
            (false, _) => RunState::Running,
        }
    }

    fn mark(&self) -> char {
        match self.state() {
            RunState::Running => '●',
            RunState::NeverEnded => '◌',
            RunState::Failed => '✗',
            RunState::Recovered => '!',
            RunState::Done => '✓',
        }
    }

    fn trace(&self) -> TraceId {
        TraceId::from_bytes(&u128::from(self.number + 1).to_be_bytes()).unwrap()
    }

    fn started(&self) -> u64 {
        Timestamp::now().0 - u64::try_from(self.ago.as_nanos()).unwrap()
    }

    fn span(&self, id: u64, parent: Option<u64>, name: &str, from: u64, attributes: &Value) -> Value {
        let attribute = |(key, value): (&String, &Value)| json!({"key": key, "value": {"stringValue": value}});
        let mut attributes: Vec<Value> = attributes.as_object().unwrap().iter().map(attribute).collect();
        attributes.extend(self.session.map(|id| json!({"key": "session.id", "value": {"stringValue": id}})));
        json!({
            "traceId": format!("{:032x}", self.number + 1),
            "spanId": format!("{:016x}", self.number * 1000 + id),
            "parentSpanId": parent.map(|id| format!("{:016x}", self.number * 1000 + id)).unwrap_or_default(),
            "name": name,
            "startTimeUnixNano": from.to_string(),
            "endTimeUnixNano": (from + 500_000_000).to_string(),
            "attributes": attributes,
        })
    }

    /// The next turn: a model call beneath a root that has not come.
    fn turn(&mut self) -> Value {
        self.turns += 1;
        let from = self.started() + self.turns * 1_000_000_000;
        let asked = json!([{"role": "user", "parts": [{"type": "text", "content": format!("case {}", self.number)}]}]);
        let attributes = json!({
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.input.messages": asked.to_string(),
        });
        self.span(self.turns, Some(900), "chat gpt-4o", from, &attributes)
    }

    /// The root: it encloses all that was sent.
    fn root(&mut self) -> Value {
        self.ended = true;
        let attributes = json!({"gen_ai.operation.name": "invoke_agent"});
        let mut span =
            self.span(900, None, &format!("invoke_agent agent-{}", self.number), self.started(), &attributes);
        span["endTimeUnixNano"] = json!((self.started() + (self.turns + 2) * 1_000_000_000).to_string());
        if self.fails {
            span["status"] = json!({"code": 2, "message": "it broke"});
        }
        span
    }
}

/// The rows of a session, and the session's own sums.
fn stored(scene: &Scene, session: Option<&str>) -> (Vec<TraceSummary>, StateCounts) {
    let session = session.map(SessionId::from);
    let every = Filter::default();
    let traces = Query::Traces { session: session.clone(), filter: every.clone(), limit: 1000 };
    let Ok(Answer::Traces(page)) = scene.store().answer(&traces) else { panic!("traces are listed") };
    let Ok(Answer::Sessions(sessions)) = scene.store().answer(&Query::Sessions { filter: every, limit: 1000 }) else {
        panic!("sessions are listed")
    };
    let states = sessions.rows.into_iter().find(|row| row.session == session).map(|row| row.states);
    (page.rows, states.unwrap_or_default())
}

/// Compares everything that is said with what was sent; returns how many rows of runs were on the screen.
fn check(scene: &mut Scene, runs: &[Sent], moment: &str) -> usize {
    let sent = || runs.iter().filter(|run| run.turns > 0);
    let count = |state: RunState, of: &dyn Fn(&Sent) -> bool| {
        sent().filter(|run| of(run) && run.state() == state).count() as u64
    };
    for session in [None, Some("s0"), Some("s1")] {
        let (rows, states) = stored(scene, session);
        for run in sent().filter(|run| run.session == session) {
            let id = format!("{:032x}", run.number + 1);
            let row = rows.iter().find(|row| row.trace.to_string() == id).unwrap_or_else(|| panic!("{moment}: {id}"));
            assert_eq!(row.run_state(Timestamp::now()), run.state(), "{moment}: run {}", run.number);
        }
        let of = |run: &Sent| run.session == session;
        let wanted = [RunState::Running, RunState::NeverEnded, RunState::Failed, RunState::Done];
        let counted = [states.running, states.never_ended, states.failed, states.done];
        assert_eq!(counted, wanted.map(|state| count(state, &of)), "{moment}: session {session:?}");
    }
    let transcript = transcript_of(scene.store());
    for run in sent() {
        let id = format!("{:032x}", run.number + 1);
        let found = transcript["traces"].as_array().unwrap().iter().find(|trace| trace["trace_id"] == id.as_str());
        let waits = &found.unwrap()["waits_for"];
        assert_eq!(waits == "root", !run.ended, "{moment}: transcript of run {}: {waits}", run.number);
    }
    let screen = scene.text();
    let running = count(RunState::Running, &|_| true);
    let header = screen.lines().next().unwrap_or_default();
    assert_eq!(header.contains(&format!(" {running} running")), running > 0, "{moment}:\n{screen}");
    let mut rows = 0;
    for line in screen.lines().filter(|line| line.starts_with(['│', '▌'])) {
        let tree: String = line.chars().skip(1).take_while(|c| !matches!(c, '│' | '├')).collect();
        let names = |run: &&Sent| {
            let label = format!(" agent-{} ", run.number);
            let question = format!(" case {} ", run.number);
            // The row of the run; that of the agent beneath it has a letter.
            (tree.contains(&label) && !tree.contains(" A ")) || tree.contains(&question)
        };
        if let Some(run) = sent().find(names) {
            assert!(tree.contains(run.mark()), "{moment}: run {} is {:?}\n{screen}", run.number, run.state());
            rows += 1;
        }
    }
    rows
}

/// So many runs are sent turn by turn, their roots last; every so many exports all that is said is compared.
fn lives(number: u64, every: usize, size: (u16, u16)) {
    let session = |number: u64| [None, Some("s0"), Some("s1")][usize::try_from(number % 3).unwrap()];
    let mut runs: Vec<Sent> = (0..number).map(|number| Sent::new(number, session(number))).collect();
    let (dies, dead, fails) = (runs.len() / 2, runs.len() - 1, runs.len() / 3);
    if runs.len() > 2 {
        runs[fails].fails = true;
        // Its program was killed long ago: its root never comes.
        runs[dead].ago = Duration::from_mins(20);
    }
    let (mut scene, mut rows, mut exports) = (Scene::live(size.0, size.1), 0, 0_usize);
    let mut looks = |scene: &mut Scene, runs: &[Sent], moment: &str| {
        exports += 1;
        if exports.is_multiple_of(every) { check(scene, runs, moment) } else { 0 }
    };
    for round in 0..3_u64 {
        for at in 0..runs.len() {
            let turn = runs[at].turn();
            scene = scene.sends(request(&[turn]));
            rows += looks(&mut scene, &runs, &format!("round {round}, run {at}, followed"));
        }
    }
    // Everything open, everything folded, a filter, another session.
    for (keys, moment) in [
        ("g g l j l", "opened"),
        ("g g h", "folded"),
        ("/ c a s e enter", "filtered"),
        ("esc", "not filtered"),
        ("s down down enter", "a session"),
        ("esc", "all"),
        ("F", "followed"),
    ] {
        scene = scene.press(keys);
        rows += check(&mut scene, &runs, moment);
    }
    if runs.len() > 2 {
        // The program of one is killed, and `run` sees it.
        runs[dies].killed = true;
        scene = scene.program_ends(runs[dies].trace(), Timestamp::now());
        rows += check(&mut scene, &runs, "a program is killed");
    }
    for at in (0..runs.len()).rev().filter(|at| runs[*at].state() == RunState::Running).collect::<Vec<_>>() {
        let root = runs[at].root();
        scene = scene.sends(request(&[root]));
        rows += looks(&mut scene, &runs, &format!("root of run {at}"));
    }
    rows += check(&mut scene, &runs, "all roots");
    assert!(rows > 4, "{rows} rows were compared");
}

#[test]
fn every_row_sum_and_export_says_what_was_sent_at_every_moment() {
    lives(1, 1, (160, 40));
    lives(3, 1, (160, 40));
    lives(9, 1, (160, 40));
}

#[test]
fn forty_runs_at_once_are_each_in_their_own_state() {
    lives(40, 9, (160, 120));
}

/// With a new end of the root it is complete.
#[test]
fn what_comes_late_after_the_end_of_the_root_opens_the_run_again() {
    let mut run = Sent::new(2, Some("s1"));
    let mut scene = Scene::live(160, 40);
    for span in [run.turn(), run.root()] {
        scene = scene.sends(request(&[span]));
    }
    check(&mut scene, std::slice::from_ref(&run), "complete");
    let late = run.started() + 60_000_000_000;
    let attributes = json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"});
    let span = run.span(50, Some(900), "chat gpt-4o", late, &attributes);
    scene = scene.sends(request(&[span]));
    let (rows, _) = stored(&scene, Some("s1"));
    assert_eq!(rows[0].run_state(Timestamp::now()), RunState::Running, "{rows:?}");
}
