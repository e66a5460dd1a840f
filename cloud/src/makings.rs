//! What a channel is made of or brought up to date with: the target, its input and its key.

use crate::{
    Cloud, Error,
    media_live::ChannelBody,
    parameters::{self, StreamKey},
};
use domain::ledger::{Aim, Ledger, OnAir};

/// Everything that goes into a body. No Debug: it holds the key.
pub struct Makings {
    aim: Aim,
    input_id: String,
    key: StreamKey,
    key_version: i64,
}

impl Makings {
    /// Gathers what the row aims at and decrypts the key. `None`: there is no target or no input.
    pub async fn gather(cloud: &Cloud, row: &Ledger) -> Result<Option<Makings>, Error> {
        let (Some(aim), Some(made)) = (row.target.clone(), &row.input) else {
            return Ok(None);
        };
        let parameter = &aim.configuration.stream_key_param;
        let (key, key_version) = parameters::read(&cloud.clients, parameter).await?;
        Ok(Some(Makings {
            input_id: made.id.clone(),
            key,
            key_version,
            aim,
        }))
    }

    /// The input it reads.
    pub fn input_id(&self) -> &str {
        &self.input_id
    }

    /// The body.
    pub fn body(&self) -> ChannelBody<'_> {
        ChannelBody {
            configuration: &self.aim.configuration,
            input_id: &self.input_id,
            key: &self.key,
        }
    }

    /// What the channel runs with once the body was taken. Without the key.
    pub fn on_air(self) -> OnAir {
        OnAir {
            settings: self.aim.configuration.settings_fingerprint(),
            configuration: self.aim.configuration,
            key_version: self.key_version,
            input_id: self.input_id,
            retry: self.aim.retry,
            url_type: self.aim.url_type,
            restarts: self.aim.restarts,
        }
    }
}
