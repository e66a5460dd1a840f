//! MediaLive and MediaConnect on one machine.
