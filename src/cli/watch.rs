//! No command: the screen, and the listeners behind it.

use super::{GOOD, complain, is_read_by_a_person, serve};
use crate::{config::Settings, start};

/// Watches; without a terminal to draw on, serves.
pub fn watch(settings: &Settings) -> anyhow::Result<u8> {
    if !is_read_by_a_person() {
        complain("standard output is no terminal, so there is no screen; doing what `sideseat-tui serve` does");
        return serve::serve(settings);
    }
    start::watch(settings)?;
    Ok(GOOD)
}
