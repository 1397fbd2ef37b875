//! Lists the work orders in a database: `cargo run --example work_orders -- cmms-demo.db`
use cmms::{Error, ListWorkOrders};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let file = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "cmms-demo.db".into());
    let client = cmms::open(&format!("sqlite://{file}")).await?;
    let mut next = Some(ListWorkOrders::new().limit(500u32));
    while let Some(ask) = next.take() {
        let page = client.work_orders().list(ask.clone()).await?;
        page.items
            .iter()
            .for_each(|o| println!("{}  {}  {:?}", o.number, o.status, o.title));
        next = page.next.map(|cursor| ask.cursor(cursor));
    }
    Ok(())
}
