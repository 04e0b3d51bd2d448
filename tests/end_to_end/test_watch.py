"""watch = on: files that change are loaded again, however they are changed; others are not, and a mistake is told once."""

import os
import time

from harness import Case, answering, http_config, main, settled, wait_for
from wire import get, ok

LATER = 60  # the kernel tells at once; where it does not, looking takes seconds


class Watching(Case):
    def config(self, word, greenway=""):
        return http_config(self.folder, self.app, greenway="watch = on\n" + greenway,
                           extra="[route word]\npath = =/word\nrespond = 200 %s\n" % word)

    def start(self, path="conf/greenway.ini", word="one"):
        """The file is in a folder of its own: logs are written elsewhere."""
        self.app = self.upstream(answering(lambda request: ok(b"app")))
        if not os.path.lexists(self.path("conf")):
            os.mkdir(self.path("conf"))
        if not os.path.lexists(self.path(path)):
            self.put(path, self.config(word))
        proxy = self.greenway(arguments=["run", "-c", self.path(path)])
        self.assertEqual(self.word(proxy), word)
        return proxy

    def put(self, name, text):
        return self.write(name, text)

    def replace(self, name, text):
        """As editors do: a new file under another name takes its place."""
        os.rename(self.put(name + "~new", text), self.path(name))

    def word(self, proxy):
        with proxy.dial() as wire:
            return wire.exchange(get("/word")).body.decode().strip()

    def reloads(self, proxy):
        return sum("greenway: reloaded " in line for line in proxy.lines)

    def refusals(self, proxy):
        return sum("nothing was changed" in line for line in proxy.lines)

    def wait_word(self, proxy, word):
        wait_for(lambda: self.word(proxy) == word, lambda: "the word %s; greenway said:\n%s" % (word, proxy.stderr()), LATER)

    def wait_refusals(self, proxy, count):
        wait_for(lambda: self.refusals(proxy) >= count, lambda: "a refusal; greenway said:\n" + proxy.stderr(), LATER)


class OneFile(Watching):
    def test_written_in_place_and_replaced(self):
        proxy = self.start()
        for i, change in enumerate((self.put, self.replace, self.put, self.replace)):
            change("conf/greenway.ini", self.config("word%d" % i))
            self.wait_word(proxy, "word%d" % i)
        self.assertEqual(self.refusals(proxy), 0, proxy.stderr())

    def test_written_bit_by_bit(self):
        proxy = self.start()
        text = self.config("slow")
        with open(self.path("conf/greenway.ini"), "w") as file:
            for i in range(0, len(text), len(text) // 8 + 1):
                file.write(text[i:i + len(text) // 8 + 1])
                file.flush()
                time.sleep(0.02)  # as a slow program would: what is tested is that nobody reads half of it
        self.wait_word(proxy, "slow")

    def test_away_for_a_moment(self):
        proxy = self.start()
        path = self.path("conf/greenway.ini")
        os.rename(path, path + ".old")
        self.put("conf/greenway.ini", self.config("back"))
        self.wait_word(proxy, "back")
        os.unlink(path)
        self.wait_refusals(proxy, 1)  # it stays away
        self.assertEqual(self.word(proxy), "back")
        self.put("conf/greenway.ini", self.config("again"))
        self.wait_word(proxy, "again")

    def test_mistake_is_told_once(self):
        proxy = self.start()
        self.replace("conf/greenway.ini", self.config("bad") + "[route]\nnonsense\n")
        self.wait_refusals(proxy, 1)
        self.put("conf/greenway.ini.swp", "an editor's own file\n")
        settled(lambda: self.refusals(proxy), 3)
        self.assertEqual(self.refusals(proxy), 1, proxy.stderr())
        self.assertEqual(self.word(proxy), "one")
        self.replace("conf/greenway.ini", self.config("good"))
        self.wait_word(proxy, "good")
        self.assertEqual(self.refusals(proxy), 1)

    def test_what_is_none_of_its_files_is_left_alone(self):
        proxy = self.start()
        for i in range(5):
            self.put("conf/other.ini", "nonsense %d\n" % i)
        os.utime(self.path("conf/greenway.ini"))  # even this is a change; it shows that the others were none
        wait_for(lambda: self.reloads(proxy) >= 1, "the reload", LATER)
        self.assertEqual((settled(lambda: self.reloads(proxy), 1), self.refusals(proxy)), (1, 0), proxy.stderr())

    def test_turned_off_and_on(self):
        proxy = self.start()
        self.put("conf/greenway.ini", self.config("off").replace("watch = on", "watch = off"))
        self.wait_word(proxy, "off")
        self.put("conf/greenway.ini", self.config("unseen"))
        settled(lambda: self.reloads(proxy), 2)
        self.assertEqual(self.word(proxy), "off")
        proxy.signal(1)
        self.wait_word(proxy, "unseen")
        self.replace("conf/greenway.ini", self.config("seen"))
        self.wait_word(proxy, "seen")

    def test_nothing_is_left_behind(self):
        proxy = self.start()
        self.replace("conf/greenway.ini", self.config("word"))
        self.wait_word(proxy, "word")
        fds = settled(proxy.fds)
        for i in range(5):
            self.replace("conf/greenway.ini", self.config("word%d" % i))
            self.wait_word(proxy, "word%d" % i)
        wait_for(lambda: proxy.fds() <= fds, lambda: "%d descriptors; there are %d" % (fds, proxy.fds()))


class ManyFiles(Watching):
    def route(self, word):
        return "[route %s]\npath = =/%s\nrespond = 200 %s\n" % (word, word, word)

    def body(self, proxy, target):
        with proxy.dial() as wire:
            return wire.exchange(get(target)).body.decode().strip()

    def wait_body(self, proxy, target, body):
        wait_for(lambda: self.body(proxy, target) == body, lambda: "%s for %s; greenway said:\n%s" % (
            body, target, proxy.stderr()), LATER)

    def test_included_files_come_change_and_go(self):
        self.app = self.upstream(answering(lambda request: ok(b"app")))
        os.mkdir(self.path("conf"))
        os.mkdir(self.path("conf/more.d"))
        self.put("conf/greenway.ini", self.config("one", greenway="include = more.d/*.ini\n"))
        proxy = self.start()
        self.put("conf/more.d/a.ini", self.route("a"))
        self.wait_body(proxy, "/a", "a")
        self.put("conf/more.d/b.ini", self.route("b"))
        self.wait_body(proxy, "/b", "b")
        self.replace("conf/more.d/a.ini", self.route("c"))
        self.wait_body(proxy, "/c", "c")
        self.assertEqual(self.body(proxy, "/a"), "app")
        os.unlink(self.path("conf/more.d/b.ini"))
        self.wait_body(proxy, "/b", "app")
        self.assertEqual(self.refusals(proxy), 0)

    def test_mistake_in_a_new_included_file_is_mended_there(self):
        proxy = self.start()
        self.put("conf/extra", self.route("x") + "nonsense\n")
        self.replace("conf/greenway.ini", self.config("one", greenway="include = extra\n"))
        self.wait_refusals(proxy, 1)
        self.put("conf/extra", self.route("x"))
        self.wait_body(proxy, "/x", "x")

    def test_links_that_are_made_to_lead_elsewhere(self):
        """Kubernetes: greenway.ini -> ..data/greenway.ini, ..data -> ..1, and ..data is replaced."""
        for i in range(3):
            os.makedirs(self.path("conf/..%d" % i))
        self.app = self.upstream()
        self.put("conf/..0/greenway.ini", self.config("zero"))
        os.symlink("..0", self.path("conf/..data"))
        os.symlink("..data/greenway.ini", self.path("conf/greenway.ini"))
        proxy = self.start(word="zero")
        for i in range(1, 3):
            self.put("conf/..%d/greenway.ini" % i, self.config("word%d" % i))
            os.symlink("..%d" % i, self.path("conf/..data_tmp"))
            os.rename(self.path("conf/..data_tmp"), self.path("conf/..data"))
            self.wait_word(proxy, "word%d" % i)
            os.unlink(self.path("conf/..%d/greenway.ini" % (i - 1)))
        self.assertEqual(self.refusals(proxy), 0)

    def test_files_that_keys_name(self):
        proxy = self.start()
        page = self.put("conf/page.html", "first")
        config = self.config("page") + "[route gone]\npath = =/gone\nupstream = app\nmaintenance = on\nerror_page = 503 %s\n" % page
        self.put("conf/greenway.ini", config)
        self.wait_word(proxy, "page")
        self.assertEqual(self.body(proxy, "/gone"), "first")
        self.replace("conf/page.html", "second")
        self.wait_body(proxy, "/gone", "second")


if __name__ == "__main__":
    main()
