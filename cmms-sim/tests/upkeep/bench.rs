//! A running simulator and a client that is logged in.

use chrono::DateTime;
use cmms_sim::upkeep::{UpkeepConfig, UpkeepSim, UpkeepVendor};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

pub(crate) struct Bench {
    pub(crate) sim: UpkeepSim,
    pub(crate) http: Client,
    pub(crate) token: String,
}

/// An answer of the simulator.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn results(&self) -> &Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.text);
        assert_eq!(self.body["success"], json!(true));
        self.body["results"].as_array().unwrap()
    }

    pub(crate) fn result(&self) -> &Value {
        assert_eq!(self.status, 200, "{}", self.text);
        assert_eq!(self.body["success"], json!(true));
        &self.body["result"]
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.results()
            .iter()
            .map(|value| field(value, "id").to_owned())
            .collect()
    }

    /// Checks the failure envelope: a message, and nothing else.
    pub(crate) fn refused(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.body["success"], json!(false));
        assert_eq!(self.body.as_object().unwrap().len(), 2);
        self.body["message"].as_str().unwrap()
    }
}

pub(crate) fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

pub(crate) async fn reply(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get("retry-after")
        .map(|value| value.to_str().unwrap().to_owned());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap();
    Reply {
        status,
        retry_after,
        text,
        body,
    }
}

impl Bench {
    /// Starts and logs in.
    pub(crate) async fn start(config: UpkeepConfig) -> Self {
        let mut bench = Self::logged_out(config).await;
        bench.log_in().await;
        bench
    }

    pub(crate) async fn small() -> Self {
        Self::start(UpkeepConfig::default().assets(60).work_orders(120)).await
    }

    pub(crate) async fn logged_out(config: UpkeepConfig) -> Self {
        let sim = UpkeepSim::start(config, 0).await.unwrap();
        Self {
            sim,
            http: Client::new(),
            token: String::new(),
        }
    }

    pub(crate) async fn log_in(&mut self) {
        let answer = self.auth("integration@example.com", "upkeep-sim").await;
        self.token = field(answer.result(), "sessionToken").to_owned();
    }

    pub(crate) async fn auth(&self, email: &str, password: &str) -> Reply {
        reply(
            self.http
                .post(self.url("/auth"))
                .form(&[("email", email), ("password", password)]),
        )
        .await
    }

    pub(crate) fn vendor(&self) -> &UpkeepVendor {
        self.sim.vendor()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/api/v2{path}", self.sim.base_url())
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, self.url(path))
            .header("Session-Token", &self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        reply(self.request(Method::GET, path)).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Reply {
        reply(self.request(method, path).json(body)).await
    }

    /// Reads a list to its end: by records received, until an empty page or
    /// 404.
    pub(crate) async fn all(&self, list: &str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let page = self.get(&format!("{list}&offset={}", all.len())).await;
            if page.status == 404 || page.results().is_empty() {
                return all;
            }
            all.extend(page.results().iter().cloned());
        }
    }
}

/// The value of a sort field and the id of each record.
pub(crate) fn places(records: &[Value], name: &str) -> Vec<(i64, String)> {
    let ms = |text| {
        DateTime::parse_from_rfc3339(text)
            .unwrap()
            .timestamp_millis()
    };
    records
        .iter()
        .map(|record| {
            (
                record[name].as_str().map_or(i64::MIN, ms),
                field(record, "id").to_owned(),
            )
        })
        .collect()
}
