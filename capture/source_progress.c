/* SPDX-License-Identifier: MIT
 *
 * source_progress.c - how far the reading is: see source.h.
 */
#include <unistd.h>

#include "source_inside.h"

/* Bytes of an open input that were read. Packed ones are counted where the system stands in them:
 * nothing else is between the disk and their unpacking. */
static uint64_t read_of(const struct input *input)
{
	off_t at;

	if (!input->window.packing[0])
		return input->position;
	at = lseek(input->window.fd, 0, SEEK_CUR);
	return at > 0 ? (uint64_t)at : 0;
}

void source_progress(const struct source *source, uint64_t *read, uint64_t *size)
{
	bool known = true;

	*read = *size = 0;
	for (size_t i = 0; i < source->inputs.n; i++) {
		const struct input *input = &source->inputs.list[i];
		uint64_t some = 0;

		if (input->open)
			some = read_of(input);
		else if (!input->has_head) /* it came to its end, or nothing of it is wanted */
			some = input->disk_bytes;
		known = known && input->disk_bytes > 0;
		if (some > input->disk_bytes && input->disk_bytes > 0)
			some = input->disk_bytes; /* it grew */
		*read += some;
		*size += input->disk_bytes;
	}
	if (!known)
		*size = 0;
}
