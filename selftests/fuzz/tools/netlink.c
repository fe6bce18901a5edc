// SPDX-License-Identifier: GPL-2.0
/*
 * Answers of the kernel to each verb. The first byte of an input chooses the command
 * line, the rest are datagrams, each after its length in 16 bits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipsi.h"
#include "world.h"

static const char conf[] =
	"[Link]\nLocal = 10.0.0.1\nRemote = 10.0.0.2\n"
	"[SA]\nDirection = in\nSPI = 0x1000\nAuth = hmac(sha1) 0x0011\n";

static const char * const lines[] = {
	"show",
	"-j show",
	"--brief show",
	"show ipsec0",
	"sa show",
	"sa show keys",
	"-j sa show keys",
	"sa show keys --format wireshark",
	"sa show ipsec0 out spi 0x1000",
	"check",
	"-j check",
	"check ipsec0",
	"export ipsec0 --to self",
	"export ipsec0 --to ip-xfrm",
	"export ipsec0 --to openbsd",
	"showconf ipsec0",
	"monitor",
	"-j monitor",
	"sa add ipsec0 out spi 0x1000 aead gcm 0x00112233 128 limit byte-soft 1",
	"sa add ipsec0 in spi 0x1000 enc cbc 0x0011 encap espinudp 1 2",
	"sa del ipsec0 out spi 0x1000",
	"sa flush ipsec0",
	"sa activate ipsec0 spi 0x1000",
	"rekey ipsec0 in spi 0x1000 auth hmac 0x0011",
	"syncconf /x/ipsec0.conf",
	"setconf /x/ipsec0.conf",
	"addconf /x/ipsec0.conf",
	"save /x/ipsec0.conf",
	"up /x/ipsec0.conf",
	"down /x/ipsec0.conf",
	"capture ipsec0 -w /x/y",
	"-V",
	"__complete 2 sa show",
	"__complete 3 sa del ipsec0",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char line[128], *argv[32] = { "ipsec-ipip" }, *save, *word;
	int argc = 1;

	if (!len)
		return 0;
	world_begin();
	world_file("/x/ipsec0.conf", conf, sizeof(conf) - 1);
	world_answers(data + 1, len - 1);
	snprintf(line, sizeof(line), "%s", lines[data[0] % IPSI_ARRAY_SIZE(lines)]);
	for (word = strtok_r(line, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	ipsi_main(argc, argv);
	world_end();
	return 0;
}
