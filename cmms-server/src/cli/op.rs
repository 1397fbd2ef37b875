//! `cmms op`: any operation, by name, with JSON.

use super::files::{read_file, read_stdin};
use super::{Cli, Database, announce_key, table};
use clap::CommandFactory as _;
use cmms::core::ops::{self, Input, OPERATIONS, OpDef};
use cmms::{Error, Result, code};
use std::path::Path;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The operation, such as work_orders.list.
    #[arg(required_unless_present_any = ["list", "help"])]
    name: Option<String>,
    /// Its input: JSON, `@file`, or `-` for standard input.
    #[arg(default_value = "{}")]
    input: String,
    /// List all operations.
    #[arg(long)]
    list: bool,
    /// Say what an operation takes; without a name, what this command takes.
    #[arg(long, short)]
    help: bool,
}

pub(super) async fn run(database: Database, args: Args) -> Result<ExitCode> {
    if args.help {
        return match &args.name {
            Some(name) => help(ops::find(name)?),
            None => own_help(),
        };
    }
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
    let opened = database.open_existing().await?;
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

/// What an operation takes, from the table.
fn help(op: &OpDef) -> Result<ExitCode> {
    let meta = &op.meta;
    say!("{}", meta.title.trim());
    say!("");
    say!(
        "Usage: cmms op {} [INPUT]    (over REST: {} {})",
        meta.name,
        meta.verb.as_str(),
        meta.path
    );
    let fields = op.fields();
    say!("");
    if fields.is_empty() {
        say!("It takes no fields.");
        return Ok(ExitCode::SUCCESS);
    }
    say!(
        "Fields of the input, a JSON object (`-` reads it from standard input, `@file` from a file):"
    );
    for field in &fields {
        let needed = if field.required { ", needed" } else { "" };
        let secret = if field.secret {
            ", secret: only from `-` or `@file`"
        } else {
            ""
        };
        say!("  {} ({}{needed}{secret})", field.name, field.takes);
        say!("      {}", field.about);
    }
    Ok(ExitCode::SUCCESS)
}

/// The help of the command itself.
fn own_help() -> Result<ExitCode> {
    let mut command = Cli::command();
    command.build();
    if let Some(op) = command.find_subcommand_mut("op") {
        say!("{}", op.render_long_help());
    }
    Ok(ExitCode::SUCCESS)
}
