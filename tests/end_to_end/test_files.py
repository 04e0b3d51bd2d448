"""Files of a folder: what is found, what is not to be seen, conditional requests, ranges, folders."""

import os
import re
import socket
import threading

from harness import Case, main
from patience import wait_for
from wire import get, post

LARGE = 3 * 1024 * 1024 + 77  # more than a pipe holds


class Files(Case):
    def setUp(self):
        super().setUp()
        self.root = self.path("www")
        os.makedirs(self.root)

    def put(self, name, content=b"", mtime=None):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        if mtime is not None:
            os.utime(path, (mtime, mtime))
        return path

    def serve(self, route="", **sections):
        return self.proxy(extra="[route files]\nroot = %s\n%s\n" % (self.root, route), **sections)

    def ask(self, proxy, path, extra="", method="GET"):
        with proxy.dial() as wire:
            return wire.exchange(get(path, extra=extra).replace(b"GET", method.encode(), 1), method)


class Finding(Files):
    def test_a_file(self):
        self.put("a/style.css", b"body {}", 784111777)
        proxy = self.serve()
        answer = self.ask(proxy, "/a/style.css?v=3")
        self.assertEqual((answer.status, answer.body), (200, b"body {}"))
        self.assertEqual(answer.get("Content-Type"), "text/css; charset=utf-8")
        self.assertEqual(answer.get("Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT")
        self.assertRegex(answer.get("ETag"), r'^"[0-9a-f.-]+"$')
        self.assertEqual(answer.get("Accept-Ranges"), "bytes")
        self.assertTrue(answer.has("Date"))
        self.assertFalse(answer.has("Cache-Control"))
        self.assertFalse(answer.has("Vary"))

    def test_sizes_arrive_as_they_are(self):
        proxy = self.serve()
        for size in (0, 1, 2047, 2049, 16384, 16385, 65535, 65536, 1 << 20, LARGE):
            content = os.urandom(size)
            self.put("file.bin", content)
            for times in range(2):
                answer = self.ask(proxy, "/file.bin")
                self.assertEqual(answer.status, 200)
                self.assertTrue(answer.body == content, size)
        entry = proxy.access_log(20)[-1]
        self.assertEqual((entry["bytes_out"], entry["route"], entry["upstream"]), (LARGE, "files", None))

    def test_files_that_are_on_the_disk_alone(self):
        proxy = self.serve()
        for size in (1, 5000, 100000, LARGE):
            content = os.urandom(size)
            path = self.put("cold.bin", content)
            for times in range(2):
                with open(path, "rb") as file:  # out of memory with it, as far as the file system has a disk
                    os.fsync(file.fileno())
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                self.assertTrue(self.ask(proxy, "/cold.bin").body == content, size)
            ranges = self.ask(proxy, "/cold.bin", "Range: bytes=0-0,-1\r\n")
            self.assertEqual(ranges.status, 206)

    def test_a_keepalive_connection_carries_many(self):
        self.put("a", b"first")
        self.put("b", os.urandom(LARGE))
        proxy = self.serve()
        with proxy.dial() as wire:
            for times in range(3):
                self.assertEqual(wire.exchange(get("/a")).body, b"first")
                self.assertEqual(len(wire.exchange(get("/b")).body), LARGE)
                self.assertEqual(wire.exchange(get("/none")).status, 404)
            wire.send(get("/a") + get("/b") + get("/none") + get("/a"))
            self.assertEqual([len(wire.final().body) for times in range(2)], [5, LARGE])
            self.assertEqual([wire.final().status for times in range(2)], [404, 200])

    def test_head(self):
        self.put("a.txt", b"x" * 5000)
        proxy = self.serve()
        with proxy.dial() as wire:
            answer = wire.exchange(b"HEAD /a.txt HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\n\r\n", "HEAD")
            self.assertEqual((answer.status, answer.get("Content-Length")), (200, "5000"))  # ranges are for GET
            self.assertEqual(wire.exchange(get("/a.txt")).status, 200)

    def test_other_methods_are_refused(self):
        self.put("a.txt")
        proxy = self.serve()
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"):
            answer = self.ask(proxy, "/a.txt", method=method)
            self.assertEqual((answer.status, answer.get("Allow")), (405, "GET, HEAD"), method)
            self.assert_own_page(answer)
        entry = proxy.access_log(6)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("method_not_allowed", "root"))
        self.assertRegex(entry["origin"], r"greenway\.ini:\d+$")

    def test_a_body_of_a_get_is_read_away(self):
        self.put("a", b"here")
        proxy = self.serve()
        with proxy.dial() as wire:
            wire.send(post("/a", b"x" * 100).replace(b"POST", b"GET", 1))
            self.assertEqual(wire.final().body, b"here")
            self.assertEqual(wire.exchange(get("/a")).body, b"here")

    def test_a_body_that_does_not_come_ends_the_connection(self):
        self.put("a", b"here")
        proxy = self.serve()
        with proxy.dial() as wire:
            wire.send(b"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
            answer = wire.final()
            self.assertEqual(answer.body, b"here")
            self.assertIn("close", answer.tokens("Connection"))

    def test_http_1_0(self):
        self.put("a", b"here")
        with self.serve().dial() as wire:
            wire.send(b"GET /a HTTP/1.0\r\n\r\n")
            self.assertEqual(wire.final().body, b"here")
            self.assertTrue(wire.closed_cleanly())

    def test_the_root_may_be_exchanged(self):
        os.makedirs(self.path("one"))
        os.makedirs(self.path("two"))
        for name in ("one", "two"):
            with open(self.path(name + "/a"), "w") as file:
                file.write(name)
        os.rmdir(self.root)
        os.symlink("one", self.root)
        proxy = self.serve()
        self.assertEqual(self.ask(proxy, "/a").body, b"one")
        os.symlink("two", self.path("next"))
        os.rename(self.path("next"), self.root)
        self.assertEqual(self.ask(proxy, "/a").body, b"two")

    def test_a_root_that_is_not_there(self):
        os.rmdir(self.root)
        proxy = self.serve()
        self.assertEqual(self.ask(proxy, "/a").status, 404)
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("root_not_found", "root"))
        self.put("a", b"now")
        self.assertEqual(self.ask(proxy, "/a").body, b"now")


class Hidden(Files):
    def test_no_way_out(self):
        secret = self.path("secret")
        with open(secret, "w") as file:
            file.write("SECRET")
        self.put("sub/file", b"inside")
        os.symlink("../secret", os.path.join(self.root, "link"))
        os.symlink(secret, os.path.join(self.root, "absolute"))
        os.symlink("..", os.path.join(self.root, "up"))
        os.symlink("../../secret", os.path.join(self.root, "sub/link"))
        os.symlink("/proc/self/root" + secret, os.path.join(self.root, "magic"))
        os.symlink("sub/file", os.path.join(self.root, "inner"))
        os.symlink("around", os.path.join(self.root, "around"))
        proxy = self.serve("dotfiles = on")
        self.assertEqual(self.ask(proxy, "/inner").body, b"inside")
        dots = ("..", "%2e%2e", ".%2e", "%2E.", "..;", "%c0%ae%c0%ae", "%252e%252e", "..%00", "%u002e%u002e")
        slashes = ("/", "%2f", "%5c", "\\", "%c0%af", "%252f", "//", "/./", "%2f%2e/")
        paths = ["/link", "/absolute", "/up/secret", "/sub/link", "/magic", "/around", "//secret", "/" + secret,
                 "/sub/..//../secret", "/file:///" + secret, "/sub/file/../../../secret", "/secret%00.html",
                 "/sub/file%00", "/link/", "/up/../secret", "/inner/../../secret", "/%2f" + secret[1:]]
        paths += ["/" + dot + slash + "secret" for dot in dots for slash in slashes]
        paths += ["/sub" + slash + dot + slash + dot + slash + "secret" for dot in dots for slash in slashes]
        for path in paths:
            answer = self.ask(proxy, path)
            self.assertIn(answer.status, (400, 404), path)
            self.assertNotIn(b"SECRET", answer.body, path)

    def test_what_is_no_file_is_not_there(self):
        os.mkfifo(os.path.join(self.root, "fifo"))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.join(self.root, "socket"))
            proxy = self.serve()
            for path in ("/fifo", "/socket", "/fifo/", "/none", "/none/"):
                self.assertEqual(self.ask(proxy, path).status, 404, path)
        entry = proxy.access_log(5)[0]
        self.assertEqual((entry["reason"], entry["directive"]), ("file_not_found", "root"))

    def test_names_that_start_with_a_dot(self):
        self.put(".env", b"password")
        self.put(".git/config", b"config")
        self.put("a/.hidden/b", b"b")
        self.put(".well-known/acme-challenge/token", b"token")
        proxy = self.serve()
        for path in ("/.env", "/%2eenv", "/.git/config", "/.git", "/.git/", "/a/.hidden/b", "/./.env"):
            self.assertEqual(self.ask(proxy, path).status, 404, path)
        self.assertEqual(self.ask(proxy, "/.well-known/acme-challenge/token").body, b"token")
        proxy = self.serve("dotfiles = on")
        self.assertEqual(self.ask(proxy, "/.env").body, b"password")
        self.assertEqual(self.ask(proxy, "/a/.hidden/b").body, b"b")

    def test_odd_names(self):
        names = ["one two", "\u00e4\u00f6\u00fc", "100%", "a+b", "a&b=c", "a;b", "#", "q?", "'", "\"", "<b>", "C:"]
        for name in names:
            self.put(name, name.encode())
        proxy = self.serve()
        for name in names:
            path = "/" + "".join("%%%02x" % byte for byte in name.encode())
            self.assertEqual(self.ask(proxy, path).body, name.encode(), path)

    def test_an_unreadable_file(self):
        if os.geteuid() == 0:
            self.skipTest("root may read everything")
        os.chmod(self.put("a"), 0)
        self.assertEqual(self.ask(self.serve(), "/a").status, 403)

    def test_long_names(self):
        proxy = self.serve(listener="max_target = 16k\nmax_head = 32k")
        for path in ("/" + "a" * 256, "/" + "a/" * 4000, "/" + "a/" * 2040 + "b"):
            self.assertEqual(self.ask(proxy, path).status, 404, len(path))


class Folders(Files):
    def test_an_index(self):
        self.put("index.html", b"top")
        self.put("sub/index.html", b"sub")
        self.put("none/file")
        proxy = self.serve()
        self.assertEqual(self.ask(proxy, "/").body, b"top")
        answer = self.ask(proxy, "/sub/")
        self.assertEqual((answer.body, answer.get("Content-Type")), (b"sub", "text/html; charset=utf-8"))
        for path in ("/none/", "/index.html/", "/sub/index.html/", "/nowhere/"):
            self.assertEqual(self.ask(proxy, path).status, 404, path)

    def test_indexes_in_their_order(self):
        self.put("a/home.txt", b"home")
        self.put("b/home.txt", b"home")
        self.put("b/index.htm", b"index")
        os.makedirs(os.path.join(self.root, "c/index.htm"))
        proxy = self.serve("index = index.htm, home.txt")
        self.assertEqual([self.ask(proxy, path).body for path in ("/a/", "/b/")], [b"home", b"index"])
        self.assertEqual(self.ask(proxy, "/c/").status, 404)

    def test_a_missing_slash_is_added(self):
        self.put("one two/index.html")
        proxy = self.serve()
        for path, location in (("/one%20two", "/one%20two/"), ("/one%20two?a=b&c=//d", "/one%20two/?a=b&c=//d"),
                               ("/x/../one%20two", "/one%20two/"), ("/.//../one%20two", "/one%20two/")):
            answer = self.ask(proxy, path)
            self.assertEqual((answer.status, answer.get("Location"), answer.body), (301, location, b""), path)

    def test_no_redirect_leads_elsewhere(self):
        os.makedirs(os.path.join(self.root, "evil.example"))
        proxy = self.serve()
        for path in ("//evil.example", "///evil.example", "/.//evil.example", "/a/..//evil.example",
                     "/%2fevil.example", "/\\evil.example", "/%5cevil.example", "/%09/evil.example",
                     "http://h.example//evil.example", "//evil.example/%2e%2e", "/evil.example%0d%0aX: y"):
            answer = self.ask(proxy, path)
            self.assertIn(answer.status, (400, 404), path)
            self.assertFalse(answer.has("Location"), path)

    def test_a_fallback(self):
        self.put("index.html", b"the application")
        self.put("app.js", b"code")
        proxy = self.serve("fallback = /index.html")
        self.assertEqual(self.ask(proxy, "/app.js").body, b"code")
        for path in ("/users/7", "/users/", "/app.js/x"):
            answer = self.ask(proxy, path)
            self.assertEqual((answer.status, answer.body), (200, b"the application"), path)
            self.assertEqual(answer.get("Content-Type"), "text/html; charset=utf-8")
        self.assertEqual(self.ask(proxy, "/.git/x").status, 404)
        os.unlink(os.path.join(self.root, "index.html"))
        self.assertEqual(self.ask(proxy, "/users/7").status, 404)

    def test_no_list_unless_asked_for(self):
        self.put("a/b")
        self.assertEqual(self.ask(self.serve(), "/a/").status, 404)

    def test_a_list(self):
        names = ["plain.txt", "<script>alert(1)</script>", "a&b", "\"quoted\"", "javascript:alert(1)", "\u00e4 b"]
        for name in names:
            self.put("dir/" + name.replace("/", "\u2215"), b"12345")
        self.put("dir/sub/x")
        self.put("dir/.hidden")
        os.mkfifo(os.path.join(self.root, "dir/fifo"))
        proxy = self.serve("list = on")
        answer = self.ask(proxy, "/dir/")
        page = answer.body.decode()
        self.assertEqual((answer.status, answer.get("Content-Type")), (200, "text/html; charset=utf-8"))
        self.assertIn("default-src 'none'", answer.get("Content-Security-Policy"))
        self.assertNotIn("<script>", page)
        self.assertNotIn(".hidden", page)
        self.assertNotIn("fifo", page)
        self.assertIn('<a href="../">', page)
        links = re.findall(r'<a href="(\./[^"]*)">', page)
        self.assertEqual(len(links), len(names) + 1)
        self.assertEqual(links[0], "./sub/")
        for link in links[1:]:
            self.assertEqual(self.ask(proxy, "/dir/" + link[2:]).body, b"12345", link)
        self.assertEqual(self.ask(proxy, "/dir").status, 301)
        self.assertNotIn("../", self.ask(proxy, "/").body.decode())
        self.assertEqual(self.ask(proxy, "/", method="HEAD").status, 200)
        self.assertEqual(self.ask(proxy, "/none/").status, 404)
        self.assertEqual(self.ask(proxy, "/dir/plain.txt/").status, 404)

    def test_a_long_list_has_an_end(self):
        for number in range(10050):
            self.put("many/%05d" % number)
        page = self.ask(self.serve("list = on"), "/many/").body.decode()
        self.assertEqual(len(re.findall(r'href="\./', page)), 10000)
        self.assertIn("There are more", page)


class Conditions(Files):
    def test_not_modified(self):
        self.put("a.txt", b"content", 784111777)
        proxy = self.serve("cache_control = public, max-age=60")
        first = self.ask(proxy, "/a.txt")
        self.assertEqual(first.get("Cache-Control"), "public, max-age=60")
        for field in ("If-None-Match: " + first.get("ETag"), "If-None-Match: W/" + first.get("ETag"),
                      "If-None-Match: \"x\", " + first.get("ETag"), "If-None-Match: *",
                      "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
                      "If-Modified-Since: Monday, 07-Nov-94 08:49:37 GMT"):
            for method in ("GET", "HEAD"):
                answer = self.ask(proxy, "/a.txt", field + "\r\n", method)
                self.assertEqual((answer.status, answer.body), (304, b""), field)
                self.assertEqual(answer.get("ETag"), first.get("ETag"))
                self.assertEqual(answer.get("Cache-Control"), "public, max-age=60")
        for field in ("If-None-Match: \"x\"", "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT",
                      "If-Modified-Since: nonsense", "If-None-Match: nonsense"):
            self.assertEqual(self.ask(proxy, "/a.txt", field + "\r\n").status, 200, field)
        with proxy.dial() as wire:  # a 304 has no body, whatever the next one has
            wire.send(get("/a.txt", extra="If-None-Match: *\r\n") + get("/a.txt"))
            self.assertEqual([wire.final().status, wire.final().body], [304, b"content"])

    def test_failed(self):
        self.put("a.txt", b"content", 784111777)
        proxy = self.serve()
        tag = self.ask(proxy, "/a.txt").get("ETag")
        for field in ("If-Match: \"x\"", "If-Match: W/" + tag,
                      "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT"):
            self.assertEqual(self.ask(proxy, "/a.txt", field + "\r\n").status, 412, field)
        for field in ("If-Match: " + tag, "If-Match: *", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT"):
            self.assertEqual(self.ask(proxy, "/a.txt", field + "\r\n").status, 200, field)
        self.assertEqual(self.ask(proxy, "/none", "If-Match: *\r\n").status, 404)

    def test_another_file_has_another_tag(self):
        proxy = self.serve()
        tags = set()
        self.put("a", b"one", 784111777)
        tags.add(self.ask(proxy, "/a").get("ETag"))
        self.put("a", b"three", 784111777)  # another length
        tags.add(self.ask(proxy, "/a").get("ETag"))
        self.put("a", b"three", 784111778)  # another time
        tags.add(self.ask(proxy, "/a").get("ETag"))
        self.put("b", b"THREE", 784111778)  # another file of that time and length
        os.rename(os.path.join(self.root, "b"), os.path.join(self.root, "a"))
        tags.add(self.ask(proxy, "/a").get("ETag"))
        self.assertEqual(len(tags), 4)

    def test_a_date_to_come_is_not_told(self):
        self.put("a", b"x", 4102444799)
        answer = self.ask(self.serve(), "/a")
        self.assertNotIn("2099", answer.get("Last-Modified"))


class Ranges(Files):
    def setUp(self):
        super().setUp()
        self.content = os.urandom(LARGE)
        self.put("a.bin", self.content)
        self.put("a.txt", bytes(range(256)) * 40)
        self.put("empty", b"")

    def test_one_range(self):
        proxy = self.serve()
        for field, first, last in (("0-0", 0, 0), ("5-", 5, LARGE - 1), ("-5", LARGE - 5, LARGE - 1),
                                   ("1000-1000000", 1000, 1000000), ("70000-99999999999", 70000, LARGE - 1),
                                   ("-99999999999999999999999", 0, LARGE - 1), ("1048575-1048577", 1048575, 1048577),
                                   ("0-9,10-19", 0, 19), ("0-9,5-7", 0, 9)):
            answer = self.ask(proxy, "/a.bin", "Range: bytes=%s\r\n" % field)
            self.assertEqual(answer.status, 206, field)
            self.assertEqual(answer.get("Content-Range"), "bytes %d-%d/%d" % (first, last, LARGE))
            self.assertTrue(answer.body == self.content[first:last + 1], field)

    def test_what_cannot_be_satisfied(self):
        proxy = self.serve()
        for field in ("%d-" % LARGE, "-0", "99999999999999999999999-", "%d-%d" % (LARGE, LARGE + 1)):
            answer = self.ask(proxy, "/a.bin", "Range: bytes=%s\r\n" % field)
            self.assertEqual((answer.status, answer.get("Content-Range")), (416, "bytes */%d" % LARGE), field)
            self.assertEqual(proxy.exchange(get("/a.txt")).status, 200)

    def test_what_is_ignored(self):
        proxy = self.serve()
        for field in ("bytes=5-4", "lines=0-1", "bytes=", "bytes=a", "bytes=0-1\r\nRange: bytes=0-1",
                      "bytes=" + ",".join("%d-%d" % (at * 200, at * 200) for at in range(17)),
                      "bytes=" + "0-," * 1300):
            answer = self.ask(proxy, "/a.txt", "Range: %s\r\n" % field)
            self.assertEqual((answer.status, len(answer.body)), (200, 10240), field)
        for field in ("0-", "-1"):
            self.assertEqual(self.ask(proxy, "/empty", "Range: bytes=%s\r\n" % field).status, 200)

    def parts(self, answer):
        """The parts of a multipart body: their Content-Range and their bytes."""
        self.assertEqual(answer.status, 206)
        self.assertFalse(answer.has("Content-Range"))
        boundary = re.fullmatch(r"multipart/byteranges; boundary=([0-9a-f]{32})", answer.get("Content-Type")).group(1)
        pieces = (b"\r\n" + answer.body).split(b"\r\n--" + boundary.encode())
        self.assertEqual((pieces[0], pieces[-1]), (b"", b"--\r\n"))
        parts = []
        for piece in pieces[1:-1]:
            head, _, body = piece.partition(b"\r\n\r\n")
            self.assertIn(b"Content-Type: ", head)
            parts.append((re.search(rb"Content-Range: (.*)", head).group(1).decode(), body))
        return parts

    def test_several_ranges(self):
        proxy = self.serve()
        for spans in (((0, 0), (500, 600)), ((LARGE - 1, LARGE - 1), (0, 9), (100000, 300000)),
                      tuple((at * 1000, at * 1000 + 80) for at in range(16)), ((0, 1200000), (1300000, 2900000))):
            field = "Range: bytes=%s\r\n" % ", ".join("%d-%d" % span for span in spans)
            with proxy.dial() as wire:
                answer = wire.exchange(get("/a.bin", extra=field))
                self.assertEqual(self.parts(answer), [("bytes %d-%d/%d" % (first, last, LARGE),
                                                       self.content[first:last + 1]) for first, last in spans])
                self.assertEqual(wire.exchange(get("/empty")).status, 200)
        self.assertEqual(self.ask(proxy, "/a.bin", field, "HEAD").status, 200)

    def test_overlapping_ranges_cost_no_more_than_the_file(self):
        proxy = self.serve()
        answer = self.ask(proxy, "/a.txt", "Range: bytes=0-,1-,2-,3-,-10000,5-9\r\n")
        self.assertEqual((answer.status, len(answer.body)), (206, 10240))
        answer = self.ask(proxy, "/a.txt", "Range: bytes=0-99,9000-9099,50-149\r\n")
        self.assertEqual([part[0] for part in self.parts(answer)], ["bytes 0-149/10240", "bytes 9000-9099/10240"])

    def test_if_range(self):
        os.utime(os.path.join(self.root, "a.txt"), (784111777, 784111777))
        proxy = self.serve()
        tag = self.ask(proxy, "/a.txt").get("ETag")
        for condition, status in ((tag, 206), ("Sun, 06 Nov 1994 08:49:37 GMT", 206), ("\"x\"", 200), ("W/" + tag, 200),
                                  ("Sun, 06 Nov 1994 08:49:38 GMT", 200), ("x", 200)):
            answer = self.ask(proxy, "/a.txt", "Range: bytes=0-1\r\nIf-Range: %s\r\n" % condition)
            self.assertEqual(answer.status, status, condition)
        answer = self.ask(proxy, "/a.txt", "Range: bytes=0-1\r\nIf-None-Match: %s\r\n" % tag)
        self.assertEqual(answer.status, 304)

    def test_curl_resumes(self):
        proxy = self.serve()
        half = self.path("half")
        with open(half, "wb") as file:
            file.write(self.content[:LARGE // 2])
        self.curl("-C", "-", "-o", half, proxy.url("/a.bin"))
        with open(half, "rb") as file:
            self.assertTrue(file.read() == self.content)


class Precompressed(Files):
    def test_siblings(self):
        self.put("app.js", b"plain")
        self.put("app.js.br", b"brotli")
        self.put("app.js.gz", b"gzip")
        os.makedirs(os.path.join(self.root, "app.js.zst"))
        self.put("other.js", b"other")
        self.put("only.js.gz", b"only")
        self.put("index.html", b"index")
        self.put("index.html.gz", b"zipped index")
        proxy = self.serve("precompressed = on")
        for accept, body, coding in (("br, gzip", b"brotli", "br"), ("gzip", b"gzip", "gzip"), ("*", b"brotli", "br"),
                                     ("br;q=0, gzip", b"gzip", "gzip"), ("br;q=0.1, gzip;q=0.5", b"gzip", "gzip"),
                                     ("zstd", b"plain", None), ("zstd, gzip;q=0.1", b"gzip", "gzip"), ("", b"plain", None),
                                     ("identity", b"plain", None)):
            answer = self.ask(proxy, "/app.js", "Accept-Encoding: %s\r\n" % accept)
            self.assertEqual((answer.body, answer.get("Content-Encoding")), (body, coding), accept)
            self.assertEqual(answer.get("Vary"), "Accept-Encoding")
            self.assertEqual(answer.get("Content-Type"), "text/javascript; charset=utf-8")
        tags = {self.ask(proxy, "/app.js", "Accept-Encoding: %s\r\n" % accept).get("ETag")
                for accept in ("br", "gzip", "identity")}
        self.assertEqual(len(tags), 3)
        gzip = "Accept-Encoding: gzip\r\n"
        self.assertEqual(self.ask(proxy, "/other.js", gzip).body, b"other")
        self.assertEqual(self.ask(proxy, "/only.js", gzip).status, 404)
        self.assertEqual(self.ask(proxy, "/", gzip).body, b"zipped index")
        self.assertEqual(self.ask(proxy, "/app.js.gz", gzip).get("Content-Encoding"), None)
        answer = self.ask(proxy, "/app.js", gzip + "Range: bytes=1-2\r\n")
        self.assertEqual((answer.status, answer.body, answer.get("Content-Encoding")), (206, b"zi", "gzip"))

    def test_off(self):
        self.put("app.js", b"plain")
        self.put("app.js.gz", b"gzip")
        answer = self.ask(self.serve(), "/app.js", "Accept-Encoding: gzip\r\n")
        self.assertEqual((answer.body, answer.has("Vary")), (b"plain", False))

    def test_a_sibling_does_not_lead_out(self):
        with open(self.path("secret"), "w") as file:
            file.write("SECRET")
        self.put("app.js", b"plain")
        os.symlink("../secret", os.path.join(self.root, "app.js.gz"))
        answer = self.ask(self.serve("precompressed = on"), "/app.js", "Accept-Encoding: gzip\r\n")
        self.assertEqual(answer.body, b"plain")


class Trouble(Files):
    def test_a_file_that_shrinks_is_cut_off(self):
        path = self.put("a.bin", os.urandom(64 * 1024 * 1024))
        proxy = self.serve()
        with proxy.dial(receive_buffer=4096) as wire:
            wire.send(get("/a.bin"))
            head = wire.head()
            self.assertEqual(head.get("Content-Length"), str(64 * 1024 * 1024))
            os.truncate(path, 1024 * 1024)
            rest = wire.ending()[1]
            self.assertLess(len(rest), 64 * 1024 * 1024)
        entry = proxy.access_log(1)[0]
        self.assertEqual((entry["status"], entry["reason"]), (200, "file_unreadable"))

    def test_clients_that_leave_cost_nothing(self):
        self.put("a.bin", os.urandom(LARGE))
        proxy = self.serve()
        self.ask(proxy, "/a.bin")
        before = proxy.fds()
        for times in range(30):
            with proxy.dial(receive_buffer=4096) as wire:
                wire.send(get("/a.bin"))
                wire.exactly(10)
                wire.reset()
        proxy.access_log(31)
        wait_for(lambda: proxy.fds() <= before + 4, "their descriptors to be given back")  # pipes may be kept

    def test_descriptors_are_given_back(self):
        self.put("index.html", b"x")
        self.put("sub/x", b"x")
        proxy = self.serve("list = on\nprecompressed = on")
        self.ask(proxy, "/")
        before = proxy.fds()
        for times in range(20):
            for path, extra in (("/", ""), ("/none", ""), ("/sub", ""), ("/sub/", ""), ("/", "If-None-Match: *\r\n"),
                                ("/", "If-Match: \"x\"\r\n"), ("/", "Range: bytes=9-\r\n"), ("/../x", ""),
                                ("/", "Range: bytes=0-0\r\nAccept-Encoding: gzip\r\n")):
                self.ask(proxy, path, extra)
        proxy.access_log(181)
        wait_for(lambda: proxy.fds() <= before, "all descriptors to be given back")

    def test_many_at_once(self):
        self.put("a.bin", os.urandom(LARGE))
        self.put("b.txt", b"small")
        proxy = self.serve()
        failed = []

        def work():
            try:
                with proxy.dial() as wire:
                    for times in range(5):
                        if len(wire.exchange(get("/a.bin")).body) != LARGE or wire.exchange(get("/b.txt")).body != b"small":
                            failed.append("wrong body")
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=work) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])


if __name__ == "__main__":
    main()
