//! What Latchkey promises, as sentences. One folder per feature, one file per activity, one sentence per test.

#![allow(clippy::unwrap_used)]

mod access;
mod account;
mod applications;
mod audit;
mod bad_input;
mod checking;
mod cluster;
mod command_line;
mod cross_site;
mod customers;
mod demo;
mod deploy;
mod error_pages;
mod gateways;
mod headers;
mod jobs;
mod keys;
mod leaks;
mod links;
mod logs;
mod matrix;
mod metrics;
mod modes;
mod nodes;
mod notices;
mod openapi;
mod outage;
mod platforms;
mod presets;
mod private_postgres;
mod roles;
mod routes;
mod schema;
mod secrets;
mod self_service;
mod settings;
mod setup;
mod sign_in;
mod support;
mod team;
mod usage;
mod verify;
mod walkthroughs;
