#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Let the n-th allocation of a request fail, for n = 1, 2, 3 ...

failnth.py OPERATION: run the operation once for each allocation
that the module makes in it, until none of them fails any more. Each operation
has a request that is tested, and what goes before and after it. A request that
fails must change nothing. Prints how many allocations have failed; exits 1 if the
request does not succeed when none fails.

Allocations of work are not those of a request. There the first one after
N bytes fails, for a growing N.

The kernel needs CONFIG_FAILSLAB. CONFIG_FAULT_INJECTION_STACKTRACE_FILTER tells the
allocations of the module from others. Without it each allocation of the request
fails once, also those of the core, and operations whose allocations are those of
work cannot be tested.
"""
import ctypes
import errno
import os
import socket
import struct
import subprocess
import sys
import time

from rtnl import NLA_F_NESTED, attr, request, verdict
from xfrm import ALG_AUTH_TRUNC, ALG_CRYPT, ENCAP, FLAG_ESN, \
    IF_ID as XFRMA_IF_ID, UDP_ENCAP_ESPINUDP, Sa, Xfrm, addr, aead, alg, attrs, \
    esn, must

NETLINK_GENERIC = 16
GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 0x10, 3
CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 1, 2
CMD_SA_ADD, CMD_SA_DEL, CMD_SA_GET, CMD_DEV_GET = 1, 2, 3, 5
A_IFNAME, A_DIRECTION, A_SPI = 2, 3, 5
A_AEAD_NAME, A_AEAD_KEY = 10, 11
A_ENC_NAME, A_ENC_KEY, A_AUTH_NAME, A_AUTH_KEY = 12, 13, 14, 15
A_REPLAY_WINDOW, A_ESN, A_ENCAP = 17, 18, 21
ENCAP_SPORT, ENCAP_DPORT = 1, 2
RTM_DELLINK, RTM_GETLINK = 17, 18
IFLA_LINKINFO = 18
NLM_F_REQUEST, NLM_F_ACK = 0x1, 0x4

DEBUG = "/sys/kernel/debug/"
DEV = "ipsec0"
NAMED = A_IFNAME, DEV.encode() + b"\0"
LOCAL, REMOTE, IF_ID, KEYING, ROAM, ENCAP_PORT = 1, 2, 4, 12, 14, 15
OPTIONS = [(LOCAL, bytes([10, 0, 0, 1])), (REMOTE, bytes([10, 0, 0, 2])),
           (IF_ID, struct.pack("=I", 7)), (KEYING, b"\1")]
KEY = bytes(range(20))
SIMPLE = [(A_AEAD_NAME, b"rfc4106(gcm(aes))\0"), (A_AEAD_KEY, KEY)]
# what an SA can have besides
PORT = struct.pack(">H", 4500)
FULL = [(A_ENC_NAME, b"cbc(aes)\0"), (A_ENC_KEY, bytes(16)),
        (A_AUTH_NAME, b"hmac(sha256)\0"), (A_AUTH_KEY, bytes(32)),
        (A_REPLAY_WINDOW, struct.pack("=I", 64)), (A_ESN, b""),
        (A_ENCAP | NLA_F_NESTED,
         attr(ENCAP_SPORT, PORT) + attr(ENCAP_DPORT, PORT))]
ADOPT = [(KEYING, b"\2")]
OTHER = [(REMOTE, bytes([10, 0, 0, 3])),
         (ENCAP_PORT, PORT)]
ROAMING = [(ROAM, b"\1")]
LIMIT = 2000
CLONE_NEWNET = 0x40000000
SYS_FINIT_MODULE = 313          # of x86-64
# Functions whose allocations do not fail: there are many, and another operation
# lets them fail. Trackers of references do without memory, and say so in the log.
REJECTED = {"new_encap": "register_netdevice"}
# Operations in which all that this function allocates fails. The module has no
# address yet.
REQUIRED = {"load": "do_one_initcall"}
TRACKER = "ref_tracker_alloc"
BYTES = 192                     # less than most that is allocated


def symbols():
    """Addresses of functions, with their names and modules."""
    with open("/proc/kallsyms", encoding="ascii") as file:
        return sorted((int(words[0], 16), words[2:])
                      for words in map(str.split, file) if words[1] in "tT")


def module_text():
    """First and last address of the module's functions."""
    found = [address for address, names in symbols()
             if names[-1] == "[ipsec_ipip]"]
    return min(found), max(found) + 0x1000


def function_text(name):
    """The same of one function."""
    functions = symbols()
    start = next(address for address, names in functions if names == [name])
    return start, next(address for address, _ in functions if address > start)


def setting(kind, name, value):
    """Set which allocations fail, and when."""
    with open(f"{DEBUG}{kind}/{name}", "w", encoding="ascii") as file:
        file.write(str(value))


def has_filter():
    """Can the kernel tell who allocates?"""
    return os.path.exists(DEBUG + "failslab/require-start")


def prepare(within, without):
    """Only what the module allocates fails, or the function @within, and not in the
    function @without.
    """
    # allocations that may sleep fail as well
    setting("failslab", "ignore-gfp-wait", "N")
    if not has_filter():
        return
    text = function_text(within) if within else module_text()
    start, end = function_text(without)
    setting("failslab", "reject-start", hex(start))
    setting("failslab", "reject-end", hex(end))
    for kind, (start, end) in (("failslab", text), ("fail_page_alloc", text),
                               ("fail_usercopy", (1, 2))):
        if not os.path.isdir(DEBUG + kind):
            continue
        setting(kind, "require-start", hex(start))
        setting(kind, "require-end", hex(end))
        setting(kind, "stacktrace-depth", 32)
        setting(kind, "task-filter", "N")
        setting(kind, "verbose", int("FAIL_VERBOSE" in os.environ))


class Kernel:
    """Requests to rtnetlink and to the family, and what fails in them."""

    def __init__(self):
        self.rtnl = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.genl = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                  NETLINK_GENERIC)
        for sock in self.rtnl, self.genl:
            sock.settimeout(20)
        self.family = self.family_id()
        self.fail_nth = os.open("/proc/thread-self/fail-nth", os.O_RDWR)

    def family_id(self):
        """The number of the family "ipsec-ipip"."""
        self.genl.send(self.message(GENL_ID_CTRL, NLM_F_REQUEST,
                                    struct.pack("=BBxx", CTRL_CMD_GETFAMILY, 1)
                                    + attr(CTRL_ATTR_FAMILY_NAME,
                                           b"ipsec-ipip\0")))
        reply, at = self.genl.recv(65536), 20
        while at + 4 <= len(reply):
            size, kind = struct.unpack_from("=HH", reply, at)
            if kind == CTRL_ATTR_FAMILY_ID:
                return struct.unpack_from("=H", reply, at + 4)[0]
            at += size + 3 & ~3
        sys.exit("no family")

    @staticmethod
    def message(kind, flags, body):
        """A whole message."""
        return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body

    def call(self, sock, data, nth):
        """Send one request. Returns its error, and if the allocation failed."""
        error, failed = 0, False
        os.write(self.fail_nth, str(nth).encode())
        try:
            sock.send(data)
        except OSError as err:
            error = err.errno
        failed = nth and self.failed()
        if not error:
            error = self.answer(sock)
        return error, failed

    def failed(self):
        """Has something failed? From here on nothing does."""
        try:
            left = int(os.pread(self.fail_nth, 32, 0).split()[0])
        except OSError:
            # it was the copy to here
            left = 1
        while True:
            try:
                os.write(self.fail_nth, b"0")
                return not left
            except OSError:
                pass

    @staticmethod
    def answer(sock):
        """The error that a reply tells."""
        while True:
            try:
                reply = sock.recv(1 << 20)
            except OSError as err:
                return err.errno
            if struct.unpack_from("=H", reply, 4)[0] == 2:
                return verdict(reply)[0]

    def link(self, verb, options, nth=0):
        """Make or change the device."""
        return self.call(self.rtnl, request(verb, DEV, options), nth)

    def unlink(self, nth=0):
        """Delete the device."""
        body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, 0, 0)
        body += attr(3, DEV.encode() + b"\0")
        return self.call(self.rtnl, self.message(
            RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, body), nth)

    def options(self):
        """The options of the device, as the kernel reports them."""
        body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, 0, 0)
        body += attr(3, DEV.encode() + b"\0")
        self.rtnl.send(self.message(RTM_GETLINK, NLM_F_REQUEST, body))
        return attrs(self.rtnl.recv(1 << 20)[32:])[IFLA_LINKINFO]

    def command(self, cmd, words, nth=0):
        """A command of the family for the device."""
        body = struct.pack("=BBxx", cmd, 1)
        body += b"".join(attr(k, v) for k, v in [NAMED] + words)
        return self.call(self.genl, self.message(
            self.family, NLM_F_REQUEST | NLM_F_ACK, body), nth)

    def sa(self, cmd, direction, nth=0, spi=0x1000, properties=()):
        """Add, delete or get an SA."""
        words = [(A_DIRECTION, struct.pack("=I", direction)),
                 (A_SPI, struct.pack(">I", spi + direction))]
        if cmd == CMD_SA_ADD:
            words += properties or SIMPLE
        return self.command(cmd, words, nth)


def exists(name=DEV):
    """Is the device there?"""
    try:
        return bool(socket.if_nametoindex(name))
    except OSError:
        return False


def done(error):
    """Has the request been done? None if only the answer is missing: the core had
    no memory for it.
    """
    return None if error == errno.ENOBUFS and not has_filter() else not error


def until(what, condition):
    """Wait for it."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(.05)


class Work:
    """While this lasts, an allocation of the module fails in whatever task: the
    first one after that number of bytes.
    """

    def __init__(self, nth):
        self.nth = nth

    def __enter__(self):
        setting("failslab", "interval", 1)
        setting("failslab", "space", (self.nth - 1) * BYTES + 1)
        setting("failslab", "times", int(self.nth > 0))
        setting("failslab", "probability", 100)
        return self

    def __exit__(self, *args):
        setting("failslab", "probability", 0)

    def failed(self):
        """Has it failed?"""
        with open(DEBUG + "failslab/times", encoding="ascii") as file:
            return not int(file.read())


class Operations:
    """The requests: each returns the error and if an allocation has failed."""

    def __init__(self):
        self.kernel = Kernel()
        self.xfrm = Xfrm()
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.module = subprocess.run(
            ["modinfo", "-n", "ipsec_ipip"], check=True, capture_output=True,
            text=True).stdout.strip()

    def states(self):
        """Number of states in the SAD."""
        return len(self.xfrm.dump())

    def modes(self):
        """Their modes."""
        return sorted(mode for _, _, mode in self.xfrm.dump())

    def daemon_sa(self, out, more=aead(), **words):
        """An SA of a key manager, for the device."""
        ends = ("10.0.0.1", "10.0.0.2") if out else ("10.0.0.2", "10.0.0.1")
        return Sa(*ends, 0x2000 + out, more=more + attr(
            XFRMA_IF_ID, struct.pack("=I", 7)), **words)

    def link_with_sas(self, options=()):
        """Make the device, with an SA in each direction."""
        self.kernel.link("new", OPTIONS + list(options))
        self.kernel.sa(CMD_SA_ADD, 0)
        self.kernel.sa(CMD_SA_ADD, 1)

    def state(self):
        """All that a request may change."""
        return self.kernel.options(), sorted(self.xfrm.dump())

    def unlink(self):
        """Delete the device. Nothing of it may be left."""
        if exists():
            self.kernel.unlink()
        assert not exists() and not self.states()

    def unchanged(self, request_of, nth):
        """Do the request. If it fails, it must not have changed anything."""
        before = self.state()
        error, failed = request_of(nth)
        after = self.state()
        assert done(error) is not False or before == after, \
            f"{os.strerror(error)}, but {before} is {after}"
        assert done(error) is not True or before != after, "nothing is changed"
        return error, failed

    def new(self, nth, options=()):
        """Make a device."""
        result = self.kernel.link("new", OPTIONS + list(options), nth)
        assert done(result[0]) in (None, exists()), \
            f"device and error {result[0]}"
        self.unlink()
        return result

    def new_encap(self, nth):
        """With a socket of its own."""
        return self.new(nth, [(ENCAP_PORT, PORT)] + ROAMING)

    def change(self, nth):
        """To other endpoints and back."""
        self.link_with_sas()
        result = self.unchanged(
            lambda n: self.kernel.link("set", OTHER, n), nth)
        self.unlink()
        return result

    def delete(self, nth):
        """With SAs."""
        self.link_with_sas()
        result = self.kernel.unlink(nth)
        self.unlink()
        return result

    def sa_add(self, nth):
        """An SA comes whole or not at all."""
        self.kernel.link("new", OPTIONS)
        result = self.unchanged(
            lambda n: self.kernel.sa(CMD_SA_ADD, 1, n), nth)
        self.unlink()
        return result

    def sa_add_full(self, nth):
        """One with all properties."""
        self.kernel.link("new", OPTIONS)
        result = self.unchanged(
            lambda n: self.kernel.sa(CMD_SA_ADD, 0, n, properties=FULL), nth)
        self.unlink()
        return result

    def sa_get(self, nth):
        """An SA is shown."""
        self.link_with_sas()
        result = self.kernel.sa(CMD_SA_GET, 1, nth)
        self.unlink()
        return result

    def dev_get(self, nth):
        """The device is shown."""
        self.link_with_sas()
        result = self.kernel.command(CMD_DEV_GET, [], nth)
        self.unlink()
        return result

    def sa_rekey(self, nth):
        """A second outbound SA."""
        self.link_with_sas()
        result = self.unchanged(
            lambda n: self.kernel.sa(CMD_SA_ADD, 1, n, 0x3000), nth)
        self.unlink()
        return result

    def sa_del(self, nth):
        """An SA goes."""
        self.kernel.link("new", OPTIONS)
        self.kernel.sa(CMD_SA_ADD, 1)
        result = self.unchanged(
            lambda n: self.kernel.sa(CMD_SA_DEL, 1, n), nth)
        self.unlink()
        return result

    def adopt_in(self, nth):
        """An inbound SA is adopted as it comes."""
        self.kernel.link("new", OPTIONS + ADOPT)
        error, failed = self.kernel.call(
            self.xfrm.sock, self.xfrm.message_to_add(self.daemon_sa(False)),
            nth)
        assert done(error) in (None, bool(self.states()))
        self.unlink()
        return error, failed

    def adopt_out(self, nth, more=aead(), **words):
        """An outbound SA is adopted by work, or when the SAD is searched next.
        Its state is never lost.
        """
        self.kernel.link("new", OPTIONS + ADOPT)
        with Work(nth) as work:
            must(self.xfrm.add(self.daemon_sa(True, more, **words)), "add")
            assert self.states() == 1
            until("adoption", lambda: work.failed() or self.modes() == [0])
        failed = work.failed()
        assert self.states() == 1
        # it may still be under way
        time.sleep(.2)
        self.kernel.link("set", OPTIONS[1:2])
        until("adoption after all", lambda: self.modes() == [0])
        self.unlink()
        return 0, failed

    def adopt_out_full(self, nth):
        """One with all properties."""
        more = alg(ALG_CRYPT, "cbc(aes)", bytes(16))
        more += alg(ALG_AUTH_TRUNC, "hmac(sha256)", bytes(32), 128)
        more += esn(64, 0x50, 0x7)
        more += attr(ENCAP, struct.pack("=H2s2s2x", UDP_ENCAP_ESPINUDP, PORT,
                                        PORT) + bytes(16))
        return self.adopt_out(nth, more, flags=FLAG_ESN)

    def moved(self):
        """Have the SA and the device moved?"""
        return [dst for dst, _, mode in self.xfrm.dump() if not mode] == \
            [addr("10.0.0.3")] and attr(*OTHER[0]) in self.kernel.options()

    def migrate(self, nth):
        """A key manager moves an adopted SA, and the device follows. If that
        fails, the SA ends.
        """
        self.kernel.link("new", OPTIONS + ADOPT + ROAMING)
        self.policy()
        must(self.xfrm.add(self.daemon_sa(True)), "add")
        until("adoption", lambda: self.modes() == [0])
        with Work(nth) as work:
            must(self.xfrm.migrate("10.0.0.1", "10.0.0.2", "10.0.0.3"),
                 "migrate")
            until("the move", lambda: self.moved() or
                  work.failed() and not self.states())
        failed = work.failed()
        assert failed or self.moved()
        must(self.xfrm.flush_policies(), "flush")
        self.unlink()
        return 0, failed

    @staticmethod
    def policy(*more):
        """Add a policy of the key manager."""
        subprocess.run(
            ["ip", "xfrm", "policy", "add", "dir", "out", "src", "0.0.0.0/0",
             "dst", "0.0.0.0/0", *more, "tmpl", "src", "10.0.0.1", "dst",
             "10.0.0.2", "proto", "esp", "mode", "tunnel"], check=True)

    def spd(self, nth):
        """A policy for the device. Only faults and leaks are noticed, not whether
        packets pass.
        """
        self.kernel.link("new", OPTIONS + ADOPT)
        with Work(nth) as work:
            self.policy("if_id", "7")
        must(self.xfrm.flush_policies(), "flush")
        self.unlink()
        return 0, work.failed()

    def send(self, nth):
        """A packet by the device, the first one after a change. It is lost if
        something fails, and the next one is not.
        """
        if not exists():
            self.link_with_sas()
            for command in ("link add under type dummy", "link set under up",
                            "address add 10.0.0.1/24 dev under",
                            f"address add 192.168.7.1/24 dev {DEV}",
                            f"link set {DEV} up"):
                subprocess.run(["ip", *command.split()], check=True)
        self.kernel.link("set", OPTIONS[1:2])
        before = self.state()
        error, failed = 0, False
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("192.168.7.2", 9))
            os.write(self.kernel.fail_nth, str(nth).encode())
            try:
                sock.send(b"may be lost")
            except OSError as err:
                error = err.errno
            failed = self.kernel.failed()
            sent = self.sent()
            sock.send(b"arrives")
        assert self.sent() == sent + 1, "the next packet is lost"
        assert before == self.state()
        return error, failed

    @staticmethod
    def sent():
        """Number of packets that have left."""
        with open("/proc/net/dev", encoding="ascii") as file:
            return next(int(line.split()[10]) for line in file
                        if line.split()[0] == f"{DEV}:")

    def load(self, nth):
        """The module is loaded, or not at all."""
        subprocess.run(["rmmod", "ipsec_ipip"], check=True)
        file = os.open(self.module, os.O_RDONLY)
        os.write(self.kernel.fail_nth, str(nth).encode())
        error = ctypes.get_errno() if self.libc.syscall(
            SYS_FINIT_MODULE, file, b"", 0) else 0
        failed = self.kernel.failed()
        os.close(file)
        loaded = os.path.exists("/sys/module/ipsec_ipip")
        assert loaded == (not error), f"loaded: {loaded}, error {error}"
        if not loaded:
            subprocess.run(["modprobe", "ipsec_ipip"], check=True)
        return error, failed

    def net_exit(self, nth):
        """A namespace ends with its device and SAs."""
        child = os.fork()
        if not child:
            must(self.libc.unshare(CLONE_NEWNET), "unshare")
            for command in ("link set lo up", "address add 10.0.0.1 dev lo",
                            "link add name inside type veth peer name outside",
                            f"link set outside netns {os.getppid()}"):
                subprocess.run(["ip", *command.split()], check=True)
            inside = Operations()
            inside.link_with_sas()
            inside.kernel.link("set", ADOPT)
            inside.xfrm.add(self.daemon_sa(False))
            os._exit(not inside.states() == 3)
        with Work(nth) as work:
            setting("failslab", "probability", 0)
            assert not os.waitpid(child, 0)[1]
            setting("failslab", "probability", 100)
            until("end of the namespace", lambda: not exists("outside"))
        return 0, work.failed()


def main():
    """Let one allocation after the other fail."""
    prepare(REQUIRED.get(sys.argv[1]), REJECTED.get(sys.argv[1], TRACKER))
    operation = getattr(Operations(), sys.argv[1])
    failures, nth = 0, 0
    while True:
        nth += 1
        error, failed = operation(nth)
        if not failed:
            break
        failures += 1
        if not failures % 10:
            print(f"{failures} ...", flush=True)
        if nth == LIMIT:
            sys.exit(f"more than {LIMIT} allocations")
    if error:
        sys.exit(f"refused without a failure: {os.strerror(error)}")
    print(f"{sys.argv[1]}: {failures} allocations have failed")
    sys.exit(not failures)


if __name__ == "__main__":
    main()
