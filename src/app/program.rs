//! What there is to say of a program that `run` started, in a few words.

use crate::model::{Exit, Program, RunState};

/// How it stands, as a run's state.
#[must_use]
pub fn state(program: &Program) -> RunState {
    match program.ended {
        None => RunState::Running,
        Some(_) if program.has_failed() => RunState::Failed,
        Some(_) => RunState::Done,
    }
}

/// `exit code 1`, `killed by SIGKILL`.
#[must_use]
pub fn exit(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(number) => match signal_hook::low_level::signal_name(number) {
            Some(name) => format!("killed by {name}"),
            None => format!("killed by signal {number}"),
        },
    }
}

/// `no span yet`, `3 runs`: what it has sent.
#[must_use]
pub fn sent(program: &Program) -> String {
    match (program.traces, program.records, &program.ended) {
        (0, 0, None) => "no span yet".to_owned(),
        (0, 0, Some(_)) => "sent nothing".to_owned(),
        // Log records that name no trace.
        (0, _, _) => "no run".to_owned(),
        (1, ..) => "1 run".to_owned(),
        (runs, ..) => format!("{runs} runs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_named_as_shells_and_systems_do() {
        assert_eq!(exit(Exit::Code(2)), "exit code 2");
        assert_eq!(exit(Exit::Signal(9)), "killed by SIGKILL");
        assert_eq!(exit(Exit::Signal(99)), "killed by signal 99");
    }
}
