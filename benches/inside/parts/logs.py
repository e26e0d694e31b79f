"""Output at full speed: how many lines arrive in the journal, and what that costs."""

import json
import time

from figures import WHARF
from host import IMAGE, generate, podman_missing, processes, processor_seconds, run, write

TITLE = "Output"
LINES = 200_000
METHOD = f"""
A container writes {LINES:,} numbered lines as fast as it can, once to `wharf-run`, once to `docker run` in the foreground in a unit, and
once to Podman's `conmon` with the `journald` driver. Time is that between the first and the last line in the journal. Rate limits are off.
`docker run` passes on blocks of bytes, which journald splits into lines without the fields of the container that the other two add.
"""

DOCKER, CONMON = "docker run in a unit", "conmon, journald driver"
COMMAND = f"seq 1 {LINES}; sleep 3"


class Program:
    def __init__(self, unit, program, matches):
        self.unit, self.program, self.matches = unit, program, matches

    def supervisor(self):
        return next(iter(processes(self.program)), None)

    def arrived(self):
        """How many different lines are in the journal, and how many of them more than once."""
        count = "grep -xE '[0-9]+' | sort -n | uniq -c | awk '{ lines++; if ($1 > 1) repeated++ } END { print lines + 0, repeated + 0 }'"
        return tuple(map(int, run("sh", "-c", f"{self.journal('cat')} | {count}").split()))

    def span(self):
        """Seconds between the first and the last line."""
        ends = (run("sh", "-c", f"{self.journal('json')} --grep '^[0-9]+$' {end}") for end in ("| head -n 1", "--lines 1"))
        first, last = (int(json.loads(entry)["__MONOTONIC_TIMESTAMP"]) / 1e6 for entry in ends)
        return last - first

    def journal(self, form):
        return f"journalctl --quiet --boot --output={form} {self.matches}"


def prepare(podman):
    write("/etc/systemd/journald.conf.d/bench.conf",
          "[Journal]\nRateLimitIntervalSec=0\nStorage=volatile\nRuntimeMaxUse=3G\nRuntimeKeepFree=100M\n")
    run("systemctl", "restart", "systemd-journald")
    generate("output", [f'image = "{IMAGE}"\nnetwork_mode = "none"\ncommand = ["sh", "-c", "{COMMAND}"]\nrestart = "no"\n'])
    commands = {"output-docker": f"/usr/bin/docker run --rm --name output-docker --network none {IMAGE}"}
    if podman:
        commands["output-podman"] = f"/usr/bin/podman run --rm --name output-podman --network none --log-driver journald {IMAGE}"
    for name, command in commands.items():
        write(f"/etc/systemd/system/{name}.service", f"[Service]\nLogRateLimitIntervalSec=0\nExecStart={command} sh -c '{COMMAND}'\n")
    run("systemctl", "daemon-reload")


def observed(program):
    """Processor seconds of the supervisor and of journald in one run of the unit."""
    run("journalctl", "--rotate")
    run("journalctl", "--vacuum-time=1s")
    journald, = processes("systemd-journald")
    journald_before, own, supervisor = processor_seconds(journald), 0, None
    began = time.monotonic()
    run("systemctl", "start", program.unit)
    while run("systemctl", "is-active", program.unit, check=False).strip() in ("active", "activating", "deactivating"):
        assert time.monotonic() < began + 300, f"{program.unit} did not end"
        try:
            supervisor = supervisor or program.supervisor()
            # Not at the very end, when the process is gone: the container lingers.
            own = processor_seconds(supervisor) if supervisor else 0
        except (FileNotFoundError, ProcessLookupError):
            pass
        time.sleep(0.05)
    run("journalctl", "--sync")
    return own, processor_seconds(journald) - journald_before


def measure(figures, rounds):
    missing = podman_missing()
    prepare(not missing)
    run("docker", "pull", "--quiet", IMAGE)
    programs = {
        WHARF: Program("output-s0.service", "wharf-run", "--unit=output-s0"),
        DOCKER: Program("output-docker.service", "docker", "--unit=output-docker"),
    }
    if missing:
        figures.not_here(CONMON, missing)
    else:
        programs[CONMON] = Program("output-podman.service", "conmon", "CONTAINER_NAME=output-podman")

    for _ in range(rounds):
        for who, program in programs.items():
            own, journald = observed(program)
            lines, repeated = program.arrived()
            took = program.span()
            print(f"  {who}: {lines:,} of {LINES:,} lines, {lines / took:,.0f} lines/s", flush=True)
            figures.add("lines lost or repeated, percent", who, 100 * (LINES - lines + repeated) / LINES)
            figures.add("time for each line in the journal", who, took * 1e6 / lines)
            figures.add("processor time for each line written", who, own * 1e6 / LINES)
            figures.add("journald's processor time for each line in the journal", who, journald * 1e6 / lines)

    lost = "lines lost or repeated, percent"
    figures.compare(lost, "")
    figures.alone(lost, "", max(figures.samples[lost][WHARF]), 0)
    figures.compare("time for each line in the journal", "µs")
    figures.compare("processor time for each line written", "µs", {CONMON: 1})
    figures.compare("journald's processor time for each line in the journal", "µs")
