//! `cmms op`: any operation, by name, with JSON.

use super::connections::{read_file, read_stdin};
use super::{Database, announce_key, table};
use cmms::core::ops::{self, Input, OPERATIONS};
use cmms::{Error, Result, code};
use std::path::Path;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The operation, such as work_orders.list.
    #[arg(required_unless_present = "list")]
    name: Option<String>,
    /// Its input: JSON, `@file`, or `-` for standard input.
    #[arg(default_value = "{}")]
    input: String,
    /// List all operations.
    #[arg(long)]
    list: bool,
}

pub(super) async fn run(database: Database, args: Args) -> Result<ExitCode> {
    let Some(name) = args.name.filter(|_| !args.list) else {
        let rows: Vec<_> = OPERATIONS
            .iter()
            .map(|op| vec![op.meta.name.to_owned(), op.meta.title.trim().to_owned()])
            .collect();
        table::print(&["operation", ""], &rows);
        return Ok(ExitCode::SUCCESS);
    };
    let op = ops::find(&name)?;
    let input = match args.input.as_str() {
        "-" => Input::parse(read_stdin()?.as_bytes())?,
        text => match text.strip_prefix('@') {
            Some(file) => Input::parse(read_file(Path::new(file))?.as_bytes())?,
            None => {
                let input = Input::parse(text.as_bytes())?;
                // Arguments are seen by everybody who lists processes, and kept in the shell's history.
                if let Some(field) = op
                    .secret_fields()
                    .into_iter()
                    .find(|f| input.body.contains_key(f))
                {
                    return Err(
                        Error::new(code::SECRET_INLINE, format!("{field} holds a secret")).field(
                            field,
                            "secret_inline",
                            "may not stand on the command line",
                        ),
                    );
                }
                input
            }
        },
    };
    let opened = database.open().await?;
    let answer = opened.client.call(&name, input).await?;
    announce_key(&opened);
    // serde_json escapes control characters, so vendor text cannot reach the terminal raw.
    let text = serde_json::to_string_pretty(&answer)
        .map_err(|e| Error::internal("an answer cannot be written").source(e))?;
    say!("{text}");
    // A run that was not waited for lives in this process.
    opened.client.settled().await;
    Ok(ExitCode::SUCCESS)
}
