//! Organizations: made once, blind for each other.

use super::harness::{Work, all, at_once, insert, key, save, scope, stored, write};
use crate::domain::connection::Connection;
use crate::domain::setting::Setting;
use crate::ids::OrgId;
use crate::ports::repository::TxExt as _;
use crate::ports::store::{Organization, SaveRule, Saved, Store};
use crate::testing::samples;

/// The same keys and unique values in two organizations are two rows; no call of one reaches the other's.
pub async fn organizations_do_not_see_each_other(store: &dyn Store) {
    let (a, b) = (scope(store, "a").await, scope(store, "b").await);
    assert_ne!(a.org(), b.org());
    let first = samples::connection(1);
    insert(store, &a, std::slice::from_ref(&first)).await;
    assert_eq!(all::<Connection>(store, &b).await, []);
    assert_eq!(stored(store, &b, &first).await, None);
    let mut second = first.clone();
    second.enabled = !first.enabled;
    insert(store, &b, std::slice::from_ref(&second)).await;
    second.version = 2;
    second.api_url = "https://other.example.com".into();
    let saved = save(store, &b, &second, SaveRule::Update).await;
    assert_eq!(saved, Saved::Updated);
    assert_eq!(
        all::<Connection>(store, &a).await,
        std::slice::from_ref(&first)
    );
    let mut tx = write(store, &b).await;
    let deleted = tx.of::<Connection>().delete(&key(&first)).await.unwrap();
    assert!(deleted);
    tx.commit().await.unwrap();
    assert_eq!(all::<Connection>(store, &a).await, [first]);
    assert_eq!(all::<Connection>(store, &b).await, []);
    let setting = samples::setting("only a", 1);
    insert(store, &a, std::slice::from_ref(&setting)).await;
    let saved = save(store, &b, &setting, SaveRule::Update).await;
    assert_eq!(saved, Saved::Stale);
    assert_eq!(all::<Setting>(store, &b).await, []);
}

/// A name is one organization, whoever asks and however often; names are exact.
pub async fn organization_is_made_once(store: &dyn Store) {
    let id = |n| OrgId(samples::id(0, n));
    let now = samples::start();
    let first = store.organization("Müller", id(1), now).await.unwrap();
    assert_eq!(first, id(1));
    let again = store.organization("Müller", id(2), now).await.unwrap();
    assert_eq!(again, id(1));
    let other = store.organization("müller", id(3), now).await.unwrap();
    assert_eq!(other, id(3));
    let known = store.organizations().await.unwrap();
    let named = |name: &str, id| Organization {
        id,
        name: name.to_owned(),
        created_at: now,
    };
    assert_eq!(known, [named("Müller", id(1)), named("müller", id(3))]);
    for round in 0..50 {
        let name = &format!("round {round}");
        let ask = |n: u32| -> Work<'_, OrgId> {
            Box::pin(async move {
                let new = id(100 + round * 10 + n);
                store.organization(name, new, now).await.unwrap()
            })
        };
        let ids = at_once((0..4).map(ask).collect());
        assert!(ids.iter().all(|i| *i == ids[0]), "{ids:?}");
        let later = store.organization(name, id(99), now).await.unwrap();
        assert_eq!(later, ids[0]);
    }
}

/// A known organization is found while somebody writes.
pub async fn known_organization_is_found_while_somebody_writes(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let mut tx = write(store, &scope).await;
    let setting = samples::setting("s", 1);
    let saved = tx.of::<Setting>().save(&setting, SaveRule::Insert).await;
    assert_eq!(saved.unwrap(), Saved::Inserted);
    let new = OrgId(samples::id(0, 9));
    let found = store.organization("a", new, samples::start()).await;
    assert_eq!(found.unwrap(), scope.org());
    tx.commit().await.unwrap();
}

/// A store that is up to date says so, and its health names the same schema.
pub async fn migration_of_current_schema_changes_nothing(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[samples::setting("s", 1)]).await;
    let migrated = store.migrate().await.unwrap();
    assert_eq!(migrated.from, migrated.to);
    assert_eq!(store.health().await.unwrap().schema, migrated.to);
    assert_eq!(all::<Setting>(store, &scope).await.len(), 1);
    let info = store.info();
    assert!(!info.engine.is_empty() && !info.location.is_empty());
}
