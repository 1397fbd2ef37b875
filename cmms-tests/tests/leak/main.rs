//! T-SEC-LEAK: secrets go in and never come out again, whatever happens (security.md, section 3).
//!
//! Every canary is pushed through the client, the REST interface and the command line, with success and with
//! every failure of the vendor, while everything is logged. Then logs, answers, errors and the database files
//! are searched for each canary in all forms in which it could have been written.

#![expect(
    clippy::disallowed_methods,
    reason = "the test has a server and a client of its own"
)]

mod canaries;
mod echo;
mod out;
mod scene;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canaries::forms;
use cmms::core::ops::{Input, OPERATIONS, Verb};
use cmms_server::rest::{Access, Server};
use cmms_tests::desk::program;
use out::{LOG, log_everything};
use scene::Scene;
use serde_json::json;
use std::io::Write;
use std::process::{Command, Stdio};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_from_the_client() {
    log_everything();
    let scene = Scene::set(1).await;
    let client = scene.client("cmms.db").await;
    scene
        .ordeal(async |name, body| {
            let input = Input::parse(body.to_string().as_bytes()).unwrap();
            scene.out.add(format!("{input:?}"));
            scene.out.result(client.call(name, input).await).ok()
        })
        .await;
    scene.out.add(format!("{client:?}"));
    assert!(LOG.bytes().len() > 100_000, "the log is captured");
    scene.is_clean();
    drop(client);
    scene.is_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_from_the_rest_interface() {
    log_everything();
    let scene = Scene::set(2).await;
    let client = scene.client("cmms.db").await;
    let server = Server::bind(client, "127.0.0.1", 0, Access::NoAuth)
        .await
        .unwrap();
    let url = server.url();
    let stop = CancellationToken::new();
    let running = tokio::spawn(server.run(stop.clone().cancelled_owned()));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    scene
        .ordeal(async |name, mut body| {
            let meta = &OPERATIONS
                .iter()
                .find(|op| op.meta.name == name)
                .unwrap()
                .meta;
            let id = body.get("cmms_connection_id").cloned().unwrap_or_default();
            let path = meta
                .path
                .replace("{cmms_connection_id}", id.as_str().unwrap_or_default());
            if path != meta.path {
                body.as_object_mut().unwrap().remove("cmms_connection_id");
            }
            let url = format!("{url}{path}");
            let request = match meta.verb {
                Verb::Get => http.get(url),
                Verb::Patch => http.patch(url).json(&body),
                _ => http.post(url).json(&body),
            };
            let answer = request.send().await.unwrap();
            let good = answer.status().is_success();
            scene.out.add(format!("{answer:?}"));
            let text = answer.text().await.unwrap();
            scene.out.add(&text);
            good.then(|| serde_json::from_str(&text).unwrap())
        })
        .await;
    // Bodies that are no JSON, a secret in the path, in the query and in a header.
    let secret = scene.canaries.get("password over REST");
    let other = scene.canaries.get("password over REST, refused");
    let graphic = scene.canaries.get("graphic: token in the URL");
    let cut = json!({"cmms_type": "upkeep", "password": secret}).to_string();
    let posts = format!("{url}/cmms/connections");
    for request in [
        http.post(&posts).header("content-type", "application/json").body(cut[..cut.len() - 1].to_owned()),
        http.post(&posts).header("content-type", "text/plain").body(cut.clone()),
        http.post(&posts).header("content-type", "application/json").body(format!("[{cut}]")),
        http.post(&posts).json(&json!({"password": other, "username": other})),
        http.post(&posts).json(&json!({"cmms_type": "upkeep", "api_url": "x", "connection_name": "x", "password": other, "username": secret})),
        http.get(&posts).header("authorization", format!("Bearer {graphic}")),
    ] {
        let answer = request.send().await.unwrap();
        scene.out.add(format!("{answer:?}"));
        scene.out.add(answer.text().await.unwrap());
    }
    stop.cancel();
    running.await.unwrap().unwrap();
    scene.is_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaks_from_the_command() {
    let scene = Scene::set(3).await;
    let folder = scene.folder.path().to_owned();
    let run = |args: &[&str], stdin: &str| {
        let mut child = Command::new(program("cmms"))
            .args(args)
            .current_dir(&folder)
            .env_clear()
            .env("HOME", &folder)
            .env("CMMS_LOG", "trace")
            .env("CMMS_EGRESS_ALLOW", scene.allow())
            .env("CMMS_MASTER_KEY", scene.canaries.get("master key"))
            .env(
                "UPKEEP_API_KEY",
                scene.canaries.get("graphic: UPKEEP_API_KEY"),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input may have ended already.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        scene.out.add(&output.stdout);
        scene.out.add(&output.stderr);
        output.status.success()
    };
    let c = |name: &str| scene.canaries.get(name);
    let (sim, echo) = (scene.sim.base_url(), scene.echo.url.clone());
    let (user, good) = (c("username"), c("password"));
    let add = |name: &'static str, url: &str, more: &[&str], stdin: &str| {
        let mut args = vec!["connections", "add", "upkeep", url, "--name", name];
        args.extend(more);
        run(&args, stdin)
    };
    let stdin = ["--username", user, "--secret-stdin"];
    tokio::task::block_in_place(|| {
        assert!(add("good", &sim, &stdin, good));
        assert!(run(&["connections", "test", "good"], ""));
        assert!(run(&["sync", "good"], ""));
        // Each connection to an account of its own.
        let bad = ["--username", "bad@example.com", "--secret-stdin"];
        assert!(add("bad", &sim, &bad, c("password on standard input")));
        assert!(!run(&["connections", "test", "bad"], ""));
        assert!(!run(&["sync", "bad"], ""));
        assert!(!add(
            "bad",
            &sim,
            &bad,
            c("password of a refused duplicate")
        ));
        let file = folder.join("input.secret");
        std::fs::write(&file, c("password in a file")).unwrap();
        let path = file.to_str().unwrap();
        assert!(add(
            "file",
            &sim,
            &["--username", "file@example.com", "--secret-file", path],
            ""
        ));
        let all =
            json!({"email": c("email in credentials"), "password": c("password in credentials")});
        std::fs::write(&file, all.to_string()).unwrap();
        assert!(add("all", &sim, &["--credentials-file", path], ""));
        std::fs::write(&file, format!("{all}}}")).unwrap();
        assert!(!add("broken", &sim, &["--credentials-file", path], ""));
        assert!(!add("key", &sim, &["--secret-stdin"], c("wrong password")));
        let info = format!("http://u:{}@127.0.0.1", c("graphic: password in the URL"));
        assert!(!add("info", &info, &stdin, good));
        assert!(add(
            "echo",
            &echo,
            &stdin,
            c("password that the vendor repeats")
        ));
        for (status, json) in [
            ("200 OK", true),
            ("401 Unauthorized", true),
            ("403 Forbidden", false),
        ] {
            *scene.echo.mode.lock().unwrap() = (status, "text/html", json);
            assert!(!run(&["connections", "test", "echo"], ""));
        }
        let mut bodies = scene.bodies();
        for (i, (taken, body)) in bodies.iter_mut().enumerate() {
            body["connection_name"] = format!("Connection {i}").into();
            assert_eq!(
                run(&["op", "connections.create", "-"], &body.to_string()),
                *taken
            );
        }
        let inline = json!({"cmms_type": "upkeep", "password": c("password inline")}).to_string();
        assert!(!run(&["op", "connections.create", &inline], ""));
        assert!(run(&["connections", "list"], ""));
        assert!(run(&["op", "connections.list", "{}"], ""));
    });
    let out = String::from_utf8_lossy(&scene.out.bytes()).into_owned();
    assert!(out.contains("TRACE"), "the log is captured");
    scene.is_clean();
}

/// Text that is stored as it is, with a canary in each form: all are found, so the search is worth something.
#[tokio::test(flavor = "multi_thread")]
async fn twin_a_planted_canary_is_found_in_each_form() {
    let scene = Scene::set(4).await;
    let client = scene.client("cmms.db").await;
    let value = scene.canaries.get("password").to_owned();
    for (form, needle) in forms(value.as_bytes()) {
        let mut text = b"in the middle ".to_vec();
        text.extend(&needle);
        text.extend(b" of something");
        assert!(!scene.canaries.hits(form, &text).is_empty(), "{form}");
    }
    let token = format!("session r:{:032x} ", 7);
    assert!(!scene.canaries.hits("token", token.as_bytes()).is_empty());
    // Base64 of a text that holds it somewhere.
    for before in ["", "a", "ab", "abc", "abcd"] {
        let text = STANDARD.encode(format!("{before}{value} and more"));
        assert!(
            !scene.canaries.hits("base64", text.as_bytes()).is_empty(),
            "{text}"
        );
    }
    let order = cmms::CreateWorkOrder::new("Check pump").description(value);
    client.work_orders().create(order).await.unwrap();
    let files =
        ["cmms.db", "cmms.db-wal"].map(|f| std::fs::read(scene.folder.path().join(f)).unwrap());
    let hits = files
        .iter()
        .flat_map(|bytes| scene.canaries.hits("page", bytes));
    assert!(hits.count() > 0);
}
