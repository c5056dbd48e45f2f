/* SPDX-License-Identifier: MIT
 *
 * recording.h - the quality record of one file, read: its notes and statistics go to the roster.
 *
 * A WAN may be described several times in a file, when its device came back or got another address;
 * what its statistics say counts for the WAN since the file began, so the latest word replaces the
 * earlier one. Says nothing of files that another program wrote.
 */
#ifndef CAPTURE_RECORDING_H
#define CAPTURE_RECORDING_H

#include "counted.h"
#include "quality.h"
#include "roster.h"
#include "savefile.h"

#define RECORDING_WARNINGS 4

/* An interface description with our note. */
struct recording_interface {
	char wan[SAVEFILE_NAME], role[FRAME_WORD], device[FRAME_WORD];
	int64_t offset_ns; /* as in struct recording, of the clock that stamps its frames */
	struct frame_warning warnings[RECORDING_WARNINGS];
	unsigned n_warnings;
	uint32_t row; /* index of its WAN's row + 1; 0 = its WAN is not known yet */
};

/* A WAN in this file. Times are the file's own. */
struct recording_wan {
	uint32_t wan; /* of the roster */
	bool filtered, ended, stopped;
	int64_t offset_ns;                    /* of its latest description */
	uint64_t dropped_kernel, dropped_own; /* as told last */
	uint64_t from_ns, to_ns;              /* what it covers so far; from 0 = not known */

	struct counted counted; /* the stretch that goes on */
};

struct recording {
	bool told; /* an interface description has our note */

	/* of the first such note */
	char boot[FRAME_WORD];
	uint64_t sequence;
	int64_t offset_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME when the file began */
	uint64_t began_ns; /* the earliest time a statistics block says it covers; 0 = not known */

	bool repaired;
	struct recording_interface *interfaces;
	struct recording_wan *wans;
	size_t n_interfaces, cap_interfaces, n_wans, cap_wans;
};

void recording_release(struct recording *recording);

/* An interface description: interface->told is set when it has our note, interface->thinned when
 * frames were left out of it, whoever captured it. False: no memory. */
bool recording_describe(struct recording *recording, const struct savefile *savefile,
                        struct savefile_record *record);

/* The name of the WAN that the note gives, or NULL. */
static inline const char *recording_name(const struct recording *recording,
                                         const struct savefile_interface *interface)
{
	const char *name = interface->told ? recording->interfaces[interface->told - 1].wan : "";

	return name[0] ? name : NULL;
}

/* A stream goes on when the clock is set: what its later descriptions stamp is moved to the clock
 * of the first, by so much. */
int64_t recording_moved(const struct recording *recording,
                        const struct savefile_interface *interface);

/* Its WAN is known now. `counting`: this reading is the one that fills the sums. False: no memory.
 */
bool recording_settle(struct recording *recording, struct roster *roster,
                      const struct savefile_interface *interface, bool counting);

/* The statistics of a described interface whose WAN is known; times are moved by `shift_ns`. What
 * it covers is also noted in the file's row. */
void recording_statistics(struct recording *recording, struct roster *roster,
                          const struct savefile *savefile, struct savefile_record *record,
                          int64_t shift_ns, struct frame_file *row);

/* A frame of such an interface, as it was stamped, and as that was moved (recording_moved). */
void recording_frame(struct recording *recording, const struct savefile_interface *interface,
                     uint64_t ts_ns, uint64_t moved_ns, uint32_t wire_len);

/* The end of the file. `shift_ns` is that of its clock; what the user shifts a WAN by comes on top.
 */
void recording_end(struct recording *recording, struct roster *roster, int64_t shift_ns,
                   struct frame_file *row);

/* A time moved, cut to what times may be. */
uint64_t recording_shifted(uint64_t ns, int64_t shift_ns);

#endif
