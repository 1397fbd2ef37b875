//! A way to the server that can be cut at a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// What happens to the next commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Cut {
    /// Nothing.
    No = 0,
    /// It does not reach the server.
    Before = 1,
    /// The server carries it out, and its answer does not come back.
    After = 2,
}

/// A listener that hands everything on until it is told to cut.
pub(crate) struct Proxy {
    /// The URL of the database through it.
    pub(crate) url: String,
    next: Arc<AtomicU8>,
}

impl Proxy {
    pub(crate) async fn to(url: &str) -> Self {
        let mut through = Url::parse(url).unwrap();
        let server = format!(
            "{}:{}",
            through.host_str().unwrap(),
            through.port().unwrap()
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        through.set_port(Some(port)).unwrap();
        let next = Arc::new(AtomicU8::new(0));
        let cut = Arc::clone(&next);
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(hand_on(client, server, Arc::clone(&cut)));
            }
        });
        Self {
            url: through.to_string(),
            next,
        }
    }

    /// Cuts the next commit so.
    pub(crate) fn cut(&self, cut: Cut) {
        self.next.store(cut as u8, Ordering::SeqCst);
    }

    /// Whether the commit has come.
    pub(crate) fn has_cut(&self) -> bool {
        self.next.load(Ordering::SeqCst) == Cut::No as u8
    }
}

async fn hand_on(mut client: TcpStream, mut server: TcpStream, next: Arc<AtomicU8>) {
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                let is_commit = up[..count].windows(7).any(|w| w == b"COMMIT\0");
                let cut = if is_commit { next.swap(0, Ordering::SeqCst) } else { 0 };
                if cut == Cut::Before as u8 {
                    return;
                }
                if server.write_all(&up[..count]).await.is_err() {
                    return;
                }
                if cut == Cut::After as u8 {
                    // The answer shows that it was carried out.
                    let _ = server.read(&mut down).await;
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&down[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
