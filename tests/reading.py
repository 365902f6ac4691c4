"""A child's reading of a file done in this process, which is quicker and runs the same code.

Belongs here: that stand-in for `sandbox.run`. Not here: any expectation; the child itself is tested in test_sandbox.
"""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from engagement_stats import sandbox
from engagement_stats.readers import worker


def here(
    module: str,
    job: Mapping[str, Any],
    data: BinaryIO,
    *,
    where: str,
    limits: sandbox.Limits,
    files: Sequence[int] = (),
) -> dict[str, Any]:
    """Do the child's job, with what passes between the two passing as JSON."""
    assert module == "engagement_stats.readers.worker"
    answer = io.StringIO()
    worker.main(json.loads(json.dumps(job)), answer, data)
    found: dict[str, Any] = json.loads(answer.getvalue())
    return found
