//! A way to the server that can be cut at a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
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
    /// It is still on its way when the connection breaks, and reaches the server when it is told to.
    Late = 3,
}

/// In place of a commit, the next thing that the client says.
const ANYTHING: u8 = 128;

/// A listener that hands everything on until it is told to cut.
pub(crate) struct Proxy {
    /// The URL of the database through it.
    pub(crate) url: String,
    next: Arc<AtomicU8>,
    late: Arc<Notify>,
    /// What the server said to what came late.
    pub(crate) said: mpsc::UnboundedReceiver<Vec<u8>>,
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
        let late = Arc::new(Notify::new());
        let deliver = Arc::clone(&late);
        let (say, said) = mpsc::unbounded_channel();
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                let cut = Arc::clone(&cut);
                let (deliver, say) = (Arc::clone(&deliver), say.clone());
                tokio::spawn(async move {
                    if let Some((mut server, held)) = hand_on(client, server, cut).await {
                        deliver.notified().await;
                        let mut answer = vec![0; 1 << 16];
                        server.write_all(&held).await.unwrap();
                        let count = server.read(&mut answer).await.unwrap();
                        answer.truncate(count);
                        say.send(answer).unwrap();
                    }
                });
            }
        });
        Self {
            url: through.to_string(),
            next,
            late,
            said,
        }
    }

    /// Cuts the next commit so.
    pub(crate) fn cut(&self, cut: Cut) {
        self.next.store(cut as u8, Ordering::SeqCst);
    }

    /// Cuts so whatever the client says next.
    pub(crate) fn cut_next(&self, cut: Cut) {
        self.next.store(cut as u8 | ANYTHING, Ordering::SeqCst);
    }

    /// Lets what is late reach the server, and answers what that says.
    pub(crate) async fn deliver(&mut self) -> Vec<u8> {
        self.late.notify_one();
        self.said.recv().await.unwrap()
    }

    /// Whether the commit has come.
    pub(crate) fn has_cut(&self) -> bool {
        self.next.load(Ordering::SeqCst) == Cut::No as u8
    }
}

/// Hands everything on; what is late comes back with the connection to the server.
async fn hand_on(
    mut client: TcpStream,
    mut server: TcpStream,
    next: Arc<AtomicU8>,
) -> Option<(TcpStream, Vec<u8>)> {
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return None };
                let is_meant = next.load(Ordering::SeqCst) & ANYTHING != 0
                    || up[..count].windows(7).any(|w| w == b"COMMIT\0");
                let cut = if is_meant { next.swap(0, Ordering::SeqCst) & !ANYTHING } else { 0 };
                if cut == Cut::Before as u8 {
                    return None;
                }
                if cut == Cut::Late as u8 {
                    return Some((server, up[..count].to_vec()));
                }
                if server.write_all(&up[..count]).await.is_err() {
                    return None;
                }
                if cut == Cut::After as u8 {
                    // The answer shows that it was carried out.
                    let _ = server.read(&mut down).await;
                    return None;
                }
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return None };
                if client.write_all(&down[..count]).await.is_err() {
                    return None;
                }
            }
        }
    }
}
