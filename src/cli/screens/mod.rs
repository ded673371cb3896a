//! Screens that attach to the instance that holds the store, over its socket or over HTTP.
//!
//! ```text
//!   words    what crosses the connection
//!   serving  the instance's end        remote  the screen's end, a `Source`
//!   dial     how a screen reaches an instance of another machine
//! ```

mod dial;
mod remote;
mod serving;
pub mod words;

pub use dial::{Address, Wire, dial};
pub use remote::Remote;
pub use serving::{MOST, serve};
pub use words::Hello;
