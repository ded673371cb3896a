//! What holds of everything that could arrive, not only of what was recorded.
//!
//! ```text
//!   wire      any bytes ─▶ decode                        never a panic; what is read is what was kept raw
//!             any span ─▶ encode ─▶ decode               nothing lost; whatever: those spans
//!   spoken    any attributes that a dialect looks for ─▶ store ─▶ panes    never a panic
//!   arrival   a capture in any order, cut and repeated   the same transcript
//!   sums      every capture                              totals are those of its calls
//!   text      any key, any text                          read as written; fits, and commands nothing
//! ```

mod arrival;
mod spoken;
mod sums;
mod text;
mod vocabulary;
mod whatever;
mod wire;

use proptest::{
    prelude::*,
    test_runner::{TestCaseResult, TestError, TestRunner},
};

pub use arrival::items;
pub use spoken::{cut, lay_out};
pub use vocabulary::VOCABULARY;

/// So many cases, or as many as `PROPTEST_CASES` says. Nothing is written beside the source when one fails: what failed
/// is in the message.
fn cases(usual: u32) -> ProptestConfig {
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|number| number.parse().ok());
    ProptestConfig { cases: wanted.unwrap_or(usual), failure_persistence: None, ..ProptestConfig::default() }
}

/// Runs a property that needs something that is made once.
fn check<S: Strategy>(number: u32, strategy: &S, property: impl Fn(S::Value) -> TestCaseResult) {
    match TestRunner::new(cases(number)).run(strategy, property) {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("{why}\nminimal case: {case:#?}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}
