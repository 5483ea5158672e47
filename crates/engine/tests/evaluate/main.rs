//! The evaluator: what it promises, and that it gives what a naive interpreter gives.

mod agreement;
mod claims;
mod naive;
mod sample;
