//! A compressed answer that is far larger than it looks.

use std::io::{self, Write};
use std::sync::OnceLock;

use bytes::Bytes;
use flate2::write::DeflateEncoder;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// How often the block of spaces is repeated.
const BLOCKS: u32 = 64;
/// The size of the block of spaces: with all, a GiB.
const BLOCK: usize = 16 << 20;

/// An empty list with a GiB of spaces in it, in one member of gzip of about
/// a MiB. It is made once and kept.
pub(super) fn gzip(list: &str, list_end: &str) -> io::Result<Bytes> {
    static SPACES: OnceLock<Vec<u8>> = OnceLock::new();
    let spaces = vec![b' '; BLOCK];
    let block = match SPACES.get() {
        Some(block) => block,
        None => {
            let made = segment(&spaces)?;
            SPACES.get_or_init(|| made)
        }
    };
    let mut sum = Crc::new();
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    sum.update(list.as_bytes());
    out.extend(segment(list.as_bytes())?);
    let mut of_block = Crc::new();
    of_block.update(&spaces);
    drop(spaces);
    for _ in 0..BLOCKS {
        out.extend_from_slice(block);
        sum.combine(&of_block);
    }
    sum.update(list_end.as_bytes());
    let mut end = DeflateEncoder::new(Vec::new(), Compression::best());
    end.write_all(list_end.as_bytes())?;
    out.extend(end.finish()?);
    out.extend(sum.sum().to_le_bytes());
    out.extend(sum.amount().to_le_bytes());
    Ok(out.into())
}

/// A piece of a deflate stream that depends on nothing before it.
fn segment(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut deflate = Compress::new(Compression::best(), false);
    let mut out = Vec::with_capacity(data.len() / 500 + 1024);
    let mut taken = 0;
    loop {
        out.reserve(4096);
        let rest = data.get(taken..).unwrap_or_default();
        let before = deflate.total_in();
        let status = deflate
            .compress_vec(rest, &mut out, FlushCompress::Full)
            .map_err(io::Error::other)?;
        taken += usize::try_from(deflate.total_in() - before).unwrap_or_default();
        // The flush is whole once there is room left behind it.
        if taken == data.len() && out.len() < out.capacity() || status == Status::StreamEnd {
            return Ok(out);
        }
    }
}
