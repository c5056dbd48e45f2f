# SPDX-License-Identifier: MIT
# mptcp-captured.bash - completion for bash.
# shellcheck shell=bash

_mptcp_captured_devices()
{
	local path
	for path in /sys/class/net/*; do
		[[ ${path##*/} == "$1"* ]] && COMPREPLY+=("${path##*/}")
	done
}

_mptcp_captured()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} options

	COMPREPLY=()
	# bash takes = for a word of its own
	if [[ $current == = ]]; then
		previous="${COMP_WORDS[COMP_CWORD - 1]}=" current=
	elif [[ $previous == = ]]; then
		previous="${COMP_WORDS[COMP_CWORD - 2]}="
	fi
	case $previous in
	-i | --interface | --interface=) _mptcp_captured_devices "$current" ;;
	-c | --config | --config= | -w | --write | --write= | --control | --control=)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	-d | --directory | --directory=) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
	--user | --user=) mapfile -t COMPREPLY < <(compgen -u -- "$current") ;;
	--backend | --backend=) mapfile -t COMPREPLY < <(compgen -W "auto ring pcap" -- "$current") ;;
	--request | --request=) mapfile -t COMPREPLY < <(compgen -W "status rotate flush stop metrics" -- "$current") ;;
	-s | --snaplen | --snaplen-*) mapfile -t COMPREPLY < <(compgen -W "headers 0 160" -- "$current") ;;
	-[!-]*= | [!-]*=) mapfile -t COMPREPLY < <(compgen -W "master on backup off" -- "$current") ;;
	-f | --filter | --rotate-* | --max-* | --keep-free | --flush | --statistics | --buffer | --peak-pps | --stall | --zstd | --count | \
		--duration | --*=) ;;
	*)
		options="-i --interface -c --config -d --directory -w --write -f --filter -s --snaplen --snaplen-master --snaplen-on
			--snaplen-backup --snaplen-off --rotate-size --rotate-time --max-bytes --max-files --max-age --keep-free
			--flush --statistics --buffer --peak-pps --stall --zstd --user --control --backend --count --duration
			--check --request -q --quiet -v --verbose -h --help -V --version"
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
		;;
	esac
}
complete -F _mptcp_captured mptcp-captured
