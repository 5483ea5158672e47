//! The evaluator: what it promises, and that it gives what a naive interpreter gives.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod agreement;
mod claims;
mod naive;
mod sample;
