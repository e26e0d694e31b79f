//! The families as text.

use std::fmt;
use std::sync::Mutex;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::{Family, Kind};

/// A text format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    OpenMetrics,
    /// Prometheus's own, version 0.0.4, for those who do not ask for the other.
    Prometheus,
}

impl Format {
    /// What an `Accept:` header asks for.
    pub fn of_accept(header: &str) -> Self {
        if header.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Prometheus }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// # Errors
    /// None; the library's signature has one.
    pub fn write(self, families: Vec<Family>) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Once(Mutex::new(families))));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(if self == Self::OpenMetrics { text } else { as_prometheus(&text) })
    }
}

/// The older format names a counter with its `_total` everywhere, and has neither units nor an end.
fn as_prometheus(text: &str) -> String {
    let mut lines = Vec::new();
    let mut help = "";
    for line in text.lines() {
        let word = |number: usize| line.split(' ').nth(number).unwrap_or_default();
        match (word(0), word(1)) {
            ("#", "HELP") => help = line,
            ("#", "TYPE") => {
                let name = word(2);
                let (suffix, kind) = match word(3) {
                    "counter" => ("_total", "counter"),
                    "info" => ("_info", "gauge"),
                    other => ("", other),
                };
                lines.push(help.replacen(name, &format!("{name}{suffix}"), 1));
                lines.push(format!("# TYPE {name}{suffix} {kind}"));
            }
            ("#", _) => {}
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n") + "\n"
}

/// The library encodes a collector's families once a scrape.
#[derive(Debug)]
struct Once(Mutex<Vec<Family>>);

impl Collector for Once {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let families = std::mem::take(&mut *self.0.lock().map_err(|_| fmt::Error)?);
        for family in families.iter().filter(|family| !family.samples.is_empty()) {
            let kind = match family.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Info => MetricType::Info,
            };
            let mut metric = encoder.encode_descriptor(family.name, family.help, family.unit.as_ref(), kind)?;
            for (labels, value) in &family.samples {
                match family.kind {
                    Kind::Counter => ConstCounter::new(*value).encode(metric.encode_family(labels)?)?,
                    Kind::Gauge => ConstGauge::new(*value).encode(metric.encode_family(labels)?)?,
                    Kind::Info => metric.encode_info(labels)?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::registry::Unit;

    #[test]
    fn counters_are_named_as_each_format_wants_them() {
        let families = || {
            vec![
                Family::new("wharf_service_cpu", Kind::Counter, "Time")
                    .in_unit(Unit::Seconds)
                    .of([(vec![("service", "we\"b".to_owned())], 1.5)]),
                Family::new("wharf_container", Kind::Info, "All").of([(vec![("name", "web".to_owned())], 1.0)]),
                Family::new("wharf_up", Kind::Gauge, "Up").of([(Vec::new(), 1.0)]),
                Family::new("wharf_none", Kind::Gauge, "Nothing"),
            ]
        };
        let open = "# HELP wharf_service_cpu_seconds Time\n# TYPE wharf_service_cpu_seconds counter\n\
                    # UNIT wharf_service_cpu_seconds seconds\nwharf_service_cpu_seconds_total{service=\"we\\\"b\"} 1.5\n\
                    # HELP wharf_container All\n# TYPE wharf_container info\nwharf_container_info{name=\"web\"} 1\n\
                    # HELP wharf_up Up\n# TYPE wharf_up gauge\nwharf_up{} 1.0\n# EOF\n";
        let older = "# HELP wharf_service_cpu_seconds_total Time\n# TYPE wharf_service_cpu_seconds_total counter\n\
                     wharf_service_cpu_seconds_total{service=\"we\\\"b\"} 1.5\n\
                     # HELP wharf_container_info All\n# TYPE wharf_container_info gauge\nwharf_container_info{name=\"web\"} 1\n\
                     # HELP wharf_up Up\n# TYPE wharf_up gauge\nwharf_up{} 1.0\n";
        assert_eq!(Format::OpenMetrics.write(families()).unwrap(), open);
        assert_eq!(Format::Prometheus.write(families()).unwrap(), older);
    }
}
