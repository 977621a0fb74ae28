#!/bin/sh
# Where pidone has been installed, by one of README's ways: whether who is named finds what is his, in the state in which a
# distribution brings him, and with nobody's settings.
#
#     installed.sh bash|zsh|fish|man...
set -eu
unset XDG_DATA_DIRS XDG_DATA_HOME XDG_CONFIG_HOME MANPATH FPATH BASH_COMPLETION_USER_DIR

# shellcheck disable=SC2016 # for zsh to expand
answer() {
    case $1 in
        bash) bash --norc -c '. /usr/share/bash-completion/bash_completion
            _comp_load pidone || _completion_loader pidone
            complete -p pidone' 2>/dev/null ;;
        zsh) zsh -f -c 'autoload -U compinit; compinit -D -u; print -r -- $_comps[pidone]' ;;
        fish) fish -c "complete -C 'pidone --rewr'" | cut -f 1 ;;
        man) man -w pidone 2>/dev/null | sed 's|.*/\(pidone\.1\)\(\.gz\)\{0,1\}$|\1|' ;;
    esac
}

status=0
for who; do
    case $who in
        bash) wanted='complete -F _pidone pidone' ;;
        zsh) wanted=_pidone ;;
        fish) wanted=--rewrite ;;
        man) wanted=pidone.1 ;;
        *) echo "usage: $0 bash|zsh|fish|man..." >&2 && exit 2 ;;
    esac
    got=$(answer "$who") || true
    if [ "$got" != "$wanted" ]; then
        echo "$who does not find what is installed for it: it says \"$got\""
        status=1
    fi
done
exit $status
