//! What each command does to a database, to a run under way, and to what it reads.

use cmms_sim::Fault;
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim};
use cmms_tests::desk::{Desk, err, out};
use std::fs;

/// A mistyped name was made as an empty file, in which nothing was found.
#[test]
fn commands_that_need_a_database_make_none() {
    let desk = Desk::default();
    let id = "0190a0a0-0000-7000-8000-000000000001";
    for args in [
        &["migrate", "status"][..],
        &["migrate", "plan"],
        &["sync", "Up"],
        &["op", "work_orders.list"],
        &["connections", "list"],
        &["connections", "test", "Up"],
        &["connections", "update", "Up", "--name", "Down"],
        &["connections", "remove", "Up"],
        &["connections", "set-secret", "Up", "--secret-stdin"],
        &["runs", "list"],
        &["runs", "show", id],
        &["quarantine", "list"],
        &["quarantine", "retry", id],
        &["keys", "forget-secrets", "--yes"],
    ] {
        let refused = desk.run(args);
        let said = err(&refused);
        assert_eq!(refused.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains("CMMS-STORE-014"), "{args:?}: {said}");
        let file = desk.file("cmms.db");
        assert!(said.contains(file.to_str().unwrap()), "{args:?}: {said}");
        assert!(said.contains("cmms migrate up"), "{args:?}: {said}");
        assert_eq!(fs::read_dir(desk.folder.path()).unwrap().count(), 0);
    }
    assert!(desk.run(&["migrate", "up"]).status.success());
    let status = desk.run(&["migrate", "status"]);
    assert_eq!(status.status.code(), Some(0), "{}", err(&status));
}

#[test]
fn a_wrong_command_line_has_an_exit_code_of_its_own() {
    let desk = Desk::default();
    for args in [
        &["sync"][..],
        &["op"],
        &["demo", "--database-url", "sqlite://x.db"],
        &["simulate", "upkeep", "--database-url", "sqlite://x.db"],
        &["copy", "a", "b", "--database-url", "sqlite://x.db"],
        &["keys", "forget-secrets"],
    ] {
        let refused = desk.run(args);
        assert_eq!(
            refused.status.code(),
            Some(2),
            "{args:?}: {}",
            err(&refused)
        );
    }
    let help = out(&desk.run(&["--help"]));
    for code in ["0 ", "1 ", "2 ", "3 ", "130 "] {
        assert!(help.contains(&format!("\n  {code}")), "{help}");
    }
}

#[test]
fn an_operation_says_what_it_takes() {
    let desk = Desk::default();
    let help = out(&desk.run(&["op", "work_orders.create", "--help"]));
    for words in [
        "POST /work-orders",
        "title (text, needed)",
        "critical | high | medium | low",
    ] {
        assert!(help.contains(words), "{words}: {help}");
    }
    let secret = out(&desk.run(&["op", "connections.create", "-h"]));
    assert!(secret.contains("secret: only from"), "{secret}");
    let own = out(&desk.run(&["op", "--help"]));
    assert!(own.contains("--list") && own.contains("@file"), "{own}");
    let near = desk.run(&["op", "work_order.create", "--help"]);
    assert!(err(&near).contains("did you mean"), "{}", err(&near));
    // Whatever reads the list gets it whole.
    let list = out(&desk.run(&["op", "--list"]));
    for op in cmms::core::ops::OPERATIONS {
        assert!(list.contains(op.meta.title.trim()), "{}", op.meta.name);
    }
    assert!(!list.contains('…'), "{list}");
}

struct Account {
    sim: UpkeepSim,
    desk: Desk,
    email: String,
    password: String,
}

async fn account(assets: usize, orders: usize) -> Account {
    let config = UpkeepConfig::default().assets(assets).work_orders(orders);
    let (email, password) = (config.email.clone(), config.password.clone());
    let sim = UpkeepSim::start(config, 0).await.unwrap();
    let desk = Desk {
        allow: sim.base_url(),
        ..Desk::default()
    };
    Account {
        sim,
        desk,
        email,
        password,
    }
}

impl Account {
    fn add<'a>(&'a self, name: &'a str, secret: &[&'a str]) -> Vec<&'a str> {
        let add = [
            "connections",
            "add",
            "upkeep",
            &self.desk.allow,
            "--name",
            name,
        ];
        let user = ["--username", self.email.as_str()];
        let user = if secret[0] == "--credentials-file" {
            &[][..]
        } else {
            &user
        };
        [&add, user, secret].concat()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_changed_and_removed_and_their_runs_are_shown() {
    let account = account(3, 5).await;
    tokio::task::block_in_place(|| {
        let desk = &account.desk;
        let added = desk.run_with(&account.add("Up", &["--secret-stdin"]), "not-it\n");
        assert!(added.status.success(), "{}", err(&added));
        let failed = desk.run(&["connections", "test", "Up"]);
        assert!(err(&failed).contains("CMMS-VENDOR-002"), "{}", err(&failed));
        let set = [
            "connections",
            "set-secret",
            "Up",
            "--username",
            &account.email,
            "--secret-stdin",
        ];
        let set = desk.run_with(&set, &format!("{}\n", account.password));
        assert!(set.status.success(), "{}", err(&set));
        let tested = desk.run(&["connections", "test", "Up"]);
        assert!(tested.status.success(), "{}", err(&tested));
        let changed = desk.run(&[
            "connections",
            "update",
            "Up",
            "--name",
            "Plant 2",
            "--page-size",
            "2",
        ]);
        assert!(changed.status.success(), "{}", err(&changed));
        let synced = desk.run(&["sync", "Plant 2"]);
        assert_eq!(synced.status.code(), Some(0), "{}", err(&synced));
        let runs = out(&desk.run(&["runs", "list", "--connection", "Plant 2"]));
        let run = runs
            .lines()
            .nth(1)
            .unwrap()
            .split_whitespace()
            .next()
            .unwrap();
        assert!(runs.contains(" ok "), "{runs}");
        let shown = out(&desk.run(&["runs", "show", run]));
        assert!(shown.contains("work orders"), "{shown}");
        let ended = desk.run(&["runs", "cancel", run]);
        assert!(err(&ended).contains("CMMS-SYNC-010"), "{}", err(&ended));
        let quarantine = out(&desk.run(&["quarantine", "list"]));
        assert!(
            quarantine.contains("Nothing is in quarantine"),
            "{quarantine}"
        );
        let removed = desk.run(&["connections", "remove", "Plant 2"]);
        assert!(removed.status.success(), "{}", err(&removed));
        let gone = desk.run(&["sync", "Plant 2"]);
        let file = desk.file("cmms.db");
        assert!(
            err(&gone).contains(&format!(
                "no connection \"Plant 2\" in the database {}",
                file.display()
            )),
            "{}",
            err(&gone)
        );
    });
    drop(account.sim);
}

#[cfg(unix)]
/// Whoever meets a refusal about accounts on the command line can say there what is meant.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_led_to_another_account_only_where_it_is_said_what_becomes_of_links() {
    let account = |name: &str| {
        let config = UpkeepConfig::default().assets(3).work_orders(4);
        config.email(format!("{name}@example.com"))
    };
    let first = UpkeepSim::start(account("north"), 0).await.unwrap();
    let second = UpkeepSim::start(account("south").seed(2), 0).await.unwrap();
    let desk = Desk {
        allow: format!("{},{}", first.base_url(), second.base_url()),
        ..Desk::default()
    };
    tokio::task::block_in_place(|| {
        let password = format!("{}\n", UpkeepConfig::default().password);
        let add = |name: &str, more: &[&str]| {
            let url = first.base_url();
            let mut args = vec!["connections", "add", "upkeep", &url, "--name", name];
            args.extend(["--username", "north@example.com", "--secret-stdin"]);
            args.extend(more);
            desk.run_with(&args, &password)
        };
        let added = add("North", &[]);
        assert!(added.status.success(), "{}", err(&added));
        let again = add("Again", &[]);
        assert!(err(&again).contains("CMMS-CONN-010"), "{}", err(&again));
        let again = add("Again", &["--allow-same-account"]);
        assert!(again.status.success(), "{}", err(&again));
        let synced = desk.run(&["sync", "North"]);
        assert_eq!(synced.status.code(), Some(0), "{}", err(&synced));
        let moved = |more: &[&str]| {
            let url = second.base_url();
            let mut args = vec!["connections", "set-secret", "North", "--api-url", &url];
            args.extend(["--username", "south@example.com", "--secret-stdin"]);
            args.extend(more);
            desk.run_with(&args, &password)
        };
        let refused = moved(&[]);
        assert!(err(&refused).contains("CMMS-CONN-009"), "{}", err(&refused));
        let done = moved(&["--forget-links"]);
        assert!(done.status.success(), "{}", err(&done));
        let synced = desk.run(&["sync", "North"]);
        assert_eq!(synced.status.code(), Some(0), "{}", err(&synced));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_is_interrupted_is_cancelled_and_says_so() {
    use std::io::Read as _;
    use std::process::{Command, Stdio};
    let account = account(3, 5).await;
    let mut child = tokio::task::block_in_place(|| {
        let desk = &account.desk;
        let secret = format!("{}\n", account.password);
        let added = desk.run_with(&account.add("Up", &["--secret-stdin"]), &secret);
        assert!(added.status.success(), "{}", err(&added));
        account.sim.vendor().inject(Fault::NoAnswer.on("assets"));
        let mut command = desk.command(&["sync", "Up"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    });
    account.sim.vendor().held().await;
    tokio::task::block_in_place(|| {
        let interrupt = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(interrupt.unwrap().success());
        let status = child.wait().unwrap();
        let mut said = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert_eq!(status.code(), Some(130), "{said}");
        assert!(said.contains(": cancelled"), "{said}");
        let runs = out(&account.desk.run(&["runs", "list"]));
        assert!(
            runs.contains("cancelled") && !runs.contains("running"),
            "{runs}"
        );
        account.sim.vendor().end_faults();
        let again = account.desk.run(&["sync", "Up"]);
        assert_eq!(again.status.code(), Some(0), "{}", err(&again));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_order_mark_is_no_part_of_what_is_read() {
    let account = account(3, 5).await;
    tokio::task::block_in_place(|| {
        let desk = &account.desk;
        let marked = |text: &str| format!("\u{feff}{text}\r\n");
        let secret = marked(&account.password);
        fs::write(desk.file("secret"), &secret).unwrap();
        let both = format!(
            r#"{{"email": "{}", "password": "{}"}}"#,
            account.email, account.password
        );
        fs::write(desk.file("credentials.json"), marked(&both)).unwrap();
        for (name, from) in [
            ("a", &["--secret-file", "secret"][..]),
            ("b", &["--secret-stdin"]),
            ("c", &["--credentials-file", "credentials.json"]),
        ] {
            // A connection to the same account is told apart by its name alone here.
            let added = desk.run_with(&account.add(name, from), &secret);
            assert!(added.status.success(), "{name}: {}", err(&added));
            let tested = desk.run(&["connections", "test", name]);
            assert!(tested.status.success(), "{name}: {}", err(&tested));
            assert!(desk.run(&["connections", "remove", name]).status.success());
        }
        fs::write(desk.file("in.json"), marked(r#"{"title": "Check pump"}"#)).unwrap();
        let made = desk.run(&["op", "work_orders.create", "@in.json"]);
        assert!(made.status.success(), "{}", err(&made));
        // Windows' editors and shells write UTF-16 where nobody asked for it.
        let wide: Vec<u8> = marked(&both)
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        fs::write(desk.file("wide"), &wide).unwrap();
        for args in [
            account.add("d", &["--secret-file", "wide"]),
            account.add("d", &["--credentials-file", "wide"]),
            vec!["op", "work_orders.create", "@wide"],
        ] {
            let refused = desk.run(&args);
            assert_eq!(refused.status.code(), Some(1), "{args:?}");
            let said = err(&refused);
            assert!(
                said.contains("wide is UTF-16") && said.contains("UTF-8"),
                "{said}"
            );
        }
    });
    drop(account.sim);
}

#[test]
fn settings_that_are_not_heeded_are_told() {
    let desk = Desk::default();
    let list = ["migrate", "up"];
    let run = |name: &str, args: &[&str]| {
        let output = desk
            .command(args)
            .env(name, "http://canary:1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", err(&output));
        assert!(!err(&output).contains("canary"), "{}", err(&output));
        err(&output)
    };
    let said = run("CMMS_EGRES_ALLOW", &list);
    assert!(
        said.contains("no setting CMMS_EGRES_ALLOW") && said.contains("CMMS_EGRESS_ALLOW?"),
        "{said}"
    );
    let said = run("HTTPS_PROXY", &["connections", "list", "-v"]);
    assert!(
        said.contains("HTTPS_PROXY") && said.contains("CMMS_EGRESS_PROXY"),
        "{said}"
    );
    let said = run("HTTPS_PROXY", &["connections", "list"]);
    assert!(!said.contains("PROXY"), "{said}");
}

/// The way out where the key is lost, by what the errors say.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_whose_master_key_is_lost_begins_with_another() {
    let account = account(3, 5).await;
    tokio::task::block_in_place(|| {
        let desk = &account.desk;
        let secret = format!("{}\n", account.password);
        let added = desk.run_with(&account.add("Up", &["--secret-stdin"]), &secret);
        assert!(added.status.success(), "{}", err(&added));
        fs::remove_file(desk.file(".config/cmms/master.key")).unwrap();
        let set = ["connections", "set-secret", "Up", "--secret-stdin"];
        let set = [&set[..], &["--username", "integration@example.com"]].concat();
        let refused = desk.run_with(&set, &secret);
        assert_eq!(refused.status.code(), Some(1));
        let said = err(&refused);
        assert!(said.contains("CMMS-SECRET-001"), "{said}");
        assert!(said.contains("cmms keys forget-secrets"), "{said}");
        let forgotten = desk.run(&["keys", "forget-secrets", "--yes"]);
        assert!(forgotten.status.success(), "{}", err(&forgotten));
        assert!(out(&forgotten).contains("Up: "), "{}", out(&forgotten));
        let again = desk.run_with(&set, &secret);
        assert!(again.status.success(), "{}", err(&again));
        let synced = desk.run(&["sync", "Up"]);
        assert_eq!(synced.status.code(), Some(0), "{}", err(&synced));
    });
}
