//! The evaluator: its promises, and its agreement with a naive interpreter.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod agreement;
mod chains;
mod claims;
mod naive;
mod sample;
