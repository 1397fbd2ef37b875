//! Records as the fact sheet prints them.

pub(crate) const ASSET: &str = r#"{"id":"aB3dE6gH9k","name":"Pump 3","model":"PX-40","serial":"SN-0042","status":"active","downtimeStatus":null,"category":"Pumps","location":"Lq8rT2vX5z","parentAsset":null,"createdAt":"2024-02-01T08:00:00.000Z","updatedAt":"2025-11-20T10:11:12.345Z"}"#;

pub(crate) const WORK_ORDER: &str = r#"{"id":"Wo1Rk2Or3d","title":"Replace seal","status":"open","priority":3,"dueDate":"2026-01-01T00:00:00.000Z","asset":"aB3dE6gH9k","assignedToUser":"Us4Er6Id8x","createdAt":"2025-11-20T10:11:12.345Z","updatedAt":"2025-11-20T10:11:12.345Z"}"#;
