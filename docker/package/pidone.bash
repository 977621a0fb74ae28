# Completion of pidone(1) for bash.
# Made from src/cli/options.rs by src/cli/generate/; see README, "Man page and completions".

_pidone_verbs='run enter inspect probe release install-names'
_pidone_signals='HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMIN+1 RTMIN+2 RTMIN+3 RTMIN+4 RTMIN+5 RTMIN+6 RTMIN+7 RTMIN+8 RTMIN+9 RTMIN+10 RTMIN+11 RTMIN+12 RTMIN+13 RTMIN+14 RTMIN+15 RTMAX-14 RTMAX-13 RTMAX-12 RTMAX-11 RTMAX-10 RTMAX-9 RTMAX-8 RTMAX-7 RTMAX-6 RTMAX-5 RTMAX-4 RTMAX-3 RTMAX-2 RTMAX-1 RTMAX'
_pidone_capabilities='chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore'
_pidone_kinds='user pid mnt uts ipc net cgroup time'
_pidone_resources='as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'

# The options of a verb.
_pidone_options() {
    case $1 in
        run) echo '--in-place --isolate --as-pid1 --pause --uts --ipc --net --user --cgroup --time --all --hostname --domainname --monotonic --boottime --map-root --map-current --map-users --map-groups --map-auto --proc --propagation --persist --no-die-with-parent --rootfs --bind --ro-bind --tmpfs --dev --proc-at --mask --read-only -g --group --new-session --rewrite --ignore --pdeathsig --map-exit --stop-timeout --stop-delay --stop-all --on-exit --uid --gid --groups --no-new-privs --drop-caps --keep-caps --umask --workdir --env --unset-env --clear-env --argv0 --nice --rlimit --oom-score-adj -v --verbose --trace --trace-format -h --help --version' ;;
        enter) echo '--no-die-with-parent -g --group --new-session --rewrite --ignore --pdeathsig --map-exit --stop-timeout --stop-delay --uid --gid --groups --no-new-privs --drop-caps --keep-caps --umask --workdir --env --unset-env --clear-env --argv0 --nice --rlimit --oom-score-adj --ns --only -v --verbose --trace --trace-format -h --help --version' ;;
        inspect) echo '--json --tree --watch -h --help' ;;
        probe) echo '--uts --ipc --net --user --cgroup --time --all --hostname --domainname --monotonic --boottime --map-root --map-current --map-users --map-groups --map-auto --proc --propagation --rootfs --bind --ro-bind --tmpfs --dev --proc-at --mask --read-only -g --group --new-session --rewrite --ignore --stop-timeout --stop-delay --stop-all --on-exit --uid --gid --groups --no-new-privs --drop-caps --keep-caps --umask --workdir --env --unset-env --clear-env --argv0 --nice --rlimit --oom-score-adj --signals --settle --ready-file --ready-regex --ready-timeout --wait --json -v --verbose --trace --trace-format -h --help --version' ;;
        release) echo '-h --help' ;;
        install-names) echo '-h --help' ;;
    esac
}

# Whether the word after this option is its value.
_pidone_takes_value() {
    case $1 in
        --hostname|--domainname|--monotonic|--boottime|--map-users|--map-groups|--proc|--propagation|--persist|--rootfs|--bind|--ro-bind|--tmpfs|--dev|--proc-at|--mask|--rewrite|--ignore|--pdeathsig|--map-exit|--stop-timeout|--stop-delay|--on-exit|--uid|--gid|--groups|--drop-caps|--keep-caps|--umask|--workdir|--env|--unset-env|--argv0|--nice|--rlimit|--oom-score-adj|--ns|--only|--signals|--settle|--ready-file|--ready-regex|--ready-timeout|--wait|--trace-format) return 0 ;;
    esac
    return 1
}

# No space after what is completed: there is more to come.
_pidone_goes_on() {
    compopt -o nospace 2>/dev/null
}

# WORDS BEGINNING [COMPGEN-OPTION...]
_pidone_words() {
    mapfile -t COMPREPLY < <(compgen "${@:3}" -W "$1" -- "$2")
}

# -d|-f BEGINNING
_pidone_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

# SRC:DST
_pidone_file_pair() {
    if [[ $1 != *:* ]]; then _pidone_files -f "$1" && return; fi
    _pidone_files -f "${1##*:}"
    COMPREPLY=("${COMPREPLY[@]/#/"${1%:*}:"}")
}

# What can be run: no keyword, function, alias or builtin, and of two programs of one name the first. Or the path of one.
_pidone_commands() {
    local name
    if [[ $1 == */* ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -c -- "$1" | sort -u)
        return
    fi
    while IFS= read -r name; do
        if type -P -- "$name" >/dev/null; then COMPREPLY+=("$name"); fi
    done < <(compgen -c -- "$1" | sort -u)
}

# ALONE WORDS BEGINNING: words with commas between them, or one of those that stand alone.
_pidone_list() {
    if [[ $3 == *,* ]]; then
        _pidone_words "$2" "${3##*,}" -P "${3%,*},"
    else
        _pidone_words "$1 $2" "$3"
    fi
}

# BEGINNING [BEFORE [AFTER]]: a name with SIG or without.
_pidone_signal() {
    local prefix=
    if [[ $1 == SIG* ]]; then prefix=SIG; fi
    _pidone_words "$_pidone_signals" "${1#SIG}" -P "${2-}$prefix" -S "${3-}"
}

# FROM:TO
_pidone_signal_pair() {
    if [[ $1 == *:* ]]; then
        _pidone_signal "${1#*:}" "${1%%:*}:"
        if [[ $1 == *: ]]; then COMPREPLY+=("${1}0"); fi
    else
        _pidone_signal "$1" '' :
        _pidone_goes_on
    fi
}

# USER[:GROUP]
_pidone_user_and_group() {
    if [[ $1 == *:* ]]; then
        _pidone_words "$(compgen -g)" "${1#*:}" -P "${1%%:*}:"
    else
        _pidone_words "$(compgen -u)" "$1"
    fi
}

# NAMES BEGINNING: NAME=
_pidone_name_and_value() {
    if [[ $2 == *=* ]]; then return; fi
    _pidone_words "$1" "$2" -S =
    _pidone_goes_on
}

# OPTION BEGINNING
_pidone_value() {
    case $1 in
        --proc) _pidone_words 'fresh bind none' "$2" ;;
        --propagation) _pidone_words 'private slave shared unchanged' "$2" ;;
        --persist | --rootfs | --workdir) _pidone_files -d "$2" ;;
        --bind | --ro-bind) _pidone_file_pair "$2" ;;
        --mask | --ns | --ready-file | --trace) _pidone_files -f "$2" ;;
        --rewrite) _pidone_signal_pair "$2" ;;
        --ignore | --pdeathsig) _pidone_signal "$2" ;;
        --on-exit) _pidone_words 'kill term wait' "$2" ;;
        --uid) _pidone_user_and_group "$2" ;;
        --gid) _pidone_words "$(compgen -g)" "$2" ;;
        --groups) _pidone_list 'none init' "$(compgen -g)" "$2" ;;
        --drop-caps) _pidone_list all "$_pidone_capabilities" "$2" ;;
        --keep-caps) _pidone_list '' "$_pidone_capabilities" "$2" ;;
        --env) _pidone_name_and_value "$(compgen -A export)" "$2" ;;
        --unset-env) _pidone_words "$(compgen -A export)" "$2" ;;
        --rlimit) _pidone_name_and_value "$_pidone_resources" "$2" ;;
        --only) _pidone_list '' "$_pidone_kinds" "$2" ;;
        --signals) _pidone_list all "$_pidone_signals" "$2" ;;
        --trace-format) _pidone_words 'json chrome' "$2" ;;
    esac
}

# The number of a process, or a directory.
_pidone_target() {
    local processes
    mapfile -t processes < <(compgen -W "$(cd /proc && echo [1-9]*)" -- "$1")
    _pidone_files -d "$1"
    COMPREPLY+=("${processes[@]}")
}

# Words as they were typed, for readline divides them at = and : too: sets words, and for each in starts the number of
# its first piece.
_pidone_typed() {
    local line=$COMP_LINE before i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        before=$line
        line=${line#"${line%%[![:blank:]]*}"}
        if ((i > 0)) && [[ $before == "$line" ]]; then
            words[-1]+=${COMP_WORDS[i]}
        else
            words+=("${COMP_WORDS[i]}")
            starts+=("$i")
        fi
        line=${line#"${COMP_WORDS[i]}"}
    done
}

# What stands before the piece that readline is going to replace.
_pidone_trim() {
    local breaks=${COMP_WORDBREAKS//[!=:]/} kept=$1
    if [[ -z $breaks || $kept != *["$breaks"]* ]]; then return; fi
    kept=${kept%"${kept##*["$breaks"]}"}
    COMPREPLY=("${COMPREPLY[@]#"$kept"}")
}

_pidone() {
    local -a words=() starts=()
    _pidone_typed
    local current=${words[-1]} last=$((${#words[@]} - 1)) verb=run at=1 pending='' place=options target='' word
    if ((last > 1)); then
        case ${words[1]} in
            run|enter|inspect|probe|release|install-names) verb=${words[1]} at=2 ;;
        esac
    fi
    COMPREPLY=()
    for (( ; at < last; at++)); do
        word=${words[at]}
        if [[ $pending ]]; then
            pending=
        elif [[ $word == -- ]]; then
            place='command' at=$((at + 1))
            break
        elif [[ $word == --ns || $word == --ns=* ]]; then
            target=none
            if [[ $word == --ns ]]; then pending=$word; fi
        elif _pidone_takes_value "$word"; then
            pending=$word
        elif [[ $word != -?* ]]; then
            case $verb in
                enter)
                    if [[ $target ]]; then place='command' && break; fi
                    target=$word
                    ;;
                run|probe) place='command' && break ;;
                inspect) target=$word ;;
                *) return ;;
            esac
        fi
    done
    if [[ $place == command && $at -lt $last ]]; then
        _pidone_rest "${starts[at]}" "$current"
        return
    elif [[ $place == command ]]; then
        _pidone_commands "$current"
    elif [[ $pending ]]; then
        _pidone_value "$pending" "$current"
    elif [[ $current == --*=* ]]; then
        _pidone_value "${current%%=*}" "${current#*=}"
        COMPREPLY=("${COMPREPLY[@]/#/"${current%%=*}="}")
    elif [[ $current == -* ]]; then
        _pidone_words "$(_pidone_options "$verb")" "$current"
    else
        case $verb in
            release|install-names) _pidone_files -d "$current" ;;
            enter) if [[ $target ]]; then
                _pidone_commands "$current"
            else
                _pidone_target "$current"
            fi ;;
            inspect) if [[ ! $target ]]; then _pidone_words "$(cd /proc && echo [1-9]*)" "$current"; fi ;;
            run|probe) _pidone_first "$last" "$current" ;;
        esac
    fi
    _pidone_trim "$current"
}

# A verb can only be the first word.
_pidone_first() {
    if (($1 == 1)); then _pidone_words "$_pidone_verbs" "$2"; fi
    _pidone_commands "$2"
}

# The command's own arguments, which its own completion knows best: FIRST CURRENT
_pidone_rest() {
    if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$1"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$1"
    else
        _pidone_files -f "$2"
    fi
}

complete -F _pidone pidone
