//! The programs that `run` processes on this machine have announced, for the screen. Nothing of them is stored.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::model::Program;

/// A `run` announces its program every second; one that is silent for so long was killed, or suspended.
const SILENT: Duration = Duration::from_secs(10);
/// How long one that ended well is listed: its runs say all there is to say.
const ENDED: Duration = Duration::from_secs(3);
/// How long one that failed is listed, unless the same command is started again before.
const FAILED: Duration = Duration::from_hours(1);
/// Most programs that are listed, those that are forgotten first being the oldest that ended.
const MOST: usize = 32;

/// The programs that run, and those that failed.
#[derive(Debug, Default)]
pub struct Programs(Mutex<Vec<Announced>>);

#[derive(Debug)]
struct Announced {
    program: Program,
    /// When it was last announced.
    at: Instant,
}

impl Programs {
    /// Takes what is known of a program now in place of what was known of it. One that failed is forgotten once the same
    /// command is started again.
    pub fn announce(&self, program: Program, now: Instant) {
        let program = program.bounded();
        let mut list = self.lock();
        let is_new = !list.iter().any(|other| other.program.id == program.id);
        list.retain(|other| {
            let again = is_new && other.program.ended.is_some() && other.program.command == program.command;
            other.program.id != program.id && !again
        });
        if list.len() == MOST {
            let oldest = list.iter().position(|other| other.program.ended.is_some()).unwrap_or(0);
            list.remove(oldest);
        }
        list.push(Announced { program, at: now });
    }

    /// Those to show, the newest first.
    #[must_use]
    pub fn list(&self, now: Instant) -> Vec<Program> {
        let mut list = self.lock();
        list.retain(|announced| {
            let silent = now.saturating_duration_since(announced.at);
            match &announced.program.ended {
                None => silent < SILENT,
                Some(_) => silent < if announced.program.has_failed() { FAILED } else { ENDED },
            }
        });
        let mut programs: Vec<Program> = list.iter().map(|announced| announced.program.clone()).collect();
        programs.sort_by_key(|program| std::cmp::Reverse((program.id.started, program.id.pid)));
        programs
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Announced>> {
        // A panic while it was locked leaves whole programs.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Exit, ProgramEnd, ProgramId, Timestamp};

    fn program(pid: u32, ended: Option<Exit>) -> Program {
        let stderr = || vec!["x".repeat(9_000); 90];
        let end = |exit| ProgramEnd { at: Timestamp(9), exit, stderr: stderr(), unfinished: Vec::new() };
        let ended = ended.map(end);
        let id = ProgramId { pid, started: Timestamp(pid.into()) };
        Program { id, command: format!("agent {pid}"), traces: 0, newest: Vec::new(), records: 0, ended }
    }

    fn pids(programs: &Programs, now: Instant) -> Vec<u32> {
        programs.list(now).into_iter().map(|program| program.id.pid).collect()
    }

    #[test]
    fn one_is_listed_while_it_is_announced_and_after_it_failed() {
        let (programs, now) = (Programs::default(), Instant::now());
        programs.announce(program(1, None), now);
        programs.announce(program(2, None), now);
        programs.announce(program(1, None), now);
        assert_eq!(pids(&programs, now), [2, 1]);
        programs.announce(program(1, Some(Exit::Code(0))), now);
        programs.announce(program(2, Some(Exit::Signal(9))), now);
        programs.announce(program(3, None), now);
        assert_eq!(pids(&programs, now + Duration::from_secs(2)), [3, 2, 1]);
        assert_eq!(pids(&programs, now + Duration::from_secs(5)), [3, 2]);
        assert_eq!(pids(&programs, now + Duration::from_mins(5)), [2], "its `run` was killed");
        let again = Program { command: "agent 2".into(), ..program(4, None) };
        programs.announce(again, now + Duration::from_mins(5));
        assert_eq!(pids(&programs, now + Duration::from_mins(5)), [4]);
    }

    #[test]
    fn neither_their_number_nor_what_they_write_grows() {
        let (programs, now) = (Programs::default(), Instant::now());
        for pid in 0..1_000 {
            programs.announce(program(pid, Some(Exit::Code(1))), now);
        }
        let list = programs.list(now);
        assert_eq!((list.len(), list[0].id.pid), (MOST, 999));
        let stderr = &list[0].ended.as_ref().unwrap().stderr;
        assert_eq!((stderr.len(), stderr[0].len()), (Program::LINES, Program::LONGEST));
    }
}
