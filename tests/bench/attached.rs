//! A second screen that is attached while something else is measured: keys are pressed in it, and it is noted how soon it
//! writes something after each.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

/// Down and up, another tab, a run's detail and back. None of them leaves the screen as it is for long.
const KEYS: &[&str] = &["j", "j", "k", "\t", "2", "1", "G", "g", "\r", "j", "\x1b", "k"];
const BETWEEN: Duration = Duration::from_millis(400);
/// A key that changes nothing is answered by nothing.
const SILENT: Duration = Duration::from_secs(2);

/// Attaches one to the program that has this store open, until `ended`; how long each key took that was answered.
pub fn watch(db: &Path, home: &Path, ended: &AtomicBool) -> Vec<Duration> {
    let pty = native_pty_system().openpty(PtySize { rows: 40, cols: 120, ..PtySize::default() }).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_sideseat-tui"));
    command.args(["--theme", "dark", "--db"]);
    command.arg(db);
    command.env("TERM", "xterm-256color");
    for variable in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "HOME"] {
        command.env_remove(variable);
    }
    command.env("HOME", home);
    let mut child = pty.slave.spawn_command(command).unwrap();
    let (mut reader, mut keys) = (pty.master.try_clone_reader().unwrap(), pty.master.take_writer().unwrap());
    let (wrote, written) = mpsc::channel();
    std::thread::spawn(move || {
        let mut chunk = vec![0; 65536];
        while let Ok(1..) = reader.read(&mut chunk) {
            if wrote.send(Instant::now()).is_err() {
                return;
            }
        }
    });
    let mut took = Vec::new();
    for key in KEYS.iter().cycle() {
        std::thread::sleep(BETWEEN);
        if ended.load(Ordering::Relaxed) {
            break;
        }
        while written.try_recv().is_ok() {}
        let pressed = Instant::now();
        if keys.write_all(key.as_bytes()).is_err() {
            break;
        }
        match written.recv_timeout(SILENT) {
            Ok(at) => took.push(at.saturating_duration_since(pressed)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    assert!(child.try_wait().unwrap().is_none(), "the attached screen ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    took
}
