//! Server URLs as operators paste them. Whatever is written: no panic; what is accepted reads the
//! same again and leads to the public internet only; what is refused is not quoted.

use std::net::{Ipv4Addr, Ipv6Addr};

use domain::address::{self, Address};

use crate::{Seen, Target};

/// How a planted key begins. It never stands in a host.
pub const CANARY: &str = "canary-";

/// `domain::address::parse`.
pub struct Urls;

/// Pieces of URLs, and addresses that must not be reached in the spellings that get past naive
/// checks (OWASP, "Server-Side Request Forgery Prevention").
const WORDS: &[&str] = &[
    "rtmp://",
    "rtmps://",
    "RTMP://",
    "http://",
    "rtmp:",
    "://",
    ":",
    "@",
    "/",
    "?",
    "#",
    "&",
    "=",
    ".",
    "..",
    "[",
    "]",
    ":1935",
    ":443",
    ":0",
    ":22",
    ":65535",
    ":65536",
    "/live",
    "/live2",
    "backup=1",
    "key=",
    "token=x",
    "canary-7q2z-9x4p-1m3n",
    "live_1234567890_canary-abcdef",
    "sk_us-west-2_canary-0123456789",
    "FB-0123456789-canary-",
    "abcd-efgh-ijkl-mnop",
    "stream.example.com",
    "a.rtmps.youtube.com",
    "localhost",
    "LOCALHOST.",
    "foo.local",
    "metadata.google.internal",
    "home.arpa",
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0x7f.1",
    "10.0.0.1",
    "192.168.1.1",
    "172.16.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "0.0.0.0",
    "0",
    "224.0.0.1",
    "255.255.255.255",
    "203.0.113.7",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[fe80::1]",
    "[fd00::1]",
    "[64:ff9b::a9fe:a9fe]",
    "[2002:7f00:1::]",
    "[2001:0:0:0::1]",
    "[ff02::1]",
    "[2001:db8::7]",
    "[fe80::1%25eth0]",
    "\u{ff11}27.0.0.1",
    "127\u{3002}0.0.1",
    "①27.0.0.1",
    "xn--80ak6aa92e.com",
    "%31%32%37.0.0.1",
    "user:pass@",
];

impl Target for Urls {
    fn name(&self) -> &'static str {
        "address"
    }

    fn seeds(&self) -> Vec<String> {
        let mut seeds: Vec<String> = domain::platform::ALL
            .iter()
            .flat_map(|platform| platform.url_examples)
            .map(|url| (*url).to_owned())
            .collect();
        seeds.extend(WORDS.iter().map(|word| format!("rtmp://{word}/live")));
        seeds.extend(
            WORDS
                .iter()
                .map(|word| format!("rtmps://stream.example.com:443/live{word}")),
        );
        seeds
    }

    fn words(&self) -> &[&str] {
        WORDS
    }

    fn is_json(&self) -> bool {
        false
    }

    fn run(&self, input: &str, seen: &mut Seen) -> Result<(), String> {
        match address::parse(input) {
            Ok(address) => {
                seen.note((
                    "accepted",
                    address.scheme,
                    address.query.is_some(),
                    address.host.starts_with('['),
                ));
                accepted(&address)
            }
            Err(problem) => {
                seen.note((problem.code.as_str(), shape(&problem.message)));
                if !host_of(input).to_ascii_lowercase().contains(CANARY) {
                    unquoted(&problem.message)?;
                }
                unquoted(&problem.advice)?;
                sentence(&problem.message)?;
                sentence(&problem.advice)
            }
        }
    }
}

/// What tells one message of a code from another, whatever it names: how many words it has.
pub fn shape(message: &str) -> usize {
    message.split(' ').count().min(60)
}

/// What stands where the host does, as one reads a URL: after the scheme and the last `@`.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.rsplit_once(':').map_or(host, |(host, _)| host)
}

/// No planted key is in a text that people will see.
pub fn unquoted(text: &str) -> Result<(), String> {
    if text.contains(CANARY) {
        return Err(format!("a key is quoted: {text}"));
    }
    Ok(())
}

/// Texts for people are sentences on one line.
pub fn sentence(text: &str) -> Result<(), String> {
    if text.ends_with('.') && text.len() > 8 && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(format!("not a sentence: {text:?}"))
}

/// What must hold for every address that MediaLive may be told.
pub fn accepted(address: &Address) -> Result<(), String> {
    let url = address.url();
    if address::parse(&url).as_ref() != Ok(address) {
        return Err(format!("it does not read the same again: {url}"));
    }
    let plain = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}%@#".contains(c);
    if !url.chars().all(plain) {
        return Err(format!("two readers may differ: {url}"));
    }
    if !is_public(&address.host) {
        return Err(format!("it leads into a private network: {url}"));
    }
    if address.port == 0
        || address
            .application
            .split('/')
            .any(|part| matches!(part, "" | "." | ".."))
    {
        return Err(format!("no such port or application: {url}"));
    }
    Ok(())
}

/// Whether a host leads to the public internet, by other means than the code under test.
fn is_public(host: &str) -> bool {
    if let Some(inner) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        return inner.parse().is_ok_and(public_v6);
    }
    if let Some(address) = number_and_dots(host) {
        // Only the plain spelling may be passed on.
        return host.parse::<Ipv4Addr>().ok() == Some(address) && public_v4(address);
    }
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let ending = host.rsplit('.').next().unwrap_or_default();
    let private = [
        "localhost",
        "local",
        "internal",
        "lan",
        "home",
        "corp",
        "intranet",
        "private",
        "localdomain",
    ];
    let reverse = [".home.arpa", ".in-addr.arpa", ".ip6.arpa"];
    // A last part of digits alone would be read as a number by some.
    host.contains('.')
        && !private.contains(&ending)
        && !reverse
            .iter()
            .any(|ending| format!(".{host}").ends_with(ending))
        && !ending.chars().all(|c| c.is_ascii_digit())
        && host.is_ascii()
}

/// A host as the C library's `inet_aton` reads it: one to four parts, decimal, octal or hexadecimal.
fn number_and_dots(host: &str) -> Option<Ipv4Addr> {
    let part = |text: &str| match text.to_ascii_lowercase() {
        text if text.starts_with("0x") => u32::from_str_radix(text.strip_prefix("0x")?, 16).ok(),
        text if text.len() > 1 && text.starts_with('0') => u32::from_str_radix(&text, 8).ok(),
        text => text.parse().ok(),
    };
    let parts: Vec<u32> = host
        .trim_end_matches('.')
        .split('.')
        .map(part)
        .collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|&part| part > 255) {
        return None;
    }
    let mut bits = 0_u64;
    for &part in first {
        bits = bits << 8 | u64::from(part);
    }
    let room = 8 * (4 - first.len());
    if u64::from(*last) >> room != 0 {
        return None;
    }
    u32::try_from(bits << room | u64::from(*last))
        .ok()
        .map(Ipv4Addr::from)
}

fn public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a, b & 0b1100_0000) == (100, 64)
        || (a, b, c) == (192, 0, 0)
        || (a, b, c) == (192, 88, 99)
        || (a, b & 0b1111_1110) == (198, 18))
}

fn public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // 2000::/3, without protocol assignments (Teredo among them) and 6to4.
    a & 0xe000 == 0x2000 && a != 0x2002 && !(a == 0x2001 && b < 0x200)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;

    #[test]
    fn fuzzed_urls() {
        check(&Urls, 60_000);
    }

    #[test]
    fn the_judge_knows_a_private_address_in_every_spelling() {
        for host in [
            "127.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "010.1",
            "10.0.0.1",
            "169.254.169.254",
            "[::ffff:127.0.0.1]",
            "[fe80::1]",
            "[2002:7f00:1::]",
            "a.local",
            "localhost",
            "example.1",
        ] {
            assert!(!is_public(host), "{host}");
        }
        for host in [
            "203.0.113.7",
            "[2001:db8::7]",
            "stream.example.com",
            "a.rtmps.youtube.com",
        ] {
            assert!(is_public(host), "{host}");
        }
        assert_eq!(host_of("rtmp://a:b@host:1/x"), "host");
        assert!(unquoted("x canary-1").is_err());
        assert!(sentence("two\nlines.").is_err());
    }
}
