//! FLV as ffmpeg writes it to a pipe: the very messages RTMP carries.
//! Layout: Adobe Flash Video File Format Specification 10.1, annex E.

use bytes::{Buf, Bytes, BytesMut};

/// What a tag carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// AAC.
    Audio,
    /// H.264.
    Video,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Sound or picture.
    pub kind: Kind,
    /// Decoding time in milliseconds.
    pub time: u64,
    /// The RTMP message's body.
    pub data: Bytes,
}

impl Tag {
    /// True for an AVC or AAC sequence header, which a decoder needs before anything else.
    #[must_use]
    pub fn is_header(&self) -> bool {
        self.data.get(1) == Some(&0)
            && match self.kind {
                Kind::Video => self.data[0] & 0x0f == 7,
                Kind::Audio => self.data[0] >> 4 == 10,
            }
    }

    /// True for a picture that starts a group of pictures.
    #[must_use]
    pub fn is_key(&self) -> bool {
        self.kind == Kind::Video && self.is_picture() && self.data[0] >> 4 == 1
    }

    /// True for any picture.
    #[must_use]
    pub fn is_picture(&self) -> bool {
        self.kind == Kind::Video && self.data.get(1) == Some(&1)
    }
}

/// Reads tags from bytes as they come.
#[derive(Debug, Default)]
pub struct Parser {
    rest: BytesMut,
    past_header: bool,
}

impl Parser {
    /// Takes bytes in, gives whole tags out. Script data and the end-of-sequence marker are left
    /// out: the publisher writes metadata of its own.
    ///
    /// # Errors
    /// If this is not FLV.
    pub fn push(&mut self, data: &[u8]) -> Result<Vec<Tag>, String> {
        self.rest.extend_from_slice(data);
        if !self.past_header {
            if self.rest.len() < 13 {
                return Ok(Vec::new());
            }
            if self.rest[..3] != *b"FLV" {
                return Err("the encoder's output is not FLV".to_owned());
            }
            // Nine bytes of header and the first back pointer.
            self.rest.advance(13);
            self.past_header = true;
        }
        let mut tags = Vec::new();
        while self.rest.len() >= 11 {
            let number = |at: usize| {
                usize::from(self.rest[at]) << 16
                    | usize::from(self.rest[at + 1]) << 8
                    | usize::from(self.rest[at + 2])
            };
            let (length, time) = (number(1), number(4) as u64 | u64::from(self.rest[7]) << 24);
            if self.rest.len() < 11 + length + 4 {
                break;
            }
            let kind = self.rest[0] & 0x1f;
            self.rest.advance(11);
            let data = self.rest.split_to(length).freeze();
            self.rest.advance(4);
            let kind = match kind {
                8 => Kind::Audio,
                9 => Kind::Video,
                18 => continue,
                other => return Err(format!("the encoder's output has a tag of type {other}")),
            };
            let ends = kind == Kind::Video && data.get(1) == Some(&2);
            if !ends && !data.is_empty() {
                tags.push(Tag { kind, time, data });
            }
        }
        Ok(tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(kind: u8, time: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend(&(data.len() as u32).to_be_bytes()[1..]);
        bytes.extend(&time.to_be_bytes()[1..]);
        bytes.push((time >> 24) as u8);
        bytes.extend([0, 0, 0]);
        bytes.extend(data);
        bytes.extend((11 + data.len() as u32).to_be_bytes());
        bytes
    }

    #[test]
    fn tags_come_out_whatever_the_pieces() {
        let mut file = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
        file.extend(tag(18, 0, b"onMetaData"));
        file.extend(tag(9, 0, &[0x17, 0, 0, 0, 0, 1]));
        file.extend(tag(8, 0, &[0xaf, 0, 0x11, 0x90]));
        file.extend(tag(9, 0x0100_0021, &[0x17, 1, 0, 0, 0, 9]));
        file.extend(tag(9, 0x0100_0042, &[0x27, 1, 0, 0, 0, 9]));
        file.extend(tag(9, 0x0100_0042, &[0x17, 2, 0, 0, 0]));
        for size in [1, 7, 1000] {
            let mut parser = Parser::default();
            let tags: Vec<Tag> = file
                .chunks(size)
                .flat_map(|part| parser.push(part).expect("FLV"))
                .collect();
            let seen: Vec<_> = tags
                .iter()
                .map(|t| (t.kind, t.time, t.is_header(), t.is_key()))
                .collect();
            assert_eq!(
                seen,
                [
                    (Kind::Video, 0, true, false),
                    (Kind::Audio, 0, true, false),
                    (Kind::Video, 0x0100_0021, false, true),
                    (Kind::Video, 0x0100_0042, false, false),
                ]
            );
        }
        assert!(Parser::default().push(b"not a file of that kind").is_err());
    }
}
