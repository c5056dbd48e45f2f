/* SPDX-License-Identifier: MIT */
#include "cmd_scrub_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../capture/names.h"

#define LIST_MAX 65536 /* more share one name */

static size_t find(const struct scrub_list *list, const char *name)
{
	size_t i = 0;

	while (i < list->n && strcmp(list->names[i], name) != 0)
		i++;
	return i;
}

/* False: no memory. */
static bool add(struct scrub_list *list, const char *name)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 16;
		char **larger = realloc(list->names, cap * sizeof(*larger));

		if (!larger)
			return false;
		list->names = larger;
		list->cap = cap;
	}
	list->names[list->n] = strdup(name);
	if (!list->names[list->n])
		return false;
	list->n++;
	return true;
}

static void release(struct scrub_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->names[i]);
	free(list->names);
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

/* any#2 is of any, base#eth0 of base and eth0. */
static bool add_parts(struct scrub_list *list, const char *name)
{
	char *copy = strdup(name), *rest = copy, *part;
	bool good = copy != NULL;

	while (good && (part = strsep(&rest, "#")))
		if (!is_number(part) && *part && find(list, part) == list->n)
			good = add(list, part);
	free(copy);
	return good;
}

static int by_name(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

bool scrub_names_init(struct scrub_names *names, const struct ledger *ledger, bool keep)
{
	*names = (struct scrub_names){.keep = keep};
	for (size_t i = 0; i < ledger->n_wans; i++)
		if (!add_parts(&names->wans, ledger->wans[i].name))
			return false;
	if (names->wans.n)
		qsort(names->wans.names, names->wans.n, sizeof(*names->wans.names), by_name);
	return true;
}

void scrub_names_release(struct scrub_names *names)
{
	release(&names->wans);
	release(&names->devices);
	release(&names->files);
	release(&names->stems);
	free(names->counts);
}

const char *scrub_names_wan(struct scrub_names *names, const char *name)
{
	size_t at = find(&names->wans, name);

	if (at == names->wans.n)
		return NULL;
	if (names->keep)
		return names->wans.names[at];
	if (names->wans.n <= 26)
		snprintf(names->text, sizeof(names->text), "wan-%c", (int)('a' + at));
	else /* as many figures for each: their order is that of the names */
		snprintf(names->text, sizeof(names->text), "wan-%06zu", at + 1);
	return names->text;
}

static const char *numbered(struct scrub_names *names, struct scrub_list *list, const char *word,
                            const char *name)
{
	size_t at = find(list, name);

	if (names->keep)
		snprintf(names->text, sizeof(names->text), "%s", name);
	else if (at == list->n && (list->n == LIST_MAX || !add(list, name)))
		snprintf(names->text, sizeof(names->text), "%s-more", word);
	else
		snprintf(names->text, sizeof(names->text), "%s-%zu", word, at + 1);
	return names->text;
}

const char *scrub_names_device(struct scrub_names *names, const char *name)
{
	const char *wan = scrub_names_wan(names, name);

	return wan ? wan : numbered(names, &names->devices, "dev", name);
}

const char *scrub_names_file(struct scrub_names *names, const char *name)
{
	return numbered(names, &names->files, "file", name);
}

const char *scrub_names_stem(struct scrub_names *names, const struct ledger *ledger,
                             const struct ledger_file *file)
{
	char *stem, *directory, wan[SCRUB_NAME] = "";
	const char *found = NULL;

	if (names_split(file->name, &stem, &directory)) {
		found = scrub_names_wan(names, stem);
		free(stem);
		free(directory);
	}
	if (!found && file->wan < ledger->n_wans) {
		snprintf(wan, sizeof(wan), "%s", ledger->wans[file->wan].name);
		wan[strcspn(wan, "#")] = '\0';
		found = scrub_names_wan(names, wan);
	}
	if (!found)
		return scrub_names_file(names, file->name);
	if (found != names->text)
		snprintf(names->text, sizeof(names->text), "%s", found);
	for (char *c = names->text; *c; c++) /* a WAN may be called by its directory too */
		*c = *c == '/' ? '-' : *c;
	return names->text;
}

unsigned scrub_names_count(struct scrub_names *names, const char *stem)
{
	size_t at = find(&names->stems, stem);

	if (at < names->stems.n)
		return names->counts[at]++;
	unsigned *larger = realloc(names->counts, (at + 1) * sizeof(*larger));
	if (larger)
		names->counts = larger;
	if (larger && add(&names->stems, stem))
		names->counts[at] = 1;
	return 0;
}
