/* SPDX-License-Identifier: MIT */
#include "cmd_scrub_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../capture/names.h"

#define LIST_MAX 65536 /* more share one name */

/* Where it stands in `order`, or would. */
static size_t place_of(const struct scrub_list *list, const char *name)
{
	size_t low = 0, high = list->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(list->names[list->order[middle]], name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Its index; the next one when it is not there. */
static size_t find(const struct scrub_list *list, const char *name)
{
	size_t place = place_of(list, name);

	if (place < list->n && strcmp(list->names[list->order[place]], name) == 0)
		return list->order[place];
	return list->n;
}

static bool make_room(struct scrub_list *list)
{
	size_t cap = list->cap ? list->cap * 2 : 16;
	char **names = realloc(list->names, cap * sizeof(*names));
	uint32_t *order = realloc(list->order, cap * sizeof(*order));

	list->names = names ? names : list->names;
	list->order = order ? order : list->order;
	list->cap = names && order ? cap : list->cap;
	return names && order;
}

/* It is not there yet. False: no memory. */
static bool add(struct scrub_list *list, const char *name)
{
	size_t place = place_of(list, name);

	if (list->n == list->cap && !make_room(list))
		return false;
	list->names[list->n] = strdup(name);
	if (!list->names[list->n])
		return false;
	memmove(list->order + place + 1, list->order + place,
	        (list->n - place) * sizeof(*list->order));
	list->order[place] = (uint32_t)list->n++;
	return true;
}

static void release(struct scrub_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->names[i]);
	free(list->names);
	free(list->order);
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

bool scrub_names_init(struct scrub_names *names, const struct ledger *ledger, bool keep)
{
	*names = (struct scrub_names){.keep = keep};
	for (size_t i = 0; i < ledger->n_wans; i++)
		if (!add_parts(&names->wans, ledger->wans[i].name))
			return false;
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
	size_t at = place_of(&names->wans, name);

	if (find(&names->wans, name) == names->wans.n)
		return NULL;
	if (names->keep)
		return names->wans.names[names->wans.order[at]];
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
