//! Who may call the server.
//!
//! Without authentication the machine itself is the border: the server listens on loopback only. A web page
//! in a browser on the same machine is inside of that border, so requests that a page of another site could
//! send are refused: foreign `Host` names (DNS rebinding), foreign `Origin`s and foreign fetches.

use super::problem::Refusal;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use cmms::core::{Error, Result, code};
use std::net::IpAddr;

/// The port that is left away in a URL with `http:`.
const HTTP_PORT: u16 = 80;

/// How callers are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Callers prove who they are. There is no authentication yet, so nobody gets in.
    Authenticated,
    /// Every program of this machine may call, on loopback (`--no-auth`).
    NoAuth,
}

impl Access {
    /// The access of a server on this host.
    ///
    /// # Errors
    /// `CMMS-SERVE-002` for a host that other machines may reach; `CMMS-SERVE-003` unless `no_auth` is said:
    /// there is no authentication yet.
    pub fn new(host: &str, no_auth: bool) -> Result<Self> {
        super::listen::loopback(host)?;
        if no_auth {
            return Ok(Self::NoAuth);
        }
        Err(not_told_apart())
    }
}

/// The error of a server that has to tell callers apart.
pub(super) fn not_told_apart() -> Error {
    Error::new(
        code::SERVE_NO_AUTH,
        "the server cannot tell callers apart yet, so it serves this machine's own programs only",
    )
    .field("no_auth", "auth_missing", "must be said")
}

/// What is checked before a request is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard {
    pub(super) access: Access,
    /// The port that `Host` has to name.
    pub(super) port: Option<u16>,
    /// The address that is listened on, which is another good name.
    pub(super) address: Option<IpAddr>,
}

impl Guard {
    /// Refuses what a page of another site could have sent.
    ///
    /// # Errors
    /// `CMMS-SERVE-003` where authentication is asked for; `CMMS-SERVE-004`.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        match self.access {
            Access::NoAuth => {}
            Access::Authenticated => {
                return Err(Refusal::of(not_told_apart()).status(StatusCode::UNAUTHORIZED));
            }
        }
        let host = self.host(headers)?;
        // An absolute request target overrides `Host` (RFC 9112), so it may not name another one.
        if let Some(authority) = uri.authority()
            && Place::parse(authority.as_str()).as_ref() != Some(&host)
        {
            return Err(refused("the request names two hosts").into());
        }
        origin(headers, &host)?;
        Ok(fetch_site(headers)?)
    }

    fn host(&self, headers: &HeaderMap) -> Result<Place> {
        let text = single(headers, &header::HOST, "Host")?
            .ok_or_else(|| refused("the request names no host"))?;
        let place = Place::parse(text).filter(|place| self.knows(place));
        place.ok_or_else(|| {
            let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
            refused(format!("Host {text:?} is not this server")).remedy_is(format!(
                "Call the server as 127.0.0.1{port} or localhost{port}."
            ))
        })
    }

    fn knows(&self, place: &Place) -> bool {
        let address = place.name.parse::<IpAddr>().ok();
        let named = place.name == "localhost"
            || matches!(place.name.as_str(), "127.0.0.1" | "::1")
            || (address.is_some() && address == self.address);
        named && self.port.is_none_or(|port| port == place.port)
    }
}

/// The one value of a header.
fn single<'h>(
    headers: &'h HeaderMap,
    name: &header::HeaderName,
    shown: &str,
) -> Result<Option<&'h str>> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    match (first.map(|value| value.to_str()), second) {
        (None, _) => Ok(None),
        (Some(Ok(text)), None) => Ok(Some(text)),
        _ => Err(refused(format!("{shown} cannot be read"))),
    }
}

fn origin(headers: &HeaderMap, host: &Place) -> Result<()> {
    let Some(text) = single(headers, &header::ORIGIN, "Origin")? else {
        return Ok(());
    };
    let origin = text.strip_prefix("http://").and_then(Place::parse);
    if origin.as_ref() == Some(host) {
        return Ok(());
    }
    Err(refused(format!("Origin {text:?} is another site")))
}

fn fetch_site(headers: &HeaderMap) -> Result<()> {
    let name = header::HeaderName::from_static("sec-fetch-site");
    match single(headers, &name, "Sec-Fetch-Site")? {
        // What browsers send; a word that is not known yet is no reason to trust it.
        None | Some("same-origin" | "none") => Ok(()),
        Some(site) => Err(refused(format!("a page of another site asks ({site:?})"))),
    }
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(code::SERVE_ORIGIN, message)
}

/// A host name and its port.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    name: String,
    port: u16,
}

impl Place {
    /// Reads `name`, `name:port`, `[v6]` or `[v6]:port`.
    fn parse(text: &str) -> Option<Self> {
        let (name, rest) = match text.strip_prefix('[') {
            Some(inner) => inner.split_once(']')?,
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match rest.strip_prefix(':') {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
            None if rest.is_empty() => HTTP_PORT,
            None => return None,
        };
        let name = name.to_ascii_lowercase();
        Some(Self { name, port })
    }
}
