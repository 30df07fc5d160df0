"""What a notebook instance has and this machine lacks; IPython runs it before the first cell.

It runs in the notebook's own namespace, in the notebook's own environment, and leaves nothing
behind there but `open` and what the reader is asked to define.
"""

import io
import json
import os
import time


def _make_sleep(speed, sleep):
    def short_sleep(seconds):
        sleep(seconds / speed)

    return short_sleep


def _make_open(stand_in, opened):
    def open_elsewhere(file, *args, **kwargs):
        sagemaker = "/opt/ml/metadata/resource-metadata.json"
        return opened(stand_in if file == sagemaker else file, *args, **kwargs)

    return open_elsewhere


time.sleep = _make_sleep(float(os.environ["SAMPLE_SPEED"]), time.sleep)
# The notebook's name, not that of the module: IPython puts an `open` of its own into the namespace.
open = _make_open(os.environ["SAMPLE_METADATA"], io.open)  # noqa: A001 - it is to stand in for it
globals().update(json.loads(os.environ["SAMPLE_NAMES"]))
del io, json, os, time, _make_open, _make_sleep
