//! Lines for whoever reads what the command says. Nobody has to: a server whose output is closed goes on serving, and a
//! list that goes into `head` ends without a complaint.

/// A line on standard output.
macro_rules! say {
    ($($line:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($line)*);
    }};
}

/// A line on standard error.
macro_rules! warn {
    ($($line:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($line)*);
    }};
}
