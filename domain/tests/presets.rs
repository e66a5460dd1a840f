//! Presets against the platforms' limits, and what MediaLive is told for them.

use std::collections::BTreeSet;

use domain::encoder::{
    CACHE_SECONDS, EncoderSettings, InputClass, OutputGroup, RETRY_SECONDS, input_class, settings,
};
use domain::platform::{self, VideoRoom};
use domain::preset::{self, ALIASES, Preset};
use domain::problem::Code;

#[test]
fn every_preset_keeps_the_limits_of_each_platform_it_is_made_for() {
    for preset in preset::ALL {
        for id in preset.platforms {
            let platform = platform::find(id).unwrap_or_else(|| panic!("{}: {id}", preset.id));
            assert_eq!(preset.fits(platform), Ok(()), "{}", preset.id);
            assert!(preset.id.starts_with(&format!("{id}-")), "{}", preset.id);
        }
    }
}

#[test]
fn every_platform_has_presets_of_its_own_and_the_small_generic_ones_fit_all() {
    for platform in platform::ALL.iter().filter(|p| p.built) {
        for id in ["360p30", "720p30", "1080p30"] {
            assert_eq!(preset::find(id).unwrap().fits(platform), Ok(()), "{id}");
        }
        if platform.id != "custom" {
            let own = preset::ALL
                .iter()
                .filter(|p| p.platforms.contains(&platform.id));
            assert!(own.count() >= 2, "{}", platform.id);
            assert!(preset::find(&format!("{}-720p30", platform.id)).is_some());
        }
    }
}

#[test]
fn presets_are_sound_in_themselves() {
    let mut ids = BTreeSet::new();
    for preset in preset::ALL {
        assert!(ids.insert(preset.id), "{} twice", preset.id);
        assert_eq!((preset.width % 2, preset.height % 2), (0, 0));
        assert_eq!(preset.width * 9, preset.height * 16, "{}", preset.id);
        assert!(preset.id.ends_with(&preset.size_name()), "{}", preset.id);
        assert!(
            preset.bitrate < 10_000_000,
            "{}: dearer price class",
            preset.id
        );
        assert_eq!(
            preset.gop_seconds, 2,
            "{}: a key frame every 2 s",
            preset.id
        );
    }
}

#[test]
fn old_names_still_work() {
    for (alias, canonical) in ALIASES {
        assert_eq!(preset::find(alias).unwrap().id, *canonical);
    }
    assert_eq!(preset::find("1080p").unwrap().id, "1080p30");
    assert_eq!(preset::find("4k"), None);
    assert_eq!(preset::find(""), None);
}

#[test]
fn what_is_too_much_or_made_for_another_is_refused() {
    let cases = [
        ("1080p60", "linkedin", Some(Code::PresetExceedsPlatform)),
        ("1080p60", "twitch", None),
        ("1080p30", "twitch", None),
        ("1080p30", "linkedin", None),
        (
            "youtube-1080p30",
            "twitch",
            Some(Code::PresetNotForPlatform),
        ),
        ("youtube-1080p60", "custom", None),
        ("twitch-720p30", "youtube", Some(Code::PresetNotForPlatform)),
    ];
    for (preset, platform, expected) in cases {
        let fits = preset::find(preset)
            .unwrap()
            .fits(platform::find(platform).unwrap());
        assert_eq!(
            fits.as_ref().err().map(|p| p.code),
            expected,
            "{preset} {platform}"
        );
        if let Err(problem) = fits {
            assert!(problem.message.contains(preset), "{problem}");
        }
    }
}

/// Each limit on its own, with presets made for the purpose.
#[test]
fn each_limit_is_checked() {
    let base = preset::find("1080p30").unwrap();
    let linkedin = platform::find("linkedin").unwrap();
    let code = |preset: &preset::Preset| preset.fits(linkedin).unwrap_err();
    let too_much = [
        preset::Preset {
            bitrate: 6_000_001,
            ..base.clone()
        },
        preset::Preset {
            height: 1440,
            width: 2560,
            ..base.clone()
        },
        preset::Preset {
            fps_numerator: 60,
            ..base.clone()
        },
        preset::Preset {
            gop_seconds: 3,
            ..base.clone()
        },
        preset::Preset {
            audio_bitrate: 160_000,
            ..base.clone()
        },
        preset::Preset {
            sample_rate: 44_100,
            ..base.clone()
        },
    ];
    for preset in &too_much {
        let problem = code(preset);
        assert_eq!(problem.code, Code::PresetExceedsPlatform);
        assert!(
            problem.advice.contains("linkedin-1080p30"),
            "{}",
            problem.advice
        );
        assert!(!problem.advice.contains("1080p60"), "{}", problem.advice);
    }
}

#[test]
fn a_picture_is_judged_by_the_first_step_that_holds_it() {
    let youtube = &platform::find("youtube").unwrap().limits;
    assert_eq!(youtube.video_room(360, 30), VideoRoom::UpTo(4_000_000));
    assert_eq!(youtube.video_room(720, 50), VideoRoom::UpTo(6_000_000));
    assert_eq!(youtube.video_room(1080, 60), VideoRoom::UpTo(12_000_000));
    assert_eq!(youtube.video_room(2160, 120), VideoRoom::TooBig);
    let custom = &platform::find("custom").unwrap().limits;
    assert_eq!(custom.video_room(4320, 120), VideoRoom::NoLimit);
    let odd = preset::Preset {
        fps_numerator: 30_000,
        fps_denominator: 1001,
        ..preset::find("720p30").unwrap().clone()
    };
    assert_eq!(odd.fps(), 30);
}

/// At a platform that says nothing of how it takes a lost connection.
fn usual(preset: &Preset) -> EncoderSettings {
    settings(preset, platform::find("custom").unwrap().reconnect)
}

/// A stream that is back while the platform keeps it open goes on as the same broadcast: also after a
/// server that fell silent, and with a second try.
#[test]
fn a_connection_is_back_before_the_platform_closes_the_stream() {
    let mut known = 0;
    for platform in platform::ALL {
        let reconnect = platform.reconnect;
        assert!(
            reconnect.restart_delay_seconds > 0,
            "{}: 0 is never",
            platform.id
        );
        if let Some(kept_seconds) = reconnect.kept_seconds {
            let back = CACHE_SECONDS + reconnect.restart_delay_seconds + 2 * RETRY_SECONDS;
            assert!(back <= kept_seconds, "{}: {back} s", platform.id);
            known += 1;
        }
        let made = settings(preset::find("1080p30").unwrap(), reconnect);
        let OutputGroup::Rtmp(group) = &made.output_groups[0];
        assert_eq!(
            group.settings.restart_delay,
            reconnect.restart_delay_seconds
        );
    }
    assert_eq!(known, 2, "youtube and twitch");
}

/// The body was checked member by member against the botocore model of MediaLive.
#[test]
fn settings_are_the_checked_create_channel_body() {
    let expected: serde_json::Value =
        serde_json::from_str(include_str!("data/encoder-settings-1080p30.json")).unwrap();
    let made = usual(preset::find("1080p30").unwrap());
    assert_eq!(serde_json::to_value(&made).unwrap(), expected);
    assert_eq!(
        serde_json::from_value::<EncoderSettings>(expected).unwrap(),
        made
    );
}

#[test]
fn every_preset_has_settings_of_its_own_that_name_bitrate_and_frame_rate() {
    let mut seen = BTreeSet::new();
    for preset in preset::ALL {
        let made = usual(preset);
        let json = serde_json::to_value(&made).unwrap();
        let h264 = &json["videoDescriptions"][0]["codecSettings"]["h264Settings"];
        assert_eq!(h264["bitrate"], preset.bitrate);
        assert_eq!(h264["bufSize"], preset.bitrate * 2);
        assert_eq!(h264["framerateControl"], "SPECIFIED");
        assert_eq!(h264["framerateNumerator"], preset.fps_numerator);
        let OutputGroup::Rtmp(group) = &made.output_groups[0];
        assert_eq!(
            group.outputs[0].video_description_name,
            made.video_descriptions[0].name
        );
        assert_eq!(
            group.outputs[0].audio_description_names,
            [made.audio_descriptions[0].name.clone()]
        );
        seen.insert(made.fingerprint());
        assert_eq!(made.fingerprint(), usual(preset).fingerprint());
        assert_eq!(made.fingerprint().len(), 32);
    }
    // facebook-1080p30 and 1080p30 are the same recipe under two names, and so are some others.
    let recipes: BTreeSet<_> = preset::ALL
        .iter()
        .map(|p| (p.height, p.fps(), p.bitrate))
        .collect();
    assert_eq!(seen.len(), recipes.len());
}

/// A stream that is on the air is compared with this number: it may only change with a decision.
#[test]
fn the_fingerprint_of_a_recipe_does_not_change_by_itself() {
    assert_eq!(
        usual(preset::find("1080p30").unwrap()).fingerprint(),
        "983137e4657c8c22231afcc89caee8b4"
    );
}

#[test]
fn the_input_class_holds_the_feed() {
    assert_eq!(input_class(0), InputClass::Max10);
    assert_eq!(input_class(10_000_000), InputClass::Max10);
    assert_eq!(input_class(10_000_001).as_str(), "MAX_20_MBPS");
    assert_eq!(input_class(20_000_001), InputClass::Max50);
}
