//! Expectations put to the test: a verdict for each, with the numbers behind it, and one for each claim.

mod evaluate;
mod judge;
mod sample;
#[cfg(test)]
mod tests;

pub use evaluate::{Judgement, Verdict, against, against_number};
pub use judge::{Judged, JudgedClaim, Side, Verdicts, judge};
pub use sample::Sample;
