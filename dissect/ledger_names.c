/* SPDX-License-Identifier: MIT
 *
 * ledger_names.c - by what else a WAN may be known: the devices its recorder named, and its own
 * hardware addresses.
 *
 * Lists are sorted and keep their first words, so merging stays associative and commutative however
 * much is left out.
 */
#include "ledger_inside.h"

#include <string.h>

static void add_word(struct ledger_words *words, const char *word)
{
	char clean[LEDGER_WORD] = "";
	unsigned place = 0;

	for (size_t i = 0; i < LEDGER_WORD - 1 && word[i]; i++)
		clean[i] = word[i] > 0x20 && word[i] < 0x7f ? word[i] : '?';
	while (place < words->n && strcmp(words->rows[place], clean) < 0)
		place++;
	if (!clean[0] || place == LEDGER_NAMES_MAX ||
	    (place < words->n && strcmp(words->rows[place], clean) == 0))
		return;
	if (words->n < LEDGER_NAMES_MAX)
		words->n++;
	memmove(words->rows[place + 1], words->rows[place], (words->n - place - 1) * sizeof(clean));
	memcpy(words->rows[place], clean, sizeof(clean));
}

void ledger_add_device(struct ledger_wan *wan, const char *device)
{
	add_word(&wan->devices, device);
}

void ledger_add_mac(struct ledger_wan *wan, const char *mac)
{
	add_word(&wan->macs, mac);
}

void ledger_names_merge(struct ledger_wan *into, const struct ledger_wan *from)
{
	for (unsigned i = 0; i < from->devices.n; i++)
		add_word(&into->devices, from->devices.rows[i]);
	for (unsigned i = 0; i < from->macs.n; i++)
		add_word(&into->macs, from->macs.rows[i]);
}

/* ---- JSON: "devices" and "macs" of a WAN, only where there are some ---- */

static bool save_words(json_t *row, const char *key, const struct ledger_words *words)
{
	json_t *array;

	if (words->n == 0)
		return true;
	array = json_array();
	if (json_object_set_new(row, key, array) != 0)
		return false;
	for (unsigned i = 0; i < words->n; i++)
		if (json_array_append_new(array, json_string(words->rows[i])) != 0)
			return false;
	return true;
}

bool ledger_names_save(json_t *row, const struct ledger_wan *wan)
{
	return save_words(row, "devices", &wan->devices) && save_words(row, "macs", &wan->macs);
}

static bool load_words(const json_t *row, const char *key, struct ledger_words *words)
{
	const json_t *array = json_object_get(row, key);

	if (!array)
		return true;
	if (!json_is_array(array) || json_array_size(array) > LEDGER_NAMES_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *word = json_string_value(json_array_get(array, i));

		if (!word || strlen(word) >= LEDGER_WORD)
			return false;
		add_word(words, word);
	}
	return true;
}

bool ledger_names_load(const json_t *row, struct ledger_wan *wan)
{
	return load_words(row, "devices", &wan->devices) && load_words(row, "macs", &wan->macs);
}
