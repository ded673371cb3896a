//! Everything that is proved of the whole: one binary, so that DuckDB is linked once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

mod architecture;
mod attach;
mod commands;
mod crash;
mod cycles;
mod digest;
mod docs;
mod evaluations;
mod faults;
mod faulty;
mod filters;
mod fuzz;
mod invariants;
mod newcomers;
mod otlp;
mod otlp_json;
mod pages;
mod painted;
mod picture;
mod pictures;
mod program;
mod properties;
mod prune;
mod pty;
mod reached;
mod rebuild;
mod replay;
mod reports;
mod run;
mod scene;
mod screens;
mod sdks;
mod settings;
mod states;
mod stats;
mod sums;
mod suspended;
mod tail;
mod taken;
mod token;
mod transcripts;
mod truth;
mod understood;
mod verdicts;
