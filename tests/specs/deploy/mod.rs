//! The recipes of `deploy/`, each as it lies there, with the gateway it is for: real processes, real keys, a real API.

mod answers;
mod api;
mod gateway;
mod outages;
mod snippets;
mod stand_in;
mod street;
mod wire;
