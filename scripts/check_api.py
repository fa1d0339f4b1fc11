"""What `check-api.sh` lets Schemathesis send beyond what it thinks of itself: recordings, whole and damaged.

`RECORDING` in the environment names a WAV file.
"""

import os
from pathlib import Path

import schemathesis
from hypothesis import strategies as st
from schemathesis.core.failures import AcceptedNegativeData

WHOLE = Path(os.environ["RECORDING"]).read_bytes()


@st.composite
def damaged(draw) -> bytes:
    """The recording with some bytes replaced, most of them in its head, or cut off."""
    head = draw(st.booleans())
    start = draw(st.integers(0, 60 if head else len(WHOLE)))
    patch = draw(st.binary(max_size=8))
    end = draw(st.sampled_from([len(WHOLE), len(WHOLE) // 2, 44, 20]))
    return (WHOLE[:start] + patch + WHOLE[start + len(patch) :])[:end]


recordings = st.one_of(st.just(WHOLE), damaged(), st.binary(max_size=64))
# As a body, and as a file of a form.
schemathesis.openapi.media_type("application/octet-stream", recordings)
schemathesis.openapi.format("binary", recordings)


@schemathesis.hook
def before_call(context, case, kwargs) -> None:
    """Trainings are short: who listens to one's events listens until it is over."""
    query = case.query
    if case.path.startswith("/train") and isinstance(query, dict):
        epochs = query.get("num_epoch", 2)
        if isinstance(epochs, int) and epochs >= 1:
            query["num_epoch"] = min(epochs, 2)


@schemathesis.hook
def filter_failure(context, failure, case, response) -> bool:
    """In a form, one file is the same as a list of one, so that accepting it is no fault."""
    accepted = isinstance(failure, AcceptedNegativeData)
    return not (accepted and case.operation.path == "/v1/predict/batch" and "/properties/file (was array" in str(failure))
