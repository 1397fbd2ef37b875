//! Programs that use cmms live beside this folder: `cargo run -p cmms-examples --example work_orders`.
