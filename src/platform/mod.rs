//! What differs between Linux and macOS: nothing else asks which system it is.
//!
//! ```text
//!   ports     the process that has a port: Linux alone shows it
//!   pipes     pipes and pseudo-terminals that no other program inherits
//! ```
//!
//! Windows has no door yet: it would take another way to be told of signals, sockets in the file system, locks of files,
//! and a terminal (`terminal`, `cli::run`, `cli::answering`, `config::instances`, `store::log_file` name `rustix`).

mod pipes;
mod ports;

pub use pipes::{pipe, pseudo_terminal, waking_pipe};
pub use ports::holder;
