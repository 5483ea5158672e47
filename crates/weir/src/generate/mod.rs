//! Realistic events: who asks what, how fast and how well it is answered.
//!
//! The distributions are those of a running system: four kinds of users, questions after Zipf's law, log-normal response
//! times, some fields null. A seed fixes every byte but the times.

mod draw;
mod event;
mod pace;
mod people;
mod post;
mod stamp;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use event::{Events, Options, Shapes, TimeForms};
pub(crate) use pace::{Next, Pace};
pub(crate) use post::{PostError, Poster};
