//! Where the master key comes from.

use crate::silence::assert_silent;
use crate::{CANARY, binding, credentials, sample, user_file};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cmms::config::Config;
use cmms::secrets::{KeyOrigin, KeySource, KeyVault};
use cmms_core::code;
use cmms_core::ports::secrets::SecretVault;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier};

#[test]
fn the_key_is_made_once_with_the_first_secret() {
    let home = tempfile::tempdir().unwrap();
    let first = KeyVault::new(user_file(home.path()));
    assert!(!home.path().join("cmms").exists(), "made too early");
    assert_eq!(first.key_origin(), None);
    let sealed = first.seal(&binding(), &credentials(&[("k", "v")])).unwrap();
    let path = home.path().join("cmms").join("master.key");
    assert_eq!(first.key_origin(), Some(&KeyOrigin::Created(path.clone())));
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(STANDARD.decode(text.trim()).unwrap().len(), 32);
    let entries = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(entries, 1, "the draft is gone");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }
    let second = KeyVault::new(user_file(home.path()));
    assert!(second.open(&binding(), &sealed).is_ok());
    assert_eq!(second.key_origin(), Some(&KeyOrigin::Found(path)));
}

#[test]
fn opening_makes_no_key() {
    let (_, sealed) = sample();
    let home = tempfile::tempdir().unwrap();
    let vault = KeyVault::new(user_file(home.path()));
    let error = vault.open(&binding(), &sealed).unwrap_err();
    assert!(error.is(code::SECRET_UNREADABLE));
    assert!(error.message().contains(&sealed.kek_id), "{error}");
    assert!(error.remedy().contains("CMMS_MASTER_KEY_FILE"));
    assert!(!home.path().join("cmms").exists());
}

#[test]
fn threads_that_race_to_make_the_key_get_the_same() {
    for _ in 0..10 {
        let home = tempfile::tempdir().unwrap();
        let start = Arc::new(Barrier::new(8));
        let vaults: Vec<_> = (0..8)
            .map(|_| {
                let vault = KeyVault::new(user_file(home.path()));
                let start = Arc::clone(&start);
                std::thread::spawn(move || {
                    start.wait();
                    vault.seal(&binding(), &credentials(&[("k", "v")])).unwrap();
                    vault
                })
            })
            .collect();
        let vaults: Vec<_> = vaults.into_iter().map(|t| t.join().unwrap()).collect();
        let ids: BTreeSet<_> = vaults.iter().map(|v| v.kek_id()).collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        let created = vaults
            .iter()
            .filter(|v| matches!(v.key_origin(), Some(KeyOrigin::Created(_))));
        assert_eq!(created.count(), 1);
    }
}

#[test]
fn processes_that_race_to_make_the_key_get_the_same() {
    for _ in 0..4 {
        let home = tempfile::tempdir().unwrap();
        let children: Vec<_> = (0..6)
            .map(|_| {
                Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", "key::child_seals", "--ignored", "--nocapture"])
                    .env("CMMS_TEST_HOME", home.path())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        let ids: Vec<_> = children
            .into_iter()
            .map(|child| {
                let out = child.wait_with_output().unwrap();
                assert!(out.status.success());
                let text = String::from_utf8(out.stdout).unwrap();
                let id = text.split("kek_id=").nth(1).unwrap();
                id[..16].to_owned()
            })
            .collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
}

#[test]
#[ignore = "runs as a child of the test above"]
#[expect(clippy::disallowed_methods, reason = "the parent says where")]
fn child_seals() {
    let Some(home) = std::env::var_os("CMMS_TEST_HOME") else {
        return;
    };
    let vault = KeyVault::new(user_file(Path::new(&home)));
    vault.seal(&binding(), &credentials(&[("k", "v")])).unwrap();
    println!("kek_id={}", vault.kek_id().unwrap());
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, STANDARD.encode([1; 32])).unwrap();
    let set = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    let vault = KeyVault::new(KeySource::File(path.clone()));
    let plain = credentials(&[("k", "v")]);
    for mode in [0o640, 0o604, 0o644, 0o620, 0o602, 0o610, 0o666] {
        set(mode);
        let error = vault.seal(&binding(), &plain).unwrap_err();
        assert!(error.is(code::SECRET_KEY_FILE), "{mode:o}");
        assert!(error.message().contains("chmod 600"), "{error}");
        assert!(error.remedy().contains("chmod 600"));
        assert!(
            !error.to_string().contains(path.to_str().unwrap()),
            "no host paths"
        );
    }
    set(0o400);
    // The same vault: a failure is not remembered.
    vault.seal(&binding(), &plain).unwrap();
    assert_eq!(vault.key_origin(), Some(&KeyOrigin::File(path.clone())));
    // The file of the user has the same rule.
    set(0o644);
    let error = KeyVault::new(KeySource::UserFile(path))
        .seal(&binding(), &plain)
        .unwrap_err();
    assert!(error.is(code::SECRET_KEY_FILE) && error.message().contains("chmod 600"));
}

#[test]
fn a_setting_that_is_no_key_fails_and_nothing_takes_its_place() {
    let home = tempfile::tempdir().unwrap();
    let broken = home.path().join("broken");
    std::fs::write(&broken, CANARY).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&broken, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let missing = home.path().join("missing");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    for (name, value) in [
        ("CMMS_MASTER_KEY_FILE", text(&broken)),
        ("CMMS_MASTER_KEY_FILE", text(&missing)),
        ("CMMS_MASTER_KEY_FILE", text(home.path())),
        ("CMMS_MASTER_KEY_FILE", String::new()),
        ("CMMS_MASTER_KEY", CANARY.to_owned()),
        ("CMMS_MASTER_KEY", String::new()),
    ] {
        let pairs = [(name, value), ("HOME", text(home.path()))];
        let config = Config::from_pairs(pairs).unwrap();
        let vault = KeyVault::new(KeySource::of(&config, false));
        let error = vault
            .seal(&binding(), &credentials(&[("k", "v")]))
            .unwrap_err();
        assert!(error.is(code::SECRET_KEY_FILE), "{error}");
        assert!(error.message().contains(name), "{error}");
        assert_silent(&[&error]);
    }
    assert!(!missing.exists());
    assert!(!home.path().join(".config").exists());
}

#[test]
fn sources_are_tried_in_their_order() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().to_str().unwrap();
    let source = |names: &[&str]| {
        let all = [
            ("CMMS_MASTER_KEY_FILE", "/run/key"),
            ("CMMS_MASTER_KEY", "x"),
            ("HOME", home),
        ];
        let pairs = all.into_iter().filter(|(name, _)| names.contains(name));
        KeySource::of(&Config::from_pairs(pairs).unwrap(), false)
    };
    let all = source(&["CMMS_MASTER_KEY_FILE", "CMMS_MASTER_KEY", "HOME"]);
    assert!(matches!(all, KeySource::File(_)));
    let inline = source(&["CMMS_MASTER_KEY", "HOME"]);
    assert!(matches!(inline, KeySource::Environment(_)));
    if cfg!(not(windows)) {
        assert!(
            matches!(source(&["HOME"]), KeySource::UserFile(p) if p.ends_with("cmms/master.key"))
        );
    }
    assert!(matches!(source(&[]), KeySource::Nowhere));
}

#[test]
fn without_a_home_the_answer_names_the_variable() {
    let config = Config::from_pairs::<&str, &str>([]).unwrap();
    let vault = KeyVault::new(KeySource::of(&config, false));
    let error = vault
        .seal(&binding(), &credentials(&[("k", "v")]))
        .unwrap_err();
    assert!(error.is(code::SECRET_NO_KEY));
    assert!(error.remedy().contains("CMMS_MASTER_KEY_FILE"));
    let (_, sealed) = sample();
    let error = vault.open(&binding(), &sealed).unwrap_err();
    assert!(error.is(code::SECRET_UNREADABLE));
    assert!(error.message().contains(&sealed.kek_id));
    assert!(error.remedy().contains("CMMS_MASTER_KEY_FILE"));
}

#[test]
fn a_home_that_cannot_be_written_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let vault = KeyVault::new(user_file(&file));
    let error = vault
        .seal(&binding(), &credentials(&[("k", "v")]))
        .unwrap_err();
    assert!(error.is(code::SECRET_KEY_FILE), "{error}");
    assert!(error.remedy().contains("CMMS_MASTER_KEY_FILE"));
    assert!(
        !error.to_string().contains(file.to_str().unwrap()),
        "no host paths"
    );
}
