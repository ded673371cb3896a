//! A program that `run` started, as `run` announces it to the instance that shows what it sends.

use serde::{Deserialize, Serialize};

use super::{Timestamp, TraceId};

/// What is known of it at one moment. Its texts are the program's own, control characters included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    pub id: ProgramId,
    /// The command line, on one line, cut at [`Self::LONGEST`] characters.
    pub command: String,
    /// Number of traces of which it has sent anything.
    pub traces: u64,
    /// Those of them that began last, at most [`Self::NEWEST`].
    pub newest: Vec<TraceId>,
    /// Number of spans and log records that it has sent.
    pub records: u64,
    /// `None` while it runs.
    pub ended: Option<ProgramEnd>,
}

/// Process ids are used again, so the start tells two programs apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProgramId {
    pub pid: u32,
    pub started: Timestamp,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramEnd {
    pub at: Timestamp,
    pub exit: Exit,
    /// The last lines that it wrote to stderr, at most [`Program::LINES`]; empty where they are not known.
    pub stderr: Vec<String>,
    /// The traces that it left unfinished, at most [`Program::UNFINISHED`]: nothing more of them comes from it.
    #[serde(default)]
    pub unfinished: Vec<TraceId>,
}

/// What the system says of a process that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    Code(i32),
    /// It was ended by this signal.
    Signal(i32),
}

impl Program {
    /// Most characters of a command line, and of a line of stderr.
    pub const LONGEST: usize = 400;
    /// Most traces that are named.
    pub const NEWEST: usize = 64;
    /// Most lines of stderr that are kept.
    pub const LINES: usize = 40;
    /// Most traces that are named as unfinished.
    pub const UNFINISHED: usize = 2048;

    /// Cuts what is longer than it may be. The sender is another process.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.command = cut(&self.command);
        let surplus = self.newest.len().saturating_sub(Self::NEWEST);
        self.newest.drain(..surplus);
        if let Some(ended) = &mut self.ended {
            let surplus = ended.stderr.len().saturating_sub(Self::LINES);
            ended.stderr.drain(..surplus);
            ended.unfinished.truncate(Self::UNFINISHED);
            for line in &mut ended.stderr {
                *line = cut(line);
            }
        }
        self
    }

    /// Whether it ended by a signal, or with an exit code other than 0.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.ended.as_ref().is_some_and(|ended| ended.exit != Exit::Code(0))
    }
}

fn cut(text: &str) -> String {
    text.chars().take(Program::LONGEST).collect()
}
