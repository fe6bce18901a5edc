// SPDX-License-Identifier: GPL-2.0
/*
 * Attributes as JSON, from the tables in attrs.c. Strings that hold keys are wiped
 * when they are freed, and the text after it is printed.
 */
#define _GNU_SOURCE
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "attrs.h"
#include "ipsi.h"

static void ipsi_json_wipe(struct json_object *object, void *data)
{
	(void)data;
	explicit_bzero((char *)json_object_get_string(object),
		       json_object_get_string_len(object));
}

static struct json_object *ipsi_json_key(const struct ipsi_attrs *attrs,
					 unsigned int id)
{
	char text[IPSI_KEY_TEXT_LEN];
	struct json_object *object;

	ipsi_key_text(attrs, id, text);
	object = json_object_new_string(text);
	explicit_bzero(text, sizeof(text));
	json_object_set_userdata(object, NULL, ipsi_json_wipe);
	return object;
}

static struct json_object *ipsi_json_value(const struct ipsi_attrs *attrs,
					   unsigned int id)
{
	char buf[IPSI_TEXT_LEN];
	struct ipsi_attrs nest;
	uint8_t proto;

	switch (attrs->set->attrs[id].type) {
	case IPSI_FLAG:
		return json_object_new_boolean(true);
	case IPSI_STRING:
		return json_object_new_string(ipsi_attr_string(attrs, id));
	case IPSI_ADDR:
		return json_object_new_string(ipsi_attr_addr(attrs, id, buf));
	case IPSI_KEY:
		return ipsi_json_key(attrs, id);
	case IPSI_NEST:
		ipsi_attrs_parse_nest(&nest, attrs, id);
		return ipsi_attrs_json(&nest);
	case IPSI_PROTO:
		proto = ipsi_attr_u64(attrs, id);
		return json_object_new_string(ipsi_proto_name(proto));
	case IPSI_ENUM8:
	case IPSI_ENUM32:
		return json_object_new_string(ipsi_attr_enum(attrs, id));
	case IPSI_BOOL:
		return json_object_new_boolean(ipsi_attr_u64(attrs, id));
	default:
		return json_object_new_uint64(ipsi_attr_u64(attrs, id));
	}
}

static void ipsi_json_name(const char *name, char buf[IPSI_TEXT_LEN])
{
	char *c;

	snprintf(buf, IPSI_TEXT_LEN, "%s", name);
	for (c = buf; *c; c++)
		if (*c == '-')
			*c = '_';
}

/* SPIs are numbers, and also text as everywhere else. */
static void ipsi_json_hex(struct json_object *object, const char *name,
			  uint32_t spi)
{
	char key[IPSI_TEXT_LEN + 8], text[16];

	snprintf(key, sizeof(key), "%s_hex", name);
	snprintf(text, sizeof(text), "0x%08x", spi);
	json_object_object_add(object, key, json_object_new_string(text));
}

/**
 * ipsi_attrs_json() - attributes as a JSON object
 * @attrs: the attributes
 *
 * The names are those of the spec, with "_" for "-". An SPI is there a second
 * time, in hex.
 *
 * Return: a new object, which the caller puts.
 */
struct json_object *ipsi_attrs_json(const struct ipsi_attrs *attrs)
{
	struct json_object *object = json_object_new_object();
	char name[IPSI_TEXT_LEN];
	unsigned int id;

	for (id = 0; id <= attrs->set->max; id++) {
		if (!attrs->tb[id])
			continue;
		ipsi_json_name(attrs->set->attrs[id].name, name);
		json_object_object_add(object, name,
				       ipsi_json_value(attrs, id));
		if (attrs->set->attrs[id].type == IPSI_BE32)
			ipsi_json_hex(object, name, ipsi_attr_u64(attrs, id));
	}
	return object;
}

/* Adds absent flags as false, so that readers always find them. */
void ipsi_json_flags(struct json_object *object, const char * const *names)
{
	for (; *names; names++)
		if (!json_object_object_get_ex(object, *names, NULL))
			json_object_object_add(object, *names,
					       json_object_new_boolean(false));
}

/* The text of a JSON object, which owns it. */
const char *ipsi_json_text(struct json_object *object, bool pretty)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	flags |= pretty ? JSON_C_TO_STRING_PRETTY : JSON_C_TO_STRING_PLAIN;
	return json_object_to_json_string_ext(object, flags);
}

/**
 * ipsi_json_print() - print a JSON object and put it
 * @object: the object
 * @pretty: print it on several lines
 */
void ipsi_json_print(struct json_object *object, bool pretty)
{
	const char *text = ipsi_json_text(object, pretty);

	puts(text);
	/* There may be keys in it. */
	explicit_bzero((char *)text, strlen(text));
	json_object_put(object);
}
