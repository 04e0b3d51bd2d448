"""Greenlets in gdb: `source green/debug/gdb.py`, in a running program or a core file of one.

    green ps        every greenlet of every thread, and what it waits for
    green bt ID     the stack of one that waits (or is ready): below the frames of the current thread's top function

The saved context of a greenlet is one pointer into its stack (core/switch.h). An unwinder hands gdb what lies there as
if the function that runs now had been called from it; it does so only while `green bt` runs.
"""
import gdb
import gdb.unwinder

STATES = ["ready", "running", "waiting", "to start later", "done"]


def container(node, type_name, member):
    kind = gdb.lookup_type("struct " + type_name)
    offset = next(f.bitpos // 8 for f in kind.fields() if f.name == member)
    return (node.cast(gdb.lookup_type("char").pointer()) - offset).cast(kind.pointer())


def linked(head, type_name, member):
    node = head["next"]
    while node != head.address:
        yield container(node, type_name, member)
        node = node["next"]


def hubs():
    symbol = gdb.lookup_static_symbol("all_hubs")
    if symbol is None:
        raise gdb.GdbError("this program has no libgreen with debugging information")
    return linked(symbol.value(), "green_hub", "everywhere")


def greenlets():
    for hub in hubs():
        for g in linked(hub["everyone"], "green", "everyone"):
            yield hub, g


def text(pointer, otherwise):
    return pointer.string(errors="replace") if int(pointer) else otherwise


def describe(g):
    state = STATES[int(g["state"])]
    if state == "waiting":
        state = "waits for " + text(g["waits_for"], "somebody to wake it")
        if int(g["waits_on"]):
            state += " %#x" % int(g["waits_on"])
    if int(g["never_ran"]):
        state += ", has not begun"
    maker = ", made by %d" % int(g["parent"]) if int(g["parent"]) else ""
    return '%d "%s" %s%s' % (int(g["id"]), text(g["name"], "greenlet"), state, maker)


def word(address):
    return gdb.Value(address).cast(gdb.lookup_type("unsigned long").pointer()).dereference()


def saved_registers(g):
    """Of the point where it left, by name."""
    sp = int(g["context"]["sp"])
    arch = gdb.selected_frame().architecture().name()
    if arch.startswith("aarch64"):
        names = ["x%d" % n for n in range(19, 31)]
        registers = {name: word(sp + 8 * i) for i, name in enumerate(names)}
        registers.update(pc=registers["x30"], sp=gdb.Value(sp + 160))
        return registers
    if not arch.startswith("i386:x86-64"):
        raise gdb.GdbError("how a greenlet is saved on %s is not known here" % arch)
    if gdb.lookup_global_symbol("green__switch"):  # by ucontext(3)
        numbers = dict(r8=0, r9=1, r10=2, r11=3, r12=4, r13=5, r14=6, r15=7, rbp=10, rbx=11, rsp=15, rip=16)
        return {name: word(sp + 40 + 8 * n) for name, n in numbers.items()}
    # inline: rbp and rip; the compiler knows of nothing that lies lower than before the 128 bytes
    return {"rbp": word(sp), "rip": word(sp + 8), "rsp": gdb.Value(sp + 16 + 128)}


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class SavedContext(gdb.unwinder.Unwinder):
    def __init__(self):
        super().__init__("green")
        self.registers = None  # while a greenlet is looked at
        self.top = None  # stack pointer of the frame that it is hung under
        self.low = None  # where its own stack ends

    def __call__(self, pending):
        if self.registers is None:
            return None
        sp = pending.read_register("sp")
        if int(sp) != self.top:
            return None
        # gdb mistrusts a caller whose stack lies lower: let this one seem to be on that of the greenlet
        low = gdb.Value(self.low).cast(sp.type)
        info = pending.create_unwind_info(FrameId(low, pending.read_register("pc")))
        for name, value in self.registers.items():
            kind = pending.read_register(name).type
            info.add_saved_register(name, gdb.Value(int(value)).cast(kind))
        return info


unwinder = SavedContext()
gdb.unwinder.register_unwinder(None, unwinder, True)


class Green(gdb.Command):
    """Greenlets of libgreen: green ps, green bt ID."""

    def __init__(self):
        super().__init__("green", gdb.COMMAND_STACK, prefix=True)


class GreenPs(gdb.Command):
    """Lists every greenlet of every thread, and what it waits for."""

    def __init__(self):
        super().__init__("green ps", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        last = None
        for hub, g in greenlets():
            if last is None or hub != last:
                print("thread %d:" % int(hub["tid"]))
                last = hub
            print("  " + describe(g))


class GreenBt(gdb.Command):
    """Shows the stack of a greenlet: green bt ID."""

    def __init__(self):
        super().__init__("green bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        try:
            wanted = int(argument)
        except ValueError:
            raise gdb.GdbError("usage: green bt ID (see green ps)")
        g = next((g for _, g in greenlets() if int(g["id"]) == wanted), None)
        if g is None:
            raise gdb.GdbError("no greenlet has the number %d" % wanted)
        print(describe(g))
        if STATES[int(g["state"])] == "running":
            raise gdb.GdbError("it runs: see bt of its thread")
        if int(g["never_ran"]):
            raise gdb.GdbError("it has no stack yet")
        newest = gdb.newest_frame()
        unwinder.registers = saved_registers(g)
        unwinder.top = int(newest.read_register("sp"))
        unwinder.low = int(g["context"]["sp"]) - 256
        gdb.invalidate_cached_frames()
        try:
            gdb.execute("bt")
        finally:
            unwinder.registers = None
            gdb.invalidate_cached_frames()


Green()
GreenPs()
GreenBt()
