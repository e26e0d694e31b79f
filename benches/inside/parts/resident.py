"""What each supervised container costs while nothing happens: memory and wakeups."""

import time

from figures import WHARF
from host import IMAGE, generate, memory, podman_missing, processes, run, running, scheduled, sleeper, until

TITLE = "Resident"
METHOD = """
Containers that sleep, 10 and then 100 of each kind at the same time: supervised by `wharf-run`, by `docker run` in the foreground in a
systemd unit, and by Podman's `conmon`. PSS is memory with shared pages divided among their users. Wakeups are how often the kernel ran
the supervisor in 30 seconds (`schedstat`). All copies of `wharf-run` share 2.2 MB of its program, which counts in the PSS of 10 of them by
a tenth each, in that of 100 by a hundredth. wharfd wakes up to ask the engine whether it still answers, every 30 seconds; of an engine that
hangs nobody would know otherwise.
"""

DOCKER, CONMON = "docker run in a unit", "conmon"
PROGRAMS = {WHARF: "wharf-run", DOCKER: "docker", CONMON: "conmon"}
WATCH = 30


def start(first, last, podman):
    run("systemctl", "start", *(f"resident-s{index}" for index in range(first, last)))
    for index in range(first, last):
        name = f"cli{index}"
        command = ["docker", "run", "--rm", "--name", name, "--network=none", IMAGE, "sleep", "100000"]
        run("systemd-run", "--quiet", f"--unit={name}", *command)
    until(lambda: running() == 2 * last)
    for index in range(first, last) if podman else ():
        run("podman", "run", "--detach", "--quiet", "--network=none", "--log-driver=journald", IMAGE, "sleep", "100000")


def settled(count, podman):
    """The supervisors by contestant, once no other process of the same program is left."""
    def found():
        pids = {who: processes(program) for who, program in PROGRAMS.items() if podman or who != CONMON}
        return pids if all(len(some) == count for some in pids.values()) else None
    return until(found)


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def measure(figures, rounds):
    figures.rounds = 1
    missing = podman_missing()
    if missing:
        figures.not_here(CONMON, missing)
    generate("resident", [sleeper('network_mode = "none"')] * 100)
    run("systemctl", "start", "wharfd")
    first = 0
    for count in (10, 100):
        start(first, count, not missing)
        first = count
        supervisors = settled(count, not missing)
        time.sleep(10)
        containers = f"{count} containers"
        for who, pids in supervisors.items():
            pss, private, _ = (mean(column) for column in zip(*map(memory, pids)))
            figures.add(f"{containers}, PSS of each supervisor", who, pss)
            figures.add(f"{containers}, private memory of each supervisor", who, private)
        before = {who: {pid: scheduled(pid) for pid in pids} for who, pids in supervisors.items()}
        wharfd, = processes("wharfd")
        wharfd_before = scheduled(wharfd)
        time.sleep(WATCH)
        for who, pids in before.items():
            wakeups = mean(scheduled(pid) - earlier for pid, earlier in pids.items())
            figures.add(f"{containers}, wakeups of each supervisor in {WATCH} s", who, wakeups)
        wharfd_wakeups = scheduled(wharfd) - wharfd_before

        goals = {CONMON: 1} if count == 10 else {}
        figures.compare(f"{containers}, PSS of each supervisor", "MB", goals)
        private = f"{containers}, private memory of each supervisor"
        figures.compare(private, "MB")
        figures.alone(private, "MB", figures.median(private), 0.25)
        figures.compare(f"{containers}, wakeups of each supervisor in {WATCH} s", "")
        pss, private, resident = memory(wharfd)
        for name, value, most in (("PSS", pss, None), ("private memory", private, None), ("resident memory", resident, 6)):
            figures.alone(f"{containers}, {name} of wharfd", "MB", value, most)
        figures.alone(f"{containers}, wakeups of wharfd in {WATCH} s", "", wharfd_wakeups, 0)
