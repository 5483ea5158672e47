//! Generates realistic events: users, their questions, and how fast and well these are answered.
//!
//! The distributions are those of a running system: four kinds of users, questions by Zipf's law, log-normal
//! response times, some null fields. A seed determines every byte but the times.

mod draw;
mod event;
mod pace;
mod people;
mod post;
mod stamp;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use draw::Draw;
pub(crate) use event::{Events, Options, Shapes, TimeForms};
pub(crate) use pace::{Next, Pace};
pub(crate) use post::{PostError, Poster};
