//! What a new operation takes: in a copy of the tree, types and one row are added, then it is called from every language.

use crate::fail::{Failure, Result};
use crate::golib;
use crate::repo::{cargo, output, read, run};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Its types and what it does.
const SERVICE: &str = r#"//! A fixture.

use super::app::App;
use crate::context::CallContext;
use crate::{Result, request};

request! {
    /// Says a text again.
    pub struct Echo {
        required {
            /// Who says it.
            name: String,
            /// What is said.
            text: String,
        }
        optional {
            /// How often.
            times: u32,
        }
    }
}

/// What was said.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Echoed {
    /// All of it.
    pub text: String,
}

/// Says it.
///
/// # Errors
/// None.
pub async fn echo(_: &CallContext, _: &App, input: Echo) -> Result<Echoed> {
    let times = input.times.unwrap_or(1) as usize;
    Ok(Echoed {
        text: format!("{}: {}", input.name, vec![input.text; times].join(" ")),
    })
}
"#;

/// Its row.
const ROW: &str = r#"        fixture, Fixture, "A fixture." {
            /// Says a text again.
            echo = FixtureEcho, Post "/fixture/{name}", WorkOrderView, Write, 200,
                [],
                fixture::Echo => fixture::Echoed, fixture::echo;
        }
"#;

const PYTHON: &str = r#"
import asyncio, json, re, subprocess, sys, urllib.request
import cmms

def check(said):
    assert said == "Anna: hello hello", said

with cmms.open("sqlite://python.db") as client:
    check(client.fixture.echo("Anna", "hello", times=2).text)

async def main():
    async with await cmms.aopen("sqlite://python.db") as client:
        check((await client.fixture.echo("Anna", "hello", times=2)).text)

asyncio.run(main())
server = subprocess.Popen([sys.argv[1], "serve", "--no-auth", "--port", "0"], stdout=subprocess.PIPE, text=True)
try:
    address = next(found[0] for line in server.stdout if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
    body = json.dumps({"text": "hello", "times": 2}).encode()
    request = urllib.request.Request(f"{address}/fixture/Anna", body, {"Content-Type": "application/json"})
    check(json.load(urllib.request.urlopen(request))["text"])
finally:
    server.terminate()
    server.wait()
print("python, coroutines, REST")
"#;

const GO: &str = r#"package main

import (
	"context"
	"fmt"

	"MODULE"
)

func main() {
	client, err := cmms.Open("sqlite://go.db")
	if err != nil {
		panic(err)
	}
	defer client.Close()
	said, err := client.Fixture.Echo(context.Background(), cmms.FixtureEcho{Name: "Anna", Text: "hello", Times: cmms.Some(int64(2))})
	if err != nil || said.Text != "Anna: hello hello" {
		panic(fmt.Sprint(said, err))
	}
	fmt.Println("go")
}
"#;

/// Adds it and calls it.
pub(super) fn test(root: &Path) -> Result<()> {
    let place = root.join("target/xtask/fixture");
    let tree = place.join("tree");
    copy(root, &tree)?;
    write(&tree.join("cmms-core/src/services/fixture.rs"), SERVICE)?;
    insert(
        &tree,
        "cmms-core/src/services/mod.rs",
        "pub mod mappings;",
        "pub mod fixture;\n",
    )?;
    insert(
        &tree,
        "cmms-core/src/ops/table.rs",
        "    } };\n}\npub(crate) use operations_with;",
        ROW,
    )?;
    let table = tree.join("cmms-core/src/ops/table.rs");
    let used = "use crate::services::{App, assets,";
    write(
        &table,
        &read(&table)?.replace(used, &format!("{used} fixture,")),
    )?;
    let target = place.join("target");
    run(cargo(&tree, &["xtask", "gen"]).env("CARGO_TARGET_DIR", &target))?;
    let build = [
        "build",
        "-p",
        "cmms-server",
        "-p",
        "cmms-py",
        "-p",
        "cmms-ffi",
    ];
    run(cargo(&tree, &build).env("CARGO_TARGET_DIR", &target))?;
    let built = target.join("debug");
    let empty = place.join("empty");
    if empty.exists() {
        std::fs::remove_dir_all(&empty).map_err(|e| Failure::at(empty.display(), e))?;
    }
    std::fs::create_dir_all(&empty).map_err(|e| Failure::at(empty.display(), e))?;
    let input = r#"{"name":"Anna","text":"hello","times":2}"#;
    let heard = |language: &str, said: &str| {
        if said.contains("Anna: hello hello") {
            println!("  {language}");
            return Ok(());
        }
        Err(Failure::new(format!("{language} answers {said}")))
    };
    let command = || {
        let mut command = Command::new(built.join("cmms"));
        command.current_dir(&empty);
        command
    };
    output(command().args(["migrate", "up"]))?;
    let said = output(command().args(["op", "fixture.echo", input]))?;
    heard("rust", &said)?;
    let library = built.join("libcmms_ffi.a");
    let caller = empty.join("caller");
    run(Command::new("cc")
        .arg("-I")
        .arg(tree.join("include"))
        .arg("-o")
        .arg(&caller)
        .arg(tree.join("cmms-ffi/tests/c/caller.c"))
        .arg(&library)
        .args(["-lpthread", "-ldl", "-lm"]))?;
    write(&empty.join("calls.txt"), &format!("fixture.echo {input}\n"))?;
    let calls =
        std::fs::File::open(empty.join("calls.txt")).map_err(|e| Failure::at("calls", e))?;
    let said = output(
        Command::new(&caller)
            .current_dir(&empty)
            .arg("{}")
            .stdin(calls),
    )?;
    heard("c", &said)?;
    let native = tree.join("cmms-py/python/cmms/_native.abi3.so");
    std::fs::copy(built.join("lib_native.so"), &native)
        .map_err(|e| Failure::at(native.display(), e))?;
    run(Command::new(super::python::find()?)
        .current_dir(&empty)
        .env("PYTHONPATH", tree.join("cmms-py/python"))
        .args(["-c", PYTHON])
        .arg(built.join("cmms")))?;
    golib::archive(&tree, &library)?;
    let program = GO.replace("MODULE", crate::r#gen::GO_MODULE);
    write(&tree.join("examples/go/fixture/main.go"), &program)?;
    run(Command::new(super::go::find(root)?)
        .current_dir(tree.join("examples/go"))
        .env("GOFLAGS", "-mod=mod")
        .args(["run", "./fixture"]))
}

/// A copy of what is committed and what is not yet.
fn copy(root: &Path, tree: &Path) -> Result<()> {
    let listed = output(Command::new("git").current_dir(root).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    for name in listed.lines() {
        let (from, to): (PathBuf, PathBuf) = (root.join(name), tree.join(name));
        let Ok(text) = std::fs::read(&from) else {
            continue;
        };
        // What did not change keeps its time, and is not built again.
        if std::fs::read(&to).is_ok_and(|there| there == text) {
            continue;
        }
        let folder = to.parent().unwrap_or(tree);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&to, text))
            .map_err(|e| Failure::at(to.display(), e))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|e| Failure::at(path.display(), e))
}

/// Puts a text before another one.
fn insert(tree: &Path, name: &str, before: &str, text: &str) -> Result<()> {
    let path = tree.join(name);
    let old = read(&path)?;
    let (start, end) = old.split_once(before).ok_or_else(|| {
        Failure::new(format!(
            "{name} has no {before:?}: the fixture is out of date"
        ))
    })?;
    write(&path, &format!("{start}{text}{before}{end}"))
}
