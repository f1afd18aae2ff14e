"""What a system of this kind learned the hard way, and where each lesson is tested here.

A lesson is a rule in a sentence, with the tests that hold it: `folder/file::test`, the leading `tests/` and `test_`
and the ending left out of the file. One that cannot apply to this system says why.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Lesson:
    """A rule, and the tests that hold it; or why there is nothing to hold."""

    rule: str
    tests: tuple[str, ...] = ()
    why_not: str = ""


def held(rule: str, *tests: str) -> Lesson:
    """A lesson that these tests hold."""
    return Lesson(rule, tests)


def moot(rule: str, why_not: str) -> Lesson:
    """A lesson about something that is not made that way here."""
    return Lesson(rule, (), why_not)


LESSONS = {
    1: held(
        "Counts of what runs are made by the transaction that changes it",
        "integration/progress::test_counts_are_those_of_the_executions_at_every_moment",
    ),
    2: moot(
        "Whoever dispatches does not load what executes",
        "One worker process does both; it is loaded once, before it takes its first message.",
    ),
    3: moot("Animations do not keep a timer a cell", "The page has no typewriter; a value is put in place as it is."),
    4: held(
        "What an edit starts is shown, and can be stopped, at once",
        "integration/automatic_runs::test_a_stop_right_after_an_edit_lets_nothing_start",
    ),
    5: held(
        "An incomplete run leaves a completed cell alone though its output is blank",
        "sim/engine::test_an_incomplete_run_leaves_a_completed_cell_alone_though_its_output_is_blank",
    ),
    6: held(
        "A completed sibling's value is never lost to a run of the cell beside it",
        "sim/engine::test_a_completed_siblings_value_is_never_lost",
    ),
    7: held(
        "One count, made by the server, for badge and reload",
        "integration/progress::test_the_run_state_says_what_is_in_flight_by_row",
        "unit/grid_faces::test_the_chip_tells_how_far_the_runs_are",
    ),
    8: held(
        "What is told not to run by itself opens no run",
        "integration/automatic_runs::test_nothing_runs_by_itself_unless_it_was_told_to",
    ),
    9: held(
        "A cell whose row was busy is not stranded",
        "races/engine_races::test_a_row_that_is_being_claimed_is_passed_by",
        "laws/laws::test_the_laws_hold_whatever_is_done",
    ),
    10: held(
        "Going on in a row meets each group once, also one that stays blank",
        "integration/cascade::test_a_group_runs_at_most_once_in_a_dispatch",
        "sim/engine::test_groups_that_stay_blank_run_once_each_in_a_run",
    ),
    11: held(
        "Rows in which nothing could run do not use up a limit",
        "integration/engine::test_a_limit_counts_rows_that_were_eligible",
    ),
    12: held(
        "What is shown as queued is what the run would run",
        "integration/effective::test_only_what_the_dispatch_would_run_shows_pending",
    ),
    13: held(
        "Nothing stays queued that nobody will come to",
        "integration/cascade::test_nothing_is_left_in_flight_outside_an_open_window",
        "integration/sweep::test_stamps_in_rows_that_were_deleted_end_as_cancelled",
    ),
    14: held(
        "A late worker does not raise a cancelled cell",
        "integration/lifecycle::test_a_late_finish_is_fenced_after",
        "races/engine_races::test_a_cell_that_is_being_cancelled_is_not_finished",
    ),
    15: held(
        "Stop cancels paused cells, and none of them goes on",
        "integration/resume::test_a_cell_that_was_stopped_does_not_go_on",
        "integration/pauses::test_stop_cancels_a_paused_cell_and_withdraws_its_question",
    ),
    16: held(
        "Unticking a checkbox runs nothing, and takes nothing away",
        "integration/automatic_runs::test_unticking_a_checkbox_runs_nothing_and_ticking_it_again_neither",
    ),
    17: held(
        "A bound that is reached halts the run once, and marks no cell",
        "integration/caps::test_a_run_pauses_at_a_number_of_errors_and_exceeds_it_by_what_was_in_flight_at_most",
        "integration/pausing::test_what_runs_ends_and_nothing_else_starts_until_the_run_is_resumed",
    ),
    18: held(
        "A cell that is told to slow down waits and tries again, without holding a slot for long",
        "integration/http_step::test_a_429_is_tried_again_after_what_it_asks",
        "unit/run::test_a_retry_that_is_long_to_come_pauses_the_run",
    ),
    19: held(
        "A run is seen from the moment it was asked for",
        "integration/effective::test_cells_ahead_of_the_cursor_show_pending_and_those_behind_what_they_are",
    ),
    20: held(
        "Changes of the columns at the same time lose nothing of each other",
        "integration/versions::test_changes_at_the_same_time_come_one_after_the_other",
        "integration/schema_under_way::test_columns_reordered_under_way_disturb_no_cell",
    ),
    21: held(
        "What a write starts sees the rows that it wrote",
        "races/run_races::test_what_is_written_beside_a_gathering_is_gathered_by_the_next",
    ),
    22: held(
        "A value that does not fit its column is null with a note, not a failure",
        "integration/binding::test_what_cannot_be_of_the_type_is_null_with_a_note",
    ),
    23: held(
        "An error says its cause",
        "integration/effective::test_an_error_says_what_it_was",
        "integration/draw::test_a_result_that_cannot_be_stored_fails_its_own_cell_only",
    ),
    24: held(
        "Each group of a run has its own workflow's version",
        "sim/engine::test_each_group_runs_its_own_workflows_version",
    ),
    25: held(
        "Rows go between others and nobody moves",
        "integration/rows::test_a_thousand_inserts_into_the_same_gap_stay_ordered",
    ),
    26: held("A rename touches no row", "integration/columns::test_a_rename_keeps_the_key_and_the_values"),
    27: held(
        "An insert disturbs nothing else that is shown",
        "integration/tables_pages::test_a_cursor_is_stable_while_rows_come_and_go",
    ),
    28: held(
        "A scope is a filter and exclusions, never a list of all rows",
        "api/dispatches::test_starting_a_dispatch_takes_the_same_queries_for_5_rows_and_for_500",
        "integration/stops::test_a_stop_ends_what_it_names_and_nothing_else",
    ),
    29: held(
        "Hot questions are answered by an index",
        "integration/pick::test_what_is_picked_of_a_big_table_is_found_by_an_index_and_not_by_a_walk",
        "integration/resume::test_what_is_due_is_found_by_its_index",
    ),
    30: held(
        "Stopping what a filter names touches nothing outside it",
        "integration/stops::test_a_stop_ends_what_it_names_and_nothing_else",
    ),
    31: held(
        "Big jobs run in the background, a committed batch at a time, under a fence",
        "integration/imports_load::test_a_load_that_died_goes_on_after_its_last_batch_and_no_line_lands_twice",
        "integration/imports_load::test_a_stale_fence_writes_nothing",
    ),
    32: held(
        "Locks are taken in one order",
        "races/engine_races::test_a_cancel_waits_for_a_claim_and_takes_it_away",
        "races/engine_races::test_two_claims_at_once_never_take_two_groups_of_one_row",
    ),
    33: moot(
        "A bound on rows is looked up when rows are written", "There are no plans, and no bound on a table's rows."
    ),
    34: held(
        "A run can be stopped from the moment it was asked for",
        "races/engine_races::test_a_cancel_waits_for_a_begin_and_stops_it",
    ),
    35: held(
        "A page never lets an old answer cover a newer one",
        "browser/grid_modules::test_what_is_written_hides_older_answers_until_the_server_has_it",
    ),
    36: held(
        "Two runs at once do not double what a group may do at once",
        "integration/fairness::test_a_groups_concurrency_holds_over_runs_and_workers",
    ),
    37: held(
        "Nobody binds a workflow that is not theirs",
        "integration/binding::test_a_workflow_of_somebody_else_is_not_there",
    ),
    38: held(
        "What a cell writes is merged, so that no edit beside it is lost",
        "races/edit_races::test_a_finish_beside_an_edit_of_another_column_keeps_both",
    ),
    39: held(
        "What others write is seen, and an open editor stays",
        "browser/editing::test_an_edit_belongs_to_its_row_and_column_wherever_they_go",
    ),
    40: held(
        "A stop reaches one cell's call and no other; an attempt does not outlive its step's time",
        "integration/stops_cut::test_a_stop_of_one_cell_closes_its_call_and_no_other",
        "unit/run::test_a_step_is_stopped_at_its_timeout",
    ),
    41: held(
        "A row that is deleted while it runs is nobody's error",
        "integration/engine::test_a_row_deleted_while_it_runs_ends_with_the_others",
    ),
    42: held(
        "What runs by itself is begun in one place, once", "races/edit_races::test_two_gathers_at_once_begin_one_run"
    ),
    43: held("Paging ends by its cursor", "integration/tables_pages::test_the_last_page_has_no_cursor"),
    44: held(
        "News of an older attempt never covers a newer one",
        "integration/lifecycle::test_a_late_finish_is_fenced_after_another_claim",
    ),
    45: held(
        "What is shown is what was stored", "integration/binding::test_outputs_become_values_of_the_columns_types"
    ),
    46: held(
        "Bodies and cursors are strict",
        "api/errors::test_no_bad_body_gets_past_any_address",
        "integration/tables_pages::test_a_cursor_of_another_table_is_refused",
    ),
    47: held(
        "Whatever the number, as many statements",
        "integration/rows::test_inserting_a_thousand_rows_costs_as_many_statements_as_one",
        "api/rows::test_the_list_of_rows_takes_the_same_queries_for_3_and_for_100",
    ),
}

WEAKNESSES = {
    1: held("A slow cell holds one slot, never a window", "sim/engine::test_a_slow_cell_holds_one_slot_and_no_window"),
    2: held(
        "A dead worker's cells are taken back, and its run ends",
        "faults/engine_faults::test_a_run_outlives_all_its_workers",
        "integration/sweep::test_only_a_lost_workers_cells_are_taken_back",
    ),
    3: held(
        "A run of one column leaves the runs of the others alone",
        "integration/stops::test_a_run_of_one_column_takes_over_nothing_of_another",
    ),
    4: held(
        "A run never bars itself from what it takes over, also with a limit or a filter",
        "sim/engine::test_a_run_is_not_barred_from_what_it_takes_over",
    ),
    5: held(
        "Stopping one cell leaves the others of its row in the run",
        "sim/engine::test_stopping_one_cell_of_a_row_ahead_leaves_the_others_of_the_row",
    ),
    6: held(
        "Two columns that run by themselves and end blank run once each",
        "integration/automatic_runs::test_two_automatic_columns_that_both_end_blank_run_once_each",
    ),
    7: held(
        "What reads another runs after it, also where neither runs by itself",
        "integration/engine::test_a_group_that_reads_another_runs_after_it_in_the_same_dispatch",
        "laws/found::test_a_reader_of_a_cell_that_paused_while_its_run_was_paused_does_not_come_before_it",
    ),
    8: held(
        "Rows run in the order in which they are seen; one inserted ahead comes in its place",
        "sim/engine::test_a_row_inserted_ahead_of_the_cursor_runs_in_its_place",
        "integration/pick::test_rows_come_in_the_visible_order_after_the_cursor",
    ),
    9: held(
        "No write overwrites a stop, and what was admitted is not admitted again",
        "integration/dispatch_states::test_a_verb_is_won_from_the_states_that_the_picture_shows_and_from_no_other",
        "integration/windows::test_a_window_and_the_cursor_say_the_same",
        "races/engine_races::test_a_message_that_came_twice_makes_one_link",
    ),
    10: held(
        "A click goes before a big run, and an edit that nobody reads starts nothing",
        "integration/fairness::test_a_click_ends_while_every_thread_for_big_runs_is_taken",
        "integration/automatic_runs::test_an_edit_of_a_column_that_nobody_reads_starts_nothing",
    ),
    11: moot("Events are gathered, and carry no scope", "Nothing is pushed to pages yet: they ask for what changed."),
    12: held(
        "The fence decides, and no lease in another store",
        "integration/lifecycle::test_a_wrong_fence_writes_nothing",
        "faults/engine_faults::test_a_worker_that_was_frozen_past_its_lease_writes_nothing_when_it_wakes",
    ),
    13: held(
        "Running or stopping many rows is one request of a fixed cost",
        "api/dispatches::test_starting_a_dispatch_takes_the_same_queries_for_5_rows_and_for_500",
        "sim/engine::test_stopping_many_rows_takes_as_many_statements_as_stopping_few",
    ),
    14: held(
        "A step that fails makes its cell fail",
        "integration/engine::test_one_failing_cell_stops_no_other",
        "integration/llm_step::test_a_refusal_is_an_error",
    ),
    15: held(
        "An edit is compared first, and reaches all that follows, however it was written",
        "integration/automatic_runs::test_a_value_over_an_equal_one_starts_nothing",
        "integration/automatic_runs::test_an_upsert_runs_what_it_made_and_what_it_changed_once",
        "integration/automatic_runs::test_an_import_of_any_size_is_one_run",
        "unit/types::test_empty_and_met_are_told_apart",
    ),
    16: held(
        "What lies outside the filter, the exclusions or the limit is not shown as queued",
        "integration/effective::test_excluded_rows_and_groups_do_not_show_pending",
        "integration/effective::test_nothing_beyond_the_limit_shows_pending",
    ),
    17: held(
        "A run has counts, can be paused, its failed cells run again, and what is stale is marked",
        "integration/progress::test_counts_are_those_of_the_executions_at_every_moment",
        "integration/pausing::test_what_runs_ends_and_nothing_else_starts_until_the_run_is_resumed",
        "integration/stale::test_only_the_cell_whose_input_was_edited_is_stale_and_only_it_runs",
    ),
    18: held("The engine is tested against a real database", "laws/laws::test_the_laws_hold_whatever_is_done"),
}
