//! Reading an answer's body: decompressed by ourselves, with caps on size and ratio.

use super::failure::Failure;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use std::io::{self, Write};

/// Bytes of a decompressed body up to which its ratio does not matter.
const RATIO_FLOOR: usize = 256 * 1024;

/// Caps on a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caps {
    /// Bytes after decompression.
    pub(super) bytes: usize,
    /// Bytes after decompression for each byte before it.
    pub(super) ratio: usize,
}

/// Takes a body in pieces, as it is sent.
pub(super) struct BodyReader {
    caps: Caps,
    coding: Coding,
}

enum Coding {
    Identity(Capped),
    Gzip(Box<MultiGzDecoder<Capped>>),
    Zlib(Box<ZlibDecoder<Capped>>),
    Raw(Box<DeflateDecoder<Capped>>),
    /// `deflate` before its first two bytes, which tell zlib from the bare form that some servers send.
    Undecided(Vec<u8>),
}

/// What was decompressed, and how much of the compressed form made it.
struct Capped {
    caps: Caps,
    taken: usize,
    out: Vec<u8>,
    over: Option<&'static str>,
}

impl Capped {
    fn new(caps: Caps) -> Self {
        Self {
            caps,
            taken: 0,
            out: Vec::new(),
            over: None,
        }
    }
}

impl Write for Capped {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let size = self.out.len() + piece.len();
        if size > self.caps.bytes {
            self.over = Some("it is larger than 32 MiB");
        } else if size > RATIO_FLOOR && size > self.taken.saturating_mul(self.caps.ratio) {
            self.over = Some("it is compressed far more than data can be");
        }
        if self.over.is_some() {
            return Err(io::Error::other("over the cap"));
        }
        self.out.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BodyReader {
    /// A reader for a `Content-Encoding`.
    pub(super) fn new(encoding: Option<&str>, caps: Caps) -> Result<Self, Failure> {
        let out = Capped::new(caps);
        let coding = match encoding.map(|e| e.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "identity") => Coding::Identity(out),
            Some("gzip" | "x-gzip") => Coding::Gzip(Box::new(MultiGzDecoder::new(out))),
            Some("deflate") => Coding::Undecided(Vec::new()),
            Some(_) => return Err(Failure::Unreadable("it is compressed in an unknown way")),
        };
        Ok(Self { caps, coding })
    }

    /// Takes a piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Failure> {
        if let Coding::Undecided(head) = &mut self.coding {
            head.extend_from_slice(piece);
            if head.len() < 2 {
                return Ok(());
            }
            let head = std::mem::take(head);
            let out = Capped::new(self.caps);
            self.coding = if is_zlib(&head) {
                Coding::Zlib(Box::new(ZlibDecoder::new(out)))
            } else {
                Coding::Raw(Box::new(DeflateDecoder::new(out)))
            };
            return self.write(&head);
        }
        self.write(piece)
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        let out = self.coding.out();
        if let Some(out) = out {
            out.taken += piece.len();
        }
        let wrote = match &mut self.coding {
            Coding::Identity(w) => w.write_all(piece),
            Coding::Gzip(w) => w.write_all(piece),
            Coding::Zlib(w) => w.write_all(piece),
            Coding::Raw(w) => w.write_all(piece),
            Coding::Undecided(_) => Ok(()),
        };
        wrote.map_err(|_| self.coding.why())
    }

    /// The whole body.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, Failure> {
        let done = match &mut self.coding {
            Coding::Identity(_) => Ok(()),
            // An empty body is empty, whatever its header says.
            Coding::Gzip(w) if w.get_ref().taken == 0 => Ok(()),
            Coding::Gzip(w) => w.try_finish(),
            Coding::Zlib(w) => w.try_finish(),
            Coding::Raw(w) => w.try_finish(),
            Coding::Undecided(head) if head.is_empty() => return Ok(Vec::new()),
            Coding::Undecided(_) => return Err(Failure::Truncated),
        };
        if done.is_err() {
            return Err(self.coding.why());
        }
        Ok(self
            .coding
            .out()
            .map(|c| std::mem::take(&mut c.out))
            .unwrap_or_default())
    }
}

impl Coding {
    fn out(&mut self) -> Option<&mut Capped> {
        match self {
            Self::Identity(w) => Some(w),
            Self::Gzip(w) => Some(w.get_mut()),
            Self::Zlib(w) => Some(w.get_mut()),
            Self::Raw(w) => Some(w.get_mut()),
            Self::Undecided(_) => None,
        }
    }

    /// Why writing to it failed.
    fn why(&mut self) -> Failure {
        match self.out().and_then(|c| c.over) {
            Some(why) => Failure::TooLarge(why),
            None => Failure::Unreadable("its compressed form is damaged"),
        }
    }
}

/// RFC 1950: method 8 in the low bits of the first byte, and both bytes a multiple of 31.
fn is_zlib(head: &[u8]) -> bool {
    match head {
        [a, b, ..] => a & 0x0f == 8 && (u16::from(*a) << 8 | u16::from(*b)) % 31 == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    const CAPS: Caps = Caps {
        bytes: 1024 * 1024,
        ratio: 200,
    };

    fn read(encoding: Option<&str>, body: &[u8], piece: usize) -> Result<Vec<u8>, Failure> {
        let mut reader = BodyReader::new(encoding, CAPS)?;
        for piece in body.chunks(piece) {
            reader.push(piece)?;
        }
        reader.finish()
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut w = GzEncoder::new(Vec::new(), Compression::best());
        w.write_all(body).unwrap();
        w.finish().unwrap()
    }

    fn text() -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(1);
        (0..9000).map(|_| rng.alphanumeric() as u8).collect()
    }

    #[test]
    fn every_coding_gives_the_body_in_any_pieces() {
        let body = text();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&body).unwrap();
        let zlib = zlib.finish().unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(&body).unwrap();
        let raw = raw.finish().unwrap();
        for piece in [1, 7, 100_000] {
            assert_eq!(read(None, &body, piece).unwrap(), body);
            assert_eq!(read(Some("gzip"), &gzip(&body), piece).unwrap(), body);
            assert_eq!(read(Some("Deflate"), &zlib, piece).unwrap(), body);
            assert_eq!(read(Some("deflate"), &raw, piece).unwrap(), body);
        }
    }

    #[test]
    fn bombs_and_large_bodies_stop_at_the_cap() {
        let bomb = gzip(&vec![0; 900_000]);
        assert!(matches!(
            read(Some("gzip"), &bomb, 64),
            Err(Failure::TooLarge(_))
        ));
        let large = vec![b'x'; CAPS.bytes + 1];
        assert!(matches!(
            read(None, &large, 4096),
            Err(Failure::TooLarge(_))
        ));
        assert!(read(None, &large[1..], 4096).is_ok());
    }

    #[test]
    fn damaged_and_cut_bodies_are_no_bodies() {
        let good = gzip(&text());
        for cut in [1, 5, 12, good.len() / 2, good.len() - 1] {
            assert!(read(Some("gzip"), &good[..cut], 100).is_err(), "{cut}");
        }
        assert!(read(Some("gzip"), b"{\"a\":1}", 100).is_err());
        assert!(read(Some("br"), b"", 100).is_err());
        assert!(read(Some("deflate"), b"\x78", 100).is_err());
        assert_eq!(read(Some("gzip"), b"", 100).unwrap(), b"");
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&text()).unwrap();
        let zlib = zlib.finish().unwrap();
        for cut in [2, zlib.len() / 2, zlib.len() - 1] {
            assert!(read(Some("deflate"), &zlib[..cut], 100).is_err(), "{cut}");
        }
    }
}
