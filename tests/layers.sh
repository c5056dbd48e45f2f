#!/bin/sh
# SPDX-License-Identifier: MIT
#
# layers.sh - a stage includes only the hand-over headers of the stage before it:
#   capture/ nothing of ours; dissect/ capture/frame.h; report/ dissect/ledger.h. Mains (report/main.c, cmd_*.c) may all.
# And: libpcap only in capture/, nDPI only in dissect/appid_ndpi.c, no clock in dissect.
cd "$(dirname "$0")/.." || exit 1
bad=0
say() { echo "not ok layers: $1"; bad=1; }

# file: header, for each include that names another room
crossings=$(grep -HnE '^#[[:space:]]*include[[:space:]]+"\.\./' capture/*.[ch] dissect/*.[ch] report/*.[ch] 2>/dev/null)
echo "$crossings" | while IFS=: read -r file line text; do
	[ -n "$file" ] || continue
	header=$(echo "$text" | sed 's/.*"\.\.\/\([^"]*\)".*/\1/')
	case $file:$header in
	report/main.c:*|report/cmd_*) ;;
	dissect/*:capture/frame.h) ;;
	report/*:dissect/ledger.h) ;;
	*) echo "not ok layers: $file:$line includes $header" ;;
	esac
done >"${TMPDIR:-/tmp}/layers.$$"
[ -s "${TMPDIR:-/tmp}/layers.$$" ] && { cat "${TMPDIR:-/tmp}/layers.$$"; bad=1; }
rm -f "${TMPDIR:-/tmp}/layers.$$"

for file in $(grep -lE '#[[:space:]]*include[[:space:]]*<pcap' dissect/*.[ch] report/*.[ch] 2>/dev/null); do
	say "$file includes libpcap: that belongs to capture/"
done
for file in $(grep -lE '#[[:space:]]*include[[:space:]]*<(ndpi|libndpi)' */*.[ch] 2>/dev/null); do
	[ "$file" = dissect/appid_ndpi.c ] || say "$file includes nDPI: that belongs to dissect/appid_ndpi.c"
done
for file in $(grep -lwE 'clock_gettime|gettimeofday|time\(NULL\)' dissect/*.c 2>/dev/null); do
	say "$file asks a clock: dissect has none"
done
[ $bad = 0 ] && echo "ok layers ($(ls capture/*.[ch] dissect/*.[ch] report/*.[ch] | wc -l) files)"
exit $bad
