//! sideseat-tui: see what your AI agent did.
//!
//! An export is **received**, **decoded**, **translated**, **priced** and **stored**; a change is noticed, a query is
//! asked, its rows are **assembled** into an answer, the state is **updated**, the screen **drawn**.
//!
//! ```text
//!  agents ──OTLP──▶ receive ─▶ decode ─▶ dialects ─▶ pricing ─▶ store writer ─▶ DuckDB
//!                      ▲                                          │      │         │
//!                      └────────── yes, once it is synced ────────┘      │ what    │ rows
//!                                                                        ▼ changed ▼
//!    keys ──▶ terminal ──events──▶ app: state, update ◀── answers ── assemble ◀── store readers
//!                 ▲                     │    └───────── queries ──────────────────────▲
//!  screen ◀───────┴──── view ◀─ &State ─┘
//! ```
//!
//! The rooms, in the order in which data walks through them. Who may see whom is held by a test.

/// The nouns: spans, messages, tokens, conversations.
pub mod model;

/// OTLP arrives: sockets and the doorway behind them.
pub mod receive;

/// OTLP's shapes → our nouns, and back.
pub mod decode;

/// Our nouns → what the agent did, in whichever dialect it was said.
pub mod dialects;

/// Tokens → money.
pub mod pricing;

/// The only room that says `DuckDB`.
pub mod store;

/// Rows → what is shown: trees, conversations, tools, sums.
pub mod assemble;

/// What is stored → files for others to read.
pub mod export;

/// What a theme may paint: the table of slots.
pub mod slots;

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

/// Settings: command line over environment over file.
pub mod config;

/// Opens every room and closes them in reverse.
pub mod start;

/// The command line: a file a command.
pub mod cli;
