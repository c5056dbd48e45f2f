# SPDX-License-Identifier: MIT
# mptcp-grab.bash - completion for bash.
# shellcheck shell=bash

_mptcp_grab()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	case $previous in
	-o | --output) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
	--transport) mapfile -t COMPREPLY < <(compgen -c -- "$current") ;;
	=) mapfile -t COMPREPLY < <(compgen -W "master on backup" -- "$current") ;;
	--minutes | --snaplen | -i | --interface) ;;
	*)
		if [[ $current == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "-o --output --minutes -i --interface --snaplen --transport -q --quiet -h --help
				--version" -- "$current")
		else
			mapfile -t COMPREPLY < <(compgen -A hostname -P root@ -- "${current#root@}")
		fi
		;;
	esac
}
complete -F _mptcp_grab mptcp-grab
