//! Why no connection came about, found in the errors of the HTTP library.

use super::resolver::UnknownName;
use rustls::CertificateError;
use std::error::Error;
use std::fmt;
use std::io;

/// Why no connection came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoConnection {
    /// The name has no address, or nobody could be asked for it.
    Name,
    /// Nothing listens there.
    Refused,
    /// Nobody answered in time.
    Time,
    /// There is no way there from this network.
    Route,
    /// What listens there does not speak TLS, or none that we speak.
    Tls,
    /// The proxy does not let it through.
    Proxy,
    /// Anything else.
    Other,
}

/// Why a certificate is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadCertificate {
    /// No authority that is trusted has signed it.
    Untrusted,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is for other names.
    WrongName,
    /// Its authority has taken it back.
    Revoked,
    /// It is an authority's, which no server may show as its own.
    Authority,
    /// Anything else.
    Other,
}

impl fmt::Display for NoConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "its name is not known",
            Self::Refused => "it refuses the connection",
            Self::Time => "it does not answer",
            Self::Route => "there is no way to it from this network",
            Self::Tls => "what answers there does not speak TLS as https needs it",
            Self::Proxy => "the proxy does not let it through",
            Self::Other => "no connection came about",
        })
    }
}

impl fmt::Display for BadCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Untrusted => "is not trusted",
            Self::Expired => "has expired",
            Self::NotYetValid => "is not valid yet",
            Self::WrongName => "is for another name",
            Self::Revoked => "has been revoked",
            Self::Authority => "is one of an authority, not of a server",
            Self::Other => "cannot be used",
        })
    }
}

/// An error and everything that caused it. What an `io::Error` holds does not count as its cause by itself.
pub(super) fn causes<'a>(
    e: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(e), |e| {
        let e: &'a (dyn Error + 'static) = *e;
        let held = e.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match held {
            Some(held) => Some(held as &(dyn Error + 'static)),
            None => e.source(),
        }
    })
}

/// The first cause of this type.
pub(super) fn caused_by<'a, T: Error + 'static>(e: &'a (dyn Error + 'static)) -> Option<&'a T> {
    causes(e).find_map(|e| e.downcast_ref::<T>())
}

/// What is wrong with the certificate, if that is why.
pub(super) fn bad_certificate(e: &(dyn Error + 'static)) -> Option<BadCertificate> {
    let rustls::Error::InvalidCertificate(why) = caused_by::<rustls::Error>(e)? else {
        return None;
    };
    Some(match why {
        // Another authority may have the same name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            BadCertificate::Untrusted
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            BadCertificate::Expired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            BadCertificate::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            BadCertificate::WrongName
        }
        CertificateError::Revoked => BadCertificate::Revoked,
        // Only its name says so.
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => BadCertificate::Authority,
        _ => BadCertificate::Other,
    })
}

/// Why no connection came about.
pub(super) fn no_connection(e: &reqwest::Error, by_proxy: bool) -> NoConnection {
    if caused_by::<UnknownName>(e).is_some() {
        return NoConnection::Name;
    }
    if caused_by::<rustls::Error>(e).is_some() {
        return NoConnection::Tls;
    }
    let kinds = causes(e)
        .filter_map(|e| e.downcast_ref::<io::Error>())
        .map(io::Error::kind);
    for kind in kinds {
        match kind {
            io::ErrorKind::ConnectionRefused => return NoConnection::Refused,
            io::ErrorKind::TimedOut => return NoConnection::Time,
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                return NoConnection::Route;
            }
            _ => {}
        }
    }
    if e.is_timeout() {
        NoConnection::Time
    } else if by_proxy {
        NoConnection::Proxy
    } else {
        NoConnection::Other
    }
}
