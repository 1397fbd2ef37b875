//! Projections: narrower views of a table.

use super::harness::{all, filter, insert, key, once, save, scope, stored};
use crate::domain::sync_state::{ExternalLink, LinkDigest, LinkView};
use crate::ports::repository::TxExt as _;
use crate::ports::store::{Filter, SaveRule, Saved, Store};
use crate::record::{Cell, Digest, Field as _};
use crate::testing::samples;

fn link(n: u32) -> ExternalLink {
    samples::external_link(samples::connection_id(1), n)
}

fn digest(of: &ExternalLink) -> LinkDigest {
    LinkDigest {
        connection_id: of.connection_id,
        entity: of.entity,
        external_id: of.external_id.clone(),
        record_id: of.record_id,
        digest: of.digest,
    }
}

fn view(of: &ExternalLink) -> LinkView {
    LinkView {
        connection_id: of.connection_id,
        entity: of.entity,
        external_id: of.external_id.clone(),
        record_id: of.record_id,
        vendor_values: of.vendor_values.clone(),
        number: of.number.clone(),
        archived: of.archived,
        changed_at: of.changed_at,
    }
}

/// A projection reads its columns of the table's rows, by key and by filter.
pub async fn projection_reads_only_its_columns(store: &dyn Store) {
    let scope = scope(store, "a").await;
    let links = [1, 2, 3].map(link);
    insert(store, &scope, &links).await;
    assert_eq!(
        all::<LinkDigest>(store, &scope).await,
        links.each_ref().map(digest)
    );
    assert_eq!(
        all::<LinkView>(store, &scope).await,
        links.each_ref().map(view)
    );
    let two = stored(store, &scope, &view(&links[1])).await;
    assert_eq!(two, Some(view(&links[1])));
    let three = Filter::eq(LinkDigest::DIGEST, links[2].digest.cell());
    let found = filter::<LinkDigest>(store, &scope, three).await;
    assert_eq!(found, [digest(&links[2])]);
    let records = vec![Cell::Id(links[0].record_id), Cell::Id(links[2].record_id)];
    let found = filter::<LinkView>(store, &scope, Filter::In(LinkView::RECORD_ID, records)).await;
    assert_eq!(found, [view(&links[0]), view(&links[2])]);
}

/// An update through a projection changes its columns only; one of a missing row is `Stale`.
pub async fn projection_updates_only_its_columns(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[link(1)]).await;
    let mut narrow = digest(&link(1));
    narrow.digest = Digest([3; 16]);
    narrow.record_id = samples::id(1, 77);
    let saved = save(store, &scope, &narrow, SaveRule::Update).await;
    assert_eq!(saved, Saved::Updated);
    let mut expected = link(1);
    expected.digest = narrow.digest;
    assert_eq!(all::<ExternalLink>(store, &scope).await, [expected]);
    let missing = digest(&link(2));
    let saved = save(store, &scope, &missing, SaveRule::Update).await;
    assert_eq!(saved, Saved::Stale);
}

/// A delete through a projection deletes the row.
pub async fn projection_deletes_the_row(store: &dyn Store) {
    let scope = scope(store, "a").await;
    insert(store, &scope, &[link(1), link(2)]).await;
    let mut tx = once(store, &scope).await;
    let mut repo = tx.of::<LinkDigest>();
    assert!(repo.delete(&key(&digest(&link(1)))).await.unwrap());
    assert_eq!(all::<ExternalLink>(store, &scope).await, [link(2)]);
}
