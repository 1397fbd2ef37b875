//! The command `cmms`, as a user runs it.

use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
use cmms_tests::desk::{Desk, err, out, program};
use serde_json::Value;
use std::process::{Command, Stdio};

#[test]
fn the_demo_does_the_main_job_and_can_be_repeated() {
    let desk = Desk::default();
    for _ in 0..2 {
        let output = desk.run(&["demo", "--no-serve"]);
        let text = out(&output);
        assert!(output.status.success(), "{text}{}", err(&output));
        let result = text.lines().find(|l| l.starts_with("Result:")).unwrap();
        assert_eq!(
            result,
            "Result: first sync 2200 of 2200 in; second created + updated = 0; third updated 12 of 12 edited: as it should be"
        );
    }
    let file = desk.folder.path().join("cmms-demo.db");
    let listed = desk
        .command(&[])
        .get_envs()
        .fold(
            &mut Command::new(program("examples/work_orders")),
            |c, (k, v)| c.env(k, v.unwrap_or_default()),
        )
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(out(&listed).lines().count(), 2000, "{}", err(&listed));
    let url = format!("sqlite://{}", file.display());
    let one = desk.run(&[
        "op",
        "work_orders.list",
        r#"{"limit": 1}"#,
        "--database-url",
        &url,
    ]);
    let one: Value = serde_json::from_str(&out(&one)).unwrap();
    let number = one["items"][0]["number"].as_str().unwrap();
    assert!(out(&listed).contains(number));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_added_tested_and_synced_without_a_secret_in_an_argument() {
    let config = UpkeepConfig::default().assets(10).work_orders(40);
    let (email, password) = (config.email.clone(), config.password.clone());
    let sim = UpkeepSim::start(config, 0).await.unwrap();
    let desk = Desk {
        allow: sim.base_url(),
        ..Desk::default()
    };
    tokio::task::spawn_blocking(move || {
        let url = desk.allow.clone();
        let add = [
            "connections",
            "add",
            "upkeep",
            &url,
            "--name",
            "Up",
            "--username",
            &email,
            "--secret-stdin",
        ];
        let added = desk.run_with(&add, &format!("{password}\n"));
        assert!(added.status.success(), "{}", err(&added));
        assert!(!format!("{added:?}").contains(&password));
        let taken = desk.run_with(&add, &password);
        assert!(err(&taken).contains("CMMS-CONN-005"), "{}", err(&taken));
        let asked = desk.run(&["connections", "add", "upkeep", &url, "--name", "Other"]);
        assert!(err(&asked).contains("--secret-stdin"), "{}", err(&asked));
        let tested = desk.run(&["connections", "test", "Up"]);
        assert!(out(&tested).contains("healthy"), "{}", err(&tested));
        let listed = desk.run(&["connections", "list"]);
        assert!(
            out(&listed).contains("healthy") && out(&listed).contains("upkeep"),
            "{listed:?}"
        );
        let synced = desk.run(&["sync", "Up"]);
        assert!(synced.status.success(), "{}", err(&synced));
        assert!(out(&synced).contains(": ok"), "{}", out(&synced));
        // Without a terminal there are plain lines and no control characters.
        assert!(!out(&synced).contains('\u{1b}') && !err(&synced).contains('\u{1b}'));
        // A name that looks like an id is a name all the same.
        let uuid = "0192f0c1-2b3c-7d4e-8f50-112233445566";
        let named = ["op", "connections.update", "-"];
        let listed = desk.run(&["op", "connections.list"]);
        let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
        let id = &listed["items"][0]["id"];
        let input = serde_json::json!({ "cmms_connection_id": id, "connection_name": uuid });
        let renamed = desk.run_with(&named, &input.to_string());
        assert!(renamed.status.success(), "{}", err(&renamed));
        for named in [uuid, id.as_str().unwrap()] {
            let synced = desk.run(&["sync", named]);
            assert!(synced.status.success(), "{}", err(&synced));
        }
        let unknown = desk.run(&["sync", "Down"]);
        assert_eq!(unknown.status.code(), Some(1));
        assert!(err(&unknown).contains("CMMS-CONN-001"));
    })
    .await
    .unwrap();
    drop(sim);
}

/// Found by hand: commands whose output went into a program that had read enough ended with a panic.
#[test]
fn commands_that_nobody_listens_to_do_their_work() {
    let desk = Desk::default();
    for args in [
        &["demo", "--no-serve"][..],
        &["migrate", "up"],
        &["migrate", "status"],
        &["op", "--list"],
    ] {
        let mut command = desk.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", err(&output));
    }
}

#[test]
fn operations_are_called_by_name_and_refuse_what_they_cannot_take() {
    let desk = Desk::default();
    let listed = out(&desk.run(&["op", "--list"]));
    assert!(
        listed.contains("work_orders.create") && listed.contains("sync.all"),
        "{listed}"
    );
    assert!(desk.run(&["migrate", "up"]).status.success());
    let made = desk.run(&[
        "op",
        "work_orders.create",
        r#"{"title": "Check \u001b[31mpump"}"#,
    ]);
    assert_eq!(made.status.code(), Some(1));
    assert!(err(&made).contains("title"), "{}", err(&made));
    let made = desk.run_with(
        &["op", "work_orders.create", "-"],
        r#"{"title": "Check pump"}"#,
    );
    assert!(out(&made).contains("\"WO-"), "{}", err(&made));
    let near = desk.run(&["op", "work_order.create", "{}"]);
    assert!(
        err(&near).contains("did you mean work_orders.create?"),
        "{}",
        err(&near)
    );
    let field = desk.run(&["op", "work_orders.create", r#"{"titel": "x"}"#]);
    assert!(
        err(&field).contains("did you mean title?"),
        "{}",
        err(&field)
    );
    let secret = r#"{"cmms_type": "upkeep", "api_url": "https://api.onupkeep.com", "connection_name": "a", "api_key": "k"}"#;
    let inline = desk.run(&["op", "connections.create", secret]);
    assert!(err(&inline).contains("CMMS-SECRET-004"), "{}", err(&inline));
    let piped = desk.run_with(&["op", "connections.create", "-"], secret);
    assert!(piped.status.success(), "{}", err(&piped));
    std::fs::write(desk.folder.path().join("in.json"), r#"{"limit": 1}"#).unwrap();
    let file = desk.run(&["op", "work_orders.list", "@in.json"]);
    assert_eq!(
        serde_json::from_str::<Value>(&out(&file)).unwrap()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn serving_without_authentication_must_be_said_and_stays_on_this_machine() {
    let desk = Desk::default();
    let silent = desk.run(&["serve"]);
    assert!(
        err(&silent).contains("CMMS-SERVE-003") && err(&silent).contains("--no-auth"),
        "{}",
        err(&silent)
    );
    let outside = desk.run(&["serve", "--no-auth", "--host", "0.0.0.0"]);
    assert!(
        err(&outside).contains("CMMS-SERVE-002"),
        "{}",
        err(&outside)
    );
    assert!(!desk.folder.path().join("cmms.db").exists());
}

/// Other programs of the same user can read the environment that a process was started with.
#[cfg(target_os = "linux")]
#[test]
fn a_server_keeps_no_secret_in_its_environment() {
    use std::io::{BufRead, BufReader};
    let desk = Desk::default();
    let mut child = desk
        .command(&["serve", "--no-auth", "--port", "0"])
        .env("UPKEEP_API_KEY", "canary-key-1")
        .env(
            "CMMS_MASTER_KEY",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        )
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("Serving http://127.0.0.1:"), "{line}");
    let environment = std::fs::read(format!("/proc/{}/environ", child.id())).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(environment.contains("CMMS_EGRESS_ALLOW"), "{environment}");
    assert!(!environment.contains("canary-key-1") && !environment.contains("AAECAwQF"));
    assert!(
        !desk.folder.path().join(".config").exists(),
        "the key of the environment counts"
    );
}
