//! Just enough of HTTP/1.1 to stand on the other side of a worker: one request read, one answer
//! written in a single write, so that Nagle's algorithm never waits for the second half.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
};

/// A request as it came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// `GET`.
    pub method: String,
    /// Path and query, still encoded.
    pub path: String,
    /// Header lines, names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Reads one request; `None` when the other side has closed the connection between two requests.
pub fn read(stream: &mut (impl BufRead + Write)) -> io::Result<Option<Request>> {
    let mut first = String::new();
    if stream.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut words = first.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(broken("no request line"));
    };
    let mut request = Request {
        method,
        path,
        ..Request::default()
    };
    loop {
        let line = line(stream)?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            request
                .headers
                .insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    if header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        stream.flush()?;
    }
    if header("transfer-encoding") == Some("chunked") {
        request.body = chunks(stream)?;
    } else if let Some(length) = header("content-length") {
        let length = length.parse().map_err(|_| broken("a strange length"))?;
        request.body = vec![0; length];
        stream.read_exact(&mut request.body)?;
    }
    Ok(Some(request))
}

fn chunks(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(stream)?;
        let size = size.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(|_| broken("a strange chunk"))?;
        let start = body.len();
        body.resize(start + size, 0);
        stream.read_exact(&mut body[start..])?;
        line(stream)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(broken("an end in the middle of a request"));
    }
    Ok(line.trim_end().to_owned())
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// Writes one answer with a JSON body.
pub fn write(
    stream: &mut impl Write,
    status: u16,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<()> {
    let mut answer = format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        if status < 400 { "OK" } else { "Refused" },
        body.len()
    )
    .into_bytes();
    for (name, value) in headers {
        answer.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(body);
    stream.write_all(&answer)?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Read};

    /// What comes in, and what was written.
    struct Wire(Cursor<Vec<u8>>, Vec<u8>);

    impl Read for Wire {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl BufRead for Wire {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            self.0.fill_buf()
        }
        fn consume(&mut self, amount: usize) {
            self.0.consume(amount);
        }
    }
    impl Write for Wire {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            self.1.write(buffer)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn wire(text: &str) -> Wire {
        Wire(Cursor::new(text.as_bytes().to_vec()), Vec::new())
    }

    #[test]
    fn bodies_come_with_a_length_in_chunks_or_not_at_all() {
        let mut wire = wire(
            "POST /a HTTP/1.1\r\nContent-Length: 2\r\nX-Amz-Target: B\r\n\r\nhi\
             PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n\
             GET /d HTTP/1.1\r\n\r\n",
        );
        let first = read(&mut wire).unwrap().unwrap();
        assert_eq!(
            (first.method.as_str(), first.body.as_slice()),
            ("POST", &b"hi"[..])
        );
        assert_eq!(first.headers["x-amz-target"], "B");
        assert_eq!(read(&mut wire).unwrap().unwrap().body, b"abcde");
        assert_eq!(read(&mut wire).unwrap().unwrap().path, "/d");
        assert_eq!(read(&mut wire).unwrap(), None);
    }

    #[test]
    fn who_asks_first_is_told_to_go_on() {
        let mut wire =
            wire("POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx");
        assert_eq!(read(&mut wire).unwrap().unwrap().body, b"x");
        assert!(wire.1.starts_with(b"HTTP/1.1 100 "));
    }

    #[test]
    fn half_a_request_is_an_error() {
        assert!(read(&mut wire("POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nx")).is_err());
        assert!(read(&mut wire("POST /a HTTP/1.1\r\nConte")).is_err());
    }
}
