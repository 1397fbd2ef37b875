//! An adapter of your own: `cargo run --example custom_adapter -- http://127.0.0.1:9100 test-token`
use cmms::adapters::http::{HttpLayer, NumberedPages, Request, record};
use cmms::adapters::{EgressClient, EgressPolicy};
use cmms::core::mapping::{EntityMapping, Transform, Transform::*, rules};
use cmms::core::ports::{adapter::*, secrets::Credentials};
use cmms::{config::Database, *};
use std::{collections::BTreeMap, sync::Arc};

#[derive(Debug)]
pub(crate) struct Paged(HttpLayer, Capabilities, [EntityMapping; 2]);

#[derive(serde::Deserialize)]
struct Listed<'a> {
    #[serde(borrow)]
    data: Vec<&'a serde_json::value::RawValue>,
    meta: BTreeMap<String, u64>,
}

impl Paged {
    pub(crate) fn new(client: EgressClient) -> Self {
        let can = EntityCapabilities::pull(Pages::Numbered { in_flight: 4 }, 5000).since();
        let can = Capabilities::new([(Entity::Asset, can), (Entity::WorkOrder, can)]);
        Self(HttpLayer::new(Arc::new(client), &[]), can, mappings())
    }
}

#[async_trait::async_trait]
impl Adapter for Paged {
    fn info(&self) -> AdapterInfo {
        AdapterInfo::new("paged", "Paged", &[&["api_key"]])
    }
    fn capabilities(&self) -> &Capabilities {
        &self.1
    }
    fn default_mapping(&self, entity: Entity) -> Option<&EntityMapping> {
        self.2.iter().find(|mapping| mapping.entity == entity)
    }
    fn accept(&self, url: &str, _: &Credentials, _: &ConnectionOptions) -> Result<String> {
        self.0.check_url(url).map(String::from)
    }
    fn page_after(&self, req: &PullReq) -> Option<Position> {
        NumberedPages::after(req)
    }
    async fn pull(&self, cx: &AdapterCx, req: &PullReq) -> Result<PullPage> {
        let resource = format!("api/v1/{}s", req.entity.to_string().replace('_', "-"));
        let at = NumberedPages::of(req, cx.options.page_size.unwrap_or(1000))?;
        let list = Request::get(&self.0.check_url(&cx.api_url)?, &resource)
            .bearer(cx.credentials.get("api_key").unwrap_or_default())?
            .query("page", &at.page().to_string())
            .query("pageSize", &at.size().to_string())
            .query_some("updatedSince", at.since_rfc3339());
        let answer = self.0.send(cx, &list).await?.success()?;
        let Listed { data, meta } = answer.json()?;
        let records = data.iter().map(|raw| record(raw, "id", "updatedAt"));
        let number = |name: &str| meta.get(name).copied().unwrap_or_default();
        let at = at.is_page(number("page"))?;
        at.turn(records.collect(), number("total"))
    }
}

/// How the vendor's fields become ours.
fn mappings() -> [EntityMapping; 2] {
    let orders = rules! {
        "title" => title: Text, required; "description" => description: Text; "tags" => tags: List; "team" => assigned_team: Text;
        "status" => status: Transform::words(WorkOrderStatus::WORDS, &[("open", "scheduled")], "scheduled");
        "priority" => priority: Transform::words(Priority::WORDS, &[], "medium"); "laborCost" => actual_cost: Money;
        "type" => work_order_type: Transform::words(MaintenanceType::WORDS, &[], "corrective"); "dueDate" => due_at: Time;
        "assetId" => asset_id: Reference(Entity::Asset); "location.name" => location: Text; "requestedBy" => requested_by: Text;
        "assignedTo.email" => assigned_to: Text; "startedAt" => actual_start: Time; "completedAt" => completed_at: Time;
        "estimatedHours" => estimated_hours: Number; "actualHours" => actual_hours: Number; "customFields" => custom_fields: Object;
    };
    let assets = rules! {
        "name" => name: Text, required; "location.name" => location: Place; "specs" => specifications: Object; "tags" => tags: List;
        "category" => asset_type: Transform::words(AssetType::WORDS, &[("tooling", "tool")], "equipment"); "model" => model: Text;
        "status" => status: Transform::words(AssetStatus::WORDS, &[("down", "repair")], "operational");
        "criticality" => criticality: Transform::words(&[], &[("A", "critical"), ("B", "high"), ("C", "medium")], "low");
        "manufacturer" => manufacturer: Text; "serialNumber" => serial_number: Text; "parentId" => parent_asset_id: Reference(Entity::Asset); "expectedLifeYears" => expected_lifespan: Number;
        "installDate" => installation_date: Date; "warrantyExpiry" => warranty_expiry: Date; "replacementCost" => replacement_value: Money;
    };
    let orders = EntityMapping::new(Entity::WorkOrder, "paged.1", orders).number("number");
    [orders, EntityMapping::new(Entity::Asset, "paged.1", assets)]
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(token)) = (args.next(), args.next()) else {
        println!("usage: custom_adapter URL TOKEN");
        return Ok(());
    };
    let client = EgressClient::new(EgressPolicy::new(std::slice::from_ref(&url))?)?;
    let store = Database::parse("paged.db")?.open().await?;
    let paged = Arc::new(Paged::new(client));
    let cmms = Client::builder(store).adapter(paged).build().await?;
    let connection = CreateConnection::new("paged", url, "My vendor").api_key(token);
    let connection = cmms.connections().ensure(connection).await?;
    let run = cmms.sync().all(connection.id).await?.into_result()?;
    println!("{}: {} records", run.status, run.synced_count);
    Ok(())
}
