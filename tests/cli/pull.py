#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""lw pull against a server on the loopback that interrupts, changes its mind, lies and stalls."""
import base64
import hashlib
import http.server
import json
import resource
import shutil
import signal
import subprocess
import threading

import lwtest
from lwtest import LIMIT, LW, MMPROJ, MODEL, TMP, Gguf, fails, main, test, wait_until, works

for variable in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
    lwtest.ENV.pop(variable, None)
lwtest.ENV["GIO_USE_PROXY_RESOLVER"] = "dummy"  # straight to the loopback whatever the desktop says

BODY = MODEL.read_bytes()
SHA = hashlib.sha256(BODY).hexdigest()
HALF = len(BODY) // 2
MODELS = TMP / "data" / "longwave" / "models"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        self.close_connection = True
        route = self.server.routes.get(self.path.split("?")[0])
        if route is None:
            self.send_error(404)
        else:
            route(self)

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Connection", "close")
        if length is not False:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        try:
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            pass  # the reader left


class Server:
    """with Server(path=route) as s: s.url, s.seen"""

    def __init__(self, routes):
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.routes, self.http.seen = routes, []
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    @property
    def seen(self):
        return self.http.seen

    def ranges(self):
        return [h.get("Range") for _, h in self.seen]


def serve(body=BODY, etag='"one"', stop_at=None, **headers):
    """A file with ranges; stop_at: the connection ends after so many bytes, as often as the list says."""
    stops = list(stop_at or [])

    def route(h):
        start, wanted = 0, h.headers.get("Range")
        if wanted and h.headers.get("If-Range") in (None, etag):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        extra = dict(headers, Accept_Ranges="bytes")
        if etag:
            extra["ETag"] = etag
        if start >= len(body):
            h.answer(416, Content_Range=f"bytes */{len(body)}", **extra)
            return
        if start:
            extra["Content_Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        end = stops.pop(0) if stops else len(body)
        h.answer(206 if start else 200, body[start:max(end, start)], length=len(body) - start, **extra)
    return route


def clean():
    shutil.rmtree(MODELS, ignore_errors=True)


def files():
    return sorted(p.name for p in MODELS.rglob("*") if p.is_file())


def check(name="m.gguf", body=BODY):
    assert (MODELS / "m" / name).read_bytes() == body
    assert not [f for f in files() if ".part" in f], files()


@test
def installs_and_runs():
    clean()
    with Server({"/x/m.gguf": serve()}) as s:
        done = works("pull", s.url + "/x/m.gguf?download=true")
    assert done.out == f"{MODELS}/m/m.gguf\n", done.out
    assert SHA in done.err and "not compared" in done.err and "golden a" in done.err, done.err
    check()
    args = ("--temp", "0", "--max-tokens", "4", "hello")
    assert works("run", "-m", "golden a", *args).out == works("run", "-m", MODEL, *args).out


@test
def json_and_vision_file():
    clean()
    with Server({"/m.gguf": serve(), "/vision.gguf": serve(MMPROJ.read_bytes())}) as s:
        data = json.loads(works("pull", "--json", "--sha256", SHA.upper(), "--mmproj", s.url + "/vision.gguf",
                                s.url + "/m.gguf").out)
    assert data["problem"] is None and data["name"] == "golden a", data
    model, vision = data["files"]
    assert model["verified"] == "given" and model["sha256"] == SHA and model["bytes"] == len(BODY)
    assert vision["path"] == f"{MODELS}/m/mmproj-vision.gguf" and vision["verified"] is None
    listed = json.loads(works("models", "--json").out)
    assert [m["vision"] for m in listed if m["name"] == "golden a"] == [True], listed


@test
def broken_connection_goes_on():
    """Twice in the middle: the program goes on by itself, with a range of the same file."""
    clean()
    with Server({"/m.gguf": serve(stop_at=[1000, HALF])}) as s:
        done = works("pull", "--sha256", SHA, s.url + "/m.gguf")
        ranges = s.ranges()
        assert all(h.get("If-Range") == '"one"' for _, h in s.seen[1:]), s.seen
    assert ranges == [None, "bytes=1000-", f"bytes={HALF}-"], ranges
    assert "trying again" in done.err and "as given" in done.err, done.err
    check()


def interrupted(url, *options):
    """Start, wait for half the bytes on the disk, interrupt; returns stderr."""
    process = subprocess.Popen([LW, "pull", *options, url], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, env=lwtest.ENV)
    part = MODELS / "m" / "m.gguf.part"
    wait_until(lambda: process.poll() is not None or part.exists() and part.stat().st_size >= HALF)
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=LIMIT)[1].decode()
    assert process.returncode == 1, error
    lines = [line for line in error.splitlines() if line.startswith("lw: ")]
    assert len(lines) == 1 and "stopped after" in lines[0] and "kept" in lines[0], error
    assert part.stat().st_size == HALF
    return error


def stalls(etag='"one"'):
    """Half the file, then silence until the reader leaves."""
    def route(h):
        h.answer(200, BODY[:HALF], length=len(BODY), ETag=etag)
        h.connection.settimeout(LIMIT)
        try:
            h.connection.recv(1)
        except OSError:
            pass
    return route


@test
def interrupt_keeps_the_part():
    clean()
    with Server({"/m.gguf": stalls()}) as s:
        interrupted(s.url + "/m.gguf")
        s.http.routes["/m.gguf"] = serve()
        data = json.loads(works("pull", "--json", s.url + "/m.gguf").out)
        assert s.ranges()[-1] == f"bytes={HALF}-"
    assert data["files"][0]["resumed_from"] == HALF and data["files"][0]["sha256"] == SHA
    check()


@test
def file_that_changed_on_the_server():
    """The old part is kept under another name, the new file comes from its beginning."""
    clean()
    other = BODY[:-4] + b"next"
    with Server({"/m.gguf": stalls()}) as s:
        interrupted(s.url + "/m.gguf")
        s.http.routes["/m.gguf"] = serve(other, etag='"two"')
        done = works("pull", s.url + "/m.gguf")
    assert "beginning again" in done.err and "m.gguf.part.old" in done.err, done.err
    assert (MODELS / "m" / "m.gguf").read_bytes() == other
    assert (MODELS / "m" / "m.gguf.part.old").read_bytes() == BODY[:HALF]


@test
def server_without_ranges():
    """The same ETag, and the whole file again: what is there already is passed over."""
    clean()
    with Server({"/m.gguf": stalls()}) as s:
        interrupted(s.url + "/m.gguf")
        s.http.routes["/m.gguf"] = lambda h: h.answer(200, BODY, ETag='"one"')
        works("pull", "--sha256", SHA, s.url + "/m.gguf")
    check()


@test
def nothing_says_that_it_is_the_same_file():
    clean()
    with Server({"/m.gguf": stalls(etag="W/weak")}) as s:
        interrupted(s.url + "/m.gguf")
        s.http.routes["/m.gguf"] = serve(etag=None)
        done = works("pull", "--sha256", SHA, s.url + "/m.gguf")
        assert s.ranges() == [None, None]
    assert "m.gguf.part.old" in done.err
    assert (MODELS / "m" / "m.gguf").read_bytes() == BODY


@test
def complete_part():
    """Interrupted between the last byte and the renaming."""
    clean()
    with Server({"/m.gguf": stalls()}) as s:
        interrupted(s.url + "/m.gguf")
        (MODELS / "m" / "m.gguf.part").write_bytes(BODY)
        s.http.routes["/m.gguf"] = serve()
        works("pull", "--sha256", SHA, s.url + "/m.gguf")
    check()


@test
def wrong_checksum_keeps_the_file():
    clean()
    wrong = "0" * 64
    with Server({"/m.gguf": serve()}) as s:
        for name in ("m.gguf.wrong-sha256", "m.gguf.wrong-sha256-2"):
            fails(("pull", "--sha256", wrong, s.url + "/m.gguf"), SHA, wrong, name + "$")
            assert (MODELS / "m" / name).read_bytes() == BODY
    assert files() == ["m.gguf.wrong-sha256", "m.gguf.wrong-sha256-2"]


@test
def announced_checksums():
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    for headers in ({"X_Linked_ETag": f'"{SHA}"'}, {"Docker_Content_Digest": f"sha256:{SHA}"},
                    {"Repr_Digest": f"sha-256=:{digest}:"}, {"Digest": f"sha-256={digest}"}):
        clean()
        with Server({"/m.gguf": serve(**headers)}) as s:
            done = works("pull", s.url + "/m.gguf")
            assert "as announced by the server" in done.err, (headers, done.err)
            # A lie is found before a byte is fetched when the caller knows better.
            clean()
            fails(("pull", "--sha256", "1" * 64, s.url + "/m.gguf"), SHA, "nothing was fetched")
    clean()
    with Server({"/m.gguf": serve(X_Linked_ETag='"' + "2" * 64 + '"')}) as s:
        fails(("pull", s.url + "/m.gguf"), "2" * 64, r"wrong-sha256")
    clean()
    with Server({f"/blobs/sha256:{SHA}": serve()}) as s:
        done = works("pull", s.url + f"/blobs/sha256:{SHA}")
    assert done.out == f"{MODELS}/sha256-{SHA}/sha256-{SHA}.gguf\n" and "as announced" in done.err


@test
def redirects():
    """The first answer may announce the checksum, as Hugging Face's does."""
    clean()
    routes = {"/m.gguf": lambda h: h.answer(302, Location="/cdn/1?sig=x", X_Linked_ETag=f'"{SHA}"'),
              "/cdn/1": serve(),
              "/loop": lambda h: h.answer(302, Location="/loop"),
              "/file.gguf": lambda h: h.answer(302, Location="file:///etc/passwd"),
              "/ftp.gguf": lambda h: h.answer(307, Location="ftp://127.0.0.1/x"),
              "/nowhere.gguf": lambda h: h.answer(301)}
    with Server(routes) as s:
        assert "as announced" in works("pull", s.url + "/m.gguf").err
        check()
        n = len(s.seen)
        fails(("pull", s.url + "/loop"), "more than 10 redirects")
        assert len(s.seen) == n + 11
        fails(("pull", s.url + "/file.gguf"), "file", "only http")
        fails(("pull", s.url + "/ftp.gguf"), "ftp", "only http")
        fails(("pull", s.url + "/nowhere.gguf"), "redirect without")
    assert files() == ["m.gguf"]


@test
def refusals_of_the_server():
    clean()
    routes = {"/gated.gguf": lambda h: h.answer(401), "/page.gguf": lambda h: h.answer(
        200, b"<!doctype html>", Content_Type="text/html; charset=utf-8"),
        "/text.gguf": lambda h: h.answer(200, b"version https://git-lfs.github.com/spec/v1\n"),
        "/empty.gguf": lambda h: h.answer(200)}
    with Server(routes) as s:
        fails(("pull", s.url + "/absent.gguf"), "404", r"absent\.gguf")
        fails(("pull", s.url + "/gated.gguf"), "401", "login")
        fails(("pull", s.url + "/page.gguf"), "web page")
        fails(("pull", s.url + "/text.gguf"), "not a GGUF file")
        fails(("pull", s.url + "/empty.gguf"), "not a GGUF file")
        assert len(s.seen) == 5, "a refusal is not asked again"
    assert files() == []


@test
def server_error_then_better():
    clean()
    answers = [lambda h: h.answer(500), lambda h: h.answer(503), serve()]
    with Server({"/m.gguf": lambda h: answers.pop(0)(h)}) as s:
        done = works("pull", "--sha256", SHA, s.url + "/m.gguf")
    assert "500" in done.err and "503" in done.err and "trying again (2 of 5)" in done.err, done.err
    check()


@test
def shorter_than_announced_for_good():
    """Every attempt brings some bytes and ends early; then none does."""
    clean()
    def route(h):
        start = int(h.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        extra = {"Content_Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"} if start else {}
        h.answer(206 if start else 200, BODY[start:start + 4096] if start < 8192 else b"",
                 length=len(BODY) - start, ETag='"one"', **extra)
    with Server({"/m.gguf": route}) as s:
        fails(("pull", "--retries", "1", s.url + "/m.gguf"), r"8192", "kept", "goes on from there")
    assert (MODELS / "m" / "m.gguf.part").read_bytes() == BODY[:8192]


@test
def more_than_announced_is_ignored():
    clean()
    with Server({"/m.gguf": lambda h: h.answer(200, BODY + b"more", length=len(BODY))}) as s:
        works("pull", "--sha256", SHA, s.url + "/m.gguf")
    check()


@test
def without_a_length():
    clean()
    def route(h):
        h.send_response(200)
        h.send_header("Transfer-Encoding", "chunked")
        h.end_headers()
        for at in range(0, len(BODY), 100000):
            chunk = BODY[at:at + 100000]
            h.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        h.wfile.write(b"0\r\n\r\n")
    with Server({"/m.gguf": route}) as s:
        works("pull", "--sha256", SHA, s.url + "/m.gguf")
    check()


@test
def existing_files_are_not_replaced():
    clean()
    with Server({"/m.gguf": serve(X_Linked_ETag=f'"{SHA}"'), "/plain/m.gguf": serve()}) as s:
        works("pull", s.url + "/m.gguf")
        for path in ("/m.gguf", "/plain/m.gguf"):
            assert "is there already" in works("pull", s.url + path).err
        target = MODELS / "m" / "m.gguf"
        other = BODY[:-1] + b"?"
        target.write_bytes(other)  # the same size
        fails(("pull", s.url + "/m.gguf"), "another file", SHA)
        target.write_bytes(b"mine")
        fails(("pull", s.url + "/plain/m.gguf"), "another file", r"\b4 bytes")
        assert target.read_bytes() == b"mine"
    assert files() == ["m.gguf"]


@test
def all_parts_of_a_split_model():
    clean()
    g, routes, names = Gguf(MODEL), {}, []
    for no in range(3):
        names.append(f"big-{no + 1:05}-of-00003.gguf")
        g.write_part(TMP / names[no], no, 3)
        routes["/r/" + names[no]] = serve((TMP / names[no]).read_bytes())
    with Server(routes) as s:
        done = works("pull", s.url + "/r/" + names[0] + "?download=true")
        assert [p for p, _ in s.seen] == [f"/r/{n}?download=true" for n in names], s.seen
        assert done.out == f"{MODELS}/big/{names[0]}\n" and "is ready" in done.err, done.err
        assert files() == names
        fails(("pull", "--sha256", SHA, s.url + "/r/" + names[0]), "a SHA-256 is for one file", "3 parts")
        # One part is missing on the server: the others stay.
        clean()
        del routes["/r/" + names[1]]
        fails(("pull", s.url + "/r/" + names[2]), "404", names[1])
        assert files() == [".download.ini", names[0]]  # what it is a part of is remembered


@test
def not_enough_space():
    clean()
    with Server({"/m.gguf": lambda h: h.answer(200, BODY, length=1 << 60)}) as s:
        fails(("pull", s.url + "/m.gguf"), str(1 << 60), "disk has", "free")
    assert files() == []


@test
def disk_that_fills_up():
    """No write goes beyond half the file: the part stays, and is used when there is room again."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, HALF))
    clean()
    with Server({"/m.gguf": serve()}) as s:
        done = subprocess.run([LW, "pull", s.url + "/m.gguf"], capture_output=True, env=lwtest.ENV, timeout=LIMIT,
                              preexec_fn=limit, restore_signals=False, check=False)
        done.err = done.stderr.decode()
        lwtest.check_failure("limited", done, [r"m\.gguf\.part", "File too large", str(HALF)])
        assert (MODELS / "m" / "m.gguf.part").read_bytes() == BODY[:HALF]
        works("pull", "--sha256", SHA, s.url + "/m.gguf")
        assert s.ranges() == [None, f"bytes={HALF}-"]
    check()


@test
def unwritable_folder():
    clean()
    MODELS.mkdir(parents=True)
    (MODELS / "m").write_bytes(b"")  # a file where the folder should be
    with Server({"/m.gguf": serve()}) as s:
        fails(("pull", s.url + "/m.gguf"), "m: cannot make the folder")
        assert s.seen == []
    clean()
    (MODELS / "m").mkdir(parents=True)
    (MODELS / "m" / "m.gguf.part").symlink_to(TMP / "elsewhere")
    with Server({"/m.gguf": serve()}) as s:
        fails(("pull", s.url + "/m.gguf"), "m.gguf.part")
    assert not (TMP / "elsewhere").exists()


@test
def bad_urls():
    fails(("pull",), "no URL")
    fails(("pull", "ftp://127.0.0.1/m.gguf"), "ftp")
    fails(("pull", "file:///etc/passwd"), "file")
    fails(("pull", "m.gguf"), "m.gguf", "URL")
    fails(("pull", "http://127.0.0.1/"), "names no file")
    fails(("pull", "--sha256", "abc", "http://127.0.0.1:9/m.gguf"), "abc", "64")
    fails(("pull", "--retries", "0", "http://127.0.0.1:9/m.gguf"), r"127\.0\.0\.1:9")
    fails(("pull", "--retries", "-1", "http://127.0.0.1:9/m.gguf"), "-1")
    line = fails(("pull", "--retries", "0", "http://user:secret@127.0.0.1:9/m.gguf?token=hidden"), "127")
    assert "secret" not in line and "hidden" not in line, line


@test
def unusable_model_is_told():
    clean()
    odd = BODY.replace(b"qwen2vl", b"qwenXvl")
    with Server({"/m.gguf": serve(odd)}) as s:
        done = works("pull", s.url + "/m.gguf")
    assert "cannot be used" in done.err and "qwenXvl" in done.err, done.err
    check(body=odd)


if __name__ == "__main__":
    main()
