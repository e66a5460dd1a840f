//! S5, secrecy: the search for a planted key in everything that is written anywhere.
//!
//! A key is looked for as it is, in Base64 in all three alignments and both alphabets, in
//! hexadecimal, percent-encoded and escaped for JSON. One pass finds all of them: the search jumps
//! by nearly the length of the shortest pattern, so that it costs little.

use std::collections::BTreeSet;

/// Bytes that are looked at together.
const BLOCK: usize = 3;
/// Entries of the table of jumps.
const SLOTS: usize = 1 << 12;
/// Fewer bytes of a key are not looked for: they would be found by chance.
const SHORTEST: usize = 12;

/// One form of one key.
struct Pattern {
    bytes: Vec<u8>,
    form: &'static str,
    key: usize,
}

/// All keys of a run in all their forms.
pub struct Canary {
    patterns: Vec<Pattern>,
    /// How far the search may jump when a block ends here.
    jumps: Vec<u8>,
    window: usize,
}

/// A key that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which of the planted keys.
    pub key: usize,
    /// In which form.
    pub form: &'static str,
}

impl Canary {
    /// Looks for these keys. Each has to be unique, with at least 16 characters.
    #[must_use]
    pub fn new(keys: &[&str]) -> Canary {
        let mut patterns: Vec<Pattern> = Vec::new();
        for (key, text) in keys.iter().enumerate() {
            let mut seen = BTreeSet::new();
            for (form, bytes) in forms(text) {
                if bytes.len() >= SHORTEST && seen.insert(bytes.clone()) {
                    patterns.push(Pattern { bytes, form, key });
                }
            }
        }
        let window = patterns.iter().map(|pattern| pattern.bytes.len()).min();
        let window = window.unwrap_or(BLOCK).min(255);
        let mut jumps = vec![u8::try_from(window - BLOCK + 1).unwrap_or(1); SLOTS];
        for pattern in &patterns {
            for end in BLOCK..=window {
                let jump = u8::try_from(window - end).unwrap_or(0);
                let slot = &mut jumps[slot(&pattern.bytes[end - BLOCK..end])];
                *slot = (*slot).min(jump);
            }
        }
        Canary {
            patterns,
            jumps,
            window,
        }
    }

    /// The first key found in a text.
    #[must_use]
    pub fn find(&self, text: &[u8]) -> Option<Hit> {
        if self.patterns.is_empty() {
            return None;
        }
        let mut end = self.window;
        while end <= text.len() {
            let jump = usize::from(self.jumps[slot(&text[end - BLOCK..end])]);
            if jump > 0 {
                end += jump;
                continue;
            }
            let rest = &text[end - self.window..];
            let found = self
                .patterns
                .iter()
                .find(|pattern| rest.starts_with(&pattern.bytes));
            if let Some(Pattern { form, key, .. }) = found {
                return Some(Hit { key: *key, form });
            }
            end += 1;
        }
        None
    }
}

fn slot(block: &[u8]) -> usize {
    let [a, b, c] = [block[0], block[1], block[2]].map(usize::from);
    (a ^ b << 4 ^ c << 8 ^ c >> 4) & (SLOTS - 1)
}

/// Every form a key may be written in.
fn forms(key: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = key.as_bytes();
    let mut forms = vec![
        ("as it is", bytes.to_vec()),
        ("percent-encoded", percent(bytes).into_bytes()),
        ("escaped for JSON", escaped(key).into_bytes()),
        ("in hexadecimal", hex(bytes, false).into_bytes()),
        ("in capital hexadecimal", hex(bytes, true).into_bytes()),
        ("backwards", bytes.iter().rev().copied().collect()),
    ];
    for offset in 0..3 {
        forms.push(("in Base64", base64(bytes, offset, b"+/")));
        forms.push(("in Base64 for URLs", base64(bytes, offset, b"-_")));
    }
    forms
}

fn percent(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let one = |&byte: &u8| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    bytes.iter().map(one).collect()
}

fn escaped(key: &str) -> String {
    let text = serde_json::Value::from(key).to_string();
    text.trim_matches('"').to_owned()
}

fn hex(bytes: &[u8], capital: bool) -> String {
    let one = |byte: &u8| {
        if capital {
            format!("{byte:02X}")
        } else {
            format!("{byte:02x}")
        }
    };
    bytes.iter().map(one).collect()
}

/// What a key becomes in the middle of a longer text that is encoded: the characters that depend on
/// its neighbours are left out.
fn base64(bytes: &[u8], offset: usize, last: &[u8; 2]) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let letter = |index: u32| {
        let index = (index & 63) as usize;
        letters.get(index).copied().unwrap_or(last[index & 1])
    };
    // Bytes before the next whole group of three belong to a group with a neighbour.
    let start = (3 - offset) % 3;
    let whole = bytes.get(start..).unwrap_or_default().chunks_exact(3);
    whole
        .flat_map(|group| {
            let bits = group
                .iter()
                .fold(0, |bits, byte| bits << 8 | u32::from(*byte));
            [18, 12, 6, 0].map(|shift| letter(bits >> shift))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "canary/7f3a+91c2\"d4e5";

    fn hit(text: &str) -> Option<&'static str> {
        let canary = Canary::new(&["canary-of-another-run", KEY]);
        let found = canary.find(text.as_bytes())?;
        assert_eq!(found.key, 1);
        Some(found.form)
    }

    #[test]
    fn a_key_is_found_wherever_it_stands_and_however_it_is_written() {
        for before in 0..40 {
            let lead: String = "the quick brown fox jumps over the lazy dog"
                .chars()
                .take(before)
                .collect();
            for (form, bytes) in [
                ("as it is", KEY.to_owned()),
                ("percent-encoded", percent(KEY.as_bytes())),
                ("escaped for JSON", escaped(KEY)),
                ("in hexadecimal", hex(KEY.as_bytes(), false)),
                ("in capital hexadecimal", hex(KEY.as_bytes(), true)),
            ] {
                assert_eq!(
                    hit(&format!("{lead}{bytes} and more")),
                    Some(form),
                    "{before}"
                );
                assert_eq!(hit(&format!("{lead}{bytes}")), Some(form), "{before}");
            }
        }
    }

    #[test]
    fn base64_is_found_in_every_alignment() {
        for before in ["", "a", "ab", "abc"] {
            let whole = format!("{before}{KEY}tail of it").into_bytes();
            let text = String::from_utf8(base64(&whole, 0, b"+/")).unwrap();
            assert_eq!(hit(&text), Some("in Base64"), "{before}: {text}");
        }
    }

    #[test]
    fn the_encoding_is_that_of_the_standard() {
        // RFC 4648, section 10.
        assert_eq!(base64(b"foobar", 0, b"+/"), b"Zm9vYmFy");
        assert_eq!(base64(&[0xfb, 0xff, 0xff], 0, b"-_"), b"-___");
    }

    #[test]
    fn what_only_looks_like_a_key_is_none() {
        let most = &KEY[..KEY.len() - 1];
        assert_eq!(hit(&format!("{most} {most} CANARY/7F3A+91C2\"D4E5")), None);
        assert_eq!(hit(""), None);
        assert_eq!(hit("ca"), None);
    }
}
