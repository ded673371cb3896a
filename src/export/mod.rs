//! What the store holds → files for others to read. Pure but for the writer it is handed.
//!
//! ```text
//!   transcript   what was understood, as one JSON document
//!   forms        the shapes of that document: a struct or a function for each of its tables
//!   parts        parts of messages, values and media in it
//!   otlp         what was received, as OTLP
//! ```

mod forms;
pub mod otlp;
mod parts;
pub mod transcript;
