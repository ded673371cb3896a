//! The command line in, an exit code out.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    ExitCode::from(sideseat_tui::cli::main(env::args_os()))
}
