//! What an adapter is, and what it needs to be let in.

use super::rig::{PATIENT, Rig, TroubleKind, every, first, readable};
use crate::code;
use crate::domain::asset::Asset;
use crate::domain::entity::Entity;
use crate::domain::work_order::WorkOrder;
use crate::mapping::{VendorRecord, compile};
use crate::ports::adapter::{AdapterCx, Pages};
use crate::record::Record as _;
use std::sync::Arc;

/// Its description of itself is complete, and what it says that it can do it does.
pub async fn description_agrees_with_what_it_does(rig: &dyn Rig) {
    let adapter = rig.adapter(PATIENT);
    let info = adapter.info();
    assert!(
        info.cmms_type
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && !info.cmms_type.is_empty(),
        "{info:?}"
    );
    assert!(!info.title.trim().is_empty(), "{info:?}");
    assert!(info.credentials.iter().all(|set| !set.is_empty()));
    if info.api_key_variable.is_some() {
        let sets = info.credentials;
        assert!(sets.iter().any(|set| set.contains(&"api_key")), "{info:?}");
    }
    let cx = rig.connection();
    info.check(&cx.credentials).unwrap();
    let can = &adapter.capabilities().entities;
    for (at, (entity, can_do)) in can.iter().enumerate() {
        assert!(
            can[..at].iter().all(|(other, _)| other != entity),
            "{entity} twice"
        );
        assert!(
            (1..=can_do.page_max).contains(&can_do.page_default),
            "{can_do:?}"
        );
        let mapping = adapter.default_mapping(*entity);
        assert_eq!(mapping.map(|m| m.entity), can_do.pull.then_some(*entity));
        if let Pages::Numbered { in_flight } = can_do.pages {
            assert!(in_flight > 0, "{can_do:?}");
        }
        if can_do.pull {
            adapter.pull(&cx, &first(*entity, None)).await.unwrap();
        }
    }
    assert!(!readable(&*adapter).is_empty(), "it reads nothing");
}

/// What it cannot read it refuses before any request.
pub async fn unsupported_records_are_refused_before_any_request(rig: &dyn Rig) {
    let adapter = rig.adapter(PATIENT);
    let known = readable(&*adapter);
    for entity in every().iter().filter(|entity| !known.contains(entity)) {
        assert!(adapter.default_mapping(*entity).is_none(), "{entity}");
        let refused = adapter.capabilities().require(*entity).unwrap_err();
        assert!(refused.is(code::VENDOR_UNSUPPORTED), "{refused}");
        let refused = adapter.pull(&rig.connection(), &first(*entity, None)).await;
        let refused = refused.unwrap_err();
        assert!(refused.is(code::VENDOR_UNSUPPORTED), "{refused}");
    }
    assert_eq!(rig.requests(), 0);
}

/// A bad address or credentials of a wrong shape are refused, and a good address has one normal form, without
/// calling anybody.
pub async fn connections_are_checked_without_calling_anybody(rig: &dyn Rig) {
    let adapter = rig.adapter(PATIENT);
    let AdapterCx {
        api_url,
        credentials,
        options,
        ..
    } = rig.connection();
    let normal = adapter.accept(&api_url, &credentials, &options).unwrap();
    let again = adapter.accept(&normal, &credentials, &options).unwrap();
    assert_eq!(normal, again);
    for (url, credentials) in rig.unacceptable() {
        // The core checks the fields before the adapter sees them.
        let shape = adapter.info().check(&credentials);
        let refused = shape.and_then(|()| adapter.accept(&url, &credentials, &options).map(drop));
        assert!(
            refused.is_err(),
            "{url} and {:?}",
            credentials.names().collect::<Vec<_>>()
        );
    }
    assert_eq!(rig.requests(), 0);
}

/// Good credentials are let in.
pub async fn check_accepts_good_credentials(rig: &dyn Rig) {
    let adapter = rig.adapter(PATIENT);
    adapter.check(&rig.connection()).await.unwrap();
    assert!(rig.requests() > 0, "nobody was asked");
}

/// A kind of record that the account may not read is named; the others are not taken for it.
pub async fn check_says_which_records_can_be_read(rig: &dyn Rig) {
    let adapter = rig.adapter(PATIENT);
    let all = adapter.check(&rig.connection()).await.unwrap().kinds;
    let named: Vec<_> = all.iter().map(|(entity, _)| *entity).collect();
    assert_eq!(named, readable(&*adapter));
    assert!(all.iter().all(|(_, e)| e.is_none()), "{all:?}");
    let troubles = rig.troubles().into_iter();
    let forbidden: Vec<_> = troubles
        .filter(|trouble| trouble.kind == TroubleKind::Forbidden)
        .collect();
    assert!(!forbidden.is_empty(), "the rig forbids nothing");
    for entity in readable(&*adapter) {
        for trouble in &forbidden {
            rig.order(trouble, entity, 0);
            let kinds = adapter.check(&rig.connection()).await.unwrap().kinds;
            rig.end();
            for (of, e) in kinds {
                let told = e.as_ref().is_some_and(|e| e.is(code::VENDOR_FORBIDDEN));
                assert_eq!(told, of == entity, "{}: {of} {e:?}", trouble.name);
            }
        }
    }
}

/// Bad credentials are `CMMS-VENDOR-002`, whether they are tested or used, and do not show.
pub async fn wrong_credentials_are_told(rig: &dyn Rig) {
    let adapter = rig.adapter(PATIENT);
    let mut cx = rig.connection();
    cx.credentials = Arc::new(rig.wrong_credentials());
    let tested = adapter.check(&cx).await.unwrap_err();
    let mut told = vec![tested];
    for entity in readable(&*adapter) {
        told.push(adapter.pull(&cx, &first(entity, None)).await.unwrap_err());
    }
    for e in told {
        assert!(e.is(code::VENDOR_LOGIN), "{e}");
        let shown = format!("{e} {e:?} {:?} {adapter:?}", e.problem(None));
        for (name, secret) in cx.credentials.expose() {
            assert!(!shown.contains(secret), "{name} shows");
        }
    }
}

/// Credentials that were set anew are used at once.
pub async fn new_credentials_take_the_place_of_old_ones(rig: &dyn Rig) {
    let adapter = rig.adapter(PATIENT);
    let good = rig.connection();
    adapter.check(&good).await.unwrap();
    let mut bad = good.clone();
    bad.credentials = Arc::new(rig.wrong_credentials());
    bad.credentials_version += 1;
    let entity = readable(&*adapter)[0];
    assert!(adapter.pull(&bad, &first(entity, None)).await.is_err());
    let mut good = good;
    good.credentials_version += 2;
    adapter.pull(&good, &first(entity, None)).await.unwrap();
}

/// The default mapping takes every record that the vendor serves.
pub async fn default_mapping_takes_every_record(rig: &dyn Rig) {
    let adapter = rig.adapter(PATIENT);
    for entity in readable(&*adapter) {
        let table = match entity {
            Entity::Asset => Asset::TABLE,
            Entity::WorkOrder => WorkOrder::TABLE,
        };
        let mapping = compile(adapter.default_mapping(entity).unwrap(), table).unwrap();
        for (id, raw) in rig.records(entity) {
            let record = VendorRecord::read(&raw).unwrap();
            let mapped = mapping.apply(&record);
            assert!(mapped.is_ok(), "{entity} {id}: {:?}", mapped.err());
        }
    }
}
