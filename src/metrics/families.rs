//! How numbers are spelled for Prometheus.

use std::fmt::Error;

use prometheus_client::{
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};

use super::timings::Read;

/// Labels of one number: names and values.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

/// Writes families of numbers, each with its name and what it is.
pub struct Families<'a>(pub DescriptorEncoder<'a>);

impl Families<'_> {
    /// What only grows.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) -> Result<(), Error> {
        self.family(name, help, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, f64>(&value, None)
    }

    /// Seconds that only grow.
    pub fn seconds(&mut self, name: &str, help: &str, value: f64) -> Result<(), Error> {
        self.family(name, help, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, f64>(&value, None)
    }

    /// As [`Self::counter`], by labels.
    pub fn counters<'l>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Vec<(&'l str, &'l str)>, u64)>,
    ) -> Result<(), Error> {
        let mut family = self.family(name, help, MetricType::Counter)?;
        values.into_iter().try_for_each(|(labels, value)| {
            let labels: Labels = &labels;
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, f64>(&value, None)
        })
    }

    /// What goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, value: f64) -> Result<(), Error> {
        self.family(name, help, MetricType::Gauge)?.encode_gauge(&value)
    }

    /// As [`Self::gauge`], by labels.
    pub fn gauges<'l>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Vec<(&'l str, &'l str)>, f64)>,
    ) -> Result<(), Error> {
        let mut family = self.family(name, help, MetricType::Gauge)?;
        values.into_iter().try_for_each(|(labels, value)| {
            let labels: Labels = &labels;
            family.encode_family(&labels)?.encode_gauge(&value)
        })
    }

    /// How long things took.
    pub fn histogram(&mut self, name: &str, help: &str, read: &Read) -> Result<(), Error> {
        let mut family = self.family(name, help, MetricType::Histogram)?;
        family.encode_histogram::<NoLabelSet>(read.seconds, read.count, &read.buckets, None)
    }

    /// As [`Self::histogram`], by labels.
    pub fn histograms<'l>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Vec<(&'l str, &'l str)>, Read)>,
    ) -> Result<(), Error> {
        let mut family = self.family(name, help, MetricType::Histogram)?;
        values.into_iter().try_for_each(|(labels, read)| {
            let labels: Labels = &labels;
            family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(
                read.seconds,
                read.count,
                &read.buckets,
                None,
            )
        })
    }

    fn family<'s>(
        &'s mut self,
        name: &'s str,
        help: &str,
        of: MetricType,
    ) -> Result<MetricEncoder<'s>, Error> {
        self.0.encode_descriptor(name, help, None, of)
    }
}
