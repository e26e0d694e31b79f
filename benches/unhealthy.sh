#!/bin/bash
# How soon what hangs is restarted: from the engine's event "unhealthy" to the job that systemd begins, over a hundred runs on a test
# host, one after the other. Both times are taken by who does it, on one clock: the engine's timeNano of the event, and systemd's own
# journal entry "Stopping …". And what wharfd costs over a hundred containers: its memory, and how often the kernel ran it while all
# was well.
#
#     make && benches/unhealthy.sh [CONTAINERS]
set -euo pipefail
cd "$(dirname "$0")/.."
containers=${1:-100}
source benches/host.bash unhealthy

tests/host/host exec "$host" -- python3 - "$containers" <<'PYTHON'
import json, subprocess, sys, time

COUNT = int(sys.argv[1])
STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def wharfd():
    pid = run("systemctl", "show", "-P", "MainPID", "wharfd").strip()
    rss = next(line for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS")).split()[1]
    pss = next(line for line in open(f"/proc/{pid}/smaps_rollup") if line.startswith("Pss:")).split()[1]
    return int(rss), int(pss), int(open(f"/proc/{pid}/schedstat").read().split()[2])


def stack(name, count, interval):
    with open(f"/root/{name}.toml", "w") as file:
        for number in range(count):
            file.write(f"""
[services.s{number}]
image = "127.0.0.1:5000/busybox:1"
network_mode = "none"
stop_signal = "SIGKILL"
command = ["sh", "-c", "touch /tmp/ok; exec tail -f /dev/null"]
healthcheck = {{ test = ["CMD", "cat", "/tmp/ok"], interval = "{interval}", retries = 1, start_period = "60s", start_interval = "500ms" }}
""")
    run("wharf", "generate", f"/root/{name}.toml")
    run("systemctl", "start", f"{name}.target", "wharfd")


def healthy(name):
    """The names of the healthy containers that begin so, with their ids."""
    shown = run("docker", "ps", "--no-trunc", "--format", "{{.Names}} {{.ID}}", "--filter", "health=healthy", "--filter", f"name={name}")
    return dict(line.split() for line in shown.splitlines())


def until(what, seconds=60):
    deadline = time.time() + seconds
    while not what():
        assert time.time() < deadline, "waited in vain"
        time.sleep(0.1)


# Probed so seldom that nothing happens while all is well.
stack("idle", COUNT, "10m")
until(lambda: len(healthy("idle-")) == COUNT, 180)
time.sleep(5)
before = wharfd()
time.sleep(30)
idle = wharfd()
print(f"wharfd over {COUNT} healthy containers: {idle[0] / 1024:.1f} MB resident, {idle[1] / 1024:.1f} MB PSS; "
      f"run {idle[2] - before[2]} times in 30 s")

# Each hangs ten times, without pauses.
with open("/etc/wharf/wharfd.toml", "w") as file:
    file.write('restart_sec = "1ms"\nrestart_max_delay_sec = "1ms"\n')
run("systemctl", "reload", "wharfd")

# The engine keeps only its last events: they are listened to.
log = open("/root/events", "w")
listener = subprocess.Popen(["docker", "events", "--filter", "event=health_status", "--format", "{{json .}}"], stdout=log)
begin = time.time()
stack("hang", 10, "1s")
until(lambda: len(healthy("hang-")) == 10)
for _ in range(10):
    for number in range(10):
        name = f"hang-s{number}"
        old = healthy(name)[name]
        run("docker", "exec", name, "rm", "/tmp/ok")
        until(lambda: healthy(name).get(name, old) != old)
listener.terminate()
listener.wait()

begun = {}
for line in run("journalctl", "-q", "-o", "json", f"--since=@{begin:.0f}", f"MESSAGE_ID={STOPPING}").splitlines():
    entry = json.loads(line)
    begun.setdefault(entry["UNIT"], []).append(int(entry["_SOURCE_REALTIME_TIMESTAMP"]) / 1000)
delays = []
for line in open("/root/events"):
    event = json.loads(line)
    unit = event["Actor"]["Attributes"].get("io.wharf.unit")
    if event["Action"] == "health_status: unhealthy":
        at = event["timeNano"] / 1e6
        delays.append(min(time for time in begun[unit] if time >= at) - at)
delays.sort()
part = lambda percent: delays[min(len(delays) * percent // 100, len(delays) - 1)]
print(f"{len(delays)} restarts; from the event to the job, in ms: least {delays[0]:.1f}, median {part(50):.1f}, 90 % {part(90):.1f}, "
      f"99 % {part(99):.1f}, most {delays[-1]:.1f}")
after = wharfd()
print(f"wharfd afterwards: {after[0] / 1024:.1f} MB resident, {after[1] / 1024:.1f} MB PSS")
PYTHON
