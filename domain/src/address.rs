//! Addresses: where a destination sends to, parsed once and kept in one canonical form.
//!
//! The URL in a record makes MediaLive connect out, so this is the guard against requests to where
//! they do not belong. What is not plainly a public RTMP server is refused. What MediaLive is told
//! is always rebuilt from the parsed parts; the text in the record is never passed on.
//!
//! Names are not resolved here. A public name that points at a private address is not seen; that is
//! accepted, because MediaLive resolves the name later and from AWS's own network.

mod host;

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use crate::problem::{Code, Problem};
pub(crate) use host::at_or_below;

/// The longest URL that is looked at, in bytes.
const MAX_LENGTH: usize = 1024;

/// Ports that RTMP servers are known to use: the two defaults, and the two that get through
/// firewalls. Above 1023 any port may be used where the platform allows any host.
pub const WELL_KNOWN_PORTS: &[u16] = &[1935, 443, 80, 1936];

/// How the connection is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Plain RTMP over TCP.
    Rtmp,
    /// RTMP over TLS.
    Rtmps,
}

impl Scheme {
    /// The scheme as a URL spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Rtmp => "rtmp",
            Scheme::Rtmps => "rtmps",
        }
    }

    /// The port that is meant when a URL names none.
    pub fn default_port(self) -> u16 {
        match self {
            Scheme::Rtmp => 1935,
            Scheme::Rtmps => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A public RTMP server and the application on it, in canonical form. It holds no stream key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Address {
    /// How the connection is made.
    pub scheme: Scheme,
    /// Host name in small letters, or an IP address (IPv6 in brackets).
    pub host: String,
    /// TCP port; the scheme's default is written out.
    pub port: u16,
    /// The application, without slashes at its ends; may have inner slashes.
    pub application: String,
    /// What follows the question mark, such as YouTube's `backup=1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
}

impl Address {
    /// What MediaLive is told: `scheme://host:port/application[?query]`.
    pub fn url(&self) -> String {
        let Address {
            scheme,
            host,
            port,
            application,
            query,
        } = self;
        let url = format!("{scheme}://{host}:{port}/{application}");
        match query {
            Some(query) => format!("{url}?{query}"),
            None => url,
        }
    }

    /// Who holds this address together with this key parameter: the first 32 hex digits of a
    /// SHA-256 over both. Two records with the same hash would publish over each other.
    pub fn hash_with(&self, key_parameter: &str) -> String {
        hex_prefix(&[self.url().as_bytes(), b"\n", key_parameter.as_bytes()])
    }
}

/// The first 32 hex digits of the SHA-256 over all parts in order.
pub(crate) fn hex_prefix(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    let digest = hasher.finalize();
    digest.iter().take(16).map(|b| format!("{b:02x}")).collect()
}

/// Reads a server URL as an operator wrote it.
///
/// # Errors
/// A [`Problem`] with one of the codes `malformed_url`, `url_scheme`, `url_userinfo`, `url_port`,
/// `url_host_private` and `url_has_key`. Its message repeats no more than scheme and host, for what
/// is wrong with a URL is often that a key is in it.
pub fn parse(url: &str) -> Result<Address, Problem> {
    plain_text(url)?;
    let (scheme_text, rest) = url
        .split_once("://")
        .ok_or_else(|| malformed("The URL does not start with rtmp:// or rtmps://."))?;
    let scheme = scheme(scheme_text)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(Problem::new(
            Code::UrlUserinfo,
            format!("The {scheme} URL has a user name or password before its host."),
        ));
    }
    if rest.contains('#') {
        return Err(malformed("The URL has a fragment (a part after #)."));
    }
    let parsed = Url::parse(url).map_err(|error| match error {
        url::ParseError::InvalidPort => bad_port(scheme),
        error => malformed(format!("The URL cannot be read: {error}.")),
    })?;
    let host_text = parsed
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or_else(|| malformed("The URL has no host."))?;
    let host = host::parse(host_text)?;
    let port = match parsed.port() {
        Some(port) => allowed_port(port, scheme, &host)?,
        None => scheme.default_port(),
    };
    let (raw_path, raw_query) = path_and_query(rest);
    let query = query(raw_query, scheme, &host)?;
    let application = application(raw_path, scheme, &host)?;
    Ok(Address {
        scheme,
        host,
        port,
        application,
        query,
    })
}

fn malformed(message: impl Into<String>) -> Problem {
    Problem::new(Code::MalformedUrl, message)
}

fn bad_port(scheme: Scheme) -> Problem {
    Problem::new(
        Code::UrlPort,
        format!("The {scheme} URL names a port that does not exist."),
    )
}

/// Only characters that need no interpretation: what two parsers could read in two ways is refused.
fn plain_text(url: &str) -> Result<(), Problem> {
    if url.is_empty() {
        return Err(Problem::new(Code::MissingUrl, "The URL is empty."));
    }
    if url.len() > MAX_LENGTH {
        return Err(malformed(format!(
            "The URL is longer than {MAX_LENGTH} characters."
        )));
    }
    for c in url.chars() {
        let what = match c {
            ' ' => "a space",
            '%' => "a percent sign",
            '\\' => "a backslash",
            c if c.is_control() => "a line break or another control character",
            c if !c.is_ascii() => "a character outside plain ASCII",
            '"' | '<' | '>' | '^' | '`' | '{' | '}' | '|' => "a character no URL may have",
            _ => continue,
        };
        return Err(malformed(format!("The URL contains {what}.")));
    }
    Ok(())
}

fn scheme(text: &str) -> Result<Scheme, Problem> {
    match text.to_ascii_lowercase().as_str() {
        "rtmp" => Ok(Scheme::Rtmp),
        "rtmps" => Ok(Scheme::Rtmps),
        "http" | "https" => Err(Problem::new(
            Code::UrlScheme,
            "The URL is a web address (http), not an RTMP server.",
        )
        .with_advice(
            "This looks like the page to watch on. Copy the server URL from the platform's streaming settings; it starts with rtmps:// or rtmp://.",
        )),
        "srt" | "rist" | "udp" | "rtp" => Err(Problem::new(
            Code::UrlScheme,
            "The URL is for a protocol other than RTMP.",
        )),
        _ => Err(Problem::new(
            Code::UrlScheme,
            "The URL starts with something other than rtmp:// or rtmps://.",
        )),
    }
}

fn allowed_port(port: u16, scheme: Scheme, host: &str) -> Result<u16, Problem> {
    if WELL_KNOWN_PORTS.contains(&port) || port >= 1024 {
        return Ok(port);
    }
    Err(Problem::new(
        Code::UrlPort,
        format!("Port {port} of {scheme}://{host} is not a port for RTMP."),
    ))
}

/// The text between authority and end. Taken from the raw text, because the parser silently
/// resolves `..` and would hide it.
fn path_and_query(rest: &str) -> (&str, Option<&str>) {
    let after = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
    match after.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (after, None),
    }
}

fn has_key(scheme: Scheme, host: &str) -> Problem {
    Problem::new(
        Code::UrlHasKey,
        format!("The URL of {scheme}://{host} seems to end in a stream key."),
    )
}

fn application(path: &str, scheme: Scheme, host: &str) -> Result<String, Problem> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Err(malformed(format!(
            "The URL of {scheme}://{host} has no application, the part after the host such as live2 or app."
        )));
    }
    let mut segments = path.split('/');
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if segments
        .clone()
        .any(|s| s.is_empty() || s == "." || s == "..")
    {
        return Err(malformed(format!(
            "The path of {scheme}://{host} has an empty part, a . or a .. in it."
        )));
    }
    let first = segments.next().unwrap_or_default();
    if key_shaped_for_sure(first) || segments.any(looks_like_key) {
        return Err(has_key(scheme, host));
    }
    if !path.chars().all(|c| plain(c) || c == '/') {
        return Err(malformed(format!(
            "The path of {scheme}://{host} has a character other than letters, digits and -._~."
        )));
    }
    Ok(path.to_owned())
}

fn query(query: Option<&str>, scheme: Scheme, host: &str) -> Result<Option<String>, Problem> {
    let Some(query) = query.filter(|query| !query.is_empty()) else {
        return Ok(None);
    };
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !value.is_empty() && names_a_secret(name)
            || looks_like_key(value)
            || looks_like_key(name)
        {
            return Err(has_key(scheme, host));
        }
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~=&".contains(c);
    if !query.chars().all(plain) {
        return Err(malformed(format!(
            "The part after ? of {scheme}://{host} has a character other than letters, digits and -._~=&."
        )));
    }
    Ok(Some(query.to_owned()))
}

/// Query names whose value gives access, at any server.
fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "key",
        "pass",
        "secret",
        "token",
        "auth",
        "sign",
        "user",
        "pwd",
        "credential",
        "cred",
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// Whether a text looks like a stream key: a platform's known prefix, YouTube's groups of four, or
/// simply long with letters and digits mixed. Errs on the side of saying yes: a false alarm costs an
/// operator a minute (and says so), a missed key is on display.
pub fn looks_like_key(text: &str) -> bool {
    if key_shaped_for_sure(text) {
        return true;
    }
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(char::is_ascii_alphabetic).count();
    text.len() >= 16 && digits >= 2 && letters >= 2 && !text.contains(['/', ' '])
}

/// The shapes that cannot be an application's name: `live_123456_…` (Twitch), `re_123456_…`
/// (Restream), `sk_…` (Amazon IVS), `FB-…` (Facebook) and `abcd-efgh-ijkl-mnop` (YouTube).
fn key_shaped_for_sure(text: &str) -> bool {
    let digits_after = |prefix: &str| {
        text.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() >= 6 && rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let groups: Vec<&str> = text.split('-').collect();
    let youtube = groups.len() >= 4
        && groups
            .iter()
            .all(|g| g.len() == 4 && g.chars().all(|c| c.is_ascii_alphanumeric()));
    let other = ["sk_", "FB-"]
        .iter()
        .any(|prefix| text.starts_with(prefix) && text.len() >= 10);
    digits_after("live_") || digits_after("re_") || youtube || other
}
