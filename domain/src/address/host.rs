//! Hosts: which names and IP addresses count as the public internet.
//!
//! The ranges are those of IANA's special-purpose address registries for IPv4 and IPv6 (RFC 6890 and
//! its updates). Documentation ranges (RFC 5737, RFC 3849, RFC 9637) are let through: nobody lives
//! there, so nothing can be reached, and examples and tests need addresses that belong to no one.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::Host;

use super::malformed;
use crate::problem::{Code, Problem};

/// Endings that never lead out of a private network: RFC 6761, RFC 6762, RFC 8375, ICANN's
/// `.internal`, and what routers and companies commonly use at home.
const PRIVATE_ENDINGS: &[&str] = &[
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "private",
    "lan",
    "home",
    "corp",
    "home.arpa",
    "in-addr.arpa",
    "ip6.arpa",
];

/// IPv4 ranges that are not the public internet: (first address, prefix length).
const CLOSED_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local, cloud metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 31, 196, 0), 24), // AS112
    (Ipv4Addr::new(192, 52, 193, 0), 24), // AMT
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 relay
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(192, 175, 48, 0), 24), // AS112
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarking
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, broadcast
];

/// IPv6: only 2000::/3 is handed out for use on the internet. Everything else (loopback, v4-mapped,
/// NAT64, unique local, link-local, multicast) is outside of it. Within it these are closed.
const CLOSED_V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo, ORCHID
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4: an IPv4 address in disguise
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48), // AS112
];

/// Reads a host as it stands in a URL and gives its canonical form.
///
/// # Errors
/// `url_host_private` when it is not on the public internet, `malformed_url` when it is no host.
pub(super) fn parse(text: &str) -> Result<String, Problem> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let host = Host::parse(name).map_err(|_| malformed("The URL's host cannot be read."))?;
    let canonical = host.to_string();
    match host {
        Host::Ipv4(address) => {
            if closed_v4(address) {
                return Err(private(&canonical));
            }
            // `0x7f.1` and `3405803777` are addresses too, but nobody writes them in good faith.
            if canonical != name {
                return Err(malformed(
                    "The URL's host is an IPv4 address in an unusual spelling; write it as four decimal numbers.",
                ));
            }
        }
        Host::Ipv6(address) => {
            if closed_v6(address) {
                return Err(private(&canonical));
            }
        }
        Host::Domain(ref domain) => public_name(domain)?,
    }
    Ok(canonical)
}

fn private(host: &str) -> Problem {
    Problem::new(
        Code::UrlHostPrivate,
        format!("The URL's host {host} is not on the public internet."),
    )
}

/// Whether a host is this domain or something below it.
pub(crate) fn at_or_below(host: &str, domain: &str) -> bool {
    host == domain
        || host
            .strip_suffix(domain)
            .is_some_and(|front| front.ends_with('.'))
}

fn public_name(domain: &str) -> Result<(), Problem> {
    if PRIVATE_ENDINGS
        .iter()
        .any(|ending| at_or_below(domain, ending))
    {
        return Err(private(domain));
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if domain.len() > 253 || !domain.split('.').all(label) {
        return Err(malformed("The URL's host is not a host name."));
    }
    if !domain.contains('.') {
        return Err(private(domain));
    }
    Ok(())
}

fn closed_v4(address: Ipv4Addr) -> bool {
    CLOSED_V4.iter().any(|&(first, length)| {
        let shift = 32 - length;
        u32::from(address) >> shift == u32::from(first) >> shift
    })
}

fn closed_v6(address: Ipv6Addr) -> bool {
    let bits = u128::from(address);
    let global_unicast = bits >> 125 == 1;
    !global_unicast
        || CLOSED_V6.iter().any(|&(first, length)| {
            let shift = 128 - length;
            bits >> shift == u128::from(first) >> shift
        })
}
