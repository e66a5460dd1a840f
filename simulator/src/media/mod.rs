//! The media plane: what MediaConnect and MediaLive do to the picture.
//! It is declarative. The core hands over what should be moving (`view::MediaView`), the plane
//! makes processes match it and reports what really happened (`view::MediaReport`).
//! It knows nothing of API states, and the core knows nothing of processes.

pub mod view;
