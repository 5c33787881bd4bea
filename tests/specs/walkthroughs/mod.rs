//! The five platforms, step by step, in a real Chromium: their own words stand above the steps that show them.

mod affiliate;
