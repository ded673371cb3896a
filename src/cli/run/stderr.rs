//! The program's stderr: handed on as it is written, and its last lines kept, which say why a program failed.
//!
//! ```text
//!   a terminal            another one, of the same size and raw: the program sees a terminal, its bytes pass unchanged
//!   a file or a pipe      a pipe
//!   the same as stdout    left alone: through a pipe the order of the two would be another
//! ```

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, IsTerminal as _, Read as _, Write as _},
    os::fd::{AsFd, OwnedFd},
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{Mode, OFlags, fstat, open},
    io::fcntl_dupfd_cloexec,
    pty::ptsname,
    termios::{OptionalActions, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize},
};

use crate::{model::Program, platform};

/// Most bytes of stderr that are kept.
const KEPT: usize = 32 * 1024;
/// How long the rest of what the program wrote may take to arrive after it has ended: what it started may live on and
/// keep its stderr open.
const REST: Duration = Duration::from_millis(300);

/// How long our own stderr may take to take it.
const SLOW: Duration = Duration::from_secs(10);

/// The reading end of the program's stderr.
pub struct Stderr {
    reader: OwnedFd,
    is_terminal: bool,
}

/// The copying of the program's stderr to our own.
pub struct Copying {
    kept: Arc<Mutex<VecDeque<u8>>>,
    /// Some of it is being written to our own stderr.
    writes: Arc<AtomicBool>,
    /// Says when nothing more can come.
    done: mpsc::Receiver<()>,
    /// The terminal's other end, whose size follows that of our own terminal.
    terminal: Option<OwnedFd>,
}

impl Stderr {
    /// What to give the program as stderr, and the end from which it is read; `None` where it is to be left alone.
    pub fn open() -> io::Result<Option<(Self, Stdio)>> {
        let own = io::stderr();
        if own.is_terminal() {
            let (reader, writer) = terminal(own.as_fd())?;
            return Ok(Some((Self { reader, is_terminal: true }, writer.into())));
        }
        let (out, err) = (fstat(io::stdout())?, fstat(&own)?);
        if (out.st_dev, out.st_ino) == (err.st_dev, err.st_ino) {
            return Ok(None);
        }
        let (reader, writer) = platform::pipe()?;
        Ok(Some((Self { reader, is_terminal: false }, writer.into())))
    }

    /// Starts to copy, on a thread of its own. The program has the other end, and nobody else.
    pub fn copy(self) -> io::Result<Copying> {
        let Self { reader, is_terminal } = self;
        let terminal = if is_terminal { Some(fcntl_dupfd_cloexec(&reader, 3)?) } else { None };
        let kept = Arc::<Mutex<VecDeque<u8>>>::default();
        let (ends, done) = mpsc::channel();
        let writes = Arc::<AtomicBool>::default();
        let (keeps, writing) = (Arc::clone(&kept), Arc::clone(&writes));
        thread::Builder::new().name("stderr".to_owned()).spawn(move || {
            copy(reader.into(), &keeps, &writing);
            // Nobody may wait any more.
            let _ = ends.send(());
        })?;
        Ok(Copying { kept, writes, done, terminal })
    }
}

impl Copying {
    /// Our terminal has another size.
    pub fn resize(&self) {
        if let Some(terminal) = &self.terminal
            && let Ok(size) = tcgetwinsize(io::stderr())
        {
            // A size that cannot be set is that of before.
            let _ = tcsetwinsize(terminal, size);
        }
    }

    /// The last lines that were written. Waits a moment for what is still on its way.
    pub fn last_lines(&self) -> Vec<String> {
        let began = Instant::now();
        // Whatever has not arrived by then is not shown. Where our own stderr is read slowly, it is waited for.
        while self.done.recv_timeout(REST) == Err(RecvTimeoutError::Timeout)
            && self.writes.load(Ordering::Relaxed)
            && began.elapsed() < SLOW
        {}
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, second) = kept.as_slices();
        last_lines(&[first, second].concat())
    }
}

/// A new terminal that passes bytes on unchanged, of the same size as ours and with its settings: the end to read from,
/// and the program's.
fn terminal(ours: impl AsFd) -> io::Result<(OwnedFd, OwnedFd)> {
    let reader = platform::pseudo_terminal()?;
    let name = ptsname(&reader, Vec::new())?;
    let writer = open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    let mut settings = tcgetattr(&ours)?;
    settings.make_raw();
    tcsetattr(&writer, OptionalActions::Now, &settings)?;
    tcsetwinsize(&writer, tcgetwinsize(&ours)?)?;
    Ok((reader, writer))
}

fn copy(mut from: File, kept: &Mutex<VecDeque<u8>>, writes: &AtomicBool) {
    let mut buffer = [0; 8 * 1024];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // So says a terminal that nobody has open any more.
            Err(_) => return,
        };
        // Where our stderr takes nothing the program's cannot be handed on; the program goes on.
        writes.store(true, Ordering::Relaxed);
        let _ = io::stderr().write_all(&buffer[..count]);
        writes.store(false, Ordering::Relaxed);
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&buffer[..count]);
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
}

/// The last lines of a text for a terminal, as they stood there at the end: without commands to the terminal, and of a
/// line that was written over only the last.
fn last_lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let text = without_commands(&text);
    let lines = text.lines().map(|line| line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default().trim_end());
    let lines: Vec<&str> = lines.collect();
    let end = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    lines[end.saturating_sub(Program::LINES)..end].iter().map(|line| (*line).to_owned()).collect()
}

/// A text without its escape sequences: colours, titles, movements.
fn without_commands(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            out.push(c);
            continue;
        }
        match rest.next() {
            // CSI … to its final byte.
            Some('[') => while rest.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
            // OSC, DCS, APC, PM: to the bell, or to the string terminator.
            Some(']' | 'P' | '_' | '^') => {
                while let Some(c) = rest.next() {
                    if c == '\u{7}' {
                        break;
                    }
                    if c == '\u{1b}' {
                        rest.next_if_eq(&'\\');
                        break;
                    }
                }
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_those_that_stood_on_the_terminal() {
        let written = b"start\r\n 10%\r 50%\r100%\n\x1b[31mValueError\x1b[0m: no\x1b]0;title\x07 city\n\n";
        assert_eq!(last_lines(written), ["start", "100%", "ValueError: no city"]);
        assert_eq!(last_lines(b""), Vec::<String>::new());
        let many: Vec<String> = (0..100).map(|line| format!("line {line}")).collect();
        let lines = last_lines(many.join("\n").as_bytes());
        assert_eq!((lines.len(), &*lines[0]), (Program::LINES, "line 60"));
    }
}
