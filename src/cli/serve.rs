//! `serve`: listeners without a screen.

use std::io::{self, Write as _};

use super::GOOD;
use crate::{config::Settings, receive::Address, start};

pub const EXAMPLES: &str = "\
Examples:
  sideseat-tui serve
  sideseat-tui serve --db build.duckdb --http-port 0 --grpc-port off    # any free port, no gRPC

Prints, when it is ready:
  grpc 127.0.0.1:4317
  http 127.0.0.1:4318
  sideseat 127.0.0.1:5388";

/// Receives until it is told to stop.
pub fn serve(settings: &Settings) -> anyhow::Result<u8> {
    start::serve(settings, print)?;
    Ok(GOOD)
}

/// One address a line, for people and for scripts that wait for it.
fn print(addresses: &[Address]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for address in addresses {
        writeln!(out, "{} {}", address.what.as_str().to_lowercase(), address.socket())?;
    }
    out.flush()
}
