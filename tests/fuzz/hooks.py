"""What schemathesis is told beside the OpenAPI document: `FUZZ_KNOWN` names things that exist.

Without it nearly every request would ask for a merchant nobody knows. A path that is meant to be
wrong stays as it is.
"""

import json
import os
from typing import Any

import schemathesis
from schemathesis.core.parameters import ParameterLocation

KNOWN: dict[str, str] = json.loads(os.environ["FUZZ_KNOWN"])


@schemathesis.hook
def before_call(_context: Any, case: Any, _arguments: Any) -> None:
    """Put what exists into the path of a request whose path is meant to be right."""
    path = case.meta.components.get(ParameterLocation.PATH) if case.meta is not None else None
    if path is None or not path.mode.is_negative:
        case.path_parameters.update(
            {name: KNOWN[name] for name in case.path_parameters if name in KNOWN}
        )
