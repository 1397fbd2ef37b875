//! Nothing prints a secret, in any form.

use crate::{CANARY, binding, credentials};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cmms::config::Config;
use cmms::secrets::{KeySource, KeyVault};
use cmms_core::ports::secrets::SecretVault;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

#[test]
fn nothing_prints_a_secret() {
    let key = STANDARD.encode([0xab; 32]);
    let logs = Logs::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(logs.clone())
        .finish();
    let pairs = [
        ("CMMS_MASTER_KEY", key.as_str()),
        ("UPKEEP_API_KEY", CANARY),
        ("FIIX_API_KEY", CANARY),
        ("CMMS_DB_PASSWORD", CANARY),
        (
            "CMMS_DATABASE_URL",
            "postgres://u:CANARY-p@ss/w+rd =\"1?@host/db",
        ),
    ];
    let config = Config::from_pairs(pairs).unwrap();
    let vault = KeyVault::new(KeySource::of(&config, false));
    let plain = credentials(&[("password", CANARY)]);
    tracing::subscriber::with_default(subscriber, || {
        let sealed = vault.seal(&binding(), &plain).unwrap();
        let open = vault.open(&binding(), &sealed).unwrap();
        let mut elsewhere = binding();
        elsewhere.version = 2;
        let moved = vault.open(&elsewhere, &sealed).unwrap_err();
        let wrong = KeyVault::with_key([1; 32])
            .open(&binding(), &sealed)
            .unwrap_err();
        let url = config.database().unwrap_err();
        let source = KeySource::of(&config, false);
        let given = KeySource::given([0xab; 32]);
        let raw = String::from_utf8_lossy(&sealed.envelope).into_owned();
        assert_silent(&[
            &plain,
            &open,
            &sealed,
            &vault,
            &config,
            &moved,
            &wrong,
            &url,
            &source,
            &given,
            &raw,
            &vault.key_origin(),
            &format!("{moved} {wrong} {url}"),
            &format!("{:?} {:?}", moved.problem(None), url.problem(None)),
        ]);
    });
    let logs = String::from_utf8(logs.0.lock().unwrap().clone()).unwrap();
    assert!(logs.contains("CMMS_MASTER_KEY_FILE"), "warned: {logs}");
    assert_silent(&[&logs]);
}

/// No form of the canary or of the key of these tests is in what these print.
pub(crate) fn assert_silent(shown: &[&dyn Debug]) {
    let key = [0xab; 32];
    let percent: String = CANARY.bytes().map(|b| format!("%{b:02X}")).collect();
    let forms = [
        CANARY.to_owned(),
        "CANARY".to_owned(),
        "w+rd".to_owned(),
        STANDARD.encode(CANARY),
        URL_SAFE_NO_PAD.encode(CANARY),
        percent,
        "CANARY-p%40ss".to_owned(),
        STANDARD.encode(key),
        URL_SAFE_NO_PAD.encode(key),
        "abababab".to_owned(),
        "171, 171, 171".to_owned(),
        format!("{:?}", CANARY.as_bytes()),
    ];
    for item in shown {
        for text in [format!("{item:?}"), format!("{item:#?}")] {
            for form in &forms {
                let form = form.trim_matches(['[', ']']);
                assert!(!text.contains(form), "{form} in {text}");
            }
        }
    }
}

#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Logs {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
