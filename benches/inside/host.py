"""The test host as the parts see it: commands, the Engine API, processes, and Podman where it can run."""

import json
import os
import re
import socket
import subprocess
import time

IMAGE = "127.0.0.1:5000/busybox:1"
# In memory, as /run/systemd/generator is.
PLACE = "/run/bench"


def run(*command, check=True):
    # Without a timeout, with which Python asks for the end at ever longer intervals. benches/run ends a part that hangs.
    done = subprocess.run(command, capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    return path


def milliseconds(action):
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def until(condition, seconds=120, interval=0.1):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{condition} was not true within {seconds} s")
        time.sleep(interval)
    return value


def busy(seconds=3):
    """How much of the processors other programs use now, in percent."""
    def read():
        times = [int(part) for part in open("/proc/stat").readline().split()[1:9]]
        return sum(times), times[3] + times[4]
    total, idle = read()
    time.sleep(seconds)
    total_after, idle_after = read()
    return round(100 - 100 * (idle_after - idle) / (total_after - total))


def generate(name, services, head=""):
    """Installs the units of a stack. `services` is a list of the bodies of s0, s1, …"""
    text = "".join(f"[services.s{index}]\n{body}\n" for index, body in enumerate(services))
    run("wharf", "generate", write(f"{PLACE}/{name}.toml", f'name = "{name}"\n{head}{text}'))


def sleeper(more=""):
    return f'image = "{IMAGE}"\ncommand = ["sleep", "100000"]\nstop_signal = "SIGKILL"\n{more}'


# Engine API


def api(method, path, body=None):
    payload = json.dumps(body).encode() if body is not None else b""
    head = f"{method} {path} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
    answer = b""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect("/run/docker.sock")
        connection.sendall(head.encode() + payload)
        while part := connection.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    if int(head.split()[1]) >= 400:
        raise RuntimeError(f"{method} {path}: {body[:500].decode()}")
    return json.loads(body) if body.strip() else None


def docker_pid(name):
    """The process of a running container, or None."""
    try:
        state = api("GET", f"/containers/{name}/json")["State"]
    except RuntimeError:
        return None
    # 0 while the engine waits before it restarts the container.
    return state["Pid"] or None


def running():
    return len(api("GET", "/containers/json"))


# Processes


def processes(program):
    """The processes that execute a program of this file name."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == program:
                found.append(pid)
        except OSError:
            pass
    return found


def memory(pid):
    """Proportional set size, private memory and resident memory, in MB."""
    rollup = open(f"/proc/{pid}/smaps_rollup").read()
    fields = lambda name: sum(int(kilobytes) for kilobytes in re.findall(rf"^{name}:\s+(\d+)", rollup, re.MULTILINE)) / 1024
    return fields("Pss"), fields("Private_(?:Clean|Dirty)"), fields("Rss")


def scheduled(pid):
    """How often the kernel has run the threads of a process."""
    return sum(int(open(f"/proc/{pid}/task/{task}/schedstat").read().split()[2]) for task in os.listdir(f"/proc/{pid}/task"))


class Meter:
    """The processor time of this program's commands, to the microsecond: that of its control group without its own."""

    GROUP = "/sys/fs/cgroup/wharf-bench"

    def __init__(self):
        os.makedirs(self.GROUP, exist_ok=True)
        write(f"{self.GROUP}/cgroup.procs", str(os.getpid()))

    def milliseconds(self):
        used = re.search(r"^usage_usec (\d+)", open(f"{self.GROUP}/cpu.stat").read(), re.MULTILINE)
        return int(used[1]) / 1000 - time.process_time() * 1000


def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# Podman


def podman_missing():
    """Prepares Podman. Returns why it cannot run containers on this host, or None.

    A test host has no nft and may set no limits; its /var/lib/docker is on a disk, but overlays need a device file that it may not make.
    """
    write("/etc/containers/storage.conf",
          '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/docker/podman"\n')
    write("/etc/containers/containers.conf", '[containers]\npids_limit = 0\n[network]\nfirewall_driver = "iptables"\n')
    try:
        run("podman", "pull", "-q", "--tls-verify=false", IMAGE)
        run("podman", "run", "--rm", "--log-driver=journald", IMAGE, "true")
    except (OSError, RuntimeError) as error:
        return str(error).splitlines()[-1]
    return None
