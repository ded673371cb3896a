//! What differs between Linux and macOS: nothing else asks which system it is.
//!
//! ```text
//!   ports     the process that has a port: Linux alone shows it
//!   pipes     pipes and pseudo-terminals that no other program inherits
//! ```
//!
//! Windows has no door yet. What names Unix, and would have to be done otherwise there:
//!
//! ```text
//!   signals              terminal::{signals, event_loop::effects}, cli::{run, serve, candidates}, app::program
//!   sockets of one user  cli::{answering, asking, watching, screens}, receive::screens
//!   files of one user    start, config::{instances, log}, cli::blobs; store::open does without
//!   locks, room on disk  store::{log_file, pool, reserve}
//!   the terminal         terminal::{guard, input, ask, event_loop}, cli::{run::stderr, tables}, pipes
//! ```

mod pipes;
mod ports;

pub use pipes::{pipe, pseudo_terminal, waking_pipe};
pub use ports::holder;
