//! Which addresses may be called.

use super::address::{is_blocked, is_metadata, is_metadata_name};
use cmms_core::{Error, Result, code};
use ipnet::IpNet;
use std::net::IpAddr;
use url::{Host, Url};

/// The longest URL that is called.
const MAX_URL: usize = 2048;

/// Which addresses may be called: the hosts of vendors, and what an operator lists.
///
/// An origin (`https://cmms.corp.example:443`) allows exactly that scheme, host and port and whatever it
/// resolves to. A network (`10.1.0.0/16`) lets allowed host names resolve into it and allows no host by
/// itself. Addresses that hand out a machine's credentials are never allowed.
///
/// ```
/// use cmms_adapters::EgressPolicy;
/// let policy = EgressPolicy::new(&["http://127.0.0.1:9100".to_owned()])?;
/// assert!(policy.check_url("http://127.0.0.1:9100/api/v2", &[]).is_ok());
/// assert!(policy.check_url("http://127.0.0.1:9101/api/v2", &[]).is_err());
/// assert!(policy.check_url("https://api.vendor.example/v2", &["*.vendor.example"]).is_ok());
/// # Ok::<(), cmms_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    origins: Vec<Origin>,
    networks: Vec<IpNet>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

/// Why a URL is allowed, which decides what its host may resolve to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Grant {
    /// Its host is a vendor's: it must not resolve to an inner address.
    Pattern,
    /// An operator listed its origin: it may resolve to anything but metadata.
    Origin,
}

impl EgressPolicy {
    /// A policy that allows the listed origins and networks besides the vendors' own hosts.
    ///
    /// # Errors
    /// `CMMS-CONFIG-001` for an entry that is neither an origin nor a network.
    pub fn new(allow: &[String]) -> Result<Self> {
        let mut policy = Self::default();
        for (at, entry) in allow.iter().enumerate() {
            let entry = entry.trim();
            if let Ok(net) = entry.parse::<IpNet>() {
                policy.networks.push(net.trunc());
            } else if let Ok(ip) = entry.parse::<IpAddr>() {
                policy.networks.push(IpNet::from(ip));
            } else {
                policy.origins.push(origin_entry(at, entry)?);
            }
        }
        Ok(policy)
    }

    /// Checks a base URL without calling anybody: shape, scheme, host, port and, where the host is an
    /// address, the address. `patterns` are the vendor's hosts: exact or with one leading `*.`.
    ///
    /// # Errors
    /// `CMMS-EGRESS-001` for an address that may not be called, `CMMS-EGRESS-002` for a URL that cannot be
    /// used; both name the field `api_url`.
    pub fn check_url(&self, url: &str, patterns: &[&str]) -> Result<Url> {
        let url = parse(url)?;
        if url.query().is_some() {
            return Err(bad_url("it has a query"));
        }
        self.admit(&url, patterns)?;
        Ok(url)
    }

    /// Checks a URL that is about to be called.
    pub(super) fn admit(&self, url: &Url, patterns: &[&str]) -> Result<Grant> {
        check_shape(url)?;
        let host = url.host().ok_or_else(|| bad_url("it has no host"))?;
        let literal = match &host {
            Host::Ipv4(ip) => Some(IpAddr::V4(*ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(*ip)),
            Host::Domain(_) => None,
        };
        let name = host.to_string();
        if literal.is_some_and(is_metadata) || is_metadata_name(&name) {
            return Err(refused(format!(
                "{name} hands out the machine's own credentials"
            )));
        }
        let origin = Origin::of(url).ok_or_else(|| bad_url("it has no host"))?;
        if self.origins.contains(&origin) {
            return Ok(Grant::Origin);
        }
        if let Some(ip) = literal {
            return Err(refused(if is_blocked(ip) {
                format!("{ip} is an inner address that no operator has listed")
            } else {
                format!("{ip} is no host of this vendor")
            }));
        }
        if !patterns.iter().any(|p| matches(p, &name)) {
            return Err(refused(format!("{name} is no host of this vendor")));
        }
        if url.scheme() != "https" {
            return Err(refused(format!("{name} may be called over https only")));
        }
        if origin.port != 443 {
            return Err(refused(format!(
                "{name} may be called on port 443 only, not {}",
                origin.port
            )));
        }
        Ok(Grant::Pattern)
    }

    /// Checks an address that a host resolved to.
    pub(super) fn check_address(&self, ip: IpAddr, grant: Grant) -> Result<(), &'static str> {
        if is_metadata(ip) {
            return Err("the host resolves to an address that hands out the machine's credentials");
        }
        let free = grant == Grant::Origin
            || !is_blocked(ip)
            || self.networks.iter().any(|net| net.contains(&ip));
        if free {
            Ok(())
        } else {
            Err("the host resolves to an inner address that no operator has listed")
        }
    }
}

impl Origin {
    fn of(url: &Url) -> Option<Self> {
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str()?.to_owned(),
            port: url.port_or_known_default()?,
        })
    }
}

fn origin_entry(at: usize, entry: &str) -> Result<Origin> {
    let wrong = |why: &str| {
        let shown = if entry.contains('@') {
            format!("entry {}", at + 1)
        } else {
            format!("{entry:?}")
        };
        Error::new(
            code::CONFIG_VALUE,
            format!("egress.allow: {shown} cannot be used: {why}"),
        )
        .field(
            "egress.allow",
            "invalid_value",
            "must be an origin such as https://cmms.corp.example:443 or a network such as 10.1.0.0/16",
        )
    };
    let url = parse(entry).map_err(|e| wrong(e.message()))?;
    if url.path() != "/" || url.query().is_some() {
        return Err(wrong("an origin has no path"));
    }
    Origin::of(&url).ok_or_else(|| wrong("it has no host"))
}

/// Parses a URL and refuses everything that parsers disagree about.
fn parse(text: &str) -> Result<Url> {
    if text.len() > MAX_URL {
        return Err(bad_url("it is longer than 2 KiB"));
    }
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
    {
        return Err(bad_url(
            "it holds a space, a control character or a backslash",
        ));
    }
    let rest = text
        .split_once("://")
        .filter(|(scheme, _)| !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphabetic()))
        .map(|(_, rest)| rest)
        .ok_or_else(|| bad_url("it does not begin with https://"))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return Err(bad_url("it has no host"));
    }
    if rest.contains('@') {
        return Err(bad_url("it holds a user name or the character @"));
    }
    if authority.contains('%') || authority.ends_with(':') {
        return Err(bad_url("its host or port is not written plainly"));
    }
    if rest.contains('#') {
        return Err(bad_url("it has a fragment"));
    }
    let url = Url::parse(text).map_err(|_| bad_url("it is no URL"))?;
    check_shape(&url)?;
    Ok(url)
}

fn check_shape(url: &Url) -> Result<()> {
    if !matches!(url.scheme(), "https" | "http") {
        return Err(bad_url("its scheme is not https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad_url("it holds a user name"));
    }
    if url.fragment().is_some() {
        return Err(bad_url("it has a fragment"));
    }
    if url.as_str().len() > MAX_URL {
        return Err(bad_url("it is longer than 2 KiB"));
    }
    Ok(())
}

/// Whether a host is one of a vendor: exact, or with one leading `*.` any name below.
fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(base) => host
            .strip_suffix(base)
            .and_then(|below| below.strip_suffix('.'))
            .is_some_and(|below| !below.is_empty() && below.split('.').all(|l| !l.is_empty())),
        None => host == pattern,
    }
}

pub(super) fn refused(why: impl Into<String>) -> Error {
    let why = why.into();
    Error::new(
        code::EGRESS_REFUSED,
        format!("the address may not be called: {why}"),
    )
    .field("api_url", "egress_refused", why)
}

fn bad_url(why: &str) -> Error {
    Error::new(code::EGRESS_URL, format!("the URL cannot be used: {why}"))
        .field("api_url", "bad_url", why)
}
