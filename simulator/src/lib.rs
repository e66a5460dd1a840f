//! MediaLive and MediaConnect on one machine: what the SDKs see, what it costs, and what the picture does.
//! `core` decides without I/O, clock or chance of its own; `server` gives it HTTP; `media` moves video.

pub mod core;
pub mod media;
pub mod server;
