//! What the store holds → files for others to read. Pure but for the writer it is handed.
//!
//! ```text
//!   transcript   what was understood, as one JSON document
//!   forms        the shapes of that document: a struct or a function for each of its tables
//!   parts        parts of messages, values and media in it
//!   otlp         what was received, as OTLP
//!   markdown     what happened, for people and models, cut to a number of tokens
//!   prompt       what a call was sent, as JSON; replay: as code that makes the call again
//! ```
//!
//! The transcript is a public format:
//!
#![doc = include_str!("transcript.md")]

mod forms;
pub mod markdown;
pub mod otlp;
mod parts;
pub mod prompt;
pub mod replay;
pub mod transcript;
