"""TF_CONFIG: which workers train together, and which of them this process is."""

import json

import pytest

from facevae.errors import UserError
from facevae.training.many_workers.cluster import Cluster, find_cluster

TWO = {"worker": ["a:1", "b:2"]}


def set_config(monkeypatch, cluster, kind="worker", index=0):
    content = {"cluster": cluster, "task": {"type": kind, "index": index}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(content))


@pytest.mark.parametrize("strategy", ["auto", "none", "mirrored"])
def test_without_tf_config_a_process_trains_alone(monkeypatch, strategy):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert find_cluster(strategy) is None


def test_multi_worker_without_tf_config_is_told_what_to_set(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(
        UserError, match=r"needs the environment variable TF_CONFIG .* For worker 0 of two: TF_CONFIG="
    ):
        find_cluster("multi_worker")


def test_workers_and_a_chief_before_them(monkeypatch):
    set_config(monkeypatch, TWO, index=1)
    assert find_cluster() == Cluster(("a:1", "b:2"), 1)
    assert str(find_cluster("multi_worker")) == "worker 1 of 2 (b:2)"
    set_config(monkeypatch, {**TWO, "chief": ["c:3"]}, index=1)
    assert find_cluster() == Cluster(("c:3", "a:1", "b:2"), 2)
    set_config(monkeypatch, {**TWO, "chief": ["c:3"]}, "chief")
    assert find_cluster().index == 0


def test_task_index_as_text_is_understood(monkeypatch):
    set_config(monkeypatch, TWO, index="1")  # as Vertex AI writes it
    assert find_cluster().index == 1


@pytest.mark.parametrize("strategy", ["none", "mirrored"])
def test_other_strategies_ignore_tf_config(monkeypatch, strategy):
    set_config(monkeypatch, TWO)
    assert find_cluster(strategy) is None


@pytest.mark.parametrize("cluster", [{}, {"worker": ["a:1"]}])
def test_a_single_machine_that_sets_tf_config_trains_alone(monkeypatch, cluster):
    set_config(monkeypatch, cluster)
    assert find_cluster() is None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"cluster": {"worker": ["a:1", "b:2"]}}',
        '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "evaluator", "index": 0}}',
        '{"cluster": {"worker": ["a:1"], "ps": ["b:2"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {}}',
    ],
)
def test_a_malformed_tf_config_is_shown_with_an_example(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match=r"TF_CONFIG: expected a list of workers .* For worker 0 of two"):
        find_cluster("multi_worker")
