#!/usr/bin/env python3
"""Runs a test program beside a real server of its own, in a temporary folder and on unix sockets.

    with_server.py postgres|redis|https|mariadb PROGRAM [ARGUMENTS]

The program finds the server by its environment: PGHOST, REDIS_SOCKET, REDIS_PORT, HTTPS_URL and HTTPS_CA, MARIADB_SOCKET.
77 when the server is not installed.
"""

import contextlib
import glob
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE = 60
SKIPPED = 77


def wait_until(what, ready, process):
    end = time.monotonic() + PATIENCE
    while not ready():
        if process.poll() is not None:
            sys.exit("%s has ended with status %d" % (what, process.returncode))
        if time.monotonic() > end:
            sys.exit("%s did not come up in %d s" % (what, PATIENCE))
        time.sleep(0.05)


def someone_else(name, folder):
    """How to run a program that refuses to be root, in a folder that becomes its own."""
    if os.getuid() != 0:
        return {}
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        user = pwd.getpwnam("nobody")
    os.chmod(folder, 0o755)
    for path in [folder] + list(folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def quiet(command, **more):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, cwd="/", **more)


@contextlib.contextmanager
def running(command, what, ready, stop=signal.SIGTERM, log=None, **more):
    with open(log or os.devnull, "wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd="/", **more)
    try:
        wait_until(what, ready, process)
        yield
    finally:
        process.send_signal(stop)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(path):
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(str(path)) == 0


@contextlib.contextmanager
def postgres(folder):
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not found:
        sys.exit(SKIPPED)
    tools = pathlib.Path(found[-1])
    as_user = someone_else("postgres", folder)
    data = folder / "data"
    quiet([tools / "initdb", "-D", data, "-U", "test", "-A", "trust", "-N", "--no-instructions"], **as_user)
    command = [tools / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "max_connections=150",
               "-c", "fsync=off", "-c", "shared_buffers=16MB"]
    # Its socket is there before it takes connections.
    ready = ["psql", "-h", str(folder), "-U", "test", "-d", "postgres", "-c", "select 1"]
    with running(command, "postgres", lambda: subprocess.run(ready, stdout=subprocess.DEVNULL,
                                                             stderr=subprocess.DEVNULL).returncode == 0,
                 stop=signal.SIGINT, **as_user):
        yield {"PGHOST": str(folder), "PGUSER": "test", "PGDATABASE": "postgres"}


@contextlib.contextmanager
def redis(folder):
    if not shutil.which("redis-server"):
        sys.exit(SKIPPED)
    path = folder / "redis.sock"
    with running(["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder], "redis-server",
                 lambda: path.exists() and answers(path)):
        yield {"REDIS_SOCKET": str(path)}


def certificate(folder):
    quiet(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
           "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", folder / "key.pem", "-out",
           folder / "cert.pem"])


@contextlib.contextmanager
def https(folder):
    if not shutil.which("nginx"):
        sys.exit(SKIPPED)
    certificate(folder)
    with socket.socket() as s:  # nginx cannot say which port it was given
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    (folder / "page").write_text("hello\n" * 10000)
    (folder / "nginx.conf").write_text("""
        daemon off; master_process off; pid %(f)s/pid; error_log %(f)s/error.log;
        events { worker_connections 1024; }
        http { access_log off; default_type text/plain;
               client_body_temp_path %(f)s/b; proxy_temp_path %(f)s/p; fastcgi_temp_path %(f)s/f;
               uwsgi_temp_path %(f)s/u; scgi_temp_path %(f)s/s;
               server { listen 127.0.0.1:%(p)d ssl; ssl_certificate %(f)s/cert.pem; ssl_certificate_key %(f)s/key.pem;
                        root %(f)s; location /slow { limit_rate 50k; try_files /page =404; } } }
        """ % {"f": folder, "p": port})

    def ready():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    with running(["nginx", "-e", folder / "error.log", "-c", folder / "nginx.conf"], "nginx", ready):
        yield {"HTTPS_URL": "https://localhost:%d" % port, "HTTPS_CA": str(folder / "cert.pem")}


@contextlib.contextmanager
def mariadb(folder):
    if not shutil.which("mariadbd"):
        sys.exit(SKIPPED)
    data, path = folder / "data", folder / "mariadb.sock"
    data.mkdir()
    as_user = someone_else("mysql", folder)
    quiet(["mariadb-install-db", "--no-defaults", "--datadir=%s" % data, "--auth-root-authentication-method=normal",
           "--skip-test-db", "--innodb-log-file-size=8M"], **as_user)
    command = ["mariadbd", "--no-defaults", "--datadir=%s" % data, "--socket=%s" % path, "--skip-networking",
               "--pid-file=%s" % (folder / "pid"), "--skip-grant-tables", "--innodb-log-file-size=8M"]
    with running(command, "mariadbd", lambda: path.exists() and answers(path), **as_user):
        yield {"MARIADB_SOCKET": str(path)}


def main():
    servers = {"postgres": postgres, "redis": redis, "https": https, "mariadb": mariadb}
    with tempfile.TemporaryDirectory(prefix="green-") as name:
        folder = pathlib.Path(name)
        with servers[sys.argv[1]](folder) as environment:
            program = subprocess.run(sys.argv[2:], env=dict(os.environ, **environment))
            return program.returncode if program.returncode >= 0 else 128 - program.returncode


if __name__ == "__main__":
    sys.exit(main())
