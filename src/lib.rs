//! sideseat-tui: see what your AI agent did.
//!
//! An export is **received**, **decoded**, **translated**, **priced** and **stored**; a change is noticed, a query is
//! asked, its rows are **assembled** into an answer, the state is **updated**, the screen **drawn**.
//!
//! ```text
//!  agents ──OTLP──▶ receive ─▶ decode ─▶ understand ──────────▶ store writer ─▶ DuckDB
//!                      ▲                 dialects, pricing        │      │         │
//!                      └────────── yes, once it is synced ────────┘      │ what    │ rows
//!                                                                        ▼ changed ▼
//!    keys ──▶ terminal ──events──▶ app: state, update ◀── answers ── assemble ◀── store readers
//!                 ▲                     │    └───────── queries ──────────────────────▲
//!  screen ◀───────┴──── view ◀─ &State ─┘
//! ```
//!
//! The rooms, in the order in which data walks through them. Who may see whom is held by a test. How to work on them, and
//! what the words mean, is in `CONTRIBUTING.md`; what is known of senders and of conversations is in the documents of
//! `decode`, `dialects`, `assemble` and `export`.

// Tests that are shared with `tests/it` name this library as a stranger would.
#[cfg(test)]
extern crate self as sideseat_tui;

/// The nouns: spans, messages, tokens, conversations.
pub mod model;

/// OTLP arrives: sockets, both protocols, and the intake behind them.
pub mod receive;

/// OTLP's shapes → our nouns, and back.
pub mod decode;

/// Spans and log records → what the agent did, whichever dialect they are written in.
pub mod dialects;

/// Tokens → money.
pub mod pricing;

/// One span or log record → what it says, priced: the one path for all that is understood.
pub mod understand;

/// The filter language: text → terms.
pub mod filter;

/// The only room that knows `DuckDB`: keeps what arrived, and answers queries.
pub mod store;

/// Stored rows → what is shown: span trees, conversations, tool runs, sums.
pub mod assemble;

/// What is stored → files for others to read.
pub mod export;

/// What a theme may paint: the table of slots.
pub mod slots;

/// What the detail shows: the table of its tabs.
pub mod tabs;

/// How programs of each framework are made to send their telemetry, and which ones a project uses.
pub mod frameworks;

/// What the user is looking at, moved by events.
pub mod app;

/// Place and keys → action.
pub mod keymap;

/// Slot → style.
pub mod theme;

/// State → cells.
pub mod view;

/// The only room that touches the terminal.
pub mod terminal;

/// What differs between Linux and macOS.
pub mod platform;

/// Did you mean …: for every room that reads names.
pub mod nearest;

/// Settings: command line over environment over file.
pub mod config;

/// Opens every room and closes them in reverse.
pub mod start;

/// The command line: a file a command.
pub mod cli;
