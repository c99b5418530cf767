"""Keras for the tests of training."""

import importlib.util
import os
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def keras() -> Iterator[Any]:
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("needs TensorFlow: pip install 'edgebottle[train]'")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    from edgebottle.training import start_keras

    start_keras()
    import keras
    import tensorflow

    keras.utils.set_random_seed(0)
    tensorflow.config.run_functions_eagerly(True)  # to trace takes longer than to run so little
    yield keras
    tensorflow.config.run_functions_eagerly(False)
