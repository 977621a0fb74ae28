# shellcheck shell=bash disable=SC2016,SC2154 # for another shell to expand; set where it is read in
# For docker/release.sh: the binary for aarch64 under qemu's user-mode emulation, on a machine that is none.
#
# qemu-aarch64-static passes system calls on, but knows no namespaces in clone(2) (EINVAL), and not all of prctl(2)
# (PR_SET_CHILD_SUBREAPER: EINVAL). So a native pidone makes the namespace, and the one under test is PID 1 in it. What cannot be
# seen so: isolated, bare, child subreaper, enter, probe; why a command does not run, which init learns through memory that it
# shares with the child, and qemu makes a plain fork of that; what the workload inherits, for closed stdio, the signal mask, the
# environment's order and alarms are first of all qemu's own; and real-time signals by number, for qemu renumbers them.

# The tests that hold there, of the whole suite.
readonly EMULATED_TESTS='
    exit_status::all_256_codes_come_through_in_every_place
    exit_status::dying_like_the_workload_leaves_no_core_file
    exit_status::wrong_usage_is_125
    footprint::an_idle_pidone_does_not_wake_up
    footprint::b33_an_inherited_pipe_ends_when_only_pidone_could_hold_it
    footprint::b35_outer_and_init_work_in_the_root_directory
    footprint::pidone_keeps_stdio_and_one_pipe_open_and_nothing_lands_on_stdio
    on_exit::a_chain_that_is_always_somebody_elses_child_does_not_get_away
    on_exit::a_stop_during_wait_is_enforced_too
    on_exit::nobody_is_left_when_the_workload_is_gone
    on_exit::whose_first_thread_has_ended_is_found_too
    on_exit::with_term_the_stubborn_are_killed_and_named
    on_exit::with_term_they_are_told_and_may_take_their_time
    on_exit::with_wait_the_last_one_ends_it_and_signals_reach_all
    reaping::a_workload_that_ends_at_once_is_not_missed
    reaping::b1_forty_deaths_in_the_instant_of_the_workloads_own_do_not_hide_it
    reaping::orphans_are_adopted_and_leave_no_zombies
    signals::a_full_queue_delays_but_loses_nothing_and_standard_signals_pass
    signals::a_signal_at_any_instant_of_the_start_is_not_lost
    signals::a_signal_for_the_process_group_during_the_start_arrives_once
    signals::by_default_only_the_workload_is_signalled
    signals::three_thousand_queued_signals_keep_count_order_and_value
    signals::with_group_the_whole_process_group_is_signalled
    stopping::a_second_stop_ends_the_wait_and_nothing_is_lost_or_doubled
    stopping::a_stop_is_held_back_and_other_signals_pass_meanwhile
    stopping::b43_the_end_of_a_thread_is_no_death
    stopping::stop_all_reaches_every_process_and_other_signals_the_workload_alone
    stopping::the_clock_starts_with_a_rewritten_stop_and_not_with_one_that_is_dropped_or_any_other_signal
    stopping::what_needs_an_init_or_a_command_is_refused_without
    stopping::what_outlives_a_stop_signal_is_killed_and_named
    stopping::who_heeds_in_time_is_left_alone
    transparency::arguments_are_bytes_and_argv0_is_the_word_that_was_typed
    transparency::with_all_of_stdio_closed_the_workload_still_runs_as_it_would
'

# BINARY NATIVE QUICK
try_emulated() {
    local binary native
    binary=$(realpath "$1") native=$(realpath "$2")
    if ! command -v qemu-aarch64-static >/dev/null; then
        echo 'NOT TRIED: no qemu-aarch64-static (Debian: qemu-user-static)'
        return
    fi
    local emulated=(qemu-aarch64-static "$binary") around=(--as-pid1)
    if (($(id -u) != 0)); then around+=(--map-root); fi
    is "pidone $version" "$("${emulated[@]}" --version)"
    is "$("$native" --help)" "$("${emulated[@]}" --help)"
    # In place as PID 1: it reaps, forwards, and ends as the workload did.
    is '1 7' "$("$native" "${around[@]}" -- "${emulated[@]}" -- sh -c '(true &); echo $PPID; exit 7' && true; echo $?)"
    is 143 "$("$native" "${around[@]}" -- "${emulated[@]}" -- sh -c 'kill -TERM $$' && true; echo $?)"
    is hup "$("$native" "${around[@]}" -- "${emulated[@]}" -- sh -c 'trap "echo hup" HUP; kill -HUP 1; sleep 0.3')"
    echo 'as PID 1 it starts, reaps, forwards and ends as it should'
    if [[ ! $3 ]]; then emulated_tests "$binary" "$native"; fi
}

# WANTED GOT
is() {
    local got=${2//$'\n'/ }
    [[ $got == "${1//$'\n'/ }" ]] || give_up "under qemu-aarch64-static: wanted $1, got $2"
}

# The unit tests, all of them; and those of the suite that can hold.
emulated_tests() {
    local suite wrapper=$tmp/emulated-pidone
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=aarch64-linux-gnu-gcc \
        CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER=qemu-aarch64-static \
        cargo test --quiet --release --locked --lib --target aarch64-unknown-linux-musl
    suite=$(cargo test --release --locked --no-run --message-format=json 2>/dev/null |
        grep 'tests/main\.rs' | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
    printf '#!/bin/sh\nexec qemu-aarch64-static -0 "$0" %s "$@"\n' "$binary" >"$wrapper"
    chmod 755 "$wrapper" "$tmp"
    # shellcheck disable=SC2086 # a list of words
    PIDONE_OUTER=$native PIDONE_BIN=$wrapper "$suite" --exact $EMULATED_TESTS
}
