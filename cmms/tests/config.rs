//! Settings come from the environment, and what cannot be used is refused by its name.

use cmms::config::{Config, Database};
use cmms::{CreateWorkOrder, ListWorkOrders};
use cmms_core::{Error, code};
use secrecy::ExposeSecret as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn config(pairs: &[(&str, &str)]) -> Result<Config, Error> {
    Config::from_pairs(pairs.iter().copied())
}

#[test]
fn nothing_set_gives_the_documented_defaults() {
    let config = config(&[("PATH", "/bin")]).unwrap();
    assert_eq!(config.api_host, "127.0.0.1");
    assert_eq!(config.api_port, 8003);
    assert!(!config.api_debug);
    assert_eq!(config.egress_allow, Vec::<String>::new());
    assert_eq!(file(config.database()), Path::new("cmms.db"));
    assert_eq!(config.master_key_file(), None);
    assert!(config.master_key().is_none());
    assert!(config.api_key("UPKEEP_API_KEY").is_none());
    assert_eq!(config.user_folder(), None);
}

#[test]
fn values_that_are_set_are_taken() {
    let config = config(&[
        ("CMMS_API_HOST", " ::1 "),
        ("CMMS_API_PORT", "0"),
        ("CMMS_API_DEBUG", "True"),
        ("CMMS_DATABASE_URL", "sqlite:///srv/x.db"),
        ("CMMS_MASTER_KEY_FILE", "/run/key"),
        ("CMMS_MASTER_KEY", "abc"),
        (
            "CMMS_EGRESS_ALLOW",
            "https://a.test, 10.0.0.0/8\thttp://b.test:8080,,",
        ),
        ("UPKEEP_API_KEY", " token\n"),
        ("FIIX_API_KEY", "a:b:c"),
        ("MAXIMO_API_KEY", ""),
    ])
    .unwrap();
    assert_eq!(config.api_host, "::1");
    assert_eq!(config.api_port, 0);
    assert!(config.api_debug);
    assert_eq!(file(config.database()), Path::new("/srv/x.db"));
    assert_eq!(config.master_key_file(), Some(Path::new("/run/key")));
    assert_eq!(config.master_key().unwrap().expose_secret(), "abc");
    assert_eq!(
        config.egress_allow,
        ["https://a.test", "10.0.0.0/8", "http://b.test:8080"]
    );
    let key = |name| {
        config
            .api_key(name)
            .map(|key| key.expose_secret().to_owned())
    };
    assert_eq!(key("UPKEEP_API_KEY").as_deref(), Some("token"));
    assert_eq!(key("FIIX_API_KEY").as_deref(), Some("a:b:c"));
    assert_eq!(key("MAXIMO_API_KEY"), None);
    assert_eq!(key("PATH"), None);
}

#[test]
fn bad_values_are_refused_by_name() {
    for (name, value) in [
        ("CMMS_API_HOST", "http://canary"),
        ("CMMS_API_HOST", "127.0.0.1:canary"),
        ("CMMS_API_HOST", "can ary"),
        ("CMMS_API_PORT", "canary"),
        ("CMMS_API_PORT", "65536"),
        ("CMMS_API_PORT", "-1"),
        ("CMMS_API_DEBUG", "canary"),
        ("CMMS_API_DEBUG", "2"),
    ] {
        let error = config(&[(name, value)]).unwrap_err();
        assert!(error.is(code::CONFIG_VALUE), "{error}");
        assert_eq!(error.first_field(), Some(name));
        assert!(error.message().contains(name));
        assert!(error.remedy().contains(name));
        assert!(
            error.message().ends_with(&format!("{value:?}")),
            "{error:?}"
        );
    }
}

#[test]
fn empty_is_not_set_but_for_the_master_key() {
    let names = [
        "CMMS_API_HOST",
        "CMMS_API_PORT",
        "CMMS_API_DEBUG",
        "CMMS_DATABASE_URL",
        "CMMS_EGRESS_ALLOW",
        "CMMS_DB_HOST",
        "UPKEEP_API_KEY",
        "HOME",
        "XDG_CONFIG_HOME",
    ];
    let config = config(&names.map(|name| (name, ""))).unwrap();
    assert_eq!(
        (config.api_port, config.api_host.as_str()),
        (8003, "127.0.0.1")
    );
    assert_eq!(file(config.database()), Path::new("cmms.db"));
    assert_eq!(config.user_folder(), None);
    // Another key must not take its place unseen: using the vault says what is wrong.
    let pairs = [("CMMS_MASTER_KEY", ""), ("CMMS_MASTER_KEY_FILE", "")];
    let config = Config::from_pairs(pairs).unwrap();
    assert_eq!(config.master_key_file(), Some(Path::new("")));
    assert_eq!(config.master_key().unwrap().expose_secret(), "");
}

/// The file that a setting names.
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test speaks by panics")]
fn file(database: cmms::Result<Database>) -> PathBuf {
    match database.unwrap() {
        Database::Sqlite(path) => path,
        other => panic!("no file: {other:?}"),
    }
}

/// Where a setting leads to, without secrets.
#[cfg(feature = "postgres")]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test speaks by panics")]
fn place(database: cmms::Result<Database>) -> String {
    match database.unwrap() {
        Database::Postgres(options) => options.location(),
        other => panic!("no server: {other:?}"),
    }
}

#[cfg(feature = "postgres")]
#[test]
fn any_variable_of_postgresql_selects_it_and_the_url_wins() {
    for (name, value, leads_to) in [
        ("HOST", "db.example.com", "db.example.com:5432/cmms"),
        ("PORT", "6000", "127.0.0.1:6000/cmms"),
        ("NAME", "plant", "127.0.0.1:5432/plant"),
        ("USER", "anna", "127.0.0.1:5432/cmms"),
        ("PASSWORD", " canary ", "127.0.0.1:5432/cmms"),
        ("SCHEMA", "plant_2", "127.0.0.1:5432/cmms"),
        ("SSLMODE", "verify-full", "127.0.0.1:5432/cmms"),
        ("SSLROOTCERT", "/etc/ca.pem", "127.0.0.1:5432/cmms"),
    ] {
        let name = format!("CMMS_DB_{name}");
        let settings = config(&[(&name, value)]).unwrap();
        assert_eq!(place(settings.database()), leads_to, "{name}");
        assert!(!format!("{settings:?} {:?}", settings.database()).contains("canary"));
        let settings = config(&[(&name, value), ("CMMS_DATABASE_URL", "sqlite://x.db")]);
        assert_eq!(file(settings.unwrap().database()), Path::new("x.db"));
    }
    let settings = config(&[("CMMS_DATABASE_URL", "postgres://u:canary@h/d")]).unwrap();
    assert_eq!(place(settings.database()), "h:5432/d");
    assert!(!format!("{settings:?} {:?}", settings.database()).contains("canary"));
}

#[cfg(feature = "postgres")]
#[test]
fn a_variable_of_postgresql_that_cannot_be_used_is_named() {
    for (name, value) in [
        ("CMMS_DB_PORT", "many"),
        ("CMMS_DB_PORT", "0"),
        ("CMMS_DB_PORT", "70000"),
        ("CMMS_DB_SCHEMA", "Plant 2"),
        ("CMMS_DB_SSLMODE", "on"),
    ] {
        let settings = config(&[(name, value), ("CMMS_DB_PASSWORD", "canary")]).unwrap();
        let error = settings.database().unwrap_err();
        assert!(error.is(code::CONFIG_VALUE), "{error:?}");
        assert_eq!(error.first_field(), Some(name));
        assert!(error.remedy().contains(name));
        assert!(!format!("{error:?}").contains("canary"));
    }
    let settings = config(&[("CMMS_DATABASE_URL", "postgres://u:canary@h/d?x=1")]).unwrap();
    let error = settings.database().unwrap_err();
    assert!(error.is(code::STORE_URL));
    assert_eq!(error.first_field(), Some("CMMS_DATABASE_URL"));
    assert!(!format!("{error:?}").contains("canary"));
}

#[cfg(not(feature = "postgres"))]
#[test]
fn a_program_without_postgresql_says_which_feature_it_lacks() {
    for pairs in [
        [("CMMS_DB_HOST", "canary")],
        [("CMMS_DATABASE_URL", "postgres://u:canary@h/d")],
    ] {
        let error = config(&pairs).unwrap().database().unwrap_err();
        assert!(error.is(code::STORE_URL));
        assert_eq!(error.first_field(), Some(pairs[0].0));
        assert!(error.remedy().contains("postgres"));
        assert!(!format!("{error:?}").contains("canary"));
    }
}

#[test]
fn database_urls_name_files() {
    for (url, path) in [
        ("sqlite://cmms.db", "cmms.db"),
        ("sqlite:cmms.db", "cmms.db"),
        (" SQLite://cmms.db\n", "cmms.db"),
        ("sqlite:///abs/path.db", "/abs/path.db"),
        ("sqlite:/abs/path.db", "/abs/path.db"),
        ("sqlite://folder/x.db", "folder/x.db"),
        ("sqlite://../x.db", "../x.db"),
        ("sqlite://my%20file%3f%25.db", "my file?%.db"),
        ("sqlite://Ger%C3%A4te ü.db", "Geräte ü.db"),
        ("cmms.db", "cmms.db"),
        (" folder/x.db ", "folder/x.db"),
        ("./a:b.db", "./a:b.db"),
        ("/abs/50%20?.db", "/abs/50%20?.db"),
        ("C:\\plant.db", "C:\\plant.db"),
    ] {
        assert_eq!(file(Database::parse(url)), PathBuf::from(path), "{url}");
    }
}

#[tokio::test]
async fn a_database_in_memory_lives_as_long_as_its_clients() {
    for url in [":memory:", "sqlite::memory:", " sqlite://:memory: "] {
        assert!(
            matches!(Database::parse(url).unwrap(), Database::Memory),
            "{url}"
        );
    }
    let (one, other) = (cmms::open(":memory:").await, cmms::open(":memory:").await);
    let (one, other) = (one.unwrap(), other.unwrap());
    let order = CreateWorkOrder::new("Check pump");
    let order = one.work_orders().create(order).await.unwrap();
    assert_eq!(one.work_orders().get(order.id).await.unwrap().id, order.id);
    let all = other.work_orders().list(ListWorkOrders::new());
    assert!(all.await.unwrap().items.is_empty());
}

#[test]
fn other_database_urls_are_refused_without_repeating_them() {
    for (url, says) in [
        ("mysql://u:canary@h/d", "sqlite:"),
        ("sqllite:canary.db", "sqlite:"),
        ("", "no file"),
        ("canary/", "no file"),
        ("can\0ary.db", "no file"),
        ("sqlite", "sqlite:"),
        ("postgres", "sqlite:"),
        ("sqlite:", "no file"),
        ("sqlite://", "no file"),
        ("sqlite://canary/", "no file"),
        ("sqlite://can\0ary", "no file"),
        ("sqlite://canary%00", "no file"),
        ("sqlite://canary.db?mode=ro", "options"),
        ("sqlite://canary.db#x", "options"),
        ("sqlite://canary%", "%"),
        ("sqlite://canary%zz", "%"),
        ("sqlite://canary%+1", "%"),
        ("sqlite://canary%ff.db", "%"),
        ("sqlite://canary%ü.db", "%"),
    ] {
        let error = Database::parse(url).unwrap_err();
        assert!(error.is(code::STORE_URL), "{url}");
        assert!(error.message().contains(says), "{url}: {error}");
        assert!(error.remedy().contains("sqlite://cmms.db"), "{url}");
        assert!(
            !format!("{error:?} {}", error.remedy()).contains("canary"),
            "{url}: {error:?}"
        );
    }
}

#[test]
fn the_user_of_the_system_has_a_name() {
    let user = |pairs: &[(&str, &str)]| config(pairs).unwrap().os_user();
    assert_eq!(user(&[("USER", "ann"), ("LOGNAME", "bob")]), "ann");
    assert_eq!(user(&[("USER", " "), ("LOGNAME", "bob")]), "bob");
    assert_eq!(user(&[("USERNAME", "Eve Ü")]), "Eve Ü");
    assert_eq!(user(&[("USER", "a\u{1b}[2Jb\n")]), "a[2Jb");
    assert_eq!(user(&[("USER", &"x".repeat(500))]).len(), 64);
    let fallback = user(&[]);
    if cfg!(unix) {
        assert!(fallback.parse::<u32>().is_ok(), "{fallback}");
    } else {
        assert_eq!(fallback, "unknown");
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn the_folder_of_the_user_follows_the_system() {
    let folder = |pairs: &[(&str, &str)]| {
        let config = config(pairs).unwrap();
        config
            .user_folder()
            .map(|path| path.to_str().unwrap().to_owned())
    };
    let both = [("XDG_CONFIG_HOME", "/xdg"), ("HOME", "/home/ann")];
    assert_eq!(folder(&both).as_deref(), Some("/xdg/cmms"));
    assert_eq!(
        folder(&[("HOME", "/home/ann")]).as_deref(),
        Some("/home/ann/.config/cmms")
    );
    // A relative path is another folder in each place: the specification says to ignore it.
    let relative = [("XDG_CONFIG_HOME", "xdg"), ("HOME", "/home/ann")];
    assert_eq!(folder(&relative).as_deref(), Some("/home/ann/.config/cmms"));
    assert_eq!(folder(&[("HOME", "home")]), None);
}

#[cfg(unix)]
#[test]
fn text_that_is_not_utf8_is_refused_where_text_is_needed() {
    use std::os::unix::ffi::OsStringExt as _;
    let bytes = || std::ffi::OsString::from_vec(vec![b'/', 0xff]);
    for name in [
        "CMMS_API_HOST",
        "CMMS_MASTER_KEY",
        "UPKEEP_API_KEY",
        "CMMS_DATABASE_URL",
    ] {
        let error = Config::from_pairs([(name, bytes())]).unwrap_err();
        assert!(error.is(code::CONFIG_VALUE));
        assert_eq!(error.first_field(), Some(name));
    }
    let config = Config::from_pairs([("CMMS_MASTER_KEY_FILE", bytes()), ("USER", bytes())]);
    let config = config.unwrap();
    assert_eq!(config.master_key_file(), Some(Path::new(&bytes())));
    assert!(config.os_user().parse::<u32>().is_ok());
}

#[test]
fn the_environment_is_read() {
    let out = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_reads", "--ignored", "--nocapture"])
        .env("CMMS_TEST_CHILD", "1")
        .env("CMMS_API_PORT", "4711")
        .env("UPKEEP_API_KEY", "token")
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
}

#[test]
#[ignore = "runs as a child of the test above"]
#[expect(
    clippy::disallowed_methods,
    reason = "only the child of the test above has it"
)]
fn child_reads() {
    if std::env::var_os("CMMS_TEST_CHILD").is_some() {
        let config = Config::from_env().unwrap();
        assert_eq!(config.api_port, 4711);
        assert_eq!(
            config.api_key("UPKEEP_API_KEY").unwrap().expose_secret(),
            "token"
        );
    }
}

#[test]
fn secrets_are_listed_and_not_printed() {
    let pairs = Config::SECRET_VARIABLES
        .iter()
        .map(|name| (*name, "canary"));
    let config = Config::from_pairs(pairs).unwrap();
    assert!(!format!("{config:?} {config:#?}").contains("canary"));
}

#[test]
fn a_value_that_cannot_be_used_is_shown_unless_it_is_a_secret() {
    for (name, value, shown) in [
        ("CMMS_API_PORT", "80 03", "\"80 03\""),
        ("CMMS_API_PORT", "\"8003\"", "\"\\\"8003\\\"\""),
        ("CMMS_API_HOST", "http://127.0.0.1", "\"http://127.0.0.1\""),
        ("CMMS_API_DEBUG", "'true'", "\"'true'\""),
        ("CMMS_MASTER_KEY_FILE", " /etc/key", "\" /etc/key\""),
        ("CMMS_MASTER_KEY_FILE", "\"/etc/key\"", "/etc/key"),
        ("SSL_CERT_FILE", "/etc/ca.pem ", "\"/etc/ca.pem \""),
        ("CMMS_EGRESS_ALLOW", "\"http://127.0.0.1:9100\"", "9100"),
    ] {
        let error = config(&[(name, value)]).unwrap_err();
        assert!(error.is(code::CONFIG_VALUE), "{error:?}");
        assert_eq!(error.first_field(), Some(name));
        assert!(error.message().contains(name), "{error}");
        assert!(error.message().contains(shown), "{error}");
    }
    for name in [
        "CMMS_MASTER_KEY",
        "CMMS_DATABASE_URL",
        "UPKEEP_API_KEY",
        "CMMS_EGRESS_PROXY",
    ] {
        let error = config(&[(name, "\"canary\"")]).unwrap_err();
        assert!(error.message().contains("in quotes"), "{error}");
        assert_eq!(error.first_field(), Some(name));
        assert!(!format!("{error:?}{error}").contains("canary"));
    }
    // A byte order mark is none of a value, and a password may begin and end with quotes.
    let settings = config(&[
        ("CMMS_API_PORT", "\u{feff}9000"),
        ("CMMS_DB_PASSWORD", "\"x\""),
    ]);
    assert_eq!(settings.unwrap().api_port, 9000);
}

#[test]
fn a_setting_that_there_is_not_is_refused_with_the_nearest() {
    for (name, nearest) in [
        ("CMMS_EGRES_ALLOW", Some("CMMS_EGRESS_ALLOW")),
        ("cmms_egress_allow", Some("CMMS_EGRESS_ALLOW")),
        ("EGRESS_ALLOW", Some("CMMS_EGRESS_ALLOW")),
        ("CMMS_DATABASE_URI", Some("CMMS_DATABASE_URL")),
        ("UPKEEP_APIKEY", Some("UPKEEP_API_KEY")),
        ("CMMS_SLACK_WEBHOOK_URL", None),
    ] {
        let error = config(&[(name, "canary")]).unwrap_err();
        assert!(error.is(code::CONFIG_UNKNOWN), "{error:?}");
        assert_eq!(error.first_field(), Some(name));
        match nearest {
            Some(nearest) => assert!(error.message().contains(nearest), "{error}"),
            None => assert!(!error.message().contains("did you mean"), "{error}"),
        }
        assert!(!format!("{error:?}{error}").contains("canary"));
    }
    // What other programs read is theirs.
    for name in [
        "PATH",
        "LANG",
        "CMMS_LOG",
        "CMMS_TEST_POSTGRES",
        "HTTPS_PROXY",
        "PGHOST",
    ] {
        config(&[(name, "x")]).unwrap();
    }
}

#[test]
fn proxies_of_other_programs_are_known_to_be_ignored() {
    let settings = config(&[("HTTPS_PROXY", "http://u:canary@p:1"), ("all_proxy", "")]).unwrap();
    assert_eq!(settings.other_proxies(), ["HTTPS_PROXY"]);
    assert!(settings.egress_proxy().is_none());
    assert!(!format!("{settings:?}").contains("canary"));
}
