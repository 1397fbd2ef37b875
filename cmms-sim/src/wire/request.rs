//! A request, read from a socket.

use std::io;

use bytes::{Buf, BytesMut};
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The largest head that is read.
const HEAD_MAX: usize = 64 * 1024;
/// The most headers that are read.
const HEADERS_MAX: usize = 64;
/// The largest body that is kept; a larger one is read and thrown away.
const BODY_MAX: usize = 1 << 20;
/// The largest body that is read at all.
const BODY_READ_MAX: usize = 64 << 20;

/// A request as it came over the wire.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// The decoded parameters, in order.
    pub(crate) query: Vec<(String, String)>,
    /// `None` if it was too large.
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) keep_alive: bool,
    headers: Vec<(String, String)>,
}

impl Request {
    /// The first header of this name, which is given in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name)?;
        Some(&found.1)
    }

    /// The first parameter of this name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name)?;
        Some(&found.1)
    }

    /// Whether a part of the path is `segment`.
    pub(crate) fn has_segment(&self, segment: &str) -> bool {
        self.path.split('/').any(|part| part == segment)
    }

    /// Reads the next request; `None` at the end of the connection.
    pub(super) async fn read(
        stream: &mut TcpStream,
        buffer: &mut BytesMut,
    ) -> io::Result<Option<Self>> {
        let (mut request, head) = loop {
            if let Some(found) = parse(buffer)? {
                break found;
            }
            if buffer.len() > HEAD_MAX {
                return Err(broken("the head is too large"));
            }
            if stream.read_buf(buffer).await? == 0 {
                return Ok(None);
            }
        };
        buffer.advance(head);
        if request
            .header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
        {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let chunked = request
            .header("transfer-encoding")
            .is_some_and(|value| value.to_ascii_lowercase().contains("chunked"));
        request.body = if chunked {
            read_chunks(stream, buffer).await?
        } else {
            let length = request
                .header("content-length")
                .map_or(Ok(0), |value| value.trim().parse::<usize>())
                .map_err(|_| broken("the length is no number"))?;
            read_body(stream, buffer, length).await?
        };
        Ok(Some(request))
    }
}

/// Reads a head; `None` if it is not complete.
fn parse(buffer: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut parsed = httparse::Request::new(&mut headers);
    let read = parsed.parse(buffer).map_err(io::Error::other)?;
    let httparse::Status::Complete(head) = read else {
        return Ok(None);
    };
    let target = parsed.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<_> = parsed
        .headers
        .iter()
        .map(|header| {
            let value = String::from_utf8_lossy(header.value).into_owned();
            (header.name.to_ascii_lowercase(), value)
        })
        .collect();
    let mut request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: pairs(query),
        body: None,
        keep_alive: parsed.version == Some(1),
        headers,
    };
    if let Some(connection) = request.header("connection") {
        let connection = connection.to_ascii_lowercase();
        request.keep_alive = connection.contains("keep-alive")
            || (request.keep_alive && !connection.contains("close"));
    }
    Ok(Some((request, head)))
}

async fn fill(stream: &mut TcpStream, buffer: &mut BytesMut, length: usize) -> io::Result<()> {
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

async fn read_body(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    length: usize,
) -> io::Result<Option<Vec<u8>>> {
    if length > BODY_READ_MAX {
        return Err(broken("the body is too large"));
    }
    fill(stream, buffer, length).await?;
    let body = buffer.split_to(length);
    Ok((length <= BODY_MAX).then(|| body.to_vec()))
}

async fn read_chunks(stream: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let read = httparse::parse_chunk_size(buffer)
            .map_err(|_| broken("the size of a chunk is no number"))?;
        let httparse::Status::Complete((head, size)) = read else {
            fill(stream, buffer, buffer.len() + 1).await?;
            continue;
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size.saturating_add(body.len()) > BODY_READ_MAX {
            return Err(broken("the body is too large"));
        }
        fill(stream, buffer, head + size + 2).await?;
        buffer.advance(head);
        body.extend_from_slice(&buffer.split_to(size));
        buffer.advance(2);
        if size == 0 {
            return Ok((body.len() <= BODY_MAX).then_some(body));
        }
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// Splits `a=1&b=2` and decodes names and values.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (form_decode(name), form_decode(value))
        })
        .collect()
}

fn form_decode(text: &str) -> String {
    decode(&text.replace('+', " "))
}

/// Decodes `%2F`.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
