#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The part of ynl_client.sh that uses YNL.
ynl.py FOLDER SPEC TEST [ARGUMENT]...: FOLDER is that of YNL's cli.py. There is a
device "ipsec0", without SAs, if_id 7, reqid 9, from 10.0.0.1 to 10.0.0.2.
"""
import os
import subprocess
import sys
import time

sys.path.insert(0, sys.argv[1])
# pylint: disable=import-error,wrong-import-position
from lib import YnlFamily, NlError  # noqa: E402

DEV = "ipsec0"
GCM = "000102030405060708090a0b0c0d0e0f10111213"
AES = "404142434445464748494a4b4c4d4e4f"
SHA = "20" * 32
LOCAL, REMOTE = "10.0.0.1", "10.0.0.2"
LOCAL_HEX, REMOTE_HEX = "0a000001", "0a000002"


def fail(what):
    """Report a failure and exit."""
    print("FAIL:", what)
    sys.exit(1)


def same(actual, expected, what):
    """Fail unless both are equal."""
    if actual != expected:
        fail(f"{what}: {actual} instead of {expected}")


def get(reply, *names):
    """Some attributes of a reply, in this order."""
    return [reply.get(name) for name in names]


class Client:
    """The family, with default attributes for requests."""

    def __init__(self):
        self.ynl = YnlFamily(sys.argv[2], schema="")

    def do(self, what, **attrs):
        """Make a request; _ in a name stands for -; None removes an attribute.
        """
        attrs.setdefault("ifname", DEV)
        return self.ynl.do(what, {k.replace("_", "-"): v
                                  for k, v in attrs.items() if v is not None})

    def add(self, spi, direction="out", **attrs):
        """Add an SA with some algorithm."""
        if not {"aead_name", "enc_name", "auth_name"} & set(attrs):
            attrs = {"aead_name": "rfc4106(gcm(aes))", "aead_key": GCM} | attrs
        return self.do("sa-add", spi=spi, direction=direction, **attrs)

    def dump(self, what, **attrs):
        """Make a dump."""
        return self.ynl.dump(what, attrs)

    def refused(self, errno, message, bad, what, *args, **attrs):
        """Check that the request fails with this error and changes nothing."""
        before = self.state()
        try:
            getattr(self, what)(*args, **attrs)
        except NlError as err:
            extack = err.nl_msg.extack or {}
            text = extack.get("msg", "")
            if err.error != errno or message not in text:
                fail(f"{args} {attrs}: error {err.error} \"{text}\" "
                     f"instead of {errno} \"{message}\"")
            if bad and bad not in (extack.get("bad-attr"),
                                   extack.get("miss-type")):
                fail(f"{args} {attrs}: {extack} does not point at {bad}")
            print(f"refused: {what} {args} {attrs} ({text})")
        else:
            fail(f"accepted: {what} {args} {attrs}")
        same(self.state(), before, "state after a refusal")

    def state(self):
        """The whole state that the family shows, with the keys."""
        devs = self.dump("dev-get")
        for dev in devs:
            # These change on their own.
            del dev["stats"], dev["mtu"]
        return devs, self.dump("sa-get", keys=True)


def requests(fam):
    """Check that each operation works as specified."""
    dev = fam.do("dev-get")
    same(get(dev, "if-id", "reqid", "local", "remote", "ttl", "tos", "df",
             "fwmark", "link", "sa-in", "sa-out", "active-spi", "mtu-auto"),
         [7, 9, LOCAL, REMOTE, 0, 1, "inherit", 0, None, 0, 0, None, True],
         "device")
    same(len(dev["stats"]), 18, "number of reasons to refuse a packet")
    same(fam.do("dev-get", ifname=None, ifindex=dev["ifindex"])["ifname"],
         DEV, "device by its index")

    fam.add(0x1001)
    fam.add(0x1002, "in", mode="tunnel", reqid=4, replay_window=96, esn=True,
            seq=0x100000002, aead_name=None, aead_key=None,
            enc_name="cbc(aes)", enc_key=AES, auth_name="hmac(sha256)",
            auth_key=SHA, icv_bits=96,
            lifetime={"hard-packets": 5, "soft-add-seconds": 1000},
            encap={"sport": 4500, "dport": 4501})
    fam.add(0x1003, proto=51, auth_name="hmac(sha256)", auth_key=SHA)

    sa = fam.do("sa-get", direction="in", spi=0x1002)
    same(get(sa, "ifname", "direction", "proto", "mode", "reqid", "src", "dst",
             "replay-window", "esn", "enc-name", "enc-key", "auth-name",
             "auth-key", "icv-bits", "lifetime", "encap", "active"),
         [DEV, "in", 50, "tunnel", 4, REMOTE, LOCAL, 96, True, "cbc(aes)",
          None, "hmac(sha256)", None, 96,
          {"hard-packets": 5, "soft-add-seconds": 1000},
          {"sport": 4500, "dport": 4501}, None], "inbound SA")
    same(sa["stats"]["seq"], 0x100000002, "sequence number")
    sa = fam.do("sa-get", direction="in", spi=0x1002, keys=True)
    same([sa["enc-key"].hex(), sa["auth-key"].hex()], [AES, SHA], "keys")

    # an SA by its destination
    sa = fam.do("sa-get", spi=0x1002, dst=LOCAL_HEX)
    same(get(sa, "spi", "direction", "dst", "refusal", "enc-key"),
         [0x1002, "in", LOCAL, None, None], "an SA that is used")
    subprocess.run(["ip", "xfrm", "state", "add", "src", LOCAL, "dst", REMOTE,
                    "proto", "esp", "spi", "0x1004", "if_id", "8", "mode",
                    "transport", "aead", "rfc4106(gcm(aes))", "0x" + GCM,
                    "128"], check=True)
    same(fam.do("sa-get", spi=0x1004, dst=REMOTE_HEX)["refusal"], "if-id",
         "reason of a state with another if_id")

    sas = fam.dump("sa-get")
    same([(sa["spi"], sa["proto"], "active" in sa) for sa in sas],
         [(0x1003, 51, True), (0x1002, 50, False), (0x1001, 50, False)],
         "dump of SAs")
    same(fam.dump("sa-get", ifname=DEV), sas, "dump of SAs by device")
    if any(name.endswith("-key") for sa in sas for name in sa):
        fail("keys that nobody has asked for")

    fam.do("sa-activate", spi=0x1001)
    same(get(fam.do("dev-get"), "sa-in", "sa-out", "active-spi",
             "active-proto", "pinned"), [1, 2, 0x1001, 50, True], "pinned")
    fam.do("sa-activate")
    same(get(fam.do("dev-get"), "active-spi", "active-proto", "pinned"),
         [0x1003, 51, None], "newest")
    fam.do("sa-del", direction="out", proto=51, spi=0x1003)
    fam.do("sa-del", direction="in", spi=0x1002)
    same([sa["spi"] for sa in fam.dump("sa-get")], [0x1001], "SAs left")

    # more than fit in one message
    for spi in range(0x2000, 0x2040):
        fam.add(spi, "in")
    same([sa["spi"] for sa in fam.dump("sa-get", keys=True)],
         list(range(0x203f, 0x1fff, -1)) + [0x1001], "a long dump")


def refusals(fam):
    """Check requests that ipsec-ipip never makes; each error names its
    attribute.
    """
    fam.add(0x1001)
    fam.add(0x1002, "in")
    einval, enodev, erange = 22, 19, 34

    def add(errno, message, bad, **attrs):
        attrs.setdefault("spi", 0x1003)
        fam.refused(errno, message, bad, "add", **attrs)

    def show(message, bad, **attrs):
        fam.refused(einval, message, bad, "do", "sa-get", spi=0x1001, **attrs)

    dst = b"\x0a\x00\x00\x01"
    show("keys: expected direction", ".keys", dst=dst, keys=True)
    show("direction: expected either", ".direction", dst=dst, direction="in")
    show("dst: expected an IPv4", ".dst", dst=dst[:3])
    show("mark: only with dst", ".mark", direction="in", mark=1)

    add(einval, "either ifindex or ifname", None, ifname=None)
    add(einval, "either ifindex or ifname", None, ifindex=1)
    add(enodev, "no such device", ".ifindex", ifname=None, ifindex=4711)
    add(95, "expected one of type ipsec-ipip", ".ifindex", ifname=None,
        ifindex=1)
    add(einval, "direction: required", "direction", direction=None)
    add(einval, "spi: required", "spi", spi=None)
    add(einval, "spi: expected 0x100", ".spi", spi=255)
    add(erange, "out of range", ".direction", direction=2)
    add(erange, "out of range", ".mode", mode=2)
    add(einval, "proto: expected 50", ".proto", proto=17)
    add(einval, "mode: expected transport", ".mode", mode="tunnel")
    add(17, "spi: in use", ".spi", spi=0x1001)

    add(einval, "expected neither enc-name nor auth-name", ".enc-name",
        aead_name="rfc4106(gcm(aes))", aead_key=GCM, enc_name="cbc(aes)",
        enc_key=AES)
    add(einval, "expected neither enc-name nor auth-name", ".auth-name",
        aead_name="rfc4106(gcm(aes))", aead_key=GCM,
        auth_name="hmac(sha256)", auth_key=SHA)
    add(einval, "auth-name alone with AH", ".aead-name", proto=51)
    add(einval, "enc-name: expected a cipher", "enc-name",
        auth_name="hmac(sha256)", auth_key=SHA)
    add(einval, "auth-name: required", "auth-name", enc_name="cbc(aes)",
        enc_key=AES)
    add(einval, "enc-name: expected a cipher", "enc-name", enc_name=None)
    add(einval, "aead-key: expected", ".aead-key", aead_key="00" * 129)
    add(einval, "aead-key: expected", None, aead_key=None)
    add(einval, "aead-key: expected", ".aead-key", aead_key="")
    add(einval, "auth-key: expected", ".auth-key", enc_name="cbc(aes)",
        enc_key=AES, auth_name="hmac(sha256)", auth_key="00" * 129)
    add(einval, "enc-key: expected", ".enc-key", enc_name="cbc(aes)",
        enc_key="00" * 1000, auth_name="hmac(sha256)", auth_key=SHA)
    add(einval, "", ".aead-name", aead_name="x" * 64, aead_key=GCM)
    add(2, "aead-name: expected", ".aead-name", aead_name="", aead_key=GCM)
    add(einval, "icv-bits: expected", ".icv-bits", icv_bits=0)
    add(einval, "icv-bits: expected", ".icv-bits", icv_bits=2 ** 32 - 1)
    add(einval, "replay-window: expected 0 to 4096", ".replay-window",
        direction="in", replay_window=2 ** 32 - 1)
    add(einval, "seq: expected less", ".seq", seq=2 ** 32)
    add(einval, "lifetime: expected at most", ".lifetime",
        lifetime={"hard-use-seconds": 2 ** 63})
    add(einval, "encap: expected sport and dport", ".encap",
        encap={"sport": 4500})
    add(einval, "encap: expected sport and dport", ".encap", encap={})
    add(einval, "offload and offload-ifindex together", ".offload",
        offload="crypto")
    add(einval, "offload and offload-ifindex together", ".offload-ifindex",
        offload_ifindex=1)
    add(enodev, "offload-ifindex: no such device", ".offload-ifindex",
        offload="crypto", offload_ifindex=4711)
    # An attribute of answers is not valid in requests.
    add(einval, "", ".keys", keys=True)
    add(einval, "", None, active=True)

    for cmd in "sa-get", "sa-del":
        fam.refused(einval, "direction: required", "direction", "do", cmd,
                    spi=0x1001)
        fam.refused(einval, "spi: required", "spi", "do", cmd,
                    direction="out")
        fam.refused(enodev, "no such device", ".ifname", "do", cmd,
                    ifname="nosuch0", direction="out", spi=0x1001)
    fam.refused(enodev, "no such device", ".ifname", "do", "sa-activate",
                ifname="nosuch0", spi=0x1001)
    fam.refused(2, "no such SA", ".spi", "do", "sa-get", direction="out",
                spi=0x1002)
    fam.refused(2, "there is no such SA", ".spi", "do", "sa-get", spi=0x7777,
                dst=LOCAL_HEX)
    fam.refused(einval, "dst: expected", ".dst", "do", "sa-get", spi=0x1001,
                dst=LOCAL_HEX[2:])
    fam.refused(2, "no such SA", ".spi", "do", "sa-del", direction="in",
                spi=0x1001)
    fam.refused(2, "no such valid outbound SA", ".spi", "do", "sa-activate",
                spi=0x1002)
    fam.refused(einval, "proto: expected", ".proto", "do", "sa-activate",
                spi=0x1001, proto=0)
    fam.refused(enodev, "no such device", ".ifname", "do", "dev-get",
                ifname="nosuch0")
    fam.refused(enodev, "no such device", None, "dump", "sa-get",
                ifname="nosuch0")
    fam.refused(einval, "", ".ifname", "do", "dev-get", ifname="x" * 16)


def adoption_waits(fam):
    """Check the reason of a state that the device has not taken yet, because
    the kernel waits for a module: see load_waits() in load.sh.
    """
    waits, goes_on = sys.argv[4] + "/waits", sys.argv[4] + "/goes-on"

    def refusal():
        return fam.do("sa-get", spi=0x1005, dst=REMOTE_HEX).get("refusal")

    def until(what, condition):
        for _ in range(300):
            if condition():
                return
            time.sleep(0.1)
        fail("no " + what)

    with subprocess.Popen([sys.argv[5], "busy", LOCAL, REMOTE, "0x1005",
                           "7"]) as busy:
        try:
            until("request for a module", lambda: os.path.exists(waits))
            same(refusal(), "pending", "reason of a state that waits")
        finally:
            with open(goes_on, "w", encoding="ascii"):
                pass
        same(busy.wait(), 0, "end of the request")
    until("adoption", lambda: refusal() is None)


def heard(fam):
    """The new notifications, each as name and attributes."""
    fam.ynl.check_ntf()
    queue = fam.ynl.async_msg_queue
    if isinstance(queue, list):
        new, queue[:] = queue[:], []
    else:  # a queue.Queue in newer kernels
        new = [queue.get() for _ in range(queue.qsize())]
    return [(event["name"], event["msg"]) for event in new]


def events(fam):
    """Check that notifications have the specified attributes."""
    ear = Client()
    ear.ynl.ntf_subscribe("events")
    fam.add(0x1001, lifetime={"soft-packets": 1})
    for _ in range(2):
        subprocess.run(["ping", "-c", "1", "-W", "0.1", "192.168.2.1"],
                       check=False, capture_output=True)
    fam.do("sa-del", direction="out", spi=0x1001)

    got = []
    for _ in range(300):
        got += heard(ear)
        if "sa-del-ntf" in [name for name, _ in got]:
            break
        time.sleep(0.1)
    same([name for name, _ in got if name != "sa-activate-ntf"],
         ["sa-add-ntf", "sa-expire-ntf", "sa-del-ntf"], "events")
    for name, attrs in got:
        if name != "sa-activate-ntf":
            same(get(attrs, "ifname", "direction", "proto", "spi", "mode",
                     "reqid", "src", "dst", "hard"),
                 [DEV, "out", 50, 0x1001, "transport", 9, LOCAL, REMOTE, None],
                 name)
    same(get(dict(got)["sa-activate-ntf"], "ifname"), [DEV], "sa-activate-ntf")


{"requests": requests, "refusals": refusals, "events": events,
 "adoption_waits": adoption_waits}[sys.argv[3]](Client())
