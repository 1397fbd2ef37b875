//! Certificates, authorities and proxies, against real servers on this machine.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[expect(dead_code, reason = "shared by several tests")]
mod support;

use async_trait::async_trait;
use cmms_adapters::EgressProxy;
use cmms_adapters::egress::{Dns, EgressBuilder};
use cmms_core::domain::connection::ConnectionOptions;
use cmms_core::domain::entity::Entity;
use cmms_core::ports::adapter::Adapter as _;
use cmms_core::testing::SteppedClock;
use cmms_core::{Error, code};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::fake::{Fake, LOGIN, json};
use support::{EMAIL, PASSWORD, Rig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

const ACCOUNT: &[(&str, &str)] = &[("email", EMAIL), ("password", PASSWORD)];

/// An authority of our own and what it signs.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

fn authority() -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    Authority {
        issuer: Issuer::new(params, key),
        pem,
    }
}

fn named(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

/// A vendor behind TLS whose lists are empty.
struct Server {
    origin: String,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// With a certificate that the authority signs.
    async fn signed(by: &Authority, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &by.issuer).unwrap();
        Self::start(certificate.der().clone(), key).await
    }

    async fn start(
        certificate: tokio_rustls::rustls::pki_types::CertificateDer<'static>,
        key: KeyPair,
    ) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!(
            "https://localhost:{}",
            listener.local_addr().unwrap().port()
        );
        let serve = async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut seen = [0; 8192];
                let Ok(n) = stream.read(&mut seen).await else {
                    continue;
                };
                let answer = if seen[..n].starts_with(b"POST /api/v2/auth") {
                    json(LOGIN)
                } else {
                    json(r#"{"success":true,"results":[]}"#)
                };
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the server's task, ended when it is dropped"
        )]
        let task = tokio::spawn(serve);
        Self { origin, task }
    }
}

fn rig(origin: &str, set: impl FnOnce(EgressBuilder) -> EgressBuilder) -> Rig {
    let clock = Arc::new(SteppedClock::default());
    Rig::with(origin, ACCOUNT, clock, |builder| {
        set(builder.dns(Arc::new(Local)))
    })
}

/// Every name is this machine's.
#[derive(Debug)]
struct Local;

#[async_trait]
impl Dns for Local {
    async fn lookup(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec!["127.0.0.1".parse().unwrap()])
    }
}

fn with_ca(mut rig: Rig, file: &Path) -> Rig {
    rig.cx.options = Arc::new(ConnectionOptions {
        ca_file: Some(file.to_str().unwrap().to_owned()),
        ..ConnectionOptions::default()
    });
    rig
}

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

async fn refusal(rig: &Rig) -> Error {
    let before = rig.clock.sleeps().len();
    let e = rig.adapter.check(&rig.cx).await.unwrap_err();
    // To ask again would not help.
    assert_eq!(rig.clock.sleeps().len(), before);
    e
}

#[tokio::test]
async fn a_certificate_that_is_refused_is_called_by_what_is_wrong_with_it() {
    let ca = authority();
    let folder = tempfile::tempdir().unwrap();
    let pem = file(&folder, "ca.pem", &ca.pem);
    let mut expired = named("localhost");
    expired.not_before = date_time_ymd(2020, 1, 1);
    expired.not_after = date_time_ymd(2021, 1, 1);
    let mut to_come = named("localhost");
    to_come.not_before = date_time_ymd(2900, 1, 1);
    to_come.not_after = date_time_ymd(2901, 1, 1);
    let rows = [
        (expired, "has expired", "renew"),
        (to_come, "is not valid yet", "clock"),
        (named("other.example"), "is for another name", "api_url"),
    ];
    for (params, what, remedy) in rows {
        let server = Server::signed(&ca, params).await;
        let host = server.origin.trim_start_matches("https://");
        let e = refusal(&with_ca(rig(&server.origin, |b| b), &pem)).await;
        assert!(e.is(code::VENDOR_CERTIFICATE), "{e:?}");
        assert_eq!(e.message(), format!("the certificate of {host} {what}"));
        assert!(e.remedy().contains(remedy), "{}", e.remedy());
    }
    let server = Server::signed(&ca, named("localhost")).await;
    let e = refusal(&rig(&server.origin, |b| b)).await;
    assert!(e.is(code::VENDOR_CERTIFICATE), "{e:?}");
    assert!(
        e.message()
            .contains("is not trusted: no authority that this system trusts")
    );
    assert!(e.remedy().contains("options.ca_file") && e.remedy().contains("SSL_CERT_FILE"));
    // Another authority is as good as none, and the file is named.
    let other = file(&folder, "other.pem", &authority().pem);
    let e = refusal(&with_ca(rig(&server.origin, |b| b), &other)).await;
    assert!(e.message().contains("other.pem (options.ca_file)"), "{e}");
}

#[tokio::test]
async fn a_certificate_that_signed_itself_as_an_authority_is_told() {
    let key = KeyPair::generate().unwrap();
    let mut params = named("localhost");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pem = file(&folder, "self.pem", &certificate.pem());
    let server = Server::start(certificate.der().clone(), key).await;
    let e = refusal(&with_ca(rig(&server.origin, |b| b), &pem)).await;
    assert!(e.is(code::VENDOR_CERTIFICATE), "{e:?}");
    assert!(e.message().contains("is one of an authority"), "{e}");
}

#[tokio::test]
async fn an_authority_of_ones_own_is_believed_by_option_and_by_variable() {
    let ca = authority();
    let server = Server::signed(&ca, named("localhost")).await;
    let folder = tempfile::tempdir().unwrap();
    // Among others, with words around it and a byte order mark before it, as such files are.
    let bundle = format!("\u{feff}# ours\n{}\n{}", authority().pem, ca.pem);
    let pem = file(&folder, "bundle.pem", &bundle);
    let by_option = with_ca(rig(&server.origin, |b| b), &pem);
    by_option.adapter.check(&by_option.cx).await.unwrap();
    by_option.pull(Entity::Asset, None).await.unwrap();
    let by_variable = rig(&server.origin, |b| b.ca_file(Some(pem.clone())));
    by_variable.adapter.check(&by_variable.cx).await.unwrap();
    // A connection's own file counts before the variable's.
    let other = file(&folder, "other.pem", &authority().pem);
    let both = with_ca(
        rig(&server.origin, |b| b.ca_file(Some(pem.clone()))),
        &other,
    );
    assert!(refusal(&both).await.is(code::VENDOR_CERTIFICATE));
    // A file that is renewed is read again.
    std::fs::write(&other, format!("{}\n", ca.pem)).unwrap();
    both.adapter.check(&both.cx).await.unwrap();
}

#[tokio::test]
async fn a_file_without_certificates_is_named_before_anybody_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let empty = file(&folder, "empty.pem", "no certificate");
    let missing = folder.path().join("missing.pem");
    for path in [&empty, &missing, &folder.path().to_path_buf()] {
        let rig = with_ca(rig("https://localhost:9", |b| b), path);
        let accepted = rig
            .adapter
            .accept(&rig.cx.api_url, &rig.cx.credentials, &rig.cx.options);
        for e in [accepted.unwrap_err(), refusal(&rig).await] {
            assert!(e.is(code::EGRESS_TRUST), "{e:?}");
            assert_eq!(e.first_field(), Some("options.ca_file"));
            assert!(e.message().contains(path.to_str().unwrap()), "{e}");
        }
    }
    let rig = rig("https://localhost:9", |b| b.ca_file(Some(missing.clone())));
    let e = refusal(&rig).await;
    assert!(e.is(code::EGRESS_TRUST) && e.first_field() == Some("SSL_CERT_FILE"));
}

#[tokio::test]
async fn a_vendor_that_is_not_reached_is_named_with_the_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap().to_string();
    drop(listener);
    let rig = Rig::new(&format!("http://{place}"), ACCOUNT);
    let e = rig.adapter.check(&rig.cx).await.unwrap_err();
    assert!(e.is(code::VENDOR_UNREACHABLE));
    assert_eq!(
        e.message(),
        format!("{place} cannot be reached: it refuses the connection")
    );

    #[derive(Debug)]
    struct Nowhere;
    #[async_trait]
    impl Dns for Nowhere {
        async fn lookup(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
            Err(io::ErrorKind::NotFound.into())
        }
    }
    let clock = Arc::new(SteppedClock::default());
    let rig = Rig::with("https://cmms.example", ACCOUNT, clock, |b| {
        b.dns(Arc::new(Nowhere))
    });
    let e = rig.adapter.check(&rig.cx).await.unwrap_err();
    assert_eq!(
        e.message(),
        "cmms.example cannot be reached: its name is not known"
    );

    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://localhost:{}", plain.local_addr().unwrap().port());
    let serve = async move {
        loop {
            let (mut stream, _) = plain.accept().await.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            let _ = stream.read(&mut [0; 4096]).await;
        }
    };
    #[expect(clippy::disallowed_methods, reason = "the server's task, ended below")]
    let task = tokio::spawn(serve);
    let rig = self::rig(&origin, |b| b);
    let e = rig.adapter.check(&rig.cx).await.unwrap_err();
    assert!(e.message().contains("does not speak TLS"), "{e}");
    task.abort();
}

/// Counts names that are looked up here.
#[derive(Debug, Default)]
struct Counted(AtomicUsize);

#[async_trait]
impl Dns for Counted {
    async fn lookup(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(vec!["127.0.0.1".parse().unwrap()])
    }
}

#[tokio::test]
async fn a_proxy_of_the_operator_is_called_in_place_of_the_vendor() {
    let proxy = Fake::start(|seen| {
        if seen.line.starts_with("CONNECT ") {
            return Some(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".to_vec());
        }
        Some(json(if seen.line.contains("/auth") {
            LOGIN
        } else {
            r#"{"success":true,"results":[]}"#
        }))
    })
    .await;
    let address = proxy.origin.replace("http://", "http://desk:pa%20ss@");
    let dns = Arc::new(Counted::default());
    let through = |origin: &str| {
        let clock = Arc::new(SteppedClock::default());
        Rig::with(origin, ACCOUNT, clock, |b| {
            b.dns(Arc::clone(&dns) as Arc<dyn Dns>)
                .proxy(Some(EgressProxy::parse(&address).unwrap()))
        })
    };
    let rig = through("http://cmms.example:9100");
    rig.adapter.check(&rig.cx).await.unwrap();
    let seen = proxy.seen();
    assert!(
        seen[0]
            .line
            .starts_with("POST http://cmms.example:9100/api/v2/auth")
    );
    let head = seen[0].head.to_ascii_lowercase();
    assert!(head.contains("proxy-authorization: basic "), "{head}");
    // The proxy looks names up.
    assert_eq!(dns.0.load(Ordering::SeqCst), 0);
    // It is told where it does not let us through.
    let rig = through("https://cmms.example:9443");
    let e = rig.adapter.check(&rig.cx).await.unwrap_err();
    assert!(e.is(code::VENDOR_UNREACHABLE), "{e:?}");
    assert!(
        e.message()
            .contains("cmms.example:9443 cannot be reached: the proxy"),
        "{e}"
    );
    let asked = proxy.seen();
    assert!(
        asked
            .iter()
            .any(|s| s.line.starts_with("CONNECT cmms.example:9443"))
    );
    // What nobody may call is not asked of the proxy either.
    let before = proxy.seen().len();
    let mut rig = through("http://cmms.example:9100");
    rig.cx.api_url = "http://169.254.169.254".into();
    let e = rig.adapter.check(&rig.cx).await.unwrap_err();
    assert!(e.is(code::EGRESS_REFUSED));
    assert_eq!(proxy.seen().len(), before);
    // This machine's own programs are called directly.
    let vendor = Fake::lists(|_| Some(json(r#"{"success":true,"results":[]}"#))).await;
    let rig = through(&vendor.origin);
    rig.adapter.check(&rig.cx).await.unwrap();
    assert_eq!(proxy.seen().len(), before);
}
