//! The envelope: what was sealed opens, in its own place, unchanged, with its own key.

use crate::{CANARY, binding, credentials, id, sample, vault};
use cmms::secrets::KeyVault;
use cmms_core::code;
use cmms_core::ids::{ConnectionId, OrgId, SecretId};
use cmms_core::ports::secrets::{Sealed, SecretBinding, SecretVault};
use std::collections::BTreeSet;

#[test]
fn what_is_sealed_opens() {
    let (vault, sealed) = sample();
    let open = vault.open(&binding(), &sealed).unwrap();
    let fields: Vec<_> = open.expose().collect();
    assert_eq!(fields, [("email", "a@b.c"), ("password", CANARY)]);
    let long = "ü\u{1f511}".repeat(20_000);
    for fields in [
        vec![],
        vec![("", "")],
        vec![("a", ""), ("b", "\0\n")],
        vec![("k", long.as_str())],
    ] {
        let sealed = vault.seal(&binding(), &credentials(&fields)).unwrap();
        let open = vault.open(&binding(), &sealed).unwrap();
        assert_eq!(open.expose().collect::<Vec<_>>(), fields);
    }
}

#[test]
fn a_secret_opens_in_no_other_place() {
    let (vault, sealed) = sample();
    type Change = fn(&mut SecretBinding);
    let moved: [(&str, Change); 7] = [
        ("org", |b| b.org = OrgId(id(9))),
        ("connection", |b| b.connection = ConnectionId(id(9))),
        ("name", |b| b.name = "webhook".into()),
        ("row", |b| b.row = SecretId(id(9))),
        ("newer version", |b| b.version = 2),
        ("older version", |b| b.version = 0),
        ("no version", |b| b.version = -1),
    ];
    for (what, change) in moved {
        let mut other = binding();
        change(&mut other);
        let error = vault.open(&other, &sealed).unwrap_err();
        assert!(error.is(code::SECRET_UNREADABLE), "{what}: {error}");
        assert!(error.message().contains(&sealed.kek_id), "{what}: {error}");
    }
    assert!(vault.open(&binding(), &sealed).is_ok());
}

#[test]
fn parts_of_two_secrets_do_not_mix() {
    let vault = vault();
    let one = vault
        .seal(&binding(), &credentials(&[("k", "one")]))
        .unwrap();
    let mut second = binding();
    second.row = SecretId(id(4));
    second.version = 2;
    let two = vault.seal(&second, &credentials(&[("k", "two")])).unwrap();
    assert_eq!(one.envelope.len(), two.envelope.len());
    for cut in 0..one.envelope.len() {
        let mut mixed = one.clone();
        mixed.envelope[cut..].copy_from_slice(&two.envelope[cut..]);
        for place in [&binding(), &second] {
            if mixed.envelope != one.envelope && mixed.envelope != two.envelope {
                assert!(vault.open(place, &mixed).is_err(), "cut at {cut}");
            }
        }
    }
}

#[test]
fn every_changed_bit_of_the_envelope_is_refused() {
    let (vault, sealed) = sample();
    for at in 0..sealed.envelope.len() {
        for bit in 0..8 {
            let mut other = sealed.clone();
            other.envelope[at] ^= 1 << bit;
            let error = vault.open(&binding(), &other).unwrap_err();
            assert!(error.is(code::SECRET_UNREADABLE), "byte {at} bit {bit}");
            assert!(
                error.message().contains(&sealed.kek_id),
                "byte {at} bit {bit}"
            );
        }
        let mut shorter = sealed.clone();
        shorter.envelope.truncate(at);
        assert!(vault.open(&binding(), &shorter).is_err());
    }
    let mut longer = sealed.clone();
    longer.envelope.push(0);
    assert!(vault.open(&binding(), &longer).is_err());
}

#[test]
fn the_name_of_the_key_beside_the_envelope_counts_as_well() {
    let (vault, sealed) = sample();
    let mut other = sealed;
    other.kek_id = "<b>\u{1b}[2J0000000000000000".into();
    let error = vault.open(&binding(), &other).unwrap_err();
    assert!(error.is(code::SECRET_UNREADABLE));
    assert!(!error.message().contains(['<', '\u{1b}']), "{error}");
}

#[test]
fn another_key_is_refused_by_name() {
    let (right, sealed) = sample();
    let wrong = KeyVault::with_key([8; 32]);
    let error = wrong.open(&binding(), &sealed).unwrap_err();
    assert!(error.is(code::SECRET_UNREADABLE));
    let needed = right.kek_id().unwrap();
    assert_eq!(needed, sealed.kek_id);
    assert_eq!(needed.len(), 16);
    assert_ne!(Some(needed), wrong.kek_id());
    assert!(error.message().contains(needed), "{error}");
    assert!(error.remedy().contains(needed), "{}", error.remedy());
    assert_eq!(error.subject_of(), Some(("kek_id", needed)));
}

#[test]
fn two_sealings_of_the_same_differ() {
    let vault = vault();
    let plain = credentials(&[("password", CANARY)]);
    let sealed: Vec<_> = (0..50)
        .map(|_| vault.seal(&binding(), &plain).unwrap())
        .collect();
    let distinct: BTreeSet<_> = sealed.iter().map(|s| &s.envelope).collect();
    assert_eq!(distinct.len(), sealed.len());
    let prints: BTreeSet<_> = sealed.iter().map(|s| &s.fingerprints).collect();
    assert_eq!(prints.len(), 1);
}

#[test]
fn length_of_a_value_shows_only_in_steps() {
    let vault = vault();
    let lengths: BTreeSet<_> = (0..40)
        .map(|n| {
            let plain = credentials(&[("password", &"x".repeat(n))]);
            vault.seal(&binding(), &plain).unwrap().envelope.len()
        })
        .collect();
    assert_eq!(lengths.len(), 1, "{lengths:?}");
}

#[test]
fn fingerprints_are_equal_for_the_same_value_field_and_organization_only() {
    let print = |vault: &KeyVault, org, field: &str, value: &str| {
        let mut place = binding();
        place.org = OrgId(id(org));
        let sealed = vault.seal(&place, &credentials(&[(field, value)])).unwrap();
        sealed.fingerprints[field].clone()
    };
    let first = print(&vault(), 1, "password", "secret");
    assert_eq!(first.len(), 8);
    assert!(first.bytes().all(|b| b.is_ascii_hexdigit()));
    assert_eq!(first, print(&vault(), 1, "password", "secret"));
    assert_ne!(first, print(&vault(), 1, "password", "Secret"));
    assert_ne!(first, print(&vault(), 1, "api_key", "secret"));
    assert_ne!(first, print(&vault(), 2, "password", "secret"));
    let other_key = KeyVault::with_key([8; 32]);
    assert_ne!(first, print(&other_key, 1, "password", "secret"));
    // Length and content are kept apart.
    assert_ne!(print(&vault(), 1, "ab", "c"), print(&vault(), 1, "a", "bc"));
    // In another connection the same password shows as the same.
    let mut place = binding();
    place.connection = ConnectionId(id(99));
    let sealed = vault().seal(&place, &credentials(&[("password", "secret")]));
    assert_eq!(sealed.unwrap().fingerprints["password"], first);
}

/// Sealed once by version 1 of the format and opened by an independent program in another language. It must
/// open as long as the format is known.
#[test]
fn what_the_first_version_sealed_still_opens() {
    let hex = "a861760163616c6701666b656b5f696470626131316162653631393764626364366a777261705f6e6f6e63654cef74d9a0fe\
     9f010276f61cba6b777261707065645f64656b5830f6f09983d6407772793d3a2d928a19f1ae5896755047463c372777d801\
     879ff32f6a31569489663aa007cc5e8d1978c666636f6d6d69745820099a3a818fa1f7a05612477b425a4239f59f11e4574b\
     8bd57188d006bf4af0b1656e6f6e63654c55e6545622adc11fbfddedc76a6369706865727465787458503055667ec66362a7\
     d16b1c932abbdb96819a0fc647c5d0f6c3260b2cb4b8707ac73ebf34467c88712342c585c865047d4e9c6b042775769ed9d4\
     33d900c930f62d4f94d841a10b79e97021be97881b50";
    let sealed = Sealed {
        kek_id: "ba11abe6197dbcd6".into(),
        envelope: (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect(),
        fingerprints: [("email", "df577ce9"), ("password", "c94f125d")]
            .map(|(name, print)| (name.to_owned(), print.to_owned()))
            .into(),
    };
    let open = vault().open(&binding(), &sealed).unwrap();
    let fields: Vec<_> = open.expose().collect();
    assert_eq!(fields, [("email", "a@b.c"), ("password", "p")]);
    let again = vault().seal(&binding(), &open).unwrap();
    assert_eq!(again.kek_id, sealed.kek_id);
    assert_eq!(again.fingerprints, sealed.fingerprints);
    assert_eq!(again.envelope.len(), sealed.envelope.len());
}
