//! The filter language: text → terms, and back.
//!
//! ```text
//!   keys       the table of what can be asked: its keys, their kinds, help
//!   lexer      text → words, keys with values, brackets, each with its place
//!   parser     those → an expression, or the problem and its place
//!   expression what a filter is, printed in the same language
//!   quantity   $.10, 5s, 20k, 80% → whole numbers, and back
//!   cursor     what is being typed at a place, for completion
//! ```
//!
//! All terms must hold; `or` within brackets is an alternative, `-` the opposite. Nothing is evaluated here: the store
//! does that, in `store::queries`, so that every list and command means the same.

mod cursor;
mod expression;
mod keys;
mod lexer;
mod parser;
mod quantity;

pub use cursor::{At, at, with_term};
pub use expression::{Expression, Match, Term};
pub use keys::{ATTRIBUTE, Bare, Comparison, KEYS, Key, KeyRow, Measure, Side, State, help_lines};
pub use lexer::{Piece, PieceKind, pieces, value as quoted};
pub use parser::{Problem, parse};

/// Most bytes of a filter.
pub const LONGEST: usize = 2000;
/// Most terms of a filter.
pub const MOST_TERMS: usize = 64;
/// Most brackets and signs within each other.
pub const DEEPEST: usize = 16;
