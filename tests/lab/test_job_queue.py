"""Who gets which job, and what becomes of those that a board could not do."""

import threading

from edgebottle.bench.job_queue import JobQueue
from edgebottle.bench.jobs_file import Job
from hil.bench.results import Attempt
from tests.waiting import wait_until

LOST = Attempt("boot", "one: silent", "another board")


def queue(**candidates: set[str]) -> JobQueue:
    return JobQueue({key: Job(key, key, "any") for key in candidates}, candidates)


def test_in_the_order_of_the_file() -> None:
    jobs = queue(a={"two"}, b={"one", "two"}, c={"one"})
    taken = [jobs.take(name) for name in ("one", "two", "one")]
    assert [one.job.model for one in taken if one] == ["b", "a", "c"]
    for one in taken:
        assert one is not None
        jobs.finish(one)
    assert jobs.take("one") is None and jobs.take("two") is None


def test_what_one_could_not_do_another_does() -> None:
    jobs = queue(a={"one", "two"})
    first = jobs.take("one")
    got = []
    thread = threading.Thread(target=lambda: got.append(jobs.take("two")))
    thread.start()  # it waits: the job may come back
    assert first is not None and jobs.give_back(first, "one", [LOST])
    thread.join()
    (second,) = got
    assert second is not None and second.job.model == "a" and second.failures == [LOST]
    assert jobs.take("one") is None  # it has had its turn
    assert not jobs.give_back(second, "two", [LOST])  # nobody is left
    jobs.finish(second)


def test_who_is_given_up_gets_nothing() -> None:
    jobs = queue(a={"one"}, b={"one", "two"}, c={"one"}, d={"one", "two"})
    mine = jobs.take("one")
    assert mine is not None and mine.job.model == "a"
    left = jobs.give_up("one")
    assert [one.job.model for one in left] == ["c"] and jobs.take("one") is None
    assert not jobs.give_back(mine, "one", [])
    rest = [jobs.take("two"), jobs.take("two")]
    assert [one.job.model for one in rest if one] == ["b", "d"]


def test_stopping_wakes_who_waits() -> None:
    jobs = queue(a={"one", "two"})
    assert jobs.take("one") is not None
    thread = threading.Thread(target=jobs.take, args=("two",))
    thread.start()
    jobs.stop()
    wait_until(lambda: not thread.is_alive(), "nobody waits")
