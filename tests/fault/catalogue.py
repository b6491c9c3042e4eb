"""All faults: (function, rounds of the fast run, 0: only in the soak). tests/fault/test_faults.py runs a few rounds of
each, tests/soak/run runs them for as long, or as often, as it is told."""
import calls
import clocks
import crashes
import crowds
import disks
import network
import partners
import stories

FAULTS = [
    (crashes.kill_receiver, 6), (crashes.kill_sender, 4), (crashes.kill_both, 1), (crashes.terminate_receiver, 2),
    (crashes.little_memory, 0),
    (disks.power_cut_receiver, 4), (disks.power_cut_sender, 3), (disks.power_cut_after_failed_sync, 2),
    (disks.disk_full, 2), (disks.no_names_left, 1), (disks.damaged_store, 8),
    (calls.no_space, 3), (calls.failed_sync, 3), (calls.failed_write, 3), (calls.failed_read, 3),
    (calls.interrupted_calls, 3), (calls.interrupted_sync, 2), (calls.slow_disk, 1), (calls.killed_at_a_call, 8),
    (calls.sender_killed_at_a_call, 4), (calls.sender_disk_fails, 4),
    (network.bad_wire, 4), (network.half_open, 1), (network.partition, 2), (network.packet_loss, 1),
    (network.crawling_line, 0),
    (partners.frozen_partner, 1), (partners.lying_partner, 3), (partners.greedy_partner, 1),
    (partners.refusing_partner, 1), (partners.redirecting_partner, 1), (partners.consent_withdrawn, 1),
    (partners.returning_partner, 0),
    (crowds.no_descriptors_left, 2), (crowds.crowd, 1), (crowds.idle_connections, 1), (crowds.parallel_copies, 2),
    (clocks.jumping_clock, 2),
    (stories.demo_under_kills, 0), (stories.steady_load, 0),
]

# What a soak of ten minutes or more makes at least so often.
LEAST = {crashes.kill_receiver: 200, crashes.kill_sender: 200, disks.power_cut_receiver: 100,
         disks.power_cut_sender: 100, calls.killed_at_a_call: 160, crowds.parallel_copies: 20}
