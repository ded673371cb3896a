//! Milliseconds from starting the program to its first frame, and to the first frame with data, 100 k spans stored.

use std::io::Read;
use std::time::Instant;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::query;

const ROUNDS: usize = 5;

pub fn run() {
    let folder = tempfile::tempdir().unwrap();
    let path = query::filled(folder.path());
    for _ in 0..ROUNDS {
        let pty = native_pty_system().openpty(PtySize { rows: 40, cols: 120, ..PtySize::default() }).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_sideseat-tui"));
        for argument in ["--grpc-port", "off", "--http-port", "0", "--sideseat-port", "off", "--theme", "dark", "--db"]
        {
            command.arg(argument);
        }
        command.arg(&path);
        command.env("TERM", "xterm-256color");
        for variable in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "HOME"] {
            command.env(variable, folder.path());
        }
        let began = Instant::now();
        let mut child = pty.slave.spawn_command(command).unwrap();
        let mut reader = pty.master.try_clone_reader().unwrap();
        let mut screen = vt100::Parser::new(40.try_into().unwrap(), 120.try_into().unwrap(), 0);
        let mut frame = None;
        let mut chunk = vec![0; 65536];
        let data = loop {
            let count = reader.read(&mut chunk).unwrap();
            screen.process(&chunk[..count]);
            let text = screen.screen().contents();
            if frame.is_none() && text.contains("sideseat-tui") {
                frame = Some(began.elapsed());
            }
            if text.contains("runs") && text.contains('▌') {
                break began.elapsed();
            }
        };
        println!("first frame {:?}, with data {data:?}", frame.unwrap_or(data));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
