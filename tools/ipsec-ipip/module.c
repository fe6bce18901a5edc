// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel module ipsec_ipip: which version is loaded and which is installed,
 * and the reason why the kernel does not have it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <libkmod.h>

#include "ipsi.h"
#include "module.h"

#define IPSI_MODULE	"ipsec_ipip"
#define IPSI_MODULES	"/lib/modules"

/**
 * struct ipsi_module - the module as it is installed for a kernel
 * @version: its version, or ""
 * @file: its file, or "" if it is not installed
 * @is_signed: it has a signature
 */
struct ipsi_module {
	char version[64];
	char file[512];
	bool is_signed;
};

static void ipsi_copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static void ipsi_module_read_info(struct kmod_module *mod,
				  struct ipsi_module *module)
{
	struct kmod_list *list = NULL, *item;
	const char *key, *value;

	if (kmod_module_get_info(mod, &list) < 0)
		return;

	kmod_list_foreach(item, list) {
		key = kmod_module_info_get_key(item);
		value = kmod_module_info_get_value(item);
		if (!strcmp(key, "version"))
			ipsi_copy(module->version, sizeof(module->version),
				  value);
		else if (!strcmp(key, "sig_id") && value && *value)
			module->is_signed = true;
	}
	kmod_module_info_free_list(list);
}

/* Return true if the module is installed for the kernel @release. */
static bool ipsi_module_find(const char *release, struct ipsi_module *module)
{
	struct kmod_list *list = NULL;
	struct kmod_module *mod;
	struct kmod_ctx *ctx;
	char dir[512];

	memset(module, 0, sizeof(*module));
	snprintf(dir, sizeof(dir), "%s/%s", IPSI_MODULES, release);
	ctx = kmod_new(dir, NULL);
	if (!ctx)
		return false;

	kmod_set_log_priority(ctx, 0);
	if (kmod_module_new_from_lookup(ctx, IPSI_MODULE, &list) == 0 && list) {
		mod = kmod_module_get_module(list);
		ipsi_copy(module->file, sizeof(module->file),
			  kmod_module_get_path(mod));
		ipsi_module_read_info(mod, module);
		kmod_module_unref(mod);
	}
	kmod_module_unref_list(list);
	kmod_unref(ctx);

	return *module->file;
}

/* Read the first line of a file; return false if it cannot be read. */
static bool ipsi_read_line(const char *path, char *line, int size)
{
	FILE *f = fopen(path, "re");
	bool done;

	if (!f)
		return false;
	done = fgets(line, size, f);
	fclose(f);
	if (done)
		line[strcspn(line, "\n")] = 0;
	return done;
}

/* Read the version of the loaded module; return false if there is none. */
bool ipsi_module_loaded(char *version, int size)
{
	return ipsi_read_line("/sys/module/" IPSI_MODULE "/version", version,
			      size);
}

/* Does the kernel refuse modules whose signature it cannot verify? */
static bool ipsi_must_be_signed(void)
{
	char line[80];

	if (ipsi_read_line("/sys/module/module/parameters/sig_enforce", line,
			   sizeof(line)) && *line == 'Y')
		return true;
	return ipsi_read_line("/sys/kernel/security/lockdown", line,
			      sizeof(line)) && !strstr(line, "[none]");
}

/* Find a kernel, other than the running one, for which the module is installed,
 * and put its release into @other.
 */
static bool ipsi_module_elsewhere(const char *running, char *other, int size)
{
	struct ipsi_module module;
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	dir = opendir(IPSI_MODULES);
	if (!dir)
		return false;

	while (!found && (entry = readdir(dir))) {
		if (*entry->d_name == '.' || !strcmp(entry->d_name, running))
			continue;
		found = ipsi_module_find(entry->d_name, &module);
		ipsi_copy(other, size, entry->d_name);
	}
	closedir(dir);

	return found;
}

/**
 * ipsi_module_lacks() - find a newer kernel for which the module is missing
 * @release: set to the newest kernel
 * @size: size of @release
 *
 * Return: true if the module is installed for the running kernel, and not for the
 *   newest one, which the next boot probably starts.
 */
bool ipsi_module_lacks(char *release, int size)
{
	struct ipsi_module module;
	struct dirent *entry;
	struct utsname uts;
	char image[300];
	DIR *dir;

	if (uname(&uts) || !ipsi_module_find(uts.release, &module))
		return false;
	dir = opendir(IPSI_MODULES);
	if (!dir)
		return false;

	ipsi_copy(release, size, uts.release);
	while ((entry = readdir(dir))) {
		snprintf(image, sizeof(image), "/boot/vmlinuz-%s",
			 entry->d_name);
		if (*entry->d_name != '.' && !access(image, F_OK) &&
		    strverscmp(entry->d_name, release) > 0)
			ipsi_copy(release, size, entry->d_name);
	}
	closedir(dir);

	return !ipsi_module_find(release, &module);
}

/**
 * ipsi_module_missing() - say why the kernel does not have the module
 *
 * Return: IPSI_FAIL.
 */
int ipsi_module_missing(void)
{
	static const char not_installed[] =
		"no kernel module: install ipsec-ipip-dkms, or run make install in the source";
	static const char elsewhere[] =
		"the module is for Linux %s: install headers of %s, then dkms autoinstall";
	static const char not_loaded[] =
		"the kernel module is not loaded: run modprobe ipsec_ipip as root";
	static const char not_signed[] =
		"%s is not signed: install it by DKMS, then mokutil --import its key";
	static const char not_enrolled[] =
		"module not loaded: mokutil --import /var/lib/dkms/mok.pub, reboot, modprobe";
	struct ipsi_module module;
	struct utsname uts;
	char other[256];

	if (uname(&uts))
		*uts.release = 0;

	if (!ipsi_module_find(uts.release, &module)) {
		if (!ipsi_module_elsewhere(uts.release, other, sizeof(other)))
			return ipsi_fail("%s", not_installed);
		return ipsi_fail(elsewhere, other, uts.release);
	}
	if (!ipsi_must_be_signed())
		return ipsi_fail("%s", not_loaded);
	if (!module.is_signed)
		return ipsi_fail(not_signed, module.file);
	return ipsi_fail("%s", not_enrolled);
}

/**
 * ipsi_module_print_version() - print the version of the module
 *
 * The loaded module may be older than the installed one after an upgrade.
 */
void ipsi_module_print_version(void)
{
	struct ipsi_module module;
	bool installed, loaded;
	struct utsname uts;
	char version[64];

	if (uname(&uts))
		*uts.release = 0;

	installed = ipsi_module_find(uts.release, &module);
	loaded = ipsi_module_loaded(version, sizeof(version));

	if (loaded && installed && strcmp(version, module.version))
		printf("module %s loaded, %s installed: reboot, or run modprobe -r "
		       IPSI_MODULE ", which deletes all links, and make them again\n",
		       version, module.version);
	else if (loaded)
		printf("module %s loaded\n", version);
	else if (installed)
		printf("module %s installed, not loaded\n", module.version);
	else
		puts("module not installed for this kernel");
}
