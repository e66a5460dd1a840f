//! DescribeThumbnails: the incoming picture of each pipeline, if the channel was started with
//! thumbnails on (MediaLive user guide: thumbnails; API model: ThumbnailConfiguration). A picture is
//! there a few seconds after the first call, and only where a media plane runs; else the list is
//! empty. What AWS answers for a channel without thumbnails is not documented.

use serde_json::{Value, json};

use super::channel::{Channel, ChannelState};
use super::when::rfc3339;
use super::wire::ApiError;
use super::{Answer, Call, Core};

/// Pictures are made for so long after the last call, in real time.
const WANTED_MS: u64 = 30_000;

/// The newest picture of a channel.
pub(super) struct Thumbnail {
    pub taken_at: u64,
    pub jpeg: Vec<u8>,
}

impl Channel {
    fn has_thumbnails(&self) -> bool {
        self.encoder()["thumbnailConfiguration"]["state"] == "AUTO"
    }
}

impl Core {
    pub(super) fn describe_thumbnails(&mut self, call: &Call<'_>) -> Answer {
        let asked = |name: &str| {
            let mut pairs = call.query.iter();
            let pair = pairs.find(|(key, _)| key == name);
            pair.map(|(_, value)| value.as_str())
        };
        if !matches!(asked("pipelineId"), Some("0" | "1"))
            || !matches!(
                asked("thumbnailType"),
                Some("CURRENT_ACTIVE" | "UNSPECIFIED")
            )
        {
            return Err(ApiError::bad("pipelineId and thumbnailType are required"));
        }
        let id = call.param("channelId").to_owned();
        if self.visible_channel(&id)?.state != ChannelState::Running {
            return Err(ApiError::conflict("The channel is not running"));
        }
        let now = self.now;
        let Some(channel) = self.channels.get_mut(&id) else {
            return Err(ApiError::not_found("The channel does not exist"));
        };
        channel.thumbnail_asked_at = Some(now);
        // The media plane has one pipeline.
        let shown = channel
            .thumbnail
            .as_ref()
            .filter(|_| asked("pipelineId") == Some("0"));
        let details = shown.map(|picture| {
            json!({"pipelineId": "0", "thumbnails": [{
                "body": base64(&picture.jpeg), "contentType": "image/jpeg",
                "thumbnailType": "CURRENT_ACTIVE", "timeStamp": rfc3339(picture.taken_at),
            }]})
        });
        Ok(json!({"thumbnailDetails": details.into_iter().collect::<Vec<Value>>()}))
    }

    pub(super) fn take_thumbnail(&mut self, id: &str, jpeg: &[u8]) {
        let taken_at = self.now;
        let running = |channel: &&mut Channel| channel.state == ChannelState::Running;
        if let Some(channel) = self.channels.get_mut(id).filter(running) {
            let jpeg = jpeg.to_vec();
            channel.thumbnail = Some(Thumbnail { taken_at, jpeg });
        }
    }

    /// Does somebody want to see this channel?
    pub(super) fn thumbnail_wanted(&self, channel: &Channel) -> bool {
        let until = |at: u64| at + WANTED_MS * self.scale;
        let asked = channel.thumbnail_asked_at;
        channel.state == ChannelState::Running
            && channel.has_thumbnails()
            && asked.is_some_and(|at| self.now < until(at))
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() {
                letter as char
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_as_in_its_standard() {
        let rows = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, coded) in rows {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xff, 0xd8, 0xff]), "/9j/");
    }
}
