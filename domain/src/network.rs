//! Whether an address lies in a range.

use std::net::Ipv4Addr;

/// Whether an IPv4 address lies in a range such as `198.51.100.0/24`. What cannot be read contains
/// nothing.
pub fn contains(cidr: &str, address: &str) -> bool {
    let (base, length) = cidr.split_once('/').unwrap_or((cidr, "32"));
    let (Ok(base), Ok(length), Ok(address)) = (
        base.parse::<Ipv4Addr>(),
        length.parse::<u32>(),
        address.parse::<Ipv4Addr>(),
    ) else {
        return false;
    };
    let mask = match length {
        0 => 0,
        1..=32 => u32::MAX << (32 - length),
        _ => return false,
    };
    u32::from(base) & mask == u32::from(address) & mask
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn ranges() {
        for (cidr, address, inside) in [
            ("198.51.100.7/32", "198.51.100.7", true),
            ("198.51.100.7", "198.51.100.7", true),
            ("198.51.100.0/24", "198.51.100.255", true),
            ("198.51.100.0/24", "198.51.101.0", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("198.51.100.0/33", "198.51.100.0", false),
            ("nonsense", "198.51.100.0", false),
        ] {
            assert_eq!(contains(cidr, address), inside, "{cidr} {address}");
        }
    }
}
