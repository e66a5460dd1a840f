//! Bad records, each as the change that spoils a good one and the code the operator sees.
//! `-absent-` takes the attribute away.

use domain::problem::Code;
use serde_json::{Value, json};

/// What refuses the configuration, with the code the operator sees.
pub fn refusals() -> Vec<(Value, Code)> {
    let mut table = vec![
        (json!({"destination_id": "Main"}), Code::InvalidId),
        (json!({"destination_id": "status"}), Code::InvalidId),
        (json!({"destination_id": "a".repeat(40)}), Code::InvalidId),
        (json!({"destination_id": 7}), Code::InvalidId),
        (json!({"platform": "-absent-"}), Code::MissingPlatform),
        (json!({"platform": ""}), Code::MissingPlatform),
        (json!({"platform": null}), Code::MissingPlatform),
        (json!({"platform": "myspace"}), Code::UnknownPlatform),
        (json!({"platform": "YouTube"}), Code::UnknownPlatform),
        (json!({"platform": "hls"}), Code::NotAvailableYet),
        (json!({"rtmp_url": "-absent-"}), Code::MissingUrl),
        (json!({"rtmp_url": ""}), Code::MissingUrl),
        (
            json!({"rtmp_url": "a.rtmps.youtube.com/live2"}),
            Code::MalformedUrl,
        ),
        (
            json!({"rtmp_url": "https://youtube.com/live2"}),
            Code::UrlScheme,
        ),
        (
            json!({"rtmp_url": "rtmp://192.168.0.9/live2"}),
            Code::UrlHostPrivate,
        ),
        (
            json!({"rtmp_url": "rtmp://stream.example.com/live2"}),
            Code::UrlHostNotAllowed,
        ),
        (
            json!({"rtmp_url": "rtmp://me:canary@a.rtmp.youtube.com/live2"}),
            Code::UrlUserinfo,
        ),
        (
            json!({"rtmp_url": "rtmp://a.rtmp.youtube.com:22/live2"}),
            Code::UrlPort,
        ),
        (
            json!({"rtmp_url": "rtmp://a.rtmp.youtube.com:4935/live2"}),
            Code::UrlPort,
        ),
        (
            json!({"rtmp_url": "rtmp://a.rtmp.youtube.com/live2/canary-0123456789-abcdef"}),
            Code::UrlHasKey,
        ),
        (
            json!({"platform": "facebook", "rtmp_url": "rtmp://live-api-s.facebook.com/rtmp"}),
            Code::UrlScheme,
        ),
        (
            json!({"stream_key_param": "-absent-"}),
            Code::MissingParameterName,
        ),
        (json!({"stream_key_param": ""}), Code::MissingParameterName),
        (
            json!({"stream_key_param": "-absent-", "stream_key": "canary-0123"}),
            Code::StreamKeyInRecord,
        ),
        (json!({"preset_id": "-absent-"}), Code::MissingPreset),
        (json!({"preset_id": ""}), Code::MissingPreset),
        (json!({"preset_id": "4k"}), Code::UnknownPreset),
        (
            json!({"preset_id": "twitch-720p30"}),
            Code::PresetNotForPlatform,
        ),
        (
            json!({"platform": "linkedin", "preset_id": "1080p60"}),
            Code::PresetExceedsPlatform,
        ),
        (
            json!({"output_type": "mediaconnect"}),
            Code::NotAvailableYet,
        ),
        (json!({"output_type": "shared"}), Code::NotAvailableYet),
        (json!({"output_type": "smoke"}), Code::UnknownValue),
        (json!({"channel_class": "STANDARD"}), Code::NotAvailableYet),
        (
            json!({"channel_class": "single_pipeline"}),
            Code::UnknownValue,
        ),
        (json!({"flow_id": "second"}), Code::NotAvailableYet),
    ];
    let outside = [
        "youtube-main",
        "/other/youtube-main",
        "/lunora-player/streaming",
        "/lunora-player/streaming/",
        "/lunora-player/streaming-other/x",
        "/lunora-player/streaming/../other",
        "/lunora-player/streaming/./x",
        "/lunora-player/streaming//x",
        "/lunora-player/streaming/x/",
        "/lunora-player/streaming/x y",
        "/lunora-player/streaming/x:3",
        "/lunora-player/streaming/*",
        "/LUNORA-PLAYER/streaming/x",
        "canary-0123456789-abcdef",
        "arn:aws:ssm:us-west-2:123456789012:parameter/lunora-player/streaming/x",
    ];
    for name in outside {
        table.push((
            json!({"stream_key_param": name}),
            Code::ParameterOutsidePrefix,
        ));
    }
    for name in [
        "platform",
        "rtmp_url",
        "stream_key_param",
        "preset_id",
        "output_type",
        "channel_class",
        "flow_id",
    ] {
        for value in [json!(7), json!(true), json!(["x"]), json!({"S": "x"})] {
            table.push((json!({name: value}), Code::WrongType));
        }
    }
    table
}

/// What is said and refuses nothing.
pub fn remarks() -> Vec<(Value, Code)> {
    vec![
        (json!({"failover_enabled": true}), Code::MissingUrl),
        (
            json!({"failover_enabled": true, "backup_rtmp_url": "rtmps://a.rtmps.youtube.com/live2"}),
            Code::UnknownValue,
        ),
        (
            json!({"failover_enabled": true, "backup_rtmp_url": "rtmp://stream.example.com/live2"}),
            Code::UrlHostNotAllowed,
        ),
        (json!({"hold": "yes"}), Code::WrongType),
        (
            json!({"stop_at": "2026-12-31T20:00:00"}),
            Code::MalformedTime,
        ),
        (json!({"stop_at": "tomorrow"}), Code::MalformedTime),
        (json!({"stop_at": 7}), Code::WrongType),
        (json!({"no_input_minutes_max": 0}), Code::MalformedNumber),
        (
            json!({"no_input_minutes_max": "soon"}),
            Code::MalformedNumber,
        ),
        (json!({"session_hours_max": -1}), Code::MalformedNumber),
        (json!({"budget_usd_per_day": true}), Code::MalformedNumber),
        (json!({"budget_usd_per_day": 1e30}), Code::MalformedNumber),
        (json!({"budget_usd_per_month": ["5"]}), Code::WrongType),
        (
            json!({"return_after_minutes": "1,5"}),
            Code::MalformedNumber,
        ),
        (json!({"failover_enabled": "yes"}), Code::WrongType),
        (json!({"keep_warm": "yes"}), Code::WrongType),
        (json!({"name": 7}), Code::WrongType),
        (json!({"retry": {"a": 1}}), Code::WrongType),
        (
            json!({"backup_rtmp_url": "http://example.com/x"}),
            Code::UrlScheme,
        ),
        (
            json!({"backup_rtmp_url": "rtmp://b.example.com/live2/canary-0123456789-abcdef"}),
            Code::UrlHasKey,
        ),
        (json!({"backup_rtmp_url": 7}), Code::WrongType),
        (
            json!({"backup_stream_key_param": "/elsewhere/x"}),
            Code::ParameterOutsidePrefix,
        ),
        (
            json!({"stream_key": "canary-0123"}),
            Code::StreamKeyInRecord,
        ),
        (
            json!({"backup_stream_key_param": "canary-0123456789-abcdef"}),
            Code::StreamKeyInRecord,
        ),
    ]
}
