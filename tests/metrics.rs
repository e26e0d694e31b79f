//! wharfd's metrics on a real host: by hand, checked by promtool, scraped by Prometheus.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test ends at the first thing that goes wrong")]

mod support;

use support::Host;

const STACK: &str = r#"
[services.web]
image = "IMAGE"
command = ["sh", "-c", "touch /tmp/ok; exec tail -f /dev/null"]
stop_signal = "SIGKILL"
scale = 2
healthcheck = { test = "cat /tmp/ok", interval = "300ms", retries = 1 }

[services.once]
image = "IMAGE"
command = ["sh", "-c", "sleep 1; exit 3"]
restart = "on-failure:2"
"#;

fn metrics(host: &Host) -> String {
    host.sh("curl --silent --show-error --fail --unix-socket /run/wharf/metrics.sock http://wharfd/metrics").ok().stdout
}

/// The value of the only sample whose line has all of these.
fn value(metrics: &str, words: &[&str]) -> f64 {
    let lines: Vec<&str> = metrics.lines().filter(|line| words.iter().all(|word| line.contains(word))).collect();
    assert_eq!(lines.len(), 1, "{words:?} in {metrics}");
    lines[0].rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number")
}

#[test]
fn metrics_are_served_to_everybody_and_prometheus_scrapes_them() {
    let host = Host::boot("metrics");
    host.generate("shop", STACK);
    host.sh("systemctl start wharfd-metrics.socket; systemctl start shop.target || true; useradd --create-home ada")
        .ok();
    assert_eq!(host.property("wharfd", "ActiveState"), "inactive");
    let by_ada =
        "runuser --user ada -- curl --silent --fail --unix-socket /run/wharf/metrics.sock http://wharfd/metrics";
    assert!(host.sh(by_ada).ok().stdout.contains("wharf_engine_up{} 1"), "the question has started wharfd");
    host.wait_for("what fails has failed", || host.property("shop-once", "ActiveState") == "failed");
    host.sh("docker exec shop-web-1 rm /tmp/ok").ok();
    let unhealthy = ["wharf_container_restarts_total", "shop-web@1.service", "reason=\"unhealthy\""];
    host.wait_for("it was restarted", || {
        metrics(&host).lines().any(|line| unhealthy.iter().all(|word| line.contains(word)))
    });

    let text = metrics(&host);
    assert_eq!(value(&text, &unhealthy), 1.0);
    assert_eq!(value(&text, &["wharf_container_state", "shop-web@2.service", "state=\"active\""]), 1.0);
    assert_eq!(value(&text, &["wharf_container_state", "shop-web@2.service", "state=\"failed\""]), 0.0);
    assert_eq!(value(&text, &["wharf_container_health", "shop-web@2.service", "health=\"healthy\""]), 1.0);
    assert_eq!(value(&text, &["wharf_container_state", "shop-once.service", "state=\"failed\""]), 1.0);
    assert_eq!(value(&text, &["wharf_container_last_exit_status", "shop-once.service"]), 3.0);
    assert!(value(&text, &["wharf_container_start_duration_seconds{", "shop-web@2.service"]) > 0.0);
    assert!(value(&text, &["wharf_service_cpu_seconds_total{", "service=\"web\""]) > 0.0);

    let checked = host
        .sh("curl --silent --unix-socket /run/wharf/metrics.sock http://wharfd/metrics | promtool check metrics 2>&1");
    assert_eq!(checked.ok().stdout, "");
    let open = "curl --silent --include --header 'Accept: application/openmetrics-text' --unix-socket /run/wharf/metrics.sock \
                http://wharfd/metrics";
    let open = host.sh(open).ok().stdout;
    assert!(
        open.contains("content-type: application/openmetrics-text; version=1.0.0") && open.ends_with("\n# EOF\n"),
        "{open}"
    );
    for (question, status) in [("http://wharfd/", "404"), ("--request POST http://wharfd/metrics", "405")] {
        let script = format!(
            "curl --silent --output /dev/null --write-out '%{{http_code}}' --unix-socket /run/wharf/metrics.sock {question}"
        );
        assert_eq!(host.sh(&script).ok().stdout, status);
    }

    // As the manual says it.
    host.write("/etc/systemd/system/wharfd-metrics.socket.d/tcp.conf", "[Socket]\nListenStream=127.0.0.1:9469\n");
    host.sh("systemctl daemon-reload; systemctl stop wharfd; systemctl restart wharfd-metrics.socket; systemctl start wharfd").ok();
    host.write(
        "/root/prometheus.yml",
        "global: { scrape_interval: 1s }\nscrape_configs:\n- job_name: wharf\n  static_configs: [{ targets: ['127.0.0.1:9469'] }]\n",
    );
    host.sh("promtool check config /root/prometheus.yml
         systemd-run --unit=scraper prometheus --config.file=/root/prometheus.yml --storage.tsdb.path=/root/tsdb \
             --web.listen-address=127.0.0.1:9090")
        .ok();
    let query = |query: &str| {
        let script = format!(
            "curl --silent --get --data-urlencode 'query={query}' http://127.0.0.1:9090/api/v1/query | jq -r '.data.result[].value[1]'"
        );
        host.sh(&script).stdout.trim().to_owned()
    };
    host.wait_for("Prometheus has scraped it", || query("up{job=\"wharf\"}") == "1");
    assert_eq!(query("count(wharf_container_info{project=\"shop\"})"), "3");
    assert_eq!(query("wharf_container_state{unit=\"shop-web@1.service\",state=\"active\"}"), "1");
    assert_ne!(query("wharf_service_cpu_seconds_total{service=\"web\"}"), "");
    assert_eq!(query("wharf_engine_up"), "1");
    // Whoever keeps connections open keeps nobody else out.
    host.sh("cat >/tmp/idle.sh <<'X'
for n in $(seq 60); do timeout 15 socat -u PIPE UNIX-CONNECT:/run/wharf/metrics.sock & done; wait
X
             runuser --user ada -- bash /tmp/idle.sh >/dev/null 2>&1 & sleep 1
             for n in $(seq 20); do curl --silent --fail --max-time 3 --output /dev/null \
                 --unix-socket /run/wharf/metrics.sock http://wharfd/metrics; done")
        .ok();
}
