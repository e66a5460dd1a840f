//! MediaLive: what we ask of it, in our words. Answers are ids and states: a channel's answer holds
//! the stream name, so nothing of it leaves this file, and no SDK input or output is ever printed.

use crate::{
    clients::Clients, date::Date, encoder, fault::CallError, parameters::StreamKey,
    settings::Settings,
};
use aws_sdk_medialive::{
    operation::create_channel::CreateChannelError, operation::update_channel::UpdateChannelError,
    types as sdk,
};
use aws_smithy_runtime_api::{client::result::SdkError, http::Response};
use aws_smithy_types::DateTime;
use domain::{
    encoder::{AUDIO_SELECTOR, RTMP_DESTINATION_ID},
    incident,
    ledger::Sought,
    look::{ChannelLook, ChannelState},
    name::{self, Tags},
    record::Configuration,
    sweep::{Kind, Listed},
};
use jiff::Timestamp;
use std::collections::HashMap;

/// The one pipeline of a SINGLE_PIPELINE channel reads the input's first address only.
const INPUT_ATTACHMENT: &str = "flow";

/// Things on a page of a list, the most that MediaLive gives: a page is a call, and calls are few.
pub(crate) const PAGE: i32 = 1000;

/// What CreateChannel and UpdateChannel are told.
pub struct ChannelBody<'a> {
    /// The target's configuration.
    pub configuration: &'a Configuration,
    /// The input it reads.
    pub input_id: &'a str,
    /// The decrypted key.
    pub key: &'a StreamKey,
}

impl ChannelBody<'_> {
    fn destination(&self) -> sdk::OutputDestination {
        sdk::OutputDestination::builder()
            .id(RTMP_DESTINATION_ID)
            .settings(
                sdk::OutputDestinationSettings::builder()
                    .url(self.configuration.address.url())
                    .stream_name(self.key.expose())
                    .build(),
            )
            .build()
    }

    fn attachment(&self) -> sdk::InputAttachment {
        let track = sdk::AudioTrackSelection::builder()
            .tracks(sdk::AudioTrack::builder().track(1).build())
            .build();
        let selector = sdk::AudioSelector::builder()
            .name(AUDIO_SELECTOR)
            .selector_settings(
                sdk::AudioSelectorSettings::builder()
                    .audio_track_selection(track)
                    .build(),
            )
            .build();
        sdk::InputAttachment::builder()
            .input_attachment_name(INPUT_ATTACHMENT)
            .input_id(self.input_id)
            .input_settings(
                sdk::InputSettings::builder()
                    .source_end_behavior(sdk::InputSourceEndBehavior::Continue)
                    .audio_selectors(selector)
                    .build(),
            )
            .build()
    }

    fn specification(settings: &Settings) -> sdk::InputSpecification {
        // The class an input is billed in: the next one above the feed's bit rate.
        let bitrate = match settings.feed_bitrate {
            0..=10_000_000 => sdk::InputMaximumBitrate::Max10Mbps,
            10_000_001..=20_000_000 => sdk::InputMaximumBitrate::Max20Mbps,
            _ => sdk::InputMaximumBitrate::Max50Mbps,
        };
        sdk::InputSpecification::builder()
            .codec(sdk::InputCodec::Avc)
            .resolution(sdk::InputResolution::Hd)
            .maximum_bitrate(bitrate)
            .build()
    }

    fn encoder(&self) -> Option<sdk::EncoderSettings> {
        self.configuration
            .settings()
            .as_ref()
            .map(encoder::settings)
    }
}

fn channel_look(id: Option<&str>, state: Option<&sdk::ChannelState>) -> ChannelLook {
    ChannelLook {
        id: id.unwrap_or_default().to_owned(),
        state: ChannelState::from(
            state
                .map(|state| state.as_str().to_owned())
                .unwrap_or_default(),
        ),
    }
}

pub(crate) fn tags(tags: Option<&HashMap<String, String>>) -> Tags {
    tags.into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Creates the channel of a destination.
pub async fn create_channel(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    incarnation: u64,
    body: &ChannelBody<'_>,
) -> Result<ChannelLook, CallError> {
    let output = clients
        .medialive
        .create_channel()
        .name(name::resource(&settings.stack, destination_id))
        .channel_class(sdk::ChannelClass::SinglePipeline)
        .log_level(sdk::LogLevel::Warning)
        .request_id(name::channel_request_id(
            &settings.stack,
            destination_id,
            incarnation,
        ))
        .role_arn(&settings.media_live_role_arn)
        .input_specification(ChannelBody::specification(settings))
        .input_attachments(body.attachment())
        .destinations(body.destination())
        .set_encoder_settings(body.encoder())
        .set_tags(Some(
            name::tags(&settings.stack, destination_id, incarnation)
                .into_iter()
                .collect(),
        ))
        .send()
        .await
        .map_err(create_error)?;
    let channel = output.channel().ok_or(CallError::Unknown {
        operation: "CreateChannel",
    })?;
    Ok(channel_look(channel.id(), channel.state()))
}

fn create_error(error: SdkError<CreateChannelError, Response>) -> CallError {
    let call = CallError::new("CreateChannel", &error);
    match error.as_service_error() {
        Some(CreateChannelError::UnprocessableEntityException(refused)) => {
            call.with_elements(paths(refused.validation_errors()))
        }
        _ => call,
    }
}

/// Brings a stopped channel up to date. The whole body: an update without the role removes it.
pub async fn update_channel(
    clients: &Clients,
    settings: &Settings,
    destination_id: &str,
    channel_id: &str,
    body: &ChannelBody<'_>,
) -> Result<(), CallError> {
    clients
        .medialive
        .update_channel()
        .channel_id(channel_id)
        .name(name::resource(&settings.stack, destination_id))
        .log_level(sdk::LogLevel::Warning)
        .role_arn(&settings.media_live_role_arn)
        .input_specification(ChannelBody::specification(settings))
        .input_attachments(body.attachment())
        .destinations(body.destination())
        .set_encoder_settings(body.encoder())
        .send()
        .await
        .map(drop)
        .map_err(update_error)
}

fn update_error(error: SdkError<UpdateChannelError, Response>) -> CallError {
    let call = CallError::new("UpdateChannel", &error);
    match error.as_service_error() {
        Some(UpdateChannelError::UnprocessableEntityException(refused)) => {
            call.with_elements(paths(refused.validation_errors()))
        }
        _ => call,
    }
}

fn paths(errors: &[sdk::ValidationError]) -> impl Iterator<Item = String> {
    errors
        .iter()
        .filter_map(|error| error.element_path().map(str::to_owned))
}

/// Looks at a channel. `None`: not found.
pub async fn describe_channel(
    clients: &Clients,
    id: &str,
) -> Result<Option<ChannelLook>, CallError> {
    match clients
        .medialive
        .describe_channel()
        .channel_id(id)
        .send()
        .await
    {
        Ok(output) => Ok(Some(channel_look(output.id(), output.state()))),
        Err(error) => absent(CallError::new("DescribeChannel", &error)),
    }
}

/// Starts a channel. Gives AWS's own time of the answer, if it told one.
pub async fn start_channel(clients: &Clients, id: &str) -> Result<Option<Timestamp>, CallError> {
    let date = Date::default();
    let call = clients
        .medialive
        .start_channel()
        .channel_id(id)
        .customize()
        .interceptor(date.clone())
        .send()
        .await;
    call.map(|_| date.told())
        .map_err(|error| CallError::new("StartChannel", &error))
}

/// Stops a channel. Gives AWS's own time of the answer, if it told one.
pub async fn stop_channel(clients: &Clients, id: &str) -> Result<Option<Timestamp>, CallError> {
    let date = Date::default();
    let call = clients
        .medialive
        .stop_channel()
        .channel_id(id)
        .customize()
        .interceptor(date.clone())
        .send()
        .await;
    call.map(|_| date.told())
        .map_err(|error| CallError::new("StopChannel", &error))
}

/// Deletes a channel.
pub async fn delete_channel(clients: &Clients, id: &str) -> Result<(), CallError> {
    let call = clients
        .medialive
        .delete_channel()
        .channel_id(id)
        .send()
        .await;
    call.map(drop)
        .map_err(|error| CallError::new("DeleteChannel", &error))
}

/// Lists every channel of the region.
pub async fn list_channels(clients: &Clients) -> Result<Vec<Listed>, CallError> {
    let channels: Vec<_> = clients
        .medialive
        .list_channels()
        .max_results(PAGE)
        .into_paginator()
        .items()
        .send()
        .try_collect()
        .await
        .map_err(|error| CallError::new("ListChannels", &error))?;
    let listed = |channel: &sdk::ChannelSummary| Listed {
        kind: Kind::Channel,
        id: channel.id().unwrap_or_default().to_owned(),
        name: channel.name().unwrap_or_default().to_owned(),
        state: channel
            .state()
            .map(|state| state.as_str().to_owned())
            .unwrap_or_default(),
        tags: tags(channel.tags()),
    };
    Ok(channels.iter().map(listed).collect())
}

/// The kinds of alerts that are set on a channel now. Not their messages, which may name a URL.
pub async fn alert_types(clients: &Clients, channel_id: &str) -> Result<Vec<String>, CallError> {
    let output = clients
        .medialive
        .list_alerts()
        .channel_id(channel_id)
        .send()
        .await
        .map_err(|error| CallError::new("ListAlerts", &error))?;
    let mut types: Vec<String> = output
        .alerts()
        .iter()
        .filter_map(|alert| alert.alert_type().map(str::to_owned))
        .collect();
    types.sort();
    types.dedup();
    Ok(types)
}

/// The alerts of a channel, those set and those that MediaLive still shows as cleared; `None`: no such
/// channel. Not their messages, which may name a URL.
pub async fn alerts(
    clients: &Clients,
    channel_id: &str,
) -> Result<Option<Vec<incident::Listed>>, CallError> {
    let answer: Result<Vec<sdk::ChannelAlert>, _> = clients
        .medialive
        .list_alerts()
        .channel_id(channel_id)
        .state_filter("ALL")
        .max_results(PAGE)
        .into_paginator()
        .items()
        .send()
        .try_collect()
        .await;
    let alerts = match answer {
        Ok(alerts) => alerts,
        Err(error) => return absent(CallError::new("ListAlerts", &error)),
    };
    let time = |time: Option<&DateTime>| Timestamp::from_second(time?.secs()).ok();
    Ok(Some(
        alerts
            .iter()
            .filter_map(|alert| {
                Some(incident::Listed {
                    alert_type: alert.alert_type()?.to_owned(),
                    set_at: time(alert.set_timestamp())?,
                    cleared_at: time(alert.cleared_timestamp()),
                })
            })
            .collect(),
    ))
}

/// The destination's own thing among those listed: the living one, if there are several. What was made
/// for one that is `sought` has its incarnation: a list may be older than the end of an earlier one.
pub fn own<'a>(
    listed: &'a [Listed],
    stack: &str,
    destination_id: &str,
    sought: Option<&Sought>,
) -> Option<&'a Listed> {
    let incarnation = sought.map(|sought| sought.incarnation.to_string());
    let is_it = |thing: &&Listed| {
        let made_in = thing.tags.get(name::TAG_INCARNATION);
        name::owner(stack, &thing.name, &thing.tags) == Some(destination_id)
            && (incarnation.is_none() || made_in == incarnation.as_ref())
    };
    let mut own: Vec<&Listed> = listed.iter().filter(is_it).collect();
    own.sort_by_key(|thing| matches!(thing.state.as_str(), "DELETED" | "DELETING"));
    own.first().copied()
}

pub(crate) fn absent<T>(error: CallError) -> Result<Option<T>, CallError> {
    if error.is_not_found() {
        Ok(None)
    } else {
        Err(error)
    }
}
