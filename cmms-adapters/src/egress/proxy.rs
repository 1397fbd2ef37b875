//! A proxy through which vendors are called, where an operator names one.

use cmms_core::{Error, Result, code};
use percent_encoding::percent_decode_str;
use std::fmt;
use std::net::IpAddr;
use url::{Host, Url};

/// The setting's name.
const SETTING: &str = "CMMS_EGRESS_PROXY";

/// A proxy through which vendors are called. Names are then looked up by the proxy, so it has to keep vendors' names
/// from leading into inner networks; hosts are still checked here. This machine itself is called directly.
///
/// Its `Debug` shows host and port only.
///
/// ```
/// use cmms_adapters::EgressProxy;
/// assert!(EgressProxy::parse("http://proxy.corp.example:3128").is_ok());
/// assert!(EgressProxy::parse("socks5://proxy.corp.example").is_err());
/// ```
#[derive(Clone)]
pub struct EgressProxy {
    address: Url,
    login: Option<(String, String)>,
}

impl EgressProxy {
    /// Reads `http://proxy.corp.example:3128`, with or without `user:password@` before the host.
    ///
    /// # Errors
    /// `CMMS-CONFIG-001`; the text, which may hold a password, is not in it.
    pub fn parse(text: &str) -> Result<Self> {
        let mut address = Url::parse(text.trim()).map_err(|_| unusable("it is no URL"))?;
        if !matches!(address.scheme(), "http" | "https") {
            return Err(unusable("its scheme is neither http nor https"));
        }
        if address.host_str().is_none_or(str::is_empty) {
            return Err(unusable("it has no host"));
        }
        if address.path() != "/" || address.query().is_some() || address.fragment().is_some() {
            return Err(unusable("a proxy has no path"));
        }
        let decoded = |part: &str| {
            let text = percent_decode_str(part).decode_utf8();
            text.map(|text| text.into_owned())
                .map_err(|_| unusable("its user name or password is not UTF-8"))
        };
        let login = match (address.username(), address.password()) {
            ("", None) => None,
            (user, password) => Some((decoded(user)?, decoded(password.unwrap_or_default())?)),
        };
        // Neither fails on a URL that has a host.
        let _ = address.set_username("");
        let _ = address.set_password(None);
        Ok(Self { address, login })
    }

    /// Its host and port.
    pub fn place(&self) -> String {
        let host = self.address.host_str().unwrap_or_default();
        let port = self.address.port_or_known_default();
        port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether a URL is called through it.
    pub(super) fn serves(url: &Url) -> bool {
        !match url.host() {
            Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
            Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }

    pub(super) fn rule(&self) -> reqwest::Proxy {
        let address = self.address.clone();
        let rule = reqwest::Proxy::custom(move |url| Self::serves(url).then(|| address.clone()));
        match &self.login {
            Some((user, password)) => rule.basic_auth(user, password),
            None => rule,
        }
    }
}

impl fmt::Debug for EgressProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EgressProxy").field(&self.place()).finish()
    }
}

fn unusable(why: &str) -> Error {
    Error::new(
        code::CONFIG_VALUE,
        format!("the value of {SETTING} cannot be used: {why}"),
    )
    .field(
        SETTING,
        "invalid_value",
        "must be the URL of a proxy, such as http://proxy.corp.example:3128",
    )
    .remedy_is(format!(
        "Write {SETTING} as http://proxy.corp.example:3128, with user:password@ before the host where the proxy asks for it."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_url_with_a_host_and_its_password_does_not_show() {
        let proxy = EgressProxy::parse(" http://us%40er:p%C3%A4ss@proxy.example:3128/ ").unwrap();
        assert_eq!(proxy.place(), "proxy.example:3128");
        assert_eq!(proxy.login, Some(("us@er".to_owned(), "päss".to_owned())));
        assert_eq!(format!("{proxy:?}"), "EgressProxy(\"proxy.example:3128\")");
        for bad in [
            "",
            "proxy.example:3128",
            "socks5://proxy.example",
            "http://",
            "http://u:secret@proxy.example/path",
            "http://proxy.example?x=1",
        ] {
            let e = EgressProxy::parse(bad).unwrap_err();
            assert!(e.is(code::CONFIG_VALUE), "{bad}");
            assert!(!format!("{e:?}{e}").contains("secret"));
        }
    }

    #[test]
    fn this_machine_is_called_directly() {
        let serves = |url: &str| EgressProxy::serves(&Url::parse(url).unwrap());
        assert!(serves("https://api.vendor.example/"));
        assert!(serves("https://10.0.0.1/"));
        assert!(serves("https://localhost.example/"));
        assert!(!serves("http://127.0.0.1:9100/"));
        assert!(!serves("http://127.1.2.3:9100/"));
        assert!(!serves("http://[::1]:9100/"));
        assert!(!serves("http://localhost:9100/"));
    }
}
