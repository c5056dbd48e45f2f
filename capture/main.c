/* SPDX-License-Identifier: MIT
 *
 * main.c - mptcp-captured: records each WAN, for weeks, and says what it missed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "record.h"

static int request(const struct settings *settings)
{
	int error = control_request(settings->control, settings->request, STDOUT_FILENO);

	if (error == 0)
		return RECORD_CLEAN;
	fprintf(stderr, "mptcp-captured: %s: %s; is a recorder running there?\n", settings->control,
	        strerror(-error));
	return RECORD_NEVER_SEEN;
}

/* Whoever closed them for us: a socket of ours must not get such a number, or a capture "to
 * standard output" would go into it. What is written here fails instead. */
static void fill_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	static struct settings settings; /* large; read once */
	char message[600];

	fill_standard();

	if (!settings_read(&settings, argc, argv, message, sizeof(message))) {
		fprintf(stderr, "mptcp-captured: %s\n", message);
		return settings.bad_file ? RECORD_CONFIG : RECORD_USAGE;
	}
	if (settings.help) {
		settings_help(stdout);
		return RECORD_CLEAN;
	}
	if (settings.version) {
		puts("mptcp-captured " MPTCP_AUDIT_VERSION);
		return RECORD_CLEAN;
	}
	if (settings.request[0])
		return request(&settings);
	if (settings.check) {
		settings_print(&settings, stdout);
		return RECORD_CLEAN;
	}
	return record_run(&settings, argc, argv);
}
