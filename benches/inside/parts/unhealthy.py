"""How soon a container that hangs is restarted, and wharfd over a hundred healthy containers."""

import json
import subprocess
import time

from host import IMAGE, api, generate, memory, processes, run, scheduled, until, write

TITLE = "Unhealthy containers"
METHOD = """
From the engine's event that a container is unhealthy to the systemd job that restarts it, over a hundred restarts, one after the other.
Both times are on one clock: the engine's timeNano of the event, and that of systemd's journal entry for the job. wharfd is measured over
100 healthy containers that are probed every 10 minutes.
"""

STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"
COUNT, WATCH = 100, 30


def stack(name, count, interval):
    generate(name, [f"""
image = "{IMAGE}"
network_mode = "none"
stop_signal = "SIGKILL"
command = ["sh", "-c", "touch /tmp/ok; exec tail -f /dev/null"]
healthcheck = {{ test = ["CMD", "cat", "/tmp/ok"], interval = "{interval}", retries = 1, start_period = "60s", start_interval = "500ms" }}
"""] * count)
    run("systemctl", "start", f"{name}.target", "wharfd")


def healthy(name):
    """The healthy containers whose names begin so, with their ids."""
    filters = json.dumps({"health": ["healthy"], "name": [name]}).replace('"', "%22")
    return {container["Names"][0][1:]: container["Id"] for container in api("GET", f"/containers/json?filters={filters}".replace(" ", ""))}


def idle(figures):
    stack("idle", COUNT, "10m")
    until(lambda: len(healthy("idle-")) == COUNT, 300)
    time.sleep(5)
    wharfd, = processes("wharfd")
    before = scheduled(wharfd)
    time.sleep(WATCH)
    figures.alone(f"wharfd over {COUNT} healthy containers, wakeups in {WATCH} s", "", scheduled(wharfd) - before, 0)
    pss, private, resident = memory(wharfd)
    figures.alone(f"wharfd over {COUNT} healthy containers, PSS", "MB", pss)
    figures.alone(f"wharfd over {COUNT} healthy containers, private memory", "MB", private)
    figures.alone(f"wharfd over {COUNT} healthy containers, resident memory", "MB", resident, 6)


def hang(rounds):
    """Each of ten containers hangs `rounds` times. Returns the milliseconds from event to job."""
    write("/etc/wharf/wharfd.toml", 'restart_sec = "1ms"\nrestart_max_delay_sec = "1ms"\n')
    run("systemctl", "reload", "wharfd")
    events = "/root/events"
    # The engine keeps only its last events: they are listened to.
    with open(events, "w") as log:
        listener = subprocess.Popen(["docker", "events", "--filter", "event=health_status", "--format", "{{json .}}"], stdout=log)
    began = time.time()
    stack("hang", 10, "1s")
    until(lambda: len(healthy("hang-")) == 10)
    for _ in range(rounds):
        for number in range(10):
            name = f"hang-s{number}"
            old = healthy(name)[name]
            run("docker", "exec", name, "rm", "/tmp/ok")
            until(lambda: healthy(name).get(name, old) != old)
    listener.terminate()
    listener.wait()
    return delays(events, began)


def delays(events, began):
    jobs = {}
    for line in run("journalctl", "-q", "-o", "json", f"--since=@{began:.0f}", f"MESSAGE_ID={STOPPING}").splitlines():
        entry = json.loads(line)
        jobs.setdefault(entry["UNIT"], []).append(int(entry["_SOURCE_REALTIME_TIMESTAMP"]) / 1000)
    found = []
    for event in map(json.loads, open(events)):
        if event["Action"] == "health_status: unhealthy":
            at = event["timeNano"] / 1e6
            found.append(min(job for job in jobs[event["Actor"]["Attributes"]["io.wharf.unit"]] if job >= at) - at)
    return sorted(found)


def measure(figures, rounds):
    idle(figures)
    found = hang(10)
    figures.rounds = len(found)
    for name, percent, most in (("median", 50, 20), ("99 %", 99, None)):
        figures.alone(f"unhealthy event to job, {name}", "ms", found[min(len(found) * percent // 100, len(found) - 1)], most)
