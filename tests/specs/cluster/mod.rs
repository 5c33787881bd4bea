//! Three nodes behind HAProxy, as `bin/cluster` starts them, with the configuration that is in `deploy/cluster`.

mod limits;
mod load;
mod losing;
mod rig;
mod rolling;
mod sessions;
