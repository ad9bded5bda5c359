//! Streams that end at sign-out, in each framework.

pub mod axum_chat;
pub mod axum_events;
pub mod poem_chat;
pub mod poem_events;
pub mod salvo_chat;
pub mod salvo_events;
