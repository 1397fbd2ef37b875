//! Lines for whoever reads what the command says. Nobody has to: a server whose output is closed goes on serving, and a
//! list that goes into `head` ends without a complaint. Where a line is wanted and cannot be written, as on a full disk, the
//! command ends with an error.

use std::fmt;
use std::io::{self, ErrorKind, Write as _};

/// A line on standard output.
macro_rules! say {
    ($($line:tt)*) => {
        $crate::cli::say::line(format_args!($($line)*))
    };
}

/// A line on standard error.
macro_rules! tell {
    ($($line:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($line)*);
    }};
}

pub(super) fn line(line: fmt::Arguments<'_>) {
    match writeln!(io::stdout(), "{line}") {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            tell!("error: standard output cannot be written: {e}");
            std::process::exit(1);
        }
        _ => {}
    }
}
