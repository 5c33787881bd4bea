//! Asking whether a key may do something: `POST /v1/verify` and `/v1/authorize`.

mod authorize;
mod bad_input;
mod cases;
mod codes;
mod connections;
mod floods;
mod freshness;
mod frozen;
mod gateways;
mod journal;
mod order;
mod outage;
pub(crate) mod proxy;
mod rate_limits;
mod shared_limits;
mod usage;
pub(crate) mod world;
