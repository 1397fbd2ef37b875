//! Kinds of errors and what each is called on every surface.

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal, $http:literal;)*) => {
        /// What kind of error it is. Numbers are the statuses of the C interface and are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum ErrorKind { $($(#[doc = $doc])* $name = $number,)* }

        impl ErrorKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in program text.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_ascii(),)* }
            }

            /// The HTTP status.
            pub fn http_status(self) -> u16 {
                match self { $(Self::$name => $http,)* }
            }
        }
    };
}

kinds! {
    /// The input cannot be read at all: broken JSON, a foreign cursor.
    Unreadable = 1, 400;
    /// The input is understood and refused.
    InvalidInput = 2, 422;
    /// Nobody known asks.
    Unauthenticated = 3, 401;
    /// Somebody known asks who may not.
    PermissionDenied = 4, 403;
    /// No such object.
    NotFound = 5, 404;
    /// It exists already.
    AlreadyExists = 6, 409;
    /// The present state forbids it.
    Conflict = 7, 409;
    /// Somebody changed it since it was read.
    StaleVersion = 8, 412;
    /// Too many calls.
    RateLimited = 9, 429;
    /// The caller gave up.
    Cancelled = 10, 499;
    /// It took too long.
    Timeout = 11, 504;
    /// Something needed is not there just now.
    Unavailable = 12, 503;
    /// No room is left to store it.
    StorageFull = 13, 507;
    /// The vendor's system failed or answered nonsense.
    Upstream = 14, 502;
    /// The vendor or this program cannot do that.
    Unsupported = 15, 501;
    /// A defect of ours.
    Internal = 16, 500;
}

impl ErrorKind {
    /// Whether the same call can succeed later without a change.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::RateLimited | Self::Timeout | Self::Unavailable)
    }
}
