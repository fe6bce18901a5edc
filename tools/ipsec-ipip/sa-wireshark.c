// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip sa show ... keys --format wireshark: ESP SAs as lines of the file
 * esp_sa of Wireshark and tshark, which decrypt with them.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "attrs.h"
#include "ipsi.h"
#include "sa-wireshark.h"

/* An algorithm of the kernel and of Wireshark; the ICV length counts if not 0. */
struct ipsi_ws_alg {
	const char *name;
	unsigned int icv_bits;
	const char *wireshark;
};

static const struct ipsi_ws_alg ipsi_ws_ciphers[] = {
	{ "ecb(cipher_null)", 0, "NULL" },
	{ "cbc(aes)", 0, "AES-CBC [RFC3602]" },
	{ "rfc3686(ctr(aes))", 0, "AES-CTR [RFC3686]" },
	{ "cbc(des3_ede)", 0, "TripleDES-CBC [RFC2451]" },
	{ "cbc(des)", 0, "DES-CBC [RFC2405]" },
	{ "cbc(cast5)", 0, "CAST5-CBC [RFC2144]" },
	{ "cbc(blowfish)", 0, "BLOWFISH-CBC [RFC2451]" },
	{ "cbc(twofish)", 0, "TWOFISH-CBC" },
	{ "rfc4106(gcm(aes))", 64, "AES-GCM with 8 octet ICV [RFC4106]" },
	{ "rfc4106(gcm(aes))", 96, "AES-GCM with 12 octet ICV [RFC4106]" },
	{ "rfc4106(gcm(aes))", 128, "AES-GCM with 16 octet ICV [RFC4106]" },
	{}
};

static const struct ipsi_ws_alg ipsi_ws_auths[] = {
	{ "hmac(md5)", 96, "HMAC-MD5-96 [RFC2403]" },
	{ "hmac(sha1)", 96, "HMAC-SHA-1-96 [RFC2404]" },
	{ "hmac(rmd160)", 96, "MAC-RIPEMD-160-96 [RFC2857]" },
	{ "hmac(sha256)", 96,
	  "HMAC-SHA-256-96 [draft-ietf-ipsec-ciph-sha-256-00]" },
	{ "hmac(sha256)", 128, "HMAC-SHA-256-128 [RFC4868]" },
	{ "hmac(sha384)", 192, "HMAC-SHA-384-192 [RFC4868]" },
	{ "hmac(sha512)", 256, "HMAC-SHA-512-256 [RFC4868]" },
	{}
};

/* ICVs that Wireshark skips without a check, for other algorithms. */
static const struct ipsi_ws_alg ipsi_ws_icvs[] = {
	{ NULL, 64, "ANY 64 bit authentication [no checking]" },
	{ NULL, 96, "ANY 96 bit authentication [no checking]" },
	{ NULL, 128, "ANY 128 bit authentication [no checking]" },
	{ NULL, 192, "ANY 192 bit authentication [no checking]" },
	{ NULL, 256, "ANY 256 bit authentication [no checking]" },
	{}
};

static const char *ipsi_ws_find(const struct ipsi_ws_alg *algs,
				const char *name, unsigned int icv_bits)
{
	const struct ipsi_ws_alg *alg;

	for (alg = algs; alg->wireshark; alg++)
		if ((!alg->name || !strcmp(alg->name, name)) &&
		    (!alg->icv_bits || alg->icv_bits == icv_bits))
			return alg->wireshark;
	return NULL;
}

static const char *ipsi_ws_cipher(const struct ipsi_attrs *sa, unsigned int icv)
{
	if (sa->tb[IPSEC_IPIP_A_SA_AEAD_NAME])
		return ipsi_ws_find(ipsi_ws_ciphers,
				    ipsi_attr_string(sa,
						     IPSEC_IPIP_A_SA_AEAD_NAME),
				    icv);
	return ipsi_ws_find(ipsi_ws_ciphers,
			    sa->tb[IPSEC_IPIP_A_SA_ENC_NAME] ?
			    ipsi_attr_string(sa, IPSEC_IPIP_A_SA_ENC_NAME) :
			    "ecb(cipher_null)", icv);
}

static const char *ipsi_ws_auth(const struct ipsi_attrs *sa, unsigned int icv)
{
	const char *name, *auth;

	if (!sa->tb[IPSEC_IPIP_A_SA_AUTH_NAME])
		return "NULL";
	name = ipsi_attr_string(sa, IPSEC_IPIP_A_SA_AUTH_NAME);
	auth = ipsi_ws_find(ipsi_ws_auths, name, icv);
	return auth ? auth : ipsi_ws_find(ipsi_ws_icvs, name, icv);
}

/* Prints a key in quotes, empty if there is none. */
static void ipsi_ws_key(const struct ipsi_attrs *sa, unsigned int id)
{
	fputs(",\"", stdout);
	if (sa->tb[id] && mnl_attr_get_payload_len(sa->tb[id]))
		ipsi_print_key(sa, id, true);
	putchar('"');
}

static void ipsi_ws_line(const struct ipsi_attrs *sa, const char *cipher,
			 const char *auth)
{
	const bool aead = sa->tb[IPSEC_IPIP_A_SA_AEAD_NAME];
	const bool esn = sa->tb[IPSEC_IPIP_A_SA_ESN];
	char src[IPSI_TEXT_LEN], dst[IPSI_TEXT_LEN];
	struct ipsi_attrs stats;

	ipsi_attrs_parse_nest(&stats, sa, IPSEC_IPIP_A_SA_STATS);
	ipsi_attr_addr(sa, IPSEC_IPIP_A_SA_SRC, src);
	ipsi_attr_addr(sa, IPSEC_IPIP_A_SA_DST, dst);
	printf("\"%s\",\"%s\",\"%s\",\"0x%08llx\",\"%s\"",
	       strchr(dst, ':') ? "IPv6" : "IPv4", src, dst,
	       ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_SPI), cipher);
	ipsi_ws_key(sa, aead ? IPSEC_IPIP_A_SA_AEAD_KEY :
			       IPSEC_IPIP_A_SA_ENC_KEY);
	printf(",\"%s\"", auth);
	ipsi_ws_key(sa, IPSEC_IPIP_A_SA_AUTH_KEY);
	printf(",\"%s\",\"0x%08llx\"\n", esn ? "64-bit" : "32-bit",
	       esn ? ipsi_attr_u64(&stats, IPSEC_IPIP_A_SA_STATS_SEQ) >> 32 :
		     0);
}

/**
 * ipsi_sa_wireshark() - print an SA for Wireshark
 * @sa: the SA, with its keys
 *
 * AH has nothing to decrypt and is left out.
 */
void ipsi_sa_wireshark(const struct ipsi_attrs *sa)
{
	const unsigned int icv = ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_ICV_BITS);
	const char *cipher, *auth;

	if (ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_PROTO) != IPPROTO_ESP)
		return;
	cipher = ipsi_ws_cipher(sa, icv);
	auth = ipsi_ws_auth(sa, icv);
	if (cipher && auth)
		ipsi_ws_line(sa, cipher, auth);
	else
		ipsi_warn("spi 0x%08llx: Wireshark does not know its algorithms",
			  ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_SPI));
}
