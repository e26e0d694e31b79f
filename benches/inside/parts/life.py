"""How soon a container runs after it is started and after it has crashed."""

import glob
import os
import time

from figures import WHARF
from host import IMAGE, api, docker_pid, generate, milliseconds, podman_missing, run, sleeper, until, write

TITLE = "Start and crash"
METHOD = """
One container that sleeps, on a user-defined network. Start: from the command until the engine shows the container as running. Crash: from
SIGKILL to its first process until the engine shows a new one; between crashes of the same container are more than 10 seconds, as after
less `--restart always` and Wharf wait longer. The hand-written unit is the usual one: `docker kill` and `docker rm` before, `docker run`
in the foreground. The Engine API is called directly, to create and to start a container, and then `systemctl start` is run for a service
that only notifies systemd: this is the least that a container in a unit can take.

After a crash, Wharf removes the container, systemd executes `wharf-run`, and that creates and starts another container. The engine itself
starts the same container again, after a pause of 100 ms. What systemd needs longest for is a write to `cgroup.procs`, which waits for a
grace period of the kernel's RCU: 23 ms for each program that it executes.
"""

SLEEP = ["sleep", "100000"]
NETWORK = "life_default"
API, HAND, DOCKER, QUADLET = "Engine API and a notify service", "hand-written docker unit", "docker run --restart always", "Podman Quadlet"


class Unit:
    """A container in a unit, and how its process is found."""

    def __init__(self, unit, container):
        self.unit, self.container = unit, container

    def start(self):
        run("systemctl", "start", self.unit)

    def stop(self):
        run("systemctl", "stop", self.unit)
        self.forget_crash()

    def forget_crash(self):
        run("systemctl", "reset-failed", self.unit, check=False)

    def pid(self):
        return docker_pid(self.container)


class QuadletUnit(Unit):
    def pid(self):
        for path in glob.glob(f"/sys/fs/cgroup/system.slice/{self.unit}/libpod-payload-*/cgroup.procs"):
            try:
                pids = open(path).read().split()
                return next((int(pid) for pid in pids if open(f"/proc/{pid}/comm").read() == "sleep\n"), None)
            except OSError:
                pass
        return None


class DockerRun:
    def start(self):
        run("docker", "run", "--detach", "--restart=always", "--name=always", f"--network={NETWORK}", "--stop-signal=SIGKILL",
            IMAGE, *SLEEP)

    def stop(self):
        run("docker", "rm", "--force", "always")

    def forget_crash(self):
        pass

    def pid(self):
        return docker_pid("always")


class EngineApi:
    def start(self):
        api("POST", "/containers/create?name=bare",
            {"Image": IMAGE, "Cmd": SLEEP, "StopSignal": "SIGKILL", "HostConfig": {"NetworkMode": NETWORK}})
        api("POST", "/containers/bare/start")
        run("systemctl", "start", "notify.service")

    def stop(self):
        run("systemctl", "stop", "notify.service")
        api("DELETE", "/containers/bare?force=1")

    def pid(self):
        return docker_pid("bare")


def install(quadlet):
    write("/etc/systemd/system/hand.service", f"""[Unit]
After=docker.service
Requires=docker.service
StartLimitIntervalSec=0
[Service]
Restart=always
ExecStartPre=-/usr/bin/docker kill hand
ExecStartPre=-/usr/bin/docker rm hand
ExecStart=/usr/bin/docker run --rm --name hand --network {NETWORK} --stop-signal SIGKILL {IMAGE} {' '.join(SLEEP)}
ExecStop=/usr/bin/docker stop hand
""")
    write("/etc/systemd/system/notify.service", """[Service]
Type=notify
NotifyAccess=all
ExecStart=/usr/bin/systemd-notify --ready --no-block --exec \\; /bin/sleep infinity
""")
    if quadlet:
        directory = "/etc/containers/systemd"
        write(f"{directory}/life.network", "[Network]\n")
        write(f"{directory}/quadlet.container", f"""[Container]
Image={IMAGE}
ContainerName=quadlet
Exec={' '.join(SLEEP)}
Network=life.network
StopSignal=SIGKILL
[Service]
Restart=always
""")
    generate("life", [sleeper()])
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "life-default-network", *(["life-network"] if quadlet else []))


def started(program):
    def action():
        program.start()
        until(program.pid, interval=0.002)
    return milliseconds(action)


def restarted(program):
    """Milliseconds from the death of the container to its next life."""
    old = program.pid()
    def action():
        os.kill(old, 9)
        until(lambda: program.pid() not in (None, old), interval=0.002)
    return milliseconds(action)


def measure(figures, rounds):
    missing = podman_missing()
    install(not missing)
    run("docker", "pull", "--quiet", IMAGE)
    programs = {WHARF: Unit("life-s0.service", "life-s0"), API: EngineApi(), HAND: Unit("hand.service", "hand"), DOCKER: DockerRun()}
    if missing:
        figures.not_here(QUADLET, missing)
    else:
        programs[QUADLET] = QuadletUnit("quadlet.service", "quadlet")

    names = list(programs)
    figures.rounds = 3 * rounds
    for index in range(3 * rounds + 1):
        # Each comes after each of the others: what one leaves behind for the kernel to do is a burden on the next.
        for who in names[index % len(names):] + names[:index % len(names)]:
            took = started(programs[who])
            if index:
                figures.add("start to running", who, took)
            programs[who].stop()
            time.sleep(0.2)

    del programs[API]
    for program in programs.values():
        started(program)
    for _ in range(rounds):
        time.sleep(12)
        for who, program in programs.items():
            figures.add("crash to running", who, restarted(program))
            time.sleep(1)
        for program in programs.values():
            program.forget_crash()

    figures.compare("start to running", "ms", {API: 1.05})
    figures.compare("crash to running", "ms", {DOCKER: 1})
