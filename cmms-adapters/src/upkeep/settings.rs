//! What a connection to UpKeep needs: address, credentials, options.

use cmms_core::ports::secrets::Credentials;
use cmms_core::{Error, Result, code};
use url::Url;

/// UpKeep's hosts.
pub(super) const HOSTS: &[&str] = &["*.onupkeep.com", "*.upkeep.com"];
/// The sets of credentials of which one is needed.
pub(super) const CREDENTIALS: &[&[&str]] = &[
    &["email", "password"],
    &["username", "password"],
    &["api_key"],
];
/// The page that is asked for unless the connection says otherwise.
pub(super) const PAGE_DEFAULT: u32 = 100;
/// The largest page that is asked for.
pub(super) const PAGE_MAX: u32 = 5000;

/// What a session is made of.
pub(super) enum Login<'a> {
    /// An account: it logs in, and again whenever its session ends.
    Account { email: &'a str, password: &'a str },
    /// A session that somebody else made.
    Token(&'a str),
}

/// Reads the credentials. An account is preferred, since its sessions can be renewed.
pub(super) fn login(credentials: &Credentials) -> Result<Login<'_>> {
    let get = |name| credentials.get(name).filter(|v| !v.is_empty());
    let email = get("email").or_else(|| get("username"));
    if let (Some(email), Some(password)) = (email, get("password")) {
        return Ok(Login::Account { email, password });
    }
    get("api_key").map(Login::Token).ok_or_else(|| {
        wrong(
            "credentials",
            "credentials_invalid",
            "none of the sets is complete",
        )
    })
}

/// Who logs in; nobody with the token of a session that somebody else made.
pub(super) fn name(credentials: &Credentials) -> Option<&str> {
    match login(credentials) {
        Ok(Login::Account { email, .. }) => Some(email),
        Ok(Login::Token(_)) | Err(_) => None,
    }
}

/// Checks the shape of credentials.
pub(super) fn check_credentials(credentials: &Credentials) -> Result<()> {
    let known: Vec<&str> = CREDENTIALS
        .iter()
        .flat_map(|set| set.iter().copied())
        .collect();
    if let Some(name) = credentials.names().find(|n| !known.contains(n)) {
        let field = format!("credentials.{name}");
        return Err(wrong(
            &field,
            "unknown_field",
            "UpKeep has no such credential",
        ));
    }
    if let Login::Token(token) = login(credentials)? {
        let fits = token.bytes().all(|b| b.is_ascii_graphic());
        if !fits {
            let why = "a session token holds visible ASCII characters only";
            return Err(wrong("credentials.api_key", "credentials_invalid", why));
        }
    }
    Ok(())
}

fn wrong(field: &str, reason: &str, why: &str) -> Error {
    Error::new(
        code::CONNECTION_CREDENTIALS,
        format!(
            "the credentials cannot be used: {why}; UpKeep needs email and password, username and \
             password, or api_key"
        ),
    )
    .field(field, reason, why)
}

/// The address as it is kept: without a slash at its end.
pub(super) fn normal(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// The root of the API below an address that may or may not name it.
pub(super) fn base(url: &Url) -> Url {
    let path = url.path().trim_end_matches('/');
    let mut base = url.clone();
    if path.ends_with("/api/v2") {
        base.set_path(path);
    } else if path.ends_with("/api") {
        base.set_path(&format!("{path}/v2"));
    } else {
        base.set_path(&format!("{path}/api/v2"));
    }
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_name_the_api_or_not() {
        for (given, want) in [
            ("https://api.upkeep.com", "https://api.upkeep.com/api/v2"),
            ("https://api.upkeep.com/", "https://api.upkeep.com/api/v2"),
            (
                "https://api.onupkeep.com/api/v2",
                "https://api.onupkeep.com/api/v2",
            ),
            (
                "https://api.onupkeep.com/api/v2/",
                "https://api.onupkeep.com/api/v2",
            ),
            (
                "https://api.onupkeep.com/api/",
                "https://api.onupkeep.com/api/v2",
            ),
            (
                "https://gate.example/upkeep",
                "https://gate.example/upkeep/api/v2",
            ),
        ] {
            let url = Url::parse(given).unwrap();
            assert_eq!(base(&url).as_str(), want);
            assert!(!normal(&url).ends_with('/'));
        }
    }
}
