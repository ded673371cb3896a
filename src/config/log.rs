//! The log is written into a file, never on the screen and never as OTLP.

use std::{
    backtrace::Backtrace,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    panic::{self, PanicHookInfo},
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
};

use tracing_subscriber::{EnvFilter, fmt};

use super::{ConfigError, LogLevel, Settings};

/// Bytes from which on a log is renamed, replacing the one that was renamed before, and a new one is begun.
const LARGEST: u64 = 8 << 20;

/// Starts logging, and reports panics on stderr from now on.
///
/// # Errors
/// A log file that the user named cannot be written. If the default one cannot be, nothing is logged.
pub fn logging(settings: &Settings) -> Result<(), ConfigError> {
    let level = settings.log_level.value;
    let file = settings.log_file.value.as_deref().filter(|_| level != LogLevel::Off);
    if let Some(path) = file {
        match LogFile::open(path) {
            Ok(file) => write_to(file, level),
            Err(_) if settings.log_file.is_default() => {}
            Err(error) => return Err(ConfigError::Log { file: path.to_owned(), error }),
        }
    }
    let shown = file.map(|path| settings.paths.shown(path));
    panic::set_hook(Box::new(move |panic| panicked(panic, shown.as_deref())));
    Ok(())
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    if fs::metadata(path).is_ok_and(|log| log.is_file() && log.len() > LARGEST) {
        fs::rename(path, path.with_extension("log.old"))?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// A log file that does not grow without end: where it has become too large, a new one is begun.
struct LogFile {
    path: PathBuf,
    file: File,
}

impl LogFile {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: open(path)? })
    }
}

impl io::Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // Other processes write to it as well, and one of them may have renamed it.
        if self.file.metadata().is_ok_and(|log| log.is_file() && log.len() > LARGEST)
            && let Ok(new) = open(&self.path)
        {
            self.file = new;
        }
        self.file.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn write_to(file: LogFile, level: LogLevel) {
    // Events of libraries below a warning are about the libraries, not about this program.
    let others = if level == LogLevel::Error { "error" } else { "warn" };
    let filter = EnvFilter::new(format!("{others},sideseat_tui={level}"));
    // There is a logger already in tests, which may stay.
    let _ = fmt().with_ansi(false).with_env_filter(filter).with_writer(Mutex::new(file)).try_init();
}

/// Reports a panic on stderr, with its message and the path of the log. While there is a screen, it is closed before and
/// the program ends after; without a screen, only the connection or command of the thread ends.
fn panicked(panic: &PanicHookInfo, log: Option<&str>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload_as_str().unwrap_or("?");
    let thread = thread::current();
    let backtrace = Backtrace::force_capture();
    tracing::error!(thread = thread.name(), %place, %backtrace, "panicked: {message}");
    let log = log.map_or_else(String::new, |log| format!("; the log is {log}"));
    let _ = writeln!(io::stderr(), "sideseat-tui: a bug, sorry: {message} ({place}){log}");
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_log_that_grew_large_is_put_aside_and_the_new_one_is_the_users_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/tui.log");
        open(&path).unwrap().set_len(LARGEST + 1).unwrap();
        assert_eq!(open(&path).unwrap().metadata().unwrap().len(), 0);
        assert!(folder.path().join("state/tui.log.old").exists());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_log_that_grows_while_it_is_written_begins_anew_and_one_that_went_before_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tui.log");
        let old = folder.path().join("tui.log.old");
        let (mut one, mut other) = (LogFile::open(&path).unwrap(), LogFile::open(&path).unwrap());
        let line = [vec![b'x'; 1 << 20], vec![b'\n']].concat();
        let length = |path: &Path| fs::metadata(path).map_or(0, |log| log.len());
        for round in 0..44 {
            let log = if round % 3 == 0 { &mut other } else { &mut one };
            log.write_all(&line).unwrap();
            assert!(length(&path).max(length(&old)) <= LARGEST + 2 * line.len() as u64, "{round}");
        }
        // Whoever had the old one open writes to the new one.
        assert!(length(&old) > LARGEST && length(&path) > 0);
        let written = length(&path);
        other.write_all(b"a line\n").unwrap();
        one.write_all(b"a line\n").unwrap();
        assert_eq!(length(&path), written + 14);
    }
}
