"""`make up`: its starts, its ends, and what is killed under it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from django.conf import settings

from tableflow.embedded import processes
from tableflow.embedded.postgres import Postgres
from tableflow.supervisor import up as supervisor

# Longer than `make up` itself waits for its servers and then for the rest: how fast the machine is, is no matter here.
READY_SECONDS = supervisor.SERVER_SECONDS + supervisor.READY_SECONDS + 30
STOP_SECONDS = supervisor.USERS_STOP_SECONDS + supervisor.SERVERS_STOP_SECONDS + 30
READY_LINE = re.compile(r"^ready  (?P<url>\S+)  user: admin  password: (?P<password>.+)$", re.MULTILINE)
NOT_OF_THE_TESTS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEY", "MAKELEVEL")

pytestmark = pytest.mark.timeout(900)


def _hear_interrupts() -> None:
    """Whoever runs the tests in the background has them ignore SIGINT, and their children would."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Up:
    """One `make up` (or its supervisor alone) over a data folder of its own."""

    def __init__(self, home: Path, port: int, *command: str, output: str = "up.log", **env: str) -> None:
        self.home = home
        self.output_path = home.parent / output
        home.parent.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if name not in NOT_OF_THE_TESTS}
        self.env = {**kept, "TABLEFLOW_HOME": str(home), "PORT": str(port), "TABLEFLOW_DEMO": "0", **env}
        with self.output_path.open("wb") as log:
            self.process = subprocess.Popen(
                [*processes.leash("TERM"), *(command or (sys.executable, "-m", "tableflow.supervisor"))],
                cwd=settings.BASE_DIR,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_hear_interrupts,  # noqa: PLW1509  (no threads run here)
            )

    @property
    def output(self) -> str:
        return self.output_path.read_text()

    def ready(self) -> re.Match[str]:
        """Wait for the ready line."""
        found = processes.wait_until(
            lambda: READY_LINE.search(self.output) is not None or self.process.poll() is not None, seconds=READY_SECONDS
        )
        line = READY_LINE.search(self.output)
        assert found, self.output
        assert line, self.output
        return line

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop, and give the exit code; everything has to be gone in time."""
        self.process.send_signal(number)
        code = self.process.wait(STOP_SECONDS)
        assert self.parts() == []
        return code

    def parts(self) -> list[int]:
        """The processes that belong to it."""
        server = Postgres(self.home).running_pid()
        return sorted({*processes.marked(self.home), *([server] if server else [])})

    def pids(self, words: str) -> list[int]:
        """The processes of its own whose command line holds these words."""
        return [pid for pid in self.parts() if words in command_line(pid)]

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command on its data folder."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=settings.BASE_DIR, env=self.env, capture_output=True, text=True, timeout=60)


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path, port: int) -> Iterator[Callable[..., Up]]:
    """`start(*command, **env)` starts it; the same data folder and port each time."""
    started: list[Up] = []

    def start_one(*command: str, home: Path = tmp_path / "home", **env: str) -> Up:
        started.append(Up(home, port, *command, **env))
        return started[-1]

    yield start_one
    for up in started:
        if up.process.poll() is None:
            up.process.terminate()
            up.process.wait(3 * STOP_SECONDS)
        processes.end(up.parts(), signal.SIGKILL, seconds=5)


def logged_in(url: str, password: str) -> bool:
    with httpx2.Client(base_url=url) as browser:
        browser.get("/admin/login/")
        form = {"username": "admin", "password": password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        answer = browser.post("/admin/login/?next=/admin/", data=form, headers={"Referer": url})
        return answer.status_code == httpx2.codes.FOUND


def readable_logs(url: str, token: str) -> list[str]:
    """The names of the workers, their machine left out, whose logs the server shows."""
    with httpx2.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}) as program:
        names = [worker["name"] for worker in program.get("/workers/").json()["results"]]
        answers = {name: program.get(f"/workers/{name}/log/?lines=1000") for name in names}
    return [name.partition("@")[0] for name, answer in answers.items() if "lines" in answer.json()]


def test_a_first_start_makes_all_one_beside_it_is_refused_and_one_after_it_keeps_all(start: Callable[..., Up]) -> None:
    up = start()
    first = up.ready()
    assert logged_in(first["url"], first["password"])
    assert httpx2.get(f"{first['url']}{settings.STATIC_URL}admin/css/base.css").status_code == httpx2.codes.OK
    token = up.manage("createtoken", "admin")
    assert re.fullmatch(r"\S{32,}\n", token.stdout), token.stderr
    assert {part.rstrip("-0123456789") for part in readable_logs(first["url"], token.stdout.strip())} == {
        "control",
        "express",
        "worker",
    }
    assert up.manage("doctor").returncode == 0

    second = Up(up.home, 1, output="second.log")
    assert second.process.wait(30) == 1
    assert f"in use by make up (process {up.process.pid})" in second.output
    assert up.stop() == 0

    assert up.manage("createtoken", "admin").returncode == 0
    unknown = up.manage("createtoken", "nobody")
    assert unknown.returncode == 1
    assert unknown.stdout == ""
    assert "createsuperuser" in unknown.stderr
    doctor = up.manage("doctor")
    assert doctor.returncode == 1
    assert "ok     database" in doctor.stdout
    assert "WRONG  workers" in doctor.stdout
    assert up.parts() == []

    again = start("make", "--no-print-directory", "up")
    ready = again.ready()
    assert ready["password"] == "(as set on the first start)"
    assert logged_in(ready["url"], first["password"])
    # Sent to make alone, as no terminal does: make passes it on to nobody, and dies of it when its child has ended.
    assert again.stop(signal.SIGINT) == -signal.SIGINT
    logs = "".join(log.read_text() for log in (again.home / "logs").glob("*.log"))
    assert "Traceback" not in logs
    assert not re.search(r"\b(ERROR|CRITICAL|Warning:)", logs), logs


def test_what_is_killed_is_started_again(start: Callable[..., Up], tmp_path: Path) -> None:
    too_deep_for_a_socket = tmp_path / ("deep " * 12) / ("er" * 20) / "home"
    up = start(home=too_deep_for_a_socket, TABLEFLOW_ADMIN_PASSWORD="chosen")
    ready = up.ready()
    assert ready["password"] == "chosen"
    url = ready["url"]
    for words in ("app worker", "uvicorn", "app beat", "redis-server", "postgres -D"):
        before = up.pids(words)
        os.kill(before[0], signal.SIGKILL)
        assert processes.wait_until(
            lambda words=words, before=before: len({*up.pids(words)} - {before[0]}) == len(before),  # type: ignore[misc]
            seconds=60,
        ), words
    assert processes.wait_until(lambda: answers(url + "/readyz"), seconds=60), up.output
    assert up.stop() == 0
    assert "had ended and was started again" in up.output


def answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=10).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False


def test_a_killed_supervisor_stops_nothing_from_starting_again(start: Callable[..., Up]) -> None:
    first = start()
    first.ready()
    first.process.kill()
    first.process.wait()

    second = start()
    second.ready()
    os.kill(second.pids("supervisor.supervisord")[0], signal.SIGKILL)
    assert second.process.wait(STOP_SECONDS) == 1
    assert "supervisord ended" in second.output

    third = start()
    third.ready()
    assert third.stop() == 0


def test_a_port_in_use_is_told_before_anything_starts(start: Callable[..., Up], port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        up = start()
        assert up.process.wait(30) == 1
    assert f"127.0.0.1:{port} cannot be used (Address already in use)" in up.output
    assert up.parts() == []
    assert not (up.home / "postgres").exists()


def test_an_odd_setting_is_told_in_a_sentence(start: Callable[..., Up]) -> None:
    up = start(WEB_CONCURRENCY="many")
    assert up.process.wait(30) == 1
    assert "WEB_CONCURRENCY='many' cannot be used" in up.output
    assert "Traceback" not in up.output
    assert up.parts() == []
