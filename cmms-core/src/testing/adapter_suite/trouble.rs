//! What goes wrong with the vendor, and what comes of it.

use super::rig::{
    IMPATIENT, PATIENT, Rig, Trouble, TroubleKind, assert_same, by_id, first, listed, readable,
};
use crate::code;
use crate::ports::adapter::AdapterCx;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Whoever gives up does not wait for the vendor.
pub async fn cancelling_ends_a_call_at_once(rig: &dyn Rig) {
    let adapter = rig.adapter(PATIENT);
    let held = of_kind(rig, |kind| kind == TroubleKind::Held);
    for entity in readable(&*adapter) {
        for trouble in &held {
            rig.order(trouble, entity, 0);
            let cancel = CancellationToken::new();
            let cx = AdapterCx {
                cancel: cancel.clone(),
                ..rig.connection()
            };
            let fire = async {
                rig.held().await;
                cancel.cancel();
            };
            let request = first(entity, None);
            let call = async { tokio::join!(adapter.pull(&cx, &request), fire).0 };
            let ended = tokio::time::timeout(PATIENT / 2, call).await;
            assert!(ended.is_ok(), "{}: the call goes on", trouble.name);
            let e = ended.unwrap().unwrap_err();
            assert!(e.is(code::OP_CANCELLED), "{}: {e}", trouble.name);
            rig.end();
        }
    }
    assert!(!held.is_empty(), "the rig holds no answer back");
}

/// A vendor that asks to wait is given its time, and then all is well.
pub async fn rate_limit_is_waited_for(rig: &dyn Rig) {
    let adapter = rig.adapter(PATIENT);
    let waits = of_kind(rig, |kind| matches!(kind, TroubleKind::Wait(_)));
    for entity in readable(&*adapter) {
        for trouble in &waits {
            let TroubleKind::Wait(seconds) = trouble.kind else {
                continue;
            };
            let before = rig.clock().sleeps().len();
            rig.order(trouble, entity, 1);
            let records = listed(&*adapter, &rig.connection(), entity, None)
                .await
                .unwrap();
            assert_same(&by_id(records), &rig.records(entity), &trouble.name);
            let sleeps = rig.clock().sleeps().split_off(before);
            let due = Duration::from_secs(seconds.into());
            assert!(sleeps.contains(&due), "{}: {sleeps:?}", trouble.name);
            rig.end();
        }
    }
    assert!(!waits.is_empty(), "the rig never asks to wait");
}

/// A login that ends is renewed once, in whatever way the vendor refuses what it let in before; where it cannot be
/// renewed that is told as `CMMS-VENDOR-002`.
pub async fn login_that_ends_is_renewed_or_told(rig: &dyn Rig) {
    let adapter = rig.adapter(PATIENT);
    let ends = of_kind(rig, |kind| kind == TroubleKind::LoginEnds);
    for entity in readable(&*adapter) {
        for trouble in &ends {
            // What was let in once is what ends.
            adapter.check(&rig.connection()).await.unwrap();
            let before = rig.logins();
            rig.order(trouble, entity, 1);
            let outcome = listed(&*adapter, &rig.connection(), entity, None).await;
            match outcome {
                Ok(records) => assert_same(&by_id(records), &rig.records(entity), &trouble.name),
                Err(e) => {
                    let told = before.is_none() && e.is(code::VENDOR_LOGIN);
                    assert!(told, "{}: it is not renewed: {e}", trouble.name);
                }
            }
            if let (Some(before), Some(now)) = (before, rig.logins()) {
                assert!(
                    now <= before + 1,
                    "{}: {} logins",
                    trouble.name,
                    now - before
                );
            }
            rig.end();
            let records = listed(&*adapter, &rig.connection(), entity, None)
                .await
                .unwrap();
            assert_same(&by_id(records), &rig.records(entity), &trouble.name);
        }
    }
    assert!(!ends.is_empty(), "the rig ends no login");
}

/// Whatever goes wrong, a listing that ends well has every record, any other ends in an error of the vendor
/// without a secret, and the next one is as if nothing had been.
pub async fn trouble_heals_or_is_told(rig: &dyn Rig) {
    let mut wrong = Vec::new();
    for trouble in rig.troubles() {
        let patience = match trouble.kind {
            TroubleKind::Held => IMPATIENT,
            _ => PATIENT,
        };
        let adapter = rig.adapter(patience);
        let cx = rig.connection();
        for entity in readable(&*adapter) {
            for after in [0, 2] {
                let about = format!("{} with {entity} after {after}", trouble.name);
                rig.order(&trouble, entity, after);
                match listed(&*adapter, &cx, entity, None).await {
                    Ok(records) => {
                        let given: BTreeSet<_> = by_id(records).into_keys().collect();
                        let served: BTreeSet<_> = rig.records(entity).into_keys().collect();
                        let missing = served.difference(&given).count();
                        let excused = match trouble.kind {
                            TroubleKind::TimesGoBack => true,
                            TroubleKind::ListIsShort => after == 0,
                            _ => false,
                        };
                        if missing > 0 && !excused {
                            wrong.push(format!("{about}: {missing} records are missing, untold"));
                        }
                    }
                    Err(e) => {
                        let id = e.code().id();
                        if !id.starts_with("CMMS-VENDOR") && !id.starts_with("CMMS-EGRESS") {
                            wrong.push(format!("{about}: {e}"));
                        }
                        let shown = format!("{e} {e:?} {:?}", e.problem(None));
                        if cx
                            .credentials
                            .expose()
                            .any(|(_, secret)| shown.contains(secret))
                        {
                            wrong.push(format!("{about}: a secret shows"));
                        }
                    }
                }
                rig.end();
                let again = listed(&*rig.adapter(PATIENT), &cx, entity, None).await;
                if again.map(by_id).ok() != Some(rig.records(entity)) {
                    wrong.push(format!("{about}: the next listing is not whole"));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn of_kind(rig: &dyn Rig, wanted: impl Fn(TroubleKind) -> bool) -> Vec<Trouble> {
    let all = rig.troubles().into_iter();
    all.filter(|trouble| wanted(trouble.kind)).collect()
}
