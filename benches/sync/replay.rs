//! The least that reading a list takes: the same requests, one after the other, and their bytes.

use cmms_benches::Figures;
use std::io::{BufRead, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The vendor's address.
    #[arg(long)]
    url: String,
}

/// Sends the requests of standard input over one connection that is kept alive.
pub fn send(args: &Args) {
    let paths: Vec<String> = std::io::stdin()
        .lock()
        .lines()
        .map_while(Result::ok)
        .collect();
    let host = args.url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&host).expect("the vendor");
    stream.set_nodelay(true).expect("a socket");
    let mut buffer = vec![0; 8 << 20];
    let start = Instant::now();
    for path in &paths {
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nsession-token: r:bench\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        answer(&mut stream, &mut buffer);
    }
    Figures::of(start.elapsed(), paths.len() as u64).print();
}

fn answer(stream: &mut TcpStream, buffer: &mut [u8]) {
    let mut have = 0;
    let mut whole = usize::MAX;
    while have < whole {
        let read = stream.read(&mut buffer[have..]).expect("an answer");
        assert!(read > 0, "the answer is cut off");
        have += read;
        if whole < usize::MAX {
            continue;
        }
        let head = buffer[..have]
            .windows(4)
            .position(|part| part == b"\r\n\r\n");
        if let Some(end) = head {
            let text = std::str::from_utf8(&buffer[..end]).expect("a head");
            assert!(text.starts_with("HTTP/1.1 200"), "{text}");
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .expect("a length");
            whole = end + 4 + length.parse::<usize>().expect("a length");
        }
    }
}
