//! Many processes on one Postgres: a change is true everywhere, and one can see since when.

mod clocks;
mod fleet;
mod noting;
mod proof;
mod truth;
