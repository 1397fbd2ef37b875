//! Secrets to look for, and the search for them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::BTreeMap;

/// What may not come out, by what it is.
pub(crate) struct Canaries(BTreeMap<&'static str, String>);

/// What each canary is. Those behind `graphic` have only characters that a header or a URL takes.
const NAMES: [&str; 24] = [
    "username",
    "password",
    "email in credentials",
    "password in credentials",
    "wrong password",
    "password after an update",
    "password of a refused duplicate",
    "password in a field of another name",
    "password in a list",
    "credentials as text",
    "credential of an unknown name",
    "password for a refused host",
    "password over REST",
    "password over REST, refused",
    "password on standard input",
    "password in a file",
    "password inline",
    "password that the vendor repeats",
    "graphic: api_key",
    "graphic: UPKEEP_API_KEY",
    "graphic: password in the URL",
    "graphic: token in the URL",
    "graphic: api_key in credentials",
    "graphic: api_key in another type",
];

impl Canaries {
    pub(crate) fn draw(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut draw = |name: &'static str| {
            let word: String = (0..18).map(|_| random.alphanumeric()).collect();
            // Signs that each encoding writes in another way.
            let value = if name.starts_with("graphic") {
                word
            } else {
                format!("{word}\"ü/\\ <&+='{}", random.u32(..))
            };
            (name, value)
        };
        let mut all: BTreeMap<_, _> = NAMES.into_iter().map(&mut draw).collect();
        let key: Vec<u8> = (0..32).map(|_| random.u8(..)).collect();
        all.insert("master key", STANDARD.encode(key));
        Self(all)
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        &self.0[name]
    }

    /// Where which canary stands, in whatever form; and sessions, whose tokens the vendor draws.
    pub(crate) fn hits(&self, in_what: &str, bytes: &[u8]) -> Vec<String> {
        let text = wide(bytes);
        let mut hits = Vec::new();
        for (name, value) in &self.0 {
            let decoded = (*name == "master key").then(|| STANDARD.decode(value).unwrap());
            let decoded = decoded.iter().flat_map(|bytes| forms(bytes));
            for (form, needle) in forms(value.as_bytes()).into_iter().chain(decoded) {
                if let Some(at) = text.find(&wide(&needle)) {
                    let around = around(&text, at);
                    hits.push(format!("{in_what}: {name}, {form}: {around:?}"));
                }
            }
        }
        for (at, _) in text.match_indices("r:") {
            let token = text[at + 2..].chars().take_while(char::is_ascii_hexdigit);
            if token.count() >= 32 {
                let around = around(&text, at);
                hits.push(format!("{in_what}: a session token: {around:?}"));
            }
        }
        hits
    }
}

fn around(text: &str, at: usize) -> String {
    let before = text[..at].chars().rev().take(60);
    let before: Vec<char> = before.collect();
    let after = text[at..].chars().take(80);
    before.into_iter().rev().chain(after).collect()
}

pub(crate) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes
        .windows(needle.len())
        .position(|window| window == needle)
}

/// Each byte as one character, since texts are searched fast and bytes are not.
fn wide(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| char::from(b)).collect()
}

/// The forms in which a value could have been written.
pub(crate) fn forms(value: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = vec![("raw", value.to_vec())];
    for before in 0..3 {
        let mut shifted = vec![0; before];
        shifted.extend(value);
        // Characters at the ends that hold bits of neighbours are left out.
        let from = [0, 2, 3][before];
        let to = shifted.len() * 8 / 6;
        forms.push((
            "base64",
            STANDARD.encode(&shifted).as_bytes()[from..to].to_vec(),
        ));
        forms.push((
            "base64url",
            URL_SAFE.encode(&shifted).as_bytes()[from..to].to_vec(),
        ));
    }
    let hex: String = value.iter().map(|b| format!("{b:02x}")).collect();
    forms.push(("HEX", hex.to_uppercase().into_bytes()));
    forms.push(("hex", hex.into_bytes()));
    if let Ok(text) = std::str::from_utf8(value) {
        let url = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        forms.push(("form", url.replace("%20", "+").into_bytes()));
        forms.push(("url", url.to_lowercase().into_bytes()));
        forms.push(("URL", url.into_bytes()));
        let json = Value::from(text).to_string();
        let json = json.trim_matches('"').to_owned();
        forms.push(("JSON, ASCII", json.replace('ü', "\\u00fc").into_bytes()));
        forms.push((
            "JSON in JSON",
            Value::from(json.as_str())
                .to_string()
                .trim_matches('"')
                .into(),
        ));
        forms.push(("JSON", json.into_bytes()));
        forms.push(("Debug", format!("{text:?}").trim_matches('"').into()));
    }
    forms
}
