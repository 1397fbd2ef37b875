//! PLACEHOLDER
use cmms_core::{Error, Result, code};
use sqlx::postgres::PgConnectOptions;
/// Options.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    inner: PgConnectOptions,
    schema: String,
    connections: u32,
}
impl PostgresOptions {
    /// Parses.
    pub fn parse(url: &str) -> Result<Self> {
        let inner: PgConnectOptions = url
            .parse()
            .map_err(|e: sqlx::Error| Error::new(code::STORE_URL, "bad url").source(e))?;
        use sqlx::ConnectOptions as _;
        Ok(Self {
            inner: inner
                .application_name("cmms")
                .statement_cache_capacity(500)
                .disable_statement_logging(),
            schema: "cmms".into(),
            connections: 10,
        })
    }
    /// The schema.
    pub fn schema_of(mut self, schema: &str) -> Result<Self> {
        self.schema = schema_name(schema)?;
        Ok(self)
    }
    pub(crate) fn connect_options(&self) -> PgConnectOptions {
        self.inner.clone()
    }
    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }
    pub(crate) fn connections(&self) -> usize {
        self.connections as usize
    }
    pub(crate) fn location(&self) -> String {
        format!(
            "{}:{}/{}",
            self.inner.get_host(),
            self.inner.get_port(),
            self.inner.get_database().unwrap_or_default()
        )
    }
}
pub(crate) fn schema_name(name: &str) -> Result<String> {
    Ok(name.to_owned())
}
