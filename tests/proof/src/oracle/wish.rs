//! What a record asks for, read anew and simply: an oracle that asked the product's own reader would
//! believe its mistakes. The rules are those of the README: missing means the default, `enabled:
//! false` turns streaming into ready, a refused attribute never holds back a stop.

use serde_json::Value;

use super::encoding;
use super::rows::{flag, text, time};

/// On, off or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desired {
    /// On the air.
    Streaming,
    /// Off the air.
    Ready,
    /// Nothing of it may exist.
    Removed,
}

/// What goes on the air.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The server URL with its port written out.
    pub url: String,
    /// The parameter that holds the key.
    pub parameter: String,
    /// The preset, aliases resolved.
    pub preset: &'static str,
}

/// How long and for how much a destination may stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Without a picture from the flow, milliseconds.
    pub no_input: Option<u64>,
    /// In one stretch, milliseconds.
    pub session: Option<u64>,
    /// A day's budget that does not pay for one start.
    pub day_is_spent: bool,
    /// The operator holds them off.
    pub hold: bool,
}

/// Less than any start costs, in dollars: ten minutes of the cheapest channel there is.
const LESS_THAN_A_START_USD: f64 = 0.01;

/// A record as its operator means it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// On, off or gone; absent where the attribute says none of the three.
    pub desired: Option<Desired>,
    /// What `enabled` says; `desired` has it already.
    pub enabled: bool,
    /// Kept between streams.
    pub keep_warm: bool,
    /// Where it goes when the platform does not take it, with failover on.
    pub backup: Option<Configuration>,
    /// When it is to be on the air, milliseconds since 1970.
    pub start_at: Option<u64>,
    /// When it is to be off again.
    pub stop_at: Option<u64>,
    /// Its own limits, and whether they are held off.
    pub limits: Limits,
    /// On the backup for so long, milliseconds, and it goes back to the primary.
    pub return_after: Option<u64>,
    /// The newest `retry`.
    pub retry: Option<String>,
    /// What goes on the air, or the problem codes of which one has to be shown.
    pub configuration: Result<Configuration, &'static [&'static str]>,
}

/// The attributes an operator writes (README, the record); all others are our mirror or nobody's.
pub const OPERATOR: [&str; 23] = [
    "name",
    "platform",
    "rtmp_url",
    "stream_key_param",
    "backup_rtmp_url",
    "backup_stream_key_param",
    "failover_enabled",
    "preset_id",
    "enabled",
    "desired_state",
    "keep_warm",
    "retry",
    "output_type",
    "channel_class",
    "flow_id",
    "return_after_minutes",
    "start_at",
    "stop_at",
    "hold",
    "no_input_minutes_max",
    "session_hours_max",
    "budget_usd_per_day",
    "budget_usd_per_month",
];

const BAD_URL: &[&str] = &[
    "malformed_url",
    "url_scheme",
    "url_host_private",
    "url_host_not_allowed",
    "url_userinfo",
    "url_port",
    "url_has_key",
    "wrong_type",
];

/// Reads a record.
#[must_use]
pub fn read(item: &Value, prefix: &str) -> Wish {
    let given = |name: &str| text(item, name).filter(|text| !text.trim().is_empty());
    let enabled = flag(item, "enabled").unwrap_or(true);
    let desired = match given("desired_state") {
        None | Some("ready") => Some(Desired::Ready),
        Some("removed") => Some(Desired::Removed),
        Some("streaming") if enabled => Some(Desired::Streaming),
        Some("streaming") => Some(Desired::Ready),
        Some(_) => None,
    };
    let configuration = configuration(&given, prefix);
    let minutes = |name: &str| amount(item, name).map(|minutes| (minutes * 60_000.0) as u64);
    let (start_at, stop_at) = (time(item, "start_at"), time(item, "stop_at"));
    // The same time twice is no schedule.
    let times = (start_at != stop_at).then_some((start_at, stop_at));
    Wish {
        desired,
        enabled,
        keep_warm: flag(item, "keep_warm").unwrap_or(false),
        retry: item.get("retry").map(ToString::to_string),
        backup: backup(item, &given, configuration.as_ref().ok()),
        start_at: times.and_then(|(start, _)| start),
        stop_at: times.and_then(|(_, stop)| stop),
        limits: Limits {
            no_input: minutes("no_input_minutes_max"),
            session: minutes("session_hours_max").map(|minutes| 60 * minutes),
            day_is_spent: amount(item, "budget_usd_per_day")
                .is_some_and(|most| most < LESS_THAN_A_START_USD),
            hold: flag(item, "hold").unwrap_or(false),
        },
        return_after: minutes("return_after_minutes"),
        configuration,
    }
}

/// A number greater than zero, written as one or as a text.
fn amount(item: &Value, name: &str) -> Option<f64> {
    let value = item.get(name)?;
    let text = value.get("N").or_else(|| value.get("S"))?.as_str()?;
    text.trim().parse().ok().filter(|number| *number > 0.0)
}

/// The second address with its key, the primary's where it has none of its own; only with failover.
fn backup<'a>(
    item: &Value,
    given: &impl Fn(&str) -> Option<&'a str>,
    primary: Option<&Configuration>,
) -> Option<Configuration> {
    let primary = primary.filter(|_| flag(item, "failover_enabled") == Some(true))?;
    let key = given("backup_stream_key_param").unwrap_or(&primary.parameter);
    let backup = Configuration {
        url: canonical(given("backup_rtmp_url")?)?,
        parameter: key.to_owned(),
        ..primary.clone()
    };
    (backup != *primary).then_some(backup)
}

fn configuration<'a>(
    given: &impl Fn(&str) -> Option<&'a str>,
    prefix: &str,
) -> Result<Configuration, &'static [&'static str]> {
    let platform = given("platform").ok_or(&["missing_platform"][..])?;
    if platform == "hls" {
        return Err(&["not_available_yet"]);
    }
    if ![
        "youtube", "twitch", "linkedin", "facebook", "restream", "custom",
    ]
    .contains(&platform)
    {
        return Err(&["unknown_platform"]);
    }
    let url = given("rtmp_url").ok_or(&["missing_url"][..])?;
    let url = canonical(url).ok_or(BAD_URL)?;
    if !is_owned(&url, platform) {
        return Err(BAD_URL);
    }
    let parameter =
        given("stream_key_param").ok_or(&["missing_parameter_name", "stream_key_in_record"][..])?;
    if !parameter.starts_with(&format!("{prefix}/")) || parameter.contains("..") {
        return Err(&["parameter_outside_prefix"]);
    }
    let preset = given("preset_id").ok_or(&["missing_preset"][..])?;
    let preset = encoding::preset(preset).ok_or(&["unknown_preset"][..])?;
    let own = preset.id.split_once('-').map(|(platform, _)| platform);
    if platform != "custom" && own.is_some_and(|own| own != platform) {
        return Err(&["preset_not_for_platform"]);
    }
    let built = given("output_type").is_none_or(|kind| kind == "medialive")
        && given("channel_class").is_none_or(|class| class == "SINGLE_PIPELINE")
        && given("flow_id").is_none_or(|flow| flow == "main");
    if !built {
        return Err(&["not_available_yet", "unknown_value"]);
    }
    Ok(Configuration {
        url,
        parameter: parameter.to_owned(),
        preset: preset.id,
    })
}

/// Whether a platform that has servers of its own is given one of them. Facebook takes RTMPS only.
fn is_owned(url: &str, platform: &str) -> bool {
    let owned: &[&str] = match platform {
        "youtube" => &["youtube.com"],
        "twitch" => &["twitch.tv", "contribute.live-video.net"],
        "facebook" => &["facebook.com"],
        "restream" => &["restream.io"],
        _ => return true,
    };
    let host = url.split(['/', ':']).find(|part| part.contains('.'));
    let host = host.unwrap_or_default();
    let is_below = |domain: &&str| {
        let rest = host.strip_suffix(*domain);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    owned.iter().any(is_below) && (platform != "facebook" || url.starts_with("rtmps:"))
}

/// `scheme://host:port/application`, host in small letters, port written out, no slash at the end.
fn canonical(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let port = match scheme {
        "rtmp" => "1935",
        "rtmps" => "443",
        _ => return None,
    };
    let (host, path) = rest.split_once('/')?;
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (path, String::new()),
    };
    let path = path.trim_matches('/');
    let (host, port) = host.rsplit_once(':').unwrap_or((host, port));
    // An address that is written as numbers has to be a public one.
    let private = host.parse::<std::net::Ipv4Addr>().is_ok_and(|host| {
        host.is_private() || host.is_loopback() || host.is_link_local() || host.is_unspecified()
    });
    if private
        || host == "localhost"
        || host.contains('@')
        || path.is_empty()
        || url.contains([' ', '%', '#'])
    {
        return None;
    }
    Some(format!(
        "{scheme}://{}:{port}/{path}{query}",
        host.to_ascii_lowercase()
    ))
}

impl Wish {
    /// Whether two wishes are the same on the air.
    #[must_use]
    pub fn same_on_air(&self, other: &Wish) -> bool {
        self.configuration == other.configuration && self.retry == other.retry
    }

    /// Whether it is to stream, going by its words alone, and can.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.desired == Some(Desired::Streaming) && self.configuration.is_ok()
    }

    /// Whether it names a time.
    #[must_use]
    pub fn has_times(&self) -> bool {
        self.start_at.is_some() || self.stop_at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_is_read_as_its_operator_means_it() {
        let mut item = json!({
            "destination_id": {"S": "a"}, "platform": {"S": "youtube"},
            "rtmp_url": {"S": "rtmps://A.rtmps.youtube.com/live2/"},
            "stream_key_param": {"S": "/keys/a"}, "preset_id": {"S": "1080p"}, "desired_state": {"S": "streaming"},
        });
        let wish = read(&item, "/keys");
        assert!(wish.streams() && !wish.keep_warm);
        assert_eq!(
            wish.configuration,
            Ok(Configuration {
                url: "rtmps://a.rtmps.youtube.com:443/live2".into(),
                parameter: "/keys/a".into(),
                preset: "1080p30",
            })
        );
        item["enabled"] = json!({"BOOL": false});
        assert_eq!(read(&item, "/keys").desired, Some(Desired::Ready));
        item["desired_state"] = json!({"S": "on"});
        assert_eq!(read(&item, "/keys").desired, None);
        item["rtmp_url"] = json!({"S": "rtmps://youtube.com.example.com/live2"});
        assert_eq!(read(&item, "/keys").configuration, Err(BAD_URL));
        item["rtmp_url"] = json!({"S": "rtmps://a.rtmps.youtube.com/live2"});
        item["preset_id"] = json!({"S": "twitch-720p30"});
        assert_eq!(
            read(&item, "/keys").configuration,
            Err(&["preset_not_for_platform"][..])
        );
        assert_eq!(
            read(&item, "/other").configuration,
            Err(&["parameter_outside_prefix"][..])
        );
    }
}
