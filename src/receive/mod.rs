//! OTLP arrives: sockets, both protocols, and the one doorway behind them.
//!
//! ```text
//!   listen   which ports, and who holds one that is taken
//!   serve    connections: accept, serve, close
//!   door     who is let in, and how everyone else is told why not
//!   http     POST /v1/… and /otel/{project}/v1/…, GET /api/v1/health      ┐
//!   grpc     the same three services over gRPC                            ├─▶ Taker: Intake, or another's door
//!   body     reads and decompresses, never more than its limit            ┘
//!   intake   decode, translate, price, submit, wait
//!   refusal  why not, and how that looks on either wire
//!   counts   what came and what was refused, for the screen
//! ```
//!
//! A sender is told yes only after a [`Taker`] has taken its export, which for [`Intake`] means that it is synced.

mod body;
mod counts;
mod door;
mod grpc;
mod http;
mod intake;
mod listen;
mod refusal;
mod serve;

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;

pub use counts::{Counts, Refused, Seen};
pub use intake::Intake;
pub use listen::{Address, BindError, Listeners, PortChoice, Ports, Protocol};
pub use refusal::{Reason, Refusal};
pub use serve::Serving;

use crate::{
    decode::{Encoding, Signal},
    model::Project,
};

/// One export as it came, decompressed.
#[derive(Debug, Clone)]
pub struct Export {
    pub signal: Signal,
    pub project: Project,
    pub body: Bytes,
    pub encoding: Encoding,
    pub peer: SocketAddr,
}

/// What was taken of an export, which is not always all of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    /// Spans, log records or data points.
    pub rejected: u64,
    /// Why, for the sender; empty where nothing was rejected.
    pub why: String,
}

/// Where exports go: into the store, or on to another instance.
pub trait Taker: Clone + Send + Sync + 'static {
    /// Takes an export; what is `Ok` will never be lost.
    fn take(&self, export: Export) -> impl Future<Output = Result<Accepted, Refusal>> + Send;

    /// Where connections and refusals are counted.
    fn counts(&self) -> &Arc<Counts>;
}
