//! Everything that is proved of the whole: one binary, so that DuckDB is linked once.

mod architecture;
mod digest;
mod docs;
mod replay;
mod scene;
mod screens;
mod truth;
