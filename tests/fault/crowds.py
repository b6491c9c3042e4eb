"""Crowds: more descriptors, connections and copies than anybody needs."""
import concurrent.futures
import contextlib
import os
import resource
import socket
import threading
import time

import load
import records
import wire
from practice import PATIENCE
from room import NotRun, Result
from traffic import receiving


def no_descriptors_left(room):
    """file descriptors run out"""
    lakeside, willow = room.make("lakeside", "willow")
    with receiving(room, willow, lakeside, workers=2, first=5) as (result, sender):
        for _ in room.rounds():
            used = len(os.listdir(f"/proc/{willow.service.pid}/fd"))
            hard = resource.prlimit(willow.service.pid, resource.RLIMIT_NOFILE)[1]
            resource.prlimit(willow.service.pid, resource.RLIMIT_NOFILE, (used + 10, hard))
            crowd = []
            for _ in range(60):
                try:
                    crowd.append(socket.create_connection(("127.0.0.1", willow.port), timeout=0.2))
                except OSError:
                    break
            room.moment(0.5)
            for line in crowd:
                line.close()
            resource.prlimit(willow.service.pid, resource.RLIMIT_NOFILE, (hard, hard))
            result.note(sender.wait_accepted(5))
            result.tried += 1
    return result


def crowd(room):
    """hundreds of silent and slow clients beside the load"""
    lakeside, willow = room.make("lakeside", "willow", handshake_deadline_ms=2000, header_deadline_ms=2000)
    with receiving(room, willow, lakeside) as (result, sender):
        for _ in room.rounds():
            silent = [socket.create_connection(("127.0.0.1", willow.port)) for _ in range(150)]
            slow = [wire.Wire(willow, lakeside) for _ in range(50)]
            for line in slow:
                line.connection.sock.sendall(b"POST /fhir/$process-message HTTP/1.1\r\nHost: x\r\n")
            result.note(sender.wait_accepted(20))
            for line in silent + slow:
                line.close()
            result.tried += 1
    assert willow.resident_kb() < 64 * 1024
    return result


def idle_connections(room):
    """10,000 idle connections beside the load"""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < room.crowd + 500:
        raise NotRun(f"a process may open {hard} descriptors only")
    lakeside, willow = room.make("lakeside", "willow", idle_deadline_ms=3600000)

    def enter(_):
        line = wire.Wire(willow, lakeside, timeout=60)
        assert line.get("/fhir/metadata").status == 200
        return line

    with receiving(room, willow, lakeside, workers=2, first=20) as (result, sender), contextlib.ExitStack() as crowd:
        before = willow.resident_kb()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            lines = [crowd.enter_context(contextlib.closing(line)) for line in pool.map(enter, range(room.crowd))]
        each = (willow.resident_kb() - before) / room.crowd
        assert each < 60 * PATIENCE, f"{each:.0f} KB a connection"
        for _ in room.rounds():
            result.note(sender.wait_accepted(20))
            for line in room.dice.sample(lines, 20):
                assert line.get("/fhir/metadata").status == 200
            result.tried += 1
        assert len(os.listdir(f"/proc/{willow.service.pid}/fd")) > room.crowd
    return result


def parallel_copies(room):
    """100 copies of one message at once on 100 connections, each second time with a kill -9 among them"""
    lakeside, willow = room.make("lakeside", "willow", loops=2)
    willow.start()
    template = records.Messages(lakeside.bundles(records.referral("R-TEMPLATE"))[0], "R-TEMPLATE", "M")
    result, numbers, is_up = Result(), [], threading.Event()
    is_up.set()

    def post(body, barrier, answers):
        line = None
        while True:
            try:
                line = line or wire.Wire(willow, lakeside, timeout=20)
                if barrier is not None:
                    barrier.wait(60)
                    barrier = None
                answer = line.post(body)
                if answer.status != 503:
                    answers.append((answer.status, answer.body))
                    line.close()
                    return
            except threading.BrokenBarrierError:
                raise
            except Exception:
                if line is not None:
                    line.close()
                line = None
                is_up.wait(30)

    for i in room.rounds():
        answers, barrier = [], threading.Barrier(101)
        threads = [threading.Thread(target=post, args=(template.message(i), barrier, answers), daemon=True)
                   for _ in range(100)]
        for thread in threads:
            thread.start()
        barrier.wait(60 * PATIENCE)
        began = time.monotonic()
        if i % 2 == 1:
            room.moment(0.1)
            is_up.clear()
            willow.kill()
            willow.start()
            is_up.set()
        for thread in threads:
            thread.join(60 * PATIENCE)
        assert len(answers) == 100, f"{len(answers)} answers"
        assert {status for status, _ in answers} == {200}, answers[:3]
        assert len({body for _, body in answers}) == 1, "equal answers"
        result.note(time.monotonic() - began)
        numbers.append(template.referral_number(i))
        result.tried += 1
    result.accepted = len(numbers)
    result.add((len(load.lost(willow, numbers)), load.doubled(willow)))
    assert len(willow.messages(direction="in")) == len(numbers), "one message row each"
    return result
