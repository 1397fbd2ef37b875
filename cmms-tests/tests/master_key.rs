//! One organization, one master key: who has another is refused before anything is sealed or made.

use cmms::core::memory::MemoryStore;
use cmms::core::ports::store::Store;
use cmms::core::services::connections::master_key;
use cmms::secrets::{KeySource, KeyVault};
use cmms::{
    Client, Config, Connection, CreateConnection, Error, ListConnections, Result, UpdateConnection,
    code,
};
use cmms_tests::{Where, open, postgres};
use std::sync::Arc;
use tempfile::TempDir;

const RIGHT: [u8; 32] = [1; 32];
const WRONG: [u8; 32] = [2; 32];

async fn stores() -> (TempDir, [(Where, Arc<dyn Store>); 3]) {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}", folder.path().join("cmms.db").display());
    let stores: [(Where, Arc<dyn Store>); 3] = [
        (Where::Memory, Arc::new(MemoryStore::new())),
        (Where::Sqlite, open(&file).await),
        (Where::Postgres, open(&postgres::fresh().await).await),
    ];
    (folder, stores)
}

/// Nobody is called; addresses are only checked.
fn config() -> Config {
    let hosts = ["one", "two", "other"].map(|name| format!("https://{name}.example.com"));
    Config::from_pairs([("CMMS_EGRESS_ALLOW", hosts.join(","))]).unwrap()
}

async fn with(store: &Arc<dyn Store>, vault: KeyVault) -> Result<Client> {
    let builder = Client::builder(Arc::clone(store)).config(config());
    builder.vault(vault).build().await
}

async fn connect(client: &Client, name: &str) -> Result<Connection> {
    let url = format!("https://{name}.example.com");
    let input = CreateConnection::new("upkeep", url, name)
        .username("a@example.com")
        .password("secret");
    client.connections().create(input).await
}

async fn names(client: &Client) -> Vec<String> {
    let page = client.connections().list(ListConnections::new()).await;
    let items = page.unwrap().items;
    items.into_iter().map(|c| c.connection_name).collect()
}

/// The error of somebody with another key, which names the one that is needed.
fn is_refused(e: &Error, kek: &str) {
    assert!(e.is(code::SECRET_UNREADABLE), "{e:?}");
    assert!(e.message().contains(kek), "{e}");
    assert!(e.remedy().contains("forget-secrets"), "{}", e.remedy());
}

/// The name of a key: a vault tells it once it has needed it.
async fn kek_of(key: [u8; 32]) -> String {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let vault = Arc::new(KeyVault::with_key(key));
    let builder = Client::builder(store).config(config());
    let other = builder.vault(Arc::clone(&vault)).build().await.unwrap();
    connect(&other, "other").await.unwrap();
    vault.kek_id().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_with_another_master_key_is_refused_when_it_starts() {
    let (_folder, stores) = stores().await;
    for (place, store) in stores {
        let first = with(&store, KeyVault::with_key(WRONG)).await;
        first.expect("nothing is sealed yet");
        let right = with(&store, KeyVault::with_key(RIGHT)).await.unwrap();
        connect(&right, "one").await.unwrap();
        let kek = kek_of(RIGHT).await;
        let refused = with(&store, KeyVault::with_key(WRONG)).await.unwrap_err();
        is_refused(&refused, &kek);
        let again = with(&store, KeyVault::with_key(RIGHT)).await.unwrap();
        connect(&again, "two").await.unwrap();
        assert_eq!(names(&again).await.len(), 2, "{place:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sealed_with_a_second_master_key_and_no_key_file_is_made() {
    let (folder, stores) = stores().await;
    for (place, store) in stores {
        // Both have started before anything was sealed.
        let right = with(&store, KeyVault::with_key(RIGHT)).await.unwrap();
        let wrong = with(&store, KeyVault::with_key(WRONG)).await.unwrap();
        let file = folder.path().join("master.key");
        let fileless = KeyVault::new(KeySource::UserFile(file.clone()));
        let fileless = with(&store, fileless).await.unwrap();
        let one = connect(&right, "one").await.unwrap();
        let kek = kek_of(RIGHT).await;
        for other in [&wrong, &fileless] {
            is_refused(&connect(other, "two").await.unwrap_err(), &kek);
            let input = UpdateConnection::new(one.id)
                .username("a@example.com")
                .password("another");
            let refused = other.connections().update(input).await.unwrap_err();
            is_refused(&refused, &kek);
        }
        assert!(!file.exists(), "{place:?}");
        assert_eq!(names(&wrong).await, ["one"], "{place:?}");
        // A program without a key may do all that needs no secret.
        let none = KeyVault::new(KeySource::UserFile(file));
        with(&store, none).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_first_secrets_at_once_one_gives_the_key() {
    let (_folder, stores) = stores().await;
    for (place, store) in stores {
        let one = with(&store, KeyVault::with_key(RIGHT)).await.unwrap();
        let other = with(&store, KeyVault::with_key(WRONG)).await.unwrap();
        let both = tokio::join!(connect(&one, "one"), connect(&other, "other"));
        let refused = match both {
            (Ok(_), Err(e)) | (Err(e), Ok(_)) => e,
            both => panic!("{place:?}: {both:?}"),
        };
        assert!(
            refused.is(code::SECRET_UNREADABLE),
            "{place:?}: {refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_master_key_costs_the_secrets_and_nothing_else() {
    let (_folder, stores) = stores().await;
    for (place, store) in stores {
        let right = with(&store, KeyVault::with_key(RIGHT)).await.unwrap();
        let one = connect(&right, "one").await.unwrap();
        let builder = Client::builder(Arc::clone(&store)).config(config());
        let builder = builder.vault(KeyVault::with_key(WRONG)).with_any_key();
        let new = builder.build().await.unwrap();
        let without = master_key::forget_secrets(&new.context(None), new.app()).await;
        assert_eq!(without.unwrap(), ["one"], "{place:?}");
        let new = with(&store, KeyVault::with_key(WRONG)).await.unwrap();
        let input = UpdateConnection::new(one.id)
            .username("a@example.com")
            .password("secret");
        new.connections().update(input).await.unwrap();
        with(&store, KeyVault::with_key(RIGHT)).await.unwrap_err();
    }
}
