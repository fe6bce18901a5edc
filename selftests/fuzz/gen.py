#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Generate the fuzzer's tables and the syzkaller description from the netlink
specification.

gen.py [--check]: write spec.h and ipsec_ipip.txt beside this file. With --check,
write nothing, and fail if a file differs.
"""
import os
import sys

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
SPEC = os.path.join(HERE, "../../Documentation/netlink/specs/ipsec-ipip.yaml")
SETS = ("link", "sa", "lifetime", "encap")
PREFIX = {"link": "IFLA_IPSEC_IPIP_"}
SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}
HEADS = {".h": "/* {} */\n", ".txt": "# {}\n"}
MADE = "Made by selftests/fuzz/gen.py from Documentation/netlink/specs/ipsec-ipip.yaml"

ADDRESS = """\
ipsi_address [
	a4	ipv4_addr
	a6	ipv6_addr
] [varlen]
"""

SYZ = """\
# syzkaller description of the links "ipsec-ipip" and "ipsec-ipip-enc" and of
# the generic netlink family "ipsec-ipip".

include <linux/net.h>
include <uapi/linux/netlink.h>
include <uapi/linux/genetlink.h>
include <uapi/linux/rtnetlink.h>
include <uapi/linux/if_link.h>
include <uapi/linux/ipsec_ipip.h>

resource genl_ipsi_family_id[int16]

ipsi_ifname = "ipsi0", "ipsi1", "ipsi2"
ipsi_aead = "rfc4106(gcm(aes))", "rfc4543(gcm(aes))", "rfc4309(ccm(aes))", "rfc7539esp(chacha20,poly1305)"
ipsi_enc = "cbc(aes)", "ecb(cipher_null)", "rfc3686(ctr(aes))", "cbc(des3_ede)"
ipsi_auth = "hmac(sha1)", "hmac(sha256)", "hmac(sha512)", "cmac(aes)", "digest_null"

syz_genetlink_get_family_id$ipsi(name ptr[in, string["ipsec-ipip"]], fd sock_nl_generic) genl_ipsi_family_id

"""

SYZ_LINK = """\
type msghdr_ipsi_link[CMD] msghdr_netlink[netlink_msg[CMD, ifinfomsg[AF_UNSPEC], ipsi_ifla]]

ipsi_ifla [
	IFLA_IFNAME	nlattr[IFLA_IFNAME, string[ipsi_ifname, IFNAMSIZ]]
	IFLA_MTU	nlattr[IFLA_MTU, int32]
	IFLA_LINK	nlattr[IFLA_LINK, ifindex[opt]]
	IFLA_NET_NS_FD	nlattr[IFLA_NET_NS_FD, fd_namespace]
	IFLA_LINKINFO	nlattr[IFLA_LINKINFO, ipsi_info]
] [varlen]

ipsi_info [
	link	ifla_info_policy_t["ipsec-ipip", IFLA_INFO_DATA, array[ipsi_link_attr]]
	enc	ifla_info_policy_t["ipsec-ipip-enc", IFLA_INFO_DATA, void]
] [varlen]

sendmsg$IPSI_NEWLINK(fd sock_nl_route, msg ptr[in, msghdr_ipsi_link[RTM_NEWLINK]], f flags[send_flags])
sendmsg$IPSI_DELLINK(fd sock_nl_route, msg ptr[in, msghdr_ipsi_link[RTM_DELLINK]], f flags[send_flags])

"""


def upper(name):
    """A name of the specification as part of a C name."""
    return name.upper().replace("-", "_")


def sets_of(spec):
    """The attribute sets that requests have, by name."""
    found = {s["name"]: s for s in spec["attribute-sets"]}
    return {name: found[name] for name in SETS}


def constant(which, attr):
    """The C name of an attribute."""
    prefix = PREFIX.get(which, "IPSEC_IPIP_A_" + upper(which) + "_")
    return prefix + upper(attr["name"])


def requests(spec):
    """The requests: name, whether it is a dump, and its attributes."""
    for oper in spec["operations"]["list"]:
        for how in ("do", "dump"):
            if how in oper:
                request = oper[how].get("request") or {}
                yield oper["name"], how == "dump", request.get("attributes", [])


def enums_of(spec):
    """The values of enumerations, by name."""
    return {d["name"]: [e if isinstance(e, str) else e["name"]
                        for e in d["entries"]]
            for d in spec["definitions"] if d["type"] == "enum"}


def c_tables(spec):
    """The content of spec.h."""
    enums = enums_of(spec)
    out = ["#ifndef FUZZ_SPEC_H\n#define FUZZ_SPEC_H\n\n"
           "#include <linux/ipsec_ipip.h>\n\n#include \"table.h\"\n"]
    for name, attrs in reversed(sets_of(spec).items()):
        rows = []
        for attr in attrs["attributes"]:
            kind, nest = attr["type"], attr.get("nested-attributes")
            row = f"{{ .type = {constant(name, attr)}"
            if kind in SIZES:
                row += f", .size = {SIZES[kind]}"
            elif kind != "pad":
                row += f",\n\t  .kind = FUZZ_{upper(kind)}"
            if attr.get("enum"):
                row += f",\n\t  .values = {len(enums[attr['enum']])}"
            if nest in SETS:
                row += f",\n\t  .nest = &fuzz_{nest}"
            if kind != "pad":
                rows.append(f"\t{row} }},\n")
        out.append(f"\nstatic const struct fuzz_attr fuzz_{name}_attrs[] = {{\n"
                   + "".join(rows) + "};\n")
        out.append(f"\nstatic const struct fuzz_set fuzz_{name} = {{\n"
                   f"\t.attrs = fuzz_{name}_attrs,\n"
                   f"\t.n = FUZZ_N(fuzz_{name}_attrs),\n}};\n")
    rows = []
    for name, dump, attrs in requests(spec):
        which = "dev" if name.startswith("dev-") else "sa"
        masks = [f"\n\t\t   FUZZ_BIT(IPSEC_IPIP_A_{upper(which)}_{upper(a)})"
                 for a in attrs]
        rows.append(f"\t{{ .cmd = IPSEC_IPIP_CMD_{upper(name)}"
                    + (", .dump = true" if dump else "")
                    + (",\n\t  .attrs = " + " |".join(masks).lstrip()
                       if attrs else "") + " },\n")
    out.append("\nstatic const struct fuzz_cmd fuzz_cmds[] = {\n"
               + "".join(rows) + "};\n\n#endif /* FUZZ_SPEC_H */\n")
    return "".join(out)


def syz_type(which, attr, enums):
    """The syzkaller type of the payload of an attribute."""
    name, kind = attr["name"], attr["type"]
    by_name = {
        "ifname": "string[ipsi_ifname, IFNAMSIZ]", "ifindex": "ifindex",
        "aead-name": "string[ipsi_aead]", "enc-name": "string[ipsi_enc]",
        "auth-name": "string[ipsi_auth]", "spi": "int32be[256:272]",
        "if-id": "int32[0:4]", "proto": "int8[50:51]",
        "local": "ipsi_address", "remote": "ipsi_address",
        "link": "ifindex[opt]", "offload-ifindex": "ifindex",
    }
    if name in by_name:
        return by_name[name]
    if attr.get("enum"):
        return f"int{8 * SIZES[kind]}[0:{len(enums[attr['enum']])}]"
    if kind in SIZES:
        order = "be" if attr.get("byte-order") == "big-endian" else ""
        return f"int{8 * SIZES[kind]}{order}"
    if kind == "nest" and attr["nested-attributes"] in SETS:
        return f"array[ipsi_{attr['nested-attributes']}_attr]"
    if kind in ("flag", "nest"):
        return "void"
    return f"array[int8, 0:{129 if which == 'sa' else 17}]"


def syzkaller(spec):
    """The content of ipsec_ipip.txt."""
    enums = enums_of(spec)
    out = ["\n", SYZ, ADDRESS, "\n", SYZ_LINK]
    for name, attrs in sets_of(spec).items():
        out.append(f"ipsi_{name}_attr [\n")
        for attr in attrs["attributes"]:
            if attr["type"] == "pad":
                continue
            const = constant(name, attr)
            form = "nlnest" if attr.get("nested-attributes") in SETS else \
                "nlattr"
            out.append(f"\t{const}\t{form}[{const}, "
                       f"{syz_type(name, attr, enums)}]\n")
        out.append("] [varlen]\n\n")
    out.append("ipsi_dev_attr [\n"
               "\tifindex\tnlattr[IPSEC_IPIP_A_DEV_IFINDEX, ifindex]\n"
               "\tifname\tnlattr[IPSEC_IPIP_A_DEV_IFNAME, "
               "string[ipsi_ifname, IFNAMSIZ]]\n] [varlen]\n\n")
    out.append("type msghdr_ipsi[CMD, ATTRS] msghdr_netlink[netlink_msg_t["
               "genl_ipsi_family_id, genlmsghdr_t[CMD], ATTRS]]\n\n")
    for name in dict.fromkeys(name for name, _, _ in requests(spec)):
        which = "dev" if name.startswith("dev-") else "sa"
        cmd = "IPSEC_IPIP_CMD_" + upper(name)
        out.append(f"sendmsg${cmd}(fd sock_nl_generic, msg ptr[in, "
                   f"msghdr_ipsi[{cmd}, ipsi_{which}_attr]], "
                   "f flags[send_flags])\n")
    return "".join(out)


def main():
    """Run the command line."""
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit("usage: gen.py [--check]")
    with open(SPEC, encoding="utf-8") as file:
        spec = yaml.safe_load(file)
    status = 0
    for name, content in (("spec.h", c_tables(spec)),
                          ("ipsec_ipip.txt", syzkaller(spec))):
        head = HEADS[os.path.splitext(name)[1]]
        content = head.format("SPDX-License-Identifier: GPL-2.0") + \
            head.format(MADE) + content
        path = os.path.join(HERE, name)
        old = ""
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                old = file.read()
        if old == content:
            continue
        if sys.argv[1:]:
            print(f"{name} differs from the specification: run selftests/fuzz/gen.py")
            status = 1
            continue
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
    sys.exit(status)


main()
