//! Addresses: a table of what is taken and in which form, and a longer one of what is refused.

#[path = "tables/refused_addresses.rs"]
mod refused;

use domain::address::{Scheme, looks_like_key, parse};
use domain::platform;
use domain::problem::Code::{
    self, MalformedUrl as Malformed, UrlHasKey as HasKey, UrlUserinfo as Userinfo,
};
use refused::BAD;

/// What is written, and what MediaLive is told.
const GOOD: &[(&str, &str)] = &[
    (
        "rtmps://a.rtmps.youtube.com:443/live2",
        "rtmps://a.rtmps.youtube.com:443/live2",
    ),
    (
        "rtmps://a.rtmps.youtube.com/live2",
        "rtmps://a.rtmps.youtube.com:443/live2",
    ),
    (
        "rtmps://b.rtmps.youtube.com/live2?backup=1",
        "rtmps://b.rtmps.youtube.com:443/live2?backup=1",
    ),
    (
        "rtmp://a.rtmp.youtube.com/live2/",
        "rtmp://a.rtmp.youtube.com:1935/live2",
    ),
    (
        "RTMP://LIVE-PDX.Twitch.TV/app",
        "rtmp://live-pdx.twitch.tv:1935/app",
    ),
    (
        "rtmp://live-pdx.twitch.tv./app",
        "rtmp://live-pdx.twitch.tv:1935/app",
    ),
    (
        "rtmps://live-api-s.facebook.com:443/rtmp/",
        "rtmps://live-api-s.facebook.com:443/rtmp",
    ),
    (
        "rtmp://live.restream.io/live",
        "rtmp://live.restream.io:1935/live",
    ),
    (
        "rtmp://stream.example.com/live/_definst_",
        "rtmp://stream.example.com:1935/live/_definst_",
    ),
    (
        "rtmp://stream.example.com/Live",
        "rtmp://stream.example.com:1935/Live",
    ),
    (
        "rtmp://stream.example.com:80/x",
        "rtmp://stream.example.com:80/x",
    ),
    (
        "rtmp://stream.example.com:1936/x",
        "rtmp://stream.example.com:1936/x",
    ),
    (
        "rtmps://stream.example.com:2935/live",
        "rtmps://stream.example.com:2935/live",
    ),
    (
        "rtmp://stream.example.com:01935/live",
        "rtmp://stream.example.com:1935/live",
    ),
    (
        "rtmp://stream.example.com/live?",
        "rtmp://stream.example.com:1935/live",
    ),
    (
        "rtmp://xn--bcher-kva.example/live",
        "rtmp://xn--bcher-kva.example:1935/live",
    ),
    // Documentation ranges belong to no one.
    ("rtmp://192.0.2.1/live", "rtmp://192.0.2.1:1935/live"),
    ("rtmp://198.51.100.7/live", "rtmp://198.51.100.7:1935/live"),
    ("rtmp://203.0.113.9/live", "rtmp://203.0.113.9:1935/live"),
    (
        "rtmp://[2001:db8::1]/live",
        "rtmp://[2001:db8::1]:1935/live",
    ),
    (
        "rtmp://[2001:DB8:0:0::1]/live",
        "rtmp://[2001:db8::1]:1935/live",
    ),
    ("rtmp://8.8.8.8/live", "rtmp://8.8.8.8:1935/live"),
    (
        "rtmp://100.63.255.255/live",
        "rtmp://100.63.255.255:1935/live",
    ),
    ("rtmp://172.32.0.1/live", "rtmp://172.32.0.1:1935/live"),
];

#[test]
fn good_urls_have_one_canonical_form() {
    for &(written, told) in GOOD {
        let address = parse(written).unwrap_or_else(|problem| panic!("{written}: {problem}"));
        assert_eq!(address.url(), told, "{written}");
        assert_eq!(
            parse(&address.url()).as_ref(),
            Ok(&address),
            "{written}: not stable"
        );
        let json = serde_json::to_string(&address).unwrap();
        assert_eq!(
            serde_json::from_str::<domain::address::Address>(&json).unwrap(),
            address
        );
    }
}

#[test]
fn bad_urls_are_refused_with_their_code() {
    for &(written, code) in BAD {
        match parse(written) {
            Ok(address) => panic!("{written:?} was taken as {}", address.url()),
            Err(problem) => assert_eq!(problem.code, code, "{written:?}: {problem}"),
        }
    }
}

#[test]
fn an_endless_url_is_refused() {
    let url = format!("rtmp://stream.example.com/{}", "a".repeat(5000));
    assert_eq!(parse(&url).unwrap_err().code, Malformed);
    let host = format!("rtmp://{}.example.com/live", "a".repeat(64));
    assert_eq!(parse(&host).unwrap_err().code, Malformed);
    let long = vec!["a".repeat(60); 5].join(".");
    assert_eq!(
        parse(&format!("rtmp://{long}/live")).unwrap_err().code,
        Malformed
    );
}

#[test]
fn no_message_repeats_a_path_a_query_or_a_user() {
    for &(written, _) in BAD {
        if let Err(problem) = parse(written) {
            let said = format!("{} {}", problem.message, problem.advice).to_lowercase();
            for secret in ["canary", "can1-arya", "passwd", "latest", "me:word"] {
                assert!(!said.contains(secret), "{written:?}: {said}");
            }
        }
    }
}

/// Every key put at every place of a URL where it was ever seen is refused without being repeated.
#[test]
fn a_key_is_refused_wherever_it_stands() {
    let keys = [
        "can1-arya-bcd2-efgh-5678",
        "live_123456789_canaryCANARY",
        "re_1234567_canary0123456789",
        "canary-0123456789-abcdef",
    ];
    for key in keys {
        assert!(looks_like_key(key), "{key}");
        for url in [
            format!("rtmps://a.rtmps.youtube.com/live2/{key}"),
            format!("rtmps://a.rtmps.youtube.com/live2/{key}/"),
            format!("rtmps://a.rtmps.youtube.com/live2?{key}"),
            format!("rtmps://a.rtmps.youtube.com/live2?x={key}"),
            format!("rtmps://{key}@a.rtmps.youtube.com/live2"),
        ] {
            let problem = parse(&url).expect_err(&url);
            assert!(
                matches!(problem.code, HasKey | Userinfo),
                "{url}: {problem}"
            );
            assert!(!format!("{problem:?}").contains(key));
        }
    }
}

#[test]
fn ordinary_words_are_no_keys() {
    for word in [
        "live2",
        "app",
        "rtmp",
        "live",
        "_definst_",
        "main-stage",
        "backup",
        "1",
        "the-sunday-service",
        "ingest01",
    ] {
        assert!(!looks_like_key(word), "{word}");
    }
}

/// Any bytes give an address or a problem, never a panic, and an address always stands for itself.
#[test]
fn nothing_makes_the_parser_panic() {
    let pieces = [
        "rtmp", "rtmps", "://", "/", "?", "#", "@", ":", "[", "]", "::1", "a.b", ".", "..", "0x7f",
        "1", "\u{e9}", "%", " ", "&", "=",
    ];
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..50_000 {
        let mut url = String::from(if seed & 1 == 0 { "rtmp://" } else { "" });
        for _ in 0..(seed >> 8) % 9 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            url.push_str(pieces[usize::try_from(seed % 21).unwrap()]);
        }
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if let Ok(address) = parse(&url) {
            assert_eq!(parse(&address.url()), Ok(address), "{url}");
        }
    }
}

#[test]
fn who_holds_an_address_depends_on_address_and_parameter() {
    let a = parse("rtmps://a.rtmps.youtube.com/live2").unwrap();
    let same = parse("RTMPS://A.rtmps.youtube.com:443/live2/").unwrap();
    let other = parse("rtmps://b.rtmps.youtube.com/live2?backup=1").unwrap();
    assert_eq!(a.hash_with("/p/x"), same.hash_with("/p/x"));
    assert_ne!(a.hash_with("/p/x"), a.hash_with("/p/y"));
    assert_ne!(a.hash_with("/p/x"), other.hash_with("/p/x"));
    assert_eq!(a.hash_with("/p/x").len(), 32);
}

#[test]
fn a_platform_takes_its_own_servers_only() {
    let cases = [
        ("youtube", "rtmps://a.rtmps.youtube.com/live2", None),
        (
            "youtube",
            "rtmps://youtube.com.example.org/live2",
            Some(Code::UrlHostNotAllowed),
        ),
        (
            "youtube",
            "rtmps://notyoutube.com/live2",
            Some(Code::UrlHostNotAllowed),
        ),
        (
            "youtube",
            "rtmps://live-pdx.twitch.tv/app",
            Some(Code::UrlHostNotAllowed),
        ),
        (
            "youtube",
            "rtmps://203.0.113.9/live2",
            Some(Code::UrlHostNotAllowed),
        ),
        (
            "youtube",
            "rtmps://a.rtmps.youtube.com:2935/live2",
            Some(Code::UrlPort),
        ),
        ("twitch", "rtmps://sfo.contribute.live-video.net/app", None),
        (
            "twitch",
            "rtmps://evil.live-video.net/app",
            Some(Code::UrlHostNotAllowed),
        ),
        (
            "facebook",
            "rtmp://live-api-s.facebook.com/rtmp/",
            Some(Code::UrlScheme),
        ),
        (
            "facebook",
            "rtmps://live-api-s.facebook.com:443/rtmp/",
            None,
        ),
        ("linkedin", "rtmps://abc.example.com:2935/live", None),
        ("custom", "rtmp://203.0.113.9:19350/live", None),
    ];
    for (id, url, expected) in cases {
        let platform = platform::find(id).unwrap();
        let found = platform.accept(&parse(url).unwrap()).err().map(|p| p.code);
        assert_eq!(found, expected, "{id} {url}");
    }
}

#[test]
fn every_url_a_platform_gives_out_is_one_it_takes() {
    for platform in platform::ALL {
        for url in platform.url_examples.iter().chain(platform.ingest_urls) {
            let address = parse(url).unwrap_or_else(|problem| panic!("{url}: {problem}"));
            assert_eq!(platform.accept(&address), Ok(()), "{url}");
        }
        assert!(!platform.source.is_empty());
        assert_eq!(platform::find(platform.id), Some(platform));
    }
    assert_eq!(Scheme::Rtmps.to_string(), "rtmps");
}
