//! Nothing real in the repository: no key, no account, no address, nothing of any workplace.
//!
//! The patterns are put together from pieces, so that this file does not complain about itself.

use regex_lite::Regex;

use crate::house::Text;

/// The account of AWS's own documentation, and the one of the local cloud.
const ACCOUNTS: &[&str] = &["123456789012", "000000000000"];

/// Blocks that nobody has on the internet: documentation (RFC 5737), benchmarks (RFC 2544),
/// loopback, unspecified.
const INVENTED: &[&str] = &[
    "192.0.2.",
    "198.51.100.",
    "203.0.113.",
    "198.18.",
    "127.",
    "0.0.0.0",
];

/// Files that are about addresses: tables of what is private or just beside an invented block.
const ABOUT_ADDRESSES: &[&str] = &[
    "domain/src/address",
    "domain/src/network.rs",
    "domain/src/record",
    "domain/tests/",
    "simulator/src/media/srt.rs",
    "tests/end_to_end/test_bad_records.py",
    "tests/fuzz/",
    "tests/src/wiring.rs",
];

/// How a planted key says that it is one.
const PLANTED: &[&str] = &["canary", "can1-arya"];

/// What is wrong with these files.
pub fn complaints(files: &[Text]) -> Vec<String> {
    let patterns = patterns();
    let account = Regex::new(r"(^|[^0-9A-Za-z.])([0-9]{12})($|[^0-9A-Za-z.])").expect("a pattern");
    let address = Regex::new(
        r"(^|[^0-9A-Za-z.])([0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})($|[^0-9A-Za-z.])",
    )
    .expect("a pattern");
    let mut found = Vec::new();
    for file in files {
        let about_addresses = ABOUT_ADDRESSES
            .iter()
            .any(|path| file.path.starts_with(path));
        for (number, line) in file.text.lines().enumerate() {
            let mut wrong =
                |what: &str| found.push(format!("{}:{}: {what}", file.path, number + 1));
            for (name, hint, pattern) in &patterns {
                let is_real = |text: &str| !PLANTED.iter().any(|planted| text.contains(planted));
                if line.contains(hint)
                    && pattern
                        .find_iter(line)
                        .any(|found| is_real(&line[found.start()..]))
                {
                    wrong(name);
                }
            }
            // Patterns are slow and digits are rare.
            if about_addresses || line.bytes().filter(u8::is_ascii_digit).count() < 4 {
                continue;
            }
            for account in account.captures_iter(line) {
                if !ACCOUNTS.contains(&&account[2]) && !is_small_number(&account[2]) {
                    wrong("an account that is not the documentation's");
                }
            }
            for address in address.captures_iter(line) {
                let is_address = address[2]
                    .split('.')
                    .all(|octet| octet.parse::<u8>().is_ok());
                if is_address && !INVENTED.iter().any(|block| address[2].starts_with(block)) {
                    wrong("an address that somebody may have");
                }
            }
        }
    }
    found
}

/// Twelve digits that are a count, a time or a sum: round, or a padded sequence number.
fn is_small_number(digits: &str) -> bool {
    digits.starts_with("00") || digits.ends_with("000000")
}

/// What each thing is called, a piece of text without which it cannot be there, and its pattern.
fn patterns() -> Vec<(&'static str, &'static str, Regex)> {
    [
        (
            "an access key of AWS",
            "A",
            &[r"\b(AK", r"IA|AS", r"IA)[0-9A-Z]{16}\b"][..],
        ),
        (
            "a private key",
            "-----",
            &["-----BEGIN ", "([A-Z]+ )?PRIVATE", " KEY-----"],
        ),
        (
            "a stream key of YouTube",
            "-",
            &[r"\b([a-z0-9]{4}-)", r"{4}[a-z0-9]{4}\b"],
        ),
        (
            "a stream key of Twitch",
            "live_",
            &[r"\bli", r"ve_[0-9]{6,}_[A-Za-z0-9]{20,}"],
        ),
        (
            "a stream key of Restream",
            "re_",
            &[r"\bre", r"_[0-9]{5,}_[0-9a-f]{16,}"],
        ),
        (
            "a stream key of Facebook",
            "FB-",
            &[r"\bF", r"B-[0-9]{10,}-"],
        ),
        (
            "a stream key of IVS",
            "sk_",
            &[r"\bsk_", r"[a-z]{2}-[a-z]+-[0-9]_[A-Za-z0-9]{8,}"],
        ),
        (
            "a path of somebody's machine",
            "/",
            &[
                r"(^|[^A-Za-z0-9_.$}*])/(",
                "wor",
                "k|ro",
                "ot|far",
                "m|home/[a-z]+)/",
            ],
        ),
        (
            "a word of the workplace",
            "",
            &[
                r"(\.libra",
                r"ry\b|artifac",
                r"tory|\.\./sha",
                r"red|\bSEA",
                r"MS\b)",
            ],
        ),
    ]
    .map(|(name, hint, pieces)| (name, hint, Regex::new(&pieces.concat()).expect("a pattern")))
    .into_iter()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house;

    #[test]
    fn nothing_real_is_here() {
        assert_eq!(complaints(&house::texts()), Vec::<String>::new());
    }

    #[test]
    fn each_real_thing_is_seen() {
        // Put together here for the same reason as above.
        for (pieces, complaint) in [
            (&["AK", "IAIOSFODNN7EXAMPLE"][..], "an access key of AWS"),
            (&["-----BEGIN RSA PRIV", "ATE KEY-----"], "a private key"),
            (
                &["key: a1b2-", "c3d4-e5f6-g7h8-i9j0"],
                "a stream key of YouTube",
            ),
            (
                &["li", "ve_123456789_abcdefghijklmnopqrstuvwx"],
                "a stream key of Twitch",
            ),
            (
                &["re", "_1234567_0123456789abcdef0123"],
                "a stream key of Restream",
            ),
            (&["F", "B-1234567890123-0-abc"], "a stream key of Facebook"),
            (&["sk_", "us-west-2_AbCdEfGh1234"], "a stream key of IVS"),
            (&["cat /ro", "ot/notes"], "a path of somebody's machine"),
            (&["see .libra", "ry"], "a word of the workplace"),
            (
                &["arn:aws:iam::2109", "87654321:role/x"],
                "an account that is not the documentation's",
            ),
            (&["ping 8.", "8.8.8"], "an address that somebody may have"),
            (
                &["ping 192.", "168.1.20"],
                "an address that somebody may have",
            ),
        ] {
            let file = Text::planted("docs/planted.md", &format!("fine\n{}\n", pieces.concat()));
            assert_eq!(
                complaints(&[file]),
                [format!("docs/planted.md:2: {complaint}")]
            );
        }
    }

    #[test]
    fn what_is_invented_passes() {
        let text = "arn:aws:iam::123456789012:role/x 203.0.113.7/32 127.0.0.1:4600 0.0.0.0/0 1.2.3 v1.43.106 300.400.500.600 100000000000000000001 can1-arya-bcd2-efgh-5678";
        assert_eq!(
            complaints(&[Text::planted("a.md", text)]),
            Vec::<String>::new()
        );
    }
}
