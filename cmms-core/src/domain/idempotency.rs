//! What was answered to calls that their callers may repeat.

use crate::ids::RunId;
use crate::record;
use crate::record::{Digest, RawJson};
use chrono::{DateTime, Utc};

record! {
    /// The first answer to a call with an idempotency key. The key itself is not kept.
    pub struct KeptAnswer: "idempotency_keys" {
        /// The digest of caller, operation and key.
        id: Digest [Key Internal],
        /// The digest of key and input.
        input: Digest [Once Internal],
        /// The operation.
        operation: String [Once Internal],
        /// When it was answered.
        created_at: DateTime<Utc> [Once Internal],
        /// When it is forgotten.
        expires_at: DateTime<Utc> [Once Internal],
        /// The run that it started, whose state is the answer.
        run_id: Option<RunId> [Once Internal],
        /// What it answered, as JSON.
        answer: Option<RawJson> [Once Personal],
    }
    index [[expires_at, id]]
}
