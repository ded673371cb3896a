//! Receives OTLP: binds ports, serves both protocols, and hands each export to an [`ExportSink`].
//!
//! ```text
//!   listen      which ports are bound, and which process holds one that is taken
//!   serve       connections: accepted, served, closed
//!   connections how many there may be, and how long one may be silent
//!   admission   which requests a port answers, and how the others are refused
//!   token       what senders need where other machines can reach a port
//!   http        POST /v1/…, /otel/{project}/v1/…, Langfuse's paths; health   ┐
//!   grpc        the same three services over gRPC                            ├─▶ ExportSink: Intake, or another
//!   budget      how much memory and time exports may take
//!   body        reads and decompresses bodies, within limits                 ┘   instance
//!   intake      the sink that stores: decode, understand, submit, wait for the commit
//!   refusal     why an export is refused; refusal_reply: how that looks over either protocol
//!   counts      what was received and what was refused, for the screen
//!   programs    the programs that `run` has announced, for the screen
//!   screens     GET /api/v1/attach: the screens of other machines
//! ```
//!
//! A sender is answered with success only after the sink has accepted its export. For [`Intake`] that means that the
//! export is committed and synced.

mod admission;
mod body;
mod budget;
mod connections;
mod counts;
mod grpc;
mod http;
mod intake;
mod listen;
mod programs;
mod refusal;
mod refusal_reply;
mod screens;
mod serve;
mod token;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;

pub use crate::decode::Accepted;
pub use counts::{Counts, CountsSnapshot, Refused};
pub use intake::Intake;
pub use listen::{Address, BindError, Listeners, PortChoice, Ports, Protocol};
pub use programs::Programs;
pub use refusal::{Reason, Refusal};
pub use screens::{PROTOCOL, Screens};
pub use serve::Serving;
pub use token::Token;

use crate::{
    decode::{Encoding, Signal},
    model::{Project, Rescue, Timestamp, TraceId},
};

/// One export as it was sent, decompressed.
#[derive(Debug, Clone)]
pub struct Export {
    pub signal: Signal,
    /// The project that it was sent to; the default one if its path names none.
    pub project: Project,
    /// The request message, in `encoding`.
    pub body: Bytes,
    pub encoding: Encoding,
    /// The sender's address.
    pub peer: SocketAddr,
    /// How long it waited before it was read, as part of what it may wait at all.
    pub waited: Duration,
}

/// What exports are handed to: it stores them, or sends them on to another instance.
pub trait ExportSink: Clone + Send + Sync + 'static {
    /// Accepts an export. Once this is `Ok`, what was not rejected is never lost.
    fn accept(&self, export: Export) -> impl Future<Output = Result<Accepted, Refusal>> + Send;

    /// Takes what `run` says at the end of its program: the traces that the program left unfinished, and when it ended. It
    /// is not acknowledged: where it cannot be stored, they count as running for a while.
    fn program_ended(&self, unfinished: Vec<TraceId>, at: Timestamp) -> impl Future<Output = ()> + Send;

    /// Where connections and refusals are counted.
    fn counts(&self) -> &Arc<Counts>;

    /// Whether nothing can be stored just now, as far as that is known here.
    fn is_failing(&self) -> bool {
        false
    }

    /// How it stands with a part of the store's file that cannot be read; `None` if all can, as far as that is known here.
    fn rescue(&self) -> Option<Rescue> {
        None
    }
}
