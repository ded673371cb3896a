//! Announces the program to the instance that shows what it sends: that it runs, what it has sent, how it ended.

use std::{ffi::OsString, time::Duration};

use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    cli::{delivery, instance::Instance},
    config::Settings,
    model::{Program, ProgramEnd, ProgramId, Timestamp, TraceId},
};

/// How often what is known is announced. An instance forgets a program that it hears nothing of for ten seconds.
const PERIOD: Duration = Duration::from_secs(1);
/// How long an instance may take to answer before `run` ends without its answer.
const LAST: Duration = Duration::from_secs(2);

/// What the program has sent so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// Number of traces.
    pub traces: u64,
    /// Those that began last, at most [`Program::NEWEST`].
    pub newest: Vec<TraceId>,
    /// Spans and log records.
    pub records: u64,
}

/// The task that announces the program. An instance that starts later is found as well.
pub struct Announcer {
    ended: oneshot::Sender<ProgramEnd>,
    task: JoinHandle<()>,
}

impl Announcer {
    /// `pid`: of the program that was started just now.
    pub fn start(settings: &Settings, pid: u32, command: &[OsString], progress: watch::Receiver<Progress>) -> Self {
        let command = command.iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
        let id = ProgramId { pid, started: Timestamp::now() };
        let program = Program { id, command, traces: 0, newest: Vec::new(), records: 0, ended: None }.bounded();
        let (ended, ends) = oneshot::channel();
        Self { ended, task: tokio::spawn(announce(settings.clone(), program, progress, ends)) }
    }

    /// Announces how the program ended.
    pub async fn finish(self, end: ProgramEnd) {
        // Where the task has ended nobody is there to be told.
        let _ = self.ended.send(end);
        let _ = timeout(LAST, self.task).await;
    }
}

async fn announce(
    settings: Settings,
    mut program: Program,
    progress: watch::Receiver<Progress>,
    mut ends: oneshot::Receiver<ProgramEnd>,
) {
    let mut instance: Option<Instance> = None;
    loop {
        let Progress { traces, newest, records } = progress.borrow().clone();
        (program.traces, program.newest, program.records) = (traces, newest, records);
        if instance.is_none() {
            instance = delivery::running(&settings).await;
        }
        if let Some(there) = &instance
            && there.announce(&program).await.is_err()
        {
            instance = None;
        }
        if program.ended.is_some() {
            return;
        }
        tokio::select! {
            () = sleep(PERIOD) => {}
            end = &mut ends => match end {
                Ok(end) => program.ended = Some(end),
                Err(_) => return,
            },
        }
    }
}
